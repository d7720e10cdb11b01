"""Tables of the residents and their choices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    false,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum

# SQLite generates ids only in INTEGER columns; PostgreSQL gets 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")


class ResidentState(StrEnum):
    FOLLOWING = "following"
    LEFT = "left"


def area_list(areas: Iterable[str]) -> str:
    """Return districts in the form of ``Resident.area_list``.

    "" for the whole city, the code alone for one, and ``,a,b,`` for several, so that one comparison
    is enough for nearly everybody.
    """
    codes = sorted(areas)
    return "".join(codes) if len(codes) < 2 else f",{','.join(codes)},"


HAS_LEFT = text("left_at IS NOT NULL")
HAS_ADDRESS = text("address IS NOT NULL")
"""Residents of other media than LINE; a query must have exactly this condition to use the indexes.
"""
IS_LINKED = text("linked_id IS NOT NULL")
LINE_MEDIUM = "line"
"""The medium whose residents have a LINE user id and no ``address``."""


class Resident(SQLModel, table=True):
    """Somebody who follows, or followed, the city by one medium.

    ``medium`` names it (``channels.medium``). A resident of LINE has a ``line_user_id``, one of
    another medium an ``address`` in a form that the medium chooses, such as a mail address.
    Somebody who follows by two media has two rows. ``linked_id`` is their row at LINE, if they said
    so; ``only_if_line_fails`` that they want messages here only when LINE does not reach them.

    ``quiet_start`` and ``quiet_end`` are minutes after midnight in Japan; ``None`` means the
    city's. ``digest_hour`` likewise. No name is kept: LINE's profile is read when needed.

    ``area_list`` repeats what ``resident_areas`` says (see :func:`area_list`), so that an
    audience is one walk over the residents.

    ``arrival_id`` names the arrival (see :class:`Arrival`) that made the row, as long as
    nobody has changed it since; ``ask_language`` that the resident has still to be asked.
    """

    __tablename__ = "residents"
    __table_args__ = (
        Index("ix_residents_left", "left_at", sqlite_where=HAS_LEFT, postgresql_where=HAS_LEFT),
        Index(
            "uq_residents_address",
            "medium",
            "address",
            unique=True,
            sqlite_where=HAS_ADDRESS,
            postgresql_where=HAS_ADDRESS,
        ),
        # An audience of a small medium is found without reading the friends at LINE.
        Index(
            "ix_residents_elsewhere",
            "medium",
            "id",
            sqlite_where=HAS_ADDRESS,
            postgresql_where=HAS_ADDRESS,
        ),
        Index(
            "ix_residents_linked", "linked_id", sqlite_where=IS_LINKED, postgresql_where=IS_LINKED
        ),
        # A number is never given twice: a delivery's members are remembered by it.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    line_user_id: str | None = Field(default=None, unique=True, max_length=64)
    state: ResidentState = Field(default=ResidentState.FOLLOWING, sa_type=text_enum(ResidentState))
    language: str = Field(max_length=16)
    language_chosen: bool = False
    topics_chosen: bool = False
    quiet_start: int | None = None
    quiet_end: int | None = None
    digest_hour: int | None = None
    remind_in_morning: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether reminders of collections come on the morning of the day, not the evening before."""
    area_list: str = ""
    followed_at: datetime = Field(sa_type=UtcDateTime)
    left_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    arrival_id: int | None = Field(default=None, sa_column=Column(RowId, index=True))
    ask_language: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    medium: str = Field(
        default=LINE_MEDIUM, max_length=16, sa_column_kwargs={"server_default": LINE_MEDIUM}
    )
    address: str | None = None
    linked_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="SET NULL"), nullable=True),
    )
    only_if_line_fails: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class Subscription(SQLModel, table=True):
    """A resident wants notices of ``topic`` from ``min_level`` upwards.

    0 is who chose none and hears all that the city tells everybody.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        # An index with everything that an audience needs of a topic, in the order of residents.
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


class ResidentChild(SQLModel, table=True):
    """A month in which a resident's child, or children, were born; no name, no day.

    ``born`` is ``YYYY-MM``. It is kept for reminders of vaccinations and check-ups until the city's
    table has nothing more for it.
    """

    __tablename__ = "resident_children"
    __table_args__ = (
        Index("ix_resident_children_born", "born", "resident_id"),
        {"sqlite_with_rowid": False},
    )

    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True)
    )
    born: str = Field(primary_key=True, max_length=7)


class PageChoices(SQLModel, table=True):
    """When a resident last changed each choice on the page.

    Parameters
    ----------
    times
        By choice (``language``, ``topic:weather`` …), in milliseconds since 1970 by our clock.
        LINE's times in events are compared with them.
    """

    __tablename__ = "page_choices"

    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True)
    )
    times: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    changed_at: datetime = Field(sa_type=UtcDateTime)


class Area(SQLModel, table=True):
    """A district of the city's folder, kept so that choices refer to something that exists."""

    __tablename__ = "areas"

    code: str = Field(primary_key=True, max_length=32)
    name: str
    retired: bool = False


class ResidentChange(SQLModel, table=True):
    """A resident changed, came, left or was erased since the bitmaps were taken.

    It is written in the transaction of the change, so that a count always knows for which residents
    the bitmaps are out of date. Only the id is kept, until the next bitmaps.
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


class ArrivalKind(StrEnum):
    """Where residents came from who did not speak to us first."""

    FRIENDS = "friends"
    FILE = "file"


class ArrivalState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    UNDONE = "undone"


class Arrival(SQLModel, table=True):
    """Residents taken in at once: the friends LINE lists, or a file of another product.

    ``next_token`` and ``profiles_through`` say how far LINE's list and its profiles were read,
    so that a crash or a rate limit loses nothing.
    """

    __tablename__ = "arrivals"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    kind: ArrivalKind = Field(sa_type=text_enum(ArrivalKind))
    state: ArrivalState = Field(default=ArrivalState.RUNNING, sa_type=text_enum(ArrivalState))
    source: str = ""
    """The file's name."""
    actor: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_token: str = ""
    """Where LINE's list goes on; empty at its beginning."""
    listed: bool = False
    """Whether LINE's list was read to its end."""
    profiles_through: int = Field(default=0, sa_column=Column(RowId, nullable=False))
    """The last resident whose profile was asked for."""
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class GoneFriend(SQLModel, table=True):
    """Somebody who is not a resident and must not become one through a list.

    With ``erased`` they had themselves erased and may still be a friend at LINE; otherwise they
    left before we knew them. We keep only a hash of their user id, from which the id cannot be
    found (it is 128 random bits). It is deleted as soon as they write or follow.
    """

    __tablename__ = "gone_friends"

    sha256: str = Field(primary_key=True, max_length=64)
    erased: bool
    at: datetime = Field(sa_type=UtcDateTime, index=True)
