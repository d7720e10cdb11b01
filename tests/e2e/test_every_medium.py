"""One order, written once, arrives by every medium; corrected once, it is corrected everywhere; and
everybody hears that it is over.

A phone at LINE, a mailbox, a Chromium that follows by web push, the city's accounts at ntfy and
Mastodon, the signage, CAP, and the page behind the short address.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from lxml import etree

from channels.email.medium import EMAIL
from channels.engine import Engine
from channels.line.medium import LINE
from channels.media import Media
from channels.posts.accounts import keep_accounts
from channels.posts.medium import BY_POSTS, PostsMedium
from channels.posts.network import post_by
from channels.webpush.medium import WEB_PUSH
from city.city import PostAccount
from city.folder import load_folder
from console.models import Role
from core.database import Database
from core.work import LocalQueue
from simulator.posts import Networks
from subscriptions import other_media
from tests.support.console_alerts import delivery_of, sent, written
from tests.support.office import Browser, Office, Page, running_office
from tests.support.project import SAMPLE_CITY
from tests.support.push_desk import push_desk
from tests.support.push_phone import Phone, push_phone

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CAP = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
ATOM = {"atom": "http://www.w3.org/2005/Atom"}
ORDER = "川があふれそうです。今すぐ高い所へ避難してください。"
RIGHT = "川の水は下がりました。前のお知らせは誤りでした。家にいてください。"
WHY = "Nobody else is on duty tonight."
READER = "reader@mail.example"
ACCOUNTS = (
    PostAccount(name="ntfy", topics=("evacuation",)),
    PostAccount(name="mastodon", topics=("evacuation",), length=500),
)


@dataclass
class Everywhere:
    """A city hall in which everything runs, and all that people look at."""

    office: Office
    phone: str
    chromium: Phone
    networks: Networks
    public: Browser

    @property
    def mails(self) -> list[EmailMessage]:
        return list(self.office.mails.mails)

    async def arrived(self, times: int) -> None:
        """Wait until everybody was told so often, and look that it was not more."""
        office, browser = self.office, self.chromium.own[-1]
        async with asyncio.timeout(30):
            while not (
                len(office.received(self.phone)) == len(self.mails) == times
                and len(browser.shown) == times
                and all(len(self.networks.texts(each.name)) == times for each in ACCOUNTS)
            ):
                await asyncio.sleep(0.02)
        await self.chromium.arrive()

    async def said(self, words: str, *, stays: bool) -> None:
        """Look that the last that each was told has these words."""
        assert words in json.dumps(self.office.received(self.phone)[-1], ensure_ascii=False)
        assert words in words_of(self.mails[-1])
        assert [words in self.networks.texts(each.name)[-1] for each in ACCOUNTS] == [True] * 2
        first = words.partition("。")[0]
        async with asyncio.timeout(15):
            while True:
                # A correction takes the place of what stood there.
                [shown] = await self.chromium.until_any()
                if first in shown["title"] + shown["body"] and shown["stays"] is stays:
                    return
                await asyncio.sleep(0.05)

    async def page_of_last(self) -> Page:
        """Open the page behind the short address of the last notice."""
        notice = (await self.office.notices())[-1]
        page = await self.public.get(f"/n/{notice.code}")
        assert page.status == 200
        return page


@pytest.fixture
async def everywhere(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Everywhere]:
    sample = load_folder(SAMPLE_CITY)
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        office = await enter(running_office(database, sample, tmp_path, monkeypatch))
        networks = await enter(Networks())
        desk = await enter(push_desk(office))
        city = office.context.city.model_copy(update={"posts": ACCOUNTS})
        office.app.state.media = Media([LINE, EMAIL, WEB_PUSH, BY_POSTS])
        async with database.writing() as session:
            await keep_accounts(session, city, office.clock.now())
            await other_media.follow_at(session, city, "email", READER, "ja", office.clock.now())
        secrets = {
            account.setting: url
            for account, url in zip(
                ACCOUNTS, (networks.ntfy_url, networks.mastodon_url), strict=True
            )
        }
        posts = PostsMedium(office.clock, {each.name: each for each in ACCOUNTS}, secrets, post_by)
        # Another process sends by these two.
        queue, stop = LocalQueue(office.clock), asyncio.Event()
        engine = Engine(
            database, city, office.clock, queue, [desk.medium, posts], worker="elsewhere"
        )
        running = [asyncio.create_task(each.run(stop)) for each in (queue, engine)]
        phone = await office.resident("ja")
        chromium = await enter(push_phone(desk))
        await chromium.turn_on("ja")
        yield Everywhere(office, phone, chromium, networks, await office.browser())
        stop.set()
        await asyncio.gather(*running)


def words_of(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    assert plain is not None
    return f"{mail['subject']}\n{plain.get_content()}"


async def cap_alerts(browser: Browser) -> list[etree._Element]:
    """Return the CAP alerts that the feed lists, the newest first."""
    feed = etree.fromstring((await browser.get("/feeds/cap.atom")).body.encode())
    links = [each.get("href", "") for each in feed.iterfind(".//atom:entry/atom:link", ATOM)]
    found = []
    for link in links:
        path = "/feeds/" + str(link).partition("/feeds/")[2]
        found.append(etree.fromstring((await browser.get(path)).body.encode()))
    return found


async def shown_on_screen(browser: Browser, is_so: Callable[[str], bool]) -> str:
    """Wait for what a screen shows: what is in force is read anew at most once a second."""
    async with asyncio.timeout(30):
        while not is_so(news := (await browser.get("/signage/news.json")).body):
            await asyncio.sleep(0.1)
    return news


async def followed_up(boss: Browser, delivery: int, status: str, **changes: str) -> int:
    """Take back, correct or end what was sent; returns the new delivery."""
    page = await boss.get(f"/console/deliveries/{delivery}")
    action = page.tree.xpath("//form[contains(@action, '/take-back')]/@action")[0]
    draft = await boss.submit(page, action, status=status)
    number = int(draft.url.split("/alerts/")[1].split("/")[0].partition("?")[0])
    if changes:
        draft = await boss.submit(draft, f"/console/alerts/{number}", **changes, then="check")
    return delivery_of(await sent(boss, number, draft, alone_reason=WHY))


async def test_written_once_it_arrives_everywhere_and_is_corrected_and_ended_everywhere(
    everywhere: Everywhere,
) -> None:
    office, public = everywhere.office, everywhere.public
    boss = await office.at_desk(Role.ADMIN, "boss")
    number, page = await written(boss, "real", text=ORDER)
    first = delivery_of(await sent(boss, number, page, alone_reason=WHY))
    await everywhere.arrived(1)
    await everywhere.said(ORDER, stays=True)
    assert office.mails.envelopes[0][1] == [READER]
    [alert] = await cap_alerts(public)
    assert alert.findtext("cap:msgType", namespaces=CAP) == "Alert"
    assert ORDER in etree.tostring(alert, encoding="unicode")
    await shown_on_screen(public, lambda news: ORDER in news)
    order_page = await everywhere.page_of_last()
    assert ORDER in order_page.words

    identifier = alert.findtext("cap:identifier", namespaces=CAP) or "none"
    second = await followed_up(boss, first, "corrected", text__ja=RIGHT, level="3")
    await everywhere.arrived(2)
    await everywhere.said(RIGHT, stays=True)
    alerts = await cap_alerts(public)
    [update] = [each for each in alerts if each.findtext("cap:msgType", namespaces=CAP) == "Update"]
    assert identifier in (update.findtext("cap:references", namespaces=CAP) or "")
    assert RIGHT in etree.tostring(update, encoding="unicode")
    assert ORDER not in await shown_on_screen(public, lambda news: RIGHT in news)
    assert RIGHT in (await everywhere.page_of_last()).words
    # A forwarded picture of the wrong one leads to a page that says so.
    old = await public.get("/n/" + order_page.url.rpartition("/n/")[2])
    assert "訂正" in old.words

    await followed_up(boss, second, "lifted")
    await everywhere.arrived(3)
    lifted = (await office.notices())[-1].texts["ja"]["title"]
    assert "解除" in lifted
    await everywhere.said(lifted, stays=False)
    [cancel, *_] = [
        each
        for each in await cap_alerts(public)
        if each.findtext("cap:info/cap:responseType", namespaces=CAP) == "AllClear"
        or each.findtext("cap:msgType", namespaces=CAP) == "Cancel"
    ]
    assert cancel.findtext("cap:references", namespaces=CAP)
    await shown_on_screen(public, lambda news: RIGHT not in news)
    assert "解除" in (await everywhere.page_of_last()).words
