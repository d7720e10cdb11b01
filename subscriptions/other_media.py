"""Residents of other media than LINE: taken in, found, let go, and linked to who they are at LINE.

What they choose is kept as for everybody, in ``subscriptions.residents``.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.errors import BadInput
from subscriptions.models import HAS_ADDRESS, LINE_MEDIUM, Resident
from subscriptions.residents import (
    check_language,
    leave,
    locked,
    note_change,
    resident_by,
    take_in,
)


async def follow_at(
    session: AsyncSession, city: City, medium: str, address: str, language: str, now: datetime
) -> Resident:
    """Take somebody in who follows by another medium than LINE; who comes back finds their choices.

    Parameters
    ----------
    medium
        Its name, as in ``channels.medium``.
    address
        In the medium's one form of it: equal addresses are one resident. The caller has made sure
        that it is theirs.
    """
    check_language(city, language)
    own = {"medium": medium, "address": address}
    return await take_in(session, city, own, language, now)


async def unfollow_at(
    session: AsyncSession, medium: str, address: str, now: datetime
) -> Resident | None:
    """Stop everything for somebody who left by another medium; their choices are kept a while."""
    resident = await resident_by(session, {"medium": medium, "address": address})
    if resident is not None:
        await leave(session, resident, now)
    return resident


async def find_at(session: AsyncSession, medium: str, address: str) -> Resident | None:
    """Return the resident behind an address of another medium, following or not."""
    return (
        await session.scalars(
            select(Resident).where(
                col(Resident.medium) == medium, HAS_ADDRESS, col(Resident.address) == address
            )
        )
    ).one_or_none()


async def link(
    session: AsyncSession,
    resident_id: int,
    at_line: int | None,
    now: datetime,
    *,
    only_if_line_fails: bool = False,
) -> None:
    """Note which resident at LINE somebody of another medium is; None for none (any more).

    Parameters
    ----------
    only_if_line_fails
        They want messages here only when LINE does not reach them.

    Raises
    ------
    BadInput
        One of the two is of the wrong medium.
    UnknownResident
        One of the two is not there.
    """
    resident = await locked(session, resident_id)
    other = None if at_line is None else await locked(session, at_line)
    if resident.medium == LINE_MEDIUM or (other is not None and other.medium != LINE_MEDIUM):
        raise BadInput("a resident of another medium is linked to one at LINE.")
    resident.linked_id = at_line
    resident.only_if_line_fails = only_if_line_fails and at_line is not None
    await note_change(session, resident, now)
