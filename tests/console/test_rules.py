"""Rules of staff over the folder's: tried on the past, confirmed by a second person, then holding.

The recorded days and the agency's tables say what is expected; the trial must agree with what the
service then does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from lxml import html

from alerts.desk_rules import changes_between
from alerts.rule_trials import kept_past, play
from app.recorded_days import past_of_day
from city.city import City, Decision, Rule, Topic
from console.models import Role
from core.errors import Refusal
from feeds.overlay import (
    TELEGRAM,
    About,
    Overlay,
    about_article,
    fingerprint,
    overlay_in_force,
)
from feeds.rule_rows import rows
from simulator.agency.days import DAYS
from simulator.agency.server import RecordedDays
from tests.support.feed_world import a_city, source
from tests.support.office import Browser, Office, Page
from tests.support.rules_desk import WHY, confirmed, live_poller, poll_all, proposal

LANDSLIDE_4 = About(TELEGRAM, "landslide", "4")
QUAKE_5 = About(TELEGRAM, "earthquake", "5-")


async def tried(browser: Browser, page: Page) -> Page:
    """Wait for the trial of a proposal, as its page does."""
    address = "/console/rules/" + page.url.rsplit("/", 1)[1]
    async with asyncio.timeout(120):
        while named(page, "trial-running"):
            await asyncio.sleep(0.3)
            page = await browser.get(address)
    return page


def named(page: Page, name: str) -> list[html.HtmlElement]:
    found: list[html.HtmlElement] = page.tree.xpath(f'//*[@data-testid="{name}"]')
    return found


def said(page: Page, name: str) -> str:
    [found] = named(page, name)
    return " ".join(found.text_content().split())


async def propose(browser: Browser, overlay: dict[About, Decision], reason: str = "") -> Page:
    page = await browser.get("/console/rules")
    fields = page.form("/console/rules")
    fields |= {f"row:{about.code}": decision.value for about, decision in overlay.items()}
    return await browser.post("/console/rules", {**fields, "reason": reason})


async def test_a_rule_is_tried_on_past_storms_then_a_colleague_confirms_it_and_it_holds(
    office: Office,
) -> None:
    await office.resident()
    first = await office.at_desk(Role.DISASTER, "one")
    second = await office.at_desk(Role.DISASTER, "two")
    page = await propose(first, {LANDSLIDE_4: Decision.HOLD})
    assert page.status == 200, page.words
    number = page.url.rsplit("/", 1)[1]

    page = await tried(first, page)
    # The rainstorm has one warning of level 4 and one step down from it.
    assert "0件多く、2件少なく" in said(page, "verdict")
    assert not page.has_form(f"/console/rules/{number}/confirm")  # one's own

    theirs = await second.get(f"/console/rules/{number}")
    done = await second.submit(theirs, f"/console/rules/{number}/confirm")
    assert done.status == 200 and "第1版" in said(done, "in-force")
    assert done.tree.xpath("//details[@open]/@data-group") == ["weather"]
    async with office.database.reading() as session:
        held = await overlay_in_force(session)
    assert held.decisions == {LANDSLIDE_4: Decision.HOLD}
    trail = [entry for entry in await office.audit() if entry.action.startswith("rules.")]
    assert [(entry.action, entry.actor) for entry in trail] == [
        ("rules.proposed", "one@city.example"),
        ("rules.confirmed", "two@city.example"),
    ]
    [change] = trail[1].detail["changes"]
    assert (change["about"], change["before"], change["after"]) == (
        LANDSLIDE_4.code,
        ["send"],
        ["hold"],
    )

    back = await first.submit(await first.get("/console/rules"), "/console/rules/back")
    back = await tried(first, back)
    assert "2件多く、0件少なく" in said(back, "verdict")


async def test_what_protects_life_is_not_weakened_without_a_reason_and_a_second_warning(
    office: Office,
) -> None:
    first = await office.at_desk(Role.DISASTER, "one")
    second = await office.at_desk(Role.ADMIN, "two")
    refused = await propose(first, {QUAKE_5: Decision.PUBLISH})
    assert refused.status == 400 and "命に関わる" in refused.words
    page = await propose(first, {QUAKE_5: Decision.PUBLISH}, WHY)
    assert "震度5弱" in said(page, "weakened")
    number = int(page.url.rsplit("/", 1)[1])
    await tried(first, page)
    theirs = await second.get(f"/console/rules/{number}")
    without = await second.submit(theirs, f"/console/rules/{number}/confirm", warned=None)
    assert without.status == 400
    done = await second.submit(theirs, f"/console/rules/{number}/confirm", warned="yes")
    assert done.status == 200 and WHY in done.words


@pytest.fixture
async def city(office: Office) -> City:
    return office.context.city


async def test_who_proposed_cannot_confirm_and_an_overtaken_proposal_is_refused(
    office: Office,
) -> None:
    one = await proposal(office, Overlay(0, {LANDSLIDE_4: Decision.HOLD}))
    other = await proposal(office, Overlay(0, {LANDSLIDE_4: Decision.PUBLISH}))
    with pytest.raises(Refusal, match="A colleague has to confirm"):
        await confirmed(office, one, actor="one")
    await confirmed(office, one)
    with pytest.raises(Refusal, match="Other rules hold since"):
        await confirmed(office, other)
    with pytest.raises(Refusal, match="decided on these rules before"):
        await confirmed(office, one)
    stale = await proposal(office, Overlay())
    office.clock.ahead += timedelta(days=2)
    with pytest.raises(Refusal, match="more than a day old"):
        await confirmed(office, stale)


@pytest.fixture
async def agency(office: Office) -> AsyncIterator[RecordedDays]:
    async with RecordedDays(office.clock) as days:
        yield days


@pytest.mark.parametrize("day", ["rainstorm", "tsunami"])
async def test_a_trial_says_truly_what_the_service_then_does(
    office: Office, agency: RecordedDays, day: str
) -> None:
    for language, level in (("ja", 1), ("my", 3), ("en", 5)):
        await office.resident(language, topics={"weather": level, "earthquake": 1, "tsunami": 4})
    overlay = Overlay(
        0,
        {
            LANDSLIDE_4: Decision.HOLD,
            About(TELEGRAM, "thunder", "2"): Decision.PUBLISH,
            About(TELEGRAM, "tsunami", "5"): Decision.HOLD,
            About("article", "city-safety", "transit"): Decision.HOLD,
        },
    )
    past = past_of_day(DAYS[day], office.context.city, office.clock.now())
    predicted = await play(past, overlay, office.database)
    assert any(one.decision is Decision.HOLD for one in predicted)

    await confirmed(office, await proposal(office, overlay))
    async with aiohttp.ClientSession() as http:
        poller, _ = live_poller(office, agency, http)
        await poll_all(poller)
        agency.prepare(day)
        while True:
            # The agency publishes at most once a second.
            office.clock.ahead += timedelta(seconds=2)
            if agency.step() is None:
                break
            await poll_all(poller)
            for delivery in await office.deliveries():
                await office.done(delivery.id or 0)
    notices = [n for n in await office.notices() if n.decided_by != "rule:first-poll"]
    was = {"rule:overtaken": Decision.HOLD}  # held at first, as the trial says
    happened = [(n.kind, n.status.value, was.get(n.decided_by, n.decision)) for n in notices]
    assert happened == [(one.kind, one.status, one.decision) for one in predicted]

    recipients = {each.notice_id: each.recipients for each in await office.deliveries()}
    sent = [n for n in notices if n.decision is Decision.SEND]
    told = [one for one in predicted if one.decision is Decision.SEND]
    assert [recipients[n.id] for n in sent] == [one.recipients for one in told]


async def test_a_version_confirmed_while_a_telegram_is_read_decides_on_the_next_one(
    office: Office,
) -> None:
    """What was being read is decided by the rules that held when its reading began."""
    version = await proposal(office, Overlay(0, {LANDSLIDE_4: Decision.HOLD}))
    if office.database.is_sqlite:
        async with office.database.writing() as session:
            before = await overlay_in_force(session)
            confirming = asyncio.create_task(confirmed(office, version))
            await asyncio.sleep(0.05)
            assert not confirming.done()  # one writer: the confirmation waits
            again = await overlay_in_force(session)
        await confirming
    else:
        async with office.database.writing() as session:
            before = await overlay_in_force(session)
            await confirmed(office, version)
            again = before
    assert before == again == Overlay()
    async with office.database.reading() as session:
        after = await overlay_in_force(session)
    assert after.rule == f"desk#{version.id}"


def test_the_ways_of_evacuation_orders_are_guarded_like_the_agencys_gravest_warnings() -> None:
    everybody = Topic(code="evacuation", names={"ja": "避難"}, mandatory=True)
    bridge = source("bridge", "webhook", "", topic="city-news", decision="send")
    exchange = source("exchange", "cap", "https://cap.example/", topic="city-news", decision="send")
    site = source(
        "site",
        "rss",
        "https://www.city.example/news.rdf",
        topic="city-news",
        rules=(Rule(topic="evacuation", words=("避難",), decision=Decision.SEND),),
    )
    city = a_city(bridge, exchange, site)
    city = city.model_copy(
        update={"topics": (everybody, *(t for t in city.topics if t.code != "evacuation"))}
    )
    found = {(row.group, row.name) for row in rows(city) if row.guarded}
    assert found == {("bridge", ""), ("exchange", ""), ("site", "evacuation")}
    silent = Overlay(0, {about_article("bridge", ""): Decision.PUBLISH})
    assert [change.warned for change in changes_between(city, Overlay(), silent)] == [True]


async def test_every_row_has_a_decision_of_the_folder_and_a_name_of_its_own(city: City) -> None:
    found = rows(city)
    assert len({row.about for row in found}) == len(found)
    assert all(row.base for row in found)
    guarded = {row.name for row in found if row.guarded}
    assert {
        "レベル５大雨特別警報",
        "震度5-",
        "震度7",
        "大津波警報",
        "津波警報",
        "噴火速報",
    } <= guarded
    assert "レベル４大雨危険警報" not in guarded and "震度4" not in guarded
    assert fingerprint(city) == fingerprint(city.model_copy())


async def test_what_is_kept_is_tried_as_it_was_read(office: Office, agency: RecordedDays) -> None:
    """Played under the rules of then, the kept telegrams become what they became."""
    await office.resident(topics={"weather": 1})
    async with aiohttp.ClientSession() as http:
        poller, city = live_poller(office, agency, http)
        await poll_all(poller)
        agency.prepare("rainstorm")
        for number in range(len(DAYS["rainstorm"].events)):
            office.clock.ahead += timedelta(seconds=2)
            agency.step()
            if number % 5 == 4:  # read together: of one danger only the last is told
                await poll_all(poller)
        await poll_all(poller)
    became = {
        (n.identity, n.decision, n.decided_by)
        for n in await office.notices()
        if n.decided_by != "rule:first-poll"
    }
    assert any(by == "rule:overtaken" for _, _, by in became)
    past = await kept_past(office.database, city, office.clock.now(), 90)
    played = await play(past, Overlay(), office.database)
    assert {(o.identity, o.decision, o.decided_by) for o in played} == became
