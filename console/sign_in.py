"""Signing in and out, also over a page that is open, and the language of the console."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from city.context import Context
from console import accounts, passkeys
from console.access import Permission, needs_second
from console.accounts import Proved
from console.attempts import TooManyAttempts
from console.encryption import Encryption, WrongKey
from console.hashing import TooBusy
from console.kept import KeptForm
from console.models import SignInWay, Staff
from console.request_parts import LANGUAGE_COOKIE
from console.sent_forms import safe_next
from console.sessions import SignedIn
from console.web import (
    TOO_OLD,
    StaffRoute,
    Visit,
    context_of,
    language_of,
    offer_again,
    origin_of,
    passkeys_of,
    provider_of,
    render,
    sessions_of,
    sign_in_form,
    visit,
)
from console.words import CATALOGUE, STAFF_LANGUAGES, said
from core.languages import mark
from core.web import Form, read_form

router = APIRouter(prefix="/console", route_class=StaffRoute)
WRONG = mark("E-mail address, password or code is wrong.")
USE_PASSKEY = mark("Your role needs more than a password. Sign in with your passkey.")
Anybody = Annotated[Visit, Depends(visit(Permission.LOOK, password_handed_over=True))]


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "", left: str = "") -> Response:
    provider = provider_of(request)
    address = ""
    if left == "provider" and provider is not None:
        here = f"{context_of(request).settings.public_url}/console/sign-in"
        address = await provider.sign_out_address(here, context_of(request).clock.now())
    return sign_in_form(request, back=next if safe_next(next) else "", leave_provider=address)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in; a new session is made, whatever cookie the browser sent.

    Values of a form from before the old session ended are offered again.
    """
    context = context_of(request)
    form = await read_form(request)
    back = form.text("next")
    back = back if safe_next(back) else ""
    tried = await _tried(request, form)
    if tried.proved is None:
        response = sign_in_form(
            request,
            message=tried.message,
            email=tried.email,
            back=back,
            kept=form.text("kept"),
        )
        response.status_code = tried.status
        return response
    session = begun(request, tried.proved)
    now = context.clock.now()
    kept = KeptForm.unseal(form.text("kept"), context.settings.secret_key, now)
    if kept is None:
        return RedirectResponse(back or "/console/", status_code=303)
    visitor = Visit(request, context, tried.proved.staff, session, language_of(request), Form([]))
    return await offer_again(visitor, kept)


@router.get("/sign-in/over")
async def sign_in_over(request: Request) -> Response:
    """Return the form that appears over a page whose session has ended."""
    return _over_form(request)


@router.post("/sign-in/over")
async def sign_in_over_page(request: Request) -> Response:
    """Sign in over an open page, which stays unchanged; return whose session it is now."""
    tried = await _tried(request, await read_form(request))
    if tried.proved is None:
        response = _over_form(request, message=tried.message, email=tried.email)
        response.status_code = tried.status
        return response
    return _session(request, tried.proved.staff, begun(request, tried.proved))


@router.get("/session")
async def session(request: Request, visitor: Anybody) -> Response:
    """Return whose session it is and extend it; a page asks before it sends a form."""
    going_on = replace(visitor.session, seen=int(visitor.context.clock.now().timestamp()))
    return _session(request, visitor.staff, going_on)


@router.get("/session/live")
async def session_left(request: Request, visitor: Anybody) -> Response:
    """Return how long the session is still valid, without extending it."""
    return _session(request, visitor.staff, visitor.session)


@dataclass(frozen=True)
class Tried:
    """The result of a sign-in: ``proved`` if it was right, else the message."""

    email: str
    proved: Proved | None = None
    message: str = ""
    status: int = 400


async def _tried(request: Request, form: Form) -> Tried:
    context, sessions = context_of(request), sessions_of(request)
    language, email = language_of(request), form.text("email")[:254]
    if not sessions.token_fits(sessions.visitor(request), form.text("csrf")):
        return Tried(email, message=CATALOGUE.text(language, TOO_OLD))
    try:
        proved = await accounts.sign_in(
            context.database,
            Encryption.of(context.settings),
            email,
            form.get("password", ""),
            code=form.text("code"),
            origin=origin_of(request),
            now=context.clock.now(),
        )
    except TooManyAttempts as refusal:
        return Tried(email, message=said(refusal, language), status=429)
    except WrongKey as refusal:
        return Tried(email, message=said(refusal, language), status=503)
    except TooBusy as refusal:
        return Tried(email, message=said(refusal, language), status=503)
    if proved is not None and await _must_use_passkey(context, proved):
        return Tried(email, message=CATALOGUE.text(language, USE_PASSKEY), status=403)
    return Tried(email, proved, message="" if proved else CATALOGUE.text(language, WRONG))


async def _must_use_passkey(context: Context, proved: Proved) -> bool:
    """Whether a password alone is not enough, and a passkey is what the account has beside it."""
    if proved.staff.totp_secret is not None or not needs_second(context.city, proved.staff):
        return False
    async with context.database.reading() as session:
        return bool(await passkeys.of_account(session, proved.staff.id or 0))


def begun(request: Request, proved: Proved) -> SignedIn:
    """Begin a session; its cookie is sent with the answer."""
    staff = proved.staff
    assert staff.id is not None
    session = sessions_of(request).start(
        staff.id, staff.session_version, context_of(request).clock.now(), proved.way
    )
    request.state.session = session
    request.state.device = sessions_of(request).device(request).of(staff.id)
    return session


def _over_form(request: Request, *, message: str = "", email: str = "") -> Response:
    sessions = sessions_of(request)
    visitor = sessions.visitor(request)
    response = render(
        request,
        "_sign_in_over.html",
        message=message,
        email=email,
        visitor_token=sessions.form_token(visitor),
        other_ways=provider_of(request) is not None or passkeys_of(request).is_possible,
    )
    sessions.write_visitor(response, visitor)
    return response


def _session(request: Request, staff: Staff, session: SignedIn) -> Response:
    language = language_of(request)
    return JSONResponse(
        {
            "email": staff.email,
            "name": staff.name or staff.email,
            "token": sessions_of(request).form_token(session.nonce),
            "seconds": int(session.left(context_of(request).clock.now()).total_seconds()),
            "own_password": staff.password_handed_over,
            "said": CATALOGUE.text(
                language,
                "You are now signed in as {email}. What you save from here is saved under that "
                "name.",
                email=staff.email,
            ),
        },
        headers={"Cache-Control": "no-store"},
    )


@router.post("/sign-out")
async def sign_out(request: Request, visitor: Anybody) -> Response:
    request.state.session = None
    context = visitor.context
    async with context.database.writing() as session:
        await accounts.sign_out(session, visitor.staff, visitor.session.nonce, context.clock.now())
    by_provider = visitor.session.way == SignInWay.PROVIDER
    left = "?left=provider" if by_provider else ""
    response = RedirectResponse(f"/console/sign-in{left}", status_code=303)
    sessions_of(request).end(response)
    return response


@router.post("/language")
async def choose_language(request: Request) -> Response:
    """Store a browser's language in a cookie; it needs no session."""
    form = await read_form(request)
    chosen, back = form.text("language"), form.text("back")
    response = RedirectResponse(back if safe_next(back) else "/console/", status_code=303)
    if chosen in STAFF_LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            chosen,
            path="/console",
            max_age=365 * 86400,
            httponly=True,
            samesite="lax",
        )
    return response
