"""The sources, what could not be read, and notices that wait for a person's decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from alerts import drafts, held_notices
from alerts.checks import REASON_LENGTH, needs_reason
from alerts.models import drafts_from
from alerts.news.writing import is_article
from alerts.reach import reach_of_notice
from channels.line.render import render as render_messages
from city.city import Decision
from console import words
from console.access import Permission
from console.media_shown import read_by_others
from console.sources import healths
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.counting import MOST as MOST_COUNTED
from core.errors import Refusal
from core.text import clean
from feeds import lists
from feeds.held import HeldItem, held_items, overtaken_by
from feeds.models import Item, ItemState, Notice
from response import held_alarms
from response.staff import members_of_accounts

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Reader = Annotated[Visit, Depends(visit(Permission.DRAFTS))]
Writer = Annotated[Visit, Depends(visit(Permission.ALERTS))]
Decider = Annotated[Visit, Depends(visit(Permission.CONFIRM))]
PAGE = 50
MOST_HELD = 200
RAW_LIMIT = 200_000
"""Characters of an item that are shown; the rest stays in the database."""


@router.get("/feeds")
async def feeds(visitor: Looker, state: str = "set-aside", page: int = 1) -> Response:
    """Show each source's health, and its items, those set aside first."""
    context = visitor.context
    wanted = ItemState(state) if state in list(ItemState) else None
    page = max(1, min(page, MOST_COUNTED // PAGE))
    async with context.database.reading() as session:
        items, total = await lists.items_page(session, wanted, size=PAGE, page=page)
        sources = await healths(session, context.city, context.clock.now(), counted=True)
    return visitor.page(
        "feeds.html",
        sources=sources,
        items=items,
        state=wanted,
        states=list(ItemState),
        page=page,
        pages=max(1, -(-total.number // PAGE)),
    )


@router.get("/feeds/items/{item_id}")
async def item_page(visitor: Looker, item_id: RowNumber) -> Response:
    """Show an item as plain text, without interpreting it."""
    async with visitor.context.database.reading() as session:
        item = await session.get(Item, item_id)
        if item is None:
            raise Missing
        notices = await lists.notices_of_item(session, item_id)
    raw = item.content.decode("utf-8", errors="replace")
    return visitor.page(
        "item.html",
        item=item,
        notices=notices,
        raw=raw[:RAW_LIMIT],
        cut=len(raw) > RAW_LIMIT,
        size=len(item.content),
    )


@router.get("/held")
async def held(visitor: Looker) -> Response:
    async with visitor.context.database.reading() as session:
        waiting = await held_items(session, MOST_HELD, visitor.context.clock.now())
        member = (await members_of_accounts(session, [visitor.actor])).get(visitor.actor.lower())
        told = bool(member and member.id and await held_alarms.wishes(session, member.id))
    return visitor.page("held.html", waiting=waiting, member=member, told=told)


@router.post("/held-alarm")
async def wish_to_be_told(visitor: Reader) -> Response:
    """Store whether the visitor is told by message when a warning is held."""
    context = visitor.context
    async with context.database.writing() as session:
        member = (await members_of_accounts(session, [visitor.actor])).get(visitor.actor.lower())
        if member is None or member.id is None:
            raise Missing
        told = visitor.form.text("told") == "yes"
        await held_alarms.wish(session, member.id, context.clock.now(), told=told)
    return visitor.go("/console/held")


@router.get("/held/{notice_id}")
async def held_page(visitor: Looker, notice_id: RowNumber) -> Response:
    """Show one held notice as residents would see it, and how many it would reach."""
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
        reached = (
            await reach_of_notice(session, notice, context.city, visitor.media) if known else {}
        )
        serious = await needs_reason(session, notice, context.city, second_person=None, reason="")
        item = await session.get(Item, notice.item_id) if notice.item_id else None
        written = await drafts_from(session, notice_id)
        newer = await overtaken_by(session, notice)
    return visitor.page(
        "held_notice.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        reason=_reason(visitor),
        notice=notice,
        item=item,
        total=sum(each.total for each in reached.values()),
        reached={name: each.total for name, each in reached.items()},
        may_be_news=visitor.may(Permission.NEWS_WRITE)
        and notice.decision is Decision.HOLD
        and is_article(notice),
        no_level=known and held_notices.says_no_level(notice, context.city),
        preview_language=language,
        messages=render_messages(notice, language, context.city) if known else [],
        others=read_by_others([notice], reached, visitor.media, context.city, language),
        serious=serious,
        explained=held_notices.must_explain(notice),
        held=HeldItem(notice, context.clock.now()),
        drafts=written,
        newer=newer,
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
            delivery = await held_notices.decide(
                session,
                context.queue,
                context.city,
                visitor.media,
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


@router.post("/held/{notice_id}/draft")
async def edit_as_draft(visitor: Writer, notice_id: RowNumber) -> Response:
    """Begin a draft with a held notice's words, or open the one that is begun; the notice waits
    until the draft is sent.
    """
    context = visitor.context
    try:
        async with context.database.writing() as session:
            notice = await session.get(Notice, notice_id, with_for_update=True)
            if notice is None:
                raise Missing
            if notice.decision is not Decision.HOLD or notice.drill:
                raise Refusal("This notice does not wait for a decision.")
            begun = await drafts_from(session, notice_id)
            draft = (
                begun[0]
                if begun
                else await drafts.begin_from(
                    session,
                    notice_id,
                    drill=False,
                    actor=visitor.actor,
                    now=context.clock.now(),
                )
            )
    except Refusal as refusal:
        return await _held_page(visitor, notice_id, refusal=refusal)
    return visitor.go(f"/console/alerts/{draft.id}")


def _reason(visitor: Visit) -> str:
    return clean(visitor.form.text("reason"), line=True)[:400]
