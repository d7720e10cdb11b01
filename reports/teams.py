"""Who does the work: persons, teams and contractors to whom cases are given."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from sqlalchemy import ColumnElement, delete, func, literal_column
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.database import add_new
from core.errors import BadInput
from core.text import clean
from reports.models import IS_OPEN, Report, Team, TeamAccount, TeamKind
from reports.reasons import reason

LONGEST_NAME = 60
MOST_ACCOUNTS = 100


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What staff write of a team; ``accounts`` are e-mail addresses of staff accounts."""

    name: str
    kind: str = TeamKind.TEAM
    department: str = ""
    mail: str = ""
    active: bool = True
    accounts: tuple[str, ...] = ()


async def every_team(session: AsyncSession) -> list[Team]:
    """Return all teams: those that can be given something first, then by name."""
    query = select(Team).order_by(col(Team.active).desc(), col(Team.kind), col(Team.name))
    return list(await session.scalars(query))


async def to_assign(session: AsyncSession, department: str = "") -> list[Team]:
    """Return the teams to which cases can be given, by name, those of other departments last."""
    found = await session.scalars(select(Team).where(col(Team.active)).order_by(col(Team.name)))
    if not department:
        return list(found)
    return sorted(found, key=lambda team: team.department not in ("", department))


async def accounts_of(session: AsyncSession, team_id: int) -> list[str]:
    """Return the e-mail addresses of the accounts that belong to a team."""
    query = select(col(TeamAccount.account)).where(col(TeamAccount.team_id) == team_id)
    return list(await session.scalars(query.order_by(col(TeamAccount.account))))


async def teams_of(session: AsyncSession, account: str) -> list[int]:
    """Return the ids of the teams to which an account belongs."""
    query = select(col(TeamAccount.team_id)).where(col(TeamAccount.account) == account)
    return list(await session.scalars(query))


async def open_cases(session: AsyncSession, team_ids: Sequence[int]) -> dict[int, int]:
    """Return how many open cases each of these teams has; one without any is left out."""
    is_open: ColumnElement[bool] = literal_column(str(IS_OPEN))
    rows = await session.execute(
        select(col(Report.team_id), func.count())
        .where(col(Report.team_id).in_(team_ids), is_open, col(Report.case_id).is_(None))
        .group_by(col(Report.team_id))
    )
    return {team_id: number for team_id, number in rows if team_id is not None}


async def add(
    session: AsyncSession,
    city: City,
    entry: Entry,
    now: datetime,
    *,
    known: Collection[str],
    actor: str,
) -> Team:
    """Add a team.

    Parameters
    ----------
    known
        The e-mail addresses of all staff accounts.

    Raises
    ------
    BadInput
        Something in the entry is not right, or the name is taken.
    """
    team = Team(name="", kind=TeamKind.TEAM, created_at=now)
    await _write(session, city, team, entry, known)
    await _trail(session, team, entry, now, actor, "team.added")
    return team


async def change(
    session: AsyncSession,
    city: City,
    team_id: int,
    entry: Entry,
    now: datetime,
    *,
    known: Collection[str],
    actor: str,
    seen: str | None = None,
) -> Team:
    """Change a team; cases that it has stay with it, also when it is switched off.

    Parameters
    ----------
    seen
        The team as the writer saw it (:func:`mark_of`).

    Raises
    ------
    BadInput
        There is no such team, somebody changed it meanwhile, something in the entry is not right,
        or the name is taken.
    """
    team = await session.get(Team, team_id, with_for_update=True, populate_existing=True)
    if team is None:
        raise BadInput(reason("report.no-team"))
    if seen is not None and seen != mark_of(team, await accounts_of(session, team_id)):
        raise BadInput(reason("team.changed"))
    await _write(session, city, team, entry, known)
    await _trail(session, team, entry, now, actor, "team.changed")
    return team


def mark_of(team: Team, accounts: Sequence[str]) -> str:
    """Return what changes with every change of a team."""
    about = (team.name, team.kind.value, team.department, team.mail, team.active, *accounts)
    return hashlib.sha256(repr(about).encode()).hexdigest()[:16]


async def _write(
    session: AsyncSession, city: City, team: Team, entry: Entry, known: Collection[str]
) -> None:
    name = clean(entry.name, line=True)
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadInput(reason("team.name", most=LONGEST_NAME))
    same = select(func.count()).where(func.lower(col(Team.name)) == name.lower())
    if team.id is not None:
        same = same.where(col(Team.id) != team.id)
    taken = BadInput(reason("team.taken", name=name))
    if await session.scalar(same):
        raise taken
    if entry.kind not in {*TeamKind}:
        raise BadInput(reason("team.kind"))
    if entry.department not in {"", *(one.code for one in city.departments)}:
        raise BadInput(reason("report.no-department", department=entry.department[:40]))
    mail = clean(entry.mail, line=True)
    if mail and not _is_address(mail):
        raise BadInput(reason("team.mail"))
    unknown = [one for one in entry.accounts if one not in known]
    if unknown or len(entry.accounts) > MOST_ACCOUNTS:
        raise BadInput(reason("team.account"))
    team.name, team.kind, team.department = name, TeamKind(entry.kind), entry.department
    team.mail, team.active = mail, entry.active
    await add_new(session, team, taken)
    assert team.id is not None
    await session.execute(delete(TeamAccount).where(col(TeamAccount.team_id) == team.id))
    session.add_all(
        TeamAccount(team_id=team.id, account=one) for one in dict.fromkeys(entry.accounts)
    )
    await session.flush()


def _is_address(mail: str) -> bool:
    _, address = parseaddr(mail)
    local, at, domain = address.rpartition("@")
    plain = address == mail and len(mail) <= 254 and " " not in mail and mail.isascii()
    return plain and bool(local and at) and "." in domain.strip(".")


async def _trail(
    session: AsyncSession, team: Team, entry: Entry, now: datetime, actor: str, action: str
) -> None:
    await audit.record(
        session,
        now,
        actor=actor,
        action=action,
        subject=f"team:{team.id}",
        name=team.name,
        kind=team.kind.value,
        department=team.department,
        mail=team.mail,
        active=team.active,
        accounts=list(entry.accounts),
    )


def names(found: Sequence[Team]) -> dict[int, str]:
    """Return the teams' names by their ids."""
    return {team.id: team.name for team in found if team.id is not None}
