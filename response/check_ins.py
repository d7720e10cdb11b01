"""Who is at an evacuation site: in by its QR code, and out again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.chunks import in_chunks, rows_of
from core.database import Database
from response.models import CheckIn, HouseholdAnswer


async def present(
    session: AsyncSession, resident_id: int, *, drill: bool, lock: bool = False
) -> CheckIn | None:
    """Return where a household is checked in."""
    query = select(CheckIn).where(*_there(drill), col(CheckIn.resident_id) == resident_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def check_in(
    session: AsyncSession, resident_id: int, shelter: str, now: datetime, *, drill: bool
) -> None:
    """Note that a household came; it leaves the site where it was before."""
    before = await present(session, resident_id, drill=drill, lock=True)
    if before is not None:
        if before.shelter == shelter:
            return
        before.out_at = now
        session.add(before)
        await session.flush()
    session.add(CheckIn(resident_id=resident_id, shelter=shelter, drill=drill, in_at=now))
    await session.flush()


async def check_out(
    session: AsyncSession, resident_id: int, now: datetime, *, drill: bool
) -> str | None:
    """Note that a household went; return from which site."""
    before = await present(session, resident_id, drill=drill, lock=True)
    if before is None:
        return None
    before.out_at = now
    session.add(before)
    await session.flush()
    return before.shelter


async def sites_of(session: AsyncSession, resident_id: int) -> tuple[str, ...]:
    """Return the sites where a resident checked in, the last one first, each once."""
    query = select(CheckIn.shelter).where(col(CheckIn.resident_id) == resident_id)
    found = await session.scalars(query.order_by(col(CheckIn.id).desc()))
    return tuple(dict.fromkeys(found))


async def heads(session: AsyncSession, *, drill: bool) -> dict[str, tuple[int, int]]:
    """Return households and people checked in, by the site's code.

    A household that did not say how many they are counts as one person.
    """
    theirs = and_(
        col(HouseholdAnswer.resident_id) == col(CheckIn.resident_id),
        col(HouseholdAnswer.drill) == col(CheckIn.drill),
        col(HouseholdAnswer.newest),
    )
    query = (
        select(
            CheckIn.shelter,
            func.count(),
            func.sum(func.coalesce(HouseholdAnswer.people, 1)),
        )
        .outerjoin(HouseholdAnswer, theirs)
        .where(*_there(drill))
        .group_by(col(CheckIn.shelter))
        .order_by(col(CheckIn.shelter))
    )
    found = await session.execute(query)
    return {shelter: (households, int(people)) for shelter, households, people in found}


def _there(drill: bool) -> tuple[ColumnElement[bool], ...]:
    return (col(CheckIn.out_at).is_(None), col(CheckIn.drill).is_(drill))


async def forget_old(database: Database, before: datetime) -> int:
    """Erase check-ins from before a moment; return how many."""
    number, old = col(CheckIn.id), col(CheckIn.in_at) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(CheckIn).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)
