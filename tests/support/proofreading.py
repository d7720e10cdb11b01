"""Find mistakes in a text by rules."""

from __future__ import annotations

import re

from city.city import City
from core.languages import EASY_JAPANESE
from feeds.facts import Fact
from feeds.texts import drill_mark
from feeds.texts.advice import needs_shelter

JAPANESE = ("ja", EASY_JAPANESE)
CHINESE = ("zh-Hans", "zh-Hant")
KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
CHARACTERS = re.compile(r"[㐀-鿿]")
ODD = re.compile(
    r"  |[{}]|\(\)|（）|\.\.|。。|、、|，，|,,|::|：：| [,.;:!?]|[,、，]$|\n\n\n|^[ \t]|[ \t]$"
    r"|\bNone\b",
    re.MULTILINE,
)
TWICE = re.compile(r"(?<![\w-])([^\W\d_]{3,}) \1(?![\w-])", re.IGNORECASE)
SHELTERS = "https://city.example.jp/shelters"


def faults(told: Fact, city: City, language: str, said: dict[str, str]) -> list[str]:
    """Return the faults of the title and the text of ``told``."""
    found = []
    title, text = said["title"], said["text"]
    for part in (title, text):
        if not part.strip():
            found.append("empty")
        if (odd := ODD.search(part)) is not None:
            found.append(f"odd: {odd.group()!r} in {part!r}")
        if (twice := TWICE.search(part)) is not None:
            found.append(f"twice: {twice.group()!r} in {part!r}")
        if language not in JAPANESE and KANA.search(part):
            found.append(f"kana: {part!r}")
        if language not in (*JAPANESE, *CHINESE) and CHARACTERS.search(part):
            found.append(f"characters: {part!r}")
        if language == EASY_JAPANESE and (unread := without_reading(part)):
            found.append(f"without a reading: {unread}")
        if part.startswith(drill_mark(language)) is not told.drill:
            found.append(f"drill: {part!r}")
    if title[:1].islower():
        found.append(f"small: {title!r}")
    if needs_shelter(told) is not (city.shelter_url in text):
        found.append(f"shelters: {text!r}")
    return found


KANJI = re.compile(r"[㐀-鿿々〆]+")
_NAME = r"[㐀-鿿々〆]+(?:[のヶ・０-９ァ-ヺー]+[㐀-鿿々〆]+)*"
READ_ALOUD = re.compile(rf"{_NAME}(?:（[ぁ-ゖー ]|[ぁ-ゖァ-ヺー]*（[ぁ-ゖー ])")
"""Kanji, parted as in names (上ノ国町, 相模湾・三浦半島), with a reading behind them."""


def without_reading(text: str) -> list[str]:
    """Runs of kanji that no reading follows; 小さい（ちいさい） may have its kana in between."""
    return [
        found.group()
        for found in KANJI.finditer(text)
        if READ_ALOUD.match(text, found.start()) is None
    ]
