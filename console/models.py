"""Tables of staff: accounts, and failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId

HANDED_OVER = "handed-over:"


class Role(StrEnum):
    """A role: administer, issue alerts, work on reports, answer questions, or only look."""

    ADMIN = "admin"
    DISASTER = "disaster"
    ROADS = "roads"
    EDITOR = "editor"
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
    """Failed sign-ins, counted by what they have in common; also used one-time codes and ended
    sessions.

    ``key`` is a hash of an address, of an e-mail, or of both together, so that the table is no list
    of people. A row is deleted some time after ``since``.
    """

    __tablename__ = "sign_in_attempts"

    key: str = Field(primary_key=True, max_length=64)
    count: int = 0
    since: datetime = Field(sa_type=UtcDateTime, index=True)
