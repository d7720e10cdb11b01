"""Call-up of staff: whom, preview, send; then the live table, on paper and as a file."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import name_in
from console import words as console_words
from console.access import Permission
from console.call_up_rows import rows_of
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from console.world import world_of
from core import audit
from core.clock import in_japan
from core.errors import BadInput
from core.text import spreadsheet_cell
from response import call_up_table, call_ups, staff
from response.answer_links import AnswerLinks
from response.call_up_table import Line, Table
from response.call_ups import Call, Means
from response.models import CallUp, StaffMember
from response.reasons import reason
from response.staff_links import line_ids
from response.words import CHOICES, choice_of

router = APIRouter(prefix="/console", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.RESPONSE))]
PAGE = "/console/call-up"
DRILL_WORD = "訓練"
CSV_HEADINGS = (
    *("実災害・訓練", "部署", "氏名", "班", "連絡", "回答", "到着見込み", "回答日時", "回答方法"),
    "連絡回数",
)
"""The headquarters read the file in Japanese, whoever fetches it."""


@router.get("/call-up")
async def call_up_page(visitor: Desk) -> Response:
    return await _page(visitor)


@router.post("/call-up/check")
async def check(visitor: Desk) -> Response:
    """Show who would be told what; this sends nothing."""
    return await _check_page(visitor)


@router.post("/call-up/write")
async def write_again(visitor: Desk) -> Response:
    """Go back to writing with what was typed."""
    return await _page(visitor, typed=True)


@router.post("/call-up/send")
async def send(visitor: Desk) -> Response:
    """Call them. A second press of the same page shows the call-up that the first one made."""
    context, form = visitor.context, visitor.form
    event = f"form:{form.text('key')[:60]}"
    try:
        call = _call(visitor)
        async with context.database.writing() as session:
            there = await call_ups.of_event(session, event, drill=call.drill)
            if there is not None:
                return visitor.go(f"{PAGE}/{there.id}")
            called = await call_ups.whom(session, call)
            _require_typed(call, len(called), form.text("typed"))
            made = await call_ups.begin(
                session,
                means_of(visitor),
                context.city,
                call,
                context.clock.now(),
                actor=visitor.actor,
                event=event if form.text("key") else None,
            )
    except BadInput as error:
        return await _check_page(visitor, refusal=error)
    except IntegrityError:
        # The same press twice at once: the other one made it.
        async with context.database.reading() as session:
            there = await call_ups.of_event(session, event, drill=call.drill)
        if there is None:
            raise
        return visitor.go(f"{PAGE}/{there.id}")
    return visitor.go(f"{PAGE}/{made.id}")


@router.get("/call-up/{call_up_id}")
async def table_page(visitor: Desk, call_up_id: RowNumber) -> Response:
    return await _table_page(visitor, call_up_id)


@router.get("/call-up/{call_up_id}/live")
async def live(visitor: Desk, call_up_id: RowNumber) -> Response:
    """The table alone, asked for by the page itself every few seconds."""
    async with visitor.context.database.reading() as session:
        found = await _table(session, call_up_id)
    return visitor.page("_call_up.html", **_shown(visitor, found))


@router.get("/call-up/{call_up_id}/print")
async def print_page(visitor: Desk, call_up_id: RowNumber) -> Response:
    async with visitor.context.database.reading() as session:
        found = await _table(session, call_up_id)
    return visitor.page("call_up_print.html", **_shown(visitor, found))


@router.post("/call-up/{call_up_id}/export.csv")
async def export(visitor: Desk, call_up_id: RowNumber) -> Response:
    """The table as CSV, with a byte-order mark for Excel in Japan; it is in the audit trail."""
    async with visitor.context.database.writing() as session:
        found = await _table(session, call_up_id)
        await audit.record(
            session,
            visitor.context.clock.now(),
            actor=visitor.actor,
            action="call_up.exported",
            subject=call_ups.about_of(call_up_id),
            drill=found.call_up.drill,
        )
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(CSV_HEADINGS)
    names = {each.code: each.names["ja"] for each in visitor.context.city.departments}
    for department, lines in found.departments.items():
        for line in lines:
            writer.writerow(_cells(found.call_up, names.get(department, department), line))
    return Response(
        output.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="call-up-{call_up_id}.csv"',
            "Cache-Control": "no-store",
        },
    )


@router.post("/call-up/{call_up_id}/ask-again")
async def ask_again(visitor: Desk, call_up_id: RowNumber) -> Response:
    """Ask those who have not answered once more."""
    context = visitor.context
    async with context.database.writing() as session:
        await call_ups.ask_again(
            session, means_of(visitor), call_up_id, context.clock.now(), actor=visitor.actor
        )
    return visitor.go(f"{PAGE}/{call_up_id}")


@router.post("/call-up/{call_up_id}/widen")
async def widen(visitor: Desk, call_up_id: RowNumber) -> Response:
    """Call more departments; who was called is not called again."""
    context, form = visitor.context, visitor.form
    known = {each.code for each in context.city.departments}
    departments = [code for code in form.all("department") if code in known]
    if departments:
        async with context.database.writing() as session:
            await call_ups.widen(
                session,
                means_of(visitor),
                call_up_id,
                departments,
                (),
                context.clock.now(),
                actor=visitor.actor,
            )
    return visitor.go(f"{PAGE}/{call_up_id}")


@router.post("/call-up/{call_up_id}/end")
async def end(visitor: Desk, call_up_id: RowNumber) -> Response:
    """End the call-up, and tell those who were called if that is wanted."""
    context = visitor.context
    async with context.database.writing() as session:
        await call_ups.end(
            session,
            means_of(visitor),
            call_up_id,
            context.clock.now(),
            actor=visitor.actor,
            tell_them=visitor.form.text("tell") == "yes",
        )
    return visitor.go(f"{PAGE}/{call_up_id}")


@router.post("/call-up/{call_up_id}/note")
async def note_answer(visitor: Desk, call_up_id: RowNumber) -> Response:
    """Note what somebody said by telephone or at the door."""
    context, form = visitor.context, visitor.form
    now = context.clock.now()
    try:
        async with context.database.writing() as session:
            called = await call_ups.answer(
                session,
                call_up_id,
                form.number("member") or 0,
                form.text("answer"),
                now,
                by=visitor.actor,
            )
            await audit.record(
                session,
                now,
                actor=visitor.actor,
                action="call_up.noted",
                subject=call_ups.about_of(call_up_id),
                drill=(await session.get_one(CallUp, call_up_id)).drill,
                member=called.member_id,
                answer=form.text("answer"),
            )
    except BadInput as error:
        return await _table_page(visitor, call_up_id, refusal=error)
    return visitor.go(f"{PAGE}/{call_up_id}")


def means_of(visitor: Visit) -> Means:
    """Return what a call-up of this installation needs."""
    context = visitor.context
    links = AnswerLinks(context.settings.secret_key, context.settings.public_url)
    return Means(context.queue, links)


def _call(visitor: Visit) -> Call:
    """Return what a form asks for.

    Raises
    ------
    BadInput
        A part is missing or cannot be.
    """
    form = visitor.form
    kind = form.text("kind")
    if kind not in ("drill", "real"):
        raise BadInput(reason("call-up.kind"))
    if form.text("whom") not in ("all", "some"):
        raise BadInput(reason("call-up.whom"))
    everybody = form.text("whom") == "all"
    departments, teams = tuple(form.all("department")), tuple(form.all("team"))
    if not everybody and not departments and not teams:
        raise BadInput(reason("call-up.whom"))
    remind = form.number("remind")
    return Call(
        drill=kind == "drill",
        words=form.text("words"),
        departments=() if everybody else departments,
        teams=() if everybody else teams,
        remind_minutes=call_ups.REMIND_MINUTES if remind is None else remind,
    ).checked(visitor.context.city)


def _require_typed(call: Call, number: int, typed: str) -> None:
    """Raise BadInput if what was typed is not the word of a drill, or the number of people."""
    wanted = DRILL_WORD if call.drill else str(number)
    said = typed if call.drill else typed.translate(_DIGITS).replace(",", "")
    if said != wanted:
        raise BadInput(reason("call-up.typed", word=wanted))


_DIGITS = str.maketrans("０１２３４５６７８９，", "0123456789,")


async def _page(
    visitor: Visit, *, refusal: BadInput | None = None, typed: bool = False
) -> Response:
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        found = await call_ups.newest(session, drill=world.drill)
        counts = await call_up_table.heads(
            session, [each.id for each in found if each.id is not None]
        )
        everybody = await staff.members(session)
    return visitor.page(
        "call_up_list.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form if refusal or typed else None,
        world=world,
        found=found,
        counts=counts,
        people=len(everybody),
        by_department=_numbers(everybody, "department"),
        by_team=_numbers(everybody, "team"),
        departments=_departments(visitor),
        most=call_ups.MOST_WORDS,
        remind=call_ups.REMIND_MINUTES,
        most_remind=call_ups.MOST_REMIND_MINUTES,
    )


def _numbers(people: list[StaffMember], by: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for person in people:
        if key := str(getattr(person, by)):
            found[key] = found.get(key, 0) + 1
    return found


async def _check_page(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    context = visitor.context
    try:
        call = _call(visitor)
    except BadInput as error:
        return await _page(visitor, refusal=error)
    async with context.database.reading() as session:
        called = await call_ups.whom(session, call)
        users = await line_ids(session, called)
    if not called:
        return await _page(visitor, refusal=BadInput(reason("call-up.nobody")))
    example = CallUp(
        id=0,
        drill=call.drill,
        words=call.words,
        began_at=context.clock.now(),
        began_by=visitor.actor,
    )
    links = means_of(visitor).links
    languages = sorted({member.language for member in called})
    shown = {
        code: call_ups.words_for(
            links,
            example,
            StaffMember(
                id=0,
                name="",
                department="",
                language=code,
                added_at=example.began_at,
                changed_at=example.began_at,
            ),
        ).checked(language=code, drill=call.drill)
        for code in languages
    }
    return visitor.page(
        "call_up_check.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        call=call,
        form=visitor.form,
        key=visitor.form.text("key") or uuid.uuid4().hex,
        called=called,
        by_line=len(users),
        by_mail=sum(bool(member.mail) for member in called),
        unreachable=[m for m in called if m.id not in users and not m.mail],
        no_smtp=context.settings.smtp is None,
        messages=shown,
        departments=_departments(visitor),
        by_department=_numbers(called, "department"),
        drill_word=DRILL_WORD,
    )


async def _table_page(
    visitor: Visit, call_up_id: int, *, refusal: BadInput | None = None
) -> Response:
    async with visitor.context.database.reading() as session:
        found = await _table(session, call_up_id)
        everybody = await staff.members(session)
    called = {line.called.member_id for lines in found.departments.values() for line in lines}
    more = _numbers([each for each in everybody if each.id not in called], "department")
    return visitor.page(
        "call_up.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        more=more,
        **_shown(visitor, found),
    )


async def _table(session: AsyncSession, call_up_id: int) -> Table:
    found = await call_up_table.table(session, call_up_id)
    if found is None:
        raise Missing
    return found


def _shown(visitor: Visit, found: Table) -> dict[str, Any]:
    return {
        "table": found,
        "call_up": found.call_up,
        "counts": found.counts,
        "departments": _departments(visitor),
        "rows": rows_of(found, visitor.language),
        "choices": {code: choice.label for code, choice in CHOICES.items()},
    }


def _departments(visitor: Visit) -> dict[str, str]:
    city = visitor.context.city
    return {each.code: name_in(each.names, visitor.language) for each in city.departments}


def _cells(call_up: CallUp, department: str, line: Line) -> list[str]:
    answer = choice_of(line.called.answer, line.called.minutes)
    japanese = console_words.CATALOGUE.text("ja", CHOICES[answer].label) if answer else "未回答"
    reached = "到達" if line.reached else "未到達"
    return [
        "訓練" if call_up.drill else "実災害",
        spreadsheet_cell(department),
        spreadsheet_cell(line.member.name),
        spreadsheet_cell(line.member.team),
        reached,
        japanese,
        f"{in_japan(line.due_at):%H:%M}" if line.due_at else "",
        f"{in_japan(line.called.answered_at):%Y-%m-%d %H:%M}" if line.called.answered_at else "",
        spreadsheet_cell(line.called.answered_by),
        str(line.called.asked),
    ]
