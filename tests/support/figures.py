"""Days of figures as a test writes them, so that it can say what a page must show."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from channels.line.models import LineUnit, QuotaReading
from console.figures.models import DayFigures
from core.clock import JAPAN
from feeds.models import Notice
from tests.support.engine import make_notice
from tests.support.office import Office

JUNE = date(2026, 6, 1)
FORMULA = '=HYPERLINK("https://evil.example","見る")'


def day(number: int, counts: dict[str, dict[str, int]], office: Office, **more: Any) -> DayFigures:
    """Return the figures of a day in June 2026."""
    at = JUNE + timedelta(days=number - 1)
    return DayFigures(day=at, counts=counts, counted_at=office.clock.now(), **more)


async def notice(office: Office, title: str, number: int) -> Notice:
    """Store a notice with this title in Japanese and English."""
    texts = {code: {"title": title, "text": title} for code in ("ja", "en")}
    made = make_notice(now=office.clock.now(), texts=texts, id=number)
    await office.store(made)
    return made


async def a_month(office: Office) -> None:
    """Fourteen days of June: two notices, everything counted, an odd title."""
    await notice(office, "大雨警報", 1)
    await notice(office, FORMULA, 2)
    census = {
        "state-now": {"following": 1_000, "left": 30},
        "medium-now": {"line": 950, "email": 50},
        "language-now": {"ja": 880, "en": 80, "my": 40},
        "topic-now": {"weather": 400, "events": 7},
        "area-now": {"": 600, "yamanobe": 250, "kitaoka": 150},
    }
    await office.store(
        *(
            day(
                n,
                {
                    "came": {"new": 5, "back": 1},
                    "left": {"blocked": 2},
                    "left-after": {"1": 2},
                    "taken": {"line": 100, "email": 10},
                    "failed": {"line": 1},
                    "notice": {"1": 100, "2": 10},
                    "notice-line": {"1": 100},
                    "tap": {"shelters": 3},
                    "asked": {"shelter": 6, "unknown": 2},
                    "report": {"came": 4, "answered": 3, "ended": 2, "due": 2, "in_time": 1},
                    "chat": {"opened": 3, "answered": 2, "closed": 1},
                    "webhook": {"5": 90, "20": 10},
                    "first": {"100": 1},
                    "visit": {"1": 5},
                    **census,
                },
                office,
                line={"friends": {"followers": 1_200, "reach": 900, "blocks": 200}},
            )
            for n in range(1, 15)
        )
    )
    await office.store(
        LineUnit(name="todoke_n1", notice_id=1, month="2026-06", since=JUNE, opened=700, tapped=25),
        *(
            QuotaReading(
                day=JUNE + timedelta(days=n - 1),
                most=2_500,
                used=100 * n,
                read_at=office.clock.now().astimezone(JAPAN),
            )
            for n in range(1, 16)
        ),
    )
