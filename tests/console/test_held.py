"""Held notices: they alarm, wait with a clock, are decided or overtaken, and end as they should."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import col, select

from city.city import Decision
from console.models import Role
from feeds.held import held_items, overtaken_by
from feeds.models import Notice, Status
from feeds.overlay import TELEGRAM, About, Overlay
from feeds.poller import Poller
from simulator.agency.server import RecordedDays
from tests.support.office import Office
from tests.support.rules_desk import WHY, confirmed, live_poller, poll_all, proposal

HELD_LANDSLIDES = Overlay(
    0, {About(TELEGRAM, "landslide", step): Decision.HOLD for step in ("2", "3", "4")}
)


@pytest.fixture
async def agency(office: Office) -> AsyncIterator[RecordedDays]:
    async with RecordedDays(office.clock) as days:
        yield days


class Storm:
    """The recorded rainstorm, a step at a time, over a city that holds landslide warnings."""

    def __init__(self, office: Office, agency: RecordedDays, poller: Poller) -> None:
        self.office = office
        self.agency = agency
        self.poller = poller

    async def until(self, name: str) -> Notice:
        """Go on up to an event; return the newest notice."""
        while True:
            self.office.clock.ahead += timedelta(seconds=2)
            event = self.agency.step()
            assert event is not None, name
            await poll_all(self.poller)
            for delivery in await self.office.deliveries():
                await self.office.done(delivery.id or 0)
            if event.what.name == name:
                notices: list[Notice] = await self.office.notices()
                return notices[-1]


@pytest.fixture
async def storm(office: Office, agency: RecordedDays) -> AsyncIterator[Storm]:
    await confirmed(office, await proposal(office, HELD_LANDSLIDES))
    async with aiohttp.ClientSession() as http:
        poller, _ = live_poller(office, agency, http)
        await poll_all(poller)
        agency.prepare("rainstorm")
        yield Storm(office, agency, poller)


async def decision_of(office: Office, notice: Notice) -> tuple[Decision, str]:
    async with office.database.reading() as session:
        stored = await session.get_one(Notice, notice.id)
    return stored.decision, stored.decided_by


async def test_a_newer_telegram_overtakes_what_waits_and_an_end_of_what_nobody_heard_is_no_work(
    office: Office, storm: Storm
) -> None:
    level_2 = await storm.until("landslide level 2")
    level_3 = await storm.until("landslide level 3")
    assert await decision_of(office, level_2) == (Decision.DROP, "rule:overtaken")
    assert await decision_of(office, level_3) == (Decision.HOLD, "rule:desk#1")
    async with office.database.reading() as session:
        newer = await overtaken_by(session, level_2)
        assert newer is not None and newer.id == level_3.id
    await storm.until("landslide lifted")
    ended = [
        n for n in await office.notices() if n.hazard == "landslide" and n.status is Status.LIFTED
    ]
    assert [(n.decision, n.decided_by) for n in ended] == [
        (Decision.PUBLISH, "rule:nobody-was-told")
    ]
    # The city's own news, which no rule knows, is all that is left to decide.
    waiting = [n.decided_by for n in await office.notices() if n.decision is Decision.HOLD]
    assert waiting == ["rule:city-news"]


async def test_a_held_warning_that_staff_send_is_followed_to_its_end(
    office: Office, storm: Storm
) -> None:
    user = await office.resident(topics={"weather": 1})
    desk = await office.at_desk(Role.DISASTER, "one")
    level_4 = await storm.until("landslide level 4")
    home = await desk.get("/console/")
    assert home.tree.xpath('//*[@data-testid="undecided"]')
    page = await desk.get(f"/console/held/{level_4.id}")
    assert "待っています" in page.tree.xpath('string(//*[@data-testid="held-clock"])')
    assert page.tree.xpath("//body/@class") == ["is-real"]
    assert page.tree.xpath("//section[contains(@class, 'band-real')]")
    kept = await desk.submit(
        page, f"/console/held/{level_4.id}", decision="drop", reason="", typed=None
    )
    assert kept.status == 400 and "10文字以上" in kept.words
    sent = await desk.post(
        f"/console/held/{level_4.id}",
        {
            **page.form(f"/console/held/{level_4.id}"),
            "decision": "send",
            "typed": "1",
            "reason": WHY,
        },
    )
    assert sent.status == 200 and "/deliveries/" in sent.url, sent.words
    assert not (await desk.get("/console/")).tree.xpath('//*[@data-testid="undecided"]')
    # The step down is held by the rule of level 4 too; it replaces what was sent.
    lower = await storm.until("landslide back to level 3")
    assert (lower.decision, lower.replaces_id) == (Decision.HOLD, level_4.id)
    lifted = await storm.until("landslide lifted")
    assert (lifted.decision, lifted.replaces_id) == (Decision.HOLD, level_4.id)
    texts = [
        m["altText"] if "altText" in m else m["text"] for one in office.received(user) for m in one
    ]
    assert any("土砂災害危険警報" in text for text in texts)


async def test_the_gravest_come_first_then_the_oldest_and_drills_and_old_ones_last(
    office: Office,
) -> None:
    now = office.clock.now()

    def held(name: str, level: int, minutes: int, **values: Any) -> Notice:
        made: dict[str, Any] = {
            "identity": name,
            "topic": "weather",
            "hazard": "landslide",
            "status": Status.ISSUED,
            "level": level,
            "urgency": level,
            "drill": False,
            "reported_at": now,
            "expires_at": now + timedelta(hours=12),
            "texts": {"ja": {"title": name, "text": name}},
            "decision": Decision.HOLD,
            "decided_by": "rule:x",
            "created_at": now - timedelta(minutes=minutes),
            **values,
        }
        return Notice(**made)

    await office.store(
        held("young 3", 3, 1),
        held("old 3", 3, 9),
        held("drill 5", 5, 9, drill=True),
        held("late 5", 5, 9, expires_at=now - timedelta(minutes=1)),
        held("4", 4, 2),
        held("news", 0, 60, hazard=""),
    )
    async with office.database.reading() as session:
        found = await held_items(session, 10, now)
    names = [item.notice.identity for item in found]
    assert names == ["4", "old 3", "young 3", "news", "drill 5", "late 5"]
    assert [item.alarms for item in found] == [True, True, True, False, False, False]


async def test_a_draft_from_a_held_notice_takes_it_off_the_list_when_it_is_sent(
    office: Office, storm: Storm
) -> None:
    await office.resident(topics={"weather": 1})
    desk = await office.at_desk(Role.DISASTER, "one")
    level_2 = await storm.until("landslide level 2")
    page = await desk.get(f"/console/held/{level_2.id}")
    editor = await desk.submit(page, f"/console/held/{level_2.id}/draft")
    assert "/console/alerts/" in editor.url
    again = await desk.submit(
        await desk.get(f"/console/held/{level_2.id}"), f"/console/held/{level_2.id}/draft"
    )
    assert again.url == editor.url
    assert (await decision_of(office, level_2))[0] is Decision.HOLD
    number = editor.url.rsplit("/", 1)[1]
    fields = editor.form(f"/console/alerts/{number}") | {"whole_city": "yes", "then": "check"}
    check = await desk.post(f"/console/alerts/{number}", fields)
    assert check.url.endswith("/check"), check.words
    sent = await desk.submit(check, f"/console/alerts/{number}/send", typed="1")
    assert "/deliveries/" in sent.url, sent.words
    assert await decision_of(office, level_2) == (Decision.DROP, "one@city.example")
    async with office.database.reading() as session:
        assert await session.scalar(select(Notice.id).where(col(Notice.decision) == "hold")) is None
