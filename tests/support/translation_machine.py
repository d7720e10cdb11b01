"""A translation machine that says what it was taught."""

from __future__ import annotations

from collections.abc import Sequence


class Machine:
    """A machine that says what it was taught."""

    name = "machine"

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self.asked: list[tuple[str, str]] = []
        self.error: Exception | None = None

    async def readable(self) -> frozenset[str]:
        return frozenset({"en", "ne", "ja"})

    async def into_japanese(self, texts: Sequence[str], language: str) -> list[str]:
        self.asked += [(text, language) for text in texts]
        if self.error is not None:
            raise self.error
        return [self.words[text] for text in texts]
