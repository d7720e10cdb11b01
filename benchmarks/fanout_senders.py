"""The senders that ``benchmarks.fanout`` compares; each runs in a process of its own.

Each function takes the simulator's address first. It returns when it began to send (seconds since
1970) and other results. They share only the bodies.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import structlog
import uvloop

TOKEN = "t"
CITY = Path(__file__).parents[1] / "deploy" / "city"
CONNECTIONS = 64
NOON = datetime(2026, 6, 15, 3, tzinfo=UTC)

Found = tuple[float, dict[str, Any]]


def read_bodies(path: str) -> list[bytes]:
    """Return the bodies that :func:`write_bodies` wrote."""
    data = Path(path).read_bytes()
    found, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def write_bodies(path: str, bodies: list[bytes]) -> None:
    with Path(path).open("wb") as file:
        for body in bodies:
            file.write(struct.pack("<I", len(body)) + body)


def alert(now: datetime, languages: int) -> Any:
    """An evacuation order in so many languages; with one, everybody gets the same message."""
    from alerts.compose import composed_of
    from alerts.drafts import Written, fill_in, new_draft
    from city.folder import load_city

    city = load_city(CITY)
    words = "川があふれるおそれがあります。全員すぐに避難してください。"
    draft = fill_in(
        new_draft(drill=True, actor="benchmark", now=now),
        Written("evacuation", 4, whole_city=True, areas=(), texts={"ja": ("", words)}),
    )
    notice = composed_of(draft, city, actor="benchmark", now=now).notice
    notice.identity = f"benchmark:{uuid4()}"  # the draft is not stored and has no number
    if languages == 1:
        notice.texts = {"ja": notice.texts["ja"]}
        city = city.model_copy(update={"languages": ("ja",)})
    return city, notice


# What is sent, and to whom


def make_residents(database_url: str, residents: int) -> None:
    """Fill an empty database with synthetic residents."""

    async def work() -> None:
        from app.schema import upgrade
        from city.folder import load_city
        from core.database import Database
        from subscriptions.generate import generate

        database = Database(database_url)
        await upgrade(database)
        await generate(database, load_city(CITY), residents, 1, NOON)
        await database.close()

    asyncio.run(work())


def make_bodies(database_url: str, path: str) -> None:
    """Write the multicasts of an alert to everybody, as Todoke would post them."""

    async def work() -> None:
        from sqlmodel import col, select

        from channels.line.bodies import multicast_body
        from channels.line.medium import LINE
        from channels.variants import render_all
        from core.database import Database
        from subscriptions.models import Resident

        city, notice = alert(NOON, 16)
        messages = {
            language: rendered.messages
            for rendered in render_all(notice, city, LINE)
            for language in rendered.languages
        }
        database = Database(database_url)
        bodies: list[bytes] = []
        waiting: dict[str, list[str]] = {}
        async with database.reading() as session:
            statement = select(col(Resident.language), col(Resident.line_user_id))
            async for language, user_id in await session.stream(statement):
                if user_id is None:
                    continue
                some = waiting.setdefault(language, [])
                some.append(user_id)
                if len(some) == 500:
                    bodies.append(multicast_body('","'.join(some), messages[language]))
                    some.clear()
        bodies += [
            multicast_body('","'.join(some), messages[language])
            for language, some in waiting.items()
            if some
        ]
        await database.close()
        write_bodies(path, bodies)

    asyncio.run(work())


# Others


def bare_aiohttp(url: str, path: str) -> Found:
    """The minimum with aiohttp: post prepared bodies, 64 at a time."""
    bodies = iter(read_bodies(path))
    began = 0.0

    async def work() -> None:
        nonlocal began
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as http:

            async def one_after_another() -> None:
                for body in bodies:
                    async with http.post(f"{url}/v2/bot/message/multicast", data=body) as answer:
                        await answer.read()

            began = time.time()
            await asyncio.gather(*(one_after_another() for _ in range(CONNECTIONS)))

    uvloop.run(work())
    return began, {}


def line_bot_sdk(url: str, path: str, few: int) -> Found:
    """line-bot-sdk's synchronous client in a loop, with its own models."""
    from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, MulticastRequest

    requests = [json.loads(body) for body in read_bodies(path)[:few]]
    with ApiClient(Configuration(host=url, access_token=TOKEN)) as client:
        api = MessagingApi(client)
        began = time.time()
        for request in requests:
            api.multicast(MulticastRequest.from_dict(request))
    return began, {"part": few}


def line_bot_sdk_async(url: str, path: str, few: int) -> Found:
    """line-bot-sdk's asynchronous client, 64 at a time."""
    from linebot.v3.messaging import (
        AsyncApiClient,
        AsyncMessagingApi,
        Configuration,
        MulticastRequest,
    )

    requests = iter([json.loads(body) for body in read_bodies(path)[:few]])
    began = 0.0

    async def work() -> None:
        nonlocal began
        async with AsyncApiClient(Configuration(host=url, access_token=TOKEN)) as client:
            api = AsyncMessagingApi(client)

            async def one_after_another() -> None:
                for request in requests:
                    await api.multicast(MulticastRequest.from_dict(request))

            began = time.time()
            await asyncio.gather(*(one_after_another() for _ in range(CONNECTIONS)))

    uvloop.run(work())
    return began, {"part": few}


def apprise_line(url: str, few: int) -> Found:
    """Apprise's LINE plugin: one push a resident, as it is made."""
    import apprise
    from apprise.plugins.line import NotifyLine

    plugin: Any = NotifyLine  # Apprise gives its plugins no types.
    plugin.notify_url = f"{url}/v2/bot/message/push"
    plugin.request_rate_per_sec = 0
    targets = [f"U{number:032x}" for number in range(few)]
    notifier = plugin(token=TOKEN, targets=targets, include_image=False)
    everybody = apprise.Apprise()
    everybody.add(notifier)
    began = time.time()
    everybody.notify(title="", body="川があふれるおそれがあります。全員すぐに避難してください。")
    return began, {"part": few}


# Todoke


def todoke(url: str, database_url: str, rate: int, languages: int) -> Found:
    """A delivery from the notice to the last request, as the service does it."""
    return uvloop.run(_todoke(url, database_url, rate, languages))


async def _todoke(url: str, database_url: str, rate: int, languages: int) -> Found:
    from channels import dispatch as delivering
    from channels.line.medium import LINE
    from core.clock import SystemClock

    async with Sending(url, database_url, rate=rate) as (database, queue, _):
        now = SystemClock().now()
        city, notice = alert(now, languages)
        began = time.time()
        async with database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = await delivering.deliver(
                session, queue, notice, city, now, created_by="benchmark", medium=LINE
            )
        assert delivery.id is not None
        planned = None
        async for state in delivering.follow(database, delivery.id, every_seconds=0.1):
            if planned is None and state.planning_done:
                planned = time.time() - began
            if state.ended:
                break
        assert state.sent == state.recipients - state.skipped, state
        return began, {
            "batches": state.batches,
            "planned_within_s": round(planned or 0.0, 2),
            "state": state.state.value,
        }


def pushes(url: str, database_url: str, rate: int, seconds: int) -> Found:
    """A distinct message a resident, for a while."""
    return uvloop.run(_pushes(url, database_url, rate, seconds))


async def _pushes(url: str, database_url: str, rate: int, seconds: int) -> Found:
    from sqlmodel import col, select

    from channels import dispatch as delivering
    from channels.individual import IndividualMessage, add_individual_messages
    from channels.line.medium import LINE
    from channels.medium import compact_json
    from channels.models import Delivery, DeliveryKind, DeliveryState, Priority
    from core.clock import SystemClock
    from subscriptions.models import Resident

    async with Sending(url, database_url, rate=200, push=rate) as (database, queue, _):
        async with database.reading() as session:
            statement = select(col(Resident.id)).order_by(col(Resident.id)).limit(rate * seconds)
            ids = [each for each in await session.scalars(statement) if each is not None]
        began = time.time()
        delivery = Delivery(
            channel="line",
            kind=DeliveryKind.PERSONAL,
            state=DeliveryState.SENDING,
            priority=Priority.PERSONAL,
            respects_quiet=False,
            created_by="benchmark",
            created_at=SystemClock().now(),
        )
        async with database.writing() as session:
            session.add(delivery)
        assert delivery.id is not None
        for start in range(0, len(ids), 500):
            async with database.writing() as session:
                page = [
                    IndividualMessage(
                        number,
                        "ja",
                        None,
                        None,
                        compact_json(
                            [
                                {
                                    "type": "text",
                                    "text": f"{number} 様、お子さんの健診は5月29日です。",
                                }
                            ]
                        ),
                    )
                    for number in ids[start : start + 500]
                ]
                stored = await session.get_one(Delivery, delivery.id)
                await add_individual_messages(session, queue, stored, page, LINE)
        made = time.time() - began
        async with database.writing() as session:
            (await session.get_one(Delivery, delivery.id)).planning_done = True
        async for state in delivering.follow(database, delivery.id, every_seconds=0.5):
            if state.ended or state.sent == len(ids):
                break
        return began, {"stored_within_s": round(made, 2), "sent": state.sent}


def planning(_url: str, database_url: str) -> Found:
    """Only planning: from the notice to the last batch's row."""
    return uvloop.run(_planning(database_url))


async def _planning(database_url: str) -> Found:
    from channels import dispatch as delivering
    from channels.audiences import read_in_ranges
    from channels.line.medium import LINE
    from core.clock import SystemClock

    async with Sending("http://127.0.0.1:9", database_url, running=False) as (
        database,
        queue,
        engine,
    ):
        now = SystemClock().now()
        city, notice = alert(now, 16)
        async with database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = await delivering.deliver(
                session, queue, notice, city, now, created_by="benchmark", medium=LINE
            )
        started = time.time()
        async with database.reading() as session:
            limit = delivery.audience_limit or 0
            async for _ in read_in_ranges(session, delivery, 0, limit, None, LINE.addresses):
                """Read, and nothing more."""
        audience = time.time() - started
        began = time.time()
        await engine.plan(str(delivery.id))
        took = time.time() - began
        async with database.writing() as session:
            await delivering.stop(session, delivery.id or 0, "benchmark", now)
        planned = await _recipients(database, delivery.id or 0)
        return began, {
            "recipients": planned,
            "planning_s": round(took, 2),
            "reading_audience_s": round(audience, 2),
        }


async def _recipients(database: Any, delivery_id: int) -> int:
    from channels.models import Delivery

    async with database.reading() as session:
        return int((await session.get_one(Delivery, delivery_id)).recipients)


class Sending:
    """A service's sending half, running in this process."""

    def __init__(
        self,
        url: str,
        database_url: str,
        *,
        rate: int = 0,
        push: int = 0,
        running: bool = True,
    ) -> None:
        self._given = (url, database_url, rate, push, running)

    async def __aenter__(self) -> tuple[Any, Any, Any]:
        from channels.engine import Engine
        from channels.limiter import Limiter
        from channels.line.client import LineClient
        from channels.line.medium import LineMedium
        from city.folder import load_city
        from core.clock import SystemClock
        from core.database import Database
        from core.settings import Settings
        from core.work import LocalQueue

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        url, database_url, rate, push, running = self._given
        settings = Settings(
            city=CITY,
            database_url=database_url,
            media_dir=Path("media"),
            public_url="http://127.0.0.1",
            line_channel_secret="s",
            line_channel_access_token=TOKEN,
            line_api_url=url,
            line_data_api_url=url,
            secret_key="k",
        )
        clock = SystemClock()
        self.database = Database(database_url)
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        queue = LocalQueue(clock)
        self.limiter = Limiter(clock, {"multicast": rate or None, "push": push or None})
        line = LineClient(self.http, settings, clock, self.limiter)
        city = load_city(CITY)
        engine = Engine(
            self.database, city, clock, queue, [LineMedium(self.database, city, clock, line)]
        )
        # As the service does at its start.
        gc.collect()
        gc.freeze()
        self.stop = asyncio.Event()
        self.tasks = (
            [asyncio.create_task(queue.run(self.stop)), asyncio.create_task(engine.run(self.stop))]
            if running
            else []
        )
        return self.database, queue, engine

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await asyncio.gather(*self.tasks)
        await self.limiter.close()
        await self.http.close()
        await self.database.close()
