"""One case: what was reported, where it is, what becomes of it, and who hears of that."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from city.shapes import district_geojson
from console import answer_form, case_view
from console.access import Permission
from console.answer_names import template_name
from console.case_view import report_of
from console.handing_over import tell_given
from console.photos import photo_answer
from console.report_names import Names, map_colour
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from core.errors import BadInput, Refusal
from core.text import clean, whole_number
from core.web import Form
from reports import answers, cases, notices_to_staff, opening, photos, register, states, work
from reports.answers import Answer
from reports.kinds import city_now
from reports.members import leader_of
from reports.models import Photo, Report
from reports.nearby import nearby
from reports.reasons import reason
from reports.states import ReportState
from reports.together import tell_joined
from reports.work import KEEP, Change

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
CHANGED = "report.changed"


@router.get("/reports/{number}")
async def report_page(visitor: Looker, number: str) -> Response:
    return await _page(visitor, number)


async def _page(visitor: Visit, number: str, *, refusal: BadInput | None = None) -> Response:
    """Show one case; after a refusal with the entered values, so that nobody types them twice."""
    form = visitor.form
    async with visitor.context.database.reading() as session:
        shown = await case_view.view(session, visitor, number)
        values = await case_view.values(session, visitor, shown)
        others = []
        if refusal is not None and form.text("seen"):
            others = await case_view.what_happened(
                session, visitor, shown.report, form.text("seen")
            )
        preview, problem = None, ""
        if shown.leads and visitor.may(Permission.REPORTS):
            preview, problem = await _who_hears(session, visitor, shown.report)
    return visitor.page(
        "case.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        # What somebody else did meanwhile is told in words; the form is then sent on what is now.
        others=others,
        typed=form,
        preview=preview,
        problem=problem,
        name=template_name,
        joins=states.ReportState.DUPLICATE,
        done=visitor.request.query_params.get("done", ""),
        **values,
    )


@router.get("/reports/{number}/map.json")
async def one_on_map(visitor: Looker, number: str) -> Response:
    async with visitor.context.database.reading() as session:
        report = await report_of(session, number)
        near = await nearby(session, report, visitor.context.clock.now())
    return _map(visitor, [report, *(one.report for one in near)], around=report)


@router.get("/reports/{number}/photos/{photo_id}")
async def photo(visitor: Looker, number: str, photo_id: RowNumber, small: bool = False) -> Response:
    """Return a photo of a case to somebody who may see reports, and to nobody else.

    Once it is turned, its address has another photo: a browser asks each time. Only the small ones
    of a list are kept for a minute.
    """
    async with visitor.context.database.reading() as session:
        report, found = await _photo(session, number, photo_id)
    kept = "private, max-age=60" if small else "private, no-cache"
    name = f"{report.number}-{photo_id}"
    return await photo_answer(visitor, found.sha256, name, small=small, kept=kept)


async def _photo(session: AsyncSession, number: str, photo_id: int) -> tuple[Report, Photo]:
    """Return a photo of a report, or of one that was joined to it."""
    report = await report_of(session, number)
    found = await session.get(Photo, photo_id)
    if found is None:
        raise Missing
    if found.report_id != report.id:
        other = await session.get(Report, found.report_id)
        if other is None or other.case_id != report.id:
            raise Missing
    return report, found


@router.post("/reports/{number}")
async def save(visitor: Worker, number: str) -> Response:
    """Change a case and tell its residents, in one act; everything of it is checked before."""
    context, form = visitor.context, visitor.form
    async with context.database.reading() as session:
        report = await report_of(session, number)
    if form.text("look") == "yes":
        return await _page(visitor, number)
    try:
        answer = await answer_form.translated(context, report, answer_form.answer_of(form))
        wanted = _change(form)
        async with context.database.writing() as session:
            city = await city_now(session, context.city)
            now = context.clock.now()
            changed = await work.change(
                session,
                city,
                number,
                wanted,
                by=visitor.actor,
                now=now,
                seen=form.text("seen"),
            )
            await answers.tell(
                session,
                answer_form.means(context),
                city,
                changed,
                answer,
                by=visitor.actor,
                now=now,
            )
            await tell_given(session, visitor, [changed])
    except BadInput as refusal:
        return await _page(visitor, number, refusal=refusal)
    return visitor.go(f"/console/reports/{changed.report.number}?done=saved")


async def _who_hears(session: AsyncSession, visitor: Visit, report: Report) -> tuple[Any, str]:
    form = visitor.form
    try:
        answer = answer_form.answer_of(form) if form.text("seen") else Answer()
        after = _state(form.text("state"))
        preview = await answer_form.who_hears(session, visitor, report, after, answer)
    except BadInput as refusal:
        return None, reason_of(refusal, visitor.language)
    return preview, reason_of(preview.problem, visitor.language) if preview.problem else ""


@router.post("/reports/{number}/answer-look")
async def look(visitor: Worker, number: str) -> Response:
    """Show who will hear what, if the form were saved as it is."""
    context, form = visitor.context, visitor.form
    preview, problem = None, ""
    async with context.database.reading() as session:
        case = await leader_of(session, await report_of(session, number))
    try:
        answer = await answer_form.translated(context, case, answer_form.answer_of(form))
        after = _state(form.text("state"))
        async with context.database.reading() as session:
            preview = await answer_form.who_hears(session, visitor, case, after, answer)
    except Refusal as refusal:
        problem = reason_of(refusal, visitor.language)
    if preview is not None and preview.problem is not None:
        problem = reason_of(preview.problem, visitor.language)
    return visitor.page("_who_hears.html", preview=preview, problem=problem, name=template_name)


@router.post("/reports/{number}/correct")
async def correct(visitor: Worker, number: str) -> Response:
    """Correct what a report says of itself: place, kind, owner, address."""
    context, form = visitor.context, visitor.form
    try:
        async with context.database.writing() as session:
            changed = await work.change(
                session,
                context.city,
                number,
                Change(
                    category=form.text("category"),
                    place=_place(form),
                    address=clean(form.text("address"), line=True) if "address" in form else KEEP,
                    owner=_owner(form),
                    is_home=form.text("is_home") == "yes",
                    hidden=form.text("hidden") == "yes",
                    note=clean(form.text("why"), line=True)[: register.MAX_TEXT],
                ),
                by=visitor.actor,
                now=context.clock.now(),
                seen=form.text("seen"),
                places=visitor.request.app.state.folder.places,
            )
            await tell_given(session, visitor, [changed])
    except BadInput as refusal:
        return await _page(visitor, number, refusal=refusal)
    return visitor.go(f"/console/reports/{number}?done=saved")


def _place(form: Form) -> tuple[float, float] | None:
    """Return the place that was set on the map, or None if it was not moved.

    Raises
    ------
    BadInput
        It is no place.
    """
    typed = form.text("place")
    if not typed or typed == form.text("place_was"):
        return None
    latitude, _, longitude = typed.replace("，", ",").partition(",")
    try:
        place = float(longitude), float(latitude)
    except ValueError as error:
        raise BadInput(reason("report.no-place")) from error
    if not all(-180 <= number <= 180 for number in place):
        raise BadInput(reason("report.no-place"))
    return round(place[0], 6), round(place[1], 6)


def _owner(form: Form) -> Any:
    """Return the owner that a person chose; KEEP if the field was left as it was."""
    chosen = form.text("owner")
    return KEEP if chosen == form.text("owner_was") else chosen


@router.post("/reports/{number}/join")
async def join(visitor: Worker, number: str) -> Response:
    """Make two cases one; the residents of the one that joins hear of that."""
    context, form = visitor.context, visitor.form
    try:
        async with context.database.writing() as session:
            city = await city_now(session, context.city)
            now = context.clock.now()
            made = await cases.join(
                session,
                city,
                number,
                form.text("other"),
                by=visitor.actor,
                now=now,
                seen=form.text("seen"),
                seen_other=form.text("seen_other"),
            )
            await tell_joined(
                session, answer_form.means(context), city, made, by=visitor.actor, now=now
            )
    except BadInput as refusal:
        return await _page(visitor, number, refusal=refusal)
    return visitor.go(f"/console/reports/{made.leader.number}?done=joined")


@router.post("/reports/{number}/part")
async def part(visitor: Worker, number: str) -> Response:
    """Take a report out of its case."""
    context, form = visitor.context, visitor.form
    try:
        async with context.database.writing() as session:
            await cases.part(
                session,
                await city_now(session, context.city),
                number,
                by=visitor.actor,
                now=context.clock.now(),
                seen=form.text("seen"),
            )
    except BadInput as refusal:
        return await _page(visitor, number, refusal=refusal)
    return visitor.go(f"/console/reports/{number}?done=parted")


@router.post("/reports/{number}/photos/{photo_id}/turn")
async def turn(visitor: Worker, number: str, photo_id: RowNumber) -> Response:
    """Turn a photo by a quarter to the right, with its thumbnail and its public copy."""
    context = visitor.context
    async with context.database.reading() as session:
        _, found = await _photo(session, number, photo_id)
        before = found.sha256, found.public_sha256
    turned = await photos.turned(context.settings.media_dir, found.sha256)
    public = None
    if found.public_sha256:
        public = await photos.turned(context.settings.media_dir, found.public_sha256)
    async with context.database.writing() as session:
        await photos.put_turned(
            session,
            photo_id,
            before,
            turned,
            public,
            by=visitor.actor,
            now=context.clock.now(),
        )
    return visitor.go(f"/console/reports/{number}?done=turned#photos")


@router.post("/reports/{number}/opened")
async def opened(visitor: Worker, number: str) -> Response:
    """Note who of the staff opened a report, first or after an alarm; its page says it."""
    context = visitor.context
    async with context.database.writing() as session:
        now = context.clock.now()
        report = await report_of(session, number)
        if await opening.note_opened(session, report, by=visitor.actor, now=now):
            # Nobody is called any more to a danger that somebody looks at.
            await notices_to_staff.opened(session, report, now)
    return Response(status_code=204)


def _change(form: Form) -> Change:
    """Read what somebody changes in a case.

    Raises
    ------
    BadInput
        A field is not what it should be.
    """
    state = _state(form.text("state"))
    chosen_for, _, why = form.text("reason").partition(":")
    team = form.text("team")
    return Change(
        state=state,
        reason=why if state is not None and chosen_for == state.value else "",
        department=form.text("department"),
        team_id=KEEP if "team" not in form else whole_number(team) if team else None,
        priority=_priority(form),
        due_on=_due(form),
        note=clean(form.text("note"), line=True)[: register.MAX_TEXT],
    )


def _state(value: str) -> ReportState | None:
    if not value:
        return None
    if value not in {*ReportState}:
        raise Refusal("Choose a state.")
    return ReportState(value)


def _priority(form: Form) -> int | None:
    typed = form.text("priority")
    if typed == form.text("priority_was") or not typed:
        return None
    return whole_number(typed) if typed.isdecimal() else -1


def _due(form: Form) -> Any:
    typed = form.text("due")
    if "due" not in form or typed == form.text("due_was"):
        return KEEP
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError as error:
        raise BadInput(reason("report.no-day")) from error
    if not 2000 <= day.year < 3000:
        raise BadInput(reason("report.no-day"))
    return day


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
