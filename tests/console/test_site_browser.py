"""The page for the staff at an evacuation site, in a browser: a thumb, a bad line, an end."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from sqlmodel import col, select

from console.models import Role
from console.words import CATALOGUE
from response.models import ShelterAct, ShelterLink
from tests.support.browser_tabs import tab
from tests.support.office import Browser, Office
from tests.support.phone_line import PhoneLine, line_to

pytestmark = pytest.mark.browser
NO_LINE = ("ERR_INTERNET_DISCONNECTED", "410 (Gone)")


async def test_a_thumb_that_presses_twice_means_once_and_an_ended_link_says_what_is_not_sent(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await desk.get("/console/shelters/site?code=0001&world=real")
    page = await desk.submit(page, "/console/shelters/links", hours="24")
    address = str(page.tree.xpath("//*[@data-testid='link']/@href")[0])
    path = address.removeprefix(office.context.settings.public_url)
    with line_to(office.url) as line:
        await press(office, desk, line, path)


async def press(office: Office, desk: Browser, line: PhoneLine, path: str) -> None:
    async with tab(office, desk, harmless=NO_LINE) as phone:
        await phone.set_viewport_size({"width": 390, "height": 844})
        await phone.goto(f"{line.url}{path}")
        said = phone.locator("#line")
        await expect(said).to_have_text(CATALOGUE.text("ja", "All sent."))
        # It opens without a line from now on, also if the browser loads it anew.
        await phone.locator("body[data-opens]").wait_for(state="attached")
        await phone.context.set_offline(True)
        line.cut()
        await phone.locator('button[value="state:open"]').dblclick()
        await phone.locator("button[data-offer]").first.dblclick()
        for _ in range(2):
            await phone.locator('button[value="count:+1"]').click()
        await phone.reload()
        await expect(phone.locator("#heads")).to_have_text("2")
        await expect(phone.locator("button[data-offer]").first).to_have_attribute(
            "aria-pressed", "true"
        )
        line.mend()
        await phone.context.set_offline(False)
        await expect(said).to_have_text(CATALOGUE.text("ja", "All sent."))
        async with office.database.reading() as session:
            acts = list(await session.scalars(select(ShelterAct).order_by(col(ShelterAct.id))))
        assert [act.kind.value for act in acts] == ["state", "offer", "count", "count"]

        # The desk ends the link; what is pressed then is counted, so that somebody says it.
        async with office.database.writing() as session:
            link = await session.scalar(select(ShelterLink))
            assert link is not None
            link.revoked_at, link.revoked_by = office.clock.now(), "desk@city.example"
            session.add(link)
        await phone.locator('button[value="state:full"]').click()
        lost = "Not sent: {n}. Tell the desk what you pressed."
        await expect(said).to_contain_text(CATALOGUE.text("ja", lost, n=1))
        # The page that says so has the look of all pages.
        await phone.reload()
        await expect(phone.get_by_role("alert")).to_be_visible()
        family = await phone.evaluate("getComputedStyle(document.body).fontFamily")
        assert "sans-serif" in family
