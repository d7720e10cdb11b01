"""``POST /line/webhook``: LINE's events, checked and stored once each before the 200.

Concurrent requests share one transaction (group commit): one writer takes everything that has
arrived, commits it, and only then lets each request answer. Promise 1 of the design.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from linebot.v3.webhook import SignatureValidator
from prometheus_client import Counter, Histogram
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.account import OwnAccount
from bot.events import (
    ACTED_ON,
    ReceivedEvent,
    for_another_account,
    read_webhook,
    unless_forgotten,
)
from bot.models import EventState, WebhookEvent, bucket_of
from bot.relay import Relayed, keep, wanted_of
from channels.line.client import LineClient
from city.context import Context
from core.clock import Clock
from core.database import Database
from core.errors import BadInput, Retryable
from core.steady import in_doubt
from core.tallies import note
from core.waits import step_of
from core.work import Queue

MAX_BODY_BYTES = 1024 * 1024
"""LINE's webhooks are some kilobytes; a larger one is not from LINE."""
INBOX_TASK = "bot.inbox"
PATIENCE_SECONDS = 1.8
"""How long a request waits for its commit. LINE gives up after about two seconds."""
MAX_WAITING_EVENTS = 20_000
MAX_EVENTS_A_COMMIT = 1_000

EVENTS = Counter("todoke_webhook_events_total", "Events of LINE's webhook", ["kind"])
REPEATED = Counter("todoke_webhook_repeated_total", "Events that were on disk already")
REFUSED = Counter("todoke_webhook_refused_total", "Webhook requests refused", ["status"])
COMMIT_SECONDS = Histogram(
    "todoke_webhook_commit_seconds",
    "Time of one commit of webhook events",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2, 10),
)
WEBHOOK_EVENTS = cast(Table, WebhookEvent.__table__)  # type: ignore[attr-defined]
MOST_LOGGED = 20
"""Events of one request that are logged one by one."""
KNOWN_KINDS = frozenset({*ACTED_ON, "join", "leave", "beacon", "accountLink", "delivery"})
"""Event types with a label of their own in the metrics; others count as ``other``."""


@dataclass(frozen=True)
class _Request:
    """What one request waits for."""

    events: Sequence[ReceivedEvent]
    relayed: Relayed | None
    stored: asyncio.Future[None]


log = structlog.get_logger(__name__)


@dataclass
class WebhookHealth:
    """Whether events can be stored at present; ``/readyz`` shows it."""

    stored: int = 0
    repeated: int = 0
    failures: int = 0
    last_stored_at: datetime | None = None
    last_failed_at: datetime | None = None
    last_error: str = ""
    failing: bool = False

    @property
    def fault(self) -> str | None:
        """Why the last attempt to store failed; None if it succeeded or there was none."""
        return self.last_error if self.failing else None

    def succeeded(self, now: datetime, stored: int, repeated: int) -> None:
        self.stored += stored
        self.repeated += repeated
        self.last_stored_at = now
        self.failing = False

    def failed(self, now: datetime, error: str) -> None:
        self.failures += 1
        self.last_failed_at = now
        self.last_error = error
        self.failing = True


class EventStore:
    """Stores events, those of concurrent requests in one transaction.

    Parameters
    ----------
    database, queue, clock
        Where events are stored, who is told about them, and the time.
    patience
        Seconds that a request waits for its commit before it fails, so that LINE sends again.
    account
        The account that the events must be for.
    """

    def __init__(
        self,
        database: Database,
        queue: Queue,
        clock: Clock,
        *,
        patience: float = PATIENCE_SECONDS,
        account: OwnAccount | None = None,
    ) -> None:
        self.account = account
        self.database = database
        self.queue = queue
        self.clock = clock
        self.patience = patience
        self.health = WebhookHealth()
        dialect = sqlite if database.is_sqlite else postgresql
        # The table, not the class: inserting through the ORM takes twice as long.
        self._insert_new = dialect.insert(WEBHOOK_EVENTS).on_conflict_do_nothing(
            index_elements=[WEBHOOK_EVENTS.c.event_id]
        )
        self._incoming: deque[_Request] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to write. Calling it again changes nothing."""
        if self.account is not None:
            self.account.begin()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="webhook-writer")

    async def stop(self) -> None:
        """Stop writing; waiting requests fail, so that LINE sends the events again."""
        if self.account is not None:
            await self.account.end()
        if self._writer is not None:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer
            self._writer = None
        _settle(list(self._incoming), Retryable("The service is stopping."))
        self._incoming.clear()
        self._waiting = 0

    def is_ours(self, destination: str | None) -> bool:
        """Whether to act on events for this user id of an account."""
        return self.account is None or self.account.is_ours(destination)

    async def store(self, events: Sequence[ReceivedEvent], relayed: Relayed | None = None) -> None:
        """Return once all ``events`` are on disk, each once.

        With ``relayed``, their body is stored too, for another vendor's service.

        Raises
        ------
        Retryable
            They could not be stored in time; LINE will send them again.
        """
        if not events:
            return
        if self._waiting + len(events) > MAX_WAITING_EVENTS:
            raise Retryable("Too many events are waiting to be stored.")
        await self.start()
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._incoming.append(_Request(events, relayed, stored))
        self._waiting += len(events)
        self._wake.set()
        try:
            await asyncio.wait_for(asyncio.shield(stored), self.patience)
        except TimeoutError as error:
            stored.add_done_callback(_read_outcome)
            message = "The events could not be stored in time."
            self.health.failed(self.clock.now(), message)
            raise Retryable(message) from error

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._incoming:
                await self._write_some()

    async def _write_some(self) -> None:
        taken: list[_Request] = []
        started = self.clock.monotonic()
        try:
            async with self.database.writing(durably=True, first=True) as session:
                # Only now, so that events that arrive while another writes are included.
                taken, events = self._take()
                started = self.clock.monotonic()
                relayed = [one.relayed for one in taken if one.relayed is not None]
                stored = await self._store(session, events, relayed)
        except asyncio.CancelledError:
            _settle(taken, Retryable("The service is stopping."))
            raise
        except Exception as error:
            # Waiting requests are told now, so that LINE sends the events again.
            taken = taken or self._take()[0]
            size = sum(len(one.events) for one in taken)
            if isinstance(error, SQLAlchemyError | OSError | Retryable):
                reason = str(getattr(error, "orig", None) or error)
                log.error("events.unsaved", events=size, reason=reason)
            else:
                reason = repr(error)
                log.exception("events.unsaved", events=size)
            self.health.failed(self.clock.now(), reason)
            _settle(taken, Retryable("The events could not be stored."))
        else:
            for event in events:
                EVENTS.labels(event.kind if event.kind in KNOWN_KINDS else "other").inc()
            REPEATED.inc(len(events) - stored)
            self.health.succeeded(self.clock.now(), stored, len(events) - stored)
            COMMIT_SECONDS.observe(self.clock.monotonic() - started)
            _settle(taken, None)

    def _take(self) -> tuple[list[_Request], list[ReceivedEvent]]:
        """Take waiting requests, as many as one transaction stores."""
        taken: list[_Request] = []
        events: list[ReceivedEvent] = []
        while self._incoming and len(events) < MAX_EVENTS_A_COMMIT:
            taken.append(self._incoming.popleft())
            events += taken[-1].events
        self._waiting -= len(events)
        return taken, events

    def _bucket(self, event: ReceivedEvent) -> int:
        return bucket_of(event.line_user_id or "", is_sqlite=self.database.is_sqlite)

    async def _store(
        self,
        session: AsyncSession,
        events: Sequence[ReceivedEvent],
        relayed: Sequence[Relayed] = (),
    ) -> int:
        """Store the events that are new; return how many were."""
        now = self.clock.now()
        rows = [
            {
                "event_id": event.event_id,
                "kind": event.kind,
                "line_user_id": event.line_user_id,
                "bucket": self._bucket(event),
                "timestamp_ms": event.timestamp_ms,
                "payload": event.payload,
                "state": EventState.WAITING if event.actionable else EventState.IGNORED,
                "error": event.reason or None,
                "attempts": 0,
                "answer_matters": False,
                "answer_unsure": True,
                "gave_up": False,
                "forget": False,
                "received_at": now,
            }
            for event in events
        ]
        buckets = {str(self._bucket(event)) for event in events if event.actionable}
        insert = self._insert_new
        connection = await session.connection()
        if self.database.is_sqlite and not relayed:
            stored = int((await connection.execute(insert, rows)).rowcount)
        else:
            # PostgreSQL's driver does not count the rows of a bulk insert.
            new = await connection.execute(insert.returning(WEBHOOK_EVENTS.c.event_id), rows)
            names = set(new.scalars())
            stored = len(names)
            if relayed:
                await keep(session, self.queue, relayed, names, now)
        # A repeated event finds nothing to do, so it does not matter which were new.
        await self.queue.put_many(session, INBOX_TASK, sorted(buckets))
        return stored


def attach(app: FastAPI, context: Context, line: LineClient | None = None) -> EventStore:
    """Give an application its store of events, and ``/readyz`` its health.

    With ``line`` it learns its own account, and acts on no other account's events.
    """
    account = OwnAccount(line, context.clock) if line is not None else None
    store = EventStore(context.database, context.queue, context.clock, account=account)
    app.state.webhook_store = store
    app.state.webhook_health = store.health
    return store


def _settle(
    taken: Sequence[_Request],
    failure: Retryable | None,
) -> None:
    for one in taken:
        if one.stored.done():
            continue
        if failure is None:
            one.stored.set_result(None)
        else:
            one.stored.set_exception(failure)


def _read_outcome(stored: asyncio.Future[None]) -> None:
    """Consume the result of a commit that nobody waits for any more."""
    if not stored.cancelled():
        stored.exception()


def is_signed(secret: str, body: str, signature: str) -> bool:
    """Whether LINE signed this body (``x-line-signature``)."""
    return bool(SignatureValidator(secret).validate(body, signature))


async def read_body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes | None:
    """Return the body, or None as soon as it is longer than ``limit`` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


async def receive(request: Request) -> Response:
    """Take one webhook request: 200 stored, 400 not LINE's form, 401 not signed, 413, 500.

    How long those took that were stored is counted by day.
    """
    started = time.perf_counter()
    response = await _received(request)
    if response.status_code == 200:
        note(request.app.state, "webhook", step_of((time.perf_counter() - started) * 1000))
    return response


async def _received(request: Request) -> Response:
    signatures = request.headers.getlist("x-line-signature")
    if len(signatures) != 1:
        return _refuse(400 if signatures else 401, "signature missing or doubled")
    body = await read_body(request)
    if body is None:
        return _refuse(413, "body over the limit")
    secret = request.app.state.context.settings.line_channel_secret
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _refuse(400, "body not UTF-8")
    if not is_signed(secret, text, signatures[0]):
        return _refuse(401, "signature wrong")
    try:
        received = read_webhook(text)
    except BadInput as error:
        return _refuse(400, str(error))
    store: EventStore = request.app.state.webhook_store
    context: Context = request.app.state.context
    events = received.events
    relayed: Relayed | None = None
    if events and not store.is_ours(received.destination):
        log.warning("webhook.misdirected", events=len(events))
        events = [for_another_account(event) for event in events]
    elif context.settings.relay is not None and context.city.relay.wants_any:
        relayed = wanted_of(context.city.relay, text, events, _oldest(context))
    if (oldest := _oldest(context)) is not None:
        events = [unless_forgotten(event, oldest) for event in events]
    _log_ignored([event for event in events if not event.actionable])
    try:
        await store.store(events, relayed)
    except Retryable as error:
        REFUSED.labels("500").inc()
        log.error("webhook.failed", events=len(events), reason=str(error))
        return Response(status_code=500)
    return Response(status_code=200)


def _oldest(context: Context) -> datetime | None:
    """Return since when events are remembered; None while the time is in doubt."""
    if in_doubt(context.clock):
        return None
    return context.clock.now() - timedelta(days=context.city.retention.webhook_events)


def _log_ignored(events: Sequence[ReceivedEvent]) -> None:
    """Log the first of the events that are not acted on, and how many more there are."""
    for event in events[:MOST_LOGGED]:
        log.info("event.ignored", event_id=event.event_id, kind=event.kind, reason=event.reason)
    if len(events) > MOST_LOGGED:
        log.info("events.ignored", events=len(events) - MOST_LOGGED)


def _refuse(status: int, reason: str) -> Response:
    REFUSED.labels(str(status)).inc()
    log.warning("webhook.refused", http_status=status, reason=reason)
    return Response(status_code=status)


router = APIRouter()
router.add_route("/line/webhook", receive, methods=["POST"])
