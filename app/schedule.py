"""Scheduled jobs: polling the sources, digests, erasing old data."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from core.clock import JAPAN, Clock

LOOK_SECONDS = 5.0
"""The longest delay in seconds of a due job that a wrong clock postponed."""

Leading = Callable[[], Awaitable[bool]]
"""Whether this process is the one scheduler that may act now."""

log = structlog.get_logger(__name__)

logging.getLogger("apscheduler").setLevel(logging.ERROR)
"""Its warnings are log events of our own (``job.still_running``)."""


@dataclass(frozen=True, kw_only=True)
class ScheduledJob:
    """Something to do every ``seconds``; ``jitter`` seconds keep many from coming at once."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]
    jitter: float = 0.0
    at_once: bool = False
    """Whether its first time is the scheduler's start."""

    @property
    def longest_wait(self) -> timedelta:
        return timedelta(seconds=self.seconds + self.jitter)


class Scheduler:
    """Runs every job separately.

    A job still running when its time comes again is not started twice; one that fails is logged and
    runs again at its next time; none delays another.

    APScheduler keeps dates of the machine's clock. When that clock is set back, or was a day ahead
    for a moment, a date can be further ahead than the job's interval. Such a job is due. A check
    for such jobs runs every few seconds of monotonic time.
    """

    def __init__(self, scheduled_jobs: list[ScheduledJob], leading: Leading, clock: Clock) -> None:
        self._scheduled_jobs = scheduled_jobs
        self._clock = clock
        self._watching: asyncio.Task[None] | None = None
        self.jobs = AsyncIOScheduler(timezone=JAPAN)
        self.jobs.add_listener(_still_running, EVENT_JOB_MAX_INSTANCES)
        for job in scheduled_jobs:
            self.jobs.add_job(
                _guarded(job, leading),
                IntervalTrigger(seconds=job.seconds, jitter=job.jitter or None, timezone=JAPAN),
                id=job.name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
                **({"next_run_time": datetime.now(JAPAN)} if job.at_once else {}),
            )

    def start(self) -> None:
        """Begin; :meth:`stop` ends it."""
        self.jobs.start()
        self._watching = asyncio.create_task(self._watch(), name="jobs watch")

    async def stop(self) -> None:
        """Cancel running jobs, and start no more."""
        self.jobs.shutdown(wait=False)
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            now = datetime.now(JAPAN)
            for job in self._scheduled_jobs:
                planned = self.jobs.get_job(job.name)
                if planned is not None and planned.next_run_time - now > job.longest_wait:
                    log.warning("job.advanced", job=job.name, planned_at=str(planned.next_run_time))
                    planned.modify(next_run_time=now)


def _still_running(event: JobSubmissionEvent) -> None:
    log.info("job.still_running", job=event.job_id)


def _guarded(job: ScheduledJob, leading: Leading) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            if await leading():
                await job.work()
        except asyncio.CancelledError:
            # The service is stopping; APScheduler would report each of these as a fault.
            log.info("job.interrupted", job=job.name)
        except Exception as error:
            log.exception("job.failed", job=job.name, reason=str(error))

    return run
