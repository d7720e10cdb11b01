"""Tables of the residents and their choices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum

# SQLite numbers rows by itself only in INTEGER columns; PostgreSQL gets 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")


class ResidentState(StrEnum):
    FOLLOWING = "following"
    LEFT = "left"


class Resident(SQLModel, table=True):
    """Somebody who follows, or followed, the city's account.

    ``quiet_start`` and ``quiet_end`` are minutes after midnight in Japan; ``None`` means the
    city's. ``digest_hour`` likewise. No name is kept: LINE's profile is read when needed.
    """

    __tablename__ = "residents"
    __table_args__ = (Index("ix_residents_state_language", "state", "language"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    line_user_id: str = Field(unique=True, max_length=64)
    state: ResidentState = Field(default=ResidentState.FOLLOWING, sa_type=text_enum(ResidentState))
    language: str = Field(max_length=16)
    language_chosen: bool = False
    topics_chosen: bool = False
    quiet_start: int | None = None
    quiet_end: int | None = None
    digest_hour: int | None = None
    followed_at: datetime = Field(sa_type=UtcDateTime)
    left_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)


class Subscription(SQLModel, table=True):
    """A resident wants notices of ``topic`` from ``min_level`` upwards (0: all)."""

    __tablename__ = "subscriptions"

    topic: str = Field(primary_key=True, max_length=32)
    resident_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True, index=True
        )
    )
    min_level: int = 0


class ResidentArea(SQLModel, table=True):
    """A district a resident wants to hear about; one with none hears about the whole city."""

    __tablename__ = "resident_areas"

    area: str = Field(
        sa_column=Column(ForeignKey("areas.code", ondelete="CASCADE"), primary_key=True)
    )
    resident_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True, index=True
        )
    )


class Area(SQLModel, table=True):
    """A district of the city's folder, kept so that choices refer to something that exists."""

    __tablename__ = "areas"

    code: str = Field(primary_key=True, max_length=32)
    name: str
    retired: bool = False
