"""The web application: the rooms' pages and the webhook under one roof."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import health, webhook
from bot.chores import publisher
from channels.line import LineClient
from channels.public import pages as public_pages
from console import pages as console_pages
from core.city_folder import CityFolder
from core.context import Context
from feeds import api as feeds_api
from reports import open311
from reports import pages as repairs

FOR_PROGRAMS = ("/line/", "/feeds/", "/open311/", "/healthz", "/readyz", "/metrics", "/static/")
"""Addresses that programs ask; they are told of trouble in JSON."""

log = structlog.get_logger(__name__)


def create_app(context: Context, line: LineClient, *, folder: CityFolder) -> FastAPI:
    """Join the rooms.

    Parameters
    ----------
    context
        The service's parts; pages find it as ``request.app.state.context``.
    line
        The client for LINE, or for its stand-in.
    folder
        What only some pages need of the city: shelters, calendar, answers.
    """
    app = FastAPI(title="Todoke", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context = context
    app.state.line = line
    app.state.folder = folder
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(404, _no_such_page)
    app.add_exception_handler(Exception, _broken)
    app.state.publish = publisher(context.queue, context.city, context.clock)
    app.state.database_probe = health.DatabaseProbe(context)
    webhook.attach(app, context)
    for room in (health, webhook, feeds_api, open311, repairs, console_pages, public_pages):
        app.include_router(room.router)
    console_pages.mount_static(app)
    app.add_middleware(HeadAsGet)
    return app


class HeadAsGet:
    """Answers HEAD wherever there is something to get, as programs that watch a service ask.

    The server itself leaves the body away.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def _is_for_programs(request: Request) -> bool:
    return request.url.path.startswith(FOR_PROGRAMS)


async def _no_such_page(request: Request, _error: Exception) -> Response:
    """Answer an address that nothing has: people with a page, programs with JSON."""
    if _is_for_programs(request):
        return JSONResponse({"detail": "Not Found"}, 404)
    return public_pages.no_such_page(request)


async def _broken(request: Request, _error: Exception) -> Response:
    """Answer what failed; the server logs the error itself."""
    if _is_for_programs(request):
        return JSONResponse({"detail": "Internal Server Error"}, 500)
    return public_pages.broken(request)


async def _gone(request: Request, _error: Exception) -> Response:
    """Somebody went away before all they sent had come: no fault of ours, and nobody to tell."""
    log.info("request broken off", path=request.url.path)
    return Response(status_code=400)
