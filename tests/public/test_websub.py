"""WebSub: feeds name the city's hub, and whoever subscribed there gets what changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import BadInput
from core.settings import websub_hub
from feeds.models import Notice, Status
from public.websub import LONGEST_WAIT, HubTeller
from tests.support.atom import read_atom
from tests.support.hub import Hub
from tests.support.notices import a_notice
from tests.support.office import Office


@pytest.fixture
async def hub(office: Office) -> AsyncIterator[Hub]:
    """A hub that the city names."""
    async with Hub() as hub:
        settings = replace(office.context.settings, public_url=office.url, websub_hub=hub.url)
        office.context = replace(office.context, settings=settings)
        office.app.state.context = office.context
        yield hub


def notice(office: Office, identity: str, **changes: Any) -> Notice:
    return a_notice(office.clock.now(), identity, **changes)


def titles(atom: str) -> list[str]:
    return [entry.title for entry in read_atom(atom).entries]


async def test_subscribers_get_what_is_new_and_nobody_else_is_troubled(
    office: Office, hub: Hub
) -> None:
    here, there = (district.code for district in office.context.city.districts[:2])
    teller = HubTeller(office.context, hub.url)
    await teller.look()
    assert hub.told == []
    feeds = {
        name: await hub.subscribe(f"{office.url}/feeds/{path}")
        for name, path in {
            "all": "notices.atom?lang=en",
            "here": f"notices.atom?area={here}&lang=ja",
            "there": f"notices.atom?area={there}&lang=ja",
            "crime": "notices.json?topic=crime&lang=ja",
            "cap": "cap.atom?lang=ja",
        }.items()
    }
    await office.store(notice(office, "warning", areas=[here], level=4))
    await teller.look()
    got = {name: len(hub.passed_on[feed]) for name, feed in feeds.items()}
    assert got == {"all": 1, "here": 1, "there": 0, "crime": 0, "cap": 1}
    assert titles(hub.passed_on[feeds["all"]][0]) == ["warning title"]
    told = len(hub.told)
    await teller.look()
    assert len(hub.told) == told, "nothing has changed"

    await office.store(notice(office, "thief", topic="crime", level=0))
    await teller.look()
    [said] = hub.passed_on[feeds["crime"]]
    assert [item["title"] for item in json.loads(said)["items"]] == ["thiefの題"]
    # The end by the clock changes what the feeds say is in force.
    before = len(hub.passed_on[feeds["here"]])
    office.clock.ahead += timedelta(days=2)
    await teller.look()
    assert len(hub.passed_on[feeds["here"]]) == before + 1


async def test_a_withdrawal_is_told_and_a_drill_only_among_the_cap_messages(
    office: Office, hub: Hub
) -> None:
    teller = HubTeller(office.context, hub.url)
    await office.store(notice(office, "wrong", level=4))
    # After a start the hub is told of what is in force.
    await teller.look()
    assert any("/feeds/notices.atom?lang=ja" in feed for feeds in hub.told for feed in feeds)
    everything = await hub.subscribe(f"{office.url}/feeds/notices.atom?lang=ja")
    cap = await hub.subscribe(f"{office.url}/feeds/cap.atom?lang=ja")
    await office.store(notice(office, "drill", level=4, drill=True))
    await teller.look()
    assert (len(hub.passed_on[everything]), len(hub.passed_on[cap])) == (0, 1)
    await office.store(notice(office, "sorry", level=0, status=Status.CANCELLED, replaces_id=1))
    await teller.look()
    [said] = hub.passed_on[everything]
    assert titles(said) == ["sorryの題"]
    assert "deleted-entry" in said


async def test_a_hub_that_fails_is_told_later_and_not_hammered(office: Office, hub: Hub) -> None:
    teller = HubTeller(office.context, hub.url)
    await teller.look()
    hub.status = 503
    await office.store(notice(office, "warning"))
    await teller.look()
    hub.status = 204
    await teller.look()
    assert hub.told == [], "it waits before it tries again"
    office.clock.ahead += LONGEST_WAIT
    await teller.look()
    feeds = [feed for feeds in hub.told for feed in feeds]
    assert len(feeds) == len(set(feeds))
    languages = office.context.city.languages
    for ending in ("atom", "json"):
        assert {f"{office.url}/feeds/notices.{ending}?lang={code}" for code in languages} <= {
            *feeds
        }


async def test_a_feed_of_several_choices_and_a_city_without_a_hub_name_none(
    office: Office, hub: Hub
) -> None:
    browser = await office.browser()
    feed = json.loads((await browser.get("/feeds/notices.json?topic=crime")).body)
    assert feed["hubs"] == [{"type": "WebSub", "url": hub.url}]
    atom = read_atom((await browser.get("/feeds/notices.atom?topic=crime")).body)
    assert [link.href for link in atom.feed.links if link.rel == "hub"] == [hub.url]
    several = await browser.get("/feeds/notices.json?topic=crime,events")
    assert "hubs" not in json.loads(several.body)
    office.app.state.context = replace(
        office.context, settings=replace(office.context.settings, websub_hub="")
    )
    alone = await browser.get("/feeds/notices.json?topic=crime")
    assert "hubs" not in json.loads(alone.body)


def test_the_setting_is_an_address() -> None:
    assert websub_hub({}) == ""
    assert websub_hub({"TODOKE_WEBSUB_HUB": "https://hub.example/"}) == "https://hub.example/"
    for wrong in ("hub.example", "ftp://hub.example", "https://hub.example:99999/"):
        with pytest.raises(BadInput, match="TODOKE_WEBSUB_HUB"):
            websub_hub({"TODOKE_WEBSUB_HUB": wrong})
