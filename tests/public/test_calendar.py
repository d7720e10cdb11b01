"""A district's calendar in a phone: read by a program that is not ours."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar as Parsed
from PIL import Image

from city.city import name_in
from city.folder import CityFolder
from core.clock import JAPAN
from core.kept import KeptBytes
from core.languages import LANGUAGES
from core.places import PlaceGroup
from public import drawing
from public.drawing import MOST_AT_ONCE
from public.ics import collection_calendar
from public.month_picture import COLOURS, OFF, WIDTH, can_draw, draw_month, month_of
from tests.support.office import Office

NOON = datetime(2026, 12, 15, 12, tzinfo=JAPAN)


def made(
    sample: CityFolder, language: str = "en", now: datetime = NOON, code: str = "chuo"
) -> bytes:
    district = sample.city.district_by_code[code]
    return collection_calendar(
        sample.city, sample.calendar, district, language, now, host="city.example.jp"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_program_reads_the_right_day_for_each_collection(
    sample: CityFolder, language: str
) -> None:
    parsed = Parsed.from_ical(made(sample, language))
    assert parsed.errors == []
    events = {event.decoded("DTSTART"): event for event in parsed.walk("VEVENT")}
    day = NOON.date()
    for ahead in range(366):
        on = day + timedelta(days=ahead)
        collected = sample.calendar.collected("chuo", on)
        off = sample.calendar.called_off("chuo", on)
        assert (on in events) == bool(collected or off), on
        for kind in (*collected, *off):
            assert name_in(kind.names, language) in str(events[on]["SUMMARY"])
    for on, event in events.items():
        assert event["DTSTART"].params["VALUE"] == "DATE"
        assert event.decoded("DTEND") == on + timedelta(days=1)
        assert event.errors == []


def test_new_year_says_that_nothing_is_collected(sample: CityFolder) -> None:
    parsed = Parsed.from_ical(made(sample))
    events = {event.decoded("DTSTART"): str(event["SUMMARY"]) for event in parsed.walk("VEVENT")}
    usual = [day for day in (date(2026, 12, 31), date(2027, 1, 1)) if day in events]
    assert usual
    assert all(events[day].startswith("No collection: ") for day in usual)


def test_lines_are_folded_at_75_octets_and_end_as_the_rule_says(sample: CityFolder) -> None:
    for language in ("ja", "my", "en"):
        body = made(sample, language)
        assert body.endswith(b"END:VCALENDAR\r\n")
        lines = body.split(b"\r\n")
        assert max(map(len, lines)) <= 75
        for line in lines:
            line.decode()  # no letter is cut
            assert b"\n" not in line and b"\r" not in line


def test_a_day_keeps_its_name_so_that_a_change_replaces_it(sample: CityFolder) -> None:
    today, later = (
        {
            event.decoded("DTSTART"): str(event["UID"])
            for event in Parsed.from_ical(body).walk("VEVENT")
        }
        for body in (made(sample, "ja"), made(sample, "vi", NOON + timedelta(days=20)))
    )
    both = set(today) & set(later)
    assert len(both) > 30
    assert all(today[day] == later[day] for day in both)
    assert len(set(today.values())) == len(today)
    other = Parsed.from_ical(made(sample, code="umesato"))
    assert not {str(event["UID"]) for event in other.walk("VEVENT")} & set(today.values())
    stamps = {event.decoded("DTSTAMP") for event in other.walk("VEVENT")}
    assert stamps == {datetime(2026, 12, 14, 15, tzinfo=UTC)}


def test_what_a_city_writes_cannot_break_a_line(sample: CityFolder) -> None:
    kinds = tuple(
        kind.__class__(kind.code, {"ja": "缶;瓶,\\紙\r\nEND:VEVENT"})
        for kind in sample.calendar.kinds
    )
    calendar = sample.calendar.__class__(kinds, sample.calendar.days)
    body = collection_calendar(
        sample.city, calendar, sample.city.districts[0], "ja", NOON, host="city.example.jp"
    )
    events = Parsed.from_ical(body).walk("VEVENT")
    assert events
    assert "缶;瓶,\\紙\nEND:VEVENT" in str(events[0]["SUMMARY"])


async def test_anybody_can_subscribe_to_a_district(office: Office) -> None:
    browser = await office.browser()
    page = await browser.get("/calendar/chuo.ics?lang=pt")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert Parsed.from_ical(page.body).walk("VEVENT")
    again = await browser.get(
        "/calendar/chuo.ics?lang=pt", **{"If-None-Match": page.headers["ETag"]}
    )
    assert again.status == 304
    for nowhere in ("/calendar/nowhere.ics", "/calendar/.ics", "/calendar/..%2fchuo.ics"):
        assert (await browser.get(nowhere)).status == 404


def test_a_month_is_drawn_in_every_script_that_the_machine_can_write(sample: CityFolder) -> None:
    for language in LANGUAGES:
        if not can_draw(language):
            pytest.skip("this machine lacks a font")
        month = month_of(sample.calendar, sample.city.districts[0], date(2026, 12, 1), language)
        drawn = draw_month(month)
        image = Image.open(io.BytesIO(drawn))
        assert image.width == WIDTH and 900 < image.height < 1600
        assert len(drawn) < 300_000


def test_colours_of_kinds_are_told_from_white_and_by_number() -> None:
    """WCAG 1.4.3: the number on each colour has a contrast of at least 4.5."""
    for colour in (*COLOURS, OFF):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5, colour


async def test_a_month_is_shown_to_anybody_within_a_year(office: Office) -> None:
    if not can_draw("my"):
        pytest.skip("this machine lacks a font")
    browser = await office.browser()
    async with browser.http.get(f"{office.url}/calendar/chuo-2026-07.png?lang=my") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/png"
        assert (await answer.read()).startswith(b"\x89PNG")
    for nowhere in (
        *("chuo-2026-13", "chuo-2030-01", "chuo-2020-01"),
        *("nowhere-2026-07", "-", "x" * 99),
    ):
        assert (await browser.get(f"/calendar/{nowhere}.png")).status == 404, nowhere


def test_files_in_memory_are_bounded_by_their_size() -> None:
    kept = KeptBytes(10)
    for key in "abc":
        kept.put(key, b"1234")
    assert [kept.get(key) for key in "abc"] == [None, b"1234", b"1234"]
    kept.get("b")
    kept.put("d", b"1")
    kept.put("d", b"1234")
    assert [kept.get(key) for key in "bcd"] == [b"1234", None, b"1234"]


async def test_a_crowd_for_new_files_is_told_to_come_again_and_kept_ones_are_sent(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9110 10.2.3: Retry-After."""
    places = PlaceGroup("drawing", MOST_AT_ONCE, 0)
    monkeypatch.setattr(drawing, "_places", places)
    browser = await office.browser()
    before = await browser.get("/calendar/chuo.ics?lang=pt")
    for _ in range(MOST_AT_ONCE):
        await places.take()
    again = await browser.get("/calendar/chuo.ics?lang=pt")
    assert (again.status, again.body) == (200, before.body)
    pages = ["/calendar/chuo.ics?lang=vi"]
    if can_draw("vi"):
        pages.append("/calendar/umesato-2026-08.png?lang=vi")
    for page in pages:
        answer = await browser.get(page)
        assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0
    office.clock.ahead += timedelta(days=1)
    assert (await browser.get("/calendar/chuo.ics?lang=pt")).status == 503, "a new day"
    places.leave()
    assert (await browser.get("/calendar/chuo.ics?lang=pt")).body != before.body
