"""The daily digest: what was collected for a resident, sent once at their hour.

``feeds.digest`` says what waits for whom; here it becomes cards to leaf through. Each hour of
each day is one delivery, and grows page by page with the slot it is of, in one transaction
each, so that a crash neither skips nor repeats anybody.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.line import compact_json
from channels.members import unpack
from channels.models import Batch, BatchState, Delivery, DeliveryKind, DeliveryState, Priority
from channels.parcels import Parcel, add_parcels
from channels.render import MOST_MESSAGES, render_card
from core.city import City
from core.clock import Clock
from core.database import Database
from core.work import Queue
from feeds.digest import (
    CATCH_UP,
    REMEMBERED,
    Digest,
    DigestSlot,
    Had,
    due_digests,
    next_digests,
    note_digested,
)
from feeds.models import Notice
from subscriptions.models import Resident

HOUR = timedelta(hours=1)
LIFE = timedelta(hours=20)
"""A digest that could not be sent for so long is yesterday's."""
PAGE = 2_000
CARDS = 10
"""LINE takes twelve bubbles and 50 KB a carousel."""

log = structlog.get_logger(__name__)


async def send_digests(database: Database, queue: Queue, city: City, clock: Clock) -> int:
    """Queue all digests whose hour has come; returns for how many residents."""
    total = 0
    async with database.reading() as session:
        slots = await due_digests(session, city, clock.now())
    for slot in slots:
        total += await _send_slot(database, queue, city, clock, slot)
    return total


async def _send_slot(
    database: Database, queue: Queue, city: City, clock: Clock, slot: DigestSlot
) -> int:
    total = 0
    async with database.reading() as session:
        had = await _had(session, slot)
    while True:
        async with database.writing() as session:
            now = clock.now()
            delivery = await _delivery(session, slot, city, clock)
            digests, through = await next_digests(session, city, slot, had, page=PAGE)
            quiet = await _quiet_hours(session, digests)
            cards: dict[tuple[tuple[int | None, ...], str], bytes] = {}
            parcels = [
                Parcel(
                    each.resident_id,
                    each.language,
                    *quiet[each.resident_id],
                    _messages(each, city, cards),
                )
                for each in digests
            ]
            await add_parcels(session, queue, delivery, parcels)
            slot = await note_digested(session, slot, through, now)
            if through is None:
                delivery.planning_done = True
                await session.flush()
                assert delivery.id is not None
                await outbox.finish_if_done(session, delivery.id)
        total += len(digests)
        if through is None:
            log.info("digest queued", slot=slot.slot_at.isoformat(), residents=total)
            return total


async def _had(session: AsyncSession, slot: DigestSlot) -> Had:
    """Return who had which of the other digests that reach into the days of this one.

    It is read from the batches themselves, at four bytes a resident, and so holds whatever
    hours the residents had before. A digest that was given up before it was tried is none.
    """
    latest: array[int] = array("I")
    """By resident: hours since 1970 of the last slot, 0 without one."""
    reach = range(-int(REMEMBERED / HOUR), int(CATCH_UP / HOUR) + 1)
    for slot_at in (slot.slot_at + hours * HOUR for hours in reach if hours):
        batches = await session.scalars(
            select(Batch.members)
            .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
            .where(
                col(Delivery.reference) == _reference(slot_at),
                or_(
                    col(Batch.state) != BatchState.SKIPPED,
                    # LINE may have taken it without our knowing.
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
        return datetime.fromtimestamp(hour * 3600, UTC) if hour else None

    return had


def _reference(slot_at: datetime) -> str:
    return f"digest:{slot_at.isoformat()}"


async def _delivery(session: AsyncSession, slot: DigestSlot, city: City, clock: Clock) -> Delivery:
    """Return the delivery of a slot, made at its first page."""
    reference = _reference(slot.slot_at)
    known = await session.scalar(select(Delivery).where(col(Delivery.reference) == reference))
    if known is not None:
        return known
    delivery = Delivery(
        kind=DeliveryKind.DIGEST,
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
    digest: Digest, city: City, made: dict[tuple[tuple[int | None, ...], str], bytes]
) -> bytes:
    key = (tuple(notice.id for notice in digest.notices), digest.language)
    if key not in made:
        made[key] = compact_json(digest_messages(digest.notices, digest.language, city))
    return made[key]


def digest_messages(notices: Sequence[Notice], language: str, city: City) -> list[dict[str, Any]]:
    """Return notices as cards to leaf through, the newest so many that LINE takes at once."""
    newest = list(notices)[-CARDS * MOST_MESSAGES :]
    return [
        _carousel(newest[at : at + CARDS], language, city) for at in range(0, len(newest), CARDS)
    ]


def _carousel(notices: Sequence[Notice], language: str, city: City) -> dict[str, Any]:
    cards = [render_card(notice, language, city) for notice in notices]
    alt = "\n".join(title for title, _ in cards)
    return {
        "type": "flex",
        "altText": alt if len(alt) <= 190 else f"{alt[:189]}…",
        "contents": {"type": "carousel", "contents": [bubble for _, bubble in cards]},
    }
