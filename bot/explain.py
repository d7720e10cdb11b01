"""Explain the meaning of a message and its answer, as the conversation decides it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from time import thread_time
from typing import Any

from bot.dialogues import respond
from bot.dialogues.buttons import city_understanding
from bot.dialogues.kinds import DialogueState, Known, Said
from bot.messages import Message
from bot.understanding import CRIES, UNKNOWN, Meaning, Understanding
from bot.understanding.lexicon import INTENTS
from city.folder import CityFolder
from core.errors import BadInput
from core.languages import LANGUAGES
from subscriptions.residents import Preferences

PUBLIC_NAMES = {"cancel": "stop-messages"}
"""If there is nothing to cancel, the resident wants to stop the messages."""


DEPENDS_ON_RESIDENT = frozenset({"collection-day", "in-force", "my-data", "report-status"})
"""Intents whose answer depends on the districts or the data of the resident."""


@dataclass(frozen=True)
class Explanation:
    """The meaning; ``answer`` is the text of the first message of the answer.

    ``answer`` is None where it depends on the resident.
    """

    intent: str
    language: str
    date: date | None
    item: str
    kind: str
    alternatives: tuple[str, ...]
    answer: str | None

    def to_json(self) -> dict[str, object]:
        return {
            "intent": self.intent,
            "language": self.language,
            "date": self.date.isoformat() if self.date else None,
            "item": self.item or None,
            "kind": self.kind or None,
            "alternatives": list(self.alternatives),
            "answer": self.answer,
        }


@dataclass(frozen=True)
class Miss:
    """A sentence that was not understood as meant."""

    language: str
    text: str
    wanted: str
    found: str


@dataclass
class Score:
    """How many sentences were understood as meant.

    ``asked`` and ``right`` are by language. ``longest`` and ``total`` are seconds of processor
    time for the longest sentence and for all.
    """

    asked: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    misses: list[Miss] = field(default_factory=list)
    cries: int = 0
    cries_missed: int = 0
    false_cries: int = 0
    longest: float = 0.0
    total: float = 0.0

    def rate(self, language: str | None = None) -> float:
        """Return the share understood in a language, or in all of them."""
        if language is None:
            return self.right.total() / max(self.asked.total(), 1)
        return self.right[language] / max(self.asked[language], 1)

    def to_json(self) -> dict[str, object]:
        return {
            "asked": self.asked.total(),
            "right": self.right.total(),
            "rate": round(self.rate(), 4),
            "languages": {
                code: {
                    "asked": asked,
                    "right": self.right[code],
                    "rate": round(self.rate(code), 4),
                }
                for code, asked in self.asked.items()
            },
            "cries": self.cries,
            "cries_missed": self.cries_missed,
            "false_cries": self.false_cries,
            "longest_ms": round(1000 * self.longest, 1),
            "mean_ms": round(1000 * self.total / max(self.asked.total(), 1), 1),
            "misses": [
                {
                    "language": miss.language,
                    "text": miss.text,
                    "wanted": miss.wanted,
                    "found": miss.found,
                }
                for miss in self.misses
            ],
        }


def score(
    understanding: Understanding, sentences: Iterable[tuple[str, str, str]], today: date
) -> Score:
    """Return how many sentences are understood as meant.

    Parameters
    ----------
    sentences
        Language that the writer chose, text, and intent.
    today
        In Japan.

    Raises
    ------
    BadInput
        A language or an intent is not one of ours.
    """
    understanding.load()
    found = Score()
    for language, text, wanted in sentences:
        if language not in LANGUAGES:
            raise BadInput(f"{language!r} is none of {', '.join(LANGUAGES)}.")
        if wanted not in (*INTENTS, UNKNOWN):
            raise BadInput(f"{wanted!r} is none of {', '.join((*INTENTS, UNKNOWN))}.")
        begun = thread_time()
        meaning = understanding.meaning(text, language, today)
        took = thread_time() - begun
        found.longest, found.total = max(found.longest, took), found.total + took
        intent = PUBLIC_NAMES.get(meaning.intent, meaning.intent)
        found.asked[language] += 1
        found.right[language] += intent == wanted
        found.cries += wanted in CRIES
        found.cries_missed += wanted in CRIES and not meaning.is_cry
        found.false_cries += wanted not in CRIES and meaning.is_cry
        if intent != wanted:
            found.misses.append(Miss(language, text, wanted, intent))
    return found


class Explainer:
    """Answers like the conversation, for a resident without a district and with nothing in force.

    Parameters
    ----------
    folder
        The city's.
    now
        For days such as tomorrow.
    """

    def __init__(self, folder: CityFolder, now: datetime) -> None:
        self.folder = folder
        self.now = now
        self.understanding = city_understanding(folder.words)

    def explain(self, text: str, language: str) -> Explanation:
        """Return the meaning of ``text``, typed by somebody who chose ``language``.

        Raises
        ------
        BadInput
            The language is not one of ours.
        """
        if language not in LANGUAGES:
            raise BadInput(f"{language!r} is none of {', '.join(LANGUAGES)}.")
        known = Known(
            city=self.folder.city,
            preferences=self._preferences(language),
            now=self.now,
            shelters=self.folder.shelters,
            calendar=self.folder.calendar,
            answers=self.folder.answers,
            understanding=self.understanding,
        )
        meaning = known.meaning(text)
        messages = respond(DialogueState(), Said(text), known).messages
        return Explanation(
            intent=PUBLIC_NAMES.get(meaning.intent, meaning.intent),
            language=meaning.language,
            date=meaning.date,
            item=meaning.item,
            kind=meaning.kind,
            alternatives=meaning.alternatives,
            answer=_answer(meaning, messages),
        )

    def _preferences(self, language: str) -> Preferences:
        topics = {topic.code: 0 for topic in self.folder.city.topics if topic.default}
        return Preferences(
            resident_id=0,
            following=True,
            language=language,
            language_chosen=True,
            areas=(),
            topics=topics,
            topics_chosen=False,
            quiet_start=None,
            quiet_end=None,
            digest_hour=None,
        )


def _answer(meaning: Meaning, messages: tuple[Message, ...]) -> str | None:
    sure = not meaning.alternatives
    if not messages or (sure and meaning.intent in DEPENDS_ON_RESIDENT):
        return None
    return "\n".join(_texts(messages[0]))


def _texts(part: Any) -> Iterator[str]:
    """Yield the visible texts of a message, from top to bottom."""
    if isinstance(part, dict):
        if part.get("type") == "text" and "text" in part:
            yield part["text"]
        for key, inner in part.items():
            if key not in ("quickReply", "action"):
                yield from _texts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _texts(inner)
