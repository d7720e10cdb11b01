"""Chromium as a resident's phone that follows by web push.

Chromium's own push service is in the internet. So a page's ``pushManager`` gets its subscription
from the simulator, which decrypts what arrives there. The decrypted bytes go through the DevTools
protocol into the service worker, as a real push does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, Page, async_playwright, expect

from public.push_pages import PATH
from simulator.push import Browser
from tests.support.chromium import chromium_address
from tests.support.push_desk import PushDesk

STAND_IN = """(() => {
  let own = null;
  const known = () => own && { endpoint: own.endpoint, toJSON: () => own,
    unsubscribe: async () => { own = null; sessionStorage.removeItem('own'); return true; } };
  own = JSON.parse(sessionStorage.getItem('own') || 'null');
  PushManager.prototype.getSubscription = async () => known();
  PushManager.prototype.subscribe = async (options) => {
    own = JSON.parse(await window.subscribeAtStandIn(options.applicationServerKey));
    sessionStorage.setItem('own', JSON.stringify(own));
    return known();
  };
})()"""
NOTIFICATIONS = """async () => (await self.registration.getNotifications()).map((one) => ({
  title: one.title, body: one.body, tag: one.tag, lang: one.lang, dir: one.dir, icon: one.icon,
  badge: one.badge, silent: one.silent, stays: one.requireInteraction, data: one.data }))"""


@dataclass
class Phone:
    """A window of Chromium whose subscription is at the simulator."""

    desk: PushDesk
    context: BrowserContext
    page: Page
    own: list[Browser] = field(default_factory=list)
    delivered: int = 0

    async def subscribe(self, key: str) -> str:
        self.own.append(self.desk.service.subscribe(key))
        return json.dumps(self.own[-1].subscription())

    async def turn_on(self, language: str) -> None:
        await self.page.goto(f"{self.desk.office.url}{PATH}?lang={language}")
        await self.page.locator('button[name="on"]').click()
        await expect(self.page.locator('[data-says="on"]')).to_be_visible()

    @property
    def worker(self) -> Any:
        return self.context.service_workers[0]

    async def arrive(self) -> None:
        """Let Chromium have what its push service got since."""
        session = await self.context.new_cdp_session(self.page)
        registrations: asyncio.Queue[str] = asyncio.Queue()

        def note(event: dict[str, Any]) -> None:
            for one in event["registrations"]:
                if not one["isDeleted"] and one["scopeURL"] == f"{self.desk.office.url}/":
                    registrations.put_nowait(one["registrationId"])

        session.on("ServiceWorker.workerRegistrationUpdated", note)
        await session.send("ServiceWorker.enable")
        registration = await asyncio.wait_for(registrations.get(), 10)
        for shown in self.own[-1].shown[self.delivered :]:
            await session.send(
                "ServiceWorker.deliverPushMessage",
                {
                    "origin": self.desk.office.url,
                    "registrationId": registration,
                    "data": shown.raw.decode(),
                },
            )
        self.delivered = len(self.own[-1].shown)
        await session.detach()

    async def notifications(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.worker.evaluate(NOTIFICATIONS)
        return found

    async def until_any(self) -> list[dict[str, Any]]:
        """Wait until notifications stand there; return them."""
        async with asyncio.timeout(15):
            while not (found := await self.notifications()):
                await asyncio.sleep(0.05)
        return found

    async def until_shown(self, **wanted: Any) -> dict[str, Any]:
        """Wait until one notification stands there, and has these values."""
        async with asyncio.timeout(15):
            while True:
                found = await self.notifications()
                if len(found) == 1 and wanted.items() <= found[0].items():
                    return found[0]
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def push_phone(desk: PushDesk) -> AsyncIterator[Phone]:
    """Open a window, in which nobody follows yet."""
    address = chromium_address()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(address)
        context = await chromium.new_context(viewport={"width": 390, "height": 844})
        await context.grant_permissions(["notifications"], origin=desk.office.url)
        page = await context.new_page()
        made = Phone(desk, context, page)
        await context.expose_function("subscribeAtStandIn", made.subscribe)
        await context.add_init_script(STAND_IN)
        yield made
        await chromium.close()
