"""The city's own words as they hold now, in this process.

What an office confirms in the console holds in every process within seconds, and in the one that
stored it at once. The day on which something begins counts in Japan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import structlog
from fastapi import FastAPI

from city.context import Context
from city.folder import CityFolder, load_folder
from city.own_words import FolderWords
from core import own_words
from core.clock import in_japan
from core.database import Database
from core.kept import KeptBytes
from core.own_words import Overlay
from public.drawing import CALENDAR_BYTES
from reports.kind_toml import with_kinds
from reports.kinds import city_now

LOOK_SECONDS = 1.0
"""How often a process looks whether another one stored something."""

log = structlog.get_logger(__name__)

Take = Callable[[CityFolder], None]


class WordsNow:
    """The folder with what holds now; whoever keeps a part of it is told when it changes.

    Parameters
    ----------
    context
        The service's parts.
    folder
        The folder as it was read at the start.
    root
        Where it lies.
    """

    def __init__(self, context: Context, folder: CityFolder, root: Path) -> None:
        self.words = FolderWords(root, folder)
        self.folder = folder
        self._city = folder.city
        self.overlay: Overlay = {}
        self._context = context
        self._takers: list[Take] = []
        self._known: tuple[tuple[int, int], date] | None = None
        self._seen = (-1, date.min)
        self._looked = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    def follow(self, take: Take) -> None:
        """Give the folder of now, and each later one."""
        self._takers.append(take)
        take(self.folder)

    async def refresh(self) -> CityFolder:
        """Return the folder of now. It costs a small query at most once a second."""
        async with self._one_at_a_time:
            clock = self._context.clock
            here = own_words.changes.count, in_japan(clock.now()).date()
            if here == self._seen and clock.monotonic() < self._looked + LOOK_SECONDS:
                return self.folder
            async with self._context.database.reading() as session:
                known = await own_words.state_of(session), here[1]
                overlay = None if known == self._known else await own_words.overlay(session)
            if overlay is not None:
                await self._lay(overlay, here[1])
            self._known, self._seen, self._looked = known, here, clock.monotonic()
            return self.folder

    async def _lay(self, overlay: Overlay, day: date) -> None:
        if not overlay and not self.overlay:
            return
        try:
            made = await asyncio.to_thread(self.words.laid_over, overlay, day)
        except Exception:
            # What held before goes on, until something is changed again.
            log.exception("own_words.not_taken")
            return
        self.folder, self.overlay = made, overlay
        if made.city is not self._city:
            self._city = made.city
            self._context.city = made.city.served_at(self._context.settings.public_url)
        for take in self._takers:
            take(made)
        log.info("own_words.taken", rows=sum(map(len, overlay.values())), faults=len(made.left_out))

    async def keep(self, stop: asyncio.Event) -> None:
        """Look until ``stop`` is set."""
        while not stop.is_set():
            try:
                await self.refresh()
            except Exception:
                log.exception("own_words.not_taken")
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue


async def folder_now(database: Database, root: Path, now: datetime) -> CityFolder:
    """Return the folder as it holds now, for a command."""
    async with database.reading() as session:
        overlay = await own_words.overlay(session)
    base = load_folder(root)
    return FolderWords(root, base).laid_over(overlay, in_japan(now).date()) if overlay else base


async def written_out(database: Database, root: Path, to: Path, now: datetime) -> list[str]:
    """Write the folder as it holds now as files; return the names of those that differ."""
    base = load_folder(root)
    async with database.reading() as session:
        overlay = await own_words.overlay(session)
        city = await city_now(session, base.city)
    changed = FolderWords(root, base).write_out(to, overlay, in_japan(now).date())
    if city is not base.city:
        file = to / "city.toml"
        text = with_kinds(file.read_text("utf-8-sig"), city.report_categories)
        file.write_text(text, "utf-8")
        changed = sorted({*changed, "city.toml"})
    return changed


def attach_words(app: FastAPI, words: WordsNow) -> None:
    """Have an application's pages show the folder of now."""

    def take(folder: CityFolder) -> None:
        app.state.folder = folder
        # Files that were made of another folder.
        app.state.calendars = KeptBytes(CALENDAR_BYTES)

    app.state.own_words = words
    words.follow(take)
