"""Staff who set up one-time codes."""

from __future__ import annotations

from datetime import timedelta

import pyotp
from lxml import html

from tests.support.office import PASSWORD, Browser, Office, Page

CODE = "/console/account/code"


def key_on(page: Page) -> str:
    """The key that the set-up page shows in groups of four."""
    [shown] = page.tree.xpath("//*[@data-testid='key']")
    assert isinstance(shown, html.HtmlElement)
    groups = shown.text_content().split()
    assert {len(group) for group in groups} == {4}
    return "".join(groups)


def shows(office: Office, key: str) -> str:
    """The code that the app on the phone shows now."""
    return pyotp.TOTP(key).at(office.clock.now())


async def with_codes(office: Office, browser: Browser) -> str:
    """Set up one-time codes; returns the key."""
    page = await browser.get(CODE)
    key = key_on(page)
    done = await browser.submit(page, CODE, new_code=shows(office, key), present=PASSWORD)
    assert done.status == 200, done.words
    assert "確認コードが必要になります" in done.words
    office.clock.ahead += timedelta(seconds=60)  # the app shows another code by then
    return key
