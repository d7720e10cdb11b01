"""What is in force in the city: one answer for all pages, feeds, conversations and checks.

For warnings that a telegram lifts, the hazard board decides. Every other danger has an end: the
agency's, that of a rule of :data:`LASTS`, or the hours that staff chose. Drills are never in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, or_, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import Decision
from core.snapshot import once
from feeds.facts import shown_level
from feeds.jma.levels import VOLCANO_CALM, WARNINGS
from feeds.jma.store import LIFTED_BY_TELEGRAM
from feeds.models import OF_AN_AGENCY, OVER, HazardState, Notice, Status

PUBLIC = (Decision.SEND, Decision.DIGEST, Decision.PUBLISH)
"""Decisions that make a notice public."""
HOLDS = timedelta(hours=48)
"""How long a danger is in force if it names no end and nobody renewed or ended it."""
LONGEST = timedelta(days=14)
"""The longest time in force without a telegram that lifts it: the two weeks of 巨大地震警戒."""
SERIOUS = 2
"""The level from which a notice is about a danger: an advisory's."""
GRAVE = 3
"""The urgency from which an agency's report without a level is about a danger."""
WEEK = timedelta(days=7)
LATE = 5
"""How many notices of one kind are looked at for the last of them."""
LASTS: dict[str, tuple[tuple[str, timedelta], ...]] = {
    "nankai-trough": (("巨大地震警戒", 2 * WEEK), ("巨大地震注意", WEEK)),
    "off-sanriku": (("", WEEK),),
}
"""By hazard and a part of the name: how long a report is in force, if that differs from the time
after which it is no news. 警戒 asks for a week of heightened care and one of ordinary care.
"""
_RAIN = frozenset({"heavy-rain", "landslide", "flood", "river-flood"})
RESTS_ON: dict[str, tuple[frozenset[str], int]] = {
    "linear-rain-band": (_RAIN, 3),
    "record-rain": (_RAIN, 2),
    "tornado": (frozenset({"thunder"}), 2),
    "short-heavy-snow": (frozenset({"heavy-snow", "snow-storm"}), 2),
}
"""Reports that the agency does not end: they are over when a later telegram brings all the warnings
below them under a level. Tornado watches belong to a thunder advisory; a rain band is reported if
the danger has reached level 4.
"""
_GROUPS = {kind.hazard: kind.group for kind in WARNINGS.values()}


@dataclass(frozen=True, kw_only=True)
class InForce:
    """One danger that is in force.

    ``notice`` is the newest public notice about it; None if the city's rules told nobody (staff
    still see it). ``level`` is the evacuation level that may be shown. ``until`` is None if a
    telegram will end it.
    """

    kind: str
    level: int
    urgency: int
    intensity: str = ""
    since: datetime
    until: datetime | None = None
    notice: Notice | None = None

    @property
    def reach(self) -> int:
        return max(self.level, self.urgency)


async def in_force(
    session: AsyncSession, municipality: str, now: datetime, *, least: int = 0
) -> list[InForce]:
    """Return what is in force in the city at ``now``, the gravest first, then the newest.

    If a later notice continues or corrects a notice, only the later one is in force; if it ends it,
    neither is. ``least`` is the lowest urgency. A session that keeps answers (``core.snapshot``)
    keeps that of its first moment.
    """
    found = await once(
        session, (in_force, municipality), lambda: _in_force(session, municipality, now)
    )
    return [one for one in found if one.reach >= least]


async def _in_force(session: AsyncSession, municipality: str, now: datetime) -> list[InForce]:
    states = await _states(session, municipality)
    told, holding = await _newest_words(session, await _candidates(session, states, now))
    found = [*_standing(states, told), *_reported(holding, states, now)]
    found.sort(key=_gravity, reverse=True)
    return found


async def public_notices(session: AsyncSession, municipality: str, now: datetime) -> list[Notice]:
    """Return the public notices of the dangers in force, in the same order."""
    found = await in_force(session, municipality, now)
    notices = [one.notice for one in found if one.notice is not None]
    return list({notice.id: notice for notice in notices}.values())


def _gravity(one: InForce) -> tuple[bool, int, datetime, int]:
    # An earthquake has no evacuation level but is serious.
    emergency = one.notice.emergency if one.notice is not None else one.reach >= 4
    number = (one.notice.id or 0) if one.notice is not None else 0
    return emergency, one.reach, one.since, number


async def _states(session: AsyncSession, municipality: str) -> list[HazardState]:
    """Return the newest states of telegrams; only warnings that a telegram will lift have a level
    there.
    """
    rows = await session.scalars(
        select(HazardState).where(col(HazardState.municipality) == municipality)
    )
    return list(rows)


def _holds(state: HazardState) -> bool:
    """Whether a state is a warning; a volcano's first level says that it is calm."""
    return state.level > (VOLCANO_CALM if state.hazard == "volcano" else 0)


async def _candidates(
    session: AsyncSession, states: Sequence[HazardState], now: datetime
) -> list[Notice]:
    holding = [state for state in states if _holds(state)]
    ids = [state.notice_id for state in holding if state.notice_id is not None]
    named = sorted({(state.kind, state.reported_at) for state in holding if state.kind})
    told: tuple[ColumnElement[bool], ...] = (
        col(Notice.decision).in_(PUBLIC),
        col(Notice.drill).is_(False),
        col(Notice.status).not_in(OVER),
    )
    # A question each, as no index answers them together.
    numbers: CompoundSelect[Any] = union(
        select(Notice.id).where(col(Notice.id).in_(ids)),
        *(_named(kind, through, told) for kind, through in named),
        select(Notice.id).where(
            col(Notice.reported_at) >= now - LONGEST,
            or_(
                col(Notice.level) >= SERIOUS,
                col(Notice.emergency),
                and_(OF_AN_AGENCY, col(Notice.urgency) >= GRAVE),
            ),
        ),
    )
    asked_for = (await session.scalars(numbers)).all()
    found = await session.scalars(
        select(Notice).where(*told, col(Notice.id).in_(asked_for)).order_by(col(Notice.id))
    )
    return list(found)


def _named(kind: str, through: datetime, told: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return the ids of the last notices of a kind, out of many years.

    More than one, because a telegram can come late; the ids show which was told last.
    """
    last = (
        select(Notice.id)
        .where(OF_AN_AGENCY, col(Notice.kind) == kind, col(Notice.reported_at) <= through, *told)
        .order_by(col(Notice.reported_at).desc(), col(Notice.id).desc())
        .limit(LATE)
        .subquery()
    )
    return select(last.c.id)


async def _newest_words(
    session: AsyncSession, candidates: Iterable[Notice]
) -> tuple[dict[int, tuple[Notice, Notice]], list[Notice]]:
    """Return each candidate by its id, with the last public notice of its chain; and the parts of
    the chains that are still in force, which are more than the last notice if that is only about
    some districts.

    A correction and an all-clear may both refer to the first notice of a chain; the last one
    counts.
    """
    known = {notice.id: notice for notice in candidates if notice.id is not None}
    wanted = list(known)
    chain = dict(known)
    while wanted:
        before = {notice.replaces_id for notice in chain.values()} - {None, *chain}
        some = await session.scalars(
            select(Notice).where(
                or_(
                    and_(col(Notice.replaces_id).in_(wanted), col(Notice.decision).in_(PUBLIC)),
                    col(Notice.id).in_(before),
                )
            )
        )
        fresh = {n.id: n for n in some if n.id is not None and n.id not in chain}
        chain.update(fresh)
        wanted = list(fresh)
    chains: dict[int, list[Notice]] = {}
    for number in sorted(chain):
        if chain[number].decision in PUBLIC:
            chains.setdefault(_root(number, chain), []).append(chain[number])
    told = {number: (known[number], chains[_root(number, chain)][-1]) for number in known}
    roots = dict.fromkeys(_root(number, chain) for number in known)
    return told, [notice for root in roots for notice in _holding(chains[root])]


Holding = dict[int, frozenset[str]]
"""Notices in force by id, with their districts; none means the whole city."""


def _holding(chain: Sequence[Notice]) -> list[Notice]:
    """Return the parts of a chain that are in force after its last notice.

    An agency's notice replaces the earlier one completely. An order of the city may be raised or
    lifted for some districts, and stays in force in the others.
    """
    if chain[-1].hazard:
        return [chain[-1]]
    states: dict[int | None, tuple[Holding, Holding]] = {}
    for notice in chain:
        before, after = states.get(notice.replaces_id, ({}, {}))
        corrects = notice.status is Status.CORRECTED and notice.with_id is None
        base = before if corrects else after
        now = _after(notice, base)
        # A correction of one of several levels that were sent together replaces all of them.
        before = base if notice.with_id is None else states.get(notice.with_id, ({}, {}))[0]
        states[notice.id] = (before, now)
    numbers = states[chain[-1].id][1]
    return [notice for notice in chain if notice.id in numbers]


def _after(notice: Notice, before: Holding) -> Holding:
    here = frozenset(notice.areas)
    holding: Holding = {}
    if here and notice.status is not Status.CANCELLED:
        # A notice for the whole city is in force until another one for the whole city.
        left = {number: areas - here for number, areas in before.items()}
        holding = {n: areas for n, areas in left.items() if areas or not before[n]}
    if notice.status not in OVER and notice.id is not None:
        holding[notice.id] = here
    return holding


def _root(number: int, chain: dict[int, Notice]) -> int:
    seen = set()
    while (before := chain[number].replaces_id) in chain and number not in seen:
        seen.add(number)
        number = before
    return number


def _standing(
    states: Sequence[HazardState], told: dict[int, tuple[Notice, Notice]]
) -> list[InForce]:
    """Return the entries of the hazard board, each with its public notice."""
    found: dict[tuple[object, ...], InForce] = {}
    for state in sorted(states, key=lambda state: state.reported_at):
        if not _holds(state):
            continue
        notice = _told_of(state, told)
        level = shown_level(state.hazard, state.kind) or (
            notice.level if notice is not None and notice.kind in ("", state.kind) else 0
        )
        one = InForce(
            kind=state.kind or (notice.kind if notice is not None else ""),
            level=level,
            urgency=state.level,
            since=state.reported_at if notice is None else notice.reported_at,
            notice=notice,
        )
        about = (state.hazard, state.kind) if notice is None else (notice.id,)
        found[about] = one
    return list(found.values())


def _told_of(state: HazardState, told: dict[int, tuple[Notice, Notice]]) -> Notice | None:
    """Return the last public notice of a hazard: by its name, else the noted one."""
    named = [
        number
        for number, (notice, _) in told.items()
        if state.kind
        and notice.kind == state.kind
        and group_of(notice) in (state.hazard, "flood")
        and notice.reported_at <= state.reported_at
    ]
    noted = [state.notice_id] if state.notice_id in told else []
    if noted and told[noted[0]][0].kind == state.kind:
        named = noted
    for number in [*named[-1:], *noted]:
        last = told[number][1]
        if last.status not in OVER:
            return last
    return None


def group_of(notice: Notice) -> str:
    """Return the hazard, or the group of hazards that the agency names together."""
    return _GROUPS.get(notice.hazard, notice.hazard)


def _reported(
    holding: Sequence[Notice], states: Sequence[HazardState], now: datetime
) -> list[InForce]:
    """Return the dangers in force at ``now`` that no telegram lifts."""
    return [
        InForce(
            kind=notice.kind,
            level=notice.shown_level,
            urgency=notice.urgency,
            intensity=notice.intensity,
            since=notice.reported_at,
            until=end_of(notice),
            notice=notice,
        )
        for notice in holding
        if notice.status not in OVER
        and not notice.drill
        and group_of(notice) not in LIFTED_BY_TELEGRAM
        and is_danger(notice)
        and now < end_of(notice)
        and not _rests_on_nothing(notice, states)
    ]


def is_danger(notice: Notice) -> bool:
    """Whether a notice is about a danger, which is in force for some time, and not news."""
    grave = bool(notice.hazard) and notice.urgency >= GRAVE
    return notice.level >= SERIOUS or notice.emergency or grave


def end_of(notice: Notice) -> datetime:
    """Return when a danger that no telegram lifts ends."""
    for name, lasts in LASTS.get(notice.hazard, ()):
        if name in notice.kind:
            return notice.reported_at + lasts
    if notice.expires_at is None:
        return notice.reported_at + HOLDS
    by_staff_or_agency = bool(notice.hazard) or notice.source is None
    if by_staff_or_agency:
        return notice.expires_at
    return min(notice.expires_at, notice.reported_at + HOLDS)


def _rests_on_nothing(notice: Notice, states: Sequence[HazardState]) -> bool:
    """Whether later telegrams ended everything that a report of the agency's rests on."""
    if notice.hazard not in RESTS_ON:
        return False
    groups, least = RESTS_ON[notice.hazard]
    under = [state for state in states if state.hazard in groups]
    later = any(state.reported_at > notice.reported_at for state in under)
    return later and all(state.level < least for state in under)
