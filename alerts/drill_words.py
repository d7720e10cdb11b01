"""Whether words say that they are a drill, or that they are not one (promise 5).

An alert whose words contradict it is never sent, from the console or the shell.
"""

from __future__ import annotations

import unicodedata

from feeds.texts import drill_mark

_DENIALS = ("訓練ではあ", "訓練ではな", "訓練じゃな", "訓練でな", "notadrill", "notdrill")


def says_drill(text: str, language: str) -> bool:
    """Whether a text has the word for a drill, in Japanese, English or its own language.

    Width and case do not matter.
    """
    folded = _folded(text)
    marks = {_folded(drill_mark(code)).strip("[]【】() ") for code in ("ja", "en", language)}
    return any(word and word in folded for word in (*marks, "訓練", "くんれん", "drill"))


def says_not_drill(text: str) -> bool:
    """Whether a text claims not to be a drill (訓練ではありません, "not a drill")."""
    folded = "".join(_folded(text).split())
    return any(denial in folded for denial in _DENIALS)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
