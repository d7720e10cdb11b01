"""Photos that went to residents with an answer, at addresses that nobody can guess."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from city.context import Context
from core.web import PHOTO_POLICY, PublicRoute
from reports.answers import sent_photo
from reports.photo_links import PATH, PhotoLinks
from reports.photos import photo_path

router = APIRouter(route_class=PublicRoute)
FRESH_SECONDS = 86_400


@router.get(PATH + "/{name}.jpg")
async def photo(request: Request, name: str) -> Response:
    """Return the photo of an address that we made; 404 for any other, and after its time."""
    context: Context = request.app.state.context
    small, sealed = name.startswith("s-"), name.removeprefix("s-")
    links = PhotoLinks("", context.settings.secret_key)
    number = links.photo(sealed, context.clock.now())
    if number is None:
        return Response(status_code=404)
    async with context.database.reading() as session:
        sha256 = await sent_photo(session, number)
    if sha256 is None:
        return Response(status_code=404)
    path = photo_path(context.settings.media_dir, sha256, thumbnail=small)
    if not await asyncio.to_thread(path.is_file):
        return Response(status_code=404)
    return FileResponse(
        path,
        media_type="image/jpeg",
        headers={
            "Content-Security-Policy": PHOTO_POLICY,
            "Cache-Control": f"private, max-age={FRESH_SECONDS}",
            "X-Robots-Tag": "noindex",
        },
    )
