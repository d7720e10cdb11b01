"""One sending process: ``python -m tests.support.sender_process`` sends until it is killed.

It sends by each medium that it has an address of: LINE at the stand-in ``--line``, files into the
folder
``--folder``, mail to the server on the port ``--mail``, web push to ``--push``, posts to
the addresses ``--post``. With ``--stand-in`` it also looks whether LINE is silent. Into the folder
``--counts`` it writes how many messages may have been sent twice.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import structlog
import uvloop

from channels.email.smtp import Relay
from channels.engine import Engine
from channels.line.client import LineClient
from channels.line.limits import line_limiter
from channels.line.medium import LineMedium
from channels.media import Media
from channels.medium import Medium
from channels.metrics import MAYBE_TWICE
from channels.posts.medium import PostsMedium
from channels.posts.network import post_by
from channels.stand_in import stand_in
from channels.webpush.client import push_session
from channels.webpush.medium import web_push
from core.clock import SystemClock
from core.database import Database
from core.mail_settings import SmtpSettings
from core.settings import PushSettings
from core.work import LocalQueue, Queue
from core.work_shared import ProcrastinateQueue
from tests.support.engine import settings_for, small_city
from tests.support.folder_medium import Folder, FolderMedium
from tests.support.mail_world import medium as by_mail
from tests.support.senders import accounts_for

SECONDS_A_FILE = 0.01
"""So long that a test can kill the process between two files."""
LOOK_SECONDS = 0.05


async def media_of(
    given: argparse.Namespace, database: Database, stack: AsyncExitStack
) -> list[Medium]:
    """Return the media that the process was given."""
    clock, found = SystemClock(), list[Medium]()
    if given.line:
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        settings = settings_for(given.line, given.database, line_rate_multicast=given.rate)
        line = LineClient(http, settings, clock, line_limiter(database, clock, settings))
        found.append(LineMedium(database, small_city(), clock, line))
    if given.mail:
        smtp = SmtpSettings(
            host="127.0.0.1", port=given.mail, tls=False, mail_from="todoke@city.example"
        )
        found.append(by_mail(clock, Relay(smtp, clock), smtp))
    if given.push:
        origin, _, key = given.push.partition("#")
        push = PushSettings(private_key=key, subject="mailto:a@city.example", services=(origin,))
        found.append(web_push(push, clock, push_session()))
    if given.post:
        accounts = accounts_for(given.post)
        secrets = {each.setting: url for each, url in accounts}
        by_name = {each.name: each for each, _ in accounts}
        found.append(PostsMedium(clock, by_name, secrets, post_by))
    if given.folder:
        found.append(FolderMedium(clock, Folder(path=given.folder, seconds_a_file=SECONDS_A_FILE)))
    return found


async def count(media: list[Medium], folder: Path) -> None:
    """Write again and again how many messages may have been sent twice."""
    into = folder / str(os.getpid())
    while True:
        counted = {each.name: MAYBE_TWICE.labels(each.name)._value.get() for each in media}
        into.write_text("".join(f"{name} {int(number)}\n" for name, number in counted.items()))
        await asyncio.sleep(LOOK_SECONDS)


async def main(given: argparse.Namespace) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    clock = SystemClock()
    database = Database(given.database)
    queue: Queue = (
        LocalQueue(clock)
        if database.is_sqlite
        else ProcrastinateQueue(database, clock, dead_after_seconds=given.dead_after)
    )
    async with AsyncExitStack() as stack:
        media = await media_of(given, database, stack)
        engine = Engine(database, small_city(), clock, queue, media)

        async def look() -> None:
            while True:
                await stand_in(database, queue, small_city(), Media(media), clock.now())
                await asyncio.sleep(LOOK_SECONDS)

        stop = asyncio.Event()
        await engine.recover()
        more = [look()] if given.stand_in else []
        more += [count(media, given.counts)] if given.counts else []
        await asyncio.gather(queue.run(stop), engine.run(stop), *more)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--line")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--mail", type=int)
    parser.add_argument("--push", help="ORIGIN#PRIVATE_KEY")
    parser.add_argument("--post", action="append", help="an address of Apprise's")
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--dead-after", type=float, default=15.0)
    uvloop.run(main(parser.parse_args()))
