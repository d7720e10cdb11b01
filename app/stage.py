"""A service on one machine whose LINE is the simulator: shared by the demo and rehearsals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from sqlmodel import col, select

from city.city import City
from console import passwords
from console.accounts import add_staff
from console.models import Role
from console.web import DemoAccount
from core.clock import Clock
from core.database import Database
from core.errors import BadInput
from core.languages import LANGUAGES
from core.settings import Settings
from simulator.line.client import SimulatorClient
from subscriptions.generate import generate
from subscriptions.models import Resident

HOST = "127.0.0.1"
START_SECONDS = 20.0
STAFF = (
    ("admin", Role.ADMIN, "井上 真理", ""),
    ("disaster", Role.DISASTER, "佐藤 花子", ""),
    ("colleague", Role.DISASTER, "鈴木 次郎", ""),
    ("roads", Role.ROADS, "森 千夏", ""),
    ("news", Role.EDITOR, "石井 奈央", ""),
    ("waste", Role.DEPARTMENT, "三浦 陽一", "waste"),
)
"""Invented people: the part of their address before the host, what they may do, their name and
their department; nobody is there for a department that the city does not have."""


@dataclass(frozen=True)
class Ports:
    """Ports of the service and of the simulator; 0 means any free one."""

    service: int
    simulator: int


def stage_settings(state: Path, ports: Ports) -> Settings:
    """Return settings whose database is in ``state``, whose LINE is the simulator, and whose
    secrets are new.
    """
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


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the ``TODOKE_*`` variables from which a process reads the same settings."""
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
    if settings.push is not None:
        values["VAPID_PRIVATE_KEY"] = settings.push.private_key
        values["PUSH_SERVICES"] = ",".join(settings.push.services)
    return {f"TODOKE_{name}": str(value) for name, value in values.items()} | dict(settings.posts)


@asynccontextmanager
async def simulator_beside(
    settings: Settings,
    city: City,
    port: int,
    *,
    phones: Sequence[tuple[str, str]],
    friends: int = 0,
    account_name: str = "",
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[None]:
    """The simulator as a separate process, with some people who do not follow yet.

    Parameters
    ----------
    phones
        Name and language of each of them.
    friends
        Friends of the account who never wrote to it.
    environment
        Of the process; by default this process's own.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "app.cli", "simulator", "--port", str(port), "--any-user"),
        *("--friends", str(friends)),
        *("--webhook-url", f"{settings.public_url}/line/webhook"),
        *("--account-name", account_name or city.line_name),
        *("--map", str(settings.city / "areas.geojson")),
        env={
            **(os.environ if environment is None else environment),
            "TODOKE_LINE_CHANNEL_SECRET": settings.line_channel_secret,
            "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": settings.line_channel_access_token,
        },
    )
    try:
        async with SimulatorClient(settings.line_api_url) as client:
            await _until_it_answers(client, process)
            for name, language in phones:
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


async def add_people(
    database: Database, city: City, clock: Clock, *, residents: int, seed: int, host: str
) -> list[DemoAccount]:
    """Add synthetic residents, and staff with new passwords at ``host``."""
    now = clock.now()
    await generate(database, city, residents, seed=seed, now=now)
    accounts = []
    known = {one.code for one in city.departments}
    for account, role, name, department in STAFF:
        if department and department not in known:
            continue
        email = f"{account}@{host}"
        shown = secrets.token_urlsafe(15)
        password = await passwords.chosen(shown)
        async with database.writing() as session:
            await add_staff(
                session,
                email,
                role,
                password,
                name=name,
                departments=(department,) if department else (),
                now=now,
                actor=host.partition(".")[0],
            )
        accounts.append(DemoAccount(email, shown, role, name))
    return accounts


async def befriend(database: Database, simulator: str) -> list[str]:
    """Count the synthetic residents as the account's friends; return their LINE user ids."""
    async with database.reading() as session:
        found = await session.scalars(select(Resident.line_user_id).order_by(col(Resident.id)))
        users = [user for user in found if user is not None]
    async with SimulatorClient(simulator) as client:
        await client.add_friends(user_ids=users)
    return users


def free_port(port: int, option: str) -> int:
    """Return ``port`` if it is free; for 0, any free port.

    Raises
    ------
    BadInput
        It is taken; the message names ``option``.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise BadInput(f"Port {port} is taken; choose another with {option}.") from None
        return int(probe.getsockname()[1])
