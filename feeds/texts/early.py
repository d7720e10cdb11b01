"""The lines of an early notice: how likely a warning is, for which danger, on which days."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from feeds.facts import Expected
from feeds.texts import messages as m
from feeds.texts.terms import term
from feeds.texts.times import day_name

_RANKS = {"高": m.EARLY_HIGH, "中": m.EARLY_MIDDLE}
_NOTE = re.compile("[（(].*[）)]")


def early_lines(expected: Sequence[Expected], language: str, say: Callable[..., str]) -> list[str]:
    """Return one line for each danger and rank."""
    return [
        say(_RANKS.get(each.rank, m.EARLY_EXPECTED), danger=_danger(each, language))
        for each in expected
    ]


def _danger(expected: Expected, language: str) -> str:
    name = term(_NOTE.sub("", expected.danger), language).text
    if language.startswith(("ja", "zh")):
        days = "、".join(day_name(day, language) for day in expected.days)
        return f"{name}：{days}" if days else name
    days = " / ".join(day_name(day, language) for day in expected.days)
    return f"{name} – {days}" if days else name
