"""A web server that ends at once.

uvicorn looks ten times a second whether it should end, and then waits for a tenth of a second more.
A service ends once, a test's server with each test.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

ROUNDS = 5
"""A connection at rest is closed in the loop's next round or the one after it."""


class PromptServer(uvicorn.Server):
    """uvicorn's server, told to end by :meth:`end`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        """Answer what was asked, and end."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)  # makes the headers of all answers
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        for server in self.servers:
            server.close()
        for connection in list(state.connections):
            connection.shutdown()
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
            if not state.connections and not state.tasks and self.config.lifespan == "off":
                return
        await super().shutdown(sockets)


@asynccontextmanager
async def served(app: Any, config: uvicorn.Config | None = None) -> AsyncIterator[str]:
    """Serve an application on a port of its own; yields its address."""
    config = config or uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False)
    config.port = 0
    listening = config.bind_socket()
    listening.listen()  # who comes before it serves waits
    server = PromptServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.end()
        await serving
        listening.close()
