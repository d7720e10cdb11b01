"""Decide what a message asks for, for both the conversation and the shell.

Cries for help win over everything, in any language. Otherwise the meaning with most points wins; a
second meaning that is as likely is returned too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache

from bot.understanding.dates import date_in
from bot.understanding.folding import Heard, fold, hear, kept_text, traditional
from bot.understanding.japanese import kana, with_plain_forms
from bot.understanding.lexicon import CRIES, FAMILIES, FILES, WEAK, Lexicon, LexiconFile
from bot.understanding.patterns import Found
from core.languages import EASY_JAPANESE, LANGUAGES, LATIN_LETTERS

UNKNOWN = "unknown"
WHOLE, PART = 100, 14
"""Points of a message that is a pattern and nothing else, and of each part of a pattern."""
LEAST, CLOSE = 16, 3
"""Points from which a meaning counts, and within which a second one is as likely."""
NARROWER = {"report": "report-status", "settings": "language"}
"""The meaning to choose if both are as likely: a question about the state of a report also names
the damage.
"""
CHORES = (
    "settings", "stop-messages", "fewer-messages", "my-data", "collection-day", "sorting", "bulky",
    "report-status",
)  # fmt: skip
SURE = 34
"""Meanings for which somebody may want help without being in danger, and their lowest points: two
words, such as "change" and "address".
"""
HALF = 0.5
"""Share of the words that another language than the resident's has to know."""
ONLY_CHINESE = frozenset(
    "吗嗎么麼呢吧啊你妳您哪什怎谁誰们們这這没給给說说還还谢请让把嘛啦们个点儿们热电车门问"
)
OWN = 12
"""Points by which the resident's own language is more likely than another."""
GENTLE = frozenset({"in-force", "shelter", "thanks", "greeting", "safe", "lifelines"})
"""Meanings that do not weaken a weak cry for help."""
SIGNS = 1
"""Phrases of danger in a message about a drill or the news that are still no cry."""
UNITED = frozenset({*FAMILIES.values(), "big-furniture"})
"""Lists of all things, of all large ones, and of furniture of many kinds: none names one thing."""
RUBBISH = frozenset({"discard", "rubbish", "sort"})
"""Lists of words that show that a message is about throwing something away."""
_NUMBER = re.compile(
    r"(?<![\d\-−‐.,:/#№第])(?<!\d\s)(119|110|118)"
    r"(?=$|[\s!?.。、,…~〜ー]*$|番(?![地目ご号])|に|を|へ|です|して|よ|[\s]+(?:please|po|ban|now|!))"
)
_BEFORE_NUMBER = re.compile(r"(?:room|bus|apt|no|number|route|号室|番地|報告|report|#)[\s.:]*$")
_LETTERS = {
    letters.name: re.compile(f"[{letters.characters}]")
    for language in LANGUAGES.values()
    for letters in language.script.letters
}
_WRITTEN_IN = {
    language.vocabulary_file: frozenset(letters.name for letters in language.script.letters)
    for language in LANGUAGES.values()
}
"""Letters of the languages of each file of words."""


@dataclass(frozen=True)
class Meaning:
    """The meaning of a message.

    Parameters
    ----------
    intent
        One of :data:`bot.understanding.lexicon.INTENTS`, or ``unknown``.
    language
        The language it is written in, one of the sixteen.
    date
        The day in the message.
    item, kind
        The thing to throw away, and the kind of damage or rubbish, by the names of the word lists.
    alternatives
        Other meanings that are as likely.
    whole
        Whether it is only a name or phrase, and so no description or address.
    """

    intent: str
    language: str
    date: date | None = None
    item: str = ""
    kind: str = ""
    alternatives: tuple[str, ...] = ()
    whole: bool = False

    @property
    def is_cry(self) -> bool:
        return self.intent in CRIES


class Understanding:
    """Decides for one city.

    Parameters
    ----------
    labels
        Labels of buttons by language and intent.
    added
        The city's own words, by language.
    """

    def __init__(
        self,
        labels: Mapping[str, Mapping[str, Iterable[str]]] | None = None,
        added: Mapping[str, LexiconFile] | None = None,
    ) -> None:
        grouped: dict[str, dict[str, list[str]]] = {name: {} for name in FILES}
        for language, names in (labels or {}).items():
            for intent, listed in names.items():
                grouped[LANGUAGES[language].vocabulary_file].setdefault(intent, []).extend(listed)
        sources: dict[str, list[LexiconFile]] = {name: [] for name in FILES}
        for language, source in (added or {}).items():
            sources[LANGUAGES[language].vocabulary_file].append(source)
        self.lexicon = cache(lambda name: Lexicon(name, grouped[name], sources[name]))
        self._decided = lru_cache(maxsize=1000)(self._decide)

    def meaning(self, text: str, language: str, today: date) -> Meaning:
        """Return what ``text`` asks for.

        Parameters
        ----------
        language
            The resident's own; the text may be in another.
        today
            In Japan.
        """
        return self._decided(kept_text(text), language, today)

    def load(self) -> None:
        """Read all languages now, rather than with the first message."""
        for name in FILES:
            self.lexicon(name)

    def japanese_for(self, item: str) -> tuple[str, ...]:
        """Return the Japanese words for a thing that a message in any language named."""
        words = self.lexicon("ja")
        return (*words.list_of(f"thing-{item}"), *words.list_of(f"big-{item}")) if item else ()

    def name_in(self, language: str, japanese: str) -> str:
        """Return what a thing with this Japanese name is called in a language; "" if unknown.

        Of the lists with that name, the one with fewest others is about this thing alone.
        """
        name = LANGUAGES[language].vocabulary_file
        if name == "ja":
            return ""
        wanted = {fold(part) for part in japanese.split("・")}
        words = self.lexicon("ja")
        about = [one for one in _things(words) if wanted & set(map(fold, words.list_of(one)))]
        for one in sorted(about, key=lambda one: (one not in words.table, len(words.list_of(one)))):
            if known := self.lexicon(name).list_of(one):
                shown = known[0].rstrip("*")
                shown = traditional(shown) if language == "zh-Hant" else shown
                return "" if fold(shown) in wanted else shown
        return ""

    def _decide(self, text: str, language: str, today: date) -> Meaning:
        own = LANGUAGES[language].vocabulary_file
        scripts = _scripts(text)
        if own == "ja" and is_chinese(text):
            own = "zh"
        readings = [
            _Reading(self.lexicon(name), text, today, own=name == own)
            for name in (own, *(name for name in FILES if name != own))
            if name == own or _may_be(name, scripts)
        ]
        best = _best(readings)
        if best.score < LEAST:
            best = next((r for r in readings if _is_written_in(r.lexicon.name, scripts)), best)
            best = readings[0] if _is_written_in(own, scripts) else best
            return Meaning(UNKNOWN, _language(best.lexicon.name, language, text))
        return replace(best.meaning(), language=_language(best.lexicon.name, language, text))


def _best(readings: list[_Reading]) -> _Reading:
    """Return the language in which a message makes most sense; a cry for help counts in any."""
    own = readings[0]
    sensible = [one for one in readings if one is own or one.share >= HALF]
    cries = [
        reading
        for reading in sensible
        if reading.is_cry
        and (reading is own or own.score < LEAST or reading.share > own.share)
        and (reading is own or not own.is_false_alarm)
    ]
    calm = [one for one in sensible if one is own or not (one.is_cry and own.is_false_alarm)]
    best = max(cries or calm, key=lambda reading: reading.rank)
    # The same characters mean the same in two languages: take the resident's own.
    same = own.score >= LEAST and own.intent == best.intent
    return own if same else best


class _Reading:
    """A message read in one language."""

    def __init__(self, lexicon: Lexicon, text: str, today: date, *, own: bool) -> None:
        self.lexicon = lexicon
        heard = hear(text)
        if lexicon.name == "ja":
            heard = _with_kana(heard, text)
        self.heard = lexicon.corrected(heard) if own else heard
        self.points: dict[str, int] = {}
        self.whole = lexicon.whole(self.heard)
        if lexicon.name == "ja":
            self.heard = replace(self.heard, packed=with_plain_forms(self.heard.packed))
        self.found = lexicon.found(self.heard)
        self.date = date_in(text, self.found, lexicon.forms, today)
        if self.date is not None:
            self.found = self.found.having("day")
        self._weigh(text)
        self.intent = self._winner()
        self.score = self.points.get(self.intent, 0)
        known = sum(word in lexicon.vocabulary for word in self.heard.words)
        self.share = known / len(self.heard.words) if self.heard.words else 1.0
        self.rank = self.score + 10 * self.share + (OWN if own else 0)

    @property
    def is_cry(self) -> bool:
        return self.intent in CRIES and self.score >= LEAST

    def _weigh(self, text: str) -> None:
        self._count(self.found, cries=False)
        about_rubbish = not RUBBISH.isdisjoint(self.found.lists)
        calm = self.lexicon.calmed(self.heard, thrown_away=about_rubbish)
        self.is_false_alarm = calm is not self.heard
        crying = self.lexicon.found(calm) if self.is_false_alarm else self.found
        if self._only_talks_about_danger(crying):
            self.is_false_alarm = True
        else:
            self._count(crying, cries=True)
        for intent in self.whole:
            if not (self.is_false_alarm and intent in CRIES):
                self.points[intent] = WHOLE
        if _calls_a_number(text):
            if "number-question" in self.found.lists:
                self.is_false_alarm = True
            else:
                self.points["danger"] = WHOLE

    def _only_talks_about_danger(self, crying: Found) -> bool:
        """Whether a message is about a drill, the news, insurance and the like, and not meant.

        Two phrases of danger, or a word such as "now", are too many for that.
        """
        if "about" not in self.found.lists or "earnest" in self.found.lists:
            return False
        cries = [
            pattern for intent, pattern in self.lexicon.fitting(crying) if intent in (*CRIES, WEAK)
        ]
        said = {word.packed for pattern in cries for word in pattern.words}
        signs = sum(not any(one != word and one in word for word in said) for one in said)
        return signs <= SIGNS

    def _count(self, found: Found, *, cries: bool) -> None:
        for intent, pattern in self.lexicon.fitting(found):
            if (intent in (*CRIES, WEAK)) is cries:
                worth = PART * pattern.parts + min(found.size(pattern), PART)
                self.points[intent] = max(self.points.get(intent, 0), worth)

    def _winner(self) -> str:
        points = self.points
        asked = max((points.get(intent, 0) for intent in CHORES), default=0)
        for cry in CRIES:
            if points.get(cry, 0) >= LEAST and (cry == "danger" or asked < SURE):
                return cry
        weak = points.pop(WEAK, 0)
        best = max(points, key=lambda intent: points[intent], default=UNKNOWN)
        narrower = NARROWER.get(best, "")
        if points.get(narrower, 0) >= max(LEAST, points.get(best, 0) - CLOSE):
            best = narrower
        gentle = best in GENTLE and points[best] < WHOLE
        # "Afraid at night" does not ask for quiet hours: one word is not enough.
        silence = best == "fewer-messages" and points[best] < SURE
        if weak and (points.get(best, 0) < LEAST or gentle or silence):
            points["need-help"] = weak
            return "need-help"
        return best

    def meaning(self) -> Meaning:
        score = self.points[self.intent]
        others = sorted(
            (
                intent
                for intent, points in self.points.items()
                if intent != self.intent
                and points >= max(LEAST, score - CLOSE)
                and NARROWER.get(intent) != self.intent
            ),
            key=lambda intent: (-self.points[intent], intent),
        )
        sure = score >= WHOLE or self.intent in CRIES
        return Meaning(
            self.intent,
            "",
            self.date,
            item=self._thing(),
            kind=self._first("kind-"),
            alternatives=() if sure else tuple(others[:2]),
            whole=self.intent in self.whole,
        )

    def _first(self, family: str) -> str:
        """Return the name of the list of a family with the longest word in the message.

        Of several with that word it is one of the table of things, and the one with fewest others:
        it is about this thing alone.
        """
        found = [
            (size, name in self.lexicon.table, -len(self.lexicon.list_of(name)), name)
            for name, size in self.found.lists.items()
            if name.startswith(family) and name not in UNITED
        ]
        return max(found, default=(0, False, 0, ""))[3].removeprefix(family)

    def _thing(self) -> str:
        small, big = self._first("thing-"), self._first("big-")
        sizes = self.found.lists
        is_big = not small or (big and sizes[f"big-{big}"] > sizes[f"thing-{small}"])
        return big if is_big else small


def _things(words: Lexicon) -> list[str]:
    """Return the lists that name one thing each."""
    return [
        one for one in words.names if one.startswith(("thing-", "big-")) and one != "big-furniture"
    ]


def _scripts(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return frozenset(name for name, letters in _LETTERS.items() if letters.search(plain))


def _may_be(name: str, scripts: frozenset[str]) -> bool:
    """Whether a text may be in a language: in its script, or typed in Latin letters."""
    return not scripts or bool(scripts & (_WRITTEN_IN[name] | {LATIN_LETTERS.name}))


def _is_written_in(name: str, scripts: frozenset[str]) -> bool:
    if name == "zh" and "kana" in scripts:
        return False
    return bool(scripts & _WRITTEN_IN[name])


def _language(name: str, chosen: str, text: str) -> str:
    """Return which of a file's languages a text is in, given the one the resident chose."""
    if LANGUAGES[chosen].vocabulary_file == name:
        return chosen
    if name == "ja":
        return "ja" if re.search("[\u3400-\u9fff]", text) else EASY_JAPANESE
    if name == "zh":
        return "zh-Hant" if _is_traditional(text) else "zh-Hans"
    return name


def is_chinese(text: str) -> bool:
    """Whether Chinese characters are certainly Chinese, and not Japanese."""
    if re.search("[\u3041-\u30ff]", text):
        return False
    return any(c in ONLY_CHINESE for c in text)


def _is_traditional(text: str) -> bool:
    from bot.understanding.folding import SIMPLIFIED, TRADITIONAL

    traditional = set(TRADITIONAL) - set(SIMPLIFIED)
    simplified = set(SIMPLIFIED) - set(TRADITIONAL)
    return sum(c in traditional for c in text) > sum(c in simplified for c in text)


def _with_kana(heard: Heard, text: str) -> Heard:
    """Return the words, with Japanese words in Latin letters also as kana."""
    words = re.findall("[a-z]+", unicodedata.normalize("NFKC", text).casefold())
    said = [kana(word) for word in words]
    if not words or any(word is None for word in said) or _scripts(text) != {"latin"}:
        return heard
    return replace(heard, packed=hear("".join(word or "" for word in said)).packed)


def _calls_a_number(text: str) -> bool:
    """Whether a message is a number to call (119, 110 or 118) or asks to call it; 119円 and room
    110 do not count.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    return any(
        not _BEFORE_NUMBER.search(plain[: found.start()]) for found in _NUMBER.finditer(plain)
    )


def languages_of(name: str) -> tuple[str, ...]:
    """Return the languages that share a file."""
    return tuple(code for code in LANGUAGES if LANGUAGES[code].vocabulary_file == name)
