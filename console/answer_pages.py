"""Answers to reports: who hears what before it is said, and the office's templates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from alerts.templates import with_names
from city.city import City, name_in
from console import words
from console.access import Permission
from console.answer_form import answer_of, translated, who_hears
from console.answer_names import BLANK_NAMES, template_name, when_name
from console.template_form import older_version, typed_name, typed_texts
from console.web import Missing, StaffRoute, Visit, visit
from core.clock import in_japan
from core.errors import Refusal
from core.languages import LANGUAGES
from core.web import Form
from reports import answer_templates, register
from reports.answer_messages import Said, messages
from reports.answer_templates import NAME_LIMIT, TEXT_LIMIT, WHEN, Template
from reports.hearers import leader_of
from reports.kinds import city_now
from reports.models import Report
from reports.register import UnknownReport
from reports.states import ReportState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
Code = Annotated[str, Path(max_length=32, pattern=r"^[a-z0-9-]+$")]
EXAMPLE = "2026-000123"


@router.post("/reports/{number}/answer-look")
async def look(visitor: Worker, number: str) -> Response:
    """Show who will hear what, if the form of a case were saved as it is."""
    context = visitor.context
    async with context.database.reading() as session:
        case = await _case(session, number)
    try:
        answer = await translated(context, case, answer_of(visitor.form))
        after = _state(visitor.form, case)
    except Refusal as refusal:
        said = words.said(refusal, visitor.language)
        return visitor.page("_who_hears.html", preview=None, problem=said, name=template_name)
    async with context.database.reading() as session:
        case = await _case(session, number)
        preview = await who_hears(session, visitor, case, after, answer)
    return visitor.page(
        "_who_hears.html",
        preview=preview,
        problem=words.said(preview.problem, visitor.language),
        name=template_name,
    )


async def _case(session: Any, number: str) -> Report:
    """Return the leading report of a number's case."""
    try:
        report = await register.get_report(session, number)
    except UnknownReport as error:
        raise Missing from error
    return await leader_of(session, report)


def _state(form: Form, case: Report) -> ReportState | None:
    value = form.text("state")
    if not value or value == case.state.value:
        return None
    if value not in [state.value for state in ReportState]:
        raise Refusal("Choose a state.")
    return ReportState(value)


@dataclass(frozen=True)
class Sketch:
    """A template as a form has it, and the version that it was made from."""

    template: Template
    seen: int = 0


@router.get("/answers")
async def templates_page(visitor: Worker) -> Response:
    async with visitor.context.database.reading() as session:
        city = await city_now(session, visitor.context.city)
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
        withdrawn=[one for one in found if one.withdrawn],
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
    async with visitor.context.database.reading() as session:
        city = await city_now(session, visitor.context.city)
    looked = _looked(visitor, city, _sketch(visitor, "").template)
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
    async with visitor.context.database.writing() as session:
        await answer_templates.withdraw(
            session, code, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return visitor.go("/console/answers")


@router.post("/answers/{code}/restore")
async def restore(visitor: Worker, code: Code) -> Response:
    async with visitor.context.database.writing() as session:
        await answer_templates.restore(
            session, code, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return visitor.go("/console/answers")


async def _store(visitor: Visit, code: str) -> Response:
    sketch = _sketch(visitor, code)
    try:
        async with visitor.context.database.writing() as session:
            stored = await answer_templates.store(
                session,
                await city_now(session, visitor.context.city),
                sketch.template,
                seen=sketch.seen,
                actor=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except Refusal as refusal:
        return await _edit_page(visitor, sketch, refusal=refusal)
    return visitor.go(f"/console/answers/{stored.code}?saved=yes")


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
    async with visitor.context.database.reading() as session:
        city = await city_now(session, visitor.context.city)
        versions = await answer_templates.history(session, code) if code else []
        now_is = await answer_templates.find(session, city, code) if code else Template(code="")
    older = older_version(visitor, versions)
    shown = older or sketch.template
    return visitor.page(
        "answer_edit.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language) if refusal else "",
        template=shown,
        seen=sketch.seen,
        stored=now_is,
        versions=versions,
        older=older,
        just_saved=visitor.request.query_params.get("saved") == "yes",
        whens=[(when, when_name(when, visitor.language)) for when in WHEN],
        kinds=_kinds(city, visitor.language),
        blank_names={name: visitor.say(words_) for name, words_ in BLANK_NAMES.items()},
        languages=[LANGUAGES[one] for one in city.languages],
        missing=now_is.missing(city.languages) if code else [],
        behind=now_is.older(city.languages),
        name_limit=NAME_LIMIT,
        text_limit=TEXT_LIMIT,
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
        "faults": [visitor.say(fault.message, **dict(fault.values)) for fault in faults],
        "phones": phones,
        "line_name": city.line_name,
    }


def _blank_name(visitor: Visit, blank: str) -> str:
    return visitor.say(BLANK_NAMES[blank]) if blank in BLANK_NAMES else blank


def _kinds(city: City, language: str) -> dict[str, str]:
    return {kind.code: name_in(kind.names, language) for kind in city.report_categories}
