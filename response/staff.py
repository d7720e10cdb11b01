"""The register of staff who can be called: who they are, and how they are reached."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.errors import BadInput
from core.mail_settings import MAIL_ADDRESS
from core.text import clean
from response import staff_messages
from response.models import StaffLineLink, StaffMember, StaffWay
from response.reasons import reason

MOST_NAME = 64
MOST_TEAM = 32
ACTIONS = (
    *("staff_member.added", "staff_member.changed", "staff_member.removed"),
    *("staff_member.code_made", "staff_member.joined", "staff_member.left"),
)
"""What the audit trail says of them."""


@dataclass(frozen=True)
class Entry:
    """What is known of a member of staff, as it is typed or imported.

    ``account`` is the e-mail address of their account of the console. An empty ``language`` means
    the city's first one.
    """

    name: str
    department: str
    mail: str = ""
    team: str = ""
    language: str = ""
    account: str = ""

    def checked(self, city: City) -> Entry:
        """Return it without invisible characters.

        Raises
        ------
        BadInput
            A part is missing or cannot be.
        """
        name, team = clean(self.name, line=True), clean(self.team, line=True)
        mail, account = self.mail.strip().lower(), self.account.strip().lower()
        language = self.language or city.languages[0]
        if not 0 < len(name) <= MOST_NAME:
            raise BadInput(reason("staff.name", most=MOST_NAME))
        if len(team) > MOST_TEAM:
            raise BadInput(reason("staff.team", most=MOST_TEAM))
        if all(each.code != self.department for each in city.departments):
            raise BadInput(reason("staff.department", department=self.department))
        for address in filter(None, (mail, account)):
            if not MAIL_ADDRESS.fullmatch(address):
                raise BadInput(reason("staff.mail", address=address))
        if language not in city.languages:
            raise BadInput(reason("staff.language", language=language))
        return Entry(name, self.department, mail, team, language, account)


async def add(
    session: AsyncSession, city: City, entry: Entry, now: datetime, *, actor: str
) -> StaffMember:
    """Add a member of staff.

    Raises
    ------
    BadInput
        The entry cannot be, or somebody else has its address or account.
    """
    entry = entry.checked(city)
    await _require_free(session, entry, None)
    member = StaffMember(
        name=entry.name,
        department=entry.department,
        team=entry.team,
        mail=entry.mail,
        language=entry.language,
        account=entry.account,
        added_at=now,
        changed_at=now,
    )
    session.add(member)
    await session.flush()
    await note(session, now, actor, "staff_member.added", member)
    return member


async def change(
    session: AsyncSession,
    city: City,
    member_id: int,
    entry: Entry,
    now: datetime,
    *,
    active: bool,
    actor: str,
) -> StaffMember:
    """Change what is known of a member of staff; raises as :func:`add`.

    What waits for them follows to their new mail address, or is stopped if they are not called any
    more or have no mail address.
    """
    entry = entry.checked(city)
    member = await locked(session, member_id)
    await _require_free(session, entry, member_id)
    for name in ("name", "department", "team", "mail", "language", "account"):
        setattr(member, name, getattr(entry, name))
    member.active, member.changed_at = active, now
    session.add(member)
    await session.flush()
    for way in StaffWay:
        if not active or (way is StaffWay.MAIL and not member.mail):
            await staff_messages.stop_to(session, member_id, way, reason("staff-message.left"), now)
    if active and member.mail:
        await staff_messages.follow_address(session, member_id, StaffWay.MAIL, member.mail)
    await note(session, now, actor, "staff_member.changed", member)
    return member


async def remove(session: AsyncSession, member_id: int, now: datetime, *, actor: str) -> None:
    """Erase a member of staff with their link, messages and answers."""
    member = await locked(session, member_id)
    await note(session, now, actor, "staff_member.removed", member)
    await session.execute(delete(StaffMember).where(col(StaffMember.id) == member_id))


async def locked(session: AsyncSession, member_id: int) -> StaffMember:
    """Return a member of staff, locked until the transaction ends.

    Raises
    ------
    BadInput
        There is nobody with this number.
    """
    member = await session.get(StaffMember, member_id, with_for_update=True)
    if member is None:
        raise BadInput(reason("staff.missing"))
    return member


async def members(
    session: AsyncSession,
    *,
    departments: Collection[str] = (),
    teams: Collection[str] = (),
) -> list[StaffMember]:
    """Return active members of these departments and of these teams; of neither means all."""
    wanted: list[ColumnElement[bool]] = []
    if departments:
        wanted.append(col(StaffMember.department).in_(departments))
    if teams:
        wanted.append(col(StaffMember.team).in_(teams))
    query = select(StaffMember).where(col(StaffMember.active))
    if wanted:
        query = query.where(or_(*wanted))
    order = (col(StaffMember.department), col(StaffMember.name), col(StaffMember.id))
    return list(await session.scalars(query.order_by(*order)))


async def everybody(session: AsyncSession) -> list[StaffMember]:
    """Return the whole list, by department and name, also who is not called."""
    order = (col(StaffMember.department), col(StaffMember.name), col(StaffMember.id))
    return list(await session.scalars(select(StaffMember).order_by(*order)))


async def members_of_accounts(
    session: AsyncSession, accounts: Iterable[str]
) -> dict[str, StaffMember]:
    """Return the active members who have these accounts of the console, by the account's e-mail."""
    wanted = sorted({account.lower() for account in accounts})
    found = await session.scalars(
        select(StaffMember).where(col(StaffMember.account).in_(wanted), col(StaffMember.active))
    )
    return {member.account: member for member in found}


async def member_of_user(session: AsyncSession, line_user_id: str) -> StaffMember | None:
    """Return the member of staff who joined with this LINE account."""
    query = select(StaffMember).join(
        StaffLineLink, col(StaffLineLink.member_id) == col(StaffMember.id)
    )
    return await session.scalar(query.where(col(StaffLineLink.line_user_id) == line_user_id))


async def _require_free(session: AsyncSession, entry: Entry, own_id: int | None) -> None:
    for column, value in ((StaffMember.mail, entry.mail), (StaffMember.account, entry.account)):
        if not value:
            continue
        other = await session.scalar(select(StaffMember.id).where(col(column) == value))
        if other is not None and other != own_id:
            raise BadInput(reason("staff.taken", address=value))


async def note(
    session: AsyncSession, now: datetime, actor: str, action: str, member: StaffMember
) -> None:
    """Note what was done in the audit trail, without name and addresses, which can be erased."""
    await audit.record(
        session,
        now,
        actor=actor,
        action=action,
        subject=f"staff_member:{member.id}",
        department=member.department,
    )
