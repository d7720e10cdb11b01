"""What a request of the console belongs to: context, sessions, language, ways to sign in."""

from __future__ import annotations

from functools import cache

from fastapi import Request

from city.context import Context
from console import words
from console.attempts import Origin
from console.passkeys import Passkeys
from console.provider import Provider
from console.sessions import Sessions

LANGUAGE_COOKIE = "todoke_console_language"


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def sessions_of(request: Request) -> Sessions:
    settings = context_of(request).settings
    return _sessions(settings.secret_key, settings.public_url.startswith("https://"))


def provider_of(request: Request) -> Provider | None:
    """Return the city's OIDC provider, if there is one; what it said of itself is kept."""
    context = context_of(request)
    if context.settings.provider is None:
        return None
    found: Provider | None = getattr(request.app.state, "oidc", None)
    if found is None:
        found = request.app.state.oidc = Provider(context.settings.provider, context.http)
    return found


def passkeys_of(request: Request) -> Passkeys:
    """Return what makes and checks passkeys of this installation."""
    settings = context_of(request).settings
    name = context_of(request).city.name["ja"]
    return _passkeys(settings.public_url, settings.secret_key, name)


def origin_of(request: Request) -> Origin:
    """The origin of a sign-in attempt."""
    address = request.client.host if request.client else ""
    device = sessions_of(request).device(request)
    return Origin(
        address=address,
        is_proxy=context_of(request).settings.is_trusted_proxy(address),
        device=device.name if device.staff_ids else "",
        staff_ids=device.staff_ids,
    )


@cache
def _passkeys(public_url: str, secret_key: str, name: str) -> Passkeys:
    return Passkeys(public_url, secret_key, name)


@cache
def _sessions(secret_key: str, secure_only: bool) -> Sessions:
    return Sessions(secret_key, secure=secure_only)


def language_of(request: Request) -> str:
    """Return a browser's staff language; the default is Japanese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in words.STAFF_LANGUAGES else "ja"
