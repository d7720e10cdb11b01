"""Tables of the staff: who may sign in, failed sign-ins, alerts being written."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from feeds.models import Status
from subscriptions.models import RowId

HANDED_OVER = "handed-over:"


class Role(StrEnum):
    """What somebody may do: administer, issue alerts, work on reports, or only look."""

    ADMIN = "admin"
    DISASTER = "disaster"
    ROADS = "roads"
    VIEWER = "viewer"


class Staff(SQLModel, table=True):
    """A member of staff who can sign in.

    ``session_version`` is in every session cookie; raising it ends all of a person's sessions.
    ``password_hash`` begins with :data:`HANDED_OVER` while somebody else knows the password.
    """

    __tablename__ = "staff"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    email: str = Field(unique=True, max_length=254)
    name: str = ""
    role: Role = Field(sa_type=text_enum(Role))
    password_hash: str
    totp_secret: str | None = None
    active: bool = True
    session_version: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def password_handed_over(self) -> bool:
        """Whether the password was made up here and handed over, and has to be changed."""
        return self.password_hash.startswith(HANDED_OVER)


class SignInAttempts(SQLModel, table=True):
    """Sign-ins that did not succeed, counted by what they have in common; and what has had its
    time: a one-time code that was used, a session that was signed out.

    ``key`` is a hash of an address, of an e-mail, or of both together, so that the table
    holds no list of people. A row goes some time after ``since``.
    """

    __tablename__ = "sign_in_attempts"

    key: str = Field(primary_key=True, max_length=64)
    count: int = 0
    since: datetime = Field(sa_type=UtcDateTime, index=True)


class AlertDraft(SQLModel, table=True):
    """An alert being written. It cannot leave: only confirming it makes a notice.

    ``drill`` is said by a person when the draft is begun and never changes afterwards
    (promise 5: real by default nowhere; a drill's text never becomes a real alert).
    """

    __tablename__ = "alert_drafts"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    topic: str = Field(max_length=32)
    level: int
    whole_city: bool = False
    """Everybody is meant. Said with a tick of its own; no district is never all districts."""
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    drill: bool | None = None
    status: Status = Field(default=Status.ISSUED, sa_type=text_enum(Status))
    """Issued, or, with ``replaces_id``: corrected, cancelled (an error), lifted (all clear)."""
    texts: dict[str, dict[str, str]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    valid_hours: int = 24
    """Hours after which what is not yet delivered has lost its meaning."""
    replaces_id: int | None = Field(default=None, sa_column=Column(RowId, ForeignKey("notices.id")))
    written_by: str
    edited_by: str = ""
    """Who changed it last; somebody else has to confirm what is serious."""
    version: int = 1
    """Raised by each change; a confirmation holds for the version that was looked at."""
    confirmed_by: str | None = None
    """The colleague who confirmed this version; a change takes it away."""
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    notice_id: int | None = Field(default=None, sa_column=Column(RowId, ForeignKey("notices.id")))
    """Set once, when it left; a draft with it can never leave again."""
    discarded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
