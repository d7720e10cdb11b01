"""Shared by all web pages: security headers, templates, forms with limits.

Pages carry no inline script and no inline style, so that the content security policy can
forbid both. A form is read within limits before anything looks at it (promise 8).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.errors import BadInput
from core.languages import script_of, tag_of
from core.reasons import reason
from core.text import whole_number

FORM_LIMIT_BYTES = 256 * 1024
FORM_LIMIT_FIELDS = 400
PUBLIC_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STAFF_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAP_POLICY = f"{STAFF_POLICY}; manifest-src 'self'"
"""A public page with a map; all that the map asks for comes from this service."""
SHARED = Path(__file__).parent
"""The folder with the styles and components that all pages share."""
PHOTO_POLICY = "default-src 'none'; sandbox"


def secure(response: Response, policy: str, *, https: bool) -> None:
    """Set the security headers on ``response``; a policy that it already has stays."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


class PublicRoute(APIRoute):
    """A page for everybody, with security headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            response = await handle(request)
            https = request.app.state.context.settings.public_url.startswith("https://")
            secure(response, PUBLIC_POLICY, https=https)
            return response

        return handler


def templates(*folders: Path) -> Environment:
    """Return a package's templates. Output is escaped; a missing name is an error.

    Parameters
    ----------
    folders
        Searched in order, before the components that all packages share (``core/templates``).
    """
    made = Environment(
        loader=FileSystemLoader((*folders, SHARED / "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["written_in"] = written_in
    made.filters["thousands"] = lambda number: f"{number:,}"
    return made


@dataclass(frozen=True)
class Attributes:
    """Attributes of an element, in the form for a page."""

    text: str

    def __html__(self) -> str:
        return self.text


def written_in(language: str) -> Attributes:
    """Return the attributes of an element whose words are in ``language``."""
    script = script_of(language)
    tag = escape(tag_of(language))
    return Attributes(f'lang="{tag}" dir="{script.direction}" data-lines="{script.lines}"')


class Form(Mapping[str, str]):
    """The fields of a submitted form; a field that came several times keeps all its values."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[str]:
        """Return every value of ``name``, in the order they came."""
        return list(self._values.get(name, ()))

    def text(self, name: str) -> str:
        """Return the field without surrounding space, or "" when it did not come."""
        return self.get(name, "").strip()

    def number(self, name: str) -> int | None:
        """Return the field as a whole number (full-width digits too), or None."""
        return whole_number(self.text(name))


async def read_form(request: Request) -> Form:
    """Read an ``application/x-www-form-urlencoded`` body within limits.

    Raises
    ------
    BadInput
        The body is too large, has too many fields, or is not such a form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT_BYTES:
            raise BadInput(reason("form.too-large"))
    if not body:
        return Form([])
    if kind != "application/x-www-form-urlencoded":
        raise BadInput(reason("form.wrong-form"))
    try:
        pairs = parse_qsl(
            # Some programs leave other letters as they are.
            body.decode("utf-8"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=FORM_LIMIT_FIELDS,
        )
    except ValueError as error:
        raise BadInput(reason("form.unreadable")) from error
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise BadInput(reason("form.unreadable"))
    return Form(pairs)
