"""LINE refuses the token in the middle of the night: staff see it on every page, and what to do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from console.models import Role
from simulator.line import FaultPlan
from tests.support.console_alerts import sent, written
from tests.support.office import Browser, Office, Page

pytestmark = pytest.mark.slow

PAGES = ("", "alerts", "held", "reports", "feeds", "audit", "staff", "account", "deliveries/1")
RED = "LINEがアクセストークンを受け付けません。住民への配信が止まっています。"


def line_of(page: Page) -> str:
    found = page.tree.xpath("//*[@data-testid='channel-stopped']")
    return " ".join(found[0].text_content().split()) if found else ""


async def shows(browser: Browser, path: str, red: bool) -> Page:
    """Wait until a page shows the red line, or no longer does."""
    async with asyncio.timeout(20):
        while bool(line_of(page := await browser.get(path))) is not red:
            await asyncio.sleep(0.05)
    return page


@pytest.mark.parametrize("level", [0, 4], ids=["routine", "emergency"])
async def test_a_refused_token_is_a_red_line_on_every_page_until_it_is_right(
    office: Office, level: int
) -> None:
    residents = [await office.resident(language) for language in ("ja", "my", "pt")]
    admin = await office.at_desk(Role.ADMIN, "sato")
    office.simulator.faults = FaultPlan(unauthorized=True)
    assert not line_of(await admin.get("/console/"))
    # As a drill, so that one person may send it; the topic of a routine one wants subscribers.
    topic = "evacuation" if level else "weather"
    number, page = await written(admin, "drill", topic=topic, level=str(level))
    page = await sent(admin, number, page)
    assert "/console/deliveries/1" in page.url, page.words

    await shows(admin, "/console/", red=True)
    for path in PAGES:
        page = await admin.get(f"/console/{path}")
        assert page.status == 200, path
        assert RED in line_of(page), path
        assert "TODOKE_LINE_CHANNEL_ACCESS_TOKEN" in line_of(page)
    (delivery,) = await office.deliveries()
    assert delivery.state.value in ("planned", "sending")
    assert "待機中：LINEがアクセストークンを受け付けません" in page.words
    live = await admin.get("/console/deliveries/1/live")
    assert "待機中" in live.words
    # A page that was left open asks for itself; what it shows already is not said again.
    news = page.tree.xpath("//*[@id='stopped']/@hx-get")[0]
    assert (await admin.get(news)).status == 204
    assert RED in line_of(await admin.get("/console/stopped/live?seen="))
    # Whoever is not signed in learns nothing of it.
    assert RED not in (await (await office.browser()).get("/console/sign-in")).words
    assert not office.receivers()

    office.simulator.faults = FaultPlan()
    office.clock.ahead += timedelta(seconds=11)
    page = await shows(admin, "/console/deliveries/1", red=False)
    assert (await admin.get(news)).status == 200
    await office.done(1)
    assert office.receivers() == dict.fromkeys(residents, 1)


async def test_the_red_line_is_in_english_too(office: Office) -> None:
    await office.resident("ja")
    admin = await office.at_desk(Role.ADMIN, "sato")
    office.simulator.faults = FaultPlan(unauthorized=True)
    await sent(admin, *await written(admin, "drill"))
    page = await shows(admin, "/console/", red=True)
    page = await admin.submit(page, "/console/language", language="en")
    assert line_of(page).startswith("LINE refuses Todoke's access token. Nothing is being sent")
