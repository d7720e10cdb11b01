"""Tables of the outbox: deliveries, their variants and batches."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    literal_column,
    text,
)
from sqlmodel import Field, SQLModel, select

from city.city import Way
from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from subscriptions.models import RowId


class DeliveryState(StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"


class Priority:
    """The order of sending; a lower number overtakes a higher one (promise 4)."""

    CORRECTION = 0
    GRAVEST = 1
    """An emergency of the highest level: everybody who gets it gets it before other emergencies."""
    EMERGENCY = 2
    PERSONAL = 3
    WARNING = 5
    ROUTINE = 9


class DeliveryKind(StrEnum):
    NOTICE = "notice"
    CORRECTION = "correction"
    PERSONAL = "personal"
    DIGEST = "digest"


class Wording(StrEnum):
    """Which text of a delivery a resident gets; only a follow-up has more than one.

    ``MAIN`` is the notice's own. The others are for residents who need other words in a follow-up
    (a correction, a change, an all-clear).
    """

    MAIN = "main"
    NEW = "new"
    """They were told nothing before, or only that it is not for them: a new alert."""
    ELSEWHERE = "elsewhere"
    """They were told, and it is not for their districts."""
    STILL = "still"
    """The earlier notice stays in force for them; the change is for others."""
    UNHEARD = "unheard"
    """As ``STILL``, and nothing has reached them yet, or the last they heard is that it is over."""
    ASKING = "asking"
    """The notice's own, with the question for the language below it."""


OF_NOTICES = text("notice_id IS NOT NULL")
"""Deliveries with a notice, among many answers to residents; a query must use this condition to use
the index.
"""


class Delivery(SQLModel, table=True):
    """One notice on its way to its audience by one channel; or a message without a notice.

    ``audience`` is the query (topic, level, areas, language) as planned; ``planned_through`` is the
    last resident id that planning has read, where it continues after a crash; ``carry`` are the
    residents up to there who are not in a full batch yet. ``recipients`` is the size of the
    audience when it was planned, ``skipped`` the number of them without a batch.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "ix_deliveries_of_notices", "id", sqlite_where=OF_NOTICES, postgresql_where=OF_NOTICES
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    kind: DeliveryKind = Field(default=DeliveryKind.NOTICE, sa_type=text_enum(DeliveryKind))
    notice_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """None for personal messages and digests."""
    corrects_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("deliveries.id"), index=True)
    )
    """The delivery before this one in its chain: everybody whom that one or any earlier message of
    the chain may have reached gets this one too (``channels.chain``).
    """
    reference: str = Field(default="", max_length=64, index=True)
    """What it belongs to if it has no notice, such as a digest's hour."""
    channel: str = Field(max_length=16)
    """The name of its medium (``channels.medium``)."""
    state: DeliveryState = Field(
        default=DeliveryState.PLANNED, sa_type=text_enum(DeliveryState), index=True
    )
    priority: int
    respects_quiet: bool = True
    """Whether it waits for the end of a resident's quiet hours (promise 4)."""
    silent: bool = False
    """Whether phones make no sound."""
    audience: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    parts: list[dict[str, Any]] = Field(
        default_factory=list,
        sa_column=Column(JSON, nullable=False, server_default="[]"),
    )
    """For a notice with several levels, what ``channels.level_parts.LevelPart`` stores of each, the
    gravest first; empty for all others.
    """
    part: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Which of ``parts`` is being planned; ``planned_through`` is within it."""
    audience_limit: int | None = None
    """The highest resident id of the audience's snapshot; later followers are not in it."""
    planned_through: int = 0
    carry: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    runs: int = 0
    """How many runs of batches have been made so far."""
    planning_done: bool = False
    quota_waived: bool = False
    """A person decided to send it although the month's quota may not be enough."""
    unit: str = Field(default="", max_length=30, sa_column_kwargs={"server_default": ""})
    """The name under which the medium itself counts what becomes of it; "" for none."""
    recipients: int = 0
    skipped: int = 0
    reason: Reason | None = Field(
        default=None, sa_column=Column(ReasonText(empty=""), nullable=False)
    )
    """Why it paused or stopped, for staff."""
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    first_sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


UNFINISHED: ColumnElement[bool] = cast(Any, Delivery).state.in_(
    [literal_column(f"'{state}'") for state in ("planned", "sending", "paused")]
)
"""Deliveries that have not ended; a query must use exactly this condition to use the index."""
Index(
    "ix_deliveries_unfinished",
    cast(Any, Delivery).priority,
    cast(Any, Delivery).id,
    sqlite_where=UNFINISHED,
    postgresql_where=UNFINISHED,
)


Narrowable = TypeVar("Narrowable")
"""A statement that selects."""


def unfinished(query: Narrowable) -> Narrowable:
    """Return the query limited to deliveries that have not ended.

    By their ids: SQLite's statistics do not show how few they are, and it would read all deliveries
    to sort them.
    """
    return _among(query, select(Delivery.id).where(UNFINISHED))


def newest_of_notices(query: Narrowable, most: int) -> Narrowable:
    """Return the query narrowed to the last so many deliveries that bring a notice."""
    last = select(Delivery.id).where(OF_NOTICES).order_by(cast(Any, Delivery).id.desc())
    return _among(query, select(last.limit(most).subquery().c.id))


def _among(query: Narrowable, ids: Any) -> Narrowable:
    made: Any = query
    return cast("Narrowable", made.where(cast(Any, Delivery).id.in_(ids)))


class Variant(SQLModel, table=True):
    """One distinct message of a delivery: the ``messages`` array as the medium gets it."""

    __tablename__ = "variants"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    delivery_id: int = Field(
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="CASCADE"), index=True)
    )
    wording: Wording = Field(
        default=Wording.MAIN,
        sa_type=text_enum(Wording),
        sa_column_kwargs={"server_default": "main"},
    )
    part: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """The place in ``Delivery.parts`` of the level it is for; 0 where there is one level."""
    language: str = Field(max_length=128)
    """The language; several, separated by commas, if their messages are equal; "" for a personal
    one.
    """
    digest: str = Field(max_length=64)
    """SHA-256 of ``messages``; equal messages are one variant."""
    messages: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    machine_translated: bool = False


class BatchState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


ALONE = text("size = 1")
"""Batches of one resident; a query must use exactly this condition to use the index."""


class Batch(SQLModel, table=True):
    """Residents who get one variant in one request, as many as the medium takes.

    ``retry_key`` is fixed before the first attempt, so a repeat is never a second message, for as
    long as the medium honours it. ``members`` are the resident ids, packed (see
    ``channels.members``); ``absent`` are those who had left when it was sent. Batches are processed
    in runs, which are numbered within their delivery. A waiting batch with a ``first_tried_at`` may
    have been accepted without our knowing.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_delivery", "delivery_id", "state", "variant_id", "size", "missing"),
        Index("ix_batches_run", "delivery_id", "run"),
        # Finds messages to one person; a batch of many is too long for an index.
        Index("ix_batches_alone", "members", sqlite_where=ALONE, postgresql_where=ALONE),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    delivery_id: int = Field(
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False)
    )
    run: int = 0
    variant_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("variants.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    retry_key: str = Field(max_length=36)
    endpoint: str = Field(max_length=16)
    """The medium's endpoint, such as LINE's ``multicast`` or ``push``."""
    size: int
    members: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    absent: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    missing: int = 0
    """How many are absent."""
    quiet_start: int | None = None
    quiet_end: int | None = None
    """The members' quiet hours (minutes after midnight in Japan); None are the city's."""
    state: BatchState = Field(default=BatchState.WAITING, sa_type=text_enum(BatchState))
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    worker: str | None = None
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    request_id: str | None = None
    error: Reason | None = Field(default=None, sa_type=ReasonText())


class ChannelStop(SQLModel, table=True):
    """A channel that sends nothing now, and why; the row is deleted when it works again."""

    __tablename__ = "channel_stops"

    channel: str = Field(primary_key=True, max_length=16)
    reason: Reason = Field(sa_column=Column(ReasonText(), nullable=False))
    stopped_at: datetime = Field(sa_type=UtcDateTime)
    checked_at: datetime = Field(sa_type=UtcDateTime)


class ChannelSilence(SQLModel, table=True):
    """A time in which a medium took nothing although it should have (``channels.silence``)."""

    __tablename__ = "channel_silences"
    __table_args__ = (
        Index(
            "uq_channel_silences_open",
            "channel",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    channel: str = Field(max_length=16)
    since: datetime = Field(sa_type=UtcDateTime)
    """When it last took something, or should first have."""
    noticed_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RateState(SQLModel, table=True):
    """The shared effect of LINE's answers 429 on one endpoint."""

    __tablename__ = "rate_states"

    endpoint: str = Field(primary_key=True, max_length=16)
    factor: float = 1.0
    """Share of the limit that may be used at ``since``; grows again from there."""
    since: datetime = Field(sa_type=UtcDateTime)
    paused_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RateLease(SQLModel, table=True):
    """How many of an endpoint's requests a second one process may send."""

    __tablename__ = "rate_shares"

    endpoint: str = Field(primary_key=True, max_length=16)
    worker: str = Field(primary_key=True, max_length=80)
    slots: int
    wants: bool
    """Whether it has something to send; otherwise it leaves its slots to others."""
    urgent: bool = False
    """Whether it sends an emergency; others then hold back everything else."""
    renewed_at: datetime = Field(sa_type=UtcDateTime)


class UnknownState(StrEnum):
    """``accepted``: LINE has accepted it and has not reported the result yet."""

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class UnknownSend(SQLModel, table=True):
    """The part of a delivery that is sent once to people that only the medium knows.

    Both retry keys are fixed before the first attempt. ``known_through`` is the highest resident id
    of the delivery's audience: residents with a higher one were unknown then and may have it.
    """

    __tablename__ = "unknown_sends"

    delivery_id: int = Field(
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    )
    way: Way = Field(sa_type=text_enum(Way))
    may_double: bool = False
    """A person allowed a broadcast if a narrowcast is not possible."""
    state: UnknownState = Field(
        default=UnknownState.WAITING, sa_type=text_enum(UnknownState), index=True
    )
    messages: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    narrowcast_key: str = Field(max_length=36)
    broadcast_key: str = Field(max_length=36)
    audience_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """The id at LINE of the audience that is left out."""
    missing: int = 0
    """Known residents who were not in that audience yet and may have it twice."""
    known_through: int | None = Field(default=None, sa_column=Column(RowId, nullable=True))
    attempts: int = 0
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    request_id: str | None = None
    phase: str = Field(default="", max_length=16)
    target_count: int | None = None
    success_count: int | None = None
    failure_count: int | None = None
    why_broadcast: Reason | None = Field(
        default=None, sa_column=Column(ReasonText(empty=""), nullable=False)
    )
    """Why it was sent by broadcast although a narrowcast was wanted."""
    error: Reason | None = Field(
        default=None, sa_column=Column(ReasonText(empty=""), nullable=False)
    )
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
