"""The office adds words of danger for all kinds: written, checked, tried, confirmed, undone."""

from __future__ import annotations

import tomllib

from console.models import Role
from core.audit import AuditEntry
from reports.danger_words import danger_in
from reports.kinds import city_now
from tests.support.office import Browser, Office, Page

PAGE = "/console/danger-words"
BRIDGE = "みどり橋がぎっしいうとる"


async def gravity(office: Office, words: str) -> str:
    """How grave words are by what holds now, as any process reads it."""
    async with office.database.reading() as session:
        city = await city_now(session, office.context.city)
    return danger_in(words, city.danger_words)[0]


async def confirmed(desk: Browser, page: Page) -> Page:
    return await desk.submit(page, f"{PAGE}/confirm")


async def test_words_of_the_city_are_written_tried_confirmed_and_undone(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(PAGE)
    page = await desk.submit(
        page,
        PAGE,
        danger__danger__ja="みどり橋、ぎっしいう",
        danger__hurt__my="ကြိတ်မိ",
        note="弱い橋",
    )
    assert page.status == 200 and page.url.endswith("/check"), page.words
    assert "みどり橋、ぎっしいう" in page.words and "ကြိတ်မိ" in page.words
    assert await gravity(office, BRIDGE) == "", "only written, not confirmed"
    tried = await desk.get(f"{PAGE}/check?try={BRIDGE}")
    assert "みどり橋" in tried.words.split("文で試す")[1]
    page = await confirmed(desk, page)
    assert page.status == 200, page.words
    assert await gravity(office, BRIDGE) == "danger"
    assert await gravity(office, "လူတစ်ယောက် ကြိတ်မိတယ်") == "hurt"
    entries = [one for one in await office.rows(AuditEntry) if one.subject == "kind:*"]
    assert [one.action for one in entries] == ["kind.proposed", "kind.confirmed"]
    assert entries[1].detail["note"] == "弱い橋"
    toml = tomllib.loads((await desk.get("/console/kinds.toml")).body)
    assert toml["danger_words"]["danger"]["ja"] == ["みどり橋", "ぎっしいう"]
    page = await desk.submit(await desk.get(PAGE), f"{PAGE}/back", version="")
    await confirmed(desk, page)
    assert await gravity(office, BRIDGE) == ""


async def test_todokes_own_words_cannot_be_taken_away_and_what_was_typed_stays(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    for taken in ("転倒", "電線", "ガス"):
        page = await desk.get(PAGE)
        page = await desk.submit(page, PAGE, danger__harmless__ja=f"電線共同溝、{taken}")
        assert page.status == 400
        assert taken in page.words and f"電線共同溝、{taken}" in page.body
    page = await desk.submit(await desk.get(PAGE), PAGE, danger__harmless__ja="電線共同溝")
    await confirmed(desk, page)
    assert await gravity(office, "電線共同溝のふたが割れています") == ""
    assert await gravity(office, "電線が落ちています") == "danger"


async def test_two_who_write_at_a_time_are_told_so_and_a_change_can_be_thrown_away(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    other = await office.at_desk(Role.ROADS, "roads2")
    first, second = await desk.get(PAGE), await other.get(PAGE)
    page = await desk.submit(first, PAGE, danger__danger__ja="みどり橋")
    late = await other.submit(second, PAGE, danger__danger__ja="あお橋")
    assert late.status == 400 and "あお橋" in late.body
    await desk.submit(page, f"{PAGE}/discard")
    assert "みどり橋" not in (await desk.get(PAGE)).body
    listed = await desk.get("/console/kinds")
    assert listed.status == 200


async def test_who_may_only_look_changes_nothing(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "viewer")
    page = await desk.get(PAGE)
    assert page.status == 200
    assert 'data-testid="save-words"' not in page.body
