"""Questions that residents ask, with the answers that the city wrote (``faq/*.md``).

Nothing is made up: who writes freely is shown the questions that come near, and taps theirs.
"""

from __future__ import annotations

import re
import unicodedata

from bot import messages
from bot.dialogues.kinds import Known, Outcome, State
from bot.dialogues.words import clean
from bot.messages import Message
from core.faq import Answer
from core.languages import EASY_JAPANESE

MOST = 10
LEAST_LETTERS = 4
NEAR = 0.5
"""Share of what somebody wrote that a question must have more of, to be shown."""
_HIRAGANA = re.compile(r"[\u3040-\u309f]")


def every(state: State, known: Known) -> Outcome:
    """All questions, to be tapped."""
    return Outcome(state, (_card(known, known.say("Questions"), _answers(known)),))


def near(state: State, known: Known, text: str) -> Outcome | None:
    """The questions that are about what ``text`` says; None when there are none."""
    wanted = _pieces(text)
    if not wanted:
        return None
    shares = {
        answer.name: len(wanted & _pieces(answer.question)) / len(wanted)
        for answer in _answers(known)
    }
    found = sorted(
        (answer for answer in _answers(known) if shares[answer.name] > NEAR),
        key=lambda answer: -shares[answer.name],
    )
    if not found:
        return None
    return Outcome(state, (_card(known, known.say("Is this what you want to know?"), found),))


def answered(state: State, known: Known, name: str) -> Outcome | None:
    """The answer to one question; None when the city no longer has it."""
    for answer in _answers(known):
        if answer.name == name:
            words = f"{answer.question}\n\n{answer.text}"
            return Outcome(state, (messages.text(words),))
    return None


def _card(known: Known, title: str, answers: list[Answer]) -> Message:
    tiles = [
        messages.tile(messages.press(answer.question, "question", name=answer.name))
        for answer in answers[:MOST]
    ]
    return messages.card(title, messages.columns(tiles, 1))


def _answers(known: Known) -> list[Answer]:
    """Each question once, in the resident's language where the city has it, else in another."""
    japanese = known.language == EASY_JAPANESE
    order = [known.language, *(("ja", "en") if japanese else ("en", "ja"))]
    best: dict[str, Answer] = {}
    for answer in known.answers:
        kept = best.get(answer.name)
        if answer.language in order and (
            kept is None or order.index(answer.language) < order.index(kept.language)
        ):
            best[answer.name] = answer
    return list(best.values())


def _pieces(text: str) -> set[str]:
    """What a text is compared by: words, and pairs of letters where words have no spaces.

    Short words, and hiragana in Japanese, join what is said and are no part of it.
    """
    plain = unicodedata.normalize("NFKC", clean(text)).casefold()
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
