"""The audit trail: who did what, chained by hashes so that tampering shows.

Each entry's hash covers the entry and the hash before it; changing or removing one breaks
every later one. Promise 7 of the design.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from core.database import UtcDateTime

GENESIS = "0" * 64


class AuditEntry(SQLModel, table=True):
    """One act. ``actor`` is a staff e-mail, ``shell:<user>`` or ``rule:<name>``."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    action: str = Field(index=True)
    subject: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    previous_hash: str
    hash: str = Field(unique=True)

    def expected_hash(self) -> str:
        """Return the hash this entry must have, given the one before it."""
        content = json.dumps(
            [self.at.isoformat(), self.actor, self.action, self.subject, self.detail],
            ensure_ascii=False,
            sort_keys=True,
        )
        return hashlib.sha256(f"{self.previous_hash}\n{content}".encode()).hexdigest()


async def record(
    session: AsyncSession,
    now: datetime,
    *,
    actor: str,
    action: str,
    subject: str,
    **detail: Any,
) -> AuditEntry:
    """Append an entry in the caller's writing transaction, so that act and trace are one.

    On PostgreSQL an advisory lock orders concurrent appends until their transactions end.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.audit'))"))
    last = await session.scalar(
        select(AuditEntry.hash).order_by(col(AuditEntry.id).desc()).limit(1)
    )
    entry = AuditEntry(
        at=now,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        previous_hash=last or GENESIS,
        hash="",
    )
    entry.hash = entry.expected_hash()
    session.add(entry)
    await session.flush()
    return entry


async def first_broken(session: AsyncSession) -> int | None:
    """Return the id of the first entry that does not fit the chain, or None when all do."""
    previous = GENESIS
    stream = await session.stream_scalars(select(AuditEntry).order_by(col(AuditEntry.id)))
    async for entry in stream:
        if entry.previous_hash != previous or entry.hash != entry.expected_hash():
            return entry.id
        previous = entry.hash
    return None
