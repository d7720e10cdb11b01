"""Who gets a notice: one query, used for both planning and counting.

A resident is in the audience if they follow by its medium, want the topic at this level (or it is
mandatory), have chosen one of the areas or none at all, and read the language, if one is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy
from sqlalchemy import Select, and_, exists, func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.snapshot import once
from subscriptions import bitmaps
from subscriptions.audience_query import AudienceQuery
from subscriptions.media import of_medium
from subscriptions.models import Resident, ResidentState, Subscription


def audience_select(
    query: AudienceQuery, *, after: int | None = None, through: int | None = None
) -> Select[int, str, int | None, int | None]:
    """Return the statement whose rows are the audience, each resident once, ordered by id.

    A row is id, language and the quiet hours' beginning and end in minutes, None for the city's.

    Parameters
    ----------
    after, through
        Only residents with ``after < id <= through``, to continue after a crash.
    """
    key: Any = col(Resident.id)
    statement: Select[int, str, int | None, int | None] = sqlalchemy.select(
        key, col(Resident.language), col(Resident.quiet_start), col(Resident.quiet_end)
    )
    if not query.mandatory:
        key = col(Subscription.resident_id)
        statement = statement.join(Subscription, key == col(Resident.id))
    statement = statement.where(*_conditions(query))
    # The range is given for both tables, because PostgreSQL does not infer it from the join.
    for number in (key, col(Resident.id)):
        if after is not None:
            statement = statement.where(number > after)
        if through is not None:
            statement = statement.where(number <= through)
    return statement.order_by(key)


async def count(session: AsyncSession, query: AudienceQuery) -> int:
    """Return the size of the audience, exact as of the session's snapshot.

    With bitmaps (see ``subscriptions.bitmaps``) a million take a few milliseconds; without them,
    the database counts rows.
    """
    settled = await bitmaps.counted(session, query)
    if settled is None:
        return sum((await _walked(session, query)).values())
    recent = await _walked(session, query, changed_only=True)
    return settled.total() + sum(recent.values())


async def count_by_language(session: AsyncSession, query: AudienceQuery) -> dict[str, int]:
    """As :func:`count`, by language; languages nobody reads are left out."""
    found = await once(session, (_by_language, query), lambda: _by_language(session, query))
    return dict(found)


async def _by_language(session: AsyncSession, query: AudienceQuery) -> dict[str, int]:
    settled = await bitmaps.counted(session, query, by_language=True)
    if settled is None:
        return await _walked(session, query)
    both = Counter(settled.by_language())
    both.update(await _walked(session, query, changed_only=True))
    return dict(sorted(both.items()))


async def count_by_area(
    session: AsyncSession, query: AudienceQuery, areas: Sequence[str]
) -> dict[str, int]:
    """Return for each area the size of the audience if it alone were meant.

    Somebody with two areas is counted in both, and who chose none in all of them.
    """
    settled = await bitmaps.counted_by_area(session, query, areas)
    found = dict.fromkeys(areas, 0) if settled is None else settled
    wanted = replace(query, areas=tuple(areas))
    statement = sqlalchemy.select(col(Resident.area_list), func.count()).select_from(Resident)
    if not query.mandatory:
        statement = statement.join(Subscription, col(Subscription.resident_id) == col(Resident.id))
    statement = statement.where(*_conditions(wanted)).group_by(col(Resident.area_list))
    if settled is not None:
        statement = statement.where(bitmaps.is_changed(session, col(Resident.id)))
    for chosen, number in await session.execute(statement):
        theirs = chosen.strip(",").split(",") if chosen else areas
        for area in theirs:
            if area in found:
                found[area] += number
    return found


@dataclass(frozen=True)
class Members:
    """An audience as bits, resident ``n`` being bit ``n``, and by language."""

    bits: int
    languages: dict[str, int]


async def members(session: AsyncSession, query: AudienceQuery) -> Members:
    """Return who is in the audience, for combining it with other sets of residents.

    As fast as :func:`count`, and exact like it.
    """
    return await once(session, (_members, query), lambda: _members(session, query))


async def _members(session: AsyncSession, query: AudienceQuery) -> Members:
    settled = await bitmaps.counted(session, query, by_language=True)
    languages: dict[str, int] = {}
    if settled is not None:
        languages = {code: settled.audience & bits for code, bits in settled.languages.items()}
    statement = sqlalchemy.select(
        col(Resident.language), bitmaps.joined(session, col(Resident.id))
    ).select_from(Resident)
    if not query.mandatory:
        statement = statement.join(Subscription, col(Subscription.resident_id) == col(Resident.id))
    statement = statement.where(*_conditions(query)).group_by(col(Resident.language))
    if settled is not None:
        statement = statement.where(bitmaps.is_changed(session, col(Resident.id)))
    for language, ids in await session.execute(statement):
        languages[language] = languages.get(language, 0) | bitmaps.bits_of(ids)
    everybody = 0
    for bits in languages.values():
        everybody |= bits
    return Members(everybody, languages)


async def _walked(
    session: AsyncSession, query: AudienceQuery, *, changed_only: bool = False
) -> dict[str, int]:
    """Count by walking the rows, all or those of residents the bitmaps do not speak for."""
    statement = sqlalchemy.select(col(Resident.language), func.count()).select_from(Resident)
    if not query.mandatory:
        statement = statement.join(Subscription, col(Subscription.resident_id) == col(Resident.id))
    statement = statement.where(*_conditions(query)).group_by(col(Resident.language))
    if changed_only:
        statement = statement.where(bitmaps.is_changed(session, col(Resident.id)))
    rows = (await session.execute(statement)).all()
    return dict(sorted((language, number) for language, number in rows))


def _conditions(query: AudienceQuery) -> list[Any]:
    conditions: list[Any] = [
        col(Resident.state) == ResidentState.FOLLOWING,
        *of_medium(query.medium, query.standby),
    ]
    if not query.mandatory:
        # "+ 0" keeps the level out of PostgreSQL 18's index condition. Otherwise it would expect a
        # skip scan over every resident and choose a worse index. The level is still read from the
        # index entry.
        conditions += [
            col(Subscription.topic) == query.topic,
            col(Subscription.min_level) + 0 <= query.level,
        ]
        if query.asked:
            conditions.append(col(Subscription.min_level) + 0 >= query.least)
    if query.also:
        other = aliased(Subscription)
        conditions.append(
            exists().where(
                col(other.resident_id) == col(Resident.id),
                col(other.topic) == query.also,
                col(other.min_level) == 0,
            )
        )
    if query.language is not None:
        conditions.append(col(Resident.language) == query.language)
    conditions += query.segment.conditions()
    if query.areas:
        wanted = sorted(set(query.areas))
        areas = col(Resident.area_list)
        several = or_(*(areas.contains(f",{code},", autoescape=True) for code in wanted))
        conditions.append(or_(areas.in_(["", *wanted]), and_(areas.startswith(","), several)))
    return conditions
