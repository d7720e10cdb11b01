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


class DeliveryKind(StrEnum):
    NOTICE = "notice"
    CORRECTION = "correction"
    PERSONAL = "personal"
    DIGEST = "digest"


class Delivery(SQLModel, table=True):
    """One notice on its way to its audience by one channel; or a message without a notice.

    ``audience`` is the query (topic, level, areas, language) as planned; ``planned_through``
    the last resident id that planning has looked at, so that a crash resumes there, and
    ``carry`` the residents up to there whose batch is not full yet. ``recipients`` are those
    the audience had when it was planned, ``skipped`` those of them for whom no batch was made.
    """

    __tablename__ = "deliveries"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    kind: DeliveryKind = Field(default=DeliveryKind.NOTICE, sa_type=text_enum(DeliveryKind))
    notice_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """None for personal messages and digests."""
    corrects_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("deliveries.id"), index=True)
    )
    """The delivery that was wrong: whoever it may have reached gets this one."""
    reference: str = Field(default="", max_length=64, index=True)
    """What it is of, where it is of no notice, such as a digest's hour."""
    channel: str = Field(default="line", max_length=16)
    state: DeliveryState = Field(
        default=DeliveryState.PLANNED, sa_type=text_enum(DeliveryState), index=True
    )
    priority: int
    respects_quiet: bool = True
    """Whether it waits for the end of a resident's quiet hours (promise 4)."""
    silent: bool = False
    """Whether phones make no sound."""
    audience: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    audience_limit: int | None = None
    """The greatest resident id of the audience's snapshot; later followers are not in it."""
    planned_through: int = 0
    carry: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    runs: int = 0
    """How many runs of batches have been made so far."""
    planning_done: bool = False
    quota_waived: bool = False
    """A person decided that it goes though the month's quota may not suffice."""
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
    language: str = Field(max_length=128)
    """The language; several with commas where their messages are equal; "" for a personal one."""
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
    (LINE honours it for 24 hours). ``members`` are the resident ids, packed (see
    ``channels.members``); ``absent`` those of them who had left when it was sent. Batches are
    worked on in runs, numbered within their delivery. A batch that waits and has a
    ``first_tried_at`` may have been accepted without our knowing.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_delivery", "delivery_id", "state", "variant_id", "size", "missing"),
        Index("ix_batches_run", "delivery_id", "run"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    delivery_id: int = Field(
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False)
    )
    run: int = 0
    variant_id: int = Field(
        sa_column=Column(RowId, ForeignKey("variants.id", ondelete="CASCADE"), nullable=False)
    )
    retry_key: str = Field(max_length=36)
    endpoint: str = Field(max_length=16)
    """``multicast`` or ``push``."""
    size: int
    members: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    absent: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    missing: int = 0
    """How many are absent."""
    quiet_start: int | None = None
    quiet_end: int | None = None
    """The members' quiet hours (minutes after midnight in Japan); None are the city's."""
    state: BatchState = Field(default=BatchState.WAITING, sa_type=text_enum(BatchState))
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    worker: str | None = None
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    request_id: str | None = None
    error: str | None = None


class ChannelStop(SQLModel, table=True):
    """A channel that sends nothing for now, and why; the row goes when it works again."""

    __tablename__ = "channel_stops"

    channel: str = Field(primary_key=True, max_length=16)
    reason: str
    stopped_at: datetime = Field(sa_type=UtcDateTime)
    checked_at: datetime = Field(sa_type=UtcDateTime)


class RateState(SQLModel, table=True):
    """What LINE's answers 429 taught all processes about one endpoint."""

    __tablename__ = "rate_states"

    endpoint: str = Field(primary_key=True, max_length=16)
    factor: float = 1.0
    """Share of the limit that may be used at ``since``; grows again from there."""
    since: datetime = Field(sa_type=UtcDateTime)
    paused_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RateShare(SQLModel, table=True):
    """How many of an endpoint's requests a second one process may send."""

    __tablename__ = "rate_shares"

    endpoint: str = Field(primary_key=True, max_length=16)
    worker: str = Field(primary_key=True, max_length=80)
    slots: int
    wants: bool
    """Whether it has something to send; who has not leaves its slots to others."""
    urgent: bool = False
    """Whether it sends an emergency; others then hold back what is none."""
    renewed_at: datetime = Field(sa_type=UtcDateTime)
