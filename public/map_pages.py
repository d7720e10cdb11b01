"""The maps of the conversation: a pin and its surroundings, at an address that nobody can guess."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import APIRouter, Request, Response

from city.context import Context
from city.folder import CityFolder
from city.map_picture import draw_map, draw_sites
from core.places import Full, busy
from core.web import PublicRoute
from public.drawing import made
from public.pictures import MapAddresses

router = APIRouter(route_class=PublicRoute)

FRESH_SECONDS = 86_400
LONGEST_NAME = 200


@router.get("/map/sites-{sites}.png")
async def sites_picture(request: Request, sites: str) -> Response:
    """Return the map of sites of a name that we made; 404 for any other."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    found = MapAddresses(context.settings.secret_key).sites(sites[:LONGEST_NAME])
    if found is None:
        return Response(status_code=404)
    roads = [line for owner in context.city.owners for line in owner.lines]
    return await _drawn(partial(draw_sites, context.city, folder.places, *found, roads))


@router.get("/map/{name}.png")
async def map_picture(request: Request, name: str) -> Response:
    """Return the map of a name that we made; 404 for any other."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    place = MapAddresses(context.settings.secret_key).place(name[:64])
    if place is None:
        return Response(status_code=404)
    roads = [line for owner in context.city.owners for line in owner.lines]
    return await _drawn(partial(draw_map, context.city, folder.places, place, roads))


async def _drawn(make: Callable[[], bytes]) -> Response:
    try:
        drawn = await made(make)
    except Full:
        return busy()
    headers = {
        "Cache-Control": f"private, max-age={FRESH_SECONDS}",
        "X-Robots-Tag": "noindex",
    }
    return Response(drawn, media_type="image/png", headers=headers)
