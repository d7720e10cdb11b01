"""Staff who can be called: how they are reached, messages to them, and call-ups."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from subscriptions.models import RowId


class StaffMember(SQLModel, table=True):
    """Somebody whom the city can call to work in a disaster. No resident's data refers to them.

    Parameters
    ----------
    department
        The department's code in ``city.toml``.
    team
        A group across departments, such as the first to be called; "" for none.
    mail
        Their mail address; "" if they are reached by LINE alone.
    language
        In which they are told; one of the city's.
    account
        The e-mail address of their account of the console; "" if they have none.
    active
        Who is not active is not told anything.
    """

    __tablename__ = "staff_members"
    __table_args__ = (
        Index("ix_staff_members_department", "department", "name"),
        Index(
            "ix_staff_members_mail",
            "mail",
            unique=True,
            sqlite_where=text("mail <> ''"),
            postgresql_where=text("mail <> ''"),
        ),
        Index(
            "ix_staff_members_account",
            "account",
            unique=True,
            sqlite_where=text("account <> ''"),
            postgresql_where=text("account <> ''"),
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    name: str = Field(max_length=64)
    department: str = Field(max_length=32)
    team: str = Field(default="", max_length=32)
    mail: str = Field(default="", max_length=254)
    language: str = Field(default="ja", max_length=16)
    account: str = Field(default="", max_length=254)
    active: bool = True
    added_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class StaffLineLink(SQLModel, table=True):
    """The LINE account that a member of staff joined with a code.

    It is the only place that connects them, and is deleted when they leave the list or block the
    account.
    """

    __tablename__ = "staff_line_links"

    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), primary_key=True
        )
    )
    line_user_id: str = Field(unique=True, max_length=64)
    joined_at: datetime = Field(sa_type=UtcDateTime)


class StaffCode(SQLModel, table=True):
    """The code with which a member of staff joins; the newest one counts.

    Parameters
    ----------
    code_hash
        HMAC-SHA-256 of the code, hexadecimal. The code itself is not stored.
    nonce
        With it and the service's secret the code can be shown again.
    """

    __tablename__ = "staff_codes"

    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), primary_key=True
        )
    )
    code_hash: str = Field(unique=True, max_length=64)
    nonce: str = Field(max_length=32)
    made_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StaffCodeTry(SQLModel, table=True):
    """A wrong code from somebody's chat, so that nobody can guess for long; kept for a day."""

    __tablename__ = "staff_code_tries"
    __table_args__ = (Index("ix_staff_code_tries_user", "user_hash", "tried_at"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    user_hash: str = Field(max_length=64)
    tried_at: datetime = Field(sa_type=UtcDateTime, index=True)


class StaffWay(StrEnum):
    """How a member of staff is reached."""

    LINE = "line"
    MAIL = "mail"


class StaffMessageState(StrEnum):
    """``trying`` is stored before the first attempt: it may have arrived."""

    WAITING = "waiting"
    TRYING = "trying"
    SENT = "sent"
    FAILED = "failed"
    STOPPED = "stopped"


STAFF_MESSAGE_OPEN = text("state IN ('waiting', 'trying')")


class StaffMessage(SQLModel, table=True):
    """One message to one member of staff by one way.

    Parameters
    ----------
    occasion
        What it is for; nobody gets two of one occasion by the same way.
    about
        The subject, ``kind:id``, such as ``call_up:3``.
    address
        The LINE user id or mail address at the time of storing, so that each attempt is the same.
        Erased when the message has ended.
    retry_key
        LINE's retry key, and the left part of the Message-ID.
    content
        Title, text, address and buttons (:class:`response.staff_messages.Words`), as JSON.
    """

    __tablename__ = "staff_messages"
    __table_args__ = (
        UniqueConstraint("occasion", "member_id", "way", name="uq_staff_messages_occasion"),
        Index("ix_staff_messages_about", "about", "member_id"),
        Index(
            "ix_staff_messages_open",
            "not_before",
            sqlite_where=STAFF_MESSAGE_OPEN,
            postgresql_where=STAFF_MESSAGE_OPEN,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    occasion: str = Field(max_length=96)
    about: str = Field(max_length=64)
    drill: bool
    urgent: bool
    way: StaffWay = Field(sa_type=text_enum(StaffWay))
    address: str = Field(max_length=254)
    retry_key: str = Field(unique=True, max_length=36)
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: StaffMessageState = Field(
        default=StaffMessageState.WAITING, sa_type=text_enum(StaffMessageState)
    )
    attempts: int = 0
    error: Reason | None = Field(default=None, sa_type=ReasonText)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    not_before: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class HeldAlarmWish(SQLModel, table=True):
    """A member of staff who wishes to be told when a warning is held."""

    __tablename__ = "held_alarm_wishes"

    member_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("staff_members.id", ondelete="CASCADE"), primary_key=True
        )
    )
    wished_at: datetime = Field(sa_type=UtcDateTime)


class StaffAnswer(StrEnum):
    """What a member of staff says to a call-up."""

    COMING = "coming"
    AT_OFFICE = "at-office"
    SAFE = "safe"
    """Safe, but cannot come."""
    CANNOT = "cannot"


class CallUp(SQLModel, table=True):
    """Members of staff were called to work, for real or as a drill.

    Parameters
    ----------
    departments, teams
        Whom it calls: codes of departments and names of teams; none of either means everybody.
    words
        What happened and where to come, as it was typed.
    rule
        The rule of ``city.toml`` that began it; "" if a person did.
    event
        The event of the telegram that began it. An event begins one call-up.
    remind_at
        When those are reminded who have not answered; None once it was done, or for never.
    """

    __tablename__ = "call_ups"
    __table_args__ = (UniqueConstraint("event", "drill", name="uq_call_ups_event"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    drill: bool
    departments: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    teams: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    words: str
    rule: str = Field(default="", max_length=64)
    event: str | None = Field(default=None, max_length=160)
    began_at: datetime = Field(sa_type=UtcDateTime, index=True)
    began_by: str
    remind_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str = ""


class CalledMember(SQLModel, table=True):
    """A member of staff in a call-up, and their last answer.

    Parameters
    ----------
    asked
        How many times they were asked.
    minutes
        In how many minutes they come, from ``answered_at``; None if they do not come.
    answered_by
        ``line``, ``mail``, or the account of the console that noted it.
    """

    __tablename__ = "called_members"

    call_up_id: int = Field(
        sa_column=Column(RowId, ForeignKey("call_ups.id", ondelete="CASCADE"), primary_key=True)
    )
    member_id: int = Field(
        sa_column=Column(
            RowId,
            ForeignKey("staff_members.id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        )
    )
    called_at: datetime = Field(sa_type=UtcDateTime)
    asked: int = 1
    answer: StaffAnswer | None = Field(default=None, sa_type=text_enum(StaffAnswer))
    minutes: int | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by: str = ""
