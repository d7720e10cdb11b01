"""One alert with several levels: which districts get which, and the gravest first on the wire.

Such an alert is a notice for each level (``Notice.with_id``) and one delivery. Its planner reads
the audience of the gravest level first, and nobody is taken twice: a resident with districts of two
levels gets the graver one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.models import Delivery, Priority, Wording
from feeds.models import Notice, Status
from feeds.texts import Texts
from subscriptions.audience_query import AudienceQuery

BY_LEVEL = (Wording.MAIN, Wording.NEW)
"""The wordings that differ by level; the others are the same for all."""


@dataclass(frozen=True)
class LevelPart:
    """One level of a delivery.

    Parameters
    ----------
    status
        What this level is for its districts: new, raised, lowered …
    first_run
        The first run of batches of this level; None while none was made.
    """

    level: int
    query: AudienceQuery
    status: Status
    first_run: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "audience": self.query.to_json(),
            "status": self.status.value,
            "first_run": self.first_run,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> LevelPart:
        return cls(
            int(stored["level"]),
            AudienceQuery.from_json(stored["audience"]),
            Status(stored["status"]),
            stored["first_run"],
        )


def parts_of(delivery: Delivery) -> tuple[LevelPart, ...]:
    """Return the levels of a delivery, the gravest first; none if it has only one."""
    return tuple(LevelPart.from_json(each) for each in delivery.parts or ())


def part_of_run(delivery: Delivery, run: int) -> int:
    """Return the place of a run's level; 0 for a delivery with one level."""
    begun = [each["first_run"] for each in delivery.parts or ()]
    return max(
        (at for at, first in enumerate(begun) if first is not None and first <= run), default=0
    )


def priority_of_part(priority: int, part: int) -> int:
    """Return the priority of a level of a delivery whose gravest has ``priority``.

    A lower level of an emergency stays one.
    """
    return min(priority + part, max(priority, Priority.EMERGENCY))


def priority_of_run(delivery: Delivery, run: int) -> int:
    return priority_of_part(delivery.priority, part_of_run(delivery, run))


def begun_at(delivery: Delivery, part: int, run: int) -> list[dict[str, Any]]:
    """Return the stored parts with the first run of one; unchanged if it had begun."""
    parts = [dict(each) for each in delivery.parts]
    if parts[part]["first_run"] is None:
        parts[part]["first_run"] = run
    return parts


async def sent_with(session: AsyncSession, notice_id: int | None) -> list[Notice]:
    """Return the notices of the lower levels that were sent with a notice, the graver first."""
    if notice_id is None:
        return []
    found = await session.scalars(
        select(Notice).where(col(Notice.with_id) == notice_id).order_by(col(Notice.id))
    )
    return list(found)


async def act_of(session: AsyncSession, notice: Notice) -> list[Notice]:
    """Return all notices of the act of sending that a notice is a part of, the gravest first."""
    first = notice
    if notice.with_id is not None:
        first = await session.get_one(Notice, notice.with_id)
    return [first, *await sent_with(session, first.id)]


def together(notices: Sequence[Notice]) -> Notice:
    """Return the first of an act's notices with the districts of all; it is never stored.

    The act as a whole follows what its first notice follows.
    """
    first, *others = notices
    if not others:
        return first
    areas = [area for each in notices for area in each.areas]
    return Notice(**{**first.model_dump(), "areas": list(dict.fromkeys(areas))})


@dataclass(frozen=True)
class LowerLevel:
    """A notice of a lower level that is sent with another, and its texts for those who hear of it
    for the first time.
    """

    notice: Notice
    as_new: Texts | None = None
