"""How every page of the console is made: who visits, may they, what they sent, what they see.

A page is a function that takes the request and a :class:`Visit`. ``visit(permission)`` reads
the session, checks the permission and, for anything but a GET, the form's token; so no page
can forget one of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import structlog
from fastapi import Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from channels.guard import channel_stops
from channels.models import ChannelStop
from channels.web import STAFF_POLICY, Form, read_form, secure, templates
from console import accounts, words
from console.access import Permission, may
from console.models import Staff
from console.retold import retold
from console.sessions import Sessions, SignedIn
from core.context import Context
from core.errors import BadInput

LANGUAGE_COOKIE = "todoke_console_language"
STATIC = "/static/console"
MAY_NOT = words.mark("You may not do this.")
NOT_THERE = words.mark("This does not exist.")
NOT_TAKEN = words.mark("What was entered cannot be taken as it is.")
BROKEN = words.mark(
    "Something went wrong here. Before you try again, look whether it was done all the same."
)
MOST = 2**63 - 1
"""The largest number a row can have in either database."""
RowNumber = Annotated[int, Path(ge=1, le=MOST)]

log = structlog.get_logger(__name__)


class SignInNeeded(Exception):
    """Nobody is signed in, or the session has ended."""


class OwnPasswordNeeded(Exception):
    """The password is one that somebody else knows; nothing goes on before it is changed."""


class Forbidden(Exception):
    """Somebody is signed in who may not do this."""


class Missing(Exception):
    """What the address names does not exist."""


@dataclass(frozen=True)
class DemoAccount:
    """An account whose password the sign-in page shows; only a demo has any."""

    email: str
    password: str
    role: str


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in and may make it."""

    request: Request
    context: Context
    staff: Staff
    session: SignedIn
    language: str
    form: Form
    stops: tuple[ChannelStop, ...] = ()
    """Channels that send nothing now; every page says so."""

    @property
    def stopped_since(self) -> str:
        """Which stop a page shows, as it says when it asks for news; "" for none."""
        return ",".join(str(int(stop.stopped_at.timestamp())) for stop in self.stops)

    @property
    def actor(self) -> str:
        """The name that goes under what is done."""
        return self.staff.email

    def may(self, permission: str) -> bool:
        return may(self.staff.role, Permission(permission))

    def say(self, message: str, /, **values: object) -> str:
        """Return ``message`` in the language of the visitor."""
        return words.CATALOGUE.text(self.language, message, **values)

    def page(self, template: str, /, *, status: int = 200, **values: object) -> HTMLResponse:
        """Return a rendered page."""
        return render(self.request, template, status=status, visit=self, **values)

    def go(self, address: str) -> Response:
        """Send the browser to another page of the console."""
        return _sent_to(self.request, address)


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def sessions_of(request: Request) -> Sessions:
    settings = context_of(request).settings
    return _sessions(settings.secret_key, settings.public_url.startswith("https://"))


@cache
def _sessions(secret_key: str, secure_only: bool) -> Sessions:
    return Sessions(secret_key, secure=secure_only)


def language_of(request: Request) -> str:
    """Return the staff language a browser chose; Japanese first."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in words.STAFF_LANGUAGES else "ja"


def visit(
    permission: Permission, *, password_handed_over: bool = False
) -> Callable[[Request], Awaitable[Visit]]:
    """Return the dependency that lets in those who have ``permission``.

    Parameters
    ----------
    password_handed_over
        Whether the page is also for those who have yet to choose a password of their own.

    Raises (when it runs)
    ---------------------
    SignInNeeded, OwnPasswordNeeded, Forbidden, BadInput
    """

    async def check(request: Request) -> Visit:
        context = context_of(request)
        sessions = sessions_of(request)
        session = sessions.read(request, context.clock.now())
        if session is None:
            raise SignInNeeded
        async with context.database.reading() as db:
            staff = await db.get(Staff, session.staff_id)
            ended = await accounts.is_signed_out(db, session.nonce)
            stops = tuple(await channel_stops(db))
        held = staff is not None and staff.active and staff.session_version == session.version
        if staff is None or not held or ended:
            raise SignInNeeded
        form = Form([])
        if request.method not in ("GET", "HEAD"):
            form = await read_form(request)
            token = request.headers.get("x-csrf-token") or form.text("csrf")
            if not sessions.token_fits(session.nonce, token):
                raise Forbidden
        request.state.session = session
        found = Visit(request, context, staff, session, language_of(request), form, stops)
        request.state.visit = found
        if staff.password_handed_over and not password_handed_over:
            raise OwnPasswordNeeded
        if not found.may(permission):
            raise Forbidden
        return found

    return check


def render(
    request: Request,
    template: str,
    /,
    *,
    status: int = 200,
    visit: Visit | None = None,
    **values: object,
) -> HTMLResponse:
    """Return a page of the console, signed in or not."""
    language = language_of(request)
    context = context_of(request)

    def say(message: str, /, **inserted: object) -> str:
        return words.CATALOGUE.text(language, message, **inserted)

    text = (
        environment()
        .get_template(template)
        .render(
            _=say,
            retold=lambda sentence: retold(sentence, language) or sentence,
            language=language,
            other_language="en" if language == "ja" else "ja",
            city=context.city,
            city_name=context.city.name.get(language, context.city.name["ja"]),
            visit=visit,
            csrf=sessions_of(request).form_token(visit.session.nonce) if visit else "",
            static=STATIC,
            path=request.url.path,
            is_demo=bool(getattr(request.app.state, "demo", None)),
            now=context.clock.now(),
            words=words,
            **values,
        )
    )
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


@cache
def environment() -> Environment:
    found = templates(FilePath(__file__).parent / "templates")
    found.filters["thousands"] = lambda number: f"{number:,}"
    return found


class StaffRoute(APIRoute):
    """A page of the console: security headers, its own error pages, a session that goes on."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                _refuse_nul(request)
                response = await handle(request)
            except SignInNeeded:
                response = _to_sign_in(request)
            except OwnPasswordNeeded:
                response = _sent_to(request, "/console/account")
            except Forbidden:
                response = _trouble(request, 403, _said(request, MAY_NOT))
            except Missing:
                response = _trouble(request, 404, _said(request, NOT_THERE))
            except BadInput as error:
                response = _trouble(request, 400, reason_of(error, language_of(request)))
            except RequestValidationError:
                response = _trouble(request, 404, _said(request, NOT_THERE))
            except HTTPException as error:
                response = _trouble(request, error.status_code, _said(request, NOT_THERE))
            except ClientDisconnect:
                raise  # nobody is there to be told
            except Exception:
                log.exception("console page failed", path=request.url.path)
                response = _trouble(request, 500, _said(request, BROKEN))
            self._keep(request, response)
            return response

        return handler

    def _keep(self, request: Request, response: Response) -> None:
        """Let the session go on, unless a page asked by itself (a poll is not an act)."""
        context = context_of(request)
        session: SignedIn | None = getattr(request.state, "session", None)
        by_itself = request.url.path.endswith("/live")
        if session is not None and not by_itself:
            sessions_of(request).write(response, session, context.clock.now())
        https = context.settings.public_url.startswith("https://")
        secure(response, STAFF_POLICY, https=https)


def _refuse_nul(request: Request) -> None:
    """PostgreSQL takes no NUL in a text, and no address of ours has one."""
    raw: bytes = request.scope.get("raw_path", b"") + request.scope.get("query_string", b"")
    if b"\0" in unquote_to_bytes(raw):
        raise Missing


def _to_sign_in(request: Request) -> Response:
    back = request.url.path if request.method == "GET" else ""
    if request.headers.get("hx-request"):
        back = ""  # the address of a part is no page to come back to
    if back and request.url.query:
        back += f"?{request.url.query}"
    address = "/console/sign-in"
    if safe_next(back):
        address += f"?next={quote(back, safe='/')}"
    return _sent_to(request, address)


def _sent_to(request: Request, address: str) -> Response:
    """Send the browser to another page, also when only a part of one was asked for."""
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def safe_next(address: str) -> bool:
    """Whether ``address`` is a page of this console, so that signing in cannot lead astray."""
    parts = urlsplit(address)
    return (
        not parts.scheme
        and not parts.netloc
        and parts.path.startswith("/console/")
        and "\\" not in address
        and not parts.path.startswith("/console/sign-")
    )


def _said(request: Request, message: str) -> str:
    return words.CATALOGUE.text(language_of(request), message)


def reason_of(error: BadInput, language: str) -> str:
    """Return in the visitor's language why something cannot be taken.

    Other rooms say it in English; what the catalogue lacks of theirs goes to the log.
    """
    if isinstance(error, words.Refusal):
        return error.said(language)
    said = retold(str(error), language)
    if said is None:
        log.warning("bad input", reason=str(error))
        said = words.CATALOGUE.text(language, NOT_TAKEN)
    return said


def _came_from(request: Request) -> str:
    """Return the page of the console whose form was sent, or "" when there is none to go to."""
    if request.method == "GET":
        return ""
    parts = urlsplit(request.headers.get("referer", ""))
    address = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return address if safe_next(address) else ""


def _trouble(request: Request, status: int, message: str) -> Response:
    visit: Visit | None = getattr(request.state, "visit", None)
    return render(
        request,
        "trouble.html",
        status=status,
        visit=visit,
        message=message,
        code=status,
        back=_came_from(request),
    )
