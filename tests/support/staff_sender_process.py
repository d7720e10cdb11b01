"""A process that sends messages to staff until it is killed, as ``todoke worker`` does."""

from __future__ import annotations

import argparse
import asyncio
import logging
from dataclasses import replace

import aiohttp
import structlog
import uvloop

from app.staff_sender import StaffSender
from channels.line.client import LineClient
from channels.line.limits import line_limiter
from city.context import Context
from core.clock import SystemClock
from core.database import Database
from core.mail_settings import SmtpSettings
from core.work import LocalQueue, Queue
from core.work_shared import ProcrastinateQueue
from tests.support.engine import settings_for, small_city


async def main(given: argparse.Namespace) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    clock, database = SystemClock(), Database(given.database)
    settings = replace(
        settings_for(given.line, given.database),
        smtp=SmtpSettings(
            host="127.0.0.1", port=given.smtp, tls=False, mail_from="todoke@city.example"
        ),
    )
    queue: Queue = (
        LocalQueue(clock)
        if database.is_sqlite
        else ProcrastinateQueue(database, clock, dead_after_seconds=2.0)
    )
    async with aiohttp.ClientSession() as http:
        context = Context(
            settings=settings,
            city=small_city(),
            database=database,
            clock=clock,
            queue=queue,
            http=http,
        )
        line = LineClient(http, settings, clock, line_limiter(database, clock, settings))
        sender = StaffSender(context, line)
        sender.register()

        async def look() -> None:
            while True:
                await sender.look()
                await asyncio.sleep(0.2)

        await asyncio.gather(queue.run(asyncio.Event()), look())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--line", required=True)
    parser.add_argument("--smtp", type=int, required=True)
    parser.add_argument("--database", required=True)
    uvloop.run(main(parser.parse_args()))
