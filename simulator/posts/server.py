"""The networks on one port of this machine.

Sources: https://docs.ntfy.sh/publish/ and https://docs.joinmastodon.org/methods/statuses/
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Faults:
    """How the networks fail; numbers count down with each post.

    Parameters
    ----------
    refused
        So many are answered with ``status``.
    lost
        So many are kept, and the connection ends without an answer.
    delay_s
        How long each takes.
    """

    refused: int = 0
    status: int = 503
    lost: int = 0
    delay_s: float = 0.0


@dataclass(frozen=True)
class Posted:
    """One post: in which account's name, and its text."""

    account: str
    text: str


@dataclass
class Networks:
    """Takes posts on a port of this machine; use it as an asynchronous context.

    Parameters
    ----------
    token
        Wanted by Mastodon. An expired one is answered with 401.
    """

    token: str = "token"  # noqa: S105
    port: int = 0
    faults: Faults = field(default_factory=Faults)
    posts: list[Posted] = field(default_factory=list)
    """In the order in which they came."""
    _runner: web.AppRunner | None = field(default=None, repr=False)

    @property
    def ntfy_url(self) -> str:
        """The address of the topic ``city`` as Apprise has it."""
        return f"ntfy://127.0.0.1:{self.port}/city"

    @property
    def mastodon_url(self) -> str:
        """The address of an account as Apprise has it."""
        return f"mastodon://{self.token}@127.0.0.1:{self.port}"

    def texts(self, account: str) -> list[str]:
        """Return what was posted by an account, the oldest first."""
        return [each.text for each in self.posts if each.account == account]

    async def __aenter__(self) -> Networks:
        app = web.Application()
        app.router.add_get("/api/v1/accounts/verify_credentials", self._whoami)
        app.router.add_post("/api/v1/statuses", self._status)
        app.router.add_post("/", self._publish)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _whoami(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.json_response({"error": "The access token is invalid"}, status=401)
        return web.json_response({"id": "1", "username": "city"})

    async def _status(self, request: web.Request) -> web.StreamResponse:
        if not self._knows(request):
            return web.json_response({"error": "The access token is invalid"}, status=401)
        said = await request.json()
        return await self._taken(request, Posted("mastodon", said["status"]))

    async def _publish(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()
        return await self._taken(request, Posted("ntfy", said["message"]))

    def _knows(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.token}"

    async def _taken(self, request: web.Request, post: Posted) -> web.StreamResponse:
        faults = self.faults
        if faults.delay_s:
            await asyncio.sleep(faults.delay_s)
        if faults.refused > 0:
            faults.refused -= 1
            return web.json_response({"error": "not now"}, status=faults.status)
        self.posts.append(post)
        if faults.lost > 0:
            faults.lost -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"id": str(len(self.posts)), "account": {"id": "1"}})
