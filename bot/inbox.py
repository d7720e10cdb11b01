"""Works through the stored events: each acts once, then its answer goes to LINE once.

Acting and the answer's words are one transaction; sending follows. A reply token works once,
so a reply that LINE refuses as used, on a try after one that may have arrived, was delivered.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import func
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from bot.acting import Actor
from bot.dialogues.kinds import WORDS
from bot.incoming import Reader
from bot.messages import Message, text
from bot.models import EventState, WebhookEvent
from bot.richmenu import MENU_TASK
from bot.webhook import INBOX_TASK
from channels.errors import LineBusy, LineRefused, QuotaReached, TokenRefused
from channels.line import LineClient
from core.city_folder import CityFolder
from core.context import Context
from core.errors import Permanent, Retryable
from subscriptions import service

MAX_TRIES = 8
MAX_ANSWER_TRIES = 60
"""An answer that matters is tried for about two hours."""
MAX_DELAY_SECONDS = 120
REPLY_SECONDS = 50
"""A reply token is good for about a minute after the webhook; below this it surely is."""
OPEN = (EventState.WAITING, EventState.ANSWERING)
_NAMESPACE = uuid.UUID("9e6f1f0a-6f0e-4c53-9f8c-0d5f1b3c7a21")

HANDLED = Counter("todoke_inbox_events_total", "Events worked through", ["outcome"])
ANSWERS = Counter("todoke_inbox_answers_total", "Answers to residents", ["way"])

log = structlog.get_logger(__name__)


class Inbox:
    """Does what residents' events ask for.

    Parameters
    ----------
    context, line
        The service's parts and the client for LINE.
    folder
        What the conversation needs of the city's folder.
    """

    def __init__(self, context: Context, line: LineClient, folder: CityFolder) -> None:
        self.context = context
        self.line = line
        self.reader = Reader(context, line)
        self.actor = Actor(context.city, folder)

    def register(self) -> None:
        """Take on the task on the queue."""
        self.context.queue.register(INBOX_TASK, self.work)

    async def recover(self) -> int:
        """Ask for all work that is unfinished; return for how many residents."""
        async with self.context.database.writing() as session:
            users = await session.scalars(
                select(WebhookEvent.line_user_id)
                .where(col(WebhookEvent.state).in_(OPEN))
                .distinct()
                .order_by(col(WebhookEvent.line_user_id))
            )
            found = [user for user in users if user]
            for user in found:
                await self.context.queue.put(session, INBOX_TASK, user)
        return len(found)

    async def work(self, line_user_id: str) -> None:
        """Work through what one resident said, in LINE's order; what fails waits by itself."""
        try:
            while due := await self._due(line_user_id):
                for event_id in due:
                    await self._handle(event_id)
            await self._come_back(line_user_id)
        except OperationalError as error:
            raise Retryable(f"The database cannot be used: {error.orig}") from error

    async def _due(self, line_user_id: str) -> list[int]:
        async with self.context.database.reading() as session:
            ids = await session.scalars(
                select(WebhookEvent.id)
                .where(
                    col(WebhookEvent.line_user_id) == line_user_id,
                    col(WebhookEvent.state).in_(OPEN),
                    col(WebhookEvent.not_before).is_(None)
                    | (col(WebhookEvent.not_before) <= self.context.clock.now()),
                )
                .order_by(col(WebhookEvent.timestamp_ms), col(WebhookEvent.id))
                .limit(100)
            )
            return [row_id for row_id in ids if row_id is not None]

    async def _come_back(self, line_user_id: str) -> None:
        """Ask to be called again when what waits is due."""
        async with self.context.database.reading() as session:
            waiting = await session.scalar(
                select(func.min(WebhookEvent.not_before)).where(
                    col(WebhookEvent.line_user_id) == line_user_id,
                    col(WebhookEvent.state).in_(OPEN),
                )
            )
        if waiting is not None:
            async with self.context.database.writing() as session:
                await self.context.queue.put(session, INBOX_TASK, line_user_id, not_before=waiting)

    async def _handle(self, row_id: int) -> None:
        event = await self._read(row_id)
        bound = log.bind(event_id=event.event_id, kind=event.kind)
        first = event.state is EventState.WAITING
        try:
            if first:
                event = await self._act(event)
            if event.state is EventState.ANSWERING:
                await self._answer(event, first=first)
            HANDLED.labels("done").inc()
        except OperationalError:
            raise
        except (Retryable, TokenRefused) as error:
            bound.warning("event postponed", error=str(error))
            await self._postpone(row_id, error)
        except Permanent as error:
            bound.error("event failed", error=str(error))
            await self._give_up(row_id, error)
        except Exception as error:
            bound.exception("event failed unexpectedly")
            await self._postpone(row_id, error)

    async def _read(self, row_id: int) -> WebhookEvent:
        async with self.context.database.reading() as session:
            return (
                await session.scalars(select(WebhookEvent).where(col(WebhookEvent.id) == row_id))
            ).one()

    async def _act(self, event: WebhookEvent) -> WebhookEvent:
        """Do what the event asks for, unless that was done meanwhile; return it as it is then."""
        assert event.line_user_id is not None
        incoming = None if event.kind == "unfollow" else await self.reader.read(event)
        language = self.context.city.languages[0]
        if incoming is not None:
            async with self.context.database.reading() as session:
                known = await service.find(session, event.line_user_id)
            if known is None or not known.language_chosen:
                language = await self.reader.language_of(event.line_user_id)
        async with self.context.database.writing() as session:
            row = await session.get(WebhookEvent, event.id, with_for_update=True)
            assert row is not None
            if row.state is EventState.WAITING:
                changed = await self.actor.act(
                    session, row, incoming, language, self.context.clock.now()
                )
                row.attempts = 0
                row.not_before = None
                if changed:
                    await self.context.queue.put(session, MENU_TASK, event.line_user_id)
        return row

    async def _answer(self, event: WebhookEvent, *, first: bool) -> None:
        """Send the answer; ``first`` when nobody can have sent it before."""
        assert event.answer is not None
        token = json.loads(event.payload).get("replyToken")
        unsure = event.answer_unsure and not first
        if isinstance(token, str) and token:
            try:
                await self.line.reply(token, event.answer)
            except LineBusy:
                await self._change(event, answer_unsure=False)
                raise
            except LineRefused as error:
                if "reply token" not in error.answer.lower():
                    raise
                if unsure and (self._age(event) < REPLY_SECONDS or event.attempts == 0):
                    ANSWERS.labels("reply-before").inc()
                    await self._finish(event)
                    return
            else:
                ANSWERS.labels("reply").inc()
                await self._finish(event)
                return
        await self._push(event)

    def _age(self, event: WebhookEvent) -> float:
        return (self.context.clock.now() - event.received_at).total_seconds()

    async def _push(self, event: WebhookEvent) -> None:
        """Send an answer that matters without a token; the same key makes it one message."""
        if event.answer_matters and event.answer and event.line_user_id:
            key = str(uuid.uuid5(_NAMESPACE, event.event_id))
            try:
                await self.line.push(event.line_user_id, event.answer, retry_key=key)
                ANSWERS.labels("push").inc()
            except (LineRefused, QuotaReached) as error:
                ANSWERS.labels("lost").inc()
                log.error("answer not taken", event_id=event.event_id, error=str(error))
        else:
            ANSWERS.labels("expired").inc()
            log.warning("answer came too late", event_id=event.event_id)
        await self._finish(event)

    async def _finish(self, event: WebhookEvent) -> None:
        changes: dict[str, Any] = {
            "state": EventState.FAILED if event.gave_up else EventState.DONE,
            "answer": None,
            "not_before": None,
        }
        if event.forget:
            changes |= {"payload": "{}", "line_user_id": None}
        await self._change(event, **changes)

    async def _change(self, event: WebhookEvent, **changes: Any) -> None:
        async with self.context.database.writing() as session:
            row = await session.get(WebhookEvent, event.id, with_for_update=True)
            assert row is not None
            for name, value in changes.items():
                setattr(row, name, value)
            session.add(row)

    async def _postpone(self, row_id: int, error: Exception) -> None:
        """Try again later, doubling the wait, up to a number of times."""
        event = await self._read(row_id)
        keep_on = event.state is EventState.ANSWERING and event.answer_matters
        if event.attempts + 1 >= (MAX_ANSWER_TRIES if keep_on else MAX_TRIES):
            await self._give_up(row_id, error)
            return
        asked = getattr(error, "retry_after", None) or 0.0
        delay = max(asked, min(MAX_DELAY_SECONDS, 2.0**event.attempts))
        HANDLED.labels("postponed").inc()
        await self._change(
            event,
            attempts=event.attempts + 1,
            not_before=self.context.clock.now() + timedelta(seconds=delay),
            error=str(error)[:500],
        )

    async def _give_up(self, row_id: int, error: Exception) -> None:
        """Set the event aside as failed; somebody who waits for an answer gets an apology."""
        event = await self._read(row_id)
        HANDLED.labels("failed").inc()
        unsaid = event.state is EventState.WAITING or isinstance(error, LineRefused)
        if unsaid and not event.gave_up and event.kind in ("message", "postback"):
            await self._change(
                event,
                state=EventState.ANSWERING,
                answer=await self._apology(event),
                answer_matters=True,
                answer_unsure=False,
                gave_up=True,
                attempts=0,
                not_before=None,
                error=str(error)[:500],
            )
            return
        await self._change(event, state=EventState.FAILED, answer=None, error=str(error)[:500])

    async def _apology(self, event: WebhookEvent) -> list[Message]:
        language = self.context.city.languages[0]
        async with self.context.database.reading() as session:
            if event.line_user_id and (resident := await service.find(session, event.line_user_id)):
                language = resident.language
        words = WORDS.text(language, "Sorry, something went wrong here. Please try again.")
        return [text(words)]
