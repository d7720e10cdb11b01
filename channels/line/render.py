"""Render a notice for LINE: a card with the level's colour, the words, and links to tap.

The card adds no words to the notice, only form. Its colours are in ``channels.colours``. Every text
of a drill begins with the language's 【訓練】 (promise 5).

Limits: https://developers.line.biz/en/reference/messaging-api/#flex-message
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from channels.colours import (
    DRILL_FRAME,
    INK,
    LINK_GROUND,
    LINK_INK,
    QUIET_INK,
    RULE,
    WHITE,
    colours,
)
from channels.medium import compact_json
from channels.notice_words import notice_words
from city.city import City
from feeds.models import OVER, Notice
from feeds.news_form import SURVEY_PRESS, form_of
from feeds.short_address import check_line, short_address
from feeds.texts import drill_mark, fact_labels, survey_button, topic_name, without_topic

MOST_ALT_UNITS = 400
MOST_TEXT_UNITS = 5000
MOST_BUBBLE_BYTES = 30_000
MOST_MESSAGES = 5
CARDS = 10
"""LINE takes twelve bubbles and 50 KB a carousel."""
MOST_LABEL = 40
CARD_UNITS = 400
MOST_ADDRESS = 1000
MOST_LINKS = 4
PICTURE_SIGN = "🖼"
"""Before the words that say what a picture shows, where it cannot carry them itself."""
GRAVE = 4
"""From this level on, the first paragraph of a card is bold."""

_LINK_LINE = re.compile(r"^(?P<label>.*?)[\s:：៖]*(?P<url>https?://\S+)$")


def render(notice: Notice, language: str, city: City) -> list[dict[str, Any]]:
    """Return the LINE messages of ``notice`` for a reader of ``language``.

    Raises
    ------
    BadInput
        The notice has no words, or a real one begins like a drill.
    """
    spoken, title, text = notice_words(notice, language)
    links, paragraphs = _take_links(text)
    topic = topic_name(notice.topic, spoken, city)
    bubble = _bubble(
        notice,
        topic,
        without_topic(title, topic, spoken),
        paragraphs,
        links,
        fact_labels(spoken),
        check=_check(notice, spoken, city),
        hero=_hero(notice, spoken, city),
        presses=_survey(notice, spoken),
    )
    form = form_of(notice)
    shown = form.picture.alt(spoken) if form.picture else ""
    is_card = len(compact_json(bubble)) <= MOST_BUBBLE_BYTES and paragraphs
    if is_card and not form.as_text:
        words = [title, *([shown] if shown else []), _after_mark(paragraphs, spoken)]
        alt = _cut("\n".join(words), MOST_ALT_UNITS)
        return [{"type": "flex", "altText": alt, "contents": bubble}]
    mark = drill_mark(spoken) if notice.drill else ""
    pictures = _picture(notice, city)
    if shown:
        text = f"{text}\n\n{PICTURE_SIGN} {shown}"
    parts = _in_parts(f"{title}\n\n{text}", mark, check_line(notice, spoken, city))
    most = MOST_MESSAGES - len(pictures)
    return [*pictures, *({"type": "text", "text": part} for part in parts[:most])]


def render_card(notice: Notice, language: str, city: City) -> tuple[str, dict[str, Any]]:
    """Return a notice's title and a small card of it, one of several to leaf through."""
    spoken, title, text = notice_words(notice, language)
    links, paragraphs = _take_links(text)
    topic = topic_name(notice.topic, spoken, city)
    shortened = [_cut("\n\n".join(paragraphs), CARD_UNITS)] if paragraphs else []
    bubble = _bubble(
        notice,
        topic,
        without_topic(title, topic, spoken),
        shortened,
        links[:1],
        check=_check(notice, spoken, city),
        hero=_hero(notice, spoken, city),
    )
    bubble["size"] = "kilo"
    return title, bubble


def digest_messages(notices: Sequence[Notice], language: str, city: City) -> list[dict[str, Any]]:
    """Return notices as cards to leaf through, the newest so many that LINE takes at once."""
    newest = list(notices)[-CARDS * MOST_MESSAGES :]
    return [
        _carousel(newest[at : at + CARDS], language, city) for at in range(0, len(newest), CARDS)
    ]


def _carousel(notices: Sequence[Notice], language: str, city: City) -> dict[str, Any]:
    cards = [render_card(notice, language, city) for notice in notices]
    alt = "\n".join(title for title, _ in cards)
    return {
        "type": "flex",
        "altText": alt if len(alt) <= 190 else f"{alt[:189]}…",
        "contents": {"type": "carousel", "contents": [bubble for _, bubble in cards]},
    }


def _take_links(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Cut lines that end with an address out of the text, to be tapped instead of read.

    Returns ``(label, address)`` pairs and the paragraphs that are left.
    """
    links: list[tuple[str, str]] = []
    paragraphs: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        for line in block.splitlines():
            found = _LINK_LINE.match(line.strip())
            if found and len(found["url"]) <= MOST_ADDRESS and len(links) < MOST_LINKS:
                links.append((found["label"] or found["url"], found["url"]))
            elif line.strip():
                lines.append(line.rstrip())
        if lines:
            paragraphs.append("\n".join(lines))
    return links, paragraphs


def _bubble(
    notice: Notice,
    topic: str,
    title: str,
    paragraphs: list[str],
    links: list[tuple[str, str]],
    labels: tuple[str, ...] = (),
    *,
    check: Sequence[dict[str, Any]] = (),
    hero: dict[str, Any] | None = None,
    presses: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    ground, ink, frame = colours(notice)
    header = {
        "type": "box",
        "layout": "vertical",
        "backgroundColor": ground,
        "paddingAll": "16px",
        "contents": [
            _text(topic, size="sm", color=ink),
            _text(title, size="xl", color=ink, weight="bold", margin="xs"),
        ],
    }
    if ground == WHITE:
        header["paddingBottom"] = "0px"  # nothing separates a white header from the words below it
    grave = notice.drill or (notice.reach >= GRAVE and notice.status not in OVER)
    words = [
        _paragraph(words, labels, first=place == 0, last=place == len(paragraphs) - 1, grave=grave)
        for place, words in enumerate(paragraphs)
    ]
    body = {
        "type": "box",
        "layout": "vertical",
        "backgroundColor": WHITE,
        "paddingAll": "16px",
        "contents": [*words, *check],
    }
    bubble: dict[str, Any] = {"type": "bubble", "size": "giga", "header": header, "body": body}
    if hero is not None:
        bubble["hero"] = hero
    if links or presses:
        bubble["footer"] = {
            "type": "box",
            "layout": "vertical",
            "backgroundColor": WHITE,
            "spacing": "sm",
            "paddingAll": "12px",
            "contents": [*presses, *(_link(label, address) for label, address in links)],
        }
        bubble["styles"] = {"footer": {"separator": True, "separatorColor": RULE}}
    return _framed(bubble, frame) if frame else bubble


def _hero(notice: Notice, language: str, city: City) -> dict[str, Any] | None:
    """Return the picture of a card, which opens it in full size; None without one.

    LINE takes pictures from secure addresses only. Its readers for the blind say an action's label.
    """
    picture = form_of(notice).picture
    address = picture.address(city.public_url) if picture else ""
    if picture is None or not address.startswith("https://"):
        return None
    # LINE shows nothing that is more than three times as high as wide.
    height = min(picture.height, 3 * picture.width)
    return {
        "type": "image",
        "url": address,
        "size": "full",
        "aspectRatio": f"{picture.width}:{height}",
        "aspectMode": "cover",
        "action": {
            "type": "uri",
            "label": _cut(picture.alt(language), MOST_LABEL),
            "uri": address,
        },
    }


def _survey(notice: Notice, language: str) -> list[dict[str, Any]]:
    """Return the button that begins the survey of a notice; nothing for a notice without one."""
    survey = form_of(notice).survey
    if not survey:
        return []
    label = survey_button(language)
    data = f"do={SURVEY_PRESS}&s={survey}"
    return [_button(label, {"type": "postback", "data": data, "displayText": label})]


def _picture(notice: Notice, city: City) -> list[dict[str, Any]]:
    """Return the picture as a message of its own, for news that is no card."""
    picture = form_of(notice).picture
    address = picture.address(city.public_url) if picture else ""
    if not address.startswith("https://"):
        return []
    return [{"type": "image", "originalContentUrl": address, "previewImageUrl": address}]


def _check(notice: Notice, language: str, city: City) -> list[dict[str, Any]]:
    """Return the line with the short address, which opens it too; nothing without an address."""
    address = short_address(city.public_url, notice)
    if not address:
        return []
    words = check_line(notice, language, city)
    line = _text(words, size="sm", color=LINK_INK, margin="lg", decoration="underline")
    line["action"] = {"type": "uri", "label": words[:MOST_LABEL], "uri": address}
    return [line]


def _paragraph(
    words: str, labels: tuple[str, ...], *, first: bool, last: bool, grave: bool
) -> dict[str, Any]:
    """Return one paragraph: the first is bold if lives may depend on it, the source is small.

    In a line with a fact (Place: …), the label is less prominent than the fact.
    """
    look = {} if first else {"margin": "lg"}
    if first and grave:
        look["weight"] = "bold"
    quiet = last and not first
    text = _text(words, size="sm" if quiet else "md", color=QUIET_INK if quiet else INK, **look)
    lines = words.split("\n")
    known = [next((label for label in labels if line.startswith(label)), "") for line in lines]
    if not quiet and any(known):
        text["contents"] = _spans(lines, known)
    return text


def _spans(lines: list[str], labels: list[str]) -> list[dict[str, str]]:
    spans: list[dict[str, str]] = []
    for place, (line, label) in enumerate(zip(lines, labels, strict=True)):
        if label:
            spans.append({"type": "span", "text": label, "color": QUIET_INK})
        end = "" if place == len(lines) - 1 else "\n"
        spans.append({"type": "span", "text": line.removeprefix(label) + end, "color": INK})
    return spans


def _framed(bubble: dict[str, Any], frame: str) -> dict[str, Any]:
    """Return the bubble with one frame around all of it, which only a box can have."""
    parts = [bubble[part] for part in ("header", "hero", "body", "footer") if part in bubble]
    return {
        "type": "bubble",
        "size": bubble["size"],
        "body": {
            "type": "box",
            "layout": "vertical",
            "backgroundColor": WHITE,
            "borderColor": frame,
            "borderWidth": "5px" if frame == DRILL_FRAME else "1px",
            "cornerRadius": "16px",
            "paddingAll": "0px",
            "contents": parts,
        },
    }


def _text(words: str, **look: str) -> dict[str, Any]:
    """A text that wraps, grows with the reader's own size of letters, and has air for Burmese."""
    return {
        "type": "text",
        "text": words,
        "wrap": True,
        "scaling": True,
        "lineSpacing": "6px",
        **look,
    }


def _link(label: str, address: str) -> dict[str, Any]:
    """A button that opens a page."""
    return _button(label, {"type": "uri", "label": label[:MOST_LABEL], "uri": address})


def _button(label: str, action: dict[str, Any]) -> dict[str, Any]:
    """A button that wraps its words, which LINE's own buttons do not."""
    return {
        "type": "box",
        "layout": "vertical",
        "backgroundColor": LINK_GROUND,
        "cornerRadius": "8px",
        "paddingAll": "12px",
        "action": action,
        "contents": [
            _text(label, size="md", color=LINK_INK, weight="bold", align="center"),
        ],
    }


def _after_mark(paragraphs: list[str], language: str) -> str:
    """The text without a second drill mark: the title before it has one."""
    text = "\n".join(paragraphs)
    return text.removeprefix(drill_mark(language)).lstrip()


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, units: int) -> str:
    """Return at most ``units`` UTF-16 units of ``text``, with an ellipsis if it was cut."""
    if _units(text) <= units:
        return text
    cut = text.encode("utf-16-le")[: (units - 1) * 2].decode("utf-16-le", "ignore")
    return cut.rstrip() + "…"


def _in_parts(text: str, mark: str, check: str) -> list[str]:
    """Cut a long text into at most five parts, at line ends if possible, each with its mark.

    The last one ends with the line ``check``, however long the text is.
    """
    parts = _cut_up(text, mark)
    if check:
        room = MOST_TEXT_UNITS - _units(check) - 2
        parts[-1] = f"{_cut(parts[-1], room)}\n\n{check}"
    return parts


def _cut_up(text: str, mark: str) -> list[str]:
    parts: list[str] = []
    left = text
    while left and len(parts) < MOST_MESSAGES:
        if parts and mark and not left.startswith(mark):
            left = f"{mark} {left}"
        last = len(parts) == MOST_MESSAGES - 1
        part = _cut(left, MOST_TEXT_UNITS)
        if part == left or last:
            parts.append(part)
            break
        part = part[:-1]
        line = part.rfind("\n", len(part) // 2)
        part = part[:line] if line > 0 else part
        parts.append(part.rstrip())
        left = left[len(part) :].lstrip()
    return parts
