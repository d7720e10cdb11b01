"""The public page and the answer to a resident show the same dangers in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from city.city import Decision
from core.clock import ManualClock
from core.database import Database
from feeds.in_force import in_force, public_notices
from feeds.models import HazardState, Item, Notice, Source, Status
from feeds.telegrams import take_telegrams
from simulator.agency import RecordedDays
from tests.support.feed_world import FeedWorld, a_city, sample_sources
from tests.support.telegrams import BROKEN, CODES, ELSEWHERE, FEARED, at, overflowing, river

HERE = "0822000"


def notice(clock: ManualClock, identity: str, **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "identity": identity,
        "topic": "evacuation",
        "level": 4,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": clock.now(),
        "decision": Decision.SEND,
        "decided_by": "rule:test",
        "created_at": clock.now(),
        **changes,
    }
    return Notice(**values)


async def said(database: Database, clock: ManualClock, *notices: Notice) -> list[str]:
    async with database.writing() as session:
        session.add_all(notices)
    async with database.reading() as session:
        return [found.identity for found in await public_notices(session, HERE, clock.now())]


async def test_a_danger_holds_until_it_ends_expires_or_is_forgotten(
    database: Database, clock: ManualClock
) -> None:
    now = clock.now()
    assert await said(
        database,
        clock,
        notice(clock, "advisory", level=2, decision=Decision.PUBLISH),
        notice(clock, "order"),
        notice(clock, "quake", level=0, emergency=True, expires_at=now + timedelta(hours=6)),
        notice(clock, "drill", drill=True),
        notice(clock, "held", decision=Decision.HOLD),
        notice(clock, "news", level=0),
        notice(clock, "expired", expires_at=now - timedelta(seconds=1)),
        notice(clock, "old", reported_at=now - timedelta(hours=49)),
        notice(clock, "lifted", status=Status.LIFTED),
    ) == ["quake", "order", "advisory"]


async def test_what_was_followed_is_not_in_force_unless_nobody_was_told_what_follows(
    database: Database, clock: ManualClock
) -> None:
    first, second = notice(clock, "first"), notice(clock, "second", emergency=True)
    assert await said(database, clock, first, second) == ["second", "first"]
    held = notice(clock, "held", replaces_id=first.id, decision=Decision.HOLD)
    over = notice(clock, "over", replaces_id=second.id, status=Status.CANCELLED, level=0)
    assert await said(database, clock, held, over) == ["first"]
    raised = notice(clock, "raised", replaces_id=first.id, status=Status.RAISED, level=5)
    assert await said(database, clock, raised) == ["raised"]


async def test_what_telegrams_left_standing_here_holds_however_long_ago(
    database: Database, clock: ManualClock
) -> None:
    ago = clock.now() - timedelta(days=20)
    here, elsewhere = (
        notice(clock, name, level=0, reported_at=ago, expires_at=ago) for name in ("a", "b")
    )
    assert await said(database, clock, here, elsewhere) == []
    states = [
        HazardState(
            municipality=code, hazard="thunder", area=code, level=2, reported_at=ago, notice_id=id_
        )
        for code, id_ in ((HERE, here.id), ("0820100", elsewhere.id))
    ]
    async with database.writing() as session:
        session.add_all(states)
    assert await said(database, clock) == ["a"]


async def test_a_river_that_has_overflowed_is_in_force_once_and_over_when_it_is(
    database: Database,
) -> None:
    clock = ManualClock(at(0))
    [agency, *_] = sample_sources("https://www.data.jma.example")
    city = a_city(agency).model_copy(update={"jma": CODES})
    world = FeedWorld(city, database, clock)
    async with database.writing() as session:
        session.add(Source(code=agency.code, kind=agency.kind))
    held: list[list[str]] = []
    for telegram in (
        river(0, "40"),
        overflowing(10, "51", FEARED),
        overflowing(20, "51", BROKEN),
        overflowing(30, "51", ELSEWHERE),
        river(40, "31"),
        river(50, "10"),
    ):
        item = Item(
            source=agency.code,
            identity=clock.now().isoformat(),
            kind="VXKO58",
            fetched_at=clock.now(),
            payload=telegram,
        )
        async with database.writing() as session:
            session.add(item)
            await session.flush()
            await take_telegrams(
                session, [item], agency, city, clock.now(), world.publish, first_poll=False
            )
        async with database.reading() as session:
            held.append([one.kind for one in await in_force(session, HERE, clock.now())])
        await clock.advance(600)
    worst = "レベル５氾濫特別警報"
    assert held == [["レベル４氾濫危険警報"], [worst], [worst], [worst], ["レベル３氾濫警報"], []]
    assert len(world.sent) == 6
    assert not any(notice.silent for notice in world.sent)


async def names(world: FeedWorld) -> list[str]:
    async with world.database.reading() as session:
        found = await in_force(session, HERE, world.clock.now())
    return [one.kind for one in found]


@pytest.mark.slow
async def test_after_the_storm_nothing_is_in_force_nor_is_it_still_raining(
    world: FeedWorld, recorded: RecordedDays, http: aiohttp.ClientSession
) -> None:
    """The rain band has no all-clear: it is over with the warnings it came with."""
    poller = world.poller(http)
    await poller.poll("jma-extra")
    recorded.prepare("rainstorm")
    raining = []
    while event := recorded.step():
        await world.clock.advance(30)
        await poller.poll("jma-extra")
        raining.append((event.what.name, "気象防災速報（線状降水帯発生）" in await names(world)))
    assert [name for name, falls in raining if falls] == [
        *("linear rain band", "landslide level 4", "heavy rain level 4"),
        *("heavy rain level 4 goes on", "heavy rain back to level 3", "landslide back to level 3"),
        "heavy rain back to level 2",
    ]
    assert await names(world) == []


async def test_what_stood_before_the_first_poll_is_in_force_until_it_is_lifted(
    world: FeedWorld, recorded: RecordedDays, http: aiohttp.ClientSession
) -> None:
    """Nobody was told of it, so no notice ends it; the telegrams do."""
    poller = world.poller(http)
    recorded.prepare("rainstorm")
    for _ in range(4):
        recorded.step()
        await world.clock.advance(30)
    await poller.poll("jma-extra")
    assert world.sent == []
    stood = ["レベル３大雨警報", "レベル２土砂災害注意報", "雷注意報"]
    assert await names(world) == stood
    # A night goes by; the notices have long run out, and the warnings stand.
    await world.clock.advance(20 * 3600)
    assert await names(world) == stood
    async with world.database.reading() as session:
        shown = await public_notices(session, HERE, world.clock.now())
    assert [notice.kind for notice in shown] == stood
    while recorded.step():
        await world.clock.advance(30)
    await poller.poll("jma-extra")
    assert await names(world) == []


@pytest.mark.parametrize(
    ("values", "lasts"),
    [
        ({"hazard": "tornado", "urgency": 3, "level": 0}, timedelta(hours=1)),
        ({"hazard": "record-rain", "urgency": 4, "level": 0}, timedelta(hours=1)),
        ({"hazard": "earthquake", "emergency": True, "level": 0}, timedelta(hours=6)),
        ({"hazard": "long-period", "urgency": 4, "level": 0}, timedelta(hours=6)),
        ({"hazard": "eruption", "urgency": 4, "level": 0}, timedelta(hours=12)),
        (
            {"hazard": "nankai-trough", "kind": "南海トラフ地震臨時情報（巨大地震注意）"},
            timedelta(days=7),
        ),
        (
            {"hazard": "nankai-trough", "kind": "南海トラフ地震臨時情報（巨大地震警戒）"},
            timedelta(days=14),
        ),
        ({"hazard": "off-sanriku", "kind": "北海道・三陸沖後発地震注意情報"}, timedelta(days=7)),
        ({"source": None}, timedelta(hours=72)),
        ({"source": "feed"}, timedelta(hours=48)),
    ],
)
async def test_everything_that_no_telegram_lifts_has_an_end(
    database: Database, clock: ManualClock, values: dict[str, Any], lasts: timedelta
) -> None:
    """What is news for hours may ask for a week of care; staff's hours are staff's."""
    own = {"tornado": 1, "record-rain": 1, "earthquake": 6, "long-period": 6}
    known = own.get(values.get("hazard", ""), 12 if "hazard" in values else 72)
    expires = clock.now() + timedelta(hours=known)
    if values.get("source"):
        async with database.writing() as session:
            session.add(Source(code=values["source"], kind="webhook"))
    one = notice(clock, "one", **{"expires_at": expires, **values})
    assert await said(database, clock, one) == ["one"]
    await clock.advance(lasts.total_seconds() - 1)
    assert await said(database, clock) == ["one"]
    await clock.advance(1)
    assert await said(database, clock) == []


async def test_the_last_word_of_a_chain_counts_whichever_notice_it_names(
    database: Database, clock: ManualClock
) -> None:
    first = notice(clock, "first")
    assert await said(database, clock, first) == ["first"]
    corrected = notice(clock, "corrected", replaces_id=first.id, status=Status.CORRECTED)
    assert await said(database, clock, corrected) == ["corrected"]
    lifted = notice(clock, "lifted", replaces_id=first.id, status=Status.LIFTED)
    assert await said(database, clock, lifted) == []


async def test_a_volcano_that_is_calm_is_no_warning(database: Database, clock: ManualClock) -> None:
    volcano = notice(clock, "volcano", hazard="volcano", level=0, kind="レベル１")
    assert await said(database, clock, volcano) == []
    for level, expected in ((1, []), (2, ["volcano"])):
        async with database.writing() as session:
            await session.merge(
                HazardState(
                    municipality=HERE,
                    hazard="volcano",
                    area="306",
                    level=level,
                    kind=f"レベル{level}",
                    reported_at=clock.now(),
                    notice_id=volcano.id,
                )
            )
        assert await said(database, clock) == expected


async def test_an_order_raised_or_lifted_for_some_districts_holds_in_the_others(
    database: Database, clock: ManualClock
) -> None:
    order = notice(clock, "order", areas=["a", "b", "c"])
    assert await said(database, clock, order) == ["order"]
    raised = notice(
        clock, "raised", replaces_id=order.id, status=Status.RAISED, level=5, areas=["c"]
    )
    assert await said(database, clock, raised) == ["raised", "order"]
    part = notice(clock, "part", replaces_id=raised.id, status=Status.LIFTED, areas=["a", "c"])
    assert await said(database, clock, part) == ["order"]
    rest = notice(clock, "rest", replaces_id=part.id, status=Status.LIFTED, areas=["b"])
    assert await said(database, clock, rest) == []


async def test_a_correction_takes_the_place_of_what_it_corrects_and_a_withdrawal_of_all(
    database: Database, clock: ManualClock
) -> None:
    order = notice(clock, "order", areas=["a", "b"])
    await said(database, clock, order)
    right = notice(clock, "right", replaces_id=order.id, status=Status.CORRECTED, areas=["b", "c"])
    assert await said(database, clock, right) == ["right"]
    gone = notice(clock, "gone", replaces_id=right.id, status=Status.CANCELLED, areas=["b"])
    assert await said(database, clock, gone) == []
