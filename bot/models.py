"""Tables of the conversation: unchanged webhook events, and the state of each dialogue."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from zlib import crc32

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, SmallInteger, text
from sqlmodel import Field, SQLModel

from core.clock_marks import ClockMark as ClockMark
from core.database import UtcDateTime, text_enum
from core.restored import RestoreHold as RestoreHold
from subscriptions.models import RowId


class EventState(StrEnum):
    """``answering``: it is processed, and only the answer must still reach LINE."""

    WAITING = "waiting"
    ANSWERING = "answering"
    DONE = "done"
    FAILED = "failed"
    IGNORED = "ignored"


BUCKETS = 4
"""Number of buckets on PostgreSQL. Each is one piece of work, for one process at a time. More
buckets would make transactions smaller; fewer would leave processes idle.
"""
IS_OPEN = text("state IN ('waiting', 'answering')")
"""Events that are not finished; a query must use exactly this condition to use the index."""
IS_A_TURN = text("kind IN ('follow', 'unfollow', 'unsend')")
"""Events that change the effect of other events of the same resident."""


def bucket_of(line_user_id: str, *, is_sqlite: bool) -> int:
    """Return the bucket of a resident, from 0; on SQLite, with its one writer, there is one."""
    return 0 if is_sqlite else crc32(line_user_id.encode()) % BUCKETS


class WebhookEvent(SQLModel, table=True):
    """One event of LINE's webhook, stored before the 200; ``webhookEventId`` is its identity."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        Index(
            "ix_webhook_events_open",
            "bucket",
            "timestamp_ms",
            "id",
            sqlite_where=IS_OPEN,
            postgresql_where=IS_OPEN,
        ),
        Index(
            "ix_webhook_events_turns",
            "line_user_id",
            "timestamp_ms",
            sqlite_where=IS_A_TURN,
            postgresql_where=IS_A_TURN,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    event_id: str = Field(unique=True, max_length=64)
    kind: str = Field(max_length=32)
    line_user_id: str | None = Field(default=None, max_length=64, index=True)
    bucket: int = Field(
        default=0, sa_column=Column(SmallInteger, server_default="0", nullable=False)
    )
    """:func:`bucket_of` the resident; open events are found by it."""
    timestamp_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    """LINE's time of the event, milliseconds since 1970; it restores the order of events."""
    payload: str
    """The event as JSON text."""
    state: EventState = Field(default=EventState.WAITING, sa_type=text_enum(EventState))
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = None
    answer: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True))
    )
    """The messages of the answer, stored with the effects so that a crash loses neither."""
    answer_matters: bool = False
    """Whether the answer is worth a push when the reply token has run out."""
    answer_unsure: bool = True
    """Whether an earlier try may have reached LINE without our hearing of it."""
    gave_up: bool = False
    """Whether processing failed for good; the answer then only apologises."""
    forget: bool = False
    """Whether its content and its user are erased once it is answered."""
    received_at: datetime = Field(sa_type=UtcDateTime, index=True)


class Dialogue(SQLModel, table=True):
    """The state of a resident's conversation; it can continue after a week."""

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
    reminded: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": ""})
    """The unfinished report of which the resident was reminded."""
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)


class RelayBody(SQLModel, table=True):
    """A webhook's body of which something may go to another vendor's service (``bot.relay``).

    It is deleted when nothing of it waits any more.
    """

    __tablename__ = "relay_bodies"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    body: str
    """As LINE sent it: its UTF-8 is the very bytes that LINE signed."""
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)


class RelayEvent(SQLModel, table=True):
    """An event of such a body that the city's rules name."""

    __tablename__ = "relay_events"

    event_id: str = Field(primary_key=True, max_length=64)
    body_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("relay_bodies.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    position: int = Field(sa_column=Column(SmallInteger, nullable=False))
    """Its place in the body, from 0."""
    sender: str | None = Field(default=None, max_length=64, index=True)
    """Whose it is: a user, or a group or room. Events of one sender go in order."""
    theirs: bool | None = None
    """Whether it goes to the other service; None until the conversation has decided."""


class RelayState(SQLModel, table=True):
    """How the other vendor's service answers; one row."""

    __tablename__ = "relay_state"

    id: int = Field(default=1, primary_key=True)
    sent: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    lost: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """Bodies that it refused, or that were given up."""
    failures: int = 0
    """In a row."""
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resting_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """It is not asked before."""
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the administrators were told that it does not answer."""
    worked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str = ""
