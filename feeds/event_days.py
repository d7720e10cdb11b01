"""On which day the event of an article takes place, where that can be known by rule.

A feed that says it in fields of its own is believed (RSS event module, xCal, schema.org). Otherwise
the words decide: one date behind a label such as 日時： or 開催日：, on the weekday that stands
behind it. Two different dates, a wrong weekday, a past day or a title that says 中止 mean that
nothing is known, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from core.clock import JAPAN, in_japan
from feeds.wording import fold, read_date

FURTHEST = timedelta(days=400)
"""How far ahead of its article an event can be."""
LONGEST = timedelta(days=100)
STATED = (
    ("ev_startdate", "ev_enddate"),
    ("xcal_dtstart", "xcal_dtend"),
    ("schema_startdate", "schema_enddate"),
)
"""Fields of an entry as feedparser names them: begin and end."""


@dataclass(frozen=True)
class EventDay:
    """When something takes place.

    With ``whole_day`` both are midnights in Japan, and ``ends_at`` is the one after the last day.
    """

    begins_at: datetime
    ends_at: datetime | None = None
    whole_day: bool = False


def whole_days(first: date, last: date | None = None) -> EventDay:
    """Return an event on one day, or on several in a row."""
    begins = datetime.combine(first, time.min, JAPAN)
    after = datetime.combine((last or first) + timedelta(days=1), time.min, JAPAN)
    return EventDay(begins, after, whole_day=True)


def stated_in(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return begin and end of an entry as the feed writes them; "" for what it does not say."""
    for begin, end in STATED:
        if said := str(entry.get(begin) or "")[:60].strip():
            until = str(entry.get(end) or "")[:60].strip()
            last = read_date(until)
            if begin.startswith("xcal") and last is not None and _DAY_ALONE.fullmatch(until):
                # iCalendar names the day after the last one (RFC 5545, 3.6.1).
                until = (in_japan(last).date() - timedelta(days=1)).isoformat()
            return said, until
    return "", ""


def event_day(
    title: str, text: str, stated: tuple[str, str], published: datetime
) -> EventDay | None:
    """Return when the event of an article takes place; None if that is not known."""
    if _CALLED_OFF.search(fold(title)):
        return None
    found = _of_fields(*stated) if stated[0] else _of_words(fold(f"{title}\n{text}"), published)
    if found is None:
        return None
    ahead = found.begins_at - published
    if not -timedelta(days=1) < ahead < FURTHEST:
        return None
    if found.ends_at is not None and found.ends_at - found.begins_at > LONGEST:
        return None
    return found


_CALLED_OFF = re.compile(r"(?<!雨天)(?<!荒天)(?:中止|延期|取りやめ)")
_DAY_ALONE = re.compile(r"\d{4}-?\d{2}-?\d{2}")


def _of_fields(begin: str, end: str) -> EventDay | None:
    first, last = read_date(begin), read_date(end)
    if first is None or (last is not None and last < first):
        return None
    if _DAY_ALONE.fullmatch(begin):
        return whole_days(in_japan(first).date(), in_japan(last).date() if last else None)
    return EventDay(first, last if last and last > first else None)


_OTHERS = (
    *("申込", "申し込み", "受付", "募集", "締切", "更新", "掲載", "登録", "作成", "公開"),
    *("発生", "入札", "配信", "発表", "販売", "抽選"),
)
"""Words before a label that make it the date of something else."""
_NOT_THE_EVENT = "".join(f"(?<!{word})" for word in _OTHERS)
_LABEL = rf"{_NOT_THE_EVENT}(?:開催日時?|開催期間|実施日時?|会期|日時|期日|日にち|とき)[】\]」)]?:?"
_WEEKDAYS = "月火水木金土日"
_YEAR = r"(?:(?P<year>20\d\d)年|令和(?P<era>\d+|元)年)?"
_WEEKDAY = rf"(?:[(](?P<weekday>[{_WEEKDAYS}])[^)]{{0,6}}[)]|(?P<long>[{_WEEKDAYS}])曜日?)?"
_DATE = rf"{_YEAR}(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})日{_WEEKDAY}"
_SEVERAL = re.compile(r"(?:[・、,]|及び|および|と)(?:\d{1,2}月)?\d{1,2}日|(?:毎週|毎月)")
_UNTIL_DAY = re.compile(
    rf"(?:から|より|~|ー)(?:(?P<month>\d{{1,2}})月)?(?P<day>\d{{1,2}})日{_WEEKDAY}"
)


def _clock_pattern(which: str) -> str:
    """Return the pattern of a time; ``which`` begins the names of its groups."""
    minute = rf"(?P<{which}min>半|\d{{1,2}})?分?"
    hour = rf"(?:(?P<{which}noon>正午)|(?P<{which}hour>\d{{1,2}})(?:時|:){minute})"
    return rf"(?P<{which}half>午前|午後)?{hour}"


_TIME = re.compile(
    rf"{_clock_pattern('b_')}(?:(?:から|より|~|ー|開始|開演)*{_clock_pattern('e_')})?"
)
_LABELLED = re.compile(_LABEL + _DATE)


def _of_words(folded: str, published: datetime) -> EventDay | None:
    found = list(dict.fromkeys(_days_in(folded, in_japan(published).date())))
    return found[0] if len(found) == 1 else None


def _days_in(folded: str, published: date) -> Iterator[EventDay | None]:
    """Yield what stands behind each label; None where it is not one certain day."""
    for match in _LABELLED.finditer(folded):
        behind = folded[match.end() : match.end() + 60]
        first = _date_of(match, published)
        if first is None or _SEVERAL.match(behind):
            yield None
        elif until := _UNTIL_DAY.match(behind := behind.lstrip("、,")):
            last = _date_of(until, first, month=first.month)
            yield None if last is None else whole_days(first, last)
        elif clock := _TIME.match(behind):
            yield _timed(first, clock)
        else:
            yield whole_days(first)


def _date_of(match: re.Match[str], not_before: date, month: int | None = None) -> date | None:
    """Return the day; without a year the next such day. A weekday that is another is a mistake."""
    parts = match.groupdict()
    wanted = int(parts["month"] or month or 0)
    year = int(parts["year"]) if parts.get("year") else None
    if parts.get("era"):
        year = 2018 + (1 if parts["era"] == "元" else int(parts["era"]))
    for candidate in (year,) if year else (not_before.year, not_before.year + 1):
        try:
            found = date(candidate, wanted, int(parts["day"]))
        except ValueError:
            continue
        if found < not_before:
            continue
        weekday = parts["weekday"] or parts["long"]
        if weekday and _WEEKDAYS[found.weekday()] != weekday:
            return None
        return found
    return None


def _timed(day: date, match: re.Match[str]) -> EventDay | None:
    begin = _clock(match, "b_", "")
    if begin is None:
        return None
    begins = datetime.combine(day, begin, JAPAN)
    end = _clock(match, "e_", match["b_half"] or "")
    ends = None if end is None else datetime.combine(day, end, JAPAN)
    return EventDay(begins, ends if ends and ends > begins else None)


def _clock(match: re.Match[str], which: str, half: str) -> time | None:
    if match[f"{which}noon"]:
        return time(12)
    if match[f"{which}hour"] is None:
        return None
    hour = int(match[f"{which}hour"])
    if (match[f"{which}half"] or half) == "午後" and hour < 12:
        hour += 12
    minute = match[f"{which}min"]
    minutes = 30 if minute == "半" else int(minute or 0)
    return time(hour, minutes) if hour < 24 and minutes < 60 else None
