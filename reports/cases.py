"""One thing, one case: reports of the same are joined under one of them, and can be parted again.

There is no table of cases. The leading report has no ``case_id``; a joined one has the leader's
and the state ``duplicate``. There is never a chain: whoever joins a joined report joins its leader,
and a leader that is joined brings its own along. All who reported or joined hear of the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.clock import in_japan
from core.errors import BadInput
from reports import priority, public_place, register
from reports.kinds import city_now
from reports.likeness import ALIKE, differing_bits, is_plain
from reports.members import joined_to
from reports.models import (
    RESIDENT,
    CameBy,
    Follower,
    OrderItem,
    Photo,
    Report,
    ReportUpdate,
    WorkUsed,
)
from reports.nearby import Nearby, nearby
from reports.reasons import reason
from reports.states import ReportState, Stage
from subscriptions.models import Resident, ResidentState

SAME = "same"
"""The reason of a joined report (``states``)."""
LIKELY = 5
"""Points from which a report near by is suggested as the same thing."""
MOST_MEMBERS = 200
_KEPT_OFF = ("is_home", "hidden")
"""What staff said of a case to keep it from everybody; it holds for each of its reports."""


@dataclass(frozen=True)
class Suggestion:
    """A report near another one, and what speaks for both being the same thing.

    Parameters
    ----------
    days
        Between the two reports.
    bits
        In how many of 64 bits their most alike photos differ; None without photos to compare.
    """

    near: Nearby
    same_kind: bool
    days: int
    bits: int | None

    @property
    def report(self) -> Report:
        return self.near.report

    @property
    def metres(self) -> float:
        return self.near.metres

    @property
    def is_alike(self) -> bool:
        return self.bits is not None and self.bits <= ALIKE

    @property
    def points(self) -> int:
        """How much speaks for it: place, kind, photo, time."""
        place = 3 if self.metres <= 10 else 2 if self.metres <= 25 else 1
        return (
            place
            + 3 * self.same_kind
            + 3 * self.is_alike
            + (1 if self.days <= 14 else -1 if self.days > 90 else 0)
        )

    @property
    def is_likely(self) -> bool:
        """Whether it is suggested to join them; only what is open can be joined."""
        return self.report.state.is_open and self.points >= LIKELY


async def similar(session: AsyncSession, report: Report, now: datetime) -> list[Suggestion]:
    """Return the cases near a report, the likeliest to be the same first."""
    near = [
        one
        for one in await nearby(session, report, now)
        if one.report.case_id is None
        and one.report.id != report.case_id
        and one.report.state is not ReportState.WITHDRAWN
    ]
    ids = [one.report.id for one in near if one.report.id is not None]
    marks = await _marks(session, [*ids, report.id or 0]) if ids else {}
    own = marks.get(report.id or 0, [])
    found = []
    for one in near:
        theirs = marks.get(one.report.id or 0, [])
        bits = min((differing_bits(a, b) for a in own for b in theirs), default=None)
        apart = abs(one.report.created_at - report.created_at).days
        found.append(Suggestion(one, one.report.category == report.category, apart, bits))
    found.sort(key=lambda one: (not one.report.state.is_open, -one.points, one.metres))
    return found


async def _marks(session: AsyncSession, report_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return the fingerprints of reports' photos; plain ones, such as the dark, say nothing."""
    query = select(col(Photo.report_id), col(Photo.dhash)).where(
        col(Photo.report_id).in_(report_ids), col(Photo.dhash).is_not(None)
    )
    found: dict[int, list[int]] = {}
    for report_id, mark in (await session.execute(query)).all():
        if mark is not None and not is_plain(mark):
            found.setdefault(report_id, []).append(mark)
    return found


@dataclass(frozen=True)
class Joined:
    """What joining made.

    Parameters
    ----------
    leader
        The report that leads now.
    joined
        The reports that joined it in this act: first the one that led its own case, whose residents
        hear of it, then those that were joined to that one.
    before
        The state of the first of them before.
    """

    leader: Report
    joined: tuple[Report, ...]
    before: ReportState


async def join(
    session: AsyncSession,
    city: City,
    number: str,
    other: str,
    *,
    by: str,
    now: datetime,
    seen: str | None = None,
    seen_other: str | None = None,
) -> Joined:
    """Make two cases one, under a person's name, in the caller's transaction.

    What is further along leads; of two alike, the older. Either number may be of a joined report:
    its case is meant.

    Parameters
    ----------
    seen, seen_other
        ``updated_at`` of both as the person saw them, in ISO form; None for whatever they are.

    Raises
    ------
    BadInput
        One is missing, was changed meanwhile or has ended, or they are one case already.
    """
    city = await city_now(session, city)
    one, two = await _both(session, number, other)
    for report, as_seen in ((one, seen), (two, seen_other)):
        if as_seen is not None and as_seen != report.updated_at.isoformat():
            raise BadInput(reason("report.changed"))
    if one.id == two.id:
        raise BadInput(reason("report.same-case"))
    if not (one.state.is_open and two.state.is_open):
        raise BadInput(reason("report.join-ended"))
    leader, joining = _who_leads(one, two)
    before = joining.state
    members = await joined_to(session, joining)
    brought = sum(member.reporters for member in members)
    if len(await joined_to(session, leader)) + len(members) >= MOST_MEMBERS:
        raise BadInput(reason("report.join-most", most=MOST_MEMBERS))
    leader.reporters += joining.reporters
    joining.reporters -= brought
    for member in members:
        member.case_id = leader.id
        session.add(member)
    joining.case_id = leader.id
    was_home = leader.is_home
    _share_home(city, [leader, joining, *members])
    await register.note_step(
        session,
        joining,
        by=by,
        now=now,
        state=ReportState.DUPLICATE,
        reason=SAME,
        changes={"joined-to": [None, leader.number]},
        action="report.joined",
        into=leader.number,
    )
    numbers = [joining.number, *(member.number for member in members)]
    priority.settle(leader, city, now, await joined_to(session, leader))
    await register.note_step(
        session,
        leader,
        by=by,
        now=now,
        changes={
            "joined": [None, ", ".join(numbers[:20])],
            **({"is_home": [was_home, True]} if leader.is_home != was_home else {}),
        },
        action="report.widened",
        joined=joining.number,
    )
    return Joined(leader, (joining, *members), before)


async def part(
    session: AsyncSession,
    city: City,
    number: str,
    *,
    by: str,
    now: datetime,
    seen: str | None = None,
) -> Report:
    """Take a joined report out of its case; it is again what it was before, and a case of its own.

    Raises
    ------
    BadInput
        It is missing or not joined to another, or it was changed meanwhile.
    """
    await turn(session)
    report = await register.get_report(session, number)
    await session.refresh(report)
    if report.case_id is None:
        raise BadInput(reason("report.not-joined"))
    leader = await _locked(session, report.case_id)
    await session.refresh(report, with_for_update=True)
    if seen is not None and seen != report.updated_at.isoformat():
        raise BadInput(reason("report.changed"))
    assert report.id is not None
    leader.reporters = max(1, leader.reporters - report.reporters)
    report.case_id = None
    changes: dict[str, list[Any]] = {"parted-from": [None, leader.number]}
    for name in _KEPT_OFF:
        if getattr(leader, name) and not getattr(report, name):
            setattr(report, name, True)
            changes[name] = [False, True]
    await register.note_step(
        session,
        report,
        by=by,
        now=now,
        state=await _state_before(session, report.id),
        changes=changes,
        action="report.parted",
        out_of=leader.number,
    )
    for one, what, whom in ((report, "", ""), (leader, "parted", report.number)):
        priority.settle(one, city, now, await joined_to(session, one))
        if what:
            await register.note_step(
                session,
                one,
                by=by,
                now=now,
                changes={what: [None, whom]},
                action="report.narrowed",
                parted=whom,
            )
    return report


async def leave(session: AsyncSession, report: Report, now: datetime) -> None:
    """Let a report go that its resident takes back: its case goes on without it.

    The oldest of the joined reports takes a leader's place, with its state and all that was
    decided. If there is none, somebody who said that they saw the same thing is the reporter now,
    under a new number. Call it before the report changes, and take the :func:`turn` before the
    report.
    """
    await turn(session)
    await session.refresh(report, with_for_update=True)
    if report.case_id is not None:
        leader = await _locked(session, report.case_id)
        leader.reporters = max(1, leader.reporters - report.reporters)
        report.case_id = None
        session.add(leader)
        return
    members = await joined_to(session, report)
    if members:
        heir, rest = await _locked(session, members[0].id or 0), members[1:]
        brought = sum(member.reporters for member in members)
    else:
        seen = await _report_of_who_saw(session, report, now)
        if seen is None:
            return
        heir, rest, brought = seen, [], 1
    for name in (
        *("state", "department", "team_id", "owner", "priority", "priority_why", "priority_by"),
        *("due_on", "accepted_at", "began_at", "ended_at", "opened_at", "opened_by", "hidden"),
    ):
        setattr(heir, name, getattr(report, name))
    heir.is_home = heir.is_home or report.is_home
    heir.reporters = brought + await _hand_followers(session, report, heir)
    report.reporters = 1
    await _hand_orders(session, report, heir)
    heir.case_id = None
    heir.updated_at = now
    session.add(heir)
    await session.execute(
        update(Report)
        .where(col(Report.id).in_([member.id for member in rest]))
        .values(case_id=heir.id)
        .execution_options(synchronize_session="fetch")
    )
    assert heir.id is not None
    session.add(
        ReportUpdate(
            report_id=heir.id,
            by=RESIDENT,
            state=heir.state,
            changes={"leads-after": [None, report.number]},
            created_at=now,
        )
    )
    await audit.record(
        session,
        now,
        actor=RESIDENT,
        action="report.leads",
        subject=f"report:{heir.number}",
        after=report.number,
    )


async def _report_of_who_saw(session: AsyncSession, report: Report, now: datetime) -> Report | None:
    """Make a report of the first who said that they saw the same thing, at the same place.

    It has nothing that the reporter wrote or sent. None if nobody saw it, or it has no place.
    """
    first = await session.scalar(
        select(Resident)
        .join(Follower, col(Follower.resident_id) == col(Resident.id))
        .where(
            col(Follower.report_id) == report.id,
            col(Follower.saw).is_(True),
            col(Resident.state) == ResidentState.FOLLOWING,
        )
        .order_by(col(Follower.created_at), col(Resident.id))
        .limit(1)
    )
    if first is None or report.longitude is None:
        return None
    year = in_japan(now).year
    number = await register.next_number(session, year, step=1)
    made = Report(
        number=f"{year}-{number:06}",
        resident_id=first.id,
        origin=f"left:{report.number}",
        category=report.category,
        department=report.department,
        language=first.language,
        longitude=report.longitude,
        latitude=report.latitude,
        area=report.area,
        road=report.road,
        road_class=report.road_class,
        came_by=CameBy.LINE,
        created_at=report.created_at,
        updated_at=now,
    )
    session.add(made)
    await session.flush()
    return made


async def _hand_followers(session: AsyncSession, report: Report, heir: Report) -> int:
    """Let those who follow a report hear of its heir; return how many of them saw it."""
    theirs = set(
        await session.scalars(
            select(col(Follower.resident_id)).where(col(Follower.report_id) == heir.id)
        )
    )
    if heir.resident_id is not None:
        theirs.add(heir.resident_id)
    handed = update(Follower).where(
        col(Follower.report_id) == report.id, col(Follower.resident_id).not_in(theirs)
    )
    saw = await session.scalars(
        handed.values(report_id=heir.id)
        .returning(col(Follower.saw))
        .execution_options(synchronize_session=False)
    )
    more = sum(saw)
    left = delete(Follower).where(col(Follower.report_id) == report.id)
    await session.execute(left.execution_options(synchronize_session=False))
    return more


async def _hand_orders(session: AsyncSession, report: Report, heir: Report) -> None:
    """Let work orders lead to the heir, so that a crew still goes there and is heard."""
    both = select(col(OrderItem.order_id)).where(col(OrderItem.report_id) == heir.id)
    mine = [
        update(OrderItem).where(
            col(OrderItem.report_id) == report.id, col(OrderItem.order_id).not_in(both)
        ),
        update(WorkUsed).where(col(WorkUsed.report_id) == report.id),
    ]
    for one in mine:
        await session.execute(
            one.values(report_id=heir.id).execution_options(synchronize_session=False)
        )


def _share_home(city: City, reports: Sequence[Report]) -> None:
    """If one report of a case is at somebody's home, by its tick or its kind, all are.

    They are at one place: shown exactly, one would give away the others'.
    """
    homes = [public_place.is_home(report, city) for report in reports]
    if any(homes):
        for report, home in zip(reports, homes, strict=True):
            report.is_home = report.is_home or not home


def _who_leads(one: Report, two: Report) -> tuple[Report, Report]:
    def rank(report: Report) -> tuple[bool, int]:
        return report.state.facts.stage is not Stage.TAKEN_UP, report.id or 0

    return (one, two) if rank(one) < rank(two) else (two, one)


async def _both(session: AsyncSession, number: str, other: str) -> tuple[Report, Report]:
    """Return the leading reports of two numbers, both locked, in the order of their ids."""
    await turn(session)
    found = [await register.get_report(session, one) for one in (number, other)]
    for report in found:
        await session.refresh(report)
    ids = [report.case_id or report.id or 0 for report in found]
    leaders = {one: await _locked(session, one) for one in sorted({*ids})}
    return leaders[ids[0]], leaders[ids[1]]


async def turn(session: AsyncSession) -> None:
    """Wait until nobody else joins or parts, so that no leader changes under our hands.

    Whoever holds a report already must not wait here: those who wait for that report hold the turn.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.cases'))"))


async def _locked(session: AsyncSession, report_id: int) -> Report:
    report = await session.get_one(Report, report_id)
    await session.refresh(report, with_for_update=True)
    return report


async def _state_before(session: AsyncSession, report_id: int) -> ReportState:
    """Return the state that a report had before it was joined, as its steps say."""
    query = (
        select(col(ReportUpdate.state))
        .where(
            col(ReportUpdate.report_id) == report_id,
            col(ReportUpdate.state).is_not(None),
            col(ReportUpdate.state) != ReportState.DUPLICATE,
        )
        .order_by(col(ReportUpdate.id).desc())
        .limit(1)
    )
    return await session.scalar(query) or ReportState.NEW
