"""Normalise published text: folding, Japanese dates in all their forms, HTML.

Nothing here changes the meaning of a text; it makes equal things equal and strange things safe.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from html.entities import html5
from html.parser import HTMLParser

from core.clock import JAPAN

_HIRAGANA = {katakana: katakana - 0x60 for katakana in range(ord("ァ"), ord("ヶ") + 1)}
_DASHES = {ord(dash): "ー" for dash in "‐‑‒–—―−-"} | {ord("〜"): "~"}
_SPACES = re.compile(r"\s+")
# Directional overrides and invisible characters can make a text read as another one.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2"}
    | {"h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
_HIDDEN = frozenset({"script", "style", "template", "title", "head", "noscript", "iframe"})


def fold(text: str) -> str:
    """Return ``text`` with differences of writing removed, for comparing and finding words.

    Full and half width, katakana and hiragana, letter case, kinds of dashes and all white
    space are the same after folding.
    """
    wide = unicodedata.normalize("NFKC", text).casefold()
    narrow = _SPACES.sub("", wide.translate(_DASHES).translate(_HIRAGANA))
    return unicodedata.normalize("NFKC", narrow)


def plain_text(text: str, limit: int) -> str:
    """Return one line of plain text of at most ``limit`` characters, or several if it had them.

    Control characters, directional overrides and invisible characters are removed; a shortened text
    ends in an ellipsis.
    """
    kept = "".join(
        character
        for character in _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
        if character == "\n"
        or unicodedata.category(character) not in {"Cc", "Cs", "Co", "Cn"}
        or character == "\t"
    )
    lines = (re.sub(r"[ \t\u00a0\u3000]+", " ", line).strip() for line in kept.split("\n"))
    result = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return result if len(result) <= limit else result[: limit - 1].rstrip() + "…"


_AMPERSAND = re.compile(
    r"&(?P<said>#(?:\d{1,7}|[xX][0-9A-Fa-f]{1,6});|(?P<name>[A-Za-z][A-Za-z0-9]{1,31};))?"
)


def with_ampersands(markup: str) -> str:
    """Return HTML or XML in which every ampersand that is meant as one is written ``&amp;``.

    R&D and ``?x=1&copy=3`` name no entity: one ends in a semicolon, and HTML knows its name.
    """

    def written(found: re.Match[str]) -> str:
        said, name = found["said"] or "", found["name"]
        entity = bool(said) and (name is None or name in html5)
        return found.group() if entity else f"&amp;{said}"

    return _AMPERSAND.sub(written, markup)


class _TextOf(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def text_of_html(html: str, limit: int) -> str:
    """Return the visible text of ``html``, without scripts and styles."""
    if "<" not in html and "&" not in html:
        return plain_text(html, limit)
    parser = _TextOf()
    # A summary may be long; text far beyond the limit is not parsed.
    parser.feed(with_ampersands(html[: limit * 20]))
    parser.close()
    return plain_text("".join(parser.pieces), limit)


def one_line(html: str, limit: int) -> str:
    """Return ``html`` as a single line, for titles."""
    return plain_text(text_of_html(html, limit).replace("\n", " "), limit)


_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "r": 2018, "h": 1988, "s": 1925}
_KANJI_DIGITS = {kanji: number for number, kanji in enumerate("〇一二三四五六七八九")}
_KANJI_NUMBER = re.compile(r"[〇一二三四五六七八九十]+(?=\s*[年月日時分])")
_DATES = (
    re.compile(
        r"(?P<era>令和|平成|昭和)\s*(?P<era_year>元|\d{1,2})\s*年\s*"
        r"(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日"
    ),
    re.compile(r"(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日"),
    re.compile(
        r"\b(?P<era>[rhs])\.?(?P<era_year>\d{1,2})[./](?P<month>\d{1,2})[./](?P<day>\d{1,2})"
    ),
    re.compile(r"\b(?P<year>\d{4})[./-](?P<month>\d{1,2})[./-](?P<day>\d{1,2})"),
    # RFC 822 by a machine that speaks Japanese: 月, 15 6月 2026 10:00:00 +0900.
    re.compile(r"\b(?P<day>\d{1,2})\s+(?P<month>\d{1,2})月?\s+(?P<year>\d{4})\b"),
)
_ZONE = re.compile(r"(?:gmt|utc|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))$")
_UNSAID_ZONE = re.compile(r"\d\s+(?:-0000|[A-IK-Ya-ik-y])(?:\s*\([^()]*\))?$")
"""RFC 5322, 3.3 and 4.3: the time is UTC, and the writer's zone is not given."""
_CLOCK = re.compile(
    r"(?P<half>午前|午後|am|pm)?\s*(?P<hour>\d{1,2})\s*(?:時|:)"
    r"\s*(?:(?P<minute>半|\d{1,2})(?:\s*分|:(?P<second>\d{2}))?)?"
)


def read_date(text: str) -> datetime | None:
    """Return the moment that ``text`` means, or None when it means none.

    Takes RFC 822 and ISO 8601, with Japan's time where no zone is given, and dates as city web
    sites write them: ``2026年6月15日（月曜日）午後3時30分``, ``令和8年6月15日``, ``R8.6.15``,
    full-width and kanji digits.
    """
    text = text.strip()
    if not text or len(text) > 100:
        return None
    found = _machine_date(text) or _human_date(text)
    return found if found and 1990 <= found.year <= 2100 else None


def _machine_date(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC if _UNSAID_ZONE.search(text) else JAPAN)


def _human_date(text: str) -> datetime | None:
    line = _KANJI_NUMBER.sub(
        lambda number: str(_kanji_number(number.group())),
        unicodedata.normalize("NFKC", text).lower(),
    )
    # The day of the week in brackets is between the date and the time.
    line = re.sub(r"\([^)]{0,5}\)", " ", line)
    found = next((match for pattern in _DATES if (match := pattern.search(line))), None)
    if not found:
        return None
    parts = found.groupdict()
    if parts.get("era"):
        era_year = 1 if parts["era_year"] == "元" else int(parts["era_year"])
        year = _ERAS[parts["era"]] + era_year
    else:
        year = int(parts["year"])
    hour, minute, second = _clock(line[found.end() :])
    try:
        day = datetime(year, int(parts["month"]), int(parts["day"]), tzinfo=JAPAN)
    except ValueError:
        return None
    if hour > 24 or minute > 59 or second > 59:
        return day
    zone = _ZONE.search(line)
    if zone:
        ahead = timedelta(hours=int(zone["hours"] or 0), minutes=int(zone["minutes"] or 0))
        offset = -ahead if zone["sign"] == "-" else ahead
        day = day.replace(tzinfo=timezone(offset)) if ahead < timedelta(days=1) else day
    return day + timedelta(hours=hour, minutes=minute, seconds=second)


def _clock(text: str) -> tuple[int, int, int]:
    found = _CLOCK.search(text)
    if not found:
        return 0, 0, 0
    hour = int(found["hour"])
    if found["half"] in {"午後", "pm"} and hour < 12:
        hour += 12
    elif found["half"] in {"午前", "am"} and hour == 12:
        hour = 0
    minute = 30 if found["minute"] == "半" else int(found["minute"] or 0)
    return hour, minute, int(found["second"] or 0)


def _kanji_number(text: str) -> int:
    """Return the value of a kanji number below 100 (二十三) or of a row of digits (二〇二六)."""
    if "十" not in text:
        return int("".join(str(_KANJI_DIGITS[kanji]) for kanji in text))
    tens, _, ones = text.partition("十")
    return (_KANJI_DIGITS.get(tens, 1) if tens else 1) * 10 + _KANJI_DIGITS.get(ones, 0)
