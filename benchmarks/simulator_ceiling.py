"""Measure how much the simulator can take: multicasts of 500 and distinct pushes a second, and its
CPU.

Run ``python benchmarks/simulator_ceiling.py [--json]``. The simulator runs in its own process
without limits. The caller is as cheap as possible (prepared bytes over plain sockets), so that the
simulator and not the caller is measured. On a machine with two cores, each has one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from simulator.line import SimulatorOptions, run

CONNECTIONS = 32
ROUNDS = {"multicast": 20_000, "push": 40_000}


@dataclass(frozen=True)
class Ceiling:
    """The results for one endpoint."""

    endpoint: str
    requests: int
    requests_per_second: float
    recipients_per_second: float
    server_cpu_us_per_request: float


def serve(ready: multiprocessing.Queue[str]) -> None:
    """Run the stand-in until the process is ended."""
    options = SimulatorOptions(
        channel_access_token="t", any_user=True, rate_limits=False, ledger="compact"
    )
    run(options, ready.put)


class Caller(asyncio.Protocol):
    """Sends one request after another until there are none left."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._done = done
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(b"}"):
            return
        if not self._received.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(RuntimeError(self._received.decode()))
            return
        self._received = b""
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is not None:
            self._transport.write(request)
            return
        self._transport.close()
        self._done.set_result(None)


def post(endpoint: str, body: bytes) -> bytes:
    """A whole request."""
    head = (
        f"POST /v2/bot/message/{endpoint} HTTP/1.1\r\nHost: stand-in\r\nAuthorization: Bearer t\r\n"
        f"Content-Type: application/json\r\nX-Line-Retry-Key: {uuid.uuid4()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def multicasts(count: int) -> Iterator[bytes]:
    ids = ["U" + secrets.token_hex(16) for _ in range(500)]
    content = {"messages": [{"type": "text", "text": "避難指示 " * 40}], "to": ids}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    for _ in range(count):
        yield post("multicast", body)


def pushes(count: int) -> Iterator[bytes]:
    for number in range(count):
        text = f"{number} 様、お子さんの健診は5月29日です。"
        content = {"to": f"U{number:032x}", "messages": [{"type": "text", "text": text}]}
        yield post("push", json.dumps(content, ensure_ascii=False).encode())


async def call(port: int, requests: Iterator[bytes]) -> None:
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(CONNECTIONS)]
    for end in ends:
        await loop.create_connection(partial(Caller, requests, end), "127.0.0.1", port)
    await asyncio.gather(*ends)


def cpu_seconds(pid: int) -> float:
    """CPU a process has used, in seconds; from Linux's /proc, fields utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(endpoint: str, make: Callable[[int], Iterator[bytes]], port: int, pid: int) -> Ceiling:
    count = ROUNDS[endpoint]
    uvloop.run(call(port, make(500)))
    before, start = cpu_seconds(pid), time.perf_counter()
    uvloop.run(call(port, make(count)))
    elapsed = time.perf_counter() - start
    used = cpu_seconds(pid) - before
    recipients = 500 if endpoint == "multicast" else 1
    return Ceiling(
        endpoint,
        count,
        round(count / elapsed),
        round(count * recipients / elapsed),
        round(used / count * 1e6, 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    ready: multiprocessing.Queue[str] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ready,))
    server.start()
    try:
        port = int(ready.get(timeout=30).rpartition(":")[2])
        pid = server.pid or 0
        found = [
            measure("multicast", multicasts, port, pid),
            measure("push", pushes, port, pid),
        ]
    finally:
        server.terminate()
        server.join()
    if arguments.json:
        print(json.dumps([asdict(each) for each in found]))
        return
    print(f"{'endpoint':10} {'requests/s':>11} {'recipients/s':>13} {'CPU µs/request':>15}")
    for each in found:
        print(
            f"{each.endpoint:10} {each.requests_per_second:>11,.0f}"
            f" {each.recipients_per_second:>13,.0f} {each.server_cpu_us_per_request:>15}"
        )


if __name__ == "__main__":
    main()
