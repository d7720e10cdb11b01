"""Reminders of collection days: a notice for tomorrow that waits for the residents' digest.

Only where the city's folder says ``collection_reminders``, and to residents who chose the topic.
Whatever hour somebody has for their digest, it comes before the rubbish is collected, for the
notice is there from midnight of the day before until the morning of the day itself.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.dialogues.kinds import WORDS
from bot.dialogues.words import listed
from core.city import City, Decision, name_in
from core.city_folder import CityFolder
from core.clock import JAPAN, in_japan
from core.collection import REMINDER_RULE, Kind
from core.context import Context
from feeds.models import Notice, Status
from feeds.texts import day_name

TOPIC = "collection"
TOO_LATE = time(8)
"""On the day itself, in Japan: rubbish that is put out later is often left behind."""


async def remind(context: Context, folder: CityFolder) -> int:
    """Put tomorrow's collections on record, once; return how many notices are new."""
    city, now = context.city, context.clock.now()
    if not city.collection_reminders or all(topic.code != TOPIC for topic in city.topics):
        return 0
    tomorrow = in_japan(now).date() + timedelta(days=1)
    async with context.database.writing() as session:
        notices = await _new(session, reminders(city, folder, tomorrow, now))
        session.add_all(notices)
    return len(notices)


def reminders(city: City, folder: CityFolder, day: date, now: datetime) -> list[Notice]:
    """Return a notice for each set of kinds that is collected on ``day``, with its districts."""
    by_code = {kind.code: kind for kind in folder.calendar.kinds}
    districts: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for district in city.districts:
        codes = tuple(kind.code for kind in folder.calendar.collected(district.code, day))
        if codes:
            districts[codes].append(district.code)
    return [
        _notice(city, day, [by_code[code] for code in codes], areas, now)
        for codes, areas in districts.items()
    ]


def _notice(city: City, day: date, kinds: list[Kind], areas: list[str], now: datetime) -> Notice:
    codes = "+".join(kind.code for kind in kinds)
    return Notice(
        identity=f"{TOPIC}:{day.isoformat()}:{codes}"[:512],
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
                    "Rubbish on {day}: {kinds}",
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
