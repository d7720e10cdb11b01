"""Relay events to another vendor's service on the same channel: which of them, and who answers.

LINE calls one address for each channel. Where bookings, payments or forms live on in another
product, the city's rules (``city.relay``) name its buttons, words and types of events. They are
stored in the transaction of the webhook, and ``bot.relay_sender`` sends them. A reply token works
once: what goes away alone is not answered here.

What somebody types in the middle of something, or in danger, never leaves: it is an answer to our
question, or a cry. A button of theirs that is pressed in the middle of something is answered here,
and a copy goes to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.dialogues import check_in
from bot.dialogues.buttons import typed_button
from bot.dialogues.kinds import SHELTERS, DialogueState, Incoming, Pressed, Said
from bot.events import STANDBY, ReceivedEvent
from bot.models import RelayBody, RelayEvent
from bot.staff_chat import is_of_staff
from bot.understanding import Meaning
from city.context import Context
from city.relay import Relay
from core.work import Queue

RELAY_TASK = "bot.relay"
EVERYTHING = "all"
"""The one key of the task: bodies are sent in order, so one process sends at a time."""
NOT_BUSY = (DialogueState().name, SHELTERS)
"""States of the conversation in which no question of ours is open."""


class Way(Enum):
    """Who answers an event that a rule names: we, they, or we while they get a copy."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"


@dataclass(frozen=True)
class Wanted:
    """An event of a body that a rule names; ``at_once`` if nothing has to be decided first."""

    event_id: str
    position: int
    sender: str | None
    at_once: bool


@dataclass(frozen=True)
class Relayed:
    """A webhook's body with the events that may go to the other service."""

    body: str
    wanted: tuple[Wanted, ...]


def wanted_of(
    relay: Relay, body: str, events: Sequence[ReceivedEvent], oldest: datetime | None
) -> Relayed | None:
    """Return what of a body may go to the other service; None for nothing.

    ``oldest`` as for :func:`bot.events.unless_forgotten`.
    """
    found = tuple(
        Wanted(event.event_id, position, _sender(event), event.kind not in ("message", "postback"))
        for position, event in enumerate(events)
        if _is_wanted(relay, event) and not _is_forgotten(event, oldest)
    )
    return Relayed(body, found) if found else None


def _is_wanted(relay: Relay, event: ReceivedEvent) -> bool:
    if event.reason == STANDBY or (event.kind in ("message", "postback") and not event.actionable):
        return False
    if event.kind in ("message", "postback"):
        return names(relay, event.kind, event.payload)
    return event.kind in relay.types


def names(relay: Relay, kind: str, payload: str) -> bool:
    """Whether a rule names this message or postback."""
    content = json.loads(payload)
    part = content.get(kind) if isinstance(content, dict) else None
    if not isinstance(part, dict):
        return False
    if kind == "postback":
        data = part.get("data")
        return isinstance(data, str) and relay.wants_postback(data)
    text = part.get("text") if part.get("type") == "text" else None
    return bool(relay.keywords) and isinstance(text, str) and relay.wants_text(text)


def _is_forgotten(event: ReceivedEvent, oldest: datetime | None) -> bool:
    if oldest is None or not event.timestamp_ms:
        return False
    return event.timestamp_ms < oldest.timestamp() * 1000


def _sender(event: ReceivedEvent) -> str | None:
    """Return whose event it is: of a user, or of a group or room."""
    if event.line_user_id is not None:
        return event.line_user_id
    source = (json.loads(event.payload) or {}).get("source")
    found: Any = None
    if isinstance(source, dict):
        found = source.get("groupId") or source.get("roomId") or source.get("userId")
    return found[:64] if isinstance(found, str) else None


async def keep(
    session: AsyncSession,
    queue: Queue,
    bodies: Sequence[Relayed],
    new: Collection[str],
    now: datetime,
) -> None:
    """Store the bodies in the transaction of their events; ``new`` are the events' ids.

    What was stored before is not taken a second time, however often LINE delivers it.
    """
    left = set(new)
    soon = False
    for each in bodies:
        wanted = [one for one in each.wanted if one.event_id in left]
        if not wanted:
            continue
        left -= {one.event_id for one in wanted}
        row = RelayBody(body=each.body, received_at=now)
        session.add(row)
        await session.flush()
        assert row.id is not None
        for one in wanted:
            soon |= one.at_once
            session.add(
                RelayEvent(
                    event_id=one.event_id,
                    body_id=row.id,
                    position=one.position,
                    sender=one.sender,
                    theirs=True if one.at_once else None,
                )
            )
    if soon:
        await queue.put(session, RELAY_TASK, EVERYTHING)


def way_of(
    state: DialogueState,
    incoming: Incoming,
    meaning: Callable[[str], Meaning],
    *,
    talking: bool = False,
) -> Way:
    """Decide who answers an event that a rule names; ``talking``: with a person of the city's."""
    busy = talking or state.name not in NOT_BUSY
    match incoming:
        case Pressed():
            return Way.BOTH if busy else Way.THEIRS
        case Said(text):
            ours = (
                busy
                or check_in.asked_for(text) is not None
                or is_of_staff(incoming)
                or typed_button(text) is not None
                or meaning(text).is_cry
            )
            return Way.OURS if ours else Way.THEIRS
    return Way.OURS


class RelayDesk:
    """Writes what the conversation decides, in its transaction."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def names(self, kind: str, payload: str) -> bool:
        """Whether the other service may want this event of a conversation."""
        relay = self._context.city.relay
        if self._context.settings.relay is None or kind not in ("message", "postback"):
            return False
        return names(relay, kind, payload)

    async def decide(self, session: AsyncSession, event_id: str, *, theirs: bool) -> bool:
        """Store whether an event goes; return False if it is not among those that may."""
        done = cast(
            CursorResult[Any],
            await session.execute(
                update(RelayEvent)
                .where(col(RelayEvent.event_id) == event_id)
                .values(theirs=theirs)
                .execution_options(synchronize_session=False)
            ),
        )
        if done.rowcount:
            await self._context.queue.put(session, RELAY_TASK, EVERYTHING)
        return bool(done.rowcount)


async def forget_sender(session: AsyncSession, line_user_id: str) -> None:
    """Take back what waits of somebody who has themselves erased."""
    of_them = select(col(RelayEvent.body_id)).where(col(RelayEvent.sender) == line_user_id)
    await session.execute(
        update(RelayEvent)
        .where(col(RelayEvent.sender) == line_user_id)
        .values(theirs=False)
        .execution_options(synchronize_session=False)
    )
    others = select(col(RelayEvent.body_id)).where(
        col(RelayEvent.body_id).in_(of_them), col(RelayEvent.theirs).is_not(False)
    )
    await session.execute(
        delete(RelayBody)
        .where(col(RelayBody.id).in_(of_them), col(RelayBody.id).not_in(others))
        .execution_options(synchronize_session=False)
    )


async def drop_all(session: AsyncSession) -> None:
    """Drop what waits: after a restore it was most likely sent already."""
    await session.execute(delete(RelayEvent).execution_options(synchronize_session=False))
    await session.execute(delete(RelayBody).execution_options(synchronize_session=False))
