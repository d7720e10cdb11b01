"""One attempt after another to send a batch, each in its turn under the limits.

What an answer means for the batch is decided in ``channels.sender``.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import structlog

from channels.level_parts import priority_of_run
from channels.medium import Medium
from channels.metrics import MAYBE_TWICE, RETRIES
from channels.models import Delivery, Priority
from channels.outage import Outage
from channels.outbox import Claimed
from channels.responses import Accepted, Busy, Unavailable
from core.clock import Clock
from core.errors import Permanent, Retryable
from core.reason import Reason

TRIES_AT_ONCE = 3
"""Tries within one run; then the batch waits, and its place goes to another."""
BUSY_TRIES = 20
FIRST_DELAY_SECONDS = 0.2

log = structlog.get_logger(__name__)


class SendingHalted(Exception):
    """The run must not send any more: paused, stopped, expired or shutting down."""


@dataclass(eq=False)
class Sending:
    """One run while it is sent."""

    delivery: Delivery
    number: int
    halted: bool = False
    again_in: float = 0.0
    messages: dict[int, bytes] = field(default_factory=dict)
    waiting: set[asyncio.Task[None]] = field(default_factory=set)
    priority: int = field(init=False)
    """Its place in the order of sending; a lower level goes after a graver one."""

    def __post_init__(self) -> None:
        self.priority = priority_of_run(self.delivery, self.number)

    @property
    def delivery_id(self) -> int:
        assert self.delivery.id is not None
        return self.delivery.id

    @property
    def is_urgent(self) -> bool:
        """Whether it is an emergency or a correction."""
        return self.delivery.priority <= Priority.EMERGENCY

    def halt(self, again_in: float = 0.0) -> None:
        """Remove waiting requests; those that are under way still end.

        Parameters
        ----------
        again_in
            Seconds after which the run is queued again, if its delivery is still being sent.
        """
        self.halted = True
        self.again_in = again_in
        for task in self.waiting:
            task.cancel()


@dataclass
class Attempt:
    """A batch that is being sent: how often it was tried, and whether it may have been accepted."""

    batch: Claimed
    absent: bytes | None
    attempts: int = 0
    uncertain: bool = False
    error: Reason | None = None

    def __post_init__(self) -> None:
        self.attempts = self.batch.attempts
        self.uncertain = self.batch.uncertain

    def withdraw(self) -> None:
        """Take the last try back: it did not happen."""
        self.attempts -= 1


class Attempts:
    """Makes the attempts of one medium, and knows whether it answers at all."""

    def __init__(self, clock: Clock, medium: Medium, chance: random.Random) -> None:
        self._clock = clock
        self._medium = medium
        self._chance = chance
        self._outage = Outage(clock, medium.name)

    async def made(self, sending: Sending, attempt: Attempt, request: bytes) -> Accepted:
        """Try until it is accepted or another batch must get the place; return the answer.

        Raises
        ------
        SendingHalted
            The run was halted before its turn came.
        Retryable, Permanent
            As :meth:`channels.medium.Medium.attempt`.
        """
        batch = attempt.batch
        life = self._medium.key_life_of(sending.delivery.priority)
        broken = busy = 0
        while True:
            try:
                return await self._turn(sending, attempt, request)
            except Unavailable as error:
                attempt.uncertain = attempt.uncertain or error.may_have_acted
                attempt.error = error.reason
                broken += 1
                if broken >= TRIES_AT_ONCE or not life:
                    raise
                delay = FIRST_DELAY_SECONDS * 2.0**broken * (0.5 + self._chance.random() / 2)
                RETRIES.labels("unavailable").inc()
                await self._clock.sleep(max(delay, min(error.retry_after or 0.0, 5.0)))
            except Busy as error:
                attempt.error = error.reason
                busy += 1
                if busy >= BUSY_TRIES:
                    raise
                RETRIES.labels("busy").inc()
            attempt.attempts += 1
            log.debug("batch.retried", batch_id=batch.id, attempt=attempt.attempts)

    async def _turn(self, sending: Sending, attempt: Attempt, request: bytes) -> Accepted:
        """Wait for a turn under the limit, and try once."""
        task = asyncio.current_task()
        assert task is not None
        slot = self._medium.limiter.slot(attempt.batch.endpoint, sending.priority)
        if sending.halted:
            raise SendingHalted
        sending.waiting.add(task)
        # From here on its priority is enough.
        asyncio.get_running_loop().call_soon(self._medium.limiter.graver_wait, sending)
        try:
            await self._outage.turn()
            await slot.__aenter__()
        except asyncio.CancelledError:
            if sending.halted:
                raise SendingHalted from None
            raise
        finally:
            sending.waiting.discard(task)
        try:
            batch = attempt.batch
            accepted = await self._medium.attempt(batch.endpoint, request, batch.retry_key)
        except Unavailable:
            self._outage.failed()
            raise
        except (Retryable, Permanent):
            self._outage.answered()
            raise
        finally:
            await slot.__aexit__(None, None, None)
        self._outage.answered()
        if attempt.uncertain and not self._medium.recognises_repeats:
            MAYBE_TWICE.labels(self._medium.name).inc(batch.size)
        return accepted
