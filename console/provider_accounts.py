"""Accounts of people who sign in by the city's OIDC provider: their groups say what they may do."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from console import passwords
from console.accounts import Proved, departments_called, normal_email, state_of
from console.models import Role, SignInWay, Staff
from console.provider import ProviderPerson
from core import audit
from core.database import Database
from core.errors import Refusal
from core.languages import mark
from core.text import clean

NO_GROUP = mark(
    "The city's sign-in knows you, but none of your groups may use Todoke. Ask whoever runs the "
    "accounts of your city."
)
SWITCHED_OFF = mark("This account is switched off.")
OF_ANOTHER = mark(
    "There is an account with your address that was made here. Sign in with its password; an "
    "administrator can close it, so that you come by the city's sign-in."
)


def granted(city: City, groups: frozenset[str]) -> tuple[tuple[Role, ...], tuple[str, ...]]:
    """Return the roles and departments that somebody has by their groups."""
    mapped = [one for one in city.sign_in.groups if one.group in groups]
    roles = {role for one in mapped for role in one.roles}
    departments = {code for one in mapped for code in one.departments}
    return (
        tuple(role for role in Role if role in roles),
        departments_called(departments, city),
    )


async def account_of(
    database: Database, city: City, person: ProviderPerson, now: datetime
) -> Proved:
    """Return the account of somebody whom the provider let in, as their groups say; a new one is
    made.

    Raises
    ------
    Refusal
        No group of theirs is mapped, the account is switched off, or their address belongs to an
        account that is not theirs for sure.
    """
    roles, departments = granted(city, person.groups)
    if not roles:
        async with database.writing() as session:
            await audit.record(
                session,
                now,
                actor="nobody",
                action="session.refused",
                subject=f"provider:{person.email or person.subject}"[:300],
                reason="no mapped group",
            )
        raise Refusal(NO_GROUP)
    # Nobody knows it; hashing takes a tenth of a second and is done before the transaction.
    password = await passwords.chosen(secrets.token_urlsafe(32))
    async with database.writing() as session:
        staff = await session.scalar(
            select(Staff).where(col(Staff.provider_subject) == person.subject).with_for_update()
        )
        if staff is None:
            email = normal_email(person.email)
            staff = await session.scalar(
                select(Staff).where(func.lower(Staff.email) == email).with_for_update()
            )
            if staff is not None and (not person.email_verified or staff.provider_subject):
                raise Refusal(OF_ANOTHER)
            if staff is None:
                staff = Staff(
                    email=email,
                    name=clean(person.name, line=True)[:80],
                    roles=roles,
                    departments=departments,
                    password_hash=password.hashed,
                    created_at=now,
                )
                before = None
                action = "staff.added"
            else:
                before = state_of(staff)
                action = "staff.joined_provider"
            staff.provider_subject = person.subject
        else:
            before = state_of(staff)
            action = "staff.changed"
        if not staff.active:
            raise Refusal(SWITCHED_OFF)
        changed = (staff.roles, staff.departments) != (roles, departments)
        if changed:
            staff.session_version += 1
        staff.roles, staff.departments = roles, departments
        session.add(staff)
        await session.flush()
        if action != "staff.changed" or changed:
            await audit.record(
                session,
                now,
                actor="provider",
                action=action,
                subject=f"staff:{staff.email}",
                **({} if before is None else {"before": before}),
                after=state_of(staff),
            )
    return Proved(staff, SignInWay.PROVIDER)


async def end_sessions(session: AsyncSession, subject: str, now: datetime) -> None:
    """End the sessions of whoever the provider has signed out, in the caller's transaction."""
    staff = await session.scalar(
        select(Staff).where(col(Staff.provider_subject) == subject).with_for_update()
    )
    if staff is None:
        return
    staff.session_version += 1
    await audit.record(
        session,
        now,
        actor=staff.email,
        action="session.closed_by_provider",
        subject=f"staff:{staff.email}",
    )
