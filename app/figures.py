"""The daily count: what happened on each day that has ended, put together from all packages.

Each day in Japan is counted once it has ended, and a missed one later, as far back as the events
and deliveries are kept. Counting a day again gives the same numbers. Who follows is known only
now: it is stored with yesterday. LINE's own numbers come a day later and are added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import partial

import structlog

from alerts.chat.day_counts import chats_between
from bot.day_counts import done_between
from channels.day_counts import last_notice_before, sent_between
from channels.line.client import LineClient
from channels.line.friends_api import friend_numbers
from channels.line.hourly import admit
from channels.line.insight import demographic, messages_of
from channels.line.quota_readings import quota_readings, read_quota
from channels.line.units import ask_units
from city.context import Context
from console.figures import kept
from console.figures.projection import Reading, project
from console.figures.quota_words import quota_words
from core.clock import JAPAN, Clock, in_japan
from core.database import Database
from core.errors import Permanent, Retryable
from core.steady import knows_the_time
from core.tallies import forget_tallies, tallies_of
from core.waits import in_steps
from public.asked import asked_between
from reports.day_counts import reports_between
from response import staff_messages
from response.held_alarms import listeners
from subscriptions.census import came_elsewhere, census, left_between
from subscriptions.models import LINE_MEDIUM

SETTLED_AFTER = timedelta(minutes=10)
"""After midnight: what was under way then is written by now."""
MOST_DAYS_BACK = 62
FIRST_DAYS_BACK = 31
"""How far a service that never counted looks back."""
LINE_DAYS_BACK = 7
TALLIES_KEPT = timedelta(days=MOST_DAYS_BACK + 1)

log = structlog.get_logger(__name__)


async def count_days(context: Context) -> list[date]:
    """Count the days that have ended and are not counted; return which."""
    if not knows_the_time(context.clock):
        return []
    now = context.clock.now()
    today = in_japan(now).date()
    yesterday = in_japan(now - SETTLED_AFTER).date() - timedelta(days=1)
    async with context.database.writing() as session:
        await kept.drop_future(session, today)
    async with context.database.reading() as session:
        begun = await kept.any_counted(session)
        since = yesterday - timedelta(days=MOST_DAYS_BACK if begun else FIRST_DAYS_BACK)
        known = await kept.counted_days(session, since)
    if begun and known:
        since = min(known)
    missing = [
        day
        for n in range((yesterday - since).days + 1)
        if (day := since + timedelta(days=n)) not in known
    ]
    for day in missing:
        await count_day(context.database, context.clock, day, with_census=day == yesterday)
    await forget_tallies(context.database, today - TALLIES_KEPT)
    return missing


async def count_day(
    database: Database, clock: Clock, day: date, *, with_census: bool = False
) -> None:
    """Count one day, and store its numbers in place of any before.

    Parameters
    ----------
    with_census
        Whether who follows now is stored as the end of that day.
    """
    start, end = midnight(day), midnight(day + timedelta(days=1))
    async with database.reading() as session:
        done = await done_between(session, start, end)
        sent = await sent_between(session, start, end, line=LINE_MEDIUM)
        left = await left_between(session, start, end)
        at_line = left.pop(LINE_MEDIUM, {})
        after = await last_notice_before(session, at_line, channel=LINE_MEDIUM)
        counts: dict[str, Mapping[str, int]] = {
            "came": {**done.came, **await came_elsewhere(session, start, end)},
            "left": {"blocked": done.blocked, **{name: len(who) for name, who in left.items()}},
            "left-after": Counter(str(after.get(who, "")) for who in at_line),
            "taken": sent.taken,
            "failed": sent.failed,
            "notice": {str(notice): n for notice, n in sent.of_notice.items()},
            "notice-line": {str(notice): n for notice, n in sent.of_notice_by_line.items()},
            "first": in_steps(seconds * 1000 for seconds in sent.waits),
            "tap": done.taps,
            "asked": await asked_between(session, start, end),
            "report": await reports_between(session, start, end),
            "chat": await chats_between(session, start, end),
            **await tallies_of(session, day),
        }
        if with_census:
            counted = await census(session)
            counts.update({f"{name}-now": of_it for name, of_it in counted.items()})
    async with database.writing() as session:
        await kept.store(session, day, counts, clock.now())
    log.info("figures.counted", day=day.isoformat(), with_census=with_census)


def midnight(day: date) -> datetime:
    """Return the beginning of a day in Japan."""
    return datetime.combine(day, time(), JAPAN)


async def ask_line(context: Context, line: LineClient) -> None:
    """Ask LINE for what it counts itself; what is not ready yet is asked for later."""
    if not knows_the_time(context.clock):
        return
    database, now = context.database, context.clock.now()
    today = in_japan(now).date()
    async with database.reading() as session:
        days = await kept.without_line(session, today - timedelta(days=LINE_DAYS_BACK), today)
    try:
        for day in days:
            await admit(database, "insight-followers", now)
            friends = await friend_numbers(line, f"{day:%Y%m%d}")
            await admit(database, "insight-delivery", now)
            messages = await messages_of(line, day)
            if friends.status != "ready" or messages is None:
                continue
            found: dict[str, object] = {
                "friends": {
                    "followers": friends.followers,
                    "reach": friends.targeted_reaches,
                    "blocks": friends.blocks,
                },
                "messages": messages,
            }
            if day == today - timedelta(days=1):
                await admit(database, "insight-demographic", now)
                found["friends-are"] = await demographic(line)
            async with database.writing() as session:
                await kept.store_line(session, day, found)
    except (Retryable, Permanent) as error:
        log.info("figures.line_later", reason=str(error))
    await ask_units(database, context.clock, line)


async def watch_quota(context: Context, line: LineClient) -> None:
    """Read the month's quota; tell staff once a month if it will run out."""
    if not knows_the_time(context.clock):
        return
    now = context.clock.now()
    if not await read_quota(context.database, context.clock, line):
        return
    today = in_japan(now).date()
    async with context.database.reading() as session:
        rows = await quota_readings(session, today - timedelta(days=62), today)
        members = await listeners(session)
    found = project({day: Reading(row.most, row.used) for day, row in rows.items()}, today)
    if found is None or found.runs_out is None or not members:
        return
    occasion = f"quota:{today:%Y-%m}"
    async with context.database.writing() as session:
        await staff_messages.tell(
            session,
            context.queue,
            members,
            partial(quota_words, context.settings.public_url, found),
            now,
            occasion=occasion,
            about=occasion,
            drill=False,
            urgent=False,
        )
