"""A draft while several people have to do with it: words that grow old, a colleague's news,
thrown away and taken back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from alerts.older_words import older
from console.models import Role
from simulator.line import FaultPlan
from tests.support.office import Browser, Office, Page

ADDRESS = "/console/alerts/1"


async def filled(office: Office, **changes: Any) -> tuple[Browser, Page]:
    """Write a real alert with ready words in every language and save it."""
    desk = await office.at_desk(Role.DISASTER, "author")
    page = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    fields = {"topic": "evacuation", "level": "3", "whole_city": "yes", "ready": "river"}
    page = await desk.submit(page, ADDRESS, **{**fields, **changes}, then="fill")
    return desk, page


def marked(page: Page) -> set[str]:
    """Return the languages whose words the page marks as older than the Japanese."""
    return {
        one.get("id", "").removeprefix("age-")
        for one in page.tree.xpath("//*[starts-with(@id, 'age-')][.//*[contains(@class, 'tag')]]")
    }


@pytest.mark.slow
async def test_words_are_marked_once_the_japanese_is_changed(office: Office) -> None:
    await office.resident("my")
    desk, page = await filled(office)
    assert marked(page) == set()
    others = set(office.context.city.languages) - {"ja"}

    # Seen while typing, before anything is saved.
    typed = {**page.form(ADDRESS), "text-ja": "川があふれました。二階へ上がってください。"}
    look = await desk.post(f"{ADDRESS}/look", {**typed, "preview_language": "my"})
    assert marked(look) == others
    assert older((await office.drafts())[0]) == []

    page = await desk.post(ADDRESS, {**typed, "then": "stay"})
    assert marked(page) == others
    check = await desk.get(f"{ADDRESS}/check")
    assert "ミャンマー語" in check.tree.xpath("string(//*[@data-testid='older'])")
    assert "1人" in check.tree.xpath("string(//*[@data-testid='older'])")
    assert "日本語より古い" in check.tree.xpath("string(//*[@data-testid='open-my']/summary)")
    assert "日本語より古い本文" in check.tree.xpath(
        "string(//*[@data-testid='open-my'][@open]//*[@data-testid='phone-my'])"
    )

    # One is changed too, of one somebody says that it is right; the others stay marked.
    page = await desk.post(
        ADDRESS,
        {**page.form(ADDRESS), "text-en": "The river is over. Go upstairs.", "still_right": "my"},
    )
    assert marked(page) == others - {"en", "my"}
    assert older((await office.drafts())[0]) == [
        code for code in office.context.city.languages if code in others - {"en", "my"}
    ]
    check = await desk.submit(await desk.get(f"{ADDRESS}/check"), f"{ADDRESS}/still-right")
    assert not check.tree.xpath("//*[@data-testid='older']")
    assert "alert.reviewed" in {entry.action for entry in await office.audit()}


async def test_japanese_that_is_changed_back_marks_nothing(office: Office) -> None:
    desk, page = await filled(office)
    first = page.form(ADDRESS)["text-ja"]
    page = await desk.submit(page, ADDRESS, text__ja="別の本文です。")
    assert marked(page)
    page = await desk.submit(page, ADDRESS, text__ja=first)
    assert marked(page) == set()
    # Words that were there before any Japanese are no older than it.
    page = await desk.submit(page, ADDRESS, text__ja="")
    page = await desk.submit(page, ADDRESS, text__ja="あとから書いた本文です。", text__en="Later.")
    assert "en" not in marked(page)


async def test_what_was_old_in_an_alert_is_old_in_one_begun_like_it(office: Office) -> None:
    await office.resident("my")
    desk, page = await filled(office, level="2")
    await desk.submit(page, ADDRESS, text__ja="水位が下がっています。")
    check = await desk.get(f"{ADDRESS}/check")
    page = await desk.submit(check, f"{ADDRESS}/send", typed="1")
    assert "/console/deliveries/" in page.url, page.words
    again = await desk.submit(page, "/console/notices/1/again", kind="real")
    assert marked(again) == set(office.context.city.languages) - {"ja"}


@pytest.mark.slow
async def test_a_draft_thrown_away_comes_back_with_all_that_was_typed(office: Office) -> None:
    desk, page = await filled(office)
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    await colleague.submit(await colleague.get(f"{ADDRESS}/check"), f"{ADDRESS}/confirm")
    typed = {**page.form(ADDRESS), "text-ja": "まだ保存していない本文です。"}
    thrown = await desk.post(f"{ADDRESS}/discard", typed)
    assert thrown.tree.xpath("//*[@data-testid='undo']")
    back = await desk.submit(thrown, f"{ADDRESS}/restore")
    assert back.form(ADDRESS)["text-ja"] == "まだ保存していない本文です。"
    assert (await office.drafts())[0].confirmed_by is None

    # From the list, for a week, by a colleague too; and no second time.
    await desk.post(f"{ADDRESS}/discard", back.form(ADDRESS))
    office.clock.ahead += timedelta(minutes=20)
    listed = await colleague.get("/console/alerts")
    assert listed.tree.xpath("//*[@data-testid='restore-1']")
    again = await colleague.submit(listed, f"{ADDRESS}/restore")
    assert again.has_form(ADDRESS)
    await colleague.post(f"{ADDRESS}/discard", again.form(ADDRESS))
    office.clock.ahead += timedelta(days=8)
    await colleague.sign_in("colleague@city.example")
    late = await colleague.get("/console/alerts")
    assert not late.tree.xpath("//*[@data-testid='restore-1']")
    token = late.form("/console/alerts")["csrf"]
    assert (await colleague.post(f"{ADDRESS}/restore", {"csrf": token})).status == 400
    assert await office.deliveries() == []


async def test_the_authors_page_hears_what_a_colleague_did(office: Office) -> None:
    desk, _ = await filled(office)
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    check = await desk.get(f"{ADDRESS}/check")
    ask = check.tree.xpath("//*[@id='news']/@hx-get")[0]
    assert (await desk.get(ask)).status == 204

    await colleague.submit(await colleague.get(f"{ADDRESS}/check"), f"{ADDRESS}/confirm")
    news = await desk.get(ask)
    assert "colleague@city.example" in news.tree.xpath("string(//*[@data-testid='confirmed'])")
    assert news.tree.xpath("//*[@id='alone']/@hx-swap-oob") == ["true"]
    ask = news.tree.xpath("//*[@id='news']/@hx-get")[0]
    assert (await desk.get(ask)).status == 204  # said once

    edit = await colleague.get(ADDRESS)
    await colleague.submit(edit, ADDRESS, text__ja="避難所が変わりました。")
    news = await desk.get(ask)
    assert "colleague@city.example" in news.words
    assert not news.tree.xpath("//*[@data-testid='confirmed']")
    assert not news.tree.xpath("//*[@id='alone']")
    await colleague.post(f"{ADDRESS}/discard", (await colleague.get(ADDRESS)).form(ADDRESS))
    assert "破棄" in (await desk.get(ask)).words


async def said_held_up(desk: Browser, delivery: str) -> str:
    page = await desk.get(delivery)
    return str(page.tree.xpath("string(//*[@data-testid='held-up'])"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "level", "said"),
    [
        ("5xx-before=100%", "2", "LINE側の障害"),
        ("5xx-before=100%,only=multicast+push", "2", "LINE側の障害"),
        ("5xx-before=100%", "3", "LINE側の障害"),
        ("drop-before=100%", "3", "LINEから応答がありません"),
    ],
)
async def test_the_page_says_in_words_that_line_takes_nothing(
    office: Office, faults: str, level: str, said: str
) -> None:
    await office.resident("ja")
    desk, _ = await filled(office, level=level)
    office.simulator.faults = FaultPlan.parse(faults)
    page = await desk.submit(
        await desk.get(f"{ADDRESS}/check"),
        f"{ADDRESS}/send",
        typed="1",
        alone_reason="夜間で一人しかいないため",
    )
    delivery = page.url.removeprefix(office.url)
    async with asyncio.timeout(20):
        while not (held_up := await said_held_up(desk, delivery)):
            await asyncio.sleep(0.1)
    assert said in held_up
    # Routine asks first how many messages the month has left, so that nothing is planned yet.
    planned = level == "3" or "only" in faults
    assert ("1人" if planned else "まだ誰にも届いていません") in held_up
    assert "自動で送り直し" in held_up
    assert "二重に届いたりすることはありません" in held_up

    office.simulator.faults = FaultPlan()
    office.clock.ahead += timedelta(minutes=5)
    await office.done(1)
    after = await desk.get(delivery)
    assert not after.tree.xpath("//*[@data-testid='held-up']")


async def test_a_throw_from_an_older_confirmation_page_empties_nothing(office: Office) -> None:
    """The page of the overtaken follow-up has a button that sends no words along."""
    desk, _ = await filled(office)
    check = await desk.get(f"{ADDRESS}/check")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    edit = await colleague.get(ADDRESS)
    await colleague.submit(edit, ADDRESS, text__ja="避難所が変わりました。")
    token = check.form(f"{ADDRESS}/send")["csrf"]
    refused = await desk.post(f"{ADDRESS}/discard", {"csrf": token, "version": "2"})
    assert refused.status == 400
    assert not refused.has_form(ADDRESS), "an empty form would replace the colleague's words"
    [draft] = await office.drafts()
    assert draft.discarded_at is None
    assert draft.texts["ja"]["text"] == "避難所が変わりました。"


@pytest.mark.slow
async def test_a_follow_up_is_taken_back_only_while_nobody_wrote_another(office: Office) -> None:
    """Also where the other follows a later link of the chain."""
    await office.resident("ja")
    desk, _ = await filled(office, level="2")
    check = await desk.get(f"{ADDRESS}/check")
    await desk.submit(check, f"{ADDRESS}/send", typed="1")

    async def begun(status: str) -> Page:
        page = await desk.get("/console/deliveries/1")
        form = {"csrf": page.form("/console/notices/1/take-back")["csrf"], "status": status}
        return await desk.post("/console/notices/1/take-back", form)

    thrown = await begun("raised")
    first = "/console/alerts/2"
    assert thrown.has_form(first), thrown.words
    await desk.post(f"{first}/discard", thrown.form(first))
    correction = await begun("corrected")
    second = "/console/alerts/3"
    await desk.submit(correction, second, text__ja="訂正した本文です。", then="stay")
    check = await desk.get(f"{second}/check")
    sent = await desk.submit(check, f"{second}/send", typed="1")
    assert "/console/deliveries/2" in sent.url, sent.words
    await begun("raised")
    refused = await desk.post(f"{first}/restore", {"csrf": thrown.form(first)["csrf"]})
    assert refused.status == 400
    assert (
        len([d for d in await office.drafts() if d.notice_id is None and not d.discarded_at]) == 1
    )
