"""The front page and the page of a notice in a browser: accessible, narrow, without a script."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

from alerts.compose import composed_of
from app.plain_files import write_now
from feeds.models import Notice, Status
from public.plain_directory import PlainDirectory
from response.models import ShelterState
from response.shelters import set_state
from tests.support.accessible import faults_of
from tests.support.alerts import draft_of
from tests.support.chromium import chromium_address
from tests.support.office import Office
from tests.support.public_notices import notice

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
WORDS = {"ja": ("", "桜川があふれるおそれがあります。すぐに高い所へ逃げてください。")}


def order(office: Office, level: int, areas: tuple[str, ...], **changes: Any) -> Notice:
    """An evacuation order with the words that staff's alerts have, in every language."""
    city, now = office.context.city, office.clock.now()
    drill = bool(changes.pop("drill", False))
    draft = draft_of(now, drill=drill, level=level, whole_city=not areas, areas=areas, texts=WORDS)
    made = composed_of(draft, city, actor="a@city", now=now).notice
    for name, value in {"identity": f"order-{level}-{drill}", **changes}.items():
        setattr(made, name, value)
    return made


async def emergency(office: Office) -> dict[str, Notice]:
    """Fill the page: two levels in force, a drill, something taken back, and news."""
    codes = [district.code for district in office.context.city.districts]
    found = {
        "grave": order(office, 5, tuple(codes[:2])),
        "order": order(office, 4, tuple(codes[2:5])),
        "drill": order(office, 4, (), drill=True),
        "wrong": order(office, 3, (), identity="wrong"),
        "news": notice(office, "news", level=0, topic="events", status=Status.NONE, kind=""),
    }
    await office.store(*found.values())
    found["withdrawal"] = order(
        office,
        3,
        (),
        identity="back",
        status=Status.CANCELLED,
        replaces_id=found["wrong"].id,
        reported_at=office.clock.now() + timedelta(seconds=1),
    )
    await office.store(found["withdrawal"])
    async with office.database.writing() as session:
        await set_state(
            session,
            office.folder.shelters,
            "0001",
            ShelterState.OPEN,
            office.clock.now(),
            actor="desk@city.example",
            drill=False,
        )
    return found


async def test_everybody_can_read_them_in_calm_and_in_an_emergency(office: Office) -> None:
    address = chromium_address()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(address)
        page = await browser.new_page()
        calm = [f"{office.url}/?lang=my", f"{office.url}/n?lang=my"]
        assert await faults_of(page, calm) == {}
        await page.close()
        found = await emergency(office)
        # A browser of somebody else, which has kept nothing.
        page = await (await browser.new_context()).new_page()
        grave = [f"{office.url}/?lang={language}" for language in ("my", "ja")]
        grave += [f"{office.url}/n/{one.code}?lang=my" for one in found.values()]
        grave.append(f"{office.url}/?lang=en&topic=evacuation&q=level")
        assert await faults_of(page, grave) == {}
        await page.goto(f"{office.url}/?lang=ja")
        assert await page.locator("section[aria-labelledby=now] article").count() == 2
        assert await page.locator(".districts text").all_text_contents() == [*"55444"]
        await browser.close()


async def test_a_notice_is_found_without_a_script_on_the_narrowest_phone(office: Office) -> None:
    found = await emergency(office)
    address = chromium_address()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(address)
        narrow = await browser.new_context(
            viewport={"width": 320, "height": 640}, java_script_enabled=False
        )
        page = await narrow.new_page()
        await page.goto(f"{office.url}/?lang=km")
        box = await page.locator("body").bounding_box()
        assert box is not None and box["width"] <= 320
        await page.select_option("[name=topic]", "events")
        await page.click(".find button")
        await expect(page).to_have_url(re.compile("topic=events"))
        await expect(page.locator("section[aria-labelledby=recent] article")).to_have_count(1)
        await page.click("section[aria-labelledby=recent] .check a")
        await expect(page).to_have_url(f"{office.url}/n/{found['news'].code}?lang=km")
        await page.goto(f"{office.url}/n?lang=km")
        await page.fill("[name=code]", str(found["wrong"].code).lower())
        await page.click(".find button")
        await expect(page).to_have_url(f"{office.url}/n/{found['wrong'].code}?lang=km")
        await expect(page.locator(".is-taken-back")).to_have_count(1)
        box = await page.locator("body").bounding_box()
        assert box is not None and box["width"] <= 320
        await browser.close()


async def test_a_second_web_server_shows_what_is_in_force_when_the_service_is_gone(
    office: Office, tmp_path: Path
) -> None:
    found = await emergency(office)
    city = office.context.city.served_at("https://todoke.city.example")
    root = tmp_path / "plain"
    await write_now(office.database, office.clock, city, office.folder, PlainDirectory(root))
    handler = partial(SimpleHTTPRequestHandler, directory=str(root))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    pages = ("index.my", "index.ja", "shelters.my", "lifelines.my", "n/unknown.my")
    addresses = [f"{url}/{name}.html" for name in (*pages, f"n/{found['grave'].code}.my")]
    address = chromium_address()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect(address)
            page = await browser.new_page()
            assert await faults_of(page, addresses) == {}
            bare = await browser.new_context(
                viewport={"width": 320, "height": 640}, java_script_enabled=False
            )
            page = await bare.new_page()
            await page.goto(f"{url}/index.html")
            await page.click("article a >> nth=0")
            await expect(page).to_have_url(f"{url}/n/{found['grave'].code}.ja.html")
            await page.click("a[hreflang=km]")
            await expect(page).to_have_url(f"{url}/n/{found['grave'].code}.km.html")
            box = await page.locator("body").bounding_box()
            assert box is not None and box["width"] <= 320
            await page.click("header a")
            await expect(page).to_have_url(f"{url}/index.km.html")
            await browser.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
