"""``/tiles/{z}/{x}/{y}.png``: the pictures under the city's maps (docs/maps.md)."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request, Response

from city.tile_files import media_type
from core.web import PublicRoute
from public.tiles import NoTile, Tiles, TileTrouble

router = APIRouter(route_class=PublicRoute)

FRESH_SECONDS = 604_800
AGAIN_SECONDS = 30


@router.get("/tiles/{zoom}/{x}/{y}.png")
async def tile(request: Request, zoom: str, x: str, y: str) -> Response:
    """Return one tile; 404 where there is none, 503 when it cannot be had now."""
    tiles: Tiles = request.app.state.tiles
    numbers = (zoom, x, y)
    if not all(part.isascii() and part.isdigit() and len(part) <= 7 for part in numbers):
        return Response(status_code=404)
    try:
        picture = await tiles.tile(*map(int, numbers))
    except NoTile:
        return Response(status_code=404, headers={"Cache-Control": "public, max-age=3600"})
    except TileTrouble:
        headers = {"Cache-Control": "no-store", "Retry-After": str(AGAIN_SECONDS)}
        return Response(status_code=503, headers=headers)
    etag = f'"{hashlib.sha256(picture).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={FRESH_SECONDS}",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if request.headers.get("if-none-match", "")[:200].removeprefix("W/") == etag:
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type=media_type(picture), headers=headers)
