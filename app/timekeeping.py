"""Keep the clock of this process: store the time that it uses, and ask LINE after a step."""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from channels.line.client import LineClient
from core import clock_marks
from core.database import Database
from core.errors import TodokeError
from core.steady import SteadyClock

LOOK_SECONDS = 2.0
KEEP_SECONDS = 20.0
ASK_SECONDS = 5.0
AT_START_SECONDS = 3.0

STEP_SECONDS = Gauge(
    "todoke_clock_step_seconds",
    "Size of a step of the machine's clock that is not confirmed; 0 without one",
)
log = structlog.get_logger(__name__)


class Timekeeper:
    """Watches a clock; call ``begin`` before anything uses it."""

    def __init__(
        self, database: Database, clock: SteadyClock, line: LineClient, *, boot: str | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._line = line
        self._boot = clock_marks.this_boot() if boot is None else boot
        self._kept: float | None = None
        self._asked: float | None = None
        self._doubted = False

    async def begin(self) -> None:
        """Continue from the newest stored time; if the clock disagrees with it, ask LINE."""
        async with self._database.reading() as session:
            await clock_marks.begin(session, self._clock, self._boot)
        if self._clock.doubt is not None:
            try:
                async with asyncio.timeout(AT_START_SECONDS):
                    await self._ask()
            except TimeoutError:
                log.warning("clock.unconfirmed")
        await self.look()

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop`` is set."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stopped.done():
                pause = asyncio.ensure_future(self._clock.sleep(LOOK_SECONDS))
                await asyncio.wait((stopped, pause), return_when=asyncio.FIRST_COMPLETED)
                pause.cancel()
                try:
                    await self.look()
                except (SQLAlchemyError, OSError) as error:
                    log.warning("clock.unsaved", reason=str(error))
        finally:
            stopped.cancel()

    async def look(self) -> None:
        """Detect a step, ask LINE about it, and store the time that is used."""
        now, doubt = self._clock.monotonic(), self._clock.doubt
        STEP_SECONDS.set(0 if doubt is None else doubt.size.total_seconds())
        if doubt is not None and (self._asked is None or now - self._asked >= ASK_SECONDS):
            self._asked = now
            await self._ask()
        changed = doubt is not None or self._doubted
        self._doubted = doubt is not None
        if self._boot and (changed or self._kept is None or now - self._kept >= KEEP_SECONDS):
            async with self._database.writing() as session:
                await clock_marks.keep(session, self._clock, self._boot, settled=not changed)
            self._kept = now

    async def _ask(self) -> None:
        """Send any request to LINE: the client reads the date of its answer."""
        try:
            await self._line.check_token()
        except TodokeError as error:
            log.info("clock.witness_failed", reason=str(error))
