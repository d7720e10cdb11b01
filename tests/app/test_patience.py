"""Half-sent requests do not block others; over real sockets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest
from fastapi import FastAPI, Request

from app.patience import Patience
from app.processes import web_config
from core.settings import Settings
from tests.support.serving import served

Serve = Callable[[Patience], AbstractAsyncContextManager[str]]
SHORT = 0.05
LONG = 3600.0
WHOLE = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture
def serve(settings: Settings) -> Serve:
    app = FastAPI()

    @app.get("/")
    async def answer() -> str:
        return "here"

    @app.post("/")
    async def take(request: Request) -> int:
        return len(await request.body())

    @asynccontextmanager
    async def serving(patience: Patience) -> AsyncIterator[str]:
        async with served(app, web_config(app, settings, patience)) as url:
            yield url

    return serving


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTT",
        b"GET / HTTP/1.1\r\nHost: here\r\nX-Long: ",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
    ],
)
async def test_a_request_that_is_never_whole_is_given_up(serve: Serve, sent: bytes) -> None:
    async with serve(Patience(head_seconds=SHORT, body_seconds=SHORT)) as url:
        reader, writer = await connect(url)
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("more", [b"GET / HTT", b"\r\n"])
async def test_a_later_request_of_a_connection_is_given_up_as_well(
    serve: Serve, more: bytes
) -> None:
    async with serve(Patience(head_seconds=SHORT)) as url:
        reader, writer = await connect(url)
        writer.write(WHOLE)
        async with asyncio.timeout(10):
            await reader.readuntil(b'"here"')
            writer.write(more)
            assert await reader.read() == b""
        writer.close()


async def test_a_body_that_comes_steadily_is_taken_however_long_it_is(serve: Serve) -> None:
    patience = Patience(head_seconds=LONG, body_seconds=1.0, body_bytes=1)
    size = 3_000_000

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size // 1_000):
            yield b"x" * 1_000

    async with (
        serve(patience) as url,
        aiohttp.ClientSession() as http,
        http.post(url, data=body()) as answer,
    ):
        assert await answer.json() == size


async def test_many_half_sent_requests_leave_room_for_a_whole_one(serve: Serve) -> None:
    async with serve(Patience(head_seconds=LONG, most_waiting=3)) as url:
        half = [await connect(url) for _ in range(6)]
        for _, writer in half:
            writer.write(b"GET / HTT")
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert answer.status == 200
        async with asyncio.timeout(10):
            # The oldest went; the newest wait on.
            for reader, _ in half[:3]:
                assert await reader.read() == b""
            _, writer = half[-1]
            writer.write(b"P/1.1\r\nHost: here\r\n\r\n")
            assert (await half[-1][0].readline()).startswith(b"HTTP/1.1 200")
        for _, writer in half:
            writer.close()


@pytest.mark.slow
def test_the_process_may_open_as_many_files_as_the_machine_lets_it() -> None:
    said = (
        "import resource as r; hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; "
        "r.setrlimit(r.RLIMIT_NOFILE, (64, hard)); "
        "from app.patience import MOST_FILES, allow_many_files; allow_many_files(); "
        "print(r.getrlimit(r.RLIMIT_NOFILE)[0] == min(hard, MOST_FILES))"
    )
    run = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"
