"""Alerts as staff write and send them in the console."""

from __future__ import annotations

from typing import Any

from tests.support.office import Browser, Page

TEXT = "大雨のため、川の近くにいる人は今すぐ避難してください。"


async def begun(browser: Browser, kind: str) -> tuple[int, Page]:
    """Begin a draft; returns its id and the page for writing."""
    page = await browser.get("/console/alerts")
    fields = {**page.form("/console/alerts"), "kind": kind}
    page = await browser.post("/console/alerts", fields)
    assert page.status == 200, page.words
    return int(page.url.rsplit("/", 1)[1].partition("?")[0]), page


async def written(
    browser: Browser, kind: str, *, text: str = TEXT, then: str = "check", **fields: Any
) -> tuple[int, Page]:
    """Write a draft and go on to look at it."""
    number, page = await begun(browser, kind)
    wanted: dict[str, Any] = {
        "topic": "evacuation",
        "level": "4",
        "whole_city": "yes",
        "text__ja": text,
        **fields,
        "then": then,
    }
    return number, await browser.submit(page, f"/console/alerts/{number}", **wanted)


async def sent(browser: Browser, number: int, page: Page, **fields: Any) -> Page:
    """Confirm and send what is looked at, typing what the page asks for."""
    if "typed" not in fields:
        real = page.tree.xpath('//button[contains(@class, "send-real")]')
        count = page.tree.xpath('//*[@data-testid="recipients"]/text()')[0].strip()
        fields["typed"] = count if real else "訓練"
    return await browser.submit(page, f"/console/alerts/{number}/send", **fields)


def delivery_of(page: Page) -> int:
    assert "/console/deliveries/" in page.url, page.words
    return int(page.url.rsplit("/", 1)[1].partition("?")[0])
