"""What residents did in the conversation on a day, from LINE's events: counted, not who."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.messages import decode_postback
from bot.models import EventState, WebhookEvent
from bot.richmenu.places import PLACES

PART = 2_000
MENU = {place.do if place.do != "ask" else place.icon for of in PLACES.values() for place in of}
"""What the places of the menus do; a button below an answer may do the same."""


@dataclass
class Done:
    """``came``: ``new`` and ``back`` (who had blocked); ``taps`` by what the place does."""

    came: Counter[str] = field(default_factory=Counter)
    blocked: int = 0
    taps: Counter[str] = field(default_factory=Counter)


async def done_between(session: AsyncSession, start: datetime, end: datetime) -> Done:
    """Count the events that came from ``start`` until ``end``."""
    found = Done()
    rows = await session.stream(
        select(col(WebhookEvent.kind), col(WebhookEvent.payload)).where(
            col(WebhookEvent.received_at) >= start,
            col(WebhookEvent.received_at) < end,
            col(WebhookEvent.kind).in_(("follow", "unfollow", "postback")),
            col(WebhookEvent.state) != EventState.IGNORED,
        )
    )
    async for part in rows.partitions(PART):
        for kind, payload in part:
            _count(found, kind, payload)
    return found


def _count(found: Done, kind: str, payload: str) -> None:
    if kind == "unfollow":
        found.blocked += 1
        return
    try:
        content = json.loads(payload)
    except ValueError:
        content = {}
    about = content.get(kind) if isinstance(content, dict) else None
    about = about if isinstance(about, dict) else {}
    if kind == "follow":
        found.came["back" if about.get("isUnblocked") is True else "new"] += 1
        return
    do, values = decode_postback(str(about.get("data") or ""))
    done = values.get("what", "") if do == "ask" else do
    if done in MENU:
        found.taps[done] += 1
