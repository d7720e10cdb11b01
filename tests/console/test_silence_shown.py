"""A medium takes nothing: every page says it, and somebody is always told, whoever wished it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from sqlmodel import select

from app.silence_mails import AFTER_SECONDS, SilenceMails, responsible_accounts
from channels.models import ChannelSilence, ChannelStop
from channels.reasons import reason
from console.models import Role
from console.silence_words import silence_words
from response.models import StaffMember, StaffMessage
from response.silence_alarms import tell_of_silence
from tests.support.office import Browser, Office

TITLE = "メール：メッセージが受け付けられません"


async def silent(office: Office, channel: str = "email") -> ChannelSilence:
    now = office.clock.now()
    made = ChannelSilence(channel=channel, since=now - timedelta(seconds=61), noticed_at=now)
    await office.store(made)
    return made


async def member(office: Office, name: str, account: str, mail: str = "") -> None:
    now = office.clock.now()
    await office.store(
        StaffMember(
            name=name, department="crisis", account=account, mail=mail, added_at=now, changed_at=now
        )
    )


async def told(office: Office, *silences: ChannelSilence) -> list[str]:
    """Tell staff; return the addresses to which messages go."""
    await tell_of_silence(
        office.database,
        office.context.queue,
        silences,
        office.clock.now(),
        partial(silence_words, "https://city.example"),
        responsible=await responsible_accounts(office.database),
    )
    async with office.database.reading() as session:
        found = await session.scalars(select(StaffMessage))
        return [(await session.get_one(StaffMember, each.member_id)).name for each in found]


async def said(browser: Browser, path: str, channel: str = "email") -> str:
    page = await browser.get(f"/console/{path}")
    assert page.status == 200
    return str(page.tree.xpath(f'string(//*[@data-testid="channel-silent-{channel}"])'))


async def test_every_page_says_it_until_it_ends(office: Office) -> None:
    writer = await office.at_desk(Role.VIEWER, "looker")
    assert not await said(writer, "")
    silence = await silent(office)
    for path in ("", "alerts", "feeds", "account"):
        assert TITLE in await said(writer, path), path
    live = await writer.get("/console/stopped/live")
    assert TITLE in live.words
    async with office.database.writing() as session:
        session.add(silence)
        silence.ended_at = office.clock.now()
    assert not await said(writer, "")


async def test_a_stop_that_explains_it_is_said_alone(office: Office) -> None:
    writer = await office.at_desk(Role.VIEWER, "looker")
    await silent(office)
    now = office.clock.now()
    await office.store(
        ChannelStop(
            channel="email", reason=reason("delivery.paused"), stopped_at=now, checked_at=now
        )
    )
    assert not await said(writer, "")


async def test_without_a_wish_those_hear_who_send_alerts(office: Office) -> None:
    await office.hire(Role.DISASTER, "chief")
    await office.hire(Role.ROADS, "roads")
    await member(office, "課長", "chief@city.example", "kacho@city.example")
    await member(office, "道路", "roads@city.example", "douro@city.example")
    assert await told(office, await silent(office)) == ["課長"]
    await SilenceMails(office.context).look()
    office.clock.ahead += timedelta(seconds=AFTER_SECONDS)
    await SilenceMails(office.context).look()
    assert not office.mails.to("chief@city.example"), "the list of staff has told them"


async def test_with_nobody_on_the_list_the_accounts_get_a_mail_each(office: Office) -> None:
    await office.hire(Role.ADMIN, "boss")
    await office.hire(Role.DISASTER_CONFIRM, "second")
    await office.hire(Role.VIEWER, "looker")
    await member(office, "連絡先なし", "boss@city.example")
    silence = await silent(office, "webpush")
    assert await told(office, silence) == []
    mails = SilenceMails(office.context)
    await mails.look()
    assert not office.mails.mails, "those of the list are told first"
    office.clock.ahead += timedelta(seconds=AFTER_SECONDS)
    office.mails.faults.turns_away = "451 4.3.0 not now"
    await mails.look()
    assert not office.mails.mails
    office.mails.faults.turns_away = ""
    await mails.look()
    await mails.look()
    assert sorted(mail["To"] for mail in office.mails.mails) == [
        "boss@city.example",
        "second@city.example",
    ]
    assert "ウェブプッシュ" in office.mails.mails[0]["Subject"]
    # Another process would send the same mails again, not others.
    before = {mail["Message-ID"] for mail in office.mails.mails}
    await SilenceMails(office.context).look()
    assert {mail["Message-ID"] for mail in office.mails.mails} == before
