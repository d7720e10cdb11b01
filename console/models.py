"""Tables of the staff."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class Role(StrEnum):
    """What somebody may do: administer, issue alerts, work on reports, or only look."""

    ADMIN = "admin"
    DISASTER = "disaster"
    ROADS = "roads"
    VIEWER = "viewer"


class Staff(SQLModel, table=True):
    """A member of staff who can sign in."""

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
    created_at: datetime = Field(sa_type=UtcDateTime)


class AlertDraft(SQLModel, table=True):
    """An alert being written. It cannot leave: only confirming it makes a notice.

    ``drill`` is unknown until somebody says which (promise 5: real by default nowhere).
    """

    __tablename__ = "alert_drafts"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    topic: str = Field(max_length=32)
    level: int
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    drill: bool | None = None
    texts: dict[str, dict[str, str]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    replaces_id: int | None = Field(default=None, sa_column=Column(RowId, ForeignKey("notices.id")))
    written_by: str
    confirmed_by: str | None = None
    notice_id: int | None = Field(default=None, sa_column=Column(RowId, ForeignKey("notices.id")))
    """Set once, when it left; a draft with it can never leave again."""
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
