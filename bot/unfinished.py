"""A report that was begun and not sent is reminded of once.

The reminder is a push: who closed the chat would not see the next answer, and the hole stays where
it is. It goes out a day later, between nine in the morning and eight in the evening in Japan, never
in the resident's quiet hours, once for a draft. A draft without any answer is not worth a message.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot import messages
from bot.catalogue import WORDS
from bot.dialogues.kinds import REPORT
from bot.models import Dialogue
from channels.dispatch import push
from channels.medium import Format
from city.context import Context
from core.clock import in_japan
from core.restored import held_until
from subscriptions.models import Resident, ResidentState

AFTER = timedelta(hours=20)
UNTIL = timedelta(hours=48)
"""A draft that is older is not reminded of: the service was away, or it is night."""
FIRST_HOUR, LAST_HOUR = 9, 20
MOST = 200
"""Reminders of one run, in one transaction."""
RULE = "rule:unfinished-report"
ANSWERS = ("kind", "photos", "place", "note", "typed")
"""Data of a draft that says something."""

log = structlog.get_logger(__name__)


async def remind_of_reports(context: Context, medium: Format) -> int:
    """Remind residents of reports that they began yesterday; return how many."""
    now = context.clock.now()
    if not FIRST_HOUR <= in_japan(now).hour < LAST_HOUR:
        return 0
    async with context.database.writing() as session:
        waiting = await _waiting(session, now)
        for dialogue, resident in waiting:
            assert resident.id is not None
            draft = str(dialogue.data["draft"])
            dialogue.reminded = draft
            session.add(dialogue)
            words = [_words(resident.language, draft)]
            await push(session, context.queue, resident.id, words, RULE, now, medium=medium)
    if waiting:
        log.info("reports.reminded", residents=len(waiting))
    return len(waiting)


async def _waiting(session: AsyncSession, now: datetime) -> list[tuple[Dialogue, Resident]]:
    """Return the drafts to remind of, the longest untouched first, locked against a second run.

    What may have been sent before a restore is not sent again.
    """
    restored = await held_until(session)
    since = max(filter(None, (now - UNTIL, restored and restored - AFTER)))
    found = await session.execute(
        select(Dialogue, Resident)
        .join(Resident, col(Resident.id) == col(Dialogue.resident_id))
        .where(
            col(Dialogue.updated_at).between(since, now - AFTER),
            col(Dialogue.name) == REPORT,
            col(Resident.state) == ResidentState.FOLLOWING,
        )
        .order_by(col(Dialogue.updated_at), col(Dialogue.resident_id))
        .with_for_update(of=Dialogue)
    )
    return [
        (dialogue, resident)
        for dialogue, resident in found
        if dialogue.data.get("draft") not in (None, dialogue.reminded)
        and not dialogue.data.get("told")
        and any(dialogue.data.get(name) for name in ANSWERS)
    ][:MOST]


def _words(language: str, draft: str) -> messages.Message:
    going_on = messages.press(WORDS.text(language, "Continue"), "report")
    cancel = messages.press(WORDS.text(language, "Cancel"), "r-cancel", d=draft)
    words = WORDS.text(
        language,
        "You began a report of damage and have not sent it. You can continue where you stopped. "
        "This is the only reminder.",
    )
    return messages.text(words, going_on, cancel)
