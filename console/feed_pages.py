"""The sources, what could not be read, and notices that wait for a person's decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy import func
from sqlmodel import col, select

from channels.alert_checks import REASON_LENGTH, TWO_PEOPLE_LEVEL
from channels.render import render as render_messages
from channels.service import audience_of
from console import holding
from console.access import Permission
from console.sources import healths
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from console.words import Refusal
from core.city import Decision
from core.typed import clean
from feeds.models import Item, ItemState, Notice
from subscriptions.audience import count_by_language

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Decider = Annotated[Visit, Depends(visit(Permission.ALERTS))]
PAGE = 50
RAW_LIMIT = 200_000
"""Characters of an item that are shown; the rest stays in the database."""


@router.get("/feeds")
async def feeds(visitor: Looker, state: str = "set-aside", page: int = 1) -> Response:
    """Show each source's health, and its items, those set aside first."""
    context = visitor.context
    wanted = ItemState(state) if state in list(ItemState) else None
    page = max(1, min(page, 10_000))
    query = select(Item)
    counting = select(func.count()).select_from(Item)
    if wanted is not None:
        query = query.where(col(Item.state) == wanted)
        counting = counting.where(col(Item.state) == wanted)
    async with context.database.reading() as session:
        items = list(
            await session.scalars(
                query.order_by(col(Item.id).desc()).limit(PAGE).offset((page - 1) * PAGE)
            )
        )
        total = int(await session.scalar(counting) or 0)
        sources = await healths(session, context.city, context.clock.now())
    return visitor.page(
        "feeds.html",
        sources=sources,
        items=items,
        total=total,
        state=wanted,
        states=list(ItemState),
        page=page,
        pages=max(1, -(-total // PAGE)),
    )


@router.get("/feeds/items/{item_id}")
async def item_page(visitor: Looker, item_id: RowNumber) -> Response:
    """Show what came, as plain text: nothing of it is interpreted."""
    async with visitor.context.database.reading() as session:
        item = await session.get(Item, item_id)
        if item is None:
            raise Missing
        notices = list(
            await session.scalars(select(Notice).where(col(Notice.item_id) == item_id).limit(50))
        )
    raw = item.payload.decode("utf-8", errors="replace")
    return visitor.page(
        "item.html",
        item=item,
        notices=notices,
        raw=raw[:RAW_LIMIT],
        cut=len(raw) > RAW_LIMIT,
        size=len(item.payload),
    )


@router.get("/held")
async def held(visitor: Looker) -> Response:
    async with visitor.context.database.reading() as session:
        waiting = list(
            await session.scalars(
                select(Notice)
                .where(col(Notice.decision) == Decision.HOLD)
                .order_by(col(Notice.id).desc())
                .limit(200)
            )
        )
    return visitor.page("held.html", waiting=waiting)


@router.get("/held/{notice_id}")
async def held_page(visitor: Looker, notice_id: RowNumber) -> Response:
    """Show one held notice as it would arrive, and whom it would reach."""
    return await _held_page(visitor, notice_id)


async def _held_page(visitor: Visit, notice_id: int, *, refusal: Refusal | None = None) -> Response:
    context = visitor.context
    language = visitor.request.query_params.get("preview", "ja")
    language = language if language in context.city.languages else "ja"
    async with context.database.reading() as session:
        notice = await session.get(Notice, notice_id)
        if notice is None:
            raise Missing
        known = notice.topic in context.city.topic_by_code
        by_language: dict[str, int] = {}
        if known:
            query = audience_of(notice, context.city)
            by_language = await count_by_language(session, query)
        item = await session.get(Item, notice.item_id) if notice.item_id else None
    return visitor.page(
        "held_notice.html",
        status=400 if refusal else 200,
        refusal=refusal.said(visitor.language) if refusal else "",
        reason=_reason(visitor),
        notice=notice,
        item=item,
        total=sum(by_language.values()),
        by_language=by_language,
        preview_language=language,
        messages=render_messages(notice, language, context.city) if known else [],
        serious=notice.reach >= TWO_PEOPLE_LEVEL,
        reason_length=REASON_LENGTH,
    )


@router.post("/held/{notice_id}")
async def decide(visitor: Decider, notice_id: RowNumber) -> Response:
    """Send, publish or drop a held notice, once."""
    context, form = visitor.context, visitor.form
    choice = form.text("decision")
    try:
        if choice not in ("send", "publish", "drop"):
            raise Refusal("Choose what to do with it.")
        async with context.database.writing() as session:
            delivery = await holding.decide(
                session,
                context.queue,
                context.city,
                notice_id,
                Decision(choice),
                typed=form.number("typed"),
                reason=_reason(visitor),
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except Refusal as refusal:
        return await _held_page(visitor, notice_id, refusal=refusal)
    return visitor.go(f"/console/deliveries/{delivery}" if delivery else "/console/held")


def _reason(visitor: Visit) -> str:
    return clean(visitor.form.text("reason"), line=True)[:400]
