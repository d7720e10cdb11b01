"""``/signage``: a page for screens in stations, halls and shops, and the page to set one up.

A screen asks for what is new every three seconds. The answer is made once a second for all screens
with the same address, and is empty if nothing changed (RFC 9110, ``If-None-Match``).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from city.context import Context
from city.folder import CityFolder
from core.languages import LANGUAGES
from core.web import MAP_POLICY, PublicRoute
from public.notices import Board, public_board
from public.pages import cached, page
from public.signage_content import content, words
from public.signage_screen import MOST_LANGUAGES, Screen, screen_of
from response.models import ShelterStatus
from response.shelters import statuses

router = APIRouter(route_class=PublicRoute)

HOLDS = timedelta(seconds=1)
MOST_SCREENS = 500
"""Different addresses whose answers are kept for a second."""
NOW_HEADER = "X-Todoke-Time"
"""Milliseconds since 1970 by the city's clock: a small computer's own clock is often wrong."""
_STATIC = Path(__file__).parent / "static"


@dataclass
class Screens:
    """What all screens show, read from the database at most once a second."""

    _read_at: datetime | None = None
    _board: Board = field(default_factory=lambda: Board((), (), ()))
    _states: Mapping[str, ShelterStatus] = field(default_factory=dict)
    _made: dict[Screen, bytes] = field(default_factory=dict)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def body(self, screen: Screen, context: Context, folder: CityFolder) -> bytes:
        """Return what a screen shows, as JSON."""
        now = context.clock.now()
        async with self._reading:
            if self._read_at is None or abs(now - self._read_at) >= HOLDS:
                async with context.database.reading() as session:
                    municipality = context.city.jma.municipality
                    self._board = await public_board(session, now, municipality)
                    self._states = await statuses(session, drill=False)
                self._read_at = now
                self._made.clear()
        if screen not in self._made:
            if len(self._made) >= MOST_SCREENS:
                self._made.clear()
            shown = content(
                screen, self._board, folder.shelters, self._states, context.city, now
            ) | {"build": build()}
            self._made[screen] = json.dumps(
                shown, ensure_ascii=False, separators=(",", ":")
            ).encode()
        return self._made[screen]


@router.get("/signage")
async def signage(request: Request) -> Response:
    """The page of a screen; it stays open for months and asks for what is new by itself."""
    context: Context = request.app.state.context
    screen = screen_of(request.query_params, context.city)
    answer = page(
        request,
        "signage.html",
        screen=screen,
        words=json.dumps(words(screen.languages, context.city), ensure_ascii=False),
        build=build(),
    )
    answer.headers["Content-Security-Policy"] = MAP_POLICY
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@router.get("/signage/news.json")
async def news(request: Request) -> Response:
    """What the screen shows now; 304 if that is what it has."""
    context: Context = request.app.state.context
    screen = screen_of(request.query_params, context.city)
    if not hasattr(request.app.state, "screens"):
        request.app.state.screens = Screens()
    screens: Screens = request.app.state.screens
    body = await screens.body(screen, context, request.app.state.folder)
    answer = cached(request, body, "application/json")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers[NOW_HEADER] = str(round(context.clock.now().timestamp() * 1000))
    return answer


@router.get("/signage/worker.js")
async def worker(_request: Request) -> Response:
    """The service worker, which shows the page when there is no line at start."""
    headers = {
        "Service-Worker-Allowed": "/signage",
        "Cache-Control": "no-cache",
        # The worker loads the page itself, so its own policy must allow that.
        "Content-Security-Policy": MAP_POLICY,
    }
    return FileResponse(
        _STATIC / "signage_worker.js", media_type="text/javascript", headers=headers
    )


@router.get("/signage/setup")
async def setup(request: Request) -> Response:
    """Choose languages, place, topics and districts; shows the address and its QR code."""
    context: Context = request.app.state.context
    several = {
        name: ",".join(request.query_params.getlist(name)) for name in ("lang", "topics", "area")
    }
    place = request.query_params.get("near", "")[:60]
    asked = {**several, "near": place}
    screen = screen_of(asked, context.city)
    return page(
        request,
        "signage_setup.html",
        screen=screen,
        place=place,
        place_is_wrong=bool(place.strip()) and screen.near is None,
        most_languages=MOST_LANGUAGES,
        listed=[LANGUAGES[code] for code in context.city.languages],
        address=screen.address(context.settings.public_url),
    )


@router.get("/signage/code.svg")
async def code(request: Request) -> Response:
    """The QR code of a screen's address; never of another address."""
    context: Context = request.app.state.context
    screen = screen_of(request.query_params, context.city)
    drawn = io.BytesIO()
    made = segno.make(screen.address(context.settings.public_url), error="m", micro=False)
    made.save(drawn, kind="svg", scale=5, border=4, light="#fff")
    return cached(request, drawn.getvalue(), "image/svg+xml")


@cache
def build() -> str:
    """Return a mark of the page's files: a screen with other files loads itself again."""
    made = hashlib.sha256()
    for path in (*sorted(_STATIC.glob("signage*")), _STATIC.parent / "templates/signage.html"):
        made.update(path.read_bytes())
    return made.hexdigest()[:12]
