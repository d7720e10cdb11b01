"""Reports that come by telephone, at the counter or by mail, and whole spreadsheets of them."""

from __future__ import annotations

import hashlib
import uuid
import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City
from city.kinds import AnswerType, Question, ReportCategory
from city.parts import sentence_in
from console.access import Permission
from console.packed_files import packed, unpacked
from console.photos import decoding
from console.positions import one_place, position_or_name
from console.report_names import Names
from console.web import StaffRoute, Visit, reason_of, visit
from core import audit
from core.clock import JAPAN, in_japan
from core.errors import BadInput, Refusal
from core.languages import mark
from core.sheets import MOST_BYTES, spreadsheet_workshop
from core.text import clean
from core.uploads import Limits, Upload
from reports import questions, register
from reports.decoding import MAX_BYTES, PhotoRefused
from reports.kinds import city_now
from reports.models import CameBy
from reports.photos import MAX_PHOTOS, Picture, take_photo
from reports.reasons import reason
from reports.register import LONGEST_CONTACT, LONGEST_DESCRIPTION, MAX_TEXT, Draft, create_report
from reports.spreadsheets import Read, known_rows, read_file, take_in, with_kinds

router = APIRouter(prefix="/console/entry", route_class=StaffRoute)
PHOTOS = Limits(files=MAX_PHOTOS, bytes=MAX_PHOTOS * MAX_BYTES)
SHEET = Limits(files=1, bytes=MOST_BYTES, field_bytes=2 * MOST_BYTES)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
WithPhotos = Annotated[Visit, Depends(visit(Permission.REPORTS, takes=PHOTOS))]
WithSheet = Annotated[Visit, Depends(visit(Permission.REPORTS, takes=SHEET))]
WAYS = {
    CameBy.TELEPHONE: mark("Telephone"),
    CameBy.COUNTER: mark("Counter"),
    CameBy.MAIL: mark("E-mail or letter"),
    CameBy.PATROL: mark("Patrol"),
}
LANGUAGE = "ja"
MOST_SHOWN = 200
CLOCKS_DIFFER = timedelta(minutes=10)
_sheets = spreadsheet_workshop()


@router.get("")
async def entry_page(visitor: Worker) -> Response:
    return await _page(visitor)


@router.post("")
async def enter(visitor: WithPhotos) -> Response:
    """Store a report; the same form stores one, however often it is sent."""
    form, context = visitor.form, visitor.context
    try:
        # Unpacking takes seconds; no transaction waits for it.
        pictures = [
            await _taken(visitor, upload.content) for upload in visitor.files.get("photo", ())
        ]
        async with context.database.writing() as session:
            city = await city_now(session, context.city)
            draft, came_at = _draft(visitor, city, tuple(pictures))
            sent_before = await register.is_taken(session, draft.origin)
            report = await create_report(
                session,
                context.city,
                draft,
                resident_id=None,
                language=LANGUAGE,
                now=came_at,
                by=visitor.actor,
                entered_at=context.clock.now(),
            )
            if not sent_before:
                await audit.record(
                    session,
                    context.clock.now(),
                    actor=visitor.actor,
                    action="report.entered",
                    subject=f"report:{report.number}",
                    came_by=draft.came_by.value,
                )
    except BadInput as error:
        return await _page(visitor, refusal=error)
    if form.text("next"):
        return visitor.go(f"/console/entry?kind={report.category}&entered={report.number}")
    return visitor.go(f"/console/reports/{report.number}?done=yes")


@router.get("/spreadsheet")
async def spreadsheet_page(visitor: Worker) -> Response:
    return await _sheet_page(visitor)


@router.post("/spreadsheet")
async def spreadsheet(visitor: WithSheet) -> Response:
    """Show what a file would bring; with ``take`` store it."""
    form, context = visitor.form, visitor.context
    try:
        uploads = visitor.files.get("file", ())
        [upload, *_] = uploads or unpacked(form.text("sent"), MOST_BYTES)
        data = upload.content
        async with context.database.reading() as session:
            city = await city_now(session, context.city)
        now = context.clock.now()
        find = partial(one_place, places=visitor.request.app.state.folder.places)
        read = await read_file(_sheets, data, city, now, find)
        chosen = _chosen_kinds(visitor, read, city)
        read = with_kinds(read, chosen)
        if form.text("do") != "take":
            return await _sheet_page(visitor, read=read, data=data, chosen=chosen)
        async with context.database.writing() as session:
            taken = await take_in(session, context.city, read, by=visitor.actor, now=now)
            await audit.record(
                session,
                now,
                actor=visitor.actor,
                action="report.imported",
                subject=f"import:{zlib.crc32(data):08x}",
                reports=len(taken.numbers),
                there=taken.there,
                wrong=taken.wrong,
            )
    except BadInput as error:
        return await _sheet_page(visitor, refusal=error)
    return visitor.go(
        f"/console/entry/spreadsheet?new={len(taken.numbers)}&there={taken.there}"
        f"&wrong={taken.wrong}"
    )


async def _taken(visitor: Visit, content: bytes) -> Picture:
    """Check and keep a photo.

    Raises
    ------
    Refusal
        It cannot be taken; the sentence says why.
    """
    try:
        return await take_photo(decoding, visitor.context.settings.media_dir, content)
    except PhotoRefused as refused:
        if refused.kind == "too-large":
            raise Refusal(mark("The photo is too large. Make it smaller.")) from refused
        said = mark("The file cannot be read as a photo. JPEG, PNG, WebP and HEIC can be.")
        raise Refusal(said) from refused
    except OSError as full:
        raise BadInput(reason("export.disk")) from full


def _draft(visitor: Visit, city: City, pictures: tuple[Picture, ...]) -> tuple[Draft, datetime]:
    """Read the form of one report, and when it came.

    Raises
    ------
    BadInput
        The kind, the place or an answer is missing or wrong.
    """
    form, now = visitor.form, visitor.context.clock.now()
    kind = city.kind(form.text("kind"))
    if kind is None:
        raise Refusal(mark("Choose a kind."))
    way = form.text("came_by")
    came_by = CameBy(way) if way in {one.value for one in WAYS} else CameBy.TELEPHONE
    address = clean(form.text("address"), line=True)[:MAX_TEXT]
    places = visitor.request.app.state.folder.places
    written = form.text("place")
    position = position_or_name(written, address, places)
    if position is None and not address:
        raise Refusal(mark("Write where it is, or click on the map."))
    if position is not None and city.is_outside(*position):
        raise Refusal(mark("The place lies outside the city."))
    answered = _answers(visitor, kind)
    draft = Draft(
        category=kind.code,
        origin="",
        longitude=position[0] if position else None,
        latitude=position[1] if position else None,
        address=address,
        description=clean(form.text("words"))[:LONGEST_DESCRIPTION],
        pictures=pictures,
        came_by=came_by,
        contact=clean(form.text("contact"), line=True)[:LONGEST_CONTACT],
        attributes=tuple(one.to_json() for one in answered),
    )
    key = clean(form.text("key"), line=True)[:32] or uuid.uuid4().hex
    return replace(draft, origin=f"entry:{key}:{_digest(draft)}"), _came_at(
        form.text("came_at"), now
    )


def _digest(draft: Draft) -> str:
    """Return what tells two reports apart that were written on one page: who goes back in the
    browser, and writes the next one there, has it stored as well.
    """
    return hashlib.sha256(repr(draft).encode()).hexdigest()[:20]


def _came_at(text: str, now: datetime) -> datetime:
    """Return when it came, on Japan's clock; now if that is not said.

    Raises
    ------
    Refusal
        It is no time, still to come, or from before last year: a slip of the hand.
    """
    if not text:
        return now
    wrong = Refusal(mark("Write when it came: a day and a time up to now."))
    try:
        said = datetime.fromisoformat(text).replace(tzinfo=JAPAN)
    except ValueError as error:
        raise wrong from error
    first = in_japan(now).year - 1
    if said.year < first:
        raise Refusal(mark("Look at the year: reports from {year} on can be entered."), year=first)
    if said.replace(second=0) > now + CLOCKS_DIFFER:
        raise wrong
    return min(said, now)


def _answers(visitor: Visit, kind: ReportCategory) -> list[questions.Answered]:
    """Return the answers to the kind's questions. Somebody at the telephone may not know one."""
    found = []
    for question in kind.questions:
        said = [clean(one) for one in visitor.form.all(f"q-{question.code}") if one.strip()]
        if not said:
            continue
        listed = question.type.is_chosen or question.type is AnswerType.YES_NO
        values = tuple(said) if listed else questions.read_answer(question, said[0])
        if values is None or not questions.fits(question, values):
            raise Refusal(mark("“{said}” is no answer to this question."), said=said[0][:40])
        found.append(questions.Answered(question.code, values))
    return found


async def _page(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    query, context = visitor.request.query_params, visitor.context
    now = context.clock.now()
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        entered = await _entered(session, query.get("entered", ""))
    chosen = city.kind(visitor.form.text("kind") or query.get("kind", "")[:40])
    return visitor.page(
        "entry.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        lost_photos=bool(visitor.files.get("photo")),
        typed=visitor.form,
        kinds=city.kinds_offered(in_japan(now).date()),
        kind=chosen,
        names=Names(city, visitor.language),
        ways=WAYS,
        questions=[
            (one, sentence_in(one.names, visitor.language), _choices(one, visitor.language))
            for one in (chosen.questions if chosen else ())
        ],
        came_at=f"{in_japan(now):%Y-%m-%dT%H:%M}",
        key=visitor.form.text("key") or uuid.uuid4().hex,
        entered=entered,
        most_photos=MAX_PHOTOS,
        most_words=LONGEST_DESCRIPTION,
        most_contact=LONGEST_CONTACT,
    )


def _choices(question: Question, language: str) -> list[tuple[str, str]]:
    is_listed = question.type.is_chosen or question.type is AnswerType.YES_NO
    return questions.choices_of(question, language) if is_listed else []


async def _entered(session: AsyncSession, number: str) -> str:
    """Return the number of a report that is there, or ""."""
    try:
        return (await register.get_report(session, number[:20])).number if number else ""
    except register.UnknownReport:
        return ""


def _chosen_kinds(visitor: Visit, read: Read, city: City) -> dict[str, str]:
    """Return the kinds that the office chose for unknown names, by the name's place in the list."""
    known = {kind.code for kind in city.report_categories}
    chosen = {}
    for number, called in enumerate(read.unknown_kinds):
        code = visitor.form.text(f"kind-{number}")
        if code in known:
            chosen[called] = code
    return chosen


async def _sheet_page(
    visitor: Visit,
    *,
    read: Read | None = None,
    data: bytes = b"",
    chosen: dict[str, str] | None = None,
    refusal: BadInput | None = None,
) -> Response:
    query, context = visitor.request.query_params, visitor.context
    there: set[str] = set()
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        if read is not None:
            there = await known_rows(session, read)
    rows = read.rows if read else ()
    return visitor.page(
        "entry_sheet.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        read=read,
        rows=sorted(rows, key=lambda row: not row.wrong)[:MOST_SHOWN],
        there=there,
        good=read.takes(there) if read else 0,
        year=in_japan(context.clock.now()).year,
        sent=packed([Upload("", data)]) if data else "",
        chosen=chosen or {},
        kinds=city.report_categories,
        names=Names(city, visitor.language),
        ways=WAYS,
        reason=lambda why: reason_of(BadInput(why), visitor.language),
        done={name: query.get(name, "")[:6] for name in ("new", "there", "wrong")},
    )
