"""How many residents are in their quiet hours, for a page that is shown before sending."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from channels.chain import everybody
from channels.quiet import quiet_until
from city.city import City
from core.clock import in_japan
from subscriptions import bitmaps
from subscriptions.audience import audience_select
from subscriptions.audience_query import AudienceQuery
from subscriptions.models import Resident


async def count_in_quiet_hours(
    session: AsyncSession, query: AudienceQuery, among: int | None, city: City, now: datetime
) -> int:
    """Count the residents of the audience, or of ``among``, who are in their quiet hours.

    Exact as of the session's snapshot. With bitmaps a million take a few milliseconds; residents
    who changed since, and everybody without bitmaps, are counted row by row.

    Parameters
    ----------
    among
        Residents as bits, resident ``n`` being bit ``n``; None for the audience itself.
    """
    whom = query if among is None else everybody(query.medium)
    rows = audience_select(whom).order_by(None)
    here = in_japan(now)
    settled = await bitmaps.counted(session, whom)
    quiet = None
    if settled is not None:
        quiet = await bitmaps.quiet_at(session, here.hour * 60 + here.minute)
    number = 0
    if settled is not None and quiet is not None:
        meant = settled.audience if among is None else settled.audience & among
        city_is_quiet = quiet_until(now, city.quiet_hours, None, None) is not None
        number = quiet.of(meant, city_is_quiet=city_is_quiet).bit_count()
        rows = rows.where(bitmaps.is_changed(session, col(Resident.id)))
    key, _, start, end = list(rows.subquery().c)
    what = func.count() if among is None else bitmaps.joined(session, key)
    counted = await session.execute(sql_select(start, end, what).group_by(start, end))
    return number + sum(
        found if among is None else (bitmaps.bits_of(found) & among).bit_count()
        for first, last, found in counted
        if quiet_until(now, city.quiet_hours, first, last) is not None
    )
