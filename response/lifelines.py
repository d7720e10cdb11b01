"""Water points, toilets, baths, charging, open shops, power, roads: what staff list in a disaster.

An entry ends at its time by itself, so that nobody walks to a water truck that has left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database
from core.errors import BadInput
from core.geo import Position, distance_m
from core.text import clean
from response.models import Lifeline, LifelineKind, LifelineState
from response.reasons import reason

MOST_DAYS = 60
DAY = 24 * 60
"""Minutes."""
MOST_NAME, MOST_NOTE = 80, 200
_USUAL = (LifelineState.OPEN, LifelineState.BUSY, LifelineState.STOPPED)
STATES_OF = {
    **dict.fromkeys(LifelineKind, _USUAL),
    LifelineKind.POWER: (LifelineState.STOPPED, LifelineState.OPEN),
    LifelineKind.ROAD: (LifelineState.CLOSED, LifelineState.BUSY, LifelineState.OPEN),
}
"""The states of each kind, the usual one first."""
MOST_SHOWN = 500
"""Entries of one list; a city lists some hundred."""
REMARKS = (
    "bring-bottles",
    "bring-towel",
    "free",
    "cash-only",
    "no-cars",
    "step-free",
    "detour",
)
"""Codes of remarks that have words in every language (``public.words``)."""


@dataclass(frozen=True)
class Listed:
    """What a form says of one entry."""

    kind: LifelineKind
    name: str
    state: LifelineState
    until: datetime
    area: str = ""
    position: Position | None = None
    opens: int | None = None
    closes: int | None = None
    remarks: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NearLifeline:
    """An entry for somebody, and its distance in metres; None if it has no position."""

    lifeline: Lifeline
    metres: float | None


def checked(city: City, listed: Listed, now: datetime) -> dict[str, Any]:
    """Return the columns of an entry.

    Raises
    ------
    BadInput
        A part is missing, or cannot be.
    """
    if listed.state not in STATES_OF[listed.kind]:
        raise BadInput(reason("lifeline.state"))
    name = clean(listed.name, line=True)[:MOST_NAME]
    if not name:
        raise BadInput(reason("lifeline.name"))
    if not now < listed.until <= now + timedelta(days=MOST_DAYS):
        raise BadInput(reason("lifeline.until", days=MOST_DAYS))
    if (listed.opens is None) != (listed.closes is None):
        raise BadInput(reason("lifeline.hours"))
    area, place = listed.area, listed.position
    if area and area not in city.district_by_code:
        raise BadInput(reason("mode.no-area", code=area))
    if place is not None:
        if city.is_outside(*place):
            raise BadInput(reason("lifeline.position"))
        district = city.district_at(*place)
        area = district.code if district is not None else area
    if not area and place is None:
        raise BadInput(reason("lifeline.place"))
    notes = {code: clean(words, line=True)[:MOST_NOTE] for code, words in listed.notes.items()}
    return {
        "kind": listed.kind,
        "name": name,
        "state": listed.state,
        "area": area,
        "longitude": place[0] if place else None,
        "latitude": place[1] if place else None,
        "opens": listed.opens,
        "closes": listed.closes,
        "remarks": [code for code in REMARKS if code in listed.remarks],
        "notes": {code: words for code, words in notes.items() if words},
        "until": listed.until,
    }


async def add(
    session: AsyncSession, city: City, listed: Listed, now: datetime, *, drill: bool, actor: str
) -> Lifeline:
    """List something.

    Raises
    ------
    BadInput
        As in :func:`checked`.
    """
    columns = checked(city, listed, now)
    one = Lifeline(drill=drill, began_at=now, changed_at=now, changed_by=actor, **columns)
    session.add(one)
    await session.flush()
    await _record(session, one, now, actor=actor, action="lifeline.listed")
    return one


async def change(
    session: AsyncSession,
    city: City,
    lifeline_id: int,
    listed: Listed,
    now: datetime,
    *,
    actor: str,
    seen: str | None = None,
) -> Lifeline:
    """Change an entry that has not ended.

    Parameters
    ----------
    seen
        When it was last changed (ISO 8601), as the person saw it; None if it does not matter what
        changed.

    Raises
    ------
    BadInput
        It has ended, somebody changed it meanwhile, or as in :func:`checked`.
    """
    one = await _locked(session, lifeline_id, now)
    if seen is not None and one.changed_at.isoformat() != seen:
        raise BadInput(reason("lifeline.other"))
    for name, value in checked(city, listed, now).items():
        setattr(one, name, value)
    return await _changed(session, one, now, actor=actor, action="lifeline.changed")


async def set_state(
    session: AsyncSession, lifeline_id: int, state: LifelineState, now: datetime, *, actor: str
) -> Lifeline:
    """Say how it is now.

    Raises
    ------
    BadInput
        It has ended.
    """
    one = await _locked(session, lifeline_id, now)
    if state not in STATES_OF[one.kind]:
        raise BadInput(reason("lifeline.state"))
    one.state = state
    return await _changed(session, one, now, actor=actor, action="lifeline.changed")


async def end(session: AsyncSession, lifeline_id: int, now: datetime, *, actor: str) -> Lifeline:
    """Take an entry off the list.

    Raises
    ------
    BadInput
        It has ended already.
    """
    one = await _locked(session, lifeline_id, now)
    one.ended_at = now
    return await _changed(session, one, now, actor=actor, action="lifeline.ended")


async def _locked(session: AsyncSession, lifeline_id: int, now: datetime) -> Lifeline:
    # The page may have read it before it was locked.
    one = await session.get(Lifeline, lifeline_id, with_for_update=True, populate_existing=True)
    if one is None or one.ended_at is not None or one.until <= now:
        raise BadInput(reason("lifeline.missing"))
    return one


async def _changed(
    session: AsyncSession, one: Lifeline, now: datetime, *, actor: str, action: str
) -> Lifeline:
    one.changed_at, one.changed_by = now, actor
    session.add(one)
    await session.flush()
    await _record(session, one, now, actor=actor, action=action)
    return one


async def _record(
    session: AsyncSession, one: Lifeline, now: datetime, *, actor: str, action: str
) -> None:
    await audit.record(
        session,
        now,
        actor=actor,
        action=action,
        subject=f"lifeline:{one.id}",
        lifeline=one.kind.value,
        name=one.name,
        area=one.area,
        state=one.state.value,
        until=one.until.isoformat(),
        drill=one.drill,
    )


async def listed_now(session: AsyncSession, now: datetime, *, drill: bool) -> list[Lifeline]:
    """Return what is listed at a moment, by kind, then name."""
    query = select(Lifeline).where(
        col(Lifeline.ended_at).is_(None),
        col(Lifeline.drill).is_(drill),
        col(Lifeline.until) > now,
    )
    found = await session.scalars(query.order_by(col(Lifeline.until).desc()).limit(MOST_SHOWN))
    kinds = list(LifelineKind)
    return sorted(found, key=lambda one: (kinds.index(one.kind), one.name, one.id or 0))


async def find(session: AsyncSession, lifeline_id: int) -> Lifeline | None:
    return await session.get(Lifeline, lifeline_id)


def nearest(
    lifelines: Sequence[Lifeline],
    here: Position | None,
    areas: Iterable[str],
    *,
    each: int,
) -> dict[LifelineKind, list[NearLifeline]]:
    """Return the entries for somebody by kind: open ones first, then the nearest.

    An entry without a position counts as near to the people of its district, and to nobody else.
    What is not available is left out, except roads, power and water.

    Parameters
    ----------
    here
        Longitude and latitude in degrees; None if it is not known.
    areas
        The districts of the resident.
    each
        The most of one kind.
    """
    chosen = set(areas)
    found: dict[LifelineKind, list[tuple[bool, float, NearLifeline]]] = {}
    for one in lifelines:
        gone = one.state in (LifelineState.CLOSED, LifelineState.STOPPED)
        if gone and one.kind not in OUT:
            continue
        metres: float | None = None
        if here is not None and one.longitude is not None and one.latitude is not None:
            metres = distance_m(*here, one.longitude, one.latitude)
        far = metres if metres is not None else (0.0 if one.area in chosen else inf)
        if far == inf and here is None and not chosen:
            far = 0.0
        busy = one.state is not LifelineState.OPEN
        found.setdefault(one.kind, []).append((busy, far, NearLifeline(one, metres)))
    order = list(LifelineKind)
    return {
        kind: [near for _, _, near in sorted(found[kind], key=lambda row: row[:2])[:each]]
        for kind in order
        if kind in found
    }


def hours_of(one: Lifeline) -> tuple[int, int] | None:
    """Return from when to when it is open, in minutes after midnight, the end up to 1440; None if
    it has no hours.
    """
    if one.opens is None or one.closes is None:
        return None
    if one.opens == one.closes:
        return 0, DAY
    return one.opens, one.closes or DAY


OUT = frozenset({LifelineKind.POWER, LifelineKind.ROAD, LifelineKind.WATER})
"""What people must also know when it does not work."""


async def forget_old(database: Database, before: datetime) -> int:
    """Erase entries that ended before a moment; return how many."""
    number, old = col(Lifeline.id), col(Lifeline.until) < before

    async def erase(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(Lifeline).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), erase)
