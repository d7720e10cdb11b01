"""Synthetic residents, for drills, the demo and load tests.

The same seed makes the same people: who reads what, lives where and wants which topics is
drawn from distributions like those of a Japanese city with many foreign residents. User ids
look like LINE's but are drawn at random, so nothing may be sent to them but by the simulator.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from core.city import City
from core.database import Database
from core.errors import BadInput
from subscriptions import bitmaps
from subscriptions.models import area_list
from subscriptions.service import know_areas

CHUNK = 20_000
"""Residents a transaction: short enough that a webhook's write waits a second at most."""
DAYS_BACK = 900
MOMENT = "%Y-%m-%d %H:%M:%S.%f"

_LANGUAGE_WEIGHTS = {
    "ja": 880,
    "ja-x-easy": 30,
    "en": 25,
    "zh-Hans": 18,
    "vi": 12,
    "zh-Hant": 6,
    "ko": 6,
    "pt": 5,
    "ne": 4,
    "tl": 4,
    "id": 3,
    "th": 2,
    "es": 2,
    "my": 1.5,
    "km": 0.8,
    "mn": 0.7,
}
_TOPIC_CHANCES = {
    "collection": 0.55,
    "events": 0.35,
    "city-news": 0.35,
    "traffic": 0.15,
    "transit": 0.2,
    "roadworks": 0.2,
    "crime": 0.25,
    "child-watch": 0.25,
    "childcare": 0.2,
    "health": 0.25,
    "fire": 0.2,
    "business": 0.06,
    "consultation": 0.05,
}
_RESIDENT_COLUMNS = (
    "id, line_user_id, state, language, language_chosen, topics_chosen, quiet_start, quiet_end, "
    "area_list, followed_at, left_at, updated_at"
)
_PROFILES = 1024
"""Distinct sets of topics; drawing a set a resident would take longer than storing it."""

Rows = list[tuple[Any, ...]]


@dataclass
class _Chunk:
    residents: Rows
    subscriptions: Rows
    areas: Rows


async def generate(
    database: Database,
    city: City,
    n: int,
    seed: int,
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Add ``n`` residents.

    Parameters
    ----------
    seed
        Decides everything about them but their ids.
    progress
        Called with how many are stored so far.

    Raises
    ------
    BadInput
        Residents of this seed are there already.
    """
    async with database.writing() as session:
        await know_areas(session, city, list(city.district_by_code))
    maker = _Maker(city, seed, now, sqlite=database.is_sqlite)
    # PostgreSQL checks each row's foreign keys, which takes longest; two connections share it.
    writers = asyncio.Semaphore(1 if database.is_sqlite else 2)
    stored = 0

    async def store(made: _Chunk) -> None:
        nonlocal stored
        try:
            async with database.writing() as session:
                await _store(session, made)
        finally:
            writers.release()
        stored += len(made.residents)
        if progress:
            progress(stored)

    try:
        async with asyncio.TaskGroup() as tasks:
            for done in range(0, n, CHUNK):
                made = await _draw(database, maker, min(CHUNK, n - done))
                await writers.acquire()
                tasks.create_task(store(made))
    except ExceptionGroup as errors:
        # Not "except*": up to Python 3.11.3 it would wrap our one sentence in a group.
        if errors.split((IntegrityError, psycopg.IntegrityError))[1] is not None:
            raise
        raise BadInput(
            f"Residents of seed {seed} are there already; please choose another seed."
        ) from errors
    await _tidy(database)
    await bitmaps.rebuild(database)


async def _tidy(database: Database) -> None:
    """Let the database learn what it holds; PostgreSQL reads an index alone only after this."""
    if database.is_sqlite:
        async with database.writing() as session:
            await session.execute(text("ANALYZE"))
        return
    async with database.engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in ("residents", "subscriptions", "resident_areas"):
            await outside.exec_driver_sql(f"VACUUM (ANALYZE) {table}")


async def _draw(database: Database, maker: _Maker, size: int) -> _Chunk:
    async with database.writing() as session:
        ids = await _reserve(session, size)
    return await asyncio.to_thread(maker.chunk, ids)


class _Maker:
    """Draws people, a chunk at a time."""

    def __init__(self, city: City, seed: int, now: datetime, *, sqlite: bool) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same people every time
        self.languages = list(city.languages)
        self.language_weights = [_LANGUAGE_WEIGHTS.get(code, 1.0) for code in self.languages]
        self.profiles = [self._draw_profile(city, number) for number in range(_PROFILES)]
        self.homes = [self._draw_home(list(city.district_by_code)) for _ in range(_PROFILES)]
        self.quiet = [(None, None)] * 93 + [(1380, 360)] * 3 + [(1260, 480)] * 2 + [(0, 0)] * 2
        # As text that both databases read, so that no cell has to be looked at again.
        zone = "" if sqlite else "+00"
        self.now = f"{now.astimezone(UTC):{MOMENT}}{zone}"
        days = (now.astimezone(UTC) - timedelta(days=day) for day in range(DAYS_BACK))
        self.days = [f"{day:{MOMENT}}{zone}" for day in days]

    def _draw_profile(self, city: City, number: int) -> tuple[bool, tuple[tuple[str, int], ...]]:
        """Draw whether somebody chose, and their topics with the least level of each."""
        optional = [topic for topic in city.topics if not topic.mandatory]
        if number % 100 < 55:
            return False, tuple(sorted((topic.code, 0) for topic in optional if topic.default))
        wanted = []
        for topic in optional:
            chance = 0.92 if topic.default else _TOPIC_CHANCES.get(topic.code, 0.1)
            if self.dice.random() < chance:
                level = self.dice.choices((0, 3, 4), (60, 25, 15))[0] if topic.default else 0
                wanted.append((topic.code, level))
        return True, tuple(sorted(wanted))

    def _draw_home(self, districts: list[str]) -> tuple[str, ...]:
        number = self.dice.choices((0, 1, 2, 3), (14, 78, 6, 2))[0]
        return tuple(sorted(self.dice.sample(districts, min(number, len(districts)))))

    def chunk(self, ids: list[int]) -> _Chunk:
        dice, size = self.dice, len(ids)
        names = dice.randbytes(16 * size).hex()
        languages = dice.choices(self.languages, self.language_weights, k=size)
        profiles = dice.choices(self.profiles, k=size)
        homes = dice.choices(self.homes, k=size)
        quiet = dice.choices(self.quiet, k=size)
        followed = dice.choices(self.days, k=size)
        made = _Chunk([], [], [])
        for position, resident in enumerate(ids):
            chose, topics = profiles[position]
            home = homes[position]
            start, end = quiet[position]
            made.residents.append(
                (
                    resident,
                    "U" + names[32 * position : 32 * position + 32],
                    "following",
                    languages[position],
                    chose,
                    chose,
                    start,
                    end,
                    area_list(home),
                    followed[position],
                    None,
                    self.now,
                )
            )
            made.subscriptions += [(resident, topic, level) for topic, level in topics]
            made.areas += [(resident, area) for area in home]
        return made


async def _reserve(session: AsyncSession, size: int) -> list[int]:
    """Return ids for ``size`` new residents that nobody else will be given."""
    if session.get_bind().dialect.name == "sqlite":
        # The table remembers its greatest id for ever; we raise it as an insert would.
        found = await session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name='residents'"))
        last = int(found or 0) + size
        raised = (
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('residents', :last)"
            if found is None
            else "UPDATE sqlite_sequence SET seq = :last WHERE name = 'residents'"
        )
        await session.execute(text(raised), {"last": last})
        return list(range(last - size + 1, last + 1))
    rows = await session.scalars(
        text(
            "SELECT nextval(pg_get_serial_sequence('residents', 'id')) "
            "FROM generate_series(1, :size)"
        ),
        {"size": size},
    )
    return list(rows)


async def _store(session: AsyncSession, made: _Chunk) -> None:
    connection = await session.connection()
    write = _insert if connection.dialect.name == "sqlite" else _copy
    await write(connection, "residents", _RESIDENT_COLUMNS, made.residents)
    await write(connection, "subscriptions", "resident_id, topic, min_level", made.subscriptions)
    await write(connection, "resident_areas", "resident_id, area", made.areas)
    changes: Rows = [(resident[0],) for resident in made.residents]
    await write(connection, "resident_changes", "resident_id", changes)


async def _insert(connection: AsyncConnection, table: str, columns: str, rows: Rows) -> None:
    if not rows:
        return
    marks = ", ".join("?" * len(rows[0]))
    # Names of tables and columns are this module's own.
    await connection.exec_driver_sql(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
        rows,
    )


async def _copy(connection: AsyncConnection, table: str, columns: str, rows: Rows) -> None:
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert driver is not None
    async with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        await copy.write("".join(_copy_lines(rows)).encode())


def _copy_lines(rows: Rows) -> Iterable[str]:
    """Yield lines of PostgreSQL's text format; no value of ours needs escaping."""
    for row in rows:
        if None in row:
            yield "\t".join(["\\N" if value is None else str(value) for value in row]) + "\n"
        else:
            yield "\t".join(map(str, row)) + "\n"
