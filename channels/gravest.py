"""Everybody of the gravest level before other emergencies, whichever processes send them.

Who plans a delivery of the gravest level holds back other emergencies until each of its batches had
its first try. Other processes that send hear of it by NOTIFY and do the same. The word is repeated,
so that they go on soon after a process that died.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from channels import outbox
from channels.limiter import Limiter
from channels.models import BatchState, Delivery
from core.clock import Clock
from core.database import Database

CHANNEL = "todoke_rate"
NOTIFY = text("SELECT pg_notify(:channel, :payload)")
EMERGENCY = "emergency"
"""The NOTIFY payload for an emergency that was decided; the medium's endpoints follow."""
DECIDED = "gravest"
"""The NOTIFY payload for a delivery of the gravest level that was decided; nobody plans it yet. The
medium's endpoints follow."""
BEGUN, OVER = "gravest-begun", "gravest-over"
"""The first words of the payloads of a process that plans one; its name and endpoints follow."""
AGAIN_SECONDS = 0.5
HELD_SECONDS = 1.5
"""How long one word holds back others."""
LOOK_SECONDS = 0.05
UNMOVED = timedelta(seconds=3)
"""A graver level holds back a lower one only while the medium takes its messages."""

log = structlog.get_logger(__name__)


def joined(endpoints: Iterable[str]) -> str:
    """Return a medium's endpoints as one word of a payload: each medium holds back only itself."""
    return "+".join(sorted(endpoints))


async def announce_emergency(
    session: AsyncSession, endpoints: Iterable[str], *, gravest: bool = False
) -> None:
    """Make all processes hold back everything else of a medium, from the moment when the caller
    commits.

    With ``gravest`` they hold back its other emergencies too. On SQLite there is only this process.

    Parameters
    ----------
    endpoints
        All of the medium's that deliveries go by (``Format.runs``).
    """
    if session.get_bind().dialect.name == "postgresql":
        for word in (EMERGENCY, *([DECIDED] if gravest else [])):
            payload = f"{word} {joined(endpoints)}"
            await session.execute(NOTIFY, {"channel": CHANNEL, "payload": payload})


async def hold_until_tried(
    limiter: Limiter, database: Database, clock: Clock, delivery_id: int, before: int
) -> None:
    """Hold back other emergencies until the runs of a delivery below ``before`` had their first
    try.

    ``limiter.begin_gravest`` was called for it.
    """
    since = clock.now()
    # In one process, requests that wait for their turn go first by their priority.
    states = (BatchState.WAITING,) if database.is_sqlite else outbox.OPEN_STATES
    try:
        while True:
            await clock.sleep(LOOK_SECONDS)
            async with database.reading() as session:
                delivery = await session.get(Delivery, delivery_id)
                if delivery is None or delivery.state not in outbox.UNDER_WAY:
                    return
                if clock.now() - max(since, delivery.last_sent_at or since) > UNMOVED:
                    return
                if not await outbox.has_untried(session, delivery_id, before, states):
                    return
    except (SQLAlchemyError, OSError) as error:
        log.warning("deliveries.unwatched", reason=str(error))
    finally:
        limiter.end_gravest(delivery_id)


@dataclass(frozen=True)
class _Elsewhere:
    """Another process that sends the gravest; "" for one that was decided and nobody plans yet."""

    worker: str


class GravestElsewhere:
    """What one process tells others of the gravest level, and hears from them.

    Parameters
    ----------
    worker
        Name of this process; it has no spaces.
    endpoints
        Of the limits that this process shares; others of other media are not held back.
    hold, release
        Called with a key when others begin, and when they have ended.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        worker: str,
        endpoints: Iterable[str],
        hold: Callable[[Hashable], None],
        release: Callable[[Hashable], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker
        self._endpoints = joined(endpoints)
        self._hold = hold
        self._release = release
        self._ours: set[Hashable] = set()
        self._ended = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None
        self._held: dict[str, asyncio.Task[None]] = {}

    def begin(self, delivery: Hashable) -> None:
        """This process plans a delivery of the gravest level."""
        self._ours.add(delivery)
        self._ended.clear()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(), name="gravest first")

    def end(self, delivery: Hashable) -> None:
        """Each batch of it had its first try."""
        self._ours.discard(delivery)
        if not self._ours:
            self._ended.set()

    def heard(self, payload: str) -> None:
        """Another process told something; all other payloads are left alone."""
        word, *rest = payload.split(" ")
        if rest[-1:] != [self._endpoints]:
            return
        if word == DECIDED:
            self._keep("")
        elif rest[0] != self._worker:
            if word == BEGUN:
                self._keep(rest[0])
            else:
                self._let_go(rest[0])

    async def close(self) -> None:
        """Leave nothing behind that runs."""
        running = [*self._held.values(), *([self._telling] if self._telling else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _keep(self, worker: str) -> None:
        if (before := self._held.pop(worker, None)) is not None:
            before.cancel()
        self._hold(_Elsewhere(worker))
        self._held[worker] = asyncio.create_task(self._ends(worker))

    async def _ends(self, worker: str) -> None:
        await self._clock.sleep(HELD_SECONDS)
        self._held.pop(worker, None)
        self._release(_Elsewhere(worker))

    def _let_go(self, worker: str) -> None:
        if (held := self._held.pop(worker, None)) is not None:
            held.cancel()
        self._release(_Elsewhere(worker))

    async def _tell(self) -> None:
        while self._ours:
            await self._notify(BEGUN)
            nap = asyncio.ensure_future(self._clock.sleep(AGAIN_SECONDS))
            over = asyncio.ensure_future(self._ended.wait())
            try:
                await asyncio.wait((nap, over), return_when=asyncio.FIRST_COMPLETED)
            finally:
                nap.cancel()
                over.cancel()
            if not self._ours:
                await self._notify(OVER)

    async def _notify(self, word: str) -> None:
        payload = f"{word} {self._worker} {self._endpoints}"
        try:
            async with self._database.writing() as session:
                await session.execute(NOTIFY, {"channel": CHANNEL, "payload": payload})
        except (SQLAlchemyError, OSError) as error:
            log.warning("lease.unrenewed", reason=str(error))
