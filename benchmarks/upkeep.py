"""Measure the upkeep of a large city, and how long others wait meanwhile.

    python benchmarks/upkeep.py DATABASE_URL --task audit|retention|backup|restore|upgrade

``benchmarks/console.py fill`` makes such a database. ``retention`` erases from it: use a copy.
Meanwhile a writer asks for its turn every 20 ms, and the delay of the event loop is measured.
``backup`` and ``restore`` are compared with copying the same bytes to the same disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from sqlalchemy import text

from app.backup import backup, restore
from app.retention import forget
from city.context import Context
from city.folder import load_city
from core.audit_check import check_new, check_whole
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings, StateSettings
from core.work import NoWorkers

CITY = Path("deploy/city")


@dataclass
class Waits:
    """How long a writer waited for its turn, and a timer for the event loop, in seconds."""

    writer: list[float] = field(default_factory=list)
    loop: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return "; ".join(
            f"{name} p50 {_ms(found, 0.5)} p99 {_ms(found, 0.99)} worst {_ms(found, 1.0)} ms"
            for name, found in (("writer waits", self.writer), ("event loop waits", self.loop))
            if found
        )


def _ms(found: list[float], share: float) -> str:
    return f"{sorted(found)[min(len(found) - 1, int(len(found) * share))] * 1000:.1f}"


@asynccontextmanager
async def others(database: Database) -> AsyncIterator[Waits]:
    """Others who want to write, and an event loop that wants to go on."""
    waits = Waits()

    async def write() -> None:
        while True:
            await asyncio.sleep(0.02)
            began = time.perf_counter()
            async with database.writing() as session:
                waits.writer.append(time.perf_counter() - began)
                await session.execute(text("UPDATE areas SET retired = retired WHERE 1 = 0"))

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            waits.loop.append(time.perf_counter() - began - 0.005)

    tasks = [asyncio.create_task(write()), asyncio.create_task(tick())]
    try:
        yield waits
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def beside_others(url: str, work: Callable[[Database], Awaitable[object]]) -> None:
    database = Database(url)
    try:
        async with others(database) as waits:
            began = time.perf_counter()
            await work(database)
            took = time.perf_counter() - began
    finally:
        await database.close()
    print(f"{took:.1f} s; {waits}")


async def audit(database: Database) -> None:
    known = await check_whole(database, SystemClock(), again=True)
    began = time.perf_counter()
    await check_new(database, SystemClock())
    new = (time.perf_counter() - began) * 1000
    print(f"{known.through} entries, broken: {known.broken}; what is new: {new:.1f} ms")


async def retention(database: Database) -> None:
    async with aiohttp.ClientSession() as http:
        with tempfile.TemporaryDirectory() as media:
            settings = Settings(
                city=CITY,
                database_url=database.url.render_as_string(hide_password=False),
                media_dir=Path(media),
                public_url="http://127.0.0.1",
                line_channel_secret="x",
                line_channel_access_token="x",
                secret_key="x",
            )
            await forget(
                Context(
                    settings=settings,
                    city=load_city(CITY),
                    database=database,
                    clock=SystemClock(),
                    queue=NoWorkers(),
                    http=http,
                )
            )


def archived(url: str, folder: Path, task: str) -> None:
    state, file = StateSettings(database_url=url, media_dir=folder / "media"), folder / "backup"
    if task == "restore":
        subprocess.run(
            [sys.executable, __file__, url, "--task", "backup", "--in", str(folder)],
            check=True,
        )
    began = time.perf_counter()
    if task == "backup":
        backup(state, file)
    else:
        target = StateSettings(
            database_url=f"sqlite:///{folder / 'restored.sqlite3'}", media_dir=folder / "media"
        )
        restore(target, file, force=True)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{task}: {took:.1f} s, peak {peak} MB, archive {file.stat().st_size / 1e6:.0f} MB")
    database = Path(url.partition("///")[2])
    if url.startswith("sqlite") and database.exists():
        began = time.perf_counter()
        with database.open("rb") as source, (folder / "copy").open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            os.fsync(copy.fileno())
        copied = time.perf_counter() - began
        print(f"a copy of the same file: {copied:.1f} s; ratio {took / copied:.2f}")


def upgrade(url: str) -> None:
    environment = {**os.environ, "TODOKE_DATABASE_URL": url}
    command = [sys.executable, "-P", "-m", "app.cli", "db", "upgrade"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    for name, asked in (("db upgrade", command), ("python alone", [sys.executable, "-c", ""])):
        began = time.perf_counter()
        subprocess.run(asked, env=environment, check=True, capture_output=True)
        print(f"{name}: {time.perf_counter() - began:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    tasks = ("audit", "retention", "backup", "restore", "upgrade")
    parser.add_argument("--task", choices=tasks, required=True)
    parser.add_argument("--in", dest="folder", type=Path, help="where archives go")
    chosen = parser.parse_args()
    if chosen.task in ("audit", "retention"):
        work = audit if chosen.task == "audit" else retention
        asyncio.run(beside_others(chosen.url, work))
    elif chosen.task == "upgrade":
        upgrade(chosen.url)
    elif chosen.folder is not None:
        archived(chosen.url, chosen.folder, chosen.task)
    else:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            archived(chosen.url, Path(folder), chosen.task)


if __name__ == "__main__":
    main()
