"""``/``: the city's front page for everybody who has no LINE."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from city.city import City
from city.context import Context
from city.folder import CityFolder
from core.clock import in_japan
from core.web import PublicRoute
from public.district_picture import district_picture
from public.notice_search import MOST_LETTERS, Wanted, search
from public.pages import language_of, page
from public.portal import places_by_level, places_of, read_portal
from public.qr import code_picture

router = APIRouter(route_class=PublicRoute)


@router.get("/")
async def front_page(request: Request) -> Response:
    """Show what is in force, earlier notices or those looked for, and the ways to follow."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    city, now = context.city, context.clock.now()
    language = language_of(request, city)
    wanted = _wanted(request, city)
    async with context.database.reading() as session:
        portal = await read_portal(session, city, now)
        found = await search(session, wanted, language, now) if wanted else None
    levels = portal.levels(city)
    return page(
        request,
        "portal.html",
        portal=portal,
        board=portal.board,
        wanted=wanted,
        found=found,
        picture=district_picture(city, levels),
        by_level=places_by_level(levels, city, language),
        places_of=places_of,
        month=f"{in_japan(now):%Y-%m}",
        has_calendar=bool(folder.calendar.days),
        account=account_address(city),
        code_picture=code_picture,
    )


def account_address(city: City) -> str:
    """Return the address that adds the LINE account; "" if the city did not say its id.

    https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/
    """
    return f"https://line.me/R/ti/p/{quote(city.line_id, safe='')}" if city.line_id else ""


def _wanted(request: Request, city: City) -> Wanted:
    """Return what the address asks for; a topic or district that the city does not have is none."""
    asked = request.query_params
    topic, district = asked.get("topic", ""), asked.get("district", "")
    return Wanted(
        topic=topic if topic in city.topic_by_code else "",
        district=district if district in city.district_by_code else "",
        words=" ".join(asked.get("q", "")[:MOST_LETTERS].split()),
    )
