"""The valid forms of a Flex container.

Source: the schemas ``Flex*`` of LINE's OpenAPI description of the Messaging API; the reference's
section "Flex Message" for sizes, colours, which component is allowed in which box, and the limits
of 30 KB a bubble, 50 KB and 12 bubbles a carousel.
"""

from __future__ import annotations

from typing import Any

from simulator.line.actions import FLEX_ACTION, FLEX_BUTTON_ACTION
from simulator.line.checks import (
    Check,
    array,
    boolean,
    https_url,
    integer,
    later,
    one_of,
    record,
    size_limited,
    text,
)

BUBBLE_BYTES = 30 * 1024
CAROUSEL_BYTES = 50 * 1024

_PX = r"\d+(?:\.\d+)?px"
_PERCENT = r"\d+(?:\.\d+)?%"
_STEPS = "none|xs|sm|md|lg|xl|xxl"
_SIZES = "xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl"

_space = text(pattern=f"{_STEPS}|{_PX}")
_padding = text(pattern=f"{_STEPS}|{_PX}|{_PERCENT}")
_offset = text(pattern=f"{_STEPS}|-?{_PX}|-?{_PERCENT}")
_border = text(pattern=f"none|light|normal|medium|semi-bold|bold|{_PX}")
_length = text(pattern=f"{_PX}|{_PERCENT}")
_text_size = text(pattern=f"{_SIZES}|{_PX}")
_image_size = text(pattern=f"{_SIZES}|full|{_PX}|{_PERCENT}")
_color = text(pattern=r"#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?")
_flex = integer(0)
_type = text()


def _ratio_is_sound(value: str) -> str | None:
    width, _, height = value.partition(":")
    try:
        wide, high = float(width), float(height)
    except ValueError:
        return "invalid aspect ratio"
    if not (1 <= wide <= 100_000 and 1 <= high <= 100_000):
        return "invalid aspect ratio"
    return None if high <= 3 * wide else "height must be at most three times the width"


_ratio = text(also=_ratio_is_sound)

_position: dict[str, Check] = {
    "position": text(choices=("relative", "absolute")),
    "offsetTop": _offset,
    "offsetBottom": _offset,
    "offsetStart": _offset,
    "offsetEnd": _offset,
}

SPAN = record(
    {
        "type": _type,
        "text": text(),
        "size": _text_size,
        "color": _color,
        "weight": text(choices=("regular", "bold")),
        "style": text(choices=("normal", "italic")),
        "decoration": text(choices=("none", "underline", "line-through")),
    }
)


def _says_something(component: dict[str, Any]) -> str | None:
    if component.get("text") or component.get("contents"):
        return None
    return "must be non-empty text"


TEXT = record(
    {
        "type": _type,
        "flex": _flex,
        "text": text(),
        "size": _text_size,
        "align": text(choices=("start", "end", "center")),
        "gravity": text(choices=("top", "bottom", "center")),
        "color": _color,
        "weight": text(choices=("regular", "bold")),
        "style": text(choices=("normal", "italic")),
        "decoration": text(choices=("none", "underline", "line-through")),
        "wrap": boolean(),
        "lineSpacing": text(pattern=_PX),
        "margin": _space,
        **_position,
        "action": FLEX_ACTION,
        "maxLines": integer(0),
        "contents": array(one_of({"span": SPAN})),
        "adjustMode": text(choices=("shrink-to-fit",)),
        "scaling": boolean(),
    },
    also=_says_something,
)

BUTTON = record(
    {
        "type": _type,
        "flex": _flex,
        "color": _color,
        "style": text(choices=("primary", "secondary", "link")),
        "action": FLEX_BUTTON_ACTION,
        "gravity": text(choices=("top", "bottom", "center")),
        "margin": _space,
        **_position,
        "height": text(choices=("md", "sm")),
        "adjustMode": text(choices=("shrink-to-fit",)),
        "scaling": boolean(),
    },
    required=("action",),
)

IMAGE = record(
    {
        "type": _type,
        "url": https_url(),
        "flex": _flex,
        "margin": _space,
        **_position,
        "align": text(choices=("start", "end", "center")),
        "gravity": text(choices=("top", "bottom", "center")),
        "size": _image_size,
        "aspectRatio": _ratio,
        "aspectMode": text(choices=("fit", "cover")),
        "backgroundColor": _color,
        "action": FLEX_ACTION,
        "animated": boolean(),
    },
    required=("url",),
)

ICON = record(
    {
        "type": _type,
        "url": https_url(),
        "size": _text_size,
        "aspectRatio": _ratio,
        "margin": _space,
        **_position,
        "scaling": boolean(),
    },
    required=("url",),
)

SEPARATOR = record({"type": _type, "margin": _space, "color": _color})
FILLER = record({"type": _type, "flex": _flex})

GRADIENT = record(
    {
        "type": _type,
        "angle": text(pattern=r"(?:\d|[1-9]\d|[12]\d\d|3[0-5]\d)(?:\.\d+)?deg"),
        "startColor": _color,
        "endColor": _color,
        "centerColor": _color,
        "centerPosition": text(pattern=r"(?:\d{1,2}(?:\.\d+)?|100)%"),
    },
    required=("angle", "startColor", "endColor"),
)


def _find_child() -> Check:
    return CHILD


_BASELINE_CHILDREN = frozenset({"icon", "text", "filler"})


def _children_fit(box: dict[str, Any]) -> str | None:
    """A baseline box takes icons, texts and fillers; the others take no icons."""
    for child in box["contents"]:
        if box["layout"] == "baseline":
            if child["type"] not in _BASELINE_CHILDREN:
                return f"{child['type']} can't stand in a baseline box"
        elif child["type"] == "icon":
            return "icon can only stand in a baseline box"
    return None


BOX = record(
    {
        "type": _type,
        "layout": text(choices=("horizontal", "vertical", "baseline")),
        "flex": _flex,
        "contents": array(later(_find_child)),
        "spacing": _space,
        "margin": _space,
        **_position,
        "backgroundColor": _color,
        "borderColor": _color,
        "borderWidth": _border,
        "cornerRadius": _space,
        "width": _length,
        "maxWidth": _length,
        "height": _length,
        "maxHeight": _length,
        "paddingAll": _padding,
        "paddingTop": _padding,
        "paddingBottom": _padding,
        "paddingStart": _padding,
        "paddingEnd": _padding,
        "action": FLEX_ACTION,
        "justifyContent": text(
            choices=(
                "center",
                "flex-start",
                "flex-end",
                "space-between",
                "space-around",
                "space-evenly",
            )
        ),
        "alignItems": text(choices=("center", "flex-start", "flex-end")),
        "background": one_of({"linearGradient": GRADIENT}),
    },
    required=("layout", "contents"),
    also=_children_fit,
)

CHILD = one_of(
    {
        "box": BOX,
        "button": BUTTON,
        "image": IMAGE,
        "icon": ICON,
        "text": TEXT,
        "separator": SEPARATOR,
        "filler": FILLER,
    }
)

VIDEO = record(
    {
        "type": _type,
        "url": https_url(),
        "previewUrl": https_url(),
        "altContent": one_of({"box": BOX, "image": IMAGE}),
        "aspectRatio": _ratio,
        "action": FLEX_ACTION,
    },
    required=("url", "previewUrl", "altContent"),
)

BLOCK_STYLE = record({"backgroundColor": _color, "separator": boolean(), "separatorColor": _color})
BUBBLE_STYLES = record(
    {"header": BLOCK_STYLE, "hero": BLOCK_STYLE, "body": BLOCK_STYLE, "footer": BLOCK_STYLE}
)

_BLOCKS = ("header", "hero", "body", "footer")


def _has_a_block(bubble: dict[str, Any]) -> str | None:
    if any(block in bubble for block in _BLOCKS):
        return None
    return "At least one block must be specified"


_block = one_of({"box": BOX})
_bubble = record(
    {
        "type": _type,
        "direction": text(choices=("ltr", "rtl")),
        "styles": BUBBLE_STYLES,
        "header": _block,
        "hero": one_of({"box": BOX, "image": IMAGE, "video": VIDEO}),
        "body": _block,
        "footer": _block,
        "size": text(choices=("nano", "micro", "deca", "hecto", "kilo", "mega", "giga")),
        "action": FLEX_ACTION,
    },
    also=_has_a_block,
)
BUBBLE = size_limited(_bubble, BUBBLE_BYTES, "bubble")


def _one_size(bubbles: list[Any]) -> str | None:
    if len({bubble.get("size", "mega") for bubble in bubbles}) > 1:
        return "bubbles of one carousel must have the same size"
    return None


CAROUSEL = size_limited(
    record(
        {
            "type": _type,
            "contents": array(one_of({"bubble": BUBBLE}), least=1, most=12, also=_one_size),
        },
        required=("contents",),
    ),
    CAROUSEL_BYTES,
    "carousel",
)

CONTAINER = one_of({"bubble": BUBBLE, "carousel": CAROUSEL})
