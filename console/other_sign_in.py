"""Signing in without a password: by the city's OIDC provider, or with a passkey."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from console import accounts, provider_accounts
from console.accounts import Proved
from console.attempts import Limits, TooManyAttempts, key, note_failure
from console.models import SignInAttempts, SignInWay
from console.provider import Pending, ProviderRefused, ProviderSilent
from console.sent_forms import safe_next
from console.sign_in import begun
from console.web import (
    TOO_OLD,
    StaffRoute,
    context_of,
    language_of,
    origin_of,
    passkeys_of,
    provider_of,
    sessions_of,
    sign_in_form,
)
from console.words import CATALOGUE, said
from core.errors import Refusal
from core.languages import mark
from core.web import read_form

router = APIRouter(prefix="/console/sign-in", route_class=StaffRoute)
COOKIE = "todoke_provider"
WAY = "/console/sign-in/provider"
NO_PASSKEY = mark("This passkey is not known here, or its account is switched off.")


@router.get("/provider")
async def to_provider(request: Request, next: str = "") -> Response:
    """Send the browser to the city's OIDC provider."""
    provider = provider_of(request)
    if provider is None:
        return sign_in_form(request)
    context = context_of(request)
    pending = Pending.fresh(next if safe_next(next) else "", context.clock.now())
    try:
        address = await provider.address(pending, _back_here(request), context.clock.now())
    except ProviderSilent as refusal:
        return _refused(request, refusal, 503)
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        COOKIE,
        pending.seal(context.settings.secret_key),
        path=WAY,
        max_age=600,
        secure=context.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/provider/back")
async def from_provider(request: Request) -> Response:
    """Take the provider's answer; it counts once, and only in the browser that asked for it."""
    provider = provider_of(request)
    if provider is None:
        return sign_in_form(request)
    context = context_of(request)
    now = context.clock.now()
    sealed = request.cookies.get(COOKIE, "")[:2048]
    pending = Pending.unseal(sealed, context.settings.secret_key, now)
    try:
        if pending is None or not await _first_time(request, pending.state):
            raise Refusal(TOO_OLD)
        answer = dict(request.query_params)
        person = await provider.person(pending, answer, _back_here(request), now)
        proved = await provider_accounts.account_of(context.database, context.city, person, now)
        proved = await _opened(request, proved)
    except ProviderSilent as refusal:
        return _refused(request, refusal, 503)
    except Refusal as refusal:
        if isinstance(refusal, ProviderRefused):
            async with context.database.writing() as session:
                await note_failure(session, origin_of(request), now)
        return _refused(request, refusal, 403)
    begun(request, proved)
    response = RedirectResponse(pending.back or "/console/", status_code=303)
    response.delete_cookie(COOKIE, path=WAY)
    return response


@router.post("/provider/sign-out")
async def signed_out_there(request: Request) -> Response:
    """Hear from the provider that it has signed somebody out, and end their sessions here.

    It is no page: the provider itself posts ``logout_token``. Source: OpenID Connect Back-Channel
    Logout 1.0, section 2.8.
    """
    provider, context = provider_of(request), context_of(request)
    now, status = context.clock.now(), 400
    if provider is not None:
        try:
            gone = await provider.signed_out((await read_form(request)).text("logout_token"), now)
        except ProviderSilent:
            status = 503
        except Refusal:
            pass
        else:
            status = 200
            if await _first_time(request, gone.token_id):
                async with context.database.writing() as session:
                    await provider_accounts.end_sessions(session, gone.subject, now)
    return Response(status_code=status, headers={"Cache-Control": "no-store"})


@router.post("/passkey")
async def with_passkey(request: Request) -> Response:
    """Sign in with a passkey; the authenticator says whose it is."""
    context, sessions = context_of(request), sessions_of(request)
    form, now = await read_form(request), context.clock.now()
    back = form.text("next")
    browser = sessions.visitor(request)
    if not sessions.token_fits(browser, form.text("csrf")):
        return _refused(request, Refusal(TOO_OLD), 400)
    origin = origin_of(request)
    limits = Limits.of_address(origin)
    try:
        async with context.database.reading() as session:
            await limits.check(session, now)
        async with context.database.writing() as session:
            staff = await passkeys_of(request).who(
                session, form.get("credential", ""), form.text("sealed"), browser, now
            )
            if staff is None:
                await limits.count(session, now)
                await note_failure(session, origin, now)
            else:
                proved = await accounts.opened(
                    session, Proved(staff, SignInWay.PASSKEY), origin=origin, now=now
                )
    except Refusal as refusal:
        return _refused(request, refusal, 429 if isinstance(refusal, TooManyAttempts) else 400)
    if staff is None:
        return _refused(request, Refusal(NO_PASSKEY), 400)
    begun(request, proved)
    return RedirectResponse(back if safe_next(back) else "/console/", status_code=303)


async def _opened(request: Request, proved: Proved) -> Proved:
    context = context_of(request)
    async with context.database.writing() as session:
        return await accounts.opened(
            session, proved, origin=origin_of(request), now=context.clock.now()
        )


async def _first_time(request: Request, answer: str) -> bool:
    """Whether this answer of the provider, by its state or id, was not taken before."""
    context = context_of(request)
    used = key("provider", answer)
    async with context.database.writing() as session:
        if await session.get(SignInAttempts, used) is not None:
            return False
        session.add(SignInAttempts(key=used, count=1, since=context.clock.now()))
    return True


def _back_here(request: Request) -> str:
    return f"{context_of(request).settings.public_url}{WAY}/back"


def _refused(request: Request, refusal: Refusal, status: int) -> Response:
    message = said(refusal, language_of(request))
    response = sign_in_form(request, message=message or CATALOGUE.text("ja", TOO_OLD))
    response.status_code = status
    response.delete_cookie(COOKIE, path=WAY)
    return response
