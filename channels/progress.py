"""The progress of a delivery: as a value, as a stream, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.level_parts import BY_LEVEL, parts_of
from channels.members import is_member
from channels.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Variant,
    Wording,
    newest_of_notices,
)
from channels.reasons import reason
from core.clock import Clock, SystemClock
from core.database import Database
from core.errors import BadInput
from core.reason import Reason

FOLLOW_SECONDS = 0.5
RATE_WINDOW = timedelta(seconds=10)


@dataclass(frozen=True)
class Progress:
    """The progress of a delivery, counted in residents.

    Parameters
    ----------
    recipients
        The audience that is planned so far; final if ``planning_done``.
    skipped
        Residents who get nothing, for a reason: left, quiet hours beyond the end, stopped.
    waiting
        Residents who still wait.
    by_language
        By language (several, separated by commas, if they share a message) and state of the batch.
    by_minute
        Sent by minute since the first.
    retries
        Attempts beyond the first.
    errors
        Batches by their last error, LINE's or ours.
    per_second
        Over the last seconds; ``eta`` is computed from it.
    """

    id: int
    state: DeliveryState
    recipients: int
    sent: int
    failed: int
    skipped: int
    waiting: int
    batches: int
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    duration_s: float | None
    kind: str = "notice"
    channel: str = "line"
    """The medium."""
    notice_id: int | None = None
    reason: Reason | None = None
    planning_done: bool = False
    retries: int = 0
    per_second: float = 0.0
    eta: datetime | None = None
    next_at: datetime | None = None
    """When held batches go, if all that is left is held."""
    by_language: dict[str, dict[str, int]] = field(default_factory=dict)
    by_wording: dict[Wording, int] = field(default_factory=dict)
    """Recipients by the words they get, as far as batches are made."""
    by_level: dict[int, dict[str, int]] = field(default_factory=dict)
    """By level and state of the batch, the gravest first; empty for an alert with one level."""
    by_minute: list[tuple[int, int]] = field(default_factory=list)
    errors: dict[Reason, int] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.state in (DeliveryState.DONE, DeliveryState.STOPPED)

    def to_json(self) -> dict[str, object]:
        """Return what ``deliveries show --json`` prints."""
        return {
            "id": self.id,
            "channel": self.channel,
            "state": self.state.value,
            "recipients": self.recipients,
            "sent": self.sent,
            "failed": self.failed,
            "skipped": self.skipped,
            "batches": self.batches,
            "first_sent_at": _iso(self.first_sent_at),
            "last_sent_at": _iso(self.last_sent_at),
            "duration_s": self.duration_s,
        }

    def to_full_json(self) -> dict[str, object]:
        """Return everything, for the console's live view."""
        return {
            **self.to_json(),
            "kind": self.kind,
            "notice_id": self.notice_id,
            "reason": str(self.reason or ""),
            "reason_code": self.reason.code if self.reason else None,
            "planning_done": self.planning_done,
            "waiting": self.waiting,
            "retries": self.retries,
            "per_second": self.per_second,
            "eta": _iso(self.eta),
            "next_at": _iso(self.next_at),
            "by_language": self.by_language,
            "by_wording": {each.value: number for each, number in self.by_wording.items()},
            "by_level": self.by_level,
            "by_minute": self.by_minute,
            "errors": {str(each): number for each, number in self.errors.items()},
        }


@dataclass(frozen=True)
class Reached:
    """The result of one resident in a delivery.

    Parameters
    ----------
    request_id
        The request id with which LINE accepted it, for questions to LINE.
    absent
        They had left when it was sent to the others of their batch.
    error
        The error, LINE's or ours, if any.
    """

    state: BatchState
    at: datetime | None
    request_id: str | None
    absent: bool
    error: Reason | None = None

    @property
    def got_it(self) -> bool | None:
        """Whether LINE accepted it for them; None if that is still open."""
        if self.state in (BatchState.WAITING, BatchState.SENDING):
            return None
        return self.state is BatchState.SENT and not self.absent


async def progress(
    session: AsyncSession, delivery_id: int, *, now: datetime | None = None
) -> Progress:
    """Return the progress of a delivery.

    Parameters
    ----------
    now
        The time for rate and estimate; without it they are left out.

    Raises
    ------
    BadInput
        There is no such delivery.
    """
    delivery = await session.get(Delivery, delivery_id, populate_existing=True)
    if delivery is None:
        raise BadInput(reason("delivery.missing", id=delivery_id))
    statement = (
        sql_select(
            col(Variant.wording),
            col(Variant.part),
            col(Variant.language),
            col(Batch.state),
            func.count(),
            func.sum(col(Batch.size)),
            func.sum(col(Batch.missing)),
        )
        .join(Variant, col(Variant.id) == col(Batch.variant_id))
        .where(col(Batch.delivery_id) == delivery_id)
        .group_by(col(Variant.wording), col(Variant.part), col(Variant.language), col(Batch.state))
    )
    counts: Counter[BatchState] = Counter()
    by_language: dict[str, dict[str, int]] = {}
    by_wording: Counter[Wording] = Counter()
    levels = [part.level for part in parts_of(delivery)]
    by_level: dict[int, dict[str, int]] = {level: {} for level in levels}
    batches, missing = 0, 0
    for wording, part, language, state, number, size, absent in await session.execute(statement):
        batches += number
        missing += absent
        counts[state] += size - absent
        # A resident who is asked for the language reads the notice's own words above the question.
        by_wording[Wording.MAIN if wording is Wording.ASKING else wording] += size
        counted = [by_language.setdefault(language, {})]
        if levels and wording in BY_LEVEL:
            counted.append(by_level[levels[part]])
        for states in counted:
            states[state.value] = states.get(state.value, 0) + size - absent
    waiting = counts[BatchState.WAITING] + counts[BatchState.SENDING]
    first, last = delivery.first_sent_at, delivery.last_sent_at
    per_second, eta = 0.0, None
    if now is not None and first is not None and not _ended(delivery):
        per_second = await _rate(session, delivery_id, first, now)
        if per_second > 0:
            eta = now + timedelta(seconds=waiting / per_second)
    assert delivery.id is not None
    return Progress(
        id=delivery.id,
        state=delivery.state,
        recipients=delivery.recipients,
        sent=counts[BatchState.SENT],
        failed=counts[BatchState.FAILED],
        skipped=delivery.skipped + counts[BatchState.SKIPPED] + missing,
        waiting=waiting,
        batches=batches,
        first_sent_at=first,
        last_sent_at=last,
        duration_s=None if first is None or last is None else _seconds(last - first),
        kind=delivery.kind.value,
        channel=delivery.channel,
        notice_id=delivery.notice_id,
        reason=delivery.reason,
        planning_done=delivery.planning_done,
        per_second=per_second,
        eta=eta,
        by_language=dict(sorted(by_language.items())),
        by_level=by_level,
        by_wording={each: by_wording[each] for each in Wording if by_wording[each]},
    )


async def detailed(session: AsyncSession, delivery_id: int, now: datetime) -> Progress:
    """Return the progress of a delivery, with minutes, retries and errors."""
    found = await progress(session, delivery_id, now=now)
    attempts = await session.execute(
        sql_select(
            func.sum(col(Batch.attempts)) - func.sum((col(Batch.attempts) > 0).cast(_NUMBER)),
            func.min(col(Batch.not_before), type_=_MOMENT).filter(
                col(Batch.state) == BatchState.WAITING
            ),
        ).where(col(Batch.delivery_id) == delivery_id)
    )
    retries, next_at = attempts.one()
    errors = await session.execute(
        sql_select(col(Batch.error), func.count())
        .where(col(Batch.delivery_id) == delivery_id, col(Batch.error).is_not(None))
        .group_by(col(Batch.error))
        .order_by(func.count().desc())
        .limit(20)
    )
    kinds: Counter[Reason] = Counter()
    for error, number in errors:
        if error is not None:
            kinds[_without_details(error)] += number
    by_minute: Counter[int] = Counter()
    if found.first_sent_at is not None:
        times = await session.stream(
            sql_select(col(Batch.sent_at), func.sum(col(Batch.size) - col(Batch.missing)))
            .where(col(Batch.delivery_id) == delivery_id, col(Batch.state) == BatchState.SENT)
            .group_by(col(Batch.sent_at))
        )
        async for at, number in times:
            if at is not None:
                by_minute[int((at - found.first_sent_at).total_seconds() // 60)] += number
    values = {name: getattr(found, name) for name in found.__dataclass_fields__}
    values.update(
        retries=retries or 0,
        next_at=next_at if found.waiting else None,
        errors=dict(kinds.most_common()),
        by_minute=sorted(by_minute.items()),
    )
    return Progress(**values)


@dataclass(frozen=True)
class HeldUp:
    """The part of a delivery that LINE has not accepted.

    Parameters
    ----------
    error
        LINE's answer, or that there was none.
    residents
        How many residents it was for; 0 if nothing could be started and all of them wait.
    since
        When the first of it was tried, if known.
    next_at
        When it is tried next.
    tries
        How often the batch that was tried most has been tried.
    """

    error: Reason | None
    residents: int
    since: datetime | None
    next_at: datetime | None
    tries: int = 0


async def held_up(session: AsyncSession, delivery_id: int) -> HeldUp | None:
    """Return what waits because LINE did not accept it, or None."""
    statement = (
        sql_select(
            col(Batch.error),
            func.sum(col(Batch.size) - col(Batch.missing)),
            func.min(col(Batch.first_tried_at), type_=_MOMENT),
            func.min(col(Batch.not_before), type_=_MOMENT),
            func.max(col(Batch.attempts)),
        )
        .where(
            col(Batch.delivery_id) == delivery_id,
            col(Batch.state).in_((BatchState.WAITING, BatchState.SENDING)),
            col(Batch.error).is_not(None),
        )
        .group_by(col(Batch.error))
        .order_by(func.sum(col(Batch.size)).desc())
    )
    found = list(await session.execute(statement))
    if not found:
        delivery = await session.get(Delivery, delivery_id)
        if delivery is None or delivery.state is not DeliveryState.PLANNED or not delivery.reason:
            return None
        return HeldUp(delivery.reason, 0, delivery.created_at, None)
    since = [at for _, _, at, _, _ in found if at is not None]
    again = [at for _, _, _, at, _ in found if at is not None]
    return HeldUp(
        error=found[0][0],
        residents=sum(number for _, number, _, _, _ in found),
        since=min(since, default=None),
        next_at=min(again, default=None),
        tries=max(tries for *_, tries in found),
    )


async def recent(session: AsyncSession, limit: int = 20) -> list[Progress]:
    """Return the newest deliveries of notices, newest first."""
    ids = await session.scalars(
        newest_of_notices(select(col(Delivery.id)), limit)
        .order_by(col(Delivery.id).desc())
        .limit(limit)
    )
    return [await progress(session, each) for each in list(ids) if each is not None]


async def follow(
    database: Database,
    delivery_id: int,
    *,
    clock: Clock | None = None,
    every_seconds: float = FOLLOW_SECONDS,
) -> AsyncIterator[Progress]:
    """Yield the progress of a delivery after each change, until it has ended.

    Raises
    ------
    BadInput
        There is no such delivery.
    """
    time = clock or SystemClock()
    before: Progress | None = None
    while True:
        async with database.reading() as session:
            now = await progress(session, delivery_id, now=time.now())
        if now != before:
            before = now
            yield now
        if now.ended:
            return
        await time.sleep(every_seconds)


async def reached(session: AsyncSession, delivery_id: int, resident_id: int) -> Reached | None:
    """Return whether a delivery reached a resident, or None when they were not in it."""
    stream = await session.stream(
        sql_select(
            col(Batch.members),
            col(Batch.absent),
            col(Batch.state),
            col(Batch.sent_at),
            col(Batch.request_id),
            col(Batch.error),
        ).where(col(Batch.delivery_id) == delivery_id)
    )
    async for members, absent, state, at, request_id, error in stream:
        if is_member(members, resident_id):
            return Reached(state, at, request_id, is_member(absent, resident_id), error)
    return None


async def _rate(session: AsyncSession, delivery_id: int, first: datetime, now: datetime) -> float:
    since = max(first, now - RATE_WINDOW)
    sent = await session.scalar(
        sql_select(func.sum(col(Batch.size) - col(Batch.missing))).where(
            col(Batch.delivery_id) == delivery_id,
            col(Batch.state) == BatchState.SENT,
            col(Batch.sent_at) >= since,
        )
    )
    return round((sent or 0) / max(1.0, (now - since).total_seconds()), 1)


_columns: Any = cast(Any, Batch).__table__.c
_MOMENT = _columns.sent_at.type
_NUMBER = _columns.size.type


def _without_details(error: Reason) -> Reason:
    """Return an objection without what differs from batch to batch."""
    if "details" not in error.values:
        return error
    return replace(error, values={**error.values, "details": ""})


def _ended(delivery: Delivery) -> bool:
    return delivery.state in (DeliveryState.DONE, DeliveryState.STOPPED)


def _seconds(length: timedelta) -> float:
    return round(length.total_seconds(), 3)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
