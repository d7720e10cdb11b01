"""A source that answers with content from months ago is stale, and a quiet one is no alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from core.clock import ManualClock
from core.database import Database
from feeds.fetch import SourceAnswer
from feeds.freshness import Trouble, noted, said_by, trouble
from feeds.health import SourceState, SourceWatch, states
from feeds.metrics import FROZEN
from feeds.models import Source
from tests.support.feed_server import Server
from tests.support.feed_world import FeedWorld, a_city, source

NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AGENCY = source("agency", "jma", "https://a.example/extra.xml", stale_after_seconds=300)
CITY_HALL = source("city", "rss", "https://a.example/rss", stale_after_seconds=3600)
POLICE = source("police", "mail", "imaps://a@b.example/INBOX", stale_after_seconds=3600)
SYSTEMS = source("systems", "webhook", "")


def index(updated: datetime, *entries: datetime) -> bytes:
    listed = "".join(
        f"<entry><title>t</title><id>https://a.example/{n}</id>"
        f"<updated>{at.isoformat()}</updated></entry>"
        for n, at in enumerate(entries)
    )
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>extra</title>'
        f"<updated>{updated.isoformat()}</updated>{listed}</feed>"
    ).encode()


@pytest.fixture
def extra(server: Server, database: Database, clock: ManualClock) -> FeedWorld:
    agency = source("agency", "jma", server.url + "/feed/extra_l.xml", stale_after_seconds=300)
    return FeedWorld(a_city(agency), database, clock)


async def state_of(world: FeedWorld) -> SourceState:
    async with world.database.reading() as session:
        [state] = await states(session, world.city, world.clock.now())
    return state


async def test_an_index_that_stands_still_for_months_raises_the_alarm(
    database: Database, server: Server, http: aiohttp.ClientSession, shared_data: Path
) -> None:
    clock = ManualClock(datetime(2026, 11, 29, 3, tzinfo=UTC))
    agency = source("agency", "jma", server.url + "/feed/extra_l.xml", stale_after_seconds=300)
    world = FeedWorld(a_city(agency), database, clock)
    frozen = (shared_data / "cases/frozen/extra.xml").read_bytes()
    server.says("/feed/extra_l.xml", frozen)
    server.says("/developer/xml/data/a_VPWW54_080000.xml", b"", 404)
    await world.poller(http).poll("agency")
    state = await state_of(world)
    assert (state.stale, state.trouble) == (True, Trouble.FROZEN)
    assert state.to_json()["said_at"] == "2026-09-07T23:30:00+09:00"
    assert state.to_json()["trouble"] == "frozen"
    assert FROZEN.labels("agency")._value.get() == 1
    watch = SourceWatch()
    async with database.reading() as session:
        assert [one.code for one in await watch.look(session, world.city, clock.now())] == [
            "agency"
        ]


async def test_an_index_that_is_only_said_to_be_unchanged_freezes_too(
    extra: FeedWorld, server: Server, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    poller = extra.poller(http)
    for minute in range(5):
        server.says("/feed/extra_l.xml", index(clock.now(), clock.now()), ETag=f'"{minute}"')
        await poller.poll("agency")
        assert not (await state_of(extra)).stale
        await clock.advance(60)
    server.says("/feed/extra_l.xml", status=304)
    await clock.advance(50 * 60)
    await poller.poll("agency")
    assert not (await state_of(extra)).stale
    await clock.advance(15 * 60)
    await poller.poll("agency")
    assert (await state_of(extra)).trouble is Trouble.FROZEN
    server.says("/feed/extra_l.xml", index(clock.now()))
    await poller.poll("agency")
    assert not (await state_of(extra)).stale


async def test_an_index_that_goes_back_in_time_is_as_old_as_it_says(
    extra: FeedWorld, server: Server, http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    poller = extra.poller(http)
    for ago in (0, 0, 3 * DAY.total_seconds()):
        server.says("/feed/extra_l.xml", index(clock.now() - timedelta(seconds=ago)))
        await poller.poll("agency")
        await clock.advance(60)
    assert (await state_of(extra)).trouble is Trouble.FROZEN


def known(says: list[datetime], at: list[datetime]) -> Source:
    """The row of a source that said one moment after another, each heard at a time of ours."""
    row = Source(code="x", kind="x")
    for said, heard in zip(says, at, strict=True):
        row.last_succeeded_at = heard
        for name, value in noted(row, said, heard).items():
            setattr(row, name, value)
    return row


def judged(config: object, row: Source, now: datetime) -> Trouble:
    row.last_succeeded_at = now
    return trouble(config, row, now)  # type: ignore[arg-type]


def test_a_city_hall_is_quiet_at_weekends_and_over_new_year() -> None:
    days = [NOW + n * DAY for n in (0, 1, 2, 3, 4, 7, 8, 9)]
    row = known(days, days)
    assert judged(CITY_HALL, row, days[-1] + 9 * DAY) is Trouble.NONE
    assert judged(CITY_HALL, row, days[-1] + 30 * DAY) is Trouble.FROZEN


def test_one_that_speaks_once_a_month_is_not_frozen_after_two() -> None:
    months = [NOW + n * 30 * DAY for n in range(4)]
    row = known(months, months)
    assert judged(CITY_HALL, row, months[-1] + 60 * DAY) is Trouble.NONE
    assert judged(CITY_HALL, row, months[-1] + 200 * DAY) is Trouble.FROZEN


def test_a_fault_of_a_week_is_not_usual_for_long() -> None:
    minutes = [NOW + n * timedelta(minutes=1) for n in range(100)]
    gap = [moment + 7 * DAY for moment in minutes]
    row = known([*minutes, *gap], [*minutes, *gap])
    assert judged(AGENCY, row, gap[-1] + 2 * HOUR) is Trouble.FROZEN
    first = known([*minutes, gap[0]], [*minutes, gap[0]])
    assert judged(AGENCY, first, gap[0] + 25 * HOUR) is Trouble.FROZEN, "never more than a day"


def test_words_from_the_future_do_not_keep_a_source_fresh() -> None:
    """An entry of next year's event, or a server whose clock is ahead."""
    ahead = NOW + 400 * DAY
    row = known([ahead], [NOW])
    assert judged(AGENCY, row, NOW + HOUR) is Trouble.NONE
    assert judged(AGENCY, row, NOW + 7 * HOUR) is Trouble.FROZEN
    events = [NOW + 90 * DAY, NOW - HOUR]
    assert said_by(events, SourceAnswer(url=""), NOW) == NOW - HOUR


def test_a_server_whose_clock_runs_ahead_is_alive_while_it_renews() -> None:
    minutes = [NOW + n * timedelta(minutes=1) for n in range(10)]
    row = known([moment + DAY for moment in minutes], minutes)
    assert judged(AGENCY, row, minutes[-1] + timedelta(minutes=50)) is Trouble.NONE
    assert judged(AGENCY, row, minutes[-1] + 2 * HOUR) is Trouble.FROZEN


def test_what_a_cache_kept_is_no_newer_than_that() -> None:
    answer = SourceAnswer(url="", age_s=7200, modified_at=NOW)
    assert said_by([NOW], answer, NOW) == NOW - 2 * HOUR
    assert said_by([], SourceAnswer(url="", modified_at=NOW - DAY), NOW) == NOW - DAY
    assert said_by([None], SourceAnswer(url=""), NOW) is None


def test_a_feed_that_lost_its_entries_ages_from_when_it_last_said_something() -> None:
    row = known([NOW], [NOW])
    assert noted(row, None, NOW + DAY) == {}
    assert judged(CITY_HALL, row, NOW + 31 * DAY) is Trouble.FROZEN


def test_who_speaks_when_there_is_something_is_judged_by_its_own_rhythm() -> None:
    for config in (POLICE, SYSTEMS):
        assert judged(config, Source(code="x", kind="x"), NOW) is Trouble.NONE
        days = [NOW + n * DAY for n in range(20)]
        row = known(days, days)
        assert judged(config, row, days[-1] + 9 * DAY) is Trouble.NONE
        assert judged(config, row, days[-1] + 11 * DAY) is Trouble.FROZEN
    assert trouble(POLICE, None, NOW) is Trouble.SILENT
    assert trouble(SYSTEMS, None, NOW) is Trouble.NONE
