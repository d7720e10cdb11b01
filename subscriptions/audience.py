"""Whom a notice concerns: one query, used for planning and for counting alike.

A resident is in the audience when they follow the account, want the topic at this level
(or the topic is mandatory), have chosen one of the areas or none at all, and, where asked,
read the language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.errors import BadInput
from subscriptions import bitmaps
from subscriptions.models import Resident, ResidentState, Subscription

AudienceRow = tuple[int, str, int | None, int | None]
"""``(id, language, quiet_start, quiet_end)``; the quiet hours are minutes, None the city's."""


@dataclass(frozen=True)
class AudienceQuery:
    """What decides whom a notice concerns.

    ``areas`` are district codes, empty for the whole city; ``language`` of None means every
    language; ``mandatory`` that the topic needs no subscription.
    """

    topic: str
    level: int
    areas: tuple[str, ...] = ()
    language: str | None = None
    mandatory: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "level": self.level,
            "areas": list(self.areas),
            "language": self.language,
            "mandatory": self.mandatory,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> AudienceQuery:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        BadInput
            A key is missing or is not of its type.
        """
        topic, level = stored.get("topic"), stored.get("level")
        areas, language = stored.get("areas", []), stored.get("language")
        if (
            not isinstance(topic, str)
            or not isinstance(level, int)
            or not isinstance(areas, list)
            or not all(isinstance(area, str) for area in areas)
            or not (language is None or isinstance(language, str))
        ):
            raise BadInput(f"this is not a stored audience: {dict(stored)!r}")
        return cls(topic, level, tuple(areas), language, stored.get("mandatory") is True)


def audience_select(
    query: AudienceQuery, *, after: int | None = None, through: int | None = None
) -> Select[AudienceRow]:
    """Return the statement whose rows are the audience, each resident once, ordered by id.

    Parameters
    ----------
    after, through
        Only residents with ``after < id <= through``, to go on where a crash stopped.
    """
    key: Any = col(Resident.id)
    statement: Select[AudienceRow] = sqlalchemy.select(
        key, col(Resident.language), col(Resident.quiet_start), col(Resident.quiet_end)
    )
    if not query.mandatory:
        key = col(Subscription.resident_id)
        statement = statement.join(Subscription, key == col(Resident.id))
    statement = statement.where(*_conditions(query))
    # Said of both tables, as PostgreSQL does not carry a range over an equality by itself.
    for number in (key, col(Resident.id)):
        if after is not None:
            statement = statement.where(number > after)
        if through is not None:
            statement = statement.where(number <= through)
    return statement.order_by(key)


async def count(session: AsyncSession, query: AudienceQuery) -> int:
    """Return the size of the audience, exact as of the session's snapshot.

    With bitmaps at hand (see ``subscriptions.bitmaps``) a million take a few milliseconds;
    without, the database walks them.
    """
    settled = await bitmaps.counted(session, query)
    if settled is None:
        return sum((await _walked(session, query)).values())
    recent = await _walked(session, query, changed_only=True)
    return settled.total() + sum(recent.values())


async def count_by_language(session: AsyncSession, query: AudienceQuery) -> dict[str, int]:
    """As :func:`count`, by language; languages nobody reads are left out."""
    settled = await bitmaps.counted(session, query, by_language=True)
    if settled is None:
        return await _walked(session, query)
    both = Counter(settled.by_language())
    both.update(await _walked(session, query, changed_only=True))
    return dict(sorted(both.items()))


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


def _conditions(query: AudienceQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(Resident.state) == ResidentState.FOLLOWING]
    if not query.mandatory:
        # "+ 0" keeps the level out of PostgreSQL 18's search of the index: it would reckon
        # with a skip scan over every resident and take a worse index. The level is read from
        # the same index entry all the same.
        conditions += [
            col(Subscription.topic) == query.topic,
            col(Subscription.min_level) + 0 <= query.level,
        ]
    if query.language is not None:
        conditions.append(col(Resident.language) == query.language)
    if query.areas:
        wanted = sorted(set(query.areas))
        areas = col(Resident.area_list)
        several = or_(*(areas.contains(f",{code},", autoescape=True) for code in wanted))
        conditions.append(or_(areas.in_(["", *wanted]), and_(areas.startswith(","), several)))
    return conditions
