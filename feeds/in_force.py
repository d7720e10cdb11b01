"""Which notices hold now: what the public page shows and a resident is told who asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from core.city import Decision
from feeds.models import HazardState, Notice, Status

PUBLIC = (Decision.SEND, Decision.DIGEST, Decision.PUBLISH)
"""Decisions by which everybody may read a notice."""
OVER = (Status.LIFTED, Status.CANCELLED)
HOLDS = timedelta(hours=48)
"""A danger that nobody renewed nor lifted is not shown as current for longer."""
SERIOUS = 2
"""The level from which a notice speaks of a danger; an advisory's."""


async def in_force(session: AsyncSession, municipality: str, now: datetime) -> list[Notice]:
    """Return what is in force in the city at ``now``, the gravest first, then the newest.

    That is what the agency's telegrams left standing, however long ago, and whatever else speaks
    of a danger and has neither expired nor ended, for :data:`HOLDS`. What a later notice
    continues, corrects or takes back is not in force; that notice is, or the end of it. Drills
    never are, nor is what nobody outside was told.
    """
    standing = select(HazardState.notice_id).where(
        col(HazardState.municipality) == municipality,
        col(HazardState.level) > 0,
        col(HazardState.notice_id).is_not(None),
    )
    danger = and_(
        or_(col(Notice.level) >= SERIOUS, col(Notice.emergency)),
        col(Notice.status).not_in(OVER),
        col(Notice.reported_at) >= now - HOLDS,
        or_(col(Notice.expires_at).is_(None), col(Notice.expires_at) > now),
    )
    later = aliased(Notice)
    followed = select(later.id).where(
        later.replaces_id == col(Notice.id), col(later.decision).in_(PUBLIC)
    )
    found = await session.scalars(
        select(Notice)
        .where(
            col(Notice.decision).in_(PUBLIC),
            col(Notice.drill).is_(False),
            or_(col(Notice.id).in_(standing), danger),
            ~followed.exists(),
        )
        .order_by(
            # An earthquake has no level of evacuation and is grave all the same.
            col(Notice.emergency).desc(),
            col(Notice.level).desc(),
            col(Notice.reported_at).desc(),
            col(Notice.id).desc(),
        )
    )
    return list(found)
