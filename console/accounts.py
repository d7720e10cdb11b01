"""Staff accounts: create, change, and check sign-ins.

A wrong password, an unknown address and a switched-off account look the same and take the same
time; failures are counted before the password is looked at, so that guessing in parallel gains
nothing. Hashing takes a tenth of a second and is done before a transaction begins, so that other
writers do not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from console import passkeys, passwords, recovery
from console.access import has_role
from console.attempts import Limits, Origin, key, note_failure
from console.encryption import Encryption, WrongKey
from console.hashing import KNOWN, STRANGERS
from console.models import Role, SignInAttempts, SignInWay, Staff
from console.one_time import step_of
from console.passwords import Password
from console.sessions import IDLE
from core import audit
from core.database import Database, add_new
from core.errors import Refusal
from core.text import clean

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Proved:
    """An account whose owner it is, and how that was shown."""

    staff: Staff
    way: SignInWay


@dataclass(frozen=True)
class NewAccount:
    """An account and its new password, which is shown once and not stored."""

    staff: Staff
    password: str


def normal_email(email: str) -> str:
    """Return an e-mail address in the form for comparison.

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


def roles_called(names: Iterable[str]) -> tuple[Role, ...]:
    """Return the roles of those names, in the order of the table.

    Raises
    ------
    Refusal
        One is no role, or there is none.
    """
    wanted = set(names)
    for name in sorted(wanted - set(Role)):
        raise Refusal(
            "There is no role {role}; roles are {roles}.", role=name[:40], roles=", ".join(Role)
        )
    if not wanted:
        raise Refusal("Choose at least one role.")
    return tuple(role for role in Role if role in wanted)


def departments_called(codes: Iterable[str], city: City | None) -> tuple[str, ...]:
    """Return those of the codes that are departments of the city, in its order.

    Raises
    ------
    Refusal
        One is none.
    """
    wanted = set(codes)
    known = [each.code for each in city.departments] if city else []
    for code in sorted(wanted - set(known)):
        raise Refusal("The city has no department {code}.", code=code[:40])
    return tuple(code for code in known if code in wanted)


def _refuse_role_of_nothing(roles: Iterable[Role], departments: Iterable[str]) -> None:
    if Role.DEPARTMENT in roles and not any(departments):
        raise Refusal("Choose the department whose topics and words this account may write.")


def known_of(email: str, name: str = "", city: City | None = None) -> tuple[str, ...]:
    """Return public facts about an account, which must not be its password."""
    return (email, name, *(city.name.values() if city else ()))


async def everybody(session: AsyncSession) -> list[Staff]:
    """Return all accounts in the order of their addresses."""
    return list(await session.scalars(select(Staff).order_by(col(Staff.email))))


async def names(session: AsyncSession) -> dict[str, str]:
    """Return the names of all accounts that have one, by address."""
    found = await session.execute(
        select(col(Staff.email), col(Staff.name)).where(col(Staff.name) != "")
    )
    return {each.email: each.name for each in found}


async def names_of(session: AsyncSession, emails: Iterable[str]) -> dict[str, str]:
    """Return the names of accounts by address; one without a name, or none, has its address."""
    wanted = list(dict.fromkeys(emails))
    found = await session.execute(
        select(col(Staff.email), col(Staff.name)).where(col(Staff.email).in_(wanted))
    )
    return {**dict(zip(wanted, wanted, strict=True)), **{e: name or e for e, name in found}}


async def add_staff(
    session: AsyncSession,
    email: str,
    role: Role | str | Iterable[str],
    password: Password,
    *,
    now: datetime,
    actor: str = "shell",
    name: str = "",
    departments: tuple[str, ...] = (),
    promoted_by: str | None = None,
) -> NewAccount:
    """Create an account in the caller's transaction.

    Parameters
    ----------
    role
        One role, or several.
    promoted_by
        The administrator who wants the account to be one too, which a second one has to agree to.
    password
        ``await passwords.chosen(…)``, or ``await passwords.made_up()``, which is given to the
        person and changed at the first sign-in.

    Raises
    ------
    Refusal
        The address or role is not one, the role of a department has none, or the account exists.
    """
    address = normal_email(email)
    wanted = roles_called([role] if isinstance(role, str) else role)
    _refuse_role_of_nothing(wanted, departments)
    taken = Refusal("{email} already has an account.", email=address)
    if await session.scalar(select(Staff.id).where(Staff.email == address)):
        raise taken
    staff = Staff(
        email=address,
        name=clean(name, line=True)[:80],
        roles=wanted,
        departments=departments,
        promotion_asked_by=promoted_by,
        password_hash=password.hashed,
        created_at=now,
    )
    await add_new(session, staff, taken)
    await audit.record(
        session,
        now,
        actor=actor,
        action="staff.added",
        subject=f"staff:{address}",
        roles=list(wanted),
        **({"departments": list(departments)} if departments else {}),
        **({"promotion_asked_by": promoted_by} if promoted_by else {}),
    )
    return NewAccount(staff, password.shown)


async def set_password(
    session: AsyncSession, staff: Staff, password: Password, *, now: datetime, actor: str
) -> None:
    """Set the password that the owner of a locked account chose, and end its sessions."""
    staff.password_hash = password.hashed
    staff.session_version += 1
    session.add(staff)
    await audit.record(
        session, now, actor=actor, action="staff.password_changed", subject=f"staff:{staff.email}"
    )


async def change_staff(
    session: AsyncSession,
    staff_id: int,
    *,
    roles: tuple[Role, ...],
    departments: tuple[str, ...] = (),
    active: bool,
    now: datetime,
    actor: str,
    name: str | None = None,
    needs_second: bool = True,
) -> Staff:
    """Change what somebody may do, or switch the account off; their sessions end.

    The role of an administrator waits until a second administrator agrees
    (``console.staff_changes``), but for whoever runs the service and changes it in the shell
    (``needs_second`` is False).

    Raises
    ------
    Refusal
        There is no such account, no administrator would be left, or the role of a department
        has none.
    """
    _refuse_role_of_nothing(roles, departments)
    # All administrators, locked in a fixed order, so that two who demote each other take turns.
    await session.execute(
        select(Staff.id).where(has_role(Role.ADMIN)).order_by(col(Staff.id)).with_for_update()
    )
    staff = await session.get(Staff, staff_id, with_for_update=True)
    if staff is None:
        raise Refusal("There is no such account.")
    stays = Role.ADMIN in roles and active
    if Role.ADMIN in staff.roles and staff.active and not stays:
        others = await session.scalar(
            select(func.count())
            .select_from(Staff)
            .where(has_role(Role.ADMIN), col(Staff.active), col(Staff.id) != staff.id)
        )
        if not others:
            raise Refusal("One administrator has to stay.")
    if staff.closed_at is not None:
        raise Refusal("This account is closed.")
    before = state_of(staff)
    if needs_second and Role.ADMIN in roles and Role.ADMIN not in staff.roles:
        # A second administrator has to agree first.
        roles = without_admin(roles)
        staff.promotion_asked_by = actor
    staff.roles, staff.departments, staff.active = roles, departments, active
    if name is not None:
        staff.name = clean(name, line=True)[:80]
    staff.session_version += 1
    session.add(staff)
    await audit.record(
        session,
        now,
        actor=actor,
        action="staff.changed",
        subject=f"staff:{staff.email}",
        before=before,
        after=state_of(staff),
    )
    return staff


def state_of(staff: Staff) -> dict[str, Any]:
    """What the trail says an account may do."""
    found: dict[str, Any] = {"roles": list(staff.roles), "active": staff.active}
    if staff.name:
        found["name"] = staff.name
    if staff.departments:
        found["departments"] = list(staff.departments)
    if staff.promotion_asked_by:
        found["promotion_asked_by"] = staff.promotion_asked_by
    return found


def without_admin(roles: Iterable[Role]) -> tuple[Role, ...]:
    """Return the roles that hold while the one of an administrator waits."""
    return tuple(role for role in roles if role is not Role.ADMIN) or (Role.VIEWER,)


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
    session: AsyncSession, staff_id: int, password: Password, *, now: datetime, actor: str
) -> NewAccount:
    """Reset the account of somebody who lost password or phone: a new password, no one-time code,
    no passkey.

    The password is given to the person, and changed at the next sign-in.

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
    if staff.closed_at is not None:
        raise Refusal("This account is closed.")
    staff.password_hash = password.hashed
    staff.totp_secret = None
    staff.session_version += 1
    session.add(staff)
    await recovery.forget(session, staff_id)
    await passkeys.forget(session, staff_id)
    await audit.record(
        session, now, actor=actor, action="staff.reset", subject=f"staff:{staff.email}"
    )
    return NewAccount(staff, password.shown)


async def set_one_time(
    session: AsyncSession,
    staff: Staff,
    secret: str | None,
    encryption: Encryption,
    *,
    now: datetime,
    actor: str,
) -> tuple[str, ...]:
    """Turn on one-time codes with this key for a locked account, or turn them off.

    Other sessions end. Returns the new recovery codes, which are shown once.
    """
    assert staff.id is not None
    staff.totp_secret = None if secret is None else encryption.encrypt(staff.id, secret)
    staff.session_version += 1
    session.add(staff)
    action = "staff.codes_disabled" if secret is None else "staff.codes_enabled"
    await audit.record(session, now, actor=actor, action=action, subject=f"staff:{staff.email}")
    if secret is not None:
        return await recovery.replace(session, staff.id)
    await recovery.forget(session, staff.id)
    return ()


async def sign_in(
    database: Database,
    encryption: Encryption,
    email: str,
    password: str,
    *,
    code: str,
    origin: Origin,
    now: datetime,
) -> Proved | None:
    """Return the account that signs in, or None if anything is wrong; see :func:`prove`."""
    proved = await prove(database, encryption, email, password, code=code, origin=origin, now=now)
    if proved is None:
        return None
    async with database.writing() as session:
        return await opened(session, proved, origin=origin, now=now)


async def opened(session: AsyncSession, proved: Proved, *, origin: Origin, now: datetime) -> Proved:
    """Write down that somebody signed in, and how."""
    staff = await session.get_one(Staff, proved.staff.id, with_for_update=True)
    staff.signed_in_at, staff.signed_in_by = now, proved.way
    session.add(staff)
    await audit.record(
        session,
        now,
        actor=staff.email,
        action="session.opened",
        subject=f"staff:{staff.email}",
        address=origin.address,
        way=proved.way,
    )
    return Proved(staff, proved.way)


async def sign_out(session: AsyncSession, staff: Staff, nonce: str, now: datetime) -> None:
    """End one session for good: a copy of its cookie opens nothing either."""
    # First, because its lock lets the second of two presses see the first one's change.
    await audit.record(
        session, now, actor=staff.email, action="session.closed", subject=f"staff:{staff.email}"
    )
    # Nothing extends the session from now on, so it ends after IDLE.
    await session.merge(SignInAttempts(key=key("ended", nonce), count=1, since=now + IDLE))


async def is_signed_out(session: AsyncSession, nonce: str) -> bool:
    """Whether the session of that name was ended by signing out."""
    return await session.get(SignInAttempts, key("ended", nonce)) is not None


async def prove(
    database: Database,
    encryption: Encryption,
    email: str,
    password: str,
    *,
    code: str,
    origin: Origin,
    now: datetime,
) -> Proved | None:
    """Return the account with this password and code, or None if anything is wrong.

    After too many tries, or while too many others try, it is refused before anything is written or
    hashed.

    Parameters
    ----------
    code
        The one-time code or a recovery code, for accounts that have one; otherwise ignored.
    origin
        Where the request comes from.

    Raises
    ------
    TooManyAttempts
        Too many failures in the last minutes.
    TooBusy
        Too many sign-ins at this moment.
    WrongKey
        The password is right, and the key of the codes cannot be read.
    """
    try:
        wanted = normal_email(email)
    except Refusal:
        wanted = email.strip().lower()[:254]
    # A browser with our mark has its own places, however many others try meanwhile.
    lane = KNOWN if origin.device else STRANGERS
    async with lane.place():
        async with database.reading() as session:
            staff = await session.scalar(select(Staff).where(Staff.email == wanted))
            limits = Limits.of(origin, wanted, staff)
            await limits.check(session, now)
        async with database.writing() as session:
            await limits.count(session, now)
        known = staff is not None and staff.active
        # Made in every case: the first stranger after a start must not wait longer for it.
        hashed = await lane.run(passwords.nobodys)
        if staff is not None and known:
            hashed = staff.password_hash
        right = await lane.run(passwords.fits, hashed, password)
        async with database.writing() as session:
            proved = staff is not None and known and right
            way = None
            if staff is not None and proved:
                way = await _code_fits(session, encryption, staff, code, now)
            if staff is not None and way is not None:
                await limits.uncount(session)
                return Proved(staff, way)
            await note_failure(session, origin, now)
    return None


async def _code_fits(
    session: AsyncSession, encryption: Encryption, staff: Staff, code: str, now: datetime
) -> SignInWay | None:
    """How the account is proved if the one-time code is right and was not used before (RFC 6238,
    section 5.2), or is an unused recovery code; else None.
    """
    current = await session.get(Staff, staff.id, with_for_update=True)
    if current is None or not current.active or current.password_hash != staff.password_hash:
        return None  # changed while the password was looked at
    if current.totp_secret is None:
        return SignInWay.PASSWORD
    assert current.id is not None
    if await recovery.use(session, current.id, code):
        await audit.record(
            session,
            now,
            actor=current.email,
            action="staff.recovery_used",
            subject=f"staff:{current.email}",
            left=await recovery.left(session, current.id),
        )
        return SignInWay.RECOVERY
    try:
        secret = encryption.decrypt(current.id, current.totp_secret)
    except WrongKey:
        log.error("codes.unreadable", reason="TODOKE_SECRET_KEY is another")
        raise
    step = step_of(secret, code, now)
    if step is None or not await use_code(session, current, step, now):
        return None
    return SignInWay.PASSWORD


async def use_code(session: AsyncSession, staff: Staff, step: int, now: datetime) -> bool:
    """Use the code of a half-minute; False if it was used before."""
    used = key("code", staff.email, str(step))
    if await session.get(SignInAttempts, used) is not None:
        return False
    session.add(SignInAttempts(key=used, count=1, since=now))
    await session.flush()
    return True
