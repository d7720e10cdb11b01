"""A program that takes webhooks, and fails when it is told to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Received:
    """A message as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def number(self) -> str:
        return str(self.said["data"]["report"]["number"])


@dataclass
class Receiver:
    """Use it as an asynchronous context.

    Parameters
    ----------
    status
        What it answers; anything above 299 is no acknowledgement, though it was heard.
    drops
        For so many messages it ends the connection without an answer.
    refuses
        Numbers of reports of which it takes nothing.
    """

    status: int = 200
    drops: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    heard: list[Received] = field(default_factory=list)
    """All that came, also what was not acknowledged."""
    taken: list[Received] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/todoke"

    async def __aenter__(self) -> Receiver:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        message = Received(headers, await request.read())
        self.heard.append(message)
        if self.drops > 0:
            self.drops -= 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status = 400 if self.refuses and message.number in self.refuses else self.status
        if status < 300:
            self.taken.append(message)
        return web.Response(status=status, headers=self.headers)
