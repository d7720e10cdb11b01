"""What every map needs of the city (docs/maps.md): outlines, danger areas, rivers, places by name.

All of it is public: it comes from the city's folder, and nothing of it is about a person.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Set
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response

from city.context import Context
from city.folder import CityFolder
from city.hazards import FILES
from city.shapes import box_of, district_geojson, rivers_geojson, zones_geojson
from city.shelters import Hazard, Shelter
from core.languages import reads_japanese
from core.places import Full, PlaceGroup, busy
from core.web import PublicRoute
from feeds.evacuation import hazards_at, safe_sites
from feeds.in_force import public_notices
from public.pages import cached, language_of
from public.report_pages import Names, wanted_of
from public.tiles import Tiles
from public.words import (
    CATALOGUE,
    HAZARDS,
    LIFELINE_COLOURS,
    lifeline_kind,
    lifeline_lines,
    lifeline_state,
    safe_in_case_of,
    state_name,
)
from reports import published
from reports.kinds import city_now
from reports.published import PublicCase
from reports.states import PUBLISHED, ReportState
from response.lifelines import listed_now
from response.models import Lifeline, ShelterState, ShelterStatus
from response.shelters import statuses

router = APIRouter(route_class=PublicRoute)

MOST_LETTERS = 100
MOST_CASES = 500
"""Cases on the public map, the newest ones."""
COLOURS = {"orange": "amber"}
SITE_COLOURS = {
    ShelterState.OPEN: "green",
    ShelterState.FULL: "amber",
    ShelterState.CLOSED: "grey",
}
CODES = {hazard: name for name, hazard in FILES.items()}
_looking = PlaceGroup("places", 2, 20)


@router.get("/maps/city.json")
async def city_map(request: Request) -> Response:
    """Return the outlines and the layers of the city's maps, with names in one language."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    language = language_of(request, context.city)
    hazards = {zone.hazard for zone in folder.hazard_zones}
    found: dict[str, Any] = {
        "districts": district_geojson(context.city, language),
        "box": box_of(context.city),
        "hazards": [
            {"code": hazard_code(hazard), "name": CATALOGUE.text(language, name)}
            for hazard, name in HAZARDS.items()
            if hazard in hazards
        ],
        "rivers": rivers_geojson(folder.rivers, language) if folder.rivers else None,
        "tiles": _tiles(request),
    }
    return _answered(request, found)


@router.get("/maps/hazards/{hazard}.json")
async def hazard_map(request: Request, hazard: str) -> Response:
    """Return the areas that one danger can reach; 404 if the city has none."""
    folder: CityFolder = request.app.state.folder
    zones = [zone for zone in folder.hazard_zones if hazard_code(zone.hazard) == hazard]
    if not zones:
        return Response(status_code=404)
    return _answered(request, zones_geojson(zones))


@router.get("/maps/places.json")
async def places(request: Request, q: str = "") -> Response:
    """Return the places that a text may mean, at most six: ``{"places": [{name, longitude,
    latitude}]}``, degrees, WGS 84.
    """
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    language = language_of(request, context.city)
    try:
        async with _looking.place():
            found = await asyncio.to_thread(folder.places.find, q[:MOST_LETTERS])
    except Full:
        return busy()
    listed = [
        {"name": one.shown(language), "longitude": one.longitude, "latitude": one.latitude}
        for one in found.places
    ]
    body = json.dumps({"places": listed}, ensure_ascii=False).encode()
    # What somebody looks for is kept by nobody.
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/maps/shelters.json")
async def shelter_map(request: Request) -> Response:
    """Return the evacuation sites with their state, those for the dangers of now in green."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    language = language_of(request, context.city)
    async with context.database.reading() as session:
        notices = await public_notices(session, context.city.jma.municipality, context.clock.now())
        states = await statuses(session, drill=False)
    safe, _ = safe_sites(folder.shelters, hazards_at(notices, None))
    codes = {site.code for site in safe}
    features = [
        _point(site.longitude, site.latitude, _site(site, states.get(site.code), codes, language))
        for site in folder.shelters
    ]
    return _answered(request, {"features": {"type": "FeatureCollection", "features": features}})


@router.get("/maps/lifelines.json")
async def lifeline_map(request: Request) -> Response:
    """Return what staff list of water, power, shops and roads, where it has a position."""
    context: Context = request.app.state.context
    language = language_of(request, context.city)
    async with context.database.reading() as session:
        found = await listed_now(session, context.clock.now(), drill=False)
    features = [
        _point(one.longitude, one.latitude, _lifeline(one, language))
        for one in found
        if one.longitude is not None and one.latitude is not None
    ]
    return _answered(request, {"features": {"type": "FeatureCollection", "features": features}})


@router.get("/maps/reports.json")
async def repairs_map(request: Request) -> Response:
    """Return the public cases of the page's filter, the newest :data:`MOST_CASES`."""
    context: Context = request.app.state.context
    now, language = context.clock.now(), language_of(request, context.city)
    if not context.city.publish_reports:
        return Response(status_code=404)
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        wanted = wanted_of(request, city)
        found = await published.cases(session, city, now, wanted, most=MOST_CASES + 1)
    names = Names(city, language, now)
    shown: dict[str, Any] = {
        "features": {
            "type": "FeatureCollection",
            "features": [
                _point(*case.place, _case(case, names)) for case in found[:MOST_CASES] if case.place
            ],
        },
        "legend": [
            {"colour": case_colour(state), "name": state.heading(language)} for state in PUBLISHED
        ],
    }
    if len(found) > MOST_CASES:
        note = CATALOGUE.text(language, "The newest {n} are on the map.", n=MOST_CASES)
        shown["note"] = note
    return _answered(request, shown)


@router.get("/maps/reports/{number}.json")
async def repair_map(request: Request, number: str) -> Response:
    """Return one public case for the map of its page; 404 for every other number."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        case = await published.case_called(session, city, number)
    if case is None or case.number != number or case.place is None:
        return Response(status_code=404)
    names = Names(city, language_of(request, context.city), context.clock.now())
    about = {**_case(case, names), "middle": True}
    about.pop("href")
    features = [_point(*case.place, about)]
    return _answered(request, {"features": {"type": "FeatureCollection", "features": features}})


def _case(case: PublicCase, names: Names) -> dict[str, Any]:
    return {
        "title": f"{names.kind(case.category)} ({names.state(case.state)})",
        "href": f"/reports/{case.number}?lang={names.language}",
        "colour": case_colour(case.state),
        "lines": [case.number],
    }


def case_colour(state: ReportState) -> str:
    """Return the colour of a case on a map (docs/maps.md)."""
    return COLOURS.get(state.facts.colour, state.facts.colour)


def _site(
    site: Shelter, status: ShelterStatus | None, safe: Set[str], language: str
) -> dict[str, Any]:
    name = f"{site.english} ({site.name})" if site.english else site.name
    about: dict[str, Any] = {
        "title": site.name if reads_japanese(language) else name,
        "colour": "blue" if site.code in safe else "grey",
        "lines": [safe_in_case_of(site.hazards, language)],
    }
    if status is not None:
        about["colour"] = SITE_COLOURS[status.state]
        about["lines"].insert(0, state_name(status.state, language))
    if site.code not in safe:
        about["colour"] = "grey"
        about["lines"].append(
            CATALOGUE.text(language, "Not for the danger now: do not go to these sites")
        )
    return about


def _lifeline(one: Lifeline, language: str) -> dict[str, Any]:
    state = lifeline_state(one.kind, one.state, language)
    return {
        "title": f"{lifeline_kind(one.kind, language)}: {one.name}",
        "colour": LIFELINE_COLOURS[one.state],
        "lines": [state, *lifeline_lines(one, language)],
    }


def _point(longitude: float, latitude: float, about: dict[str, Any]) -> dict[str, Any]:
    place = [round(longitude, 6), round(latitude, 6)]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": place},
        "properties": about,
    }


def hazard_code(hazard: Hazard) -> str:
    """Return the name of a hazard in addresses, as the file of its zones has it."""
    return CODES[hazard]


def _tiles(request: Request) -> dict[str, Any] | None:
    tiles: Tiles = request.app.state.tiles
    return asdict(tiles.facts) if tiles.facts else None


def _answered(request: Request, found: dict[str, Any]) -> Response:
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    return cached(request, body, "application/json")
