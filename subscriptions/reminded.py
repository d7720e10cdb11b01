"""Whom reminders concern: residents with a topic, with what a reminder depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subscriptions.media import of_medium
from subscriptions.models import (
    Resident,
    ResidentArea,
    ResidentChild,
    ResidentState,
    Subscription,
)

IDS_AT_ONCE = 500


@dataclass(frozen=True)
class RemindedResident:
    """A follower: their language, quiet hours (minutes; None: the city's), districts, children."""

    resident_id: int
    language: str
    quiet_start: int | None
    quiet_end: int | None
    in_morning: bool
    areas: tuple[str, ...] = ()
    children: tuple[str, ...] = ()


async def subscribers(
    session: AsyncSession, medium: str, topic: str, after: int, limit: int
) -> list[RemindedResident]:
    """Return the next followers by a medium with a topic and their districts, by their ids.

    Who stands by for LINE is reminded by LINE.
    """
    rows = (await session.execute(_followers(medium, topic, after).limit(limit))).all()
    areas: defaultdict[int, list[str]] = defaultdict(list)
    for ids in _parts(rows):
        of_these = select(ResidentArea).where(col(ResidentArea.resident_id).in_(ids))
        for one in await session.scalars(of_these):
            areas[one.resident_id].append(one.area)
    return [_resident(row, areas=tuple(sorted(areas[row.id]))) for row in rows]


async def parents(
    session: AsyncSession, medium: str, topic: str, born: Sequence[str], after: int, limit: int
) -> list[RemindedResident]:
    """Return the next followers by a medium with a topic and a child born in these months."""
    theirs = (col(ResidentChild.resident_id) == col(Resident.id), col(ResidentChild.born).in_(born))
    query = _followers(medium, topic, after).where(exists().where(*theirs)).limit(limit)
    rows = (await session.execute(query)).all()
    children: defaultdict[int, list[str]] = defaultdict(list)
    for ids in _parts(rows):
        of_these = select(ResidentChild).where(col(ResidentChild.resident_id).in_(ids))
        for one in await session.scalars(of_these):
            children[one.resident_id].append(one.born)
    return [_resident(row, children=tuple(sorted(children[row.id]))) for row in rows]


def _followers(
    medium: str, topic: str, after: int
) -> Select[int | None, str, int | None, int | None, bool]:
    return (
        select(
            col(Resident.id),
            col(Resident.language),
            col(Resident.quiet_start),
            col(Resident.quiet_end),
            col(Resident.remind_in_morning),
        )
        .join(Subscription, col(Subscription.resident_id) == col(Resident.id))
        .where(
            col(Subscription.topic) == topic,
            col(Subscription.resident_id) > after,
            col(Resident.state) == ResidentState.FOLLOWING,
            *of_medium(medium),
        )
        .order_by(col(Subscription.resident_id))
    )


def _parts(rows: Sequence[Row[int | None, str, int | None, int | None, bool]]) -> list[list[int]]:
    ids = [row.id for row in rows]
    return [ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE)]


def _resident(
    row: Row[int | None, str, int | None, int | None, bool],
    *,
    areas: tuple[str, ...] = (),
    children: tuple[str, ...] = (),
) -> RemindedResident:
    assert row.id is not None
    return RemindedResident(
        row.id,
        row.language,
        row.quiet_start,
        row.quiet_end,
        row.remind_in_morning,
        areas,
        children,
    )
