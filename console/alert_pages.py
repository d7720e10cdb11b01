"""Composing an alert: choose drill or real, write, look, have it confirmed, send."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import alert_checks
from channels.models import Delivery
from channels.render import render as render_messages
from channels.service import preview
from console import drafts, ready, words
from console.access import Permission
from console.drafts import Written
from console.maps import district_shapes
from console.models import AlertDraft
from console.reach import reach
from console.sending import Decided, Look, delivery_of, notice_of, send
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from console.words import Refusal
from core.languages import LANGUAGES
from core.typed import clean
from feeds.models import Notice, Status

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Sender = Annotated[Visit, Depends(visit(Permission.ALERTS))]


@router.get("/alerts")
async def alerts(visitor: Looker) -> Response:
    async with visitor.context.database.reading() as session:
        rows = await session.execute(
            select(Delivery, Notice)
            .join(Notice, col(Notice.id) == col(Delivery.notice_id))
            .order_by(col(Delivery.id).desc())
            .limit(50)
        )
        return visitor.page(
            "alerts.html",
            drafts=await drafts.open_drafts(session),
            sent=[(delivery, notice) for delivery, notice in rows],
        )


@router.post("/alerts")
async def begin(visitor: Sender) -> Response:
    """Begin a draft; drill or real has to be said, and no default says it."""
    drill = _drill_or_real(visitor)
    async with visitor.context.database.writing() as session:
        draft = await drafts.begin(
            session, drill=drill, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return visitor.go(f"/console/alerts/{draft.id}")


@router.post("/notices/{notice_id}/again")
async def begin_again(visitor: Sender, notice_id: RowNumber) -> Response:
    """Begin a draft like an earlier notice, as a drill or as real."""
    drill = _drill_or_real(visitor)
    async with visitor.context.database.writing() as session:
        draft = await drafts.begin_from(
            session,
            notice_id,
            drill=drill,
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )
    return visitor.go(f"/console/alerts/{draft.id}")


@router.post("/notices/{notice_id}/take-back")
async def take_back(visitor: Sender, notice_id: RowNumber) -> Response:
    """Begin the correction, withdrawal or all-clear of what was sent."""
    status = visitor.form.text("status")
    if status not in drafts.TAKE_BACK:
        raise Refusal("Only what was sent can be taken back.")
    async with visitor.context.database.writing() as session:
        draft = await drafts.begin_taking_back(
            session,
            notice_id,
            Status(status),
            visitor.context.city,
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )
    straight = "" if status == Status.CORRECTED else "/check"
    return visitor.go(f"/console/alerts/{draft.id}{straight}")


@router.get("/alerts/{draft_id}")
async def edit(visitor: Sender, draft_id: RowNumber) -> Response:
    async with visitor.context.database.reading() as session:
        draft = await _draft(session, draft_id)
        if draft.notice_id is not None or draft.discarded_at is not None:
            return await _closed(visitor, session, draft)
        return await _edit_page(visitor, session, draft)


@router.post("/alerts/{draft_id}")
async def save(visitor: Sender, draft_id: RowNumber) -> Response:
    """Save the draft, which reaches nobody; then stay, or go on to look at it."""
    written = _written(visitor)
    now = visitor.context.clock.now()
    then = visitor.form.text("then")
    try:
        async with visitor.context.database.writing() as session:
            if then == "fill":
                written = _filled(visitor, written, await _draft(session, draft_id))
            await drafts.change(session, draft_id, written, actor=visitor.actor, now=now)
    except drafts.AlreadySent:
        raise
    except Refusal as refusal:
        async with visitor.context.database.reading() as session:
            saved = await _draft(session, draft_id)
            overtaken = saved.version != written.version
            draft = _typed(saved, written)
            return await _edit_page(visitor, session, draft, refusal=refusal, overtaken=overtaken)
    return visitor.go(
        f"/console/alerts/{draft_id}" + ("/check" if then == "check" else "?saved=yes")
    )


@router.post("/alerts/{draft_id}/discard")
async def discard(visitor: Sender, draft_id: RowNumber) -> Response:
    async with visitor.context.database.writing() as session:
        await drafts.discard(
            session,
            draft_id,
            visitor.form.number("version") or 0,
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )
    return visitor.go("/console/alerts")


@router.post("/alerts/{draft_id}/look")
async def look(visitor: Sender, draft_id: RowNumber) -> Response:
    """Show what the form as it stands would become; nothing is saved."""
    async with visitor.context.database.reading() as session:
        draft = _typed(await _draft(session, draft_id), _written(visitor))
        return visitor.page("_look.html", **await _looked(visitor, session, draft))


@router.get("/alerts/{draft_id}/check")
async def check(visitor: Sender, draft_id: RowNumber) -> Response:
    """Show who gets what in every language, and ask for the confirmation."""
    return await _check_page(visitor, draft_id)


@router.post("/alerts/{draft_id}/confirm")
async def confirm(visitor: Sender, draft_id: RowNumber) -> Response:
    """A colleague confirms the version they look at; nothing is sent by it."""
    try:
        async with visitor.context.database.writing() as session:
            await drafts.confirm(
                session,
                draft_id,
                visitor.form.number("version") or 0,
                visitor.context.city,
                actor=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except Refusal as refusal:
        return await _check_page(visitor, draft_id, refusal=refusal)
    return visitor.go(f"/console/alerts/{draft_id}/check")


@router.post("/alerts/{draft_id}/send")
async def send_alert(visitor: Sender, draft_id: RowNumber) -> Response:
    """Send what was looked at. A second press finds it sent and shows the delivery.

    A refusal shows the page once more as things stand now, with the reasons that were typed;
    the word or number that sends has to be typed again.
    """
    context, form = visitor.context, visitor.form
    try:
        decided = Decided(
            look=Look.unseal(form.text("look"), context.settings.secret_key),
            typed=form.text("typed"),
            alone_reason=_reason(visitor, "alone_reason"),
            hazard_reason=_reason(visitor, "hazard_reason"),
        )
        async with context.database.writing() as session:
            delivery = await send(
                session,
                context.queue,
                context.city,
                draft_id,
                decided,
                actor=visitor.actor,
                staff_id=visitor.session.staff_id,
                now=context.clock.now(),
            )
    except drafts.AlreadySent as sent:
        async with context.database.reading() as session:
            return visitor.go(await _delivery_address(session, sent.notice_id, again=True))
    except Refusal as refusal:
        return await _check_page(visitor, draft_id, refusal=refusal)
    return visitor.go(f"/console/deliveries/{delivery}")


async def _check_page(visitor: Visit, draft_id: int, *, refusal: Refusal | None = None) -> Response:
    context = visitor.context
    now = context.clock.now()
    async with context.database.reading() as session:
        draft = await _draft(session, draft_id)
        if draft.notice_id is not None or draft.discarded_at is not None:
            return await _closed(visitor, session, draft)
        if alert_checks.faults(draft, context.city):
            return await _edit_page(visitor, session, draft, refusal=refusal)
        found = await reach(session, draft, context.city, by_area=True)
        notice = notice_of(draft, context.city, actor=visitor.actor, now=now)
        seen = await preview(session, notice, context.city, now)
        hazards = await alert_checks.in_force(
            session, context.city, least=alert_checks.TWO_PEOPLE_LEVEL
        )
        earlier = await _earlier(session, draft)
    unwritten = {
        code: number
        for code, number in found.by_language.items()
        if number and not draft.texts.get(code, {}).get("text")
    }
    sealed = Look(
        draft_id, draft.version, visitor.session.staff_id, found.total, int(now.timestamp())
    ).seal(context.settings.secret_key)
    return visitor.page(
        "alert_check.html",
        status=400 if refusal else 200,
        refusal=refusal.said(visitor.language) if refusal else "",
        draft=draft,
        reach=found,
        unwritten=unwritten,
        unwritten_names=words.listed(
            [words.language_name(code, visitor.language) for code in unwritten], visitor.language
        ),
        seen=seen,
        stale=now - draft.updated_at > drafts.STALE_AFTER,
        look=sealed,
        needs_two=alert_checks.needs_two(draft),
        second=drafts.second_person(draft, visitor.actor, now),
        is_own=draft.edited_by == visitor.actor,
        hazards=hazards,
        earlier=earlier,
        reason_length=alert_checks.REASON_LENGTH,
        alone_reason=_reason(visitor, "alone_reason"),
        hazard_reason=_reason(visitor, "hazard_reason"),
    )


def _reason(visitor: Visit, field: str) -> str:
    return clean(visitor.form.text(field), line=True)[:400]


def _drill_or_real(visitor: Visit) -> bool:
    said = visitor.form.text("kind")
    if said not in ("drill", "real"):
        raise Refusal("Say whether this is a drill or real.")
    return said == "drill"


def _written(visitor: Visit) -> Written:
    form = visitor.form
    level, hours = form.number("level"), form.number("valid_hours")
    return Written(
        version=form.number("version") or 0,
        topic=form.text("topic")[:32],
        level=-1 if level is None else min(level, 99),
        whole_city=form.text("whole_city") == "yes",
        areas=tuple(area[:32] for area in form.all("areas")),
        texts={
            code: (form.get(f"title-{code}", "")[:2000], form.get(f"text-{code}", "")[:20000])
            for code in LANGUAGES
        },
        valid_hours=0 if hours is None else min(hours, 9999),
    )


def _filled(visitor: Visit, written: Written, draft: AlertDraft) -> Written:
    """Return the form with the chosen ready words in every language."""
    languages = visitor.context.city.languages
    words = ready.alert(visitor.form.text("ready"), languages, drill=draft.drill is True)
    if words is None:
        raise Refusal("Choose ready words first.")
    return replace(written, texts=words)


def _typed(draft: AlertDraft, written: Written) -> AlertDraft:
    """Return a copy of the draft with what is typed, which is never stored."""
    return AlertDraft(
        **{
            **draft.model_dump(),
            "topic": written.topic,
            "level": written.level,
            "whole_city": written.whole_city,
            "areas": [] if written.whole_city else list(written.areas),
            "valid_hours": written.valid_hours,
            "texts": {
                code: {"title": clean(title, line=True), "text": clean(text)}
                for code, (title, text) in written.texts.items()
                if title.strip() or text.strip()
            },
        }
    )


async def _edit_page(
    visitor: Visit,
    session: AsyncSession,
    draft: AlertDraft,
    *,
    refusal: Refusal | None = None,
    overtaken: bool = False,
) -> Response:
    """Show the form; ``overtaken`` when it holds other words than a colleague saved meanwhile."""
    city = visitor.context.city
    replaces = await session.get(Notice, draft.replaces_id) if draft.replaces_id else None
    return visitor.page(
        "alert_edit.html",
        status=400 if refusal else 200,
        replaces=replaces,
        overtaken=overtaken,
        refusal=refusal.said(visitor.language) if refusal else "",
        saved=visitor.request.query_params.get("saved") == "yes",
        shapes=district_shapes(city, visitor.language),
        languages=[LANGUAGES[code] for code in city.languages],
        ready_words=[
            (code, ready.CATALOGUE.text(visitor.language, message))
            for code, message in ready.alerts_for(drill=draft.drill is True).items()
        ],
        title_limit=alert_checks.TITLE_LIMIT,
        text_limit=alert_checks.TEXT_LIMIT,
        **await _looked(visitor, session, draft),
    )


async def _looked(visitor: Visit, session: AsyncSession, draft: AlertDraft) -> dict[str, Any]:
    """Return what stands beside the form: faults, reach, one language's message."""
    city = visitor.context.city
    language = visitor.form.text("preview_language")
    language = language if language in city.languages else "ja"
    messages = []
    known = draft.topic in city.topic_by_code and set(draft.areas) <= set(city.district_by_code)
    if known and 0 <= draft.level <= 5:
        now = visitor.context.clock.now()
        notice = notice_of(draft, city, actor=visitor.actor, now=now)
        messages = render_messages(notice, language, city)
    return {
        "draft": draft,
        "faults": [
            (fault.field, visitor.say(fault.message, **dict(fault.values)))
            for fault in alert_checks.faults(draft, city)
        ],
        "reach": await reach(session, draft, city, by_area=True),
        "messages": messages,
        "preview_language": language,
        "hazards": await alert_checks.in_force(session, city, least=alert_checks.TWO_PEOPLE_LEVEL),
    }


async def _draft(session: AsyncSession, draft_id: int) -> AlertDraft:
    draft = await session.get(AlertDraft, draft_id)
    if draft is None:
        raise Missing
    return draft


async def _earlier(session: AsyncSession, draft: AlertDraft) -> Delivery | None:
    """Return the delivery that a draft corrects or withdraws: its receivers hear of it too."""
    if draft.replaces_id is None or draft.status is Status.LIFTED:
        return None
    found = await delivery_of(session, draft.replaces_id)
    return None if found is None else await session.get(Delivery, found)


async def _closed(visitor: Visit, session: AsyncSession, draft: AlertDraft) -> Response:
    if draft.notice_id is None:
        raise Refusal("This draft was thrown away.")
    return visitor.go(await _delivery_address(session, draft.notice_id))


async def _delivery_address(session: AsyncSession, notice_id: int, *, again: bool = False) -> str:
    found = await delivery_of(session, notice_id)
    return f"/console/deliveries/{found}" + ("?again=yes" if again else "")
