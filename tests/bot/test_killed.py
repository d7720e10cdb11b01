"""Promise 1, the hard way: killed while events pour in; what got its 200 is there."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from sqlmodel import select

from bot.models import WebhookEvent
from core.database import Database

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "benchmarks"))


async def start(database_url: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start the webhook in a process of its own."""
    import webhook as benchmark

    port = benchmark.free_port()
    process = subprocess.Popen(
        [sys.executable, benchmark.__file__, "--serve", str(port), "--database-url", database_url],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    await benchmark.answers(port)
    return process, port


async def test_what_got_its_200_survives_a_kill(database: Database) -> None:
    """Three times: events from many connections, SIGKILL in the midst of them."""
    import webhook as benchmark

    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    address = database.url.render_as_string(hide_password=False)
    acknowledged: set[str] = set()
    sent = 0
    for _ in range(3):
        process, port = await start(address)
        enough = chance.randint(50, 250)
        before = len(acknowledged)

        async def pour(first: int, port: int = port) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for number in range(first, first + 1000):
                wire = benchmark.request(number, "/line/webhook", "127.0.0.1", 1)
                writer.write(wire)
                if await benchmark.answer(reader) == 200:
                    acknowledged.add(benchmark.event_id(number))

        async def pouring(first: int) -> None:
            try:
                await pour(first)
            except (OSError, asyncio.IncompleteReadError):
                return

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
