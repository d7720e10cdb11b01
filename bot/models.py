"""Tables of the conversation: webhook events as they came, and where each dialogue stands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class EventState(StrEnum):
    """``answering``: what it asked for is done, only the answer has still to reach LINE."""

    WAITING = "waiting"
    ANSWERING = "answering"
    DONE = "done"
    FAILED = "failed"
    IGNORED = "ignored"


class WebhookEvent(SQLModel, table=True):
    """One event of LINE's webhook, stored before the 200; ``webhookEventId`` is its identity."""

    __tablename__ = "webhook_events"
    __table_args__ = (Index("ix_webhook_events_due", "state", "not_before", "id"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    event_id: str = Field(unique=True, max_length=64)
    kind: str = Field(max_length=32)
    line_user_id: str | None = Field(default=None, max_length=64, index=True)
    timestamp_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    """LINE's time of the event, milliseconds since 1970; it orders what came out of order."""
    payload: str
    """The event as JSON text."""
    state: EventState = Field(default=EventState.WAITING, sa_type=text_enum(EventState))
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = None
    answer: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True))
    )
    """The messages to answer with, stored with the act so that a crash loses neither."""
    answer_matters: bool = False
    """Whether the answer is worth a push when the reply token has run out."""
    answer_unsure: bool = True
    """Whether an earlier try may have reached LINE without our hearing of it."""
    gave_up: bool = False
    """Whether acting on it failed for good; the answer then only says sorry."""
    forget: bool = False
    """Whether what it says and who said it is wiped once it is answered."""
    received_at: datetime = Field(sa_type=UtcDateTime, index=True)


class Dialogue(SQLModel, table=True):
    """Where a resident's conversation stands; it can be taken up again after a week."""

    __tablename__ = "dialogues"

    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True)
    )
    name: str = Field(max_length=32)
    step: str = Field(max_length=32)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    last_event_ms: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    applied: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Per choice (``language``, ``topic:weather`` …) LINE's time of the event that set it last,
    so that an older event that arrives later does not undo a newer one."""
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)
