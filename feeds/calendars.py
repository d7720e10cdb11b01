"""Read the events of an iCalendar file (RFC 5545) as articles.

An event that repeats is one article, which has its next day; so it is news once, and its day moves
on. What was moved or called off apart (``RECURRENCE-ID``) is an article of its own. Nothing is
guessed: a day in an unknown time zone, or by a rule that is not known, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.clock import JAPAN, in_japan
from feeds import limits
from feeds.errors import Unreadable
from feeds.reasons import reason
from feeds.repeats import next_day, read_rule
from feeds.rss import Article, Feed, bounded, safe_link
from feeds.wording import one_line, plain_text, text_of_html

BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR\s", re.I)
CALLED_OFF = "【中止】"
MOST_LINE = 20_000
"""Characters of one line, unfolded; the rest is left out."""
MOST_NESTED = 8
MOST_LEFT_OUT = 1_000
"""Days of one event that may be left out (``EXDATE``)."""
_When = TypeVar("_When", date, datetime)
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_MOMENT = re.compile(r"\d{8}T\d{6}Z?")
_ESCAPED = re.compile(r"\\([\\;,Nn])")
_LENGTH = re.compile(
    r"P(?:(?P<weeks>\d{1,3})W|(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,5})M)?(?:\d{1,5}S)?)?)"
)


@dataclass
class _Event:
    """The lines of one ``VEVENT``; of a property that stands several times, the first."""

    lines: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    left_out: set[date] = field(default_factory=set)

    def text(self, name: str) -> str:
        return _ESCAPED.sub(lambda found: "\n" if found[1] in "Nn" else found[1], self.raw(name))

    def raw(self, name: str) -> str:
        return self.lines.get(name, ({}, ""))[1]

    def moment(self, name: str) -> date | datetime | None:
        """Return a day, or a moment in Japan's time; None if there is none that can be known."""
        return _moment(*self.lines[name]) if name in self.lines else None


def is_calendar(data: bytes) -> bool:
    """Whether it begins like an iCalendar file."""
    return BEGINNING.match(data[:200]) is not None


def read_calendar(data: bytes, now: datetime, *, url: str = "") -> Feed:
    """Return the events that are not over, as articles.

    Parameters
    ----------
    now
        From this day on events that repeat are looked at.

    Raises
    ------
    Unreadable
        It is too large, breaks off in the middle, or has too many events.
    """
    if len(data) > limits.MAX_BODY:
        raise Unreadable(reason("feed.too-large", limit=f"{limits.MAX_BODY:,}"))
    text = data.decode("utf-8-sig", errors="replace")
    if not re.search(r"END:VCALENDAR\s*$", text[-200:], re.I):
        raise Unreadable(reason("feed.cut"))
    if text.upper().count("BEGIN:VEVENT") > limits.MAX_FEED_ITEMS_IN_ALL:
        many, limit = text.upper().count("BEGIN:VEVENT"), limits.MAX_FEED_ITEMS_IN_ALL
        raise Unreadable(reason("feed.too-many-items", items=f"{many:,}", limit=f"{limit:,}"))
    events = list(_events(text))
    moved = _moved(events)
    made: dict[str, Article] = {}
    stated: list[datetime | None] = []
    for event in events:
        if len(made) >= limits.MAX_FEED_ITEMS:
            break
        article = _article(event, in_japan(now).date(), moved, url)
        if article is not None:
            made.setdefault(article.identity, article)
            stated.append(article.published_at)
    name = next(iter(re.findall(r"^X-WR-CALNAME[^:\r\n]*:([^\r\n]{1,300})", text, re.M)), "")
    return Feed(
        title=one_line(name, limits.MAX_TITLE_CHARACTERS),
        form="icalendar",
        articles=tuple(made.values()),
        stated=tuple(stated),
    )


def _lines(text: str) -> Iterator[str]:
    """Return the lines, unfolded (3.1)."""
    whole = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            if len(whole) < MOST_LINE:
                whole += line[1:]
            continue
        if whole:
            yield whole[:MOST_LINE]
        whole = line
    yield whole[:MOST_LINE]


def _events(text: str) -> Iterator[_Event]:
    within: list[str] = []
    event = _Event()
    for line in _lines(text):
        name, parameters, value = _parts(line)
        if name == "BEGIN":
            within.append(value.strip().upper())
            if len(within) > MOST_NESTED:
                raise Unreadable(reason("feed.cut"))
            if within[-1] == "VEVENT":
                event = _Event()
        elif name == "END" and within:
            if within.pop() == "VEVENT":
                yield event
        elif name and within[-1:] == ["VEVENT"]:  # and not in an alarm of it
            if name == "EXDATE" and len(event.left_out) < MOST_LEFT_OUT:
                days = (_moment(parameters, one) for one in value.split(",")[:MOST_LEFT_OUT])
                event.left_out |= {_day(one) for one in days if one is not None}
            event.lines.setdefault(name, (parameters, value))


def _parts(line: str) -> tuple[str, dict[str, str], str]:
    """Return a line's name, parameters and value; a colon in quotes does not end the name."""
    quoted, at = False, -1
    for place, letter in enumerate(line[:2_000]):
        quoted ^= letter == '"'
        if letter == ":" and not quoted:
            at = place
            break
    if at < 0:
        return "", {}, ""
    name, *rest = line[:at].split(";")
    if not _NAME.fullmatch(name):
        return "", {}, ""
    pairs = (each.split("=", 1) for each in rest if "=" in each)
    return name.upper(), {key.upper(): said.strip('"') for key, said in pairs}, line[at + 1 :]


def _moment(parameters: dict[str, str], value: str) -> date | datetime | None:
    said = value.strip()
    try:
        if len(said) == 8:
            return _likely(date(int(said[:4]), int(said[4:6]), int(said[6:])))
        if not _MOMENT.fullmatch(said):
            return None
        read = datetime.fromisoformat(said.removesuffix("Z"))
        if said.endswith("Z"):
            zone: tzinfo = UTC
        else:
            zone = ZoneInfo(parameters["TZID"].lstrip("/")) if "TZID" in parameters else JAPAN
        return _likely(in_japan(read.replace(tzinfo=zone)))
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return None


def _likely(day: _When) -> _When | None:
    return day if 1990 <= day.year <= 2100 else None


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _moved(events: list[_Event]) -> dict[str, set[date]]:
    """Return the days of repeated events that have an article of their own, by UID."""
    found: dict[str, set[date]] = {}
    for event in events:
        if (moment := event.moment("RECURRENCE-ID")) is not None:
            found.setdefault(event.raw("UID"), set()).add(_day(moment))
    return found


def _article(event: _Event, today: date, moved: dict[str, set[date]], url: str) -> Article | None:
    title = one_line(event.text("SUMMARY"), limits.MAX_TITLE_CHARACTERS)
    uid = plain_text(event.raw("UID"), limits.MAX_IDENTITY_CHARACTERS)
    begins = event.moment("DTSTART")
    if not title or not uid or begins is None:
        return None
    ends = _end(event, begins)
    repeats = "RRULE" in event.lines and "RECURRENCE-ID" not in event.lines
    if repeats and (rule := read_rule(event.raw("RRULE"))) is not None:
        without = event.left_out | moved.get(event.raw("UID"), set())
        first = today - (_day(ends) - _day(begins) if ends is not None else timedelta(0))
        day = next_day(rule, _day(begins), max(first, today - timedelta(days=31)), without)
        if day is None:
            return None
        apart = day - _day(begins)
        begins, ends = begins + apart, ends + apart if ends is not None else None
    elif _day(ends or begins) < today:
        return None
    if event.raw("STATUS").strip().upper() == "CANCELLED":
        title = f"{CALLED_OFF}{title}"
    once = event.raw("RECURRENCE-ID")
    return Article(
        identity=bounded(f"{uid} {once}" if once else uid),
        title=title,
        summary=_summary(event, None if repeats else (begins, ends)),
        link=safe_link(event.text("URL"), url),
        published_at=None if repeats else _written_at(event, begins),
        categories=tuple(
            one_line(each, 80) for each in event.raw("CATEGORIES").split(",")[:20] if each.strip()
        ),
        begins=begins.isoformat(),
        ends=ends.isoformat() if ends is not None else "",
    )


def _end(event: _Event, begins: date | datetime) -> date | datetime | None:
    """Return the end, of whole days the last one; None if it is not said or cannot be."""
    ends = event.moment("DTEND")
    length = _LENGTH.fullmatch(event.raw("DURATION").strip())
    if ends is None and length is not None:
        said = {name: int(number) for name, number in length.groupdict().items() if number}
        ends = begins + timedelta(**said)
    if ends is None or isinstance(ends, datetime) != isinstance(begins, datetime):
        return None
    if not isinstance(ends, datetime):
        # iCalendar names the day after the last one (3.6.1).
        ends -= timedelta(days=1)
    return ends if ends > begins else None


def _written_at(event: _Event, begins: date | datetime) -> datetime | None:
    """Return when the event was entered or changed last.

    None if that is so long before that it is not the date of the news. ``DTSTAMP`` does not count:
    many programs write the moment at which the file was made.
    """
    said = (event.moment(name) for name in ("LAST-MODIFIED", "CREATED"))
    moment = next((each for each in said if isinstance(each, datetime)), None)
    if moment is None or _day(begins) - moment.date() > timedelta(days=365):
        return None
    return moment


def _summary(event: _Event, when: tuple[date | datetime, date | datetime | None] | None) -> str:
    """Return what is said of the event, with its day and its place."""
    lines = [text_of_html(event.text("DESCRIPTION"), limits.MAX_SUMMARY_CHARACTERS)]
    if when is not None:
        lines.append(f"日時：{_said(when[0])}" + (f"から{_said(when[1])}" if when[1] else ""))
    if place := one_line(event.text("LOCATION"), 200):
        lines.append(f"場所：{place}")
    return plain_text("\n".join(line for line in lines if line), limits.MAX_SUMMARY_CHARACTERS)


def _said(moment: date | datetime) -> str:
    day = f"{moment.year}年{moment.month}月{moment.day}日（{'月火水木金土日'[moment.weekday()]}）"
    if not isinstance(moment, datetime):
        return day
    return f"{day}{moment.hour}時" + (f"{moment.minute}分" if moment.minute else "")
