"""The webhook alone in a separate process; nothing works on the events that it stores.

``python -m tests.support.webhook_process PORT DATABASE_URL PIPE`` serves until it is killed.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import tempfile
from pathlib import Path

import aiohttp
import uvicorn
from fastapi import FastAPI
from sqlmodel import SQLModel

import bot.models as _tables  # noqa: F401
from bot import webhook
from city.context import Context
from city.folder import load_city
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from core.work import LocalQueue, Queue
from core.work_shared import ProcrastinateQueue
from tests.support.machine import free_port
from tests.support.processes import Forked
from tests.support.project import PROJECT, SAMPLE_CITY
from tests.support.queues import install_schema
from tests.support.town import SECRET


def start(database_url: str) -> tuple[Forked, int]:
    """Start one and wait until it listens; return the process and its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        says = Path(folder, "listens")
        os.mkfifo(says)
        reader = os.open(says, os.O_RDONLY | os.O_NONBLOCK)
        arguments = [str(port), database_url, str(says)]
        process = Forked("tests.support.webhook_process", arguments, folder=PROJECT)
        try:
            listens, _, _ = select.select([reader], [], [], 60)
            assert listens, "the process does not listen"
        finally:
            os.close(reader)
    return process, port


async def serve(port: int, database_url: str, says: Path) -> None:
    """Serve, and write into the pipe ``says`` once connections are taken."""
    database = Database(database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    clock = SystemClock()
    queue: Queue = LocalQueue(clock)
    if not database.is_sqlite:
        await install_schema(database.url)
        queue = ProcrastinateQueue(database, clock)
    settings = Settings(
        city=SAMPLE_CITY,
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
            city=load_city(SAMPLE_CITY),
            database=database,
            clock=clock,
            queue=queue,
            http=http,
        )
        webhook.attach(app, app.state.context)
        app.include_router(webhook.router)
        config = uvicorn.Config(app, port=port, log_level="warning", access_log=False)
        listening = config.bind_socket()
        listening.listen()
        says.write_bytes(b"listens")
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
