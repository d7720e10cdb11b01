"""Send the stored messages to staff, by LINE and by mail.

A message is marked as tried before it is. Whoever takes it up after a crash sends it with the same
key: LINE shows it once, and a mail has the same Message-ID.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from bot.staff_words import line_messages
from channels.line.client import LineClient
from channels.responses import About, Refused
from city.context import Context
from core import mail
from core.errors import BadInput, Permanent, Retryable, TodokeError
from core.reason import Reason
from core.steady import surely
from core.work import retry_delay
from response import staff_messages
from response.models import StaffMessage, StaffMessageState, StaffWay
from response.reasons import reason
from response.staff_messages import FAR, OPEN, SEND, Words, priority

LONGEST_WAIT_SECONDS = {StaffWay.LINE: 10.0, StaffWay.MAIL: 60.0}
"""How long an urgent message waits between two attempts, at most; servers that greylist want
some minutes.
"""
LINE_AT_ONCE, MAIL_AT_ONCE = 16, 6
CLOSE = timedelta(seconds=1)

OUTCOMES = Counter(
    "todoke_staff_messages_total", "Messages to staff, by what became of them", ["way", "outcome"]
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Failed:
    """Why an attempt failed, and in how many seconds the next one is; None for never."""

    why: Reason
    again_s: float | None


class StaffSender:
    """Sends each message to staff until it was taken, refused for good, or is too old."""

    def __init__(self, context: Context, line: LineClient, *, seed: int | None = None) -> None:
        self._database = context.database
        self._clock = context.clock
        self._queue = context.queue
        self._smtp = context.settings.smtp
        self._line = line
        self._chance = random.Random(seed)  # noqa: S311

    def register(self) -> None:
        """Have the queue do this work here."""
        self._queue.register(SEND[StaffWay.LINE], self.send, concurrency=LINE_AT_ONCE)
        self._queue.register(SEND[StaffWay.MAIL], self.send, concurrency=MAIL_AT_ONCE)

    async def look(self) -> None:
        """Take up what is due, also what a process that died or only wrote has left."""
        now = self._clock.now()
        async with self._database.reading() as session:
            if not await staff_messages.has_due(session, now):
                return
        async with self._database.writing() as session:
            await staff_messages.put_due(session, self._queue, now)

    async def send(self, key: str) -> None:
        """Try a message once; the key is its id."""
        message = await self._begin(int(key))
        if message is None:
            return
        try:
            await self._attempt(message)
        except TodokeError as error:
            await self._after(message, self._judged(message, error))
        else:
            await self._after(message, None)

    async def _begin(self, number: int) -> StaffMessage | None:
        """Mark a message as tried; return None if it must not be tried now."""
        now, past = self._clock.now(), surely(self._clock)
        async with self._database.writing() as session:
            message = await session.get(StaffMessage, number, with_for_update=True)
            if message is None or message.state not in OPEN:
                return None
            if now + CLOSE < message.not_before < now + FAR:
                await self._put(session, message)
                return None
            if message.expires_at <= past:
                self._end(message, StaffMessageState.FAILED, reason("staff-message.expired"))
                session.add(message)
                return None
            message.state = StaffMessageState.TRYING
            message.attempts += 1
            message.first_tried_at = message.first_tried_at or now
            session.add(message)
        return message

    async def _attempt(self, message: StaffMessage) -> None:
        words = Words.read(message.content)
        if message.way is StaffWay.LINE:
            await self._line.push(
                message.address,
                line_messages(words),
                retry_key=message.retry_key,
                priority=priority(message.urgent),
            )
            return
        if self._smtp is None:
            raise Permanent(reason("staff-message.no-mail"))
        await mail.send(
            self._smtp,
            mail.message(
                self._smtp,
                to=message.address,
                subject=words.title,
                text=words.as_text(),
                key=message.retry_key,
                now=message.created_at,
            ),
        )

    def _judged(self, message: StaffMessage, error: TodokeError) -> _Failed:
        """Say whether a failed message is tried again, and when.

        What is wrong with our account or the month's quota can be put right, so the message waits.
        A refusal of the message or the address stays, by LINE or by ourselves.
        """
        again = not isinstance(error, (BadInput, Refused, mail.MailRefused)) or (
            isinstance(error, Refused) and error.about is About.OTHER
        )
        if error.reason.code == "staff-message.no-mail" or not again:
            return _Failed(error.reason, None)
        after = error.retry_after if isinstance(error, Retryable) else None
        delay = retry_delay(message.attempts, after, self._chance)
        longest = LONGEST_WAIT_SECONDS[StaffWay(message.way)]
        return _Failed(error.reason, min(delay, longest) if message.urgent else delay)

    async def _after(self, message: StaffMessage, failed: _Failed | None) -> None:
        """Store what became of an attempt. That it was taken is a fact, whatever was decided."""
        assert message.id is not None
        bound = log.bind(staff_message_id=message.id, way=StaffWay(message.way).value)
        async with self._database.writing() as session:
            row = await session.get(
                StaffMessage, message.id, with_for_update=True, populate_existing=True
            )
            if row is None or (failed is not None and row.state not in OPEN):
                return
            if failed is None:
                self._end(row, StaffMessageState.SENT, None)
                bound.info("staff_message.sent", attempt=row.attempts)
            elif failed.again_s is None:
                self._end(row, StaffMessageState.FAILED, failed.why)
                bound.warning("staff_message.failed", reason=str(failed.why))
            else:
                row.error = failed.why
                row.not_before = self._clock.now() + timedelta(seconds=failed.again_s)
                await self._put(session, row)
                bound.warning(
                    "staff_message.postponed",
                    reason=str(failed.why),
                    attempt=row.attempts,
                    retry_in_s=round(failed.again_s, 1),
                )
            session.add(row)

    def _end(self, row: StaffMessage, state: StaffMessageState, why: Reason | None) -> None:
        row.state, row.error, row.ended_at = state, why, self._clock.now()
        row.address = ""
        OUTCOMES.labels(StaffWay(row.way).value, state.value).inc()

    async def _put(self, session: AsyncSession, row: StaffMessage) -> None:
        await self._queue.put(
            session,
            SEND[StaffWay(row.way)],
            str(row.id),
            priority=priority(row.urgent),
            not_before=row.not_before,
        )
