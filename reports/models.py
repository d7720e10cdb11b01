"""Tables of the reports and their photos."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class ReportState(StrEnum):
    NEW = "new"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    DONE = "done"
    DECLINED = "declined"


class Report(SQLModel, table=True):
    """Something broken. ``number`` is what residents and staff call it (``2026-000123``).

    The resident's id goes when the resident does; the report stays with the road.
    Coordinates are degrees, WGS 84.
    """

    __tablename__ = "reports"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    number: str = Field(unique=True, max_length=16)
    resident_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="SET NULL"), index=True),
    )
    origin: str = Field(default="", max_length=64, unique=True)
    """What made it (a webhook event id), so that a repeated event makes no second report."""
    category: str = Field(max_length=32)
    department: str = Field(max_length=32)
    state: ReportState = Field(default=ReportState.NEW, sa_type=text_enum(ReportState), index=True)
    longitude: float | None = None
    latitude: float | None = None
    address: str = ""
    area: str | None = Field(default=None, max_length=32, index=True)
    description: str = ""
    language: str = Field(max_length=16)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ReportCounter(SQLModel, table=True):
    """The last number given in a year of Japan's calendar."""

    __tablename__ = "report_counters"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int = 0


class Photo(SQLModel, table=True):
    """A picture of a report, re-encoded without its metadata; the file is named by its hash."""

    __tablename__ = "photos"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    report_id: int = Field(
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), index=True)
    )
    sha256: str = Field(max_length=64, index=True)
    content_type: str = Field(max_length=32)
    width: int
    height: int
    size: int
    """Bytes on disk."""
    created_at: datetime = Field(sa_type=UtcDateTime)


class ReportUpdate(SQLModel, table=True):
    """One step in a report's life: a state, an answer, a note. Answers reach the resident."""

    __tablename__ = "report_updates"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    report_id: int = Field(
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), index=True)
    )
    by: str
    state: ReportState | None = Field(default=None, sa_type=text_enum(ReportState))
    answer: str = ""
    note: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
