"""Who reported a case, and the whole case as a file: for few, and noted each time."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse

from console.access import Permission
from console.case_view import report_of
from console.web import Missing, StaffRoute, Visit, reason_of, visit
from console.words import language_name
from core import audit
from core.errors import BadInput, Refusal
from core.languages import mark
from core.text import clean
from reports import dossier
from reports.reasons import reason
from reports.reporters import reporters
from reports.work import leading

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
Keeper = Annotated[Visit, Depends(visit(Permission.STAFF))]
LEAST_WHY, MOST_WHY = 5, 300
PART_BYTES = 256 * 1024


@router.post("/reports/{number}/reporters")
async def reporters_page(visitor: Worker, number: str) -> Response:
    """Show who reported a case. It is a form, because each look leaves its mark in the trail."""
    now = visitor.context.clock.now()
    async with visitor.context.database.writing() as session:
        await report_of(session, number)
        case = await leading(session, number)
        found = await reporters(session, case, by=visitor.actor, now=now)
    response = visitor.page(
        "reporters.html",
        report=case,
        found=found,
        language_name=lambda code: language_name(code, visitor.language),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/reports/{number}/dossier")
async def dossier_page(visitor: Keeper, number: str) -> Response:
    return await _page(visitor, number)


@router.post("/reports/{number}/dossier")
async def take(visitor: Keeper, number: str) -> Response:
    """Return the whole case as a file, after the trail says who took it, and why."""
    context, now = visitor.context, visitor.context.clock.now()
    why = clean(visitor.form.text("why"), line=True)[:MOST_WHY]
    if len(why) < LEAST_WHY:
        return await _page(visitor, number, refusal=Refusal(mark("Write what it is needed for.")))
    async with context.database.reading() as session:
        report = await report_of(session, number)
        if report.case_id is not None:
            raise Missing
        facts = await dossier.facts(session, context.city, report)
    media = context.settings.media_dir
    file = await asyncio.to_thread(_file_in, media)
    try:
        made = await asyncio.to_thread(
            dossier.write, facts, media, file, by=visitor.actor, why=why, now=now
        )
    except OSError:
        file.close()
        return await _page(visitor, number, refusal=BadInput(reason("export.disk")))
    async with context.database.writing() as session:
        await audit.record(
            session,
            now,
            actor=visitor.actor,
            action="report.dossier_taken",
            subject=f"report:{report.number}",
            why=why,
            sha256=made.sha256,
            photos=made.photos,
            missing=made.missing,
        )
    headers = {
        "Content-Disposition": f'attachment; filename="{report.number}.zip"',
        "Content-Length": str(made.size),
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_parts(file), media_type="application/zip", headers=headers)


def _file_in(folder: Path) -> io.BufferedRandom:
    """Make a file that nobody else can open, on the disk of the photos."""
    return tempfile.TemporaryFile("w+b", dir=folder)


def _parts(file: io.BufferedRandom) -> Iterator[bytes]:
    """Yield a file's content; then it is gone."""
    with file:
        while part := file.read(PART_BYTES):
            yield part


async def _page(visitor: Visit, number: str, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        report = await report_of(session, number)
    if report.case_id is not None:
        raise Missing
    return visitor.page(
        "dossier.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        report=report,
        most=MOST_WHY,
        least=LEAST_WHY,
    )
