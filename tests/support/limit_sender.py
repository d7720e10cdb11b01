"""A process that sends as fast as the limit allows, or now and then, until it is ended.

What a worker does to LINE's limit, without deliveries.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from pathlib import Path

import aiohttp
import structlog
import uvloop

from channels.line.client import LineClient
from channels.line.errors import LineBusy
from channels.line.limits import line_limiter
from channels.models import Priority
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings

AT_ONCE = 60
HELLO = [{"type": "text", "text": "a"}]
USER = f"U{1:032x}"


def settings(line: str, database: str, rate: int) -> Settings:
    return Settings(
        city=Path("deploy/city"),
        database_url=database,
        media_dir=Path("media"),
        public_url="http://127.0.0.1:8000",
        line_channel_secret="simulator-secret",
        line_channel_access_token="simulator-token",
        line_api_url=line,
        line_data_api_url=line,
        line_rate_multicast=rate,
        secret_key="secret",
    )


async def send(line: LineClient, every: float) -> None:
    """Send one after another, or one every so many seconds."""
    while True:
        with contextlib.suppress(LineBusy):
            await line.multicast([USER], HELLO, priority=Priority.ROUTINE)
        if every:
            await asyncio.sleep(every)


async def main(given: argparse.Namespace) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock = SystemClock()
    database = Database(given.database)
    made = settings(given.line, given.database, given.rate)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        line = LineClient(http, made, clock, line_limiter(database, clock, made))
        tasks = [
            asyncio.create_task(send(line, given.every))
            for _ in range(1 if given.every else AT_ONCE)
        ]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await line.limiter.close()
    await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--line", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--every", type=float, default=0.0)
    uvloop.run(main(parser.parse_args()))
