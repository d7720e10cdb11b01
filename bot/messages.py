"""LINE messages of the conversation: text, quick replies, tiles and lists.

Only form, no words. Tiles are Flex boxes that can be tapped and wrap their text, because a button's
label would be cut off in some languages. Limits: LINE's Messaging API reference (300 characters of
postback data, 13 quick replies, 20 graphemes a label, 30 KB a bubble).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

Message = dict[str, Any]
Action = dict[str, Any]
Part = dict[str, Any]

INK = "#1F2A30"
QUIET_INK = "#5B6770"
BRAND = "#00635A"
TINT = "#E6F2F0"
LINE_GREY = "#D5DDE0"
WARNING = "#B3261E"
MAX_ALT_TEXT = 400
MAX_QUICK_REPLIES = 13
MAX_LABEL = 20


def text(words: str, *actions: Action) -> Message:
    """A text message, with quick replies where ``actions`` are given."""
    return with_quick_replies({"type": "text", "text": words}, actions)


def begun_with(message: Message, mark: str) -> Message:
    """The same message with a mark before its text, or before the heading of its card."""
    if message.get("type") == "text":
        return {**message, "text": f"{mark}{message['text']}"}
    bubble = message["contents"]
    heading, *rest = bubble["body"]["contents"]
    body = {**bubble["body"], "contents": [{**heading, "text": f"{mark}{heading['text']}"}, *rest]}
    alt = f"{mark}{message['altText']}"[:MAX_ALT_TEXT]
    return {**message, "altText": alt, "contents": {**bubble, "body": body}}


def with_quick_replies(message: Message, actions: Sequence[Action]) -> Message:
    """Return the message with quick replies below it; without actions it stays as it is."""
    if not actions:
        return message
    items = [{"type": "action", "action": action} for action in actions[:MAX_QUICK_REPLIES]]
    return {**message, "quickReply": {"items": items}}


def with_more(message: Message, action: Action) -> Message:
    """Return the message with one more quick reply behind its own."""
    items = message.get("quickReply", {}).get("items", [])
    own = [item["action"] for item in items[: MAX_QUICK_REPLIES - 1]]
    return with_quick_replies(message, [*own, action])


def press(label: str, do: str, /, *, shown: bool = True, **values: object) -> Action:
    """A postback: ``do`` is its action, ``values`` are its parameters.

    With ``shown`` the label appears in the chat like a message of the resident.
    """
    action: Action = {"type": "postback", "label": label, "data": encode(do, **values)}
    if shown:
        action["displayText"] = label
    return action


def encode(do: str, /, **values: object) -> str:
    """Return postback data."""
    return urlencode({"do": do, **values})


def decode_postback(data: str) -> tuple[str, dict[str, str]]:
    """Return the action and values of a postback; a foreign postback has no action."""
    values = dict(parse_qsl(data[:300], keep_blank_values=True))
    return values.pop("do", ""), values


def location(label: str) -> Action:
    return {"type": "location", "label": label}


def camera(label: str) -> Action:
    return {"type": "camera", "label": label}


def camera_roll(label: str) -> Action:
    return {"type": "cameraRoll", "label": label}


def uri(label: str, address: str) -> Action:
    return {"type": "uri", "label": label, "uri": address}


def pick_time(label: str, do: str, /, *, initial: str, **values: object) -> Action:
    """A time picker; the choice comes back as a postback with ``params.time``."""
    return {
        "type": "datetimepicker",
        "label": label,
        "data": encode(do, **values),
        "mode": "time",
        "initial": initial,
    }


def words(content: str, **style: Any) -> Part:
    """A wrapping text component."""
    return {"type": "text", "text": content, "wrap": True, "color": INK, "size": "sm", **style}


def without_label(action: Action) -> Action:
    """The action as a tile carries it: the tile's own text is the label."""
    return {key: value for key, value in action.items() if key != "label"}


def tile(action: Action, *, note: str = "", strong: bool = False, danger: bool = False) -> Part:
    """A box to tap, named by its action's label, with a smaller ``note`` below."""
    ink = "#FFFFFF" if strong else WARNING if danger else BRAND
    contents = [words(action["label"], align="center", weight="bold", color=ink)]
    if note:
        quiet = "#FFFFFF" if strong else QUIET_INK
        contents.append(words(note, align="center", size="xs", color=quiet))
    return {
        "type": "box",
        "layout": "vertical",
        "contents": contents,
        "flex": 1,
        "paddingAll": "10px",
        "cornerRadius": "8px",
        "justifyContent": "center",
        "backgroundColor": BRAND if strong else "#FFFFFF" if danger else TINT,
        **({"borderColor": WARNING, "borderWidth": "1px"} if danger else {}),
        "action": without_label(action),
    }


def picture(address: str) -> Part:
    """A picture as wide as its place, in LINE's usual form of 20 to 13."""
    return {
        "type": "image",
        "url": address,
        "size": "full",
        "aspectRatio": "20:13",
        "aspectMode": "cover",
        "animated": False,
    }


def picture_tile(action: Action, address: str) -> Part:
    """A tile with a picture above its label; without an address it is a tile like others."""
    plain = tile(action)
    if not address:
        return plain
    return {**plain, "contents": [picture(address), *plain["contents"]], "spacing": "sm"}


def switch(label: str, on: bool, action: Action | None, *, note: str = "") -> Part:
    """One line of a list that can be turned on and off; without an action it is fixed."""
    line: list[Part] = [
        words(label, flex=1, gravity="center", weight="bold" if on else "regular"),
        {
            "type": "box",
            "layout": "vertical",
            "width": "30px",
            "height": "30px",
            "cornerRadius": "15px",
            "justifyContent": "center",
            "backgroundColor": BRAND if on else "#FFFFFF",
            "borderColor": BRAND if on else "#8A979E",
            "borderWidth": "1px",
            "contents": [
                {
                    "type": "text",
                    "text": "✓" if on else "＋",
                    "align": "center",
                    "size": "sm",
                    "color": "#FFFFFF" if on else QUIET_INK,
                }
            ],
        },
    ]
    if note:
        line.insert(1, words(note, flex=0, gravity="center", size="xs", color=QUIET_INK))
    row: Part = {
        "type": "box",
        "layout": "horizontal",
        "contents": line,
        "spacing": "md",
        "paddingTop": "6px",
        "paddingBottom": "6px",
    }
    if action is not None:
        row["action"] = without_label(action)
    return row


def fact(name: str, value: str) -> Part:
    """A name and its value, one above the other, so that long words fit."""
    return {
        "type": "box",
        "layout": "vertical",
        "spacing": "xs",
        "contents": [words(name, size="xs", color=QUIET_INK), words(value)],
    }


def columns(tiles: Sequence[Part], count: int = 2) -> list[Part]:
    """Tiles side by side, ``count`` a row."""
    rows: list[Part] = []
    for start in range(0, len(tiles), count):
        row = list(tiles[start : start + count])
        if start and len(row) < count:
            row.append({"type": "filler"})
        rows.append({"type": "box", "layout": "horizontal", "spacing": "sm", "contents": row})
    return rows


def card(
    title: str,
    parts: Iterable[Part],
    *,
    intro: str = "",
    footer: Sequence[Part] = (),
    quick: Sequence[Action] = (),
    alt: str = "",
    above: str = "",
) -> Message:
    """A bubble with a heading, an introduction, its parts, and buttons at the end.

    ``above`` is the address of a picture over all of it.
    """
    body: list[Part] = [words(title, weight="bold", size="lg", color=BRAND)]
    if intro:
        body.append(words(intro, color=INK))
    body.extend(parts)
    bubble: Part = {
        "type": "bubble",
        "body": {"type": "box", "layout": "vertical", "spacing": "md", "contents": body},
    }
    if above:
        bubble["hero"] = picture(above)
    if footer:
        bubble["footer"] = {
            "type": "box",
            "layout": "vertical",
            "spacing": "sm",
            "contents": list(footer),
        }
    flex = {"type": "flex", "altText": (alt or title)[:MAX_ALT_TEXT], "contents": bubble}
    return with_quick_replies(flex, quick)
