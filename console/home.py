"""What is going on now: hazards, deliveries on their way, what waits for a person, sources."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy import func
from sqlmodel import col, select

from channels.alert_checks import in_force
from channels.models import Delivery, DeliveryState
from channels.public.notices import public_board
from console import drafts
from console.access import Permission
from console.sending import delivery_of
from console.sources import healths, set_aside_count
from console.web import StaffRoute, Visit, visit
from core.city import Decision
from feeds.models import Notice
from reports.models import Report, ReportState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
ON_THEIR_WAY = (DeliveryState.PLANNED, DeliveryState.SENDING)
NOT_OVER = (*ON_THEIR_WAY, DeliveryState.PAUSED)


@router.get("/")
async def home(visitor: Looker) -> Response:
    return visitor.page("home.html", **await _now(visitor))


@router.get("/now/live")
async def live(visitor: Looker) -> Response:
    """The same, asked for by the page itself every few seconds."""
    return visitor.page("_now.html", **await _now(visitor))


async def _now(visitor: Visit) -> dict[str, Any]:
    context = visitor.context
    async with context.database.reading() as session:
        moving = await session.execute(
            select(Delivery, Notice)
            .join(Notice, col(Notice.id) == col(Delivery.notice_id))
            .where(col(Delivery.state).in_(ON_THEIR_WAY))
            .order_by(col(Delivery.priority), col(Delivery.id).desc())
            .limit(10)
        )
        # What paused waits for somebody, whether a person paused it or the month's quota did.
        paused = await session.execute(
            select(Delivery, Notice)
            .join(Notice, col(Notice.id) == col(Delivery.notice_id))
            .where(col(Delivery.state) == DeliveryState.PAUSED)
            .order_by(col(Delivery.priority), col(Delivery.id).desc())
            .limit(10)
        )
        recent = await session.execute(
            select(Delivery, Notice)
            .join(Notice, col(Notice.id) == col(Delivery.notice_id))
            .where(col(Delivery.state).not_in(NOT_OVER))
            .order_by(col(Delivery.id).desc())
            .limit(6)
        )
        held = list(
            await session.scalars(
                select(Notice)
                .where(col(Notice.decision) == Decision.HOLD)
                .order_by(col(Notice.id).desc())
                .limit(6)
            )
        )
        new_reports = list(
            await session.scalars(
                select(Report)
                .where(col(Report.state) == ReportState.NEW)
                .order_by(col(Report.created_at).desc())
                .limit(6)
            )
        )
        counts = {
            "held": await session.scalar(
                select(func.count())
                .select_from(Notice)
                .where(col(Notice.decision) == Decision.HOLD)
            ),
            "reports": await session.scalar(
                select(func.count()).select_from(Report).where(col(Report.state) == ReportState.NEW)
            ),
        }
        board = await public_board(session, context.clock.now(), context.city.jma.municipality)
        own = [notice for notice in board.current if notice.source is None]
        return {
            "own_alerts": [
                (notice, await delivery_of(session, notice.id)) for notice in own if notice.id
            ],
            "hazards": await in_force(session, context.city),
            "open_drafts": await drafts.open_drafts(session),
            "moving": [(delivery, notice) for delivery, notice in moving],
            "paused": [(delivery, notice) for delivery, notice in paused],
            "recent": [(delivery, notice) for delivery, notice in recent],
            "held": held,
            "new_reports": new_reports,
            "counts": counts,
            "sources": await healths(session, context.city, context.clock.now()),
            "set_aside": await set_aside_count(session),
            "categories": {c.code: c.names for c in context.city.report_categories},
        }
