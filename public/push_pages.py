"""Following in a browser by web push: choices, without an account and without a name.

A browser shows who it is by its subscription. The subscription has a secret, ``auth``, that only
the browser and we know; the push service does not. So nothing else is given out and nothing else is
asked for. Whoever gives up leaves nothing behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from channels.webpush.addresses import PushAddress, PushServices, address_of, endpoint_hash
from channels.webpush.medium import NAME
from channels.webpush.vapid import Vapid
from city.city import City, name_in
from city.context import Context
from core.errors import BadInput
from core.languages import LANGUAGES, mark, match_language, tag_of
from core.web import Form, PublicRoute, read_form
from public import choices
from public.choices import clock_time, level_name, minutes_of
from public.pages import language_of, no_such_page, rendered
from public.push_limit import SignUpLimit
from public.settings_pages import Choice, TopicField, is_ours
from public.words import CATALOGUE
from subscriptions import other_media
from subscriptions import residents as registry
from subscriptions.models import ResidentState

PATH = "/follow/push"
STATIC = Path(__file__).parent / "static"
PUSH_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
MOST_SUBSCRIPTION = 4_000
"""Characters of a subscription's JSON."""
_PICTURES = "/static/public/push"
OWN_ICONS = [
    {"src": f"{_PICTURES}/app-192.png", "sizes": "192x192", "type": "image/png"},
    {"src": f"{_PICTURES}/app-512.png", "sizes": "512x512", "type": "image/png"},
    {
        "src": f"{_PICTURES}/app-maskable-512.png",
        "sizes": "512x512",
        "type": "image/png",
        "purpose": "maskable",
    },
]
"""Of the installed page, if the city has no emblem."""

NEWS = mark("There is news from the city. Tap here to read it.")
OFFLINE = mark("There is no network. This page is from {time}.")

log = structlog.get_logger(__name__)


class _NotTaken(Exception):
    """What a browser asked is not taken, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _SaysWhyNot(APIRoute):
    """Says in JSON what is not taken."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except _NotTaken as refusal:
                return _answer({"error": str(refusal)}, refusal.status)

        return handler


class _PushRoute(PublicRoute, _SaysWhyNot):
    """The security headers of ``PublicRoute`` stand on a refusal too."""


router = APIRouter(route_class=_PushRoute)


@dataclass(frozen=True)
class PushOffer:
    """What ``_follow_push.html`` needs."""

    key: str
    """The city's public key."""
    words: str
    """What the service worker says, as JSON."""
    topics: Sequence[TopicField]
    quiet_start: str
    quiet_end: str
    no_quiet: bool
    reminded_topic: str
    """The name of the topic with the reminders of rubbish days; "" for none."""
    evening: str = choices.EVENING
    morning: str = choices.MORNING


@dataclass(frozen=True)
class PushChoices:
    """What somebody chose."""

    language: str
    areas: tuple[str, ...]
    topics: Mapping[str, int]
    quiet: tuple[int, int] | None
    """None for the city's own."""
    in_morning: bool
    """When they are reminded of rubbish days."""


class PushDoor:
    """What the pages need of web push; ``app.state.push``, None where no key is set."""

    def __init__(self, context: Context) -> None:
        settings = context.settings.push
        assert settings is not None
        self.services = PushServices(settings.services)
        self.limit = SignUpLimit(context.clock)
        self.key = Vapid(settings.private_key, settings.subject, context.clock).public_key

    @classmethod
    def of(cls, context: Context) -> PushDoor | None:
        """Return it for the settings of an installation."""
        return None if context.settings.push is None else cls(context)


def offer(request: Request, language: str) -> PushOffer | None:
    """Return what the partial needs in a language; None if nobody can follow by web push."""
    door: PushDoor | None = request.app.state.push
    if door is None:
        return None
    city: City = request.app.state.context.city
    start, end = choices.quiet_hours(city, None, None)
    words = {
        "city": name_in(city.name, language),
        "news": CATALOGUE.text(language, NEWS),
        "offline": CATALOGUE.text(language, OFFLINE, time="{time}"),
        "tag": tag_of(language),
    }
    return PushOffer(
        key=door.key,
        words=json.dumps(words, ensure_ascii=False),
        topics=[_topic_field(city, code, language) for code in city.topic_by_code],
        quiet_start=clock_time(start) if start != end else "22:00",
        quiet_end=clock_time(end) if start != end else "07:00",
        no_quiet=start == end,
        reminded_topic=choices.reminded_topic(city, language),
    )


def _topic_field(city: City, code: str, language: str) -> TopicField:
    topic = city.topic_by_code[code]
    levels = () if topic.mandatory else choices.levels_of(city, code)
    return TopicField(
        topic,
        [
            *(
                Choice(str(one), level_name(city, code, one, language), topic.default and not one)
                for one in levels
            ),
            Choice("off", CATALOGUE.text(language, "Off"), not topic.default),
        ],
    )


@router.get(PATH)
async def push_page(request: Request) -> Response:
    """Show how to follow in this browser."""
    language = language_of(request, request.app.state.context.city)
    found = offer(request, language)
    if found is None:
        return no_such_page(request)
    body = rendered(request, "follow_push.html", language, path=PATH, push=found)
    headers = {"Content-Security-Policy": PUSH_POLICY, "Cache-Control": "no-cache"}
    return Response(body, headers=headers, media_type="text/html; charset=utf-8")


@router.post(PATH)
async def sign_up(request: Request) -> Response:
    """Take a browser in, or save what somebody changed in one that follows."""
    door, address, form = await _asked(request)
    context: Context = request.app.state.context
    try:
        chosen = read_choices(context.city, form)
    except BadInput as error:
        raise _NotTaken(422, str(error)) from error
    now, stored = context.clock.now(), address.stored()
    async with context.database.reading() as session:
        known = await other_media.find_at(session, NAME, stored)
    if known is None and not door.limit.allows(_client(request)):
        log.warning("push.sign_ups_limited")
        raise _NotTaken(429, "too many sign-ups")
    async with context.database.writing() as session:
        resident = await other_media.follow_at(
            session, context.city, NAME, stored, chosen.language, now
        )
        assert resident.id is not None
        await _save(session, context.city, resident.id, chosen, now)
    if known is None:
        log.info("push.followed", endpoint=endpoint_hash(address.endpoint), host=address.host)
    return Response(status_code=204)


@router.post(f"{PATH}/choices")
async def show_choices(request: Request) -> Response:
    """Return what a browser chose, for the form."""
    _, address, _ = await _asked(request)
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        resident = await other_media.find_at(session, NAME, address.stored())
        if resident is None or resident.state is not ResidentState.FOLLOWING:
            raise _NotTaken(404, "this browser does not follow")
        assert resident.id is not None
        chosen = await registry.preferences(session, context.city, resident.id)
    start, end = choices.quiet_hours(context.city, chosen.quiet_start, chosen.quiet_end)
    return _answer(
        {
            "language": chosen.language,
            "areas": list(chosen.areas),
            "topics": dict(chosen.topics),
            "quiet": [clock_time(start), clock_time(end)],
            "reminder": "morning" if chosen.remind_in_morning else "evening",
        }
    )


@router.post(f"{PATH}/leave")
async def leave(request: Request) -> Response:
    """Erase a browser; it is the same if it was not known."""
    _, address, _ = await _asked(request)
    context: Context = request.app.state.context
    async with context.database.writing() as session:
        resident = await other_media.find_at(session, NAME, address.stored())
        if resident is not None and resident.id is not None:
            await registry.erase_rows(session, [resident.id])
            log.info("push.left", endpoint=endpoint_hash(address.endpoint))
    return Response(status_code=204)


@router.post(f"{PATH}/moved")
async def moved(request: Request) -> Response:
    """Note the new address of a browser that shows its old one."""
    _, address, form = await _asked(request)
    context: Context = request.app.state.context
    try:
        before = _subscription(form.text("before"))
    except BadInput as error:
        raise _NotTaken(422, str(error)) from error
    async with context.database.writing() as session:
        resident = await other_media.find_at(session, NAME, before.stored())
        if resident is None:
            raise _NotTaken(404, "this browser does not follow")
        stored = address.stored()
        if stored != before.stored():
            # It may have signed up again meanwhile; then that is the newer row.
            if await other_media.find_at(session, NAME, stored) is not None:
                assert resident.id is not None
                await registry.erase_rows(session, [resident.id])
            else:
                resident.address = stored
                resident.updated_at = context.clock.now()
                session.add(resident)
            log.info("push.moved", endpoint=endpoint_hash(address.endpoint))
    return Response(status_code=204)


@router.get("/sw.js")
async def service_worker(request: Request) -> Response:
    """Serve the service worker from the root, so that all pages are in its scope."""
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": PUSH_POLICY}
    return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers=headers)


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> Response:
    """Describe the pages as an app to install (W3C Web Application Manifest)."""
    city: City = request.app.state.context.city
    language = language_of(request, city)
    name = name_in(city.name, language)
    body = {
        "id": "/",
        "name": CATALOGUE.text(language, "Notices of {city}", city=name),
        "short_name": name,
        "lang": tag_of(language),
        "dir": LANGUAGES[language].script.direction,
        "start_url": f"/?lang={language}",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": city.colour,
        "icons": _emblem(city) or OWN_ICONS,
    }
    return Response(
        json.dumps(body, ensure_ascii=False),
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"},
    )


def _emblem(city: City) -> list[dict[str, str]]:
    path = city.emblem_path("png")
    if not path:
        return []
    # A PNG file says its width in bytes 16 to 20.
    side = int.from_bytes(city.emblem_files["png"][16:20], "big")
    return [{"src": path, "sizes": f"{side}x{side}", "type": "image/png"}]


def read_choices(city: City, form: Form) -> PushChoices:
    """Read the fields of the form.

    Raises
    ------
    BadInput
        One of them is not what the form offers.
    """
    language = match_language(form.text("language")) or ""
    if language not in city.languages:
        raise BadInput("language")
    areas = tuple(dict.fromkeys(code for code in form.all("area") if code))
    if not set(areas) <= set(city.district_by_code):
        raise BadInput("area")
    topics: dict[str, int] = {}
    for topic in city.topics:
        value = form.text(f"topic-{topic.code}")
        if topic.mandatory or value == "off":
            continue
        if value not in {str(level) for level in choices.levels_of(city, topic.code)}:
            raise BadInput(f"topic-{topic.code}")
        topics[topic.code] = int(value)
    start, end = minutes_of(form.text("quiet-start")), minutes_of(form.text("quiet-end"))
    if form.text("quiet") == "none":
        start = end = 0
    if start is None or end is None:
        raise BadInput("quiet")
    own = choices.quiet_hours(city, None, None)
    return PushChoices(
        language,
        areas,
        topics,
        None if (start, end) == own else (start, end),
        form.text("reminder") == "morning",
    )


async def _save(
    session: AsyncSession, city: City, number: int, chosen: PushChoices, now: datetime
) -> None:
    await registry.choose_language(session, city, number, chosen.language, now)
    await registry.choose_areas(session, city, number, chosen.areas, now)
    await registry.choose_topics(session, city, number, chosen.topics, now)
    start, end = chosen.quiet or (None, None)
    await registry.choose_quiet_hours(session, city, number, start, end, now)
    await registry.choose_reminder(session, city, number, now, in_morning=chosen.in_morning)


async def _asked(request: Request) -> tuple[PushDoor, PushAddress, Form]:
    """Return the browser that asks and its form.

    Raises
    ------
    _NotTaken
        It is not a browser that may ask.
    """
    door: PushDoor | None = request.app.state.push
    if door is None:
        raise _NotTaken(404, "there is no web push")
    if not is_ours(request):
        raise _NotTaken(403, "this is not from a page of ours")
    try:
        form = await read_form(request)
        address = _subscription(form.text("subscription"))
        door.services.check(address.endpoint)
    except BadInput as error:
        raise _NotTaken(422, str(error)) from error
    return door, address, form


def _subscription(text: str) -> PushAddress:
    """Read what ``PushSubscription.toJSON()`` gave."""
    if len(text) > MOST_SUBSCRIPTION:
        raise BadInput("the subscription is too long")
    try:
        found = json.loads(text)
        keys = found["keys"]
        given = {"endpoint": found["endpoint"], "p256dh": keys["p256dh"], "auth": keys["auth"]}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput("this is no subscription") from error
    return address_of(given)


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _answer(content: Any, status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})
