"""The demo: the whole service on one machine, without a LINE account.

It has a sample city with some hundred synthetic residents, a feed server that plays recorded days,
the service, and the simulator as a separate process. Each start deletes the old state.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import uvloop
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from sqlmodel import select

from app import demo_pages, schema
from app.processes import Parts, assembled, run, stop_on_signals
from app.web import create_app
from city.city import City
from city.folder import CityFolder, load_city, load_folder
from console import passwords
from console.accounts import add_staff
from console.models import Role
from console.web import DemoAccount
from core.clock import Clock, SystemClock
from core.database import Database
from core.errors import BadInput
from core.languages import LANGUAGES
from core.logs import QUIET, configure_logs
from core.settings import SAMPLE_CITY, Settings
from simulator.agency.dangers import ASAMA, COAST
from simulator.agency.server import RecordedDays
from simulator.line.client import SimulatorClient
from subscriptions.generate import generate
from subscriptions.models import Resident

STATE = Path("var/demo")
HOST = "127.0.0.1"
RESIDENTS = 300
FRIENDS = 1_000
"""Friends of the account who never wrote to it."""
UNKNOWN_FRIENDS = """
[unknown_friends]
level = 5
"""
POLL_SECONDS = 3
GAPS = (POLL_SECONDS + 1.0, 20.0)
"""Seconds between alarms of a recorded day: each can be seen separately, and nobody waits long."""
PHONES = (("さくら", "ja"), ("ဇင်မာ", "my"), ("Maria", "pt"))
STAFF = (
    ("admin", Role.ADMIN),
    ("disaster", Role.DISASTER),
    ("colleague", Role.DISASTER),
    ("roads", Role.ROADS),
)
START_SECONDS = 20.0


@dataclass(frozen=True)
class Ports:
    """Ports of the demo; 0 means any free one."""

    service: int
    simulator: int


def run_demo(*, port: int, simulator_port: int) -> None:
    """Run the demo until it is told to stop.

    Raises
    ------
    BadInput
        A port is in use, or a demo already runs in this folder.
    """
    configure_logs(level=QUIET)
    ports = Ports(_free(port, "--port"), _free(simulator_port, "--simulator-port"))
    with _alone():
        uvloop.run(_demo(ports))


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep a second demo from deleting the state of the first.

    The lock ends with the process, however it ends.
    """
    STATE.parent.mkdir(parents=True, exist_ok=True)
    with STATE.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(
                f"A demo runs in this folder already (it keeps its state in {STATE}); "
                "stop it first, or start this one in another folder."
            ) from None
        yield


async def _demo(ports: Ports) -> None:
    stop = stop_on_signals()
    clock = SystemClock()
    parts = Parts(web=True, work=True, schedule=True)
    async with RecordedDays(clock, gaps=GAPS) as days:
        settings = _settings(ports)
        await asyncio.to_thread(_prepare, settings, days)
        folder = _polled_often(load_folder(settings.city))
        async with (
            _simulator(settings, folder.city, ports.simulator),
            assembled(settings, parts, folder=folder, clock=clock) as made,
        ):
            accounts = await _people(made.context.database, folder.city, clock)
            await _befriend(made.context.database, settings.line_api_url)
            app = create_app(made.context, made.line, folder=made.folder)
            places = demo_pages.DemoPlaces(
                phone=settings.line_api_url,
                console=f"{settings.public_url}/console",
                public=f"{settings.public_url}/",
                feeds=days,
            )
            _join_demo(app, places, accounts)
            await run(
                made,
                parts,
                stop,
                app=app,
                host=HOST,
                port=ports.service,
                ready=lambda _: _say(places, settings, accounts),
            )


def _settings(ports: Ports) -> Settings:
    state = STATE.resolve()
    simulator = f"http://{HOST}:{ports.simulator}"
    return Settings(
        city=state / "city",
        database_url=f"sqlite:///{state / 'todoke.sqlite3'}",
        media_dir=state / "media",
        public_url=f"http://{HOST}:{ports.service}",
        line_channel_secret=secrets.token_hex(16),
        line_channel_access_token=secrets.token_hex(32),
        line_api_url=simulator,
        line_data_api_url=simulator,
        secret_key=secrets.token_hex(32),
    )


def _prepare(settings: Settings, days: RecordedDays) -> None:
    """Delete the old state, and write the environment for commands in another terminal.

    The sample city is copied, with its sources on the feed server.
    """
    if STATE.exists():
        shutil.rmtree(STATE)
    settings.media_dir.mkdir(parents=True)
    schema.upgrade_now(settings.database_url)
    shutil.copytree(SAMPLE_CITY, settings.city)
    sample = load_city(SAMPLE_CITY)
    recorded = days.addresses(sample)
    written = settings.city / "city.toml"
    text = written.read_text(encoding="utf-8")
    for source in sample.sources:
        text = text.replace(f'"{source.url}"', f'"{recorded.get(source.code, source.url)}"')
    written.write_text(text + UNKNOWN_FRIENDS, encoding="utf-8")
    values = {
        "CITY": settings.city,
        "DATABASE_URL": settings.database_url,
        "MEDIA_DIR": settings.media_dir,
        "PUBLIC_URL": settings.public_url,
        "LINE_CHANNEL_SECRET": settings.line_channel_secret,
        "LINE_CHANNEL_ACCESS_TOKEN": settings.line_channel_access_token,
        "LINE_API_URL": settings.line_api_url,
        "LINE_DATA_API_URL": settings.line_data_api_url,
        "SECRET_KEY": settings.secret_key,
    }
    lines = (f"export TODOKE_{name}={shlex.quote(str(value))}\n" for name, value in values.items())
    environment = STATE / "environment"
    environment.touch(mode=0o600)
    environment.write_text("".join(lines), encoding="utf-8")


def _polled_often(folder: CityFolder) -> CityFolder:
    """The city, with its sources polled every few seconds, for those who watch.

    It follows a coast and a volcano nearby, so that their recorded days concern it.
    """
    city = folder.city
    sources = tuple(
        source.model_copy(update={"interval_seconds": POLL_SECONDS}) for source in city.sources
    )
    jma = city.jma.model_copy(
        update={"tsunami_regions": (COAST[0],), "volcanoes": (ASAMA[0],)},
    )
    return replace(folder, city=city.model_copy(update={"sources": sources, "jma": jma}))


@asynccontextmanager
async def _simulator(settings: Settings, city: City, port: int) -> AsyncIterator[None]:
    """The simulator as a separate process, with some people who do not follow yet."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "app.cli", "simulator", "--port", str(port), "--any-user"),
        *("--friends", str(FRIENDS)),
        *("--webhook-url", f"{settings.public_url}/line/webhook"),
        *("--account-name", city.line_name, "--map", str(settings.city / "areas.geojson")),
        env={
            **os.environ,
            "TODOKE_LINE_CHANNEL_SECRET": settings.line_channel_secret,
            "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": settings.line_channel_access_token,
        },
    )
    try:
        async with SimulatorClient(settings.line_api_url) as client:
            await _until_it_answers(client, process)
            for name, language in PHONES:
                await client.add_user(name, LANGUAGES[language].code)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _until_it_answers(client: SimulatorClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            if process.returncode is not None:
                raise BadInput(f"The simulator ended at once, with exit code {process.returncode}.")
            with contextlib.suppress(aiohttp.ClientConnectionError):
                await client.state()
                return
            await asyncio.sleep(0.05)


async def _people(database: Database, city: City, clock: Clock) -> list[DemoAccount]:
    """Add the residents and the staff."""
    now = clock.now()
    await generate(database, city, RESIDENTS, seed=1, now=now)
    accounts = []
    for name, role in STAFF:
        email = f"{name}@demo.example"
        shown = secrets.token_urlsafe(15)
        password = await passwords.chosen(shown)
        async with database.writing() as session:
            await add_staff(session, email, role, password, now=now, actor="demo")
        accounts.append(DemoAccount(email, shown, role))
    return accounts


async def _befriend(database: Database, simulator: str) -> None:
    """Count the synthetic residents as the account's friends."""
    async with database.reading() as session:
        users = list(await session.scalars(select(Resident.line_user_id)))
    async with SimulatorClient(simulator) as client:
        await client.add_friends(user_ids=users)


def _join_demo(app: FastAPI, places: demo_pages.DemoPlaces, accounts: list[DemoAccount]) -> None:
    app.state.demo = True
    app.state.demo_accounts = tuple(accounts)
    app.state.demo_places = places
    app.include_router(demo_pages.router)
    app.mount("/static/demo", StaticFiles(directory=Path(__file__).parent / "static"))


def _say(places: demo_pages.DemoPlaces, settings: Settings, accounts: list[DemoAccount]) -> None:
    first = accounts[0]
    print(
        "\nTodoke とどけ is ready.\n\n"
        f"  phone          {places.phone}/\n"
        f"  staff console  {places.console}   ({first.email} / {first.password})\n"
        f"  public page    {places.public}\n\n"
        f"Play a recorded day, such as the rainstorm: {settings.public_url}/demo\n"
        f"Commands in another terminal: source {shlex.quote(str(STATE / 'environment'))}\n"
        "Stop with Ctrl+C.\n",
        flush=True,
    )


def _free(port: int, option: str) -> int:
    """Return ``port`` if it is free; for 0, any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise BadInput(f"Port {port} is taken; choose another with {option}.") from None
        return int(probe.getsockname()[1])
