"""Send what goes to another vendor's service on the same channel (``bot.relay``).

Bodies of one sender go in order; those of others overtake one that is refused. A body of which
everything goes is sent with the very bytes of LINE; else the part that goes, signed anew. It is
deleted once it is taken, or given up. A process that dies in between sends it again.

After failures the service rests, longer each time, and one body tries whether it is back.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import structlog
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.models import EventState, RelayBody, RelayEvent, RelayState, WebhookEvent
from bot.relay import EVERYTHING, RELAY_TASK
from city.context import Context
from core.chunks import in_chunks, rows_of
from core.database import Database
from core.errors import TodokeError
from core.relay_settings import RelaySettings
from core.work import retry_delay
from reports.outside import PublicHosts, ask, internal_of

AT_ONCE = 8
MOST_A_LOOK = 500
"""Bodies that are looked at together, the oldest first."""
MOST_TRIES = 8
TRIED_FOR = timedelta(hours=1)
"""Reply tokens live a minute; a payment or a booking is worth an hour."""
KEPT_FOR = timedelta(days=1)
"""After which a body goes although nobody looked after it: relaying was switched off."""
LONGEST_REST_SECONDS = 60.0
CLOSES_AFTER = 3
"""Failures in a row after which the service rests."""
DEAD_AFTER = timedelta(minutes=5)
"""How long it does not answer before staff are told."""
DOWN = frozenset({401, 403, 404, 405, 408, 410, 429})
"""Answers below 500 that mean the service or its address, and not this one body."""

OUTCOMES = Counter("todoke_relay_total", "Bodies for another vendor's service", ["outcome"])
SECONDS = Histogram(
    "todoke_relay_seconds",
    "Time from a webhook to its taking by another vendor's service",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600),
)
WAITING = Gauge("todoke_relay_waiting", "Bodies that wait for another vendor's service")
FAILING = Gauge("todoke_relay_failing_seconds", "How long another vendor's service has failed")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Body:
    """A stored body: what of it goes, and whether that is decided."""

    row: RelayBody
    events: tuple[RelayEvent, ...]
    undecided: frozenset[str]

    @property
    def senders(self) -> frozenset[str]:
        return frozenset(one.sender or "" for one in self.events)

    @property
    def goes(self) -> tuple[int, ...]:
        """Positions of the events that go."""
        return tuple(sorted(one.position for one in self.events if one.theirs))


def ready(bodies: Sequence[Body], now: datetime) -> list[Body]:
    """Return the bodies that may go now: of each sender none before an earlier one."""
    found: list[Body] = []
    before: set[str] = set()
    for body in bodies:
        waits = body.row.not_before is not None and body.row.not_before > now
        if not (body.undecided or waits or body.senders & before):
            found.append(body)
        before |= body.senders
    return found


def content_of(body: str, goes: Collection[int]) -> bytes:
    """Return what is sent: LINE's own bytes if all events go, else a body with those that do."""
    content = json.loads(body)
    events = content["events"]
    if len(goes) == len(events):
        return body.encode()
    part = {**content, "events": [events[position] for position in sorted(goes)]}
    return json.dumps(part, separators=(",", ":")).encode()


def signature(secret: str, body: bytes) -> str:
    """Return ``x-line-signature``: base64 of the HMAC-SHA256 of the body (LINE, Webhooks)."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


class RelaySender:
    """Sends bodies to the other service; it never holds up the conversation.

    Parameters
    ----------
    http
        A session of :func:`reports.outside.outside_session`.
    """

    def __init__(
        self, context: Context, http: aiohttp.ClientSession, *, seed: int | None = None
    ) -> None:
        self._context = context
        self._database = context.database
        self._http = http
        self._reach = PublicHosts(internal=internal_of(context.settings.internal_hosts))
        self._chance = random.Random(seed)  # noqa: S311

    def register(self) -> None:
        """Register the task on the queue."""
        self._context.queue.register(RELAY_TASK, self.work, concurrency=1)

    async def ask_for(self, *, not_before: datetime | None = None) -> None:
        """Put the task on the queue."""
        async with self._database.writing() as session:
            await self._context.queue.put(session, RELAY_TASK, EVERYTHING, not_before=not_before)

    async def work(self, _key: str) -> None:
        """Send what is due, until nothing is; then come back when the next is."""
        relay = self._context.settings.relay
        while relay is not None:
            now = self._context.clock.now()
            async with self._database.reading() as session:
                state = await session.get(RelayState, 1)
                bodies = await _bodies(session)
            bodies = await self._sweep(bodies, now)
            due = ready(bodies, now)
            rest = state.resting_until if state else None
            if not due or (rest is not None and rest > now):
                await self._come_back(bodies, rest if due else None, now)
                return
            # One tries whether it is back; the others need not fail with it.
            probing = state is not None and state.failures >= CLOSES_AFTER
            some = due[: 1 if probing else AT_ONCE]
            await asyncio.gather(*(self._send(relay, body) for body in some))

    async def _sweep(self, bodies: Sequence[Body], now: datetime) -> list[Body]:
        """Delete bodies of which nothing goes, and those that waited too long."""
        left, ours, late = [], [], []
        for body in bodies:
            if not body.undecided and not body.goes:
                ours.append(body)
            elif now - body.row.received_at > TRIED_FOR:
                late.append(body)
            else:
                left.append(body)
        if ours or late:
            async with self._database.writing() as session:
                await _delete(session, [*ours, *late])
                if late:
                    (await _state(session)).lost += len(late)
        for body in late:
            OUTCOMES.labels("given-up").inc()
            log.error("relay.gave_up", body_id=body.row.id, attempt=body.row.attempts)
        return left

    async def _come_back(
        self, bodies: Sequence[Body], rest: datetime | None, now: datetime
    ) -> None:
        moments = [body.row.not_before for body in bodies if body.row.not_before is not None]
        moments = [rest] if rest is not None else [one for one in moments if one > now]
        if moments:
            await self.ask_for(not_before=min(moments))

    async def _send(self, relay: RelaySettings, body: Body) -> None:
        """Try a body once and store how it went."""
        content = content_of(body.row.body, body.goes)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-line-signature": signature(relay.secret, content),
        }
        after: float | None = None
        try:
            answer = await ask(
                self._http,
                "POST",
                relay.url,
                self._reach,
                body=content,
                headers=headers,
                seconds=relay.seconds,
            )
        except TodokeError as error:
            # Without the error's own words: they have the address in them.
            status, why = None, type(error).__name__
        else:
            status, after, why = answer.status, answer.retry_after, f"HTTP {answer.status}"
        if status is not None and 200 <= status < 300:
            await self._taken(body)
        elif status is not None and status < 500 and status not in DOWN:
            await self._refused(body, why)
        else:
            await self._failed(body, why, after)

    async def _taken(self, body: Body) -> None:
        now = self._context.clock.now()
        async with self._database.writing() as session:
            await _delete(session, [body])
            state = await _state(session)
            state.sent += 1
            state.worked_at = now
            state.failures, state.failing_since, state.resting_until = 0, None, None
            state.told_at, state.error = None, ""
        OUTCOMES.labels("taken").inc()
        SECONDS.observe(max(0.0, (now - body.row.received_at).total_seconds()))

    async def _refused(self, body: Body, why: str) -> None:
        """It answers, and does not want this body: another try would say the same."""
        async with self._database.writing() as session:
            await _delete(session, [body])
            state = await _state(session)
            state.lost += 1
            state.failures, state.failing_since, state.resting_until = 0, None, None
        OUTCOMES.labels("refused").inc()
        log.error("relay.refused", body_id=body.row.id, reason=why)

    async def _failed(self, body: Body, why: str, after: float | None) -> None:
        now = self._context.clock.now()
        async with self._database.writing() as session:
            state = await _state(session)
            state.failures += 1
            state.failing_since = state.failing_since or now
            state.error = why
            if state.failures >= CLOSES_AFTER:
                rest = retry_delay(state.failures - CLOSES_AFTER + 1, after, self._chance)
                rest = min(rest, LONGEST_REST_SECONDS)
                state.resting_until = now + timedelta(seconds=rest)
            row = await session.get(RelayBody, body.row.id, with_for_update=True)
            if row is None:
                return
            row.attempts += 1
            over = row.attempts >= MOST_TRIES
            if over:
                await _delete(session, [body])
                state.lost += 1
            else:
                delay = retry_delay(row.attempts, None, self._chance)
                row.not_before = now + timedelta(seconds=delay)
        OUTCOMES.labels("given-up" if over else "failed").inc()
        log.warning("relay.failed", body_id=body.row.id, attempt=row.attempts, reason=why)


async def _bodies(session: AsyncSession) -> list[Body]:
    """Return the oldest stored bodies with their events."""
    rows = list(
        await session.scalars(select(RelayBody).order_by(col(RelayBody.id)).limit(MOST_A_LOOK))
    )
    events: dict[int, list[RelayEvent]] = {row.id: [] for row in rows if row.id is not None}
    undecided: dict[int, set[str]] = {}
    for event, state in await session.execute(
        select(RelayEvent, col(WebhookEvent.state))
        .outerjoin(WebhookEvent, col(WebhookEvent.event_id) == col(RelayEvent.event_id))
        .where(col(RelayEvent.body_id).in_(events))
    ):
        events[event.body_id].append(event)
        if event.theirs is None and state is EventState.WAITING:
            undecided.setdefault(event.body_id, set()).add(event.event_id)
    return [
        Body(row, tuple(events[row.id or 0]), frozenset(undecided.get(row.id or 0, ())))
        for row in rows
    ]


async def _delete(session: AsyncSession, bodies: Sequence[Body]) -> None:
    numbers = [body.row.id for body in bodies]
    for model, column in ((RelayEvent, RelayEvent.body_id), (RelayBody, RelayBody.id)):
        await session.execute(
            delete(model)
            .where(col(column).in_(numbers))
            .execution_options(synchronize_session=False)
        )


async def _state(session: AsyncSession) -> RelayState:
    """Return the one row, locked; it is made when it is first needed."""
    found = await session.get(RelayState, 1, with_for_update=True, populate_existing=True)
    if found is None:
        found = RelayState(id=1)
        session.add(found)
        await session.flush()
    return found


async def look_after(context: Context) -> None:
    """Ask for the task if something waits whose process died."""
    async with context.database.reading() as session:
        waiting = await waiting_bodies(session)
    if waiting and context.settings.relay is not None:
        async with context.database.writing() as session:
            await context.queue.put(session, RELAY_TASK, EVERYTHING)


async def health(session: AsyncSession, now: datetime) -> dict[str, object]:
    """Return how the service does, for monitoring; the gauges show the same."""
    state, waiting = await session.get(RelayState, 1), await waiting_bodies(session)
    since = state.failing_since if state else None
    WAITING.set(waiting)
    FAILING.set((now - since).total_seconds() if since else 0)
    return {
        "state": "failing" if since else "ok",
        "waiting": waiting,
        "sent": state.sent if state else 0,
        "lost": state.lost if state else 0,
        **({"since": since.isoformat(), "error": state.error} if state and since else {}),
    }


async def waiting_bodies(session: AsyncSession) -> int:
    return int(await session.scalar(select(func.count()).select_from(RelayBody)) or 0)


async def dead(session: AsyncSession, now: datetime) -> RelayState | None:
    """Return the state if the service has not answered for too long."""
    state = await session.get(RelayState, 1)
    if state is None or state.failing_since is None or now - state.failing_since < DEAD_AFTER:
        return None
    return state


async def forget_relayed(database: Database, now: datetime) -> int:
    """Delete bodies that nobody looked after for a day; return how many."""
    number, old = col(RelayBody.id), col(RelayBody.received_at) < now - KEPT_FOR

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        events = delete(RelayEvent).where(col(RelayEvent.body_id).in_(ids))
        await session.execute(events.execution_options(synchronize_session=False))
        gone = delete(RelayBody).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)
