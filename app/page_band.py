"""A band on every page, put into each answer that is a page.

It is not in the templates, so no page can lack it, and no page of a service without it can have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BODY = re.compile(rb"<body[^>]*>")
_HEAD = re.compile(rb"</head>")
_TITLE = re.compile(rb"<title>")


@dataclass(frozen=True)
class Band:
    """What is put into a page: a stylesheet's address, a mark for the title, the band's HTML."""

    style: str
    title: str
    html: str


def with_band(page: bytes, band: Band) -> bytes:
    """Return a page with the band at the top of its body; another document unchanged."""
    if _BODY.search(page) is None:
        return page
    style = f'<link rel="stylesheet" href="{band.style}">'.encode()
    page = _HEAD.sub(style + b"</head>", page, count=1)
    page = _TITLE.sub(f"<title>{band.title}".encode(), page, count=1)
    return _BODY.sub(lambda found: found[0] + band.html.encode(), page, count=1)


class PageBand:
    """Puts a band into every HTML page that the application answers."""

    def __init__(self, app: ASGIApp, band: Band) -> None:
        self._app = app
        self._band = band

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                if not headers.get(b"content-type", b"").startswith(b"text/html"):
                    await send(message)
                    return
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = with_band(bytes(body), self._band)
            headers_left = [h for h in start["headers"] if h[0] != b"content-length"]
            headers_left.append((b"content-length", str(len(page)).encode()))
            await send({**start, "headers": headers_left})
            await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, sending)
