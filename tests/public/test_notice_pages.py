"""Anybody can check what they were sent: what the city said, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from city.city import Decision
from core.languages import LANGUAGES
from core.restored import RestoreHold
from feeds.models import Notice, Status
from feeds.notice_codes import ALPHABET, new_code
from feeds.texts import drill_mark
from tests.support.office import Office, Page
from tests.support.public_notices import notice


async def page_of(office: Office, one: Notice, language: str = "en") -> Page:
    assert one.code is not None
    return await (await office.browser()).get(f"/n/{one.code}?lang={language}")


def verdict(page: Page) -> list[str]:
    return [
        str(one).strip()
        for one in page.tree.xpath('//div[contains(@class, "verdict")]/p[1]/text()')
    ]


async def test_a_warning_in_force_says_what_when_and_for_whom(office: Office) -> None:
    district = office.context.city.districts[0]
    order = notice(office, "order", topic="evacuation", level=4, areas=[district.code])
    await office.store(order)
    page = await page_of(office, order)
    assert page.status == 200
    assert verdict(page) == ["In force now"]
    for words in ("order title", "The text.", district.names["en"], "sent this message"):
        assert words in page.words
    (when,) = page.tree.xpath("//article//time/@datetime")
    assert datetime.fromisoformat(when) == order.reported_at
    told = {one.get("property"): one.get("content") for one in page.tree.xpath("//meta[@property]")}
    assert told["og:title"] == "In force now · order title"
    assert told["og:description"] == "The text."
    assert told["og:url"].endswith(f"/n/{order.code}")
    assert page.tree.xpath('//*[local-name()="svg"]')
    assert not page.tree.xpath("//script")


async def test_a_code_is_found_however_it_is_typed(office: Office) -> None:
    order = notice(office, "order")
    await office.store(order)
    browser, code = await office.browser(), str(order.code)
    for typed in (code.lower(), f"{code[:4]}-{code[4:]}", f"%20{code}"):
        assert (await browser.get(f"/n/{typed}?lang=en")).status == 200
    page = await browser.get(f"/n?code={code[:4].lower()}%20{code[4:]}&lang=en")
    assert (page.status, "order title" in page.words) == (200, True)
    assert page.url.endswith(f"/n/{code}?lang=en")


async def test_an_unknown_code_is_no_message_of_the_city(office: Office) -> None:
    order = notice(office, "order")
    await office.store(order)
    browser, code = await office.browser(), str(order.code)
    wrong = [code[:3] + letter + code[4:] for letter in ALPHABET if letter != code[3]]
    for typed in (*wrong, "0" * 8, "x", "%00", "%F0%9F%98%80" * 9, "%3Cb%3Ehi"):
        page = await browser.get(f"/n/{typed}?lang=en")
        assert page.status == 404, typed
        assert "The city did not send this. Be careful." in page.words
        assert "order title" not in page.body
        assert "<b>hi" not in page.body
        assert page.headers["Cache-Control"] == "no-store"


async def test_what_is_not_public_looks_like_what_does_not_exist(office: Office) -> None:
    hidden = [
        notice(office, f"hidden {one}", decision=one) for one in (Decision.HOLD, Decision.DROP)
    ]
    await office.store(*hidden)
    free = new_code()
    browser = await office.browser()
    nothing = (await browser.get(f"/n/{free}?lang=en")).body
    for one in hidden:
        page = await page_of(office, one)
        assert page.status == 404
        assert page.body.replace(str(one.code), free) == nothing


async def test_after_a_restore_the_page_does_not_swear_that_nothing_was_sent(
    office: Office,
) -> None:
    now = office.clock.now()
    await office.store(RestoreHold(until=now, restored_at=now))
    page = await (await office.browser()).get(f"/n/{new_code()}?lang=en")
    assert "may be missing here" in page.words


async def test_a_drill_says_so_in_big_letters_and_never_that_it_is_in_force(
    office: Office,
) -> None:
    drill = notice(office, "order", topic="evacuation", level=5, drill=True)
    await office.store(drill)
    for language in LANGUAGES:
        page = await page_of(office, drill, language)
        (big,) = page.tree.xpath('//div[@class="verdict drill"]/p[@class="big"]/text()')
        assert big.strip()
        assert not page.tree.xpath('//*[contains(@class, "is-in-force")]')
        spoken = language if language == "en" else "ja"
        title = page.tree.xpath("string(//article//h1)").strip()
        assert title.startswith(drill_mark(spoken))
        (shared,) = page.tree.xpath('//meta[@property="og:title"]/@content')
        assert shared.startswith(drill_mark(spoken))


async def test_taken_back_corrected_changed_and_ended_lead_to_what_counts(
    office: Office,
) -> None:
    now = office.clock.now()

    async def said(identity: str, **changes: Any) -> Notice:
        one = notice(office, identity, topic="evacuation", level=4, **changes)
        await office.store(one)
        return one

    first = await said("first")
    assert verdict(await page_of(office, first)) == ["In force now"]
    right = await said("right", status=Status.CORRECTED, replaces_id=first.id)
    page = await page_of(office, first)
    assert verdict(page) == ["Corrected: there is a newer message, and that one is right."]
    assert page.tree.xpath(
        f'//div[contains(@class,"verdict")]//a[starts-with(@href, "/n/{right.code}")]'
    )
    assert verdict(await page_of(office, right)) == ["In force now"]
    raised = await said("raised", status=Status.RAISED, replaces_id=right.id, reported_at=now)
    assert verdict(await page_of(office, right)) == ["Changed: there is a newer message."]
    end = await said("end", status=Status.LIFTED, replaces_id=raised.id)
    assert verdict(await page_of(office, raised)) == ["Not in force any more"]
    assert verdict(await page_of(office, end)) == ["This message says that an earlier one is over."]
    page = await page_of(office, raised)
    links = page.tree.xpath('//section[@aria-labelledby="chain"]//a/@href')
    assert [link.split("?")[0] for link in links] == [
        f"/n/{one.code}" for one in (first, right, end)
    ]
    wrong = await said("wrong")
    await said("withdrawal", status=Status.CANCELLED, replaces_id=wrong.id)
    page = await page_of(office, wrong)
    assert verdict(page) == ["Taken back: do not follow this message."]
    assert "sent this message" in page.words


async def test_a_correction_of_one_level_corrects_all_that_were_sent_with_it(
    office: Office,
) -> None:
    grave = notice(office, "grave", level=5)
    await office.store(grave)
    lower = notice(office, "lower", level=4, with_id=grave.id, replaces_id=grave.id)
    await office.store(lower)
    await office.store(
        notice(office, "right", level=5, status=Status.CORRECTED, replaces_id=lower.id)
    )
    for one in (grave, lower):
        assert verdict(await page_of(office, one))[0].startswith("Corrected")


async def test_a_danger_whose_hours_are_over_is_not_in_force_and_news_never_was(
    office: Office,
) -> None:
    now = office.clock.now()
    old = notice(office, "old", reported_at=now - timedelta(hours=49))
    news = notice(office, "news", level=0, topic="events", status=Status.NONE)
    await office.store(old, news)
    assert verdict(await page_of(office, old)) == ["Not in force any more"]
    assert verdict(await page_of(office, news)) == []


async def test_a_language_that_the_notice_lacks_is_said(office: Office) -> None:
    order = notice(office, "order")
    await office.store(order)
    for language in LANGUAGES:
        page = await page_of(office, order, language)
        assert page.status == 200
        has = language in order.texts
        (title,) = page.tree.xpath("//article//h1")
        assert title.get("lang") == (language if has else "ja")
        if not has:
            assert "日本語" in page.tree.xpath("string(//article/p[1])")


async def test_hostile_words_stay_words(office: Office) -> None:
    evil = '<script>alert(1)</script>\u202e"><svg onload=x>https://ok.example/x"><b>'
    order = notice(office, "evil", texts={"ja": {"title": evil, "text": evil}})
    await office.store(order)
    page = await page_of(office, order)
    assert "<script" not in page.body
    assert "onload=x>" not in page.body.replace("&gt;", "")
    assert page.tree.xpath("//article//a/@href") == ["https://ok.example/x"]
    assert page.tree.xpath("//h1/bdi")


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 12, 31, 14, 59, tzinfo=UTC), "12月31日（木）午後11時59分"),
        (datetime(2026, 12, 31, 15, 0, tzinfo=UTC), "1月1日（金）午前0時00分"),
    ],
)
async def test_times_are_japans_also_at_new_year(office: Office, at: datetime, said: str) -> None:
    order = notice(office, "order", reported_at=at)
    await office.store(order)
    page = await page_of(office, order, "ja")
    assert said in page.words


async def test_a_code_outlives_everything_but_its_notice(office: Office) -> None:
    """It is a column: a changed key, a new number and time do not change it."""
    order = notice(office, "order")
    await office.store(order)
    async with office.database.writing() as session:
        stored = await session.scalar(select(Notice))
        assert stored is not None
        code, stored.texts = stored.code, {"en": {"title": "edited", "text": "edited"}}
    office.clock.ahead += timedelta(days=900)
    page = await (await office.browser()).get(f"/n/{code}?lang=en")
    assert (page.status, "edited" in page.words) == (200, True)
