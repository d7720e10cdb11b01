"""What residents are told of their reports: the office's templates, and what they say to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, ForeignKey, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime
from subscriptions.models import RowId


class AnswerTemplate(SQLModel, table=True):
    """A template that the office wrote or changed.

    One that Todoke brings (``reports.answer_words``) has a row once the office changed it or took
    it out of the list.
    """

    __tablename__ = "answer_templates"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    code: str = Field(max_length=32, unique=True)
    version: int = 0
    """The newest of its versions; 0 while a built-in one has its own words."""
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was taken out of the list; its versions stay."""


class AnswerVersion(SQLModel, table=True):
    """A template at one time. It never changes: a change makes a new version.

    Parameters
    ----------
    name
        Its name for staff.
    said_when
        The state that a report gets, ``reopened``, or empty for any time.
    kinds
        Codes of kinds of damage that it is for; none means all.
    by_itself
        Whether it is said when a report gets the state and staff chose nothing else.
    texts
        Words with blanks by language.
    since
        By language: the version in which its words are from. One that is older than the Japanese
        may say something else.
    """

    __tablename__ = "answer_template_versions"

    template_id: int = Field(
        sa_column=Column(RowId, ForeignKey("answer_templates.id"), primary_key=True)
    )
    version: int = Field(primary_key=True)
    name: str = Field(max_length=80)
    said_when: str = Field(default="", max_length=16)
    kinds: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    by_itself: bool = False
    texts: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    since: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    written_by: str
    written_at: datetime = Field(sa_type=UtcDateTime)


class Verdict(SQLModel, table=True):
    """The question whether it is right, to one resident after one completion, and what they said.

    Parameters
    ----------
    report_id
        The report of which they hear: their own, or the one that they follow.
    key
        What their buttons bring back; nobody can guess it.
    round
        The first completion is 1; another one begins only after somebody said no.
    words
        What they wrote after a no, and LINE's message of it: taken back, the words go.
    """

    __tablename__ = "report_verdicts"
    __table_args__ = (UniqueConstraint("report_id", "resident_id", "round"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    report_id: int = Field(
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False)
    )
    resident_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("residents.id", ondelete="CASCADE"), index=True, nullable=False
        )
    )
    key: str = Field(max_length=24, unique=True)
    round: int = 1
    asked_at: datetime = Field(sa_type=UtcDateTime)
    said: bool | None = None
    said_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    words: str = ""
    words_message: str = Field(default="", max_length=40)
