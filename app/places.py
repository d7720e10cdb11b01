"""Limit the number of pages made at once, so that the webhook never waits behind many of them.

Pages and webhooks share one event loop. If sixteen strangers ask for pages as fast as they can, a
webhook waits each time for a bit of work of all sixteen. So only a few pages are made at once.
Staff, the public, those who are not signed in, and pictures each have their own places. The
webhook, the health checks and static files need none.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.sessions import Sessions
from core.places import Full, PlaceGroup, busy
from public.drawing import MOST_AT_ONCE, MOST_WAITING

NEED_NO_PLACE = ("/line/", "/healthz", "/readyz", "/metrics", "/static/", "/console/static/")
PICTURES = ("/map/", "/calendar/")
TILES = "/tiles/"
CREWS = "/crew/"


class Places:
    """Gives each request for a page a place, or turns it away with 503."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions
        self._staff = PlaceGroup("staff", 4, 256)
        self._public = PlaceGroup("public", 4, 256)
        # More than may draw and wait in public.drawing, so that pictures in memory are still sent.
        self._pictures = PlaceGroup("pictures", MOST_AT_ONCE + MOST_WAITING + 2, 256)
        # Tiles may wait for another server; public.tiles limits that itself.
        self._tiles = PlaceGroup("tiles", 32, 512)
        # A crew's photo may take a minute on a poor line.
        self._crews = PlaceGroup("crews", 12, 128)
        self._strangers = PlaceGroup("strangers", 2, 64)

    def lane(self, scope: Scope) -> PlaceGroup | None:
        """Return where a request waits; None if it needs no place."""
        path = scope["path"]
        if path.startswith(NEED_NO_PLACE):
            return None
        if path.startswith(PICTURES):
            return self._pictures
        if path.startswith(TILES):
            return self._tiles
        if path.startswith(CREWS):
            return self._crews
        if not path.startswith("/console"):
            return self._public
        request = Request(scope)
        known = self._sessions.read_ended(request) or self._sessions.device(request).staff_ids
        return self._staff if known else self._strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lane = self.lane(scope) if scope["type"] == "http" else None
        if lane is None:
            await self._app(scope, receive, send)
            return
        try:
            await lane.take()
        except Full:
            await busy()(scope, receive, send)
            return
        taken = True

        def leave() -> None:
            nonlocal taken
            if taken:
                taken = False
                lane.leave()

        async def sending(message: Message) -> None:
            # The page is made. Sending it may take as long as the reader needs.
            leave()
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            leave()
