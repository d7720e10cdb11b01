"""Residents of another product are taken in from a page: looked at first, and undone."""

from __future__ import annotations

import aiohttp
import pytest

from console.models import Role
from core.audit import AuditEntry
from subscriptions import residents
from tests.support.office import Browser, Office, Page

ADDRESS = "/console/moving-in"
MAPPING = """
[columns]
user_id = "ユーザーID"
topics = "情報区分"
districts = "地区"
[topics]
"ごみ" = "collection"
[districts]
"中央" = "chuo"
"""


def user(number: int) -> str:
    return f"U{number:032x}"


async def send(desk: Browser, file: bytes, mapping: str = MAPPING) -> Page:
    page = await desk.get(ADDRESS)
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("csrf", str(page.form(ADDRESS)["csrf"]))
    form.add_field("do", "look")
    form.add_field("file", file, filename="回答.csv")
    form.add_field("mapping", mapping.encode(), filename="mapping.toml")
    async with desk.http.post(desk.url + ADDRESS, data=form) as answer:
        return Page(answer.status, str(answer.url), answer.headers, await answer.text())


async def take(desk: Browser, page: Page) -> Page:
    [form] = [one for one in page.tree.forms if "sent" in one.fields]
    return await desk.post(ADDRESS, {**dict(form.form_values()), "do": "take"})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
async def test_a_file_is_looked_at_taken_in_and_undone(office: Office, encoding: str) -> None:
    known = await office.resident("ja")
    desk = await office.at_desk(Role.ADMIN, "admin")
    rows = (
        "ユーザーID,情報区分,地区,年代\r\n"
        f"{user(1)},ごみ、競馬,中央,３０代\r\n{user(2)},ごみ,月,\r\nだれか,,,\r\n{user(1)},,,\r\n"
    )
    page = await send(desk, rows.encode(encoding))
    assert page.status == 200, page.words
    counts = page.tree.xpath("string(//*[@data-testid='counts'])")
    assert "新規: 2" in counts and "読めない行: 1" in counts and "重複: 1" in counts
    assert "競馬" in page.tree.xpath("string(//*[@data-testid='unknown-topics'])")
    assert "月" in page.tree.xpath("string(//*[@data-testid='unknown-districts'])")
    assert "年代" in page.tree.xpath("string(//*[@data-testid='unused'])")
    assert "市内全域" in page.tree.xpath("string(//*[@data-testid='chosen-districts'])")
    async with office.database.reading() as session:
        assert await residents.find(session, user(1)) is None, "only looked at"
    page = await take(desk, page)
    assert page.status == 200 and "反映しました" in page.words
    async with office.database.reading() as session:
        made = await residents.find(session, user(1))
        assert made is not None and made.id is not None
        found = await residents.preferences(session, office.context.city, made.id)
        assert found.areas == ("chuo",) and "collection" in found.topics
    [entry] = [one for one in await office.rows(AuditEntry) if one.action == "residents.imported"]
    assert (entry.actor, entry.detail["source"]) == ("admin@city.example", "回答.csv")
    assert "回答.csv" in page.words
    page = await desk.submit(page, f"{ADDRESS}/undo")
    assert page.status == 200, page.words
    async with office.database.reading() as session:
        assert await residents.find(session, user(1)) is None
        assert known is not None


async def test_a_mapping_with_a_mistake_is_one_sentence(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "admin")
    page = await send(desk, b"user_id\n", MAPPING.replace('"chuo"', '"moon"'))
    assert page.status == 400
    assert "「moon」は当市にありません" in page.words and "/tmp" not in page.words


async def test_without_a_file_nothing_happens(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "admin")
    page = await send(desk, b"")
    assert page.status == 400 and "ファイル" in page.words
