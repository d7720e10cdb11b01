"""Tables of staff: accounts, and failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Dialect, Index, Text, TypeDecorator, UniqueConstraint
from sqlmodel import Field, SQLModel

from city.roles import Role as Role
from core.database import UtcDateTime
from subscriptions.models import RowId

HANDED_OVER = "handed-over:"


class SignInWay(StrEnum):
    """How somebody signed in."""

    PASSWORD = "password"  # noqa: S105
    """With a one-time code, if the account has them."""
    RECOVERY = "recovery"
    """With the password and a recovery code."""
    PASSKEY = "passkey"
    PROVIDER = "provider"
    """By the city's OIDC provider."""


class RoleSet(TypeDecorator[tuple[Role, ...]]):
    """A column of roles, as their names with a space between two."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[Role, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Role, ...]:
        return tuple(Role(name) for name in (value or "").split())


class CodeSet(TypeDecorator[tuple[str, ...]]):
    """A column of codes of the city, with a space between two."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple((value or "").split())


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
    roles: tuple[Role, ...] = Field(default=(), sa_column=Column("role", RoleSet, nullable=False))
    """In the order of :class:`Role`."""
    departments: tuple[str, ...] = Field(default=(), sa_column=Column(CodeSet, nullable=False))
    """The departments of the city that they work for."""
    password_hash: str
    totp_secret: str | None = None
    active: bool = True
    session_version: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    signed_in_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    signed_in_by: str = Field(default="", max_length=16)
    """How they signed in last: a value of :class:`SignInWay`, "" for never."""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the account was closed for good; it is never opened again."""
    provider_subject: str | None = Field(default=None, max_length=400)
    """Who they are at the city's OIDC provider: issuer and subject."""
    promotion_asked_by: str | None = Field(default=None, max_length=254)
    """The administrator who wants this account to be one; a second one has to agree."""

    __table_args__ = (Index("uq_staff_provider_subject", "provider_subject", unique=True),)

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


class RecoveryCode(SQLModel, table=True):
    """A code that stands once for the one-time code of an account; the row goes when it is used.

    ``hash`` is SHA-256 of the code, which is random and long enough that nobody finds it from that.
    """

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("staff_id", "hash", name="uq_recovery_codes"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    staff_id: int = Field(sa_type=RowId, foreign_key="staff.id")
    hash: str = Field(max_length=64)


class Passkey(SQLModel, table=True):
    """A passkey of an account (WebAuthn Level 2). Ids and keys are base64url.

    Parameters
    ----------
    sign_count
        How often the authenticator says it was used; 0 for those that do not count.
    """

    __tablename__ = "passkeys"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    staff_id: int = Field(sa_type=RowId, foreign_key="staff.id", index=True)
    credential_id: str = Field(unique=True, max_length=1400)
    public_key: str
    sign_count: int = Field(default=0, sa_type=BigInteger)
    name: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
