"""Tables of what goes to other offices and programs, and of photos that come from them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, Table, event, insert, literal, select, text
from sqlalchemy.engine import Connection
from sqlmodel import Field, SQLModel

from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from reports.models.report import PhotoRole, ReportUpdate
from subscriptions.models import RowId

LONGEST_ADDRESS = 500
LONGEST_WEBHOOK_NAME = 60


UNSETTLED = text("settled_at IS NULL")


class Sending(StrEnum):
    """How far something is that is tried until it is done."""

    WAITING = "waiting"
    TRYING = "trying"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    """By staff."""


UNDONE = (Sending.WAITING, Sending.TRYING)
"""What is still tried."""


class PhotoAddress(SQLModel, table=True):
    """A photo that another program named (``media_url``), to be fetched.

    Parameters
    ----------
    not_before
        When it is tried next; while it is tried, when another process may take it over.
    """

    __tablename__ = "photo_addresses"
    __table_args__ = (Index("ix_photo_addresses_due", "state", "not_before"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    report_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    url: str = Field(max_length=LONGEST_ADDRESS)
    by: str
    """Who named it, as in a report's history."""
    role: PhotoRole = Field(
        default=PhotoRole.NEAR,
        sa_column=Column(text_enum(PhotoRole), nullable=False, server_default="near"),
    )
    state: Sending = Field(default=Sending.WAITING, sa_type=text_enum(Sending))
    attempts: int = 0
    error: Reason | None = Field(default=None, sa_type=ReasonText)
    not_before: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class ForwardWay(StrEnum):
    """How a case goes to another office."""

    OPEN311 = "open311"
    MAIL = "mail"


class Forward(SQLModel, table=True):
    """A case that goes to another office, stored before the first attempt.

    Parameters
    ----------
    key
        Made with the page on which staff decide. It is the Message-ID of the mail; the same page
        sent twice makes one row.
    address
        The mail address or the endpoint at that time.
    words
        What the other office reads, as staff wrote it; emptied with the report's texts.
    photos
        SHA-256 of the pictures that go with it.
    reply_to
        Where the other office answers a mail to.
    doubtful
        Whether an attempt ended without an answer, so that they may have it already.
    remote_id, remote_token
        Their number of it, or what to ask for the number with.
    remote_status, remote_notes, remote_at
        What they said last: ``open`` or ``closed``, their words, their time.
    look_at
        When they are asked next; None for never.
    settled_at
        When staff took up or set aside what the other office says.
    """

    __tablename__ = "forwards"
    __table_args__ = (
        Index("ix_forwards_due", "state", "not_before"),
        Index("ix_forwards_report_id", "report_id", "id"),
        Index("ix_forwards_look", "look_at"),
        Index("ix_forwards_open", "id", sqlite_where=UNSETTLED, postgresql_where=UNSETTLED),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    report_id: int = Field(
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False)
    )
    key: str = Field(max_length=36, unique=True)
    owner: str = Field(max_length=32)
    way: ForwardWay = Field(sa_type=text_enum(ForwardWay))
    address: str = Field(max_length=LONGEST_ADDRESS)
    words: str = ""
    photos: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    reason: str = Field(default="", max_length=32)
    reply_to: str = ""
    by: str
    state: Sending = Field(default=Sending.WAITING, sa_type=text_enum(Sending))
    attempts: int = 0
    doubtful: bool = False
    error: Reason | None = Field(default=None, sa_type=ReasonText)
    not_before: datetime = Field(sa_type=UtcDateTime)
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    remote_id: str = Field(default="", max_length=100)
    remote_token: str = Field(default="", max_length=200)
    remote_status: str = Field(default="", max_length=16)
    remote_notes: str = ""
    remote_at: str = Field(default="", max_length=40)
    look_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    looked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    looks_failed: int = 0
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_by: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)


class Webhook(SQLModel, table=True):
    """A program that hears of every change of a report.

    Parameters
    ----------
    salt
        Its secret is derived from this and ``TODOKE_SECRET_KEY``, so that none is stored.
    with_words
        Whether it gets the description, the address and the exact place. Otherwise it gets what
        everybody may see.
    told_at
        When administrators were told that the service switched it off.
    failing_since, failures
        The first failure after the last success, and how often it did not answer since.
    resting_until
        When it is tried again.
    off_at, off_by, off_why
        Since when nothing is sent, and who switched it off: an account, or ``service`` with why.
    """

    __tablename__ = "webhooks"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    name: str = Field(max_length=LONGEST_WEBHOOK_NAME, unique=True)
    url: str = Field(max_length=LONGEST_ADDRESS)
    salt: str = Field(max_length=64)
    with_words: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: str
    off_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    off_by: str = ""
    off_why: Reason | None = Field(default=None, sa_type=ReasonText)
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0
    resting_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    worked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: Reason | None = Field(default=None, sa_type=ReasonText)


class WebhookMessage(SQLModel, table=True):
    """One change for one webhook, stored in the transaction of the change.

    Parameters
    ----------
    update_id
        The step of the report's history; the message's id is made of it.
    body
        What is sent, the same bytes in every attempt; made before the first.
    """

    __tablename__ = "webhook_messages"
    __table_args__ = (
        Index("ix_webhook_messages_due", "webhook_id", "state", "report_id", "id"),
        Index("ix_webhook_messages_ended", "ended_at"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    webhook_id: int = Field(
        sa_column=Column(RowId, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False)
    )
    report_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    update_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("report_updates.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    state: Sending = Field(default=Sending.WAITING, sa_type=text_enum(Sending))
    body: str = ""
    attempts: int = 0
    status: int | None = None
    """The HTTP status of the last answer."""
    error: Reason | None = Field(default=None, sa_type=ReasonText)
    not_before: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def _tell_webhooks(_mapper: Any, connection: Connection, update: ReportUpdate) -> None:
    """Store a message for each webhook, in the transaction of the change, whoever makes it."""
    made = (literal(update.report_id), literal(update.id), literal(Sending.WAITING.value))
    at = literal(update.created_at, UtcDateTime)
    hook: Table = Webhook.__table__  # type: ignore[attr-defined]
    connection.execute(
        insert(WebhookMessage).from_select(
            ["webhook_id", "report_id", "update_id", "state", "body", "attempts", "not_before",
             "created_at"],
            select(hook.c.id, *made, literal(""), literal(0), at, at).where(
                hook.c.off_at.is_(None)
            ),
        )
    )  # fmt: skip


event.listen(ReportUpdate, "after_insert", _tell_webhooks)
