"""Call-up of staff (職員参集): who is called, what they answer, and who has not.

A drill and a real call-up are never one row, and every message of a drill begins with its mark.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import structlog
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database
from core.errors import BadInput
from core.text import clean
from core.work import Queue
from response import record, staff, staff_messages
from response.answer_links import AnswerLinks
from response.models import (
    CalledMember,
    CallUp,
    StaffMember,
)
from response.reasons import reason
from response.staff_messages import Button, Words, tell
from response.words import ANSWER_PAGE, CALL, CHOICES, HOW, OVER, REMINDER, THANKS, say

MOST_WORDS = 500
PRESS = "staff-answer"
"""What a button in LINE does, as ``bot`` reads it."""
REMIND_MINUTES = 15
MOST_REMIND_MINUTES = 240
PAGE = 50
ACTIONS = (
    *("call_up.begun", "call_up.widened", "call_up.asked_again", "call_up.reminded"),
    "call_up.ended",
)
"""What the audit trail says of them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Call:
    """What is to be called, before it is.

    Parameters
    ----------
    departments, teams
        Codes of departments and names of teams; none of either means everybody.
    words
        What happened and where to come.
    remind_minutes
        After how many minutes those are reminded who did not answer; 0 for never.
    """

    drill: bool
    words: str
    departments: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    remind_minutes: int = REMIND_MINUTES

    def checked(self, city: City) -> Call:
        """Return it without invisible characters.

        Raises
        ------
        BadInput
            A part is missing or cannot be.
        """
        words = clean(self.words)
        if not 0 < len(words) <= MOST_WORDS:
            raise BadInput(reason("call-up.words", most=MOST_WORDS))
        known = {each.code for each in city.departments}
        for code in self.departments:
            if code not in known:
                raise BadInput(reason("staff.department", department=code))
        if not 0 <= self.remind_minutes <= MOST_REMIND_MINUTES:
            raise BadInput(reason("call-up.remind", most=MOST_REMIND_MINUTES))
        return Call(self.drill, words, self.departments, self.teams, self.remind_minutes)


@dataclass(frozen=True)
class Means:
    """What a call-up needs to reach people: the queue, and the links for mails."""

    queue: Queue
    links: AnswerLinks


async def whom(session: AsyncSession, call: Call) -> list[StaffMember]:
    """Return the members that a call-up would call."""
    return await staff.members(session, departments=call.departments, teams=call.teams)


async def begin(
    session: AsyncSession,
    means: Means,
    city: City,
    call: Call,
    now: datetime,
    *,
    actor: str,
    rule: str = "",
    event: str | None = None,
) -> CallUp:
    """Call members of staff.

    Raises
    ------
    BadInput
        Nobody would be called, or a part cannot be.
    """
    call = call.checked(city)
    called = await whom(session, call)
    if not called:
        raise BadInput(reason("call-up.nobody"))
    call_up = CallUp(
        drill=call.drill,
        departments=sorted(call.departments),
        teams=sorted(call.teams),
        words=call.words,
        rule=rule,
        event=event,
        began_at=now,
        began_by=actor,
        remind_at=now + timedelta(minutes=call.remind_minutes) if call.remind_minutes else None,
    )
    session.add(call_up)
    await session.flush()
    await _call(session, means, call_up, called, now)
    await _note(session, call_up, "begun", now, actor, called=len(called))
    log.info("call_up.begun", drill=call_up.drill, counts={"members": len(called)})
    return call_up


async def widen(
    session: AsyncSession,
    means: Means,
    call_up_id: int,
    departments: Collection[str],
    teams: Collection[str],
    now: datetime,
    *,
    actor: str,
    words: str = "",
    remind_minutes: int | None = None,
    anew: bool = False,
) -> int:
    """Call more departments or teams in the same call-up; nobody is called twice. Return how many.

    A call-up that had ended goes on. None of either means everybody.

    Parameters
    ----------
    words
        What they read; by default what those before them read.
    remind_minutes
        As in :class:`Call`; by default they are reminded if those before them were to be.
    anew
        Whether those are called once more who were called before the call-up ended: they may have
        been told to go home.
    """
    call_up = await locked(session, call_up_id)
    wanted = await staff.members(session, departments=departments, teams=teams)
    there = set(
        await session.scalars(
            select(CalledMember.member_id).where(col(CalledMember.call_up_id) == call_up_id)
        )
    )
    more = [member for member in wanted if member.id not in there]
    back = [member for member in wanted if member.id in there]
    if call_up.ended_at is None or not anew:
        back = []
    if not more and not back:
        return 0
    everybody = not (departments or teams) or not (call_up.departments or call_up.teams)
    call_up.departments = [] if everybody else sorted({*call_up.departments, *departments})
    call_up.teams = [] if everybody else sorted({*call_up.teams, *teams})
    call_up.ended_at, call_up.ended_by = None, ""
    call_up.words = words or call_up.words
    if remind_minutes is None:
        was_to_remind = call_up.remind_at is not None or call_up.reminded_at is not None
        remind_minutes = REMIND_MINUTES if was_to_remind else 0
    if call_up.remind_at is None and remind_minutes:
        call_up.remind_at = now + timedelta(minutes=remind_minutes)
    session.add(call_up)
    await _call(session, means, call_up, more, now)
    if back:
        await _call_back(session, means, call_up, back, now)
    await _note(session, call_up, "widened", now, actor, called=len(more) + len(back))
    return len(more) + len(back)


async def ask_again(
    session: AsyncSession, means: Means, call_up_id: int, now: datetime, *, actor: str
) -> int:
    """Ask those who have not answered once more; return how many.

    Raises
    ------
    BadInput
        The call-up has ended.
    """
    call_up = await _open(session, call_up_id)
    asked = await _ask_silent(session, means, call_up, now)
    await _note(session, call_up, "asked_again", now, actor, called=asked)
    return asked


async def end(
    session: AsyncSession,
    means: Means,
    call_up_id: int,
    now: datetime,
    *,
    actor: str,
    tell_them: bool,
) -> None:
    """End a call-up: what was not sent yet is not sent any more.

    Parameters
    ----------
    tell_them
        Whether those who were called are told that it has ended.

    Raises
    ------
    BadInput
        It has ended already.
    """
    call_up = await _open(session, call_up_id)
    call_up.ended_at, call_up.ended_by, call_up.remind_at = now, actor, None
    session.add(call_up)
    await session.flush()
    await staff_messages.stop(session, about_of(call_up_id), reason("call-up.ended"), now)
    if tell_them:
        them = await _called(session, call_up_id)

        def over(member: StaffMember) -> Words:
            title = say(member.language, OVER)
            return Words(title, f"{call_up.words}\n\n{say(member.language, THANKS)}")

        await tell(
            session,
            means.queue,
            them,
            over,
            now,
            occasion=f"{about_of(call_up_id)}:over:{int(now.timestamp())}",
            about=about_of(call_up_id),
            drill=call_up.drill,
            urgent=False,
        )
    await _note(session, call_up, "ended", now, actor)


async def answer(
    session: AsyncSession,
    call_up_id: int,
    member_id: int,
    choice: str,
    now: datetime,
    *,
    by: str,
    expected: str | None = None,
) -> CalledMember:
    """Keep what a member says; a later answer replaces it.

    Parameters
    ----------
    choice
        A code of ``response.words.CHOICES``.
    by
        ``line``, ``mail``, or the account of the console that notes it.
    expected
        When the answer that the page showed was given, as :func:`version` says; an old page that is
        sent again changes nothing.
    now
        When they said it. What was said before the kept answer, and arrives late, changes nothing.

    Raises
    ------
    BadInput
        The call-up has ended, the member was not called, or the answer changed meanwhile.
    """
    await _open(session, call_up_id, lock=False)
    called = await session.get(
        CalledMember, (call_up_id, member_id), with_for_update=True, populate_existing=True
    )
    if called is None or choice not in CHOICES:
        raise BadInput(reason("call-up.not-called"))
    if expected is not None and expected != version(called):
        raise BadInput(reason("call-up.changed"))
    if expected is None and called.answered_at is not None and now < called.answered_at:
        return called
    given = CHOICES[choice]
    called.answer, called.minutes = given.answer, given.minutes
    called.answered_at, called.answered_by = now, by
    session.add(called)
    await session.flush()
    return called


def version(called: CalledMember) -> str:
    """Return what changes with every answer."""
    return "" if called.answered_at is None else f"{called.answered_at.timestamp():.6f}"


async def remind(database: Database, means: Means, now: datetime) -> int:
    """Remind once those who have not answered, where it is time; return how many.

    Who was called later than the others is reminded once too.
    """
    async with database.reading() as session:
        due = list(await session.scalars(select(CallUp.id).where(*_to_remind(now))))
    reminded = 0
    for number in due:
        async with database.writing() as session:
            call_up = await session.scalar(
                select(CallUp).where(col(CallUp.id) == number, *_to_remind(now)).with_for_update()
            )
            if call_up is None:
                continue
            before = call_up.reminded_at
            call_up.remind_at, call_up.reminded_at = None, now
            session.add(call_up)
            asked = await _ask_silent(session, means, call_up, now, reminder=True, since=before)
            if asked:
                await _note(session, call_up, "reminded", now, "rule:reminder", called=asked)
            reminded += asked
    return reminded


def _to_remind(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (col(CallUp.ended_at).is_(None), col(CallUp.remind_at) <= now)


def about_of(call_up_id: int | None) -> str:
    """Return the subject of a call-up's messages and entries."""
    return f"call_up:{call_up_id}"


async def locked(session: AsyncSession, call_up_id: int) -> CallUp:
    """Return a call-up, locked until the transaction ends.

    Raises
    ------
    BadInput
        There is none with this number.
    """
    found = await session.get(CallUp, call_up_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise BadInput(reason("call-up.missing"))
    return found


async def of_event(session: AsyncSession, event: str, *, drill: bool) -> CallUp | None:
    """Return the call-up that an event began."""
    return await session.scalar(
        select(CallUp).where(col(CallUp.event) == event, col(CallUp.drill).is_(drill))
    )


async def newest(
    session: AsyncSession, *, drill: bool | None = None, open_only: bool = False
) -> list[CallUp]:
    """Return the newest call-ups, the last one first."""
    query = select(CallUp).order_by(col(CallUp.began_at).desc(), col(CallUp.id).desc())
    if drill is not None:
        query = query.where(col(CallUp.drill).is_(drill))
    if open_only:
        query = query.where(col(CallUp.ended_at).is_(None))
    return list(await session.scalars(query.limit(PAGE)))


def words_for(
    links: AnswerLinks, call_up: CallUp, member: StaffMember, *, reminder: bool = False
) -> Words:
    """Return what a member reads, with their own links; also for the preview."""
    language = member.language
    number, who = call_up.id or 0, member.id or 0
    buttons = tuple(
        Button(
            say(language, choice.label),
            urlencode({"do": PRESS, "call": number, "answer": code}),
            links.page(number, who, code),
        )
        for code, choice in CHOICES.items()
    )
    title = say(language, REMINDER if reminder else CALL)
    text = f"{call_up.words}\n\n{say(language, HOW)}"
    return Words(title, text, links.page(number, who), say(language, ANSWER_PAGE), buttons)


async def _call(
    session: AsyncSession,
    means: Means,
    call_up: CallUp,
    members: Sequence[StaffMember],
    now: datetime,
) -> None:
    assert call_up.id is not None
    for member in members:
        assert member.id is not None
        session.add(CalledMember(call_up_id=call_up.id, member_id=member.id, called_at=now))
    await session.flush()
    await _tell(session, means, call_up, members, now, occasion="first")


async def _call_back(
    session: AsyncSession,
    means: Means,
    call_up: CallUp,
    members: Sequence[StaffMember],
    now: datetime,
) -> None:
    """Call members once more: what they said was about the time before the call-up ended."""
    for member in members:
        called = await session.get_one(CalledMember, (call_up.id, member.id), with_for_update=True)
        called.answer, called.minutes, called.answered_at = None, None, None
        called.answered_by, called.called_at = "", now
        called.asked += 1
        session.add(called)
    await session.flush()
    occasion = f"anew:{int(now.timestamp())}"
    await _tell(session, means, call_up, members, now, occasion=occasion)


async def _ask_silent(
    session: AsyncSession,
    means: Means,
    call_up: CallUp,
    now: datetime,
    *,
    reminder: bool = False,
    since: datetime | None = None,
) -> int:
    assert call_up.id is not None
    silent = await _called(session, call_up.id, silent=True, since=since)
    if silent:
        values: dict[str, Any] = {"asked": col(CalledMember.asked) + 1}
        if not reminder:
            values["called_at"] = now
        await session.execute(
            update(CalledMember)
            .where(
                col(CalledMember.call_up_id) == call_up.id,
                col(CalledMember.member_id).in_([member.id for member in silent]),
            )
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        occasion = f"again:{int(now.timestamp())}"
        await _tell(session, means, call_up, silent, now, occasion=occasion, reminder=reminder)
    return len(silent)


async def _tell(
    session: AsyncSession,
    means: Means,
    call_up: CallUp,
    members: Sequence[StaffMember],
    now: datetime,
    *,
    occasion: str,
    reminder: bool = False,
) -> None:
    await tell(
        session,
        means.queue,
        members,
        lambda member: words_for(means.links, call_up, member, reminder=reminder),
        now,
        occasion=f"{about_of(call_up.id)}:{occasion}",
        about=about_of(call_up.id),
        drill=call_up.drill,
        # A drill holds up nothing that is real.
        urgent=not call_up.drill,
    )


async def _called(
    session: AsyncSession,
    call_up_id: int,
    *,
    silent: bool = False,
    since: datetime | None = None,
) -> list[StaffMember]:
    query = (
        select(StaffMember)
        .join(CalledMember, col(CalledMember.member_id) == col(StaffMember.id))
        .where(col(CalledMember.call_up_id) == call_up_id, col(StaffMember.active))
        .order_by(col(StaffMember.id))
    )
    if silent:
        query = query.where(col(CalledMember.answered_at).is_(None))
    if since is not None:
        query = query.where(col(CalledMember.called_at) > since)
    return list(await session.scalars(query))


async def _open(session: AsyncSession, call_up_id: int, *, lock: bool = True) -> CallUp:
    call_up = await locked(session, call_up_id) if lock else await session.get(CallUp, call_up_id)
    if call_up is None:
        raise BadInput(reason("call-up.missing"))
    if call_up.ended_at is not None:
        raise BadInput(reason("call-up.ended"))
    return call_up


async def _note(
    session: AsyncSession,
    call_up: CallUp,
    verb: str,
    now: datetime,
    actor: str,
    *,
    called: int | None = None,
) -> None:
    """Write an act into the audit trail and the running record, without anybody's name."""
    said = {"departments": call_up.departments, "teams": call_up.teams, "called": called}
    facts: dict[str, Any] = {name: value for name, value in said.items() if value not in (None, [])}
    if call_up.rule:
        facts["rule"] = call_up.rule
    entry = await audit.record(
        session,
        now,
        actor=actor,
        action=f"call_up.{verb}",
        subject=about_of(call_up.id),
        drill=call_up.drill,
        **facts,
    )
    await record.note(
        session,
        drill=call_up.drill,
        now=now,
        actor=actor,
        code=f"callup.{verb}",
        facts={**facts, "words": call_up.words},
        subject=about_of(call_up.id),
        source=f"audit:{entry.id}",
    )


async def hold_back(session: AsyncSession) -> None:
    """Remind nobody by itself after a restore: the reminder may have gone out before."""
    await session.execute(
        update(CallUp)
        .where(col(CallUp.remind_at).is_not(None))
        .values(remind_at=None)
        .execution_options(synchronize_session=False)
    )


async def forget_old(database: Database, before: datetime) -> int:
    """Erase call-ups from before a moment, with their answers; return how many."""
    number, old = col(CallUp.id), col(CallUp.began_at) < before

    async def erase(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(CallUp).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), erase)
