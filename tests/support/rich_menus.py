"""Rich menus as a service makes them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.support.line_account import Line

MENU: dict[str, Any] = {
    "size": {"width": 1200, "height": 810},
    "selected": True,
    "name": "main",
    "chatBarText": "メニュー",
    "areas": [
        {
            "bounds": {"x": 0, "y": 0, "width": 600, "height": 810},
            "action": {"type": "richmenuswitch", "richMenuAliasId": "second", "data": "switched"},
        },
        {
            "bounds": {"x": 600, "y": 0, "width": 600, "height": 810},
            "action": {"type": "postback", "data": "report", "displayText": "通報"},
        },
    ],
}


def picture(width: int = 1200, height: int = 810, kind: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(made, kind)
    return made.getvalue()


async def made_menu(line: Line, *, with_picture: bool = True) -> str:
    said = await line.post("/v2/bot/richmenu", MENU)
    assert said.status == 200, said.content
    menu_id = str(said.content["richMenuId"])
    if with_picture:
        uploaded = await put_picture(line, menu_id, picture())
        assert uploaded == 200
    return menu_id


async def put_picture(line: Line, menu_id: str, body: bytes, kind: str = "image/png") -> int:
    path = f"/v2/bot/richmenu/{menu_id}/content"
    said = await line.call("POST", path, body, headers={"Content-Type": kind})
    return said.status
