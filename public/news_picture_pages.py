"""Pictures of news, for everybody: LINE, mail programs, browsers and feed readers fetch them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from alerts.news.pictures import content_of
from city.context import Context
from core.web import PHOTO_POLICY, PublicRoute
from feeds.news_form import PICTURES

router = APIRouter(route_class=PublicRoute)
FRESH_SECONDS = 31_536_000
"""A picture never changes: another one has another code."""


@router.get(PICTURES + "/{code}.jpg")
async def picture(request: Request, code: str) -> Response:
    """Return a picture; 404 for a code that is none."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        content = await content_of(session, code)
    if content is None:
        return Response(status_code=404)
    return Response(
        content,
        media_type="image/jpeg",
        headers={
            "Content-Security-Policy": PHOTO_POLICY,
            "Cache-Control": f"public, max-age={FRESH_SECONDS}, immutable",
        },
    )
