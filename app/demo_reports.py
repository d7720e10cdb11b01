"""The demo's reports: a morning of the road department, and the months before it.

They are made by the functions that the service itself uses, in the order in which they came, with
the simulator's drawn photos. Nobody is told anything: it has all happened already.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import cos, radians

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.demo_stories import EARLIER_WORDS, STORIES, Story
from city.city import City
from city.context import Context
from city.folder import CityFolder
from city.gazetteer import Gazetteer, Place
from city.shapes import box_of
from core.clock import in_japan
from reports import cases, order_links, orders, places, register, releasing, teams, work
from reports.models import RESIDENT, CameBy, OrderKind, Photo, PhotoRole, Report, TeamKind
from reports.photos import Picture, store_photo
from reports.register import Draft
from reports.states import ReportState
from reports.teams import Entry
from reports.work import Change
from simulator.line.photos import ReadyPhotos
from subscriptions.models import Resident

ACTOR = "rule:demo"
MORNING, UNDER_WAY, EARLIER = 12, 24, 62
"""Reports on which nobody has decided, of the last weeks, and of the months before."""
PAIRS = 3
"""How many cases somebody else reported as well."""
TEAMS = (
    ("道路維持班A", TeamKind.TEAM, "roads"),
    ("道路維持班B", TeamKind.TEAM, "roads"),
    ("公園班", TeamKind.TEAM, "parks"),
    ("見本電気工事（有）", TeamKind.CONTRACTOR, "roads"),
)
ACCEPTED, IN_PROGRESS, DONE = ReportState.ACCEPTED, ReportState.IN_PROGRESS, ReportState.DONE
METRES_A_DEGREE = 111_000


@dataclass(frozen=True)
class _Told:
    """One report as it is to be made.

    ``steps`` are the states that it got since, and how long after it each was.
    """

    story: Story
    at: datetime
    place: Place
    steps: tuple[tuple[ReportState, timedelta], ...] = ()
    came_by: CameBy = CameBy.LINE
    twice: bool = False
    """Whether somebody else reports the same half a day later."""


async def add_reports(context: Context, folder: CityFolder, account: str) -> None:
    """Make all reports, and a work order of today for those who are at work.

    Parameters
    ----------
    account
        The road department's account of the console.
    """
    pictures = await asyncio.to_thread(_pictures, context)
    now = context.clock.now()
    told = _invented(context.city, folder.places, now)
    async with context.database.writing() as session:
        team_ids = await _teams(session, context.city, account, now)
        maker = _Maker(session, context.city, folder.places, pictures, team_ids, account, now)
        await maker.make(told, await _residents(session))
        await _order(session, context.city, maker.going_on, team_ids, account, now)


def _pictures(context: Context) -> dict[str, Picture]:
    ready = ReadyPhotos()
    return {
        name: replace(
            store_photo(context.settings.media_dir, ready.read(name)),
            role=PhotoRole.FAR if name.endswith("far") else PhotoRole.NEAR,
        )
        for name in ready.names()
    }


async def _residents(session: AsyncSession) -> dict[str, list[int]]:
    """Return the ids of the residents by language."""
    found: dict[str, list[int]] = {}
    rows = await session.execute(select(Resident.id, Resident.language).order_by(col(Resident.id)))
    for number, language in rows:
        found.setdefault(language, []).append(number or 0)
    return found


async def _teams(
    session: AsyncSession, city: City, account: str, now: datetime
) -> dict[str, list[int]]:
    """Add the teams; return their ids by department."""
    made: dict[str, list[int]] = {}
    for name, kind, department in TEAMS:
        accounts = (account,) if name == TEAMS[0][0] else ()
        entry = Entry(name=name, kind=kind, department=department, accounts=accounts)
        team = await teams.add(session, city, entry, now, known=(account,), actor=ACTOR)
        await session.flush()
        made.setdefault(department, []).append(team.id or 0)
    return made


def _invented(city: City, gazetteer: Gazetteer, now: datetime) -> list[_Told]:
    """Return what was reported, the oldest first; the same at every start, but for the dates."""
    dice = random.Random(7)  # noqa: S311 - the same every time
    spots = gazetteer.blocks_near(*(box_of(city) or (0, 0, 0, 0)))
    dice.shuffle(spots)
    midnight = in_japan(now).replace(hour=0, minute=0, second=0, microsecond=0)
    stories = [STORIES[n % len(STORIES)] for n in range(MORNING + UNDER_WAY + EARLIER)]

    def by_day(days: float) -> datetime:
        """Return a moment of a day, between six in the morning and ten at night."""
        at = midnight - timedelta(days=int(days)) + timedelta(hours=dice.uniform(6, 22))
        return min(at.astimezone(UTC), now - timedelta(minutes=5))

    found = []
    for n, story in enumerate(stories):
        came_by = CameBy.LINE
        if not story.photos and n % 3 == 0:
            came_by = dice.choice((CameBy.TELEPHONE, CameBy.PATROL, CameBy.COUNTER))
        steps: tuple[tuple[ReportState, timedelta], ...] = ()
        if n < MORNING:
            at = now - timedelta(hours=15 * (n + 0.4) / MORNING)
        elif n < MORNING + UNDER_WAY:
            at = by_day(2 + 45 * ((n - MORNING) / UNDER_WAY) ** 1.2)
            steps = ((ACCEPTED, timedelta(hours=dice.uniform(3, 26))),)
            if n % 2:
                steps += ((IN_PROGRESS, timedelta(days=dice.uniform(1.3, 1.9))),)
        else:
            at = by_day(12 + 330 * ((n - MORNING - UNDER_WAY) / EARLIER) ** 1.3)
            steps = _ended(n, dice)
        place = spots[n % len(spots)] if spots else Place("", 0, 0)
        twice = MORNING <= n < MORNING + UNDER_WAY and n % (UNDER_WAY // PAIRS) == 0
        found.append(_Told(story, at, _beside(place, dice), steps, came_by, twice))
    return sorted(found, key=lambda one: one.at)


def _ended(n: int, dice: random.Random) -> tuple[tuple[ReportState, timedelta], ...]:
    accepted = timedelta(hours=dice.uniform(3, 40))
    if n % 12 == 5:
        return ((ReportState.DECLINED, accepted),)
    if n % 12 == 9:
        return ((ReportState.REFERRED, accepted),)
    begun = accepted + timedelta(days=dice.uniform(0.5, 4))
    return (
        (ACCEPTED, accepted),
        (IN_PROGRESS, begun),
        (DONE, begun + timedelta(days=min(6, dice.expovariate(0.5)))),
    )


def _beside(place: Place, dice: random.Random) -> Place:
    """Return the same place a few metres off, on the road rather than on the house."""
    high = 12 / METRES_A_DEGREE
    wide = high / max(cos(radians(place.latitude)), 0.01)
    return Place(
        place.name,
        round(place.longitude + dice.uniform(-wide, wide), 6),
        round(place.latitude + dice.uniform(-high, high), 6),
    )


class _Maker:
    """Makes the reports and what was done on them, in one transaction."""

    def __init__(
        self,
        session: AsyncSession,
        city: City,
        gazetteer: Gazetteer,
        pictures: Mapping[str, Picture],
        team_ids: Mapping[str, list[int]],
        account: str,
        now: datetime,
    ) -> None:
        self.now = now
        self.session, self.city, self.gazetteer = session, city, gazetteer
        self.pictures, self.team_ids, self.account = pictures, team_ids, account
        self.going_on: list[str] = []
        """The numbers of the cases on which the first team works."""

    async def make(self, told: list[_Told], residents: Mapping[str, list[int]]) -> None:
        for n, one in enumerate(told):
            theirs = residents.get(one.story.language) or residents.get("ja") or [0]
            report = await self._report(one, f"demo:{n}", theirs[n % len(theirs)] or None)
            if one.twice:
                again = replace(one, at=one.at + timedelta(hours=2), came_by=CameBy.LINE)
                other = await self._report(again, f"demo:{n}:2", theirs[(n + 1) % len(theirs)])
                at = one.at + timedelta(hours=2.5)
                await cases.join(
                    self.session, self.city, report.number, other.number, by=self.account, now=at
                )
            for state, after in one.steps:
                if one.at + after > self.now:
                    break
                await self._step(report, state, one.at + after, n)

    async def _report(self, one: _Told, origin: str, resident: int | None) -> Report:
        by_line = one.came_by is CameBy.LINE
        draft = Draft(
            category=one.story.kind,
            origin=origin,
            longitude=one.place.longitude,
            latitude=one.place.latitude,
            address=places.name_near(self.gazetteer, (one.place.longitude, one.place.latitude)),
            description=one.story.words,
            pictures=tuple(self.pictures[name] for name in one.story.photos) if by_line else (),
            came_by=one.came_by,
        )
        return await register.create_report(
            self.session,
            self.city,
            draft,
            resident_id=resident if by_line else None,
            language=one.story.language if by_line else "ja",
            now=one.at,
            by=RESIDENT if by_line else self.account,
        )

    async def _step(self, report: Report, state: ReportState, at: datetime, n: int) -> None:
        if state is DONE:
            await register.note_step(
                self.session,
                await work.leading(self.session, report.number),
                answer=EARLIER_WORDS[n % len(EARLIER_WORDS)],
                by=self.account,
                now=at,
                state=DONE,
                action="report.answered",
            )
            await self._finish(report, at, n)
            return
        wanted = Change(
            state=state,
            reason=next(iter(state.facts.reasons), ""),
            team_id=self._team(report, n) if state in (ACCEPTED, IN_PROGRESS) else work.KEEP,
        )
        await work.change(self.session, self.city, report.number, wanted, by=self.account, now=at)
        if state is IN_PROGRESS and report.team_id == self.team_ids["roads"][0]:
            self.going_on.append(report.number)

    def _team(self, report: Report, n: int) -> int:
        known = self.team_ids.get(report.department) or self.team_ids["roads"]
        if report.category == "street-light":
            return known[-1]
        return known[n % max(1, len(known) - 1)]

    async def _finish(self, report: Report, at: datetime, n: int) -> None:
        """Let most reporters say that it is right, and show some photos to everybody."""
        if n % 3:
            report.judged = n % 10 != 1
            self.session.add(report)
        query = select(Photo).where(col(Photo.report_id) == report.id)
        for photo in list(await self.session.scalars(query)):
            if photo.role is PhotoRole.FAR and photo.id is not None:
                found = await releasing.one(self.session, photo.id)
                assert found is not None
                await releasing.release(
                    self.session, photo.id, "", seen=found.seen, areas=0, by=self.account, now=at
                )


async def _order(
    session: AsyncSession,
    city: City,
    going_on: list[str],
    team_ids: Mapping[str, list[int]],
    account: str,
    now: datetime,
) -> None:
    """Give the first team its work order of today, with a link for its phone."""
    open_ones = []
    for number in going_on:
        report = await register.get_report(session, number)
        if report.state is IN_PROGRESS:
            open_ones.append(number)
    if not open_ones:
        return
    order = await orders.make_order(
        session,
        city,
        kind=OrderKind.WORK,
        team_id=team_ids["roads"][0],
        on_day=in_japan(now).date(),
        numbers=open_ones[:6],
        words="午前中に学校のまわりから。",
        by=account,
        now=now,
    )
    await order_links.make(session, order, now, actor=account)
