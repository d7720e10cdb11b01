"""The service, whole or in parts: what is made at its start, what runs, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from bot import schema
from bot.app import create_app
from bot.chores import chores
from bot.inbox import Inbox
from bot.richmenu import RichMenus
from bot.schedule import scheduler
from channels.engine import Engine
from channels.limiter import Limiter
from channels.line import LineClient
from core.city_folder import CityFolder, load_folder
from core.clock import Clock, SystemClock
from core.context import Context
from core.database import Database
from core.errors import BadInput
from core.leader import Leader
from core.logs import configure_logs
from core.settings import Settings
from core.work import LocalQueue, NoWorkers, Queue
from subscriptions.districts import keep_districts

log = structlog.get_logger(__name__)

GRACE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Which parts of the service a process runs."""

    web: bool = False
    work: bool = False
    schedule: bool = False


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of the service, joined but not yet running."""

    context: Context
    folder: CityFolder
    line: LineClient


@asynccontextmanager
async def assembled(
    settings: Settings,
    parts: Parts,
    *,
    folder: CityFolder | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Service]:
    """Make everything a process needs, and close it again.

    Raises
    ------
    BadInput
        The city's folder has mistakes, the database is not at this version, or the service
        is to be run in parts on SQLite.
    """
    if not settings.is_postgresql and parts != Parts(web=True, work=True, schedule=True):
        raise BadInput("Running the service in parts needs PostgreSQL (TODOKE_DATABASE_URL).")
    folder = folder or load_folder(settings.city)
    clock = clock or SystemClock()
    database = Database(settings.database_url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await schema.require_newest(database)
        async with database.writing() as session:
            await keep_districts(session, folder.city)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        context = Context(
            settings=settings,
            city=folder.city.with_shelter_page(f"{settings.public_url}/shelters"),
            database=database,
            clock=clock,
            queue=_queue(settings, parts, database, clock),
            http=http,
        )
        line = LineClient(http, settings, clock, _limiter(settings, database, clock))
        stack.push_async_callback(line.limiter.close)
        yield Service(context=context, folder=folder, line=line)


def _queue(settings: Settings, parts: Parts, database: Database, clock: Clock) -> Queue:
    if settings.is_postgresql:
        from core.work_shared import ProcrastinateQueue

        return ProcrastinateQueue(database, clock)
    return LocalQueue(clock) if parts.work else NoWorkers()


def _limiter(settings: Settings, database: Database, clock: Clock) -> Limiter | None:
    """LINE's limits: shared with the other processes on PostgreSQL, this one's on SQLite."""
    if not settings.is_postgresql:
        return None
    from channels.shares import shared_limiter

    return shared_limiter(database, clock, settings)


async def run(
    service: Service,
    parts: Parts,
    stop: asyncio.Event,
    *,
    app: FastAPI | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Run until ``stop`` is set or a part fails; then let what is half done end.

    Parameters
    ----------
    app
        The web application, where it is not the ordinary one.
    ready
        Called once with the port, when the web answers.

    Raises
    ------
    BadInput
        The web cannot listen there; nothing else was begun then.
    """
    async with contextlib.AsyncExitStack() as stack:
        # What is loaded by now stays; to look through it for garbage again and again would
        # cost some tens of milliseconds each time, in which nothing is sent.
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        tasks: list[asyncio.Task[None]] = []
        if parts.web:
            listening = stack.enter_context(contextlib.closing(_listen(host, port)))
        if parts.work:
            context = service.context
            engine = Engine(
                context.database, context.city, context.clock, context.queue, service.line
            )
            inbox = Inbox(context, service.line, service.folder)
            menus = RichMenus(context, service.line)
            inbox.register()
            menus.register()
            tasks.append(asyncio.create_task(context.queue.run(stop), name="work"))
            tasks.append(asyncio.create_task(engine.run(stop), name="engine"))
            await inbox.recover()
            await engine.recover()
        if parts.schedule:
            leader = await stack.enter_async_context(Leader(service.context.database))
            found = await stack.enter_async_context(chores(service.context, service.folder))
            jobs = scheduler(found, leader.leads, service.context.clock.now())
            jobs.start()
            stack.callback(jobs.shutdown, wait=False)
        if parts.web:
            app = app or create_app(service.context, service.line, folder=service.folder)
            store = app.state.webhook_store
            await store.start()
            stack.push_async_callback(store.stop)
            server = _Server(web_config(app, service.context.settings), ready)
            tasks.append(asyncio.create_task(server.serve([listening]), name="web"))
            stack.callback(server.end)
        await _until_stopped(stop, tasks)
        log.info("stopping")
        if parts.web:
            server.end()
        _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS) if tasks else (set(), set())
        for task in late:
            task.cancel()


def web_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how the web is served: who stands before it is who the proxy says, if it is ours."""
    return uvicorn.Config(app, log_config=None, forwarded_allow_ips=list(settings.trusted_proxies))


async def _until_stopped(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Wait for the end, or raise what ended one of the parts before its time."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        stop.set()
        stopping.cancel()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise BadInput(f"{host}:{port} cannot be used: {error.strerror or error}.") from error


class _Server(uvicorn.Server):
    """Uvicorn, with signals left to us, that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None and self.started and sockets:
            self._ready(int(sockets[0].getsockname()[1]))

    def end(self) -> None:
        self.should_exit = True


def run_service(
    settings: Settings, parts: Parts, *, host: str = "127.0.0.1", port: int = 8000
) -> None:
    """Run the service until it is told to stop (SIGINT, SIGTERM)."""
    configure_logs()

    async def main() -> None:
        stop = stop_on_signals()
        async with assembled(settings, parts) as service:
            await run(
                service,
                parts,
                stop,
                host=host,
                port=port,
                ready=lambda taken: log.info("ready", address=f"http://{host}:{taken}"),
            )

    uvloop.run(main())


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
