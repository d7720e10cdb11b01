"""What somebody is told before they send an alert: each warning, and just not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.warnings import JUST_NOW, AlertWarning, warnings
from city.city import City
from core.database import Database
from feeds.models import Status
from subscriptions import residents
from tests.support.alerts import draft_of, sent, stored
from tests.support.engine import make_notice, user_id

NOON = datetime.fromisoformat("2026-06-15T12:00:00+09:00").astimezone(UTC)


async def said(
    database: Database, city: City, now: datetime, *, room: int | None = None, **changes: Any
) -> dict[str, AlertWarning]:
    """Return the warnings of a draft by their code."""
    draft = draft_of(now, **{"drill": False, **changes})
    async with database.reading() as session:
        found = await warnings(session, draft, city, now, recipients=100, room=room)
    return {each.code: each for each in found}


async def follow(database: Database, city: City, number: int, *areas: str) -> None:
    async with database.writing() as session:
        resident = await residents.follow(session, city, user_id(number), "ja", NOON)
        assert resident.id is not None
        await residents.choose_areas(session, city, resident.id, areas, NOON)


def districts(city: City) -> tuple[str, str]:
    first, second, *_ = city.districts
    return first.code, second.code


async def test_districts_with_several_levels(database: Database, city: City) -> None:
    a, b = districts(city)
    some: dict[str, Any] = {"whole_city": False, "areas": (a, b)}
    assert "levels" not in await said(database, city, NOON, **some, levels={a: 4, b: 4})
    found = (await said(database, city, NOON, **some, levels={a: 5}))["levels"]
    assert found.by_level == ((5, (a,)), (4, (b,)))


async def test_a_japanese_text_in_another_language(database: Database, city: City) -> None:
    wrong = {"ja": ("", "Leave now.")}
    assert "no-japanese" in await said(database, city, NOON, texts=wrong)
    right = {"ja": ("", "Leave now. にげて")}
    assert "no-japanese" not in await said(database, city, NOON, texts=right)


async def test_a_district_that_nobody_has_chosen(database: Database, city: City) -> None:
    a, b = districts(city)
    await follow(database, city, 1, a)
    await follow(database, city, 2)  # hears of every district, and has chosen none
    some: dict[str, Any] = {"whole_city": False, "areas": (a, b)}
    found = (await said(database, city, NOON, **some))["empty-area"]
    assert found.areas == (b,)
    await follow(database, city, 3, b)
    assert "empty-area" not in await said(database, city, NOON, **some)


async def test_more_messages_than_line_delivers_this_month(database: Database, city: City) -> None:
    assert "quota" not in await said(database, city, NOON, room=100)
    assert "quota" not in await said(database, city, NOON, room=None)
    found = (await said(database, city, NOON, room=99))["quota"]
    assert dict(found.values) == {"room": 99, "needed": 100}


@pytest.mark.parametrize(
    ("at", "level", "warned"),
    [
        ("2026-06-15T21:59:59+09:00", 4, False),
        ("2026-06-15T22:00:00+09:00", 4, True),
        ("2026-06-16T06:59:59+09:00", 4, True),
        ("2026-06-16T07:00:00+09:00", 4, False),
        # It waits for the morning.
        ("2026-06-15T22:00:00+09:00", 2, False),
    ],
)
async def test_quiet_hours_that_do_not_hold_it_back(
    database: Database, city: City, at: str, level: int, warned: bool
) -> None:
    assert (city.quiet_hours.start.hour, city.quiet_hours.end.hour) == (22, 7)
    found = await said(database, city, datetime.fromisoformat(at), level=level)
    assert ("quiet-hours" in found) is warned


async def test_the_same_alert_five_minutes_ago(database: Database, city: City) -> None:
    a, b = districts(city)
    some: dict[str, Any] = {"whole_city": False, "areas": (a,)}
    draft = await stored(database, NOON, drill=True, **some)
    await sent(database, city, draft, NOON)
    almost, over = NOON + JUST_NOW - timedelta(seconds=1), NOON + JUST_NOW
    found = (await said(database, city, almost, drill=True, **some))["same-again"]
    assert dict(found.values)["minutes"] == 4
    assert "same-again" not in await said(database, city, over, drill=True, **some)
    # Other districts, another topic, the real thing.
    others: dict[str, Any] = {"whole_city": False, "areas": (b,)}
    assert "same-again" not in await said(database, city, almost, drill=True, **others)
    assert "same-again" not in await said(
        database, city, almost, drill=True, topic="weather", **some
    )
    assert "same-again" not in await said(database, city, almost, drill=False, **some)
    assert "same-again" in await said(database, city, almost, drill=True, whole_city=True)


async def test_what_else_is_in_force_there(database: Database, city: City) -> None:
    a, b = districts(city)
    notice = make_notice("weather", level=4, now=NOON, languages=("ja",))
    notice.areas = [a]
    async with database.writing() as session:
        session.add(notice)
    some: dict[str, Any] = {"whole_city": False, "areas": (a,)}
    later = NOON + timedelta(hours=1)
    found = (await said(database, city, later, **some))["in-force"]
    assert found.notice is not None and found.notice.id == notice.id
    others: dict[str, Any] = {"whole_city": False, "areas": (b,)}
    assert "in-force" not in await said(database, city, later, **others)
    # It has no end of its own, and lasts two days.
    assert "in-force" not in await said(database, city, NOON + timedelta(hours=48), **some)
    # What an alert follows is not something else.
    draft = draft_of(later, drill=False, **some)
    draft.replaces_id, draft.status = notice.id, Status.CORRECTED
    async with database.reading() as session:
        told = await warnings(session, draft, city, later, recipients=1)
    assert "in-force" not in {each.code for each in told}
