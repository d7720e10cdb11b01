"""``POST /line/webhook``: LINE's events, checked and stored once each before the 200.

Concurrent requests share one transaction (group commit): a single writer takes whatever has
come in, commits it, and only then lets each request answer. Promise 1 of the design.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import Counter, Histogram
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot.events import ACTED_ON, ReceivedEvent, read_events
from bot.models import EventState, WebhookEvent
from core.clock import Clock
from core.context import Context
from core.database import Database
from core.errors import BadInput, Retryable
from core.work import Queue

MAX_BODY_BYTES = 1024 * 1024
"""LINE's webhooks are some kilobytes; what is larger is not LINE's."""
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
KNOWN_KINDS = frozenset({*ACTED_ON, "unsend", "join", "leave", "beacon", "accountLink", "delivery"})
"""Event types with a label of their own in the metrics; others count as ``other``."""

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
        """Why the last attempt to store failed, or None when it succeeded or none was made."""
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
        Where events go, who is told about them, and the time.
    patience
        Seconds a request waits for its commit before it tells LINE to come again.
    """

    def __init__(
        self, database: Database, queue: Queue, clock: Clock, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self.database = database
        self.queue = queue
        self.clock = clock
        self.patience = patience
        self.health = WebhookHealth()
        dialect = sqlite if database.is_sqlite else postgresql
        # The table, not the class: the ORM's way of inserting takes twice as long.
        self._insert_new = dialect.insert(WEBHOOK_EVENTS).on_conflict_do_nothing(
            index_elements=[WEBHOOK_EVENTS.c.event_id]
        )
        self._incoming: list[tuple[Sequence[ReceivedEvent], asyncio.Future[None]]] = []
        self._waiting = 0
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to write. Calling it again changes nothing."""
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="webhook-writer")

    async def stop(self) -> None:
        """Stop writing; requests that still wait are told to come again."""
        if self._writer is not None:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer
            self._writer = None
        for _, stored in self._incoming:
            if not stored.done():
                stored.set_exception(Retryable("The service is stopping."))
        self._incoming.clear()
        self._waiting = 0

    async def store(self, events: Sequence[ReceivedEvent]) -> None:
        """Return once all ``events`` are on disk, each once.

        Raises
        ------
        Retryable
            They could not be stored in time; LINE will bring them again.
        """
        if not events:
            return
        if self._waiting + len(events) > MAX_WAITING_EVENTS:
            raise Retryable("Too many events are waiting to be stored.")
        await self.start()
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._incoming.append((events, stored))
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
        taken: list[tuple[Sequence[ReceivedEvent], asyncio.Future[None]]] = []
        size = 0
        while self._incoming and size < MAX_EVENTS_A_COMMIT:
            taken.append(self._incoming.pop(0))
            size += len(taken[-1][0])
        self._waiting -= size
        started = self.clock.monotonic()
        try:
            stored = await self._commit([event for events, _ in taken for event in events])
        except asyncio.CancelledError:
            _settle(taken, Retryable("The service is stopping."))
            raise
        except (SQLAlchemyError, OSError, Retryable) as error:
            reason = str(getattr(error, "orig", None) or error)
            self.health.failed(self.clock.now(), reason)
            log.error("webhook events not stored", events=size, error=reason)
            _settle(taken, Retryable("The events could not be stored."))
        except Exception as error:
            self.health.failed(self.clock.now(), repr(error))
            log.exception("webhook events not stored", events=size)
            _settle(taken, Retryable("The events could not be stored."))
        else:
            self.health.succeeded(self.clock.now(), stored, size - stored)
            COMMIT_SECONDS.observe(self.clock.monotonic() - started)
            _settle(taken, None)

    async def _commit(self, events: Sequence[ReceivedEvent]) -> int:
        """Store the events that are new; return how many were."""
        now = self.clock.now()
        rows = [
            {
                "event_id": event.event_id,
                "kind": event.kind,
                "line_user_id": event.line_user_id,
                "timestamp_ms": event.timestamp_ms,
                "payload": event.payload,
                "state": EventState.WAITING if event.actionable else EventState.IGNORED,
                "attempts": 0,
                "answer_matters": False,
                "answer_unsure": True,
                "gave_up": False,
                "forget": False,
                "received_at": now,
            }
            for event in events
        ]
        users = {event.line_user_id for event in events if event.actionable and event.line_user_id}
        insert = self._insert_new
        async with self.database.writing(durably=True) as session:
            connection = await session.connection()
            if self.database.is_sqlite:
                stored = (await connection.execute(insert, rows)).rowcount
            else:
                # PostgreSQL's driver does not count what it inserts many of.
                new = await connection.execute(insert.returning(WEBHOOK_EVENTS.c.id), rows)
                stored = len(new.all())
            # Whoever comes again finds nothing to do, so it need not be known which were new.
            await self.queue.put_many(session, INBOX_TASK, sorted(users))
        for event in events:
            EVENTS.labels(event.kind if event.kind in KNOWN_KINDS else "other").inc()
        REPEATED.inc(len(events) - stored)
        return stored


def attach(app: FastAPI, context: Context) -> EventStore:
    """Give an application its store of events, and ``/readyz`` its health."""
    store = EventStore(context.database, context.queue, context.clock)
    app.state.webhook_store = store
    app.state.webhook_health = store.health
    return store


def _settle(
    taken: Sequence[tuple[Sequence[ReceivedEvent], asyncio.Future[None]]],
    failure: Retryable | None,
) -> None:
    for _, stored in taken:
        if stored.done():
            continue
        if failure is None:
            stored.set_result(None)
        else:
            stored.set_exception(failure)


def _read_outcome(stored: asyncio.Future[None]) -> None:
    """Take note of what became of a commit nobody waits for any more."""
    if not stored.cancelled():
        stored.exception()


def signature(secret: str, body: bytes) -> str:
    """Return what ``x-line-signature`` must be (LINE: base64 of HMAC-SHA256 of the raw body)."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


async def read_body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes | None:
    """Return the body, or None as soon as it is known to be over ``limit`` bytes."""
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
    """Take one webhook request: 200 stored, 400 not LINE's form, 401 not signed, 413, 500."""
    signatures = request.headers.getlist("x-line-signature")
    if len(signatures) != 1:
        return _refuse(400 if signatures else 401, "signature missing or doubled")
    body = await read_body(request)
    if body is None:
        return _refuse(413, "body over the limit")
    expected = signature(request.app.state.context.settings.line_channel_secret, body)
    if not hmac.compare_digest(expected.encode(), signatures[0].encode("latin-1", "replace")):
        return _refuse(401, "signature wrong")
    try:
        events = read_events(body)
    except BadInput as error:
        return _refuse(400, str(error))
    for event in events:
        if not event.actionable:
            log.info(
                "webhook event ignored",
                event_id=event.event_id,
                kind=event.kind,
                reason=event.reason,
            )
    store: EventStore = request.app.state.webhook_store
    try:
        await store.store(events)
    except Retryable as error:
        REFUSED.labels("500").inc()
        log.error("webhook answered 500", events=len(events), error=str(error))
        return Response(status_code=500)
    return Response(status_code=200)


def _refuse(status: int, reason: str) -> Response:
    REFUSED.labels(str(status)).inc()
    log.warning("webhook refused", status=status, reason=reason)
    return Response(status_code=status)


router = APIRouter()
router.add_route("/line/webhook", receive, methods=["POST"])
