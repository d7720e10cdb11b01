"""What must be true of a kind of reports, beyond the type of each value.

The same rules check ``[[report_categories]]`` of ``city.toml`` and what staff write in the console.
Values of a wrong type are skipped here; types are checked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from city.danger_words import broken_danger_words
from city.faults import suggestion
from city.kinds import DAYS, LONGEST_TEXT, MOST_CHOICES, MOST_QUESTIONS, AnswerType
from city.reasons import reason
from city.toml_lines import KeyPath
from core.languages import LANGUAGES
from core.reason import Reason

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
LONGEST_NAME = 100
PHONE = re.compile(r"[0-9+#*][0-9+#*-]{1,19}")
_DAY = re.compile(r"(\d\d)-(\d\d)")
_LEAP_YEAR = 2028

Finding = tuple[KeyPath, Reason]


@dataclass(frozen=True)
class Named:
    """The codes that a kind may name. ``owners`` is None where they are not known."""

    departments: Set[str]
    districts: Set[str]
    owners: Set[str] | None = None


def broken_kind_rules(table: dict[str, Any], place: KeyPath, named: Named) -> Iterator[Finding]:
    """Yield each broken rule of one kind: where, and why."""
    yield from _department((*place, "department"), table.get("department"), named)
    yield from _owner((*place, "owner"), table.get("owner"), named)
    yield from _areas(place, table, named)
    yield from _questions(place, table)
    message = table.get("message")
    if isinstance(message, dict):
        yield from _message((*place, "message"), message)
    yield from broken_danger_words(table.get("danger_words"), (*place, "danger_words"))
    season = table.get("season")
    for key in ("start", "end") if isinstance(season, dict) else ():
        value = season.get(key) if isinstance(season, dict) else None
        if isinstance(value, str) and not _is_day_of_year(value):
            yield (*place, "season", key), reason("value.day-of-year", key=key, value=value)
    first, last = _day(table.get("off_from")), _day(table.get("off_until"))
    if first is not None and last is not None and last < first:
        yield (*place, "off_until"), reason("value.off-backwards", first=first, last=last)


def _department(place: KeyPath, code: Any, named: Named) -> Iterator[Finding]:
    if isinstance(code, str) and code not in named.departments:
        hint = suggestion(code, named.departments)
        yield place, reason("there.no-department", department=code, hint=hint)


def _owner(place: KeyPath, code: Any, named: Named) -> Iterator[Finding]:
    if isinstance(code, str) and code and named.owners is not None and code not in named.owners:
        yield place, reason("there.no-owner", owner=code, hint=suggestion(code, named.owners))


def _areas(place: KeyPath, table: dict[str, Any], named: Named) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, area in _tables(table, "areas"):
        here = (*place, *at)
        if not area.get("department") and not area.get("owner"):
            yield here, reason("missing.area-office")
        if area.get("department"):
            yield from _department((*here, "department"), area["department"], named)
        yield from _owner((*here, "owner"), area.get("owner"), named)
        districts = area.get("districts")
        if isinstance(districts, list) and not districts:
            yield (*here, "districts"), reason("missing.area-districts")
        for position, code in _texts(districts):
            where = (*here, "districts", position)
            if code not in named.districts:
                hint = suggestion(code, named.districts)
                yield where, reason("there.no-district", district=code, hint=hint)
            elif code in seen:
                yield where, reason("twice.area-district", district=code)
            seen.add(code)


def _questions(place: KeyPath, table: dict[str, Any]) -> Iterator[Finding]:
    questions = list(_tables(table, "questions"))
    if len(questions) > MOST_QUESTIONS:
        at = (*place, "questions", MOST_QUESTIONS)
        yield at, reason("value.most-questions", most=MOST_QUESTIONS)
    yield from _codes(place, table, "questions")
    for at, question in questions:
        here = (*place, *at)
        yield from _lengths((*here, "names"), question.get("names"), LONGEST_TEXT)
        choices = list(_tables(question, "choices"))
        is_chosen = question.get("type") in (AnswerType.ONE, AnswerType.SEVERAL)
        if is_chosen and len(choices) < 2:
            yield here, reason("missing.choices")
        if choices and not is_chosen:
            yield (*here, "choices"), reason("value.choices-unused")
        if len(choices) > MOST_CHOICES:
            at_choice = (*here, "choices", MOST_CHOICES)
            yield at_choice, reason("value.most-choices", most=MOST_CHOICES)
        yield from _codes(here, question, "choices")
        for at_choice, choice in choices:
            yield from _lengths((*here, *at_choice, "names"), choice.get("names"), LONGEST_NAME)


def _codes(place: KeyPath, table: dict[str, Any], part: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, entry in _tables(table, part):
        code = entry.get("code")
        if not isinstance(code, str):
            continue
        if not CODE.fullmatch(code):
            yield (*place, *at, "code"), reason("value.code", value=code)
        if code in seen:
            yield (*place, *at, "code"), reason("twice.code", code=code, part=part)
        seen.add(code)


def _message(place: KeyPath, message: dict[str, Any]) -> Iterator[Finding]:
    for key in ("texts", "closed_texts"):
        texts = message.get(key)
        if isinstance(texts, dict) and (key == "texts" or texts):
            yield from _sentences((*place, key), texts)
    for key in ("phone", "closed_phone"):
        phone = message.get(key)
        if isinstance(phone, str) and phone and not PHONE.fullmatch(phone):
            yield (*place, key), reason("value.phone", value=phone)
    url = message.get("url")
    if isinstance(url, str) and url and not _is_web(url):
        yield (*place, "url"), reason("value.scheme", value=url[:80], scheme="https")
    hours = list(_tables(message, "hours"))
    if hours and not message.get("closed_texts"):
        yield place, reason("missing.closed-texts")
    if message.get("closed_texts") and not hours:
        yield (*place, "closed_texts"), reason("missing.hours")
    for at, one in hours:
        for position, day in _texts(one.get("days")):
            if day not in DAYS:
                where = (*place, *at, "days", position)
                yield where, reason("value.day-name", allowed=" ".join(DAYS), value=day)
        if one.get("days") == []:
            yield (*place, *at, "days"), reason("missing.days")
        if one.get("start") is not None and one.get("start") == one.get("end"):
            yield (*place, *at, "end"), reason("value.same-times")


def _sentences(place: KeyPath, texts: dict[str, Any]) -> Iterator[Finding]:
    if "ja" not in texts:
        yield place, reason("missing.ja", name=place[-1])
    for language, text in texts.items():
        if language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES)
            yield (*place, language), reason("language.unknown", language=language, hint=hint)
        if isinstance(text, str) and not text.strip():
            yield (*place, language), reason("missing.name", language=language)
    yield from _lengths(place, texts, LONGEST_TEXT)


def _lengths(place: KeyPath, names: Any, most: int) -> Iterator[Finding]:
    for language, text in names.items() if isinstance(names, dict) else ():
        if isinstance(text, str) and len(text) > most:
            yield (*place, language), reason("value.long-text", language=language, most=most)


def _is_day_of_year(text: str) -> bool:
    parts = _DAY.fullmatch(text)
    try:
        return parts is not None and bool(date(_LEAP_YEAR, int(parts[1]), int(parts[2])))
    except ValueError:
        return False


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not re.search(r"\s", url)


def _tables(parent: dict[str, Any], part: str) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    value = parent.get(part)
    for position, table in enumerate(value if isinstance(value, list | tuple) else ()):
        if isinstance(table, dict):
            yield (part, position), table


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    for position, text in enumerate(value if isinstance(value, list | tuple) else ()):
        if isinstance(text, str):
            yield position, text
