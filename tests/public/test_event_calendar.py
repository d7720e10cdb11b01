"""The calendar of events, as a program that is not ours reads it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar, Event

from core.clock import JAPAN
from core.languages import LANGUAGES
from feeds.event_days import EventDay, whole_days
from feeds.models import Notice, Status
from tests.support.notices import a_notice
from tests.support.office import Office


def event(office: Office, identity: str, when: EventDay | None, **changes: Any) -> Notice:
    usual = {"topic": "events", "level": 0, "kind": "", "status": Status.NONE, **changes}
    notice = a_notice(office.clock.now(), identity, **usual)
    notice.set_event(when)
    return notice


def in_days(office: Office, days: int, hour: int = 10) -> EventDay:
    day = (office.clock.now().astimezone(JAPAN) + timedelta(days=days)).date()
    begins = datetime(day.year, day.month, day.day, hour, tzinfo=JAPAN)
    return EventDay(begins, begins + timedelta(hours=2))


async def read(office: Office, query: str = "lang=ja") -> list[Event]:
    page = await (await office.browser()).get(f"/calendar/events.ics?{query}")
    assert page.status == 200, query
    parsed = Calendar.from_ical(page.body)
    assert isinstance(parsed, Calendar) and parsed.errors == []
    events = parsed.walk("VEVENT")
    assert all(one.errors == [] for one in events)
    assert len({one["UID"] for one in events}) == len(events)
    return [one for one in events if isinstance(one, Event)]


def names(events: list[Event]) -> list[str]:
    return [str(one["SUMMARY"]).removesuffix("の題") for one in events]


async def test_events_have_their_day_time_topic_and_district(office: Office) -> None:
    here, there = office.context.city.districts[:2]
    soon, long = in_days(office, 3), whole_days(date(2026, 8, 1), date(2026, 8, 3))
    await office.store(
        event(office, "long", long, topic="childcare", areas=[here.code]),
        event(office, "soon", soon, areas=[there.code]),
        event(office, "news", None),
        event(office, "drill", soon, drill=True),
        event(office, "held", soon, decision="hold"),
        event(office, "past", EventDay(office.clock.now() - timedelta(days=40))),
    )
    first, second = await read(office)
    assert names([first, second]) == ["soon", "long"]
    assert first.decoded("DTSTART") == soon.begins_at
    assert first.decoded("DTEND") == soon.ends_at
    assert (second.decoded("DTSTART"), second.decoded("DTEND")) == (
        date(2026, 8, 1),
        date(2026, 8, 4),
    )
    assert str(first["LOCATION"]) == there.names["ja"]
    assert str(first["STATUS"]) == "CONFIRMED"
    code = (await office.notices())[1].code
    assert str(first["URL"]).endswith(f"/n/{code}?lang=ja")
    assert names(await read(office, "topic=childcare")) == ["long"]
    assert names(await read(office, f"topic=events,childcare&area={there.code}")) == ["soon"]
    browser = await office.browser()
    assert (await browser.get("/calendar/events.ics?topic=nothing")).status == 404


async def test_a_later_notice_moves_or_cancels_the_same_event(office: Office) -> None:
    await office.store(event(office, "festival", in_days(office, 5)))
    [before] = await read(office)
    moved = in_days(office, 12)
    changed = {"status": Status.CORRECTED, "replaces_id": 1}
    await office.store(event(office, "moved", moved, **changed))
    [after] = await read(office)
    assert (after["UID"], after.decoded("DTSTART")) == (before["UID"], moved.begins_at)
    assert after.decoded("SEQUENCE") > before.decoded("SEQUENCE")
    # A text without a day, such as 中止, must not leave the event as it was.
    await office.store(event(office, "called off", None, status=Status.CORRECTED, replaces_id=2))
    [gone] = await read(office)
    assert (gone["UID"], str(gone["STATUS"])) == (before["UID"], "CANCELLED")
    assert names([gone]) == ["called off"]
    assert gone.decoded("DTSTART") == moved.begins_at


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_has_it(office: Office, language: str) -> None:
    words = {language: {"title": "題, 「名」; \\", "text": "一行\n二行\x0b"}}
    await office.store(event(office, "festival", in_days(office, 1), texts=words))
    if language in office.context.city.languages:
        [found] = await read(office, f"lang={language}")
        assert str(found["SUMMARY"]) == "題, 「名」; \\"
        assert str(found["DESCRIPTION"]) == "一行\n二行"


async def test_the_notice_and_the_feed_say_when_it_is(office: Office) -> None:
    when = whole_days(date(2026, 7, 12))
    await office.store(event(office, "festival", when))
    [notice] = await office.notices()
    browser = await office.browser()
    page = await browser.get(f"/n/{notice.code}?lang=ja")
    assert "7月12日（日）" in page.words
    assert "/calendar/events.ics?topic=events" in page.body
    front = await browser.get("/?lang=ja")
    assert "/calendar/events.ics?lang=ja" in front.body
    feed = (await browser.get("/feeds/notices.json?lang=ja")).body
    assert '"begins_at": "2026-07-12T00:00:00+09:00"' in feed
