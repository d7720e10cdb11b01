"""Reports that come by telephone are entered as they came, or say what is wrong."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import aiohttp
import pytest
from PIL import Image

from console.models import Role
from core.clock import JAPAN
from reports.models import Report
from tests.support.office import Office, Page

ENTRY = "/console/entry"
WORDS = "看板が倒れています"


async def test_a_report_has_the_moment_at_which_it_came(office: Office) -> None:
    office.clock.ahead += datetime(2027, 1, 1, 0, 5, tzinfo=JAPAN) - office.clock.now()
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get(f"{ENTRY}?kind=sign")
    said = {"address": "中央公園", "words": WORDS, "came_at": "2026-12-31T23:50"}
    assert (await browser.submit(page, ENTRY, **said)).status == 200
    # The clock of the desk is some minutes ahead; and nothing was said.
    for came_at in ("2027-01-01T00:12", ""):
        page = await browser.get(f"{ENTRY}?kind=sign")
        assert (await browser.submit(page, ENTRY, **{**said, "came_at": came_at})).status == 200
    first, second, third = await office.rows(Report)
    assert first.created_at == datetime(2026, 12, 31, 23, 50, tzinfo=JAPAN)
    assert first.number == "2026-000001" and second.number == "2027-000001"
    for one in (second, third):
        assert timedelta(0) <= office.clock.now() - one.created_at < timedelta(minutes=2)


@pytest.mark.parametrize("came_at", ["2036-12-31T10:00", "2016-12-31T10:00", "soon", "0001-01-01"])
async def test_a_moment_that_cannot_be_is_said_and_nothing_typed_is_lost(
    office: Office, came_at: str
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get(f"{ENTRY}?kind=sign")
    said = {"address": "中央公園", "words": WORDS, "came_at": came_at}
    refused = await browser.submit(page, ENTRY, **said)
    assert refused.status == 400 and "今より前の日時" in refused.words
    assert {name: refused.form(ENTRY)[name] for name in said} == said
    assert await office.rows(Report) == []


def huge() -> bytes:
    """A small file of 400 million pixels."""
    output = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(output, "PNG")
    return output.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"<svg/>", "写真として読み取れない"), (huge(), "写真が大きすぎます")],
    ids=["no photo", "too large"],
)
async def test_a_photo_that_cannot_be_taken_has_its_sentence(
    office: Office, content: bytes, said: str
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get(f"{ENTRY}?kind=sign")
    form = aiohttp.FormData()
    for name, value in {**page.form(ENTRY), "address": "中央公園", "words": WORDS}.items():
        if name != "photo":
            form.add_field(name, str(value))
    form.add_field("photo", content, filename="a.jpg", content_type="image/jpeg")
    async with browser.http.post(browser.url + ENTRY, data=form) as answer:
        refused = Page(answer.status, str(answer.url), answer.headers, await answer.text())
    assert refused.status == 400 and said in refused.words and WORDS in refused.body
    assert await office.rows(Report) == []


async def test_the_next_report_on_a_page_gone_back_to_is_another_one(office: Office) -> None:
    """The same form sent twice makes one report; other words on it are another report."""
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get(f"{ENTRY}?kind=sign")
    first = {"address": "中央公園", "words": WORDS, "came_at": ""}
    for said in (first, first, {**first, "address": "市役所の前"}, first):
        assert (await browser.submit(page, ENTRY, **said)).status == 200
    assert [one.address for one in await office.rows(Report)] == ["中央公園", "市役所の前"]
