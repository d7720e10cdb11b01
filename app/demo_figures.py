"""The demo's invented past: a year of daily figures, so that the charts have something to show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

from channels.line.models import QuotaReading
from city.context import Context
from console.figures import kept
from core.clock import in_japan
from subscriptions.census import Census, census

DAYS = 395
"""Thirteen months: the year's chart is full on every day."""
AT_FIRST = 0.55
"""The part of today's residents who followed already on the first day."""
PLAN = 30_000
ASKED = {
    "collection-day": 30,
    "sorting": 22,
    "shelter": 9,
    "report": 6,
    "in-force": 5,
    "report-status": 3,
    "unknown": 8,
}
TAPS = {"rubbish": 40, "now": 18, "shelters": 12, "reports": 7, "numbers": 5, "topics": 3}


async def add_figures(context: Context) -> None:
    """Store a year of days, each with invented numbers that grow to today's residents."""
    chance = Random(7)  # noqa: S311
    now = context.clock.now()
    today = in_japan(now).date()
    async with context.database.writing() as session:
        follow = await census(session)
        for back in range(DAYS, 0, -1):
            day = today - timedelta(days=back)
            part = AT_FIRST + (1 - AT_FIRST) * (1 - back / DAYS)
            await kept.store(session, day, _counts(day, part, follow, chance), now)
            await kept.store_line(session, day, _by_line(part))
        for day, used in _used(today, chance):
            session.add(QuotaReading(day=day, most=PLAN, used=used, read_at=now))


def _counts(day: date, part: float, follow: Census, chance: Random) -> dict[str, Mapping[str, int]]:
    """Return what happened on a day on which ``part`` of today's residents followed."""
    rain = chance.random() < (0.2 if day.month in (6, 7, 9) else 0.05)
    lively = (1.6 if rain else 1.0) * (0.7 if day.weekday() >= 5 else 1.0)
    came = chance.randint(0, 3) + 6 * rain
    left = chance.randint(0, 1) + rain
    sent = round(300 * part * (2 if rain else 1))
    reports = chance.randint(0, 2) + 2 * rain
    return {
        "came": {"new": came, "back": chance.randint(0, 1)},
        "left": {"blocked": left},
        "left-after": {"": left},
        "taken": {"line": sent, "email": sent // 25, "webpush": sent // 8},
        "failed": {"line": chance.randint(0, 2)},
        "asked": _around(ASKED, part * lively, chance),
        "tap": _around(TAPS, part * lively, chance),
        "report": {
            "came": reports,
            "answered": reports,
            "ended": max(0, reports - chance.randint(0, 1)),
            "due": reports,
            "in_time": max(0, reports - chance.randint(0, 1)),
        },
        "webhook": {"2": 80 * (1 + rain), "5": 30, "10": 6, "50": 1},
        "first": {"100": 2, "200": 1} if rain else {},
        **{
            f"{name}-now": {key: round(number * part) for key, number in of_it.items()}
            for name, of_it in follow.items()
        },
    }


def _around(usual: Mapping[str, int], part: float, chance: Random) -> dict[str, int]:
    return {key: round(n * part * chance.uniform(0.6, 1.4)) for key, n in usual.items()}


def _by_line(part: float) -> dict[str, object]:
    ever = round(1300 * part)
    friends = {"followers": ever, "reach": round(ever * 0.86), "blocks": round(ever * 0.09)}
    return {"friends": friends}


def _used(today: date, chance: Random) -> list[tuple[date, int]]:
    """Return LINE's readings of each day: they grow through a month, and begin again."""
    found, used = [], 0
    for back in range(DAYS, -1, -1):
        day = today - timedelta(days=back)
        used = (0 if day.day == 1 else used) + chance.randint(200, 900)
        found.append((day, used))
    return found
