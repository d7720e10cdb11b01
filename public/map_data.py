"""What every map needs of the city (docs/maps.md): outlines, danger areas, rivers, places by name.

All of it is public: it comes from the city's folder, and nothing of it is about a person.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response

from city.context import Context
from city.folder import CityFolder
from city.hazards import FILES
from city.shapes import box_of, district_geojson, rivers_geojson, zones_geojson
from city.shelters import Hazard
from core.places import Full, PlaceGroup, busy
from core.web import PublicRoute
from public.pages import cached, language_of
from public.tiles import Tiles
from public.words import CATALOGUE, HAZARDS

router = APIRouter(route_class=PublicRoute)

MOST_LETTERS = 100
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


def hazard_code(hazard: Hazard) -> str:
    """Return the name of a hazard in addresses, as the file of its zones has it."""
    return CODES[hazard]


def _tiles(request: Request) -> dict[str, Any] | None:
    tiles: Tiles = request.app.state.tiles
    return asdict(tiles.facts) if tiles.facts else None


def _answered(request: Request, found: dict[str, Any]) -> Response:
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    return cached(request, body, "application/json")
