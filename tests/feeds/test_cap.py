"""CAP alerts are read correctly: actual or exercise, new, updated or cancelled."""

from __future__ import annotations

import aiohttp
import pytest
from sqlmodel import col, select

from city.city import Decision, Rule
from core.clock import ManualClock
from core.database import Database
from feeds.cap import MessageType, read_alert
from feeds.errors import Unreadable
from feeds.models import Item, ItemState, Notice, Status
from feeds.texts import drill_mark
from tests.support.cap_alerts import SIGNATURE, alert
from tests.support.feed_server import Server
from tests.support.feed_world import FeedWorld, a_city, source


@pytest.mark.parametrize("signature", ["", SIGNATURE])
def test_an_alert_is_read_in_japanese_signed_or_not(signature: str) -> None:
    read = read_alert(alert(signature=signature))
    assert read.headline == "大穂地区で断水しています"
    assert [area.name for area in read.leading[0].areas] == ["大穂地区"]
    assert read.signed is bool(signature)
    assert (read.drill, read.is_news) == (False, True)
    assert read.article().summary == "水道管の破損のためです。\n給水車をご利用ください。\n大穂地区"


@pytest.mark.parametrize("status", ["Exercise", "Test", "System", "Draft"])
def test_what_is_not_actual_is_a_drill(status: str) -> None:
    assert read_alert(alert(status=status)).drill


def test_an_actual_alert_that_says_it_is_a_drill_is_one() -> None:
    assert read_alert(alert(headline="【訓練】大穂地区で断水しています")).drill
    said = alert().replace("給水車をご利用ください。".encode(), "これは訓練です。".encode())
    assert read_alert(said).drill


@pytest.mark.parametrize(
    "data",
    [
        b"<alert/>",
        alert().replace(b"W1", b""),
        alert(status="Maybe"),
        alert(sent="soon"),
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]>' + alert()[38:],
        alert()[:-20],
    ],
)
def test_what_is_no_proper_alert_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_alert(data)


@pytest.fixture
def water(server: Server, database: Database, clock: ManualClock) -> FeedWorld:
    feed = source(
        "water",
        "cap",
        server.url + "/cap",
        topic="lifeline",
        decision="send",
        rules=(Rule(topic="lifeline", words=("断水",), decision=Decision.SEND),),
    )
    return FeedWorld(a_city(feed), database, clock)


def listed(server: Server, *alerts: bytes) -> None:
    entries = ""
    for number, data in enumerate(alerts):
        url = server.says(f"/alert/{number}.cap", data)
        entries += f"<entry><title>x</title><id>{url}</id><link href='{url}'/></entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>w</title>{entries}</feed>'
    server.says("/cap", feed.encode())


@pytest.mark.slow
async def test_alerts_are_told_updated_and_taken_back(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    poller = water.poller(http)
    listed(server)
    assert (await poller.poll("water")).outcome == "first"
    first = "water@city.example,W1,2026-06-15T11:50:00+09:00"
    second = "water@city.example,W2,2026-06-15T11:55:00+09:00"
    everything = [
        alert(1),
        alert(2, kind="Update", references=first, headline="断水は午後６時までです"),
        alert(3, kind="Cancel", references=second, headline="断水は終わりました"),
        alert(4, kind="Cancel", references="water@city.example,W99,x"),
        alert(5, status="Exercise"),
        alert(6, kind="Ack"),
        b"<alert",
    ]
    for count in range(1, len(everything) + 1):
        listed(server, *everything[:count])
        assert (await poller.poll("water")).outcome == "new"
    assert [notice.status for notice in water.sent] == [
        Status.ISSUED,
        Status.CORRECTED,
        Status.CANCELLED,
    ]
    assert [n.replaces_id for n in water.sent] == [None, water.sent[0].id, water.sent[1].id]
    async with water.database.reading() as session:
        drills = list(await session.scalars(select(Notice).where(col(Notice.drill))))
        aside = list(
            await session.scalars(select(Item).where(col(Item.state) == ItemState.SET_ASIDE))
        )
    assert [(d.decision, d.decided_by) for d in drills] == [(Decision.HOLD, "rule:drill")]
    for language, words in drills[0].texts.items():
        assert words["title"].startswith(drill_mark(language))
        assert words["text"].startswith(drill_mark(language))
    assert len(aside) == 1
    assert [request.path for request in server.seen].count("/alert/0.cap") == 1


async def test_a_single_document_is_an_alert_too(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    poller = water.poller(http)
    server.says("/cap", alert(1))
    await poller.poll("water")
    assert water.sent == []
    server.says("/cap", alert(2))
    await poller.poll("water")
    await poller.poll("water")
    assert [notice.topic for notice in water.sent] == ["lifeline"]


def test_the_types_are_those_of_the_standard() -> None:
    assert {kind.value for kind in MessageType} == {"Alert", "Update", "Cancel", "Ack", "Error"}
