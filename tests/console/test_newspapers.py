"""Mistakes of real cities that were in the newspapers: here they are impossible, or found.

One test for each. The rules stand in ``alerts.drafts`` and ``alerts.release``.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from city.city import Decision
from console.models import Role
from console.words import decider
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from tests.support.console_alerts import begun, delivery_of, sent, written
from tests.support.office import Office

RAIN = "大雨です。避難所は中央小学校です。"


def from_source(office: Office, **changes: Any) -> Notice:
    """A notice of a source, held for a person."""
    now = office.clock.now()
    values: dict[str, Any] = {
        "identity": "a source's",
        "topic": "tsunami",
        "kind": "津波注意報",
        "level": 3,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": now,
        "texts": {"ja": {"title": "津波注意報", "text": "津波注意報が出ました。"}},
        "decision": Decision.HOLD,
        "decided_by": "rule:default",
        "created_at": now,
        **changes,
    }
    return Notice(**values)


async def test_2023_a_real_warning_is_not_sent_with_this_months_drill_picked_again(
    office: Office,
) -> None:
    """A level-3 notice in heavy rain went out as the drill, naming shelters that were closed."""
    staff = await office.at_desk(Role.DISASTER, "tired")
    user = await office.resident("ja")
    number, page = await written(staff, "drill", text="訓練です。避難所は東小学校です。", level="3")
    drill = delivery_of(await sent(staff, number, page))
    await office.done(drill)
    await office.hazard(3, "レベル３大雨警報")

    # Sending the drill again while the rain falls: the page says so, and refuses.
    shown = await staff.get(f"/console/deliveries/{drill}")
    again = await staff.submit(shown, "/console/notices/1/again", kind="drill")
    number = int(again.url.rsplit("/", 1)[1])
    page = await staff.submit(again, f"/console/alerts/{number}", whole_city="yes", then="check")
    assert "レベル３大雨警報" in page.words
    assert (await sent(staff, number, page, hazard_reason="")).status == 400

    # Making a real alert of it: not one word of the drill comes along.
    real = await staff.submit(shown, "/console/notices/1/again", kind="real")
    number = int(real.url.rsplit("/", 1)[1])
    assert "東小学校" not in real.body
    draft = (await office.drafts())[-1]
    assert (draft.drill, draft.texts, draft.level, draft.whole_city) == (False, {}, -1, False)
    assert "band-real" in real.body

    # Typing the drill's words into it all the same: refused.
    page = await staff.submit(
        real,
        f"/console/alerts/{number}",
        whole_city="yes",
        level="3",
        text__ja="訓練です。避難所は東小学校です。",
        then="check",
    )
    assert not page.has_form(f"/console/alerts/{number}/send")
    assert len(office.received(user)) == 1


async def test_2023_a_draft_cannot_turn_from_drill_to_real_nor_back(office: Office) -> None:
    staff = await office.at_desk(Role.DISASTER, "tired")
    for kind, other in (("drill", "real"), ("real", "drill")):
        number, page = await begun(staff, kind)
        await staff.submit(
            page, f"/console/alerts/{number}", kind=other, drill=other, text__ja=RAIN
        )
        assert (await office.drafts())[-1].drill is (kind == "drill")


async def test_2023_drill_and_real_have_no_default_and_never_look_alike(office: Office) -> None:
    staff = await office.at_desk(Role.DISASTER, "tired")
    page = await staff.get("/console/alerts")
    token = page.form("/console/alerts")["csrf"]
    for fields in ({}, {"kind": ""}, {"kind": "both"}):
        assert (await staff.post("/console/alerts", {"csrf": token, **fields})).status == 400
    assert not await office.drafts()
    _, drill = await written(staff, "drill", level="2", text=RAIN)
    _, real = await written(staff, "real", level="2", text=RAIN)
    assert "band-drill" in drill.body
    assert "send-drill" in drill.body
    assert "phone drill" in drill.body
    assert "band-real" in real.body
    assert "send-real" in real.body
    assert "band-drill" not in real.body
    assert "phone drill" not in real.body


@pytest.mark.slow
async def test_2023_a_real_alert_speaks_of_no_drill_and_a_drill_never_denies_being_one(
    office: Office,
) -> None:
    staff = await office.at_desk(Role.DISASTER, "tired")
    for language, words in (
        ("ja", "【訓練】大雨です"),
        ("ja", "これは訓 練です".replace(" ", "")),
        ("ja-x-easy", "くんれんです"),
        ("en", "This is a DRILL."),
        ("en", "This is a ｄｒｉｌｌ."),
        ("my", f"{drill_mark('my')} မိုး"),
        ("ko", drill_mark("ko")),
    ):
        text = words if language == "ja" else RAIN
        number, page = await written(
            staff, "real", text=text, **({} if language == "ja" else {f"text__{language}": words})
        )
        assert not page.has_form(f"/console/alerts/{number}/send"), words
    for words in ("訓練ではありません。", "これは訓練ではない", "This is NOT a drill."):
        number, page = await written(staff, "drill", text=words)
        assert not page.has_form(f"/console/alerts/{number}/send"), words


async def test_2025_trying_out_the_automatic_sending_reaches_nobody(office: Office) -> None:
    """A tsunami advisory that did not exist was sent while staff tested on the live system."""
    staff = await office.at_desk(Role.ADMIN, "tester")
    user = await office.resident("ja", topics={"tsunami": 0})
    await office.store(from_source(office, drill=True, decided_by="rule:drill-telegram"))
    page = await staff.get("/console/held/1")
    assert "band-drill" in page.body or "is-drill" in page.body
    token = page.form("/console/held/1")["csrf"]
    for decision in ("send", "publish"):
        fields = {"csrf": token, "decision": decision, "typed": "1", "reason": "a test of ours"}
        assert (await staff.post("/console/held/1", fields)).status == 400
    # Every page that shows what would arrive can be looked at; looking sends nothing.
    number, page = await written(staff, "real", topic="tsunami", level="3", text="津波です。")
    await staff.get(f"/console/alerts/{number}/check")
    assert not office.received(user)
    assert not await office.deliveries()
    front = await staff.get("/")
    said = front.tree.xpath("//body//text()[not(ancestor::select)]")  # a select names all topics
    assert front.status == 200 and not [text for text in said if "津波" in text]


async def test_midnight_prepared_texts_are_never_armed(office: Office) -> None:
    """Two evacuation messages at midnight, with nobody at the desk: last year's were armed."""
    staff = await office.at_desk(Role.DISASTER, "duty")
    user = await office.resident("ja")
    number, page = await written(staff, "drill")
    old = await staff.get(f"/console/alerts/{number}")
    for hours in (1, 12, 24 * 365):
        office.clock.ahead += timedelta(hours=hours)
        await asyncio_turns()
        assert not office.received(user)
    await staff.sign_in("duty@city.example")
    assert not await office.deliveries()
    assert old.status == 200
    assert page.status == 200


async def asyncio_turns() -> None:
    """Let everything that might want to run, run."""
    import asyncio

    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.slow
async def test_a_deletion_never_tells_residents_anything(office: Office) -> None:
    """A prefecture announced that an evacuation was lifted; a record had been deleted."""
    staff = await office.at_desk(Role.DISASTER, "tidy")
    user = await office.resident("ja")
    number, page = await written(staff, "real", level="2")
    await office.done(delivery_of(await sent(staff, number, page)))
    before = len(await office.deliveries()), len(await office.notices())
    # The all-clear is begun, and thrown away; drafts are thrown away; a held one is dropped.
    shown = await staff.get("/console/deliveries/1")
    page = await staff.submit(shown, "/console/notices/1/take-back", status="lifted")
    number = int(page.url.split("/alerts/")[1].split("/")[0])
    editing = await staff.get(f"/console/alerts/{number}")
    form = editing.form(f"/console/alerts/{number}")
    thrown = await staff.post(f"/console/alerts/{number}/discard", form)
    assert thrown.url.endswith(f"/console/alerts?discarded={number}")
    await office.store(from_source(office))
    held = await staff.get("/console/held/2")
    await staff.submit(held, "/console/held/2", decision="drop")
    assert (len(await office.deliveries()), len(await office.notices()) - 1) == before
    assert len(office.received(user)) == 1
    # A sent alert cannot be deleted: no page and no address does it.
    token = shown.form("/console/notices/1/again")["csrf"]
    for path in ("/console/notices/1/delete", "/console/deliveries/1/delete"):
        assert (await staff.post(path, {"csrf": token})).status in (404, 405)


@pytest.mark.slow
async def test_an_all_clear_takes_two_people_and_a_withdrawal_does_not_wait(
    office: Office,
) -> None:
    """Taking back is quicker than sending; saying that a danger is over is not."""
    staff = await office.at_desk(Role.DISASTER, "one")
    user = await office.resident("en")
    number, page = await written(staff, "real", level="4")
    page = await sent(staff, number, page, alone_reason="一人当直のため単独で送信します")
    first = delivery_of(page)
    await office.done(first)
    shown = await staff.get(f"/console/deliveries/{first}")
    page = await staff.submit(shown, "/console/notices/1/take-back", status="lifted")
    number = int(page.url.split("/alerts/")[1].split("/")[0])
    assert (await sent(staff, number, page)).status == 400
    # The withdrawal: one press to a filled-in page, one number to type.
    page = await staff.submit(shown, "/console/notices/1/take-back", status="cancelled")
    number = int(page.url.split("/alerts/")[1].split("/")[0])
    second = delivery_of(await sent(staff, number, page))
    delivery = await office.done(second)
    assert delivery.priority == 0
    words = json.dumps(office.received(user)[-1], ensure_ascii=False)
    assert "mistake" in words


@pytest.mark.slow
async def test_56000_people_are_not_told_to_evacuate_one_block(office: Office) -> None:
    """The whole city has its own checkbox, and the number must be typed."""
    staff = await office.at_desk(Role.DISASTER, "trainee")
    block = office.context.city.districts[0].code
    inside = await office.resident("ja", areas=(block,))
    others = [
        await office.resident("ja", areas=(district.code,))
        for district in office.context.city.districts[1:4]
    ]
    # No place is nobody, not everybody.
    number, page = await written(staff, "real", whole_city=None, level="2")
    assert 'data-testid="faults"' in page.body
    # Somebody who means one block and ticks the city notices the number.
    number, page = await written(staff, "real", whole_city="yes", level="2")
    assert page.tree.xpath('//*[@data-testid="recipients"]/text()')[0].strip() == "4"
    assert (await sent(staff, number, page, typed="1")).status == 400
    number, page = await written(staff, "real", whole_city=None, areas=block, level="2")
    await office.done(delivery_of(await sent(staff, number, page)))
    assert office.receivers() == {inside: 1}
    assert not any(office.received(user) for user in others)


@pytest.mark.slow
async def test_saving_and_sending_are_far_apart(office: Office) -> None:
    """An evacuation message went out while it was being written."""
    staff = await office.at_desk(Role.DISASTER, "writer")
    user = await office.resident("ja")
    number, page = await begun(staff, "real")
    for then in ("stay", "check", "send", "", "confirm"):
        page = await staff.get(f"/console/alerts/{number}")
        await staff.submit(
            page,
            f"/console/alerts/{number}",
            text__ja=RAIN,
            whole_city="yes",
            level="3",
            then=then,
            typed="1",
            send="yes",
        )
    form = (await staff.get(f"/console/alerts/{number}")).form(f"/console/alerts/{number}")
    await staff.post(f"/console/alerts/{number}/look", form)
    # The sending address wants the seal of a page that was looked at.
    fields = {"csrf": form["csrf"], "typed": "1", "alone_reason": "x" * 20, "look": ""}
    assert (await staff.post(f"/console/alerts/{number}/send", fields)).status == 400
    assert (await staff.get(f"/console/alerts/{number}/send")).status in (404, 405)
    assert not await office.deliveries()
    assert not office.received(user)


async def test_a_drill_between_agencies_reaches_no_public_channel(office: Office) -> None:
    """A drill of the exchange reached the public by mail in five towns."""
    staff = await office.at_desk(Role.DISASTER, "staff")
    await office.store(
        from_source(office, identity="drill", drill=True, decision=Decision.SEND, kind="訓練"),
        from_source(office, identity="real", topic="weather", decision=Decision.PUBLISH),
    )
    for path in ("/feeds/notices.atom", "/feeds/notices.json"):
        feed = await staff.get(path)
        assert feed.status == 200
        assert "notice/2" in feed.body
        assert "notice/1" not in feed.body
    page = await staff.get("/?lang=ja")
    drills = page.tree.xpath('//article[contains(@class, "drill")]')
    assert [one.get("id") for one in drills] == ["notice-1"]
    assert "notice-1" not in [
        one.get("id") for one in page.tree.xpath('//section[@aria-labelledby="now"]/article')
    ]


async def test_a_rule_that_nobody_tried_sends_nothing_under_a_blue_sky(office: Office) -> None:
    """An evacuation order under a blue sky: a programmed rule was wrong."""
    staff = await office.at_desk(Role.DISASTER, "duty")
    user = await office.resident("ja", topics={"tsunami": 0})
    await office.store(from_source(office))
    page = await staff.get("/console/held/1")
    # It is held; whoever sends it sees it as it would arrive, whom it reaches and which rule.
    assert decider("rule:default", "ja") in page.words
    assert 'data-testid="phone-ja"' in page.body
    assert not office.received(user)
    fields = {**page.form("/console/held/1"), "typed": "1"}
    assert (await staff.post("/console/held/1", {**fields, "reason": ""})).status == 400
    done = await staff.post("/console/held/1", {**fields, "reason": "気象庁に電話で確かめました"})
    await office.done(delivery_of(done))
    notice = (await office.notices())[0]
    assert (notice.decision, notice.decided_by) == (Decision.SEND, "duty@city.example")
    again = await staff.post(
        "/console/held/1", {**fields, "reason": "もう一度送信します、念のため"}
    )
    assert again.status == 400
    assert len(office.received(user)) == 1


async def test_everything_that_was_done_has_a_name_and_tampering_shows(office: Office) -> None:
    """Promise 7."""
    from sqlalchemy import text

    boss = await office.at_desk(Role.ADMIN, "boss")
    number, page = await written(boss, "drill")
    await office.done(delivery_of(await sent(boss, number, page)))
    entries = await office.audit()
    assert {entry.action for entry in entries} >= {"session.opened", "alert.begun", "alert.sent"}
    assert all(entry.actor for entry in entries)
    whole = await boss.get("/console/audit?check=true")
    assert "note-good" in whole.body
    async with office.database.writing() as session:
        await session.execute(text("UPDATE audit SET actor = 'somebody else' WHERE id = 3"))
    broken = await boss.get("/console/audit?check=true")
    assert "note-bad" in broken.body
    assert " 3 " in broken.words


async def test_a_held_notice_reaches_as_many_as_its_page_said(office: Office) -> None:
    """An earthquake has no level; whom it concerns goes by how strong it was here."""
    staff = await office.at_desk(Role.DISASTER, "duty")
    for threshold in (0, 3, 4, 5):
        await office.resident("ja", topics={"earthquake": threshold})
    quake = from_source(office, topic="earthquake", kind="震度速報", level=0, urgency=4)
    await office.store(quake)
    page = await staff.get("/console/held/1")
    shown = page.tree.xpath("//p[@class='reach']/text()")[0].strip()
    assert shown == "3"
    sent = await staff.submit(
        page, "/console/held/1", typed=shown, reason="気象庁に電話で確かめました", decision="send"
    )
    assert (await office.done(int(sent.url.rsplit("/", 1)[1]))).recipients == 3
