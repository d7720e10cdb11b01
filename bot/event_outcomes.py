"""What is written into the rows of events once they are over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.messages import Message
from bot.models import Dialogue, EventState, WebhookEvent


def finished(event: WebhookEvent) -> dict[str, Any]:
    """Return what to write into an event that is over; what is to be forgotten is emptied."""
    changes: dict[str, Any] = {
        "state": EventState.FAILED if event.gave_up else EventState.DONE,
        "answer": None,
        "not_before": None,
    }
    if event.forget:
        changes |= {"payload": "{}", "line_user_id": None}
    return changes


def answer_now(event: WebhookEvent, dialogue: Dialogue, messages: Sequence[Message]) -> None:
    """Answer beside the conversation, which stays as it is; with no messages say nothing."""
    dialogue.last_event_ms = max(dialogue.last_event_ms, event.timestamp_ms)
    if messages:
        event.answer, event.answer_matters = list(messages), True
        event.state = EventState.ANSWERING


async def note(session: AsyncSession, ended: Mapping[int, dict[str, Any]]) -> None:
    """Write the outcomes of events; equal outcomes with one statement.

    Events that were erased meanwhile stay as they are.
    """
    alike: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for number, changes in ended.items():
        alike.setdefault(repr(changes), (changes, []))[1].append(number)
    for changes, numbers in alike.values():
        await session.execute(
            update(WebhookEvent)
            .where(
                col(WebhookEvent.id).in_(numbers),
                col(WebhookEvent.state).in_((EventState.WAITING, EventState.ANSWERING)),
            )
            .values(**changes)
            .execution_options(synchronize_session=False)
        )
