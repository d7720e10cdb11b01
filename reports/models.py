"""Tables of the reports and their photos."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DDL, JSON, BigInteger, Column, ForeignKey, Index, Table, event
from sqlmodel import Field, SQLModel

from core.cells import cell_of
from core.database import UtcDateTime, text_enum
from reports.states import FIRST, ReportState
from subscriptions.models import RowId

LONGEST_KEY_NAME = 60


class Report(SQLModel, table=True):
    """A report of something broken. ``number`` is its public name (``2026-000123``).

    The resident's id is erased with the resident; the report stays. Coordinates are degrees, WGS
    84.
    """

    __tablename__ = "reports"
    __table_args__ = (
        Index("ix_reports_position", "latitude", "longitude"),
        # Lists are narrowed by one of these and are in order of time.
        *(
            Index(f"ix_reports_by_{name}", name, "created_at", "id")
            for name in ("state", "category", "department", "area")
        ),
        Index("ix_reports_by_created", "created_at", "id"),
        # All that the map counts by, so that it reads no report.
        Index(
            "ix_reports_by_cell",
            *("cell", "state", "category", "department", "area", "created_at"),
            *("longitude", "latitude", "id"),
        ),
    )

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
    state: ReportState = Field(default=FIRST, sa_type=text_enum(ReportState))
    longitude: float | None = None
    latitude: float | None = None
    cell: int | None = Field(default=None, sa_type=BigInteger)
    """The place as a cell of the map (``core.cells``); it follows the position by itself."""
    address: str = ""
    area: str | None = Field(default=None, max_length=32)
    owner: str = Field(default="", max_length=32, sa_column_kwargs={"server_default": ""})
    """Who else looks after it (``city.city.Owner``); empty for the city itself."""
    description: str = ""
    place_message: str = Field(default="", max_length=40)
    note_message: str = Field(default="", max_length=40)
    """The messages of LINE's that said the place and the words: taken back, these go."""
    language: str = Field(max_length=16)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


def _place(_mapper: Any, _connection: Any, report: Report) -> None:
    known = report.longitude is not None and report.latitude is not None
    report.cell = cell_of(report.longitude, report.latitude) if known else None  # type: ignore[arg-type]


event.listen(Report, "before_insert", _place)
event.listen(Report, "before_update", _place)


class PhotoRole(StrEnum):
    """What a photo shows: the damage, its surroundings, or how it looks after the report."""

    NEAR = "near"
    FAR = "far"
    LATER = "later"


class Follower(SQLModel, table=True):
    """Somebody who saw the same thing and hears what becomes of another's report."""

    __tablename__ = "report_followers"

    report_id: int = Field(
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    )
    resident_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True, index=True
        )
    )
    created_at: datetime = Field(sa_type=UtcDateTime)


class RepairWatch(SQLModel, table=True):
    """A resident who wants to hear of repairs: near a place, or in their districts without one.

    Degrees, WGS 84. ``told_at`` is the last look at what there was to tell.
    """

    __tablename__ = "repair_watches"

    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True)
    )
    longitude: float | None = None
    latitude: float | None = None
    told_at: datetime = Field(sa_type=UtcDateTime, index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)


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
    message_id: str = Field(default="", max_length=40)
    """The message of LINE's in which it came."""
    role: PhotoRole = Field(
        default=PhotoRole.NEAR,
        sa_column=Column(text_enum(PhotoRole), nullable=False, server_default="near"),
    )
    created_at: datetime = Field(sa_type=UtcDateTime)


class ApiKey(SQLModel, table=True):
    """The key of one other program.

    Parameters
    ----------
    digest
        SHA-256 of the key, in hexadecimal.
    hour_began, posts
        How many reports came with it since then; the count begins again after an hour.
    """

    __tablename__ = "api_keys"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    name: str = Field(max_length=LONGEST_KEY_NAME, unique=True)
    digest: str = Field(max_length=64, unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: str
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_by: str = ""
    hour_began: datetime | None = Field(default=None, sa_type=UtcDateTime)
    posts: int = 0


class Addition(StrEnum):
    """What a resident adds to a report that was sent."""

    MENDED = "mended"
    WORSE = "worse"
    PHOTO = "photo"
    JOINED = "joined"


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
    withdrawn: str = Field(default="", max_length=16)
    """Parts that the resident took back (``reports.withdrawn.Withdrawn``); otherwise empty."""
    added: str = Field(default="", max_length=16, sa_column_kwargs={"server_default": ""})
    """What a resident added (:class:`Addition`); otherwise empty."""
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)


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


# What ``reports.search`` searches in, which no table of a model can say.
_ROW_WORDS = (
    "{row}.number || char(10) || {row}.address || char(10) || {row}.description "
    "|| char(10) || char(10)"
)
_ADD = (
    "INSERT INTO report_search (rowid, words) "  # noqa: S608 - all of it ours
    f"VALUES (new.id, {_ROW_WORDS.format(row='new')})"
)
_REMOVE = (
    "INSERT INTO report_search (report_search, rowid, words) "  # noqa: S608 - all of it ours
    f"VALUES ('delete', old.id, {_ROW_WORDS.format(row='old')})"
)
SEARCH_SQLITE = (
    "CREATE VIRTUAL TABLE report_search USING fts5(words, content='', tokenize='trigram')",
    "CREATE VIRTUAL TABLE report_search_terms USING fts5vocab('report_search', 'row')",
    f"CREATE TRIGGER report_search_added AFTER INSERT ON reports BEGIN {_ADD}; END",
    f"CREATE TRIGGER report_search_removed AFTER DELETE ON reports BEGIN {_REMOVE}; END",
    "CREATE TRIGGER report_search_changed AFTER UPDATE OF number, address, description "
    f"ON reports BEGIN {_REMOVE}; {_ADD}; END",
)
SEARCH_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION report_grams(number text, address text, description text) "
    "RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$ "
    "SELECT coalesce(array_agg(DISTINCT substr(words, place, size)), '{}') "
    "FROM (SELECT lower(number || chr(10) || address || chr(10) || description)) "
    "AS all_of (words), "
    "generate_series(1, length(words)) AS place, generate_series(1, 2) AS size $$",
    "CREATE INDEX report_search ON reports "
    "USING gin (report_grams(number, address, description)) WITH (fastupdate = off)",
)


def _ddl(statement: str, dialect: str) -> Any:
    make: Any = DDL
    return make(statement).execute_if(dialect=dialect)


_reports: Table = Report.__table__  # type: ignore[attr-defined]
for statement in SEARCH_SQLITE:
    event.listen(_reports, "after_create", _ddl(statement, "sqlite"))
for statement in SEARCH_POSTGRESQL:
    event.listen(_reports, "after_create", _ddl(statement, "postgresql"))
