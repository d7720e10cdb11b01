"""A delivery while it goes out: progress, pause, stop, and taking back what was sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import service
from channels.models import Delivery, DeliveryState
from channels.render import render as render_messages
from console.access import Permission
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from console.words import Refusal
from core.city import Decision
from core.errors import BadInput
from feeds.models import Notice

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Sender = Annotated[Visit, Depends(visit(Permission.ALERTS))]


@router.get("/deliveries/{delivery_id}")
async def delivery_page(visitor: Looker, delivery_id: RowNumber) -> Response:
    context = visitor.context
    language = visitor.request.query_params.get("preview", "ja")
    language = language if language in context.city.languages else "ja"
    async with context.database.reading() as session:
        delivery, notice = await _delivery(session, delivery_id)
        replaces = await session.get(Notice, notice.replaces_id) if notice.replaces_id else None
        replaced_by = list(
            await session.execute(
                select(Notice, Delivery.id)
                .join(Delivery, col(Delivery.notice_id) == col(Notice.id))
                .where(col(Notice.replaces_id) == notice.id)
                .order_by(col(Notice.id))
            )
        )
        progress = await service.progress(session, delivery_id, now=context.clock.now())
    return visitor.page(
        "delivery.html",
        delivery=delivery,
        notice=notice,
        replaces=replaces,
        replaced_by=[(other, number) for other, number in replaced_by],
        progress=progress,
        preview_language=language,
        messages=render_messages(notice, language, context.city),
        again=visitor.request.query_params.get("again") == "yes",
        can_take_back=notice.decision is Decision.SEND,
        finished=delivery.state in (DeliveryState.DONE, DeliveryState.STOPPED),
        quota_short=service.is_short_of_quota(delivery),
    )


@router.get("/deliveries/{delivery_id}/live")
async def live(visitor: Looker, delivery_id: RowNumber) -> Response:
    """The progress, asked for by the page itself every second while it moves."""
    async with visitor.context.database.reading() as session:
        delivery, notice = await _delivery(session, delivery_id)
        progress = await service.progress(session, delivery_id, now=visitor.context.clock.now())
    finished = delivery.state in (DeliveryState.DONE, DeliveryState.STOPPED)
    page = visitor.page(
        "_progress.html",
        delivery=delivery,
        notice=notice,
        progress=progress,
        finished=finished,
    )
    if finished:
        # The whole page is due: its buttons are others now, and nothing is left to ask for.
        page.headers["HX-Refresh"] = "true"
    return page


@router.post("/deliveries/{delivery_id}/{act}")
async def steer(visitor: Sender, delivery_id: RowNumber, act: str) -> Response:
    """Pause, resume or stop a delivery; what has arrived stays arrived."""
    if act not in ("pause", "resume", "stop"):
        raise Missing
    context, actor = visitor.context, visitor.actor
    now = context.clock.now()
    async with context.database.writing() as session:
        delivery, _ = await _delivery(session, delivery_id)
        if delivery.state in (DeliveryState.DONE, DeliveryState.STOPPED):
            raise Refusal("This delivery has ended.")
        try:
            if act == "pause":
                await service.pause(session, delivery_id, actor, now)
            elif act == "resume":
                await service.resume(session, context.queue, delivery_id, actor, now)
            else:
                await service.stop(session, delivery_id, actor, now)
        except BadInput as error:
            raise Refusal("Somebody paused, resumed or stopped this meanwhile.") from error
    return visitor.go(f"/console/deliveries/{delivery_id}")


async def _delivery(session: AsyncSession, delivery_id: int) -> tuple[Delivery, Notice]:
    delivery = await session.get(Delivery, delivery_id)
    if delivery is None or delivery.notice_id is None:
        raise Missing  # a personal message is nobody's to read here
    notice = await session.get(Notice, delivery.notice_id)
    if notice is None:
        raise Missing
    return delivery, notice
