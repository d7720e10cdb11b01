"""A WebSub hub with its subscribers, for tests: it reads a feed again when it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
from aiohttp import web


@dataclass
class Hub:
    """Use it as an asynchronous context.

    Parameters
    ----------
    status
        What it answers to whoever publishes.
    """

    status: int = 202
    told: list[list[str]] = field(default_factory=list)
    """The feeds that each request named."""
    passed_on: dict[str, list[str]] = field(default_factory=dict)
    """What the subscribers of each feed got."""
    port: int = 0
    _runner: web.AppRunner | None = None
    _http: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    async def subscribe(self, address: str) -> str:
        """Find a feed's hub and own address as WebSub 4 says, and subscribe here."""
        assert self._http is not None
        async with self._http.get(address) as answer:
            links = {rel: str(link["url"]) for rel, link in answer.links.items()}
        assert links.get("hub") == self.url, f"{address} names no hub"
        self.passed_on[links["self"]] = []
        return links["self"]

    async def __aenter__(self) -> Hub:
        app = web.Application()
        app.router.add_post("/hub", self._published)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None and self._http is not None
        await self._http.close()
        await self._runner.cleanup()

    async def _published(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("hub.mode") != "publish" or self.status >= 300:
            return web.Response(status=self.status if self.status >= 300 else 400)
        feeds = [str(one) for one in form.getall("hub.url")]
        self.told.append(feeds)
        assert self._http is not None
        for feed in self.passed_on.keys() & set(feeds):
            async with self._http.get(feed) as answer:
                self.passed_on[feed].append(await answer.text())
        return web.Response(status=self.status)
