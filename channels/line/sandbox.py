"""A second LINE account for staff to try things with: every message and menu says so.

It has a database of its own (``app.sandbox``). A message to everybody at once is never sent: if the
wrong token stood in the settings, it would reach the city's residents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from channels.line.client import LineClient
from channels.line.errors import LineRefused
from channels.responses import Accepted

MARK = "【試し】"
TO_EVERYBODY = frozenset({"narrowcast", "broadcast"})
MOST_ALT_TEXT = 1_500
MOST_TEXT = 5_000
MOST_BAR = 14
"""LINE's limit for the text of the chat bar."""

Json = dict[str, Any]


class SandboxClient(LineClient):
    """A client whose messages and menus begin with a mark."""

    async def basic_id(self) -> str:
        """Return the account's basic id, such as ``@todoke``."""
        return str((await self.info()).get("basicId", ""))

    async def post(self, endpoint: str, body: bytes, retry_key: str | None) -> Accepted:
        if endpoint in TO_EVERYBODY:
            raise LineRefused(403, "A sandbox sends to nobody whom it does not know.")
        return await super().post(endpoint, marked_body(body), retry_key)

    async def create_rich_menu(self, menu: Mapping[str, Any]) -> str:
        bar = f"{MARK}{menu.get('chatBarText', '')}"[:MOST_BAR]
        return await super().create_rich_menu({**menu, "chatBarText": bar})


def marked_body(body: bytes) -> bytes:
    """Return a request's body with the mark on each of its messages."""
    content = json.loads(body)
    content["messages"] = [marked(message) for message in content["messages"]]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def marked(message: Json) -> Json:
    """Return a message that begins with the mark, in the chat and in the notification."""
    match message.get("type"):
        case "text" | "textV2":
            return {**message, "text": f"{MARK}{message['text']}"[:MOST_TEXT]}
        case "flex":
            message = {**message, "contents": _in_bubbles(message["contents"])}
    if "altText" in message:
        return {**message, "altText": f"{MARK}{message['altText']}"[:MOST_ALT_TEXT]}
    return message


def _in_bubbles(contents: Json) -> Json:
    if contents.get("type") == "carousel":
        return {**contents, "contents": [_in_bubbles(one) for one in contents["contents"]]}
    body = contents.get("body")
    if not isinstance(body, dict):
        return contents
    line = {"type": "text", "text": MARK, "size": "sm", "weight": "bold", "color": "#9A3412"}
    mark = {**line, "margin": "none"}
    if body.get("layout") == "vertical":
        return {**contents, "body": {**body, "contents": [mark, *body["contents"]]}}
    whole = {"type": "box", "layout": "vertical", "contents": [mark, body]}
    return {**contents, "body": whole}
