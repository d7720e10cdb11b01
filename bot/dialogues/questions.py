"""Questions that residents ask, with the answers that the city wrote (``faq/*.md``).

Nothing is made up: free text shows similar questions, and the resident taps one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from bot import messages
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Known
from bot.dialogues.words import kept_text
from bot.messages import Message
from bot.understanding.topics import name_of, topics_in
from city.faq import FaqEntry
from core.languages import EASY_JAPANESE
from public.question_groups import letter_pairs, likeness

MOST = 10
LEAST_LETTERS = 4
NEAR = 0.5
"""A question is shown if it has more than this share of the written words."""
SURE = 0.8
"""A sentence that is as like one that staff answered gets the answer at once."""
ABOUT_RUBBISH = frozenset({"rubbish-day", "rubbish-bag"})
_HIRAGANA = re.compile(r"[\u3040-\u309f]")


def every(state: DialogueState, known: Known) -> DialogueOutcome:
    """All questions, to be tapped."""
    return DialogueOutcome(state, (_card(known, known.say("Questions"), _answers(known)),))


def near(state: DialogueState, known: Known, text: str) -> DialogueOutcome | None:
    """The questions that fit ``text``; None if there are none."""
    wanted, about = _pieces(text), topics_in(text)
    said = letter_pairs(text)
    topics = _topics(known) if about else {}
    alike = {
        answer.name: max((likeness(said, letter_pairs(one)) for one in answer.asked), default=0.0)
        for answer in _answers(known)
    }
    shares = {
        answer.name: max(
            len(wanted & _pieces(answer.question)) / max(1, len(wanted)),
            alike[answer.name],
            len(about & topics.get(answer.name, frozenset())) / max(1, len(about)),
        )
        for answer in _answers(known)
    }
    found = sorted(
        (answer for answer in _answers(known) if shares[answer.name] > NEAR),
        key=lambda answer: -shares[answer.name],
    )
    if found and alike[found[0].name] > SURE:
        return answered(state, known, found[0].name)
    if not found:
        return None
    return DialogueOutcome(
        state, (_card(known, known.say("Is this your question?"), found, about),)
    )


def exactly(state: DialogueState, known: Known, text: str) -> DialogueOutcome | None:
    """The answer of the question that the city gave this very sentence; None if there is none."""
    said = _letters(text)
    for answer in known.answers if said else ():
        if any(_letters(one) == said for one in answer.asked):
            return answered(state, known, answer.name)
    return None


@lru_cache(maxsize=10_000)
def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKC", kept_text(text)).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LMN")


def about(state: DialogueState, known: Known, text: str) -> DialogueOutcome | None:
    """The questions about what ``text`` names, if it names something else than rubbish."""
    named = topics_in(text)
    if not named or named & ABOUT_RUBBISH:
        return None
    return near(state, known, text) if any(map(named.__and__, _topics(known).values())) else None


def _topics(known: Known) -> dict[str, frozenset[str]]:
    """Return what each question is about, by its words in all languages that the city wrote."""
    found: dict[str, frozenset[str]] = {}
    for answer in known.answers:
        texts = (answer.question, *answer.asked)
        about = frozenset().union(*map(topics_in, texts))
        found[answer.name] = found.get(answer.name, frozenset()) | about
    return found


def answered(state: DialogueState, known: Known, name: str) -> DialogueOutcome | None:
    """The answer to one question; None if the city no longer has it."""
    for answer in _answers(known):
        if answer.name == name:
            words = f"{answer.question}\n\n{answer.text}"
            if _is_foreign(answer, known):
                words += "\n\n" + known.say("The city writes this in Japanese.")
            return DialogueOutcome(state, (messages.text(words),))
    return None


def _card(
    known: Known, title: str, answers: list[FaqEntry], about: frozenset[str] = frozenset()
) -> Message:
    tiles = [
        messages.tile(messages.press(_shown(answer, known, about), "question", name=answer.name))
        for answer in answers[:MOST]
    ]
    return messages.card(title, messages.columns(tiles, 1))


def _shown(answer: FaqEntry, known: Known, about: frozenset[str]) -> str:
    """A question; a Japanese one with what it is about in the reader's language in front."""
    if not _is_foreign(answer, known):
        return answer.question
    named = sorted(topics_in(answer.question) & about or topics_in(answer.question))
    names = ", ".join(name_of(topic, known.language) for topic in named)
    return f"{names}: {answer.question}" if names else answer.question


def _is_foreign(answer: FaqEntry, known: Known) -> bool:
    """Whether a text is in Japanese and its reader reads another language."""
    return answer.language in ("ja", EASY_JAPANESE) and not known.language.startswith("ja")


def _answers(known: Known) -> list[FaqEntry]:
    """Each question once, in the resident's language if the city has it, else in another."""
    japanese = known.language == EASY_JAPANESE
    order = [known.language, *(("ja", "en") if japanese else ("en", "ja"))]
    best: dict[str, FaqEntry] = {}
    for answer in known.answers:
        kept = best.get(answer.name)
        if answer.language in order and (
            kept is None or order.index(answer.language) < order.index(kept.language)
        ):
            best[answer.name] = answer
    return list(best.values())


def _pieces(text: str) -> set[str]:
    """The units for comparing a text: words, or pairs of letters in scripts without spaces.

    Short words, and hiragana in Japanese, carry no meaning here and are left out.
    """
    plain = unicodedata.normalize("NFKC", kept_text(text)).casefold()
    folded = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in plain)
    pieces: set[str] = set()
    for word in folded.split():
        if not _is_spaced(word):
            pieces |= {word[n : n + 2] for n in range(len(word) - 1)}
        elif len(word) >= LEAST_LETTERS:
            pieces.add(word)
    return {piece for piece in pieces if not _HIRAGANA.search(piece)}


def _is_spaced(word: str) -> bool:
    """Whether a word is in letters of a script that puts spaces between words."""
    return all(letter < "\u0590" or "\u1e00" <= letter < "\u2000" for letter in word)
