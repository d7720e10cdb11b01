"""Writing, looking, confirming, sending: the path of an alert, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

from channels.simulator import FaultPlan
from console.models import Role
from feeds.models import Status
from feeds.texts import drill_mark
from tests.console.conftest import Browser, Office, Page

TEXT = "大雨のため、川の近くにいる人は今すぐ避難してください。"


async def begun(browser: Browser, kind: str) -> tuple[int, Page]:
    """Begin a draft; returns its id and the page for writing."""
    page = await browser.get("/console/alerts")
    fields = {**page.form("/console/alerts"), "kind": kind}
    page = await browser.post("/console/alerts", fields)
    assert page.status == 200, page.words
    return int(page.url.rsplit("/", 1)[1].partition("?")[0]), page


async def written(
    browser: Browser, kind: str, *, text: str = TEXT, then: str = "check", **fields: Any
) -> tuple[int, Page]:
    """Write a draft and go on to look at it."""
    number, page = await begun(browser, kind)
    wanted: dict[str, Any] = {
        "topic": "evacuation",
        "level": "4",
        "whole_city": "yes",
        "text__ja": text,
        **fields,
        "then": then,
    }
    return number, await browser.submit(page, f"/console/alerts/{number}", **wanted)


async def sent(browser: Browser, number: int, page: Page, **fields: Any) -> Page:
    """Confirm and send what is looked at, typing what the page asks for."""
    if "typed" not in fields:
        real = page.tree.xpath('//button[contains(@class, "send-real")]')
        count = page.tree.xpath('//*[@data-testid="recipients"]/text()')[0].strip()
        fields["typed"] = count if real else "訓練"
    return await browser.submit(page, f"/console/alerts/{number}/send", **fields)


def delivery_of(page: Page) -> int:
    assert "/console/deliveries/" in page.url, page.words
    return int(page.url.rsplit("/", 1)[1].partition("?")[0])


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
    """Nobody sends what they could not see (what went wrong: nobody saw what would leave)."""
    from channels.render import render
    from console.sending import notice_of

    writer = await office.at_desk(Role.ADMIN, "boss")
    user = await office.resident("pt")
    number, page = await written(writer, "drill")
    draft = (await office.drafts())[0]
    page = await sent(writer, number, page)
    await office.done(delivery_of(page))
    notice = (await office.notices())[0]
    again = notice_of(draft, office.context.city, actor="x", now=notice.reported_at)
    assert office.received(user) == [render(again, "pt", office.context.city)]


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


async def test_a_change_takes_the_colleagues_confirmation_away(office: Office) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    number, _ = await written(writer, "real")
    looked = await colleague.get(f"/console/alerts/{number}/check")
    await colleague.submit(looked, f"/console/alerts/{number}/confirm")
    page = await writer.get(f"/console/alerts/{number}")
    page = await writer.submit(page, f"/console/alerts/{number}", text__ja=TEXT + "急いで。")
    answer = await sent(writer, number, await writer.get(f"/console/alerts/{number}/check"))
    assert answer.status == 400
    assert not await office.deliveries()


async def test_a_serious_alert_alone_needs_a_reason_that_is_kept(office: Office) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    number, page = await written(writer, "real")
    assert (await sent(writer, number, page)).status == 400
    assert (await sent(writer, number, page, alone_reason="急ぐ")).status == 400
    done = await sent(writer, number, page, alone_reason="当直が一人だけで、川があふれています")
    assert delivery_of(done)
    entry = next(e for e in await office.audit() if e.action == "alert.sent")
    assert entry.detail["alone_reason"].startswith("当直が一人")
    assert entry.detail["second_person"] is None


async def test_nobody_confirms_their_own_words(office: Office) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    number, page = await written(writer, "real")
    assert not page.has_form(f"/console/alerts/{number}/confirm")
    forged = await writer.post(
        f"/console/alerts/{number}/confirm",
        {"csrf": page.form(f"/console/alerts/{number}/send")["csrf"], "version": "2"},
    )
    assert forged.status == 400


async def test_what_is_typed_must_be_what_is_asked(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    await office.resident()
    number, page = await written(browser, "real", level="2")
    for typed in ("", "はい", "2", "訓練", "1人"):
        assert (await sent(browser, number, page, typed=typed)).status == 400, typed
    number, page = await written(browser, "drill")
    for typed in ("", "1", "本番"):
        assert (await sent(browser, number, page, typed=typed)).status == 400, typed
    assert not await office.deliveries()


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
    assert "送信していません" in refused.words
    form = refused.form(f"/console/alerts/{number}/send")
    assert form["alone_reason"] == why
    assert not form.get("typed")
    # Who reads Japanese below a heading of their own is said before it leaves.
    [note] = refused.tree.xpath("//*[@data-testid='unwritten']")
    assert "ミャンマー語" in note.text_content()
    assert "日本語、" not in note.text_content()
    done = await sent(browser, number, refused)
    assert (await office.done(delivery_of(done))).recipients == 2


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


async def test_words_are_what_they_look_like(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    hidden = "避難\u202eしてください\u200b。\x07\ufeff"
    await written(browser, "drill", text=hidden, text__my="ရေ\u200dကြီး")
    texts = (await office.drafts())[0].texts
    assert texts["ja"]["text"] == "避難してください。"
    assert texts["my"]["text"] == "ရေ\u200dကြီး"


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
    """At 02:40 nobody translates: what is chosen from the list is there in all languages."""
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
