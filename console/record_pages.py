"""The running record: typed in a line, live, printed, and as a file for the headquarters."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from console.access import Permission
from console.record_words import KINDS, RecordWords, subject_said
from console.web import MOST, StaffRoute, Visit, reason_of, visit
from console.world import World, world_of, world_to_change
from core import audit
from core.audit import SUBJECT
from core.clock import JAPAN, in_japan
from core.database import Database
from core.errors import BadInput
from core.text import spreadsheet_cell, whole_number
from response import record
from response.models import RecordEntry
from response.reasons import reason
from response.record import RecordFilter

router = APIRouter(prefix="/console", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.RESPONSE))]
PAGE = 100
MOST_PRINTED = 1000
CSV_HEADINGS = (
    *("番号", "発生日時", "記入日時", "実災害・訓練", "区分", "内容", "詳細"),
    *("部署", "記入者", "訂正した番号"),
)
"""The headquarters read the file in Japanese, whoever fetches it."""


@router.get("/record")
async def record_page(visitor: Desk) -> Response:
    return await _page(visitor)


@router.get("/record/live")
async def live(visitor: Desk) -> Response:
    """The lines alone, asked for by the page itself every few seconds."""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        return visitor.page("_record.html", **await _lines(visitor, session, world))


@router.get("/record/print")
async def print_page(visitor: Desk) -> Response:
    """The record in order of time, on paper."""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        wanted, chosen = _filter(visitor, world)
        before = _number(visitor.request.query_params.get("before", ""))
        entries = await record.lines(session, wanted, most=MOST_PRINTED + 1, before=before)
        shown = entries[:MOST_PRINTED]
        fixed = await record.corrections(session, shown)
    return visitor.page(
        "record_print.html",
        world=world,
        query=_query(world, chosen),
        entries=_words(visitor).printed(shown[::-1], fixed),
        older=shown[-1].id if len(entries) > MOST_PRINTED else None,
        most=MOST_PRINTED,
    )


@router.post("/record")
async def write(visitor: Desk) -> Response:
    """Add a typed line, or one that puts another right."""
    form, now = visitor.form, visitor.context.clock.now()
    about = form.text("about")[:80]
    departments = {one.code for one in visitor.context.city.departments}
    try:
        async with visitor.context.database.writing() as session:
            world = await world_to_change(visitor, session)
            await record.note(
                session,
                drill=world.drill,
                now=now,
                actor=visitor.actor,
                text=form.text("text"),
                at=moment_of(form.text("at")),
                department=form.text("department")
                if form.text("department") in departments
                else "",
                subject=about if SUBJECT.fullmatch(about) else "",
                corrects=_number(form.text("corrects")),
                source=f"form:{form.text('key')[:60]}" if form.text("key") else None,
            )
    except BadInput as error:
        return await _page(visitor, refusal=error)
    return visitor.go(f"/console/record?world={world.name}&written=yes")


@router.post("/record/export.csv")
async def export(visitor: Desk) -> Response:
    """The lines that fit, as a table for the headquarters; the export is in the audit trail."""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
    wanted, chosen = _filter(visitor, world)
    async with visitor.context.database.writing() as session:
        await audit.record(
            session,
            visitor.context.clock.now(),
            actor=visitor.actor,
            action="record.exported",
            subject=f"export:record-{world.name}",
            filters={name: value for name, value in chosen.items() if value},
        )
    folder = visitor.request.app.state.folder
    said = RecordWords(visitor.context.city, folder.shelters, "ja", visitor.names)
    rows = _csv(visitor.context.database, wanted, said)
    return StreamingResponse(
        rows,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="record.csv"',
            "Cache-Control": "no-store",
        },
    )


async def _page(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    query = visitor.request.query_params
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        shown = await _lines(visitor, session, world)
        number = _number(visitor.form.text("corrects") or query.get("corrects", ""))
        corrected = await session.get(RecordEntry, number) if number else None
        who = await record.people(session, drill=world.drill)
    about = visitor.form.text("about") or query.get("about", "")
    return visitor.page(
        "record.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form if refusal else {},
        written=query.get("written") == "yes",
        key=visitor.form.text("key") or uuid.uuid4().hex,
        corrected=corrected if corrected is not None and corrected.drill == world.drill else None,
        about=about if SUBJECT.fullmatch(about[:80]) else "",
        about_said=subject_said(about[:80], visitor.language),
        who=who,
        kinds=KINDS,
        departments=_words(visitor).departments,
        most=record.MOST_TEXT,
        **shown,
    )


async def _lines(visitor: Visit, session: AsyncSession, world: World) -> dict[str, Any]:
    wanted, chosen = _filter(visitor, world)
    before = _number(visitor.request.query_params.get("before", ""))
    entries = await record.lines(session, wanted, most=PAGE + 1, before=before)
    shown = entries[:PAGE]
    corrected = [entry.corrects_id for entry in shown if entry.corrects_id is not None]
    return {
        "world": world,
        "chosen": chosen,
        "query": _query(world, chosen),
        "entries": shown,
        "older": shown[-1].id if len(entries) > PAGE else None,
        "paged": before is not None,
        "fixed": await record.corrections(session, shown),
        "corrected_ids": corrected,
        "said": _words(visitor),
    }


def _query(world: World, chosen: Mapping[str, str]) -> str:
    return urlencode(
        {"world": world.name} | {name: value for name, value in chosen.items() if value}
    )


def _words(visitor: Visit) -> RecordWords:
    folder = visitor.request.app.state.folder
    return RecordWords(visitor.context.city, folder.shelters, visitor.language, visitor.names)


def _filter(visitor: Visit, world: World) -> tuple[RecordFilter, dict[str, str]]:
    """Return the filter of an address or a form, and its given fields."""
    given = visitor.form if visitor.request.method == "POST" else visitor.request.query_params
    chosen = {name: given.get(name, "").strip()[:254] for name in ("kind", "who", "since", "until")}
    if chosen["kind"] not in KINDS:
        chosen["kind"] = ""
    until = moment_of(chosen["until"])
    return (
        RecordFilter(
            drill=world.drill,
            kind=chosen["kind"],
            actor=chosen["who"],
            since=moment_of(chosen["since"]),
            until=until + timedelta(minutes=1) if until else None,
        ),
        chosen,
    )


def moment_of(value: str) -> datetime | None:
    """Return a time that a browser's field gave, in Japan; None for an empty field.

    Raises
    ------
    BadInput
        It is no time.
    """
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadInput(reason("record.time")) from error
    if not 2000 <= moment.year < 3000:
        raise BadInput(reason("record.time"))
    return moment.replace(tzinfo=JAPAN) if moment.tzinfo is None else moment


def _number(value: str) -> int | None:
    number = whole_number(value)
    return number if number is not None and 0 < number <= MOST else None


async def _csv(database: Database, wanted: RecordFilter, said: RecordWords) -> AsyncIterator[str]:
    """Yield the record as CSV with a byte-order mark, for Excel in Japan."""
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(CSV_HEADINGS)
    yield output.getvalue()
    async for entries in record.all_lines(database, wanted):
        output.seek(0)
        output.truncate()
        writer.writerows(_cells(entry, said) for entry in entries)
        yield output.getvalue()


def _cells(entry: RecordEntry, said: RecordWords) -> list[str]:
    return [
        str(entry.id),
        f"{in_japan(entry.at):%Y-%m-%d %H:%M:%S}",
        f"{in_japan(entry.entered_at):%Y-%m-%d %H:%M:%S}",
        "訓練" if entry.drill else "実災害",
        said.kind(entry),
        spreadsheet_cell(said.text(entry)),
        spreadsheet_cell("、".join(said.details(entry))),
        spreadsheet_cell(said.department(entry.department)),
        spreadsheet_cell(said.actor(entry.actor)),
        str(entry.corrects_id or ""),
    ]
