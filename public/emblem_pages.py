"""The city's emblem, as the pages, mails and phones fetch it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from city.city import City
from core.web import PublicRoute
from public.pages import cached, no_such_page

POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Opened alone, an SVG file is a page of this site; it may do nothing."""
DAY = "public, max-age=86400"
TYPES = {"svg": "image/svg+xml", "png": "image/png"}
router = APIRouter(route_class=PublicRoute)


@router.get("/emblem.{kind}")
async def emblem(request: Request, kind: str) -> Response:
    """Return a picture of the city's folder, as it was checked at the start."""
    city: City = request.app.state.context.city
    picture = city.emblem_files.get(kind)
    if picture is None or kind not in TYPES:
        return no_such_page(request)
    answer = cached(request, picture, TYPES[kind])
    answer.headers["Cache-Control"] = DAY
    answer.headers["Content-Security-Policy"] = POLICY
    return answer
