"""The morning's intake: waiting cases one after another, each decided with one key."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from console.access import Permission
from console.answer_form import means, who_hears
from console.report_filters import ListNames
from console.report_keys import INBOX_KEYS, key_help
from console.web import StaffRoute, Visit, reason_of, visit
from core.clock import in_japan
from core.errors import BadInput, Refusal
from reports import answers, cases, listing, register
from reports.answers import Answer
from reports.cases import Suggestion
from reports.kinds import city_now
from reports.listing import ReportFilter
from reports.models import Priority, Report
from reports.states import WAITING, ReportState
from reports.teams import to_assign
from reports.together import tell_joined
from reports.work import Change, change

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
INBOX = "/console/reports/inbox"
MOST_SKIPPED = 60
"""Cases that somebody put off; after so many the first one comes again."""
KEYED_TEAMS = 9


@router.get("/reports/inbox")
async def inbox(visitor: Worker) -> Response:
    return await _page(visitor, skipped=_skipped(visitor.request.query_params.get("later", "")))


def _skipped(later: str) -> list[str]:
    return [one[:16] for one in later.split(",") if one][-MOST_SKIPPED:]


async def _page(
    visitor: Visit,
    *,
    skipped: list[str],
    number: str = "",
    refusal: BadInput | None = None,
) -> Response:
    """Show the next case; after a refusal the same one again."""
    context, done = visitor.context, visitor.request.query_params
    now = context.clock.now()
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        department = _department(visitor)
        wanted = ReportFilter(
            states=WAITING, cases=True, departments=(department,) if department else ()
        )
        report = await _next(session, wanted, skipped, number)
        waiting = await listing.count(session, await listing.narrowed(session, wanted))
        decided = await _decided(session, done.get("done", "")[:16])
        teams = await to_assign(session)
        shown: dict[str, Any] = {"report": report}
        if report is not None and report.id is not None:
            shown |= {
                "photos": await register.photos_of(session, report.id),
                "alike": await _alike(session, report, visitor),
                "hears": await who_hears(session, visitor, report, ReportState.ACCEPTED, Answer()),
            }
            suggestion = shown["alike"]
            if suggestion is not None and suggestion.report.id is not None:
                theirs = await register.first_photos(session, [suggestion.report.id])
                shown["alike_photo"] = theirs.get(suggestion.report.id)
    names = ListNames(city, visitor.language, teams)
    return visitor.page(
        "reports_inbox.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        # Somebody else was faster, and this is the next one.
        refused=number if report is None or report.number != number else "",
        typed=visitor.form,
        **shown,
        waiting=waiting,
        teams=teams,
        keyed=[(n + 1, team) for n, team in enumerate(teams[:KEYED_TEAMS])],
        names=names,
        why=[names.reason(code) for code in report.priority_why] if report else [],
        declined=_reasons(ReportState.DECLINED, visitor.language),
        referred=_reasons(ReportState.REFERRED, visitor.language),
        later=",".join(skipped),
        put_off=_query(department, [*skipped, report.number][-MOST_SKIPPED:]) if report else "",
        department=department,
        decided=decided,
        decided_team=names.team(decided.team_id) if decided else "",
        joined_with=done.get("with", "")[:16],
        told=done.get("told", "")[:4],
        today=in_japan(now).date(),
        key_help=key_help(INBOX_KEYS, visitor.language),
    )


def _department(visitor: Visit) -> str:
    """Return the department whose cases are wanted; empty for all."""
    given = visitor.form.text("department") or visitor.request.query_params.get("department", "")
    return given if given in {one.code for one in visitor.context.city.departments} else ""


def _query(department: str, skipped: list[str], **more: object) -> str:
    """Return the part of the intake's address that says what somebody wants to see next."""
    fields = {**more, "later": ",".join(skipped), "department": department}
    return urlencode([(name, value) for name, value in fields.items() if value != ""])


async def _decided(session: AsyncSession, number: str) -> Report | None:
    """Return the case on which somebody just decided."""
    try:
        return await register.get_report(session, number) if number else None
    except register.UnknownReport:
        return None


async def _next(
    session: AsyncSession, wanted: ReportFilter, skipped: list[str], number: str
) -> Report | None:
    same = await _decided(session, number)
    if same is not None and same.state in WAITING:
        return same
    found = await listing.inbox(session, wanted, most=1, skipped=skipped)
    if not found and skipped:
        found = await listing.inbox(session, wanted, most=1)
    return found[0] if found else None


async def _alike(session: AsyncSession, report: Report, visitor: Visit) -> Suggestion | None:
    """Return the case that is likely the same thing; one that was taken up before others."""
    some = await cases.similar(session, report, visitor.context.clock.now())
    likely = [one for one in some if one.is_likely]
    return min(likely, key=lambda one: one.report.state in WAITING, default=None)


def _reasons(state: ReportState, language: str) -> list[tuple[str, str]]:
    return [(code, state.reason_name(code, language)) for code in state.facts.reasons]


@router.post("/reports/inbox")
async def decide(visitor: Worker) -> Response:
    """Decide on a case, tell its residents, and go on with the next one."""
    form = visitor.form
    number, skipped = form.text("number")[:16], _skipped(form.text("later"))
    try:
        async with visitor.context.database.writing() as session:
            told = await _decide(session, visitor, number)
    except BadInput as refusal:
        return await _page(visitor, skipped=skipped, number=number, refusal=refusal)
    following: dict[str, object] = {"done": number, "told": told}
    if form.text("act") == "same":
        following["with"] = form.text("alike").partition(" ")[0][:16]
    if form.text("act") == "urgent":
        following = {}
    query = _query(_department(visitor), skipped, **following)
    return visitor.go(f"{INBOX}?{query}" if query else INBOX)


async def _decide(session: AsyncSession, visitor: Visit, number: str) -> int:
    """Do what a button says; return how many residents are told."""
    form, by, now = visitor.form, visitor.actor, visitor.context.clock.now()
    act, _, value = form.text("act").partition(":")
    city, seen = visitor.context.city, form.text("seen")
    if act == "same":
        other, _, seen_other = form.text("alike").partition(" ")
        joined = await cases.join(
            session, city, number, other, by=by, now=now, seen=seen, seen_other=seen_other
        )
        return await tell_joined(session, means(visitor.context), city, joined, by=by, now=now)
    wanted = Change()
    if act == "take":
        team = int(value) if value.isdecimal() and len(value) < 18 else None
        wanted = Change(state=ReportState.ACCEPTED)
        if team is not None:
            wanted = Change(state=ReportState.ACCEPTED, team_id=team)
    elif act == "decline":
        wanted = Change(state=ReportState.DECLINED, reason=form.text("declined"))
    elif act == "refer":
        wanted = Change(state=ReportState.REFERRED, reason=form.text("referred"))
    elif act == "urgent":
        wanted = Change(priority=Priority.AT_ONCE)
    else:
        raise Refusal("Choose what to do with it.")
    changed = await change(session, city, number, wanted, by=by, now=now, seen=seen)
    if changed.before is changed.after:
        return 0
    told = await answers.tell(
        session, means(visitor.context), city, changed, Answer(), by=by, now=now
    )
    return told.told
