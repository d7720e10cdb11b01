"""A city's own rich menu: a picture and areas, as LINE's API or another product exports them.

Only what LINE takes, and what a resident can safely tap, is let through. The limits are LINE's:
https://developers.line.biz/en/reference/messaging-api/#rich-menu-object
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from core.errors import Refusal
from core.languages import mark

MOST_BYTES = 1024 * 1024
WIDTHS = (800, 2500)
LEAST_HEIGHT, LEAST_RATIO = 250, 1.45
MOST_AREAS = 20
MOST_BAR, MOST_TEXT, MOST_DATA, MOST_LABEL = 14, 300, 300, 20
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg"}
OWN_DATA = "do="
HOME = {"メニュー": "menu", "Menu": "menu"}
"""Texts that open Todoke's own menu."""
SWITCHES = "todoke-"
"""How the aliases of our own menus begin."""

NOT_JSON = mark("This is not a rich menu as LINE exports it.")
NO_PICTURE = mark("The picture is neither PNG nor JPEG.")
TOO_LARGE = mark("The picture is larger than 1 MB.")
WRONG_SIZE = mark(
    "The picture is {width} × {height}. It has to be 800 to 2,500 wide, 250 high or more, and at "
    "least 1.45 times as wide as high."
)
OTHER_SIZE = mark("The picture is {width} × {height}, but the menu says {said}.")
AREAS = mark("A menu has 1 to 20 areas, not {n}.")
OUTSIDE = mark("Area {n} is not inside the picture.")
NO_ACTION = mark("Area {n} does “{kind}”, which is not taken: text, link, postback or tab are.")
EMPTY = mark("Area {n} has no words, data or address, or too long ones.")
BAD_LINK = mark(
    "Area {n} leads to {host}. The allowed hosts are: {known}. Addresses begin with https:// or "
    "tel:."
)
NO_WAY_HOME = mark(
    "No area leads to Todoke's own menu. Give one of them the text “メニュー” or a button of "
    "Todoke's."
)

Menu = dict[str, Any]


@dataclass(frozen=True)
class OwnMenu:
    """A checked menu in LINE's form, without a name, and its picture.

    ``changed`` says in words which areas do something of Todoke's instead of sending a text.
    """

    menu: Menu
    picture: bytes
    kind: str
    changed: tuple[str, ...] = ()


def read_menu(
    exported: bytes | str,
    picture: bytes,
    *,
    hosts: Collection[str],
    button: Callable[[str], str | None],
) -> OwnMenu:
    """Return a menu that may be shown to residents.

    Parameters
    ----------
    exported
        LINE's JSON: ``size``, ``chatBarText`` and ``areas``; or a whole answer with ``richmenus``.
    hosts
        Hosts that a link may lead to.
    button
        What a text does here if it is the label of one of our buttons.

    Raises
    ------
    Refusal
        With the one rule that it breaks.
    """
    width, height, kind = _size(picture)
    try:
        menu = json.loads(exported)
        menu = menu["richmenus"][0] if "richmenus" in menu else menu
        size, areas = menu.get("size") or {}, menu["areas"]
        said = int(size.get("width", width)), int(size.get("height", height))
        count = len(areas)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise Refusal(NOT_JSON) from error
    if said != (width, height):
        raise Refusal(OTHER_SIZE, width=width, height=height, said=f"{said[0]} × {said[1]}")
    if not 1 <= count <= MOST_AREAS:
        raise Refusal(AREAS, n=count)
    made, changed, leads_home = [], [], False
    for n, area in enumerate(areas, start=1):
        action, words = _action(area, n, hosts, button)
        leads_home |= action["type"] == "richmenuswitch" or str(action.get("data", "")).startswith(
            OWN_DATA
        )
        changed += [words] if words else []
        made.append({"bounds": _bounds(area, n, width, height), "action": action})
    if not leads_home:
        raise Refusal(NO_WAY_HOME)
    bar = str(menu.get("chatBarText") or "メニュー")[:MOST_BAR]
    shown = {
        "size": {"width": width, "height": height},
        "selected": True,
        "chatBarText": bar,
        "areas": made,
    }
    return OwnMenu(shown, picture, kind, tuple(changed))


def _size(picture: bytes) -> tuple[int, int, str]:
    if len(picture) > MOST_BYTES:
        raise Refusal(TOO_LARGE)
    try:
        with Image.open(io.BytesIO(picture), formats=tuple(KINDS)) as image:
            width, height, kind = image.width, image.height, image.format or ""
            fits = WIDTHS[0] <= width <= WIDTHS[1] and height >= LEAST_HEIGHT
            if not fits or width / height < LEAST_RATIO:
                raise Refusal(WRONG_SIZE, width=width, height=height)
            image.load()
    except Refusal:
        raise
    except Exception as error:
        raise Refusal(NO_PICTURE) from error
    return width, height, KINDS[kind]


def _bounds(area: Any, n: int, width: int, height: int) -> dict[str, int]:
    try:
        bounds = {name: int(area["bounds"][name]) for name in ("x", "y", "width", "height")}
    except (TypeError, KeyError, ValueError) as error:
        raise Refusal(OUTSIDE, n=n) from error
    right, bottom = bounds["x"] + bounds["width"], bounds["y"] + bounds["height"]
    inside = bounds["x"] >= 0 and bounds["y"] >= 0 and right <= width and bottom <= height
    if not inside or bounds["width"] <= 0 or bounds["height"] <= 0:
        raise Refusal(OUTSIDE, n=n)
    return bounds


def _action(
    area: Any, n: int, hosts: Collection[str], button: Callable[[str], str | None]
) -> tuple[dict[str, Any], str]:
    """Return an area's action, and in words what became of a text that is a button of ours."""
    action = area.get("action") if isinstance(area, dict) else None
    if not isinstance(action, dict):
        raise Refusal(NO_ACTION, n=n, kind="")
    label = str(action.get("label") or "")[:MOST_LABEL]
    named = {"label": label} if label else {}
    match action.get("type"):
        case "message":
            text = _said(action, "text", MOST_TEXT, n)
            if (do := HOME.get(text, button(text))) is not None:
                made = {"type": "postback", **named, "data": f"{OWN_DATA}{do}", "displayText": text}
                return made, f"{n}: {text} → {do}"
            return {"type": "message", **named, "text": text}, ""
        case "postback":
            made = {"type": "postback", **named, "data": _said(action, "data", MOST_DATA, n)}
            if action.get("displayText"):
                made["displayText"] = _said(action, "displayText", MOST_TEXT, n)
            return made, ""
        case "uri":
            return {"type": "uri", **named, "uri": _link(action, n, hosts)}, ""
        case "richmenuswitch":
            alias = _said(action, "richMenuAliasId", 32, n)
            if alias.startswith(SWITCHES):
                data = str(action.get("data") or "do=tab")[:MOST_DATA]
                return {
                    "type": "richmenuswitch",
                    **named,
                    "richMenuAliasId": alias,
                    "data": data,
                }, ""
    raise Refusal(NO_ACTION, n=n, kind=str(action.get("type"))[:20])


def _said(action: dict[str, Any], name: str, most: int, n: int) -> str:
    value = action.get(name)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most or not value.isprintable():
        raise Refusal(EMPTY, n=n)
    return value.strip()


def _link(action: dict[str, Any], n: int, hosts: Collection[str]) -> str:
    address = _said(action, "uri", 1_000, n)
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise Refusal(EMPTY, n=n) from error
    if parts.scheme == "tel" and parts.path.lstrip("+").replace("-", "").isdecimal():
        return address
    allowed = any(host == one or host.endswith(f".{one}") for one in hosts)
    if parts.scheme != "https" or not allowed or parts.username is not None:
        raise Refusal(
            BAD_LINK, n=n, host=host or address[:40], known=", ".join(sorted(hosts)) or "–"
        )
    return address
