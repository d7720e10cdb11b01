"""iCalendar files (RFC 5545) for a phone's calendar: collection days, and the city's events.

Each day with a collection is an all-day event. Its UID is made from district and day, so that a
changed collection replaces the event and is never a second one. An event has the UID of the first
notice about it; a later notice about it changes it, or cancels it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from city.city import City, District, name_in
from city.collection import Calendar, WasteKind
from core.clock import in_japan
from core.languages import tag_of
from feeds.texts import topic_name
from public.city_events import CityEvent
from public.feeds import notice_url
from public.notices import reader_words
from public.portal import places_of
from public.words import CATALOGUE

BACK, AHEAD = 31, 366
"""Days of the calendar before and after today."""
LINE_OCTETS = 75
"""RFC 5545 3.1: longer lines are folded."""
REFRESH = "P1D"


def collection_calendar(
    city: City, calendar: Calendar, district: District, language: str, now: datetime, *, host: str
) -> bytes:
    """Return the file.

    Parameters
    ----------
    now
        In Japan: its day is today.
    host
        The service's host name, which makes the UIDs unique.
    """
    place = name_in(district.names, language)
    title = f"{CATALOGUE.text(language, 'Rubbish days')} · {place}"
    stamp = _utc(_midnight(now))
    lines: list[str] = []
    for day in (now.date() + timedelta(days=n) for n in range(-BACK, AHEAD)):
        if summary := _summary(calendar, district, day, language):
            lines += [
                "BEGIN:VEVENT",
                f"UID:{day:%Y%m%d}-{district.code}-collection@{host}",
                f"DTSTAMP:{stamp}",
                f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
                f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}",
                _text(f"SUMMARY;LANGUAGE={tag_of(language)}", summary),
                _text(f"LOCATION;LANGUAGE={tag_of(language)}", place),
                "TRANSP:TRANSPARENT",
                "END:VEVENT",
            ]
    return _file("Collection days", title, lines)


def event_calendar(
    events: Sequence[CityEvent], city: City, language: str, title: str, *, public_url: str
) -> bytes:
    """Return the file of the city's events."""
    host = urlsplit(public_url).hostname or "localhost"
    lines: list[str] = []
    for event in events:
        notice, when = event.notice, event.when
        heading, text, spoken = reader_words(notice, language)
        tag, own = tag_of(spoken), tag_of(language)
        day, begin = in_japan(when.begins_at), _utc(when.begins_at)
        lines += [
            "BEGIN:VEVENT",
            f"UID:notice-{event.first}@{host}",
            f"DTSTAMP:{_utc(notice.created_at)}",
            f"SEQUENCE:{event.changes}",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}" if when.whole_day else f"DTSTART:{begin}",
        ]
        if when.ends_at is not None:
            day = in_japan(when.ends_at)
            end = f";VALUE=DATE:{day:%Y%m%d}" if when.whole_day else f":{_utc(when.ends_at)}"
            lines.append(f"DTEND{end}")
        lines += [
            _text(f"SUMMARY;LANGUAGE={tag}", heading),
            _text(f"DESCRIPTION;LANGUAGE={tag}", text),
            _text(f"CATEGORIES;LANGUAGE={own}", topic_name(notice.topic, language, city)),
        ]
        if places := places_of(notice, language, city):
            lines.append(_text(f"LOCATION;LANGUAGE={own}", " · ".join(places)))
        lines += [
            f"URL:{notice_url(public_url, notice, language)}",
            f"STATUS:{'CANCELLED' if event.is_cancelled else 'CONFIRMED'}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    return _file("Events", title, lines)


def _file(what: str, title: str, events: Sequence[str]) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//Todoke//{what}//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        _text("NAME", title),
        _text("X-WR-CALNAME", title),
        "X-WR-TIMEZONE:Asia/Tokyo",
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
        *events,
        "END:VCALENDAR",
    ]
    return "".join(part for line in lines for part in _folded(line)).encode()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _summary(calendar: Calendar, district: District, day: date, language: str) -> str:
    said = []
    if kinds := calendar.collected(district.code, day):
        said.append(_names(kinds, language))
    if off := calendar.called_off(district.code, day):
        said.append(f"{CATALOGUE.text(language, 'No collection')}: {_names(off, language)}")
    return " / ".join(said)


def _names(kinds: Sequence[WasteKind], language: str) -> str:
    between = "、" if language.startswith(("ja", "zh")) else ", "
    return between.join(name_in(kind.names, language) for kind in kinds)


def _midnight(now: datetime) -> datetime:
    """The file changes once a day, so that a program that asks again gets "not modified"."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _text(name: str, value: str) -> str:
    """Return a property with a value of type TEXT (RFC 5545 3.3.11)."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    lines = escaped.replace("\r", "").replace("\n", "\\n")
    return f"{name}:{''.join(letter for letter in lines if letter >= ' ')}"


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 octets, each with its line end; no letter is cut."""
    part, size = "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > LINE_OCTETS:
            yield f"{part}\r\n"
            # The space that begins a continued line counts.
            part, size = " ", 1
        part += letter
        size += octets
    yield f"{part}\r\n"
