"""Staff accounts: making them, changing them, checking who signs in.

Passwords are kept as Argon2id hashes. A wrong password, an unknown address and a switched-off
account look the same and take the same time; failures are counted before the password is
looked at, so that guessing in parallel gains nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from console.models import Role, SignInAttempts, Staff
from console.words import Refusal
from core import audit
from core.database import Database
from core.errors import Permanent

MINIMUM_PASSWORD = 12
MAXIMUM_PASSWORD = 256
WINDOW = timedelta(minutes=15)
LIMIT_PAIR = 5
"""Failures of one address on one account in a window."""
LIMIT_ADDRESS = 30
LIMIT_ACCOUNT = 60
"""Of one account from anywhere: high, so that nobody can shut a duty officer out cheaply."""

_hasher = PasswordHasher()


class TooManyAttempts(Permanent):
    """Signing in is closed for this address and account until the window has passed."""


@dataclass(frozen=True)
class NewAccount:
    """An account and the password it was given, which is shown once and not kept."""

    staff: Staff
    password: str


def normal_email(email: str) -> str:
    """Return an e-mail address as it is compared.

    Raises
    ------
    Refusal
        It is not an address.
    """
    address = email.strip().lower()
    local, at, domain = address.rpartition("@")
    if not (at and local and domain) or len(address) > 254 or any(c.isspace() for c in address):
        raise Refusal("This is not an e-mail address: {email}", email=email.strip()[:80])
    return address


def check_password(password: str) -> None:
    """Refuse a password that is too short, or so long that hashing it is an attack."""
    if len(password) < MINIMUM_PASSWORD:
        raise Refusal("A password has at least {n} characters.", n=MINIMUM_PASSWORD)
    if len(password) > MAXIMUM_PASSWORD:
        raise Refusal("A password has at most {n} characters.", n=MAXIMUM_PASSWORD)


async def add_staff(
    session: AsyncSession,
    email: str,
    role: Role | str,
    *,
    now: datetime,
    actor: str = "shell",
    name: str = "",
    password: str | None = None,
) -> NewAccount:
    """Create an account in the caller's transaction.

    Parameters
    ----------
    password
        One is made up when not given.

    Raises
    ------
    Refusal
        The address or role is not one, the password too short, or the account exists.
    """
    address = normal_email(email)
    if role not in list(Role):
        raise Refusal(
            "There is no role {role}; roles are {roles}.", role=role, roles=", ".join(Role)
        )
    if password is not None:
        check_password(password)
    chosen = password or secrets.token_urlsafe(15)
    if await session.scalar(select(Staff.id).where(Staff.email == address)):
        raise Refusal("{email} already has an account.", email=address)
    staff = Staff(
        email=address,
        name=name.strip()[:80],
        role=Role(role),
        password_hash=await asyncio.to_thread(_hasher.hash, chosen),
        created_at=now,
    )
    session.add(staff)
    await session.flush()
    await audit.record(
        session, now, actor=actor, action="staff.added", subject=address, role=str(staff.role)
    )
    return NewAccount(staff, chosen)


async def set_password(
    session: AsyncSession, staff: Staff, password: str, *, now: datetime, actor: str
) -> None:
    """Give an account another password and end its sessions."""
    check_password(password)
    staff.password_hash = await asyncio.to_thread(_hasher.hash, password)
    staff.session_version += 1
    session.add(staff)
    await audit.record(session, now, actor=actor, action="staff.password", subject=staff.email)


async def change_staff(
    session: AsyncSession, staff_id: int, *, role: Role, active: bool, now: datetime, actor: str
) -> Staff:
    """Change what somebody may do, or switch the account off; their sessions end.

    Raises
    ------
    Refusal
        There is no such account, or no administrator would be left.
    """
    staff = await session.get(Staff, staff_id, with_for_update=True)
    if staff is None:
        raise Refusal("There is no such account.")
    if staff.role is Role.ADMIN and staff.active and not (role is Role.ADMIN and active):
        others = await session.scalar(
            select(func.count())
            .select_from(Staff)
            .where(col(Staff.role) == Role.ADMIN, col(Staff.active), col(Staff.id) != staff.id)
        )
        if not others:
            raise Refusal("One administrator has to stay.")
    before = {"role": str(staff.role), "active": staff.active}
    staff.role, staff.active = role, active
    staff.session_version += 1
    session.add(staff)
    await audit.record(
        session,
        now,
        actor=actor,
        action="staff.changed",
        subject=staff.email,
        before=before,
        after={"role": str(role), "active": active},
    )
    return staff


async def sign_in(
    database: Database, email: str, password: str, *, code: str, address: str, now: datetime
) -> Staff | None:
    """Return who signs in, or None when anything about it is wrong.

    Parameters
    ----------
    code
        The one-time code of accounts that have one; otherwise not looked at.
    address
        Where the request comes from.

    Raises
    ------
    TooManyAttempts
        Too many failures in the last minutes.
    """
    try:
        wanted = normal_email(email)
    except Refusal:
        wanted = email.strip().lower()[:254]
    limits = {
        _key("pair", wanted, address): LIMIT_PAIR,
        _key("address", address): LIMIT_ADDRESS,
        _key("account", wanted): LIMIT_ACCOUNT,
    }
    async with database.writing() as session:
        await _count_attempt(session, limits, now)
        staff = await session.scalar(select(Staff).where(Staff.email == wanted))
    known = staff is not None and staff.active
    hashed = staff.password_hash if staff is not None and known else _nobody()
    right = await asyncio.to_thread(_verify, hashed, password[:MAXIMUM_PASSWORD])
    if staff is None or not known or not right or not _code_fits(staff, code, now):
        async with database.writing() as session:
            await audit.record(
                session, now, actor="nobody", action="sign-in.failed", subject=address
            )
        return None
    async with database.writing() as session:
        pair = await session.get(SignInAttempts, _key("pair", wanted, address))
        if pair is not None:
            await session.delete(pair)
        await audit.record(
            session, now, actor=staff.email, action="sign-in", subject=staff.email, address=address
        )
    return staff


async def _count_attempt(session: AsyncSession, limits: dict[str, int], now: datetime) -> None:
    """Count one more try under each key, forgetting windows that have passed."""
    await session.execute(delete(SignInAttempts).where(col(SignInAttempts.since) < now - WINDOW))
    for key in sorted(limits):
        attempts = await session.get(SignInAttempts, key, with_for_update=True)
        if attempts is None:
            attempts = SignInAttempts(key=key, since=now)
        if attempts.count >= limits[key]:
            raise TooManyAttempts("Too many failed sign-ins. Please wait 15 minutes.")
        attempts.count += 1
        session.add(attempts)
    await session.flush()


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _nobody() -> str:
    """The hash that is checked when there is no account, so that it takes as long."""
    return _hasher.hash(secrets.token_urlsafe(15))


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _code_fits(staff: Staff, code: str, now: datetime) -> bool:
    if staff.totp_secret is None:
        return True
    return pyotp.TOTP(staff.totp_secret).verify(code.strip(), for_time=now, valid_window=1)
