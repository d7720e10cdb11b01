"""Make batches from an audience: who gets which variant in which request.

The audience is read from one snapshot, in ranges of resident ids. Each range is committed
separately, with everything that is needed to continue after a crash: how far planning has come, and
who was read but is not in a full batch yet. So sending starts with the first range. A resident
before that point is never read again, a later one is read in their current state, and nobody is
taken twice.
"""

from __future__ import annotations

import asyncio
import base64
import json
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.audiences import Chunk, Taken, read_in_ranges
from channels.chain import FollowUpPlan, chain_of, followed
from channels.gravest import hold_until_tried
from channels.guard import ChannelGuard
from channels.level_parts import (
    BY_LEVEL,
    begun_at,
    parts_of,
    priority_of_part,
    sent_with,
    together,
)
from channels.medium import Format, Medium, RunSize
from channels.members import pack, unpack
from channels.metrics import PLANNING
from channels.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Priority,
    Variant,
    Wording,
)
from channels.quiet import quiet_until
from channels.reach import joined_reach, reach_of, reach_of_parts
from channels.reasons import reason
from channels.recent_ids import RecentIdsCache, mark_of
from channels.responses import ChannelRefused, QuotaReached, Refused
from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Retryable
from core.reason import Reason
from core.steady import in_doubt, surely
from core.work import Queue
from feeds.models import Notice
from subscriptions.audience_query import AudienceQuery
from subscriptions.models import LINE_MEDIUM

PARTS = 3
"""Even a small delivery has so many runs, so that several workers share it."""
SETTLE_SECONDS = 2.0
SETTLE_LOOKS = 40
PLANNED_KINDS = (DeliveryKind.NOTICE, DeliveryKind.CORRECTION)
"""The code that makes other kinds of deliveries also makes their batches."""
PLAN = "channels.plan"
SEND = "channels.send"
"""For LINE; see :func:`send_task`."""

log = structlog.get_logger(__name__)

BucketKey = tuple[int, int | None, int | None]
"""Variant, and the members' quiet hours."""


def send_task(channel: str) -> str:
    """Return the task that sends by a medium.

    Each medium has its own places for work, so that a slow or dead one takes none of another.
    """
    return SEND if channel == LINE_MEDIUM else f"{SEND}@{channel}"


def send_key(delivery_id: int, run: int) -> str:
    """Return the key of the work that sends a run of batches."""
    return f"{delivery_id}:{run}"


@dataclass(frozen=True)
class Cut:
    """The members of one batch, and their addresses joined ("" when not known)."""

    key: BucketKey
    ids: array[int]
    users: str


@dataclass
class Buckets:
    """Residents who were read and are not in a batch yet, grouped as in batches."""

    medium: Format
    ids: dict[BucketKey, array[int]] = field(default_factory=dict)
    users: dict[BucketKey, str] = field(default_factory=dict)

    def add(self, key: BucketKey, ids: array[int], users: str) -> None:
        known = self.ids.get(key)
        if known is None or not len(known):
            self.ids[key], self.users[key] = ids[:], users
            return
        before = self.users.get(key, "")
        self.users[key] = before + users if before and users else ""
        known.extend(ids)

    def take(self, *, all_of_it: bool) -> list[Cut]:
        """Take full batches; with ``all_of_it`` also those that are not full."""
        taken: list[Cut] = []
        size, stride = self.medium.batch_size, self.medium.addresses.stride
        separator = len(self.medium.addresses.separator)
        for key, ids in self.ids.items():
            users = self.users.get(key, "")
            end = len(ids) if all_of_it else len(ids) - len(ids) % size
            for start in range(0, end, size):
                stop = min(start + size, end)
                joined = users[start * stride : stop * stride - separator] if users else ""
                taken.append(Cut(key, ids[start:stop], joined))
            self.ids[key] = ids[end:]
            self.users[key] = users[end * stride :]
        return taken

    def to_bytes(self) -> bytes:
        """Return the data that must survive a crash."""
        return json.dumps(
            [
                [*key, base64.b64encode(pack(ids)).decode()]
                for key, ids in self.ids.items()
                if len(ids)
            ]
        ).encode()

    @classmethod
    def from_bytes(cls, medium: Format, stored: bytes) -> Buckets:
        buckets = cls(medium)
        for variant, start, end, packed in json.loads(stored or b"[]"):
            buckets.ids[(variant, start, end)] = unpack(base64.b64decode(packed))
        return buckets


@dataclass(frozen=True)
class Step:
    """The state of planning before a chunk, from the row."""

    through: int
    runs: int
    part: int


class Planner:
    """Plans the deliveries of one medium, one at a time.

    Parameters
    ----------
    queue
        The queue for the runs, filled in the transactions that store their batches.
    fresh
        The cache for addresses that were read.
    guard
        Told if the medium refuses us.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        queue: Queue,
        medium: Medium,
        fresh: RecentIdsCache,
        guard: ChannelGuard,
    ) -> None:
        self._fresh = fresh
        self._guard = guard
        self._database = database
        self._city = city
        self._clock = clock
        self._queue = queue
        self._medium = medium
        self._holding: set[asyncio.Task[None]] = set()

    async def plan(self, key: str) -> None:
        """Plan a delivery, or the rest of it; the key is its id.

        Raises
        ------
        Retryable
            The medium's quota cannot be read now.
        """
        started = self._clock.monotonic()
        settled = False
        while True:
            async with self._database.reading() as session:
                delivery = await session.get(Delivery, int(key))
                if not _to_plan(delivery):
                    return
                assert delivery is not None
                # Planning changes it, and must never write through the snapshot it reads from.
                session.expunge(delivery)
                chain = await self._delivered_before(session, delivery)
                if not chain or settled:
                    if not await self._may_begin(session, delivery):
                        return
                    if delivery.priority <= Priority.EMERGENCY:
                        self._medium.limiter.begin_urgent(delivery.id)
                    await self._plan_all(session, delivery)
                    break
            await self._let_settle(chain)
            settled = True
        async with self._database.writing() as session:
            assert delivery.id is not None
            await outbox.finish_if_done(session, delivery.id)
        PLANNING.observe(self._clock.monotonic() - started)
        log.info("delivery.planned", delivery_id=delivery.id, recipients=delivery.recipients)

    async def _delivered_before(self, session: AsyncSession, delivery: Delivery) -> list[int]:
        """Return the deliveries of the chain that this one follows, if it follows one."""
        if delivery.corrects_id is None:
            return []
        chain = await chain_of(session, delivery.notice_id, delivery.channel)
        found = chain.before(delivery.notice_id)
        return [link.delivery_id for link in found.delivered if link.delivery_id is not None]

    async def _let_settle(self, before: list[int]) -> None:
        """Before a follow-up, wait a moment until it is known who was reached by its chain.

        Requests usually end within a second; recipients of the others count as reached.
        """
        for _ in range(SETTLE_LOOKS):
            async with self._database.reading() as session:
                if not await outbox.is_being_sent(session, before):
                    return
            await self._clock.sleep(SETTLE_SECONDS / SETTLE_LOOKS)

    async def _say_why(self, delivery_id: int, why: Reason | None) -> None:
        """Store on a delivery why it has not begun; None once it can."""
        async with self._database.writing() as session:
            await session.execute(
                update(Delivery)
                .where(
                    col(Delivery.id) == delivery_id, col(Delivery.state) == DeliveryState.PLANNED
                )
                .values(reason=why)
            )

    async def _may_begin(self, session: AsyncSession, delivery: Delivery) -> bool:
        """Whether the delivery is still valid, and the month's quota is enough.

        An emergency needs no decision. A routine delivery waits for a person if the quota is
        limited and may not be enough.
        """
        assert delivery.id is not None
        if delivery.expires_at is not None and delivery.expires_at <= surely(self._clock):
            async with self._database.writing() as writing:
                await outbox.stop(writing, delivery.id, reason("delivery.expired"))
            return False
        if (
            not delivery.respects_quiet
            or delivery.quota_waived
            or delivery.planned_through > 0
            or delivery.part > 0
            or not delivery.audience
        ):
            return True
        try:
            left = await self._medium.room()
        except ChannelRefused as error:
            await self._guard.stop(error.reason)
            raise Retryable(reason("quota.unread", error=error.reason)) from error
        except (Refused, QuotaReached) as error:
            raise Retryable(reason("quota.unread", error=error.reason)) from error
        except Retryable as error:
            await self._say_why(delivery.id, error.reason)
            raise
        if delivery.reason:
            await self._say_why(delivery.id, None)
        if left is None:
            return True
        notice = await session.get(Notice, delivery.notice_id) if delivery.notice_id else None
        chain = None if notice is None else await self._followed(session, notice, delivery)
        parts = parts_of(delivery)
        if parts:
            found = joined_reach(
                [each.reach for each in await reach_of_parts(session, parts, chain)]
            )
        else:
            found = await reach_of(session, AudienceQuery.from_json(delivery.audience), chain)
        needed = found.total
        if needed <= left:
            return True
        why = reason("quota.short", left=left, needed=needed)
        async with self._database.writing() as writing:
            await outbox.pause(writing, delivery.id, why)
        log.warning("delivery.held", delivery_id=delivery.id, reason=str(why))
        return False

    async def _plan_all(self, session: AsyncSession, delivery: Delivery) -> None:
        assert delivery.id is not None
        variants = await _variants(session, delivery.id)
        mark = await mark_of(session)
        limit = delivery.audience_limit or 0
        chain = None
        if delivery.corrects_id is not None:
            notice = await session.get_one(Notice, delivery.notice_id)
            chain = await self._followed(session, notice, delivery)
        buckets = Buckets.from_bytes(self._medium, delivery.carry)
        parts = parts_of(delivery)
        taken = await self._taken(session, delivery, buckets) if parts else None
        while True:
            plan, query = chain, None
            if parts:
                part, last = parts[delivery.part], delivery.part == len(parts) - 1
                query = part.query
                if chain is not None:
                    plan = chain.for_part(query.areas, part.status, last=last)
            place = delivery.part
            chunks = read_in_ranges(
                session,
                delivery,
                delivery.planned_through,
                limit,
                plan,
                self._medium.addresses,
                query,
            )
            async with aclosing(chunks), self._graver_first(delivery):
                async for chunk in chunks:
                    mine = chunk if taken is None else taken.others(chunk)
                    if not await self._commit(delivery, buckets, mine, variants, limit, mark):
                        log.info("delivery.unplanned", delivery_id=delivery.id)
                        return
            if delivery.part == place:
                return

    @asynccontextmanager
    async def _graver_first(self, delivery: Delivery) -> AsyncIterator[None]:
        """Hold back other emergencies while the gravest is planned, and until it was tried."""
        priority = priority_of_part(delivery.priority, delivery.part)
        if priority > Priority.GRAVEST:
            yield
            return
        assert delivery.id is not None
        limiter, planned = self._medium.limiter, False
        limiter.begin_gravest(delivery.id)
        try:
            yield
            planned = True
        finally:
            if not planned:
                limiter.end_gravest(delivery.id)
        holding = asyncio.create_task(
            hold_until_tried(limiter, self._database, self._clock, delivery.id, delivery.runs),
            name="gravest first",
        )
        self._holding.add(holding)
        holding.add_done_callback(self._holding.discard)

    async def _followed(
        self, session: AsyncSession, notice: Notice, delivery: Delivery
    ) -> FollowUpPlan | None:
        act = together([notice, *await sent_with(session, notice.id)])
        return await followed(
            session, act, self._city, stored_as=notice.id, channel=delivery.channel
        )

    async def _taken(self, session: AsyncSession, delivery: Delivery, buckets: Buckets) -> Taken:
        """Return who was taken before a restart, of a delivery with several levels."""
        taken = Taken()
        for ids in buckets.ids.values():
            taken.add(ids)
        stream = await session.stream(
            select(col(Batch.members)).where(col(Batch.delivery_id) == delivery.id)
        )
        async for (members,) in stream:
            taken.add(unpack(members))
        return taken

    async def _commit(
        self,
        delivery: Delivery,
        buckets: Buckets,
        chunk: Chunk,
        variants: Variants,
        limit: int,
        mark: int,
    ) -> bool:
        """Store a chunk's batches; False if another process did, or the delivery was halted."""
        now = self._clock.now()
        through_all = chunk.through >= limit
        done = through_all and delivery.part >= len(delivery.parts or ()) - 1
        found = sum(len(group.ids) for group in chunk.groups)
        groups, asking = await self._medium.divide(
            delivery, chunk, lambda language: variants.of(Wording.MAIN, language, delivery.part)
        )
        if asking:
            variants.add(Wording.ASKING, asking, delivery.part)
        for group in groups:
            variant = variants.of(group.wording, group.language, delivery.part)
            key = (variant, group.quiet_start, group.quiet_end)
            buckets.add(key, group.ids, group.users)
        batches: list[dict[str, Any]] = []
        skipped = 0
        users: list[tuple[str, str]] = []
        # In an emergency the first batches are sent before they are full.
        first_of_all = delivery.priority <= Priority.EMERGENCY and not delivery.runs
        # Each level's batches are its own.
        for cut in buckets.take(all_of_it=through_all or first_of_all):
            held = self._held(delivery, cut.key, now)
            ends_first = held is not None and delivery.expires_at and held >= delivery.expires_at
            if ends_first and not in_doubt(self._clock):
                skipped += len(cut.ids)
                continue
            variant, *hours = cut.key
            quiet = (hours[0], hours[1])
            batches.append(batch_row(delivery, self._medium, variant, quiet, cut.ids, held))
            if cut.users and held is None:
                users.append((batches[-1]["retry_key"], cut.users))
        runs = cut_into_runs(batches, delivery.runs, self._medium.runs)
        priority = priority_of_part(delivery.priority, delivery.part)
        changed = {
            "state": DeliveryState.SENDING,
            "planned_through": 0 if through_all and not done else chunk.through,
            "carry": b"" if through_all else buckets.to_bytes(),
            "runs": delivery.runs + len(runs),
            "planning_done": done,
            "recipients": delivery.recipients + found,
            "skipped": delivery.skipped + skipped,
        }
        if delivery.parts and runs:
            changed["parts"] = begun_at(delivery, delivery.part, delivery.runs)
        if through_all and not done:
            changed["part"] = delivery.part + 1
        step = Step(chunk.after, delivery.runs, delivery.part)
        async with self._database.writing() as session:
            if not await _advance(session, delivery, step, changed):
                return False
            if batches:
                await outbox.insert_batches(session, batches)
            for number, not_before in runs:
                assert delivery.id is not None
                await self._queue.put(
                    session,
                    send_task(delivery.channel),
                    send_key(delivery.id, number),
                    priority=priority,
                    not_before=not_before,
                )
            for retry_key, joined in users:
                self._fresh.keep(retry_key, joined, mark)
        for name, value in changed.items():
            setattr(delivery, name, value)
        return True

    def _held(self, delivery: Delivery, bucket: BucketKey, now: datetime) -> datetime | None:
        if not delivery.respects_quiet:
            return None
        return quiet_until(now, self._city.quiet_hours, bucket[1], bucket[2])


def _to_plan(delivery: Delivery | None) -> bool:
    return (
        delivery is not None
        and not delivery.planning_done
        and delivery.kind in PLANNED_KINDS
        and delivery.state in (DeliveryState.PLANNED, DeliveryState.SENDING)
    )


class Variants:
    """A delivery's variants by wording, level and language."""

    def __init__(self, found: dict[tuple[Wording, int], dict[str, int]]) -> None:
        self._found = found

    def add(self, wording: Wording, by_language: Mapping[str, int], part: int = 0) -> None:
        """Add variants that were made since."""
        self._found.setdefault((wording, part), {}).update(by_language)

    def of(self, wording: Wording, language: str, part: int = 0) -> int:
        """Return the variant for a reader: the notice's own words if the wording has none, and easy
        Japanese if the language has none.
        """
        known = (
            self._found.get((wording, part))
            or (None if wording in BY_LEVEL else self._found.get((wording, 0)))
            or self._found[Wording.MAIN, part]
        )
        return known.get(language) or known.get("ja-x-easy") or next(iter(known.values()))


async def _variants(session: AsyncSession, delivery_id: int) -> Variants:
    statement = (
        select(col(Variant.wording), col(Variant.part), col(Variant.language), col(Variant.id))
        .where(col(Variant.delivery_id) == delivery_id)
        .order_by(col(Variant.id))
    )
    found: dict[tuple[Wording, int], dict[str, int]] = {}
    for wording, part, languages, variant in await session.execute(statement):
        for language in languages.split(","):
            found.setdefault((wording, part), {})[language] = cast(int, variant)
    return Variants(found)


def batch_row(
    delivery: Delivery,
    medium: Format,
    variant: int,
    quiet: tuple[int | None, int | None],
    ids: array[int],
    not_before: datetime | None,
) -> dict[str, Any]:
    """Return a new batch's row; its run is given by :func:`cut_into_runs`."""
    return {
        "delivery_id": delivery.id,
        "run": 0,
        "variant_id": variant,
        "retry_key": outbox.new_retry_key(),
        "endpoint": medium.endpoint(len(ids)),
        "size": len(ids),
        "members": pack(ids),
        "missing": 0,
        "quiet_start": quiet[0],
        "quiet_end": quiet[1],
        "state": BatchState.WAITING,
        "attempts": 0,
        "not_before": not_before,
    }


def cut_into_runs(
    batches: list[dict[str, Any]], first: int, sizes: Mapping[str, RunSize]
) -> list[tuple[int, datetime | None]]:
    """Number the batches' runs, from ``first``; batches of a run may be sent at the same time.

    ``sizes`` are the medium's, by endpoint.

    Returns each run's number and when it may go.
    """
    together: dict[tuple[str, datetime | None], list[dict[str, Any]]] = {}
    for batch in batches:
        together.setdefault((batch["endpoint"], batch["not_before"]), []).append(batch)
    runs: list[tuple[int, datetime | None]] = []
    for (endpoint, not_before), same in together.items():
        size = min(sizes[endpoint].most, max(sizes[endpoint].least, -(-len(same) // PARTS)))
        for start in range(0, len(same), size):
            number = first + len(runs)
            for batch in same[start : start + size]:
                batch["run"] = number
            runs.append((number, not_before))
    return runs


async def _advance(
    session: AsyncSession, delivery: Delivery, step: Step, changed: dict[str, Any]
) -> bool:
    """Store the progress of planning, if no other process has since; the row is the lock between
    two planners.
    """
    result = await session.execute(
        update(Delivery)
        .where(
            col(Delivery.id) == delivery.id,
            col(Delivery.planned_through) == step.through,
            col(Delivery.runs) == step.runs,
            col(Delivery.part) == step.part,
            col(Delivery.planning_done).is_(False),
            col(Delivery.state).in_((DeliveryState.PLANNED, DeliveryState.SENDING)),
        )
        .values(**changed)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1
