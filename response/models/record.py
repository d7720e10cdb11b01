"""The running record, and tasks between departments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId

CORRECTS = text("corrects_id IS NOT NULL")


class RecordEntry(SQLModel, table=True):
    """A line of the running record (クロノロジー). It is never changed and never erased.

    A correction is a line of its own that names the line which it corrects.

    Parameters
    ----------
    at, entered_at
        When it happened, and when the line was written.
    kind
        What it is about: the part of ``code`` before the point; ``line`` for typed words.
    code, facts
        What the service wrote by itself, to be put into words where it is read. Never names,
        needs or words of a household.
    text
        What a person typed.
    actor
        A staff member's e-mail, ``shell:<user>`` or ``rule:<name>``.
    department
        The department that it concerns, or that wrote it; "" for none.
    subject
        What it is about, ``kind:id`` as in the audit trail; "" for nothing.
    source
        What the line was made from, so that it is made once; None for typed lines.
    """

    __tablename__ = "record_entries"
    __table_args__ = (
        Index("ix_record_entries_by_time", "drill", "at", "id"),
        *(
            Index(f"ix_record_entries_by_{name}", "drill", name, "at", "id")
            for name in ("kind", "actor")
        ),
        Index(
            "ix_record_entries_corrections",
            "corrects_id",
            sqlite_where=CORRECTS,
            postgresql_where=CORRECTS,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    at: datetime = Field(sa_type=UtcDateTime)
    entered_at: datetime = Field(sa_type=UtcDateTime, index=True)
    drill: bool
    kind: str = Field(max_length=24)
    code: str = Field(default="", max_length=48)
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    text: str = ""
    actor: str
    department: str = Field(default="", max_length=32)
    subject: str = Field(default="", max_length=80)
    corrects_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("record_entries.id"))
    )
    source: str | None = Field(default=None, max_length=80, unique=True)


class TaskState(StrEnum):
    """What becomes of a task between departments."""

    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"
    REFUSED = "refused"


class Task(SQLModel, table=True):
    """Something that one department asks of another.

    Parameters
    ----------
    case_id
        The household it is for. Such a task is seen by those who answer households, and is erased
        with the household's answers.
    subject
        What else it is about, ``kind:id``, such as ``danger:3`` or ``record:12``; "" for nothing.
    from_department, to_department
        Codes of the city's departments; "" for the headquarters.
    origin
        The form that made it, so that a form that comes twice makes one task.
    version
        Counts the changes, so that nobody decides on what has changed meanwhile.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_queue", "drill", "state", "due_at", "id"),
        Index("ix_tasks_subject", "subject"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    drill: bool
    title: str
    from_department: str = Field(default="", max_length=32)
    to_department: str = Field(default="", max_length=32)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    state: TaskState = Field(default=TaskState.OPEN, sa_type=text_enum(TaskState))
    taken_by: str = Field(default="", max_length=254)
    case_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("household_cases.id", ondelete="CASCADE"), index=True),
    )
    subject: str = Field(default="", max_length=80)
    origin: str = Field(max_length=64, unique=True)
    version: int = 0
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class TaskNote(SQLModel, table=True):
    """A line of a task's history: what somebody noted, or which state they gave it, and why."""

    __tablename__ = "task_notes"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    task_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    by: str
    state: TaskState | None = Field(default=None, sa_type=text_enum(TaskState))
    words: str = ""
    at: datetime = Field(sa_type=UtcDateTime)
