"""Dangers that residents show in a disaster."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class Triage(StrEnum):
    """What staff decided about a danger that a resident showed them."""

    NEW = "new"
    URGENT = "urgent"
    """Real, and somebody must go now."""
    KNOWN = "known"
    """The same was shown before."""
    NONE = "none"
    """Not a danger."""
    PASSED = "passed"
    """The road department has it as a report."""
    ROAD_CLOSED = "road-closed"
    """Told to everybody as a closed road."""


class Danger(SQLModel, table=True):
    """A danger that a resident showed in a disaster, to be looked at and decided on.

    For real it is a report; in a drill it is never one, and this row has what was shown.

    Parameters
    ----------
    report_id
        The report; None in a drill.
    resident_id
        Who showed it in a drill; None for real (the report knows).
    origin
        What made it (a webhook event id), so that a repeated event makes no second one.
    category, longitude, latitude, address, area, description, language, photos
        What was shown in a drill, as in :class:`Report`; photos as
        ``reports.photos.Picture.to_json`` gives them.
    place_message, note_message
        LINE's messages that said place and words: taken back, these go.
    same_as_id
        The danger that was shown before, if this one is known.
    version
        Counts the decisions, so that nobody decides on what has changed meanwhile.
    """

    __tablename__ = "dangers"
    __table_args__ = (Index("ix_dangers_queue", "drill", "state", "created_at", "id"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    drill: bool
    report_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), unique=True),
    )
    resident_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), index=True),
    )
    origin: str = Field(max_length=64, unique=True)
    category: str = Field(default="", max_length=32)
    longitude: float | None = None
    latitude: float | None = None
    address: str = ""
    area: str | None = Field(default=None, max_length=32)
    description: str = ""
    language: str = Field(default="", max_length=16)
    photos: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    place_message: str = Field(default="", max_length=40)
    note_message: str = Field(default="", max_length=40)
    state: Triage = Field(default=Triage.NEW, sa_type=text_enum(Triage))
    same_as_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("dangers.id", ondelete="SET NULL"), index=True),
    )
    version: int = 0
    decided_by: str = ""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
