"""Measure how many encrypted web pushes a second one core sends, beside a bare loop.

    python benchmarks/push.py [--residents 20000] [--rounds 3]

The push service is the simulator's in a process of its own; it checks the token and counts. Each
round measures both in a fresh process: the bare loop, which is http-ece and aiohttp with 128
requests open, and Todoke's engine with all it stores. "A core" is requests for each second of CPU
that the sending process used, so other work on the machine does not count. It prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

OPEN_REQUESTS = 128


def serve(ready: multiprocessing.Queue[int]) -> None:
    """Run the push service until the process is ended."""
    from simulator.push import PushService

    async def work() -> None:
        async with PushService(keeps=False) as service:
            ready.put(service.port)
            await asyncio.Event().wait()

    uvloop.run(work())


def bare(origin: str, number: int) -> tuple[int, float, float]:
    """Encrypt and post with nothing else; return requests, seconds and seconds of CPU."""
    return uvloop.run(_bare(origin, number))


async def _bare(origin: str, number: int) -> tuple[int, float, float]:
    import aiohttp
    import http_ece
    from cryptography.hazmat.primitives.asymmetric import ec

    from channels.webpush.vapid import Vapid, new_key
    from core.clock import SystemClock
    from simulator.push import Browser

    browser = Browser("x", f"{origin}/push/x")
    given = browser.subscription()["keys"]
    from channels.webpush.vapid import from_base64url

    receiver = from_base64url(given["p256dh"])
    vapid = Vapid(new_key(), "mailto:bench@city.example", SystemClock())
    headers = {
        "Authorization": vapid.authorization(origin),
        "Content-Encoding": "aes128gcm",
        "TTL": "86400",
        "Urgency": "high",
        "Topic": "n1",
    }
    payload = b"x" * 500
    left = iter(range(number))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def sender() -> None:
            for place in left:
                body = http_ece.encrypt(
                    payload,
                    private_key=ec.generate_private_key(ec.SECP256R1()),
                    dh=receiver,
                    auth_secret=browser.auth,
                    rs=4096,
                )
                url = f"{origin}/push/{place}"
                async with http.post(url, data=body, headers=headers) as answer:
                    await answer.read()
                    assert answer.status == 201, answer.status

        started, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(sender() for _ in range(OPEN_REQUESTS)))
        return number, time.perf_counter() - started, time.process_time() - used


def todoke(origin: str, number: int) -> tuple[int, float, float]:
    """Send one alert to so many browsers through the engine; the same figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TODOKE_DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
        from app import schema

        schema.upgrade_now(os.environ["TODOKE_DATABASE_URL"])
        return uvloop.run(_todoke(origin, number, os.environ["TODOKE_DATABASE_URL"]))


async def _todoke(origin: str, number: int, url: str) -> tuple[int, float, float]:
    import gc

    from sqlalchemy import text

    from benchmarks.order import an_order
    from channels import dispatch
    from channels.engine import Engine
    from channels.progress import progress
    from channels.webpush.client import push_session
    from channels.webpush.medium import web_push
    from channels.webpush.vapid import new_key
    from city.folder import load_city
    from core.clock import SystemClock
    from core.database import Database
    from core.settings import SAMPLE_CITY, PushSettings
    from core.work import LocalQueue
    from subscriptions.generate import generate

    clock, city, database = SystemClock(), load_city(SAMPLE_CITY), Database(url)
    await generate(database, city, number, 1, clock.now(), medium="webpush")
    async with database.writing() as session:
        moved = "UPDATE residents SET address = replace(address, :old, :new)"
        await session.execute(
            text(moved), {"old": "https://push.example/send", "new": f"{origin}/push"}
        )
    settings = PushSettings(
        private_key=new_key(), subject="mailto:bench@city.example", services=(origin,)
    )
    queue = LocalQueue(clock)
    medium = web_push(settings, clock, push_session())
    engine = Engine(database, city, clock, queue, [medium])
    stop = asyncio.Event()
    texts = {
        code: {"title": "Evacuate now: Chuo", "text": "Leave dangerous places now. " * 12}
        for code in city.languages
    }
    now = datetime.now(UTC)
    notice = an_order(now, texts)
    gc.collect()
    gc.freeze()
    tasks = [asyncio.create_task(queue.run(stop)), asyncio.create_task(engine.run(stop))]
    started, used = time.perf_counter(), time.process_time()
    async with database.writing() as session:
        session.add(notice)
        await session.flush()
        delivery = await dispatch.deliver(
            session, queue, notice, city, clock.now(), medium=medium, created_by="rule:bench"
        )
        delivery_id = delivery.id
    assert delivery_id is not None
    while True:
        async with database.reading() as session:
            seen = await progress(session, delivery_id, now=clock.now())
        if seen.ended:
            break
        await asyncio.sleep(0.1)
    figures = (seen.sent, time.perf_counter() - started, time.process_time() - used)
    stop.set()
    await asyncio.gather(*tasks)
    await medium.close()
    await database.close()
    assert seen.sent == number, (seen.sent, seen.failed, seen.waiting)
    return figures


def _child(answer: multiprocessing.Queue[Any], work: Callable[..., Any], *given: Any) -> None:
    found = work(*given)
    answer.put((*found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def measured(work: Callable[..., Any], origin: str, number: int) -> dict[str, float]:
    """Run it in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answer: Any = context.Queue()
    process = context.Process(target=_child, args=(answer, work, origin, number))
    process.start()
    sent, seconds, cpu, peak = answer.get(timeout=600)
    process.join()
    return {
        "pushes": sent,
        "seconds": round(seconds, 2),
        "a_second": round(sent / seconds),
        "cpu_seconds": round(cpu, 2),
        "a_core_and_second": round(sent / cpu),
        "peak_mb": round(peak),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--residents", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ready: Any = context.Queue()
    service = context.Process(target=serve, args=(ready,))
    service.start()
    try:
        origin = f"http://127.0.0.1:{ready.get(timeout=60)}"
        rounds = []
        for _ in range(asked.rounds):
            both = {
                "bare": measured(bare, origin, asked.residents),
                "todoke": measured(todoke, origin, asked.residents),
            }
            share = both["todoke"]["a_core_and_second"] / both["bare"]["a_core_and_second"]
            rounds.append({**both, "share_of_bare": round(share, 2)})
        print(json.dumps(rounds, indent=2))
    finally:
        service.terminate()
        service.join()


if __name__ == "__main__":
    main()
