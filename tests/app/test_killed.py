"""Promise 1: the process is killed while events arrive; every event with a 200 is stored."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal

import aiohttp
import pytest
from sqlmodel import select

from bot.models import WebhookEvent
from core.database import Database
from tests.support.town import SECRET
from tests.support.webhook_calls import body_of, event, signature
from tests.support.webhook_process import start

pytestmark = pytest.mark.slow


async def test_what_got_its_200_survives_a_kill(database: Database) -> None:
    """Three times: events from many connections, SIGKILL in the midst of them."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    address = database.url.render_as_string(hide_password=False)
    acknowledged: set[str] = set()
    sent = 0
    for _ in range(3):
        process, port = await asyncio.to_thread(start, address)
        enough = chance.randint(50, 250)
        before = len(acknowledged)

        async def pour(first: int, port: int = port) -> None:
            async with aiohttp.ClientSession() as http:
                for number in range(first, first + 1000):
                    body = body_of(event(number))
                    headers = {"x-line-signature": signature(SECRET, body)}
                    url = f"http://127.0.0.1:{port}/line/webhook"
                    async with http.post(url, data=body, headers=headers) as response:
                        if response.status == 200:
                            acknowledged.add(str(event(number)["webhookEventId"]))

        async def pouring(first: int) -> None:
            with contextlib.suppress(aiohttp.ClientError):
                await pour(first)

        tasks = [asyncio.create_task(pouring(sent + n * 1000)) for n in range(8)]
        sent += 8_000
        while len(acknowledged) < before + enough and not all(task.done() for task in tasks):
            await asyncio.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        await asyncio.gather(*tasks)
    async with database.reading() as session:
        stored = list(await session.scalars(select(WebhookEvent.event_id)))
    assert len(acknowledged) >= 150
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
