"""Whatever happens to the polls, residents are told the truth, and each thing once."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from core.clock import ManualClock
from core.database import Database
from feeds.fetch import guarded_session
from feeds.models import Notice, Status
from feeds.poller import Poller
from simulator.agency import DAYS, RecordedDays
from tests.support.feed_world import FeedWorld, a_city, sample_sources

pytestmark = pytest.mark.slow

OVER = {Status.LIFTED, Status.CANCELLED}
MISHAPS = st.sampled_from(["poll", "poll twice", "nothing", "crash", "feed is ill", "restart"])


async def live_through(folder: str, mishaps: Sequence[str]) -> FeedWorld:
    """Let the rainstorm happen; after each event one mishap, at the end one good poll."""
    clock = ManualClock(datetime(2026, 6, 15, 3, 0, tzinfo=UTC))
    database = Database(f"sqlite:///{folder}/storm.sqlite3")
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    async with RecordedDays(clock) as recorded, guarded_session() as http:
        world = FeedWorld(a_city(*sample_sources(recorded.url)), database, clock)
        poller = world.poller(http)

        async def crash(session: AsyncSession, notice: Notice) -> None:
            raise RuntimeError("the power went")

        await poller.poll("jma-extra")
        recorded.prepare("rainstorm")
        for mishap in mishaps:
            recorded.step()
            await clock.advance(120)
            match mishap:
                case "poll":
                    await poller.poll("jma-extra")
                case "poll twice":
                    await asyncio.gather(poller.poll("jma-extra"), poller.poll("jma-extra"))
                case "crash":
                    await Poller(world, crash, http).poll("jma-extra")
                case "feed is ill":
                    recorded.fail("/developer/xml/feed/extra.xml", "error")
                    await poller.poll("jma-extra")
                    recorded.fail("/developer/xml/feed/extra.xml", None)
                case "restart":
                    poller = world.poller(http)
                    await poller.poll("jma-extra")
        await poller.poll("jma-extra")
        fetched = Counter(path for path, _ in recorded.requests if "/data/" in path)
        assert set(fetched.values()) <= {1}
    await database.close()
    return world


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(MISHAPS, min_size=18, max_size=18))
def test_promise_2_a_storm_is_told_truly_whatever_happens_to_the_polls(
    mishaps: list[str],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).is_dir()
        world = asyncio.run(live_through(folder, mishaps))
    assert len(DAYS["rainstorm"].events) == 18
    told: dict[str, list[Notice]] = {}
    for notice in world.sent:
        told.setdefault(notice.hazard, []).append(notice)
    assert len({notice.identity for notice in world.sent}) == len(world.sent)
    for hazard in ("heavy-rain", "landslide", "thunder"):
        chain = told.get(hazard, [])
        for before, after in pairwise(chain):
            # Never the same thing twice, never backwards, each update linked to what it updates.
            assert (before.level, before.status) != (after.level, after.status)
            assert before.reported_at < after.reported_at
            assert after.replaces_id == before.id
        # The storm is over: whoever was told of a danger was told of its end.
        assert not chain or chain[-1].status in OVER
        # Nobody hears the end of a danger that they never heard of.
        assert not chain or chain[0].status not in OVER
