"""GeoJSON (RFC 7946): what is in force, and the evacuation sites with their state.

Positions are WGS 84, longitude first. Outer rings run counterclockwise and holes clockwise
(RFC 7946, 3.1.6).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from fastapi import APIRouter, Request, Response

from city.city import City, name_in
from city.context import Context
from city.folder import CityFolder
from city.shelters import Shelter
from core.geo import Position
from core.web import PublicRoute
from feeds.evacuation import hazards_at, safe_sites
from feeds.in_force import InForce, in_force, public_notices
from public.cap_acts import areas_in_force
from public.feeds import identity_of, notice_url
from public.notice_feeds import chosen_of
from public.notices import reader_words
from public.pages import language_of
from public.validators import validated
from response.models import ShelterStatus
from response.shelters import statuses

TYPE = "application/geo+json"
router = APIRouter(route_class=PublicRoute)
Ring = Sequence[Position]


@router.get("/feeds/in-force.geojson")
async def in_force_geojson(request: Request) -> Response:
    """Return the dangers in force, the gravest first, each with its districts' outlines."""
    context: Context = request.app.state.context
    city, now = context.city, context.clock.now()
    chosen = chosen_of(request, city)
    if chosen is None:
        return Response(status_code=404)
    async with context.database.reading() as session:
        found = await in_force(session, city.jma.municipality, now)
        public = [one for one in found if one.notice is not None]
        places = await areas_in_force(session, [one.notice for one in public if one.notice], city)
    language, url = language_of(request, city), context.settings.public_url
    seen: set[int | None] = set()
    features = []
    for one in public:
        assert one.notice is not None
        if one.notice.id not in seen and chosen.concerns(one.notice):
            seen.add(one.notice.id)
            areas = places.get(one.notice.id or 0, tuple(one.notice.areas))
            features.append(_danger(one, areas, city, language, url))
    return validated(request, _collection(features), TYPE, now)


@router.get("/feeds/shelters.geojson")
async def shelters_geojson(request: Request) -> Response:
    """Return the evacuation sites, with what staff say of them and whether they are safe now."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    city, now = context.city, context.clock.now()
    async with context.database.reading() as session:
        notices = await public_notices(session, city.jma.municipality, now)
        states = await statuses(session, drill=False)
    safe, _ = safe_sites(folder.shelters, hazards_at(notices, None))
    codes = {site.code for site in safe}
    features = [
        _site(site, states.get(site.code), city, safe=site.code in codes)
        for site in folder.shelters
    ]
    return validated(request, _collection(features), TYPE, now)


def _collection(features: list[dict[str, Any]]) -> bytes:
    found = {"type": "FeatureCollection", "features": features}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def _danger(
    one: InForce, areas: tuple[str, ...], city: City, language: str, url: str
) -> dict[str, Any]:
    notice = one.notice
    assert notice is not None
    title, text, spoken = reader_words(notice, language)
    return {
        "type": "Feature",
        "id": identity_of(url, notice.id),
        "geometry": geometry_of(areas, city),
        "properties": {
            "topic": notice.topic,
            "kind": one.kind,
            "level": one.level,
            "intensity": one.intensity or None,
            "emergency": notice.emergency,
            "areas": list(areas),
            "since": one.since.isoformat(),
            "until": one.until.isoformat() if one.until else None,
            "title": title,
            "text": text,
            "language": spoken,
            "url": notice_url(url, notice, language),
            "cap": f"{url}/feeds/cap/{notice.with_id or notice.id}.xml",
        },
    }


def _site(site: Shelter, status: ShelterStatus | None, city: City, *, safe: bool) -> dict[str, Any]:
    district = city.district_at(site.longitude, site.latitude)
    return {
        "type": "Feature",
        "id": site.code,
        "geometry": {"type": "Point", "coordinates": [site.longitude, site.latitude]},
        "properties": {
            "name": site.name,
            "name_kana": site.kana or None,
            "name_english": site.english or None,
            "address": site.address or None,
            "phone": site.phone or None,
            "district": district.code if district else None,
            "district_name": name_in(district.names, "ja") if district else None,
            "safe_for": sorted(hazard.value for hazard in site.hazards),
            "safe_now": safe,
            "people_can_stay": site.also_shelter,
            "capacity": site.capacity,
            "state": status.state.value if status else None,
            "heads": status.heads if status else None,
            "offers": list(status.offers) if status else [],
            "changed_at": status.changed_at.isoformat() if status else None,
        },
    }


def geometry_of(areas: Sequence[str], city: City) -> dict[str, Any] | None:
    """Return the outlines of some districts, of all for none; None if there are no outlines."""
    named = [city.district_by_code[code] for code in areas if code in city.district_by_code]
    districts = named if areas else list(city.districts)
    polygons = [
        [_wound(ring, outer=not place) for place, ring in enumerate(polygon)]
        for district in districts
        for polygon in district.polygons
    ]
    if not polygons:
        return None
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _wound(ring: Ring, *, outer: bool) -> list[list[float]]:
    """Return a closed ring in the right direction."""
    closed = [*ring] if ring[0] == ring[-1] else [*ring, ring[0]]
    twice = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(closed))
    if (twice > 0) != outer:
        closed.reverse()
    return [[longitude, latitude] for longitude, latitude in closed]
