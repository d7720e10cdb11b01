"""送信取消: remove a message that a resident took back from the draft, the reports and the events.

The event can come before its message, after the report was sent, twice, or for an unknown message;
none of these does harm.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.chat import desk
from bot.dialogues import own_reports, report
from bot.dialogues.kinds import ADDING, REPORT, DialogueState
from bot.incoming import message_of, unsent_message
from bot.models import Dialogue, EventState, WebhookEvent
from bot.surveys import SurveyChat
from reports import dangers, verdicts
from reports.withdrawn import withdraw
from response.households import take_words_back
from subscriptions import residents

log = structlog.get_logger(__name__)


async def take_back(
    session: AsyncSession, event: WebhookEvent, surveys: SurveyChat | None, now: datetime
) -> None:
    """Process an unsend event; there is no answer."""
    message_id = unsent_message(event.payload)
    if not message_id or event.line_user_id is None:
        return
    await _forget_words(session, event.line_user_id, message_id)
    resident = await residents.find(session, event.line_user_id)
    if resident is None or resident.id is None:
        return
    dialogue = await session.get(Dialogue, resident.id)
    if dialogue is not None and dialogue.name == REPORT:
        state = report.without(
            DialogueState(dialogue.name, dialogue.step, dialogue.data), message_id
        )
        dialogue.step, dialogue.data = state.step, dict(state.data)
        session.add(dialogue)
    if dialogue is not None and dialogue.name == ADDING:
        state = own_reports.without(
            DialogueState(dialogue.name, dialogue.step, dialogue.data), message_id
        )
        dialogue.name, dialogue.step, dialogue.data = state.name, state.step, dict(state.data)
        session.add(dialogue)
    await take_words_back(session, resident.id, message_id)
    await desk.take_words_back(session, resident.id, message_id)
    await verdicts.take_back(session, resident.id, message_id)
    await dangers.take_back(session, resident.id, message_id)
    if surveys is not None:
        await surveys.take_back(session, resident.id, message_id)
    gone = await withdraw(session, resident.id, message_id, now)
    log.info("message.unsent", event_id=event.event_id, parts=[what.value for what in gone])


def was_taken_back(event: WebhookEvent, messages: Collection[str]) -> bool:
    """Whether an event's message is one that was taken back before the event was processed."""
    message_id = message_of(event.payload)
    return bool(message_id) and message_id in messages


async def _forget_words(session: AsyncSession, line_user_id: str, message_id: str) -> None:
    """Erase the content of the message's own event, except what its answer still needs."""
    stored = await session.scalars(
        select(WebhookEvent).where(
            col(WebhookEvent.line_user_id) == line_user_id,
            col(WebhookEvent.kind) == "message",
            col(WebhookEvent.payload).contains(message_id),
        )
    )
    for one in stored:
        if message_of(one.payload) != message_id:
            continue
        token = json.loads(one.payload).get("replyToken")
        unanswered = one.state is EventState.ANSWERING and isinstance(token, str)
        one.payload = json.dumps({"replyToken": token}) if unanswered else "{}"
        if one.state is EventState.WAITING:
            one.state = EventState.IGNORED
        session.add(one)
