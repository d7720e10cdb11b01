"""Who in the office hears of a new report, and the messages to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from subscriptions.models import RowId

NOT_ENDED = text("ended_at IS NULL")
DANGEROUS = text("dangerous")
NEW_REPORT = "new"
"""The occasion of a report that is new."""


class Rhythm(StrEnum):
    """How soon a department hears of a report that is not dangerous."""

    AT_ONCE = "at-once"
    HOURLY = "hourly"
    NEVER = "never"


class ChatForm(StrEnum):
    """What a chat's incoming webhook wants to read."""

    SLACK = "slack"
    """``{"text": …}``: Slack, Mattermost, Rocket.Chat, Google Chat."""
    TEAMS = "teams"
    LINE_WORKS = "line-works"
    JSON = "json"
    """Our own fields, for anything else."""


class ReportAlarm(SQLModel, table=True):
    """How one department hears of new reports.

    Parameters
    ----------
    mails
        Addresses.
    chat_url
        The address of the chat's incoming webhook. Who knows it can write there.
    quiet_start, quiet_end
        Minutes after midnight in Japan; None means the city's. Equal ones mean no quiet hours.
    calls_members
        Whether the department's members of the register are told of dangerous ones by LINE and
        mail.
    again_minutes
        After how long they are told once more, until somebody has opened the report.
    """

    __tablename__ = "report_alarms"

    department: str = Field(primary_key=True, max_length=32)
    mails: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    chat_form: ChatForm = Field(default=ChatForm.SLACK, sa_type=text_enum(ChatForm))
    chat_url: str = ""
    rhythm: Rhythm = Field(default=Rhythm.AT_ONCE, sa_type=text_enum(Rhythm))
    quiet_start: int | None = None
    quiet_end: int | None = None
    calls_members: bool = True
    again_minutes: int = 10
    version: int = 1
    changed_by: str = ""
    changed_at: datetime = Field(sa_type=UtcDateTime)


class Heard(SQLModel, table=True):
    """That the office was told of a report, or that it need not be.

    ``occasion`` is ``new``, or ``no:`` with the round of the question that somebody said no to, or
    with the step by which a program said so, or ``worse:`` with the step by which somebody said
    that it got worse.
    """

    __tablename__ = "reports_heard"
    __table_args__ = (
        Index(
            "ix_reports_heard_dangerous",
            "last_at",
            sqlite_where=DANGEROUS,
            postgresql_where=DANGEROUS,
        ),
    )

    report_id: int = Field(
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    )
    occasion: str = Field(primary_key=True, max_length=16)
    dangerous: bool = False
    tellings: int = 0
    """How often members were told of it as dangerous."""
    first_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the office was told first; None if it need not be."""
    last_at: datetime = Field(sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Who of the staff looked at the case first after that, or changed it."""


class NoticeWay(StrEnum):
    MAIL = "mail"
    CHAT = "chat"


class NoticeState(StrEnum):
    WAITING = "waiting"
    TRYING = "trying"
    """It may have arrived."""
    SENT = "sent"
    FAILED = "failed"
    STOPPED = "stopped"


class StaffNotice(SQLModel, table=True):
    """One message to one address of a department, stored before the first attempt.

    Parameters
    ----------
    occasion
        What it is about; an address hears of an occasion once.
    content
        ``title``, ``text`` and ``url``; nothing personal.
    address
        Erased when it has ended.
    """

    __tablename__ = "staff_notices"
    __table_args__ = (
        Index(
            "ix_staff_notices_due", "not_before", sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED
        ),
        Index("ix_staff_notices_department", "department", "id"),
        Index("uq_staff_notices_once", "occasion", "address_key", unique=True),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    department: str = Field(max_length=32)
    occasion: str = Field(max_length=64)
    address_key: str = Field(max_length=64)
    """SHA-256 of way and address."""
    way: NoticeWay = Field(sa_type=text_enum(NoticeWay))
    chat_form: str = Field(default="", max_length=16)
    address: str = ""
    retry_key: str = Field(max_length=36)
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: NoticeState = Field(default=NoticeState.WAITING, sa_type=text_enum(NoticeState))
    attempts: int = 0
    error: Reason | None = Field(default=None, sa_type=ReasonText)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    not_before: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
