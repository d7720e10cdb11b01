"""Promise 9: personal data is kept only as long as the city's rules say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from app.retention import forget
from bot.models import Dialogue, EventState, WebhookEvent
from channels.members import pack
from channels.models import Batch, BatchState, Delivery, DeliveryKind, DeliveryState, Variant
from city.context import Context
from city.folder import load_city
from core.clock import ManualClock
from core.database import Database
from core.settings import Settings
from core.work import NoWorkers
from subscriptions import residents
from subscriptions.models import Resident
from tests.support.project import PROJECT

STAYS, LEAVES = "U" + "1" * 32, "U" + "2" * 32


def settings(folder: Path) -> Settings:
    return Settings(
        city=PROJECT / "deploy/city",
        database_url="sqlite://",
        media_dir=folder,
        public_url="http://127.0.0.1",
        line_channel_secret="secret",
        line_channel_access_token="token",
        secret_key="key",
    )


async def found(session: AsyncSession, table: type[SQLModel]) -> int:
    return len((await session.scalars(select(table))).all())


@pytest.mark.parametrize("days", [1, 400])
async def test_what_is_old_is_forgotten_and_what_is_new_is_not(
    database: Database, clock: ManualClock, tmp_path: Path, days: int
) -> None:
    city = load_city(PROJECT / "deploy/city")
    async with aiohttp.ClientSession() as http:
        context = Context(
            settings=settings(tmp_path),
            city=city,
            database=database,
            clock=clock,
            queue=NoWorkers(),
            http=http,
        )
        now = clock.now()
        async with database.writing() as session:
            resident = await residents.follow(session, city, STAYS, language="my", now=now)
            await residents.follow(session, city, LEAVES, language="ja", now=now)
            await residents.unfollow(session, city, LEAVES, now)
            assert resident.id is not None
            session.add(
                Dialogue(resident_id=resident.id, name="report", step="photo", updated_at=now)
            )
            for number, state in enumerate((EventState.DONE, EventState.WAITING)):
                session.add(
                    WebhookEvent(
                        event_id=str(number),
                        kind="message",
                        line_user_id=STAYS,
                        timestamp_ms=0,
                        payload="{}",
                        state=state,
                        received_at=now,
                    )
                )
        await clock.advance(timedelta(days=days).total_seconds())
        await forget(context)
    old = days > 30
    async with database.reading() as session:
        users = set((await session.scalars(select(Resident.line_user_id))).all())
        assert users == ({STAYS} if old else {STAYS, LEAVES})
        assert await found(session, Dialogue) == (0 if old else 1)
        # An unprocessed event is never erased.
        assert await found(session, WebhookEvent) == (1 if old else 2)


@asynccontextmanager
async def home(database: Database, clock: ManualClock, folder: Path) -> AsyncIterator[Context]:
    async with aiohttp.ClientSession() as http:
        yield Context(
            settings=settings(folder),
            city=load_city(PROJECT / "deploy/city"),
            database=database,
            clock=clock,
            queue=NoWorkers(),
            http=http,
        )


async def delivered(
    database: Database, at: datetime, *, of: DeliveryKind = DeliveryKind.NOTICE, **more: Any
) -> int:
    """A delivery that has ended, in two variants of two batches each; returns its id."""
    async with database.writing() as session:
        row = Delivery(
            channel="line",
            kind=of,
            state=DeliveryState.DONE,
            priority=9,
            created_by="rule:test",
            created_at=at,
            **more,
        )
        session.add(row)
        await session.flush()
        assert row.id is not None
        for number, language in enumerate(("ja", "en")):
            variant = Variant(
                delivery_id=row.id, language=language, digest=language, messages=b"[]"
            )
            session.add(variant)
            await session.flush()
            assert variant.id is not None
            for run in (0, 1):
                session.add(
                    Batch(
                        delivery_id=row.id,
                        run=run,
                        variant_id=variant.id,
                        retry_key=f"{row.id}-{number}-{run}",
                        endpoint="multicast",
                        size=1,
                        members=pack([1]),
                        state=BatchState.SENT,
                    )
                )
        return row.id


async def left(database: Database, *tables: type[SQLModel]) -> list[int]:
    async with database.reading() as session:
        return [await found(session, table) for table in tables]


async def test_an_old_delivery_goes_with_all_its_parts(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await delivered(database, clock.now() - timedelta(days=401))
    young = await delivered(database, clock.now() - timedelta(days=399))
    async with home(database, clock, tmp_path) as context:
        await forget(context)
    assert await left(database, Delivery, Variant, Batch) == [1, 2, 4]
    async with database.reading() as session:
        assert set(await session.scalars(select(Batch.delivery_id))) == {young}


async def test_a_chain_is_kept_whole_until_its_last_follow_up_is_old(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    first = await delivered(database, clock.now() - timedelta(days=401))
    await delivered(database, clock.now() - timedelta(days=399), corrects_id=first)
    async with home(database, clock, tmp_path) as context:
        await forget(context)
        assert await left(database, Delivery, Batch) == [2, 8]
        await clock.advance(timedelta(days=2).total_seconds())
        await forget(context)
        assert await left(database, Delivery, Batch) == [0, 0]


class Killed(Exception):
    """The process ended."""


class Mortal(Database):
    """A database whose process is killed as it begins a transaction that writes."""

    lives = 1_000
    """Transactions before that."""

    @asynccontextmanager
    async def writing(
        self, *, durably: bool = False, first: bool = False
    ) -> AsyncIterator[AsyncSession]:
        self.lives -= 1
        if self.lives < 0:
            raise Killed
        async with super().writing(durably=durably, first=first) as session:
            yield session


async def test_killed_between_any_two_transactions_it_goes_on_the_next_time(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    mortal = Mortal(database.url.render_as_string(hide_password=False))
    async with home(mortal, clock, tmp_path) as context:
        # Batches, variants and the row itself, for each of the two.
        for lives in range(6):
            first = await delivered(database, clock.now() - timedelta(days=402))
            await delivered(database, clock.now() - timedelta(days=401), corrects_id=first)
            mortal.lives = lives
            with pytest.raises(Killed):
                await forget(context)
            mortal.lives = 1_000
            await forget(context)
            assert await left(database, Delivery, Variant, Batch) == [0, 0, 0]
    await mortal.close()


def _led_by(connection: Connection, table: str, columns: list[str]) -> bool:
    """Whether an index of the table begins with these columns, for every row that has them.

    One of the rows in which the column is not NULL has all that refer to something.
    """
    look = inspect(connection)
    partial = {
        index["name"]
        for index in look.get_indexes(table)
        for key, where in index.get("dialect_options", {}).items()
        if key.endswith("_where") and str(where).strip("()") != f"{columns[0]} IS NOT NULL"
    }
    led: list[Sequence[str | None]] = [
        look.get_pk_constraint(table)["constrained_columns"],
        *(each["column_names"] for each in look.get_unique_constraints(table)),
        *(each["column_names"] for each in look.get_indexes(table) if each["name"] not in partial),
    ]
    return any(found[: len(columns)] == columns for found in led)


async def test_every_foreign_key_has_an_index_to_follow_it_backwards(database: Database) -> None:
    """Without one, every row that is erased reads the whole table that refers to it."""

    def without(connection: Connection) -> list[str]:
        look = inspect(connection)
        return [
            f"{table}.{key['constrained_columns']}"
            for table in SQLModel.metadata.tables
            for key in look.get_foreign_keys(table)
            if not _led_by(connection, table, key["constrained_columns"])
        ]

    async with database.engine.connect() as connection:
        assert await connection.run_sync(without) == []


async def test_what_retention_looks_for_is_found_by_an_index(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL reads an empty table without its indexes")
    wanted = {
        "ix_residents_left": select(Resident.id).where(
            text("left_at IS NOT NULL"), col(Resident.left_at) < datetime.max.replace(tzinfo=UTC)
        ),
        "ix_batches_alone": select(Batch.variant_id).where(
            text("size = 1"), col(Batch.members).in_([b"1"])
        ),
    }
    async with database.engine.connect() as connection:
        for name, statement in wanted.items():
            written = statement.compile(
                dialect=database.engine.dialect, compile_kwargs={"render_postcompile": True}
            )
            plan = await connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {written}", tuple(None for _ in written.positiontup or ())
            )
            assert any(name in row[-1] for row in plan.all()), name
