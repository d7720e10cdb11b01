"""How an answer to a report looks on the phone, in LINE's form: words, photos, the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from core.languages import reads_japanese
from feeds.texts import machine_translated
from reports.answer_words import (
    ABOUT_FOLLOWED,
    ABOUT_REPORT,
    CATALOGUE,
    IS_IT_RIGHT,
    NOT_RIGHT,
    RIGHT,
    SHOWS_AFTER,
    WRITTEN_IN_JAPANESE,
)

Message = dict[str, Any]
JUDGE = "judge"
"""What the buttons of the question bring back (``reports.verdicts``)."""
MOST_PHOTOS = 2
INK, BRAND, TINT = "#1F2A30", "#00635A", "#E6F2F0"


@dataclass(frozen=True)
class Said:
    """Words for one reader, and where they come from."""

    words: str
    in_japanese: bool = False
    """Whether they are Japanese words of staff, whoever reads them."""
    by_machine: bool = False


def text_of(number: str, said: Said, language: str, *, follows: bool, photos: int) -> str:
    """Return the text: which report, what the city says, and in which language it is."""
    about = ABOUT_FOLLOWED if follows else ABOUT_REPORT
    lines = [CATALOGUE.text(language, about, number=number), "", said.words]
    if said.by_machine:
        lines += ["", machine_translated(language)]
    elif said.in_japanese and not reads_japanese(language):
        lines += ["", CATALOGUE.text(language, WRITTEN_IN_JAPANESE)]
    if photos:
        lines += ["", CATALOGUE.text(language, SHOWS_AFTER)]
    return "\n".join(lines)


def photo(large: str, small: str) -> Message:
    """Return a picture that can be tapped to see it whole."""
    return {"type": "image", "originalContentUrl": large, "previewImageUrl": small}


def question(number: str, language: str, key: str) -> Message:
    """Return the question whether it is right, with its two buttons."""
    title = CATALOGUE.text(language, IS_IT_RIGHT)
    tiles = [
        _tile(CATALOGUE.text(language, words), urlencode({"do": JUDGE, "k": key, "right": right}))
        for words, right in ((RIGHT, "1"), (NOT_RIGHT, "0"))
    ]
    body = [
        _words(number, size="xs", color="#5B6770"),
        _words(title, weight="bold", size="lg", color=BRAND),
    ]
    bubble = {
        "type": "bubble",
        "body": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": body},
        "footer": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": tiles},
    }
    return {"type": "flex", "altText": title, "contents": bubble}


def messages(
    number: str,
    said: Said,
    language: str,
    *,
    follows: bool,
    photos: Sequence[tuple[str, str]] = (),
    key: str = "",
) -> list[Message]:
    """Return what one resident gets in one push: at most four messages."""
    shown = photos[:MOST_PHOTOS]
    text = text_of(number, said, language, follows=follows, photos=len(shown))
    found: list[Message] = [{"type": "text", "text": text}]
    found += [photo(large, small) for large, small in shown]
    if key:
        found.append(question(number, language, key))
    return found


def _words(content: str, **style: Any) -> Message:
    return {"type": "text", "text": content, "wrap": True, "color": INK, **style}


def _tile(label: str, data: str) -> Message:
    words = _words(label, align="center", weight="bold", size="sm")
    action = {"type": "postback", "data": data, "displayText": label}
    return {
        "type": "box",
        "layout": "vertical",
        "margin": "sm",
        "contents": [{**words, "color": BRAND}],
        "paddingAll": "10px",
        "cornerRadius": "8px",
        "backgroundColor": TINT,
        "action": action,
    }
