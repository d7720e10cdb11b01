"""A web server that answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from feeds.fetch import AllowedHosts
from tests.support.feed_world import source

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A web server that answers by paths given to it."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.seen: list[web.Request] = []
        self.released = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        return await self.handlers[request.path](request)

    def says(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        async def handler(request: web.Request) -> web.Response:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return web.Response(body=body, status=status, headers=names)

        self.handlers[path] = handler
        return self.url + path

    @property
    def reach(self) -> AllowedHosts:
        return AllowedHosts.of(source("x", "rss", self.url))
