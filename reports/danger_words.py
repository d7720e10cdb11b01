"""Words of danger in what residents write of a broken thing, in all sixteen languages.

A city adds words and takes away others, for all kinds or for one (``city.danger_words``).

They only raise a case's priority (``reports.priority``); nobody is told anything by them. The
conversation knows cries for help far better (``bot.understanding``), but comes after this package
and answers before a report is made.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from city.danger_words import DangerWords
from reports.danger_patterns import PATTERNS, SHARED, SPACED, UNACCENTED, Patterns

MOST = 4000
"""Characters that are looked at."""
_MOST_KEPT = 200
_NEAR = 80
"""Characters before and behind a word that are its context."""
_CLAUSE_ENDS = re.compile(r"[.!?;,\n。、।៕។၊။]")
_KANA = re.compile("[ぁ-ゖァ-ヺ]")
_SPACE_IN_JAPANESE = re.compile("(?<=[ぁ-ゖァ-ヺー一-鿿])[ \t]+(?=[ぁ-ゖァ-ヺー一-鿿])")
_NEVER = "(?!)"


@dataclass(frozen=True)
class _Language:
    """The compiled patterns of one language, with a city's own words."""

    hurt: re.Pattern[str]
    now: re.Pattern[str]
    danger: re.Pattern[str]
    feared_before: re.Pattern[str]
    feared_after: re.Pattern[str]
    denied_before: re.Pattern[str]
    denied_after: re.Pattern[str]

    def gravity(self, found: re.Match[str]) -> str:
        """Return how grave a word of harm is where it stands."""
        text, start, end = found.string, found.start(found.lastindex or 0), found.end()
        before = _CLAUSE_ENDS.split(text[max(0, start - _NEAR) : start])[-1]
        after = _CLAUSE_ENDS.split(text[end : end + _NEAR])[0]
        if self.feared_before.search(before) or self.feared_after.match(after):
            return "hurt" if found.re is self.now else "danger"
        denied = self.denied_before.search(before) or self.denied_after.match(after)
        return "" if denied else "hurt"


def _read(text: str, language: str) -> str:
    """Return a text, or a pattern, as one language is read."""
    if language in UNACCENTED:
        return "".join(unicodedata.normalize("NFD", one)[:1] or one for one in text)
    return text


@lru_cache(maxsize=_MOST_KEPT)
def _language(language: str, hurt: tuple[str, ...], danger: tuple[str, ...]) -> _Language:
    patterns = PATTERNS.get(language, Patterns(hurt=_NEVER, danger=_NEVER))

    def words(some: str, own: tuple[str, ...] = (), starts: str = "") -> re.Pattern[str]:
        parts = [f"{starts}(?:{some})"] if some else []
        # A city's own words are plain, whatever is in them.
        parts += [
            (r"(?<!\w)" if _is_spaced(word) else "") + re.escape(_read(word, language))
            for word in own
        ]
        return re.compile("|".join(parts) or _NEVER, re.IGNORECASE)

    def pattern(of: str) -> str:
        return _read(of, language)

    starts = r"(?<!\w)" if language in SPACED else ""
    return _Language(
        hurt=words(pattern(patterns.hurt), hurt, starts),
        now=words(pattern(patterns.now), (), starts),
        danger=words(pattern(patterns.danger), danger, starts),
        feared_before=words(pattern(patterns.feared_before)),
        feared_after=words(pattern(patterns.feared_after)),
        denied_before=words(pattern(patterns.denied_before)),
        denied_after=words(pattern(patterns.denied_after)),
    )


@lru_cache(maxsize=_MOST_KEPT)
def _harmless(language: str, own: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(own, key=len, reverse=True)
    starts = {word: r"(?<!\w)" if _is_spaced(word) else "" for word in longest_first}
    pattern = "|".join(starts[word] + re.escape(_read(word, language)) for word in longest_first)
    return re.compile(pattern or _NEVER, re.IGNORECASE)


def _is_spaced(word: str) -> bool:
    """Whether a word is of a script that has spaces between words."""
    return unicodedata.name(word[0], "").startswith(("LATIN", "CYRILLIC"))


def _own(tables: Sequence[DangerWords], which: str, language: str = "") -> tuple[str, ...]:
    """Return a city's words, of one language or of all."""
    words = (
        unicodedata.normalize("NFKC", word)
        for table in tables
        for code, some in getattr(table, which).items()
        if not language or code.split("-")[0] == language
        for word in some
    )
    return tuple(dict.fromkeys(words))


def is_built_in(word: str) -> bool:
    """Whether a word is one of Todoke's own."""
    return danger_in(word)[1].casefold() == unicodedata.normalize("NFKC", word).strip().casefold()


def danger_in(words: str, *tables: DangerWords) -> tuple[str, str]:
    """Return what words of danger a text has, whatever its language: how grave, and the word.

    ``("hurt", word)`` if somebody came to harm, ``("danger", word)`` if somebody may, else two
    empty strings. Harm that is only feared is danger; harm that is denied is nothing. A harmless
    phrase covers the words in it; no phrase takes away one of Todoke's own words of harm.

    Parameters
    ----------
    tables
        What the city and the kind add and take away.
    """
    text = unicodedata.normalize("NFKC", words[:MOST])
    danger = ""
    for grave, word in _found(text, tables):
        if grave == "hurt":
            return grave, word
        danger = danger or word
    return ("danger", danger) if danger else ("", "")


def _found(text: str, tables: Sequence[DangerWords]) -> Iterator[tuple[str, str]]:
    """Yield each word of harm with its gravity, and the first word of danger, by language."""
    shared_is = "ja" if _KANA.search(text) else "zh"
    harmless = _own(tables, "harmless")
    for code in PATTERNS:
        read = _read(_SPACE_IN_JAPANESE.sub("", text) if code == "ja" else text, code)
        covered = [one.span() for one in _harmless(code, harmless).finditer(read)]
        own = _language(code, _own(tables, "hurt", code), _own(tables, "danger", code))
        for found in (*own.now.finditer(read), *own.hurt.finditer(read)):
            if code in ("ja", "zh") and code != shared_is and found[0] in SHARED:
                continue
            if not _is_covered(found, covered, whole=False) and (grave := own.gravity(found)):
                yield grave, found[0].strip()
        for found in own.danger.finditer(read):
            if not _is_covered(found, covered, whole=True):
                yield "danger", found[0].strip()
                break


def _is_covered(found: re.Match[str], covered: Sequence[tuple[int, int]], *, whole: bool) -> bool:
    """Whether a word stands in a harmless phrase; ``whole``: or is the whole of it."""
    return any(
        start <= found.start() and found.end() <= end and (whole or (start, end) != found.span())
        for start, end in covered
    )
