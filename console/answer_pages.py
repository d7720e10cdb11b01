"""The office's templates for answers to reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from city.city import City, name_in
from console.access import Permission
from console.answer_names import BLANK_NAMES, template_name, when_name
from console.template_form import (
    Subject,
    older_version,
    said_faults,
    switched,
    template_page,
    typed_name,
    typed_texts,
)
from console.web import StaffRoute, Visit, visit
from core.clock import in_japan
from core.errors import Refusal
from core.languages import mark
from core.word_templates import with_names
from reports import answer_templates
from reports.answer_messages import Said, messages
from reports.answer_templates import TEXT_LIMIT, WHEN, Template
from reports.models import Report
from reports.states import ReportState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
Code = Annotated[str, Path(max_length=32, pattern=r"^[a-z0-9-]+$")]
EXAMPLE = "2026-000123"
LIST = "/console/answers"
SUBJECT = Subject(
    LIST, mark("Answers to reports"), "answer_edit.html", "_answer_look.html", TEXT_LIMIT
)


@dataclass(frozen=True)
class Sketch:
    """A template as a form has it, and the version that it was made from."""

    template: Template
    seen: int = 0


@router.get("/answers")
async def templates_page(visitor: Worker) -> Response:
    city = visitor.context.city
    async with visitor.context.database.reading() as session:
        found = await answer_templates.every(session, city)
    groups = [
        (when_name(when, visitor.language), [one for one in found if one.said_when == when])
        for when in WHEN
    ]
    return visitor.page(
        "answers.html",
        groups=[
            (name, [one for one in some if not one.withdrawn])
            for name, some in groups
            if any(not one.withdrawn for one in some)
        ],
        list=LIST,
        withdrawn=[
            (one.code, template_name(one, visitor.language)) for one in found if one.withdrawn
        ],
        silent=[
            when_name(state.value, visitor.language)
            for state in ReportState
            if state.value in WHEN and state is not ReportState.NEW
            if answer_templates.said_by_itself(
                [one for one in found if not one.withdrawn], state.value, ""
            )
            is None
        ],
        name=template_name,
        named=partial(with_names, named=partial(_blank_name, visitor)),
        kinds=_kinds(city, visitor.language),
        languages=list(city.languages),
    )


@router.get("/answers/new")
async def new(visitor: Worker) -> Response:
    return await _edit_page(visitor, Sketch(Template(code="")))


@router.post("/answers")
async def add(visitor: Worker) -> Response:
    return await _store(visitor, "")


@router.post("/answers/look")
async def look_at_template(visitor: Worker) -> Response:
    """Show faults and a preview of what is being written; nothing is saved."""
    looked = _looked(visitor, visitor.context.city, _sketch(visitor, "").template)
    return visitor.page("_answer_look.html", **looked)


@router.get("/answers/{code}")
async def edit(visitor: Worker, code: Code) -> Response:
    """Show a template with its versions; ``?version=`` shows an older one."""
    return await _edit_page(visitor, await _found(visitor, code))


@router.post("/answers/{code}")
async def change(visitor: Worker, code: Code) -> Response:
    """Store a new version."""
    return await _store(visitor, code)


@router.post("/answers/{code}/withdraw")
async def withdraw(visitor: Worker, code: Code) -> Response:
    return await switched(visitor, SUBJECT, answer_templates.withdraw, code)


@router.post("/answers/{code}/restore")
async def restore(visitor: Worker, code: Code) -> Response:
    return await switched(visitor, SUBJECT, answer_templates.restore, code)


async def _store(visitor: Visit, code: str) -> Response:
    sketch = _sketch(visitor, code)
    try:
        async with visitor.context.database.writing() as session:
            stored = await answer_templates.store(
                session,
                visitor.context.city,
                sketch.template,
                seen=sketch.seen,
                actor=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except Refusal as refusal:
        return await _edit_page(visitor, sketch, refusal=refusal)
    return visitor.go(f"{LIST}/{stored.code}?saved=yes")


async def _found(visitor: Visit, code: str) -> Sketch:
    async with visitor.context.database.reading() as session:
        template = await answer_templates.find(session, visitor.context.city, code)
    if not template.name:
        template = replace(template, name=template_name(template, visitor.language))
    return Sketch(template, template.version)


def _sketch(visitor: Visit, code: str) -> Sketch:
    form = visitor.form
    template = Template(
        code=code,
        name=typed_name(form),
        said_when=form.text("said_when")[:16],
        kinds=tuple(dict.fromkeys(form.all("kinds")[:200])),
        by_itself=form.text("by_itself") == "yes",
        texts=typed_texts(form, answer_templates.normal),
    )
    return Sketch(template, form.number("version") or 0)


async def _edit_page(visitor: Visit, sketch: Sketch, *, refusal: Refusal | None = None) -> Response:
    code = sketch.template.code
    city = visitor.context.city
    async with visitor.context.database.reading() as session:
        versions = await answer_templates.history(session, code) if code else []
        now_is = await answer_templates.find(session, city, code) if code else Template(code="")
    older = older_version(visitor, versions)
    shown = older or sketch.template
    missing = now_is.missing(city.languages) if code else []
    return template_page(
        visitor,
        SUBJECT,
        code,
        refusal=refusal,
        to_write=missing,
        behind=now_is.older(city.languages),
        template=shown,
        seen=sketch.seen,
        versions=versions,
        older=older,
        withdrawn=now_is.withdrawn,
        missing=missing,
        whens=[(when, when_name(when, visitor.language)) for when in WHEN],
        kinds=_kinds(city, visitor.language),
        blank_names={name: visitor.say(words_) for name, words_ in BLANK_NAMES.items()},
        **_looked(visitor, city, shown),
    )


def _looked(visitor: Visit, city: City, template: Template) -> dict[str, Any]:
    """Return what stands beside the form: faults, and the phones with examples in the blanks."""
    now = visitor.context.clock.now()
    faults = answer_templates.faults(template, city) if template.texts else []
    wrong = {fault.field for fault in faults}
    kind = next(iter([*template.kinds, *(one.code for one in city.report_categories)]), "")
    example = Report(
        number=EXAMPLE,
        category=kind,
        department=city.departments[0].code if city.departments else "",
        area=city.districts[0].code if city.districts else None,
        language="ja",
        created_at=now,
        updated_at=now,
    )
    phones = []
    for code in city.languages:
        text = template.texts.get(code, "")
        if not text or f"text-{code}" in wrong:
            continue
        on = in_japan(now).date() + timedelta(days=7)
        said = answer_templates.filled(text, code, example, city, number=EXAMPLE, on=on)
        phones.append((code, messages(EXAMPLE, Said(said), code, follows=False)))
    return {
        "faults": said_faults(visitor, faults),
        "phones": phones,
        "line_name": city.line_name,
    }


def _blank_name(visitor: Visit, blank: str) -> str:
    return visitor.say(BLANK_NAMES[blank]) if blank in BLANK_NAMES else blank


def _kinds(city: City, language: str) -> dict[str, str]:
    return {kind.code: name_in(kind.names, language) for kind in city.report_categories}
