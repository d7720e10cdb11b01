"""The web application: the packages' pages and the webhook."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app import forwarding, health
from app.jobs import publisher_now
from app.media import media_of
from app.own_words import WordsNow, attach_words
from app.places import Places
from app.rehearsals import RehearsalResults
from app.relay_watch import relay_fault
from app.rule_trials import RuleTrials
from app.sandbox import show_band
from bot import data_pages, kind_preview, survey_preview, webhook, word_preview
from bot.chat_replies import ChatReplies
from bot.question_check import QuestionChecker
from channels.line.client import LineClient
from channels.line.medium import LINE
from city.context import Context
from city.folder import CityFolder
from console import crew_pages, site_pages
from console import pages as console_pages
from console.sessions import Sessions
from core.tallies import Tallies
from feeds import api as feeds_api
from public import (
    calendar_pages,
    call_up_pages,
    cap_feeds,
    emblem_pages,
    event_stream,
    follow_pages,
    geo_feeds,
    link_pages,
    look_pages,
    map_data,
    map_pages,
    news_picture_pages,
    notice_feeds,
    notice_pages,
    portal_pages,
    push_pages,
    safety_pages,
    sent_photo_pages,
    settings_pages,
    shelter_pages,
    signage_pages,
    telephone_pages,
    tile_pages,
)
from public import pages as public_pages
from public import report_feeds as repair_feeds
from public import report_pages as repairs
from public.cap_signing import read_key
from public.event_watch import EventWatch
from public.links import Links
from public.push_pages import PushDoor
from public.tiles import FOLDER as KEPT_TILES
from public.tiles import Tiles
from reports import forwarded_photos, open311
from reports.residents_told import Residents
from reports.saved_exports import SavedExports

FOR_PROGRAMS = ("/line/", "/feeds/", "/open311/", "/healthz", "/readyz", "/metrics", "/static/")
"""Addresses for programs; their errors are JSON."""

PAGES = (
    *(
        health,
        webhook,
        feeds_api,
        open311,
        forwarded_photos,
        repairs,
        repair_feeds,
        map_pages,
        map_data,
        news_picture_pages,
        tile_pages,
        sent_photo_pages,
        notice_pages,
        portal_pages,
        shelter_pages,
        look_pages,
        emblem_pages,
        push_pages,
        signage_pages,
        telephone_pages,
    ),
    *(
        follow_pages,
        safety_pages,
        settings_pages,
        link_pages,
        data_pages,
        calendar_pages,
        call_up_pages,
        site_pages,
        crew_pages,
    ),
    *(notice_feeds, cap_feeds, geo_feeds, event_stream),
    *(console_pages, public_pages),
)
"""Modules with the routers of all addresses."""

log = structlog.get_logger(__name__)


def create_app(context: Context, line: LineClient, *, folder: CityFolder) -> FastAPI:
    """Join the packages.

    Parameters
    ----------
    context
        The service's parts; pages find it as ``request.app.state.context``.
    line
        The client for LINE, or for the simulator.
    folder
        Data of the city for some pages: shelters, calendar, answers.
    """
    app = FastAPI(
        title="Todoke",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Starlette's own redirect goes where the request's Host header says.
        redirect_slashes=False,
    )
    app.state.context = context
    app.state.line = line
    attach_words(app, WordsNow(context, folder, context.settings.city))
    app.state.media = media_of(context.settings, context.city)
    app.state.push = PushDoor.of(context)
    app.state.events = EventWatch(context)
    app.state.tallies = Tallies(context.database, context.clock)
    app.state.links = Links(context.settings.secret_key, context.settings.public_url)
    app.state.mail_door = follow_pages.MailDoor.of(context.settings)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(404, _no_such_page)
    app.add_exception_handler(405, _no_such_method)
    app.add_exception_handler(Exception, _broken)
    app.state.tiles = Tiles(
        context.city,
        folder.tiles,
        context.http,
        context.settings.media_dir / KEPT_TILES,
        source=context.settings.tiles_url,
    )
    app.state.publish = publisher_now(context, app.state.media)
    app.state.rehearsals = RehearsalResults(context)
    app.state.rule_trials = RuleTrials(context)
    app.state.saved_exports = SavedExports(context)
    app.state.residents = Residents(context, LINE)
    app.state.kind_cards = kind_preview.cards
    app.state.word_cards = word_preview.cards
    app.state.relay_fault = partial(relay_fault, context)
    app.state.question_checker = QuestionChecker()
    app.state.chat_replies = ChatReplies(context.queue)
    app.state.survey_cards = survey_preview.cards
    if context.settings.cap_key is not None:
        app.state.cap_signing = read_key(context.settings.cap_key)
    app.state.database_probe = health.DatabaseProbe(context)
    app.state.folder_probe = health.FolderProbe(context.settings.media_dir)
    webhook.attach(app, context, line)
    for pages in PAGES:
        app.include_router(pages.router)
    console_pages.mount_static(app)
    secure = context.settings.public_url.startswith("https:")
    app.add_middleware(Places, sessions=Sessions(context.settings.secret_key, secure=secure))
    if context.settings.sandbox:
        show_band(app)
    app.add_middleware(HeadAsGet)
    app.state.forwarding = forwarding.Forwarding()
    app.add_middleware(
        forwarding.ForwardingWatch, settings=context.settings, seen=app.state.forwarding
    )
    return app


class HeadAsGet:
    """Answers HEAD on every address that answers GET, for monitoring programs.

    The server leaves out the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def _is_for_programs(request: Request) -> bool:
    return request.url.path.startswith(FOR_PROGRAMS)


def _is_open311(request: Request) -> bool:
    """Whether an address is one of Open311, whose errors have a form of their own."""
    return request.url.path.startswith(open311.PREFIX)


async def _no_such_page(request: Request, _error: Exception) -> Response:
    """Answer an unknown address: people get a page, programs get JSON.

    If only the slash at the end is wrong, the answer redirects to the right address.
    """
    if (right := _with_other_slash(request)) is not None:
        return RedirectResponse(right, 307)
    if _is_open311(request):
        return open311.unanswered(request, 404)
    if _is_for_programs(request):
        return JSONResponse({"detail": "Not Found"}, 404)
    return public_pages.no_such_page(request)


async def _no_such_method(request: Request, error: Exception) -> Response:
    """Answer a method that an address does not take; ``Allow`` names those that it does."""
    allowed = getattr(error, "headers", None) or {}
    if _is_open311(request):
        answer = open311.unanswered(request, 405)
        answer.headers.update(allowed)
        return answer
    return JSONResponse({"detail": "Method Not Allowed"}, 405, headers=allowed)


def _with_other_slash(request: Request) -> str | None:
    """Return the same address with or without the slash at its end, on this host, or None.

    A path that begins with two slashes would be another host's address.
    """
    path = request.url.path
    if "endpoint" in request.scope or path == "/" or path.startswith("//") or "\\" in path:
        return None
    other = path.rstrip("/") if path.endswith("/") else f"{path}/"
    scope = {**request.scope, "path": other}
    if all(route.matches(scope)[0] is Match.NONE for route in request.app.router.routes):
        return None
    query = request.url.query
    return quote(other) + (f"?{query}" if query else "")


async def _broken(request: Request, _error: Exception) -> Response:
    """Answer a failed request; the server logs the error."""
    if _is_open311(request):
        return open311.unanswered(request, 500)
    if _is_for_programs(request):
        return JSONResponse({"detail": "Internal Server Error"}, 500)
    return public_pages.broken(request)


async def _gone(request: Request, _error: Exception) -> Response:
    """The client disconnected before its request was complete: no fault of ours.

    The log has the route and not the address: what is secret in a link to a page of somebody's own
    opens it to whoever reads the log.
    """
    route = request.scope.get("route")
    log.info("request.interrupted", path=getattr(route, "path", ""))
    return Response(status_code=400)
