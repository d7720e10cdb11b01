"""A whole sending service for tests: a small city, an engine, the simulator."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import case, func, insert, literal, select
from sqlmodel import SQLModel

from channels import dispatch
from channels.engine import Engine
from channels.line.client import LineClient
from channels.line.medium import LINE, LineMedium
from channels.models import Delivery, DeliveryState
from channels.progress import Progress, detailed
from city.city import City, Decision, JmaCodes, Topic
from core.clock import Clock, SystemClock
from core.database import Database
from core.settings import Settings
from core.work import LocalQueue
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from simulator.line import Simulator, SimulatorOptions
from subscriptions.models import LINE_MEDIUM, Resident, ResidentState, Subscription

LANGUAGES = ("ja", "ja-x-easy", "en", "my")
TOKEN = "simulator-token"
_numbers = itertools.count(1)


def small_city() -> City:
    """A city with two topics: evacuation for everybody, events for those who want them."""
    return City(
        name={"ja": "試験市", "en": "Test City"},
        line_name="試験市",
        jma=JmaCodes(municipality="0822000"),
        languages=LANGUAGES,
        topics=(
            Topic(code="evacuation", names={"ja": "避難"}, emergency_level=3, mandatory=True),
            Topic(code="events", names={"ja": "催し"}, emergency_level=6),
        ),
        districts=(),
    )


def settings_for(url: str, database_url: str = "", **changes: object) -> Settings:
    """Settings for a simulator at ``url``."""
    values: dict[str, object] = {
        "city": Path("deploy/city"),
        "database_url": database_url,
        "media_dir": Path("media"),
        "public_url": "http://127.0.0.1:8000",
        "line_channel_secret": "simulator-secret",
        "line_channel_access_token": TOKEN,
        "line_api_url": url,
        "line_data_api_url": url,
        "secret_key": "secret",
    }
    values.update(changes)
    return Settings(**values)  # type: ignore[arg-type]


def user_id(number: int) -> str:
    """A LINE user id that tells the resident's number."""
    return f"U{number:032x}"


async def add_residents(
    database: Database,
    first: int,
    count: int,
    *,
    languages: Sequence[str] = LANGUAGES,
    quiet: tuple[int, int] | None = (0, 0),
    events: bool = True,
    medium: str = LINE_MEDIUM,
    address: tuple[str, str] = ("U", ""),
) -> None:
    """Add residents with ids from ``first``, languages by turns; by default never quiet.

    ``address`` is what stands before and after their number, of another medium than LINE.

    The database makes the rows itself, 200,000 of them within a second.
    """
    at = datetime(2026, 1, 1, tzinfo=UTC)
    start, end = quiet or (None, None)
    numbers = select(literal(first).label("number")).cte("numbers", recursive=True)
    numbers = numbers.union_all(
        select(numbers.c.number + 1).where(numbers.c.number < first + count - 1)
    )
    number = numbers.c.number
    hexadecimal = (
        func.printf("%032x", number)
        if database.is_sqlite
        else func.lpad(func.to_hex(number), 32, "0")
    )
    columns = SQLModel.metadata.tables["residents"].c
    made = {
        "id": number,
        "line_user_id" if medium == LINE_MEDIUM else "address": (
            literal(address[0]) + hexadecimal + literal(address[1])
        ),
        "language": case(dict(enumerate(languages)), value=number % len(languages)),
    }
    same = {
        "state": ResidentState.FOLLOWING,
        "language_chosen": True,
        "topics_chosen": True,
        "medium": medium,
        "quiet_start": start,
        "quiet_end": end,
        "followed_at": at,
        "updated_at": at,
    }
    made |= {name: literal(value, columns[name].type) for name, value in same.items()}
    async with database.writing() as session:
        await session.execute(insert(Resident).from_select(list(made), select(*made.values())))
        if events:
            follows = select(literal("events"), number, literal(0))
            await session.execute(
                insert(Subscription).from_select(["topic", "resident_id", "min_level"], follows)
            )


def make_notice(
    topic: str = "evacuation",
    *,
    level: int = 4,
    drill: bool = False,
    emergency: bool | None = None,
    now: datetime,
    languages: Sequence[str] = LANGUAGES,
    **changes: Any,
) -> Notice:
    """A notice with texts of its own in each language."""
    number = next(_numbers)
    marks = {language: f"{drill_mark(language)} " if drill else "" for language in languages}
    values: dict[str, Any] = {
        "identity": f"test:{number}",
        "topic": topic,
        "level": level,
        "status": Status.ISSUED,
        "drill": drill,
        "emergency": topic == "evacuation" and level >= 3 if emergency is None else emergency,
        "reported_at": now,
        "texts": {
            language: {
                "title": f"{marks[language]}Title {number} {language}",
                "text": f"{marks[language]}Text {number} {language}\n\nSource",
            }
            for language in languages
        },
        "decision": Decision.SEND,
        "decided_by": "rule:test",
        "created_at": now,
    }
    values.update(changes)
    return Notice(**values)


@dataclass
class EngineWorld:
    """The objects for a test."""

    database: Database
    city: City
    clock: Clock
    simulator: Simulator
    settings: Settings
    queue: LocalQueue
    engine: Engine
    line: LineClient
    medium: LineMedium
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, notice: Notice, **options: object) -> int:
        """Store a notice and have it delivered; returns the delivery's id."""
        async with self.database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                self.queue,
                notice,
                self.city,
                self.clock.now(),
                created_by="rule:test",
                medium=LINE,
                **options,  # type: ignore[arg-type]
            )
            assert delivery.id is not None
            return delivery.id

    async def progress(self, delivery_id: int) -> Progress:
        async with self.database.reading() as session:
            return await detailed(session, delivery_id, self.clock.now())

    async def ended(self, delivery_id: int, *, timeout: float = 60.0) -> Progress:
        """Wait until a delivery has ended."""

        async def wait() -> None:
            async for state in dispatch.follow(
                self.database, delivery_id, clock=SystemClock(), every_seconds=0.05
            ):
                if state.ended:
                    return

        await asyncio.wait_for(wait(), timeout)
        return await self.progress(delivery_id)

    async def row(self, delivery_id: int) -> Delivery:
        async with self.database.reading() as session:
            return await session.get_one(Delivery, delivery_id)

    async def until(
        self, condition: Callable[[], Awaitable[bool]], *, timeout: float = 30.0
    ) -> None:
        """Wait until ``condition`` holds."""

        async def wait() -> None:
            while not await condition():
                await asyncio.sleep(0.02)

        await asyncio.wait_for(wait(), timeout)

    async def state(self, delivery_id: int) -> DeliveryState:
        return (await self.row(delivery_id)).state


@asynccontextmanager
async def engine_world(
    database: Database,
    *,
    options: SimulatorOptions | None = None,
    simulator: Simulator | None = None,
    running: bool = True,
    clock: Clock | None = None,
    **changes: object,
) -> AsyncIterator[EngineWorld]:
    """Build a world; with ``running`` its engine works until the end of the block."""
    async with _standing(simulator, options) as stand_in:
        time = clock or SystemClock()
        settings = settings_for(stand_in.url, str(database.url), **changes)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            queue = LocalQueue(time, grace_seconds=2.0, seed=7)
            line = LineClient(http, settings, time)
            city = small_city()
            medium = LineMedium(database, city, time, line, seed=7)
            engine = Engine(database, city, time, queue, [medium], worker="test", seed=7)
            made = EngineWorld(
                database, city, time, stand_in, settings, queue, engine, line, medium
            )
            tasks: list[asyncio.Task[None]] = []
            if running:
                await engine.recover()
                tasks = [
                    asyncio.create_task(queue.run(made.stop)),
                    asyncio.create_task(engine.run(made.stop)),
                ]
            try:
                yield made
            finally:
                made.stop.set()
                await asyncio.gather(*tasks)
                await line.limiter.close()


@asynccontextmanager
async def _standing(
    simulator: Simulator | None, options: SimulatorOptions | None
) -> AsyncIterator[Simulator]:
    if simulator is not None:
        yield simulator
        return
    async with Simulator(options or SimulatorOptions(any_user=True, ledger="full")) as made:
        yield made
