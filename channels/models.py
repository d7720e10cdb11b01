"""Tables of the outbox: deliveries, their variants and batches."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, LargeBinary
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class DeliveryState(StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"


class Priority:
    """Who goes first; a lower number overtakes a higher one (promise 4)."""

    CORRECTION = 0
    EMERGENCY = 1
    PERSONAL = 3
    WARNING = 5
    ROUTINE = 9


class Delivery(SQLModel, table=True):
    """One notice on its way to its audience by one channel.

    ``audience`` is the query (topic, level, areas, language) as planned; ``planned_through``
    the last resident id that planning has batched, so that a crash resumes there.
    """

    __tablename__ = "deliveries"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    notice_id: int = Field(sa_column=Column(RowId, ForeignKey("notices.id"), index=True))
    channel: str = Field(default="line", max_length=16)
    state: DeliveryState = Field(
        default=DeliveryState.PLANNED, sa_type=text_enum(DeliveryState), index=True
    )
    priority: int
    audience: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    audience_limit: int | None = None
    """The greatest resident id of the audience's snapshot; later followers are not in it."""
    planned_through: int = 0
    planning_done: bool = False
    recipients: int = 0
    skipped: int = 0
    reason: str = ""
    """Why it paused or stopped, for staff."""
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    first_sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Variant(SQLModel, table=True):
    """One distinct message of a delivery: the ``messages`` array as LINE gets it, in bytes."""

    __tablename__ = "variants"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    delivery_id: int = Field(
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="CASCADE"), index=True)
    )
    language: str = Field(max_length=16)
    digest: str = Field(max_length=64)
    """SHA-256 of ``messages``; equal messages are one variant."""
    messages: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    machine_translated: bool = False


class BatchState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Batch(SQLModel, table=True):
    """At most 500 residents who get one variant in one request.

    ``retry_key`` is fixed before the first attempt, so a repeat is never a second message
    (LINE honours it for 24 hours). ``members`` are the resident ids, packed.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_due", "state", "priority", "not_before"),
        Index("ix_batches_delivery", "delivery_id", "state"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    delivery_id: int = Field(
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False)
    )
    variant_id: int = Field(
        sa_column=Column(RowId, ForeignKey("variants.id", ondelete="CASCADE"), nullable=False)
    )
    retry_key: str = Field(unique=True, max_length=36)
    priority: int
    endpoint: str = Field(max_length=16)
    """``multicast`` or ``push``."""
    size: int
    members: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: BatchState = Field(default=BatchState.WAITING, sa_type=text_enum(BatchState))
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    worker: str | None = None
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    request_id: str | None = None
    error: str | None = None
