"""Reports: the list and map of what is broken, one report, its answer, the export."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.service import push
from channels.web import PHOTO_POLICY, Form
from console import ready
from console.access import Permission
from console.maps import district_geojson
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from console.words import REPORT_NAMES, Refusal
from core import audit
from core.city import City, name_in
from core.clock import JAPAN
from core.errors import BadInput
from core.typed import clean
from reports import service
from reports.models import Photo, Report, ReportState
from reports.nearby import MOST, OPEN, nearby
from reports.photos import photo_path
from reports.service import ReportFilter
from subscriptions.models import Resident, ResidentState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
PAGE = 50
MAP_LIMIT = 2000
EXPORT_LIMIT = 200_000


@router.get("/reports")
async def reports(visitor: Looker, page: int = 1) -> Response:
    wanted, chosen = _filters(visitor.request)
    page = max(1, min(page, 10_000))
    async with visitor.context.database.reading() as session:
        total = await service.count_reports(session, wanted)
        found = await service.list_reports(session, wanted, limit=PAGE, offset=(page - 1) * PAGE)
        photos = await _first_photos(session, [report.id for report in found if report.id])
        by_state = await service.count_by_state(session)
    query = urlencode([(name, value) for name, value in chosen.items() if value])
    return visitor.page(
        "reports.html",
        found=found,
        photos=photos,
        total=total,
        by_state=by_state,
        page=page,
        pages=max(1, -(-total // PAGE)),
        chosen=chosen,
        query=query,
        names=_Names(visitor.context.city, visitor.language),
    )


@router.get("/reports/map.json")
async def report_map(visitor: Looker) -> Response:
    """Return the districts and the reports that fit, for the map."""
    wanted, _ = _filters(visitor.request)
    async with visitor.context.database.reading() as session:
        found = await service.list_reports(session, wanted, limit=MAP_LIMIT)
    return _map(visitor, found)


@router.get("/reports/export.csv")
async def export_csv(visitor: Worker) -> Response:
    text = service.export_csv(await _exported(visitor, "csv"))
    return _download(PlainTextResponse(text, media_type="text/csv; charset=utf-8"), "csv")


@router.get("/reports/export.geojson")
async def export_geojson(visitor: Worker) -> Response:
    text = service.export_geojson(await _exported(visitor, "geojson"))
    return _download(PlainTextResponse(text, media_type="application/geo+json"), "geojson")


@router.get("/reports/{number}")
async def report_page(visitor: Looker, number: str) -> Response:
    return await _report_page(visitor, number)


async def _report_page(visitor: Visit, number: str, *, refusal: BadInput | None = None) -> Response:
    """Show one report; after a refusal with what was typed, so that nobody types it twice."""
    async with visitor.context.database.reading() as session:
        report = await _report(session, number)
        assert report.id is not None
        photos = await service.photos_of(session, report.id)
        updates = await service.updates_of(session, report.id)
        near = await nearby(session, report, visitor.context.clock.now())
        together = [one.report for one in near if one.is_open]
        reachable = await _reachable(session, report)
        others_reachable = [await _reachable(session, other) for other in together]
    return visitor.page(
        "report.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        report=report,
        photos=photos,
        updates=updates,
        meanings={
            update.id: ready.meaning(update.answer, report.language, visitor.language)
            for update in updates
            if update.answer and report.language != visitor.language
        },
        reachable=reachable,
        answerable=reachable or any(others_reachable),
        near=near,
        ticked=set(visitor.form.all("also")),
        states=list(ReportState),
        answers=[(one, ready.CATALOGUE.text("ja", one.message)) for one in ready.ANSWERS],
        names=_Names(visitor.context.city, visitor.language),
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
    path = photo_path(visitor.context.settings.media_dir, found.sha256, thumbnail=small)
    if not await asyncio.to_thread(path.is_file):
        raise Missing
    return FileResponse(
        path,
        media_type="image/jpeg",
        headers={
            "Content-Security-Policy": PHOTO_POLICY,
            "Cache-Control": "private, max-age=3600",
            "Content-Disposition": f'inline; filename="{report.number}-{photo_id}.jpg"',
        },
    )


@router.post("/reports/{number}")
async def work(visitor: Worker, number: str) -> Response:
    """Move a report on, give it to a department, and answer the resident: one act, once.

    Other reports of the same place, where they are ticked, go the same way with it.
    """
    try:
        also = _also(visitor.form)
        async with visitor.context.database.writing() as session:
            found = await session.scalars(
                select(Report)
                .where(col(Report.number).in_([number, *also]))
                .order_by(col(Report.number))
                .with_for_update()
            )
            reports = {report.number: report for report in found}
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
    """Do to one report what the form says; return whether its resident was answered."""
    form, by, now = visitor.form, visitor.actor, visitor.context.clock.now()
    if seen != report.updated_at.isoformat():
        raise Refusal("Somebody changed this report meanwhile. Look at it again.")
    state, department = _state(form.text("state")), form.text("department")
    note = clean(form.text("note"), line=True)[: service.MAX_TEXT]
    if together_with:
        note = f"→ {together_with} {note}".strip()
    if department and department != report.department:
        await service.assign(session, visitor.context.city, report, department, by=by, now=now)
    if state is not report.state or note:
        await service.change_state(session, report, state, by=by, now=now, note=note)
    words, japanese = _answer_words(form.text("ready"), form.text("answer"), report.language)
    if not words or report.resident_id is None or not await _reachable(session, report):
        return False
    message = ready.answer_message(report.number, words, report.language, japanese=japanese)
    await service.answer(session, report, words, by=by, now=now)
    await push(
        session,
        visitor.context.queue,
        report.resident_id,
        [{"type": "text", "text": message}],
        by,
        now,
    )
    return True


class _Names:
    """Names of categories, departments and districts in the language of the visitor."""

    def __init__(self, city: City, language: str) -> None:
        self.categories = {c.code: name_in(c.names, language) for c in city.report_categories}
        self.departments = {d.code: name_in(d.names, language) for d in city.departments}
        self.areas = {d.code: name_in(d.names, language) for d in city.districts}

    def category(self, code: str) -> str:
        return self.categories.get(code, code)

    def department(self, code: str) -> str:
        return self.departments.get(code, code)

    def area(self, code: str | None) -> str:
        return self.areas.get(code or "", code or "–")


def _filters(request: Request) -> tuple[ReportFilter, dict[str, str]]:
    """Return the filter of an address, and its fields as they were given."""
    names = ("state", "category", "department", "area", "since", "until", "text")
    chosen = {name: request.query_params.get(name, "").strip()[:100] for name in names}
    state = chosen["state"]
    if state not in (*ReportState, "", "open"):
        chosen["state"] = state = ""
    states = OPEN if state == "open" else (ReportState(state),) if state else ()
    until = _day(chosen["until"])
    return (
        ReportFilter(
            states=states,
            categories=(chosen["category"],) if chosen["category"] else (),
            departments=(chosen["department"],) if chosen["department"] else (),
            areas=(chosen["area"],) if chosen["area"] else (),
            since=_day(chosen["since"]),
            until=until + timedelta(days=1) if until else None,
            text=chosen["text"],
        ),
        chosen,
    )


def _day(value: str) -> datetime | None:
    """Return the beginning of a day in Japan, or None when it is none of this service's time."""
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=JAPAN)
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None


def _state(value: str) -> ReportState:
    if value not in list(ReportState):
        raise Refusal("Choose a state.")
    return ReportState(value)


def _answer_words(code: str, typed: str, language: str) -> tuple[str, bool]:
    """Return the answer and whether staff wrote it in Japanese themselves.

    A ready answer that was left as it stands goes out in the resident's own language.
    """
    if code and typed.replace("\r\n", "\n") in ("", ready.answer(code, "ja") or ""):
        return ready.answer(code, language) or "", False
    return clean(typed)[: service.MAX_ANSWER], True


def _map(visitor: Visit, found: list[Report], *, around: Report | None = None) -> Response:
    """Return districts and reports for a map; ``around`` is the one in its middle."""
    names = _Names(visitor.context.city, visitor.language)
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [report.longitude, report.latitude]},
            "properties": {
                "number": report.number,
                "state": report.state.value,
                "state_name": visitor.say(REPORT_NAMES[report.state]),
                "category": names.category(report.category),
                "middle": report is around,
            },
        }
        for report in found
        if report.longitude is not None and report.latitude is not None
    ]
    return JSONResponse(
        {
            "districts": district_geojson(visitor.context.city, visitor.language),
            "reports": {"type": "FeatureCollection", "features": features},
        },
        headers={"Cache-Control": "no-store"},
    )


async def _exported(visitor: Visit, kind: str) -> list[Report]:
    wanted, chosen = _filters(visitor.request)
    context = visitor.context
    async with context.database.writing() as session:
        found = await service.list_reports(session, wanted, limit=EXPORT_LIMIT)
        await audit.record(
            session,
            context.clock.now(),
            actor=visitor.actor,
            action="report.export",
            subject=kind,
            reports=len(found),
            filters={name: value for name, value in chosen.items() if value},
        )
    return found


def _download(response: Response, kind: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="reports.{kind}"'
    response.headers["Cache-Control"] = "no-store"
    return response


async def _report(session: AsyncSession, number: str) -> Report:
    try:
        return await service.get_report(session, number)
    except service.UnknownReport as error:
        raise Missing from error


async def _reachable(session: AsyncSession, report: Report) -> bool:
    if report.resident_id is None:
        return False
    resident = await session.get(Resident, report.resident_id)
    return resident is not None and resident.state is ResidentState.FOLLOWING


async def _first_photos(session: AsyncSession, report_ids: list[int]) -> dict[int, Photo]:
    """Return each report's first photo."""
    if not report_ids:
        return {}
    found = await session.scalars(
        select(Photo).where(col(Photo.report_id).in_(report_ids)).order_by(col(Photo.id).desc())
    )
    return {photo.report_id: photo for photo in found}
