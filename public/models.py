"""Tables of questions: what residents asked, and what nobody understood."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Column, SmallInteger
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
    asker: int | None = Field(default=None, sa_column=Column(SmallInteger, nullable=True))
    """A token that many residents share (``public.questions.asker_token``)."""
    answer_key: str | None = Field(default=None, max_length=60)
    """The question of the city's own words that answers it."""
    dismissed: str | None = Field(default=None, max_length=200)
    """Why it needs no answer."""
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AskedCount(SQLModel, table=True):
    """How often residents of a bucket asked for one thing in ten minutes; nothing about who."""

    __tablename__ = "asked_counts"

    slot: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    """The beginning of the ten minutes."""
    intent: str = Field(max_length=32, primary_key=True)
    bucket: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    count: int = 0
