"""LINE's side of the webhook: events, bodies that carry them, and the call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import aiohttp

from tests.support.town import SECRET, Town

A_DAY_AGO = int(time.time() * 1000) - 86_400_000
USER = "U" + "4" * 32


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "message",
        "webhookEventId": f"01HX{number:022}",
        "timestamp": A_DAY_AGO + number,
        "mode": "active",
        "deliveryContext": {"isRedelivery": False},
        "source": {"type": "user", "userId": USER},
        "replyToken": f"token-{number}",
        "message": {"type": "text", "id": str(number), "text": "こんにちは", "quoteToken": "q"},
    }
    return {**made, **changes}


def signature(secret: str, body: bytes) -> str:
    """LINE: base64 of the HMAC-SHA256 of the raw body, by the channel's secret."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def body_of(*events: Any, destination: str = "U" + "0" * 32) -> bytes:
    return json.dumps({"destination": destination, "events": list(events)}).encode()


class Caller:
    """LINE's side of the webhook."""

    def __init__(self, town: Town, http: aiohttp.ClientSession) -> None:
        self.town = town
        self.http = http

    async def post(self, body: bytes, headers: Any = None) -> int:
        if headers is None:
            headers = {"x-line-signature": signature(SECRET, body)}
        url = f"{self.town.url}/line/webhook"
        async with self.http.post(url, data=body, headers=headers) as response:
            return response.status
