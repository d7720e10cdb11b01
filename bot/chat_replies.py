"""An answer of the desk as LINE's reply to what the resident just wrote: it costs no message.

The answer is stored with the resident's event, and the inbox sends it as it sends all answers: by
the reply token, or as a push if LINE no longer takes the token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.models import EventState, WebhookEvent
from bot.webhook import INBOX_TASK
from core.work import Queue

FRESH = timedelta(seconds=40)
"""A reply token is valid for about a minute after the webhook; the request takes some of it."""
_BECAME = {EventState.DONE: "sent", EventState.FAILED: "failed", EventState.IGNORED: "failed"}


class ChatReplies:
    """Answers events whose reply token nobody used; ``app.state.chat_replies``."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def reply(
        self,
        session: AsyncSession,
        event_id: str,
        messages: Sequence[Mapping[str, Any]],
        now: datetime,
    ) -> bool:
        """Have the inbox send an answer; return whether the event can still be answered so."""
        query = select(WebhookEvent).where(col(WebhookEvent.event_id) == event_id)
        event = await session.scalar(query.with_for_update())
        if (
            event is None
            or event.state is not EventState.DONE
            or event.line_user_id is None
            or "replyToken" not in event.payload
            or not timedelta() <= now - event.received_at < FRESH
        ):
            return False
        event.state, event.answer, event.answer_matters = (
            EventState.ANSWERING,
            [dict(one) for one in messages],
            True,
        )
        event.answer_unsure, event.attempts, event.not_before = False, 0, None
        session.add(event)
        await self._queue.put(session, INBOX_TASK, str(event.bucket))
        return True

    async def became(self, session: AsyncSession, event_ids: Sequence[str]) -> dict[str, str]:
        """Return by event whether its answer was ``sent``, ``failed`` or is ``sending``."""
        query = select(WebhookEvent).where(col(WebhookEvent.event_id).in_(event_ids))
        return {
            one.event_id: _BECAME.get(one.state, "sending") for one in await session.scalars(query)
        }
