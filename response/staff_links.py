"""Which members of staff joined with which LINE account."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from response.models import StaffLineLink, StaffMember


async def line_ids(session: AsyncSession, members: Sequence[StaffMember]) -> dict[int, str]:
    """Return the LINE user ids of those members who joined, by the member's id."""
    ids = [member.id for member in members]
    found: dict[int, str] = {}
    for start in range(0, len(ids), 500):
        query = select(col(StaffLineLink.member_id), col(StaffLineLink.line_user_id)).where(
            col(StaffLineLink.member_id).in_(ids[start : start + 500])
        )
        for number, user in await session.execute(query):
            found[number] = user
    return found
