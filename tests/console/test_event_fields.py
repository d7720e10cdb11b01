"""The day of an event: typed by staff, checked before sending, in the calendar after it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from icalendar import Calendar, Component

from alerts.event_fields import event_of, typed_of
from console.models import Role
from core.clock import JAPAN
from feeds.event_days import EventDay, whole_days
from tests.support.console_alerts import delivery_of, sent, written
from tests.support.office import Browser, Office, Page

FESTIVAL = {
    "topic": "events",
    "level": "0",
    "text": "市民まつりを開きます。どなたでもお越しください。",
    "event_day": "2026-07-12",
    "event_from": "10:00",
    "event_until": "15:30",
}


async def festival(browser: Browser, **changes: Any) -> tuple[int, Page]:
    return await written(browser, "real", **{**FESTIVAL, **changes})


async def calendar(office: Office) -> list[Component]:
    page = await (await office.browser()).get("/calendar/events.ics?lang=ja")
    return list(Calendar.from_ical(page.body).walk("VEVENT"))


async def test_an_event_is_in_the_calendar_once_it_is_sent_and_cancelled_when_it_is_taken_back(
    office: Office,
) -> None:
    await office.resident("ja")
    writer = await office.at_desk(Role.ADMIN, "boss")
    number, page = await festival(writer)
    assert "2026-07-12 10:00–15:30" in page.words
    assert await calendar(office) == [], "a draft is no event"
    done = await sent(writer, number, page)
    await office.done(delivery_of(done))
    [event] = await calendar(office)
    assert event.decoded("DTSTART") == datetime(2026, 7, 12, 10, tzinfo=JAPAN)
    assert event.decoded("DTEND") == datetime(2026, 7, 12, 15, 30, tzinfo=JAPAN)

    # A correction begins with the same day; another day moves the same event.
    [notice] = await office.notices()
    path = f"/console/notices/{notice.id}/take-back"
    page = await writer.submit(done, path, status="corrected")
    draft = page.url.rsplit("/", 1)[1]
    form = page.form(f"/console/alerts/{draft}")
    assert (form["event_day"], form["event_from"]) == ("2026-07-12", "10:00")
    page = await writer.submit(
        page, f"/console/alerts/{draft}", event_day="2026-07-19", then="check"
    )
    done = await sent(writer, int(draft), page)
    await office.done(delivery_of(done))
    [moved] = await calendar(office)
    assert moved["UID"] == event["UID"]
    assert moved.decoded("DTSTART") == datetime(2026, 7, 19, 10, tzinfo=JAPAN)

    page = await writer.submit(
        done, f"/console/notices/{(await office.notices())[-1].id}/take-back", status="cancelled"
    )
    number = int(page.url.split("/alerts/")[1].split("/")[0])
    await office.done(delivery_of(await sent(writer, number, page)))
    [gone] = await calendar(office)
    assert (gone["UID"], str(gone["STATUS"])) == (event["UID"], "CANCELLED")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"event_day": "2026-02-30"}, "催しの日付が正しくありません"),
        ({"event_day": ""}, "催しの日付が正しくありません"),
        ({"event_from": "25:00"}, "催しの時刻が正しくありません"),
        ({"event_from": ""}, "催しの時刻が正しくありません"),
        ({"event_until": "09:00"}, "催しの終了が開始より前です"),
        ({"event_last": "2026-07-13"}, "数日にわたる催しには時刻を入れられません"),
    ],
)
async def test_a_wrong_day_is_kept_and_said_and_cannot_be_sent(
    office: Office, typed: dict[str, str], said: str
) -> None:
    writer = await office.at_desk(Role.ADMIN, "boss")
    number, page = await festival(writer, **typed)
    assert said in page.words
    [draft] = await office.drafts()
    for name, value in typed.items():
        assert draft.event.get(name, "") == value
    check = await writer.get(f"/console/alerts/{number}/check")
    assert not check.has_form(f"/console/alerts/{number}/send")


async def test_an_event_without_a_time_lasts_the_whole_day_and_a_drill_is_no_event(
    office: Office,
) -> None:
    await office.resident("ja")
    writer = await office.at_desk(Role.ADMIN, "boss")
    number, page = await festival(writer, event_from="", event_until="")
    await office.done(delivery_of(await sent(writer, number, page)))
    number, page = await written(writer, "drill", **FESTIVAL)
    await office.done(delivery_of(await sent(writer, number, page)))
    [event] = await calendar(office)
    assert event["DTSTART"].params["VALUE"] == "DATE"


def test_what_a_notice_says_is_typed_in_again() -> None:
    morning = datetime(2026, 7, 12, 9, tzinfo=JAPAN)
    for event in (
        whole_days(date(2026, 7, 12)),
        whole_days(date(2026, 7, 12), date(2026, 8, 2)),
        EventDay(morning),
        EventDay(morning, datetime(2026, 7, 12, 12, tzinfo=JAPAN)),
    ):
        assert event_of(typed_of(event)) == event
    assert event_of(typed_of(None)) is None
