"""Looking at an alert as it will leave, confirming it as a colleague, and sending it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts import checks as alert_checks
from alerts import drafts, older_words
from alerts.compose import composed_of
from alerts.follow_ups import overtaken
from alerts.levels import by_level
from alerts.models import AlertDraft
from alerts.reach import reach
from alerts.release import Approval, Seen, UnknownAnswer, question_about_unknown, release
from alerts.warnings import AlertWarning, codes_of, warnings
from channels.chain import CHANGES, places
from channels.dispatch import WordingPart, preview
from channels.line import unknown
from channels.line.medium import LINE
from console import asking, words
from console.access import Permission
from console.alert_pages import (
    closed,
    draft_of,
    edit_page,
    line_room,
    origins_of,
    to_look_at,
    way_to_delivery,
)
from console.draft_pages import state_of
from console.looks import Look
from console.media_shown import chosen_media, key_of, media_shown, parts_of_all
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.snapshot import keep_answers
from core.text import clean
from feeds.models import Notice, Status

router = APIRouter(prefix="/console", route_class=StaffRoute)
Reader = Annotated[Visit, Depends(visit(Permission.DRAFTS))]
Sender = Annotated[Visit, Depends(visit(Permission.ALERTS))]
Confirmer = Annotated[Visit, Depends(visit(Permission.CONFIRM))]


@router.get("/alerts/{draft_id}/check")
async def check(visitor: Reader, draft_id: RowNumber) -> Response:
    """Show who gets what in every language, and ask for the confirmation."""
    return await _check_page(visitor, draft_id)


@router.post("/alerts/{draft_id}/confirm")
async def confirm(visitor: Confirmer, draft_id: RowNumber) -> Response:
    """A colleague confirms the shown version; this sends nothing."""
    return await _decided(visitor, draft_id, drafts.confirm)


@router.post("/alerts/{draft_id}/media")
async def choose_media(visitor: Sender, draft_id: RowNumber) -> Response:
    """Switch the media of a draft on and off; this sends nothing."""
    context, form = visitor.context, visitor.form
    try:
        async with context.database.reading() as session:
            draft = await draft_of(session, draft_id)
            # A version that was saved meanwhile is refused below.
            chosen = await chosen_media(
                session, form.all("media"), draft, context.city, visitor.media
            )
        async with context.database.writing() as session:
            await drafts.choose_media(
                session,
                draft_id,
                form.number("version") or 0,
                chosen,
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except drafts.AlreadySent:
        raise
    except Refusal as refusal:
        return await _check_page(visitor, draft_id, refusal=refusal)
    return visitor.go(f"/console/alerts/{draft_id}/check")


@router.get("/alerts/{draft_id}/texts/{medium}")
async def texts(visitor: Reader, draft_id: RowNumber, medium: str) -> Response:
    """Show a draft in every language as it will look by one medium."""
    context = visitor.context
    now = context.clock.now()
    if medium not in visitor.media:
        raise Missing
    async with context.database.reading() as session:
        keep_answers(session)
        draft = await draft_of(session, draft_id)
        if draft.notice_id is not None or draft.discarded_at is not None:
            return await closed(visitor, session, draft)
        if alert_checks.faults(draft, context.city):
            _refuse_reader(visitor, draft)
            return await edit_page(visitor, session, draft)
        composed = composed_of(draft, context.city, actor=visitor.actor, now=now)
        shown = await media_shown(
            session,
            draft,
            composed,
            context.city,
            visitor.media,
            now,
            visitor.language,
            whole=medium,
        )
    one = next(each for each in shown if each.name == medium)
    older = older_words.older(draft)
    return visitor.page("alert_texts.html", draft=draft, one=one, older=older, key_of=key_of)


@router.get("/alerts/{draft_id}/phones/{language}")
async def on_phone(visitor: Reader, draft_id: RowNumber, language: str) -> Response:
    """Show the version of a draft that somebody looks at on a phone with another language.

    A part of the check page. After the draft was changed there is nothing of that version to show.
    """
    context = visitor.context
    asked = visitor.request.query_params
    if language not in context.city.languages:
        raise Missing
    async with context.database.reading() as session:
        keep_answers(session)
        draft = await draft_of(session, draft_id)
        version = asked.get("version", str(draft.version))
        is_open = draft.notice_id is None and draft.discarded_at is None
        part = None
        if is_open and version == str(draft.version):
            part = await _part(visitor, session, draft, asked.get("part", ""), language)
    older = older_words.older(draft)
    return visitor.page("_on_phone.html", draft=draft, part=part, code=language, older=older)


async def _part(
    visitor: Visit, session: AsyncSession, draft: AlertDraft, key: str, language: str
) -> WordingPart | None:
    """Return the part of LINE's preview with this key in one language; "" is the first."""
    context = visitor.context
    now = context.clock.now()
    if alert_checks.faults(draft, context.city):
        return None
    composed = composed_of(draft, context.city, actor=visitor.actor, now=now)
    seen = await preview(
        session,
        composed.notice,
        context.city,
        now,
        medium=LINE,
        as_new=composed.as_new,
        lower=composed.lower,
        only=(language,),
    )
    return next((part for part in seen.parts if key in ("", key_of(part))), None)


@router.post("/alerts/{draft_id}/after")
async def go_on_after(visitor: Sender, draft_id: RowNumber) -> Response:
    """Put a follow-up after a colleague's newer notice; this sends nothing."""
    return await _decided(visitor, draft_id, drafts.go_on_after)


async def _decided(
    visitor: Visit, draft_id: int, decide: Callable[..., Awaitable[AlertDraft]]
) -> Response:
    try:
        async with visitor.context.database.writing() as session:
            await decide(
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


@router.post("/alerts/{draft_id}/ask")
async def ask(visitor: Sender, draft_id: RowNumber) -> Response:
    """Ask colleagues by LINE and mail to confirm; this sends no alert."""
    return await _told_staff(visitor, draft_id, asking.ask, "")


@router.post("/alerts/{draft_id}/test")
async def try_out(visitor: Sender, draft_id: RowNumber) -> Response:
    """Send it to the desk's own phones, marked as a test; this sends no alert."""
    return await _told_staff(visitor, draft_id, asking.try_out, "?tested=yes")


async def _told_staff(
    visitor: Visit, draft_id: int, tell: Callable[..., Awaitable[None]], then: str
) -> Response:
    try:
        async with visitor.context.database.writing() as session:
            await tell(visitor, session, draft_id)
    except drafts.AlreadySent:
        raise
    except Refusal as refusal:
        return await _check_page(visitor, draft_id, refusal=refusal)
    return visitor.go(f"/console/alerts/{draft_id}/check{then}")


@router.post("/alerts/{draft_id}/send")
async def send_alert(visitor: Confirmer, draft_id: RowNumber) -> Response:
    """Send the checked version. A second press finds it sent and shows the delivery.

    A refusal shows the page again with current data and the entered reasons; the word or number for
    sending must be typed again.
    """
    context, form = visitor.context, visitor.form
    try:
        look = Look.unseal(form.text("look"), context.settings.secret_key)
        approval = Approval(
            look.seen_by(visitor.session.staff_id, draft_id),
            typed=form.text("typed"),
            alone_reason=_reason(visitor, "alone_reason"),
            hazard_reason=_reason(visitor, "hazard_reason"),
            to_unknown=_to_unknown(visitor),
        )
        async with context.database.writing() as session:
            delivery = await release(
                session,
                context.queue,
                context.city,
                visitor.media,
                draft_id,
                approval,
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except drafts.AlreadySent as sent:
        async with context.database.reading() as session:
            return visitor.go(await way_to_delivery(session, sent.notice_id, again=True))
    except Refusal as refusal:
        return await _check_page(visitor, draft_id, refusal=refusal)
    return visitor.go(f"/console/deliveries/{delivery}")


async def _check_page(visitor: Visit, draft_id: int, *, refusal: Refusal | None = None) -> Response:
    context = visitor.context
    now = context.clock.now()
    room = await line_room(visitor).left()
    async with context.database.reading() as session:
        draft = await draft_of(session, draft_id)
        if draft.notice_id is not None or draft.discarded_at is not None:
            return await closed(visitor, session, draft)
        if alert_checks.faults(draft, context.city):
            _refuse_reader(visitor, draft)
            return await edit_page(visitor, session, draft, refusal=refusal)
        keep_answers(session)
        found = await reach(session, draft, context.city, visitor.media)
        composed = composed_of(draft, context.city, actor=visitor.actor, now=now)
        origins = await origins_of(visitor, session, draft)
        doubtful = to_look_at(draft, origins, found.by_language)
        by_media = await media_shown(
            session,
            draft,
            composed,
            context.city,
            visitor.media,
            now,
            visitor.language,
            to_look_at=[code for code, why in doubtful.items() if why != "missing"],
        )
        seen = next((one.seen for one in by_media if one.name == LINE.name), None)
        before = await alert_checks.said_before(session, draft, context.city)
        hazards = await alert_checks.serious_dangers(session, context.city, now)
        asked = await question_about_unknown(session, draft, context.city, visitor.media)
        follows_unknown = await unknown.had_earlier(session, draft.replaces_id)
        since = await overtaken(session, draft.replaces_id)
        shown_colleagues = await asking.shown(visitor, session, draft)
        newer = None if since is None else await session.get(Notice, since.notice_id)
        told = await warnings(session, draft, context.city, now, recipients=found.total, room=room)
    unwritten = {
        code: number
        for code, number in found.by_language.items()
        if number and not draft.texts.get(code, {}).get("text")
    }
    look = Look(
        draft_id, visitor.session.staff_id, Seen(draft.version, found.total, now, codes_of(told))
    )
    return visitor.page(
        "alert_check.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        draft=draft,
        reach=found,
        warnings=[(one, _said(visitor, one)) for one in told],
        levels=by_level(draft, context.city),
        part_name=lambda part: words.part_name(part.wording, part.level, visitor.language),
        unwritten=unwritten,
        unwritten_names=words.listed(
            [words.language_name(code, visitor.language) for code in unwritten], visitor.language
        ),
        seen=seen,
        key_of=key_of,
        by_media=by_media,
        parts=parts_of_all(by_media),
        held_until_morning=sum(one.seen.held_until_morning for one in by_media if one.seen),
        stale=now - draft.updated_at > drafts.STALE_AFTER,
        look=look.seal(context.settings.secret_key),
        origins=origins,
        to_look_at=doubtful,
        older=older_words.older(draft),
        older_readers=sum(found.by_language.get(code, 0) for code in older_words.older(draft)),
        state=state_of(draft, visitor.actor, now),
        needs_two=alert_checks.needs_two(draft, context.city, before),
        second=drafts.second_person(draft, visitor.actor, now),
        is_own=visitor.actor in drafts.authors(draft),
        hazards=hazards,
        unknown=asked,
        unknown_answers=(UnknownAnswer.yes(asked.way), UnknownAnswer.NO) if asked else (),
        unknown_answer=_to_unknown(visitor) if refusal else None,
        unknown_rule=context.city.unknown_friends,
        follows_unknown=follows_unknown,
        since=since,
        newer=newer,
        goes_on=_goes_on(visitor, draft, before),
        reason_length=alert_checks.REASON_LENGTH,
        alone_reason=_reason(visitor, "alone_reason"),
        hazard_reason=_reason(visitor, "hazard_reason"),
        just_tested=visitor.request.query_params.get("tested") == "yes",
        **shown_colleagues,
    )


def _refuse_reader(visitor: Visit, draft: AlertDraft) -> None:
    """Say to somebody who does not write alerts that this one is not ready."""
    if not visitor.may(Permission.ALERTS):
        raise Refusal(
            "{name} has something to correct in this alert before it can be confirmed.",
            name=draft.edited_by,
        )


def _said(visitor: Visit, warning: AlertWarning) -> str:
    """Return a warning in the language of the visitor."""
    city, language = visitor.context.city, visitor.language
    values = dict(warning.values)
    if warning.areas:
        values["places"] = words.places_of(warning.areas, city, language)
    if warning.notice is not None:
        values["title"] = words.title_of(warning.notice, language)
    if "name" in values:
        values["name"] = words.decider(str(values["name"]), language)
    return visitor.say(warning.message, **values)


def _goes_on(visitor: Visit, draft: AlertDraft, before: alert_checks.Before | None) -> str:
    """Return the names of the districts where the earlier notice stays in force."""
    if before is None or draft.status not in (*CHANGES, Status.LIFTED):
        return ""
    city = visitor.context.city
    meant = places(() if draft.whole_city else draft.areas, city)
    left = [area for area in before.standing if area not in meant]
    return words.places_of(left, city, visitor.language)


def _to_unknown(visitor: Visit) -> UnknownAnswer | None:
    said = visitor.form.text("to_unknown")
    return UnknownAnswer(said) if said in list(UnknownAnswer) else None


def _reason(visitor: Visit, field: str) -> str:
    return clean(visitor.form.text(field), line=True)[:400]
