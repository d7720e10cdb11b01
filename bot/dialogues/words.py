"""Text that residents type and lists that they get, as plain text."""

from __future__ import annotations

from collections.abc import Iterable

from bot.understanding.folding import fold, kept_text


def listed(names: Iterable[str], language: str) -> str:
    """Return names one after the other, as the language separates them."""
    return ("、" if language.startswith(("ja", "zh")) else ", ").join(names)


__all__ = ["fold", "kept_text", "listed"]
