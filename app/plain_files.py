"""Keeping the plain files of an emergency fresh, and saying so when they are not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from prometheus_client import Gauge

from city.city import City
from city.context import Context
from city.folder import CityFolder
from core.clock import Clock
from core.database import Database
from public.plain_directory import PlainDirectory
from public.plain_files import RENEWED, File, PlainContent, files_of, read_content, state_key

FAILING = Gauge(
    "todoke_plain_files_failing", "1 while the files for a second web server cannot be written"
)
SAID_AGAIN_SECONDS = 60.0
"""How often a failure that lasts is written into the log."""
LATE = 3 * RENEWED
"""The age at which the files are reported as not fresh."""

log = structlog.get_logger(__name__)


async def write_now(
    database: Database, clock: Clock, city: City, folder: CityFolder, directory: PlainDirectory
) -> int:
    """Write all files; return how many.

    Raises
    ------
    OSError
        A file could not be written. All files that were there are whole.
    """
    content = await _read(database, clock, city, folder, directory)
    return await asyncio.to_thread(_write, content, city, directory)


async def _read(
    database: Database, clock: Clock, city: City, folder: CityFolder, directory: PlainDirectory
) -> PlainContent:
    codes = await asyncio.to_thread(directory.codes)
    async with database.reading() as session:
        return await read_content(session, city, folder, clock.now(), codes)


def _write(content: PlainContent, city: City, directory: PlainDirectory) -> int:
    names: list[str] = []

    def noted() -> Iterator[File]:
        for file in files_of(content, city, city.public_url):
            names.append(file[0])
            yield file

    written = directory.write(noted())
    directory.remove(content.gone)
    directory.drop_further(names)
    return written


class PlainKeeper:
    """Writes the files when something changed, and every ten minutes, so that they are not old.

    Parameters
    ----------
    root
        ``TODOKE_PLAIN_DIR``.
    """

    def __init__(self, context: Context, folder: CityFolder, root: Path) -> None:
        self._context = context
        self._folder = folder
        self._directory = PlainDirectory(root)
        self._written: tuple[str, datetime] | None = None
        self._said_at: float | None = None

    def take_folder(self, folder: CityFolder) -> None:
        """Write from another version of the city's folder from now on."""
        self._folder, self._written = folder, None

    async def keep(self) -> None:
        """Write the files if they are not as they should be. A failure is tried again next time."""
        context = self._context
        at = context.clock.now()
        async with context.database.reading() as session:
            said = await state_key(session, context.city, at)
        if self._written is not None:
            before, when = self._written
            if said == before and timedelta(0) <= at - when < RENEWED:
                return
        try:
            count = await write_now(
                context.database, context.clock, context.city, self._folder, self._directory
            )
        except OSError as error:
            self._alarm(error)
            return
        self._written = (said, at)
        if self._said_at is not None:
            log.info("plain_files.recovered", path=str(self._directory.root))
        self._said_at = None
        FAILING.set(0)
        log.debug("plain_files.written", path=str(self._directory.root), items=count)

    def _alarm(self, error: OSError) -> None:
        FAILING.set(1)
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= SAID_AGAIN_SECONDS:
            self._said_at = now
            log.error("plain_files.failed", path=str(self._directory.root), reason=str(error))


def plain_fault(root: Path, now: datetime) -> str | None:
    """Return what is wrong with the files, whoever writes them; None if they are fresh."""
    try:
        said = json.loads((root / "in-force.json").read_text("utf-8"))
        written = datetime.fromisoformat(said["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        return "not written yet"
    if now - written > LATE:
        return f"not written since {written.isoformat()}"
    return None
