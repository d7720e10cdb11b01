"""Names under which LINE counts what residents do with a notice: its aggregation units.

Each notice has one name, written into the delivery when it is made, so that all requests and
their repeats carry the same. LINE takes 1,000 names a month; :data:`MOST_A_MONTH` leaves some to
other programs of the account. A notice beyond them is sent without a name: it arrives, and nobody
can say who opened it. Messages to one person alone have no name.

Source: https://developers.line.biz/en/docs/messaging-api/unit-based-statistics-aggregation/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.line.client import LineClient
from channels.line.errors import LineRefused
from channels.line.hourly import admit
from channels.line.insight import unit_numbers
from channels.line.models import LineUnit
from channels.models import Delivery
from core.clock import Clock, in_japan
from core.database import Database
from core.errors import Permanent, Retryable

MOST_A_MONTH = 900
FORM = re.compile(r"[a-zA-Z0-9_]{1,30}")
"""LINE's form of a name."""
ASKED_AFTER = (1, 3, 7, 14)
"""Days after its first message on which LINE is asked about a notice; then it is old news."""

_NAMED = b',"customAggregationUnits":['

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Opened:
    """What LINE says of a notice; None: not asked yet, or fewer than 20."""

    opened: int | None
    tapped: int | None
    asked_on: date | None


def unit_name(notice_id: int) -> str:
    """Return a notice's name at LINE."""
    return f"todoke_n{notice_id}"


def without_unit(request: bytes) -> bytes:
    """Return a request's body without its name."""
    before, found, _ = request.rpartition(_NAMED)
    return before + b"}" if found else request


def refuses_unit(error: LineRefused) -> bool:
    """Whether LINE refuses a request because of its name."""
    return any(name.startswith("customAggregationUnits") for name in error.properties)


async def name_unit(session: AsyncSession, delivery: Delivery, now: datetime) -> None:
    """Give a new delivery of a notice its name, if the month has one left."""
    if delivery.notice_id is None:
        return
    name, day = unit_name(delivery.notice_id), in_japan(now).date()
    if await session.get(LineUnit, name) is None:
        month = f"{day:%Y-%m}"
        used = await session.scalar(sql_select(func.count()).where(col(LineUnit.month) == month))
        if (used or 0) >= MOST_A_MONTH:
            log.info("line_unit.none_left", notice_id=delivery.notice_id, month=month)
            return
        session.add(
            LineUnit(
                name=name,
                notice_id=delivery.notice_id,
                month=month,
                since=day,
                next_ask=day + timedelta(days=ASKED_AFTER[0]),
            )
        )
    delivery.unit = name


async def ask_units(database: Database, clock: Clock, line: LineClient) -> int:
    """Ask LINE about the notices that are due; return about how many.

    It ends at the first failure, and goes on the next time where it stopped.
    """
    today = in_japan(clock.now()).date()
    async with database.reading() as session:
        due = list(
            await session.scalars(
                select(LineUnit)
                .where(col(LineUnit.next_ask) <= today)
                .order_by(col(LineUnit.next_ask), col(LineUnit.name))
            )
        )
    asked = 0
    for unit in due:
        last = min(today - timedelta(days=1), unit.since + timedelta(days=30))
        if last < unit.since:
            continue
        try:
            await admit(database, "insight-unit", clock.now())
            found = await unit_numbers(line, unit.name, unit.since, last)
        except Retryable as error:
            log.info("line_unit.later", reason=str(error))
            return asked
        except Permanent as error:
            log.warning("line_unit.refused", unit=unit.name, reason=str(error))
            return asked
        async with database.writing() as session:
            row = await session.get(LineUnit, unit.name)
            if row is not None:
                row.opened, row.tapped, row.asked_on = found.opened, found.tapped, today
                row.next_ask = next_ask(row.since, today)
                asked += 1
    return asked


def next_ask(since: date, today: date) -> date | None:
    """Return when LINE is asked again about a notice."""
    ahead = (since + timedelta(days=days) for days in ASKED_AFTER)
    return next((day for day in ahead if day > today), None)


async def opened_of(session: AsyncSession, notices: list[int]) -> Mapping[int, Opened]:
    """Return what LINE said of these notices, by notice."""
    rows = await session.scalars(select(LineUnit).where(col(LineUnit.notice_id).in_(notices)))
    return {row.notice_id: Opened(row.opened, row.tapped, row.asked_on) for row in rows}
