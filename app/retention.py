"""Erase data that is no longer needed, after the days in ``city.toml`` (promise 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Delete, delete, exists
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from alerts.chat.desk import forget_old as forget_chats
from alerts.chat.models import ChatMessage
from alerts.news.retention import forget as forget_news
from alerts.surveys import answering
from alerts.surveys.closing import forget_words as forget_answers
from bot.models import Dialogue, EventState, WebhookEvent
from bot.relay_sender import forget_relayed
from channels.email.signups import forget_signups
from channels.forget import forget_personal
from channels.models import Batch, Delivery, DeliveryState, Variant
from city.children import NO_TABLE, ChildTable
from city.context import Context
from core.chunks import in_chunks, rows_of
from core.clock import in_japan
from core.database import Database
from core.steady import in_doubt
from feeds.retention import forget as forget_items
from public.asked import forget_counts
from public.questions import forget_asked
from reports import (
    forwarding,
    notices_to_staff,
    order_links,
    saved_exports,
    verdicts,
    webhooks,
)
from reports.dangers import forget_drills
from reports.models import Danger
from reports.photos import sweep_files
from reports.retention import forget_photos, forget_words
from response import (
    call_ups,
    cases,
    check_ins,
    households,
    joining,
    lifelines,
    shelter_links,
    shelters,
    staff_messages,
)
from response.models import HouseholdPhoto
from subscriptions.retention import forget_grown, forget_left

SETTLED = (EventState.DONE, EventState.IGNORED, EventState.FAILED)
ENDED = (DeliveryState.DONE, DeliveryState.STOPPED)
GROUP = 500
"""Number of deliveries whose batches are searched together."""

log = structlog.get_logger(__name__)


async def forget(context: Context, children: ChildTable = NO_TABLE) -> None:
    """Erase what is older than the city's rules allow, a few rows at a time.

    It can stop at any moment and continues the next time. ``children`` says until when a child's
    month of birth is needed.
    """
    if in_doubt(context.clock):
        log.warning("retention.skipped")
        return
    now, keep, database = context.clock.now(), context.city.retention, context.database
    media = context.settings.media_dir
    counts = {
        "webhook_events": await _forget_events(database, now - timedelta(days=keep.webhook_events)),
        "relayed": await forget_relayed(database, now),
        "dialogues": await _forget_dialogues(database, now - timedelta(days=keep.dialogues)),
        "deliveries": await _forget_deliveries(database, now - timedelta(days=keep.deliveries)),
        "verdicts": await verdicts.forget_words(database, now - timedelta(days=keep.report_photos)),
        "staff_notices": await notices_to_staff.forget_old(
            database, now - timedelta(days=keep.call_ups)
        ),
        "order_links": await order_links.forget_old(database, now - timedelta(days=keep.call_ups)),
        "forwards": await forwarding.forget_words(
            database, now - timedelta(days=keep.report_photos)
        ),
        "exports": await saved_exports.forget_old(database, media, now),
        "webhook_messages": await webhooks.forget_old(database, now),
        "photos": await forget_photos(database, context.city, now),
        "report_words": await forget_words(database, context.city, now),
        "news": await forget_news(database, now - timedelta(days=keep.deliveries), now),
        "survey_words": await forget_answers(
            database, now - timedelta(days=keep.survey_words), now
        ),
        "items": await forget_items(database, now, keep.telegrams),
        **await _forget_call_ups(database, now - timedelta(days=keep.call_ups), now),
        **await _forget_disaster(
            database,
            now - timedelta(days=keep.safety_answers),
            now - timedelta(days=keep.deliveries),
        ),
        "questions": await forget_asked(
            database, in_japan(now).date() - timedelta(days=keep.questions)
        ),
        "chats": await forget_chats(database, now - timedelta(days=keep.chats)),
        "mail_signups": await forget_signups(database, now),
        "asked_counts": await forget_counts(database, now - timedelta(days=keep.questions)),
        "residents": await forget_left(
            database,
            keep.left_residents,
            now,
            also=partial(_forget_person, context.settings.all_secret_keys),
        ),
        "children": await forget_grown(database, children.first_needed(in_japan(now).date())),
    }
    async with database.reading() as session:
        drafts = await session.scalars(select(Dialogue.data))
        in_use = {found for data in drafts for found in _hashes(data)}
        in_use |= set(await session.scalars(select(HouseholdPhoto.sha256)))
        photos = select(ChatMessage.sha256).where(col(ChatMessage.sha256) > "")
        in_use |= set(await session.scalars(photos))
        in_use |= {
            found
            for shown in await session.scalars(select(Danger.photos))
            for found in _hashes(shown)
        }
    counts["files"] = await sweep_files(database, media, now, in_use=in_use)
    log.info("retention.finished", counts=counts)


async def _forget_person(
    all_secrets: Sequence[str], session: AsyncSession, resident_ids: Sequence[int]
) -> None:
    """Erase what is stored of residents who are being erased, beside what refers to them."""
    await forget_personal(session, resident_ids)
    await answering.forget(session, resident_ids, all_secrets)


async def _forget_disaster(
    database: Database, before: datetime, long_before: datetime
) -> dict[str, int]:
    """What is personal goes first; what staff did stays as long as what they sent."""
    return {
        "safety_answers": await households.forget_old(database, before),
        **await cases.forget_old(database, before),
        "drill_dangers": await forget_drills(database, before),
        "check_ins": await check_ins.forget_old(database, before),
        "shelter_acts": await shelters.forget_old(database, long_before, before),
        "shelter_links": await shelter_links.forget_old(database, long_before),
        "lifelines": await lifelines.forget_old(database, long_before),
    }


async def _forget_call_ups(database: Database, before: datetime, now: datetime) -> dict[str, int]:
    await joining.forget_tries(database, now)
    return {
        "call_ups": await call_ups.forget_old(database, before),
        "staff_messages": await staff_messages.forget_old(database, before),
    }


async def _forget_events(database: Database, before: datetime) -> int:
    number = col(WebhookEvent.id)
    old = (col(WebhookEvent.received_at) < before, col(WebhookEvent.state).in_(SETTLED))

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        return rows_of(await session.execute(_plain(delete(WebhookEvent), number.in_(ids), *old)))

    return await in_chunks(database, select(number).where(*old), change)


async def _forget_dialogues(database: Database, before: datetime) -> int:
    number, old = col(Dialogue.resident_id), col(Dialogue.updated_at) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        return rows_of(await session.execute(_plain(delete(Dialogue), number.in_(ids), old)))

    return await in_chunks(database, select(number).where(old), change)


async def _forget_deliveries(database: Database, before: datetime) -> int:
    """Variants and batches, which contain the recipients, are erased before the delivery.

    Of a chain the newest is erased first: a follow-up needs the recipients of those before it, so
    they stay as long as it does.
    """
    later = aliased(Delivery)
    old = (
        col(Delivery.created_at) < before,
        col(Delivery.state).in_(ENDED),
        ~exists().where(col(later.corrects_id) == col(Delivery.id)),
    )
    forgotten = 0
    while True:
        async with database.reading() as session:
            ids = list(await session.scalars(select(col(Delivery.id)).where(*old).limit(GROUP)))
        for part in (Batch, Variant):
            await _forget_parts(database, part, ids)

        async def change(session: AsyncSession, chunk: Sequence[int]) -> int:
            gone = _plain(delete(Delivery), col(Delivery.id).in_(chunk), *old)
            return rows_of(await session.execute(gone))

        chosen = select(col(Delivery.id)).where(col(Delivery.id).in_(ids), *old)
        went = await in_chunks(database, chosen, change)
        forgotten += went
        if not went:
            return forgotten


async def _forget_parts(
    database: Database, part: type[Batch] | type[Variant], deliveries: Sequence[int | None]
) -> None:
    number = col(part.id)

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        return rows_of(await session.execute(_plain(delete(part), number.in_(ids))))

    theirs = select(number).where(col(part.delivery_id).in_(deliveries))
    await in_chunks(database, theirs, change)


def _plain(statement: Delete, *where: ColumnElement[bool]) -> Delete:
    """Return the statement for rows that no object of the session has."""
    return statement.where(*where).execution_options(synchronize_session=False)


def _hashes(data: Any) -> Iterator[str]:
    """Every SHA-256 in a dialogue's data, at any depth."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "sha256" and isinstance(value, str):
                yield value
            else:
                yield from _hashes(value)
    elif isinstance(data, list):
        for value in data:
            yield from _hashes(value)
