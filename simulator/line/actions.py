"""The valid forms of an action, which depend on its place.

Source: the schemas ``*Action`` of LINE's OpenAPI description of the Messaging API, and the
reference's section "Action objects" for what the description leaves out: which kinds a place
allows, whether a label is needed, its longest length (in grapheme clusters), and the forms of date
and time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from simulator.line.checks import Check, link_uri, one_of, record, text

_FORMS = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "time": re.compile(r"\d{2}:\d{2}"),
    "datetime": re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}"),
}


def _picker_is_sound(action: dict[str, Any]) -> str | None:
    form = _FORMS[action["mode"]]
    bounds = {name: action[name] for name in ("min", "initial", "max") if name in action}
    for name, value in bounds.items():
        if form.fullmatch(value) is None:
            return f"{name} must be a {action['mode']}"
    ordered = list(bounds.values())
    if ordered != sorted(ordered):
        return "must be min <= initial <= max"
    return None


def _postback_is_sound(action: dict[str, Any]) -> str | None:
    if "text" in action and "displayText" in action:
        return "text and displayText can't both be specified"
    if "fillInText" in action and action.get("inputOption") != "openKeyboard":
        return "fillInText needs inputOption openKeyboard"
    return None


ALT_URI = record({"desktop": link_uri()})


def _kinds(label: Check) -> dict[str, tuple[dict[str, Check], tuple[str, ...], Any]]:
    """Fields, required fields and cross-field rule of every kind of action."""
    data = text(most=300)
    kind = text()
    common = {"type": kind, "label": label}
    return {
        "camera": (common, (), None),
        "cameraRoll": (common, (), None),
        "location": (common, (), None),
        "clipboard": (
            {**common, "clipboardText": text(least=1, most=1000)},
            ("clipboardText",),
            None,
        ),
        "datetimepicker": (
            {
                **common,
                "data": data,
                "mode": text(choices=("date", "time", "datetime")),
                "initial": text(),
                "max": text(),
                "min": text(),
            },
            ("data", "mode"),
            _picker_is_sound,
        ),
        "message": ({**common, "text": text(least=1, most=300)}, ("text",), None),
        "postback": (
            {
                **common,
                "data": data,
                "displayText": text(least=1, most=300),
                "text": text(least=1, most=300),
                "inputOption": text(
                    choices=("closeRichMenu", "openRichMenu", "openKeyboard", "openVoice")
                ),
                "fillInText": text(least=1, most=300),
            },
            ("data",),
            _postback_is_sound,
        ),
        "richmenuswitch": (
            {**common, "data": data, "richMenuAliasId": text(most=32)},
            ("data", "richMenuAliasId"),
            None,
        ),
        "uri": ({**common, "uri": link_uri(), "altUri": ALT_URI}, ("uri",), None),
    }


def action(kinds: Sequence[str], *, label_most: int, label_needed: bool) -> Check:
    """An action of one of ``kinds`` with a label of at most ``label_most`` clusters."""
    label = text(least=1 if label_needed else 0, most=label_most, unit="graphemes")
    every = _kinds(label)
    variants: dict[str, Check] = {}
    for name in kinds:
        fields, required, rule = every[name]
        needed = (*required, "label") if label_needed else required
        variants[name] = record(fields, required=needed, also=rule)
    return one_of(variants)


_ANYWHERE = ("postback", "message", "uri", "datetimepicker", "clipboard")

QUICK_REPLY_ACTION = action(
    (*_ANYWHERE, "camera", "cameraRoll", "location"), label_most=20, label_needed=True
)
TEMPLATE_ACTION = action(_ANYWHERE, label_most=20, label_needed=True)
TEMPLATE_DEFAULT_ACTION = action(_ANYWHERE, label_most=20, label_needed=False)
IMAGE_COLUMN_ACTION = action(_ANYWHERE, label_most=12, label_needed=False)
FLEX_BUTTON_ACTION = action(_ANYWHERE, label_most=40, label_needed=True)
FLEX_ACTION = action(_ANYWHERE, label_most=40, label_needed=False)
RICH_MENU_ACTION = action((*_ANYWHERE, "richmenuswitch"), label_most=20, label_needed=False)
