"""Reports: the list and the map, the export."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City
from city.shapes import box_of
from console import words
from console.access import Permission
from console.report_filters import (
    MORE,
    NAMES,
    Chosen,
    ListNames,
    choices,
    described,
    of_query,
    read,
)
from console.report_keys import LIST_KEYS, key_help
from console.report_names import Names, map_colour
from console.report_rows import COLUMNS, rows_of
from console.together_pages import ready_answers, set_to
from console.web import Missing, NotPermitted, RowNumber, StaffRoute, Visit, reason_of, visit
from core import audit
from core.clock import in_japan
from core.counting import Size
from core.errors import BadInput
from reports import exports, listing, register, saved_exports, saved_filters, states, verdicts
from reports.clusters import GRAVITY, Box, Cluster, clusters
from reports.counts import CASE_STATES, Counts, counts
from reports.exports import Export, Wording, begin_export
from reports.listing import ReportFilter
from reports.models import SavedExport, SavedFilter, Sending
from reports.teams import every_team, teams_of
from reports.together import MOST_TOGETHER

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
PAGE = 50
MOST_SAID_NO = 10
MOST_ZOOM, WHOLE_CITY_ZOOM = 18, 11
JAPAN_BOX: Box = (122.9, 20.4, 154.0, 45.6)


@router.get("/reports")
async def reports(visitor: Looker, page: int = 1) -> Response:
    return await _list_page(visitor, visitor.request.query_params, page=page)


async def _list_page(
    visitor: Visit,
    given: Mapping[str, str],
    *,
    page: int = 1,
    refusal: BadInput | None = None,
    refused: int = 0,
) -> Response:
    """Show the list.

    Parameters
    ----------
    refused
        The saved filter that could not be changed as it was typed; 0 for a new one.
    """
    context = visitor.context
    today = in_japan(context.clock.now()).date()
    async with context.database.reading() as session:
        teams = await every_team(session)
        chosen = await _chosen(session, visitor, given)
        narrow = await listing.narrowed(session, chosen.wanted)
        numbers = await counts(session, today)
        total = _known(chosen.wanted, numbers) or await listing.count(session, narrow)
        few = not total.more and total.number <= listing.FEW
        pages = max(1, -(-total.number // PAGE))
        # What was on the last page may be done by now.
        page = max(1, min(page, pages))
        found = await listing.listed(
            session,
            context.city,
            narrow,
            chosen.order,
            limit=PAGE,
            offset=(page - 1) * PAGE,
            few=few,
            only=COLUMNS,
        )
        photos = await register.first_photos(session, [report.id for report in found if report.id])
        joined = await listing.of_case(session, found)
        saved = await saved_filters.seen_by(session, visitor.actor)
        roads = await listing.roads(session)
        templates = await ready_answers(session, visitor)
        said_no = await verdicts.said_no(session, MOST_SAID_NO)
        files = await saved_exports.of_account(session, visitor.actor, context.clock.now())
    names = ListNames(context.city, visitor.language, teams)
    offered = choices(names, teams, roads)
    return visitor.page(
        "reports.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        said_no=said_no,
        rows=rows_of(found, photos, joined, names, today),
        total=total,
        by_state={state: numbers.by_state[state] for state in CASE_STATES},
        waiting=numbers.by_state[states.FIRST],
        overdue=numbers.overdue,
        saved=saved,
        files=files,
        page=page,
        pages=pages,
        here=chosen.query + (f"&page={page}" if page > 1 else ""),
        chosen=chosen,
        offered=offered,
        narrowed_by=described(chosen, offered, visitor.language),
        mine=[one for one in saved if one.account or visitor.may(Permission.REPORTS)],
        typed=visitor.form if refusal else None,
        refused=refused,
        most_together=MOST_TOGETHER,
        more_open=any(chosen.fields[name] for name in MORE),
        words_note=visitor.say("Only the newest reports with these words are on the map.")
        if narrow.by_words
        else "",
        names=names,
        teams=teams,
        templates=templates,
        ends=set_to(visitor.language),
        may_work=visitor.may(Permission.REPORTS),
        key_help=key_help(LIST_KEYS, visitor.language),
    )


def _known(wanted: ReportFilter, numbers: Counts) -> Size | None:
    """Return how many cases a filter finds, if it is one of the numbers on the page anyway."""
    if wanted == ReportFilter(cases=True):
        return numbers.cases
    for state in CASE_STATES:
        if wanted == ReportFilter(states=(state,), cases=True):
            return numbers.by_state[state]
    return None


@router.post("/reports/filters")
async def save_filter(visitor: Looker) -> Response:
    """Save a filter under a name, for oneself; for everybody by those who work on reports."""
    form, now = visitor.form, visitor.context.clock.now()
    given = of_query(form.text("query"))
    try:
        async with visitor.context.database.writing() as session:
            chosen = await _chosen(session, visitor, given)
            await saved_filters.save(
                session,
                form.text("name"),
                chosen.query if chosen.narrows else "",
                shared=_shared(visitor),
                counted=bool(form.text("counted")),
                replace=bool(form.text("replace")),
                by=visitor.actor,
                now=now,
            )
    except BadInput as refusal:
        return await _list_page(visitor, given, refusal=refusal)
    return visitor.go(f"/console/reports?{chosen.query}")


def _shared(visitor: Visit) -> bool:
    """Whether a filter is to be everybody's; only those who work on reports may say so."""
    shared = bool(visitor.form.text("shared"))
    if shared and not visitor.may(Permission.REPORTS):
        raise NotPermitted
    return shared


@router.post("/reports/filters/{filter_id}")
async def change_filter(visitor: Looker, filter_id: RowNumber) -> Response:
    """Give a filter another name, share it or no longer, count it on the first page or not."""
    form, shared = visitor.form, _shared(visitor)
    try:
        async with visitor.context.database.writing() as session:
            await _may_change(session, visitor, filter_id)
            await saved_filters.change(
                session,
                filter_id,
                form.text("name"),
                shared=shared,
                counted=bool(form.text("counted")),
                by=visitor.actor,
                now=visitor.context.clock.now(),
            )
    except BadInput as refusal:
        return await _list_page(
            visitor, of_query(form.text("back")), refusal=refusal, refused=filter_id
        )
    return _back(visitor)


@router.post("/reports/filters/{filter_id}/remove")
async def remove_filter(visitor: Looker, filter_id: RowNumber) -> Response:
    async with visitor.context.database.writing() as session:
        await _may_change(session, visitor, filter_id)
        await saved_filters.remove(
            session, filter_id, by=visitor.actor, now=visitor.context.clock.now()
        )
    return _back(visitor)


async def _may_change(session: AsyncSession, visitor: Visit, filter_id: int) -> None:
    saved = await session.get(SavedFilter, filter_id)
    if saved is not None and not saved.account and not visitor.may(Permission.REPORTS):
        raise NotPermitted


def _back(visitor: Visit) -> Response:
    """Return to the list as it was."""
    query = urlencode(of_query(visitor.form.text("back")))
    return visitor.go(f"/console/reports?{query}" if query else "/console/reports")


@router.get("/reports/map.json")
async def report_map(visitor: Looker) -> Response:
    """Return all reports that fit, put together by where they are, for one view of the map.

    ``bbox`` (west, south, east, north in degrees) and ``zoom`` are the view; without them it is the
    whole city.
    """
    given = visitor.request.query_params
    box, zoom = view_of(visitor.context.city, given)
    async with visitor.context.database.reading() as session:
        chosen = await _chosen(session, visitor, given)
        found = await clusters(session, chosen.wanted, box, zoom)
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
    export = await _noted_export(visitor, "csv")
    parts = exports.export_csv(visitor.context.database, export, _wording(visitor))
    return _download(parts, "text/csv; charset=utf-8", "csv")


@router.post("/reports/export.geojson")
async def export_geojson(visitor: Worker) -> Response:
    export = await _noted_export(visitor, "geojson")
    parts = exports.export_geojson(visitor.context.database, export, _wording(visitor))
    return _download(parts, "application/geo+json", "geojson")


@router.post("/reports/export.gpkg")
async def export_gpkg(visitor: Worker) -> Response:
    """Begin to write the list as a GeoPackage for the city's GIS; a page says when it is there."""
    export, context = await _noted_export(visitor, "gpkg"), visitor.context
    async with context.database.writing() as session:
        saved = await saved_exports.begin(
            session, export, account=visitor.actor, now=context.clock.now()
        )
    visitor.request.app.state.saved_exports.start(saved, export, _wording(visitor))
    return visitor.go(f"/console/reports/exports/{saved.id}")


@router.get("/reports/exports/{export_id}")
async def export_page(visitor: Worker, export_id: RowNumber) -> Response:
    """Show how far an export is; the file when it is ready."""
    return visitor.page("export.html", **await _shown_export(visitor, export_id))


@router.get("/reports/exports/{export_id}/live")
async def export_news(visitor: Worker, export_id: RowNumber) -> Response:
    """The same, asked for by the page itself while it is written."""
    return visitor.page("_export.html", **await _shown_export(visitor, export_id))


async def _shown_export(visitor: Visit, export_id: int) -> dict[str, Any]:
    saved, now = await _saved_export(visitor, export_id), visitor.context.clock.now()
    return {
        "saved": saved,
        "dead": saved_exports.is_dead(saved, now) or saved.state is Sending.STOPPED,
        "why": words.said(saved.error, visitor.language),
        "until": saved.created_at + saved_exports.KEPT_FOR,
    }


@router.get("/reports/exports/{export_id}/reports.gpkg")
async def export_file(visitor: Worker, export_id: RowNumber) -> Response:
    """Return an export that is ready."""
    saved = await _saved_export(visitor, export_id)
    path = saved_exports.path_of(visitor.context.settings.media_dir, saved)
    if saved.state is not Sending.DONE or not await asyncio.to_thread(path.is_file):
        raise Missing
    return FileResponse(
        path,
        media_type="application/geopackage+sqlite3",
        filename="reports.gpkg",
        headers={"Cache-Control": "no-store"},
    )


async def _saved_export(visitor: Visit, export_id: int) -> SavedExport:
    async with visitor.context.database.reading() as session:
        found = await saved_exports.find(session, export_id, visitor.actor)
    if found is None:
        raise Missing
    return found


async def _chosen(session: AsyncSession, visitor: Visit, given: Mapping[str, str]) -> Chosen:
    mine = await teams_of(session, visitor.actor)
    return read(given, mine=mine, now=visitor.context.clock.now())


def _wording(visitor: Visit) -> Wording:
    context = visitor.context
    return Wording(context.city, visitor.language, context.settings.public_url.rstrip("/"))


def view_of(city: City, given: Mapping[str, str]) -> tuple[Box, int]:
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


async def _noted_export(visitor: Visit, kind: str) -> Export:
    """Return the requested export; it is in the audit trail before any of it is sent.

    It has the cases of the list, and the reports that were joined to them.
    """
    context, form = visitor.context, visitor.form
    async with context.database.reading() as session:
        given = {name: form.text(name) for name in NAMES}
        chosen = await _chosen(session, visitor, given)
        export = await begin_export(session, chosen.wanted)
    async with context.database.writing() as session:
        await audit.record(
            session,
            context.clock.now(),
            actor=visitor.actor,
            action="report.exported",
            subject=f"export:{kind}",
            reports=export.number,
            filters={name: value for name, value in chosen.fields.items() if value},
        )
    return export


def _download(parts: AsyncIterator[str], media_type: str, kind: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="reports.{kind}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(parts, media_type=media_type, headers=headers)
