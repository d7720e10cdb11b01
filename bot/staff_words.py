"""How a message to staff looks in LINE."""

from __future__ import annotations

from typing import Any

from bot.messages import MAX_ALT_TEXT, Action, Message, card, columns, tile, uri
from response.staff_messages import Button, Words


def line_messages(words: Words) -> list[Message]:
    """Return a message to staff in LINE's form: a card with its buttons.

    The text is also what a locked telephone shows.
    """
    tiles = [tile(_action(button)) for button in words.buttons]
    footer = columns(tiles, 1 if len(tiles) < 3 else 2)
    if words.url:
        footer.append(tile(uri(words.url_label or words.url, words.url)))
    alt = f"{words.title}\n{words.text}"[:MAX_ALT_TEXT]
    shown: list[Message] = []
    if words.picture:
        address = words.picture
        shown = [{"type": "image", "originalContentUrl": address, "previewImageUrl": address}]
    return [*shown, card(words.title, (), intro=words.text, footer=footer, alt=alt)]


def _action(button: Button) -> Action:
    if not button.data:
        return uri(button.label, button.url)
    action: dict[str, Any] = {
        "type": "postback",
        "label": button.label,
        "data": button.data,
        "displayText": button.label,
    }
    return action
