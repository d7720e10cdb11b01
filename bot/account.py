"""Find the LINE account of this service: events for another one are not acted on.

One secret can be used for several channels by mistake, and a signed body for another service can be
sent here. ``destination`` is the account that an event is for.

Source: https://developers.line.biz/en/reference/messaging-api/#request-body
"""

from __future__ import annotations

import asyncio

import structlog

from channels.line.client import LineClient
from core.clock import Clock
from core.errors import Permanent, Retryable

ASK_AGAIN_SECONDS = 60.0

log = structlog.get_logger(__name__)


class OwnAccount:
    """The account's own user id, requested in the background until LINE gives it, then stored.

    Parameters
    ----------
    line, clock
        The client to ask with, and the clock for the next try.
    """

    def __init__(self, line: LineClient, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._asking: asyncio.Task[None] | None = None
        self._ask_at = 0.0
        self.user_id: str | None = None

    def begin(self) -> None:
        """Ask LINE, unless the answer is known, or a request is running or just was."""
        now = self._clock.monotonic()
        if self.user_id is None and self._asking is None and now >= self._ask_at:
            self._ask_at = now + ASK_AGAIN_SECONDS
            self._asking = asyncio.create_task(self._ask(), name="own-account")

    async def end(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def is_ours(self, destination: str | None) -> bool:
        """Whether events for ``destination`` are for this account; until it is known, all are."""
        if self.user_id is None:
            self.begin()
            return True
        return destination is None or destination == self.user_id

    async def _ask(self) -> None:
        try:
            self.user_id = await self._line.own_user_id()
        except (Retryable, Permanent) as error:
            log.warning("account.unread", reason=str(error))
        finally:
            self._asking = None
