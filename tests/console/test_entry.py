"""Reports that come by telephone are entered as they came, or say what is wrong."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import aiohttp
import openpyxl
import pytest
from PIL import Image

from console import words
from console.models import Role
from core.audit import AuditEntry
from core.clock import JAPAN
from reports import notices_to_staff
from reports.models import Report, StaffNotice
from reports.notices_to_staff import Desk
from tests.support.office import Browser, Office, Page
from tests.support.sheets import saved

ENTRY = "/console/entry"
SHEET = "/console/entry/spreadsheet"
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


@pytest.mark.parametrize(
    ("came_at", "why"),
    [
        ("2036-12-31T10:00", "今より前の日時"),
        ("2016-12-31T10:00", "年を確かめて"),
        ("soon", "今より前の日時"),
        ("0001-01-01", "年を確かめて"),
    ],
)
async def test_a_moment_that_cannot_be_is_said_and_nothing_typed_is_lost(
    office: Office, came_at: str, why: str
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get(f"{ENTRY}?kind=sign")
    said = {"address": "中央公園", "words": WORDS, "came_at": came_at}
    refused = await browser.submit(page, ENTRY, **said)
    assert refused.status == 400 and why in refused.words
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
    assert "もう一度選んでください" in refused.words, "no page can fill in a file"
    assert await office.rows(Report) == []


async def test_the_next_report_on_a_page_gone_back_to_is_another_one(office: Office) -> None:
    """The same form sent twice makes one report; other words on it are another report."""
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get(f"{ENTRY}?kind=sign")
    first = {"address": "中央公園", "words": WORDS, "came_at": ""}
    for said in (first, first, {**first, "address": "市役所の前"}, first):
        assert (await browser.submit(page, ENTRY, **said)).status == 200
    assert [one.address for one in await office.rows(Report)] == ["中央公園", "市役所の前"]
    trail = [one.subject for one in await office.rows(AuditEntry) if one.action == "report.entered"]
    assert len(trail) == len(set(trail)) == 2


async def sent_sheet(browser: Browser, page: Page, **fields: str | bytes) -> Page:
    """Send the form of the spreadsheet; ``file`` is the content of one."""
    form = aiohttp.FormData()
    form.add_field("csrf", str(page.form(SHEET)["csrf"]))
    for name, value in fields.items():
        if isinstance(value, bytes):
            form.add_field(name, value, filename="list.xlsx")
        else:
            form.add_field(name.replace("__", "-"), value)
    async with browser.http.post(browser.url + SHEET, data=form) as answer:
        return Page(answer.status, str(answer.url), answer.headers, await answer.text())


async def test_a_spreadsheet_is_looked_at_before_it_comes_in(office: Office) -> None:
    book = openpyxl.Workbook()
    november, october, other = book.active, book.create_sheet("10月"), book.create_sheet("集計")
    assert november is not None
    november.title = "11月"
    other.append(["月", "件数"])
    for sheet in (november, october):
        sheet.append(["受付日", "時刻", "種別", "場所", "内容", "氏名"])
    november.append(["R7.11.3", "25:30", "道路の穴・段差", "角", "穴", "山田"])
    november.append(["R7.11.3", "25:30", "道路の穴・段差", "角", "穴", "山田"])
    october.append(["R7.10.3", "9:00", "ｶﾞｰﾄﾞﾚｰﾙ", "橋", WORDS, ""])
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get(SHEET)
    page = await sent_sheet(browser, page, do="look", file=saved(book))
    assert page.status == 200 and await office.rows(Report) == []
    assert "1件を取り込む" in page.words
    for said in ("11月 2行目", "2025年 11月4日(火) 01:30", "上に同じ行があります", "10月 2行目"):
        assert said in page.words
    assert "見出しがないシート： 集計" in page.words and "取り込まない列： 氏名" in page.words
    assert "山田" not in page.words
    [sent] = page.tree.xpath("//input[@name='sent']/@value")
    for new, there in ((2, 1), (0, 3)):
        page = await sent_sheet(browser, page, do="take", sent=sent, kind__0="guard-rail")
        assert f"新しいもの{new}件、取り込み済み{there}件" in page.words, page.words
    assert [(one.category, one.address) for one in await office.rows(Report)] == [
        ("pothole", "角"),
        ("guard-rail", "橋"),
    ]


async def test_a_locked_spreadsheet_is_refused_with_what_to_do(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    page = await sent_sheet(browser, await browser.get(SHEET), do="look", file=locked)
    assert page.status == 400 and "パスワードを外して保存し" in page.words


async def told(office: Office) -> list[str]:
    context = office.context
    desk = Desk(context.city, context.queue, context.settings.public_url, words.CATALOGUE)
    await notices_to_staff.look(office.database, desk, office.clock.now())
    return [one.content["title"] for one in await office.rows(StaffNotice)]


@pytest.mark.parametrize(("kind", "mark"), [("cave-in", "【危険】"), ("sign", "新しい通報")])
async def test_what_is_entered_days_later_is_news_to_the_department(
    office: Office, kind: str, mark: str
) -> None:
    """Who entered it sees its page; that is nobody who looks after it."""
    browser = await office.at_desk(Role.ROADS, "clerk")
    page = await browser.get(f"{ENTRY}?kind={kind}")
    came = f"{office.clock.now().astimezone(JAPAN) - timedelta(days=9):%Y-%m-%dT%H:%M}"
    said = {"address": "中央公園", "words": "倒れています", "came_at": came}
    page = await browser.submit(page, ENTRY, **said)
    [report] = await office.rows(Report)
    opened = f"/console/reports/{report.number}/opened"
    assert f'hx-post="{opened}"' in page.body
    assert (await browser.submit(page, opened)).status == 204
    [title] = await told(office)
    assert mark in title and report.number in title
    assert await told(office) == [title]
    colleague = await office.at_desk(Role.ROADS, "colleague")
    page = await colleague.get(f"/console/reports/{report.number}")
    assert "まだ誰も確認していません" in page.words
    assert (await colleague.submit(page, opened)).status == 204
    page = await colleague.get(f"/console/reports/{report.number}")
    assert "まだ誰も確認していません" not in page.words
    assert f'hx-post="{opened}"' not in page.body


async def test_what_was_entered_long_ago_is_no_news(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "clerk")
    page = await browser.get(f"{ENTRY}?kind=sign")
    await browser.submit(page, ENTRY, address="中央公園", words="倒れています")
    office.clock.ahead += timedelta(days=4)
    assert await told(office) == []
