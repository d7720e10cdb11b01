"""Write the outcomes of batches in groups, one transaction for each group.

A crash before the transaction loses nothing: the batch is sent again with its retry key, and LINE
answers that it has the message already.
"""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.metrics import RECIPIENTS
from channels.models import BatchState
from channels.outbox import BatchOutcome, record_outcomes
from core.clock import Clock
from core.database import Database

GROUP_SECONDS = 0.05
AGAIN_SECONDS = 0.5

log = structlog.get_logger(__name__)


class OutcomeWriter:
    """Gathers outcomes and writes them every 50 ms, while there are any."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[BatchOutcome] = []
        self._group_written: asyncio.Future[None] | None = None
        self._being_written: asyncio.Future[None] | None = None
        self._writer: asyncio.Task[None] | None = None

    def add(self, outcome: BatchOutcome) -> None:
        """Take an outcome; it is written soon, see :meth:`flushed`."""
        self._waiting.append(outcome)
        if self._group_written is None:
            self._group_written = asyncio.get_running_loop().create_future()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="outbox recorder")

    async def flushed(self) -> None:
        """Wait until everything that was added so far is committed."""
        if self._group_written is not None:
            await asyncio.shield(self._group_written)
        elif self._being_written is not None:
            await asyncio.shield(self._being_written)

    async def _write(self) -> None:
        while self._waiting:
            await self._clock.sleep(GROUP_SECONDS)
            group, self._waiting = self._waiting, []
            self._being_written = written = self._group_written
            self._group_written = None
            while not await self._commit(group):
                await self._clock.sleep(AGAIN_SECONDS)
            if written is not None and not written.done():
                written.set_result(None)
            self._being_written = None
            for each in group:
                if each.state in (BatchState.SENT, BatchState.FAILED, BatchState.SKIPPED):
                    RECIPIENTS.labels(each.state.value).inc(each.size - each.missing)

    async def _commit(self, group: list[BatchOutcome]) -> bool:
        try:
            async with self._database.writing() as session:
                await record_outcomes(session, group)
        except (SQLAlchemyError, OSError) as error:
            log.error("outcomes.unsaved", batches=len(group), reason=str(error))
            return False
        return True
