"""Two people and one draft, in real browsers: each sees the other's changes without reloading."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from console.models import Role
from tests.support.browser_tabs import tab
from tests.support.office import Office

pytestmark = pytest.mark.browser
WORDS = "月見川の水位が上がっています。"


async def test_the_author_sees_the_confirmation_and_keeps_what_was_typed(office: Office) -> None:
    await office.resident("ja")
    author = await office.at_desk(Role.DISASTER, "author")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    refused = ("400",)
    async with (
        tab(office, author, harmless=refused) as page,
        tab(office, colleague) as other,
    ):
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id("begin-real").click()
        await page.locator('select[name="topic"]').select_option("evacuation")
        await page.locator('input[name="level"][value="4"]').check()
        await page.locator('input[name="whole_city"]').check()
        await page.locator('textarea[name="text-ja"]').fill(WORDS)
        await page.get_by_test_id("go-check").click()
        await expect(page.locator("#alone textarea")).to_be_visible()
        await page.get_by_test_id("typed").fill("1")

        await other.goto(page.url)
        await other.get_by_test_id("confirm").click()
        await expect(page.get_by_test_id("confirmed")).to_contain_text("colleague@city.example")
        await expect(page.locator("#alone textarea")).to_have_count(0)
        await expect(page.get_by_test_id("typed")).to_have_value("1")

        # The colleague changes it: the page in front of the author says so, unasked.
        await other.locator("main a.button").first.click()
        await other.locator('textarea[name="text-ja"]').fill(f"{WORDS}今すぐ逃げてください。")
        await other.get_by_test_id("save").click()
        await expect(page.get_by_test_id("news")).to_contain_text("colleague@city.example が")
        await expect(page.get_by_test_id("confirmed")).to_have_count(0)
        await page.get_by_test_id("send").click()
        await expect(page.get_by_test_id("refusal")).to_be_visible()
    assert await office.deliveries() == []


@pytest.mark.parametrize("width", [1280, 390])
async def test_nothing_moves_under_the_finger_when_the_preview_comes(
    office: Office, width: int
) -> None:
    """What a preview fills in has its room from the start: a press goes where it was aimed."""
    await office.resident("en")
    desk = await office.at_desk(Role.DISASTER, "author")
    async with tab(office, desk) as page:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id("begin-real").click()
        await page.locator('select[name="ready"]').select_option("river")
        await page.locator('button[value="fill"]').click()
        await page.wait_for_url("**?saved=yes")
        english = page.locator('textarea[name="text-en"]')
        await page.locator("details.language", has=english).locator("summary").click()
        aims = page.locator('input[name="whole_city"], textarea[name="text-en"]')
        places = """all => all.map(one => one.getBoundingClientRect().top + window.scrollY)"""
        before = await aims.evaluate_all(places)
        await page.locator('select[name="topic"]').select_option("weather")
        await page.locator('input[name="level"][value="5"]').check()
        await expect(page.locator("#heading.note-warn")).to_be_visible()
        assert await aims.evaluate_all(places) == before
        await page.locator('textarea[name="text-ja"]').fill(WORDS)
        await expect(page.locator("#right-en")).to_be_visible()
        assert await aims.evaluate_all(places) == before


async def test_marks_of_age_appear_while_one_types_and_a_throw_can_be_undone(
    office: Office,
) -> None:
    await office.resident("my")
    desk = await office.at_desk(Role.DISASTER, "author")
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id("begin-real").click()
        await page.locator('select[name="topic"]').select_option("evacuation")
        await page.locator('input[name="level"][value="4"]').check()
        await page.locator('input[name="whole_city"]').check()
        await page.locator('select[name="ready"]').select_option("river")
        await page.locator('button[value="fill"]').click()
        await page.wait_for_url("**?saved=yes")
        await expect(page.locator("#age-my .tag")).to_have_count(0)
        await page.locator('textarea[name="text-ja"]').fill(WORDS)
        await expect(page.locator("#age-my .tag")).to_be_visible()
        await page.locator("#preview-language").select_option("my")
        await expect(page.get_by_test_id("phone-my")).to_contain_text("日本語より古い本文")
        # Somebody reads Burmese: it opens by itself. Nobody reads English: it stays one line.
        await expect(page.locator('textarea[name="text-my"]')).to_be_visible()
        await expect(page.locator('textarea[name="text-en"]')).to_be_hidden()
        await page.locator("#right-my").check()
        await expect(page.locator("#age-my .tag")).to_have_count(0)
        await expect(page.locator("#right-my")).to_be_checked()
        await expect(page.locator("#age-en .tag")).to_be_visible()
        await page.locator("button.danger").click()
        await page.get_by_test_id("undo").locator("button").click()
        await expect(page.locator('textarea[name="text-ja"]')).to_have_value(WORDS)
        await expect(page.locator("#age-my .tag")).to_have_count(0)
        await expect(page.locator("#age-en .tag")).to_be_visible()
