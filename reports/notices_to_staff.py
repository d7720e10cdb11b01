"""Who in the office hears of a new report, or that one is not right, or got worse.

Each department hears by mail or in its chat, at once or once an hour, and not at night; of
dangerous ones at once, and its members by their own LINE and mail too, again and again until
somebody has opened the report. A message has its key before its first attempt, and an address hears
of a thing once. Nothing personal is in it: number, kind, place and a link.

What was told is kept by report (``Heard``), in the transaction that stores the messages. So a crash
neither loses nor doubles one, and a flood of reports becomes one message.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, delete, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.chunks import in_chunks, rows_of
from core.database import Database, insert_new
from core.due import due_rows
from core.languages import Catalogue, mark
from core.restored import RESTORED, held_until
from core.work import Queue
from reports import alarm_settings, staff_news
from reports.alarm_settings import is_quiet, key_of
from reports.answer_templates import place
from reports.kinds import city_now
from reports.models import (
    NEW_REPORT,
    Heard,
    NoticeState,
    NoticeWay,
    Report,
    ReportAlarm,
    Rhythm,
    StaffNotice,
)
from reports.staff_news import CLOCKS_DIFFER, LONGEST_CALLING, MOST, Item
from reports.states import OPEN, WAITING
from response import staff, staff_messages
from response.models import StaffMember
from response.reasons import reason as staff_reason
from response.staff_messages import Words

SHOWN = 20
OPEN_NOTICES = (NoticeState.WAITING, NoticeState.TRYING)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Desk:
    """What is needed to tell staff."""

    city: City
    queue: Queue
    public_url: str
    words: Catalogue
    """The console's catalogue, in which staff read."""

    def address(self, number: str) -> str:
        return f"{self.public_url}/console/reports/{number}"


async def look(database: Database, desk: Desk, now: datetime) -> int:
    """Tell what is to be told now; return how many reports.

    Can run at any time and in any process: nobody is told twice of one thing.
    """
    async with database.reading() as session:
        desk = replace(desk, city=await city_now(session, desk.city))
        fresh, silent = await _fresh(session, desk, now)
        calling = await _calling(session, desk.city, now)
    if not fresh and not silent and not calling:
        return 0
    told = 0
    async with database.writing() as session:
        restored = await held_until(session)
        alarms = await alarm_settings.every(session, desk.city, now)
        fresh, silent = await _fresh(session, desk, now)
        await _keep(session, silent, now, told=False)
        for department, items in _by_department(fresh).items():
            before = [item for item in items if restored is not None and item.at <= restored]
            # A restore sends nothing by itself: what came before it may have been told.
            await _keep(session, before, now, told=False)
            rest = [item for item in items if item not in before]
            alarm = alarms.get(department) or alarm_settings.from_city(desk.city, department, now)
            told += await _tell_department(session, desk, alarm, rest, now)
        for heard, report in await _calling(session, desk.city, now, lock=True):
            theirs = alarms.get(report.department)
            if theirs is not None:
                await _call(session, desk, theirs, heard, report, now)
    return told


def _by_department(items: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.report.department, []).append(item)
    return found


async def _later(session: AsyncSession, city: City, now: datetime) -> list[str]:
    """Return the departments that hear of ordinary reports in the morning, or after the hour.

    None after a restore: what came before it is noted, and not told in the morning.
    """
    if await held_until(session) is not None:
        return []
    return [
        code
        for code, alarm in (await alarm_settings.every(session, city, now)).items()
        if is_quiet(alarm, city, now)
        or (alarm.rhythm is Rhythm.HOURLY and not await _hour_is_due(session, alarm, now))
    ]


async def _fresh(session: AsyncSession, desk: Desk, now: datetime) -> tuple[list[Item], list[Item]]:
    """Return what is to be told now, and what was told just before."""
    return await staff_news.fresh(session, desk.city, await _later(session, desk.city, now), now)


async def _tell_department(
    session: AsyncSession, desk: Desk, alarm: ReportAlarm, items: Sequence[Item], now: datetime
) -> int:
    """Tell one department what is due; what waits for the morning or the hour stays.

    That something got worse does not wait for the hour.
    """
    dangerous = [item for item in items if item.dangerous]
    for item in dangerous:
        await _store(session, desk, alarm, [item], now)
        heard, *_ = await _keep(session, [item], now)
        await _call(session, desk, alarm, heard, item.report, now)
    others = [item for item in items if not item.dangerous]
    if alarm.rhythm is Rhythm.NEVER or not alarm_settings.addresses(alarm):
        await _keep(session, others, now, told=False)
        return len(dangerous)
    if not others or is_quiet(alarm, desk.city, now):
        return len(dangerous)
    if alarm.rhythm is Rhythm.HOURLY and not await _hour_is_due(session, alarm, now):
        others = [item for item in others if item.is_worse]
        for item in others:
            await _store(session, desk, alarm, [item], now, what="worse")
    else:
        await _store(session, desk, alarm, others, now)
    await _keep(session, others, now)
    return len(dangerous) + len(others)


async def _hour_is_due(session: AsyncSession, alarm: ReportAlarm, now: datetime) -> bool:
    """Whether nothing was told to a department in this hour of the clock."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    told = await session.scalar(
        select(StaffNotice.id)
        .where(
            col(StaffNotice.department) == alarm.department,
            # Not what a clock that was ahead has stored.
            col(StaffNotice.created_at).between(hour, now),
            col(StaffNotice.occasion).startswith("some:"),
        )
        .limit(1)
    )
    return told is None


async def _keep(
    session: AsyncSession, items: Sequence[Item], now: datetime, *, told: bool = True
) -> list[Heard]:
    """Note that things were told, or need not be; first the things, then what belongs to them."""
    made, others = [], []
    for item in items:
        assert item.report.id is not None
        heard = Heard(
            report_id=item.report.id,
            occasion=item.occasion,
            dangerous=item.dangerous and told,
            first_at=now if told else None,
            last_at=now,
        )
        made.append(heard)
        others += [
            Heard(report_id=item.report.id, occasion=occasion, last_at=now)
            for occasion in item.also
        ]
    session.add_all([*made, *others])
    await session.flush()
    return made


async def _store(
    session: AsyncSession,
    desk: Desk,
    alarm: ReportAlarm,
    items: Sequence[Item],
    now: datetime,
    *,
    what: str = "some",
) -> None:
    """Store the messages to a department's addresses, with their keys."""
    content = _content(desk, items)
    first, last = items[0], items[-1]
    what = "danger" if first.dangerous else what
    occasion = f"{what}:{first.report.id}-{last.report.id}-{len(items)}:{last.occasion}"
    await put(session, alarm, content, occasion, now)


async def put(
    session: AsyncSession,
    alarm: ReportAlarm,
    content: dict[str, str],
    occasion: str,
    now: datetime,
    *,
    not_before: datetime | None = None,
) -> int:
    """Store a message to each of a department's addresses; return to how many."""
    rows = [
        {
            "department": alarm.department,
            "occasion": occasion,
            "address_key": key_of(way, address),
            "way": way,
            "chat_form": alarm.chat_form.value if way is NoticeWay.CHAT else "",
            "address": address,
            "retry_key": str(uuid.uuid4()),
            "content": content,
            "state": NoticeState.WAITING,
            "attempts": 0,
            "created_at": now,
            "not_before": not_before or now,
        }
        for way, address in alarm_settings.addresses(alarm)
    ]
    if rows:
        new = insert_new(session, StaffNotice, ["occasion", "address_key"])
        await session.execute(new.values(rows))
    log.info("staff_notice.stored", name=alarm.department, rows=len(rows))
    return len(rows)


async def _call(
    session: AsyncSession,
    desk: Desk,
    alarm: ReportAlarm,
    heard: Heard,
    report: Report,
    now: datetime,
) -> None:
    """Tell a department's members of a dangerous report by their own LINE and mail."""
    heard.tellings += 1
    heard.last_at = now
    session.add(heard)
    if heard.tellings > 1:
        # Who only looks at the mail or the chat hears it again, too.
        again = [Item(report, heard.occasion, True, now)]
        occasion = staff_news.again_occasion(heard, heard.tellings)
        await put(session, alarm, _content(desk, again), occasion, now)
    if not alarm.calls_members:
        return
    members = await staff.members(session, departments=[report.department])
    if not members:
        return

    def words(member: StaffMember) -> Words:
        language = member.language if member.language in ("ja", "en") else "ja"
        title = desk.words.text(language, _dangerous(heard.occasion), number=report.number)
        text = "\n".join(_line(desk, report, language))
        more = desk.words.text(language, UNTIL_OPENED)
        button = desk.words.text(language, OPEN_IT)
        return Words(title, f"{text}\n{more}", desk.address(report.number), button)

    await staff_messages.tell(
        session,
        desk.queue,
        members,
        words,
        now,
        occasion=f"{staff_news.member_occasion(heard)}{heard.tellings}",
        about=_about(report),
        drill=False,
        kept_trying=timedelta(hours=2),
    )


def _about(report: Report) -> str:
    return f"report:{report.id}"


async def _calling(
    session: AsyncSession, city: City, now: datetime, *, lock: bool = False
) -> list[tuple[Heard, Report]]:
    """Return dangerous reports that nobody opened, and of which members are to hear again."""
    query = (
        select(Heard, Report)
        .join(Report, col(Report.id) == col(Heard.report_id))
        .where(
            col(Heard.dangerous),
            col(Heard.tellings) > 0,
            col(Heard.opened_at).is_(None),
            or_(
                and_(
                    col(Heard.occasion) == NEW_REPORT,
                    col(Report.opened_at).is_(None),
                    col(Report.state).in_(WAITING),
                ),
                and_(col(Heard.occasion) != NEW_REPORT, col(Report.state).in_(OPEN)),
            ),
            col(Heard.first_at) > now - LONGEST_CALLING,
            or_(
                col(Heard.last_at) <= now - timedelta(minutes=alarm_settings.SOONEST_AGAIN),
                col(Heard.last_at) > now + CLOCKS_DIFFER,
            ),
        )
        .order_by(col(Report.id))
        .limit(MOST)
    )
    rows = await session.execute(query.with_for_update(of=Heard) if lock else query)
    found = []
    for heard, report in rows:
        alarm = await alarm_settings.of_department(session, city, report.department, now)
        if not now - timedelta(minutes=alarm.again_minutes) < heard.last_at <= now + CLOCKS_DIFFER:
            found.append((heard, report))
    return found


async def opened(session: AsyncSession, report: Report, now: datetime) -> None:
    """Stop what waits to be told of a report that somebody has opened."""
    await staff_messages.stop(session, _about(report), staff_reason("staff-message.decided"), now)
    await session.execute(
        update(StaffNotice)
        .where(
            col(StaffNotice.state).in_(OPEN_NOTICES),
            or_(
                col(StaffNotice.occasion).startswith(f"danger:{report.id}:"),
                col(StaffNotice.occasion).startswith(f"danger:{report.id}-"),
            ),
        )
        .values(state=NoticeState.STOPPED, ended_at=now, address="")
        .execution_options(synchronize_session=False)
    )


NEW_REPORTS = mark("New reports: {n}")
A_NEW_REPORT = mark("New report {number}")
DANGEROUS = mark("Dangerous: report {number}")
GOT_WORSE = mark("A resident says it got worse: {number}")
WORSE_DANGEROUS = mark("Dangerous, a resident says more: report {number}")
SAID_NOT_RIGHT = mark("A resident says it is not right: {number}")
AND_MORE = mark("and {n} more")
UNTIL_OPENED = mark("You hear this again until somebody has opened it.")
OPEN_IT = mark("Open the report")
TEST_TITLE = mark("A test: this is how you hear of reports")
TEST_TEXT = mark("{name} sent this test. There is nothing to do.")


def _content(desk: Desk, items: Sequence[Item]) -> dict[str, str]:
    """Return title, text and address of a message; in Japanese, as the office works."""
    if len(items) == 1:
        item = items[0]
        return about_one(desk, item.report, _title(item))
    shown = [item.report for item in items[:SHOWN]]
    other = {item.report.number: _title(item) for item in items if item.occasion != NEW_REPORT}
    return about_some(desk, shown, NEW_REPORTS, len(items), other=other)


def _title(item: Item) -> str:
    if item.dangerous:
        return _dangerous(item.occasion)
    if item.is_worse:
        return GOT_WORSE
    return SAID_NOT_RIGHT if item.is_no else A_NEW_REPORT


def _dangerous(occasion: str) -> str:
    return DANGEROUS if occasion == NEW_REPORT else WORSE_DANGEROUS


def about_one(desk: Desk, report: Report, title: str) -> dict[str, str]:
    """Return title, text and address of a message about one report."""
    return {
        "title": desk.words.text("ja", title, number=report.number),
        "text": "\n".join(_line(desk, report, "ja")),
        "url": desk.address(report.number),
        "link": desk.words.text("ja", OPEN_IT),
    }


def about_some(
    desk: Desk,
    shown: Sequence[Report],
    title: str,
    number: int,
    *,
    other: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return title, text and address of a message about ``number`` reports, of which some are
    shown; ``other`` has by number what is said of those that are not new.
    """
    lines = []
    for report in shown:
        line = f"{report.number} {' '.join(_line(desk, report, 'ja'))}"
        if other and report.number in other:
            line = desk.words.text("ja", other[report.number], number=line)
        lines.append(line)
    if number > len(shown):
        lines.append(desk.words.text("ja", AND_MORE, n=number - len(shown)))
    return {
        "title": desk.words.text("ja", title, n=number),
        "text": "\n".join(lines),
        "url": f"{desk.public_url}/console/reports",
        "link": desk.words.text("ja", OPEN_IT),
    }


def _line(desk: Desk, report: Report, language: str) -> list[str]:
    """Return kind and place, and nothing else that somebody said."""
    kind = desk.city.kind_name(report.category, language)
    return [part for part in (kind, place(report, language, desk.city)) if part]


async def put_test(
    session: AsyncSession, desk: Desk, alarm: ReportAlarm, name: str, now: datetime
) -> int:
    """Send a test to a department's addresses; return to how many."""
    content = {
        "title": desk.words.text("ja", TEST_TITLE),
        "text": desk.words.text("ja", TEST_TEXT, name=name),
        "url": f"{desk.public_url}/console/reports",
        "link": desk.words.text("ja", OPEN_IT),
    }
    return await put(
        session, alarm, content, f"test:{alarm.department}:{uuid.uuid4().hex[:12]}", now
    )


async def due(session: AsyncSession, now: datetime, most: int = 50) -> list[int]:
    """Return the messages to be tried now, also those of a process that died."""
    found = await session.scalars(
        select(col(StaffNotice.id))
        .where(
            col(StaffNotice.ended_at).is_(None),
            col(StaffNotice.state).in_(OPEN_NOTICES),
            due_rows(col(StaffNotice.not_before), now),
        )
        .order_by(col(StaffNotice.not_before), col(StaffNotice.id))
        .limit(most)
    )
    return [number for number in found if number is not None]


async def newest(session: AsyncSession, department: str, most: int = 5) -> list[StaffNotice]:
    """Return the newest messages to a department, for its page."""
    found = await session.scalars(
        select(StaffNotice)
        .where(col(StaffNotice.department) == department)
        .order_by(col(StaffNotice.id).desc())
        .limit(most)
    )
    return list(found)


async def hold_back(session: AsyncSession, now: datetime) -> None:
    """Stop everything that may have been sent before a restore."""
    await session.execute(
        update(StaffNotice)
        .where(col(StaffNotice.state).in_(OPEN_NOTICES))
        .values(state=NoticeState.STOPPED, error=RESTORED, ended_at=now, address="")
        .execution_options(synchronize_session=False)
    )
    # Nobody is called again about what they were called for before.
    await session.execute(
        update(Heard)
        .where(col(Heard.dangerous))
        .values(dangerous=False)
        .execution_options(synchronize_session=False)
    )


async def forget_old(database: Database, before: datetime) -> int:
    """Erase messages from before a moment; return how many."""
    number, old = col(StaffNotice.id), col(StaffNotice.created_at) < before

    async def erase(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(StaffNotice).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), erase)
