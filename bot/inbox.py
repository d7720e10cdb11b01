"""Process the stored events: each acts once, then its answer is sent to LINE once.

Residents are divided into buckets, and a bucket is one piece of work. One transaction takes the
oldest due event of many residents, so that LINE's order is kept. It contains the effects and the
answers' words. Then the answers are sent together, and their outcomes are written in the next
transaction. A fault in one event rolls the transaction back, and each event is then tried alone.

A reply token works once. So if LINE refuses a second try because the token is used, the first one
arrived. After a minute without an answer from LINE the token has expired, and the outcome is
unknown; an important answer is then pushed. It may arrive twice rather than never.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.catalogue import WORDS
from bot.dialogues.kinds import Incoming
from bot.event_handler import WORDLESS, EventHandler, Loaded
from bot.event_outcomes import finished, note
from bot.incoming import EventReader, points_elsewhere
from bot.messages import Message, text
from bot.models import BUCKETS, IS_OPEN, EventState, WebhookEvent, bucket_of
from bot.relay import RelayDesk
from bot.report_verdict import VerdictChat
from bot.staff_chat import StaffChat
from bot.surveys import SurveyChat
from bot.webhook import INBOX_TASK
from channels.line.client import LineClient
from channels.line.errors import LineBusy, LineRefused, QuotaReached, TokenRefused
from city.context import Context
from city.folder import CityFolder
from core.errors import Permanent, Retryable
from feeds.told import ToldNow
from public.asked import note_asked
from public.links import Links
from public.pictures import pictures
from response.joining import Codes
from response.situation import SituationNow
from subscriptions import residents
from subscriptions.models import Resident, ResidentState
from subscriptions.residents import MENU_TASK

MAX_TRIES = 12
"""An event is tried for about ten minutes. LINE may give a photo out again only after some."""
MAX_ANSWER_TRIES = 60
"""An answer that matters is tried for about two hours."""
MAX_DELAY_SECONDS = 120
LONGEST_WAIT = timedelta(hours=1)
"""The longest time by which an answer postpones an event; a later date was written by a wrong
clock.
"""
REPLY_SECONDS = 50
"""A reply token is valid for about a minute after the webhook; below this it certainly is."""
MOST_AT_ONCE = 32
"""Events processed in one transaction; on SQLite nobody else can write meanwhile."""
MOST_UNDER_WAY = 128
"""Residents of one bucket for whom requests to LINE run at the same time."""
LOADING_AFTER_SECONDS = 1.0
"""An answer that takes longer is announced by LINE's loading animation."""
MOST_FETCHED = 8
"""Photos and profiles that a process fetches at once."""
TOGETHER_SECONDS = 0.04
"""After the first answer that went out others are waited for so long, to be noted with it."""
LOOK_SECONDS = 0.2
"""While LINE is slow, new events of other residents are looked for so often."""
LONGEST_RUN_SECONDS = 1.0
"""How often a bucket that never gets empty gives way to another, if buckets share places."""
LATER = "later-"
_NAMESPACE = uuid.UUID("9e6f1f0a-6f0e-4c53-9f8c-0d5f1b3c7a21")

HANDLED = Counter("todoke_inbox_events_total", "Events worked through", ["outcome"])
ANSWERS = Counter("todoke_inbox_answers_total", "Answers to residents", ["way"])

log = structlog.get_logger(__name__)


class Inbox:
    """Processes residents' events.

    Parameters
    ----------
    context, line
        The service's parts and the client for LINE.
    folder
        The parts of the city's folder for the conversation.
    """

    def __init__(self, context: Context, line: LineClient, folder: CityFolder) -> None:
        self.context = context
        self.line = line
        self.reader = EventReader(context, line)
        told = ToldNow(context.database, context.city.jma.municipality)
        situation = SituationNow(context.database)
        shown = pictures(context.settings)
        links = Links(context.settings.secret_key, context.settings.public_url)
        staff = StaffChat(context.city, Codes(context.settings.secret_key))
        self.actor = EventHandler(
            context.city,
            folder,
            told,
            situation,
            shown,
            links,
            staff,
            VerdictChat(context),
            RelayDesk(context),
            context.settings.secret_key,
            SurveyChat(context.settings.all_secret_keys),
        )
        self.fetching = asyncio.Semaphore(MOST_FETCHED)

    def take_folder(self, folder: CityFolder) -> None:
        """Answer from another version of the city's folder from now on."""
        self.actor.folder, self.actor.city = folder, self.context.city

    def register(self) -> None:
        """Register the task on the queue; of several processes none takes all buckets at once."""
        places = 1 if self.context.database.is_sqlite else BUCKETS // 2
        self.context.queue.register(INBOX_TASK, self.work, concurrency=places)

    async def recover(self) -> int:
        """Queue all unfinished work; return in how many buckets there is some."""
        async with self.context.database.reading() as session:
            found = await session.scalars(select(WebhookEvent.bucket).where(IS_OPEN).distinct())
            keys = [str(bucket) for bucket in found]
        if keys:
            async with self.context.database.writing() as session:
                await self.context.queue.put_many(session, INBOX_TASK, keys)
        return len(keys)

    async def work(self, key: str) -> None:
        """Process one bucket until nothing in it is due; a failed event waits alone.

        ``key`` is the bucket's number. With :data:`LATER` in front it requests the bucket, so that
        postponed work is a separate piece and delays nothing else. A LINE user id, from a version
        without buckets, means its bucket.
        """
        if key.startswith(LATER):
            await self.ask_for(key.removeprefix(LATER))
            return
        if not key.isdecimal():
            bucket = bucket_of(key, is_sqlite=self.context.database.is_sqlite)
            await self.ask_for(str(bucket))
            return
        try:
            await _Bucket(self, int(key)).work()
        except OperationalError as error:
            raise Retryable(f"The database cannot be used: {error.orig}") from error

    async def ask_for(self, key: str, *, not_before: datetime | None = None) -> None:
        """Put a piece of work on the queue."""
        async with self.context.database.writing() as session:
            await self.context.queue.put(session, INBOX_TASK, key, not_before=not_before)

    async def read(self, event: WebhookEvent) -> _Read:
        """Return the content of an event that refers to nothing at LINE."""
        incoming = None if event.kind in WORDLESS else await self.reader.read(event)
        return _Read(incoming, self.context.city.languages[0])

    # Requests to LINE

    async def fetch(self, event: WebhookEvent, resident: Resident | None) -> _Read:
        """Return the content of an event, with the data that it refers to."""
        async with self.fetching, self._patience(event):
            incoming = await self.reader.read(event)
            language = self.context.city.languages[0]
            assert event.line_user_id is not None
            if _is_to_be_greeted(resident):
                language = await self.reader.language_of(event.line_user_id)
        return _Read(incoming, language)

    @asynccontextmanager
    async def _patience(self, event: WebhookEvent) -> AsyncIterator[None]:
        """Show in the chat that an answer is being made, if it takes more than a second."""
        showing = asyncio.create_task(self._show_loading(event))
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _show_loading(self, event: WebhookEvent) -> None:
        await self.context.clock.sleep(LOADING_AFTER_SECONDS)
        assert event.line_user_id is not None
        try:
            await self.line.show_loading(event.line_user_id)
        except (Retryable, Permanent) as error:
            log.info("loading.failed", event_id=event.event_id, reason=str(error))

    async def answer(self, event: WebhookEvent, *, unsure: bool) -> None:
        """Send the answer; ``unsure`` if an earlier try may have reached LINE."""
        assert event.answer is not None
        token = json.loads(event.payload).get("replyToken")
        if isinstance(token, str) and token:
            try:
                await self.line.reply(token, event.answer)
            except LineRefused as error:
                if "reply token" not in error.answer.lower():
                    raise
                if unsure and (self._age(event) < REPLY_SECONDS or event.attempts == 0):
                    ANSWERS.labels("reply-before").inc()
                    return
            else:
                ANSWERS.labels("reply").inc()
                return
        await self._push(event)

    def _age(self, event: WebhookEvent) -> float:
        return (self.context.clock.now() - event.received_at).total_seconds()

    async def _push(self, event: WebhookEvent) -> None:
        """Send an important answer without a token; the retry key makes it one message."""
        if event.answer_matters and event.answer and event.line_user_id:
            key = str(uuid.uuid5(_NAMESPACE, event.event_id))
            try:
                await self.line.push(event.line_user_id, event.answer, retry_key=key)
                ANSWERS.labels("push").inc()
            except (LineRefused, QuotaReached) as error:
                ANSWERS.labels("lost").inc()
                log.error("answer.refused", event_id=event.event_id, reason=str(error))
        else:
            ANSWERS.labels("expired").inc()
            log.warning("answer.expired", event_id=event.event_id)

    # Events that failed

    async def postponed(self, event: WebhookEvent, error: Exception) -> dict[str, Any]:
        """Return how an event is tried again later: the wait doubles, up to a number of times."""
        keep_on = event.state is EventState.ANSWERING and event.answer_matters
        if event.attempts + 1 >= (MAX_ANSWER_TRIES if keep_on else MAX_TRIES):
            return await self.given_up(event, error)
        asked = getattr(error, "retry_after", None) or 0.0
        asked = min(asked, LONGEST_WAIT.total_seconds())
        delay = max(asked, min(MAX_DELAY_SECONDS, 2.0**event.attempts))
        HANDLED.labels("postponed").inc()
        return {
            "attempts": event.attempts + 1,
            "not_before": self.context.clock.now() + timedelta(seconds=delay),
            "error": str(error)[:500],
        }

    async def given_up(self, event: WebhookEvent, error: Exception) -> dict[str, Any]:
        """Return the changes that set an event aside; a resident who waits for an answer gets an
        apology.
        """
        HANDLED.labels("failed").inc()
        unsaid = event.state is EventState.WAITING or isinstance(error, LineRefused)
        if unsaid and not event.gave_up and event.kind in ("message", "postback"):
            return {
                "state": EventState.ANSWERING,
                "answer": await self._apology(event),
                "answer_matters": True,
                "answer_unsure": False,
                "gave_up": True,
                "attempts": 0,
                "not_before": None,
                "error": str(error)[:500],
            }
        return {"state": EventState.FAILED, "answer": None, "error": str(error)[:500]}

    async def _apology(self, event: WebhookEvent) -> list[Message]:
        language = self.context.city.languages[0]
        async with self.context.database.reading() as session:
            if event.line_user_id and (
                resident := await residents.find(session, event.line_user_id)
            ):
                language = resident.language
        words = WORDS.text(language, "Sorry, something went wrong here. Please try again.")
        # The log has the same id.
        return [text(f"{words}\nID: {event.event_id}")]


@dataclass(frozen=True)
class _Read:
    """The content of an event, and the language for somebody who is not known yet."""

    incoming: Incoming | None
    language: str


@dataclass
class _Taken:
    """The events of one transaction, and the work that follows it."""

    acted: list[WebhookEvent] = field(default_factory=list)
    answers: list[tuple[WebhookEvent, bool]] = field(default_factory=list)
    """Answers to send, and whether an earlier try may have reached LINE."""
    fetches: list[tuple[WebhookEvent, Resident | None]] = field(default_factory=list)
    unreadable: list[tuple[WebhookEvent, Exception]] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)
    """Events that failed before, by id: they must not undo others."""

    @property
    def count(self) -> int:
        kinds = (self.acted, self.answers, self.fetches, self.unreadable, self.alone)
        return sum(len(kind) for kind in kinds)


class _Bucket:
    """One pass through a bucket.

    While something is running for a resident (a fetch or an answer), only their own other events
    wait.
    """

    def __init__(self, inbox: Inbox, number: int) -> None:
        self.inbox = inbox
        self.number = number
        self.database = inbox.context.database
        self.clock = inbox.context.clock
        self.under_way: dict[asyncio.Task[None], str] = {}
        self.read: dict[int, _Read] = {}
        """Fetched data of events that are not processed yet, by id."""
        self.ended: dict[int, dict[str, Any]] = {}
        """Changes of rows by id, for the next transaction."""

    async def work(self) -> None:
        """Go on until nothing is due and nothing under way, or it is another bucket's turn."""
        until = self.clock.monotonic() + LONGEST_RUN_SECONDS
        try:
            look = True
            while True:
                is_over = not self.database.is_sqlite and self.clock.monotonic() > until
                # What was fetched is acted on first: the next pass would have to fetch it again.
                gives_way = is_over and not self.read
                most = 0 if gives_way else min(MOST_AT_ONCE, MOST_UNDER_WAY - len(self.under_way))
                took = 0
                if self.ended or (look and most):
                    took = await self._turn(most)
                if took == most and most:
                    continue
                if self.under_way:
                    look = await self._wait() or await self._is_any_due()
                elif gives_way and not self.ended:
                    await self.inbox.ask_for(str(self.number))
                    return
                elif not took and not self.ended:
                    break
        finally:
            for task in self.under_way:
                task.cancel()
            await asyncio.gather(*self.under_way, return_exceptions=True)
        await self._come_back()

    async def _turn(self, most: int) -> int:
        """Write outcomes and process due events, for ``most`` residents; return for how many."""
        noted, taken = dict(self.ended), _Taken()
        try:
            async with self.database.writing() as session:
                await note(session, noted)
                rows = await self._due(session, most) if most else []
                await self._take(session, rows, taken)
        except OperationalError:
            raise
        except Exception:
            if not taken.acted:
                raise
            # The faulty event is found when each is tried alone.
            log.exception("events.separated", events=len(taken.acted))
            for event in taken.acted:
                await self._act_alone(event.id)
            return taken.count
        for number in noted:
            del self.ended[number]
        await self._follow(taken)
        for number in taken.alone:
            await self._act_alone(number)
        return taken.count

    async def _act_alone(self, number: int | None) -> None:
        assert number is not None
        taken = _Taken()
        try:
            async with self.database.writing() as session:
                row = await session.get(WebhookEvent, number, with_for_update=True)
                if row is not None and row.state is EventState.WAITING and row.line_user_id:
                    await self._take(session, [row], taken, alone=True)
        except OperationalError:
            raise
        except Exception as error:
            async with self.database.reading() as session:
                event = await session.get(WebhookEvent, number)
            if event is not None:
                await self._fail(event, error)
            return
        await self._follow(taken)

    async def _due(self, session: AsyncSession, most: int) -> list[WebhookEvent]:
        """Return the oldest due event of each resident for whom nothing is running."""
        found = await session.scalars(
            select(WebhookEvent)
            .where(
                IS_OPEN,
                *self._is_due(),
                col(WebhookEvent.line_user_id).not_in(set(self.under_way.values())),
            )
            .order_by(col(WebhookEvent.timestamp_ms), col(WebhookEvent.id))
            .limit(2 * most)
            .with_for_update()
        )
        oldest: dict[str, WebhookEvent] = {}
        for event in found:
            if event.line_user_id is not None:
                oldest.setdefault(event.line_user_id, event)
        return list(oldest.values())[:most]

    def _is_due(self) -> tuple[ColumnElement[bool], ...]:
        now, moment = self.clock.now(), col(WebhookEvent.not_before)
        due = moment.is_(None) | (moment <= now) | (moment > now + LONGEST_WAIT)
        return (col(WebhookEvent.bucket) == self.number, due)

    async def _is_any_due(self) -> bool:
        busy = set(self.under_way.values())
        query = select(WebhookEvent.id).where(
            IS_OPEN, *self._is_due(), col(WebhookEvent.line_user_id).not_in(busy)
        )
        async with self.database.reading() as session:
            return await session.scalar(query.limit(1)) is not None

    async def _take(
        self,
        session: AsyncSession,
        rows: Sequence[WebhookEvent],
        taken: _Taken,
        *,
        alone: bool = False,
    ) -> None:
        """Process the rows that are ready, and put the work that follows into ``taken``."""
        waiting = [row for row in rows if row.state is EventState.WAITING]
        loaded = await self.inbox.actor.load(session, waiting) if waiting else Loaded()
        for row in rows:
            assert row.id is not None and row.line_user_id is not None
            if row.state is EventState.ANSWERING:
                taken.answers.append((row, row.answer_unsure))
                # Stored before trying, because after a crash nobody knows how far it came.
                row.answer_unsure = True
                continue
            if row.attempts and not alone:
                taken.alone.append(row.id)
                continue
            read = self.read.get(row.id)
            if read is None:
                resident = loaded.residents.get(row.line_user_id)
                try:
                    if _must_be_fetched(row, resident):
                        taken.fetches.append((row, resident))
                        continue
                    read = await self.inbox.read(row)
                except Exception as error:
                    taken.unreadable.append((row, error))
                    continue
            taken.acted.append(row)
            changed = await self.inbox.actor.act(
                session, row, read.incoming, read.language, self.clock.now(), loaded
            )
            row.attempts = 0
            row.not_before = None
            if changed:
                await self.inbox.context.queue.put(session, MENU_TASK, row.line_user_id)
            # The transaction may be long; check for new events afterwards.
            await asyncio.sleep(0)
        await note_asked(session, loaded.asked, self.clock.now(), bucket=self.number)

    async def _follow(self, taken: _Taken) -> None:
        """Start the work that follows a transaction."""
        for event in taken.acted:
            assert event.id is not None
            self.read.pop(event.id, None)
            if event.state is EventState.ANSWERING:
                taken.answers.append((event, False))
            else:
                HANDLED.labels("done").inc()
        for event, unsure in taken.answers:
            self._begin(event, self._answer(event, unsure))
        for event, resident in taken.fetches:
            self._begin(event, self._fetch(event, resident))
        for event, error in taken.unreadable:
            await self._fail(event, error)

    def _begin(self, event: WebhookEvent, doing: Coroutine[Any, Any, None]) -> None:
        assert event.line_user_id is not None
        self.under_way[asyncio.create_task(doing)] = event.line_user_id

    async def _wait(self) -> bool:
        """Wait until running work has ended, and a little longer; return whether it has."""
        ended, _ = await asyncio.wait(
            self.under_way, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if ended and len(ended) < len(self.under_way):
            ended, _ = await asyncio.wait(self.under_way, timeout=TOGETHER_SECONDS)
        for task in ended:
            del self.under_way[task]
        for task in ended:
            task.result()
        return bool(ended)

    async def _answer(self, event: WebhookEvent, unsure: bool) -> None:
        try:
            await self.inbox.answer(event, unsure=unsure)
        except OperationalError:
            raise
        except Exception as error:
            # Busy, or with a wrong token, LINE did nothing with it.
            untouched = isinstance(error, LineBusy | TokenRefused)
            await self._fail(event, error, answer_unsure=unsure if untouched else True)
        else:
            HANDLED.labels("done").inc()
            assert event.id is not None
            self.ended[event.id] = finished(event)

    async def _fetch(self, event: WebhookEvent, resident: Resident | None) -> None:
        assert event.id is not None
        try:
            self.read[event.id] = await self.inbox.fetch(event, resident)
        except OperationalError:
            raise
        except Exception as error:
            await self._fail(event, error)

    async def _fail(self, event: WebhookEvent, error: Exception, **changes: Any) -> None:
        """Decide on an event that failed; the result is written with the next transaction."""
        assert event.id is not None
        bound = log.bind(event_id=event.event_id, kind=event.kind)
        if isinstance(error, Retryable | TokenRefused):
            bound.warning("event.postponed", reason=str(error))
            decided = await self.inbox.postponed(event, error)
        elif isinstance(error, Permanent):
            bound.error("event.failed", reason=str(error))
            decided = await self.inbox.given_up(event, error)
        else:
            bound.error("event.crashed", exc_info=error)
            decided = await self.inbox.postponed(event, error)
        self.ended[event.id] = {**changes, **decided}

    async def _come_back(self) -> None:
        """Ask to be called again when the next waiting event is due."""
        async with self.database.reading() as session:
            waiting = await session.scalar(
                select(func.min(WebhookEvent.not_before)).where(
                    IS_OPEN, col(WebhookEvent.bucket) == self.number
                )
            )
        if waiting is not None:
            await self.inbox.ask_for(f"{LATER}{self.number}", not_before=waiting)


def _must_be_fetched(event: WebhookEvent, resident: Resident | None) -> bool:
    """Whether LINE has to be asked before an event can be acted on."""
    if event.kind in WORDLESS:
        return False
    return _is_to_be_greeted(resident) or points_elsewhere(event.payload)


def _is_to_be_greeted(resident: Resident | None) -> bool:
    """Whether this event creates a resident whose language must be found."""
    if resident is None:
        return True
    return resident.state is ResidentState.LEFT and not resident.language_chosen
