"""The daily digest: collected notices of a resident, sent once at their hour.

``feeds.digest`` says which notices wait for whom; here they become a carousel of cards. Each hour
of each day is one delivery. It grows page by page together with its slot, each page in one
transaction, so that a crash neither skips nor repeats anybody.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.individual import IndividualMessage, add_individual_messages
from channels.medium import Format, compact_json
from channels.members import unpack
from channels.models import Batch, BatchState, Delivery, DeliveryKind, DeliveryState, Priority
from city.city import City
from core.clock import Clock
from core.database import Database
from core.restored import held_until, is_unseen
from core.work import Queue
from feeds.digest import (
    CATCH_UP,
    REMEMBERED,
    SETTLING,
    Digest,
    DigestSlot,
    Had,
    due_digests,
    next_digests,
    note_digested,
)
from subscriptions.models import LINE_MEDIUM, Resident

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIFE = timedelta(hours=20)
"""A digest that could not be sent for so long is yesterday's."""
PAGE = 2_000

log = structlog.get_logger(__name__)


async def send_digests(
    database: Database, queue: Queue, city: City, clock: Clock, media: Iterable[Format]
) -> int:
    """Queue all digests that are due, each resident's by their medium; return how many."""
    total = 0
    by_name = {medium.name: medium for medium in media}
    async with database.reading() as session:
        if await is_unseen(session):
            return 0
        slots = await due_digests(session, city, clock.now())
    for slot in slots:
        total += await _send_slot(database, queue, city, clock, slot, by_name)
    return total


async def _send_slot(
    database: Database,
    queue: Queue,
    city: City,
    clock: Clock,
    slot: DigestSlot,
    media: Mapping[str, Format],
) -> int:
    total = 0
    async with database.reading() as session:
        had = await _had(session, slot, await held_until(session), media)
    while True:
        async with database.writing() as session:
            now = clock.now()
            digests, through = await next_digests(
                session, city, slot, had, page=PAGE, media=tuple(media)
            )
            quiet = await _quiet_hours(session, digests)
            for medium in media.values():
                parcels = _parcels(digests, city, medium, quiet)
                if parcels:
                    delivery = await _delivery(session, slot, medium, clock)
                    await add_individual_messages(session, queue, delivery, parcels, medium)
            slot = await note_digested(session, slot, through, now)
            if through is None:
                await _close(session, slot, media)
        total += len(digests)
        if through is None:
            log.info("digest.queued", slot=slot.slot_at.isoformat(), residents=total)
            return total


def _parcels(
    digests: Sequence[Digest],
    city: City,
    medium: Format,
    quiet: Mapping[int, tuple[int | None, int | None]],
) -> list[IndividualMessage]:
    """Return the messages to a medium's residents; none if it cannot render them."""
    cards: dict[tuple[tuple[int | None, ...], str], bytes] = {}
    try:
        return [
            IndividualMessage(
                each.resident_id,
                each.language,
                *quiet[each.resident_id],
                _messages(each, city, medium, cards),
            )
            for each in digests
            if each.medium == medium.name
        ]
    except Exception as error:
        # Whatever is wrong with one medium, the others must not wait for it.
        log.error("digest.refused", channel=medium.name, exc_info=error)
        return []


async def _close(session: AsyncSession, slot: DigestSlot, media: Iterable[str]) -> None:
    """Note that nothing is added to a slot's deliveries any more."""
    references = [_reference(slot.slot_at, name) for name in media]
    made = await session.scalars(select(Delivery).where(col(Delivery.reference).in_(references)))
    for delivery in made.all():
        delivery.planning_done = True
        await session.flush()
        assert delivery.id is not None
        await outbox.finish_if_done(session, delivery.id)


async def _had(
    session: AsyncSession, slot: DigestSlot, until: datetime | None, media: Iterable[str]
) -> Had:
    """Return which residents had the other digests that overlap with this one.

    It is read from the batches, with four bytes for each resident, so it is right for residents who
    changed their hour. A digest that was given up before it was tried does not count.

    A restored database does not know digests that were sent by ``until``. So everybody counts as
    having had the last one of this hour before that.
    """
    forgotten = _last_by(slot.slot_at, until)
    latest: array[int] = array("I")
    """For each resident: hours since 1970 of the last slot, 0 without one."""
    reach = range(-int(REMEMBERED / HOUR), int(CATCH_UP / HOUR) + 1)
    slots = {
        _reference(at, name): at
        for at in (slot.slot_at + hours * HOUR for hours in reach if hours)
        for name in media
    }
    made = await session.execute(
        select(col(Delivery.reference), col(Delivery.id)).where(col(Delivery.reference).in_(slots))
    )
    for slot_at, delivery_id in sorted((slots[reference], number) for reference, number in made):
        batches = await session.scalars(
            select(Batch.members).where(
                col(Batch.delivery_id) == delivery_id,
                or_(
                    col(Batch.state) != BatchState.SKIPPED,
                    # LINE may have accepted it without our knowing.
                    col(Batch.first_tried_at).is_not(None),
                ),
            )
        )
        for number, packed in enumerate(batches):
            if number % 50 == 0:
                await asyncio.sleep(0)  # a million residents take a while, and others are waiting
            members = unpack(packed)
            missing = max(members, default=-1) + 1 - len(latest)
            if missing > 0:
                latest.extend(array("I", bytes(4 * missing)))
            for resident in members:
                latest[resident] = int(slot_at.timestamp()) // 3600

    def had(resident: int) -> datetime | None:
        hour = latest[resident] if resident < len(latest) else 0
        known = datetime.fromtimestamp(hour * 3600, UTC) if hour else None
        return max((each for each in (known, forgotten) if each is not None), default=None)

    return had


def _last_by(slot_at: datetime, until: datetime | None) -> datetime | None:
    """Return the newest slot of the same hour of a day that had come by ``until``."""
    if until is None:
        return None
    days = math.ceil((slot_at + SETTLING - until) / DAY)
    return slot_at - max(days, 1) * DAY


def _reference(slot_at: datetime, medium: str) -> str:
    own = "" if medium == LINE_MEDIUM else f"@{medium}"
    return f"digest:{slot_at.isoformat()}{own}"


async def _delivery(
    session: AsyncSession, slot: DigestSlot, medium: Format, clock: Clock
) -> Delivery:
    """Return the delivery of a slot, made at its first page."""
    reference = _reference(slot.slot_at, medium.name)
    known = await session.scalar(select(Delivery).where(col(Delivery.reference) == reference))
    if known is not None:
        return known
    delivery = Delivery(
        kind=DeliveryKind.DIGEST,
        channel=medium.name,
        reference=reference,
        state=DeliveryState.SENDING,
        priority=Priority.ROUTINE,
        expires_at=slot.slot_at + LIFE,
        created_by="rule:digest",
        created_at=clock.now(),
    )
    session.add(delivery)
    await session.flush()
    return delivery


async def _quiet_hours(
    session: AsyncSession, digests: Sequence[Digest]
) -> dict[int, tuple[int | None, int | None]]:
    found: dict[int, tuple[int | None, int | None]] = {}
    ids = [each.resident_id for each in digests]
    for start in range(0, len(ids), 500):
        statement = select(
            col(Resident.id), col(Resident.quiet_start), col(Resident.quiet_end)
        ).where(col(Resident.id).in_(ids[start : start + 500]))
        for resident, first, last in await session.execute(statement):
            if resident is not None:
                found[resident] = (first, last)
    return found


def _messages(
    digest: Digest,
    city: City,
    medium: Format,
    made: dict[tuple[tuple[int | None, ...], str], bytes],
) -> bytes:
    key = (tuple(notice.id for notice in digest.notices), digest.language)
    if key not in made:
        made[key] = compact_json(medium.digest(digest.notices, digest.language, city))
    return made[key]
