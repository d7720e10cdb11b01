"""Who gets a delivery, read from the database in ranges of resident ids.

The database groups the ids and hands them over as one string a group, so that a million
residents never become a million Python objects.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, func
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.members import unpack
from channels.models import Batch, BatchState, Delivery
from subscriptions.audience import AudienceQuery, audience_select
from subscriptions.models import Resident, ResidentState

USER_SEPARATOR = '","'
USER_STRIDE = 33 + len(USER_SEPARATOR)
"""Characters a user id and its separator take: ``U``, 32 hexadecimal digits, three more."""
FIRST_RANGE = 4_000
RANGE = 100_000
GROWTH = 5
"""Resident ids that are read at a time; at first fewer, so that sending starts at once."""
READ_AHEAD = 2


@dataclass(frozen=True)
class Group:
    """Residents who read one language and have the same quiet hours.

    ``users`` are their LINE user ids in the same order, each with ``","`` behind it; empty
    where they were not read.
    """

    language: str
    quiet_start: int | None
    quiet_end: int | None
    ids: array[int]
    users: str = ""


@dataclass(frozen=True)
class Chunk:
    """The part of an audience with ``after < id <= through``."""

    after: int
    through: int
    groups: list[Group]


async def read_in_ranges(
    session: AsyncSession, delivery: Delivery, after: int, limit: int, had_wrong: bytearray | None
) -> AsyncGenerator[Chunk]:
    """Yield the audience of a delivery with ``after < id <= limit``, a range of ids at a time.

    At least one chunk is yielded, however few there are. The next ranges are read while the
    caller works on one. ``had_wrong`` is as for :func:`read_groups`.
    """
    turn = asyncio.Lock()

    async def read(after: int, through: int) -> Chunk:
        # A session serves one at a time.
        async with turn:
            groups = await read_groups(session, delivery, after, through, had_wrong)
        return Chunk(after, through, groups)

    ahead: deque[asyncio.Task[Chunk]] = deque()
    try:
        for first, last in _ranges(after, limit):
            ahead.append(asyncio.create_task(read(first, last)))
            if len(ahead) > READ_AHEAD:
                yield await ahead.popleft()
        while ahead:
            yield await ahead.popleft()
    finally:
        if ahead:
            # The caller closes the session next.
            await asyncio.wait(ahead)


def _ranges(after: int, limit: int) -> Iterator[tuple[int, int]]:
    size = FIRST_RANGE
    through = min(after + size, limit)
    yield after, through
    while through < limit:
        size = min(size * GROWTH, RANGE)
        after, through = through, min(through + size, limit)
        yield after, through


async def read_groups(
    session: AsyncSession, delivery: Delivery, after: int, through: int, had_wrong: bytearray | None
) -> list[Group]:
    """Return the audience of a delivery with ``after < id <= through``.

    Parameters
    ----------
    had_wrong
        For a correction, the residents who may have got the wrong one (see :func:`bitmap`);
        they belong to the audience whether the notice concerns them or not.
    """
    groups: list[Group] = []
    quiet = delivery.respects_quiet
    concerned: set[int] = set()
    if delivery.audience:
        query = AudienceQuery.from_json(delivery.audience)
        rows = audience_select(query, after=after, through=through)
        groups = await _grouped(session, rows.add_columns(col(Resident.line_user_id)), quiet)
        if had_wrong is not None:
            concerned = {each for group in groups for each in group.ids}
    if had_wrong is not None and any(had_wrong[after // 8 : through // 8 + 1]):
        everybody = sql_select(
            col(Resident.id),
            col(Resident.language),
            col(Resident.quiet_start),
            col(Resident.quiet_end),
            col(Resident.line_user_id),
        ).where(
            col(Resident.state) == ResidentState.FOLLOWING,
            col(Resident.id) > after,
            col(Resident.id) <= through,
        )
        for group in await _grouped(session, everybody, quiet):
            ids = array("I", _only(group.ids, had_wrong, concerned))
            if ids:
                groups.append(Group(group.language, group.quiet_start, group.quiet_end, ids))
    return groups


def _only(ids: Iterable[int], wanted: bytearray, unwanted: set[int]) -> Iterable[int]:
    size = len(wanted)
    for each in ids:
        byte = each >> 3
        if byte < size and wanted[byte] >> (each & 7) & 1 and each not in unwanted:
            yield each


async def _grouped(session: AsyncSession, audience: Any, quiet: bool) -> list[Group]:
    """Run an audience's statement with its rows grouped by what makes a batch."""
    rows = audience.order_by(None).subquery()
    key, language, start, end, user = list(rows.c)
    columns = [language, start, end] if quiet else [language]
    joined: list[Any]
    if session.get_bind().dialect.name == "sqlite":
        joined = [func.group_concat(key, ","), func.group_concat(user, USER_SEPARATOR)]
    else:
        joined = [
            func.string_agg(sql_cast(key, String), ","),
            func.string_agg(user, USER_SEPARATOR),
        ]
    statement = sql_select(*joined, *columns).group_by(*columns)
    groups: list[Group] = []
    for ids, users, name, *hours in await session.execute(statement):
        first, last = hours or (None, None)
        numbers = array("I", json.loads(f"[{ids}]"))
        # They are cut at fixed places later, so all must be of one length, as LINE's are.
        even = len(users) + len(USER_SEPARATOR) == len(numbers) * USER_STRIDE
        groups.append(Group(name, first, last, numbers, users + USER_SEPARATOR if even else ""))
    return groups


async def bitmap(session: AsyncSession, delivery_id: int) -> bytearray:
    """Return one bit a resident: whether a delivery reached them, or may have.

    Counted in are batches that LINE took and those that were tried and whose fate is not
    known; not those that LINE refused.
    """
    bits = bytearray()
    statement = select(Batch.members, Batch.absent).where(
        col(Batch.delivery_id) == delivery_id,
        (col(Batch.state) == BatchState.SENT) | col(Batch.first_tried_at).is_not(None),
    )
    stream = await session.stream(statement)
    async for members, absent in stream:
        ids = unpack(members)
        if not ids:
            continue
        missing = unpack(absent or b"")
        highest = max(ids) // 8 + 1
        if highest > len(bits):
            bits.extend(bytes(highest - len(bits)))
        for each in ids:
            bits[each >> 3] |= 1 << (each & 7)
        for each in missing:
            bits[each >> 3] &= ~(1 << (each & 7))
    return bits
