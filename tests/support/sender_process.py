"""One sending process: ``python -m tests.support.sender_process`` sends until it is killed.

It sends by LINE to the stand-in at ``--line``, by files into ``--folder``, or by
mail to the server on the port ``--mail``.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

import aiohttp
import structlog
import uvloop

from channels.email.smtp import Relay
from channels.engine import Engine
from channels.line.client import LineClient
from channels.line.limits import line_limiter
from channels.line.medium import LineMedium
from channels.medium import Medium
from core.clock import SystemClock
from core.database import Database
from core.mail_settings import SmtpSettings
from core.work import LocalQueue, Queue
from core.work_shared import ProcrastinateQueue
from tests.support.engine import settings_for, small_city
from tests.support.folder_medium import Folder, FolderMedium
from tests.support.mail_world import medium as by_mail

SECONDS_A_FILE = 0.01
"""So long that a test can kill the process between two files."""


async def main(given: argparse.Namespace) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    clock = SystemClock()
    database = Database(given.database)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        queue: Queue = (
            LocalQueue(clock)
            if database.is_sqlite
            else ProcrastinateQueue(database, clock, dead_after_seconds=given.dead_after)
        )
        medium: Medium
        if given.mail:
            smtp = SmtpSettings(
                host="127.0.0.1", port=given.mail, tls=False, mail_from="todoke@city.example"
            )
            medium = by_mail(clock, Relay(smtp, clock), smtp)
        elif given.folder:
            medium = FolderMedium(clock, Folder(path=given.folder, seconds_a_file=SECONDS_A_FILE))
        else:
            settings = settings_for(given.line, given.database, line_rate_multicast=given.rate)
            line = LineClient(http, settings, clock, line_limiter(database, clock, settings))
            medium = LineMedium(database, small_city(), clock, line)
        engine = Engine(database, small_city(), clock, queue, [medium])
        stop = asyncio.Event()
        await engine.recover()
        await asyncio.gather(queue.run(stop), engine.run(stop))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--line")
    where.add_argument("--folder", type=Path)
    where.add_argument("--mail", type=int)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--dead-after", type=float, default=15.0)
    uvloop.run(main(parser.parse_args()))
