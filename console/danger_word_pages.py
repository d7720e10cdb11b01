"""Words of danger that the office adds for all kinds: written, looked at, confirmed, undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console import words
from console.access import Permission
from console.kind_form import DANGER_WORDS, Content, danger_words_written
from console.web import StaffRoute, Visit, context_of, visit
from core.errors import Refusal
from core.text import clean
from reports import kinds
from reports.danger_versions import ALL_KINDS, read_words
from reports.danger_words import danger_in
from reports.models import KindVersion

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Writer = Annotated[Visit, Depends(visit(Permission.REPORTS))]
PAGE = "/console/danger-words"
MOST_NOTE, MOST_TRIED = 400, 500


@dataclass(frozen=True)
class _Written:
    held: KindVersion | None
    proposal: KindVersion | None
    before: Content
    content: Content
    versions: tuple[KindVersion, ...]

    @property
    def seen(self) -> str:
        return kinds.mark_of(self.proposal, self.held)


@router.get("/danger-words")
async def edit(visitor: Looker) -> Response:
    return _page(visitor, await _written(visitor))


@router.post("/danger-words")
async def save(visitor: Writer) -> Response:
    """Store what was written; it holds only after it was looked at."""
    written = await _written(visitor)
    content = danger_words_written(visitor.form, written.content, visitor.context.city.languages)
    shown = replace(written, content=content)
    found = kinds.faults(context_of(visitor.request).city, content)
    if found:
        faults = [words.said(why, visitor.language) for _, why in found]
        return _page(visitor, shown, faults=faults)
    try:
        await _propose(visitor, content)
    except Refusal as refusal:
        return _page(visitor, shown, refusal=refusal)
    return visitor.go(f"{PAGE}/check")


@router.get("/danger-words/check")
async def check(visitor: Looker) -> Response:
    """Show what changes, and what a sentence that staff type would be with it."""
    return _check_page(visitor, await _written(visitor))


@router.post("/danger-words/confirm")
async def confirm(visitor: Writer) -> Response:
    """Have them hold from now on."""
    try:
        async with visitor.context.database.writing() as session:
            await kinds.confirm(
                session,
                context_of(visitor.request).city,
                ALL_KINDS,
                seen=visitor.form.text("seen"),
                actor=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except Refusal as refusal:
        return _check_page(visitor, await _written(visitor), refusal=refusal)
    return visitor.go(f"{PAGE}?saved=yes")


@router.post("/danger-words/discard")
async def discard(visitor: Writer) -> Response:
    try:
        async with visitor.context.database.writing() as session:
            now = visitor.context.clock.now()
            await kinds.throw_away(session, ALL_KINDS, actor=visitor.actor, now=now)
    except Refusal as refusal:
        return _check_page(visitor, await _written(visitor), refusal=refusal)
    return visitor.go(PAGE)


@router.post("/danger-words/back")
async def go_back(visitor: Writer) -> Response:
    """Write an earlier version, or the folder's own, to be looked at."""
    number = visitor.form.number("version") or 0
    try:
        async with visitor.context.database.reading() as session:
            content = await kinds.earlier(session, ALL_KINDS, number)
        await _propose(visitor, content)
    except Refusal as refusal:
        return _page(visitor, await _written(visitor), refusal=refusal)
    return visitor.go(f"{PAGE}/check")


async def _written(visitor: Visit) -> _Written:
    base = context_of(visitor.request).city
    async with visitor.context.database.reading() as session:
        held = await kinds.version_in_force(session, ALL_KINDS)
        proposal = await kinds.proposal_of(session, ALL_KINDS)
        versions = tuple(await kinds.history(session, ALL_KINDS))
    before = kinds.content_of(base, held, ALL_KINDS) or {}
    content = before
    if proposal is not None:
        content = kinds.content_of(base, proposal, ALL_KINDS) or {}
    return _Written(held, proposal, before, content, versions)


async def _propose(visitor: Visit, content: Content | None) -> None:
    async with visitor.context.database.writing() as session:
        await kinds.propose(
            session,
            context_of(visitor.request).city,
            ALL_KINDS,
            content,
            seen=visitor.form.text("seen"),
            note=clean(visitor.form.text("note"), line=True)[:MOST_NOTE],
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )


def _page(
    visitor: Visit,
    written: _Written,
    *,
    refusal: Refusal | None = None,
    faults: Sequence[str] = (),
) -> Response:
    return visitor.page(
        "danger_words.html",
        status=400 if refusal or faults else 200,
        refusal=words.said(refusal, visitor.language),
        faults=faults,
        saved=visitor.request.query_params.get("saved") == "yes",
        one=written,
        note=visitor.form.get("note", written.proposal.note if written.proposal else ""),
        danger_words=DANGER_WORDS,
        languages=visitor.context.city.languages,
        may_write=visitor.may("reports"),
    )


def _check_page(visitor: Visit, written: _Written, *, refusal: Refusal | None = None) -> Response:
    tried = clean(visitor.request.query_params.get("try", "")[:MOST_TRIED])
    grave, word = danger_in(tried, read_words(written.content)) if tried else ("", "")
    return visitor.page(
        "danger_words_check.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        one=written,
        changes=[
            (
                visitor.say(DANGER_WORDS[str(place[0])]),
                words.language_name(str(place[1]), visitor.language),
                old or [],
                new or [],
            )
            for place, old, new in kinds.differences(written.before, written.content)
        ],
        tried=tried,
        found=(visitor.say(DANGER_WORDS[grave]), word) if grave else None,
        may_write=visitor.may("reports"),
    )
