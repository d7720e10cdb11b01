"""What is no longer needed is erased, after the days that ``city.toml`` says (promise 9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.models import Dialogue, EventState, WebhookEvent
from channels.forget import forget_personal
from channels.models import Delivery, DeliveryState
from core.context import Context
from feeds.retention import forget as forget_items
from reports.photos import forget_old_photos, sweep_files
from subscriptions.retention import forget_left

SETTLED = (EventState.DONE, EventState.IGNORED, EventState.FAILED)
ENDED = (DeliveryState.DONE, DeliveryState.STOPPED)

log = structlog.get_logger(__name__)


async def forget(context: Context) -> None:
    """Erase what is older than the city's rules allow."""
    now, keep = context.clock.now(), context.city.retention
    async with context.database.writing() as session:
        events = await _forget_events(session, now - timedelta(days=keep.webhook_events))
        dialogues = await _forget_dialogues(session, now - timedelta(days=keep.dialogues))
        deliveries = await _forget_deliveries(session, now - timedelta(days=keep.deliveries))
        photos = await forget_old_photos(session, keep.report_photos, now)
        items = await forget_items(session, now)
    residents = await forget_left(context.database, keep.left_residents, now, also=forget_personal)
    async with context.database.reading() as session:
        drafts = await session.scalars(select(Dialogue.data))
        in_use = {found for data in drafts for found in _hashes(data)}
        files = await sweep_files(session, context.settings.media_dir, now, in_use=in_use)
    log.info(
        "forgotten",
        webhook_events=events,
        dialogues=dialogues,
        deliveries=deliveries,
        photos=photos,
        items=items,
        residents=residents,
        files=files,
    )


async def _forget_events(session: AsyncSession, before: datetime) -> int:
    old = delete(WebhookEvent).where(
        col(WebhookEvent.received_at) < before, col(WebhookEvent.state).in_(SETTLED)
    )
    return len((await session.execute(old.returning(col(WebhookEvent.id)))).all())


async def _forget_dialogues(session: AsyncSession, before: datetime) -> int:
    old = delete(Dialogue).where(col(Dialogue.updated_at) < before)
    return len((await session.execute(old.returning(col(Dialogue.resident_id)))).all())


async def _forget_deliveries(session: AsyncSession, before: datetime) -> int:
    """Variants and batches, which say who was in a delivery, go with it."""
    old = delete(Delivery).where(col(Delivery.created_at) < before, col(Delivery.state).in_(ENDED))
    return len((await session.execute(old.returning(col(Delivery.id)))).all())


def _hashes(data: Any) -> Iterator[str]:
    """Every SHA-256 that a dialogue's data holds, wherever it stands."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "sha256" and isinstance(value, str):
                yield value
            else:
                yield from _hashes(value)
    elif isinstance(data, list):
        for value in data:
            yield from _hashes(value)
