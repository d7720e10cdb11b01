"""Tables of what came in (sources, items) and what it became (notices, hazard states)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.city import Decision
from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class Source(SQLModel, table=True):
    """State of one configured source. Validators and times of its conditional requests."""

    __tablename__ = "sources"

    code: str = Field(primary_key=True, max_length=64)
    kind: str = Field(max_length=16)
    url: str = ""
    etag: str | None = None
    last_modified: str | None = None
    initialised_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its first poll ended; that poll tells residents nothing."""
    last_polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_new_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0
    """Failed polls in a row."""
    next_poll_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = None


class ItemState(StrEnum):
    NEW = "new"
    DONE = "done"
    SET_ASIDE = "set-aside"


class Item(SQLModel, table=True):
    """One article or telegram, fetched once for ever. ``payload`` is what came: a telegram's or
    message's bytes untouched, an article's fields as JSON."""

    __tablename__ = "items"
    __table_args__ = (UniqueConstraint("source", "identity"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    source: str = Field(foreign_key="sources.code", index=True)
    identity: str = Field(max_length=512)
    kind: str = Field(default="", max_length=16)
    url: str = ""
    title: str = ""
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fetched_at: datetime = Field(sa_type=UtcDateTime)
    content_hash: str = Field(default="", max_length=64, index=True)
    payload: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    state: ItemState = Field(default=ItemState.NEW, sa_type=text_enum(ItemState), index=True)
    reason: str = ""
    """Why it became what it became, or why it was set aside; for staff."""
    attempts: int = 0
    """How often its telegram was asked for; a telegram that came is never asked for again."""


class Status(StrEnum):
    """What a notice says about its hazard; ``design.md`` fixes the words."""

    ISSUED = "issued"
    RAISED = "raised"
    LOWERED = "lowered"
    CONTINUED = "continued"
    LIFTED = "lifted"
    CANCELLED = "cancelled"
    CORRECTED = "corrected"
    NONE = "none"


class Notice(SQLModel, table=True):
    """What the city says: one announcement in all languages, its place, level and policy.

    ``identity`` is the deduplication key: two notices with the same one are the same news.
    ``areas`` are district codes of the city; empty means the whole city. ``texts`` maps a
    language to ``{"title": …, "text": …}``; channels add nothing to the words but their form.
    ``drill`` has no default on purpose (promise 5).
    """

    __tablename__ = "notices"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    identity: str = Field(unique=True, max_length=512)
    topic: str = Field(max_length=32, index=True)
    kind: str = ""
    """Official name in Japanese, such as レベル４大雨危険警報."""
    kind_code: str = ""
    hazard: str = Field(default="", max_length=32, index=True)
    """Slug of :class:`feeds.facts.Fact` for what an agency announced; empty for all else."""
    level: int = 0
    """1 to 5 as the evacuation levels, as far as the official name says one; 0 has no level.
    It is what may be shown; who hears it is decided by :attr:`reach`."""
    urgency: int = 0
    """1 to 5 by which residents are chosen (``Subscription.min_level``): that of what is
    announced, or of what has ended. An earthquake and a storm have one too, though their names
    carry no evacuation level; ``feeds.jma.levels`` says how."""
    silent: bool = False
    """Whether it arrives without a sound: more about something residents were alarmed of."""
    intensity: str = ""
    """Seismic intensity in this city (1 … 5- 5+ 6- 6+ 7), for earthquakes."""
    status: Status = Field(sa_type=text_enum(Status))
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    drill: bool
    emergency: bool = False
    reported_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    event_id: str = Field(default="", index=True)
    url: str = ""
    texts: dict[str, dict[str, str]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    source: str | None = Field(default=None, foreign_key="sources.code")
    item_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("items.id"), index=True)
    )
    replaces_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """The notice this one updates, corrects or takes back."""
    decision: Decision = Field(sa_type=text_enum(Decision))
    decided_by: str
    """A staff e-mail, or ``rule:<name>`` (promise 7)."""
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)

    @property
    def reach(self) -> int:
        """The level to ask an audience for: who heard the alarm hears its end."""
        return max(self.level, self.urgency)


class HazardState(SQLModel, table=True):
    """What is in force: per municipality, hazard and area, the newest a telegram said."""

    __tablename__ = "hazard_states"

    municipality: str = Field(primary_key=True, max_length=7)
    hazard: str = Field(primary_key=True, max_length=32)
    area: str = Field(primary_key=True, max_length=32)
    event_id: str = Field(default="", primary_key=True, max_length=64)
    level: int = 0
    kind: str = ""
    kind_code: str = ""
    serial: str = ""
    reported_at: datetime = Field(sa_type=UtcDateTime)
    notice_id: int | None = Field(default=None, sa_column=Column(RowId, ForeignKey("notices.id")))
    """The last notice residents were told about it."""
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class Translation(SQLModel, table=True):
    """A translation a machine made once; ``key`` is a hash of engine, language and text."""

    __tablename__ = "translations"

    key: str = Field(primary_key=True, max_length=64)
    text: str
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)


class DigestRun(SQLModel, table=True):
    """One hour's digest, so that a crash neither skips nor repeats anybody's.

    ``done_through`` is the last resident whose digest was handed over.
    """

    __tablename__ = "digest_runs"

    slot_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    done_through: int = Field(default=0, sa_column=Column(RowId, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
