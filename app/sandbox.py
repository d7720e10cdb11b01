"""A sandbox for staff: a second LINE account with settings and a database of its own.

``TODOKE_SANDBOX=yes`` marks every message, menu and page. A sandbox does not start on a database
that has residents of a real account, nor a real service on a sandbox's, nor a sandbox with the
token of the city's own account.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app.page_band import Band, PageBand
from channels.line.client import LineClient
from channels.line.sandbox import SandboxClient
from city.city import City
from core.audit import AuditEntry, record
from core.clock import Clock
from core.database import Database
from core.errors import BadInput, Permanent, Retryable
from core.settings import Settings
from subscriptions.models import Resident

BAND = Band(
    style="/static/sandbox/sandbox.css",
    title="【試し】",
    html=(
        '<p class="sandbox-band" role="note" data-testid="sandbox-band"><strong>試し SANDBOX'
        "</strong> <span>職員が試すための環境です。市の住民には届きません。"
        '<span lang="en">For staff to try things. It does not reach the city’s residents.</span>'
        "</span></p>"
    ),
)


def of_sandbox(settings: Settings) -> Settings:
    """Return settings of a sandbox: it posts nowhere and tells no hub."""
    return replace(settings, posts={}, websub_hub="") if settings.sandbox else settings


async def guard(database: Database, line: LineClient, city: City, clock: Clock) -> None:
    """Let a sandbox and a real service never share a database or an account.

    Raises
    ------
    BadInput
        They would.
    """
    async with database.reading() as session:
        begun = await _is_begun(session)
    if not isinstance(line, SandboxClient):
        if begun:
            raise BadInput(
                "This database is a sandbox's (TODOKE_SANDBOX); a real service needs its own."
            )
        return
    await _refuse_own_account(line, city)
    if begun:
        return
    async with database.writing() as session:
        if await session.scalar(select(col(Resident.id)).limit(1)) is not None:
            raise BadInput(
                "TODOKE_SANDBOX=yes, but this database has residents already; "
                "a sandbox needs a database of its own."
            )
        await record(
            session, clock.now(), actor="service", action="sandbox.begun", subject="service:sandbox"
        )


async def _is_begun(session: AsyncSession) -> bool:
    found = select(col(AuditEntry.id)).where(col(AuditEntry.action) == "sandbox.begun").limit(1)
    return await session.scalar(found) is not None


async def _refuse_own_account(line: SandboxClient, city: City) -> None:
    """Refuse the token of the account that the city's folder names (``line_id``)."""
    if not city.line_id:
        return
    try:
        basic_id = await line.basic_id()
    except (Retryable, Permanent) as error:
        raise BadInput(
            f"TODOKE_SANDBOX=yes, but LINE did not say which account the token belongs to: {error}."
        ) from error
    if basic_id == city.line_id:
        raise BadInput(
            f"TODOKE_SANDBOX=yes, but the token is that of the city's own account {basic_id}."
        )


def show_band(app: FastAPI) -> None:
    """Put the band on every page of an application."""
    app.mount("/static/sandbox", StaticFiles(directory=Path(__file__).parent / "static"))
    app.add_middleware(PageBand, band=BAND)
