"""What should be done by now and is not: counted on the first page, told to the teams each morning.

Each morning of a working day a team with a mail address gets the list of its overdue cases. A
department gets that of its cases without a team, and of teams that no mail reaches. Nothing
personal is in it: number, kind, district, and since when.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import structlog
from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, name_in
from core import mail
from core.clock import in_japan
from core.database import Database
from core.errors import Permanent, Retryable
from core.mail_settings import SmtpSettings
from reports.due import is_working_day, working_days_between
from reports.kinds import city_now
from reports.members import joined_to
from reports.models import MorningMail, Report, Team
from reports.priority import SEVERAL, WAITED, settle
from reports.states import OPEN

HOURS = (8, 12)
"""Between these hours of Japan's clock the mails leave; later the day has begun without them."""
MOST_LISTED = 50

log = structlog.get_logger(__name__)


def _late(today: date) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Report.due_on) < today,
        col(Report.state).in_(OPEN),
        col(Report.case_id).is_(None),
    )


@dataclass(frozen=True)
class Morning:
    """One who is told.

    Parameters
    ----------
    whom
        ``team:ID`` or ``department:CODE``.
    number
        How many cases are overdue; ``cases`` are the gravest of them.
    query
        The list's filter that finds the team's or department's overdue cases.
    """

    whom: str
    address: str
    name: str
    number: int
    cases: tuple[Report, ...]
    query: str


async def tell_teams(
    database: Database, city: City, smtp: SmtpSettings | None, public_url: str, now: datetime
) -> int:
    """Send the mails of a morning that were not sent yet; return how many were.

    A mail that the server does not take is tried again at the next call of the same morning.
    """
    here = in_japan(now)
    if smtp is None or not HOURS[0] <= here.hour < HOURS[1] or not is_working_day(here.date()):
        return 0
    async with database.reading() as session:
        city = await city_now(session, city)
        waiting = await _waiting(session, city, here.date())
    sent = 0
    for one in waiting:
        made = mail.message(
            smtp,
            to=one.address,
            subject=f"期限を過ぎた案件 {one.number}件（{one.name}）",
            text=_text(one, city, public_url, here.date()),
            key=f"overdue-{here.date():%Y%m%d}-{one.whom.replace(':', '-')}",
            now=now,
        )
        try:
            await mail.send(smtp, made)
        except Retryable as error:
            log.warning("overdue.postponed", key=one.whom, reason=str(error))
            continue
        except Permanent as error:
            log.warning("overdue.refused", key=one.whom, reason=str(error))
        async with database.writing() as session:
            await session.merge(MorningMail(whom=one.whom, day=here.date()))
        sent += 1
    return sent


async def _waiting(session: AsyncSession, city: City, today: date) -> list[Morning]:
    told = {
        row.whom
        for row in await session.scalars(select(MorningMail).where(col(MorningMail.day) == today))
    }
    found: list[Morning] = []
    teams = list(await session.scalars(select(Team).where(col(Team.active), col(Team.mail) != "")))
    for team in teams:
        if (whom := f"team:{team.id}") not in told:
            late = and_(*_late(today), col(Report.team_id) == team.id)
            cases, number = await _cases(session, late)
            query = f"team={team.id}"
            found.append(Morning(whom, team.mail, team.name, number, cases, query))
    reminded = [team.id for team in teams]
    # A team that no mail reaches is the department's to remind.
    by_office = or_(col(Report.team_id).is_(None), col(Report.team_id).not_in(reminded))
    for department in city.departments:
        if department.email and (whom := f"department:{department.code}") not in told:
            mine = col(Report.department) == department.code
            cases, number = await _cases(session, and_(*_late(today), mine, by_office))
            name, query = name_in(department.names, "ja"), f"department={department.code}"
            found.append(Morning(whom, department.email, name, number, cases, query))
    return [one for one in found if one.cases]


async def _cases(
    session: AsyncSession, late: ColumnElement[bool]
) -> tuple[tuple[Report, ...], int]:
    """Return the gravest of the overdue cases, and how many there are."""
    ordered = select(Report).where(late).order_by(col(Report.priority), col(Report.due_on))
    cases = tuple(await session.scalars(ordered.order_by(col(Report.id)).limit(MOST_LISTED)))
    if len(cases) < MOST_LISTED:
        return cases, len(cases)
    number = await session.scalar(select(func.count()).select_from(Report).where(late))
    return cases, number or 0


def _text(one: Morning, city: City, public_url: str, today: date) -> str:
    lines = [f"{one.name} の担当で、対応の期限を過ぎた案件があります。", ""]
    for case in one.cases:
        name = city.kind_name(case.category, "ja")
        district = city.district_by_code.get(case.area or "")
        where = name_in(district.names, "ja") if district is not None else "–"
        late = working_days_between(case.due_on, today) if case.due_on else 0
        lines += [
            f"{case.number}　{name}　{where}　期限 {case.due_on:%Y-%m-%d}（{late}営業日超過）",
            f"{public_url}/console/reports/{case.number}",
        ]
    others = one.number - len(one.cases)
    lines += ["", *([f"ほかに{others}件あります。"] if others else []), "一覧："]
    lines += [f"{public_url}/console/reports?{one.query}&overdue=yes&sort=due"]
    return "\n".join(lines)


async def settle_waiting(database: Database, city: City, now: datetime, *, most: int = 500) -> int:
    """Work out again the priority of cases that wait long or that more people follow.

    Everything else that counts changes the priority at once. Return how many changed.
    """
    changed = 0
    async with database.reading() as session:
        city = await city_now(session, city)
        why = cast(Report.priority_why, String)
        query = select(Report.id).where(
            col(Report.state).in_(OPEN),
            col(Report.case_id).is_(None),
            col(Report.priority_by) == "",
            or_(
                and_(col(Report.created_at) < now - WAITED, why.not_like('%"waits:%')),
                and_(
                    col(Report.reporters) >= SEVERAL,
                    why.not_like(
                        literal('%"reporters:') + cast(Report.reporters, String) + literal('"%')
                    ),
                ),
            ),
        )
        ids = list(await session.scalars(query.order_by(col(Report.id)).limit(most)))
    for report_id in ids:
        async with database.writing() as session:
            report = await session.get(Report, report_id, with_for_update=True)
            if report is None:
                continue
            if settle(report, city, now, await joined_to(session, report)):
                session.add(report)
                changed += 1
    return changed
