"""A city's iCalendar file as a source: its events, repeats, moved and called off, and bombs."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import icalendar
import pytest

from core.clock import JAPAN
from feeds import limits
from feeds.articles import event_of
from feeds.calendars import is_calendar, read_calendar
from feeds.errors import Unreadable
from feeds.feed_files import from_child, read_apart, read_file
from feeds.repeats import next_day, read_rule
from feeds.rss import Article

NOW = datetime(2026, 6, 15, 12, tzinfo=JAPAN)


def calendar_of(*events: str) -> bytes:
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//city//EN\nX-WR-CALNAME:行事予定\n"
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"{head}{body}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def articles(*events: str) -> list[Article]:
    data = calendar_of(*events)
    # What another library cannot read is no iCalendar.
    icalendar.Calendar.from_ical(data)
    return list(read_calendar(data, NOW, url="https://www.city.example/events.ics").articles)


def test_an_event_is_an_article_with_its_day_its_place_and_its_page() -> None:
    (one,) = articles(
        "UID:1@city\nSUMMARY:図書館まつり\\, 春\nDTSTART;TZID=Asia/Tokyo:20260712T103000\n"
        "DTEND;TZID=Asia/Tokyo:20260712T120000\nLOCATION:中央図書館\nURL:https://www.city.example/1\n"
        "DESCRIPTION:どなたでも\n ご参加ください。\\n申込不要です。\nCATEGORIES:イベント,図書館\n"
        "LAST-MODIFIED:20260601T000000Z\nDTSTAMP:20260615T000000Z"
    )
    assert one.title == "図書館まつり, 春"
    assert one.summary == (
        "どなたでもご参加ください。\n申込不要です。\n"
        "日時：2026年7月12日（日）10時30分から2026年7月12日（日）12時\n場所：中央図書館"
    )
    assert (one.identity, one.link) == ("1@city", "https://www.city.example/1")
    assert one.categories == ("イベント", "図書館")
    assert one.published_at == datetime(2026, 6, 1, 9, tzinfo=JAPAN)
    day = event_of(one, NOW)
    assert day is not None and not day.whole_day
    assert day.begins_at == datetime(2026, 7, 12, 10, 30, tzinfo=JAPAN)
    assert day.ends_at == datetime(2026, 7, 12, 12, tzinfo=JAPAN)


def test_whole_days_end_the_day_before_the_one_that_icalendar_names() -> None:
    (one,) = articles(
        "UID:2\nSUMMARY:写真展\nDTSTART;VALUE=DATE:20260701\nDTEND;VALUE=DATE:20260704"
    )
    day = event_of(one, NOW)
    assert day is not None and day.whole_day
    assert (day.begins_at.date(), day.ends_at and day.ends_at.date()) == (
        date(2026, 7, 1),
        date(2026, 7, 4),
    )
    assert "7月3日" in one.summary and "7月4日" not in one.summary


@pytest.mark.parametrize(
    ("start", "hour"),
    [
        ("DTSTART:20260712T010000Z", 10),
        ("DTSTART:20260712T100000", 10),
        ("DTSTART;TZID=Asia/Seoul:20260712T100000", 10),
        ("DTSTART;TZID=America/New_York:20260711T210000", 10),
    ],
)
def test_moments_are_japans_whatever_their_zone(start: str, hour: int) -> None:
    (one,) = articles(f"UID:z\nSUMMARY:会\n{start}")
    assert datetime.fromisoformat(one.begins) == datetime(2026, 7, 12, hour, tzinfo=JAPAN)


def test_what_is_over_or_of_an_unknown_zone_or_day_is_left_out() -> None:
    data = calendar_of(
        "UID:1\nSUMMARY:昨日\nDTSTART:20260614T100000",
        "UID:2\nSUMMARY:どこか\nDTSTART;TZID=Nowhere/Else:20260712T100000",
        "UID:3\nSUMMARY:ない日\nDTSTART;VALUE=DATE:20260231",
        "UID:4\nSUMMARY:\nDTSTART;VALUE=DATE:20260712",
        "SUMMARY:番号なし\nDTSTART;VALUE=DATE:20260712",
        "UID:5\nSUMMARY:昔\nDTSTART;VALUE=DATE:00010101",
        "UID:../../etc\nSUMMARY:変な時刻帯\nDTSTART;TZID=../../etc/passwd:20260712T100000",
    )
    assert read_calendar(data, NOW).articles == ()


def test_an_event_that_repeats_is_one_article_whose_day_moves_on() -> None:
    weekly = (
        "UID:w\nSUMMARY:おはなし会\nDTSTART;TZID=Asia/Tokyo:20240501T100000\nDURATION:PT1H\n"
        "RRULE:FREQ=WEEKLY;BYDAY=WE\nEXDATE;TZID=Asia/Tokyo:20260617T100000"
    )
    moved = (
        "UID:w\nRECURRENCE-ID;TZID=Asia/Tokyo:20260624T100000\nSUMMARY:おはなし会（特別）\n"
        "DTSTART;TZID=Asia/Tokyo:20260625T140000"
    )
    series, once = articles(weekly, moved)
    assert (series.identity, once.identity) == ("w", "w 20260624T100000")
    assert series.begins == "2026-07-01T10:00:00+09:00"
    assert series.ends == "2026-07-01T11:00:00+09:00"
    assert once.begins == "2026-06-25T14:00:00+09:00"
    later = read_calendar(calendar_of(weekly, moved), NOW + timedelta(days=20)).articles
    assert [one.begins for one in later] == ["2026-07-08T10:00:00+09:00"]
    # Nobody is told each week: the words are the same.
    assert (later[0].title, later[0].summary) == (series.title, series.summary)


def test_called_off_says_so_and_is_no_event() -> None:
    (one,) = articles("UID:c\nSUMMARY:夏祭り\nDTSTART;VALUE=DATE:20260801\nSTATUS:CANCELLED")
    assert one.title == "【中止】夏祭り"
    assert event_of(one, NOW) is None


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        # The examples of RFC 5545, 3.8.5.3; they begin on 2 September 1997 or as named there.
        ("FREQ=DAILY;INTERVAL=2", "1997-09-02", ["09-02", "09-04", "09-06"]),
        ("FREQ=DAILY;COUNT=3", "1997-09-02", ["09-02", "09-03", "09-04", None]),
        (
            "FREQ=WEEKLY;UNTIL=19971007T000000Z;BYDAY=TU,TH",
            "1997-09-02",
            ["09-02", "09-04"],
        ),
        ("FREQ=WEEKLY;INTERVAL=2", "1997-09-02", ["09-02", "09-16", "09-30"]),
        ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05", ["09-05", "10-03", "11-07", "12-05"]),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU", "1997-09-07", ["09-07", "09-28", "11-02"]),
        ("FREQ=MONTHLY;BYDAY=-2MO", "1997-09-22", ["09-22", "10-20", "11-17", "12-22"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28", ["09-28", "10-29", "11-28", "12-29"]),
        ("FREQ=MONTHLY;BYMONTHDAY=2,15", "1997-09-02", ["09-02", "09-15", "10-02", "10-15"]),
        ("FREQ=YEARLY;BYMONTH=6,7", "1997-06-10", ["06-10", "07-10", "06-10"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1997-09-12", ["09-12", "02-13", "03-13"]),
    ],
)
def test_rules_of_the_standard(rule: str, start: str, expected: list[str | None]) -> None:
    read = read_rule(rule)
    assert read is not None
    begun = date.fromisoformat(start)
    day: date | None = begun
    found: list[str | None] = []
    for _ in expected:
        day = next_day(read, begun, day) if day is not None else None
        found.append(f"{day:%m-%d}" if day else None)
        day = day + timedelta(days=1) if day else None
    assert found == expected


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY",
        "FREQ=SECONDLY;COUNT=999999999",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-1",
        "FREQ=YEARLY;BYDAY=20MO",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;COUNT=many",
        "nonsense",
    ],
)
def test_by_a_rule_that_is_not_known_only_the_first_day_counts(rule: str) -> None:
    assert read_rule(rule) is None
    ahead = calendar_of(f"UID:r\nSUMMARY:会\nDTSTART;VALUE=DATE:20260801\nRRULE:{rule}")
    assert [one.begins for one in read_calendar(ahead, NOW).articles] == ["2026-08-01"]


def test_bombs_cost_little_and_are_refused() -> None:
    far = (
        "UID:{n}\nSUMMARY:a\nDTSTART;VALUE=DATE:19900101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
    )
    many = calendar_of(*(far.format(n=n) for n in range(50)))
    assert read_calendar(many, NOW).articles == ()
    too_many = calendar_of("x") + b"BEGIN:VEVENT\r\n" * (limits.MAX_FEED_ITEMS_IN_ALL + 1)
    with pytest.raises(Unreadable, match="items"):
        read_calendar(too_many + b"END:VCALENDAR", NOW)
    with pytest.raises(Unreadable, match="breaks off"):
        read_calendar(calendar_of("UID:1\nSUMMARY:a")[:-20], NOW)
    with pytest.raises(Unreadable, match="breaks off"):
        read_calendar(b"BEGIN:VCALENDAR\r\n" * 50 + b"END:VCALENDAR", NOW)
    long = "UID:1\nDTSTART;VALUE=DATE:20260801\nSUMMARY:" + "\n ".join(["あ" * 70] * 5_000)
    (one,) = read_calendar(calendar_of(long), NOW).articles
    assert len(one.title) <= limits.MAX_TITLE_CHARACTERS
    hostile = "UID:1\nDTSTART;VALUE=DATE:20260801\nSUMMARY:<script>x</script>会\nURL:javascript:x"
    (one,) = read_calendar(calendar_of(hostile), NOW).articles
    assert (one.title, one.link) == ("会", "")


def test_a_file_is_known_by_its_beginning_and_survives_the_child() -> None:
    data = calendar_of("UID:1\nSUMMARY:会\nDTSTART;VALUE=DATE:20260801")
    assert is_calendar(data) and is_calendar(b"\xef\xbb\xbf" + data)
    assert not is_calendar(b"<rss/>")
    feed = read_file(data, NOW, url="https://www.city.example/a.ics")
    assert (feed.form, feed.title) == ("icalendar", "行事予定")
    said, _ = read_apart(data, now=NOW.isoformat(), url="https://www.city.example/a.ics")
    assert from_child(said) == feed
