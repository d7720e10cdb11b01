"""One case: what was reported, where it is, what becomes of it, and who hears of that."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from channels.dispatch import push
from channels.line.medium import LINE
from city.shapes import district_geojson
from console import presets
from console.access import Permission
from console.photos import photo_answer
from console.report_names import Names, map_colour
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from console.words import quoted
from core.errors import BadInput, Refusal
from core.text import clean
from core.web import Form
from reports import following, register, states
from reports.models import Photo, Report
from reports.nearby import MOST, nearby
from reports.states import ReportState
from subscriptions.models import Resident, ResidentState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]


@router.get("/reports/{number}")
async def report_page(visitor: Looker, number: str) -> Response:
    return await _report_page(visitor, number)


async def _report_page(visitor: Visit, number: str, *, refusal: BadInput | None = None) -> Response:
    """Show one report; after a refusal with the entered values, so that nobody types them twice."""
    async with visitor.context.database.reading() as session:
        report = await _report(session, number)
        assert report.id is not None
        photos = await register.photos_of(session, report.id)
        updates = await register.updates_of(session, report.id)
        near = await nearby(session, report, visitor.context.clock.now())
        together = [one.report for one in near if one.is_open]
        reachable = await _reachable(session, report)
        joined = len(await following.followers(session, report))
        others_reachable = [await _reachable(session, other) for other in together]
    return visitor.page(
        "case.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        report=report,
        photos=photos,
        updates=updates,
        meanings={
            update.id: presets.meaning(update.answer, visitor.language)
            for update in updates
            if update.answer and report.language != visitor.language
        },
        reachable=reachable,
        answerable=reachable or any(others_reachable),
        joined=joined,
        near=near,
        ticked=set(visitor.form.all("also")),
        states=[one for one in ReportState if one in states.SET_BY_STAFF or one is report.state],
        told=quoted([one.staff_name(visitor.language) for one in states.TOLD], visitor.language),
        answers=[(one, presets.CATALOGUE.text("ja", one.message)) for one in presets.ANSWERS],
        names=Names(visitor.context.city, visitor.language),
        done=visitor.request.query_params.get("done") == "yes",
    )


@router.get("/reports/{number}/map.json")
async def one_on_map(visitor: Looker, number: str) -> Response:
    async with visitor.context.database.reading() as session:
        report = await _report(session, number)
        near = await nearby(session, report, visitor.context.clock.now())
    return _map(visitor, [report, *(one.report for one in near)], around=report)


@router.get("/reports/{number}/photos/{photo_id}")
async def photo(visitor: Looker, number: str, photo_id: RowNumber, small: bool = False) -> Response:
    """Return a report's photo to somebody who may see reports, and to nobody else."""
    async with visitor.context.database.reading() as session:
        report = await _report(session, number)
        found = await session.get(Photo, photo_id)
    if found is None or found.report_id != report.id:
        raise Missing
    return await photo_answer(visitor, found.sha256, f"{report.number}-{photo_id}", small=small)


@router.post("/reports/{number}")
async def work(visitor: Worker, number: str) -> Response:
    """Change a report's state, assign it to a department, and answer the resident, in one act.

    Other reports of the same place, if they are ticked, are treated in the same way.
    """
    try:
        also = _also(visitor.form)
        async with visitor.context.database.writing() as session:
            reports = await register.locked(session, [number, *also])
            if number not in reports:
                raise Missing
            seen = visitor.form.text("seen")
            answered = [await _work(session, visitor, reports[number], seen=seen)]
            for other, seen in also.items():
                if other not in reports or other == number:
                    raise Refusal("Somebody changed this report meanwhile. Look at it again.")
                answered.append(
                    await _work(session, visitor, reports[other], seen=seen, together_with=number)
                )
            if _is_answer(visitor.form) and not any(answered):
                raise Refusal("The resident has left and can no longer be answered.")
    except BadInput as refusal:
        return await _report_page(visitor, number, refusal=refusal)
    return visitor.go(f"/console/reports/{number}?done=yes")


def _also(form: Form) -> dict[str, str]:
    """Return the other reports that were ticked, each as it was seen."""
    ticked = [one.partition(" ") for one in form.all("also")[:MOST]]
    return {number: seen for number, _, seen in ticked}


def _is_answer(form: Form) -> bool:
    return bool(form.text("answer") or form.text("ready"))


async def _work(
    session: AsyncSession, visitor: Visit, report: Report, *, seen: str, together_with: str = ""
) -> bool:
    """Apply the form to one report; return whether its resident was answered."""
    form, by, now = visitor.form, visitor.actor, visitor.context.clock.now()
    if seen != report.updated_at.isoformat():
        raise Refusal("Somebody changed this report meanwhile. Look at it again.")
    state, department = _state(form.text("state"), report), form.text("department")
    note = clean(form.text("note"), line=True)[: register.MAX_TEXT]
    if together_with:
        note = f"→ {together_with} {note}".strip()
    if department and department != report.department:
        await register.assign(session, visitor.context.city, report, department, by=by, now=now)
    news = states.news(report.state, state)
    if state is not report.state or note:
        await register.change_state(session, report, state, by=by, now=now, note=note)
    answered = False
    for resident in await _concerned(session, report):
        answered |= await _tell(session, visitor, report, resident, news)
    return answered


async def _tell(
    session: AsyncSession, visitor: Visit, report: Report, resident: Resident, news: str
) -> bool:
    """Tell one resident the answer of the form, or the news; return whether it was an answer."""
    assert resident.id is not None
    form, by, now = visitor.form, visitor.actor, visitor.context.clock.now()
    words, japanese = _answer_words(form.text("ready"), form.text("answer"), resident.language)
    is_answer = bool(words)
    if not words and news:
        words, japanese = states.CATALOGUE.text(resident.language, news), False
    if not words:
        return False
    message = presets.answer_message(report.number, words, resident.language, japanese=japanese)
    if resident.id == report.resident_id or report.resident_id is None:
        await register.answer(session, report, words, by=by, now=now)
    await push(
        session,
        visitor.context.queue,
        resident.id,
        [{"type": "text", "text": message}],
        by,
        now,
        medium=LINE,
    )
    return is_answer


def _map(visitor: Visit, found: list[Report], *, around: Report | None = None) -> Response:
    """Return districts and reports for a map; ``around`` is the report in its middle."""
    names = Names(visitor.context.city, visitor.language)
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [report.longitude, report.latitude]},
            "properties": {
                "title": f"{report.number} {names.category(report.category)}"
                f" ({report.state.staff_name(visitor.language)})",
                "href": f"/console/reports/{report.number}",
                "colour": map_colour(report.state),
                "middle": report is around,
            },
        }
        for report in found
        if report.longitude is not None and report.latitude is not None
    ]
    return JSONResponse(
        {
            "districts": district_geojson(visitor.context.city, visitor.language),
            "features": {"type": "FeatureCollection", "features": features},
        },
        headers={"Cache-Control": "no-store"},
    )


def _state(value: str, report: Report) -> ReportState:
    if value not in (*states.SET_BY_STAFF, report.state):
        raise Refusal("Choose a state.")
    return ReportState(value)


def _answer_words(code: str, typed: str, language: str) -> tuple[str, bool]:
    """Return the answer, and whether staff wrote it in Japanese themselves.

    An unchanged ready answer is sent in the resident's own language.
    """
    if code and typed.replace("\r\n", "\n") in ("", presets.answer(code, "ja") or ""):
        return presets.answer(code, language) or "", False
    return clean(typed)[: register.MAX_ANSWER], True


async def _report(session: AsyncSession, number: str) -> Report:
    try:
        return await register.get_report(session, number)
    except register.UnknownReport as error:
        raise Missing from error


async def _reachable(session: AsyncSession, report: Report) -> bool:
    return bool(await _concerned(session, report))


async def _concerned(session: AsyncSession, report: Report) -> list[Resident]:
    """Return who hears of a report: the resident who made it, and those who joined it."""
    resident = await _resident(session, report)
    return [*([resident] if resident else []), *await following.followers(session, report)]


async def _resident(session: AsyncSession, report: Report) -> Resident | None:
    """Return the resident of a report, if they can still be told something."""
    if report.resident_id is None:
        return None
    resident = await session.get(Resident, report.resident_id)
    if resident is None or resident.state is not ResidentState.FOLLOWING:
        return None
    return resident
