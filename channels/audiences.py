"""Read the audience of a delivery from the database, in ranges of resident ids.

The database groups the ids and returns one string for each group, so that a million residents never
become a million Python objects.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from sqlalchemy import String, func
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from channels.addresses import Addresses
from channels.chain import WARNED, FollowUpPlan, wording_for
from channels.models import Delivery, Wording
from subscriptions.audience import audience_select
from subscriptions.audience_query import AudienceQuery, Standby
from subscriptions.media import of_medium
from subscriptions.models import Resident, ResidentState

FIRST_RANGE = 4_000
RANGE = 50_000
GROWTH = 5
"""Resident ids read at a time; fewer at first, so that sending starts at once. More at a
time hold up the event loop for longer; with half as many, planning costs a fifth more.
"""
READ_AHEAD = 2


@dataclass(frozen=True)
class Group:
    """Residents who read one language and have the same quiet hours.

    ``users`` are their addresses in the same order, each followed by the medium's separator and
    ``stride`` characters long with it; empty if they were not read.
    """

    language: str
    quiet_start: int | None
    quiet_end: int | None
    ids: array[int]
    users: str = ""
    wording: Wording = Wording.MAIN
    stride: int = 0


@dataclass(frozen=True)
class Chunk:
    """The part of an audience with ``after < id <= through``."""

    after: int
    through: int
    groups: list[Group]


async def read_in_ranges(
    session: AsyncSession,
    delivery: Delivery,
    after: int,
    limit: int,
    chain: FollowUpPlan | None,
    addresses: Addresses,
    query: AudienceQuery | None = None,
) -> AsyncGenerator[Chunk]:
    """Yield the audience of a delivery with ``after < id <= limit``, a range of ids at a time.

    At least one chunk is yielded, even for an empty audience. The next ranges are read while the
    caller works on one. The rest is as for :func:`read_groups`.
    """
    turn = asyncio.Lock()

    async def read(after: int, through: int) -> Chunk:
        # A session can run only one query at a time.
        async with turn:
            groups = await read_groups(session, delivery, after, through, chain, addresses, query)
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
    session: AsyncSession,
    delivery: Delivery,
    after: int,
    through: int,
    chain: FollowUpPlan | None,
    addresses: Addresses,
    query: AudienceQuery | None = None,
) -> list[Group]:
    """Return the audience of a delivery with ``after < id <= through``.

    Parameters
    ----------
    chain
        For a follow-up, who was told what in its chain. Everybody who was told anything is in the
        audience, whether the notice concerns them or not.
    addresses
        Of the medium. They are read too if all have one width.
    query
        The audience of one level, for a delivery with several; else the delivery's.
    """
    groups: list[Group] = []
    quiet = delivery.respects_quiet
    if query is None and delivery.audience:
        query = AudienceQuery.from_json(delivery.audience)
    if query is not None:
        rows = audience_select(query, after=after, through=through)
        groups = await _grouped(session, rows, quiet, addresses)
    if chain is None:
        return groups
    still = await _marks(session, chain.still, after, through)
    part = _Part(chain, after, through, still)
    concerned = [part_of for group in groups for part_of in part.concerned(group)]
    for unheard in chain.unheard:
        rows = audience_select(unheard, after=after, through=through)
        found = await _grouped(session, rows, quiet, addresses)
        concerned += [part_of for group in found for part_of in part.unheard(group)]
    if not part.has_others():
        return concerned
    here = await _marks(session, chain.here, after, through)
    everybody = sql_select(
        col(Resident.id),
        col(Resident.language),
        col(Resident.quiet_start),
        col(Resident.quiet_end),
    ).where(
        col(Resident.state) == ResidentState.FOLLOWING,
        col(Resident.id) > after,
        col(Resident.id) <= through,
        *of_medium(delivery.channel, Standby.TOO),
    )
    others = await _grouped(session, everybody, quiet)
    return [*concerned, *(each for group in others for each in part.others(group, here))]


class _Part:
    """A range of residents of a follow-up, to be divided by what its chain told them."""

    def __init__(
        self, chain: FollowUpPlan, after: int, through: int, still: bytearray | None
    ) -> None:
        self._chain = chain
        self._after = after
        size = through - after
        self._told = bytes(chain.told[after + 1 : through + 1]).ljust(size, b"\0")
        self._seen = bytearray(size)
        self._still = bytearray(size) if still is None else still
        goes_on = int.from_bytes(self._still, "little") * _STILL
        kinds = int.from_bytes(self._told, "little") | goes_on
        self._kinds = kinds.to_bytes(size, "little")
        """What they heard last, and whether the earlier notice stays in force where they live."""

    def concerned(self, group: Group) -> Iterator[Group]:
        """Divide the residents whom the notice concerns by what they were told and what stays in
        force.
        """
        places = [each - self._after - 1 for each in group.ids]
        for place in places:
            self._seen[place] = 1
        kinds = bytes(map(self._kinds.__getitem__, places))
        words = {kind: self._words(kind) for kind in set(kinds)}
        wordings = dict.fromkeys(words.values())
        if len(wordings) == 1:
            yield replace(group, wording=next(iter(wordings)))
            return
        for wording in wordings:
            chosen = [words[kind] is wording for kind in kinds]
            yield from chosen_of(group, chosen, wording)

    def _words(self, kind: int) -> Wording:
        return wording_for(
            self._chain.status,
            here=True,
            still=bool(kind & _STILL),
            warned=kind & ~_STILL == WARNED,
        )

    def unheard(self, group: Group) -> Iterator[Group]:
        """Take residents who were not told of the notice that stays in force where they live."""
        places = [each - self._after - 1 for each in group.ids]
        chosen = [not self._told[place] and not self._seen[place] for place in places]
        for place in compress(places, chosen):
            self._seen[place] = 1
        yield from chosen_of(group, chosen, Wording.UNHEARD)

    def has_others(self) -> bool:
        """Whether somebody who was told is not concerned by the notice."""
        told = int.from_bytes(self._told.translate(_ANY), "little")
        return bool(told & ~int.from_bytes(self._seen, "little"))

    def others(self, group: Group, here: bytearray | None) -> Iterator[Group]:
        """Divide the residents who were told but are not concerned by the notice."""
        found: dict[Wording, array[int]] = {}
        for each in group.ids:
            place = each - self._after - 1
            heard = self._told[place]
            if not heard or self._seen[place]:
                continue
            if not self._chain.rest and not (here is None or here[place]):
                continue
            wording = wording_for(
                self._chain.status,
                here=here is None or here[place] == 1,
                still=self._still[place] == 1,
                warned=heard == WARNED,
            )
            found.setdefault(wording, array("I")).append(each)
        for wording, ids in found.items():
            yield Group(group.language, group.quiet_start, group.quiet_end, ids, wording=wording)


_STILL = 4
_ANY = bytes(1 if value else 0 for value in range(256))


def chosen_of(group: Group, chosen: list[bool], wording: Wording) -> Iterator[Group]:
    ids = array("I", compress(group.ids, chosen))
    if not ids:
        return
    users = ""
    if group.users:
        each = range(0, len(group.users), group.stride)
        users = "".join(group.users[at : at + group.stride] for at in compress(each, chosen))
    yield replace(group, ids=ids, users=users, wording=wording)


async def _marks(
    session: AsyncSession, query: AudienceQuery | None, after: int, through: int
) -> bytearray | None:
    """Return one byte for each resident of a range: 1 if they are in the audience; None for no
    query.
    """
    if query is None:
        return None
    marks = bytearray(through - after)
    rows = audience_select(query, after=after, through=through)
    for group in await _grouped(session, rows, False):
        for each in group.ids:
            marks[each - after - 1] = 1
    return marks


async def _grouped(
    session: AsyncSession, audience: Any, quiet: bool, addresses: Addresses | None = None
) -> list[Group]:
    """Run an audience's statement, with rows grouped as in batches."""
    separator, stride = "", 0
    if addresses is not None and addresses.stride:
        separator, stride = addresses.separator, addresses.stride
        audience = audience.add_columns(getattr(Resident, addresses.column))
    rows = audience.order_by(None).subquery()
    key, language, start, end, *user = list(rows.c)
    columns = [language, start, end] if quiet else [language]
    joined: list[Any]
    if session.get_bind().dialect.name == "sqlite":
        joined = [func.group_concat(key, ",")]
        joined += [func.group_concat(each, separator) for each in user]
    else:
        joined = [func.string_agg(sql_cast(key, String), ",")]
        joined += [func.string_agg(each, separator) for each in user]
    statement = sql_select(*columns, *joined).group_by(*columns)
    found = (await session.execute(statement)).all()
    # Tens of thousands of numbers take 10 ms, in which the event loop goes on.
    return await asyncio.to_thread(_groups, found, quiet, separator, stride)


def _groups(rows: Iterable[Any], quiet: bool, separator: str, stride: int) -> list[Group]:
    """Return the groups of rows: language, perhaps quiet hours, joined ids and addresses."""
    groups: list[Group] = []
    for row in rows:
        name, *rest = row
        first, last = (rest.pop(0), rest.pop(0)) if quiet else (None, None)
        numbers = array("I", json.loads(f"[{rest[0]}]"))
        users = rest[1] + separator if stride else ""
        # They are cut at fixed places later, so all must be of one length.
        even = len(users) == len(numbers) * stride
        groups.append(Group(name, first, last, numbers, users if even else "", stride=stride))
    return groups


class Taken:
    """The residents whom a delivery with several levels has taken: nobody is taken twice."""

    def __init__(self) -> None:
        self._marks = bytearray()

    def add(self, ids: Iterable[int]) -> None:
        """Mark residents as taken."""
        several = ids if isinstance(ids, array) else array("I", ids)
        if not len(several):
            return
        missing = max(several) + 1 - len(self._marks)
        if missing > 0:
            self._marks.extend(bytes(missing))
        for each in several:
            self._marks[each] = 1

    def others(self, chunk: Chunk) -> Chunk:
        """Return a chunk without those who were taken before, and mark the rest as taken."""
        self._marks.extend(bytes(max(0, chunk.through + 1 - len(self._marks))))
        kept: list[Group] = []
        for group in chunk.groups:
            chosen = [not self._marks[each] for each in group.ids]
            kept += [group] if all(chosen) else chosen_of(group, chosen, group.wording)
        for group in kept:
            self.add(group.ids)
        return replace(chunk, groups=kept)
