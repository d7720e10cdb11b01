"""Is the process alive, can it do its work, and what has it done: for machines that watch it."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.schema import current_revision, newest_revision
from core.context import Context

log = structlog.get_logger(__name__)
router = APIRouter()

LEAST_FREE_BYTES = 200 * 1024 * 1024
DATABASE_SECONDS = 1.5
"""A database that takes no write for so long is not ready; whoever asks has an answer by then."""


class WebhookHealth(Protocol):
    """What the webhook says of its last attempts to store events."""

    @property
    def fault(self) -> str | None:
        """Why events cannot be stored at present, or None."""


@dataclass(frozen=True)
class Readiness:
    """Each check by name, with what is wrong or None."""

    faults: dict[str, str | None]

    @property
    def ready(self) -> bool:
        return not any(self.faults.values())


@router.get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> JSONResponse:
    """200 when webhooks can be stored and messages sent; 503 with the reasons otherwise."""
    state = request.app.state
    readiness = await look(state.context, state.database_probe, state.webhook_health)
    if not readiness.ready:
        log.warning("not ready", **{k: v for k, v in readiness.faults.items() if v})
    body = {
        "status": "ready" if readiness.ready else "not ready",
        "checks": {name: fault or "ok" for name, fault in readiness.faults.items()},
    }
    return JSONResponse(body, status_code=200 if readiness.ready else 503)


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class DatabaseProbe:
    """Tries the database, one try at a time, however often it is asked.

    A locked database lets a try wait for long; those who ask meanwhile are told so, and do not
    join the queue.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._try: asyncio.Task[str | None] | None = None

    async def fault(self) -> str | None:
        """What keeps the database from taking a write, or None."""
        if self._try is None or self._try.done():
            self._try = asyncio.create_task(_database_fault(self._context), name="readiness")
        done, _ = await asyncio.wait({self._try}, timeout=DATABASE_SECONDS)
        if not done:
            return f"takes no write within {DATABASE_SECONDS} s: locked, or overloaded"
        return self._try.result()


async def look(context: Context, database: DatabaseProbe, webhook: WebhookHealth) -> Readiness:
    """Check what the service needs to take events and to send."""
    return Readiness(
        {
            "database": await database.fault(),
            "disk": _disk_fault(context),
            "webhook": webhook.fault,
        }
    )


async def _database_fault(context: Context) -> str | None:
    """A write that is rolled back shows a locked or read-only database as well as a dead one."""
    try:
        revision = await current_revision(context.database)
        if revision != newest_revision():
            return f"at revision {revision}, not {newest_revision()}"
        async with context.database.engine.connect() as connection:
            await connection.execution_options(todoke_writes=True)
            async with connection.begin() as transaction:
                await connection.execute(text("UPDATE areas SET retired = retired WHERE 1 = 0"))
                await transaction.rollback()
    except (SQLAlchemyError, OSError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return None


def _disk_fault(context: Context) -> str | None:
    """What is short on the disks of the photos and, on SQLite, of the database."""
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
