"""What an event says, read through the models of LINE's SDK, whatever else stands in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bot.dialogues.kinds import Followed, Incoming, Located, Photographed, Pressed, Said, Sent
from bot.incoming import EventReader
from bot.models import WebhookEvent
from channels.line.client import LineClient
from city.context import Context
from core.errors import Permanent


async def read(kind: str, **content: Any) -> Incoming:
    """Read an event that points at nothing to be fetched."""
    reader = EventReader(cast(Context, None), cast(LineClient, None))
    payload = json.dumps({"type": kind, **content})
    event = WebhookEvent(
        event_id="01HX",
        kind=kind,
        payload=payload,
        timestamp_ms=0,
        received_at=datetime(2026, 6, 15, 3, 0, tzinfo=UTC),
    )
    return await reader.read(event)


TEXT = {"type": "text", "id": "7", "text": "火事です", "quoteToken": "q"}
PLACE = {"type": "location", "id": "7", "latitude": 36, "longitude": 140.1, "address": "つくば市"}
IMAGE = {"type": "image", "id": "7", "quoteToken": "q"}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (TEXT, Said("火事です", "7")),
        ({"type": "text", "text": "火事です"}, Said("火事です")),  # what we can do without
        ({**TEXT, "id": "x'; --"}, Said("火事です")),
        ({**TEXT, "text": "あ" * 9_000}, Said("あ" * 5_000, "7")),
        ({**TEXT, "emojis": 7, "mention": [], "new": {"field": None}}, Said("火事です", "7")),
        ({**TEXT, "emojis": [{}] * 100_000}, Said("火事です", "7")),
        ({**TEXT, "text": 7}, Sent("text")),
        ({**TEXT, "text": None}, Sent("text")),
        ({"type": "text"}, Sent("text")),
        (PLACE, Located(140.1, 36.0, "つくば市", "7")),
        ({**PLACE, "address": None, "title": 7}, Located(140.1, 36.0, "", "7")),
        ({**PLACE, "latitude": 91}, Sent("location")),
        ({**PLACE, "latitude": float("nan")}, Sent("location")),
        ({**PLACE, "latitude": "36"}, Sent("location")),
        ({**PLACE, "longitude": True}, Sent("location")),
        ({"type": "location"}, Sent("location")),
        (
            {**IMAGE, "contentProvider": {"type": "external", "originalContentUrl": "https://x/"}},
            Photographed(refusal="not-fetched"),
        ),
        ({**IMAGE, "contentProvider": {"type": "moon"}}, Photographed(refusal="not-fetched")),
        ({**IMAGE, "imageSet": [7]}, Photographed(refusal="not-fetched")),
        ({**IMAGE, "id": "../7"}, Photographed(refusal="not-fetched")),
        ({"type": "sticker"}, Sent("sticker")),
        ({"type": "hologram", "id": "7"}, Sent("hologram")),
        ({"type": ["x" * 90]}, Sent("['" + "x" * 38)),
        ({}, Sent("None")),
    ],
)
async def test_messages(message: dict[str, Any], said: Incoming) -> None:
    assert await read("message", message=message) == said


@pytest.mark.parametrize(
    ("postback", "pressed"),
    [
        ({"data": "do=level&to=2"}, Pressed("level", {"to": "2"})),
        (
            {"data": "do=quiet-until", "params": {"time": "21:00"}},
            Pressed("quiet-until", {"time": "21:00"}),
        ),
        ({"data": "of=somebody-else"}, Pressed("", {"of": "somebody-else"})),
        ({"data": "do=menu", "params": {"newRichMenuAliasId": "a"}}, Pressed("menu")),
        ({"data": "do=menu", "params": 7}, Pressed("")),
        ({"data": 7}, Pressed("")),
        ({}, Pressed("")),
    ],
)
async def test_postbacks(postback: dict[str, Any], pressed: Incoming) -> None:
    assert await read("postback", postback=postback) == pressed


async def test_an_event_without_what_its_type_always_has_is_never_tried_again() -> None:
    assert await read("follow") == Followed()
    for kind in ("message", "postback"):
        with pytest.raises(Permanent):
            await read(kind)
        with pytest.raises(Permanent):
            await read(kind, **{kind: "words"})
