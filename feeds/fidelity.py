"""Whether a machine's translation may be trusted with numbers, dates and length.

A date or a number that changed in translation means no translation: better a Japanese notice
than a wrong hour. The check errs on the side of refusing.
"""

from __future__ import annotations

import re
import unicodedata

from core.languages import LANGUAGES
from feeds import limits
from feeds.texts.forms import forms_of

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ERA = {"令和": 2018, "平成": 1988, "昭和": 1925}
_KANJI = {kanji: number for number, kanji in enumerate("〇一二三四五六七八九")}
_KANA = re.compile(r"[ぁ-んァ-ヶ]")
SHORT = 8
"""Below this number of characters, the length is not compared."""

_SOURCE = re.compile(
    r"(?P<era>令和|平成|昭和)(?P<era_year>元|\d{1,2})年"
    r"|(?P<month>1[0-2]|[1-9])月"
    r"|(?P<half>午前|午後)(?P<half_hour>\d{1,2})(?=時|:)"
    r"|(?P<hour>\d{1,2})(?=時(?!間)|:\d\d)"
    r"|(?P<myriad>\d+(?:\.\d+)?)万(?P<rest>\d{1,4})?(?P<thousand>千)?"
    r"|(?P<plain>\d+(?:[.,]\d+)*)"
)


def problem_of(source: str, target: str, language: str) -> str | None:
    """Return why ``target`` is no valid translation of the Japanese ``source``, or None if it is.

    The answer is a slug for counters: empty, length, japanese, number.
    """
    if not target.strip():
        return "empty"
    if len(source) >= SHORT:
        ratio = len(target) / len(source)
        if not limits.MIN_TRANSLATION_RATIO <= ratio <= limits.MAX_TRANSLATION_RATIO:
            return "length"
    kana = len(_KANA.findall(target))
    if kana > 2 and kana > len(target) * 0.2:
        return "japanese"
    return None if numbers_kept(source, target, language) else "number"


def numbers_kept(source: str, target: str, language: str) -> bool:
    """Whether every number of ``source`` is in ``target``, and no other.

    A month may become its name (6月, June), an hour may move between 12 and 24 hours, an era's
    year may become the common one, and 1万5千 may be written out. Digits of any script count.
    """
    wanted, allowed = _numbers_of_source(_plain(source), language, target.casefold())
    found = set(_numbers(_plain(target)))
    return all(alternatives & found for alternatives in wanted) and found <= allowed


def _numbers_of_source(text: str, language: str, target: str) -> tuple[list[set[str]], set[str]]:
    wanted: list[set[str]] = []
    allowed: set[str] = set()
    for match in _SOURCE.finditer(text):
        alternatives, optional = _meant(match, language, target)
        allowed |= alternatives
        if alternatives and not optional:
            wanted.append(alternatives)
    # 三丁目 may become "3-chome" and 正午 "12:00", but neither has to.
    allowed |= {str(_KANJI[kanji]) for kanji in text if kanji in _KANJI}
    allowed |= {
        str(_kanji(run))
        for run in re.findall(r"[〇一二三四五六七八九]?十[一二三四五六七八九]?", text)
    }
    if "時" in text or "正午" in text:
        # 午後3時 may be written 3:00.
        allowed.add("0")
    if "正午" in text:
        allowed.add("12")
    if "半" in text:
        allowed.add("30")
    return wanted, allowed


def _meant(match: re.Match[str], language: str, target: str) -> tuple[set[str], bool]:
    """Return the possible numbers for one place of the source, and whether there may be none."""
    parts = match.groupdict()
    if parts["era"]:
        year = 1 if parts["era_year"] == "元" else int(parts["era_year"])
        return {str(year), str(_ERA[parts["era"]] + year)}, False
    if parts["month"]:
        months = forms_of(language).months if language in LANGUAGES else ()
        names = months[int(parts["month"]) - 1] if months else ()
        return {parts["month"]}, any(name in target for name in names)
    if parts["half"]:
        hour = int(parts["half_hour"])
        later = hour % 12 + 12 if parts["half"] == "午後" else hour % 12
        return {str(hour), str(later)} | ({"12"} if hour == 0 else set()), False
    if parts["hour"]:
        hour = int(parts["hour"])
        return {str(hour), str(hour - 12 if hour > 12 else hour)} | (
            {"12"} if hour in {0, 24} else set()
        ), False
    if parts["myriad"]:
        rest = int(parts["rest"] or 0) * (1000 if parts["thousand"] else 1)
        value = round(float(parts["myriad"]) * 10_000) + rest
        return {str(value), _canonical(parts["myriad"])} | (
            {parts["rest"]} if parts["rest"] else set()
        ), False
    return {_canonical(parts["plain"])}, False


def _plain(text: str) -> str:
    """Return ``text`` with the digits of every script as 0 to 9."""
    wide = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in wide
    )


def _numbers(text: str) -> list[str]:
    return [_canonical(number) for number in _NUMBER.findall(text)]


def _canonical(number: str) -> str:
    """Return a number without thousands separators, leading zeros and with a decimal point."""
    groups = re.split(r"[.,]", number)
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]):
        groups = ["".join(groups)]
    whole = str(int(groups[0]))
    return whole if len(groups) == 1 else ".".join([whole, *groups[1:]])


def _kanji(run: str) -> int:
    tens, _, ones = run.partition("十")
    return (_KANJI[tens] if tens else 1) * 10 + (_KANJI[ones] if ones else 0)
