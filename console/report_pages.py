"""Reports: the list and the map, the export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse, StreamingResponse

from city.city import City
from city.shapes import box_of
from console.access import Permission
from console.report_names import Names, map_colour
from console.web import StaffRoute, Visit, visit
from core import audit
from core.clock import JAPAN
from core.counting import MOST as MOST_COUNTED
from reports import register
from reports.clusters import GRAVITY, Box, Cluster, clusters
from reports.register import ReportFilter
from reports.states import OPEN, ReportState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
PAGE = 50
LAST_PAGE = MOST_COUNTED // PAGE
MOST_ZOOM, WHOLE_CITY_ZOOM = 18, 11
JAPAN_BOX: Box = (122.9, 20.4, 154.0, 45.6)


@router.get("/reports")
async def reports(visitor: Looker, page: int = 1) -> Response:
    wanted, chosen = _filters(visitor.request.query_params)
    page = max(1, min(page, LAST_PAGE))
    async with visitor.context.database.reading() as session:
        total = await register.count_reports(session, wanted)
        found = await register.list_reports(session, wanted, limit=PAGE, offset=(page - 1) * PAGE)
        photos = await register.first_photos(session, [report.id for report in found if report.id])
        by_state = await register.count_by_state(session)
    query = urlencode([(name, value) for name, value in chosen.items() if value])
    return visitor.page(
        "reports.html",
        found=found,
        photos=photos,
        total=total,
        by_state=by_state,
        page=page,
        pages=max(1, -(-total.number // PAGE)),
        chosen=chosen,
        query=query,
        names=Names(visitor.context.city, visitor.language),
    )


@router.get("/reports/map.json")
async def report_map(visitor: Looker) -> Response:
    """Return all reports that fit, put together by where they are, for one view of the map.

    ``bbox`` (west, south, east, north in degrees) and ``zoom`` are the view; without them it is the
    whole city.
    """
    given = visitor.request.query_params
    wanted, _ = _filters(given)
    box, zoom = _view(visitor.context.city, given)
    async with visitor.context.database.reading() as session:
        found = await clusters(session, wanted, box, zoom)
    names = Names(visitor.context.city, visitor.language)
    features = [_cluster(one, names, visitor.language) for one in found.clusters]
    shown: dict[str, Any] = {
        "by_view": True,
        "features": {"type": "FeatureCollection", "features": features},
        "legend": [
            {"colour": map_colour(state), "name": state.staff_name(visitor.language)}
            for state in GRAVITY
        ],
    }
    if found.more:
        shown["note"] = visitor.say("Only the newest reports with these words are on the map.")
    return JSONResponse(shown, headers={"Cache-Control": "no-store"})


@router.post("/reports/export.csv")
async def export_csv(visitor: Worker) -> Response:
    parts = register.export_csv(visitor.context.database, await _noted_export(visitor, "csv"))
    return _download(parts, "text/csv; charset=utf-8", "csv")


@router.post("/reports/export.geojson")
async def export_geojson(visitor: Worker) -> Response:
    export = await _noted_export(visitor, "geojson")
    parts = register.export_geojson(visitor.context.database, export)
    return _download(parts, "application/geo+json", "geojson")


def _filters(given: Mapping[str, str]) -> tuple[ReportFilter, dict[str, str]]:
    """Return the filter of an address or a form, and its given fields."""
    names = ("state", "category", "department", "area", "since", "until", "text")
    chosen = {name: given.get(name, "").strip()[:100] for name in names}
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
    """Return the beginning of a day in Japan, or None if it is outside the service's time."""
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=JAPAN)
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None


def _view(city: City, given: Mapping[str, str]) -> tuple[Box, int]:
    """Return the box and the zoom of a view; the whole city if they are not said or wrong."""
    whole = (box_of(city) or JAPAN_BOX, WHOLE_CITY_ZOOM)
    try:
        west, south, east, north = map(float, given.get("bbox", "").split(","))
        zoom = int(given.get("zoom", ""))
    except ValueError:
        return whole
    right = -180 <= west < east <= 180 and -90 <= south < north <= 90 and 0 <= zoom <= MOST_ZOOM
    return ((west, south, east, north), zoom) if right else whole


def _cluster(one: Cluster, names: Names, language: str) -> dict[str, Any]:
    """Return a cluster, or the one report in it, as the map reads it."""
    listed = [
        {
            "title": f"{report.number} {names.category(report.category)}"
            f" ({report.state.staff_name(language)})",
            "href": f"/console/reports/{report.number}",
        }
        for report in one.reports
    ]
    about: dict[str, Any] = {"colour": map_colour(one.state)}
    if one.count == 1 and listed:
        about |= listed[0]
    else:
        about["count"] = one.count
        if listed:
            about["items"] = listed
    return {
        "type": "Feature",
        "geometry": {
            "type": "Point",
            "coordinates": [round(one.longitude, 6), round(one.latitude, 6)],
        },
        "properties": about,
    }


async def _noted_export(visitor: Visit, kind: str) -> register.Export:
    """Return the requested export; it is in the audit trail before any of it is sent."""
    wanted, chosen = _filters(visitor.form)
    context = visitor.context
    async with context.database.reading() as session:
        export = await register.begin_export(session, wanted)
    async with context.database.writing() as session:
        await audit.record(
            session,
            context.clock.now(),
            actor=visitor.actor,
            action="report.exported",
            subject=f"export:{kind}",
            reports=export.number,
            filters={name: value for name, value in chosen.items() if value},
        )
    return export


def _download(parts: AsyncIterator[str], media_type: str, kind: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="reports.{kind}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(parts, media_type=media_type, headers=headers)
