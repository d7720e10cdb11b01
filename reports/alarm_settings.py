"""Who in a department hears of new reports: mail addresses, a chat, how soon, when it is quiet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.quiet import quiet_until
from city.city import City
from core import audit
from core.database import add_new
from core.errors import Refusal
from core.mail_settings import MAIL_ADDRESS
from feeds.fetch import FetchRefused
from reports.models import ChatForm, NoticeWay, ReportAlarm, Rhythm
from reports.outside import Internal, PublicHosts

MOST_MAILS = 10
SOONEST_AGAIN, LATEST_AGAIN = 3, 120
"""Minutes."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody chose for a department."""

    mails: tuple[str, ...] = ()
    chat_form: ChatForm = ChatForm.SLACK
    chat_url: str = ""
    rhythm: Rhythm = Rhythm.AT_ONCE
    quiet: tuple[time, time] | None = None
    """None means the city's quiet hours."""
    calls_members: bool = True
    again_minutes: int = 10

    def checked(self, internal: Internal = frozenset()) -> Wish:
        """Return it with clean addresses.

        Parameters
        ----------
        internal
            Hosts of the city's network that the operator named (``reports.outside``).

        Raises
        ------
        Refusal
            An address cannot be, or there are too many.
        """
        mails = tuple(dict.fromkeys(mail.strip().lower() for mail in self.mails if mail.strip()))
        if len(mails) > MOST_MAILS:
            raise Refusal("At most {n} mail addresses.", n=MOST_MAILS)
        for mail in mails:
            if not MAIL_ADDRESS.fullmatch(mail):
                raise Refusal("“{address}” is not a mail address.", address=mail[:80])
        url = self.chat_url.strip()
        if url and not _can_be_called(url, internal):
            raise Refusal("The chat's address begins with https:// and names a host.")
        if not SOONEST_AGAIN <= self.again_minutes <= LATEST_AGAIN:
            raise Refusal(
                "Again after {first} to {last} minutes.", first=SOONEST_AGAIN, last=LATEST_AGAIN
            )
        return replace(self, mails=mails, chat_url=url)


def _can_be_called(url: str, internal: Internal) -> bool:
    """Whether an address is https on the public web, or a host that the operator named."""
    try:
        hosts = PublicHosts(internal=internal)
        hosts.check(url)
        parts = urlsplit(url)
    except FetchRefused:
        return False
    if not url.isascii() or not url.isprintable() or parts.fragment:
        return False
    return parts.scheme == "https" or hosts.is_internal(url)


def from_city(city: City, department: str, now: datetime) -> ReportAlarm:
    """Return what holds where nobody chose: mail to the department, as the city's folder has it."""
    found = city.department(department)
    mails = [found.email] if found is not None and found.email else []
    return ReportAlarm(department=department, mails=mails, version=0, changed_at=now)


async def every(session: AsyncSession, city: City, now: datetime) -> dict[str, ReportAlarm]:
    """Return how each department that mends something hears of reports."""
    stored = {one.department: one for one in await session.scalars(select(ReportAlarm))}
    codes = dict.fromkeys(
        [*(kind.department for kind in city.report_categories), *(d.code for d in city.departments)]
    )
    return {code: stored.get(code) or from_city(city, code, now) for code in codes}


async def of_department(
    session: AsyncSession, city: City, department: str, now: datetime
) -> ReportAlarm:
    """Return how one department hears of reports."""
    found = await session.get(ReportAlarm, department)
    return found or from_city(city, department, now)


async def change(
    session: AsyncSession,
    city: City,
    department: str,
    wish: Wish,
    *,
    seen: int,
    internal: Internal = frozenset(),
    actor: str,
    now: datetime,
) -> ReportAlarm:
    """Change how a department hears of reports.

    Raises
    ------
    Refusal
        There is no such department, an address cannot be, or somebody changed it meanwhile.
    """
    wish = wish.checked(internal)
    if city.department(department) is None:
        raise Refusal("There is no such department.")
    query = select(ReportAlarm).where(col(ReportAlarm.department) == department)
    row = await session.scalar(query.with_for_update())
    if row is None:
        row = ReportAlarm(department=department, version=0, changed_at=now)
    changed = Refusal("Somebody changed this meanwhile. Look at it again.")
    if row.version != seen:
        raise changed
    row.mails, row.chat_form, row.chat_url = list(wish.mails), wish.chat_form, wish.chat_url
    row.rhythm, row.calls_members = wish.rhythm, wish.calls_members
    row.again_minutes = wish.again_minutes
    start, end = wish.quiet or (None, None)
    row.quiet_start = None if start is None else start.hour * 60 + start.minute
    row.quiet_end = None if end is None else end.hour * 60 + end.minute
    row.version += 1
    row.changed_by, row.changed_at = actor, now
    await add_new(session, row, changed)
    # The chat's address is a secret: who reads the trail cannot write there.
    await audit.record(
        session,
        now,
        actor=actor,
        action="report_alarm.changed",
        subject=f"department:{department}",
        mails=len(wish.mails),
        chat=urlsplit(wish.chat_url).hostname or "",
        rhythm=wish.rhythm.value,
    )
    return row


def quiet_end(alarm: ReportAlarm, city: City, now: datetime) -> datetime | None:
    """Return the end of the quiet hours that a department is in; None if it is in none."""
    return quiet_until(now, city.quiet_hours, alarm.quiet_start, alarm.quiet_end)


def is_quiet(alarm: ReportAlarm, city: City, now: datetime) -> bool:
    """Whether a department is in its quiet hours."""
    return quiet_end(alarm, city, now) is not None


def addresses(alarm: ReportAlarm) -> Sequence[tuple[NoticeWay, str]]:
    """Return the addresses of a department."""
    found = [(NoticeWay.MAIL, mail) for mail in alarm.mails]
    if alarm.chat_url:
        found.append((NoticeWay.CHAT, alarm.chat_url))
    return found


def key_of(way: NoticeWay, address: str) -> str:
    """Return what stands for an address where it must not be kept."""
    return hashlib.sha256(f"{way.value} {address}".encode()).hexdigest()
