"""A screen in a real Chromium: in time, whole at any size, and true when the line is gone.

The browser's own clock stands still and is moved on by the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route, async_playwright, expect

from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.models import Status
from feeds.texts import drill_mark
from tests.support.accessible import faults_of
from tests.support.chromium import chromium_address
from tests.support.office import Office
from tests.support.told_notices import ORDER, news, order

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
LANDSCAPE: Any = {"width": 1920, "height": 1080}
SIZES: tuple[Any, ...] = (
    {"width": 800, "height": 480},
    LANDSCAPE,
    {"width": 1080, "height": 1920},
    {"width": 3840, "height": 2160},
)
HERE = "near=36.0835,140.0764"
FIVE_SECONDS = 5000
NEWS = "/signage/news.json"
CUT_OFF = """() => ['frame', 'main', 'text', 'title', 'near'].filter(name => {
  const one = document.getElementById(name);
  return one && !one.hidden && (one.scrollHeight > one.clientHeight + 2
    || one.scrollWidth > one.clientWidth + 2); })"""
OVERLAP = """() => { const box = id => document.getElementById(id).getBoundingClientRect();
  const main = box('main'), text = box('text'), place = box('place');
  return text.bottom > main.bottom + 1 || place.bottom > main.bottom + 1
    || main.bottom > innerHeight + 1; }"""


@contextlib.asynccontextmanager
async def screens(size: Any = LANDSCAPE) -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(chromium_address())
        context = await chromium.new_context(viewport=size)
        yield context
        await chromium.close()


async def screen(context: BrowserContext, office: Office, query: str) -> Page:
    page = await context.new_page()
    await page.clock.install()
    await page.goto(f"{office.url}/signage?{query}")
    await page.wait_for_selector("#day:not(:empty)")
    return page


async def shown(page: Page) -> str:
    return (await page.locator("#main").inner_text()).replace("\n", " ")


async def test_an_emergency_is_on_the_whole_screen_within_five_seconds(office: Office) -> None:
    await office.store(news(office, "library"))
    async with screens() as context:
        page = await screen(context, office, "lang=ja,en")
        await page.wait_for_selector('body[data-look="news"]')
        await office.store(order(office))
        office.clock.ahead += timedelta(seconds=2)
        await page.clock.run_for(FIVE_SECONDS)
        await page.wait_for_selector('body[data-look="danger"][data-level="4"]')
        assert ORDER["ja"]["title"] in await shown(page)
        # The languages come in turn; the news does not come between them.
        seen = set()
        for _ in range(6):
            await page.clock.run_for(10_000)
            seen.add(await page.get_attribute("body", "data-language"))
            assert await page.get_attribute("body", "data-look") == "danger"
        assert seen == {"ja", "en"}


async def test_a_screen_that_is_told_what_happens_asks_rarely_and_shows_it_at_once(
    office: Office,
) -> None:
    async with screens() as context:
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url) if NEWS in one.url else None)
        await page.clock.install()
        async with page.expect_response("**/feeds/events*"):
            await page.goto(f"{office.url}/signage?lang=ja")
        await page.wait_for_selector("#day:not(:empty)")
        asked.clear()
        for _ in range(20):
            await page.clock.run_for(3000)
            await page.evaluate("fetch('/healthz').then(answer => answer.status)")
        assert 3 <= len(asked) <= 6, "by asking alone it would be twenty times"
        # Nothing but the event makes it ask now: the screen's clock stands still.
        await page.clock.pause_at(await page.evaluate("Date.now()") + 100)
        office.clock.ahead += timedelta(seconds=2)
        await office.store(order(office))
        async with asyncio.timeout(5):
            await page.wait_for_selector('body[data-look="danger"][data-level="4"]')


async def test_a_screen_that_nobody_tells_anything_asks_every_three_seconds(
    office: Office,
) -> None:
    """The service has too many listeners, or a proxy lets no events through."""
    async with screens() as context:
        await context.route("**/feeds/events*", lambda route: route.fulfill(status=503))
        page = await context.new_page()
        await page.clock.install()
        await page.goto(f"{office.url}/signage?lang=ja")
        await page.wait_for_selector("#day:not(:empty)")
        for _ in range(5):
            async with page.expect_response(f"**{NEWS}*"):
                await page.clock.run_for(4000)
        await office.store(order(office))
        office.clock.ahead += timedelta(seconds=2)
        await page.clock.run_for(FIVE_SECONDS)
        await page.wait_for_selector('body[data-look="danger"][data-level="4"]')


async def test_a_correction_and_the_all_clear_replace_it_within_five_seconds(
    office: Office,
) -> None:
    await office.store(order(office, "wrong"))
    async with screens() as context:
        page = await screen(context, office, "lang=ja")
        await page.wait_for_selector('body[data-look="danger"]')
        right = {"ja": {"title": "訂正 東地区への避難指示", "text": "東地区です。"}}
        await office.store(
            order(office, "right", status=Status.CORRECTED, replaces_id=1, texts=right)
        )
        office.clock.ahead += timedelta(seconds=2)
        await page.clock.run_for(FIVE_SECONDS)
        await expect(page.locator("#title")).to_have_text("訂正 東地区への避難指示")
        assert "訂正" in await page.locator("#label").inner_text()
        over = {"ja": {"title": "避難指示を解除", "text": "危険はなくなりました。"}}
        await office.store(
            order(office, "over", status=Status.LIFTED, level=0, replaces_id=2, texts=over)
        )
        office.clock.ahead += timedelta(seconds=2)
        await page.clock.run_for(FIVE_SECONDS)
        await page.wait_for_selector('body[data-look="over"]')
        assert await page.locator("#title").inner_text() == "避難指示を解除"


async def test_several_emergencies_come_in_turn_the_gravest_first(office: Office) -> None:
    five = {"ja": {"title": "緊急安全確保", "text": "命を守る行動をとってください。"}}
    await office.store(order(office, "five", level=5, texts=five), order(office, "four"))
    async with screens() as context:
        page = await screen(context, office, "lang=ja")
        levels = []
        for _ in range(2):
            levels.append(await page.get_attribute("body", "data-level"))
            title = await page.locator("#title").inner_text()
            await page.clock.run_for(1000)
            while await page.locator("#title").inner_text() == title:
                await page.clock.run_for(1000)
        assert levels == ["5", "4"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_drill_is_shown_as_a_drill_in_every_language(office: Office, language: str) -> None:
    """Promise 5."""
    await office.store(order(office, "drill", drill=True, texts={language: ORDER["ja"]}))
    async with screens() as context:
        page = await screen(context, office, f"lang={language}")
        await page.wait_for_selector('body[data-look="drill"]')
        assert await page.locator("#mark").is_visible()
        spoken = language if language in office.context.city.languages else EASY_JAPANESE
        title = await page.locator("#title").inner_text()
        assert title.startswith(drill_mark(spoken))


async def test_without_a_line_the_screen_says_how_old_it_is(office: Office) -> None:
    await office.store(order(office))
    async with screens() as context:
        page = await screen(context, office, "lang=en")
        await page.wait_for_selector('body[data-look="danger"]')
        assert await page.locator("#age").is_hidden()

        async def gone(route: Route) -> None:
            await route.abort()

        await page.route("**/signage/news.json*", gone)
        await page.clock.run_for(30_000)
        await page.wait_for_selector('body[data-age="old"]')
        words = await page.locator("#age").inner_text()
        assert words.startswith("No connection. This is from 12:0"), words
        await page.clock.run_for(31 * 60_000)
        await page.wait_for_selector('body[data-age="not-current"]')
        assert "Not current since 12:0" in await page.locator("#age").inner_text()
        assert ORDER["en"]["title"] in await shown(page)
        await page.unroute("**/signage/news.json*")
        await page.clock.run_for(FIVE_SECONDS)
        await page.wait_for_selector('body[data-age="new"]')


async def test_an_emergency_that_ends_while_the_line_is_gone_is_not_alone_any_more(
    office: Office,
) -> None:
    ends = office.clock.now() + timedelta(minutes=10)
    await office.store(order(office, expires_at=ends), news(office, "library"))
    async with screens() as context:
        page = await screen(context, office, "lang=ja")
        await page.wait_for_selector('body[data-look="danger"]')
        await context.set_offline(True)
        looks = set()
        await page.clock.run_for(11 * 60_000)
        for _ in range(8):
            await page.clock.run_for(9000)
            looks.add(await page.get_attribute("body", "data-look"))
            assert await page.locator("#age").is_visible()
        assert looks == {"danger", "news"}


async def test_a_screen_that_starts_without_a_line_shows_what_was_last_known_with_its_age(
    office: Office,
) -> None:
    """A small computer without a clock of its own must not say that old news is current."""
    await office.store(order(office))
    async with screens() as context:
        page = await screen(context, office, "lang=ja")
        await page.wait_for_selector('body[data-look="danger"]')
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        # The page is kept when it is loaded with the worker.
        await page.reload()
        await page.wait_for_selector('body[data-look="danger"]')
        await context.set_offline(True)
        await page.reload()
        await page.wait_for_selector('body[data-age="not-current"]')
        assert ORDER["ja"]["title"] in await shown(page)
        assert "2026-06-15 12:0" in await page.locator("#age").inner_text()
        assert await page.locator("#time").inner_text() == ""
        # A browser forgets files after some minutes; the worker keeps the city's colour and emblem.
        emblem = office.context.city.emblem_path("svg")
        for path in ("/city.css", emblem):
            assert await page.evaluate("path => caches.match(path).then(Boolean)", path), path


async def test_a_wrong_clock_of_the_machine_does_not_matter(office: Office) -> None:
    async with screens() as context:
        page = await context.new_page()
        await page.clock.install(time="2001-01-01T03:00:00Z")
        await page.goto(f"{office.url}/signage?lang=ja")
        await page.wait_for_selector("#day:not(:empty)")
        assert (await page.locator("#time").inner_text()).startswith("12:0")
        assert await page.locator("#day").inner_text() == "6月15日（月）"


@pytest.mark.parametrize("size", SIZES, ids=lambda one: f"{one['width']}x{one['height']}")
async def test_nothing_is_cut_off_at_any_size_and_long_texts_have_pages(
    office: Office, size: Any
) -> None:
    sentence = "中央地区の川沿いにお住まいの方は、第{n}避難所へ避難してください。"
    long = "".join(sentence.format(n=n) for n in range(60))
    unbroken = "あ" * 1500
    english = " ".join(f"Go to evacuation site number {n} now." for n in range(60))
    texts = {
        "ja": {"title": "避難指示 " + "長い題名" * 8, "text": f"{long}\n{unbroken}"},
        "en": {"title": "Evacuation order", "text": english},
        "my": ORDER["my"],
    }
    await office.store(order(office, texts=texts))
    async with screens(size) as context:
        page = await screen(context, office, f"lang=ja,en,my&{HERE}")
        await page.wait_for_selector('body[data-look="danger"]')
        said: dict[str, list[str]] = {"ja": [], "en": [], "my": []}
        for _ in range(400):
            language = await page.get_attribute("body", "data-language") or ""
            part = int(await page.get_attribute("body", "data-part") or 0)
            if part == len(said[language]):
                await page.clock.run_for(4000)
                continue
            if part == 1 and said[language]:
                break
            assert await page.evaluate(CUT_OFF) == [], (language, part)
            assert not await page.evaluate(OVERLAP), (language, part)
            said[language].append(await page.locator("#text").inner_text())
            await page.clock.run_for(4000)

        def joined(text: str) -> str:
            return "".join(text.split())

        for language in said:
            assert joined("".join(said[language])) == joined(texts[language]["text"]), language
        assert len(said["ja"]) > 1


async def test_a_title_that_leaves_no_room_is_read_with_the_text(office: Office) -> None:
    title = "".join(f"第{n}避難所が開きました、" for n in range(60))
    await office.store(order(office, texts={"ja": {"title": title, "text": "お急ぎください。"}}))
    async with screens({"width": 800, "height": 480}) as context:
        page = await screen(context, office, "lang=ja")
        await page.wait_for_selector('body[data-look="danger"]')
        read: list[str] = []
        while not read or "お急ぎ" not in read[-1]:
            part = int(await page.get_attribute("body", "data-part") or 0)
            if part > len(read):
                assert await page.evaluate(CUT_OFF) == []
                read.append(await page.locator("#text").inner_text())
            await page.clock.run_for(4000)
        assert "".join("".join(read).split()) == title + "お急ぎください。"


async def test_the_picture_moves_a_little_and_is_dark_at_night(office: Office) -> None:
    async with screens() as context:
        page = await screen(context, office, "lang=ja")
        before = await page.locator("#frame").bounding_box()
        places = set()
        for _ in range(8):
            await page.clock.run_for(60_000)
            box = await page.locator("#frame").bounding_box()
            assert before is not None and box is not None
            places.add((round(box["x"]), round(box["y"])))
        assert len(places) >= 6
        ground = "getComputedStyle(document.body).backgroundColor"
        assert await page.evaluate(ground) == "rgb(247, 248, 250)"
        office.clock.ahead += timedelta(hours=11)
        await page.clock.run_for(FIVE_SECONDS)
        await page.wait_for_selector('body[data-night="yes"]')
        assert await page.evaluate(ground) == "rgb(11, 15, 20)"


async def test_the_pages_can_be_used_by_everybody(office: Office) -> None:
    await office.store(order(office), news(office, "library"))
    async with screens() as context:
        page = await context.new_page()
        addresses = [
            f"{office.url}/signage/setup?lang=ja",
            f"{office.url}/signage?lang=ja,en&{HERE}",
        ]
        assert await faults_of(page, addresses) == {}
