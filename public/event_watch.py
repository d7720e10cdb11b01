"""Watch what the public is told, once for all who listen in this process.

The database is looked at once a second while somebody listens, however many there are. Every web
process does so by itself, so it does not matter which of them a notice was made in. Notices are
recognised by their ids: one that staff release late is new although its id is old.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.collection import REMINDER_RULE
from city.context import Context
from feeds.in_force import PUBLIC, public_notices
from feeds.models import OVER, Notice, Status
from public.notices import KEPT

log = structlog.get_logger(__name__)
EVERY_SECONDS = 1.0
MOST_LISTENERS = 500
MOST_OF_ONE_ADDRESS = 50
"""Many people of one office, or behind one proxy, have the same address."""
MOST_WAITING = 200
"""Events that wait for a slow listener; one who is slower is cut off and resumes."""
MOST_MISSED = 200
"""Notices that somebody who comes back is told; the feeds have the others."""


@dataclass(frozen=True, kw_only=True)
class Happened:
    """Something that listeners are told.

    Parameters
    ----------
    name
        ``new``, ``corrected``, ``ended`` or ``in-force``.
    number
        The highest id of a notice that was known then. Whoever resumes gets what is above it.
    notice
        What was said; None for ``in-force``.
    in_force
        The notices in force then, the gravest first.
    """

    name: str
    number: int
    notice: Notice | None = None
    in_force: tuple[Notice, ...] = ()
    _made: dict[Hashable, str] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], str]) -> str:
        """Return what ``make`` returns, made once for each ``key``."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


class TooMany(Exception):
    """No more can listen here."""


class Listener:
    """One who listens; ``None`` in the queue is the end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.waiting: asyncio.Queue[Happened | None] = asyncio.Queue(MOST_WAITING + 1)
        self.cut = False

    def tell(self, happened: Happened | None) -> None:
        if self.cut:
            return
        if happened is not None and self.waiting.qsize() >= MOST_WAITING:
            happened = None
        self.cut = happened is None
        self.waiting.put_nowait(happened)


@dataclass
class _Seen:
    """What was public at the last look."""

    ids: set[int]
    number: int
    in_force: tuple[Notice, ...]


class EventWatch:
    """Tells listeners of new, corrected and ended notices.

    Parameters
    ----------
    every
        Seconds between two looks.
    """

    def __init__(self, context: Context, *, every: float = EVERY_SECONDS) -> None:
        self._context = context
        self._every = every
        self._listeners: set[Listener] = set()
        self._of_address: Counter[str] = Counter()
        self._watching: asyncio.Task[None] | None = None
        self._seen: _Seen | None = None
        self._looking = asyncio.Lock()
        self._closed = False

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    async def join(self, address: str, last: int | None) -> tuple[Listener, list[Happened]]:
        """Begin to listen; returns what is in force, and what was missed since ``last``.

        Raises
        ------
        TooMany
            There are too many, or too many from this address, or the service is ending.
        """
        full = len(self._listeners) >= MOST_LISTENERS
        if self._closed or full or self._of_address[address] >= MOST_OF_ONE_ADDRESS:
            raise TooMany
        listener = Listener(address)
        self._listeners.add(listener)
        self._of_address[address] += 1
        try:
            first = await self._beginning(listener, last)
        except BaseException:
            self.leave(listener)
            raise
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="events")
        return listener, first

    def leave(self, listener: Listener) -> None:
        """Stop listening."""
        if listener in self._listeners:
            self._listeners.discard(listener)
            self._of_address[listener.address] -= 1
            if not self._of_address[listener.address]:
                del self._of_address[listener.address]
        if not self._listeners and self._watching is not None:
            self._watching.cancel()
            self._watching = None
            self._seen = None

    def close(self) -> None:
        """End all listening, as the service ends; listeners come back to the next one."""
        self._closed = True
        for listener in self._listeners:
            listener.tell(None)

    async def look(self) -> None:
        """Look at the database once, and tell what happened."""
        async with self._looking:
            before = self._seen
            now = self._context.clock.now()
            async with self._context.database.reading() as session:
                ids = await public_ids(session, now)
                in_force = await public_notices(session, self._context.city.jma.municipality, now)
                fresh = [] if before is None else sorted(ids - before.ids)
                notices = await _read(session, fresh)
            number = max([*ids, before.number if before else 0], default=0)
            self._seen = _Seen(ids if before is None else ids | before.ids, number, tuple(in_force))
            if before is None:
                return
            events = [Happened(name=_name(one), number=number, notice=one) for one in notices]
            holding = {notice.id for notice in in_force}
            said = {notice.replaces_id for notice in notices}
            for one in before.in_force:
                # Whatever a notice of this look takes the place of has been told by that notice.
                if one.id not in holding and one.id not in said:
                    events.append(Happened(name="ended", number=number, notice=one))
            if [notice.id for notice in in_force] != [notice.id for notice in before.in_force]:
                events.append(Happened(name="in-force", number=number, in_force=tuple(in_force)))
            for event in events:
                for listener in self._listeners:
                    listener.tell(event)

    async def _beginning(self, listener: Listener, last: int | None) -> list[Happened]:
        if self._seen is None:
            await self.look()
        async with self._looking:
            # Between two looks: what comes later is in the queue, what was before is read here.
            while not listener.waiting.empty():
                listener.waiting.get_nowait()
            seen = self._seen
            assert seen is not None
            missed: list[Notice] = []
            if last is not None:
                later = sorted(number for number in seen.ids if number > last)[-MOST_MISSED:]
                async with self._context.database.reading() as session:
                    missed = await _read(session, later)
            told = [Happened(name=_name(one), number=one.id or 0, notice=one) for one in missed]
            now = Happened(name="in-force", number=seen.number, in_force=seen.in_force)
            return [*told, now]

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.look()
            except Exception as error:
                # Listeners stay; the next look tells what this one did not.
                log.warning("events.unread", reason=f"{type(error).__name__}: {error}")


async def public_ids(session: AsyncSession, now: datetime, *, drills: bool = False) -> set[int]:
    """Return the ids of the notices that feeds list, drills among them if they are asked for."""
    query = select(Notice.id).where(
        col(Notice.reported_at) > now - KEPT,
        col(Notice.decision).in_(PUBLIC),
        col(Notice.decided_by) != REMINDER_RULE,
    )
    if not drills:
        query = query.where(col(Notice.drill).is_(False))
    return {number for number in await session.scalars(query) if number is not None}


async def _read(session: AsyncSession, ids: list[int]) -> list[Notice]:
    if not ids:
        return []
    query: Any = select(Notice).where(col(Notice.id).in_(ids)).order_by(col(Notice.id))
    return list(await session.scalars(query))


def _name(notice: Notice) -> str:
    if notice.status in OVER:
        return "ended"
    return "corrected" if notice.status is Status.CORRECTED else "new"
