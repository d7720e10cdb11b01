"""What a restore holds back: running deliveries, and answers that may have reached LINE."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.models import IS_OPEN, EventState, WebhookEvent, bucket_of
from bot.relay import drop_all
from channels import restored
from core.restored import RESTORED
from reports import notices_to_staff
from response import call_ups, staff_messages


async def hold_back(session: AsyncSession, until: datetime, now: datetime) -> None:
    """Hold back everything that may have been sent by ``until``.

    An answer that was stored and not sent is dropped: its event was processed before the backup,
    and the resident most likely got the answer moments later. What waited for another vendor's
    service is dropped for the same reason. Events that were not processed are processed and
    answered as usual.
    """
    await restored.hold_back(session, until, now)
    await staff_messages.hold_back(session, now)
    await call_ups.hold_back(session)
    await notices_to_staff.hold_back(session, now)
    await drop_all(session)
    await _into_buckets(session)
    forget = col(WebhookEvent.forget)
    await session.execute(
        update(WebhookEvent)
        .where(IS_OPEN, col(WebhookEvent.state) == EventState.ANSWERING)
        .values(
            state=EventState.DONE,
            answer=None,
            not_before=None,
            error=str(RESTORED),
            payload=case((forget, "{}"), else_=col(WebhookEvent.payload)),
            line_user_id=case((forget, None), else_=col(WebhookEvent.line_user_id)),
        )
        .execution_options(synchronize_session=False)
    )


async def _into_buckets(session: AsyncSession) -> None:
    """Put open events into the buckets of this database, which may be of the other kind."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    users = await session.scalars(
        select(WebhookEvent.line_user_id)
        .where(IS_OPEN, col(WebhookEvent.line_user_id).is_not(None))
        .distinct()
    )
    for user in users.all():
        await session.execute(
            update(WebhookEvent)
            .where(IS_OPEN, col(WebhookEvent.line_user_id) == user)
            .values(bucket=bucket_of(user or "", is_sqlite=is_sqlite))
            .execution_options(synchronize_session=False)
        )
