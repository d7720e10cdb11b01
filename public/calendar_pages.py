"""Calendars to subscribe to, of collection days and of events; and a month as a picture."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date
from functools import partial
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from city.context import Context
from city.folder import CityFolder
from core.clock import in_japan
from core.kept import KeptBytes
from core.places import Full, busy
from core.web import PublicRoute
from public.city_events import city_events
from public.drawing import MONTHS, made
from public.ics import collection_calendar, event_calendar
from public.month_picture import can_draw, draw_month, month_of
from public.notice_feeds import chosen_of, feed_title
from public.pages import cached, language_of, no_such_page

MONTHS_BACK, MONTHS_AHEAD = 1, 12
router = APIRouter(route_class=PublicRoute)


@router.get("/calendar/events.ics")
async def events(request: Request) -> Response:
    """Return the city's events of ``?topic=…&area=…``, in the language of ``?lang=``."""
    context: Context = request.app.state.context
    city = context.city
    chosen = chosen_of(request, city)
    if chosen is None:
        return no_such_page(request)
    language = language_of(request, city)
    async with context.database.reading() as session:
        found = await city_events(session, context.clock.now(), chosen)
    title = feed_title(city, language, chosen)
    public_url = context.settings.public_url
    body = event_calendar(found, city, language, title, public_url=public_url)
    return _answer(request, body, "events")


@router.get("/calendar/{district}.ics")
async def calendar(request: Request, district: str) -> Response:
    """Return the collection days of a district, in the language of ``?lang=``."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    found = context.city.district_by_code.get(district)
    if found is None or not folder.calendar.days:
        return no_such_page(request)
    language, now = language_of(request, context.city), in_japan(context.clock.now())
    kept: KeptBytes = request.app.state.calendars
    make = partial(
        collection_calendar,
        context.city,
        folder.calendar,
        found,
        language,
        now,
        host=urlsplit(context.settings.public_url).hostname or "localhost",
    )
    try:
        body = await _kept(kept, (found.code, language, now.date()), make)
    except Full:
        return busy()
    return _answer(request, body, district)


def _answer(request: Request, body: bytes, name: str) -> Response:
    response = cached(request, body, "text/calendar; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Content-Disposition"] = f'inline; filename="{name}.ics"'
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@router.get("/calendar/{picture}.png")
async def month(request: Request, picture: str) -> Response:
    """Return a month of a district (``DISTRICT-YYYY-MM``), in the language of ``?lang=``."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    code, _, written = picture[:48].rpartition("-")
    code, _, year = code.rpartition("-")
    district = context.city.district_by_code.get(code)
    first = _month(year, written)
    language = language_of(request, context.city)
    today = in_japan(context.clock.now()).date()
    if district is None or first is None or not folder.calendar.days or not can_draw(language):
        return no_such_page(request)
    ahead = (first.year - today.year) * 12 + first.month - today.month
    if not -MONTHS_BACK <= ahead <= MONTHS_AHEAD:
        return no_such_page(request)
    wanted = month_of(folder.calendar, district, first, language)
    try:
        drawn = await _kept(MONTHS, wanted, partial(draw_month, wanted))
    except Full:
        return busy()
    response = cached(request, drawn, "image/png")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


async def _kept(kept: KeptBytes, key: Hashable, make: Callable[[], bytes]) -> bytes:
    """Return a file from memory, or make it; raises :class:`Full`."""

    def make_once() -> bytes:
        # Another request may have made it while this one waited.
        file = kept.get(key) or make()
        kept.put(key, file)
        return file

    return kept.get(key) or await made(make_once)


def _month(year: str, month: str) -> date | None:
    if not (year.isdecimal() and month.isdecimal() and len(year) == 4 and len(month) == 2):
        return None
    return date(int(year), int(month), 1) if 1 <= int(month) <= 12 and int(year) else None
