"""A drill of the disaster desk: switched on, a site opened from a phone whose line drops and comes
back, a resident who asks and sees it, and switched off.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from city.city import City
from feeds.texts import drill_mark
from tests.support.demo import Demo
from tests.support.phone import Phone, inside
from tests.support.phone_line import PhoneLine, line_to
from tests.support.staff_pages import signed_in

pytestmark = pytest.mark.browser
NewContext = Callable[[], BrowserContext]
OpenPage = Callable[[str], Page]

DISTRICT = "yamanobe"
SITE, NAME = "0001", "山の辺小学校"
WATER = "山辺公園の給水車"


def test_a_drill_from_the_switch_to_the_phone_at_the_site_and_the_residents_answer(
    demo: Demo, new_page: OpenPage, new_context: NewContext, city: City
) -> None:
    resident = Phone(new_page(demo.phone), "みどり", "ja")
    resident.come_aboard(city, "ja", DISTRICT)
    desk = new_context().new_page()
    desk.on("pageerror", lambda error: pytest.fail(f"{desk.url}: {error}"))
    desk.goto(f"{demo.console}/sign-in")
    signed_in(desk, "disaster")

    # On, for the residents of one district.
    desk.goto(f"{demo.console}/disaster")
    desk.locator(f'input[name="areas"][value="{DISTRICT}"]').check()
    desk.get_by_test_id("choose-with-residents").click()
    desk.get_by_test_id("typed").fill("訓練")
    desk.get_by_test_id("begin").click()
    expect(desk.get_by_test_id("mode-on")).to_contain_text("住民参加の訓練中です")
    expect(desk.locator("#now")).to_contain_text("メニューが切り替わりました", timeout=20_000)

    # A link for the staff at the site, and water.
    desk.goto(f"{demo.console}/shelters/site?code={SITE}&world=drill")
    desk.get_by_test_id("make-link").click()
    link = desk.get_by_test_id("link").get_attribute("href")
    assert link is not None
    desk.goto(f"{demo.console}/lifelines?world=drill")
    desk.locator('form.lifeline-form input[name="kind"][value="water"]').check()
    desk.locator('input[name="name"]').fill(WATER)
    desk.locator('form.lifeline-form select[name="area"]').select_option(DISTRICT)
    desk.get_by_test_id("list").click()
    expect(desk.locator("main")).to_contain_text(WATER)

    with line_to(demo.public) as line:
        press_without_a_line(demo, new_context(), line, link, desk)
    expect(desk.locator("main")).to_contain_text("41 /")
    expect(desk.locator("main")).to_contain_text("毛布が足りません")

    # The resident sees both, marked as a drill.
    resident.send_location(*inside(city, DISTRICT), "")
    resident.sees(NAME)
    resident.sees(drill_mark("ja"))
    resident.sees("開設中")
    resident.write("給水車はどこですか")
    resident.sees(WATER)

    # Off: the site of the drill is nobody's any more.
    desk.goto(f"{demo.console}/disaster")
    desk.get_by_test_id("typed-end").fill("訓練")
    desk.get_by_test_id("end").click()
    expect(desk.locator("#now")).to_contain_text("災害モードはオフです")
    resident.write("給水車はどこですか")
    resident.hears("各会社にもお問い合わせください")


def press_without_a_line(
    demo: Demo, there: BrowserContext, line: PhoneLine, link: str, desk: Page
) -> None:
    """Work from the phone at the site: what is pressed without a line is kept, also when the page
    is opened again."""
    site = there.new_page()
    site.on("pageerror", lambda error: pytest.fail(f"{site.url}: {error}"))
    site.goto(link.replace(demo.public, line.url))
    expect(site.locator(".world")).to_contain_text("訓練")
    expect(site.locator("#line")).to_have_text("すべて送りました。")
    site.locator("body[data-opens]").wait_for()  # the page opens without a line from now on
    there.set_offline(True)
    line.cut()
    site.locator('button[value="state:open"]').click()
    for _ in range(3):
        site.locator('button[value="count:+10"]').click()
    expect(site.locator("#heads")).to_have_text("30")
    expect(site.locator("#line")).to_contain_text("4件が未送信")
    site.reload()
    expect(site.locator("#heads")).to_have_text("30")
    expect(site.locator("#line")).to_contain_text("4件が未送信")
    desk.goto(f"{demo.console}/shelters/site?code={SITE}&world=drill")
    expect(desk.get_by_test_id("state")).to_have_count(0)
    line.mend()
    there.set_offline(False)
    expect(site.locator("#line")).to_have_text("すべて送りました。")
    site.locator('input[name="heads"]').fill("４１")
    site.locator('button[value="heads:"]').click()
    expect(site.locator("#heads")).to_have_text("41")
    site.locator("#note").fill("毛布が足りません")
    site.locator('button[value="note:"]').click()
    expect(site.locator("#last")).to_contain_text("毛布が足りません")
    desk.reload()
    expect(desk.get_by_test_id("state")).to_have_text("開設")
