"""What happens by itself: polling the sources, digests, what is no longer kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from core.clock import JAPAN

Leading = Callable[[], Awaitable[bool]]
"""Whether this process is the one scheduler that may act now."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Chore:
    """Something to do every ``seconds``; ``jitter`` seconds keep many from coming at once."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]
    jitter: float = 0.0
    at_once: bool = False
    """Whether its first time is the scheduler's start."""


def scheduler(chores: list[Chore], leading: Leading, now: datetime) -> AsyncIOScheduler:
    """Return a scheduler, not yet started, in which every chore runs by itself.

    A chore still running when its time comes again is not started twice; one that fails is
    logged and tried again at its next time; none holds up another.
    """
    made = AsyncIOScheduler(timezone=JAPAN)
    for chore in chores:
        made.add_job(
            _guarded(chore, leading),
            IntervalTrigger(seconds=chore.seconds, jitter=chore.jitter or None, timezone=JAPAN),
            id=chore.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            **({"next_run_time": now} if chore.at_once else {}),
        )
    return made


def _guarded(chore: Chore, leading: Leading) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            if await leading():
                await chore.work()
        except asyncio.CancelledError:
            # The service ends; APScheduler would report each of these as a fault.
            log.info("chore broken off", chore=chore.name)
        except Exception as error:
            log.exception("chore failed", chore=chore.name, error=str(error))

    return run
