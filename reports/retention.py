"""Erase what was said and shown, when the time of its kind is over (promise 9).

The time counts from the end of the case; a report that was joined goes with its case. What stays is
for the figures: kind, district, a place rounded to about a hundred metres, states and days. A kind
may have a time of its own (``retention_days``); otherwise it is the city's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, or_, update
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from city.city import City
from core.chunks import in_chunks
from core.database import Database
from reports.kinds import city_now
from reports.models import Forward, OrderItem, Photo, PhotoAddress, Report, ReportUpdate, Verdict
from reports.register import forget_places
from reports.states import ENDED

DECIMALS = 3
"""Of a degree: about a hundred metres."""
Erase = Callable[[AsyncSession, Sequence[int]], Awaitable[None]]
PARTS = ("description", "japanese", "translated_by", "address", "contact")


async def forget_words(database: Database, city: City, now: datetime) -> int:
    """Erase the words of cases that ended long enough ago; return how many cases.

    It can stop at any moment and goes on the next time.
    """
    joined = aliased(Report)
    of_joined = sql_select(col(joined.id)).where(
        col(joined.case_id) == col(Report.id), col(joined.forgotten).is_(False)
    )
    there = or_(col(Report.forgotten).is_(False), of_joined.exists())
    return await _forget(database, city, now, city.retention.reports, _erase_words, there)


async def forget_photos(database: Database, city: City, now: datetime) -> int:
    """Delete the photos of cases that ended long enough ago; return of how many cases.

    ``reports.photos.sweep_files`` removes the files that no row names any more.
    """
    joined = aliased(Report)
    own = sql_select(col(Photo.id)).where(col(Photo.report_id) == col(Report.id))
    of_joined = (
        sql_select(col(Photo.id))
        .join(joined, col(joined.id) == col(Photo.report_id))
        .where(col(joined.case_id) == col(Report.id))
    )
    there = or_(own.exists(), of_joined.exists())
    return await _forget(database, city, now, city.retention.report_photos, _erase_photos, there)


async def _forget(
    database: Database,
    city: City,
    now: datetime,
    usual: int,
    erase: Erase,
    there: ColumnElement[bool],
) -> int:
    """Erase something of the cases whose time is over, and of the reports joined to them.

    Parameters
    ----------
    usual
        The days of kinds without a time of their own.
    there
        Whether a leading report, or one joined to it, has something to erase.
    """
    async with database.reading() as session:
        kinds = (await city_now(session, city)).report_categories
    own: dict[int, list[str]] = defaultdict(list)
    for kind in kinds:
        if kind.retention_days is not None:
            own[kind.retention_days].append(kind.code)
    category = col(Report.category)
    others = [code for codes in own.values() for code in codes]
    groups = [(usual, category.not_in(others))]
    groups += [(days, category.in_(codes)) for days, codes in sorted(own.items())]
    gone = 0
    for days, of_kind in groups:
        old = sql_select(col(Report.id)).where(
            col(Report.case_id).is_(None),
            col(Report.state).in_(ENDED),
            col(Report.ended_at) < now - timedelta(days=days),
            of_kind,
            there,
        )
        gone += await in_chunks(database, old, partial(_erase, old, erase))
    return gone


async def _erase(old: Select[Any], erase: Erase, session: AsyncSession, ids: Sequence[int]) -> int:
    """Erase something of these cases if their time is still over: one may have begun again."""
    leading = list(
        await session.scalars(old.where(col(Report.id).in_(ids)).with_for_update(of=Report))
    )
    joined = await session.scalars(select(col(Report.id)).where(col(Report.case_id).in_(leading)))
    await erase(session, [*leading, *joined])
    return len(leading)


async def _erase_words(session: AsyncSession, ids: Sequence[int]) -> None:
    reports = await session.scalars(select(Report).where(col(Report.id).in_(ids)).with_for_update())
    for report in list(reports):
        for part in PARTS:
            setattr(report, part, "")
        report.place_message = report.note_message = report.said_later = ""
        report.attributes = []
        if report.longitude is not None and report.latitude is not None:
            report.longitude = round(report.longitude, DECIMALS)
            report.latitude = round(report.latitude, DECIMALS)
        report.forgotten = True
        session.add(report)
    await session.flush()
    await forget_places(session, ids)
    for statement in (
        update(ReportUpdate)
        .where(col(ReportUpdate.report_id).in_(ids))
        .values(answer="", note="", said="", said_message="", japanese="", grave=""),
        update(Verdict).where(col(Verdict.report_id).in_(ids)).values(words="", words_message=""),
        update(OrderItem)
        .where(col(OrderItem.report_id).in_(ids))
        .values(words="", outcome_words=""),
        update(Forward).where(col(Forward.report_id).in_(ids)).values(words="", remote_notes=""),
        delete(PhotoAddress).where(col(PhotoAddress.report_id).in_(ids)),
    ):
        await session.execute(statement.execution_options(synchronize_session=False))


async def _erase_photos(session: AsyncSession, ids: Sequence[int]) -> None:
    for statement in (
        delete(Photo).where(col(Photo.report_id).in_(ids)),
        update(Report).where(col(Report.id).in_(ids)).values(photo_count=0),
        update(Forward).where(col(Forward.report_id).in_(ids)).values(photos=[]),
    ):
        await session.execute(statement.execution_options(synchronize_session=False))
