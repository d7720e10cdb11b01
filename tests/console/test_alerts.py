"""The path of an alert: writing, checking, confirming, sending, and refusals."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from lxml.html import HtmlElement

from console.models import Role
from feeds.models import Status
from feeds.texts import drill_mark
from simulator.line import FaultPlan
from tests.support.console_alerts import begun, delivery_of, sent, written
from tests.support.office import Office


@pytest.mark.slow
async def test_an_alert_goes_from_draft_to_every_phone_with_two_names_on_it(
    office: Office,
) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    people = {language: await office.resident(language) for language in ("ja", "en", "my")}
    number, page = await written(writer, "real", text__en="Leave the riverside now.")
    assert "band-real" in page.body
    looked = await colleague.get(f"/console/alerts/{number}/check")
    await colleague.submit(looked, f"/console/alerts/{number}/confirm")
    page = await writer.get(f"/console/alerts/{number}/check")
    page = await sent(writer, number, page)
    delivery = await office.done(delivery_of(page))
    assert delivery.recipients == 3
    for language, user in people.items():
        messages = office.received(user)
        assert len(messages) == 1, language
        words = json.dumps(messages, ensure_ascii=False)
        assert ("Leave the riverside now." if language == "en" else "避難してください") in words
    entry = next(e for e in await office.audit() if e.action == "alert.sent")
    assert entry.actor == "writer@city.example"
    assert entry.detail["second_person"] == "colleague@city.example"
    finished = await writer.get(f"/console/deliveries/{delivery.id}")
    assert 'data-testid="sent">3<' in finished.body


async def test_the_preview_is_what_arrives_byte_for_byte(office: Office) -> None:
    """Nobody sends an alert that they could not see."""
    from alerts.compose import composed_of
    from channels.line.render import render

    writer = await office.at_desk(Role.ADMIN, "boss")
    user = await office.resident("pt")
    number, page = await written(writer, "drill")
    draft = (await office.drafts())[0]
    page = await sent(writer, number, page)
    await office.done(delivery_of(page))
    notice = (await office.notices())[0]
    again = composed_of(draft, office.context.city, actor="x", now=notice.reported_at)
    assert office.received(user) == [render(again.notice, "pt", office.context.city)]


async def test_reach_follows_the_form_without_saving_anything(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    first, second = (district.code for district in office.context.city.districts[:2])
    await office.resident("ja", areas=(first,))
    await office.resident("vi", areas=(second,))
    await office.resident("en")
    number, page = await begun(browser, "drill")
    form = page.form(f"/console/alerts/{number}")

    async def reach(**fields: Any) -> str:
        looked = await browser.post(
            f"/console/alerts/{number}/look",
            {**form, "topic": "evacuation", "level": "3", **fields},
        )
        found = looked.tree.xpath('//*[@data-testid="reach"]/text()')
        return found[0].strip() if found else ""

    assert await reach() == ""
    assert await reach(areas=first) == "2"
    assert await reach(areas=[first, second]) == "3"
    assert await reach(whole_city="yes") == "3"
    draft = (await office.drafts())[0]
    assert (draft.version, draft.areas, draft.whole_city) == (1, [], False)


@pytest.mark.slow
async def test_a_draft_with_something_missing_cannot_be_sent(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    for wrong in (
        {"text__ja": ""},
        {"text__ja": "", "text__en": "Only English"},
        {"whole_city": None},
        {"text__ja": "長" * 1001},
        {"level": "9"},
        {"topic": "nonsense"},
        {"valid_hours": "0"},
        {"whole_city": None, "areas": "no-such-place"},
    ):
        number, page = await written(browser, "real", **wrong)
        assert 'data-testid="faults"' in page.body, wrong
        assert not page.has_form(f"/console/alerts/{number}/send")
    assert not await office.deliveries()


async def test_sending_twice_sends_once(office: Office) -> None:
    """Double click, back button, two tabs."""
    browser = await office.at_desk(Role.DISASTER, "writer")
    user = await office.resident()
    number, page = await written(browser, "drill")
    pages = await asyncio.gather(*(sent(browser, number, page) for _ in range(4)))
    assert {delivery_of(one) for one in pages} == {1}
    await office.done(1)
    late = await sent(browser, number, page)
    assert delivery_of(late) == 1
    assert (await browser.get(f"/console/alerts/{number}/check")).url.endswith("/deliveries/1")
    assert len(await office.notices()) == 1
    assert len(office.received(user)) == 1


@pytest.mark.slow
async def test_what_somebody_else_changed_meanwhile_is_not_sent(office: Office) -> None:
    first = await office.at_desk(Role.DISASTER, "first")
    second = await office.at_desk(Role.DISASTER, "second")
    number, seen = await written(first, "drill")
    old = await first.get(f"/console/alerts/{number}")
    page = await second.get(f"/console/alerts/{number}")
    await second.submit(page, f"/console/alerts/{number}", text__ja="別の文", then="stay")
    answer = await sent(first, number, seen)
    assert answer.status == 400
    stale = await first.submit(old, f"/console/alerts/{number}", text__ja="三番目", then="stay")
    assert stale.status == 400
    assert "三番目" in stale.body
    # Nothing typed is lost: knowing that, the words can be saved over the other's.
    again = await first.submit(stale, f"/console/alerts/{number}", then="stay")
    assert again.status == 200
    assert (await office.drafts())[-1].texts["ja"]["text"] == "三番目"
    assert not await office.deliveries()


async def test_nobody_confirms_their_own_words(office: Office) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    number, page = await written(writer, "real")
    assert not page.has_form(f"/console/alerts/{number}/confirm")
    forged = await writer.post(
        f"/console/alerts/{number}/confirm",
        {"csrf": page.form(f"/console/alerts/{number}/send")["csrf"], "version": "2"},
    )
    assert forged.status == 400


async def test_after_a_refusal_the_page_is_there_again_with_the_reason_but_not_the_number(
    office: Office,
) -> None:
    """At 02:40 nobody writes a reason twice, and nobody sends by pressing once more."""
    browser = await office.at_desk(Role.DISASTER, "alone")
    await office.resident("ja")
    await office.resident("my")
    number, page = await written(browser, "real")
    why = "電話がつながらず、誰もいません。"
    refused = await sent(browser, number, page, typed="7", alone_reason=why)
    assert refused.status == 400
    assert "配信していません" in refused.words
    form = refused.form(f"/console/alerts/{number}/send")
    assert form["alone_reason"] == why
    assert not form.get("typed")
    # The page says before sending who reads Japanese below a heading in their language.
    [note] = refused.tree.xpath("//*[@data-testid='unwritten']")
    assert "ミャンマー語" in note.text_content()
    assert "日本語、" not in note.text_content()
    done = await sent(browser, number, refused)
    assert (await office.done(delivery_of(done))).recipients == 2


@pytest.mark.slow
async def test_a_correction_goes_to_exactly_those_who_got_the_error_and_those_it_concerns(
    office: Office,
) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    wrong, right = (district.code for district in office.context.city.districts[:2])
    mistaken = await office.resident("ja", areas=(wrong,))
    meant = await office.resident("en", areas=(right,))
    neither = await office.resident("ko", areas=(office.context.city.districts[3].code,))
    number, page = await written(writer, "real", whole_city=None, areas=wrong, level="2")
    first = delivery_of(await sent(writer, number, page))
    await office.done(first)
    assert office.receivers() == {mistaken: 1}
    shown = await writer.get(f"/console/deliveries/{first}")
    notice = (await office.notices())[0]
    page = await writer.submit(shown, f"/console/notices/{notice.id}/take-back", status="corrected")
    number = int(page.url.rsplit("/", 1)[1])
    page = await writer.submit(
        page, f"/console/alerts/{number}", whole_city=None, areas=right, then="check"
    )
    second = delivery_of(await sent(writer, number, page))
    await office.done(second)
    assert office.receivers() == {mistaken: 2, meant: 1}
    assert not office.received(neither)
    correction = (await office.notices())[1]
    assert (correction.status, correction.replaces_id) == (Status.CORRECTED, notice.id)


@pytest.mark.slow
async def test_an_old_draft_or_a_page_left_open_cannot_send(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    number, page = await written(browser, "drill")
    office.clock.ahead += timedelta(minutes=16)
    assert (await sent(browser, number, page)).status == 400
    office.clock.ahead += timedelta(hours=25)
    await browser.sign_in("writer@city.example")
    page = await browser.get(f"/console/alerts/{number}/check")
    assert (await sent(browser, number, page)).status == 400
    assert not await office.deliveries()


async def test_what_is_typed_is_shown_as_text_and_never_run(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}"
    number, page = await written(browser, "drill", text=evil)
    for one in (page, await browser.get(f"/console/alerts/{number}")):
        assert "<script>alert" not in one.body
        assert "<img src=x" not in one.body
        assert "49" not in one.tree.xpath("string(//main)") or "{{ 7*7 }}" in one.words


async def test_a_delivery_can_be_paused_stopped_and_not_begun_again(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    await office.resident()
    office.simulator.faults = FaultPlan.parse("latency=400ms")
    number, page = await written(browser, "drill")
    page = await sent(browser, number, page)
    way = f"/console/deliveries/{delivery_of(page)}"
    page = await browser.submit(page, f"{way}/pause")
    assert page.has_form(f"{way}/resume")
    page = await browser.get(f"{way}/stop")
    page = await browser.submit(page, f"{way}/stop")
    assert page.status == 200
    assert not page.has_form(f"{way}/resume")
    assert [e.action for e in await office.audit() if e.action.startswith("delivery")] == [
        "delivery.paused",
        "delivery.stopped",
    ]


async def test_every_language_of_a_drill_begins_with_its_own_word(office: Office) -> None:
    """Promise 5: in the preview and on the phone alike."""
    browser = await office.at_desk(Role.DISASTER, "writer")
    languages = office.context.city.languages
    people = {language: await office.resident(language) for language in languages}
    number, page = await written(browser, "drill", title__en="River", text__en="Leave now.")
    assert "band-drill" in page.body
    await office.done(delivery_of(await sent(browser, number, page)))
    for language, user in people.items():
        [[message]] = office.received(user)
        assert message["altText"].startswith(drill_mark(language)), language


async def test_ready_words_fill_every_language_and_a_drill_has_its_own(office: Office) -> None:
    """At 02:40 nobody translates: ready words exist in all languages."""
    browser = await office.at_desk(Role.DISASTER, "writer")
    for kind, code, other in (("real", "river", "practice"), ("drill", "practice", "river")):
        number, page = await begun(browser, kind)
        address = f"/console/alerts/{number}"
        common = {"topic": "evacuation", "level": "4", "whole_city": "yes"}
        refused = await browser.submit(page, address, **common, ready=other, then="fill")
        assert refused.status == 400
        page = await browser.submit(page, address, **common, ready=code, then="fill")
        texts = (await office.drafts())[-1].texts
        assert set(texts) == set(office.context.city.languages)
        page = await browser.get(f"{address}/check")
        assert page.has_form(f"{address}/send"), page.words


async def test_a_level_is_chosen_by_the_order_that_goes_out(office: Office) -> None:
    """Level 4 of an evacuation sends the mayor's order, and the page says so beforehand."""
    staff = await office.at_desk(Role.DISASTER, "sato")
    number, page = await begun(staff, "real")
    choices = page.tree.xpath("//div[@class='levels']")[0].text_content()
    for order in (
        "警戒レベル3：高齢者等避難（危険な場所から高齢者等は避難）",
        "警戒レベル4：避難指示（危険な場所から全員避難）",
        "警戒レベル5：緊急安全確保（命の危険 直ちに安全確保）",
    ):
        assert order in choices
    address = f"/console/alerts/{number}"
    fields = {**page.form(address), "level": "4", "whole_city": "yes", "text-ja": "逃げてください"}
    looked = await staff.post(f"{address}/look", {**fields, "topic": "evacuation"})
    heading = looked.tree.xpath("//*[@id='heading']")[0]
    assert heading.get("hx-swap-oob") == "true"
    assert "避難指示" in seen(heading)
    assert "発令になりません" not in seen(heading)
    other = await staff.post(f"{address}/look", {**fields, "topic": "weather"})
    heading = other.tree.xpath("//*[@id='heading']")[0]
    assert "避難指示" not in seen(heading)
    assert "発令になりません" in seen(heading)


def seen(heading: HtmlElement) -> str:
    """Return what is not only there to keep its room."""
    parts = heading.xpath(".//*[@class='heading-line']")
    return " ".join(part.text_content() for part in parts)
