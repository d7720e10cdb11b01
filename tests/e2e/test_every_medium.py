"""One order, written once, arrives by every medium; corrected once, it is corrected everywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from lxml import etree

from city.folder import load_folder
from console.models import Role
from core.database import Database
from subscriptions import other_media
from tests.support.console_alerts import delivery_of, sent, written
from tests.support.office import Browser, Office, running_office
from tests.support.project import SAMPLE_CITY

CAP = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
ATOM = {"atom": "http://www.w3.org/2005/Atom"}
ORDER = "川があふれそうです。今すぐ高い所へ避難してください。"
RIGHT = "川の水は下がりました。前のお知らせは誤りでした。家にいてください。"
WHY = "Nobody else is on duty tonight."
READER = "reader@mail.example"


@pytest.fixture
async def office(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A city hall in which everything runs."""
    sample = load_folder(SAMPLE_CITY)
    async with running_office(database, sample, tmp_path, monkeypatch) as made:
        yield made


def words_of(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    assert plain is not None
    return f"{mail['subject']}\n{plain.get_content()}"


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not there():
            await asyncio.sleep(0.02)


async def cap_alerts(browser: Browser) -> list[etree._Element]:
    """Return the CAP alerts that the feed lists, the newest first."""
    feed = etree.fromstring((await browser.get("/feeds/cap.atom")).body.encode())
    links = [each.get("href", "") for each in feed.iterfind(".//atom:entry/atom:link", ATOM)]
    found = []
    for link in links:
        path = "/feeds/" + str(link).partition("/feeds/")[2]
        found.append(etree.fromstring((await browser.get(path)).body.encode()))
    return found


async def test_written_once_it_arrives_everywhere_and_is_corrected_everywhere(
    office: Office,
) -> None:
    boss, public = await office.at_desk(Role.ADMIN, "boss"), await office.browser()
    phone = await office.resident("ja")
    async with office.database.writing() as session:
        await other_media.follow_at(
            session, office.context.city, "email", READER, "ja", office.clock.now()
        )
    number, page = await written(boss, "real", text=ORDER)
    first = delivery_of(await sent(boss, number, page, alone_reason=WHY))
    await office.done(first)
    await until(lambda: len(office.mails.mails) == 1)
    assert ORDER in json.dumps(office.received(phone), ensure_ascii=False)
    assert ORDER in words_of(office.mails.mails[0])
    assert office.mails.envelopes[0][1] == [READER]
    [alert] = await cap_alerts(public)
    assert alert.findtext("cap:msgType", namespaces=CAP) == "Alert"
    assert ORDER in etree.tostring(alert, encoding="unicode")
    assert ORDER in (await public.get("/signage/news.json")).body
    identifier = alert.findtext("cap:identifier", namespaces=CAP)

    shown = await boss.get(f"/console/deliveries/{first}")
    notice = (await office.notices())[0].id
    draft = await boss.submit(shown, f"/console/notices/{notice}/take-back", status="corrected")
    second = int(draft.url.rsplit("/", 1)[1].partition("?")[0])
    looked = await boss.submit(
        draft, f"/console/alerts/{second}", text__ja=RIGHT, level="3", then="check"
    )
    corrected = delivery_of(await sent(boss, second, looked, alone_reason=WHY))
    await office.done(corrected)
    await until(lambda: len(office.mails.mails) == 2)
    assert RIGHT in json.dumps(office.received(phone)[-1], ensure_ascii=False)
    assert len(office.received(phone)) == 2
    assert RIGHT in words_of(office.mails.mails[1])
    alerts = await cap_alerts(public)
    [update] = [each for each in alerts if each.findtext("cap:msgType", namespaces=CAP) == "Update"]
    assert identifier is not None
    assert identifier in (update.findtext("cap:references", namespaces=CAP) or "")
    assert RIGHT in etree.tostring(update, encoding="unicode")
    # A screen asks again and again; what is in force is read anew at most once a second.
    async with asyncio.timeout(30):
        while RIGHT not in (news := (await public.get("/signage/news.json")).body):
            await asyncio.sleep(0.1)
    assert ORDER not in news
