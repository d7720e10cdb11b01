"""Understand what residents' messages ask for.

The input is a text and the language that its writer chose. The output is what it asks for, its
language, and the day, thing or kind of damage in it. The words are data (``data/*.toml``) that a
translator can read and a city can extend.
"""

from prometheus_client import Counter

from bot.understanding.decide import UNKNOWN, Meaning, Understanding
from bot.understanding.lexicon import CRIES

NOT_UNDERSTOOD = Counter(
    "todoke_not_understood_total", "Messages that asked for nothing we know", ["language"]
)
"""Counts; stores neither the words nor the writer."""

__all__ = ["CRIES", "NOT_UNDERSTOOD", "UNKNOWN", "Meaning", "Understanding"]
