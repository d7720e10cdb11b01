"""Reminders of collection days: a notice for tomorrow in the residents' digest.

Only if the city's folder has ``collection_reminders``, and only for residents with the topic. The
notice exists from midnight of the day before until the morning of the day itself. So it comes
before the collection, whatever hour a resident chose for the digest.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.catalogue import WORDS
from bot.dialogues.words import listed
from city.city import City, Decision, name_in
from city.collection import REMINDER_RULE, WasteKind
from city.context import Context
from city.folder import CityFolder
from core.clock import JAPAN, in_japan
from core.languages import mark
from feeds.models import Notice, Status
from feeds.texts import day_name

TOPIC = "collection"
RUBBISH = mark("Rubbish on {day}: {kinds}")
NO_RUBBISH = mark("No rubbish collection on {day}: {kinds}")
TOO_LATE = time(8)
"""On the day itself, in Japan: rubbish that is put out later is often left behind."""


async def remind(context: Context, folder: CityFolder) -> int:
    """Store notices of tomorrow's collections, once; return how many are new."""
    city, now = context.city, context.clock.now()
    if not city.collection_reminders or all(topic.code != TOPIC for topic in city.topics):
        return 0
    tomorrow = in_japan(now).date() + timedelta(days=1)
    async with context.database.writing() as session:
        notices = await _new(session, reminders(city, folder, tomorrow, now))
        session.add_all(notices)
    return len(notices)


def reminders(city: City, folder: CityFolder, day: date, now: datetime) -> list[Notice]:
    """Return a notice for each set of kinds that is collected on ``day``, with its districts.

    Another notice says which usual collections are cancelled.
    """
    calendar = folder.calendar
    found = []
    for message, prefix, kinds_on in (
        (RUBBISH, TOPIC, calendar.collected),
        (NO_RUBBISH, f"{TOPIC}-off", calendar.called_off),
    ):
        by_codes: dict[tuple[str, ...], list[WasteKind]] = {}
        areas: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for district in city.districts:
            if kinds := kinds_on(district.code, day):
                codes = tuple(kind.code for kind in kinds)
                by_codes[codes] = kinds
                areas[codes].append(district.code)
        found += [
            _notice(city, day, message, f"{prefix}:{day.isoformat()}", kinds, areas[codes], now)
            for codes, kinds in by_codes.items()
        ]
    return found


def _notice(
    city: City,
    day: date,
    message: str,
    identity: str,
    kinds: list[WasteKind],
    areas: list[str],
    now: datetime,
) -> Notice:
    codes = "+".join(kind.code for kind in kinds)
    return Notice(
        identity=f"{identity}:{codes}"[:512],
        topic=TOPIC,
        status=Status.NONE,
        areas=areas,
        drill=False,
        reported_at=now,
        expires_at=datetime.combine(day, TOO_LATE, JAPAN),
        texts={
            language: {
                "title": WORDS.text(
                    language,
                    message,
                    day=day_name(day, language),
                    kinds=listed([name_in(kind.names, language) for kind in kinds], language),
                ),
                "text": listed(
                    [name_in(city.district_by_code[area].names, language) for area in areas],
                    language,
                ),
            }
            for language in city.languages
        },
        decision=Decision.DIGEST,
        decided_by=REMINDER_RULE,
        created_at=now,
    )


async def _new(session: AsyncSession, notices: list[Notice]) -> list[Notice]:
    """Return those of the notices that are not there yet."""
    wanted = [notice.identity for notice in notices]
    known = set(
        await session.scalars(select(Notice.identity).where(col(Notice.identity).in_(wanted)))
    )
    return [notice for notice in notices if notice.identity not in known]
