"""Promise 2 for another medium than LINE, when its process is killed in the middle of a batch.

A real process writes each message as a file into a folder. It is killed with SIGKILL while batches
are half written, and another one goes on. LINE's own test is ``test_crash.py``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlmodel import col, select

from channels import dispatch
from channels.models import Batch, DeliveryState
from core.clock import SystemClock
from core.database import Database
from core.work import NoWorkers, Queue
from core.work_shared import ProcrastinateQueue
from feeds.models import Notice
from tests.support.engine import LANGUAGES, add_residents, make_notice, small_city, user_id
from tests.support.folder_medium import Folder, FolderMedium
from tests.support.queues import install_schema
from tests.support.senders import start_folder_sender

pytestmark = pytest.mark.slow

PEOPLE = 1_000
KILLED_AT = (150, 400, 650)
"""The number of files at which a process is killed."""
DEAD_AFTER_SECONDS = 3.0


async def delivered(database: Database, queue: Queue, notice: Notice) -> int:
    """Write a delivery by the folder."""
    clock = SystemClock()
    async with database.writing() as session:
        session.add(notice)
        await session.flush()
        delivery = await dispatch.deliver(
            session,
            queue,
            notice,
            small_city(),
            clock.now(),
            created_by="rule:test",
            medium=FolderMedium(clock, Folder(path=Path())),
        )
        assert delivery.id is not None
        return delivery.id


async def half_written(database: Database, folder: Folder, delivery: int) -> int:
    """Return how many batches have some of their files and not all."""
    async with database.reading() as session:
        statement = select(Batch).where(col(Batch.delivery_id) == delivery)
        batches = list(await session.scalars(statement))
    files = folder.files_by_key()
    return sum(0 < files[each.retry_key] < each.size for each in batches)


async def until_it_has(folder: Folder, files: int) -> None:
    """Wait until a folder has so many files."""
    async with asyncio.timeout(60):
        while folder.files_by_key().total() < files:
            await asyncio.sleep(0.005)


async def test_everybody_exactly_once_though_processes_are_killed_within_a_batch(
    database: Database, tmp_path: Path
) -> None:
    await add_residents(database, 1, PEOPLE, medium="folder")
    queue: Queue = NoWorkers()
    if not database.is_sqlite:
        await install_schema(database.url)
        queue = ProcrastinateQueue(database, SystemClock())
    path, log = tmp_path / "messages", tmp_path / "sender.log"
    path.mkdir()
    folder = Folder(path=path)
    notice = make_notice(now=SystemClock().now())
    delivery = await delivered(database, queue, notice)

    process = start_folder_sender(path, database, log, dead_after=DEAD_AFTER_SECONDS)
    try:
        for files in KILLED_AT:
            await until_it_has(folder, files)
            process.kill()
            await process.ended()
            assert await half_written(database, folder, delivery) > 0
            process = start_folder_sender(path, database, log, dead_after=DEAD_AFTER_SECONDS)
        async with asyncio.timeout(60):
            async for state in dispatch.follow(database, delivery):
                if state.ended:
                    break
    finally:
        process.kill()
        await process.ended()

    assert (state.state, state.sent, state.failed) == (DeliveryState.DONE, PEOPLE, 0)
    assert sorted(folder.received()) == sorted(
        (user_id(number), notice.texts[LANGUAGES[number % 4]]["title"])
        for number in range(1, PEOPLE + 1)
    )
    assert {file.suffix for file in path.iterdir()} == {".json"}
