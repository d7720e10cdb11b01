"""The audit trail: who did what, chained by hashes so that tampering shows.

Each entry's hash covers the entry and the hash before it; changing or removing one breaks
every later one. Promise 7 of the design. ``core.audit_check`` reads the chain again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from core.database import UtcDateTime

GENESIS = "0" * 64
ACTION = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
"""What an action looks like: ``noun.verb``, such as ``delivery.paused``."""
SUBJECT = re.compile(r"[a-z]+(_[a-z]+)*:.+", re.DOTALL)
"""What a subject looks like: ``kind:id``, such as ``delivery:12``."""


class AuditEntry(SQLModel, table=True):
    """One act.

    Entries from before the two rules were made have other actions and subjects. They stay as
    they are, because each hash covers them.

    Parameters
    ----------
    actor
        A staff member's e-mail address, ``shell:<user>`` or ``rule:<name>``.
    action
        ``noun.verb`` (:data:`ACTION`).
    subject
        ``kind:id`` (:data:`SUBJECT`).
    """

    __tablename__ = "audit"
    # The newest entries of a person or an action are found without reading the others.
    __table_args__ = (
        Index("ix_audit_actor_id", "actor", "id"),
        Index("ix_audit_action_id", "action", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str
    action: str
    subject: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    previous_hash: str
    hash: str = Field(unique=True)

    def expected_hash(self) -> str:
        """Return the hash this entry must have, given the one before it."""
        return entry_hash(
            self.previous_hash, self.at, self.actor, self.action, self.subject, self.detail
        )


def entry_hash(
    previous_hash: str,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: dict[str, Any],
) -> str:
    """Return the hash of an entry: SHA-256 over what it says and the hash before it."""
    content = json.dumps(
        [at.isoformat(), actor, action, subject, detail], ensure_ascii=False, sort_keys=True
    )
    return hashlib.sha256(f"{previous_hash}\n{content}".encode()).hexdigest()


class AuditCheck(SQLModel, table=True):
    """How far the chain was checked without a break; one row.

    Parameters
    ----------
    through
        The last checked entry; 0 before the first check.
    hash
        That entry's hash; the next entry must contain it.
    checked_at
        When the newest entries were last read.
    whole_through
        How far the check from the first entry has come, while one is running.
    whole_hash
        The hash there.
    whole_since
        When that check was requested; None while none is running.
    whole_at
        When such a check was last finished.
    broken
        The first entry with a wrong hash, until a check of the whole trail finds none.
    """

    __tablename__ = "audit_checks"

    id: int = Field(default=1, primary_key=True)
    through: int = 0
    hash: str = Field(default=GENESIS, max_length=64)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    whole_through: int = 0
    whole_hash: str = Field(default=GENESIS, max_length=64)
    whole_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    whole_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    broken: int | None = None
    broken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AuditHead(SQLModel, table=True):
    """A newest entry whose id and hash were sent out of this installation by one way.

    The proof is what arrived there; this row says when and by which way to look for it.
    """

    __tablename__ = "audit_heads"
    __table_args__ = (Index("ix_audit_heads_way", "way", "sent_at"),)

    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    )
    entry_id: int = Field(sa_type=BigInteger)
    hash: str = Field(max_length=64)
    way: str = Field(max_length=16)
    sent_at: datetime = Field(sa_type=UtcDateTime)


Hearer = Callable[[AsyncSession, AuditEntry], Awaitable[object]]
_hearers: list[Hearer] = []


def heard_by(hear: Hearer) -> Hearer:
    """Have a function called with every new entry, in the transaction that writes it."""
    _hearers.append(hear)
    return hear


async def record(
    session: AsyncSession,
    now: datetime,
    *,
    actor: str,
    action: str,
    subject: str,
    **detail: Any,
) -> AuditEntry:
    """Append an entry in the caller's transaction, so that the act and its trace are one.

    On PostgreSQL an advisory lock orders concurrent appends until their transactions end.

    Raises
    ------
    ValueError
        ``action`` is not ``noun.verb``, ``subject`` is not ``kind:id``, or ``now`` is not in UTC:
        it comes back from the database in UTC, and the hash covers how it is written.
    """
    if now.utcoffset() != timedelta(0):
        raise ValueError(f"the time of an audit entry is not in UTC: {now!r}")
    if not ACTION.fullmatch(action):
        raise ValueError(f"audit action {action!r} is not noun.verb")
    if not SUBJECT.fullmatch(subject):
        raise ValueError(f"audit subject {subject!r} is not kind:id")
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
    for hear in _hearers:
        await hear(session, entry)
    return entry


async def newest(
    session: AsyncSession, most: int, *, before: int | None = None
) -> list[AuditEntry]:
    """Return the newest entries, or the newest of those older than the entry ``before``."""
    query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(most)
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    return list(await session.scalars(query))


async def last_id(session: AsyncSession) -> int:
    """Return the id of the newest entry; 0 for an empty trail."""
    return await session.scalar(select(func.max(col(AuditEntry.id)))) or 0
