"""Public relations sends a picture to parents in four districts, tomorrow, after approval."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from PIL import ExifTags, Image
from playwright.async_api import expect
from sqlmodel import col, select

from alerts.news.release import Door
from alerts.news.sending import send_due
from city.city import NewsRules
from city.folder import load_folder
from console.models import Role
from core.clock import JAPAN
from core.database import Database
from subscriptions.models import Resident, ResidentChild
from tests.support.browser_tabs import tab
from tests.support.office import Office, running_office
from tests.support.project import SAMPLE_CITY

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SERVED = "https://todoke.city.example"
NINE = datetime(2026, 6, 16, 9, tzinfo=JAPAN)
"""The day after the office's noon."""
TITLE, TEXT = "親子で遊ぶ会", "7月5日、四つの地区の公園で親子の会を開きます。"
SHOWS = "公園で遊ぶ親子の絵"
EVERY = {"childcare": 0}


@pytest.fixture
async def office(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A city hall that wants approval of news, at a secure address."""
    sample = load_folder(SAMPLE_CITY)
    city = sample.city.served_at(SERVED).model_copy(update={"news": NewsRules(approval=True)})
    async with running_office(database, replace(sample, city=city), tmp_path, monkeypatch) as made:
        yield made


def picture() -> bytes:
    """Return a photo that says where it was taken."""
    image = Image.new("RGB", (3000, 1500), "#3a7")
    exif = image.getexif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    exif[ExifTags.Base.Make] = "A camera"
    found = io.BytesIO()
    image.save(found, "JPEG", exif=exif)
    return found.getvalue()


async def child(office: Office, user: str, born: str) -> None:
    async with office.database.writing() as session:
        number = await session.scalar(select(Resident.id).where(col(Resident.line_user_id) == user))
        session.add(ResidentChild(resident_id=number or 0, born=born))


async def test_parents_in_four_districts_get_a_picture_after_approval(office: Office) -> None:
    here = [district.code for district in office.context.city.districts[:4]]
    elsewhere = office.context.city.districts[5].code
    parents = []
    for number in range(12):
        user = await office.resident("ja", areas=(here[number % 4],), topics=EVERY)
        await child(office, user, "2023-04")
        parents.append(user)
    # They are not meant: no child, a grown child, another district, another topic.
    for number in range(12):
        await office.resident("ja", areas=(here[number % 4],), topics=EVERY)
    older = await office.resident("ja", areas=(here[0],), topics=EVERY)
    await child(office, older, "2010-04")
    far = await office.resident("ja", areas=(elsewhere,), topics=EVERY)
    await child(office, far, "2023-04")
    other = await office.resident("ja", areas=(here[0],), topics={"events": 0})
    await child(office, other, "2023-04")
    before = office.receivers()

    writer = await office.at_desk(Role.EDITOR, "writer")
    approver = await office.at_desk(Role.APPROVER, "approver")
    async with tab(office, writer) as page, tab(office, approver) as second:
        await page.goto(f"{office.url}/console/news")
        await page.get_by_test_id("begin").click()
        await page.locator('select[name="topic"]').select_option("childcare")
        await page.locator('input[name="title-ja"]').fill(TITLE)
        await page.locator('textarea[name="text-ja"]').fill(TEXT)
        await page.locator('input[name="alt-ja"]').fill(SHOWS)
        await page.locator('input[name="picture"]').set_input_files(
            {"name": "poster.jpg", "mimeType": "image/jpeg", "buffer": picture()}
        )
        for code in here:
            await page.locator(f'input[name="areas"][value="{code}"]').check()
        await page.get_by_test_id("segment").locator("summary").click()
        await page.locator('input[name="child_from"]').fill("2")
        await page.locator('input[name="child_through"]').fill("4")
        await expect(page.get_by_test_id("about")).to_contain_text("10")
        await page.locator('input[name="when"][value="at"]').check()
        await page.locator('input[name="send_at"]').fill(f"{NINE:%Y-%m-%dT%H:%M}")
        await page.get_by_test_id("go-check").click()
        await expect(page.get_by_test_id("phone-ja")).to_contain_text(TITLE)
        shown = page.get_by_test_id("phone-ja").locator("img.fx-image")
        await expect(shown).to_have_attribute("alt", SHOWS)
        assert await shown.evaluate("one => one.decode().then(() => one.naturalWidth)") == 1024
        await page.get_by_test_id("plan").click()
        await expect(page.get_by_test_id("waits")).to_be_visible()

        await second.goto(page.url)
        await second.get_by_test_id("approve").click()
        await expect(second.get_by_test_id("approve")).to_have_count(0)
        await second.goto(f"{office.url}/console/news-calendar?week=2026-06-15")
        await expect(second.get_by_test_id("day-2026-06-16")).to_contain_text(TITLE)

    door = Door(office.context.queue, office.context.city, office.app.state.media)

    async def look() -> list[int]:
        """Two schedulers look at once."""
        return await asyncio.gather(
            *(send_due(office.database, door, office.clock) for _ in range(2))
        )

    assert await look() == [0, 0]
    office.clock.ahead += NINE - office.clock.now()
    assert sorted(await look()) == [0, 1]
    office.clock.ahead += timedelta(minutes=1)
    assert await look() == [0, 0]
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)

    got = office.receivers() - before
    assert got == dict.fromkeys(parents, 1)
    [[message]] = office.received(parents[0])[-1:]
    address = message["contents"]["hero"]["url"]
    assert address.startswith(f"{SERVED}/pictures/")
    assert SHOWS in message["altText"]
    assert TEXT in str(message["contents"])
    # Everybody may fetch the picture, and it says nothing of where it was taken.
    async with (
        aiohttp.ClientSession() as http,
        http.get(office.url + address.removeprefix(SERVED)) as answer,
    ):
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        with Image.open(io.BytesIO(await answer.read())) as image:
            assert image.size == (1024, 512)
            assert not image.getexif()
