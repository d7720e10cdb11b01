"""The words of each language, read from ``data/<language>.toml`` and from the city's folder.

A file has three tables: ``[words]`` with lists of words that mean one thing, ``[intents]`` with
patterns (:mod:`bot.understanding.patterns`) by what they ask for, and ``[dates]``. ``rules.toml``
has combinations of words for all languages, ``danger/<language>.toml`` the ways of asking for help.
A city can add to all of it in ``words/<language>.toml`` of its folder.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bot.understanding.date_forms import DateForms
from bot.understanding.folding import Heard
from bot.understanding.patterns import BadPattern, Finder, Found, WordPattern, WordRun
from core.errors import BadInput
from core.languages import LANGUAGES

DATA = Path(__file__).parent / "data"
THINGS = DATA / "things.csv"
"""Things that people throw away: a row for each, a column for each file, names divided by "/".

A thing that begins with ``big-`` is large rubbish.
"""
FILES = tuple(dict.fromkeys(language.vocabulary_file for language in LANGUAGES.values()))
"""Names of the files; some languages share one."""
CRIES = ("danger", "need-help")
INTENTS = (
    *CRIES, "in-force", "shelter", "lifelines", "safe", "collection-day", "sorting", "bulky",
    "report", "report-status", "stop-messages", "fewer-messages", "language", "settings",
    "my-data", "childcare", "person", "faq", "thanks", "greeting", "menu", "help", "cancel",
)  # fmt: skip
"""The possible intents of a message."""
WEAK = "need-help-weak"
"""A request for help with anything: a cry only if nothing else is asked for."""
FALSE_ALARM, FILLER = "not-danger", "filler"
"""Words that only sound like danger, and polite words without a meaning here."""
_INTENT_LISTS = frozenset({*INTENTS, WEAK, FALSE_ALARM, FILLER})
DAYS = ("today", "tomorrow", "day-after", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NUMBER_MARKS, MONTH_MARKS = "number-marks", "month-marks"
"""Lists of forms of a date in numbers: ``the #th``, and ``#d tháng #m`` with the month too."""
NEXT_WEEK = "next-week"
"""The list of words that move a weekday into the next week."""
_DATE_LISTS = frozenset({*DAYS, *MONTHS, NEXT_WEEK, NUMBER_MARKS, MONTH_MARKS})
FAMILIES = {
    "thing-": "thing",
    "other-thing": "thing",
    "big-": "big-thing",
    "kind-street-light": "street",
}
"""Lists that together are another one: each names a thing, all of them are things."""
SAFETY_DEVICES = "thing-alarm"
"""The list of fire alarms, extinguishers and the like, as things to throw away."""
LEAST_LETTERS = 5
"""Shortest length of a word that is recognised with one wrong letter."""


@dataclass(frozen=True)
class LexiconFile:
    """The tables of one file."""

    words: Mapping[str, list[str]] = field(default_factory=dict)
    intents: Mapping[str, list[str]] = field(default_factory=dict)
    dates: Mapping[str, list[str]] = field(default_factory=dict)


class BadWords(BadInput):
    """A file of words with a mistake.

    Parameters
    ----------
    sought
        What the file has where the mistake is.
    """

    def __init__(self, message: str, sought: str) -> None:
        super().__init__(message)
        self.sought = sought


def read_source(path: Path) -> LexiconFile:
    """Read one of the product's own files."""
    return checked_source(path.name, tomllib.loads(path.read_text(encoding="utf-8")))


def checked_source(name: str, tables: Mapping[str, Mapping[str, list[str]]]) -> LexiconFile:
    """Return the tables of a file, and check that they are valid.

    Raises
    ------
    BadWords
        An unknown list, or an invalid pattern; with the file's ``name``.
    """
    intents, dates = tables.get("intents", {}), tables.get("dates", {})
    unknown = [f"intents.{one}" for one in intents if one not in _INTENT_LISTS]
    unknown += [f"dates.{one}" for one in dates if one not in _DATE_LISTS]
    if unknown:
        raise BadWords(f"{name}: {unknown[0]} is not a list we know.", unknown[0].partition(".")[2])
    for listed in (*tables.get("words", {}).values(), intents.get(FALSE_ALARM, [])):
        for word in listed:
            _read(WordRun.read, word, name)
    for patterns in intents.values():
        for pattern in patterns:
            _read(WordPattern.read, pattern, name)
    return LexiconFile(tables.get("words", {}), intents, dates)


def _read(read: Callable[[str], object], text: str, name: str) -> None:
    try:
        read(text)
    except BadPattern as error:
        raise BadWords(f"{name}: {error}", text or '""') from error


class Lexicon:
    """The lexicon of one language.

    Parameters
    ----------
    name
        The name of its file.
    labels
        Labels of buttons by intent: typing one asks for the same.
    added
        The city's own words.
    """

    def __init__(
        self, name: str, labels: Mapping[str, Iterable[str]], added: Iterable[LexiconFile] = ()
    ) -> None:
        self.name = name
        marks: list[str] = []
        month_marks: list[str] = []
        months: dict[str, int] = {}
        self._lists: dict[WordRun, list[str]] = defaultdict(list)
        self._patterns: dict[str | WordRun, list[tuple[str, WordPattern]]] = defaultdict(list)
        self._whole: dict[tuple[str, ...] | str, list[str]] = defaultdict(list)
        self.fillers: list[WordRun] = []
        false_alarms: list[WordRun] = []
        self.table = frozenset(_things(name).words)
        """The lists of the table of things."""
        self._sources = (_own("rules"), _own(name), _own(f"danger/{name}"), _things(name), *added)
        for source in self._sources:
            for list_name, listed in source.words.items():
                self._add(list_name, listed)
            for day, listed in source.dates.items():
                if day == NUMBER_MARKS:
                    marks += listed
                elif day == MONTH_MARKS:
                    month_marks += listed
                elif day in MONTHS:
                    months |= dict.fromkeys(map(str.casefold, listed), MONTHS.index(day) + 1)
                else:
                    self._add(f"date-{day}", listed)
            for intent, patterns in source.intents.items():
                if intent == FALSE_ALARM:
                    false_alarms += map(WordRun.read, patterns)
                elif intent == FILLER:
                    self.fillers += map(WordRun.read, patterns)
                else:
                    for pattern in patterns:
                        self._take(intent, WordPattern.read(pattern))
        self.forms = DateForms.read(marks, month_marks, months)
        for intent, names in labels.items():
            for label in names:
                self._take(intent, WordPattern.read(f"={label}"))
        entries = [
            *self._lists,
            *(
                word
                for ps in self._patterns.values()
                for _, pattern in ps
                for word in pattern.words
            ),
        ]
        self._finder = Finder(entries)
        self._alarms = Finder(false_alarms)
        self._thrown_away = Finder(
            [*false_alarms, *map(WordRun.read, self.list_of(SAFETY_DEVICES))]
        )
        self.vocabulary = {
            token for entry in (*entries, *self.fillers, *false_alarms) for token in entry.tokens
        } | {token for whole in self._whole if isinstance(whole, tuple) for token in whole}
        self._near = _near(self.vocabulary)

    def list_of(self, name: str) -> tuple[str, ...]:
        """Return the words of a list as written, those of the city last."""
        return tuple(word for source in self._sources for word in source.words.get(name, ()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the lists of words."""
        return tuple(dict.fromkeys(name for source in self._sources for name in source.words))

    def _add(self, name: str, listed: Iterable[str]) -> None:
        names = [name, *(united for start, united in FAMILIES.items() if name.startswith(start))]
        if name.startswith("date-"):
            names.append("day")
        for word in map(WordRun.read, listed):
            self._lists[word] += names

    def _take(self, intent: str, pattern: WordPattern) -> None:
        if pattern.whole:
            word = pattern.words[0]
            self._whole[word.tokens or word.packed].append(intent)
        else:
            first = pattern.words[0] if pattern.words else pattern.names[0]
            self._patterns[first].append((intent, pattern))

    def whole(self, heard: Heard) -> set[str]:
        """Return the intent of a message that is only one phrase."""
        found: set[str] = set()
        for said in (heard, self._without_filler(heard)):
            found.update(self._whole.get(said.words, ()) if said.words else ())
            found.update(self._whole.get(said.packed, ()))
        return found

    def found(self, heard: Heard) -> Found:
        """Return this language's words that occur in a message."""
        words = frozenset(self._finder.find(heard))
        lists: dict[str, int] = {}
        for word in words:
            for name in self._lists.get(word, ()):
                lists[name] = max(lists.get(name, 0), word.size)
        return Found(words, lists)

    def fitting(self, found: Found) -> Iterable[tuple[str, WordPattern]]:
        """Yield the patterns that match a message, each with its intent."""
        firsts: list[str | WordRun] = [*found.words, *found.lists]
        for first in firsts:
            for intent, pattern in self._patterns.get(first, ()):
                if found.fits(pattern):
                    yield intent, pattern

    def calmed(self, heard: Heard, *, thrown_away: bool = False) -> Heard:
        """Return a message without words that only sound like danger, such as fire insurance.

        ``thrown_away`` is set in a message about rubbish: then a fire alarm is a thing.
        """
        words, packed = list(heard.words), list(heard.packed)
        changed = False
        alarms = self._thrown_away if thrown_away else self._alarms
        for entry, at in alarms.places(heard):
            changed = True
            if entry.tokens:
                words[at : at + len(entry.tokens)] = ["|"] * len(entry.tokens)
            else:
                packed[at : at + len(entry.packed)] = ["|"] * len(entry.packed)
        if not changed:
            return heard
        return Heard(tuple(words), heard.marked, "".join(packed))

    def corrected(self, heard: Heard) -> Heard:
        """Return a message with each unknown word as the known one that is a letter away."""
        words = tuple(map(self._corrected, heard.words))
        if words == heard.words:
            return heard
        marked = tuple(
            marks if word == said else ""
            for word, said, marks in zip(words, heard.words, heard.marked, strict=True)
        )
        return Heard(words, marked, heard.packed)

    def _corrected(self, word: str) -> str:
        if len(word) < LEAST_LETTERS or word in self.vocabulary or word.isdecimal():
            return word
        for short in sorted(_shortened(word)):
            for known in self._near.get(short, ()):
                if _is_one_letter_off(word, known):
                    return known
        return word

    def _without_filler(self, heard: Heard) -> Heard:
        words, packed = heard.words, heard.packed
        changed = True
        while changed:
            changed = False
            for filler in self.fillers:
                tokens, count = filler.tokens, len(filler.tokens)
                if not tokens and len(packed) > len(filler.packed):
                    shorter = packed.removesuffix(filler.packed)
                    shorter = shorter.removeprefix(filler.packed) or packed
                    changed, packed = changed or shorter != packed, shorter
                elif tokens and len(words) > count and tokens in (words[:count], words[-count:]):
                    words = words[count:] if words[:count] == tokens else words[:-count]
                    changed = True
        return Heard(words, (), packed)


@cache
def _own(name: str) -> LexiconFile:
    path = DATA / f"{name}.toml"
    return read_source(path) if path.exists() else LexiconFile()


@cache
def _things(name: str) -> LexiconFile:
    """Return the names of things in a language, from the table for all languages."""
    with THINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return LexiconFile(
        {
            row["thing"] if row["thing"].startswith("big-") else f"thing-{row['thing']}": row[
                name
            ].split("/")
            for row in rows
            if row.get(name)
        }
    )


def _near(vocabulary: Iterable[str]) -> dict[str, list[str]]:
    """Return words by their forms with one letter left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for word in sorted(vocabulary):
        if len(word) >= LEAST_LETTERS and not word.isdecimal():
            for short in _shortened(word):
                found[short].append(word)
    return found


def _shortened(word: str) -> set[str]:
    """Return a word unchanged, and with each letter but the first left out."""
    return {word, *(word[:n] + word[n + 1 :] for n in range(1, len(word)))}


def _is_one_letter_off(one: str, other: str) -> bool:
    """Whether one letter is wrong, missing or too much, or two neighbours changed places."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[:2][::-1] and left[2:] == right[2:])
    )
