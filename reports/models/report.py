"""Reports, their photos, their steps, and who follows them."""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, event, false, text, true
from sqlmodel import Field, SQLModel

from core.cells import cell_of
from core.database import UtcDateTime, text_enum
from core.geo import Position
from reports.states import FIRST, OPEN, ReportState
from subscriptions.models import RowId

ROAD_CLASSES = ("national", "prefectural", "main", "local", "path")
IS_OPEN = text(f"state IN ({', '.join(repr(state.value) for state in OPEN)})")
"""What is not ended; a query must use this condition to use the index of it."""


LEADS_SQLITE = "case_id IS NULL AND hidden IS 0"
LEADS_POSTGRESQL = "case_id IS NULL AND hidden IS false"
"""What a report that leads a public case fulfils, as queries have it (``reports.published``)."""
SAID_NO = text("NOT judged")
"""Somebody said that it is not right; a query must use exactly this condition to use the index."""

FOUND_BY_CREW = "order:"
"""How the origin of a report begins that a crew made on its way."""
POSTED = text("origin IS NOT NULL")
WROTE = text("said_message <> ''")
"""A step in which a resident wrote something; a query must use this condition to use the index."""
ENTERED = text("entered_at IS NOT NULL")


class Priority(IntEnum):
    """How soon a case is to be looked at; 1 comes first."""

    AT_ONCE = 1
    SOON = 2
    NORMAL = 3
    WHEN_THERE_IS_TIME = 4


RESIDENT = "resident"
"""Stands in histories and the audit trail for a resident, who is not named."""


class CameBy(StrEnum):
    """How a report came."""

    LINE = "line"
    OPEN311 = "open311"
    TELEPHONE = "telephone"
    COUNTER = "counter"
    MAIL = "mail"
    PATROL = "patrol"
    IMPORT = "import"


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
            for name in (
                *("state", "category", "department", "area", "team_id", "priority", "road"),
                *("came_by", "photo_count", "reporters"),
            )
        ),
        Index("ix_reports_by_created", "created_at", "id"),
        Index("ix_reports_open", "due_on", "id", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
        # With the condition's own column, so that a team's open cases are counted from it alone.
        Index(
            "ix_reports_open_of_team",
            *("team_id", "case_id", "state"),
            sqlite_where=IS_OPEN,
            postgresql_where=IS_OPEN,
        ),
        Index("ix_reports_said_no", "updated_at", sqlite_where=SAID_NO, postgresql_where=SAID_NO),
        Index("ix_reports_entered", "entered_at", sqlite_where=ENTERED, postgresql_where=ENTERED),
        # All that the map counts by, so that it reads no report.
        Index(
            "ix_reports_by_cell",
            *("cell", "state", "category", "department", "area", "created_at"),
            *("longitude", "latitude", "id", "case_id", "team_id", "priority", "road"),
            *("came_by", "photo_count", "due_on"),
        ),
        # Of what programs posted alone.
        Index(
            "ix_reports_api_key_id",
            "api_key_id",
            sqlite_where=text("api_key_id IS NOT NULL"),
            postgresql_where=text("api_key_id IS NOT NULL"),
        ),
        # Of the joined ones alone, so that nobody looks up those that lead in it.
        Index(
            "ix_reports_case_id",
            "case_id",
            sqlite_where=text("case_id IS NOT NULL"),
            postgresql_where=text("case_id IS NOT NULL"),
        ),
        # All that the public lists and counts choose by, of what may lead a public case.
        *(
            Index(
                f"ix_reports_public_by_{name}",
                *(f"{name}_at", "id", "state", "category", "area", *more, "ended_at"),
                *("hidden", "case_id"),
                sqlite_where=text(LEADS_SQLITE),
                postgresql_where=text(LEADS_POSTGRESQL),
            )
            for name, more in (("created", ("updated_at",)), ("updated", ()))
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
    api_key_id: int | None = Field(default=None, sa_column=Column(RowId))
    """The id of the :class:`~reports.models.api_key.ApiKey` of the program that posted it."""
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
    road: str = Field(default="", max_length=80, sa_column_kwargs={"server_default": ""})
    """The road's name, as far as it is known."""
    road_class: str = Field(default="", max_length=16, sa_column_kwargs={"server_default": ""})
    """One of :data:`ROAD_CLASSES`, or empty."""
    is_home: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether the place is somebody's home; its public position is then on the road."""
    hidden: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether staff keep it off the public pages."""
    description: str = ""
    japanese: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The description in Japanese, by ``translated_by``; empty if there is no translation."""
    translated_by: str = Field(default="", max_length=40, sa_column_kwargs={"server_default": ""})
    attributes: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    """Answers to the kind's own questions: ``{"code": …, "values": […]}``."""
    contact: str = Field(default="", max_length=120, sa_column_kwargs={"server_default": ""})
    """Who told it by telephone or at the counter, and how to call back."""
    came_by: CameBy = Field(
        default=CameBy.LINE,
        sa_column=Column(text_enum(CameBy), nullable=False, server_default="line"),
    )
    case_id: int | None = Field(default=None, sa_column=Column(RowId))
    """The id of the leading report, if this one was joined to it; a leading report has none."""
    reporters: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """How many reported the case, or joined it; kept on the leading report."""
    photo_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    team_id: int | None = Field(default=None, sa_column=Column(RowId))
    """The id of the :class:`~reports.models.team.Team` that does the work."""
    priority: int = Field(
        default=Priority.NORMAL.value,
        sa_column_kwargs={"server_default": str(Priority.NORMAL.value)},
    )
    """One of :class:`Priority`."""
    priority_why: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    said_later: str = Field(default="", max_length=100, sa_column_kwargs={"server_default": ""})
    """The gravest that residents said of it since it was sent (``reports.later``)."""
    priority_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The account that set the priority; empty if it was worked out."""
    due_on: date | None = None
    """The day in Japan by which it should be done."""
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The first member of staff who opened it, other than who entered it."""
    entered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    entered_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """When and by whom of the staff it was entered; ``created_at`` is then when it came."""
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    began_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it ended; None again if the work begins again."""
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the reporter was asked whether it is right."""
    judged: bool | None = None
    """What the reporter said to that."""
    forgotten: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether its words were erased because their time was over."""
    place_message: str = Field(default="", max_length=40)
    note_message: str = Field(default="", max_length=40)
    """The messages of LINE's that said the place and the words: taken back, these go."""
    language: str = Field(max_length=16)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def place(self) -> Position | None:
        """Longitude and latitude; None if they are not known."""
        if self.longitude is None or self.latitude is None:
            return None
        return self.longitude, self.latitude


def _place(_mapper: Any, _connection: Any, report: Report) -> None:
    report.cell = cell_of(*report.place) if report.place is not None else None


event.listen(Report, "before_insert", _place)
event.listen(Report, "before_update", _place)


class PhotoRole(StrEnum):
    """What a photo shows: the damage, its surroundings, or how it looks later.

    ``BEFORE`` and ``AFTER`` are photos of the office's own, taken before and after the work.
    """

    NEAR = "near"
    FAR = "far"
    LATER = "later"
    BEFORE = "before"
    AFTER = "after"


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
    saw: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """Whether they saw the same thing; otherwise they only want to hear of it."""
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


UNDECIDED = "photos.released_at IS NULL AND NOT photos.kept_private"
"""The photos on which nobody has decided; a query must use this condition to use their index."""


class Photo(SQLModel, table=True):
    """A picture of a report, re-encoded without its metadata; the file is named by its hash."""

    __tablename__ = "photos"
    __table_args__ = (
        Index(
            "ix_photos_undecided",
            "created_at",
            sqlite_where=text(UNDECIDED.replace("photos.", "")),
            postgresql_where=text(UNDECIDED.replace("photos.", "")),
        ),
    )

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
    dhash: int | None = Field(default=None, sa_type=BigInteger)
    """What it looks like in 64 bits, signed; alike pictures differ in few of them."""
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When staff released it for everybody; None if they did not."""
    released_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    public_sha256: str = Field(
        default="", max_length=64, index=True, sa_column_kwargs={"server_default": ""}
    )
    """The copy without faces and plates that everybody sees; empty if it is the photo itself."""
    kept_private: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether staff looked at it and do not release it."""
    created_at: datetime = Field(sa_type=UtcDateTime)


class Addition(StrEnum):
    """What a resident adds to a report that was sent."""

    MENDED = "mended"
    WORSE = "worse"
    PHOTO = "photo"
    JOINED = "joined"
    RIGHT = "right"
    """After a completion: it is all right."""
    NOT_RIGHT = "not-right"
    WORDS = "words"
    """By the program with which they reported."""


class ReportUpdate(SQLModel, table=True):
    """One step in a report's life: a state, an answer, a note. Answers reach the resident."""

    __tablename__ = "report_updates"
    __table_args__ = (
        # Of what programs posted alone.
        Index(
            "uq_report_updates_origin",
            "origin",
            unique=True,
            sqlite_where=POSTED,
            postgresql_where=POSTED,
        ),
        # Of what residents wrote alone.
        Index(
            "ix_report_updates_said_message",
            "said_message",
            sqlite_where=WROTE,
            postgresql_where=WROTE,
        ),
    )

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
    reason: str = Field(default="", max_length=32, sa_column_kwargs={"server_default": ""})
    """Why, of the reasons of its state (``reports.states``)."""
    changes: dict[str, list[Any]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}")
    )
    """What else changed: by its name, what it was and what it is (``reports.work``)."""
    told: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many residents hear of it."""
    withdrawn: str = Field(default="", max_length=16)
    """Parts that the resident took back (``reports.withdrawn.Withdrawn``); otherwise empty."""
    added: str = Field(default="", max_length=16, sa_column_kwargs={"server_default": ""})
    """What a resident added (:class:`Addition`); otherwise empty."""
    said: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What they wrote with it, in ``language``; taken back with LINE's ``said_message``."""
    said_message: str = Field(default="", max_length=40, sa_column_kwargs={"server_default": ""})
    language: str = Field(default="", max_length=16, sa_column_kwargs={"server_default": ""})
    japanese: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The same in Japanese, by ``translated_by``; empty if there is no translation."""
    translated_by: str = Field(default="", max_length=40, sa_column_kwargs={"server_default": ""})
    grave: str = Field(default="", max_length=100, sa_column_kwargs={"server_default": ""})
    """The word of danger in what they wrote, ``hurt:…`` or ``danger:…``."""
    origin: str | None = Field(default=None, max_length=64)
    """What made it (a program's post), so that a repeated post makes no second step."""
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
