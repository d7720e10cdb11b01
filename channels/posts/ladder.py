"""A notice in the length of a network: our own shorter words, never a warning cut in the middle.

The steps are: title and whole text; title and as many whole sentences from the beginning as fit;
the title alone. Each has the short address, where all of it can be read. If not even the title
fits, nothing is posted and staff are told. A drill has its mark in front on every step (promise 5).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from channels.notice_words import notice_words
from channels.posts.reasons import reason
from core.errors import BadInput
from feeds.models import Notice
from feeds.texts import drill_mark

Measure = Callable[[str], int]
_BETWEEN = re.compile(
    r"(?<=[。！？။।॥។])(?![。！？」』）)】”])\s*"
    # A dot also stands in numbers, addresses and short forms such as "Mt.".
    r"|(?<=[^\s.]{4}[.!?])\s+(?=\D)"
    r"|\s*\n\s*"
)
_ONE = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Letters that X counts once; all others count two.
https://docs.x.com/fundamentals/counting-characters
"""


def graphemes(text: str) -> int:
    """Count characters as most networks do: a letter with its marks is one."""
    return sum(1 for letter in text if not unicodedata.combining(letter))


def weighted(text: str) -> int:
    """Count as X does: letters of Chinese, Japanese and Korean count two."""
    return sum(1 if any(a <= ord(one) <= z for a, z in _ONE) else 2 for one in text)


MEASURES: Mapping[str, Measure] = {"letters": graphemes, "x": weighted}
"""By ``city.city.PostAccount.counts``."""


@dataclass(frozen=True)
class PostWords:
    """What a post is made of, in one language, for accounts of any length.

    Parameters
    ----------
    mark
        The language's 【訓練】; "" if it is no drill.
    body
        The text without the title and the mark; "" if there is only the title.
    address
        Where the whole of it can be read; may be "".
    corrects
        The time of the post that this one corrects, changes or ends; "" for none.
    corrects_address
        The short address of that one.
    """

    title: str
    body: str
    address: str = ""
    mark: str = ""
    corrects: str = ""
    corrects_address: str = ""

    @property
    def is_drill(self) -> bool:
        return bool(self.mark)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, str]) -> PostWords:
        return cls(**stored)

    def following(self, time: str, address: str) -> PostWords:
        """Return the same words, naming the post that they follow."""
        return replace(self, corrects=time, corrects_address=address)

    def fitting(self, limit: int | None, measure: Measure = graphemes) -> str:
        """Return the longest form that fits; None for no limit.

        Raises
        ------
        BadInput
            Not even the shortest form fits.
        """
        named = " ".join(one for one in (self.corrects, self.corrects_address) if one)
        several = sentences(self.body)
        steps = [(named, self.body)]
        steps += [(named, "\n".join(several[:number])) for number in range(len(several), 0, -1)]
        steps += [(named, ""), (self.corrects, "")]
        for earlier, said in steps:
            first = f"↩ {earlier}" if earlier else ""
            if first and self.mark:
                first = f"{self.mark} {first}"
            parts = (first, self.title, said, self.address)
            made = "\n\n".join(part for part in parts if part)
            if limit is None or measure(made) <= limit:
                return made
        raise BadInput(reason("posts.no-room", limit=limit or 0))


def sentences(text: str) -> list[str]:
    """Return the whole sentences of a text. What is no sure end of a sentence divides nothing."""
    return [one.strip() for one in _BETWEEN.split(text) if one and one.strip()]


def post_words(notice: Notice, language: str, short_address: str) -> PostWords:
    """Return the words of a notice.

    Raises
    ------
    BadInput
        The notice has no words, or a real one begins like a drill.
    """
    spoken, title, text = notice_words(notice, language)
    mark = drill_mark(spoken) if notice.drill else ""
    body = text.removeprefix(mark).strip() if mark else text
    return PostWords(title, "" if body == title else body, short_address, mark)
