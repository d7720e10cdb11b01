"""The rows of the outbox: what the sender reads and writes.

Everything here is one statement or one short transaction for many batches at once; the hot path
never makes a Python object for a resident.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    CursorResult,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.members import pack, unpack
from channels.models import Batch, BatchState, Delivery, DeliveryState, Priority
from channels.quiet import quiet_until
from channels.reasons import reason
from city.city import QuietHours
from core.reason import Reason

UNKNOWN_AFTER_A_DAY = reason("delivery.fate-unknown")
LONGEST_WAIT = timedelta(hours=1)
"""The longest time by which a rule postpones a batch, except quiet hours and emergencies."""
LONGEST_URGENT_WAIT = timedelta(minutes=1)
LONGEST_QUIET = timedelta(days=1)
UNSURE_WAIT = timedelta(seconds=10)
"""When to look again at a batch that depends on a doubtful date."""
OPEN_STATES = (BatchState.WAITING, BatchState.SENDING)
UNDER_WAY = (DeliveryState.PLANNED, DeliveryState.SENDING)


@dataclass(frozen=True)
class Claimed:
    """A batch that a run will send.

    ``uncertain`` if the medium may have accepted it before without our knowing.
    """

    id: int
    variant_id: int
    endpoint: str
    retry_key: str
    members: bytes
    size: int
    attempts: int
    uncertain: bool
    first_tried_at: datetime


@dataclass(frozen=True)
class Run:
    """One piece of work: some batches of one delivery, and the delivery's settings."""

    delivery: Delivery
    number: int
    batches: tuple[Claimed, ...] = ()


@dataclass(frozen=True)
class BatchOutcome:
    """The outcome of one attempt of a batch, as it is written to its row."""

    batch_id: int
    delivery_id: int
    state: BatchState
    attempts: int
    size: int
    at: datetime
    first_tried_at: datetime | None = None
    request_id: str | None = None
    error: Reason | None = None
    not_before: datetime | None = None
    absent: bytes | None = None

    @property
    def missing(self) -> int:
        return len(self.absent or b"") // 4


def new_retry_key() -> str:
    return str(uuid.uuid4())


def longest_wait(delivery: Delivery) -> timedelta:
    """Return the longest wait that a rule gives a batch of a delivery."""
    if delivery.priority <= Priority.EMERGENCY:
        return LONGEST_URGENT_WAIT
    return LONGEST_QUIET if delivery.respects_quiet else LONGEST_WAIT


def still_to_wait(delivery: Delivery, not_before: datetime | None, now: datetime) -> bool:
    """Whether a batch must wait. A date that no rule can give was written by a wrong clock."""
    return not_before is not None and now < not_before <= now + longest_wait(delivery)


async def claim(
    session: AsyncSession,
    delivery_id: int,
    number: int,
    *,
    now: datetime,
    quiet: QuietHours,
    worker: str,
    key_life: timedelta | Callable[[int], timedelta],
    sure: bool = True,
) -> Run | None:
    """Take due batches of a run, and mark them as tried before trying.

    Residents in quiet hours wait for their end, or are skipped if the message expires before that.
    Returns None for a run that must not be sent.

    Parameters
    ----------
    key_life
        The medium's, see :class:`channels.medium.Format`; or what gives it for a priority.
    sure
        Whether ``now`` is certain. Otherwise nothing expires because of it.
    """
    # Locked: a stop waits and then sees that these batches were tried, or this sees the stop.
    # Otherwise a follow-up could leave out people who are about to get this.
    delivery = await session.get(Delivery, delivery_id, with_for_update={"read": True})
    if delivery is None or delivery.state not in UNDER_WAY:
        return None
    statement = (
        select(Batch)
        .where(
            col(Batch.delivery_id) == delivery_id,
            col(Batch.run) == number,
            col(Batch.state).in_(OPEN_STATES),
        )
        .order_by(col(Batch.id))
    )
    rows = (await session.execute(select_columns(statement))).all()
    life = key_life if isinstance(key_life, timedelta) else key_life(delivery.priority)
    claimed: list[Claimed] = []
    held: dict[tuple[int | None, int | None], datetime | None] = {}
    changes: list[dict[str, Any]] = []
    for row in rows:
        until = row.not_before if still_to_wait(delivery, row.not_before, now) else None
        if until is None and delivery.respects_quiet:
            hours = (row.quiet_start, row.quiet_end)
            if hours not in held:
                held[hours] = quiet_until(now, quiet, *hours)
            until = held[hours]
        if row.first_tried_at is not None and now - row.first_tried_at >= life:
            if sure:
                changes.append(_change(row.id, BatchState.FAILED, error=UNKNOWN_AFTER_A_DAY))
            else:
                again = now + UNSURE_WAIT
                changes.append(_change(row.id, BatchState.WAITING, not_before=again))
        elif until is None:
            claimed.append(
                Claimed(
                    id=row.id,
                    variant_id=row.variant_id,
                    endpoint=row.endpoint,
                    retry_key=row.retry_key,
                    members=row.members,
                    size=row.size,
                    attempts=row.attempts + 1,
                    uncertain=row.first_tried_at is not None,
                    first_tried_at=row.first_tried_at or now,
                )
            )
        elif sure and delivery.expires_at is not None and until >= delivery.expires_at:
            changes.append(
                _change(row.id, BatchState.SKIPPED, error=reason("delivery.quiet-until-end"))
            )
        else:
            changes.append(_change(row.id, BatchState.WAITING, not_before=until))
    if changes:
        await _many(session, _CHANGE, changes)
    if claimed:
        taken = await session.scalars(
            update(Batch)
            .where(
                col(Batch.id).in_([each.id for each in claimed]),
                col(Batch.state).in_(OPEN_STATES),
            )
            .values(
                state=BatchState.SENDING,
                attempts=col(Batch.attempts) + 1,
                first_tried_at=func.coalesce(
                    col(Batch.first_tried_at), literal(now, _MOMENT), type_=_MOMENT
                ),
                worker=worker,
            )
            .returning(col(Batch.id))
            .execution_options(synchronize_session=False)
        )
        # Another worker may have ended some of them since they were read.
        still_open = set(taken)
        claimed = [each for each in claimed if each.id in still_open]
    return Run(delivery, number, tuple(claimed))


_MOMENT = cast(Any, Batch).__table__.c.first_tried_at.type
_table = cast(Any, Batch).__table__
_CHANGE = (
    update(_table)
    .where(
        _table.c.id == bindparam("batch"),
        # Written out: a list cannot be a parameter of a statement for many rows.
        or_(*(_table.c.state == state for state in OPEN_STATES)),
    )
    .values(state=bindparam("to"), error=bindparam("why"), not_before=bindparam("until"))
)
_RECORD = (
    update(_table)
    .where(
        _table.c.id == bindparam("batch"),
        # If LINE accepted it, that is written whatever was decided meanwhile. Other outcomes are
        # written only while the batch is being sent: a batch that was given up or sent does not
        # wait again.
        or_(_table.c.state == BatchState.SENDING, bindparam("is_fact", type_=Boolean())),
        _table.c.state != BatchState.SENT,
    )
    .values(
        state=bindparam("to"),
        attempts=bindparam("tries"),
        first_tried_at=bindparam("tried_at"),
        sent_at=bindparam("at"),
        request_id=bindparam("request"),
        error=bindparam("why"),
        not_before=bindparam("until"),
        absent=bindparam("left"),
        missing=bindparam("left_count"),
    )
)


def select_columns(statement: Any) -> Any:
    """Return a statement for batches that yields plain rows, not tracked objects."""
    return statement.with_only_columns(
        _table.c.id,
        _table.c.variant_id,
        _table.c.endpoint,
        _table.c.retry_key,
        _table.c.members,
        _table.c.size,
        _table.c.attempts,
        _table.c.first_tried_at,
        _table.c.not_before,
        _table.c.quiet_start,
        _table.c.quiet_end,
    )


def _change(
    batch_id: int,
    state: BatchState,
    *,
    error: Reason | None = None,
    not_before: datetime | None = None,
) -> dict[str, Any]:
    return {"batch": batch_id, "to": state, "why": error, "until": not_before}


async def _many(session: AsyncSession, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    connection = await session.connection()
    await connection.execute(statement, list(rows))


async def record_outcomes(session: AsyncSession, outcomes: Iterable[BatchOutcome]) -> None:
    """Write the outcomes of batches, and the first and last sending times of their deliveries."""
    rows: list[dict[str, Any]] = []
    sent: dict[int, tuple[datetime, datetime]] = {}
    for each in outcomes:
        was_sent = each.state is BatchState.SENT
        rows.append(
            {
                "batch": each.batch_id,
                "is_fact": was_sent,
                "to": each.state,
                "tries": each.attempts,
                "tried_at": each.first_tried_at,
                "at": each.at if was_sent else None,
                "request": each.request_id,
                "why": each.error,
                "until": each.not_before,
                "left": each.absent,
                "left_count": each.missing,
            }
        )
        if was_sent:
            first, last = sent.get(each.delivery_id, (each.at, each.at))
            sent[each.delivery_id] = (min(first, each.at), max(last, each.at))
    await _many(session, _RECORD, rows)
    for delivery_id, (first, last) in sent.items():
        await session.execute(
            update(Delivery)
            .where(col(Delivery.id) == delivery_id)
            .values(
                first_sent_at=func.coalesce(
                    col(Delivery.first_sent_at), literal(first, _MOMENT), type_=_MOMENT
                ),
                last_sent_at=last,
            )
            .execution_options(synchronize_session=False)
        )


async def split(
    session: AsyncSession, batch: Claimed, delivery_id: int, now: datetime
) -> tuple[int, str, str]:
    """Split a refused batch in two, and mark both halves as tried before trying.

    The refusal means that nobody got it, so both halves get new keys. Returns the new batch's id,
    the first half's new key and the second half's.
    """
    ids = unpack(batch.members)
    middle = len(ids) // 2
    first_key, second_key = new_retry_key(), new_retry_key()
    row = await session.get_one(Batch, batch.id, with_for_update=True)
    second = Batch(
        delivery_id=delivery_id,
        run=row.run,
        variant_id=row.variant_id,
        retry_key=second_key,
        endpoint=row.endpoint,
        size=len(ids) - middle,
        members=pack(ids[middle:]),
        quiet_start=row.quiet_start,
        quiet_end=row.quiet_end,
        state=BatchState.SENDING,
        attempts=1,
        worker=row.worker,
        first_tried_at=now,
    )
    session.add(second)
    row.members, row.size, row.retry_key = pack(ids[:middle]), middle, first_key
    row.first_tried_at = now
    row.absent, row.missing = None, 0
    await session.flush()
    assert second.id is not None
    return second.id, first_key, second_key


async def stop_rest(
    session: AsyncSession, delivery_id: int, why: Reason | None, *, run: int | None = None
) -> None:
    """Mark the batches of a delivery (or of one run) that wait as never to be sent."""
    conditions = [col(Batch.delivery_id) == delivery_id, col(Batch.state) == BatchState.WAITING]
    if run is not None:
        conditions.append(col(Batch.run) == run)
    await session.execute(
        update(Batch)
        .where(*conditions)
        .values(state=BatchState.SKIPPED, error=why)
        .execution_options(synchronize_session=False)
    )


async def stop(session: AsyncSession, delivery_id: int, why: Reason) -> bool:
    """Stop a delivery for good; requests that are under way still end.

    Returns whether there was something to stop.
    """
    result = await session.execute(
        update(Delivery)
        .where(
            col(Delivery.id) == delivery_id,
            col(Delivery.state).in_((*UNDER_WAY, DeliveryState.PAUSED)),
        )
        .values(state=DeliveryState.STOPPED, reason=why)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", result).rowcount == 0:
        return False
    await stop_rest(session, delivery_id, why)
    return True


async def pause(session: AsyncSession, delivery_id: int, why: Reason) -> bool:
    """Pause a delivery until a person resumes it; return whether it was being sent."""
    result = await session.execute(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id, col(Delivery.state).in_(UNDER_WAY))
        .values(state=DeliveryState.PAUSED, reason=why)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1


async def resume(session: AsyncSession, delivery_id: int) -> bool:
    """Resume a paused delivery, whatever the month's quota; return whether it was paused.

    Somebody may stop it at the same moment. Only one of the two finds it paused.
    """
    result = await session.execute(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id, col(Delivery.state) == DeliveryState.PAUSED)
        .values(state=DeliveryState.SENDING, reason=None, quota_waived=True)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1


async def close_run(session: AsyncSession, delivery_id: int, run: int, why: Reason | None) -> None:
    """Mark the remaining batches of a run of a stopped delivery, also those that a dead worker had
    taken.
    """
    await session.execute(
        update(Batch)
        .where(
            col(Batch.delivery_id) == delivery_id,
            col(Batch.run) == run,
            col(Batch.state).in_(OPEN_STATES),
        )
        .values(state=BatchState.SKIPPED, error=why)
        .execution_options(synchronize_session=False)
    )


async def finish_if_done(session: AsyncSession, delivery_id: int) -> bool:
    """Close a delivery whose batches have all ended; return whether it is closed."""
    open_batches = (
        select(Batch)
        .where(col(Batch.delivery_id) == delivery_id, col(Batch.state).in_(OPEN_STATES))
        .exists()
    )
    result = await session.execute(
        update(Delivery)
        .where(
            col(Delivery.id) == delivery_id,
            col(Delivery.state).in_(UNDER_WAY),
            col(Delivery.planning_done),
            ~open_batches,
        )
        .values(state=DeliveryState.DONE, reason=None)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1


async def has_ready(session: AsyncSession, delivery_id: int, now: datetime) -> bool:
    """Whether a delivery has something to plan or send at this moment."""
    delivery = await session.get(Delivery, delivery_id)
    if delivery is None or delivery.state not in UNDER_WAY:
        return False
    if not delivery.planning_done:
        return True
    ready = or_(
        col(Batch.state) == BatchState.SENDING,
        and_(
            col(Batch.state) == BatchState.WAITING,
            or_(
                col(Batch.not_before).is_(None),
                col(Batch.not_before) <= now,
                col(Batch.not_before) > now + longest_wait(delivery),
            ),
        ),
    )
    statement = select(col(Batch.id)).where(
        col(Batch.delivery_id) == delivery_id, col(Batch.state).in_(OPEN_STATES), ready
    )
    return await session.scalar(statement.limit(1)) is not None


async def has_untried(
    session: AsyncSession,
    delivery_id: int,
    before: int,
    states: Sequence[BatchState] = OPEN_STATES,
) -> bool:
    """Whether runs with a lower number than ``before`` have batches that may still go by their
    first request: they wait, or are under way, and nothing has objected to them.
    """
    statement = select(col(Batch.id)).where(
        col(Batch.delivery_id) == delivery_id,
        col(Batch.state).in_(states),
        col(Batch.error).is_(None),
        col(Batch.not_before).is_(None),
        col(Batch.run) < before,
    )
    return await session.scalar(statement.limit(1)) is not None


async def is_being_sent(session: AsyncSession, deliveries: Sequence[int]) -> bool:
    """Whether batches of these deliveries are under way at this moment."""
    statement = select(col(Batch.id)).where(
        col(Batch.delivery_id).in_(deliveries), col(Batch.state) == BatchState.SENDING
    )
    return await session.scalar(statement.limit(1)) is not None


async def unfinished_runs(
    session: AsyncSession, delivery: Delivery, now: datetime, run: int | None = None
) -> list[tuple[int, datetime | None]]:
    """Return the runs of a delivery with open batches, and the time from which each may be sent.

    Parameters
    ----------
    now
        The time now. A batch that is postponed for longer than any rule allows may be sent at once.
    run
        Only this run.
    """
    without_date = or_(
        col(Batch.not_before).is_(None), col(Batch.not_before) > now + longest_wait(delivery)
    )
    undated = func.sum(without_date.cast(_COUNT))
    statement = (
        select(col(Batch.run), undated, func.min(col(Batch.not_before), type_=_MOMENT))
        .where(col(Batch.delivery_id) == delivery.id, col(Batch.state).in_(OPEN_STATES))
        .group_by(col(Batch.run))
        .order_by(col(Batch.run))
    )
    if run is not None:
        statement = statement.where(col(Batch.run) == run)
    rows = (await session.execute(statement)).all()
    return [(number, None if without else earliest) for number, without, earliest in rows]


_COUNT = cast(Any, Batch).__table__.c.size.type


async def insert_batches(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert batches in bulk; keys are the columns."""
    await _many(session, insert(_table), rows)
