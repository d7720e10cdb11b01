"""Tables of questions: what residents asked and nobody understood, and what staff answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime
from subscriptions.models import RowId


class AskedQuestion(SQLModel, table=True):
    """One sentence that was not understood, without who asked and at what hour.

    ``text`` has no numbers, addresses and names any more.
    """

    __tablename__ = "asked_questions"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    text: str = Field(max_length=80, index=True)
    language: str = Field(max_length=16)
    asked_on: date = Field(index=True)
    """In Japan."""


class AskedCount(SQLModel, table=True):
    """How often residents of a bucket asked for one thing in ten minutes; nothing about who."""

    __tablename__ = "asked_counts"

    slot: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    """The beginning of the ten minutes."""
    intent: str = Field(max_length=32, primary_key=True)
    bucket: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    count: int = 0


class StaffAnswer(SQLModel, table=True):
    """A question with the answer that staff wrote; the conversation gives it like ``faq/*.md``."""

    __tablename__ = "staff_answers"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    texts: dict[str, dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))
    """By language: ``question`` and ``text``; Japanese is always there."""
    asked: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """The sentences with which residents asked it, in any language."""
    link: str = ""
    """The page with more about it."""
    written_by: str
    written_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
