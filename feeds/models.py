"""Tables of input (sources, items) and results (notices, hazard states)."""

from __future__ import annotations

import gzip
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    event,
    select,
    text,
)
from sqlmodel import Field, SQLModel, col

from city.city import Decision
from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from feeds.event_days import EventDay
from feeds.notice_codes import new_code
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
    said_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The newest time stated in its last answer (``feeds.freshness``)."""
    renewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When, by our clock, it last stated a newer one."""
    usual_gap_s: float | None = None
    """The longest time between two such moments, lately."""
    failures: int = 0
    """Failed polls in a row."""
    next_poll_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: Reason | None = Field(default=None, sa_type=ReasonText())


class ItemState(StrEnum):
    NEW = "new"
    DONE = "done"
    SET_ASIDE = "set-aside"


FULL = text("state = 'done' AND kind <> 'rss' AND length(payload) > 0")
"""Items whose bytes are still stored; a query must use exactly this condition to use the index."""


ASIDE = text("state = 'set-aside'")
"""Items that nobody could read or sort; a query must use exactly this condition to use the index.
"""


class Item(SQLModel, table=True):
    """One article or telegram, fetched only once. ``payload`` is the input: the unchanged bytes of
    a telegram or message, or an article's fields as JSON.
    """

    __tablename__ = "items"
    __table_args__ = (
        UniqueConstraint("source", "identity"),
        Index("ix_items_full", "fetched_at", sqlite_where=FULL, postgresql_where=FULL),
        Index("ix_items_by_state", "state", "id"),
        Index("ix_items_set_aside", "source", sqlite_where=ASIDE, postgresql_where=ASIDE),
    )

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
    packed: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether ``payload`` is compressed (gzip), as telegrams are after a day."""
    state: ItemState = Field(default=ItemState.NEW, sa_type=text_enum(ItemState))
    reason: Reason | None = Field(
        default=None, sa_column=Column(ReasonText(empty=""), nullable=False)
    )
    """The reason for the decision, or why it was set aside; for staff."""
    attempts: int = 0
    """How often its telegram was requested; a telegram that arrived is never requested again."""

    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When a telegram was read. Telegrams with the same moment were read together, and of several
    about one thing only the last was told. A trial of other rules needs it.
    """

    @property
    def content(self) -> bytes:
        """The input as it came."""
        return gzip.decompress(self.payload) if self.packed else self.payload


class Status(StrEnum):
    """What a notice does to its hazard."""

    ISSUED = "issued"
    RAISED = "raised"
    LOWERED = "lowered"
    CONTINUED = "continued"
    LIFTED = "lifted"
    CANCELLED = "cancelled"
    CORRECTED = "corrected"
    NONE = "none"


OVER = (Status.LIFTED, Status.CANCELLED)
"""Statuses for something that is not in force any more."""


WAITS = text("decision = 'hold'")
"""Notices that wait for a person; a query must use exactly this condition to use the index."""
OF_AN_AGENCY = text("hazard <> ''")
"""Notices of an agency; a query must use exactly this condition to use the index."""


DATED = text("begins_at IS NOT NULL")
"""Notices of events; a query must use exactly this condition to use the index."""


class Notice(SQLModel, table=True):
    """One announcement of the city in all languages, with its place, level and decision.

    ``identity`` is the deduplication key: two notices with the same one are the same news.
    ``areas`` are district codes of the city; empty means the whole city. ``texts`` maps a language
    to ``{"title": …, "text": …}``; channels change only the form. ``drill`` has no default on
    purpose (promise 5).
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index(
            "ix_notices_of_agencies",
            "kind",
            "reported_at",
            sqlite_where=OF_AN_AGENCY,
            postgresql_where=OF_AN_AGENCY,
        ),
        Index("uq_notices_code", "code", unique=True),
        Index("ix_notices_of_events", "begins_at", sqlite_where=DATED, postgresql_where=DATED),
        Index("ix_notices_held", "id", sqlite_where=WAITS, postgresql_where=WAITS),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    identity: str = Field(unique=True, max_length=512)
    code: str | None = Field(default=None, max_length=8)
    """The last part of its short address, given when it is stored (``feeds.notice_codes``); None
    for a notice that an older version stored.
    """
    topic: str = Field(max_length=32, index=True)
    kind: str = ""
    """Official name in Japanese, such as レベル４大雨危険警報."""
    kind_code: str = ""
    hazard: str = Field(default="", max_length=32, index=True)
    """Slug of :class:`feeds.facts.Fact` if an agency announced it; otherwise empty."""
    level: int = 0
    """The evacuation level in the official name, 1 to 5; 0 means no level. This is the level to
    show; :attr:`reach` decides who hears it.
    """
    urgency: int = 0
    """The level by which residents are chosen, 1 to 5 (``Subscription.min_level``): of the
    announced danger, or of the one that has ended. An earthquake and a storm have one too, although
    their names have no evacuation level (``feeds.jma.levels``).
    """
    silent: bool = False
    """Whether it arrives without a sound: more about something residents were alarmed of."""
    intensity: str = ""
    """Seismic intensity in this city (1 … 5- 5+ 6- 6+ 7), for earthquakes."""
    status: Status = Field(sa_type=text_enum(Status))
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    drill: bool
    emergency: bool = False
    reported_at: datetime = Field(sa_type=UtcDateTime, index=True)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    begins_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the event takes place that it announces, if that is known (:attr:`event`)."""
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    whole_day: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    event_id: str = Field(default="", index=True)
    url: str = ""
    texts: dict[str, dict[str, str]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    source: str | None = Field(default=None, foreign_key="sources.code", index=True)
    item_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("items.id"), index=True)
    )
    replaces_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """The notice this one updates, corrects or takes back."""
    standing: list[str] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    """The areas of the hazard board that an agency's notice is about; None for other notices. With
    hazard and event they say whether a later telegram is about the same danger.
    """
    news: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
    """The form, picture and segment of routine news of staff (``feeds.news_form``); None for other
    notices.
    """
    with_id: int | None = Field(default=None, sa_column=Column(RowId, index=True))
    """The first notice of the act of sending that this one is a part of: one alert with several
    levels is a notice for each level. The first has the gravest level and the delivery.
    """
    decision: Decision = Field(sa_type=text_enum(Decision))
    decided_by: str
    """A staff e-mail, or ``rule:<name>`` (promise 7)."""
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)

    @property
    def event(self) -> EventDay | None:
        """When the event takes place that it announces; None if it announces none."""
        if self.begins_at is None:
            return None
        return EventDay(self.begins_at, self.ends_at, self.whole_day)

    def set_event(self, event: EventDay | None) -> None:
        """Say when its event takes place."""
        self.begins_at = None if event is None else event.begins_at
        self.ends_at = None if event is None else event.ends_at
        self.whole_day = event is not None and event.whole_day

    @property
    def shown_level(self) -> int:
        """The level to show; an end has none, whatever level the danger had."""
        return 0 if self.status in OVER else self.level

    @property
    def reach(self) -> int:
        """The level of the audience: whoever heard the alarm hears its end."""
        return max(self.level, self.urgency)


@event.listens_for(Notice, "before_insert")
def _give_code(_mapper: Any, connection: Connection, notice: Notice) -> None:
    """Give a notice a code that no other has; an index answers."""
    if notice.code is None:
        column = col(Notice.code)
        notice.code = new_code()
        while connection.execute(select(column).where(column == notice.code)).first() is not None:
            notice.code = new_code()


RULES_IN_FORCE = text("confirmed_at IS NOT NULL AND ended_at IS NULL")
"""The version of the rules that holds; a query must use exactly this condition to use the index."""


class TrialState(StrEnum):
    """How far the trial of a version on the past is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class RuleVersion(SQLModel, table=True):
    """Decisions that staff lay over the rules of the city's folder; at most one version holds.

    A version is proposed, tried on the past, and confirmed by a second person. It holds until the
    next one is confirmed. A version without changes is the folder alone.

    Parameters
    ----------
    changes
        Values of :meth:`feeds.overlay.Overlay.dumped`.
    based_on
        The version that held when it was proposed; None for the folder alone.
    folder
        Fingerprint of the folder's rules at the trial (``feeds.overlay.fingerprint``).
    ended_at, ended_by
        When it was replaced; for a proposal, when it was thrown away.
    trial
        What the trial found, as ``alerts.rule_trials`` writes it.
    trial_seen_at
        The last sign of life of a running trial.
    """

    __tablename__ = "rule_versions"
    __table_args__ = (
        Index(
            "ix_rule_versions_in_force",
            "id",
            sqlite_where=RULES_IN_FORCE,
            postgresql_where=RULES_IN_FORCE,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    changes: list[dict[str, str]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    reason: str = ""
    based_on: int | None = None
    folder: str = Field(default="", max_length=64)
    proposed_by: str
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_by: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    trial_state: TrialState = Field(default=TrialState.WAITING, sa_type=text_enum(TrialState))
    trial_done: int = 0
    trial_of: int = 0
    trial_seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    trial: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class HazardState(SQLModel, table=True):
    """The newest report of a telegram for each municipality, hazard and area."""

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
    notice_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """The last notice to residents about it."""
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class Translation(SQLModel, table=True):
    """A stored machine translation; ``key`` is a hash of engine, language and text."""

    __tablename__ = "translations"

    key: str = Field(primary_key=True, max_length=64)
    text: str
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)


class DigestRun(SQLModel, table=True):
    """One hour's digest, so that a crash neither skips nor repeats anybody's.

    ``done_through`` is the last resident whose digest was queued.
    """

    __tablename__ = "digest_runs"

    slot_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    done_through: int = Field(default=0, sa_column=Column(RowId, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
