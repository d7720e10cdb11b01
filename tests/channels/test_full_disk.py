"""A full disk in the middle of a delivery: it continues when there is space, and nobody gets it
twice.

``tests/e2e/test_bad_times.py`` fills the disk under webhooks, ``tests/bot/test_webhook.py`` the
database.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from channels import dispatch
from channels.engine import LOOK_AT_ALL_SECONDS
from channels.line.medium import LINE
from channels.models import DeliveryState
from core.clock import SystemClock
from core.database import Database
from core.work import NoWorkers
from tests.support.engine import add_residents, engine_world, make_notice

N = 3_000


class Filling(Database):
    """A database on a disk that fills up: what was written does not become durable."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_full = False
        self.refused = asyncio.Event()

    @asynccontextmanager
    async def writing(
        self, *, durably: bool = False, first: bool = False
    ) -> AsyncIterator[AsyncSession]:
        async with super().writing(durably=durably, first=first) as session:
            yield session
            if self.is_full:
                self.refused.set()
                full = sqlite3.OperationalError("database or disk is full")
                raise OperationalError("COMMIT", {}, full)

    async def was_full(self) -> None:
        """Be full until somebody has tried to write, and then no more."""
        self.is_full = True
        async with asyncio.timeout(30):
            await self.refused.wait()
        self.is_full = False


@pytest.fixture
async def filling(database: Database) -> AsyncIterator[Filling]:
    made = Filling(database.url.render_as_string(hide_password=False))
    yield made
    await made.close()


async def test_a_disk_that_is_full_while_planning(filling: Filling) -> None:
    async with engine_world(filling, running=False) as home:
        await add_residents(filling, 1, N)
        delivery = await home.send(make_notice(level=5, now=home.clock.now()))
    async with engine_world(filling) as home:
        # Planning begins in a task of its own, as soon as this one waits.
        await home.engine.recover()
        await filling.was_full()
        ended = await home.ended(delivery)
        assert (ended.state, ended.sent) == (DeliveryState.DONE, N)
        assert home.simulator.ledger.counts_by_times() == {1: N}


async def test_a_disk_that_is_full_while_sending(filling: Filling) -> None:
    """LINE accepted a batch whose outcome could not be stored: the same retry key shows it."""
    async with engine_world(filling) as home:
        await add_residents(filling, 1, N)
        delivery = await home.send(make_notice(level=5, now=home.clock.now()))
        async with asyncio.timeout(30):
            while not home.simulator.ledger.counts_by_times():
                await asyncio.sleep(0)
        await filling.was_full()
        ended = await home.ended(delivery)
        assert (ended.state, ended.sent) == (DeliveryState.DONE, N)
        assert home.simulator.ledger.counts_by_times() == {1: N}


async def test_an_alert_from_the_shell_that_came_while_the_disk_was_full_goes_at_once(
    filling: Filling,
) -> None:
    async with engine_world(filling) as home:
        await add_residents(filling, 1, N)
        async with filling.writing() as session:
            now = home.clock.now()
            notice = make_notice(level=5, now=now)
            session.add(notice)
            await session.flush()
            # Nobody of the service is told; it looks for itself.
            row = await dispatch.deliver(
                session, NoWorkers(), notice, home.city, now, created_by="shell:x", medium=LINE
            )
        await filling.was_full()
        ended = await home.ended(row.id or 0, timeout=LOOK_AT_ALL_SECONDS / 2)
        assert ended.sent == N
        assert home.simulator.ledger.counts_by_times() == {1: N}


async def test_a_database_that_may_not_grow_any_more_takes_no_half_of_a_plan(
    database: Database,
) -> None:
    """SQLite's own word for it, with its own limit."""
    if not database.is_sqlite:
        pytest.skip("the limit is SQLite's")
    async with engine_world(database, running=False) as home:
        await add_residents(database, 1, N)
        delivery = await home.send(make_notice(level=5, now=SystemClock().now()))
    async with database.reading() as session:
        pages = await session.scalar(text("PRAGMA page_count"))
    most, refused = int(pages or 0), asyncio.Event()

    def limit(connection: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={most}")  # type: ignore[attr-defined]

    def note(context: object) -> None:
        if "full" in str(context.original_exception):  # type: ignore[attr-defined]
            refused.set()

    engine = database.engine.sync_engine
    event.listen(engine, "begin", limit)
    event.listen(engine, "handle_error", note)
    async with engine_world(database) as home:
        await home.engine.recover()
        async with asyncio.timeout(30):
            await refused.wait()
        most = 1_000_000
        ended = await home.ended(delivery)
        assert ended.sent == N
        assert home.simulator.ledger.counts_by_times() == {1: N}
