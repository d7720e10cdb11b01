"""A town in which residents chat: the webhook on a real port, the simulator, an inbox."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI
from sqlmodel import col, select

from bot import webhook
from bot.inbox import Inbox
from bot.models import Dialogue, EventState, WebhookEvent
from bot.webhook import EventStore
from channels.line.client import LineClient
from city.city import City
from city.context import Context
from city.folder import CityFolder, load_folder
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from core.work import LocalQueue
from simulator.line import Simulator, SimulatorOptions
from subscriptions import residents
from subscriptions.residents import MENU_TASK, Preferences
from tests.support.project import SAMPLE_CITY
from tests.support.serving import served

SECRET = "a-channel-secret"


@pytest.fixture(scope="session")
def sample() -> CityFolder:
    """The worked sample city."""
    return load_folder(SAMPLE_CITY)


@pytest.fixture
def media_dir(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
def settings(tmp_path: Path, media_dir: Path) -> Settings:
    return Settings(
        city=SAMPLE_CITY,
        database_url=f"sqlite:///{tmp_path}/unused.sqlite3",
        media_dir=media_dir,
        public_url="http://127.0.0.1:8000",
        line_channel_secret=SECRET,
        line_channel_access_token="a-token",
        secret_key="a-key",
    )


@dataclass
class Town:
    """Everything of a running service that a conversation needs."""

    simulator: Simulator
    database: Database
    queue: LocalQueue
    inbox: Inbox
    city: City
    url: str
    context: Context
    line: LineClient
    store: EventStore
    folder: CityFolder
    seen: dict[str, int] = field(default_factory=dict)

    def newcomer(self, language: str | None = "ja") -> str:
        return self.simulator.users.add_user("住民", language)

    async def settle(self) -> None:
        """Wait until everything sent was answered."""
        await self.simulator.webhooks.idle()
        await self.queue.drained()

    async def news(self, user: str) -> list[dict[str, Any]]:
        """Return what the account said since last asked."""
        await self.settle()
        chat = [item for item in self.simulator.users.get(user).chat if item.side == "account"]
        new = [item.message for item in chat[self.seen.get(user, 0) :]]
        self.seen[user] = len(chat)
        return new

    async def follows(self, user: str) -> list[dict[str, Any]]:
        self.simulator.phones.follow(user)
        return await self.news(user)

    async def says(self, user: str, text: str) -> list[dict[str, Any]]:
        self.simulator.phones.send_text(user, text)
        return await self.news(user)

    async def is_at(self, user: str, longitude: float, latitude: float) -> list[dict[str, Any]]:
        self.simulator.phones.send_location(user, latitude, longitude)
        return await self.news(user)

    async def taps(
        self, user: str, messages: list[dict[str, Any]], wanted: str, **params: str
    ) -> list[dict[str, Any]]:
        """Tap what is labelled, or does, ``wanted`` in these messages."""
        action = find_action(messages, wanted)
        self.simulator.phones.tap(user, action, params=params or None)
        return await self.news(user)

    async def preferences(self, user: str) -> Preferences:
        async with self.database.reading() as session:
            resident = await residents.find(session, user)
            assert resident is not None and resident.id is not None
            return await residents.preferences(session, self.city, resident.id)

    async def dialogue(self, user: str) -> Dialogue:
        async with self.database.reading() as session:
            resident = await residents.find(session, user)
            assert resident is not None
            found = await session.get(Dialogue, resident.id)
            assert found is not None
            return found

    async def events(self, state: EventState | None = None) -> list[WebhookEvent]:
        async with self.database.reading() as session:
            query = select(WebhookEvent).order_by(col(WebhookEvent.id))
            if state is not None:
                query = query.where(col(WebhookEvent.state) == state)
            return list(await session.scalars(query))


def find_action(messages: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the first action whose label, shown text or postback data is ``wanted``."""
    for action in actions_in(messages):
        data = str(action.get("data", ""))
        if wanted in (action.get("label"), action.get("displayText"), data) or (
            data.startswith(f"do={wanted}&") or data == f"do={wanted}"
        ):
            return action
    raise AssertionError(f"nothing to tap for {wanted!r} in {json.dumps(messages)[:2000]}")


def actions_in(part: Any) -> list[dict[str, Any]]:
    """Return every action in messages."""
    if isinstance(part, list):
        return [action for each in part for action in actions_in(each)]
    if not isinstance(part, dict):
        return []
    own = [part["action"]] if isinstance(part.get("action"), dict) else []
    return own + [a for key, value in part.items() if key != "action" for a in actions_in(value)]


def words_in(part: Any) -> str:
    """Return all that can be read in messages."""
    if isinstance(part, list):
        return "\n".join(words_in(each) for each in part)
    if not isinstance(part, dict):
        return ""
    own = [part["text"]] if isinstance(part.get("text"), str) else []
    return "\n".join([*own, *(w for value in part.values() if (w := words_in(value)))])


async def _no_menu(_user: str) -> None:
    """Rich menus have a test of their own."""


@pytest.fixture
async def make_town(
    database: Database, settings: Settings, sample: CityFolder
) -> AsyncIterator[Callable[..., Any]]:
    """Open a town; its inbox need not run."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(*, awake: bool = True, options: SimulatorOptions | None = None) -> Town:
            simulator = await stack.enter_async_context(
                Simulator(
                    options
                    or SimulatorOptions(channel_secret=SECRET, channel_access_token="a-token")
                )
            )
            clock = SystemClock()
            queue = LocalQueue(clock, seed=random.randrange(10**6))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            ours = Settings(
                **{
                    **settings.__dict__,
                    "line_api_url": simulator.url,
                    "line_data_api_url": simulator.url,
                }
            )
            context = Context(
                settings=ours,
                city=sample.city,
                database=database,
                clock=clock,
                queue=queue,
                http=http,
            )
            line = LineClient(http, ours, clock)
            inbox = Inbox(context, line, sample)
            inbox.register()
            queue.register(MENU_TASK, _no_menu)
            app = FastAPI()
            app.state.context = context
            app.state.line = line
            store = webhook.attach(app, context)
            app.include_router(webhook.router)
            url = await stack.enter_async_context(served(app))
            stack.push_async_callback(store.stop)
            simulator.webhooks.url = f"{url}/line/webhook"
            if awake:
                stop = asyncio.Event()
                running = asyncio.create_task(queue.run(stop))

                async def end() -> None:
                    stop.set()
                    await running

                stack.push_async_callback(end)
            return Town(
                simulator, database, queue, inbox, sample.city, url, context, line, store, sample
            )

        yield make


@pytest.fixture
async def town(make_town: Callable[..., Any]) -> Town:
    """A town with a running inbox."""
    made: Town = await make_town()
    return made
