"""Check that the audit trail is unchanged: read its chain of hashes again, a few entries at a time.

The frequent check reads only new entries: it continues after the last entry that was right
(``AuditCheck.through``). It cannot see earlier changes. So every night, and when staff ask, a check
begins at the first entry. That check also sees missing entries at the end. Hashes are computed in
another thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Gauge
from sqlalchemy import func
from sqlmodel import col, select

from core.audit import GENESIS, AuditCheck, AuditEntry, entry_hash
from core.clock import JAPAN, Clock
from core.database import Database

CHUNK = 500
"""Entries read at once: a few milliseconds."""
NOTED = 20_000
"""Number of entries after which a long check stores its progress, to continue after an
interruption.
"""
REST = 2.0
"""How long a check pauses after each chunk, as a multiple of its duration."""
SMALL = 2_000
"""A trail of so many entries is read from the first one on while somebody waits for it."""
NIGHT_HOUR = 3
"""When, in Japan, the check from the first entry on begins."""

UNREADABLE = (ValueError, TypeError, AttributeError)
"""Errors that a damaged date or detail raises."""

BREAKS = Gauge("todoke_audit_broken", "1 while the audit trail has an entry that does not fit")
log = structlog.get_logger(__name__)

Noted = Callable[[int], None]
"""Called with the last entry that was read."""


@dataclass(frozen=True)
class CheckedEntry:
    """An entry that was found right, by its id and hash; ``0`` is before the first."""

    id: int = 0
    hash: str = GENESIS


@dataclass(frozen=True)
class Walk:
    """The progress of a walk, and the first entry with a wrong hash."""

    link: CheckedEntry
    broken: int | None = None
    ended: bool = False


async def state(database: Database) -> AuditCheck:
    """Return what is known of the trail."""
    async with database.reading() as session:
        return await session.get(AuditCheck, 1) or AuditCheck()


async def check_new(database: Database, clock: Clock, *, most: int | None = None) -> AuditCheck:
    """Read at most ``most`` entries written since the last check; return what is known."""
    known = await state(database)
    link, read = CheckedEntry(known.through, known.hash), 0
    while True:
        began = time.monotonic()
        walk = await _walk(database, link, CheckedEntry())
        read += CHUNK
        link = walk.link
        over = walk.ended or walk.broken is not None or (most is not None and read >= most)
        if over:
            break
        if read % NOTED == 0:
            await _note_new(database, walk, None, clock.now())
        await asyncio.sleep(REST * (time.monotonic() - began))
    return await _note_new(database, walk, clock.now() if walk.ended else None, clock.now())


async def check_whole(
    database: Database, clock: Clock, *, again: bool = False, noted: Noted | None = None
) -> AuditCheck:
    """Read the trail from its first entry, with pauses for other work; return what is known.

    An interrupted check continues where it stopped. With ``again`` it starts over.
    """
    known = await ask_for_whole(database, clock.now(), again=again)
    link, seen = (
        CheckedEntry(known.whole_through, known.whole_hash),
        CheckedEntry(known.through, known.hash),
    )
    read = 0
    while True:
        began = time.monotonic()
        walk = await _walk(database, link, seen)
        if walk.ended and seen.id > walk.link.id:
            walk = replace(walk, broken=seen.id, ended=False)  # the end was cut off
        link = walk.link
        if noted is not None:
            noted(link.id)
        if walk.broken is not None or walk.ended:
            return await _note_whole(database, walk, clock.now())
        read += CHUNK
        if read % NOTED == 0:
            await _note_whole(database, walk, clock.now())
        await asyncio.sleep(REST * (time.monotonic() - began))


async def ask_for_whole(database: Database, now: datetime, *, again: bool = False) -> AuditCheck:
    """Request a check from the first entry; return what is known."""
    async with database.writing() as session:
        known = await session.get(AuditCheck, 1) or AuditCheck()
        if known.whole_since is None or again:
            known.whole_since, known.whole_through, known.whole_hash = now, 0, GENESIS
            session.add(known)
    return known


async def check_while_waiting(database: Database, clock: Clock) -> AuditCheck:
    """The check for a page: all of a small trail, the newest entries of a large one.

    :func:`keep_checked` reads the rest within a minute.
    """
    async with database.reading() as session:
        last = await session.scalar(select(func.max(col(AuditEntry.id)))) or 0
    known = await state(database)
    if max(last, known.through) <= SMALL:
        return await check_whole(database, clock, again=True)
    return await check_new(database, clock, most=SMALL)


async def keep_checked(database: Database, clock: Clock) -> None:
    """Read new entries; every night, or on request, read all. The scheduler runs it."""
    known = await state(database)
    whole = known.whole_since is not None or _is_due(known, clock.now())
    known = await (check_whole if whole else check_new)(database, clock)
    BREAKS.set(known.broken is not None)


def _is_due(known: AuditCheck, now: datetime) -> bool:
    local = now.astimezone(JAPAN)
    night = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    if night > local:
        night -= timedelta(days=1)
    return known.whole_at is None or known.whole_at < night


async def _walk(database: Database, link: CheckedEntry, seen: CheckedEntry) -> Walk:
    """Read the next entries behind ``link``, and ``link`` itself once more."""
    statement = (
        select(*_COLUMNS)
        .where(col(AuditEntry.id) >= link.id)
        .order_by(col(AuditEntry.id))
        .limit(CHUNK)
    )
    try:
        async with database.reading() as session:
            rows = (await session.execute(statement)).all()
    except UNREADABLE:
        return await _walk_singly(database, link, seen)
    walk = await asyncio.to_thread(_follow, rows, link, seen)
    return replace(walk, ended=walk.broken is None and len(rows) < CHUNK)


async def _walk_singly(database: Database, link: CheckedEntry, seen: CheckedEntry) -> Walk:
    """Like :func:`_walk`, for entries of which one has an unreadable date or detail."""
    rows: list[Any] = []
    async with database.reading() as session:
        ids = await session.scalars(
            select(AuditEntry.id)
            .where(col(AuditEntry.id) >= link.id)
            .order_by(col(AuditEntry.id))
            .limit(CHUNK)
        )
        for number in list(ids):
            try:
                one = select(*_COLUMNS).where(col(AuditEntry.id) == number)
                rows.append((await session.execute(one)).one())
            except UNREADABLE:
                walk = _follow(rows, link, seen) if rows else Walk(link)
                return replace(walk, broken=number if walk.broken is None else walk.broken)
    return _follow(rows, link, seen)


_COLUMNS: tuple[Any, ...] = (
    AuditEntry.id,
    AuditEntry.at,
    AuditEntry.actor,
    AuditEntry.action,
    AuditEntry.subject,
    AuditEntry.detail,
    AuditEntry.previous_hash,
    AuditEntry.hash,
)


def _follow(rows: Sequence[Any], link: CheckedEntry, seen: CheckedEntry) -> Walk:
    """Follow the chain through ``rows``, the first of which is ``link`` itself.

    ``seen`` is an entry that an earlier check found right; it must still be there, unchanged.
    """
    rest = list(rows)
    if link.id:
        if not rest or rest[0].id != link.id or rest[0].hash != link.hash or not _is_right(rest[0]):
            return Walk(link, link.id)
        del rest[0]
    for row in rest:
        if row.previous_hash != link.hash or not _is_right(row):
            return Walk(link, row.id)
        if link.id < seen.id <= row.id and (row.id, row.hash) != (seen.id, seen.hash):
            return Walk(link, seen.id)
        link = CheckedEntry(row.id, row.hash)
    return Walk(link)


def _is_right(row: Any) -> bool:
    try:
        made = entry_hash(row.previous_hash, row.at, row.actor, row.action, row.subject, row.detail)
    except UNREADABLE:
        return False
    stored: str = row.hash
    return made == stored


async def _note_new(
    database: Database, walk: Walk, at: datetime | None, now: datetime
) -> AuditCheck:
    async with database.writing() as session:
        known = await session.get(AuditCheck, 1) or AuditCheck()
        if walk.link.id > known.through:
            known.through, known.hash = walk.link.id, walk.link.hash
        known.checked_at = at or known.checked_at
        _note_break(known, walk, now)
        session.add(known)
    return known


async def _note_whole(database: Database, walk: Walk, now: datetime) -> AuditCheck:
    async with database.writing() as session:
        known = await session.get(AuditCheck, 1) or AuditCheck()
        known.whole_through, known.whole_hash = walk.link.id, walk.link.hash
        if walk.broken is not None or walk.ended:
            known.whole_since, known.whole_at, known.checked_at = None, now, now
        if walk.ended and walk.broken is None:
            known.broken = known.broken_at = None
            if walk.link.id > known.through:
                known.through, known.hash = walk.link.id, walk.link.hash
        _note_break(known, walk, now)
        session.add(known)
    return known


def _note_break(known: AuditCheck, walk: Walk, now: datetime) -> None:
    if walk.broken is None:
        return
    log.error("audit.broken", entry_id=walk.broken)
    if known.broken is None or walk.broken < known.broken:
        known.broken, known.broken_at = walk.broken, now
