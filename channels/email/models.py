"""Tables of mail: who asked to follow, which addresses fail, and how far the mailbox was read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from subscriptions.models import RowId


class MailFailure(SQLModel, table=True):
    """What came back from an address lately (see :mod:`channels.email.bounces`)."""

    __tablename__ = "mail_failures"

    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True)
    )
    hard: int = 0
    """How often it was said that the address does not exist."""
    hard_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    soft: int = 0
    """How often a mail came back for another reason, such as a full mailbox."""
    soft_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    ended_by: str = Field(default="", max_length=16)
    """Why the address gets no more mail: ``hard``, ``soft`` or ``complaint``."""


class SignupState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


IS_WAITING = text("state = 'waiting'")


class MailSignup(SQLModel, table=True):
    """Somebody asked for the news at an address and has not confirmed that it is theirs.

    The address itself is kept only until the mail with the link is sent. After that only a code of
    it stays, for the limits, for seven days.
    """

    __tablename__ = "mail_signups"
    __table_args__ = (
        Index("ix_mail_signups_address", "address_hash", "asked_at"),
        Index("ix_mail_signups_network", "network_hash", "asked_at"),
        Index(
            "ix_mail_signups_waiting",
            "not_before",
            sqlite_where=IS_WAITING,
            postgresql_where=IS_WAITING,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    address_hash: str = Field(max_length=64)
    network_hash: str = Field(max_length=64)
    asked_at: datetime = Field(sa_type=UtcDateTime, index=True)
    address: str = ""
    language: str = Field(max_length=16)
    answer_to: str = ""
    """The Message-ID of the mail that asked; "" for the page."""
    stop: bool = False
    """Whether the mail has the link that ends the mails, and not one to confirm."""
    retry_key: str = Field(max_length=36)
    state: SignupState = Field(default=SignupState.WAITING, sa_type=text_enum(SignupState))
    attempts: int = 0
    not_before: datetime = Field(sa_type=UtcDateTime)
    error: Reason | None = Field(default=None, sa_type=ReasonText())


class MailBoxPosition(SQLModel, table=True):
    """How far a mailbox was read; nothing in it is changed."""

    __tablename__ = "mail_box_positions"

    address: str = Field(primary_key=True)
    position: str = ""
    read_at: datetime = Field(sa_type=UtcDateTime)
