"""A browser tab of a person who is signed in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import BrowserContext, Page, async_playwright, expect

from console.sessions import COOKIE
from tests.support.chromium import chromium_address
from tests.support.office import Browser, Office

HARMLESS = ("ERR_FAILED", "htmx:sendAbort", "htmx:afterRequest")
"""The tiles refused here, and a preview that was under way when the page was left."""


@contextlib.asynccontextmanager
async def tab(
    office: Office,
    signed_in: Browser,
    *,
    harmless: tuple[str, ...] = (),
    script: bool = True,
    locale: str = "ja-JP",
) -> AsyncIterator[Page]:
    """Open a browser tab in which somebody is signed in; complaints of the browser fail it,
    but for ``harmless`` ones. ``locale`` is the language of the phone."""
    complaints: list[str] = []
    address = chromium_address()
    expect.set_options(timeout=20_000)  # a machine that runs other things too
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(address)
        context: BrowserContext = await chromium.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=script, locale=locale
        )
        await context.add_cookies(
            [
                {
                    "name": COOKIE,
                    "value": signed_in.cookie(COOKIE),
                    "url": f"{office.url}/console/",
                }
            ]
        )
        accepted = (*HARMLESS, *harmless)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not any(one in message.text for one in accepted)
                else None
            ),
        )
        yield page
        await chromium.close()
    assert not complaints
