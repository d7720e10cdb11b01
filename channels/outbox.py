"""The rows of the outbox: what the sender takes from the database and gives back to it.

Everything here is one statement or one short transaction for many batches at once; the hot
path never holds a resident as a Python object.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, bindparam, func, insert, literal, or_, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.members import pack, unpack
from channels.models import Batch, BatchState, Delivery, DeliveryState, Variant
from channels.quiet import quiet_until
from core.city import QuietHours
from core.database import Database
from subscriptions.models import Resident, ResidentState

KEY_LIFE = timedelta(hours=23, minutes=30)
"""LINE honours a retry key for 24 hours; nothing is repeated close to that."""
UNKNOWN_AFTER_A_DAY = "whether LINE took it was not known within 24 hours"
OPEN_STATES = (BatchState.WAITING, BatchState.SENDING)
UNDER_WAY = (DeliveryState.PLANNED, DeliveryState.SENDING)

_LOOK_UP_SQLITE = text(
    """
    SELECT (
        SELECT group_concat(r.line_user_id, '","')
        FROM json_each(wanted.value) AS member
        CROSS JOIN residents AS r ON r.id = member.value
        WHERE r.state = 'following'
    )
    FROM json_each(:wanted) AS wanted ORDER BY wanted.key
    """
)
_LOOK_UP_POSTGRESQL = text(
    """
    SELECT (
        SELECT string_agg(r.line_user_id, '","')
        FROM residents AS r
        WHERE r.id = ANY (CAST(wanted.ids AS bigint[])) AND r.state = 'following'
    )
    FROM unnest(CAST(:wanted AS text[])) WITH ORDINALITY AS wanted (ids, place)
    ORDER BY wanted.place
    """
)


@dataclass(frozen=True)
class Claimed:
    """A batch that a run is about to send.

    ``uncertain`` when LINE may have taken it before without our knowing.
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
    """What one piece of work sends: some batches of one delivery, and the delivery's terms."""

    delivery: Delivery
    number: int
    batches: tuple[Claimed, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a batch in this attempt, as it is written to its row."""

    batch_id: int
    delivery_id: int
    state: BatchState
    attempts: int
    size: int
    at: datetime
    first_tried_at: datetime | None = None
    request_id: str | None = None
    error: str | None = None
    not_before: datetime | None = None
    absent: bytes | None = None

    @property
    def missing(self) -> int:
        return len(self.absent or b"") // 4


def new_retry_key() -> str:
    return str(uuid.uuid4())


async def claim(
    session: AsyncSession,
    delivery_id: int,
    number: int,
    *,
    now: datetime,
    quiet: QuietHours,
    worker: str,
) -> Run | None:
    """Take what is due of a run, marking it as tried before it is.

    Residents whose quiet hours have begun wait for their end, or are skipped where the
    message will have lost its meaning by then. Returns None for a run that is not to be sent.
    """
    delivery = await session.get(Delivery, delivery_id)
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
    claimed: list[Claimed] = []
    held: dict[tuple[int | None, int | None], datetime | None] = {}
    changes: list[dict[str, Any]] = []
    for row in rows:
        until = row.not_before if row.not_before and row.not_before > now else None
        if until is None and delivery.respects_quiet:
            hours = (row.quiet_start, row.quiet_end)
            if hours not in held:
                held[hours] = quiet_until(now, quiet, *hours)
            until = held[hours]
        if row.first_tried_at is not None and now - row.first_tried_at > KEY_LIFE:
            changes.append(_change(row.id, BatchState.FAILED, error=UNKNOWN_AFTER_A_DAY))
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
        elif delivery.expires_at is not None and until >= delivery.expires_at:
            changes.append(_change(row.id, BatchState.SKIPPED, error="quiet hours until it ended"))
        else:
            changes.append(_change(row.id, BatchState.WAITING, not_before=until))
    if changes:
        await _many(session, _CHANGE, changes)
    if claimed:
        await session.execute(
            update(Batch)
            .where(col(Batch.id).in_([each.id for each in claimed]))
            .values(
                state=BatchState.SENDING,
                attempts=col(Batch.attempts) + 1,
                first_tried_at=func.coalesce(
                    col(Batch.first_tried_at), literal(now, _MOMENT), type_=_MOMENT
                ),
                worker=worker,
            )
            .execution_options(synchronize_session=False)
        )
    return Run(delivery, number, tuple(claimed))


_MOMENT = cast(Any, Batch).__table__.c.first_tried_at.type
_table = cast(Any, Batch).__table__
_CHANGE = (
    update(_table)
    .where(_table.c.id == bindparam("batch"))
    .values(state=bindparam("to"), error=bindparam("why"), not_before=bindparam("until"))
)
_RECORD = (
    update(_table)
    .where(_table.c.id == bindparam("batch"))
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
    error: str | None = None,
    not_before: datetime | None = None,
) -> dict[str, Any]:
    return {"batch": batch_id, "to": state, "why": error, "until": not_before}


async def _many(session: AsyncSession, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    connection = await session.connection()
    await connection.execute(statement, list(rows))


async def record_outcomes(session: AsyncSession, outcomes: Iterable[Outcome]) -> None:
    """Write what became of batches, and when their deliveries began and last sent."""
    rows: list[dict[str, Any]] = []
    sent: dict[int, tuple[datetime, datetime]] = {}
    for each in outcomes:
        was_sent = each.state is BatchState.SENT
        rows.append(
            {
                "batch": each.batch_id,
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


async def user_ids(database: Database, members: Sequence[bytes]) -> list[str | None]:
    """Return the LINE user ids of batches' members who still follow, joined by ``","``.

    One string a batch, made by the database; None where nobody is left. An erased or departed
    resident is simply not in it.
    """
    lists = [unpack(each).tolist() for each in members]
    async with database.reading() as session:
        if database.is_sqlite:
            wanted: object = str(lists)
            rows = await session.execute(_LOOK_UP_SQLITE, {"wanted": wanted})
        else:
            wanted = ["{" + str(each)[1:-1] + "}" for each in lists]
            rows = await session.execute(_LOOK_UP_POSTGRESQL, {"wanted": wanted})
        return [joined for (joined,) in rows]


async def absent_members(database: Database, members: bytes) -> bytes:
    """Return those of a batch's members, packed, who have left or were erased."""
    ids = unpack(members).tolist()
    statement = select(col(Resident.id)).where(
        col(Resident.id).in_(ids), col(Resident.state) == ResidentState.FOLLOWING
    )
    async with database.reading() as session:
        here = set(await session.scalars(statement))
    return pack(each for each in ids if each not in here)


async def variant_messages(database: Database, ids: Iterable[int]) -> dict[int, bytes]:
    """Return the messages of variants as they go into a body."""
    wanted = list(set(ids))
    found: dict[int, bytes] = {}
    async with database.reading() as session:
        for start in range(0, len(wanted), 500):
            statement = select(col(Variant.id), col(Variant.messages)).where(
                col(Variant.id).in_(wanted[start : start + 500])
            )
            for variant_id, messages in await session.execute(statement):
                assert variant_id is not None
                found[variant_id] = messages
    return found


async def split(
    session: AsyncSession, batch: Claimed, delivery_id: int, now: datetime
) -> tuple[int, str, str]:
    """Cut a batch that LINE refused in two, marking both as tried before they are.

    The refusal means that nobody got it, so both halves get keys of their own. Returns the
    new batch's id, the first half's new key and the second half's.
    """
    ids = unpack(batch.members)
    middle = len(ids) // 2
    first_key, second_key = new_retry_key(), new_retry_key()
    row = await session.get_one(Batch, batch.id)
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
    session: AsyncSession, delivery_id: int, why: str, *, run: int | None = None
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


async def stop(session: AsyncSession, delivery_id: int, why: str) -> bool:
    """Stop a delivery for good; what is under way at this moment still ends by itself.

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


async def pause(session: AsyncSession, delivery_id: int, why: str) -> bool:
    """Have a delivery wait until a person lets it go on; returns whether it was under way."""
    result = await session.execute(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id, col(Delivery.state).in_(UNDER_WAY))
        .values(state=DeliveryState.PAUSED, reason=why)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1


async def close_run(session: AsyncSession, delivery_id: int, run: int, why: str) -> None:
    """Mark what is left of a run of a stopped delivery, also what a dead worker had taken."""
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
    """Close a delivery whose batches have all ended; returns whether it is closed."""
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
        .values(state=DeliveryState.DONE, reason="")
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
            or_(col(Batch.not_before).is_(None), col(Batch.not_before) <= now),
        ),
    )
    statement = select(col(Batch.id)).where(
        col(Batch.delivery_id) == delivery_id, col(Batch.state).in_(OPEN_STATES), ready
    )
    return await session.scalar(statement.limit(1)) is not None


async def is_being_sent(session: AsyncSession, delivery_id: int) -> bool:
    """Whether batches of a delivery are under way at this moment."""
    statement = select(col(Batch.id)).where(
        col(Batch.delivery_id) == delivery_id, col(Batch.state) == BatchState.SENDING
    )
    return await session.scalar(statement.limit(1)) is not None


async def unfinished_runs(
    session: AsyncSession, delivery_id: int, run: int | None = None
) -> list[tuple[int, datetime | None]]:
    """Return the runs of a delivery that have open batches, and from when each may go.

    Parameters
    ----------
    run
        Look at this one only.
    """
    undated = func.sum((col(Batch.not_before).is_(None)).cast(_COUNT))
    statement = (
        select(col(Batch.run), undated, func.min(col(Batch.not_before), type_=_MOMENT))
        .where(col(Batch.delivery_id) == delivery_id, col(Batch.state).in_(OPEN_STATES))
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
