"""Read the content of a stored event, and fetch the data that it refers to.

The models of LINE's SDK read what is acted on; the webhook itself only stores
(docs/decisions/0011-where-a-measurement-keeps-a-library-out.md).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog
from linebot.v3.webhooks import (
    ImageMessageContent,
    ImageSet,
    LocationMessageContent,
    PostbackContent,
    TextMessageContent,
)

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
from channels.line.client import LineClient
from channels.line.errors import LineRefused, TooLarge
from city.city import City
from city.context import Context
from core.child import Workshop
from core.errors import Permanent, Retryable
from core.languages import match_language
from reports.decoding import MAX_BYTES, PhotoRefused
from reports.photos import decoding_workshop, take_photo

MAX_TEXT = 5_000
"""LINE's own limit for a text message, in UTF-16 units."""

MESSAGE_ID = re.compile("[0-9]{1,40}")

_READ = (
    *("type", "id", "text", "latitude", "longitude", "address"),
    *("contentProvider", "imageSet", "data", "params"),
)
"""What is read of a message or a postback. Long, odd or new fields beside it harm nobody."""
_NOT_NEEDED = {"id": "", "quoteToken": "", "contentProvider": {"type": "line"}}
"""What the models require and we can do without."""
_Content = TypeVar(
    "_Content", TextMessageContent, LocationMessageContent, ImageMessageContent, PostbackContent
)

log = structlog.get_logger(__name__)


@dataclass
class EventReader:
    """Reads events and fetches data from LINE."""

    context: Context
    line: LineClient
    _decoding: Workshop = field(default_factory=decoding_workshop, init=False)

    async def read(self, event: WebhookEvent) -> Incoming:
        """Return the content of an event.

        Raises
        ------
        Retryable
            The data that it refers to could not be fetched now.
        Permanent
            A part that this type of event always has is missing.
        """
        content = json.loads(event.payload)
        if event.kind == "follow":
            return Followed()
        if event.kind == "postback":
            return _pressed(_part(content, "postback"))
        message = _part(content, "message")
        match message.get("type"):
            case "text":
                text = _typed(TextMessageContent, message)
                return Sent("text") if text is None else Said(text.text[:MAX_TEXT], _id_of(text.id))
            case "location":
                return _located(_typed(LocationMessageContent, message))
            case "image":
                return await self._photographed(_typed(ImageMessageContent, message))
            case kind:
                if kind not in ("sticker", "video", "audio", "file"):
                    log.info("message.unknown", event_id=event.event_id, kind=str(kind)[:40])
                return Sent(str(kind)[:40])

    async def language_of(self, line_user_id: str) -> str:
        """Return the language for the greeting: the phone's, if it is one of ours."""
        try:
            profile = await self.line.profile(line_user_id)
        except (Retryable, Permanent) as error:
            log.warning("profile.failed", reason=str(error))
            return self.context.city.languages[0]
        return greeting_language(self.context.city, profile.language)

    async def _photographed(self, image: ImageMessageContent | None) -> Photographed:
        if image is None or image.content_provider.type == "external":
            return Photographed(refusal="not-fetched")
        message_id = _id_of(image.id)
        if not message_id:
            return Photographed(refusal="not-fetched")
        try:
            data = await self.line.content(message_id, most_bytes=MAX_BYTES)
        except TooLarge:
            return Photographed(refusal="too-large")
        except LineRefused as error:
            log.warning("photo.failed", message_id=message_id, reason=str(error))
            return Photographed(refusal="not-fetched")
        try:
            picture = await take_photo(self._decoding, self.context.settings.media_dir, data)
        except PhotoRefused as error:
            log.info("photo.refused", message_id=message_id, reason=error.kind)
            return Photographed(refusal=error.kind)
        picture = replace(picture, message_id=message_id)
        return Photographed(picture, more=_more_to_come(image.image_set))


def points_elsewhere(payload: str) -> bool:
    """Whether a stored event refers to data at LINE."""
    content = json.loads(payload)
    message = content.get("message") if isinstance(content, dict) else None
    return isinstance(message, dict) and message.get("type") == "image"


def _more_to_come(image_set: ImageSet | None) -> bool:
    """Whether a photo is one of several sent together, and not the last of them."""
    if image_set is None or image_set.index is None or image_set.total is None:
        return False
    return bool(image_set.index < image_set.total)


def greeting_language(city: City, tag: str | None) -> str:
    """Return the city's language for a profile's tag; English for one that is not ours."""
    if not tag:
        return city.languages[0]
    matched = match_language(tag) or "en"
    return matched if matched in city.languages else city.languages[0]


def profile_language(city: City, tag: str | None) -> str:
    """Return the city's language for a friend's profile; the city's first for one not ours.

    Somebody who has not spoken yet is asked later, and most speak the city's own language.
    """
    matched = match_language(tag) if tag else None
    return matched if matched in city.languages else city.languages[0]


def _part(content: Any, name: str) -> dict[str, Any]:
    part = content.get(name) if isinstance(content, dict) else None
    if not isinstance(part, dict):
        raise Permanent(f"The event has no {name}.")
    return part


def _typed(model: type[_Content], part: dict[str, Any]) -> _Content | None:
    """Return a part of an event as LINE's SDK describes it; None when it has another form."""
    read = {name: part[name] for name in _READ if name in part}
    try:
        return model.parse_obj({**_NOT_NEEDED, **read})
    except ValueError as error:
        log.warning("event.misread", kind=model.__name__, reason=str(error)[:300])
        return None


def _pressed(part: dict[str, Any]) -> Pressed:
    postback = _typed(PostbackContent, part)
    if postback is None:
        return Pressed("")
    do, values = messages.decode_postback(postback.data)
    time = (postback.params or {}).get("time")
    return Pressed(do, values if time is None else {**values, "time": time})


def _located(place: LocationMessageContent | None) -> Incoming:
    if place is None or not (-180 <= place.longitude <= 180 and -90 <= place.latitude <= 90):
        return Sent("location")
    return Located(
        float(place.longitude), float(place.latitude), place.address or "", _id_of(place.id)
    )


def _id_of(found: Any) -> str:
    """Return LINE's id of a message, or "" if the message cannot be taken back."""
    return found if isinstance(found, str) and MESSAGE_ID.fullmatch(found) else ""


def unsent_message(payload: str) -> str:
    """Return the id of the message that a stored unsend event takes back, or nothing."""
    unsend = json.loads(payload).get("unsend")
    return _id_of(unsend.get("messageId")) if isinstance(unsend, dict) else ""


def message_of(payload: str) -> str:
    """Return the id of the message that a stored event brought, or nothing."""
    message = json.loads(payload).get("message")
    return _id_of(message.get("id")) if isinstance(message, dict) else ""
