"""Two people write one alert in real browsers: it saves itself, survives a lost network and a
closed tab, shows each what the other does, and takes a template of the city."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from console.models import Role
from console.sessions import COOKIE
from tests.support.browser_tabs import tab
from tests.support.office import Office

pytestmark = pytest.mark.browser
WORDS = "月見川の水位が上がっています。"
REFUSED = ("400", "ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:responseError")


async def is_in_sight(page: Page, name: str) -> bool:
    """Whether a part lies in the window and nothing covers its middle."""
    return bool(
        await page.get_by_test_id(name).evaluate(
            """one => {
              const box = one.getBoundingClientRect();
              const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
              return box.bottom <= innerHeight && box.top >= 0 && one.contains(seen);
            }"""
        )
    )


async def test_an_alert_is_written_by_two_and_no_word_is_lost(office: Office) -> None:
    await office.resident("my")
    author = await office.at_desk(Role.DISASTER, "author")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    async with (
        tab(office, author, harmless=REFUSED) as page,
        tab(office, colleague, harmless=REFUSED) as other,
    ):
        # It saves itself.
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id("begin-real").click()
        await page.locator('select[name="topic"]').select_option("evacuation")
        await page.locator('input[name="level"][value="4"]').check()
        await page.locator('input[name="whole_city"]').check()
        japanese = page.locator('textarea[name="text-ja"]')
        await japanese.fill(WORDS)
        saved = page.get_by_test_id("save-state")
        await expect(saved).to_have_attribute("data-state", "saved")
        assert (await office.drafts())[0].texts["ja"]["text"] == WORDS

        # Beside Japanese the language that somebody reads is open: it has no words. The others are
        # one line. The button that goes on is always in sight.
        one_reads = page.locator("details.language", has=page.locator('textarea[name="text-my"]'))
        await expect(one_reads.locator("textarea")).to_be_visible()
        await expect(one_reads.locator("summary .tag-warn")).to_contain_text("文なし")
        await expect(one_reads.locator(".readers")).to_contain_text("1")
        await expect(page.locator('textarea[name="text-pt"]')).to_be_hidden()
        # What somebody closed stays closed while nothing new is to be done there.
        await one_reads.locator("summary").click()
        async with page.expect_response("**/look"):
            await japanese.fill(f"{WORDS}。")
        await expect(one_reads.locator("textarea")).to_be_hidden()
        await japanese.fill(WORDS)
        for width, height in ((1440, 900), (390, 844), (390, 430)):
            await page.set_viewport_size({"width": width, "height": height})
            for place in ("0", "document.body.scrollHeight / 2", "document.body.scrollHeight"):
                await page.evaluate(f"scrollTo(0, {place})")
                assert await is_in_sight(page, "go-check"), (width, height, place)
        await page.set_viewport_size({"width": 1280, "height": 900})

        # The colleague is seen, and what is saved there comes into a field that nobody touched.
        await other.goto(page.url)
        await expect(page.get_by_test_id("writers")).to_contain_text("colleague@city.example")
        await expect(other.get_by_test_id("writers")).to_contain_text("author@city.example")
        burmese = other.locator('textarea[name="text-my"]')
        await burmese.fill("မြစ်ရေ")
        await expect(page.locator('textarea[name="text-my"]')).to_have_value("မြစ်ရေ")
        await expect(one_reads.locator("textarea")).to_be_visible()  # it opens by itself

        # Both change one field: both texts are seen, and somebody chooses.
        await page.context.set_offline(True)
        await japanese.fill(f"{WORDS}逃げてください。")
        await expect(saved).to_have_attribute("data-state", "offline")
        await other.locator('textarea[name="text-ja"]').fill("別の本文です。")
        await expect(other.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
        await page.context.set_offline(False)
        both = page.get_by_test_id("both")
        await expect(both).to_contain_text("別の本文です。")
        await expect(japanese).to_have_value(f"{WORDS}逃げてください。")
        await both.locator("[data-mine]").click()
        await expect(saved).to_have_attribute("data-state", "saved")
        await expect(other.locator('textarea[name="text-ja"]')).to_have_value(
            f"{WORDS}逃げてください。"
        )

        # A tab that is closed without a network: the words are offered again.
        await page.context.set_offline(True)
        await japanese.fill("電波のないところで書いた本文です。")
        await page.wait_for_timeout(600)
        address, context = page.url, page.context
        await page.close()
        await context.set_offline(False)
        page = await context.new_page()
        await page.goto(address)
        offer = page.get_by_test_id("typed-offer")
        await expect(offer).to_be_visible()
        await offer.locator("[data-back]").click()
        japanese = page.locator('textarea[name="text-ja"]')
        await expect(japanese).to_have_value("電波のないところで書いた本文です。")
        await expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")

        # A template of the city, its blanks filled in once.
        await page.goto(f"{office.url}/console/templates")
        await page.get_by_test_id("starters").click()
        await expect(page.get_by_test_id("starters")).to_have_count(0)
        await page.goto(address)
        await page.locator('select[name="template"]').select_option(label="避難場所の開設")
        await page.get_by_test_id("use-template").click()
        await page.locator('input[name="shelters-shelter"]').first.check()
        await page.locator('input[name="where"][value="instead"]').check()
        await page.get_by_test_id("show").click()
        await expect(page.get_by_test_id("shown-my")).to_contain_text("Yamanobe Elementary School")
        await page.get_by_test_id("insert").click()
        await page.wait_for_url("**?saved=yes")
        await expect(page.locator('textarea[name="text-my"]')).to_have_value(
            (await office.drafts())[0].texts["my"]["text"]
        )
        await expect(page.locator("#origin-my [data-origin=template]")).to_be_visible()
        # A change by hand says so, before it is saved.
        burmese = page.locator('textarea[name="text-my"]')
        await page.locator("details.language", has=burmese).locator("summary").click()
        await burmese.press_sequentially("!")
        await expect(page.locator("#origin-my [data-origin=person]")).to_be_visible()
        await page.get_by_test_id("go-check").click()
        await expect(page.get_by_test_id("send")).to_be_visible()
        # What was sent or saved is offered no more.
        await page.goto(address)
        await expect(page.get_by_test_id("typed-offer")).to_have_count(0)
        # Whoever leaves the page at once has saved it too.
        await page.locator('textarea[name="text-ja"]').fill("出る直前に書いた本文です。")
        await page.goto(f"{office.url}/console/alerts")
        async with asyncio.timeout(20):
            while (await office.drafts())[0].texts["ja"]["text"] != "出る直前に書いた本文です。":
                await asyncio.sleep(0.05)
    [draft] = await office.drafts()
    assert "!" in draft.texts["my"]["text"]
    assert [e.action for e in await office.audit()].count("alert.written") <= 4


async def test_a_form_that_was_not_sent_is_offered_again_to_the_same_person(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    other = await office.at_desk(Role.ADMIN, "second")
    async with tab(office, boss, harmless=REFUSED) as page:
        address = f"{office.url}/console/templates/new"
        await page.goto(address)
        field = page.locator('textarea[name="text-ja"]')
        await field.fill("停電しています。")
        await page.wait_for_timeout(600)
        await page.goto(f"{office.url}/console/")  # left without sending
        await page.goto(address)
        offer = page.get_by_test_id("typed-offer")
        await offer.locator("[data-back]").click()
        await expect(field).to_have_value("停電しています。")
        assert await page.evaluate("Object.keys(localStorage).length") == 1

        # Another account in this browser is offered nothing; passwords are never kept.
        mine: Any = await page.context.cookies()
        await page.context.clear_cookies()
        theirs: Any = {**mine[0], "name": COOKIE, "value": other.cookie(COOKIE)}
        await page.context.add_cookies([theirs])
        await page.goto(address)
        await expect(page.get_by_test_id("typed-offer")).to_have_count(0)
        await page.goto(f"{office.url}/console/account")
        for password in await page.locator("input[type=password]").all():
            await password.fill("a secret that is not kept")
        await page.wait_for_timeout(600)
        assert "secret" not in await page.evaluate("JSON.stringify({...localStorage})")
        await page.context.clear_cookies()
        await page.context.add_cookies(mine)
        await page.goto(address)
        await expect(page.get_by_test_id("typed-offer")).to_be_visible()

        # Signing out on a machine that several use leaves nothing behind.
        await page.locator('form[action="/console/sign-out"] button').click()
        await page.wait_for_url("**/sign-in**")
        assert await page.evaluate("Object.keys(localStorage).length") == 0


async def rows_of_the_bar(page: Page) -> int:
    """How many rows the buttons of the bar take that stays in sight."""
    boxes = await page.locator(".go-bar button").evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect())"
        ".map(box => [box.top, box.bottom])"
    )
    highest = min(bottom for _, bottom in boxes)
    return 1 + sum(int(top >= highest) for top, _ in boxes)


async def test_what_is_taken_back_is_neither_unsaved_nor_offered_and_an_offer_stays(
    office: Office,
) -> None:
    author = await office.at_desk(Role.DISASTER, "author")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    async with (
        tab(office, author, harmless=REFUSED) as page,
        tab(office, colleague, harmless=REFUSED) as other,
    ):
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id("begin-real").click()
        japanese = page.locator('textarea[name="text-ja"]')
        saved = page.get_by_test_id("save-state")
        await japanese.fill(WORDS)
        await expect(saved).to_have_attribute("data-state", "saved")
        said = await saved.inner_text()

        # A key that is taken back leaves nothing to save, and nothing to offer later.
        await page.context.set_offline(True)
        await japanese.press("End")
        await japanese.press_sequentially("x")
        await expect(saved).to_have_attribute("data-state", "writing")
        kept = "() => Object.keys(localStorage).length"
        await page.wait_for_function(f"{kept} === 1")
        await japanese.press("Backspace")
        await expect(saved).to_have_text(said)
        await page.wait_for_function(f"{kept} === 0")

        # Words that could not be saved are offered; other words that are saved meanwhile leave
        # the offer alone, also when the page is opened once more.
        await japanese.fill("電波のないところで書いた本文です。")
        await page.wait_for_function(f"{kept} === 1")
        address, context = page.url, page.context
        await page.close()
        await context.set_offline(False)
        page = await context.new_page()
        await page.goto(address)
        offer = page.get_by_test_id("typed-offer")
        await expect(offer).to_be_visible()
        await page.locator('input[name="valid_hours"]').fill("12")
        await expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
        assert (await office.drafts())[0].valid_hours == 12
        await expect(offer).to_be_visible()
        await page.goto(address)
        await offer.locator("[data-back]").click()
        japanese = page.locator('textarea[name="text-ja"]')
        await expect(japanese).to_have_value("電波のないところで書いた本文です。")
        saved = page.get_by_test_id("save-state")
        await expect(saved).to_have_attribute("data-state", "saved")
        await page.wait_for_function(f"{kept} === 0")

        # Whoever takes the colleague's words has nothing more to choose.
        await other.goto(address)
        await page.context.set_offline(True)
        await japanese.fill("こちらの本文です。")
        await expect(saved).to_have_attribute("data-state", "offline")
        await other.locator('textarea[name="text-ja"]').fill("あちらの本文です。")
        await expect(other.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
        await page.context.set_offline(False)
        await page.get_by_test_id("both").locator("[data-other]").click()
        await expect(saved).to_have_attribute("data-state", "saved")
        await expect(japanese).to_have_value("あちらの本文です。")


@pytest.mark.parametrize("language", ["ja", "en"])
async def test_the_bar_of_buttons_has_one_row_on_a_phone(office: Office, language: str) -> None:
    author = await office.at_desk(Role.DISASTER, "author")
    await author.submit(await author.get("/console/templates"), "/console/templates/starters")
    async with tab(office, author) as page:
        await page.goto(f"{office.url}/console/alerts")
        if language == "en":
            await page.locator('form[action="/console/language"] button').click()
            await expect(page.locator("html")).to_have_attribute("lang", language)
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.get_by_test_id("begin-drill").click()
        await expect(page.get_by_test_id("go-check")).to_be_visible()
        await page.wait_for_load_state()  # its style sheets, too
        assert await rows_of_the_bar(page) == 1
        address = page.url
        await page.goto(f"{address}#where")  # where the buttons that choose districts lead
        await expect(page.locator("#where")).to_be_in_viewport()
        assert await page.evaluate(
            "document.querySelector('.band').getBoundingClientRect().bottom"
            " <= document.getElementById('where').getBoundingClientRect().top"
        )
        await page.goto(f"{address}/templates/1")
        await expect(page.get_by_test_id("insert")).to_be_visible()
        assert await rows_of_the_bar(page) == 1
