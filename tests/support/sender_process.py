"""One sending process: ``python -m tests.support.sender_process`` sends until it is killed."""

from __future__ import annotations

import argparse
import asyncio
import logging

import aiohttp
import structlog
import uvloop

from channels.engine import Engine
from channels.line.client import LineClient
from channels.line.limits import line_limiter
from channels.line.medium import LineMedium
from core.clock import SystemClock
from core.database import Database
from core.work import LocalQueue, Queue
from core.work_shared import ProcrastinateQueue
from tests.support.engine import settings_for, small_city


async def main(url: str, database_url: str, rate: int, dead_after: float) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    clock = SystemClock()
    database = Database(database_url)
    settings = settings_for(url, database_url, line_rate_multicast=rate)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        queue: Queue = (
            LocalQueue(clock)
            if database.is_sqlite
            else ProcrastinateQueue(database, clock, dead_after_seconds=dead_after)
        )
        limiter = line_limiter(database, clock, settings)
        line = LineClient(http, settings, clock, limiter)
        media = [LineMedium(database, small_city(), clock, line)]
        engine = Engine(database, small_city(), clock, queue, media)
        stop = asyncio.Event()
        await engine.recover()
        await asyncio.gather(queue.run(stop), engine.run(stop))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--line", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--dead-after", type=float, default=15.0)
    given = parser.parse_args()
    uvloop.run(main(given.line, given.database, given.rate, given.dead_after))
