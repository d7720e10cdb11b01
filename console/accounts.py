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

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from console.models import HANDED_OVER, Role, SignInAttempts, Staff
from console.one_time import step_of
from console.sessions import IDLE
from console.words import Refusal, mark
from core import audit
from core.database import Database
from core.typed import clean

MINIMUM_PASSWORD = 12
MAXIMUM_PASSWORD = 256
WINDOW = timedelta(minutes=15)
LIMIT_PAIR = 5
"""Failures of one address on one account in a window."""
LIMIT_ADDRESS = 30
LIMIT_ACCOUNT = 60
"""Of one account from anywhere: high, so that nobody can shut a duty officer out cheaply."""

_hasher = PasswordHasher()


class TooManyAttempts(Refusal):
    """Signing in is closed for this address and account until the window has passed."""

    def __init__(self) -> None:
        super().__init__(mark("Too many failed sign-ins. Please wait 15 minutes."))


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
    odd = any(c.isspace() for c in address) or clean(address) != address
    if not (at and local and domain) or len(address) > 254 or odd:
        raise Refusal("This is not an e-mail address: {email}", email=email.strip()[:80])
    return address


def role_called(name: str) -> Role:
    """Return the role of that name.

    Raises
    ------
    Refusal
        There is none.
    """
    if name not in list(Role):
        raise Refusal(
            "There is no role {role}; roles are {roles}.", role=name[:40], roles=", ".join(Role)
        )
    return Role(name)


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
        The person's own. Where none is given one is made up, to be handed over and changed at
        the first sign-in.

    Raises
    ------
    Refusal
        The address or role is not one, the password too short, or the account exists.
    """
    address = normal_email(email)
    wanted = role_called(role)
    if password is not None:
        check_password(password)
    if await session.scalar(select(Staff.id).where(Staff.email == address)):
        raise Refusal("{email} already has an account.", email=address)
    chosen, hashed = await _made_up() if password is None else (password, await _hash(password))
    staff = Staff(
        email=address,
        name=clean(name, line=True)[:80],
        role=wanted,
        password_hash=hashed,
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
    """Give an account the password its owner chose, and end its sessions."""
    check_password(password)
    staff.password_hash = await _hash(password)
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


async def staff_called(session: AsyncSession, email: str) -> int:
    """Return the id of the account with that address.

    Raises
    ------
    Refusal
        There is none.
    """
    found = await session.scalar(select(Staff.id).where(Staff.email == normal_email(email)))
    if found is None:
        raise Refusal("There is no such account.")
    return int(found)


async def reset_staff(
    session: AsyncSession, staff_id: int, *, now: datetime, actor: str
) -> NewAccount:
    """Let somebody in again who lost password or phone: another password, no one-time code.

    The password is to be handed over, and changed at the next sign-in.

    Raises
    ------
    Refusal
        There is no such account, or it is one's own.
    """
    staff = await session.get(Staff, staff_id, with_for_update=True)
    if staff is None:
        raise Refusal("There is no such account.")
    if staff.email == actor:
        raise Refusal("Change your own password under your account.")
    chosen, staff.password_hash = await _made_up()
    staff.totp_secret = None
    staff.session_version += 1
    session.add(staff)
    await audit.record(session, now, actor=actor, action="staff.reset", subject=staff.email)
    return NewAccount(staff, chosen)


async def set_one_time(
    session: AsyncSession, staff: Staff, secret: str | None, *, now: datetime, actor: str
) -> None:
    """Ask for one-time codes of this key from now on, or for none; other sessions end."""
    staff.totp_secret = secret
    staff.session_version += 1
    session.add(staff)
    action = "staff.code-off" if secret is None else "staff.code-on"
    await audit.record(session, now, actor=actor, action=action, subject=staff.email)


async def sign_in(
    database: Database, email: str, password: str, *, code: str, address: str, now: datetime
) -> Staff | None:
    """Return who signs in, or None when anything about it is wrong; see :func:`prove`."""
    staff = await prove(database, email, password, code=code, address=address, now=now)
    if staff is not None:
        async with database.writing() as session:
            await audit.record(
                session,
                now,
                actor=staff.email,
                action="sign-in",
                subject=staff.email,
                address=address,
            )
    return staff


async def sign_out(session: AsyncSession, staff: Staff, nonce: str, now: datetime) -> None:
    """End one session for good: a copy of its cookie opens nothing either."""
    # First, for its lock lets the second of two presses see what the first one did.
    await audit.record(session, now, actor=staff.email, action="sign-out", subject=staff.email)
    # Nothing lets the session go on from now, so it is over by itself after IDLE.
    await session.merge(SignInAttempts(key=_key("ended", nonce), count=1, since=now + IDLE))


async def is_signed_out(session: AsyncSession, nonce: str) -> bool:
    """Whether the session of that name was ended by signing out."""
    return await session.get(SignInAttempts, _key("ended", nonce)) is not None


async def prove(
    database: Database, email: str, password: str, *, code: str, address: str, now: datetime
) -> Staff | None:
    """Return whose password and code these are, or None when anything about them is wrong.

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
    pair = _key("pair", wanted, address)
    limits = {
        pair: LIMIT_PAIR,
        _key("address", address): LIMIT_ADDRESS,
        _key("account", wanted): LIMIT_ACCOUNT,
    }
    async with database.writing() as session:
        await _count_attempt(session, limits, now)
        staff = await session.scalar(select(Staff).where(Staff.email == wanted))
    known = staff is not None and staff.active
    hashed = staff.password_hash if staff is not None and known else _nobody()
    right = await asyncio.to_thread(_verify, hashed, password[:MAXIMUM_PASSWORD])
    async with database.writing() as session:
        if staff and known and right and await _code_fits(session, staff, code, now):
            await _uncount_attempt(session, limits, pair)
            return staff
        await audit.record(session, now, actor="nobody", action="sign-in.failed", subject=address)
    return None


async def _count_attempt(session: AsyncSession, limits: dict[str, int], now: datetime) -> None:
    """Count one more try under each key, forgetting windows that have passed."""
    await session.execute(delete(SignInAttempts).where(col(SignInAttempts.since) < now - WINDOW))
    for key in sorted(limits):
        attempts = await session.get(SignInAttempts, key, with_for_update=True)
        if attempts is None:
            attempts = SignInAttempts(key=key, since=now)
        if attempts.count >= limits[key]:
            raise TooManyAttempts
        attempts.count += 1
        session.add(attempts)
    await session.flush()


async def _uncount_attempt(session: AsyncSession, limits: dict[str, int], pair: str) -> None:
    """Take back a try that was right: many people sign in from behind one address.

    What this person got wrong from here before is forgotten too.
    """
    for key in sorted(limits):
        attempts = await session.get(SignInAttempts, key, with_for_update=True)
        if attempts is None:
            continue
        attempts.count -= 1
        if key == pair or attempts.count <= 0:
            await session.delete(attempts)
        else:
            session.add(attempts)


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def _made_up() -> tuple[str, str]:
    """Return a new password and the hash that says it is to be changed."""
    password = secrets.token_urlsafe(15)
    return password, HANDED_OVER + await _hash(password)


async def _hash(password: str) -> str:
    return await asyncio.to_thread(_hasher.hash, password)


@cache
def _nobody() -> str:
    """The hash that is checked when there is no account, so that it takes as long."""
    return _hasher.hash(secrets.token_urlsafe(15))


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed.removeprefix(HANDED_OVER), password)
    except (VerificationError, InvalidHashError):
        return False


async def _code_fits(session: AsyncSession, staff: Staff, code: str, now: datetime) -> bool:
    """Whether the one-time code is right and was not used before (RFC 6238, section 5.2)."""
    current = await session.get(Staff, staff.id, with_for_update=True)
    if current is None or current.totp_secret is None:
        return current is not None
    step = step_of(current.totp_secret, code, now)
    if step is None:
        return False
    used = _key("code", current.email, str(step))
    if await session.get(SignInAttempts, used) is not None:
        return False
    session.add(SignInAttempts(key=used, count=1, since=now))
    return True
