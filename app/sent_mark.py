"""A mark outside the database of what was sent, to detect an older database.

It is in the folder of the photos. With it, a start detects a database that was put back by other
means than ``todoke restore`` (a snapshot of the disk, the database's own tools).
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from app.restored import hold_back
from channels.models import Delivery
from core.clock import Clock
from core.database import Database

NAME = ".todoke-sent.json"
KEEP_SECONDS = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SentMark:
    """The newest delivery, and the last time at which the service ran."""

    delivery_id: int
    at: datetime


def read_mark(media: Path) -> SentMark | None:
    """Return the mark; None if it is missing or unreadable."""
    try:
        content = json.loads((media / NAME).read_text())
        return SentMark(int(content["delivery_id"]), datetime.fromisoformat(content["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_mark(media: Path, mark: SentMark) -> None:
    """Replace the mark in one step."""
    media.mkdir(parents=True, exist_ok=True)
    made = media / f"{NAME}.{os.getpid()}"
    content = {"delivery_id": mark.delivery_id, "at": mark.at.astimezone(UTC).isoformat()}
    made.write_text(json.dumps(content))
    made.replace(media / NAME)


async def keep_mark(database: Database, media: Path, clock: Clock) -> None:
    """Write the mark again."""
    newest = select(func.max(col(Delivery.id)))
    async with database.reading() as session:
        found = await session.scalar(newest)
    write_mark(media, SentMark(found or 0, clock.now()))


async def keep(database: Database, media: Path, clock: Clock, stop: asyncio.Event) -> None:
    """Write the mark again and again until ``stop`` is set."""
    stopped = asyncio.create_task(stop.wait())
    try:
        while not stopped.done():
            pause = asyncio.ensure_future(clock.sleep(KEEP_SECONDS))
            await asyncio.wait((stopped, pause), return_when=asyncio.FIRST_COMPLETED)
            pause.cancel()
            try:
                await keep_mark(database, media, clock)
            except (SQLAlchemyError, OSError) as error:
                log.warning("sent_mark.failed", reason=str(error))
    finally:
        stopped.cancel()


async def begin(database: Database, media: Path, clock: Clock) -> bool:
    """At the start, if the database is older than the mark: hold back what may have been sent.

    Returns whether it is. Retention erases the oldest deliveries, so the newest one is missing only
    in another database.
    """
    mark = read_mark(media)
    async with database.reading() as session:
        newest = await session.scalar(select(func.max(col(Delivery.id)))) or 0
    older = mark is not None and mark.delivery_id > newest
    if mark is not None and older:
        async with database.writing() as session:
            await hold_back(session, mark.at, clock.now())
        log.error(
            "database.outdated",
            newest_delivery_id=newest,
            delivery_id=mark.delivery_id,
            sent_at=mark.at.isoformat(),
        )
    await keep_mark(database, media, clock)
    return older
