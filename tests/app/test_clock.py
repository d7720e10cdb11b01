"""The service's own rhythm and memory while the machine's clock is wrong."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES
from sqlmodel import col, select
from structlog.testing import capture_logs

from app.retention import forget
from app.schedule import LOOK_SECONDS, ScheduledJob, Scheduler
from bot.models import EventState, WebhookEvent
from city.context import Context
from city.folder import load_city
from core.clock import JAPAN, ManualClock
from core.database import Database
from core.settings import Settings
from core.steady import STANDS_SECONDS, SteadyClock
from core.work import NoWorkers
from tests.support.project import PROJECT


async def leading() -> bool:
    return True


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=60)])
async def test_what_a_wrong_clock_put_off_is_done_soon(
    clock: ManualClock, ahead: timedelta
) -> None:
    """The machine's clock went back, or was ahead when the next turn was reckoned."""
    polled, untouched = asyncio.Event(), asyncio.Event()

    async def poll() -> None:
        polled.set()

    async def sweep() -> None:
        untouched.set()

    scheduled_jobs = Scheduler(
        [
            ScheduledJob(name="poll", seconds=60.0, jitter=5.0, work=poll),
            ScheduledJob(name="sweep", seconds=60.0, work=sweep),
        ],
        leading,
        clock,
    )
    scheduled_jobs.start()
    scheduled_jobs.jobs.modify_job("poll", next_run_time=datetime.now(JAPAN) + ahead)
    await asyncio.sleep(0)
    await clock.advance(LOOK_SECONDS)
    await asyncio.wait_for(polled.wait(), 10)
    next_turn = scheduled_jobs.jobs.get_job("poll").next_run_time - datetime.now(JAPAN)
    await scheduled_jobs.stop()
    assert next_turn <= timedelta(seconds=65)
    assert not untouched.is_set()


async def test_a_chore_that_still_runs_is_not_begun_again_and_the_log_says_so(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    begun, due_again = 0, asyncio.Event()
    first = asyncio.Event()

    async def hangs() -> None:
        nonlocal begun
        begun += 1
        first.set()
        await clock.sleep(10_000)

    jobs = [ScheduledJob(name="poll", seconds=60.0, work=hangs, at_once=True)]
    scheduled_jobs = Scheduler(jobs, leading, clock)
    scheduled_jobs.jobs.add_listener(lambda _: due_again.set(), EVENT_JOB_MAX_INSTANCES)
    with capture_logs() as logged:
        scheduled_jobs.start()
        await asyncio.wait_for(first.wait(), 10)
        scheduled_jobs.jobs.modify_job("poll", next_run_time=datetime.now(JAPAN))
        await asyncio.wait_for(due_again.wait(), 10)
        await scheduled_jobs.stop()
    assert begun == 1
    assert [one["job"] for one in logged if one["event"] == "job.still_running"] == ["poll"]
    assert caplog.records == []


async def test_a_chore_that_fails_comes_again_and_none_holds_up_another(
    clock: ManualClock,
) -> None:
    failed, went = asyncio.Event(), asyncio.Event()

    async def breaks() -> None:
        failed.set()
        raise OSError

    async def hangs() -> None:
        await clock.sleep(10_000)

    async def works() -> None:
        went.set()

    scheduled_jobs = Scheduler(
        [
            ScheduledJob(name=work.__name__, seconds=60.0, work=work, at_once=True)
            for work in (hangs, breaks, works)
        ],
        leading,
        clock,
    )
    scheduled_jobs.start()
    await asyncio.wait_for(asyncio.gather(failed.wait(), went.wait()), 10)
    again = scheduled_jobs.jobs.get_job("breaks").next_run_time
    await scheduled_jobs.stop()
    assert timedelta(0) < again - datetime.now(JAPAN) <= timedelta(seconds=60)


async def test_sixty_days_for_a_moment_erase_nothing(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    steady = SteadyClock(clock)
    city = load_city(PROJECT / "deploy/city")
    async with aiohttp.ClientSession() as http:
        context = Context(
            settings=Settings(
                city=PROJECT / "deploy/city",
                database_url="sqlite://",
                media_dir=tmp_path,
                public_url="http://127.0.0.1",
                line_channel_secret="secret",
                line_channel_access_token="token",
                secret_key="key",
            ),
            city=city,
            database=database,
            clock=steady,
            queue=NoWorkers(),
            http=http,
        )
        async with database.writing() as session:
            session.add(
                WebhookEvent(
                    event_id="one",
                    kind="message",
                    timestamp_ms=int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000),
                    received_at=steady.now(),
                    payload="{}",
                    state=EventState.DONE,
                )
            )

        async def kept() -> bool:
            async with database.reading() as session:
                return await session.scalar(select(col(WebhookEvent.id))) is not None

        clock.step(timedelta(days=60).total_seconds())
        await clock.advance(22)
        await forget(context)
        assert await kept()
        # Confirmed, it is sixty days later indeed.
        await clock.advance(STANDS_SECONDS)
        await forget(context)
        assert not await kept()
