"""Tables for LINE: friends, the audience of known residents, hourly limits, what LINE counts."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary
from sqlmodel import Field, SQLModel

from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from subscriptions.models import RowId


class FriendCount(SQLModel, table=True):
    """LINE's last number of friends; one row.

    ``day`` is the day of LINE's numbers (YYYYMMDD in Japan); ``error`` is why a later request
    failed.
    """

    __tablename__ = "friend_counts"

    id: int = Field(default=1, primary_key=True)
    day: str = Field(default="", max_length=8)
    status: str = Field(default="", max_length=32)
    followers: int | None = None
    """Everybody who ever added the account; it never decreases."""
    targeted_reaches: int | None = None
    blocks: int | None = None
    asked_at: datetime = Field(sa_type=UtcDateTime)
    error: Reason | None = Field(
        default=None, sa_column=Column(ReasonText(empty=""), nullable=False)
    )


class AudienceState(StrEnum):
    """``filling``: not all known friends are uploaded yet; ``dropping``: to be deleted."""

    FILLING = "filling"
    READY = "ready"
    DROPPING = "dropping"


class KnownAudience(SQLModel, table=True):
    """An audience at LINE of the residents that we know, for messages to everybody else.

    ``members`` has one bit for each resident that LINE has added.
    """

    __tablename__ = "known_audiences"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    audience_id: int = Field(sa_column=Column(BigInteger, unique=True, nullable=False))
    """The audience's id at LINE."""
    state: AudienceState = Field(sa_type=text_enum(AudienceState))
    status: str = Field(default="", max_length=32)
    """LINE's last state of it: IN_PROGRESS, READY, FAILED, EXPIRED …"""
    members: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AudienceTrouble(SQLModel, table=True):
    """Why the audience cannot be maintained, for staff; one row, deleted when it can."""

    __tablename__ = "audience_troubles"

    id: int = Field(default=1, primary_key=True)
    reason: Reason = Field(sa_column=Column(ReasonText(), nullable=False))
    forbidden: bool = False
    """LINE does not allow audiences for this account."""
    at: datetime = Field(sa_type=UtcDateTime)


class LineCall(SQLModel, table=True):
    """A request to an endpoint that LINE limits by hour or minute, stored before it is sent."""

    __tablename__ = "line_calls"
    __table_args__ = (Index("ix_line_calls_endpoint", "endpoint", "at"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    endpoint: str = Field(max_length=32)
    at: datetime = Field(sa_type=UtcDateTime)


class LineUnit(SQLModel, table=True):
    """The name under which LINE counts what residents did with a notice, and what it says.

    ``month`` (``YYYY-MM``) is when the name was first used: LINE takes 1,000 names a month. What
    LINE says is of all residents together, and ``None`` below 20.
    """

    __tablename__ = "line_units"

    name: str = Field(primary_key=True, max_length=30)
    notice_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("notices.id", ondelete="CASCADE"), index=True, nullable=False
        )
    )
    month: str = Field(max_length=7, index=True)
    since: date
    """The first day in Japan on which it may have been used."""
    opened: int | None = None
    """Residents who saw the message."""
    tapped: int | None = None
    """Residents who opened one of its links."""
    asked_on: date | None = None
    """The day of LINE's newest answer."""
    next_ask: date | None = Field(default=None, index=True)
    """When LINE is asked (again); None when the numbers no longer change."""


class QuotaReading(SQLModel, table=True):
    """LINE's last word of a day about the month's messages. ``day`` is in Japan."""

    __tablename__ = "quota_readings"

    day: date = Field(primary_key=True)
    most: int | None = None
    """None for a plan without a limit."""
    used: int = 0
    read_at: datetime = Field(sa_type=UtcDateTime)
