"""Threads of residents with the desk: the tables."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId

LONGEST_TEXT = 1_000


class ThreadState(StrEnum):
    """``waiting`` for a colleague, ``taken`` by one, ``closed``."""

    WAITING = "waiting"
    TAKEN = "taken"
    CLOSED = "closed"


class Side(StrEnum):
    """Who wrote a message; ``rule`` is the service itself."""

    RESIDENT = "resident"
    STAFF = "staff"
    RULE = "rule"


class Ended(StrEnum):
    """Who closed a thread."""

    RESIDENT = "resident"
    STAFF = "staff"
    IDLE = "idle"


IS_OPEN = text("state IN ('waiting', 'taken')")
"""Threads that are not closed; a query must use exactly this condition to use the index."""


class ChatThread(SQLModel, table=True):
    """A talk of one resident with the desk.

    Parameters
    ----------
    taken_by
        The colleague's e-mail; "" for nobody.
    waiting_since
        Since when the resident waits for an answer; None if they do not.
    urgent
        Whether they wrote something like a cry for help.
    alarmed_at
        When colleagues were told that this resident waits.
    version
        Counts the changes, so that nobody decides on what has changed meanwhile.
    """

    __tablename__ = "chat_threads"
    __table_args__ = (
        Index(
            "uq_chat_threads_open",
            "resident_id",
            unique=True,
            sqlite_where=IS_OPEN,
            postgresql_where=IS_OPEN,
        ),
        Index("ix_chat_threads_resident", "resident_id"),
        Index("ix_chat_threads_closed", "closed_at"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), nullable=False)
    )
    language: str = Field(max_length=16)
    state: ThreadState = Field(default=ThreadState.WAITING, sa_type=text_enum(ThreadState))
    taken_by: str = Field(default="", max_length=254)
    urgent: bool = False
    opened_at: datetime = Field(sa_type=UtcDateTime)
    waiting_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When a colleague answered first."""
    last_at: datetime = Field(sa_type=UtcDateTime)
    alarmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_by: str = Field(default="", max_length=254)
    """One of :class:`Ended`, or the colleague's e-mail."""
    version: int = 0


class ChatMessage(SQLModel, table=True):
    """One message of a thread; erased with it.

    Parameters
    ----------
    text
        As it was written: by a resident in their language, by staff as it was sent.
    japanese
        The same in Japanese: by a machine for what a resident wrote, by staff for what was sent.
    origin
        Where the words in the resident's language come from: "", ``machine`` or ``changed``.
    key
        What made it (LINE's event, a form), so that it is there once however often that comes.
    message_id
        LINE's id, with which a resident can take it back.
    """

    __tablename__ = "chat_messages"
    __table_args__ = (UniqueConstraint("thread_id", "key", name="uq_chat_messages_key"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    thread_id: int = Field(
        sa_column=Column(RowId, ForeignKey("chat_threads.id", ondelete="CASCADE"), nullable=False)
    )
    side: Side = Field(sa_type=text_enum(Side))
    by: str = Field(default="", max_length=254)
    text: str = ""
    japanese: str = ""
    origin: str = Field(default="", max_length=16)
    translated_by: str = Field(default="", max_length=32)
    """The machine that made the Japanese; ``none`` if none could be trusted."""
    sha256: str = Field(default="", max_length=64, index=True)
    """A photo, re-encoded without metadata."""
    key: str = Field(max_length=80)
    message_id: str = Field(default="", max_length=40)
    delivery_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="SET NULL"), index=True),
    )
    at: datetime = Field(sa_type=UtcDateTime)
