"""What the pages have in common that a link opens on a phone, without an account.

Such a page keeps what is pressed while there is no line. So each act has a key and an age: an act
that comes twice counts once, and a late one does not undo a newer one. ``static/kept.js`` and
``static/link_worker.js`` are the other half, on the phone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from city.context import Context
from console import words
from console.web import STATIC, environment
from core.child import Workshop
from core.errors import BadInput
from core.languages import mark
from core.web import read_form, secure
from public.pages import language_among

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
MOST_BYTES, MOST_ACTS = 256 * 1024, 200
"""A page sends 100 acts at once; each may have some hundred letters."""
MOST_OF_LINK = 5_000
"""Acts of one link; a person makes some hundred."""
LANGUAGES = ("ja", "en")
OLDEST = timedelta(days=7)
"""An act that is older than this was made at this time."""
NOT_OURS = mark("This link is not valid. Ask the desk for another one.")
HAS_ENDED = mark("This link has ended. Ask the desk for another one.")
TOO_MANY = mark("Too much was sent by this link. Ask the desk for another one.")
T = TypeVar("T")
_DEVICES = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")


class LinkRefused(Exception):
    """The link may not be used; ``code`` says why to a program."""

    def __init__(self, code: str, message: str, status: int, *, drill: bool | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.status, self.drill = code, message, status, drill


class LinkRoute(APIRoute):
    """A page without account: its own policy, and an address that is told to nobody."""

    policy = POLICY
    permissions = "camera=(), microphone=(), geolocation=()"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                response = await handle(request)
            except LinkRefused as refused:
                response = _refused(request, refused)
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["X-Robots-Tag"] = "noindex"
            response.headers.setdefault("Permissions-Policy", self.permissions)
            response.headers.setdefault("Cache-Control", "no-store")
            https = context_of(request).settings.public_url.startswith("https://")
            secure(response, self.policy, https=https)
            return response

        return handler


class PhoneCookie:
    """A random name by which a browser is known again, on the pages of one kind of link."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path

    def read(self, request: Request) -> tuple[str, bool]:
        """Return the browser's name, and whether it is new."""
        phone = request.cookies.get(self.name, "")
        if phone.isascii() and phone.isalnum() and 16 <= len(phone) <= 40:
            return phone, False
        return secrets.token_hex(16), True

    def write(self, request: Request, response: Response, phone: str) -> None:
        response.set_cookie(
            self.name,
            phone,
            max_age=int(OLDEST.total_seconds()),
            path=self.path,
            httponly=True,
            samesite="lax",
            secure=context_of(request).settings.public_url.startswith("https://"),
        )


KEPT_COPY = "x-kept-copy"
"""A page's service worker asks with this header when it keeps a copy of it."""


def is_opened(request: Request) -> bool:
    """Whether somebody opens a page, and not its service worker that keeps a copy of it."""
    return KEPT_COPY not in request.headers


async def opened_page(
    request: Request,
    cookie: PhoneCookie,
    opened: Callable[[AsyncSession], Awaitable[T]],
    note: Callable[[AsyncSession, T, str], Awaitable[object]],
    page: Callable[[T], Awaitable[Response]],
) -> Response:
    """Show a link's page, and note in which browser it was opened.

    Parameters
    ----------
    opened
        Returns the link; raises for one that may not be used.
    note
        Notes that the browser of this name opened it.
    """
    context = context_of(request)
    phone, is_new = cookie.read(request)
    # A stranger is refused before they hold up a writer.
    async with context.database.reading() as session:
        await opened(session)
    async with context.database.writing() as session:
        found = await opened(session)
        if is_opened(request):
            await note(session, found, phone)
    response = await page(found)
    if is_new:
        cookie.write(request, response, phone)
    return response


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def kept_workshop(app: Any, make: Callable[[], Workshop]) -> Workshop:
    """Return the service's one workshop of a kind, so that its children are counted together."""
    name = f"workshop_{make.__name__}"
    if not hasattr(app.state, name):
        setattr(app.state, name, make())
    found: Workshop = getattr(app.state, name)
    return found


def language_of(request: Request) -> str:
    """Return the language of the address, else of the phone, else Japanese."""
    return language_among(request, LANGUAGES)


def chosen_language(request: Request) -> dict[str, str]:
    """Return what an address of the same page needs, so that the language stays as chosen."""
    return {"lang": language_of(request)} if request.query_params.get("lang") in LANGUAGES else {}


def device_of(request: Request) -> str:
    """Return what a browser calls itself, in one word; "" if it says nothing that we know."""
    device = request.headers.get("user-agent", "")[:400]
    return next((name for name in _DEVICES if name in device), "")


def worker_answer() -> Response:
    """Return the service worker, which shows a page where there is no line."""
    script = (Path(__file__).parent / "static" / "link_worker.js").read_bytes()
    headers = {"Cache-Control": "no-cache"}
    return Response(script, media_type="text/javascript", headers=headers)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; none for what cannot be read."""
    try:
        form = await read_form(request)
    except BadInput:
        return {}
    return {name: form.text(name) for name in form}


async def listed_acts(request: Request) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    """Return the acts of a request: the key of each, when it was made, and what it says."""
    asked = await _json_of(request)
    listed = asked.get("acts") if isinstance(asked, dict) else None
    now = context_of(request).clock.now()
    found = (listed if isinstance(listed, list) else [])[:MOST_ACTS]
    return (
        (key_of(one.get("id")), moment_of(one.get("age_ms"), now), one)
        for one in found
        if isinstance(one, dict) and key_of(one.get("id"))
    )


def moment_of(age_ms: object, now: datetime) -> datetime:
    """Return when an act was made that is so old; the phone's clock may be wrong."""
    number = age_ms if isinstance(age_ms, int | float) and not isinstance(age_ms, bool) else 0
    least = min(max(number, 0), OLDEST.total_seconds() * 1000) if number == number else 0
    return now - timedelta(milliseconds=least)


def key_of(value: object) -> str:
    """Return an act's key; "" for what can be none."""
    text = str(value or "")
    right = text.isascii() and text.replace("-", "").isalnum() and 8 <= len(text) <= 40
    return text if right else ""


def new_key() -> str:
    return secrets.token_hex(16)


async def body_of(request: Request, most: int) -> bytes | None:
    """Return the body of a request; None if it is larger than ``most`` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


async def _json_of(request: Request) -> object:
    body = await body_of(request, MOST_BYTES)
    if body is None:
        return None
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found


def _refused(request: Request, refused: LinkRefused) -> Response:
    if request.url.path.rpartition("/")[2] in ("acts", "photo"):
        return JSONResponse({"error": refused.code}, refused.status)
    return link_page(request, "link_refused.html", http=refused.status, refused=refused)


def link_page(request: Request, template: str, *, http: int = 200, **values: Any) -> HTMLResponse:
    """Return a page of a link, in the language of its address."""
    language = language_of(request)

    def say_in(message: str, /, **inserted: object) -> str:
        return words.CATALOGUE.text(language, message, **inserted)

    city = context_of(request).city
    text = (
        environment()
        .get_template(template)
        .render(
            _=say_in,
            language=language,
            kept_language=f"?{urlencode(kept)}" if (kept := chosen_language(request)) else "",
            city_name=city.name.get(language, city.name["ja"]),
            static=STATIC,
            words=words,
            done=request.query_params.get("done", ""),
            **values,
        )
    )
    return HTMLResponse(text, status_code=http)
