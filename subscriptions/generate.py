"""Synthetic residents, for drills, the demo and load tests.

The same seed makes the same people. Languages, districts and topics follow distributions like those
of a Japanese city with many foreign residents. User ids look like LINE's but are random, so only
the simulator may send to them. Addresses of other media are of domains that nobody can have
(RFC 2606, RFC 6761), so that no mail of a drill ever reaches anybody.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City
from core.database import Database
from core.errors import BadInput
from core.languages import LANGUAGES
from subscriptions import bitmaps
from subscriptions.bulk import Rows, reserve_ids, write_changes, write_choices, write_rows
from subscriptions.models import LINE_MEDIUM, area_list
from subscriptions.residents import know_areas

CHUNK = 20_000
"""Residents in one transaction: short enough that a webhook waits at most a second."""
DAYS_BACK = 900
MOMENT = "%Y-%m-%d %H:%M:%S.%f"

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
    "area_list, followed_at, left_at, updated_at, medium, address"
)
_MAIL_DOMAIN = "residents.example"
_PUSH_SERVICE = "https://push.example/send"
# A point of P-256 (its generator), because a push service refuses what is none.
_PUSH_KEY = (
    "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
)
_PROFILES = 1024
"""Distinct sets of topics; drawing a set for each resident would take longer than storing it."""


def _no_address(name: str) -> str:
    raise AssertionError("a resident of LINE has a user id")


def _mail_address(name: str) -> str:
    return f"r{name}@{_MAIL_DOMAIN}"


def _push_address(name: str) -> str:
    auth = base64.urlsafe_b64encode(bytes.fromhex(name)).decode().rstrip("=")
    endpoint = f"{_PUSH_SERVICE}/{name}"
    return json.dumps(
        {"endpoint": endpoint, "p256dh": _PUSH_KEY, "auth": auth}, separators=(",", ":")
    )


MEDIA: dict[str, Callable[[str], str]] = {
    LINE_MEDIUM: _no_address,
    "email": _mail_address,
    "webpush": _push_address,
}
"""How an address is made of 32 random hexadecimal digits, by medium."""


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
    *,
    medium: str = LINE_MEDIUM,
) -> None:
    """Add ``n`` residents of a medium.

    Parameters
    ----------
    seed
        Decides everything about them except their ids.
    progress
        Called with how many are stored so far.

    Raises
    ------
    BadInput
        Residents of this seed are there already, or the medium has no synthetic residents.
    """
    if medium not in MEDIA:
        raise BadInput(
            f"There are no synthetic residents of {medium!r}; there are {', '.join(MEDIA)}."
        )
    async with database.writing() as session:
        await know_areas(session, city, list(city.district_by_code))
    maker = _Maker(city, seed, now, medium, sqlite=database.is_sqlite)
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
    """Update the planner's statistics; PostgreSQL uses index-only scans only after this."""
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
        ids = await reserve_ids(session, size)
    return await asyncio.to_thread(maker.chunk, ids)


class _Maker:
    """Draws people, a chunk at a time."""

    def __init__(self, city: City, seed: int, now: datetime, medium: str, *, sqlite: bool) -> None:
        self.medium = medium
        self.address = MEDIA[medium]
        self.dice = random.Random(seed)  # noqa: S311 - the same people every time
        self.languages = list(city.languages)
        self.language_weights = [LANGUAGES[code].share for code in self.languages]
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
        at_line = self.medium == LINE_MEDIUM
        for position, resident in enumerate(ids):
            name = names[32 * position : 32 * position + 32]
            chose, topics = profiles[position]
            home = homes[position]
            start, end = quiet[position]
            made.residents.append(
                (
                    resident,
                    "U" + name if at_line else None,
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
                    self.medium,
                    None if at_line else self.address(name),
                )
            )
            made.subscriptions += [(resident, topic, level) for topic, level in topics]
            made.areas += [(resident, area) for area in home]
        return made


async def _store(session: AsyncSession, made: _Chunk) -> None:
    await write_rows(session, "residents", _RESIDENT_COLUMNS, made.residents)
    await write_choices(session, made.subscriptions, made.areas)
    await write_changes(session, [resident[0] for resident in made.residents])
