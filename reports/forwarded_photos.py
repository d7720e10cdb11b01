"""Pictures that another office fetches with the link that came with a case."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from city.context import Context
from core.web import PHOTO_POLICY, PublicRoute
from reports.forwarding import PATH, PhotoLinks
from reports.photos import CONTENT_TYPE, photo_path

router = APIRouter(prefix=PATH, route_class=PublicRoute)


@router.get("/{token}.jpg")
async def forwarded_photo(request: Request, token: str) -> Response:
    """Show a picture that staff sent to another office; 404 for anybody without its link."""
    context: Context = request.app.state.context
    settings = context.settings
    links = PhotoLinks(settings.secret_key, settings.public_url)
    async with context.database.reading() as session:
        sha256 = await links.open(session, token, context.clock.now())
    path = None if sha256 is None else photo_path(settings.media_dir, sha256)
    if path is None or not await asyncio.to_thread(path.is_file):
        return Response(status_code=404)
    headers = {
        "Content-Security-Policy": PHOTO_POLICY,
        "Cache-Control": "private, no-store",
        "X-Robots-Tag": "noindex",
    }
    return FileResponse(path, media_type=CONTENT_TYPE, headers=headers)
