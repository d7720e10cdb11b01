"""Residents of another product: a file is looked at first, then taken in; and undone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from city.parts import name_in
from console import words
from console.access import Permission
from console.packed_files import packed, unpacked
from console.web import StaffRoute, Visit, reason_of, visit
from core.errors import BadInput, Refusal
from core.languages import mark
from core.uploads import Limits, Upload
from subscriptions import arrivals, bitmaps
from subscriptions.import_file import Imported, import_file
from subscriptions.import_mapping import WordMapping, plain_mapping, read_mapping

router = APIRouter(prefix="/console", route_class=StaffRoute)
MOST_BYTES = 12 * 1024 * 1024
"""Some 100,000 rows; a larger file is for the shell."""
FILES = Limits(files=2, bytes=MOST_BYTES, field_bytes=3 * MOST_BYTES)
Administrator = Annotated[Visit, Depends(visit(Permission.STAFF))]
WithFiles = Annotated[Visit, Depends(visit(Permission.STAFF, takes=FILES))]
MOST_BAD, MOST_WORDS, MOST_IMPORTS = 50, 100, 20
FIELD_NAMES = {
    "language": mark("Languages"),
    "topics": mark("Topics"),
    "districts": mark("Districts"),
}
NOTHING = {
    "language": mark("asked once"),
    "topics": mark("those of a new resident"),
    "districts": mark("the whole city"),
}


@router.get("/moving-in")
async def moving_in_page(visitor: Administrator) -> Response:
    return await _page(visitor)


@router.post("/moving-in")
async def take_in(visitor: WithFiles) -> Response:
    """Look at a file, and show what it would do; with ``take`` take it in."""
    form = visitor.form
    files: tuple[Upload, ...] = ()
    bad: list[tuple[int, Refusal]] = []
    try:
        files = _sent(visitor) or unpacked(form.text("sent"), MOST_BYTES)
        done = await _import(visitor, files, bad, dry_run=form.text("do") != "take")
    except BadInput as refusal:
        return await _page(visitor, refusal=refusal)
    if done.arrival_id is not None:
        return visitor.go(f"/console/moving-in?done={done.arrival_id}")
    return await _page(visitor, done=done, bad=bad, files=files)


@router.post("/moving-in/undo")
async def undo(visitor: Administrator) -> Response:
    """Remove the residents whom an import made and nobody changed since."""
    number, context = visitor.form.number("import") or 0, visitor.context
    try:
        more = True
        while more:
            async with context.database.writing() as session:
                _, more = await arrivals.undo(
                    session, number, context.clock.now(), actor=visitor.actor
                )
    except BadInput as refusal:
        return await _page(visitor, refusal=refusal)
    await bitmaps.maintain(context.database)
    return visitor.go("/console/moving-in?done=undone")


def _sent(visitor: Visit) -> tuple[Upload, ...]:
    """Return the file of residents, and its mapping if there is one; nothing if none was chosen."""
    file = [one for one in visitor.files.get("file", ()) if one.content]
    mapping = [one for one in visitor.files.get("mapping", ()) if one.content]
    return (file[0], *mapping[:1]) if file else ()


async def _import(
    visitor: Visit, files: Sequence[Upload], bad: list[tuple[int, Refusal]], *, dry_run: bool
) -> Imported:
    context = visitor.context
    with tempfile.TemporaryDirectory(prefix="todoke-moving-in-") as name:
        folder = Path(name)
        file = await asyncio.to_thread(_written, folder / "residents.csv", files[0].content)
        meaning = plain_mapping(context.city)
        if len(files) > 1:
            mapping = await asyncio.to_thread(_written, folder / "mapping.toml", files[1].content)
            meaning = _mapping(mapping, visitor)

        def complain(line: int, sentence: Refusal) -> None:
            if len(bad) < MOST_BAD:
                bad.append((line, sentence))

        return await import_file(
            context.database,
            context.city,
            context.clock,
            file,
            meaning,
            actor=visitor.actor,
            dry_run=dry_run,
            complain=complain,
            source=files[0].name,
        )


def _mapping(file: Path, visitor: Visit) -> WordMapping:
    """Read the mapping; its faults name it as it was called, not where it lies here."""
    try:
        return read_mapping(file, visitor.context.city)
    except Refusal as error:
        values = {
            name: str(value).replace(str(file), file.name) for name, value in error.values.items()
        }
        raise Refusal(error.message, **values) from error


def _written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


async def _page(
    visitor: Visit,
    *,
    done: Imported | None = None,
    bad: Sequence[tuple[int, Refusal]] = (),
    files: Sequence[Upload] = (),
    refusal: BadInput | None = None,
) -> Response:
    async with visitor.context.database.reading() as session:
        imports = [
            (one, await arrivals.untouched(session, one.id or 0))
            for one in await arrivals.recent_arrivals(session, MOST_IMPORTS)
        ]
    return visitor.page(
        "moving_in.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        done=done,
        bad=bad,
        sent=packed(files) if done is not None else "",
        imports=imports,
        field_names=FIELD_NAMES,
        nothing=NOTHING,
        called=lambda field, code: _called(visitor, field, code),
        most_words=MOST_WORDS,
        said=visitor.request.query_params.get("done", ""),
        topics=visitor.context.city.topics,
        districts=visitor.context.city.districts,
    )


def _called(visitor: Visit, field: str, code: str) -> str:
    """Return what a code is called; what the resident gets where the file says nothing."""
    city = visitor.context.city
    if not code:
        return visitor.say(NOTHING[field])
    match field:
        case "topics":
            return name_in(city.topic_by_code[code].names, visitor.language)
        case "districts":
            return name_in(city.district_by_code[code].names, visitor.language)
    return words.language_name(code, visitor.language)
