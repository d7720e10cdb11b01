"""Is the process alive, can it do its work, and what has it done: for machines that watch it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
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
    readiness = await look(request.app.state.context, request.app.state.webhook_health)
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


async def look(context: Context, webhook: WebhookHealth) -> Readiness:
    """Check what the service needs to take events and to send."""
    return Readiness(
        {
            "database": await _database_fault(context),
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
    folder = context.settings.media_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        return f"only {free // 1024 // 1024} MB free for photos"
    return None
