"""The page for the staff at an evacuation site, on their own phone, by a link and without account.

The link says which site and which world (``response.shelter_links``). Each press is an act with a
key and an age, so that a phone without a line can keep acts and send them later: an act that comes
twice counts once, and a late one does not undo a newer one (``response.shelters.say``). Without
JavaScript the page is a plain form.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from city.context import Context
from city.shelters import Shelter
from console import words
from console.shelter_pages import act_words, offer_names
from console.web import STATIC, environment
from core.errors import BadInput
from core.languages import mark
from core.web import read_form, secure
from response import shelter_links
from response.models import ShelterLink, ShelterState, ShelterStatus
from response.modes import real_now
from response.shelter_links import ShelterTokens, is_valid
from response.shelters import Saying, acts_of_link, checked, history, say, statuses

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PHONE_COOKIE = "todoke_site_phone"
MOST_BYTES, MOST_ACTS = 256 * 1024, 200
"""The page sends 100 acts at once; each may be a note of 300 letters."""
MOST_OF_LINK = 5_000
"""Acts of one link; a person makes some hundred."""
OLDEST = timedelta(days=7)
MOST_SHOWN = 6
NOT_OURS = mark("This link is not valid. Ask the desk for another one.")
HAS_ENDED = mark("This link has ended. Ask the desk for another one.")
IS_REAL_NOW = mark(
    "This link is for a drill, and a real disaster is on. What you press here does not count: ask "
    "the desk for another link."
)
TOO_MANY = mark("Too much was sent by this link. Ask the desk for another one.")
_DEVICES = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")


class SiteRoute(APIRoute):
    """A page without account: its own policy, and an address that is told to nobody."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                response = await handle(request)
            except LinkRefused as refused:
                response = _refused(request, refused)
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["X-Robots-Tag"] = "noindex"
            response.headers.setdefault("Cache-Control", "no-store")
            https = _context(request).settings.public_url.startswith("https://")
            secure(response, POLICY, https=https)
            return response

        return handler


router = APIRouter(route_class=SiteRoute)


class LinkRefused(Exception):
    """The link may not be used; ``code`` says why to a program."""

    def __init__(self, code: str, message: str, status: int, *, drill: bool | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.status, self.drill = code, message, status, drill


@dataclass(frozen=True)
class Opened:
    """A link that may be used, and its site."""

    link: ShelterLink
    site: Shelter

    @property
    def actor(self) -> str:
        return f"link:{self.link.id}"


@router.get("/site/worker.js")
async def worker(_request: Request) -> Response:
    """The service worker, which shows the page where there is no line; its scope is ``/site/``."""
    script = (Path(__file__).parent / "static" / "site_worker.js").read_bytes()
    headers = {"Cache-Control": "no-cache"}
    return Response(script, media_type="text/javascript", headers=headers)


@router.get("/site/{token}")
async def site_page(request: Request, token: str) -> Response:
    """Show the page, and note in which browser it was opened."""
    context = _context(request)
    phone = request.cookies.get(PHONE_COOKIE, "")
    is_new = not (phone.isascii() and phone.isalnum() and 16 <= len(phone) <= 40)
    if is_new:
        phone = secrets.token_hex(16)
    await _require_open(request, token)
    async with context.database.writing() as session:
        opened = await _opened(session, request, token)
        device = request.headers.get("user-agent", "")[:400]
        name = next((one for one in _DEVICES if one in device), "")
        await shelter_links.opened(session, opened.link, phone, name, context.clock.now())
    async with context.database.reading() as session:
        shown = await _shown(session, request, opened)
    response = _page(request, "site.html", token=token, opened=opened, key=_new_key(), **shown)
    if is_new:
        response.set_cookie(
            PHONE_COOKIE,
            phone,
            max_age=int(OLDEST.total_seconds()),
            path="/site",
            httponly=True,
            samesite="lax",
            secure=context.settings.public_url.startswith("https://"),
        )
    return response


@router.post("/site/{token}")
async def by_form(request: Request, token: str) -> Response:
    """Do one act of a browser without JavaScript."""
    context = _context(request)
    form = await _form_of(request)
    kind, _, value = form.get("do", "").partition(":")
    if kind in ("heads", "note"):
        value = form.get(kind, "")
    try:
        act = Saying(*checked(kind, value), key=_key(form.get("key", "")) or _new_key())
    except BadInput:
        return _back(request, token, "wrong")
    await _require_open(request, token)
    async with context.database.writing() as session:
        opened = await _opened(session, request, token, acts=1)
        await _say(session, request, opened, [act])
    return _back(request, token, "yes")


@router.post("/site/{token}/acts")
async def by_program(request: Request, token: str) -> Response:
    """Take the acts that a phone kept, in their order; answer which are done, and the state."""
    context = _context(request)
    asked = await _json_of(request)
    acts, wrong = _acts(asked, context.clock.now())
    await _require_open(request, token)
    async with context.database.writing() as session:
        opened = await _opened(session, request, token, acts=len(acts))
        if acts:
            await _say(session, request, opened, acts)
        shown = await _shown(session, request, opened)
    status: ShelterStatus | None = shown["status"]
    return JSONResponse(
        {
            "done": [act.key for act in acts],
            "refused": wrong,
            "state": status.state.value if status else "",
            "heads": status.heads if status else None,
            "offers": list(status.offers) if status else [],
            "last": [f"{when} {said}" for when, said in shown["last"]],
        }
    )


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _language(request: Request) -> str:
    return "en" if request.query_params.get("lang") == "en" else "ja"


async def _opened(session: AsyncSession, request: Request, token: str, *, acts: int = 0) -> Opened:
    """Return the link of a token.

    Raises
    ------
    LinkRefused
        We did not make it, it has ended, or it is a drill's and it is real now.
    """
    context = _context(request)
    link = await ShelterTokens(context.settings.secret_key).find(session, token)
    sites: tuple[Shelter, ...] = request.app.state.folder.shelters
    site = next((one for one in sites if link is not None and one.code == link.shelter), None)
    if link is None or site is None:
        raise LinkRefused("unknown", NOT_OURS, 404)
    if not is_valid(link, context.clock.now()):
        raise LinkRefused("ended", HAS_ENDED, 410, drill=link.drill)
    if link.drill and await real_now(session, context.city, context.clock.now()):
        raise LinkRefused("real-now", IS_REAL_NOW, 409, drill=True)
    if acts and await acts_of_link(session, link.id or 0) + acts > MOST_OF_LINK:
        raise LinkRefused("too-many", TOO_MANY, 429, drill=link.drill)
    return Opened(link, site)


async def _require_open(request: Request, token: str) -> None:
    """Refuse a stranger before they hold up a writer; raises as :func:`_opened`."""
    async with _context(request).database.reading() as session:
        await _opened(session, request, token)


async def _say(session: AsyncSession, request: Request, opened: Opened, acts: list[Saying]) -> None:
    await say(
        session,
        request.app.state.folder.shelters,
        opened.site.code,
        acts,
        _context(request).clock.now(),
        actor=opened.actor,
        drill=opened.link.drill,
        link_id=opened.link.id,
    )


async def _shown(session: AsyncSession, request: Request, opened: Opened) -> dict[str, Any]:
    """What the page says of its site."""
    language = _language(request)
    said = await statuses(session, drill=opened.link.drill)
    acts = await history(session, opened.site.code, drill=opened.link.drill, most=MOST_SHOWN)
    last = [(words.moment(act.at, language), act_words(act, language)) for act in acts]
    return {"status": said.get(opened.site.code), "last": last}


def _acts(asked: object, now: datetime) -> tuple[list[Saying], list[str]]:
    """Return the acts of a request, and the keys of those that cannot be."""
    found: list[Saying] = []
    wrong: list[str] = []
    listed = asked.get("acts") if isinstance(asked, dict) else None
    for one in (listed if isinstance(listed, list) else [])[:MOST_ACTS]:
        if not isinstance(one, dict):
            continue
        key, age = _key(one.get("id")), one.get("age_ms")
        if not key:
            continue
        try:
            kind, value = checked(str(one.get("kind", "")), str(one.get("value", ""))[:2000])
        except BadInput:
            wrong.append(key)
            continue
        number = age if isinstance(age, int | float) and not isinstance(age, bool) else 0
        least = min(max(number, 0), OLDEST.total_seconds() * 1000) if number == number else 0
        found.append(Saying(kind, value, now - timedelta(milliseconds=least), key))
    return found, wrong


def _key(value: object) -> str:
    """Return an act's key; "" for what can be none."""
    text = str(value or "")
    right = text.isascii() and text.replace("-", "").isalnum() and 8 <= len(text) <= 40
    return text if right else ""


def _new_key() -> str:
    return secrets.token_hex(16)


async def _form_of(request: Request) -> dict[str, str]:
    try:
        form = await read_form(request)
    except BadInput:
        return {}
    return {name: form.text(name) for name in form}


async def _json_of(request: Request) -> object:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found


def _back(request: Request, token: str, done: str) -> Response:
    language = "&lang=en" if _language(request) == "en" else ""
    return RedirectResponse(f"/site/{token}?done={done}{language}", status_code=303)


def _refused(request: Request, refused: LinkRefused) -> Response:
    if request.url.path.endswith("/acts"):
        return JSONResponse({"error": refused.code}, refused.status)
    return _page(request, "site_refused.html", http=refused.status, refused=refused)


def _page(request: Request, template: str, *, http: int = 200, **values: Any) -> HTMLResponse:
    language = _language(request)

    def say_in(message: str, /, **inserted: object) -> str:
        return words.CATALOGUE.text(language, message, **inserted)

    city = _context(request).city
    text = (
        environment()
        .get_template(template)
        .render(
            _=say_in,
            language=language,
            city_name=city.name.get(language, city.name["ja"]),
            static=STATIC,
            words=words,
            states=tuple(ShelterState),
            offers=offer_names(language),
            done=request.query_params.get("done", ""),
            **values,
        )
    )
    return HTMLResponse(text, status_code=http)
