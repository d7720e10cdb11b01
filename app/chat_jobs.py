"""What the desk's chat does by itself: idle threads, alarms, residents' words in Japanese."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.chat import desk
from alerts.chat.hours import is_open
from alerts.chat.models import IS_OPEN, ChatMessage, ChatThread, Side
from app.schedule import ScheduledJob
from channels.line.medium import LINE
from city.chat import ChatRules
from city.context import Context
from console.chat_words import waiting_words
from core.clock import Clock
from core.database import Database
from core.errors import Permanent, Retryable
from core.languages import LANGUAGES
from core.text import clean
from feeds import limits
from feeds.translators import IntoJapanese, translator_of
from reports.translation import NONE, keeps_numbers
from response import staff_messages
from response.models import StaffMember

AT_ONCE = 10
LATELY = timedelta(days=1)
FOREIGN = [code for code, one in LANGUAGES.items() if not one.is_japanese]

log = structlog.get_logger(__name__)


def chat_jobs(context: Context) -> list[ScheduledJob]:
    """Return the jobs of a city that has a desk."""
    rules = context.city.chat
    if rules is None:
        return []
    means = desk.Means(context.queue, LINE)

    async def idle() -> None:
        now = context.clock.now()
        await desk.close_idle(context.database, means, rules.idle_minutes, now)
        await alarm(context, rules, now)

    jobs = [ScheduledJob(name="chat", seconds=15.0, work=idle, at_once=True)]
    if context.settings.translator is not None:
        machine = translator_of(context.settings.translator, context.http, context.clock)
        translate = partial(translate_new, context.database, machine, context.clock)
        jobs.append(ScheduledJob(name="words of chats", seconds=3.0, work=translate))
    return jobs


async def alarm(context: Context, rules: ChatRules, now: datetime) -> int:
    """Tell the desk's departments once of a resident who waits too long; return of how many."""
    if not is_open(rules, now):
        return 0
    late = (
        IS_OPEN,
        col(ChatThread.waiting_since) < now - timedelta(minutes=rules.alarm_minutes),
        col(ChatThread.alarmed_at).is_(None),
    )
    async with context.database.reading() as session:
        if await session.scalar(select(ChatThread.id).where(*late).limit(1)) is None:
            return 0
    async with context.database.writing() as session:
        members = await _members(session, rules)
        found = list(await session.scalars(select(ChatThread).where(*late).with_for_update()))
        for thread in found:
            thread.alarmed_at = now
            session.add(thread)
            await staff_messages.tell(
                session,
                context.queue,
                members,
                partial(waiting_words, context.settings.public_url, thread, now),
                now,
                occasion=f"chat:{thread.id}:{thread.version}",
                about=f"chat:{thread.id}",
                drill=False,
            )
        return len(found)


async def _members(session: AsyncSession, rules: ChatRules) -> list[StaffMember]:
    query = select(StaffMember).where(
        col(StaffMember.active), col(StaffMember.department).in_(rules.departments)
    )
    return list(await session.scalars(query.order_by(col(StaffMember.id))))


async def translate_new(database: Database, machine: IntoJapanese, clock: Clock) -> int:
    """Put what residents wrote lately into Japanese; return how many messages.

    A translation with other numbers is not kept, and the page says that there is none.
    """
    query = (
        select(col(ChatMessage.id), col(ChatMessage.text), col(ChatThread.language))
        .join(ChatThread, col(ChatThread.id) == col(ChatMessage.thread_id))
        .where(
            IS_OPEN,
            col(ChatMessage.side) == Side.RESIDENT,
            col(ChatMessage.translated_by) == "",
            col(ChatMessage.text) != "",
            col(ChatMessage.at) > clock.now() - LATELY,
            col(ChatThread.language).in_(FOREIGN),
        )
        .order_by(col(ChatMessage.id))
        .limit(AT_ONCE)
    )
    async with database.reading() as session:
        waiting = (await session.execute(query)).all()
    done = 0
    for number, text, language in waiting:
        try:
            async with asyncio.timeout(limits.TRANSLATION_TIMEOUT * 2):
                (made,) = await machine.into_japanese([text], language)
        except (Retryable, TimeoutError) as error:
            log.warning("translation.failed", engine=machine.name, reason=str(error))
            break
        except Permanent as error:
            log.warning("translation.refused", language=language, reason=str(error))
            made = ""
        japanese = clean(made)[:2_000]
        good = bool(japanese) and keeps_numbers(text, japanese)
        async with database.writing() as session:
            await session.execute(
                update(ChatMessage)
                .where(col(ChatMessage.id) == number, col(ChatMessage.text) == text)
                .values(
                    japanese=japanese if good else "",
                    translated_by=machine.name[:32] if good else NONE,
                )
                .execution_options(synchronize_session=False)
            )
        done += good
    return done
