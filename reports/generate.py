"""Synthetic reports, for drills, the demo and load tests.

The same seed makes the same reports: of the last three years, of the city's kinds, in its
districts, the older ones mostly finished. Some are joined to an earlier one near by; they have
teams, priorities, due days, roads, photos and a history. They belong to existing residents, so
that a report can be answered.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import psycopg
from sqlalchemy import func, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.cells import cell_of
from core.clock import in_japan
from core.database import Database
from core.errors import BadInput
from reports.models import Report, Team, TeamKind
from reports.photos import CONTENT_TYPE, Picture, store_photo
from reports.register import next_number
from reports.states import FIRST, ReportState
from subscriptions.bulk import Rows, write_rows
from subscriptions.models import Resident

CHUNK = 5_000
"""Reports a transaction: short enough that a webhook's write waits well under a second."""
DAYS_BACK = 3 * 365
STAFF = "generated@city.example"
CACHE_KB = 256_000
JOINED_WITHIN = timedelta(days=30)
MOMENT = "%Y-%m-%d %H:%M:%S.%f"

_PLACES = 2_048
_STREETS = ("中央", "本町", "栄町", "緑町", "東", "西", "南", "北", "桜", "松原", "旭", "学園")
_NEAR = ("公園の前", "小学校のそば", "橋の手前", "駅の北口", "交差点", "バス停の前", "郵便局の裏")
_WORDS = (
    "道路に大きな穴があいています。車がよけて通っています。",
    "街灯が切れていて、夜は真っ暗です。",
    "ガードレールが曲がっています。子どもの通学路です。",
    "側溝のふたが割れて、自転車のタイヤがはまりそうです。",
    "公園のブランコの鎖が切れかけています。",
    "歩道の段差で祖母がつまずきました。直してください。",
    "大雨のあと道路に水がたまって通れません。",
    "カーブミラーが木の枝でかくれて見えません。",
    "The street light near the school has been off for a week.",
    "Có ổ gà lớn trên đường, rất nguy hiểm.",
    "路面有个大坑，骑车很危险。",
    "",
)
_ANSWERS = ("ご連絡ありがとうございました。修繕が終わりました。", "担当者が現地を確認しました。")
_ROADS = (
    *(("国道408号", "national"), ("県道19号", "prefectural"), ("県道55号", "prefectural")),
    *(("中央通り", "main"), ("学園東大通り", "main"), ("学園西大通り", "main")),
    *((f"市道{n}号線", "local") for n in range(1, 25)),
    *(("遊歩道", "path"), ("", ""), ("", ""), ("", ""), ("", "")),
)
_TEAMS = (
    *(("道路維持班A", "team"), ("道路維持班B", "team"), ("公園班", "team")),
    *(("見本建設（株）", "contractor"), ("見本電気工事（有）", "contractor")),
    ("点検担当", "person"),
)
_CAME_BY = (
    *(("line",) * 80 + ("telephone",) * 9 + ("patrol",) * 5 + ("open311",) * 3),
    *(("counter",) * 2 + ("mail",)),
)
_DAYS_DUE = {1: 1, 2: 5, 3: 20, 4: 60}
"""Days until a synthetic case is due, by priority; real ones have working days by kind."""
_WHY = {1: ["hurt:けが"], 2: ["road:main"], 3: ["usual"], 4: ["road:path"]}
_REPORTS = (
    "id, number, resident_id, origin, category, department, state, longitude, latitude, cell, "
    "address, area, description, place_message, note_message, language, created_at, updated_at, "
    "case_id, reporters, photo_count, team_id, priority, priority_why, due_on, road, road_class, "
    "came_by, opened_at, opened_by, accepted_at, began_at, ended_at"
)
_UPDATES = "report_id, by, state, answer, note, reason, told, withdrawn, created_at"
_REPORTERS = 19
"""The place of ``reporters`` in a row of reports."""
_PHOTOS = "report_id, sha256, content_type, width, height, size, message_id, created_at"


@dataclass
class _Chunk:
    reports: Rows = field(default_factory=list)
    leaders: dict[int, list[tuple[int, datetime]]] = field(default_factory=dict)
    """The leading reports of each place, as their positions in ``reports``, and when they came."""
    updates: Rows = field(default_factory=list)
    photos: Rows = field(default_factory=list)


async def generate(
    database: Database,
    city: City,
    n: int,
    seed: int,
    now: datetime,
    *,
    pictures: tuple[Picture, ...] = (),
    progress: Callable[[int], None] | None = None,
) -> None:
    """Add ``n`` reports of the three years before ``now``.

    Parameters
    ----------
    seed
        Decides everything about them except their numbers and their residents.
    pictures
        Stored photos, of which each report gets none, one or two.
    progress
        Called with how many are stored so far.

    Raises
    ------
    BadInput
        Reports of this seed are there already, or the city has no kinds of reports.
    """
    if not city.report_categories:
        raise BadInput("The city's folder names no kinds of reports.")
    async with database.reading() as session:
        people = await _people(session)
    async with database.writing() as session:
        teams = await _teams(session, now)
    maker = _Maker(city, seed, now, people, teams, pictures, sqlite=database.is_sqlite)
    moments = maker.moments(n)
    try:
        for done in range(0, n, CHUNK):
            async with database.writing() as session:
                if database.is_sqlite:
                    # Each row goes to a dozen places of indexes; they stay in memory.
                    await session.execute(text(f"PRAGMA cache_size = -{CACHE_KB}"))
                await _store(session, maker, done, moments[done : done + CHUNK])
            if progress:
                progress(min(done + CHUNK, n))
    except (IntegrityError, psycopg.IntegrityError) as error:
        raise BadInput(
            f"Reports of seed {seed} are there already; please choose another seed."
        ) from error
    await _tidy(database)


async def _people(session: AsyncSession) -> list[tuple[int | None, str]]:
    """Return who may have made them, with the language of each."""
    found = await session.execute(
        select(Resident.id, Resident.language).order_by(col(Resident.id)).limit(10 * CHUNK)
    )
    return [(number, language) for number, language in found] or [(None, "ja")]


async def _teams(session: AsyncSession, now: datetime) -> list[int]:
    """Return the ids of the teams; a city that has none gets some."""
    known = list(await session.scalars(select(Team.id).where(col(Team.active)).limit(20)))
    if not known:
        made = [Team(name=name, kind=TeamKind(kind), created_at=now) for name, kind in _TEAMS]
        session.add_all(made)
        await session.flush()
        known = [each.id for each in made]
    return [each for each in known if each is not None]


async def _store(session: AsyncSession, maker: _Maker, first: int, moments: list[datetime]) -> None:
    ids = await _ids(session, len(moments))
    made, at = _Chunk(), 0
    for year, some in groupby(moments, lambda moment: in_japan(moment).year):
        these = list(some)
        last = await next_number(session, year, step=len(these))
        for position, moment in enumerate(these):
            number = f"{year}-{last - len(these) + 1 + position:06}"
            maker.draw(made, ids[at], number, first + at, moment)
            at += 1
    await write_rows(session, "reports", _REPORTS, made.reports)
    await write_rows(session, "report_updates", _UPDATES, made.updates)
    await write_rows(session, "photos", _PHOTOS, made.photos)


async def _ids(session: AsyncSession, size: int) -> list[int]:
    """Return free ids; SQLite's only writer is this transaction."""
    if session.get_bind().dialect.name == "sqlite":
        last = int(await session.scalar(select(func.max(Report.id))) or 0)
        return list(range(last + 1, last + 1 + size))
    reserved = "SELECT nextval(pg_get_serial_sequence('reports', 'id')) "
    rows = await session.scalars(text(f"{reserved} FROM generate_series(1, :size)"), {"size": size})
    return list(rows)


async def _tidy(database: Database) -> None:
    """Update the database's statistics."""
    async with database.writing() as session:
        for table in ("reports", "report_updates", "photos"):
            await session.execute(text(f"ANALYZE {table}"))


class _Maker:
    """Draws reports."""

    def __init__(
        self,
        city: City,
        seed: int,
        now: datetime,
        people: list[tuple[int | None, str]],
        teams: list[int],
        pictures: tuple[Picture, ...],
        *,
        sqlite: bool,
    ) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same reports every time
        self.seed = seed
        self.now = now.astimezone(UTC)
        self.people = people
        self.teams = teams
        self.pictures = pictures
        self.zone = "" if sqlite else "+00"
        self.kinds = [(kind.code, kind.department) for kind in city.report_categories]
        self.places = [self._place(city) for _ in range(_PLACES)]

    def _place(self, city: City) -> tuple[float | None, float | None, str | None, str]:
        """Draw a point of a district, with the district and an address."""
        with_outline = [district for district in city.districts if district.polygons]
        if not with_outline:
            return None, None, None, "住所のみ"
        district = self.dice.choice(with_outline)
        outline = district.polygons[0][0]
        west, east = min(x for x, _ in outline), max(x for x, _ in outline)
        south, north = min(y for _, y in outline), max(y for _, y in outline)
        x, y = outline[0]
        for _ in range(50):
            x, y = self.dice.uniform(west, east), self.dice.uniform(south, north)
            if district.contains(x, y):
                break
        street = f"{district.names.get('ja', district.code)}{self.dice.choice(_STREETS)}"
        return x, y, district.code, street

    def moments(self, n: int) -> list[datetime]:
        """Return when they were made, the oldest first."""
        span = DAYS_BACK * 86_400
        seconds = sorted((self.dice.random() * span for _ in range(n)), reverse=True)
        return [self.now - timedelta(seconds=round(each, 3)) for each in seconds]

    def draw(self, made: _Chunk, row: int, number: str, place_in_row: int, at: datetime) -> None:
        dice = self.dice
        place = dice.randrange(len(self.places))
        longitude, latitude, area, street = self.places[place]
        if longitude is not None and latitude is not None:
            # Several metres apart, as reports of one hole are.
            longitude = round(longitude + dice.uniform(-0.0002, 0.0002), 6)
            latitude = round(latitude + dice.uniform(-0.0002, 0.0002), 6)
        kind, department = dice.choice(self.kinds)
        resident, language = dice.choice(self.people)
        road, road_class = _ROADS[place % len(_ROADS)]
        leader = self._leader(made, place, at)
        if leader is not None:
            kind, department = made.reports[leader][4], made.reports[leader][5]
            steps = [(ReportState.DUPLICATE, at + timedelta(days=dice.uniform(0.02, 1)))]
            steps = [step for step in steps if step[1] <= self.now]
        else:
            steps = self._steps(at)
        is_joined = leader is not None and bool(steps)
        state, changed = steps[-1] if steps else (FIRST, at)
        priority = dice.choices((1, 2, 3, 4), (2, 18, 65, 15))[0]
        due = in_japan(at).date() + timedelta(days=_DAYS_DUE[priority])
        first = steps[0][1] if steps else None
        has_team = bool(first) and not is_joined and dice.random() < 0.8
        team = dice.choice(self.teams) if has_team else None
        pictures = dice.sample(self.pictures, min(dice.choice((0, 1, 1, 2)), len(self.pictures)))
        since = {step: self._moment(when) for step, when in reversed(steps)}
        made.reports.append(
            (
                row,
                number,
                resident,
                f"generated:{self.seed}:{place_in_row}",
                kind,
                department,
                state.value,
                longitude,
                latitude,
                cell_of(longitude, latitude)
                if longitude is not None and latitude is not None
                else None,
                f"{street}{dice.randint(1, 4)}-{dice.randint(1, 30)} {dice.choice(_NEAR)}",
                area,
                dice.choice(_WORDS),
                "",
                "",
                language,
                self._moment(at),
                self._moment(changed),
                made.reports[leader][0] if is_joined and leader is not None else None,
                1,
                len(pictures),
                team,
                priority,
                json.dumps(_WHY[priority], ensure_ascii=False),
                None if is_joined else due.isoformat(),
                road,
                road_class,
                dice.choice(_CAME_BY),
                self._moment(first) if first else None,
                STAFF if first else "",
                since.get(ReportState.ACCEPTED),
                since.get(ReportState.IN_PROGRESS),
                self._moment(changed) if not state.is_open else None,
            )
        )
        if is_joined and leader is not None:
            others = list(made.reports[leader])
            others[_REPORTERS] += 1
            made.reports[leader] = tuple(others)
        else:
            made.leaders.setdefault(place, []).append((len(made.reports) - 1, at))
        made.updates.append((row, "resident", FIRST.value, "", "", "", 0, "", self._moment(at)))
        for step, when in steps:
            answer = dice.choice(_ANSWERS) if step is ReportState.DONE else ""
            why = dice.choice(tuple(step.facts.reasons)) if step.facts.reasons else ""
            told = 1 if answer or step.facts.news else 0
            made.updates.append(
                (row, STAFF, step.value, answer, "", why, told, "", self._moment(when))
            )
        for picture in pictures:
            made.photos.append(
                (
                    row,
                    picture.sha256,
                    CONTENT_TYPE,
                    picture.width,
                    picture.height,
                    picture.size,
                    "",
                    self._moment(at),
                )
            )

    def _leader(self, made: _Chunk, place: int, at: datetime) -> int | None:
        """Return the earlier report of the same place that this one is joined to, mostly none."""
        if self.dice.random() > 0.35:
            return None
        for position, when in reversed(made.leaders.get(place, ())):
            if at - when <= JOINED_WITHIN:
                return position
        return None

    def _steps(self, at: datetime) -> list[tuple[ReportState, datetime]]:
        """Draw what staff have done so far, and when."""
        dice, days, steps = self.dice, (self.now - at).days, list[tuple[ReportState, datetime]]()
        if dice.random() < 0.07:
            ended = ReportState.DECLINED if dice.random() < 0.6 else ReportState.REFERRED
            planned = [(ended, dice.uniform(0.2, 6))]
        else:
            taken = dice.uniform(0.05, 4)
            begun = taken + dice.uniform(1, 20)
            planned = [
                (ReportState.ACCEPTED, taken),
                (ReportState.IN_PROGRESS, begun),
                (ReportState.DONE, begun + dice.expovariate(1 / 25)),
            ]
        for state, after in planned:
            # One in two hundred is forgotten and stays in its state.
            if after > days or dice.random() < 0.005:
                break
            steps.append((state, at + timedelta(days=after)))
        return steps

    def _moment(self, at: datetime) -> str:
        return f"{at:{MOMENT}}{self.zone}"


def make_pictures(media_dir: Path, n: int, seed: int) -> tuple[Picture, ...]:
    """Store ``n`` photos of nothing, as blurred as a phone's at night."""
    from PIL import Image

    dice = random.Random(seed)  # noqa: S311 - the same photos every time
    made = []
    for _ in range(n):
        output = io.BytesIO()
        noise = Image.frombytes("RGB", (32, 24), dice.randbytes(32 * 24 * 3))
        noise.resize((640, 480)).save(output, "JPEG", quality=80)
        made.append(store_photo(media_dir, output.getvalue()))
    return tuple(made)
