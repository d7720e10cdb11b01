"""Tables of the residents and their choices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum

# SQLite numbers rows by itself only in INTEGER columns; PostgreSQL gets 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")


class ResidentState(StrEnum):
    FOLLOWING = "following"
    LEFT = "left"


def area_list(areas: Iterable[str]) -> str:
    """Return districts as ``Resident.area_list`` holds them.

    Nothing for the whole city, the code alone for one, and ``,a,b,`` for several, so that
    one comparison answers for nearly everybody.
    """
    codes = sorted(areas)
    return "".join(codes) if len(codes) < 2 else f",{','.join(codes)},"


class Resident(SQLModel, table=True):
    """Somebody who follows, or followed, the city's account.

    ``quiet_start`` and ``quiet_end`` are minutes after midnight in Japan; ``None`` means the
    city's. ``digest_hour`` likewise. No name is kept: LINE's profile is read when needed.

    ``area_list`` repeats what ``resident_areas`` says (see :func:`area_list`), so that an
    audience is one walk over the residents.
    """

    __tablename__ = "residents"
    # A number is never given twice: a delivery's members are remembered by it.
    __table_args__ = {"sqlite_autoincrement": True}

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
    area_list: str = ""
    followed_at: datetime = Field(sa_type=UtcDateTime)
    left_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Subscription(SQLModel, table=True):
    """A resident wants notices of ``topic`` from ``min_level`` upwards (0: all)."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        # Holds all an audience asks of a topic, in the order of residents.
        Index("ix_subscriptions_audience", "topic", "resident_id", "min_level"),
        {"sqlite_with_rowid": False},
    )

    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True)
    )
    topic: str = Field(primary_key=True, max_length=32)
    min_level: int = 0


class ResidentArea(SQLModel, table=True):
    """A district a resident wants to hear about; one with none hears about the whole city."""

    __tablename__ = "resident_areas"
    __table_args__ = (
        Index("ix_resident_areas_area", "area", "resident_id"),
        {"sqlite_with_rowid": False},
    )

    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True)
    )
    area: str = Field(
        sa_column=Column(ForeignKey("areas.code", ondelete="CASCADE"), primary_key=True)
    )


class Area(SQLModel, table=True):
    """A district of the city's folder, kept so that choices refer to something that exists."""

    __tablename__ = "areas"

    code: str = Field(primary_key=True, max_length=32)
    name: str
    retired: bool = False


class ResidentChange(SQLModel, table=True):
    """A resident changed, came, left or was erased since the bitmaps were taken.

    Written in the transaction of the change itself, so that a count always knows for whom
    the bitmaps do not speak; only the bare number is kept, until the next bitmaps.
    """

    __tablename__ = "resident_changes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(sa_column=Column(RowId, nullable=False))


class AudienceBitmap(SQLModel, table=True):
    """One bit a resident for one of their choices, as all were when it was taken.

    ``key`` says which (see ``subscriptions.bitmaps``); all rows are of one ``version``. They
    are made from the other tables and can be thrown away together at any time.
    """

    __tablename__ = "audience_bitmaps"

    key: str = Field(primary_key=True, max_length=64)
    version: int
    bits: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
