"""Disaster mode: from when to when, where, and whether it is a drill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.errors import BadInput
from response.danger import grave, name_of
from response.models import DisasterMode, MenuMove
from response.reasons import reason
from subscriptions import audience
from subscriptions.audience_query import AudienceQuery

MOVES_TASK = "bot.menu_moves"
"""The task on the queue that gives residents the menu of a mode (``bot.richmenu.moves``)."""
MOST_MOVES = 100
"""Moves of one change are fewer: one for each language, of the old districts and the new."""
NO_DISTRICT = "-"
"""A code that no district can have."""


async def open_modes(session: AsyncSession) -> list[DisasterMode]:
    """Return the modes that are on, the real one first."""
    query = select(DisasterMode).where(col(DisasterMode.ended_at).is_(None))
    return list(await session.scalars(query.order_by(col(DisasterMode.drill))))


async def alone(session: AsyncSession) -> None:
    """Let who else switches wait until this transaction ends.

    Where no mode is on there is no row to lock. SQLite has one writer.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.disaster'))"))


async def _open_modes_alone(session: AsyncSession) -> list[DisasterMode]:
    await alone(session)
    return await open_modes(session)


async def begin(
    session: AsyncSession,
    city: City,
    areas: Iterable[str],
    now: datetime,
    *,
    drill: bool,
    actor: str,
    staff_only: bool = False,
) -> DisasterMode:
    """Switch disaster mode on, or to other districts.

    The real mode ends a drill, for nobody may take it for one. A drill cannot begin in a disaster,
    nor while a grave danger is in force (:func:`response.danger.grave`).

    Parameters
    ----------
    areas
        Districts' codes; none means the whole city.
    staff_only
        A drill of which residents see nothing: no menu, no state of a site, no question.

    Raises
    ------
    BadInput
        The city has no such district, or a drill would begin in a disaster.
    """
    if staff_only and not drill:
        raise BadInput(reason("mode.staff-only"))
    chosen = sorted(set(areas))
    for code in chosen:
        if code not in city.district_by_code:
            raise BadInput(reason("mode.no-area", code=code))
    if drill and (danger := await grave(session, city.jma.municipality, now)) is not None:
        raise BadInput(reason("mode.danger", kind=name_of(danger)))
    same = None
    for before in await _open_modes_alone(session):
        if drill and not before.drill:
            raise BadInput(reason("mode.drill-in-disaster"))
        if (before.drill, before.staff_only, before.areas) == (drill, staff_only, chosen):
            same = before
        else:
            await _end(session, city, before, now, actor)
    if same is not None:
        return same
    mode = DisasterMode(
        drill=drill, staff_only=staff_only, areas=chosen, began_at=now, began_by=actor
    )
    session.add(mode)
    await session.flush()
    await _move_menus(session, city, mode, now)
    await audit.record(
        session,
        now,
        actor=actor,
        action="disaster_mode.begun",
        subject=f"disaster_mode:{mode.id}",
        drill=drill,
        staff_only=staff_only,
        areas=chosen,
    )
    return mode


async def end(
    session: AsyncSession, city: City, now: datetime, *, drill: bool, actor: str
) -> DisasterMode:
    """Switch disaster mode off.

    Raises
    ------
    BadInput
        It is not on, or what is on is a drill where the real one was meant, or the other way round.
    """
    mode = next(iter(await _open_modes_alone(session)), None)
    if mode is None:
        raise BadInput(reason("mode.off"))
    if mode.drill != drill:
        raise BadInput(reason("mode.is-drill" if mode.drill else "mode.is-real"))
    await _end(session, city, mode, now, actor)
    return mode


async def end_drill(session: AsyncSession, city: City, now: datetime, *, actor: str) -> bool:
    """End the drill that is on, as a real danger is in force; return whether there was one."""
    drills = [mode for mode in await _open_modes_alone(session) if mode.drill]
    for mode in drills:
        await _end(session, city, mode, now, actor)
    return bool(drills)


async def real_now(session: AsyncSession, city: City, now: datetime) -> bool:
    """Whether no drill may go on: a disaster is on for real, or a grave danger is in force."""
    if any(not mode.drill for mode in await open_modes(session)):
        return True
    return await grave(session, city.jma.municipality, now) is not None


async def last_modes(session: AsyncSession, most: int) -> list[DisasterMode]:
    """Return the last modes, the newest first; one that is on is the newest."""
    query = select(DisasterMode).order_by(col(DisasterMode.id).desc()).limit(most)
    return list(await session.scalars(query))


@dataclass(frozen=True)
class Progress:
    """How far the change of menus has come, in residents; ``total`` is those to be looked at."""

    moved: int
    languages_left: int
    asked_at: datetime | None
    done_at: datetime | None


async def progress(session: AsyncSession) -> Progress | None:
    """Return how far the last change of menus has come; None if there never was one."""
    query = select(MenuMove).order_by(col(MenuMove.id).desc()).limit(MOST_MOVES)
    lately = list(await session.scalars(query))
    if not lately:
        return None
    last = lately[0].asked_at
    moves = [move for move in lately if move.asked_at == last]
    left = sum(1 for move in moves if move.done_at is None)
    ends = [move.done_at for move in moves if move.done_at is not None]
    return Progress(
        sum(move.moved for move in moves), left, last, max(ends) if ends and not left else None
    )


async def concerned(session: AsyncSession, mode: DisasterMode) -> int:
    """Return how many residents get the menu of a mode."""
    if mode.staff_only:
        return 0
    everybody = AudienceQuery("", 0, tuple(mode.areas), mandatory=True)
    number = await audience.count(session, everybody)
    if mode.without_area:
        return number
    # Nobody has this district, so these are the residents without districts.
    return number - await audience.count(session, replace(everybody, areas=(NO_DISTRICT,)))


async def _end(
    session: AsyncSession, city: City, mode: DisasterMode, now: datetime, actor: str
) -> None:
    mode.ended_at, mode.ended_by = now, actor
    session.add(mode)
    await session.flush()
    await _move_menus(session, city, mode, now)
    await audit.record(
        session,
        now,
        actor=actor,
        action="disaster_mode.ended",
        subject=f"disaster_mode:{mode.id}",
        drill=mode.drill,
        staff_only=mode.staff_only,
        areas=mode.areas,
    )


async def _move_menus(session: AsyncSession, city: City, mode: DisasterMode, now: datetime) -> None:
    """Have the menus of those whom the mode concerns changed.

    A move of the whole city takes over what earlier ones had not done.
    """
    if mode.staff_only:
        return
    if not mode.areas:
        unfinished = update(MenuMove).where(col(MenuMove.done_at).is_(None))
        await session.execute(unfinished.values(done_at=now))
    for language in city.languages:
        session.add(
            MenuMove(
                language=language,
                areas=mode.areas,
                without_area=mode.without_area,
                asked_at=now,
            )
        )
    await session.flush()
