"""An alert by several media at the desk: switches, reach, progress, and acts on all at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from channels.models import Batch, BatchState, ChannelStop, Delivery, DeliveryState
from channels.reasons import reason
from city.city import Decision
from console.models import Role
from feeds.models import Notice, Status
from subscriptions import other_media
from tests.support.console_alerts import TEXT, delivery_of, sent, written
from tests.support.office import Office


async def reader_by_mail(office: Office, address: str = "reader@mail.example") -> None:
    async with office.database.writing() as session:
        await other_media.follow_at(
            session, office.context.city, "email", address, "ja", office.clock.now()
        )


async def by_channel(office: Office) -> dict[str, Delivery]:
    async with office.database.reading() as session:
        found = await session.scalars(select(Delivery).order_by(col(Delivery.id)))
        return {each.channel: each for each in found}


async def test_every_medium_has_a_switch_its_reach_and_its_text(office: Office) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    await office.resident("ja")
    await office.resident("en")
    await reader_by_mail(office)
    number, page = await written(writer, "real")
    assert "medium-line-recipients" in page.body and "medium-email-recipients" in page.body
    assert page.tree.xpath('string(//*[@data-testid="recipients"])').split()[0] == "3"
    [mail] = page.tree.xpath('//*[@data-testid="text-email"]')
    assert TEXT in mail.text_content() and "<" not in mail.text_content(), "as it will look"
    assert len(mail.xpath('.//*[@class="as-read"]')) == 1, "others on request"
    every = await writer.get(f"/console/alerts/{number}/texts/email")
    assert len(every.tree.xpath('//*[@class="as-read"]')) == len(office.context.city.languages)
    phones = await writer.get(f"/console/alerts/{number}/texts/line")
    shown = {one.removeprefix("phone-") for one in phones.tree.xpath("//*/@data-testid")}
    assert shown >= set(office.context.city.languages)
    assert (await writer.get(f"/console/alerts/{number}/texts/pigeon")).status == 404
    off = await writer.submit(page, f"/console/alerts/{number}/media", media=["line"])
    assert off.tree.xpath('string(//*[@data-testid="recipients"])').split()[0] == "2"
    [draft] = await office.drafts()
    assert (draft.media, draft.confirmed_by) == (["line"], None)
    nothing = await writer.submit(off, f"/console/alerts/{number}/media", media=[])
    assert nothing.status == 400
    done = await sent(writer, number, off, alone_reason="Nobody else is on duty tonight.")
    await office.done(delivery_of(done))
    assert set(await by_channel(office)) == {"line"}
    [entry] = [each for each in await office.audit() if each.action == "alert.media_chosen"]
    assert entry.detail["media"] == ["line"]


async def test_who_switches_a_medium_is_no_second_person(office: Office) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    await office.resident("ja")
    await reader_by_mail(office)
    number, _ = await written(writer, "real")
    page = await colleague.get(f"/console/alerts/{number}/check")
    switched = await colleague.submit(page, f"/console/alerts/{number}/media", media=["line"])
    assert not switched.has_form(f"/console/alerts/{number}/confirm")
    [draft] = await office.drafts()
    assert set(draft.detail["authors"]) == {"writer@city.example", "colleague@city.example"}


async def test_a_stop_and_a_pause_act_on_all_media(office: Office) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    await office.resident("ja")
    await reader_by_mail(office)
    number, page = await written(writer, "real")
    done = await sent(writer, number, page, alone_reason="Nobody else is on duty tonight.")
    deliveries = await by_channel(office)
    assert set(deliveries) == {"line", "email"}
    shown = await writer.get(f"/console/deliveries/{deliveries['line'].id}")
    assert "way-line" in shown.body and "way-email" in shown.body
    assert delivery_of(done) == deliveries["line"].id
    for each in deliveries.values():
        assert each.id is not None
        await office.done(each.id)
    async with office.database.writing() as session:
        for each in await session.scalars(select(Delivery)):
            each.state = DeliveryState.SENDING
        for batch in await session.scalars(select(Batch)):
            batch.state = BatchState.WAITING
            batch.not_before = office.clock.now() + timedelta(seconds=30)
    shown = await writer.get(f"/console/deliveries/{deliveries['line'].id}")
    await writer.submit(shown, f"/console/deliveries/{deliveries['line'].id}/pause")
    assert {each.state for each in (await by_channel(office)).values()} == {DeliveryState.PAUSED}
    asked = await writer.get(f"/console/deliveries/{deliveries['email'].id}/stop")
    await writer.submit(asked, f"/console/deliveries/{deliveries['email'].id}/stop")
    assert {each.state for each in (await by_channel(office)).values()} == {DeliveryState.STOPPED}


async def test_what_is_held_up_names_its_medium_and_a_stop_of_mail_hides_no_emergency_by_line(
    office: Office,
) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    await office.resident("ja")
    await reader_by_mail(office)
    number, page = await written(writer, "real")
    await sent(writer, number, page, alone_reason="Nobody else is on duty tonight.")
    async with office.database.writing() as session:
        for each in await session.scalars(select(Delivery)):
            each.state = DeliveryState.PAUSED
    now = office.clock.now()

    async def failing() -> list[str]:
        shown = await writer.get("/console/deliveries/1")
        return [
            str(one.text_content()).split(":")[0].strip()
            for one in shown.tree.xpath('//*[@data-testid="emergency-failing"]//strong')
        ]

    assert await failing() == ["LINE", "メール"]
    why = reason("delivery.paused")
    await office.store(ChannelStop(channel="email", reason=why, stopped_at=now, checked_at=now))
    assert await failing() == ["LINE"], "only the emergency by mail is explained by the stop"
    shown = await writer.get("/console/")
    [stop] = shown.tree.xpath('//*[@data-testid="channel-stopped-email"]')
    assert "LINE" not in stop.text_content() and "メール" in stop.text_content()


async def test_switches_that_equal_the_rules_leave_the_draft_to_the_rules(office: Office) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    await office.resident("ja")
    number, page = await written(writer, "real")
    path = f"/console/alerts/{number}/media"
    page = await writer.submit(page, path, media=["line"])
    [draft] = await office.drafts()
    assert draft.media is None, "nobody follows by another medium yet"
    await reader_by_mail(office)
    page = await writer.get(f"/console/alerts/{number}/check")
    assert page.tree.xpath('string(//*[@data-testid="recipients"])').split()[0] == "2"
    page = await writer.submit(page, path, media=["line"])
    [draft] = await office.drafts()
    assert draft.media == ["line"]
    await writer.submit(page, path, media=["line", "email"])
    [draft] = await office.drafts()
    assert draft.media is None


async def test_a_held_notice_and_a_draft_are_shown_by_every_medium(office: Office) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    await office.resident("ja")
    await reader_by_mail(office)
    number, _ = await written(writer, "real")
    edit = await writer.get(f"/console/alerts/{number}")
    [mail] = edit.tree.xpath('//*[@data-testid="text-email"]')
    assert TEXT in mail.text_content()
    held = Notice(
        identity="held",
        topic="evacuation",
        level=4,
        status=Status.ISSUED,
        drill=False,
        reported_at=office.clock.now(),
        texts={"ja": {"title": "題", "text": TEXT}},
        decision=Decision.HOLD,
        decided_by="rule:test",
        created_at=office.clock.now(),
    )
    await office.store(held)
    page = await writer.get(f"/console/held/{held.id}")
    [mail] = page.tree.xpath('//*[@data-testid="text-email"]')
    assert "題" in mail.text_content() and TEXT in mail.text_content()


async def test_the_numbers_by_level_are_those_of_all_media(office: Office) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    first, second, *_ = office.context.city.districts
    await office.resident("ja", areas=(first.code,))
    await office.resident("ja", areas=(second.code,))
    await reader_by_mail(office)  # of no district: the gravest
    levels: dict[str, Any] = {
        "whole_city": None,
        "areas": [first.code, second.code],
        f"level-{first.code}": "5",
    }
    number, page = await written(writer, "real", **levels)
    shown = page.tree.xpath('//*[@data-testid="parts"]/*[@class="number"]/text()')
    assert shown == ["2", "1"]
    done = await sent(writer, number, page, alone_reason="Nobody else is on duty tonight.")
    for each in await office.deliveries():
        await office.done(each.id or 0)
    notice = (await office.notices())[0]
    chain = await writer.get(f"/console/chains/{notice.id}")
    told = {
        name: chain.tree.xpath(f'string(//*[@data-testid="said-1-{name}"])')
        for name in ("recipients", "level-5", "level-4")
    }
    assert told == {"recipients": "3", "level-5": "2", "level-4": "1"}
    # It is one line in the lists, with all its recipients, and leads to LINE's delivery.
    line = delivery_of(done)
    for address, number_at in (("/console/alerts", "3"), ("/console/", "3人")):
        page = await writer.get(address)
        [row] = page.tree.xpath(
            '//tr[.//a[contains(@href, "/console/deliveries/")]][td[@class="number"]]'
        )
        assert row.xpath(".//a/@href") == [f"/console/deliveries/{line}"]
        assert row.xpath('string(td[@class="number"])').strip() == number_at
