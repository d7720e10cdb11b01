"""The audit trail: search, export, and the state of its chain."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from city.city import City
from console import accounts, trail_words, words
from console.access import Permission
from console.web import MOST, StaffRoute, Visit, reason_of, visit
from core import audit, audit_check, audit_head, audit_search
from core.audit_search import TrailFilter
from core.clock import in_japan
from core.database import Database
from core.errors import BadInput, Refusal
from core.text import spreadsheet_cell

router = APIRouter(prefix="/console", route_class=StaffRoute)
Auditor = Annotated[Visit, Depends(visit(Permission.AUDIT))]
PAGE = 100
MOST_HEADS = 10
MOST_TYPED = 20_000
COLUMNS = ("番号", "日時", "職員", "操作", "操作コード", "対象", "内容", "ハッシュ")


@router.get("/audit")
async def audit_page(
    visitor: Auditor,
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    check: bool = False,
) -> Response:
    """Show the audit trail, newest first, and the state of the chain.

    With ``check``, the newest entries are read; a small trail is read completely.
    """
    return await _page(visitor, before=before, check=check)


@router.post("/audit")
async def check_the_whole(visitor: Auditor) -> Response:
    """Request a check of the trail from its first entry; the scheduler does it within minutes."""
    await audit_check.ask_for_whole(visitor.context.database, visitor.context.clock.now())
    return visitor.go("/console/audit")


@router.post("/audit/head")
async def compare_head(visitor: Auditor) -> Response:
    """Compare a head that somebody kept, from a mail or a log, with the trail."""
    try:
        heads = audit_head.heads_in(visitor.form.text("head")[:MOST_TYPED])
    except BadInput:
        refusal = Refusal("There is no head in this. It is a line such as: {line}", line=_EXAMPLE)
        return await _page(visitor, refusal=refusal)
    async with visitor.context.database.reading() as session:
        states = [(head, await audit_head.compare(session, head)) for head in heads]
    return await _page(visitor, compared=states)


@router.post("/audit/export.csv")
async def export(visitor: Auditor) -> Response:
    """The entries that fit, as a table; the export is an entry itself."""
    wanted, chosen = _filter(visitor, visitor.form.text)
    async with visitor.context.database.writing() as session:
        last = await audit.last_id(session)
        await audit.record(
            session,
            visitor.context.clock.now(),
            actor=visitor.actor,
            action="audit.exported",
            subject="export:audit",
            filters={name: value for name, value in chosen.items() if value},
        )
    context = visitor.context
    rows = _csv(context.database, wanted, last, context.city, visitor.language)
    return StreamingResponse(
        rows,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="audit.csv"',
            "Cache-Control": "no-store",
        },
    )


_EXAMPLE = "todoke-audit-head 1234 0123…"


async def _page(
    visitor: Visit,
    *,
    before: int | None = None,
    check: bool = False,
    compared: list[tuple[audit_head.Head, audit_head.HeadState]] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    context = visitor.context
    query = visitor.request.query_params
    wanted, chosen = _filter(visitor, lambda name: query.get(name, "").strip())
    async with context.database.reading() as session:
        entries = await audit_search.newest(session, wanted, PAGE, before=before)
        last = await audit.last_id(session)
        people = await accounts.everybody(session)
        heads = await audit_head.sent(session, MOST_HEADS)
    if check:
        known = await audit_check.check_while_waiting(context.database, context.clock)
    else:
        known = await audit_check.state(context.database)
    filters = {name: value for name, value in chosen.items() if value}
    return visitor.page(
        "audit.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        entries=entries,
        details=trail_words.Details(context.city, visitor.language),
        known=known,
        last=last,
        older=entries[-1].id if len(entries) == PAGE else None,
        chosen=chosen,
        filters=urlencode(filters),
        people=people,
        kinds=trail_words.kinds(visitor.language),
        heads=heads,
        ways=context.settings.trail_head,
        compared=compared or (),
    )


def _filter(visitor: Visit, asked: Callable[[str], str]) -> tuple[TrailFilter, dict[str, str]]:
    chosen = {name: asked(name)[:300] for name in ("who", "kind", "first", "last")}
    wanted = TrailFilter(
        who=chosen["who"],
        actions=trail_words.actions_of(chosen["kind"]),
        first=_day(chosen["first"]),
        last=_day(chosen["last"]),
    )
    return wanted, chosen


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 <= found.year <= 2200 else None


async def _csv(
    database: Database, wanted: TrailFilter, through: int, city: City, language: str
) -> AsyncIterator[str]:
    """Yield the entries as CSV with a byte-order mark, for Excel in Japan."""
    said = trail_words.Details(city, language)
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    yield output.getvalue()
    async for rows in audit_search.all_of(database, wanted, through):
        output.seek(0)
        output.truncate()
        writer.writerows(_cells(row, said, language) for row in rows)
        yield output.getvalue()


def _cells(entry: audit.AuditEntry, details: trail_words.Details, language: str) -> list[str]:
    said = (
        entry.actor,
        words.act(entry.action, language),
        entry.action,
        entry.subject,
        details.as_sentence(entry),
    )
    at = f"{in_japan(entry.at):%Y-%m-%d %H:%M:%S}"
    return [str(entry.id), at, *map(spreadsheet_cell, said), entry.hash]
