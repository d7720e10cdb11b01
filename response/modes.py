"""Disaster mode: from when to when, where, and whether it is a drill."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.errors import BadInput
from response.models import DisasterMode, MenuMove
from response.reasons import reason


async def open_modes(session: AsyncSession) -> list[DisasterMode]:
    """Return the modes that are on, the real one first."""
    query = select(DisasterMode).where(col(DisasterMode.ended_at).is_(None))
    return list(await session.scalars(query.order_by(col(DisasterMode.drill))))


async def _open_modes_alone(session: AsyncSession) -> list[DisasterMode]:
    """The same; who else switches waits until this transaction ends.

    Where no mode is on there is no row to lock.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.disaster'))"))
    return await open_modes(session)


async def begin(
    session: AsyncSession,
    city: City,
    areas: Iterable[str],
    now: datetime,
    *,
    drill: bool,
    actor: str,
) -> DisasterMode:
    """Switch disaster mode on, or to other districts.

    The real mode ends a drill, for nobody may take it for one. A drill cannot begin in a disaster.

    Parameters
    ----------
    areas
        Districts' codes; none means the whole city.

    Raises
    ------
    BadInput
        The city has no such district, or a drill would begin in a disaster.
    """
    chosen = sorted(set(areas))
    for code in chosen:
        if code not in city.district_by_code:
            raise BadInput(reason("mode.no-area", code=code))
    same = None
    for before in await _open_modes_alone(session):
        if drill and not before.drill:
            raise BadInput(reason("mode.drill-in-disaster"))
        if before.drill == drill and before.areas == chosen:
            same = before
        else:
            await _end(session, city, before, now, actor)
    if same is not None:
        return same
    mode = DisasterMode(drill=drill, areas=chosen, began_at=now, began_by=actor)
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
        areas=mode.areas,
    )


async def _move_menus(session: AsyncSession, city: City, mode: DisasterMode, now: datetime) -> None:
    """Have the menus of those whom the mode concerns changed.

    A move of the whole city takes over what earlier ones had not done.
    """
    if not mode.areas:
        unfinished = update(MenuMove).where(col(MenuMove.done_at).is_(None))
        await session.execute(unfinished.values(done_at=now))
    for language in city.languages:
        session.add(MenuMove(language=language, areas=mode.areas, asked_at=now))
    await session.flush()
