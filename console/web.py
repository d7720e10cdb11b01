"""The frame of every page of the console: visitor, permission, form, answer.

A page is a function that takes a :class:`Visit`. ``visit(permission)`` reads the session, checks
the permission and, except for a GET, the form's token, so that no page can forget one of them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes

import structlog
from fastapi import Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from channels.media import Media
from channels.models import ChannelStop
from channels.restored import Held
from channels.restored import held as held_back
from city.context import Context
from console import accounts, words
from console.access import Permission, may, may_for, needs_second
from console.help import help_line
from console.kept import KeptForm
from console.maps import staff_map_words
from console.models import SignInWay, Staff
from console.navigation import SECTIONS, Section
from console.request_parts import context_of as context_of
from console.request_parts import language_of as language_of
from console.request_parts import origin_of as origin_of
from console.request_parts import passkeys_of as passkeys_of
from console.request_parts import provider_of as provider_of
from console.request_parts import sessions_of as sessions_of
from console.sent_forms import Sent, came_from, only_looks, safe_next
from console.sessions import Device, SignedIn
from console.silence_words import silence_said
from console.tour import tour_of
from console.trouble import Trouble, trouble_now
from core import clock_marks
from core.clock_marks import ClockMark
from core.errors import BadInput, Refusal
from core.languages import mark
from core.reason import OTHER
from core.uploads import Limits, Uploads, has_files, read_with_files
from core.web import STAFF_POLICY, Form, read_form, secure, templates
from feeds.held import NOTHING_HELD, HeldAlarm, held_alarm
from public import MAPS
from reports.kinds import city_now
from response.by_rule import ended_by_danger
from response.models import DisasterMode
from response.modes import last_modes

SENT_COOKIE = "todoke_sent"
SENDING = re.compile("[0-9a-f]{16}")
MOST_SENT = 8
"""Forms that the script of a page (typed.js) still has to hear of."""
STATIC = "/static/console"
MAY_NOT = mark("You may not do this.")
TOO_OLD = mark("The page was too old. Please try again.")
NOT_THERE = mark("This does not exist.")
NOT_TAKEN = mark("What was entered cannot be taken as it is.")
BROKEN = mark(
    "Something went wrong here. Before you try again, look whether it was done all the same."
)
MOST = 2**63 - 1
"""The largest number a row can have in either database."""
TOLD_FOR = timedelta(hours=12)
"""How long staff are told that a danger ended a drill."""
RowNumber = Annotated[int, Path(ge=1, le=MOST)]

log = structlog.get_logger(__name__)


class SignInNeeded(Exception):
    """Nobody is signed in, or the session has ended."""


class FormOfAnotherSession(Exception):
    """The form is one of ours, but of a session that no longer belongs to this browser."""


class OwnPasswordNeeded(Exception):
    """Somebody else knows the password; it must be changed first."""


class SecondFactorNeeded(Exception):
    """A role of theirs needs a one-time code or a passkey, which must be set up first."""


class NotPermitted(Exception):
    """The signed-in person may not do this."""


class Missing(Exception):
    """The address does not exist."""


@dataclass(frozen=True)
class DemoAccount:
    """An account whose password is shown on the sign-in page; only in a demo."""

    email: str
    password: str
    role: str
    name: str = ""


@dataclass(frozen=True)
class Visit:
    """One request of a signed-in person with permission."""

    request: Request
    context: Context
    staff: Staff
    session: SignedIn
    language: str
    form: Form
    files: Uploads = field(default_factory=dict)
    """What came with the form, on a page that takes files."""
    trouble: Trouble = field(default_factory=Trouble)
    """What hinders sending; shown on every page."""
    clocks: tuple[ClockMark, ...] = ()
    """Machines whose clock is in doubt; shown on every page."""
    modes: tuple[DisasterMode, ...] = ()
    """The last times of disaster mode, the newest first; what is on is shown on every page."""
    restored: Held | None = None
    """Deliveries that wait since a restore, until somebody decides on them."""
    undecided: HeldAlarm = NOTHING_HELD
    """Held notices; those that alarm are shown on every page."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The names of all who have an account, by address."""

    @property
    def media(self) -> Media:
        """The media that are set up."""
        found: Media = self.request.app.state.media
        return found

    @property
    def drill_ended_by_rule(self) -> DisasterMode | None:
        """The drill that a grave danger ended within the last hours."""
        return ended_by_danger(self.modes, self.context.clock.now() - TOLD_FOR)

    @property
    def stops(self) -> tuple[ChannelStop, ...]:
        return self.trouble.stops

    @property
    def stopped_channels(self) -> set[str]:
        """The names of the media that send nothing now."""
        return {stop.channel for stop in self.stops}

    @property
    def stopped_since(self) -> str:
        """The trouble that a page shows, as it reports when it polls; "" for none."""
        clocks = [f"clock{each.doubt_s:.0f}-{each.accepted_s is None}" for each in self.clocks]
        waits = self.restored
        restored = [] if waits is None else [f"r{len(waits.deliveries)}-{len(waits.notices)}"]
        undecided = [self.undecided.mark] if self.undecided.mark else []
        return ",".join(self.trouble.marks + clocks + restored + undecided)

    @property
    def actor(self) -> str:
        """The name for the audit trail."""
        return self.staff.email

    @property
    def must_set_up_second(self) -> bool:
        """Whether a role of theirs needs more than the password with which they signed in."""
        more = self.session.way in (SignInWay.PASSKEY, SignInWay.PROVIDER)
        has_more = more or self.staff.totp_secret is not None
        return not has_more and needs_second(self.context.city, self.staff)

    def may(self, permission: str) -> bool:
        """Whether the visitor has a permission, be it only for their own departments."""
        return may(self.staff.roles, Permission(permission))

    def may_for(self, permission: str, department: str) -> bool:
        """Whether they have it for what belongs to a department ("" for no department's)."""
        return may_for(self.staff, Permission(permission), department)

    def sections(self) -> list[Section]:
        """Return the navigation, without the pages that the visitor may not see."""
        shown = (
            (section, tuple(entry for entry in section.entries if self.may(entry.permission)))
            for section in SECTIONS
        )
        return [replace(section, entries=entries) for section, entries in shown if entries]

    def say(self, message: str, /, **values: object) -> str:
        """Return ``message`` in the language of the visitor."""
        return words.CATALOGUE.text(self.language, message, **values)

    def page(self, template: str, /, *, status: int = 200, **values: object) -> HTMLResponse:
        """Return a rendered page."""
        return render(self.request, template, status=status, visit=self, **values)

    def go(self, address: str) -> Response:
        """Send the browser to another page of the console."""
        return _sent_to(self.request, address)


def visit(
    permission: Permission,
    *,
    password_handed_over: bool = False,
    setting_up: bool = False,
    takes: Limits | None = None,
) -> Callable[[Request], Awaitable[Visit]]:
    """Return the dependency that checks ``permission``.

    Parameters
    ----------
    takes
        What files the page takes with its form; by default none.
    password_handed_over
        Whether the page is also for people who must still choose their own password, or set up
        one-time codes or a passkey.
    setting_up
        Whether it is for the latter.

    Raises (when it runs)
    ---------------------
    SignInNeeded, OwnPasswordNeeded, Forbidden, BadInput
    """

    async def check(request: Request) -> Visit:
        context = context_of(request)
        sessions = sessions_of(request)
        form: Form = Form([])
        files: Uploads = {}
        request.state.form = form
        if request.method not in ("GET", "HEAD"):
            if takes is not None and has_files(request):
                # Nobody's megabytes are read but those of somebody who is signed in.
                if sessions.read(request, context.clock.now()) is None:
                    raise SignInNeeded
                form, files = await read_with_files(request, takes)
            else:
                form = await read_form(request)
        request.state.form = form
        session = sessions.read(request, context.clock.now())
        if session is None:
            raise SignInNeeded
        async with context.database.reading() as db:
            staff = await db.get(Staff, session.staff_id)
            ended = await accounts.is_signed_out(db, session.nonce)
            clocks = tuple(await clock_marks.doubts(db, context.clock.now()))
            waits = await held_back(db)
            undecided = await held_alarm(db, context.clock.now())
            modes = tuple(await last_modes(db, 2))
            city = await city_now(db, context.city)
            names = await accounts.names(db)
            trouble = await trouble_now(db, waits, context.clock.now())
        held = staff is not None and staff.active and staff.session_version == session.version
        if staff is None or not held or ended:
            raise SignInNeeded
        found = Visit(
            request,
            # Every page of the console knows the kinds of reports that hold now.
            context if city is context.city else replace(context, city=city),
            staff,
            session,
            language_of(request),
            form,
            files,
            trouble,
            clocks,
            modes,
            waits if waits is not None and waits.is_open else None,
            undecided,
            names,
        )
        if request.method not in ("GET", "HEAD"):
            token = request.headers.get("x-csrf-token") or form.text("csrf")
            if not sessions.token_fits(session.nonce, token):
                if not _sent(request).is_ours(form):
                    raise NotPermitted
                request.state.visit = found
                raise FormOfAnotherSession
        request.state.session = session
        request.state.visit = found
        if not password_handed_over:
            if staff.password_handed_over:
                raise OwnPasswordNeeded
            if found.must_set_up_second and not setting_up:
                raise SecondFactorNeeded
        if not found.may(permission):
            raise NotPermitted
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
            in_words=lambda reason: words.said(reason, language),
            tour=tour_of(request, visit.staff if visit else None),
            lead=help_line(request.url.path, say),
            name_of=lambda actor: words.person(actor, visit.names if visit else {}, language),
            language=language,
            other_language="en" if language == "ja" else "ja",
            city=context.city,
            city_name=context.city.name.get(language, context.city.name["ja"]),
            emblem=context.city.emblem_path("svg", "png"),
            visit=visit,
            session_seconds=int(visit.session.left(context.clock.now()).total_seconds())
            if visit
            else 0,
            csrf=sessions_of(request).form_token(visit.session.nonce) if visit else "",
            static=STATIC,
            path=request.url.path,
            is_demo=bool(getattr(request.app.state, "demo", None)),
            now=context.clock.now(),
            words=words,
            machine_time=clock_marks.machine_time,
            silence_said=silence_said,
            map_files=MAPS,
            map_words=staff_map_words,
            **values,
        )
    )
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


@cache
def environment() -> Environment:
    return templates(FilePath(__file__).parent / "templates")


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
            except FormOfAnotherSession:
                response = await _of_another_session(request)
            except (OwnPasswordNeeded, SecondFactorNeeded):
                response = await _to_own_password(request)
            except NotPermitted:
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
                raise  # there is nobody to tell
            except Exception:
                log.exception("page.failed", path=request.url.path)
                response = _trouble(request, 500, _said(request, BROKEN))
            self._keep(request, response)
            return response

        return handler

    def _keep(self, request: Request, response: Response) -> None:
        """Extend the session, unless a script of the page asked (a poll is not an act)."""
        context = context_of(request)
        session: SignedIn | None = getattr(request.state, "session", None)
        by_itself = request.url.path.endswith("/live")
        if session is not None and not by_itself:
            sessions_of(request).write(response, session, context.clock.now())
        if request.method == "POST" and response.status_code < 400:
            _name_accepted(request, response)
        device: Device | None = getattr(request.state, "device", None)
        if device is not None:
            sessions_of(request).write_device(response, device)
        https = context.settings.public_url.startswith("https://")
        secure(response, STAFF_POLICY, https=https)


def _name_accepted(request: Request, response: Response) -> None:
    """Tell the page's script which forms were accepted, so that it keeps their words no longer."""
    form: Form | None = getattr(request.state, "form", None)
    name = "" if form is None or only_looks(form) else form.text("sending")
    if SENDING.fullmatch(name) is None:
        return
    known = [
        one for one in request.cookies.get(SENT_COOKIE, "").split(".") if SENDING.fullmatch(one)
    ]
    response.set_cookie(
        SENT_COOKIE,
        ".".join([*known, name][-MOST_SENT:]),
        path="/console",
        max_age=3600,
        secure=_public_url(request).startswith("https://"),
        samesite="lax",
    )


def _refuse_nul(request: Request) -> None:
    """PostgreSQL accepts no NUL in a text, and no address of ours has one."""
    raw: bytes = request.scope.get("raw_path", b"") + request.scope.get("query_string", b"")
    if b"\0" in unquote_to_bytes(raw):
        raise Missing


def sign_in_form(
    request: Request,
    *,
    message: str = "",
    email: str = "",
    back: str = "",
    kept: str = "",
    leave_provider: str = "",
) -> Response:
    """Return the sign-in page; ``kept`` are the sealed values of an earlier form.

    ``leave_provider`` is where somebody who has just signed out also leaves the OIDC provider.
    """
    sessions = sessions_of(request)
    visitor = sessions.visitor(request)
    passkeys = passkeys_of(request)
    now = context_of(request).clock.now()
    asked = passkeys.ask_for_sign_in(visitor, now) if passkeys.is_possible else None
    response = render(
        request,
        "sign_in.html",
        status=400 if message else 200,
        message=message,
        email=email,
        next=back,
        kept=kept,
        visitor_token=sessions.form_token(visitor),
        demo_accounts=demo_accounts(request),
        by_provider=provider_of(request) is not None,
        leave_provider=leave_provider,
        passkey=asked,
    )
    sessions.write_visitor(response, visitor)
    return response


def demo_accounts(request: Request) -> tuple[DemoAccount, ...]:
    """Return the accounts for the sign-in page: those of a demo, else none."""
    found = getattr(request.app.state, "demo_accounts", ())
    return tuple(found) if getattr(request.app.state, "demo", False) else ()


async def offer_again(visitor: Visit, kept: KeptForm) -> Response:
    """Show the values of a form from before the session ended; they are sent only when a button is
    pressed.
    """
    before = None
    if kept.staff_id not in (0, visitor.staff.id):
        async with visitor.context.database.reading() as db:
            before = await db.get(Staff, kept.staff_id)
    return visitor.page(
        "kept.html",
        kept=kept,
        shown=kept.shown(visitor.language),
        button=kept.button(visitor.language),
        before=before.email if before else "",
    )


def _to_sign_in(request: Request) -> Response:
    """Ask to sign in: with a page if a page was requested, else only with a status.

    A script or a part of a page never gets a sign-in page, which would replace what somebody is
    writing. A form's values come back after signing in.
    """
    if not _wants_page(request):
        return Response(status_code=401, headers={"Cache-Control": "no-store"})
    kept = _sent(request).kept()
    if kept is not None:
        secret_key = context_of(request).settings.secret_key
        response = sign_in_form(request, back=kept.back, kept=kept.seal(secret_key))
        response.status_code = 401
        return response
    back = request.url.path if request.method == "GET" else came_from(request)
    if request.method == "GET" and request.url.query:
        back += f"?{request.url.query}"
    address = "/console/sign-in"
    if safe_next(back):
        address += f"?next={quote(back, safe='/')}"
    return _sent_to(request, address)


async def _of_another_session(request: Request) -> Response:
    """Offer a form again that was opened before this browser's session began."""
    if not _wants_page(request):
        return Response(status_code=409, headers={"Cache-Control": "no-store"})
    visitor: Visit = request.state.visit
    kept = _sent(request).kept()
    if kept is None:
        return _trouble(request, 403, _said(request, TOO_OLD))
    return await offer_again(visitor, kept)


async def _to_own_password(request: Request) -> Response:
    """Require a password change first; a form's values wait on a separate page."""
    kept = _sent(request).kept() if _wants_page(request) else None
    if kept is not None:
        visitor: Visit = request.state.visit
        return await offer_again(visitor, kept)
    return _sent_to(request, "/console/account")


def _sent(request: Request) -> Sent:
    now = context_of(request).clock.now()
    return Sent(request, sessions_of(request), _public_url(request), now)


def _public_url(request: Request) -> str:
    return context_of(request).settings.public_url


def _wants_page(request: Request) -> bool:
    """Whether a browser opens the address, and not a script that loads a part."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    return not request.headers.get("hx-request") and mode == "navigate"


def _sent_to(request: Request, address: str) -> Response:
    """Send the browser to another page, also when only a part of one was asked for."""
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def _said(request: Request, message: str) -> str:
    return words.CATALOGUE.text(language_of(request), message)


def reason_of(error: BadInput, language: str) -> str:
    """Return in the visitor's language why something cannot be accepted.

    What has no code is said only in English, and goes to the log.
    """
    if isinstance(error, Refusal):
        return words.said(error, language)
    if error.reason.code != OTHER:
        return words.said(error.reason, language)
    log.warning("form.refused", reason=str(error))
    return words.CATALOGUE.text(language, NOT_TAKEN)


def _trouble(request: Request, status: int, message: str) -> Response:
    visit: Visit | None = getattr(request.state, "visit", None)
    return render(
        request,
        "trouble.html",
        status=status,
        visit=visit,
        message=message,
        code=status,
        back=came_from(request),
        shown=_sent(request).shown(language_of(request)) if visit is not None else [],
    )
