"""A notice in the length of a network: our own shorter words, never a warning cut in the middle.

The steps are: title and whole text; title and as many whole sentences from the beginning as fit;
the title alone. Each has the short address, where all of it can be read. If not even the title
fits, nothing is posted and staff are told. A drill has its mark in front on every step (promise 5).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from channels.notice_words import notice_words
from channels.posts.reasons import reason
from core.errors import BadInput
from feeds.models import Notice
from feeds.texts import drill_mark

Measure = Callable[[str], int]
_SENTENCE = re.compile(r"\S[^。！？!?.။។।\n]*(?:[。！？!?။။។।]+|\.(?=\s|$)|\.|$)?", re.MULTILINE)


def graphemes(text: str) -> int:
    """Count characters as most networks do: a letter with its marks is one."""
    return sum(1 for letter in text if not unicodedata.combining(letter))


def weighted(text: str) -> int:
    """Count as X does: letters of Chinese, Japanese and Korean count two."""
    wide = (unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return sum(2 if one else 1 for one in wide)


def post_text(
    notice: Notice,
    language: str,
    limit: int,
    *,
    short_address: str = "",
    corrects: str = "",
    measure: Measure = graphemes,
) -> str:
    """Return the longest form of a notice that fits.

    Parameters
    ----------
    limit
        The network's, in ``measure``.
    corrects
        A line that names the earlier post, with its time; on every step.

    Raises
    ------
    BadInput
        The notice has no words, or not even the shortest form fits: nothing is posted.
    """
    spoken, title, text = notice_words(notice, language)
    mark = drill_mark(spoken)
    body = text.removeprefix(mark).strip() if notice.drill else text
    sentences = [found.strip() for found in _SENTENCE.findall(body) if found.strip()]
    whole = "" if body == title else body
    steps = [[whole, short_address]]
    steps += [
        ["\n".join(sentences[:number]), short_address] for number in range(len(sentences), 0, -1)
    ]
    steps.append([short_address])
    for parts in steps:
        made = "\n\n".join(part for part in (corrects, title, *parts) if part)
        if notice.drill and corrects:
            made = f"{mark} {made}"
        if measure(made) <= limit:
            return made
    raise BadInput(reason("posts.no-room", limit=limit))
