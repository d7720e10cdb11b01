"""Health and metrics for monitoring: is the process alive, can it work, what has it done?"""

from __future__ import annotations

import asyncio
import hmac
import math
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select
from starlette.datastructures import State

from app import forwarding
from app.plain_files import plain_fault
from app.revision import newest_revision
from app.schema import current_revision, missing_tables
from bot import relay_sender
from channels.failing import failing_emergencies
from channels.line.medium import NAME as LINE_CHANNEL
from channels.metrics import CHANNEL_STOPPED, EMERGENCIES_FAILING
from channels.models import ChannelStop
from city.context import Context
from core import audit_check, clock_marks
from core.settings import THIS_MACHINE
from feeds.health import states

log = structlog.get_logger(__name__)
router = APIRouter()

LEAST_FREE_BYTES = 200 * 1024 * 1024
FOLDER_SECONDS = 30.0
"""How long the result of the last try to write into the photos' folder is used."""
DATABASE_SECONDS = 1.5
"""A database that accepts no write within this time is not ready; the answer comes by then."""


class WebhookState(Protocol):
    """The webhook's last attempts to store events."""

    @property
    def fault(self) -> str | None:
        """Why events cannot be stored at present, or None."""


@dataclass(frozen=True)
class Readiness:
    """Each check by name, with its fault or None."""

    faults: dict[str, str | None]

    @property
    def ready(self) -> bool:
        return not any(self.faults.values())


@router.get("/healthz", include_in_schema=False)
async def healthz(request: Request) -> dict[str, str]:
    """The process answers; it also says if the proxy sends no ``X-Forwarded-For``."""
    missing = forwarding.is_missing(request.scope, request.app.state.context.settings)
    return {"status": "ok", "proxy": forwarding.MISSING} if missing else {"status": "ok"}


def may_look(request: Request) -> bool:
    """Whether the client may see details: with the token, or from this machine.

    Behind a proxy without ``X-Forwarded-For`` everybody comes from this machine, so a request for
    the public name does not count as local.
    """
    settings = request.app.state.context.settings
    if settings.metrics_token:
        kind, _, said = request.headers.get("authorization", "").partition(" ")
        token = settings.metrics_token.encode()
        return kind.lower() == "bearer" and hmac.compare_digest(said.strip().encode(), token)
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False  # the header is no valid host
    address = request.client.host if request.client else ""
    return _is_loopback(address) and name in THIS_MACHINE


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _refused(request: Request) -> JSONResponse:
    if request.app.state.context.settings.metrics_token:
        return JSONResponse({"detail": "Unauthorized"}, 401, headers={"WWW-Authenticate": "Bearer"})
    return JSONResponse({"detail": "Only from this machine; TODOKE_METRICS_TOKEN opens it."}, 403)


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> JSONResponse:
    """200 when webhooks can be stored and messages sent; 503 otherwise.

    The reasons are for those who may see them (:func:`may_look`).
    """
    state = request.app.state
    readiness = await check_health(state)
    if not readiness.ready:
        log.warning("service.unready", faults={k: v for k, v in readiness.faults.items() if v})
    status = {"status": "ready" if readiness.ready else "not ready"}
    if not may_look(request):
        return JSONResponse(status, status_code=200 if readiness.ready else 503)
    body = {
        **status,
        "channels": {} if readiness.faults["database"] else await _channels(state.context),
        "audit": {} if readiness.faults["database"] else await _audit(state.context),
        "checks": {name: fault or "ok" for name, fault in readiness.faults.items()},
        # Not a reason for 503: another process would not hear more from the sources.
        "sources": {} if readiness.faults["database"] else await _stale_sources(state.context),
        "emergencies": await _emergencies(state.context),
        "clock": await _clock(state.context),
        "proxy": state.forwarding.fault or "ok",
        **_plain_files(state.context),
        **await _relay(state.context),
    }
    return JSONResponse(body, status_code=200 if readiness.ready else 503)


def _plain_files(context: Context) -> dict[str, str]:
    """Whether the files for a second web server are fresh; the service stays ready without."""
    folder = context.settings.plain_dir
    if folder is None:
        return {}
    return {"plain_files": plain_fault(folder, context.clock.now()) or "ok"}


async def _relay(context: Context) -> dict[str, object]:
    """How another vendor's service on the channel answers; Todoke stays ready without it."""
    if context.settings.relay is None:
        return {}
    try:
        async with asyncio.timeout(DATABASE_SECONDS), context.database.reading() as session:
            return {"relay": await relay_sender.health(session, context.clock.now())}
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("relay.unread", reason=str(error))
        return {}


async def _emergencies(context: Context) -> list[dict[str, object]]:
    """Emergencies that do not get through. The service stays ready: webhooks still come in."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS), context.database.reading() as session:
            found = await failing_emergencies(session, context.clock.now())
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("emergencies.unread", reason=str(error))
        return []
    EMERGENCIES_FAILING.set(len(found))
    return [
        {
            "delivery_id": each.delivery_id,
            "medium": each.channel,
            "state": each.state.value,
            "waiting": each.waiting,
            "since": each.since.isoformat(),
            "reason": str(each.reason or ""),
        }
        for each in found
    ]


async def _channels(context: Context) -> dict[str, str]:
    """Each channel that sends nothing, such as after a 401 from LINE, and why.

    The service stays ready: webhooks still come in.
    """
    try:
        async with asyncio.timeout(DATABASE_SECONDS), context.database.reading() as session:
            stops = list(await session.scalars(select(ChannelStop)))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("channels.unread", reason=str(error))
        return {}
    CHANNEL_STOPPED.labels(LINE_CHANNEL).set(any(each.channel == LINE_CHANNEL for each in stops))
    return {each.channel: f"stopped: {each.reason}" for each in stops}


async def _audit(context: Context) -> dict[str, int]:
    """The first entry of the audit trail that does not fit, if any."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            known = await audit_check.state(context.database)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("audit.unread", reason=str(error))
        return {}
    audit_check.BREAKS.set(known.broken is not None)
    return {} if known.broken is None else {"broken_at_entry": known.broken}


async def _clock(context: Context) -> list[dict[str, object]]:
    """Unconfirmed steps of machines' clocks; the service keeps the old time."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS), context.database.reading() as session:
            found = await clock_marks.doubts(session, context.clock.now())
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("clocks.unread", reason=str(error))
        return []
    return [
        {
            "step_s": each.doubt_s,
            "since": None if each.since is None else each.since.isoformat(),
            "contradicted_by": each.against,
        }
        for each in found
    ]


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus' text format, for those who may see it (:func:`may_look`)."""
    if not may_look(request):
        return _refused(request)
    context = request.app.state.context
    await _emergencies(context)
    await _channels(context)
    await _audit(context)
    await _stale_sources(context)
    await _relay(context)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _stale_sources(context: Context) -> dict[str, str]:
    """Each source that is silent or frozen, and which."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS), context.database.reading() as session:
            found = await states(session, context.city, context.clock.now())
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("sources.unread", reason=str(error))
        return {}
    return {state.code: state.trouble.value for state in found if state.stale}


class DatabaseProbe:
    """Tries to write to the database, one try at a time, however often it is asked.

    With a locked database a try waits long; other callers get that answer and do not queue.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._try: asyncio.Task[str | None] | None = None

    async def fault(self) -> str | None:
        """Why the database accepts no write, or None."""
        if self._try is None or self._try.done():
            self._try = asyncio.create_task(_database_fault(self._context), name="readiness")
        done, _ = await asyncio.wait({self._try}, timeout=DATABASE_SECONDS)
        if not done:
            return f"takes no write within {DATABASE_SECONDS} s: locked, or overloaded"
        return self._try.result()


class FolderProbe:
    """Tries whether the folder of the photos takes a file, now and then."""

    def __init__(self, folder: Path, timer: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._timer = timer
        self._at = -math.inf
        self._fault: str | None = None

    async def fault(self) -> str | None:
        """Why photos cannot be stored, as of the last try, or None."""
        if self._timer() - self._at >= FOLDER_SECONDS:
            self._at = self._timer()
            self._fault = await asyncio.to_thread(_folder_fault, self._folder)
        return self._fault


def _folder_fault(folder: Path) -> str | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as tried:
            tried.write(b"1")
    except OSError as error:
        return f"{folder} takes no file: {error.strerror or error}"
    return None


async def check_health(state: State) -> Readiness:
    """Check everything that the service needs to accept events and to send; ``state`` is the
    application's.
    """
    return Readiness(
        {
            "database": await state.database_probe.fault(),
            "disk": _disk_fault(state.context),
            "photos": await state.folder_probe.fault(),
            "webhook": state.webhook_health.fault,
        }
    )


async def _database_fault(context: Context) -> str | None:
    """A write that is rolled back finds a database that is locked, read-only or not reachable."""
    try:
        revision = await current_revision(context.database)
        if revision != newest_revision():
            return f"at revision {revision}, not {newest_revision()}"
        async with context.database.engine.connect() as connection:
            if missing := await connection.run_sync(missing_tables):
                return f"lacks {', '.join(missing)}"
            await connection.rollback()
            await connection.execution_options(todoke_writes=True)
            async with connection.begin() as transaction:
                await connection.execute(text("UPDATE areas SET retired = retired WHERE 1 = 0"))
                await transaction.rollback()
    except (SQLAlchemyError, OSError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return None


def _disk_fault(context: Context) -> str | None:
    """What is nearly full of the disks for photos and, on SQLite, the database."""
    places = {"photos": context.settings.media_dir}
    file = context.database.url.database
    if context.database.is_sqlite and file:
        places["the database"] = Path(file).parent
    for name, folder in places.items():
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE_BYTES:
            return f"only {free // 1024 // 1024} MB free for {name}"
    return None
