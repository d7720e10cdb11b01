"""What a restore holds back: deliveries that may have been sent since the backup."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.engine import put_unfinished
from channels.models import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    UnknownSend,
    UnknownState,
    unfinished,
)
from channels.reasons import reason
from core.audit import record
from core.restored import RESTORED, RULE, RestoreHold
from core.work import Queue
from feeds.models import WAITS, Notice


@dataclass(frozen=True)
class Held:
    """What waits for a person after a restore.

    Parameters
    ----------
    deliveries
        Deliveries that were being sent when the backup was made.
    notices
        Notices that came later and may have been told before the restore; the most serious first.
    """

    hold: RestoreHold
    deliveries: tuple[Delivery, ...]
    notices: tuple[Notice, ...]

    @property
    def kinds(self) -> list[tuple[DeliveryKind, int]]:
        """How many deliveries of each kind wait."""
        counted = Counter(delivery.kind for delivery in self.deliveries)
        return [(kind, counted[kind]) for kind in DeliveryKind if counted[kind]]

    @property
    def is_open(self) -> bool:
        """Whether there is something to decide or to look at."""
        return self.hold.seen_at is None or bool(self.deliveries)


async def hold_back(session: AsyncSession, until: datetime, now: datetime) -> None:
    """Hold back everything that may have been sent by ``until``."""
    hold = await session.get(RestoreHold, 1, with_for_update=True) or RestoreHold(
        until=until, restored_at=now
    )
    hold.until, hold.restored_at, hold.seen_at, hold.seen_by = until, now, None, ""
    session.add(hold)
    await session.execute(
        update(Delivery)
        .where(col(Delivery.state).in_(outbox.UNDER_WAY))
        .values(state=DeliveryState.PAUSED, reason=RESTORED)
        .execution_options(synchronize_session=False)
    )
    ended = select(col(Delivery.id)).where(col(Delivery.state) == DeliveryState.DONE)
    await session.execute(
        update(UnknownSend)
        .where(
            col(UnknownSend.state).in_((UnknownState.WAITING, UnknownState.SENDING)),
            col(UnknownSend.delivery_id).in_(ended),
        )
        .values(state=UnknownState.FAILED, error=RESTORED, ended_at=now)
        .execution_options(synchronize_session=False)
    )


async def held(session: AsyncSession) -> Held | None:
    """Return what waits since a restore; None if nothing was restored."""
    hold = await session.get(RestoreHold, 1)
    if hold is None:
        return None
    deliveries = await session.scalars(
        unfinished(select(Delivery))
        .where(col(Delivery.state) == DeliveryState.PAUSED, col(Delivery.reason) == RESTORED)
        .order_by(col(Delivery.priority), col(Delivery.id))
        .limit(200)
    )
    notices = await session.scalars(
        select(Notice)
        .where(WAITS, col(Notice.decided_by) == RULE)
        .order_by(
            col(Notice.emergency).desc(), col(Notice.level).desc(), col(Notice.reported_at).desc()
        )
        .limit(200)
    )
    return Held(hold, tuple(deliveries), tuple(notices))


async def held_of(session: AsyncSession, kind: DeliveryKind) -> list[Delivery]:
    """Return all held deliveries of a kind, those that go first before the others."""
    rows = await session.scalars(
        select(Delivery)
        .where(
            col(Delivery.kind) == kind,
            col(Delivery.state) == DeliveryState.PAUSED,
            col(Delivery.reason) == RESTORED,
        )
        .order_by(col(Delivery.priority), col(Delivery.id))
    )
    return list(rows)


async def release(
    session: AsyncSession,
    queue: Queue,
    kind: DeliveryKind,
    actor: str,
    now: datetime,
    *,
    send: bool,
) -> int:
    """Resume the held deliveries of a kind, or stop them for good; return how many."""
    # Locked, so that a resume and a stop at the same moment do not both succeed.
    ids = await session.scalars(
        select(col(Delivery.id))
        .where(
            col(Delivery.kind) == kind,
            col(Delivery.state) == DeliveryState.PAUSED,
            col(Delivery.reason) == RESTORED,
        )
        .order_by(col(Delivery.id))
        .with_for_update()
    )
    done = 0
    for delivery_id in list(ids):
        assert delivery_id is not None
        if send:
            if not await outbox.resume(session, delivery_id):
                continue
            row = await session.get_one(Delivery, delivery_id, populate_existing=True)
            await put_unfinished(session, queue, row, now)
        elif not await outbox.stop(session, delivery_id, reason("delivery.stopped", name=actor)):
            continue
        done += 1
        await record(
            session,
            now,
            actor=actor,
            action="delivery.resumed" if send else "delivery.stopped",
            subject=f"delivery:{delivery_id}",
        )
    return done


async def note_seen(session: AsyncSession, actor: str, now: datetime) -> None:
    """Store that somebody has seen what may have been sent; digests start again."""
    hold = await session.get(RestoreHold, 1, with_for_update=True, populate_existing=True)
    if hold is None or hold.seen_at is not None:
        return
    hold.seen_at, hold.seen_by = now, actor
    session.add(hold)
    await record(session, now, actor=actor, action="restore.seen", subject="restore:all")
