"""Once a day, tell residents who asked for it what was taken up or mended near them.

One message at most, in the afternoon: at :data:`HOUR` or up to two hours later, when the service
was away. What was missed by more is told the next day. So nobody gets five in a day, none at night.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot import messages
from bot.catalogue import WORDS
from channels.dispatch import push
from channels.medium import Format
from city.city import City, name_in
from city.context import Context
from core.clock import in_japan
from core.restored import held_until
from reports.kinds import city_now
from reports.models import RepairWatch
from reports.repairs import SETTLES, Repair, near, repairs_since
from subscriptions.models import Resident, ResidentState

HOUR, LATEST = 16, 18
"""On Japan's clock; before the usual hour of the digest."""
SHOWN = 5
LOOKED_BACK = timedelta(days=3)
"""What is older is no news, after whatever break."""
PAGE = 200
RULE = "rule:repairs"

log = structlog.get_logger(__name__)


async def tell_of_repairs(context: Context, medium: Format) -> int:
    """Tell today's repairs to those who watch, each resident once a day; return to how many."""
    now = context.clock.now()
    here = in_japan(now)
    if not context.city.publish_reports or not HOUR <= here.hour < LATEST:
        return 0
    slot = here.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    async with context.database.reading() as session:
        # What may have been sent before a restore is not sent again.
        restored = await held_until(session)
        if (restored and slot <= restored) or not await _page(session, slot):
            return 0
        since = max(filter(None, (now - LOOKED_BACK, restored)))
        city = await city_now(session, context.city)
        found = await repairs_since(session, city, since)
        repairs = [one for one in found if one.at <= now - SETTLES]
    told = 0
    while True:
        async with context.database.writing() as session:
            page = await _page(session, slot, lock=True)
            residents = await _residents(session, page)
            for watched in page:
                resident = residents.get(watched.resident_id)
                found = near(watched, _areas(resident), repairs) if resident else []
                watched.told_at = now
                session.add(watched)
                if resident and found:
                    words = [_message(city, found, resident.language)]
                    await push(
                        session, context.queue, watched.resident_id, words, RULE, now, medium=medium
                    )
                    told += 1
        if len(page) < PAGE:
            break
    if told:
        log.info("repairs.told", residents=told)
    return told


async def _page(session: AsyncSession, slot: datetime, *, lock: bool = False) -> list[RepairWatch]:
    """Return some who were not looked at today; locked, a second scheduler finds others."""
    query = (
        select(RepairWatch)
        .where(col(RepairWatch.told_at) < slot)
        .order_by(col(RepairWatch.told_at), col(RepairWatch.resident_id))
        .limit(PAGE)
    )
    return list(await session.scalars(query.with_for_update() if lock else query))


async def _residents(session: AsyncSession, page: list[RepairWatch]) -> dict[int, Resident]:
    """Return who of a page still follows the account, by number."""
    numbers = [watched.resident_id for watched in page]
    found = await session.scalars(select(Resident).where(col(Resident.id).in_(numbers)))
    following = (one for one in found if one.state is ResidentState.FOLLOWING)
    return {one.id: one for one in following if one.id is not None}


def _areas(resident: Resident) -> frozenset[str]:
    return frozenset(filter(None, resident.area_list.split(",")))


def _message(city: City, repairs: list[Repair], language: str) -> messages.Message:
    kinds = {kind.code: name_in(kind.names, language) for kind in city.report_categories}
    lines = [WORDS.text(language, "Repairs near you")]
    for one in repairs[:SHOWN]:
        district = city.district_by_code.get(one.area or "")
        where = f" ({name_in(district.names, language)})" if district else ""
        kind = kinds.get(one.category, one.category)
        lines.append(f"・{kind}{where}: {one.state.heading(language)} {one.number}")
    if len(repairs) > SHOWN:
        more = len(repairs) - SHOWN
        lines.append(WORDS.text(language, "and {count} more", count=more))
    change = messages.press(WORDS.text(language, "Repairs near me"), "repairs")
    return messages.text("\n".join(lines), change)
