"""Writing an alert: choose drill or real, write, look, save, or throw it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts import checks as alert_checks
from alerts import drafts, event_fields, machine, older_words, origins, ready_words, templates
from alerts.compose import composed_of
from alerts.drafts import Written
from alerts.follow_ups import FOLLOWING, say_change
from alerts.models import AlertDraft, open_drafts, thrown_away
from alerts.origins import Origin
from alerts.paragraphs import put_in
from alerts.places import MOST_TEXT
from alerts.reach import media_of_draft, reach
from channels.line.render import render as render_messages
from channels.lists import delivery_of, newest
from channels.medium import Readable
from console import words
from console.access import Permission
from console.draft_fields import fields_of
from console.draft_pages import state_of
from console.line_room import LineRoom
from console.maps import district_shapes
from console.media_shown import read_by_others
from console.places_to_pick import (
    PICK,
    WHOLE_CITY,
    districts_of,
    picked_before,
    places_to_pick,
    with_districts,
)
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import LANGUAGES
from core.snapshot import keep_answers
from feeds.models import Notice, Status
from feeds.translate import article_translations

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Sender = Annotated[Visit, Depends(visit(Permission.ALERTS))]


@router.get("/alerts")
async def alerts(visitor: Looker) -> Response:
    async with visitor.context.database.reading() as session:
        return visitor.page(
            "alerts.html",
            drafts=await open_drafts(session),
            thrown_away=await thrown_away(session, visitor.context.clock.now()),
            just_now=visitor.request.query_params.get("discarded", ""),
            sent=await newest(session, 50),
        )


@router.post("/alerts")
async def begin(visitor: Sender) -> Response:
    """Begin a draft; drill or real must be chosen, without a default."""
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
    """Open the correction, change, withdrawal or all-clear of a sent alert."""
    status = visitor.form.text("status")
    if status not in FOLLOWING:
        raise Refusal("Only what was sent can be taken back.")
    async with visitor.context.database.writing() as session:
        draft = await drafts.begin_follow_up(
            session,
            notice_id,
            Status(status),
            visitor.context.city,
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )
    straight = "/check" if status in (Status.CANCELLED, Status.LIFTED) else ""
    return visitor.go(f"/console/alerts/{draft.id}{straight}")


@router.get("/alerts/{draft_id}")
async def edit(visitor: Sender, draft_id: RowNumber) -> Response:
    async with visitor.context.database.reading() as session:
        draft = await draft_of(session, draft_id)
        if draft.notice_id is not None or draft.discarded_at is not None:
            return await closed(visitor, session, draft)
        return await edit_page(visitor, session, draft)


@router.post("/alerts/{draft_id}")
async def save(visitor: Sender, draft_id: RowNumber) -> Response:
    """Save the draft, which sends nothing; then stay, or go to the check page."""
    written = written_of(visitor)
    now = visitor.context.clock.now()
    then = visitor.form.text("then")
    picked: tuple[str, ...] = ()
    try:
        async with visitor.context.database.writing() as session:
            if then in ("fill", "add"):
                draft = drafts.as_written(await draft_of(session, draft_id), written)
                written = _filled(visitor, written, draft, replace_all=then == "fill")
            elif then.startswith(PICK):
                picked = await districts_of(visitor, session, then.removeprefix(PICK))
                written = with_districts(written, picked)
            elif visitor.form.text("polygon"):
                raise Refusal("Take the districts of the drawn area, or remove it.")
            await drafts.change(
                session, draft_id, written, visitor.context.city, actor=visitor.actor, now=now
            )
    except drafts.AlreadySent:
        raise
    except Refusal as refusal:
        return await _not_taken(visitor, draft_id, written, refusal)
    way = "?saved=yes"
    if then == "check":
        way = "/check"
    elif then == "machine":
        way = await _by_machine(visitor, draft_id)
    elif then == "template" and (template := visitor.form.number("template")):
        way = f"/templates/{template}"
    elif then.startswith(PICK):
        way = "?picked=" + (",".join(picked) or WHOLE_CITY) + "#where"
    return visitor.go(f"/console/alerts/{draft_id}{way}")


async def _by_machine(visitor: Visit, draft_id: int) -> str:
    """Have a machine draft the languages without words; return the query of the page that says how
    it went.
    """
    context = visitor.context
    translator = article_translations(
        context.settings.translator, context.http, context.city, context.database, context.clock
    )
    async with context.database.reading() as session:
        draft = await draft_of(session, draft_id)

    if translator is None or not draft.texts.get("ja", {}).get("text"):
        return ""
    made = await machine.drafted(translator, draft, context.city.languages)
    async with context.database.writing() as session:
        await machine.put_in(
            session,
            draft_id,
            made,
            context.city,
            actor=visitor.actor,
            now=context.clock.now(),
        )
    problems = ",".join(f"{code}.{problem}" for code, problem in made.problems.items())
    return f"?{urlencode({'drafted': len(made.texts), 'problems': problems})}"


def machine_said(visitor: Visit) -> dict[str, Any] | None:
    """Return how a machine's drafts went, as the address of the page says."""
    asked = visitor.request.query_params
    if "drafted" not in asked:
        return None
    problems: dict[str, list[str]] = {}
    for one in asked.get("problems", "").split(","):
        code, _, problem = one.partition(".")
        if code in LANGUAGES and problem in machine.PROBLEMS:
            problems.setdefault(problem, []).append(code)
    number = asked["drafted"]
    return {
        "number": int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else 0,
        "problems": [
            (visitor.say(machine.PROBLEMS[problem]), words.names_of(codes, visitor.language))
            for problem, codes in problems.items()
        ],
    }


async def _not_taken(visitor: Visit, draft_id: int, written: Written, refusal: Refusal) -> Response:
    """Show the form again with the entered values and the reason for the refusal."""
    async with visitor.context.database.reading() as session:
        saved = await draft_of(session, draft_id)
        if saved.discarded_at is not None:
            raise refusal
        overtaken = saved.version != written.version
        draft = drafts.as_written(saved, written)
        return await edit_page(
            visitor, session, draft, refusal=refusal, overtaken=overtaken, saved=saved
        )


@router.post("/alerts/{draft_id}/discard")
async def discard(visitor: Sender, draft_id: RowNumber) -> Response:
    """Throw a draft away with all entered values, so that restoring it brings them back."""
    now, actor = visitor.context.clock.now(), visitor.actor
    written = written_of(visitor)
    has_words = "topic" in visitor.form  # the button of the confirmation page sends no values
    try:
        async with visitor.context.database.writing() as session:
            version = written.version
            if has_words:
                saved = await drafts.change(
                    session, draft_id, written, visitor.context.city, actor=actor, now=now
                )
                version = saved.version
            await drafts.discard(session, draft_id, version, actor=actor, now=now)
    except drafts.AlreadySent:
        raise
    except Refusal as refusal:
        if not has_words:
            raise
        return await _not_taken(visitor, draft_id, written, refusal)
    return visitor.go(f"/console/alerts?discarded={draft_id}")


@router.post("/alerts/{draft_id}/look")
async def look(visitor: Sender, draft_id: RowNumber) -> Response:
    """Show a preview of the current form; nothing is saved."""
    async with visitor.context.database.reading() as session:
        draft = drafts.as_written(await draft_of(session, draft_id), written_of(visitor))
        keep_answers(session)
        await say_change(session, draft, visitor.context.city)
        return visitor.page("_look.html", live=True, **await _looked(visitor, session, draft))


def _drill_or_real(visitor: Visit) -> bool:
    said = visitor.form.text("kind")
    if said not in ("drill", "real"):
        raise Refusal("Say whether this is a drill or real.")
    return said == "drill"


def written_of(visitor: Visit) -> Written:
    """Return what the form of a draft says."""
    form = visitor.form
    level, hours = form.number("level"), form.number("valid_hours")
    return Written(
        version=form.number("version") or 0,
        topic=form.text("topic")[:32],
        level=-1 if level is None else min(level, 99),
        whole_city=form.text("whole_city") == "yes",
        areas=tuple(area[:32] for area in form.all("areas")),
        levels=_own_levels(visitor),
        texts={
            code: (form.get(f"title-{code}", "")[:2000], form.get(f"text-{code}", "")[:20000])
            for code in LANGUAGES
        },
        valid_hours=0 if hours is None else min(hours, 9999),
        still_right=tuple(form.all("still_right")),
        event=event_fields.typed(form),
    )


def _own_levels(visitor: Visit) -> dict[str, int]:
    """Return the level of each district that was given one of its own."""
    found = {}
    for district in visitor.context.city.districts:
        level = visitor.form.number(f"level-{district.code}")
        if level is not None:
            found[district.code] = min(level, 99)
    return found


def _filled(visitor: Visit, written: Written, draft: AlertDraft, *, replace_all: bool) -> Written:
    """Return the form with the chosen ready words in every language."""
    languages = visitor.context.city.languages
    code = visitor.form.text("ready")
    words = ready_words.alert(code, languages, drill=draft.drill is True)
    if words is None:
        raise Refusal("Choose ready words first.")
    made = {language: text for language, (_, text) in words.items()}
    texts, origins = put_in(draft, made, Origin(ready=(code,)), replace=replace_all)
    return replace(written, texts=texts, origins=origins)


async def edit_page(
    visitor: Visit,
    session: AsyncSession,
    draft: AlertDraft,
    *,
    refusal: Refusal | None = None,
    overtaken: bool = False,
    saved: AlertDraft | None = None,
) -> Response:
    """Show the form.

    Parameters
    ----------
    overtaken
        Whether a colleague saved other words meanwhile.
    saved
        The draft as it is stored, if the form shows something else.
    """
    city = visitor.context.city
    keep_answers(session)
    line_room(visitor).ask()  # the check page wants to know
    replaces = await session.get(Notice, draft.replaces_id) if draft.replaces_id else None
    return visitor.page(
        "alert_edit.html",
        status=400 if refusal else 200,
        replaces=replaces,
        overtaken=overtaken,
        stored=fields_of(saved or draft, city),
        refusal=words.said(refusal, visitor.language),
        state=state_of(draft, visitor.actor, visitor.context.clock.now()),
        just_saved=visitor.request.query_params.get("saved") == "yes",
        shapes=district_shapes(city, visitor.language),
        places=await places_to_pick(visitor, session),
        picked=picked_before(visitor),
        polygon=visitor.form.get("polygon", "")[:MOST_TEXT] if refusal else "",
        languages=[LANGUAGES[code] for code in city.languages],
        live=False,
        ready_words=[
            (code, ready_words.CATALOGUE.text(visitor.language, message))
            for code, message in ready_words.alerts_for(drill=draft.drill is True).items()
        ],
        templates=await templates.in_use(session),
        translator=visitor.context.settings.translator,
        machine_said=machine_said(visitor),
        title_limit=alert_checks.TITLE_LIMIT,
        text_limit=alert_checks.TEXT_LIMIT,
        **await _looked(visitor, session, draft),
    )


async def _looked(visitor: Visit, session: AsyncSession, draft: AlertDraft) -> dict[str, Any]:
    """Return the content next to the form: faults, reach, the message in one language."""
    city = visitor.context.city
    language = visitor.form.text("preview_language")
    language = language if language in city.languages else "ja"
    messages: list[Any] = []
    heading = ""
    others: list[tuple[str, list[Readable]]] = []
    found = await reach(session, draft, city, visitor.media, by_area=True)
    known = draft.topic in city.topic_by_code and set(draft.areas) <= set(city.district_by_code)
    if known and 0 <= draft.level <= 5:
        now = visitor.context.clock.now()
        composed = composed_of(draft, city, actor=visitor.actor, now=now)
        notices = [composed.notice, *(one.notice for one in composed.lower)]
        messages = [render_messages(notice, language, city) for notice in notices]
        titles = [words.title_of(notice, visitor.language) for notice in notices]
        heading = words.listed(titles, visitor.language)
        by = [each.name for each in await media_of_draft(session, draft, city, visitor.media)]
        others = read_by_others(notices, by, visitor.media, city, language)
    come_from = await origins_of(visitor, session, draft)
    return {
        "draft": draft,
        "heading": heading,
        "older": older_words.older(draft),
        "still_right": visitor.form.all("still_right"),
        "faults": [
            (fault.field, visitor.say(fault.message, **dict(fault.values)))
            for fault in alert_checks.faults(draft, city)
        ],
        "reach": found,
        "readers": found.by_language,
        "origins": come_from,
        "to_look_at": to_look_at(draft, come_from, found.by_language),
        "messages": messages,
        "others": others,
        "preview_language": language,
        "hazards": await alert_checks.serious_dangers(session, city, visitor.context.clock.now()),
    }


async def origins_of(
    visitor: Visit, session: AsyncSession, draft: AlertDraft
) -> dict[str, list[tuple[str, str]]]:
    """Return where the words of each language of the city come from: kind and words for it."""
    known = origins.origins(draft)
    used = {one for origin in known.values() for one in origin.templates}
    names = await templates.names(session, used)
    return {
        code: words.origin(known.get(code), names, visitor.language, visitor.names)
        for code in visitor.context.city.languages
    }


def to_look_at(
    draft: AlertDraft,
    come_from: Mapping[str, Sequence[tuple[str, str]]],
    readers: Mapping[str, int],
) -> dict[str, str]:
    """Return the languages with readers in which there is something to write or to check, and why:
    the words are missing, a machine's, or older than the Japanese.

    As long as there is no Japanese nothing is missing in another language.
    """
    older = set(older_words.older(draft))
    written = bool(draft.texts.get("ja", {}).get("text"))
    found = {}
    for code, said in come_from.items():
        if code == "ja" or not readers.get(code):
            continue
        kinds = {kind for kind, _ in said}
        if code in older:
            found[code] = "older"
        elif "machine" in kinds:
            found[code] = "machine"
        elif written and "missing" in kinds:
            found[code] = "missing"
    return found


async def draft_of(session: AsyncSession, draft_id: int) -> AlertDraft:
    draft = await session.get(AlertDraft, draft_id)
    if draft is None:
        raise Missing
    return draft


async def closed(visitor: Visit, session: AsyncSession, draft: AlertDraft) -> Response:
    if draft.notice_id is None:
        raise Refusal("This draft was thrown away.")
    return visitor.go(await way_to_delivery(session, draft.notice_id))


async def way_to_delivery(session: AsyncSession, notice_id: int, *, again: bool = False) -> str:
    found = await delivery_of(session, notice_id)
    return f"/console/deliveries/{found}" + ("?again=yes" if again else "")


def line_room(visitor: Visit) -> LineRoom:
    """Return what knows how many messages LINE still delivers this month."""
    state = visitor.request.app.state
    if not hasattr(state, "line_room"):
        state.line_room = LineRoom(state.line, visitor.context.clock)
    room: LineRoom = state.line_room
    return room
