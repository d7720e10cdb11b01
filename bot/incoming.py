"""From a stored event to what it says: reads it, and fetches what it only points to."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot import messages
from bot.dialogues.kinds import (
    Followed,
    Incoming,
    Located,
    Photographed,
    Pressed,
    Said,
    Sent,
)
from bot.models import WebhookEvent
from channels.errors import LineRefused, TooLarge
from channels.line import LineClient
from core.city import City
from core.context import Context
from core.errors import Permanent, Retryable
from core.languages import match_language
from reports.photos import MAX_BYTES, PhotoRefused, store_photo

MAX_TEXT = 5_000
"""LINE's own limit for a text message, in UTF-16 units."""

log = structlog.get_logger(__name__)


@dataclass
class Reader:
    """Reads events; what it fetches, it fetches from LINE."""

    context: Context
    line: LineClient
    _unpacking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """One photo at a time: unpacked, a single one can take some hundred megabytes."""

    async def read(self, event: WebhookEvent) -> Incoming:
        """Return what an event says.

        Raises
        ------
        Retryable
            What it points to could not be fetched now.
        Permanent
            The event lacks what its type always has.
        """
        content = json.loads(event.payload)
        if event.kind == "follow":
            return Followed()
        if event.kind == "postback":
            return _pressed(_part(content, "postback"))
        message = _part(content, "message")
        match message.get("type"):
            case "text":
                return Said(str(message.get("text", ""))[:MAX_TEXT])
            case "location":
                return _located(message)
            case "image":
                return await self._photographed(message)
            case kind:
                if kind not in ("sticker", "video", "audio", "file"):
                    log.info("message type not known", event_id=event.event_id, type=str(kind)[:40])
                return Sent(str(kind)[:40])

    async def language_of(self, line_user_id: str) -> str:
        """Return the language to greet somebody in: the phone's, when it is one of ours."""
        try:
            profile = await self.line.profile(line_user_id)
        except (Retryable, Permanent) as error:
            log.warning("profile not read", error=str(error))
            return self.context.city.languages[0]
        return greeting_language(self.context.city, profile.language)

    async def _photographed(self, message: dict[str, Any]) -> Photographed:
        provider = message.get("contentProvider")
        if isinstance(provider, dict) and provider.get("type") == "external":
            return Photographed(refusal="not-fetched")
        message_id = str(message.get("id", ""))
        if not (message_id.isascii() and message_id.isdecimal() and len(message_id) <= 40):
            return Photographed(refusal="not-fetched")
        data = bytearray()
        try:
            async for chunk in self.line.content(message_id, most_bytes=MAX_BYTES):
                data += chunk
        except TooLarge:
            return Photographed(refusal="too-large")
        except LineRefused as error:
            log.warning("photo not fetched", message_id=message_id, error=str(error))
            return Photographed(refusal="not-fetched")
        try:
            async with self._unpacking:
                picture = await asyncio.to_thread(
                    store_photo, self.context.settings.media_dir, bytes(data)
                )
        except PhotoRefused as error:
            log.info("photo refused", message_id=message_id, reason=error.reason)
            return Photographed(refusal=error.reason)
        return Photographed(picture, more=_more_to_come(message.get("imageSet")))


def _more_to_come(image_set: Any) -> bool:
    """Whether a photo is one of several sent together, and not the last of them."""
    if not isinstance(image_set, dict):
        return False
    index, total = image_set.get("index"), image_set.get("total")
    return isinstance(index, int) and isinstance(total, int) and index < total


def greeting_language(city: City, tag: str | None) -> str:
    """Return the city's language for a profile's tag; English for one that is not ours."""
    if not tag:
        return city.languages[0]
    matched = match_language(tag) or "en"
    return matched if matched in city.languages else city.languages[0]


def _part(content: Any, name: str) -> dict[str, Any]:
    part = content.get(name) if isinstance(content, dict) else None
    if not isinstance(part, dict):
        raise Permanent(f"The event has no {name}.")
    return part


def _pressed(postback: dict[str, Any]) -> Pressed:
    do, values = messages.decode(str(postback.get("data", "")))
    params = postback.get("params")
    if isinstance(params, dict) and isinstance(params.get("time"), str):
        values["time"] = params["time"]
    return Pressed(do, values)


def _located(message: dict[str, Any]) -> Incoming:
    longitude, latitude = message.get("longitude"), message.get("latitude")
    if not (isinstance(longitude, int | float) and isinstance(latitude, int | float)):
        return Sent("location")
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        return Sent("location")
    return Located(float(longitude), float(latitude), str(message.get("address") or ""))
