"""A drill of the call-up in a browser: one answers in LINE, one from a mail, the table follows."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from console.models import Role
from response.models import StaffMember
from tests.support.browser_tabs import tab
from tests.support.called_staff import join, listed, presses, sent
from tests.support.office import Office

pytestmark = pytest.mark.browser


async def test_a_drill_is_called_and_the_table_follows_the_answers(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await listed(desk)
    first, *_ = await office.rows(StaffMember)
    user = await join(office, first.id)
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/call-up")
        await page.locator('input[name="kind"][value="drill"]').check()
        await page.locator('input[name="whom"][value="all"]').check()
        await page.locator('textarea[name="words"]').fill("震度６弱。市役所３階へ。")
        await page.locator("main form button.primary").click()
        await expect(page.get_by_test_id("called")).to_contain_text("3")
        await expect(page.locator(".band-drill")).to_be_visible()
        await page.get_by_test_id("typed").fill("訓練")
        await page.get_by_test_id("send").click()
        await page.wait_for_url(re.compile(r"/call-up/\d+$"))
        await sent(office, 3)

        said = await presses(office, user, "参集します（30分以内）")
        assert said.startswith("【訓練】") and "参集します（30分以内）" in said
        # The table follows by itself.
        await expect(page.get_by_test_id("coming")).to_have_text("1")
        await expect(page.get_by_test_id("reached")).to_have_text("2")

        [letter] = office.mails.to("suzuki@city.example")
        path = re.findall(r":8000(/call-up/\S+answer=cannot)", letter.get_content())[0]
        mail = await page.context.new_page()
        await mail.set_viewport_size({"width": 390, "height": 800})
        await mail.goto(office.url + path)
        await expect(mail.locator("h1")).to_contain_text("職員参集")
        await expect(page.get_by_test_id("cannot")).to_have_text("0")
        await mail.locator("button.send").click()
        await expect(mail.get_by_test_id("given")).to_contain_text("参集できない")
        await expect(page.get_by_test_id("cannot")).to_have_text("1")
        await expect(page.get_by_test_id("silent")).to_have_text("1")
        await page.get_by_test_id("end").click()
        await expect(page.get_by_test_id("ask-again")).to_have_count(0)
