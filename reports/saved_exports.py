"""Exports that take long: written in the background, fetched when they are ready, gone after a day.

The row says how far an export is, for every process; the file is in the media folder.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.context import Context
from core.database import Database
from core.reason import Reason, other
from reports.exports import Export, Wording
from reports.geopackage import export_geopackage
from reports.models import SavedExport, Sending
from reports.reasons import reason

FOLDER = "exports"
"""In the media folder; no backup has it."""
KEPT_FOR = timedelta(days=1)
DEAD_AFTER = timedelta(seconds=60)
"""Without a sign of life for so long, the process that wrote it has ended."""
STORED_EVERY = 1.0
"""Seconds between two stored signs of life."""
AT_ONCE = 2
SHOWN = 5

log = structlog.get_logger(__name__)


async def begin(
    session: AsyncSession, export: Export, *, account: str, now: datetime
) -> SavedExport:
    """Store that an export is written from now on."""
    made = SavedExport(
        account=account,
        file=f"{secrets.token_hex(16)}.gpkg",
        reports=export.number,
        created_at=now,
        seen_at=now,
    )
    session.add(made)
    await session.flush()
    return made


async def of_account(session: AsyncSession, account: str, now: datetime) -> Sequence[SavedExport]:
    """Return an account's newest exports that can still be fetched or waited for."""
    query = (
        select(SavedExport)
        .where(col(SavedExport.account) == account, col(SavedExport.created_at) > now - KEPT_FOR)
        .order_by(col(SavedExport.id).desc())
    )
    return list(await session.scalars(query.limit(SHOWN)))


async def find(session: AsyncSession, export_id: int, account: str) -> SavedExport | None:
    """Return an export of this account; another's is as if it were not there."""
    found = await session.get(SavedExport, export_id)
    return found if found is not None and found.account == account else None


def is_dead(saved: SavedExport, now: datetime) -> bool:
    """Whether nobody writes it any more, though it is not ready."""
    return saved.state is Sending.TRYING and abs(now - saved.seen_at) > DEAD_AFTER


def path_of(media_dir: Path, saved: SavedExport) -> Path:
    """Return where an export's file is."""
    return media_dir / FOLDER / saved.file


async def forget_old(database: Database, media_dir: Path, now: datetime) -> int:
    """Delete exports that were made a day ago, with their files; return how many."""
    async with database.writing() as session:
        gone = await session.scalars(
            delete(SavedExport)
            .where(col(SavedExport.created_at) <= now - KEPT_FOR)
            .returning(col(SavedExport.id))
            .execution_options(synchronize_session=False)
        )
        number = len(list(gone))
    async with database.reading() as session:
        named = set(await session.scalars(select(col(SavedExport.file))))
    await asyncio.to_thread(_sweep, media_dir / FOLDER, named)
    return number


def _sweep(folder: Path, named: set[str]) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.removesuffix(".part") not in named:
            path.unlink(missing_ok=True)


class SavedExports:
    """Writes exports in this process; ``app.state.saved_exports``."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._database = context.database
        self._places = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()

    def start(self, saved: SavedExport, export: Export, wording: Wording) -> None:
        """Write a stored export; whoever waits looks at its row."""
        task = asyncio.create_task(self._run(saved, export, wording))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """End what is being written; the page says that it has ended."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def finished(self) -> None:
        """Wait until nothing is being written."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, saved: SavedExport, export: Export, wording: Wording) -> None:
        path = path_of(self._context.settings.media_dir, saved)
        part = path.with_name(f"{path.name}.part")
        alive = asyncio.create_task(self._show_life(saved, progress := _Progress()))
        try:
            async with self._places:
                await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
                now = self._context.clock.now()
                await export_geopackage(
                    self._database, export, part, wording, now, written=progress.add
                )
                await asyncio.to_thread(part.replace, path)
            await self._store(saved, Sending.DONE, progress.done, None)
            log.info("export.finished", rows=progress.done)
        except asyncio.CancelledError:
            await self._store(saved, Sending.STOPPED, progress.done, None)
            raise
        except Exception as error:
            log.exception("export.failed", reason=str(error))
            why = reason("export.disk") if _is_full(error) else other(str(error))
            await self._store(saved, Sending.FAILED, progress.done, why)
        finally:
            alive.cancel()
            with suppress(OSError):
                part.unlink(missing_ok=True)

    async def _show_life(self, saved: SavedExport, progress: _Progress) -> None:
        while True:
            await asyncio.sleep(STORED_EVERY)
            await self._store(saved, Sending.TRYING, progress.done, None)

    async def _store(
        self, saved: SavedExport, state: Sending, done: int, why: Reason | None
    ) -> None:
        async with self._database.writing() as session:
            await session.execute(
                update(SavedExport)
                .where(col(SavedExport.id) == saved.id, col(SavedExport.state) == Sending.TRYING)
                .values(state=state, done=done, error=why, seen_at=self._context.clock.now())
                .execution_options(synchronize_session=False)
            )


class _Progress:
    """How many reports of an export are written."""

    def __init__(self) -> None:
        self.done = 0

    def add(self, number: int) -> None:
        self.done += number


def _is_full(error: Exception) -> bool:
    """Whether the disk could not take it: SQLite says that with an error of its own."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return isinstance(error, OSError)
