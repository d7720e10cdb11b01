"""News as somebody writes it in the console."""

from __future__ import annotations

from typing import Any

from response.models import StaffMember
from tests.support.office import Browser, Office, Page

WORDS = {
    "topic": "events",
    "title-ja": "秋のまつり",
    "text-ja": "中央公園でまつりがあります。",
    "whole_city": "yes",
    "when": "at",
    "send_at": "2026-06-16T09:00",
}


async def begun(browser: Browser) -> Page:
    """Begin news, and return the composer."""
    return await browser.submit(await browser.get("/console/news"), "/console/news")


async def saved(browser: Browser, page: Page, **changes: Any) -> Page:
    """Fill in the composer and save it."""
    action = page.url.removeprefix(browser.url).partition("?")[0]
    fields = {**page.form(action), **WORDS, **changes}
    return await browser.post(action, {k: v for k, v in fields.items() if v is not None})


async def planned(browser: Browser, **changes: Any) -> Page:
    """Write news and plan it; returns its page."""
    page = await saved(browser, await begun(browser), then="check", **changes)
    assert page.url.endswith("/check"), page.words
    action = page.url.removeprefix(browser.url).removesuffix("/check") + "/plan"
    return await browser.submit(page, action)


async def on_the_list(office: Office) -> None:
    """Have the list of staff know where a test to ``one@city.example`` goes."""
    now = office.clock.now()
    await office.store(
        StaffMember(
            name="広報 花子",
            department="general",
            mail="hanako@home.example",
            account="one@city.example",
            language="ja",
            added_at=now,
            changed_at=now,
        )
    )
