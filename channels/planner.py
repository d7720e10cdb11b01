"""From an audience to batches: who gets which variant in which request.

The audience is read from one snapshot, in ranges of resident ids. Each range is committed by
itself, with everything needed to go on after a crash: how far planning has come, and who was
read but has no full batch yet. So sending starts with the first range, a resident behind
that point is never looked at again, one beyond it is taken as they then are, and nobody is
taken twice.
"""

from __future__ import annotations

import base64
import json
from array import array
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.audiences import USER_SEPARATOR, USER_STRIDE, Chunk, bitmap, read_in_ranges
from channels.errors import LineRefused, QuotaReached, TokenRefused
from channels.fresh import FreshUsers, mark_of
from channels.guard import ChannelGuard
from channels.line import LineClient
from channels.members import pack, unpack
from channels.metrics import PLANNING
from channels.models import BatchState, Delivery, DeliveryKind, DeliveryState, Priority, Variant
from channels.quiet import quiet_until
from core.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Retryable
from core.work import Queue
from subscriptions.audience import AudienceQuery, count

MULTICAST_SIZE = 500
"""LINE takes at most so many in one multicast."""
RUN_BATCHES = 100
"""Half a second at LINE's limit for multicasts."""
RUN_PUSHES = 400
LEAST_RUN, LEAST_PUSHES, PARTS = 20, 100, 3
SETTLE_SECONDS = 2.0
SETTLE_LOOKS = 40
PLANNED_KINDS = (DeliveryKind.NOTICE, DeliveryKind.CORRECTION)
"""The others get their batches from whoever makes them."""
QUOTA_SHORT = "the month's quota has"
"""How the reason of a delivery begins that waits for a person because of it."""
PLAN = "channels.plan"
SEND = "channels.send"

log = structlog.get_logger(__name__)

BucketKey = tuple[int, int | None, int | None]
"""Variant, and the members' quiet hours."""


def send_key(delivery_id: int, run: int) -> str:
    """Return the key of the work that sends a run of batches."""
    return f"{delivery_id}:{run}"


@dataclass(frozen=True)
class Cut:
    """The members of one batch, and their user ids joined by ``","`` ("" when not known)."""

    key: BucketKey
    ids: array[int]
    users: str


@dataclass
class Buckets:
    """Residents who were read and are not in a batch yet, by what makes a batch."""

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
        """Take out full batches; with ``all_of_it`` those that are not full too."""
        taken: list[Cut] = []
        for key, ids in self.ids.items():
            users = self.users.get(key, "")
            end = len(ids) if all_of_it else len(ids) - len(ids) % MULTICAST_SIZE
            for start in range(0, end, MULTICAST_SIZE):
                stop = min(start + MULTICAST_SIZE, end)
                last = stop * USER_STRIDE - len(USER_SEPARATOR)
                taken.append(Cut(key, ids[start:stop], users[start * USER_STRIDE : last]))
            self.ids[key] = ids[end:]
            self.users[key] = users[end * USER_STRIDE :]
        return taken

    def to_bytes(self) -> bytes:
        """Return what a crash must not lose."""
        return json.dumps(
            [
                [*key, base64.b64encode(pack(ids)).decode()]
                for key, ids in self.ids.items()
                if len(ids)
            ]
        ).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Buckets:
        buckets = cls()
        for variant, start, end, packed in json.loads(stored or b"[]"):
            buckets.ids[(variant, start, end)] = unpack(base64.b64decode(packed))
        return buckets


@dataclass(frozen=True)
class Step:
    """Where planning stands before a chunk: what the row said."""

    through: int
    runs: int


class Planner:
    """Plans deliveries, one at a time.

    Parameters
    ----------
    queue
        Gets the runs of batches, in the transactions that store them.
    line
        Asked for the month's quota.
    fresh
        Gets the user ids that were read on the way.
    guard
        Told when LINE refuses the token.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        queue: Queue,
        line: LineClient,
        fresh: FreshUsers,
        guard: ChannelGuard,
    ) -> None:
        self._fresh = fresh
        self._guard = guard
        self._database = database
        self._city = city
        self._clock = clock
        self._queue = queue
        self._line = line

    async def plan(self, key: str) -> None:
        """Plan a delivery, or the rest of it; the key is its id.

        Raises
        ------
        Retryable
            LINE's quota cannot be read now.
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
                if delivery.corrects_id is None or settled:
                    if not await self._may_begin(session, delivery):
                        return
                    if delivery.priority <= Priority.EMERGENCY:
                        self._line.limiter.begin_urgent(delivery.id)
                    await self._plan_all(session, delivery)
                    break
            await self._let_settle(delivery.corrects_id)
            settled = True
        async with self._database.writing() as session:
            assert delivery.id is not None
            await outbox.finish_if_done(session, delivery.id)
        PLANNING.observe(self._clock.monotonic() - started)
        log.info("delivery planned", delivery=delivery.id, recipients=delivery.recipients)

    async def _let_settle(self, wrong_delivery: int) -> None:
        """Before a correction: wait a moment until it is known whom the wrong one reached.

        Its requests under way end within a second as a rule; whoever is not known then counts
        as reached.
        """
        for _ in range(SETTLE_LOOKS):
            async with self._database.reading() as session:
                if not await outbox.is_being_sent(session, wrong_delivery):
                    return
            await self._clock.sleep(SETTLE_SECONDS / SETTLE_LOOKS)

    async def _may_begin(self, session: AsyncSession, delivery: Delivery) -> bool:
        """Whether the delivery is still worth planning, and the month's quota suffices.

        An emergency asks nobody. Routine waits for a person where the plan is limited and
        what is left of it may not do.
        """
        assert delivery.id is not None
        if delivery.expires_at is not None and delivery.expires_at <= self._clock.now():
            async with self._database.writing() as writing:
                await outbox.stop(writing, delivery.id, "expired")
            return False
        if (
            not delivery.respects_quiet
            or delivery.quota_waived
            or delivery.planned_through > 0
            or not delivery.audience
        ):
            return True
        try:
            quota = await self._line.quota()
        except TokenRefused as error:
            await self._guard.stop(str(error))
            raise Retryable(f"the month's quota cannot be read: {error}") from error
        except (LineRefused, QuotaReached) as error:
            raise Retryable(f"the month's quota cannot be read: {error}") from error
        if quota.left is None:
            return True
        needed = await count(session, AudienceQuery.from_json(delivery.audience))
        if needed <= quota.left:
            return True
        why = f"{QUOTA_SHORT} {quota.left} messages left, this needs {needed}"
        async with self._database.writing() as writing:
            await outbox.pause(writing, delivery.id, why)
        log.warning("delivery waits for a decision", delivery=delivery.id, reason=why)
        return False

    async def _plan_all(self, session: AsyncSession, delivery: Delivery) -> None:
        assert delivery.id is not None
        variants = await _variants(session, delivery.id)
        mark = await mark_of(session)
        limit = delivery.audience_limit or 0
        wrong = None
        if delivery.corrects_id is not None:
            wrong = await bitmap(session, delivery.corrects_id)
        buckets = Buckets.from_bytes(delivery.carry)
        chunks = read_in_ranges(session, delivery, delivery.planned_through, limit, wrong)
        async with aclosing(chunks):
            async for chunk in chunks:
                if not await self._commit(delivery, buckets, chunk, variants, limit, mark):
                    log.info("planning was overtaken or halted", delivery=delivery.id)
                    return

    async def _commit(
        self,
        delivery: Delivery,
        buckets: Buckets,
        chunk: Chunk,
        variants: dict[str, int],
        limit: int,
        mark: int,
    ) -> bool:
        """Store a chunk's batches; False when somebody else did, or the delivery was halted."""
        now = self._clock.now()
        done = chunk.through >= limit
        found = sum(len(group.ids) for group in chunk.groups)
        for group in chunk.groups:
            variant = variants.get(group.language) or variants[_FALLBACK]
            key = (variant, group.quiet_start, group.quiet_end)
            buckets.add(key, group.ids, group.users)
        batches: list[dict[str, Any]] = []
        skipped = 0
        users: list[tuple[str, str]] = []
        # An emergency waits for no batch to fill before something has left.
        first_of_all = delivery.priority <= Priority.EMERGENCY and not delivery.runs
        for cut in buckets.take(all_of_it=done or first_of_all):
            held = self._held(delivery, cut.key, now)
            if held is not None and delivery.expires_at and held >= delivery.expires_at:
                skipped += len(cut.ids)
                continue
            batches.append(_batch(delivery, cut.key, cut.ids, held))
            if cut.users and held is None:
                users.append((batches[-1]["retry_key"], cut.users))
        runs = cut_into_runs(batches, delivery.runs)
        changed = {
            "state": DeliveryState.SENDING,
            "planned_through": chunk.through,
            "carry": b"" if done else buckets.to_bytes(),
            "runs": delivery.runs + len(runs),
            "planning_done": done,
            "recipients": delivery.recipients + found,
            "skipped": delivery.skipped + skipped,
        }
        step = Step(chunk.after, delivery.runs)
        async with self._database.writing() as session:
            if not await _advance(session, delivery, step, changed):
                return False
            if batches:
                await outbox.insert_batches(session, batches)
            for number, not_before in runs:
                assert delivery.id is not None
                await self._queue.put(
                    session,
                    SEND,
                    send_key(delivery.id, number),
                    priority=delivery.priority,
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


_FALLBACK = ""


def _to_plan(delivery: Delivery | None) -> bool:
    return (
        delivery is not None
        and not delivery.planning_done
        and delivery.kind in PLANNED_KINDS
        and delivery.state in (DeliveryState.PLANNED, DeliveryState.SENDING)
    )


async def _variants(session: AsyncSession, delivery_id: int) -> dict[str, int]:
    """Return the variant by language; under "" the one for languages without their own."""
    statement = (
        select(col(Variant.language), col(Variant.id))
        .where(col(Variant.delivery_id) == delivery_id)
        .order_by(col(Variant.id))
    )
    found: dict[str, int] = {}
    for languages, variant in await session.execute(statement):
        for language in languages.split(","):
            found[language] = cast(int, variant)
    if found:
        found[_FALLBACK] = found.get("ja-x-easy") or next(iter(found.values()))
    return found


def _batch(
    delivery: Delivery, bucket: BucketKey, ids: array[int], not_before: datetime | None
) -> dict[str, Any]:
    variant, start, end = bucket
    return batch_row(delivery, variant, (start, end), ids, not_before)


def batch_row(
    delivery: Delivery,
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
        "endpoint": "push" if len(ids) == 1 else "multicast",
        "size": len(ids),
        "members": pack(ids),
        "missing": 0,
        "quiet_start": quiet[0],
        "quiet_end": quiet[1],
        "state": BatchState.WAITING,
        "attempts": 0,
        "not_before": not_before,
    }


def cut_into_runs(batches: list[dict[str, Any]], first: int) -> list[tuple[int, datetime | None]]:
    """Number the batches' runs, from ``first``; those of a run may go at the same moment.

    Returns each run's number and when it may go.
    """
    together: dict[tuple[str, datetime | None], list[dict[str, Any]]] = {}
    for batch in batches:
        together.setdefault((batch["endpoint"], batch["not_before"]), []).append(batch)
    runs: list[tuple[int, datetime | None]] = []
    for (endpoint, not_before), same in together.items():
        most, least = (RUN_PUSHES, LEAST_PUSHES) if endpoint == "push" else (RUN_BATCHES, LEAST_RUN)
        # Several runs even of a small delivery, so that several workers have a part of it.
        size = min(most, max(least, -(-len(same) // PARTS)))
        for start in range(0, len(same), size):
            number = first + len(runs)
            for batch in same[start : start + size]:
                batch["run"] = number
            runs.append((number, not_before))
    return runs


async def _advance(
    session: AsyncSession, delivery: Delivery, step: Step, changed: dict[str, Any]
) -> bool:
    """Move planning on, if nobody has since; the row is the lock between two planners."""
    result = await session.execute(
        update(Delivery)
        .where(
            col(Delivery.id) == delivery.id,
            col(Delivery.planned_through) == step.through,
            col(Delivery.runs) == step.runs,
            col(Delivery.planning_done).is_(False),
            col(Delivery.state).in_((DeliveryState.PLANNED, DeliveryState.SENDING)),
        )
        .values(**changed)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1
