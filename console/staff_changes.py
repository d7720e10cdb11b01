"""Changes of accounts that need more than one look: a second administrator, or an end for good."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from console import passkeys, recovery
from console.access import has_role
from console.accounts import state_of
from console.models import Role, Staff
from core import audit
from core.errors import Refusal
from core.text import clean

NOBODYS = "!"
"""A password hash that no password fits."""


async def agree(session: AsyncSession, staff_id: int, *, now: datetime, actor: str) -> Staff:
    """Make somebody an administrator whom another administrator asked for; their sessions end.

    Raises
    ------
    Refusal
        Nobody asked for it, or it was the same person who asks and agrees, or it is about oneself.
    """
    staff = await _locked(session, staff_id)
    if staff.promotion_asked_by is None or staff.closed_at is not None:
        raise Refusal("Nobody asked for this.")
    if actor in (staff.promotion_asked_by, staff.email):
        raise Refusal("A second administrator has to agree to this.")
    before = state_of(staff)
    asked_by, staff.promotion_asked_by = staff.promotion_asked_by, None
    kept = tuple(role for role in staff.roles if role is not Role.VIEWER)
    staff.roles = (Role.ADMIN, *kept)
    staff.session_version += 1
    session.add(staff)
    await audit.record(
        session,
        now,
        actor=actor,
        action="staff.promoted",
        subject=f"staff:{staff.email}",
        asked_by=asked_by,
        before=before,
        after=state_of(staff),
    )
    return staff


async def refuse(session: AsyncSession, staff_id: int, *, now: datetime, actor: str) -> Staff:
    """Say no to a promotion, or take one's own question back.

    Raises
    ------
    Refusal
        Nobody asked for it.
    """
    staff = await _locked(session, staff_id)
    if staff.promotion_asked_by is None:
        raise Refusal("Nobody asked for this.")
    asked_by, staff.promotion_asked_by = staff.promotion_asked_by, None
    session.add(staff)
    await audit.record(
        session,
        now,
        actor=actor,
        action="staff.promotion_refused",
        subject=f"staff:{staff.email}",
        asked_by=asked_by,
    )
    return staff


async def close_account(
    session: AsyncSession, staff_id: int, *, now: datetime, actor: str
) -> Staff:
    """Close an account for good: sessions end at once, and nothing opens it again.

    The address and the name stay, because the audit trail names them.

    Raises
    ------
    Refusal
        There is no such account, it is one's own, or no administrator would be left.
    """
    await session.execute(
        select(Staff.id).where(has_role(Role.ADMIN)).order_by(col(Staff.id)).with_for_update()
    )
    staff = await _locked(session, staff_id)
    if staff.email == actor:
        raise Refusal("Nobody closes their own account.")
    if staff.closed_at is not None:
        raise Refusal("This account is closed.")
    if Role.ADMIN in staff.roles and staff.active and not await _others(session, staff):
        raise Refusal("One administrator has to stay.")
    before = state_of(staff)
    staff.closed_at, staff.active = now, False
    staff.password_hash, staff.totp_secret = NOBODYS, None
    staff.provider_subject, staff.promotion_asked_by = None, None
    staff.session_version += 1
    session.add(staff)
    await recovery.forget(session, staff_id)
    await passkeys.forget(session, staff_id)
    await audit.record(
        session,
        now,
        actor=actor,
        action="staff.closed",
        subject=f"staff:{staff.email}",
        before=before,
    )
    return staff


async def rename(session: AsyncSession, staff: Staff, name: str, now: datetime) -> None:
    """Give one's own locked account another name.

    Raises
    ------
    Refusal
        It is empty.
    """
    wanted = clean(name, line=True)[:80].strip()
    if not wanted:
        raise Refusal("Enter your name.")
    if wanted == staff.name:
        return
    before, staff.name = staff.name, wanted
    session.add(staff)
    await audit.record(
        session,
        now,
        actor=staff.email,
        action="staff.renamed",
        subject=f"staff:{staff.email}",
        before=before,
        after=wanted,
    )


async def _locked(session: AsyncSession, staff_id: int) -> Staff:
    staff = await session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if staff is None:
        raise Refusal("There is no such account.")
    return staff


async def _others(session: AsyncSession, staff: Staff) -> int:
    found = await session.scalar(
        select(func.count())
        .select_from(Staff)
        .where(has_role(Role.ADMIN), col(Staff.active), col(Staff.id) != staff.id)
    )
    return found or 0
