"""What went out on a day: messages by medium and notice, how soon, and who left after which."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from channels.members import unpack
from channels.models import OF_NOTICES, Batch, BatchState, Delivery

LONGEST = timedelta(days=14)
"""A delivery older than this sends nothing any more."""
LEFT_AFTER = timedelta(hours=24)
"""Who leaves later than this after a notice did not leave because of it."""
_PART = 200
"""Batches that are searched together."""


@dataclass
class Sent:
    """The messages of a day.

    ``taken`` and ``failed`` are residents by medium, ``of_notice`` those whom a notice reached by
    any medium, ``of_notice_by_line`` those by LINE. ``waits`` are the seconds from the decision to
    send an urgent notice to its first message.
    """

    taken: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    of_notice: Counter[int] = field(default_factory=Counter)
    of_notice_by_line: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)


async def sent_between(session: AsyncSession, start: datetime, end: datetime, *, line: str) -> Sent:
    """Count what was sent from ``start`` until ``end``.

    A batch that failed counts when it was first tried, or else when its delivery was made.
    """
    found = Sent()
    number = func.sum(col(Batch.size) - col(Batch.missing))
    failed_at: Any = func.coalesce(
        col(Batch.first_tried_at), col(Delivery.created_at), type_=_columns.first_tried_at.type
    )
    columns = (col(Delivery.channel), col(Delivery.notice_id), col(Batch.state))
    rows = await session.execute(
        sql_select(*columns, number)
        .join(Batch, col(Batch.delivery_id) == col(Delivery.id))
        .where(
            col(Delivery.created_at) >= start - LONGEST,
            col(Delivery.created_at) < end,
            or_(
                and_(
                    col(Batch.state) == BatchState.SENT,
                    col(Batch.sent_at) >= start,
                    col(Batch.sent_at) < end,
                ),
                and_(col(Batch.state) == BatchState.FAILED, failed_at >= start, failed_at < end),
            ),
        )
        .group_by(*columns)
    )
    for channel, notice, state, people in rows:
        if state is BatchState.FAILED:
            found.failed[channel] += int(people)
            continue
        found.taken[channel] += int(people)
        if notice is not None:
            found.of_notice[notice] += int(people)
            if channel == line:
                found.of_notice_by_line[notice] += int(people)
    urgent = await session.execute(
        sql_select(col(Delivery.created_at), col(Delivery.first_sent_at)).where(
            OF_NOTICES,
            col(Delivery.respects_quiet).is_(False),
            col(Delivery.created_at) >= start,
            col(Delivery.created_at) < end,
            col(Delivery.first_sent_at).is_not(None),
        )
    )
    found.waits = [(first - made).total_seconds() for made, first in urgent if first is not None]
    return found


async def last_notice_before(
    session: AsyncSession, left: Mapping[int, datetime], *, channel: str
) -> dict[int, int]:
    """Return the last notice that residents got within a day before they left, by resident.

    Parameters
    ----------
    left
        When each resident left.
    """
    if not left:
        return {}
    first, last = min(left.values()) - LEFT_AFTER, max(left.values())
    rows = await session.execute(
        sql_select(col(Batch.id), col(Delivery.notice_id))
        .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
        .where(
            OF_NOTICES,
            col(Delivery.channel) == channel,
            col(Delivery.created_at) >= first - LONGEST,
            col(Delivery.created_at) <= last,
            col(Batch.state) == BatchState.SENT,
            col(Batch.sent_at) >= first,
            col(Batch.sent_at) <= last,
        )
    )
    notices = {batch: notice for batch, notice in rows if batch and notice}
    found: dict[int, tuple[datetime, int]] = {}
    ids = sorted(notices)
    for start in range(0, len(ids), _PART):
        part = await session.execute(
            sql_select(
                col(Batch.id), col(Batch.sent_at), col(Batch.members), col(Batch.absent)
            ).where(col(Batch.id).in_(ids[start : start + _PART]))
        )
        await asyncio.to_thread(_match, part.all(), notices, left, found)
    return {resident: notice for resident, (_, notice) in found.items()}


def _match(
    batches: Sequence[Any],
    notices: Mapping[int, int],
    left: Mapping[int, datetime],
    found: dict[int, tuple[datetime, int]],
) -> None:
    leavers = left.keys()
    for batch, at, members, absent in batches:
        reached = leavers & set(unpack(members))
        if not reached:
            continue
        for resident in reached - set(unpack(absent or b"")):
            gone = left[resident]
            known = found.get(resident)
            if at <= gone <= at + LEFT_AFTER and (known is None or known[0] < at):
                found[resident] = (at, notices[batch])


_columns: Any = Batch.__table__.c  # type: ignore[attr-defined]
