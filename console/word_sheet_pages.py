"""The city's own words as spreadsheets: taken out, and taken in after a look at the difference."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from city.word_parts import Part
from console.access import Permission
from console.packed_files import NO_FILE, packed, unpacked
from console.web import StaffRoute, Visit, reason_of, visit
from console.word_desk import MOST_AHEAD, Desk
from console.word_names import PART_NAMES
from console.word_pages import (
    MOST_NOTE,
    NO_SUCH_DAY,
    Shown,
    differences,
    part_of,
    refuse_others,
    said_fault,
)
from console.word_sheets import Difference, as_csv, difference
from core import own_words
from core.errors import BadInput, Refusal
from core.own_words import CHANGED_MEANWHILE, Change
from core.sheets import MOST_BYTES, spreadsheet_workshop
from core.text import clean
from core.uploads import Limits, Upload

router = APIRouter(prefix="/console/words", route_class=StaffRoute)
MOST_FILES, MOST_SHOWN = 6, 200
SHEETS = Limits(files=MOST_FILES, bytes=2 * MOST_BYTES, field_bytes=4 * MOST_BYTES)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Writer = Annotated[Visit, Depends(visit(Permission.WORDS))]
WithSheets = Annotated[Visit, Depends(visit(Permission.WORDS, takes=SHEETS))]
_sheets = spreadsheet_workshop()


@router.get("/{part}/rows.csv")
async def rows_csv(visitor: Looker, part: str) -> Response:
    """Return the rows that hold, as CSV that Excel opens."""
    found, desk = part_of(part), await Desk.of(visitor)
    text = as_csv(found, desk.held(found))
    headers = {"Content-Disposition": f'attachment; filename="{found.code}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{part}/spreadsheet")
async def sheet_page(visitor: Writer, part: str) -> Response:
    found = part_of(part)
    refuse_others(visitor, found)
    return _page(visitor, found, await Desk.of(visitor))


@router.post("/{part}/spreadsheet")
async def take_in(visitor: WithSheets, part: str) -> Response:
    """Show what files would change; with ``take`` store it."""
    form, found, desk = visitor.form, part_of(part), await Desk.of(visitor)
    refuse_others(visitor, found)
    files: tuple[Upload, ...] = ()
    read: Difference | None = None
    try:
        files = visitor.files.get("file", ()) or unpacked(form.text("sent"), 2 * MOST_BYTES)
        if not any(one.content for one in files):
            raise Refusal(NO_FILE)
        read = await difference(_sheets, files, found, desk)
        if form.text("do") != "take":
            return _page(visitor, found, desk, read=read, files=files)
        if form.text("state") != _state(desk, found):
            raise Refusal(CHANGED_MEANWHILE)
        rows = await _store(visitor, found, desk, read)
    except BadInput as error:
        return _page(visitor, found, desk, refusal=error, read=read, files=files)
    await visitor.request.app.state.own_words.refresh()
    return visitor.go(f"/console/words/{found.code}?done={rows}")


async def _store(visitor: Visit, part: Part, desk: Desk, read: Difference) -> int:
    """Store the rows of a file; those that it does not have only if that was asked for."""
    form = visitor.form
    wanted = [Change(line.key, line.before, line.cells) for line in read.good]
    if form.text("gone") == "yes":
        wanted += [Change(key, cells) for key, cells in read.gone]
    if not wanted:
        raise Refusal("Nothing is changed.")
    async with visitor.context.database.writing() as session:
        await own_words.write(
            session,
            part.code,
            wanted,
            holds_from=_holds_from(form.text("holds_from"), desk),
            note=clean(form.text("note"), line=True)[:MOST_NOTE],
            actor=visitor.actor,
            now=visitor.context.clock.now(),
            batch=secrets.token_hex(8),
        )
    return len(wanted)


def _holds_from(text: str, desk: Desk) -> date:
    try:
        day = date.fromisoformat(text) if text else desk.today
    except ValueError as error:
        raise Refusal(NO_SUCH_DAY) from error
    if not desk.today <= day <= desk.today + MOST_AHEAD:
        raise Refusal(NO_SUCH_DAY)
    return day


def _state(desk: Desk, part: Part) -> str:
    """Return what a look at a difference has seen, so that nothing is written over."""
    versions = [one for rows in desk.overlay.get(part.code, {}).values() for one in rows]
    return f"{max((one.id or 0 for one in versions), default=0)}.{len(versions)}"


def _page(
    visitor: Visit,
    part: Part,
    desk: Desk,
    *,
    read: Difference | None = None,
    files: tuple[Upload, ...] = (),
    refusal: BadInput | None = None,
) -> Response:
    shown_as = Shown(visitor, desk)
    columns = {one.name: one for one in part.columns}
    return visitor.page(
        "words_sheet.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        part=part,
        name=visitor.say(PART_NAMES[part.code]),
        read=read,
        lines=[*read.wrong, *read.good][:MOST_SHOWN] if read else (),
        most_shown=MOST_SHOWN,
        sent=packed(files) if read else "",
        state=_state(desk, part),
        differences=differences,
        columns=columns,
        shown_as=shown_as,
        said_fault=lambda why: said_fault(visitor, why),
        today=desk.today,
        most_day=desk.today + MOST_AHEAD,
        holds_from=visitor.form.text("holds_from") or desk.today,
        note=visitor.form.text("note")[:MOST_NOTE],
    )
