"""The city's own templates: the list, writing and withdrawing them, and filling in their blanks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts import checks as alert_checks
from alerts import drafts, templates
from alerts.drafts import Written
from alerts.models import AlertDraft, TemplateVersion
from alerts.origins import Origin
from alerts.paragraphs import put_in
from alerts.templates import Blank
from city.shelters import Shelter
from console import words
from console.access import Permission
from console.alert_pages import closed, draft_of
from console.template_form import (
    Subject,
    older_version,
    said_faults,
    switched,
    template_page,
    typed_name,
    typed_texts,
)
from console.web import RowNumber, StaffRoute, Visit, visit
from core.clock import JAPAN
from core.errors import Refusal
from core.languages import mark
from core.text import clean
from core.word_templates import GONE, with_names
from core.word_templates import blanks as blanks_of

router = APIRouter(prefix="/console", route_class=StaffRoute)
Sender = Annotated[Visit, Depends(visit(Permission.ALERTS))]
KIND_NAMES = {
    "place": mark("Place"),
    "river": mark("River"),
    "shelter": mark("Evacuation site"),
    "time": mark("Time"),
    "words": mark("Free words"),
}
MOST_SHELTERS = 20


LIST = "/console/templates"
SUBJECT = Subject(
    LIST, mark("Templates"), "template_edit.html", "_template_look.html", alert_checks.TEXT_LIMIT
)


@dataclass(frozen=True)
class Sketch:
    """A template as a form has it. ``template_id`` is 0 for a new one."""

    template_id: int
    version: int
    name: str
    texts: dict[str, str]

    @classmethod
    def of(cls, version: TemplateVersion) -> Sketch:
        return cls(version.template_id, version.version, version.name, version.texts)


@router.get("/templates")
async def templates_page(visitor: Sender) -> Response:
    async with visitor.context.database.reading() as session:
        return visitor.page(
            "templates.html",
            templates=await templates.in_use(session),
            list=LIST,
            withdrawn=[(one.template_id, one.name) for one in await templates.withdrawn(session)],
            named=_named(visitor),
            starters=[visitor.say(name) for name in templates.STARTERS],
        )


@router.get("/templates/new")
async def new(visitor: Sender) -> Response:
    return _sketch_page(visitor, Sketch(0, 0, "", {}))


@router.post("/templates")
async def add(visitor: Sender) -> Response:
    """Store a new template."""
    sketch = _sketch(visitor, 0)
    try:
        async with visitor.context.database.writing() as session:
            stored = await templates.add(
                session,
                sketch.name,
                sketch.texts,
                visitor.context.city,
                actor=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except Refusal as refusal:
        return _sketch_page(visitor, sketch, refusal=refusal)
    return visitor.go(f"{LIST}/{stored.template_id}?saved=yes")


@router.post("/templates/starters")
async def add_starters(visitor: Sender) -> Response:
    """Store the templates to begin with."""
    async with visitor.context.database.writing() as session:
        await templates.add_starters(
            session,
            visitor.context.city,
            visitor.say,
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )
    return visitor.go(LIST)


@router.post("/templates/look")
async def look(visitor: Sender) -> Response:
    """Show faults and a preview of what is being written; nothing is saved."""
    return visitor.page("_template_look.html", **_looked(visitor, _sketch(visitor, 0)))


@router.get("/templates/{template_id}")
async def edit(visitor: Sender, template_id: RowNumber) -> Response:
    """Show a template with its versions; ``?version=`` shows an older one."""
    return await _template_page(visitor, template_id)


@router.post("/templates/{template_id}")
async def change(visitor: Sender, template_id: RowNumber) -> Response:
    """Store a new version."""
    sketch = _sketch(visitor, template_id)
    try:
        async with visitor.context.database.writing() as session:
            await templates.change(
                session,
                template_id,
                sketch.version,
                sketch.name,
                sketch.texts,
                visitor.context.city,
                actor=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except Refusal as refusal:
        return await _template_page(visitor, template_id, sketch=sketch, refusal=refusal)
    return visitor.go(f"{LIST}/{template_id}?saved=yes")


@router.post("/templates/{template_id}/withdraw")
async def withdraw(visitor: Sender, template_id: RowNumber) -> Response:
    return await switched(visitor, SUBJECT, templates.withdraw, template_id)


@router.post("/templates/{template_id}/restore")
async def restore(visitor: Sender, template_id: RowNumber) -> Response:
    return await switched(visitor, SUBJECT, templates.restore, template_id)


@router.get("/alerts/{draft_id}/templates/{template_id}")
async def blanks(visitor: Sender, draft_id: RowNumber, template_id: RowNumber) -> Response:
    """Ask what goes into the blanks of a template."""
    return await _blanks_page(visitor, draft_id, template_id)


@router.post("/alerts/{draft_id}/templates/{template_id}")
async def fill(visitor: Sender, draft_id: RowNumber, template_id: RowNumber) -> Response:
    """Fill in the blanks and put the words into the draft, or show them first."""
    now, city = visitor.context.clock.now(), visitor.context.city
    if visitor.form.text("then") == "look":
        return await _blanks_page(visitor, draft_id, template_id)
    try:
        async with visitor.context.database.writing() as session:
            template = await templates.usable(session, template_id)
            if template.version != visitor.form.number("template_version"):
                raise Refusal("Somebody changed this template meanwhile. Look at it again.")
            made = templates.filled(template.texts, _values(visitor, template), city)
            draft = await drafts.open_to_write(session, draft_id)
            origin = Origin(templates=((template_id, template.version),))
            replace = visitor.form.text("where") == "instead"
            texts, origins = put_in(draft, made, origin, replace=replace)
            await drafts.change(
                session,
                draft_id,
                Written.of(draft, texts, origins),
                city,
                actor=visitor.actor,
                now=now,
            )
    except drafts.AlreadySent:
        raise
    except Refusal as refusal:
        return await _blanks_page(visitor, draft_id, template_id, refusal=refusal)
    return visitor.go(f"/console/alerts/{draft_id}?saved=yes")


def _sketch(visitor: Visit, template_id: int) -> Sketch:
    form = visitor.form
    texts = typed_texts(form, templates.normal)
    return Sketch(template_id, form.number("version") or 0, typed_name(form), texts)


async def _template_page(
    visitor: Visit,
    template_id: int,
    *,
    sketch: Sketch | None = None,
    refusal: Refusal | None = None,
) -> Response:
    async with visitor.context.database.reading() as session:
        versions = await templates.SHELF.history(session, template_id)
        if not versions:
            raise Refusal(GONE)
        usable = {one.template_id for one in await templates.in_use(session)}
    older = older_version(visitor, versions)
    return _sketch_page(
        visitor,
        sketch or Sketch.of(older or versions[0]),
        versions=versions,
        older=older,
        refusal=refusal,
        withdrawn=template_id not in usable,
    )


def _sketch_page(
    visitor: Visit,
    sketch: Sketch,
    *,
    versions: Sequence[TemplateVersion] = (),
    older: TemplateVersion | None = None,
    refusal: Refusal | None = None,
    withdrawn: bool = False,
) -> Response:
    return template_page(
        visitor,
        SUBJECT,
        sketch.template_id,
        refusal=refusal,
        template=sketch,
        seen=sketch.version,
        versions=versions,
        older=older,
        withdrawn=withdrawn,
        blank_names={kind: visitor.say(name) for kind, name in KIND_NAMES.items()},
        **_looked(visitor, sketch),
    )


def _looked(visitor: Visit, sketch: Sketch) -> dict[str, Any]:
    """Return what stands beside the form: faults, and the words with examples in the blanks."""
    city, now = visitor.context.city, visitor.context.clock.now()
    faults = templates.faults(sketch.name, sketch.texts, city)
    wrong = {fault.field for fault in faults}
    examples = templates.examples(city, _sites(visitor), now)
    values = {
        blank: examples[templates.kind_of(blank)]
        for text in sketch.texts.values()
        for blank in blanks_of(text)
        if templates.kind_of(blank) in examples
    }
    good = {code: text for code, text in sketch.texts.items() if f"text-{code}" not in wrong}
    return {
        "faults": said_faults(visitor, faults),
        "shown": _shown(templates.filled(good, values, city)),
        "missing": [code for code in city.languages if not sketch.texts.get(code)],
    }


def _shown(made: dict[str, str]) -> list[tuple[str, str]]:
    return [(code, text) for code, text in made.items() if text]


async def _blanks_page(
    visitor: Visit, draft_id: int, template_id: int, *, refusal: Refusal | None = None
) -> Response:
    async with visitor.context.database.reading() as session:
        draft = await draft_of(session, draft_id)
        if draft.notice_id is not None or draft.discarded_at is not None:
            return await closed(visitor, session, draft)
        return await _blanks_of(visitor, session, draft, template_id, refusal)


async def _blanks_of(
    visitor: Visit,
    session: AsyncSession,
    draft: AlertDraft,
    template_id: int,
    refusal: Refusal | None,
) -> Response:
    city = visitor.context.city
    template = await templates.usable(session, template_id)
    asked = visitor.request.method == "POST"
    made: dict[str, str] = {}
    if asked and refusal is None:
        try:
            made = templates.filled(template.texts, _values(visitor, template), city)
        except Refusal as found:
            refusal = found
    names = blanks_of(template.texts["ja"])
    chosen = set(() if draft.whole_city else draft.areas)
    return visitor.page(
        "alert_blanks.html",
        status=400 if refusal else 200,
        refusal=_named(visitor)(words.said(refusal, visitor.language)),
        draft=draft,
        template=template,
        named=_named(visitor),
        blanks=[(name, templates.kind_of(name), _blank_name(visitor, name)) for name in names],
        values={name: _value(visitor, name, ()) for name in names} if asked else {},
        chosen=chosen,
        sites=_sites(visitor),
        times={name: _typed_time(visitor, name) for name in names},
        where=visitor.form.text("where") or "after",
        shown=_shown(made),
        left_empty=[
            code
            for code in city.languages
            if draft.texts.get("ja", {}).get("text")
            and template.texts.get(code)
            and not draft.texts.get(code, {}).get("text")
        ],
        not_there=[code for code in city.languages if not template.texts.get(code)],
    )


def _blank_name(visitor: Visit, blank: str) -> str:
    kind = templates.kind_of(blank)
    if kind not in KIND_NAMES:
        return blank
    return visitor.say(KIND_NAMES[kind]) + blank.removeprefix(kind)


def _named(visitor: Visit) -> Callable[[str], str]:
    """Return how a page shows a template's words: with names of its blanks."""
    return partial(with_names, named=partial(_blank_name, visitor))


def _typed_time(visitor: Visit, blank: str) -> str:
    """Return the time in the form, by default the current hour and minute in Japan."""
    typed = visitor.form.text(f"time-{blank}")[:16]
    return typed or f"{visitor.context.clock.now().astimezone(JAPAN):%Y-%m-%dT%H:%M}"


def _values(visitor: Visit, template: TemplateVersion) -> dict[str, Blank]:
    sites = _sites(visitor)
    return {name: _value(visitor, name, sites) for name in blanks_of(template.texts["ja"])}


def _value(visitor: Visit, blank: str, sites: Sequence[Shelter]) -> Blank:
    """Return what the form has for a blank."""
    form, city = visitor.form, visitor.context.city
    codes = form.all(f"shelters-{blank}")[:MOST_SHELTERS]
    by_code = {site.code: site for site in sites or _sites(visitor)}
    return Blank(
        areas=tuple(a for a in form.all(f"areas-{blank}") if a in city.district_by_code),
        shelters=tuple(by_code[code] for code in codes if code in by_code),
        at=_time(form.text(f"time-{blank}")),
        said=clean(form.text(f"said-{blank}")[:200], line=True),
        latin=clean(form.text(f"latin-{blank}")[:200], line=True),
    )


def _time(typed: str) -> datetime | None:
    try:
        return datetime.strptime(typed, "%Y-%m-%dT%H:%M").replace(tzinfo=JAPAN)
    except ValueError:
        return None


def _sites(visitor: Visit) -> tuple[Shelter, ...]:
    found: tuple[Shelter, ...] = visitor.request.app.state.folder.shelters
    return found
