"""Measure how many webhook events a second are on disk before their 200, and how long LINE waits.

``python benchmarks/webhook.py`` starts its own service (the real webhook route on uvicorn, in
its own process, on SQLite or the PostgreSQL of ``--database-url``) and posts signed events
from this process: first as many as it can, then at a fixed rate. It prints JSON.

``python -m benchmarks.beside`` measures the whole service beside other loads.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SECRET = "benchmark"
OPEN_SECONDS = 2.0
"""The service closes connections on which nothing comes for 5 s."""
SAMPLE = Path(__file__).resolve().parents[1] / "deploy" / "city"


def event_id(number: int) -> str:
    return f"01HX{os.getpid():010}{number:012}"


def event(number: int) -> dict[str, Any]:
    """A text message of one of 50,000 residents, about as large as LINE's."""
    return {
        "type": "message",
        "webhookEventId": event_id(number),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": int(time.time() * 1000),
        "source": {"type": "user", "userId": f"U{number % 50_000:032x}"},
        "replyToken": f"{number:032x}",
        "mode": "active",
        "message": {
            "id": f"{number:018}",
            "type": "text",
            "quoteToken": "q3Plxr4AgKd0123456789abcdefghijklmnopqrstuvwxyz",
            "text": "道路に穴があいています。気をつけてください。",
        },
    }


def request(number: int, path: str, host: str, per_request: int) -> bytes:
    """One whole HTTP request, signed."""
    return wire([event(number * per_request + each) for each in range(per_request)], path, host)


def wire(
    events: list[dict[str, Any]], path: str, host: str, destination: str = "U" + "0" * 32
) -> bytes:
    """The whole HTTP request, signed, that brings these events."""
    body = json.dumps({"destination": destination, "events": events}).encode()
    digest = hmac.digest(SECRET.encode(), body, hashlib.sha256)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"x-line-signature: {base64.b64encode(digest).decode()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one answer and return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if length:
        await reader.readexactly(length)
    return status


async def flat_out(port: int, requests: list[bytes], connections: int) -> dict[str, Any]:
    """Post everything as fast as the service takes it."""
    queue = iter(requests)
    statuses: list[int] = []
    started = time.perf_counter()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for each in queue:
            writer.write(each)
            statuses.append(await answer(reader))
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    seconds = time.perf_counter() - started
    return {
        "requests": len(statuses),
        "seconds": round(seconds, 2),
        "requests_per_s": round(len(statuses) / seconds),
        "not_200": sum(status != 200 for status in statuses),
    }


async def at_rate(port: int, requests: list[bytes], rate: int, connections: int) -> dict[str, Any]:
    """Post at a fixed rate; times count from the moment a request should have left."""
    free: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
    places = asyncio.Semaphore(connections)
    times: list[float] = []
    statuses: list[int] = []
    started = time.perf_counter()

    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while free:
            used_at, reader, writer = free.pop()
            if time.perf_counter() - used_at < OPEN_SECONDS:
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", port)

    async def one(request: bytes, due: float) -> None:
        async with places:
            reader, writer = await connected()
            writer.write(request)
            statuses.append(await answer(reader))
            times.append(time.perf_counter() - due)
            free.append((time.perf_counter(), reader, writer))

    tasks = []
    for number, each in enumerate(requests):
        due = started + number / rate
        while (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        tasks.append(asyncio.create_task(one(each, due)))
    await asyncio.gather(*tasks)
    cut = statistics.quantiles(times, n=1000)
    return {
        "rate": rate,
        "requests": len(times),
        "p50_ms": round(cut[499] * 1000, 1),
        "p99_ms": round(cut[989] * 1000, 1),
        "p999_ms": round(cut[998] * 1000, 1),
        "max_ms": round(max(times) * 1000, 1),
        "not_200": sum(status != 200 for status in statuses),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def answers(port: int) -> None:
    """Wait until the server on the port answers; before that it only accepts connections."""
    for _ in range(2_400):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await answer(reader)
            writer.close()
            return
    raise TimeoutError(f"nothing listens on port {port}")


@asynccontextmanager
async def service(database_url: str) -> AsyncIterator[tuple[int, int]]:
    """Start the service in its own process; yield its port and process id."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(port), "--database-url", database_url]
    )
    try:
        await answers(port)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def serve(port: int, database_url: str) -> None:
    """Be the service: only the webhook, without a worker for the stored events."""
    import aiohttp
    import uvicorn
    from fastapi import FastAPI

    from app.schema import upgrade
    from bot import webhook
    from city.context import Context
    from city.folder import load_city
    from core.clock import SystemClock
    from core.database import Database
    from core.logs import configure_logs
    from core.settings import Settings
    from core.work import LocalQueue, Queue
    from core.work_shared import ProcrastinateQueue

    async def run() -> None:
        configure_logs(json=True)
        database = Database(database_url)
        await upgrade(database)
        clock = SystemClock()
        queue: Queue = LocalQueue(clock)
        if not database.is_sqlite:
            queue = ProcrastinateQueue(database, clock)
        settings = Settings(
            city=SAMPLE,
            database_url=database_url,
            media_dir=Path("unused"),
            public_url=f"http://127.0.0.1:{port}",
            line_channel_secret=SECRET,
            line_channel_access_token="unused",
            secret_key="unused",
        )
        async with aiohttp.ClientSession() as http:
            app = FastAPI()
            app.state.context = Context(
                settings=settings,
                city=load_city(SAMPLE),
                database=database,
                clock=clock,
                queue=queue,
                http=http,
            )
            store = webhook.attach(app, app.state.context)
            app.include_router(webhook.router)
            config = uvicorn.Config(app, port=port, log_level="warning", access_log=False)
            await uvicorn.Server(config).serve()
            await store.stop()
        await database.close()

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used, where the system says it (Linux; 0 elsewhere)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory_mb(pid: int) -> float | None:
    """The most memory a process has held, where the system says it (Linux)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return None if peak is None else round(int(peak) / 1024, 1)


async def measure(database_url: str, wanted: int, seconds: int) -> dict[str, Any]:
    import uvloop  # noqa: F401

    async with service(database_url) as (port, pid):

        def make(first: int, count: int, per_request: int = 1) -> list[bytes]:
            host = f"127.0.0.1:{port}"
            return [
                request(number, "/line/webhook", host, per_request)
                for number in range(first, first + count)
            ]

        await flat_out(port, make(0, 200), 8)
        steady = await at_rate(port, make(1_000, 500 * seconds), 500, 64)
        fast = await at_rate(port, make(100_000, 2_000 * seconds), 2_000, 256)
        used = cpu_seconds(pid)
        most = await flat_out(port, make(300_000, wanted), 64)
        most["service_cpu_us_per_request"] = round((cpu_seconds(pid) - used) / wanted * 1e6)
        bundled = await flat_out(port, make(100_000, wanted // 10, 10), 16)
        bundled["events_per_s"] = bundled["requests_per_s"] * 10
        return {
            "database": database_url.split(":", 1)[0],
            "at_500_a_second": steady,
            "at_2000_a_second": fast,
            "flat_out_one_event_a_request": most,
            "flat_out_ten_events_a_request": bundled,
            "peak_memory_mb": peak_memory_mb(pid),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.database_url)
        return
    import uvloop

    with tempfile.TemporaryDirectory() as folder:
        url = options.database_url or f"sqlite:///{folder}/webhook.sqlite3"
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measure(url, options.requests, options.seconds))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
