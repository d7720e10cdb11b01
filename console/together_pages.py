"""Several reports at once: first what would become of each and who would hear, then the act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from console.access import Permission
from console.answer_form import FIELDS, answer_of, means
from console.answer_names import template_name
from console.handing_over import tell_given
from console.report_filters import ListNames, of_query, read
from console.web import StaffRoute, Visit, reason_of, visit
from core.errors import BadInput, Refusal
from core.web import Form
from reports import answer_templates, listing, states
from reports.answers import Answer
from reports.kinds import city_now
from reports.models import Report
from reports.states import ReportState, Stage
from reports.teams import every_team, teams_of
from reports.together import MOST_TOGETHER, Act, Pick, Together, do, looked_at

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
MOST_OF_FILTER = 2_000
"""Cases of a filter that are looked through for those with which something is to be done."""
WANTED = tuple(
    map(
        col,
        (
            *(Report.id, Report.number, Report.state, Report.department),
            *(Report.team_id, Report.updated_at),
        ),
    )
)
FORM = ("act", "to", "state", *FIELDS)
"""The fields that the check hands on to the act."""


@router.post("/reports/together")
async def check(visitor: Worker) -> Response:
    """Show what would become of each marked case, and who would hear what."""
    return await _check(visitor)


async def _check(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    context, form = visitor.context, visitor.form
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        teams = await every_team(session)
        looked = []
        together, rest = None, 0
        try:
            together = _together(form)
            if form.text("whole"):
                together, rest = await _whole(session, visitor, together)
            looked = await looked_at(session, city, together, now=context.clock.now())
        except BadInput as problem:
            refusal = refusal or problem
        templates = await ready_answers(session, visitor)
    names = ListNames(city, visitor.language, teams)
    fitting = [each for each in looked if each.problem is None]
    return visitor.page(
        "reports_together.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        together=together,
        act=together.act.value if together else "",
        looked=looked,
        fitting=fitting,
        told=sum(each.preview.told for each in fitting if each.preview),
        calls=[number for each in fitting if each.preview for number in each.preview.calls],
        left=sum(each.preview.left for each in fitting if each.preview),
        groups=_groups(fitting),
        why=lambda problem: reason_of(problem, visitor.language),
        names=names,
        templates=templates,
        typed=form,
        handed=_handed(form),
        back=_back(form),
        now_state=_to_state(together, visitor.language),
        rest=rest,
    )


def _back(form: Form) -> str:
    """Return the list's filter and page as a part of an address."""
    return urlencode(of_query(form.text("back")))


async def _whole(session: AsyncSession, visitor: Visit, together: Together) -> tuple[Together, int]:
    """Take what the filter of the list finds instead of the marked cases, in the list's order.

    Those of which the act would change nothing are passed over, so that the same again goes on
    with the next ones. Also return how many are left after these.

    Raises
    ------
    Refusal
        There is nothing to be done.
    """
    given, now = of_query(visitor.form.text("back")), visitor.context.clock.now()
    mine = await teams_of(session, visitor.actor)
    chosen = read(given, mine=mine, now=now)
    narrow = await listing.narrowed(session, chosen.wanted)
    size = await listing.count(session, narrow)
    few = not size.more and size.number <= listing.FEW
    found = await listing.listed(
        session,
        visitor.context.city,
        narrow,
        chosen.order,
        limit=MOST_OF_FILTER,
        few=few,
        only=WANTED,
    )
    fitting = [report for report in found if together.changes(report)]
    if not fitting:
        raise Refusal("Nothing is left to do with the cases of this list.")
    picks = tuple(
        Pick(report.number, report.updated_at.isoformat()) for report in fitting[:MOST_TOGETHER]
    )
    return replace(together, picks=picks), len(fitting) - len(picks)


@router.post("/reports/together/do")
async def act(visitor: Worker) -> Response:
    """Do it with each case that nobody changed meanwhile; name the others."""
    context, form = visitor.context, visitor.form
    try:
        together = _together(form)
        async with context.database.writing() as session:
            outcome = await do(
                session,
                means(context),
                context.city,
                together,
                by=visitor.actor,
                now=context.clock.now(),
            )
            await tell_given(session, visitor, outcome.changed)
    except BadInput as refusal:
        return await _check(visitor, refusal=refusal)
    return visitor.page(
        "reports_together_done.html",
        outcome=outcome,
        together=together,
        left_out=[(number, reason_of(why, visitor.language)) for number, why in outcome.left_out],
        back=_back(form),
        handed=_handed(form),
        rest=max(0, form.number("rest") or 0),
    )


def _handed(form: Form) -> list[tuple[str, str]]:
    """Return the act's fields, as the next form hands them on."""
    return [(name, form.text(name)) for name in FORM if form.text(name)]


def _together(form: Form) -> Together:
    """Read the act and the marked cases.

    Raises
    ------
    BadInput
        Nothing is marked, or the act is not said.
    """
    ticked = [one.partition(" ") for one in form.all("pick")]
    picks = tuple(Pick(number[:16], seen[:40]) for number, _, seen in ticked)
    act = form.text("act")
    if form.text("whole"):
        if act not in (Act.ASSIGN, Act.STATE):
            raise Refusal("All of the list can be assigned or set to a state, nothing else.")
    elif not picks:
        raise Refusal("Mark at least one case.")
    elif len(picks) > MOST_TOGETHER:
        raise Refusal("At most {n} cases at once.", n=MOST_TOGETHER)
    if act == Act.ASSIGN:
        return Together(act=Act.ASSIGN, picks=picks, **_to_whom(form.text("to")))
    if act == Act.ANSWER:
        answer = answer_of(form)
        if not answer.words and answer.template in ("", "by-itself"):
            raise Refusal("Choose an answer.")
        return Together(act=Act.ANSWER, picks=picks, answer=answer)
    if act == Act.STATE:
        state, _, why = form.text("state").partition(":")
        if state not in set(states.SET_BY_STAFF):
            raise Refusal("Choose a state.")
        answer = answer_of(form)
        if not answer.words and not answer.template and not answer.nobody:
            answer = Answer()
        return Together(
            act=Act.STATE, picks=picks, state=ReportState(state), reason=why, answer=answer
        )
    if act == Act.JOIN:
        if len(picks) < 2:
            raise Refusal("Mark at least two cases to join them.")
        return Together(act=Act.JOIN, picks=picks)
    raise Refusal("Choose what to do with the marked cases.")


def _to_whom(value: str) -> dict[str, Any]:
    kind, _, code = value.partition(":")
    if kind == "department" and code:
        return {"department": code[:32]}
    if kind == "team" and (not code or (code.isdecimal() and len(code) < 18)):
        return {"team_id": int(code) if code else None, "to_team": True}
    raise Refusal("Choose to whom to assign.")


def _to_state(together: Together | None, language: str) -> str:
    if together is None or together.state is None:
        return ""
    name = together.state.staff_name(language)
    why = together.state.reason_name(together.reason, language) if together.reason else ""
    return f"{name} ({why})" if why else name


def _groups(fitting: Sequence[Any]) -> list[tuple[str, int, Any]]:
    """Return the languages that are told, how many in each, and an example of the words."""
    found: dict[str, tuple[int, Any]] = {}
    for each in fitting:
        for group in each.preview.groups if each.preview else ():
            count, first = found.get(group.language, (0, group.messages))
            found[group.language] = (count + group.count, first)
    return [(language, count, messages) for language, (count, messages) in found.items()]


async def ready_answers(session: AsyncSession, visitor: Visit) -> list[tuple[str, str, str]]:
    """Return the ready answers: code, name, and the state for which each is ("" for any)."""
    city = await city_now(session, visitor.context.city)
    return [
        (one.code, template_name(one, visitor.language), one.said_when)
        for one in await answer_templates.in_use(session, city)
    ]


def set_to(language: str) -> list[tuple[str, str]]:
    """Return the states that several cases can be given at once, with each of their reasons."""
    found = []
    for state in states.SET_BY_STAFF:
        if state.facts.stage is Stage.WAITING:
            continue
        name = state.staff_name(language)
        if not state.facts.reasons:
            found.append((state.value, name))
        for why in state.facts.reasons:
            found.append((f"{state.value}:{why}", f"{name}: {state.reason_name(why, language)}"))
    return found
