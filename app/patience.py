"""Limits on how long the web server waits for the rest of a request.

Uvicorn and its parsers wait forever for the rest of a head or a body. Connections that send a few
bytes and then nothing would use up the process's open files, and webhooks would be refused. A proxy
that buffers whole requests prevents that; this works without one.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

import structlog
from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_FILES = 65_536
"""The number of open files that a process requests; more would only cost memory."""

HALF_SENT = Counter(
    "todoke_half_sent_requests_total", "Connections closed before a request was whole", ["missing"]
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Patience:
    """Time limits for an incoming request.

    Parameters
    ----------
    head_seconds
        From the connection, or from the first byte of a later request, to the end of the head.
    body_seconds
        In each such interval ``body_bytes`` of the body must arrive, or its end.
    most_waiting
        Most connections at once without a complete head; above that the oldest is closed. None
        means half of the open files that the process may have.
    """

    head_seconds: float = 10.0
    body_seconds: float = 10.0
    body_bytes: int = 10_000
    most_waiting: int | None = None


class _Missing(Enum):
    HEAD = auto()
    BODY = auto()


class PatientProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with time limits; made by :func:`patient`."""

    patience: ClassVar[Patience]
    most_waiting: ClassVar[int]
    waiting: ClassVar[dict[PatientProtocol, None]]
    """Connections without a whole head, the oldest first."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._missing: _Missing | None = _Missing.HEAD
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for: _Missing | None = None
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._missing = None
        self._watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._missing is None and self._answered:
            self._missing = _Missing.HEAD
        super().data_received(data)
        self._watch()

    def handle_websocket_upgrade(self) -> None:
        self._missing = None
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._missing = _Missing.HEAD

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._missing, self._body_bytes = _Missing.BODY, 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._missing = None

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        """Start a timer for the missing part, from the moment when it was expected."""
        if self._missing is self._timer_for:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_for = None, self._missing
        self.waiting.pop(self, None)
        if self._missing is _Missing.HEAD:
            self._timer = self.loop.call_later(self.patience.head_seconds, self._late)
            self.waiting[self] = None
            if len(self.waiting) > self.most_waiting:
                next(iter(self.waiting))._give_up()
        elif self._missing is _Missing.BODY:
            self._timer = self.loop.call_later(self.patience.body_seconds, self._late)

    def _late(self) -> None:
        self._timer_for = None
        if self._missing is _Missing.BODY:
            # If our side reads slowly, that is not the sender's fault.
            enough = self._body_bytes >= self.patience.body_bytes or self.flow.read_paused
            self._body_bytes = 0
        else:
            # A later request may wait for the answer to the one before it.
            enough = not self._answered
        if enough:
            self._watch()
        else:
            self._give_up()

    def _give_up(self) -> None:
        missing, self._missing = self._missing, None
        self._watch()
        if missing is None or self.transport.is_closing():
            return
        HALF_SENT.labels(missing.name.lower()).inc()
        log.info("connection.closed", missing=missing.name.lower())
        self._unset_keepalive_if_required()
        self.transport.close()


def patient(patience: Patience) -> type[PatientProtocol]:
    """Return the protocol for one server."""
    most = patience.most_waiting or resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2

    class Bound(PatientProtocol):
        pass

    Bound.patience, Bound.most_waiting, Bound.waiting = patience, most, {}
    return Bound


def allow_many_files() -> None:
    """Raise the number of files that the process may open, up to the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
