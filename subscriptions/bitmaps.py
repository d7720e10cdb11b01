"""Count a million residents in milliseconds: one bit for each resident and choice.

The bitmaps are a snapshot of everybody's choices, stored in the database. A count combines the few
that it needs. Every change since the snapshot is noted in its own transaction
(``resident_changes``): those residents are left out of the bitmaps and counted row by row. So a
count is always exact, and fast while not too much has changed; :func:`maintain` takes a new
snapshot when it has.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy import ColumnElement, String, and_, any_, delete, func, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.database import Database
from core.snapshot import kept_answers, once
from subscriptions import quiet_bits
from subscriptions.audience_query import AudienceQuery, Standby
from subscriptions.media import of_medium, stands_by
from subscriptions.models import (
    HAS_ADDRESS,
    LINE_MEDIUM,
    Area,
    AudienceBitmap,
    Resident,
    ResidentArea,
    ResidentChange,
    ResidentState,
    Subscription,
)
from subscriptions.quiet_bits import QuietBits

REBUILD_AFTER = 5_000
"""Changed residents from which a new picture is worth its while."""
MAX_LEVEL = 6
_RANGE = 100_000

FOLLOWING = "following"
"""Who follows at LINE; of another medium, the key is this with the medium's name."""
STANDBY = "standby:"
LANGUAGE = "language:"
AREA = "area:"
TOPIC = "topic:"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Settled:
    """The audience among the residents who did not change since the picture, as bits."""

    audience: int
    languages: dict[str, int]

    def total(self) -> int:
        return self.audience.bit_count()

    def by_language(self) -> dict[str, int]:
        counts = {
            language: (self.audience & bits).bit_count()
            for language, bits in self.languages.items()
        }
        return {language: number for language, number in counts.items() if number}


async def counted(
    session: AsyncSession, query: AudienceQuery, *, by_language: bool = False
) -> Settled | None:
    """Return the audience among the settled residents; None when there is no picture yet.

    There is none of segments either: their audiences are counted row by row.
    """
    if query.segment:
        return None
    levels = range(query.least, min(query.level, MAX_LEVEL) + 1)
    topics = [f"{TOPIC}{query.topic}:{level}" for level in levels]
    areas = [f"{AREA}{area}" for area in ("", *query.areas)]
    mine = following_key(query.medium)
    standby = STANDBY + query.medium
    # The first one shows that there are bitmaps.
    keys = {FOLLOWING, mine, standby, *(areas if query.areas else ())}
    if not query.mandatory:
        keys.update(topics)
    also = f"{TOPIC}{query.also}:0"
    if query.also:
        keys.add(also)
    if query.language is not None:
        keys.add(LANGUAGE + query.language)
    bits = await _stored(session, keys, languages=by_language and query.language is None)
    if FOLLOWING not in bits:
        return None
    audience = bits.get(mine, 0) & ~await _changed(session)
    if query.standby is Standby.ALONE:
        audience &= bits.get(standby, 0)
    elif query.standby is Standby.LEFT_OUT:
        audience &= ~bits.get(standby, 0)
    if not query.mandatory:
        audience &= _any(bits, topics)
    if query.also:
        audience &= bits.get(also, 0)
    if query.areas:
        audience &= _any(bits, areas)
    languages = {
        key.removeprefix(LANGUAGE): value for key, value in bits.items() if key.startswith(LANGUAGE)
    }
    if query.language is not None:
        audience &= languages.get(query.language, 0)
    return Settled(audience, languages)


async def counted_by_area(
    session: AsyncSession, query: AudienceQuery, areas: Sequence[str]
) -> dict[str, int] | None:
    """Return for each area how many of the settled residents get a notice for it alone.

    None if there are no bitmaps yet. Each bitmap is read only once.
    """
    settled = await counted(session, replace(query, areas=()))
    if settled is None:
        return None
    bits = await _stored(session, {f"{AREA}{area}" for area in ("", *areas)})
    return {
        area: (settled.audience & _any(bits, (AREA, f"{AREA}{area}"))).bit_count() for area in areas
    }


async def quiet_at(session: AsyncSession, minute: int) -> QuietBits | None:
    """Return who of the settled residents is in their own quiet hours at a minute of the day.

    None if the picture, perhaps an older one, does not say.
    """
    bits = await _stored(session, quiet_bits.all_keys())
    return quiet_bits.quiet_at(bits, minute) if quiet_bits.OWN in bits else None


@dataclass
class _Kept:
    """The bitmaps that counts of one snapshot have read.

    ``absent`` are the keys that have no bitmap; ``languages`` says that every language's was read.
    """

    bits: dict[str, int] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    languages: bool = False


async def _stored(
    session: AsyncSession, keys: set[str], *, languages: bool = False
) -> dict[str, int]:
    """Return the bitmaps of these keys, as far as there are any; with ``languages`` of every
    language too.
    """
    answers = kept_answers(session)
    kept: _Kept = _Kept() if answers is None else answers.setdefault(_Kept, _Kept())
    missing = keys - kept.bits.keys() - kept.absent
    wanted: ColumnElement[bool] = col(AudienceBitmap.key).in_(sorted(missing))
    if languages and not kept.languages:
        wanted = wanted | col(AudienceBitmap.key).startswith(LANGUAGE)
        kept.languages = True
    elif not missing:
        return _picked(kept, keys, languages)
    rows = await session.execute(
        select(col(AudienceBitmap.key), col(AudienceBitmap.bits)).where(wanted)
    )
    kept.bits.update((key, int.from_bytes(stored, "little")) for key, stored in rows)
    kept.absent.update(missing - kept.bits.keys())
    return _picked(kept, keys, languages)


def _picked(kept: _Kept, keys: set[str], languages: bool) -> dict[str, int]:
    return {
        key: bits
        for key, bits in kept.bits.items()
        if key in keys or (languages and key.startswith(LANGUAGE))
    }


def following_key(medium: str) -> str:
    """Return the key of the bitmap of everybody who follows by a medium."""
    return FOLLOWING if medium == LINE_MEDIUM else f"{FOLLOWING}:{medium}"


async def following_at_line(session: AsyncSession) -> int:
    """Return everybody who follows at LINE as bits; resident ``n`` is bit ``n``."""
    followers = select(joined(session, col(Resident.id))).where(
        col(Resident.state) == ResidentState.FOLLOWING, *of_medium(LINE_MEDIUM)
    )
    pictured = await session.scalar(
        select(col(AudienceBitmap.bits)).where(col(AudienceBitmap.key) == FOLLOWING)
    )
    if pictured is None:
        return bits_of(await session.scalar(followers))
    recent = followers.where(is_changed(session, col(Resident.id)))
    settled = int.from_bytes(pictured, "little") & ~await _changed(session)
    return settled | bits_of(await session.scalar(recent))


def bits_of(ids: str | None) -> int:
    """Return ids that were joined with commas as bits, resident ``n`` being bit ``n``."""
    numbers = json.loads(f"[{ids or ''}]")
    bits = bytearray(max(numbers, default=0) // 8 + 1)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def is_changed(session: AsyncSession, resident_id: Any) -> ColumnElement[bool]:
    """Return the condition that the picture does not speak for the resident of this id."""
    changed = select(col(ResidentChange.resident_id)).distinct()
    if session.get_bind().dialect.name == "postgresql":
        # As an array, because PostgreSQL would otherwise scan all residents instead of looking up
        # thousands.
        condition: ColumnElement[bool] = resident_id == any_(func.array(changed.scalar_subquery()))
        return condition
    among: ColumnElement[bool] = resident_id.in_(changed)
    return among


async def maintain(database: Database) -> bool:
    """Take a new picture if enough has changed, and say whether it did.

    Meant to be called every minute or so, by any number of processes.
    """
    async with database.reading() as session:
        pictured = await _version(session)
        of_earlier_release = pictured and not await session.scalar(
            select(col(AudienceBitmap.version)).where(col(AudienceBitmap.key) == quiet_bits.OWN)
        )
        uncounted = ResidentChange if pictured else Resident
        many = select(col(uncounted.id)).order_by(col(uncounted.id)).offset(REBUILD_AFTER - 1)
        if not of_earlier_release and await session.scalar(many.limit(1)) is None:
            return False
    return await rebuild(database)


async def rebuild(database: Database) -> bool:
    """Build new bitmaps; False if another process built some meanwhile.

    The bitmaps and the changes that they include are read from one snapshot. They replace the old
    ones in one transaction, and only if no other process replaced them meanwhile. So a change is
    always in the bitmaps or noted.
    """
    async with database.reading() as session:
        version = await _version(session)
        known = json.loads(
            f"[{await session.scalar(select(joined(session, col(ResidentChange.id)))) or ''}]"
        )
        last = await session.scalar(select(func.max(col(Resident.id)))) or 0
        made = _Picture(last)
        for after in range(0, last, _RANGE):
            groups = await _read_groups(session, after, min(after + _RANGE, last))
            await asyncio.to_thread(made.add, groups)
    async with database.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.bitmaps'))"))
        if await _version(session) != version:
            return False
        await session.execute(delete(AudienceBitmap))
        session.add_all(
            AudienceBitmap(key=key, version=version + 1, bits=bytes(bits))
            for key, bits in made.bits.items()
        )
        await _forget_changes(session, known)
    _log.info("bitmaps.built", residents=last, bitmaps=len(made.bits), changes=len(known))
    return True


async def _version(session: AsyncSession) -> int:
    found = await session.scalar(
        select(col(AudienceBitmap.version)).where(col(AudienceBitmap.key) == FOLLOWING)
    )
    return found or 0


async def _forget_changes(session: AsyncSession, known: list[int]) -> None:
    """Delete the notes of changes that the new bitmaps include, and no others.

    A change that was not committed then may have a lower id than some that are included. So each
    unbroken run of ids is deleted, not everything up to the highest id.
    """
    for first, last in _runs(sorted(known)):
        await session.execute(
            delete(ResidentChange).where(
                col(ResidentChange.id) >= first, col(ResidentChange.id) <= last
            )
        )


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each unbroken run of ascending numbers."""
    start = 0
    for position, number in enumerate(numbers, start=1):
        if position == len(numbers) or numbers[position] != number + 1:
            yield numbers[start], number
            start = position


class _Picture:
    """The bitmaps while they are drawn; resident ``n`` is bit ``n``."""

    def __init__(self, last: int) -> None:
        self.size = last // 8 + 1
        # These two show that there is a picture, and that it knows quiet hours.
        self.bits = {key: bytearray(self.size) for key in (FOLLOWING, quiet_bits.OWN)}

    def add(self, groups: Iterable[tuple[str, str]]) -> None:
        """Set the bits of ids, each group's joined by commas, in the bitmap of its key."""
        for key, joined in groups:
            bits = self.bits.setdefault(key, bytearray(self.size))
            for number in json.loads(f"[{joined}]"):
                bits[number >> 3] |= 1 << (number & 7)


async def _read_groups(session: AsyncSession, after: int, through: int) -> list[tuple[str, str]]:
    """Return each key's residents with ``after < id <= through``, joined by the database.

    A few long texts reach Python many times sooner than a row a resident and choice.
    """

    def within(column: Any) -> ColumnElement[bool]:
        return and_(column > after, column <= through)

    number = col(Resident.id)
    following = select(joined(session, number)).where(
        within(number), col(Resident.state) == ResidentState.FOLLOWING, *of_medium(LINE_MEDIUM)
    )
    elsewhere = (
        select(col(Resident.medium), joined(session, number))
        .where(within(number), HAS_ADDRESS, col(Resident.state) == ResidentState.FOLLOWING)
        .group_by(col(Resident.medium))
    )
    languages = (
        select(col(Resident.language), joined(session, number))
        .where(within(number))
        .group_by(col(Resident.language))
    )
    whole_city = select(joined(session, number)).where(
        within(number), col(Resident.area_list) == ""
    )
    areas = (
        select(col(ResidentArea.area), joined(session, col(ResidentArea.resident_id)))
        .join(Area, col(Area.code) == col(ResidentArea.area))
        .where(within(col(ResidentArea.resident_id)), col(Area.retired).is_(False))
        .group_by(col(ResidentArea.area))
    )
    topics = (
        select(
            col(Subscription.topic),
            col(Subscription.min_level),
            joined(session, col(Subscription.resident_id)),
        )
        .where(within(col(Subscription.resident_id)))
        .group_by(col(Subscription.topic), col(Subscription.min_level))
    )
    quiet = (
        select(col(Resident.quiet_start), col(Resident.quiet_end), joined(session, number))
        .where(
            within(number),
            col(Resident.quiet_start).is_not(None),
            col(Resident.quiet_end).is_not(None),
        )
        .group_by(col(Resident.quiet_start), col(Resident.quiet_end))
    )
    groups: list[tuple[str, str | None]] = []
    groups += [(FOLLOWING, ids) for (ids,) in await session.execute(following)]
    groups += [(following_key(name), ids) for name, ids in await session.execute(elsewhere)]
    standing_by = elsewhere.where(stands_by())
    groups += [(STANDBY + name, ids) for name, ids in await session.execute(standing_by)]
    groups += [(AREA, ids) for (ids,) in await session.execute(whole_city)]
    groups += [(LANGUAGE + code, ids) for code, ids in await session.execute(languages)]
    groups += [(AREA + code, ids) for code, ids in await session.execute(areas)]
    groups += [
        (f"{TOPIC}{code}:{level}", ids) for code, level, ids in await session.execute(topics)
    ]
    for start, end, ids in await session.execute(quiet):
        groups += [(key, ids) for key in quiet_bits.keys_of(start, end)]
    return [(key, ids) for key, ids in groups if ids]


async def _changed(session: AsyncSession) -> int:
    """Return the residents the picture does not speak for, as bits."""

    async def ask() -> int:
        changed = select(joined(session, col(ResidentChange.resident_id)))
        return bits_of(await session.scalar(changed))

    return await once(session, _changed, ask)


def joined(session: AsyncSession, column: Any) -> Any:
    """Return the SQL aggregate that joins ids with commas."""
    if session.get_bind().dialect.name == "sqlite":
        return func.group_concat(column, ",")
    return func.string_agg(sql_cast(column, String), ",")


def _any(bits: dict[str, int], keys: Sequence[str]) -> int:
    """Return the residents of any of the bitmaps; one that is not kept has nobody."""
    found = 0
    for key in keys:
        found |= bits.get(key, 0)
    return found
