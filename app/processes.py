"""The service, whole or in parts: start, run and stop."""

from __future__ import annotations

import asyncio
import contextlib
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

from app import sandbox, schema, sent_mark
from app.jobs import scheduled_jobs
from app.languages import require_files
from app.media import senders
from app.own_words import WordsNow, attach_words
from app.patience import Patience, allow_many_files, patient
from app.schedule import Scheduler
from app.staff_sender import StaffSender
from app.steady_memory import steady_memory
from app.timekeeping import Timekeeper
from app.warming import warm
from app.web import create_app
from bot.inbox import Inbox
from bot.relay_sender import RelaySender
from bot.richmenu import RichMenus
from bot.richmenu.moves import MenuMoves
from channels.engine import Engine
from channels.line.client import LineClient, open_session
from channels.line.limits import line_limiter
from channels.line.sandbox import SandboxClient
from channels.posts.accounts import keep_accounts
from city.context import Context
from city.folder import CityFolder, load_folder
from console.encryption import Encryption, renew
from core.clock import Clock, SystemClock
from core.database import Database
from core.errors import BadInput
from core.leader import Leader, try_lead
from core.logs import configure_logs
from core.names import Names
from core.settings import Settings
from core.steady import SteadyClock
from core.threads import in_own_thread
from core.work import LocalQueue, NoWorkers, Queue
from reports.outside import internal_of, outside_session
from subscriptions.districts import keep_districts

log = structlog.get_logger(__name__)

GRACE_SECONDS = 10.0
OTHER_KEY = "TODOKE_SECRET_KEY is another than they were set up with"


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
    words: WordsNow


@asynccontextmanager
async def assembled(
    settings: Settings,
    parts: Parts,
    *,
    folder: CityFolder | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Service]:
    """Make everything that a process needs, and close it at the end.

    Raises
    ------
    BadInput
        The city's folder has mistakes, a language lacks its words, the database is at another
        version, or the service is to run in parts, or twice, on SQLite.
    """
    if not settings.is_postgresql and parts != Parts(web=True, work=True, schedule=True):
        raise BadInput("Running the service in parts needs PostgreSQL (TODOKE_DATABASE_URL).")
    folder = folder or load_folder(settings.city)
    require_files(folder.city.languages)
    for fault in folder.left_out:
        log.error("folder_entry.skipped", place=fault.place, reason=str(fault))
    clock = clock or SteadyClock(SystemClock())
    settings = sandbox.of_sandbox(settings)
    database = Database(settings.database_url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await schema.require_newest(database)
        if database.is_sqlite:
            alone = await stack.enter_async_context(try_lead(database, "serve"))
            if not await alone():
                raise BadInput(
                    f"Another service runs on {database.url.database}; two would send twice as "
                    "fast as LINE allows. End it first, or use PostgreSQL for several."
                )
        async with database.writing() as session:
            await keep_districts(session, folder.city)
            await keep_accounts(session, folder.city, clock.now())
        for account in folder.city.posts:
            if not settings.posts.get(account.setting):
                log.error("post.no_address", account=account.name, setting=account.setting)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, resolver=Names()))
        )
        context = Context(
            settings=settings,
            city=folder.city.served_at(settings.public_url),
            database=database,
            clock=clock,
            queue=_queue(settings, parts, database, clock),
            http=http,
        )
        line_http = await stack.enter_async_context(open_session())
        limiter = line_limiter(database, clock, settings)
        client = SandboxClient if settings.sandbox else LineClient
        line = client(line_http, settings, clock, limiter)
        stack.push_async_callback(line.limiter.close)
        await sandbox.guard(database, line, folder.city, clock)
        own = WordsNow(context, folder, settings.city)
        folder = await own.refresh()
        yield Service(context=context, folder=folder, line=line, words=own)


def _queue(settings: Settings, parts: Parts, database: Database, clock: Clock) -> Queue:
    if settings.is_postgresql:
        from core.work_shared import ProcrastinateQueue

        return ProcrastinateQueue(database, clock)
    return LocalQueue(clock) if parts.work else NoWorkers()


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
    """Run until ``stop`` is set or a part fails; then let running work finish.

    Parameters
    ----------
    app
        The web application, if it is not the ordinary one.
    ready
        Called once with the port when the web server answers.

    Raises
    ------
    BadInput
        The web server cannot listen there; nothing else was started.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(steady_memory())
        tasks: list[asyncio.Task[None]] = []
        clock = service.context.clock
        if isinstance(clock, SteadyClock):
            timekeeper = Timekeeper(service.context.database, clock, service.line)
            # Nothing uses a clock that contradicts the stored time.
            await timekeeper.begin()
            tasks.append(asyncio.create_task(timekeeper.run(stop), name="clock"))
        tasks.append(asyncio.create_task(service.words.keep(stop), name="words"))
        if parts.web:
            listening = stack.enter_context(contextlib.closing(_listen(host, port)))
        if parts.work:
            media, database = service.context.settings.media_dir, service.context.database
            await sent_mark.begin(database, media, clock)
            marking = sent_mark.keep(database, media, clock, stop)
            tasks.append(asyncio.create_task(marking, name="mark"))
            context = service.context
            by_media = senders(context, service.line)
            for medium in by_media:
                stack.push_async_callback(medium.close)
            engine = Engine(context.database, context.city, context.clock, context.queue, by_media)
            inbox = Inbox(context, service.line, service.folder)
            service.words.follow(inbox.take_folder)
            menus = RichMenus(context, service.line)
            inbox.register()
            menus.register()
            MenuMoves(context, service.line, menus).register()
            StaffSender(context, service.line).register()
            internal = internal_of(context.settings.internal_hosts)
            outside = await stack.enter_async_context(outside_session(internal))
            RelaySender(context, outside).register()
            tasks.append(asyncio.create_task(context.queue.run(stop), name="work"))
            tasks.append(asyncio.create_task(engine.run(stop), name="engine"))
            await inbox.recover()
            await engine.recover()
        if parts.schedule:
            leader = await stack.enter_async_context(Leader(service.context.database))
            found = await stack.enter_async_context(
                scheduled_jobs(service.context, service.words, service.line)
            )
            jobs = Scheduler(found, leader.leads, service.context.clock)
            jobs.start()
            stack.push_async_callback(jobs.stop)
        if parts.web:
            await _encrypt_keys(service.context)
            app = app or create_app(service.context, service.line, folder=service.folder)
            attach_words(app, service.words)
            store = app.state.webhook_store
            await store.start()
            stack.push_async_callback(store.stop)
            stack.push_async_callback(app.state.tallies.stop)
            server = _Server(web_config(app, service.context.settings), ready)
            tasks.append(asyncio.create_task(server.serve([listening]), name="web"))
            stack.callback(server.end)
            # Who listens to events would keep the server from ending.
            stack.callback(app.state.events.close)
        if parts.web or parts.work:
            in_own_thread(warm, service.context.city.languages, pages=parts.web)
        await _until_stopped(stop, tasks)
        log.info("service.stopping")
        if parts.web and app is not None:
            app.state.events.close()
            server.end()
        _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS) if tasks else (set(), set())
        for task in late:
            task.cancel()


async def _encrypt_keys(context: Context) -> None:
    """Encrypt keys of one-time codes that are in clear or of an earlier ``TODOKE_SECRET_KEY``."""
    encryption = Encryption.of(context.settings)
    done = await renew(context.database, encryption, context.clock.now(), actor="service")
    if done.changed:
        log.info("codes.encrypted", keys=done.changed)
    if done.unreadable:
        lost = len(done.unreadable)
        log.error("codes.unreadable", accounts=lost, reason=OTHER_KEY)


def web_config(
    app: FastAPI, settings: Settings, patience: Patience | None = None
) -> uvicorn.Config:
    """Return the web server's configuration; a trusted proxy's ``X-Forwarded-For`` gives the
    client.

    ``patience`` is how long it waits for the rest of a request.
    """
    return uvicorn.Config(
        app,
        log_config=None,
        http=patient(patience or Patience()),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )


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
    """Uvicorn without its signal handlers; it reports when it is ready."""

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
    allow_many_files()

    async def main() -> None:
        stop = stop_on_signals()
        async with assembled(settings, parts) as service:
            await run(
                service,
                parts,
                stop,
                host=host,
                port=port,
                ready=lambda taken: log.info("service.started", url=f"http://{host}:{taken}"),
            )

    uvloop.run(main())


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
