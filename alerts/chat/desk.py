"""What happens in a thread: it is opened, taken, answered, handed over, closed.

Each act is a change of the thread's row under its lock, so of two who press at once one is first.
The trail has every act of staff, without the words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Protocol

from sqlalchemy import delete
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.chat.models import IS_OPEN, LONGEST_TEXT, ChatMessage, ChatThread, Ended, Side
from alerts.chat.models import ThreadState as State
from alerts.chat.words import ENDED, IDLE, text
from channels.dispatch import push
from channels.medium import Format
from channels.models import Batch, BatchState, Delivery, DeliveryState
from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database, insert_new
from core.errors import Refusal
from core.languages import mark
from core.text import clean
from core.work import Queue
from subscriptions.models import Resident, ResidentState

MOST_MESSAGES = 500
UNANSWERED = "line:"
"""Begins the key of what a resident wrote and the conversation did not answer; then its event."""
LATELY = timedelta(days=2)
MOST_CLOSED = 50
OVER = mark("This chat has ended.")
TAKEN = mark("{name} has taken this chat.")
NOT_YOURS = mark("Take this chat before you write.")
LEFT = mark("This resident no longer follows the account. The message cannot be sent.")
NO_WORDS = mark("Write an answer.")


@dataclass(frozen=True)
class Answer:
    """What a colleague writes.

    Parameters
    ----------
    text
        In the resident's language, as it is sent.
    japanese
        The same in Japanese, if that is another text.
    origin
        ``machine`` if a machine wrote ``text``, ``changed`` if somebody changed it since.
    key
        Of the form, so that it leaves once.
    """

    text: str
    japanese: str = ""
    origin: str = ""
    key: str = ""


class Replies(Protocol):
    """Answers what a resident just wrote without a message of the quota (``bot.chat_replies``)."""

    async def reply(
        self,
        session: AsyncSession,
        event_id: str,
        messages: Sequence[Mapping[str, Any]],
        now: datetime,
    ) -> bool: ...

    async def became(self, session: AsyncSession, event_ids: Sequence[str]) -> dict[str, str]: ...


@dataclass(frozen=True)
class Means:
    """How a message leaves: as a reply where that is still possible, else as a delivery."""

    queue: Queue
    medium: Format
    replies: Replies | None = None


async def open_threads(session: AsyncSession, residents: Sequence[int]) -> dict[int, ChatThread]:
    """Return the open threads of residents, locked until the transaction ends.

    So a colleague does not close a thread while a resident's words are put into it.
    """
    query = (
        select(ChatThread)
        .where(IS_OPEN, col(ChatThread.resident_id).in_(residents))
        .order_by(col(ChatThread.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {one.resident_id: one for one in await session.scalars(query)}


async def begin(
    session: AsyncSession, resident_id: int, language: str, now: datetime
) -> ChatThread:
    """Return the resident's open thread, a new one if there is none."""
    row = {
        "resident_id": resident_id,
        "language": language,
        "state": State.WAITING,
        "taken_by": "",
        "urgent": False,
        "opened_at": now,
        "last_at": now,
        "waiting_since": None,
        "closed_by": "",
        "version": 0,
    }
    found = (await open_threads(session, [resident_id])).get(resident_id)
    if found is None:
        new = insert_new(session, ChatThread, ["resident_id"], where=IS_OPEN)
        await session.execute(new.values(**row))
        found = (await open_threads(session, [resident_id]))[resident_id]
    return found


async def resident_says(
    session: AsyncSession,
    thread: ChatThread,
    words: str,
    now: datetime,
    *,
    key: str,
    message_id: str = "",
    sha256: str = "",
    urgent: bool = False,
) -> None:
    """Keep what a resident wrote or sent. They wait from now on, if they did not yet."""
    session.add(
        ChatMessage(
            thread_id=thread.id or 0,
            side=Side.RESIDENT,
            text=words[:LONGEST_TEXT],
            sha256=sha256,
            key=key,
            message_id=message_id,
            at=now,
        )
    )
    thread.waiting_since = thread.waiting_since or now
    thread.last_at = now
    thread.urgent = thread.urgent or urgent
    thread.version += 1
    session.add(thread)


async def resident_ends(session: AsyncSession, thread: ChatThread, now: datetime) -> None:
    _close(thread, Ended.RESIDENT, now)
    session.add(thread)


async def take(session: AsyncSession, thread_id: int, *, actor: str, now: datetime) -> ChatThread:
    """Give a thread to a colleague.

    Raises
    ------
    Refusal
        Another one has it, or it is over.
    """
    thread = await _locked(session, thread_id)
    if thread.taken_by == actor:
        return thread
    if thread.taken_by:
        raise Refusal(TAKEN, name=thread.taken_by)
    _give(thread, actor)
    await _note(session, thread, "chat.taken", actor, now)
    return thread


async def hand_over(
    session: AsyncSession, thread_id: int, to: str, *, actor: str, now: datetime
) -> None:
    """Give a thread to another colleague, or ("") back to those who wait."""
    thread = await _locked(session, thread_id)
    if thread.taken_by not in (actor, ""):
        raise Refusal(TAKEN, name=thread.taken_by)
    _give(thread, to)
    await _note(session, thread, "chat.handed_over", actor, now, to=to)


async def say(
    session: AsyncSession,
    means: Means,
    thread_id: int,
    answer: Answer,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Send an answer to the resident, once however often the form comes.

    Raises
    ------
    Refusal
        There are no words, somebody else has the thread, it is over, or the resident has left.
    """
    thread = await _locked(session, thread_id)
    words = clean(answer.text)[:LONGEST_TEXT]
    if not words:
        raise Refusal(NO_WORDS)
    key = f"staff:{answer.key}"
    query = select(ChatMessage.id).where(
        col(ChatMessage.thread_id) == thread_id, col(ChatMessage.key) == key
    )
    if await session.scalar(query) is not None:
        return
    if thread.taken_by != actor:
        raise Refusal(TAKEN, name=thread.taken_by) if thread.taken_by else Refusal(NOT_YOURS)
    event = await _replied(session, means, thread, words, now)
    delivery = None if event else await _push(session, means, thread, words, actor, now)
    if delivery is None and not event:
        raise Refusal(LEFT)
    session.add(
        ChatMessage(
            thread_id=thread_id,
            side=Side.STAFF,
            by=actor,
            text=words,
            japanese=clean(answer.japanese)[:LONGEST_TEXT],
            origin=answer.origin,
            key=key,
            message_id=event,
            delivery_id=delivery,
            at=now,
        )
    )
    thread.answered_at = thread.answered_at or now
    thread.waiting_since, thread.alarmed_at, thread.last_at = None, None, now
    thread.version += 1
    session.add(thread)
    await _note(session, thread, "chat.answered", actor, now, origin=answer.origin)


async def close(
    session: AsyncSession, means: Means, thread_id: int, *, actor: str, now: datetime
) -> None:
    """Close a thread and tell the resident that a machine answers again."""
    thread = await _locked(session, thread_id)
    if thread.taken_by not in (actor, ""):
        raise Refusal(TAKEN, name=thread.taken_by)
    _close(thread, actor, now)
    await _rule_says(session, means, thread, ENDED, now)
    await _note(session, thread, "chat.closed", actor, now)


async def close_idle(database: Database, means: Means, minutes: int, now: datetime) -> int:
    """Close the threads whose resident has not answered for so long; return how many."""
    before = now - timedelta(minutes=minutes)
    idle = (IS_OPEN, col(ChatThread.waiting_since).is_(None), col(ChatThread.last_at) < before)
    async with database.reading() as session:
        if await session.scalar(select(ChatThread.id).where(*idle).limit(1)) is None:
            return 0
    async with database.writing() as session:
        found = list(
            await session.scalars(select(ChatThread).where(*idle).limit(100).with_for_update())
        )
        for thread in found:
            _close(thread, Ended.IDLE, now)
            session.add(thread)
            await _rule_says(session, means, thread, IDLE, now)
    return len(found)


async def take_words_back(session: AsyncSession, resident_id: int, message_id: str) -> None:
    """Erase a message that a resident took back."""
    theirs = select(col(ChatThread.id)).where(col(ChatThread.resident_id) == resident_id)
    await session.execute(
        delete(ChatMessage)
        .where(col(ChatMessage.thread_id).in_(theirs), col(ChatMessage.message_id) == message_id)
        .execution_options(synchronize_session=False)
    )


async def listed(session: AsyncSession) -> list[ChatThread]:
    """Return the open threads: urgent ones first, then who waits longest."""
    found = await session.scalars(select(ChatThread).where(IS_OPEN))
    return sorted(
        found,
        key=lambda one: (
            not one.urgent or one.waiting_since is None,
            one.waiting_since is None,
            one.waiting_since or one.last_at,
        ),
    )


async def lately_closed(session: AsyncSession) -> list[ChatThread]:
    """Return the newest threads that are over."""
    query = (
        select(ChatThread)
        .where(col(ChatThread.closed_at).is_not(None))
        .order_by(col(ChatThread.closed_at).desc())
        .limit(MOST_CLOSED)
    )
    return list(await session.scalars(query))


async def messages_of(session: AsyncSession, thread_id: int) -> list[ChatMessage]:
    """Return the messages of a thread in their order."""
    query = (
        select(ChatMessage)
        .where(col(ChatMessage.thread_id) == thread_id)
        .order_by(col(ChatMessage.id).desc())
        .limit(MOST_MESSAGES)
    )
    return list(await session.scalars(query))[::-1]


async def became(
    session: AsyncSession, said: Sequence[ChatMessage], replies: Replies | None
) -> dict[int, str]:
    """Return by message what became of it: ``sent``, ``failed``, ``paused`` or ``sending``."""
    numbers = [one.delivery_id for one in said if one.delivery_id is not None]
    by_reply = {one.id or 0: one.message_id for one in said if one.side is Side.STAFF}
    by_reply = {number: event for number, event in by_reply.items() if event}
    events = await replies.became(session, list(by_reply.values())) if replies and by_reply else {}
    found = await session.execute(
        select_rows(col(Delivery.id), col(Delivery.state), col(Batch.state), col(Batch.absent))
        .join(Batch, col(Batch.delivery_id) == col(Delivery.id))
        .where(col(Delivery.id).in_(numbers))
    )
    of = {number: _became(state, batch, absent) for number, state, batch, absent in found}
    return {
        # The event of an older reply is gone already.
        **{number: events.get(event, "sent") for number, event in by_reply.items()},
        **{one.id or 0: of[one.delivery_id] for one in said if one.delivery_id in of},
    }


def _became(delivery: DeliveryState, batch: BatchState, absent: bytes | None) -> str:
    if batch is BatchState.SENT:
        return "failed" if absent else "sent"
    if batch in (BatchState.FAILED, BatchState.SKIPPED):
        return "failed"
    return "paused" if delivery is DeliveryState.PAUSED else "sending"


async def minutes_lately(session: AsyncSession, now: datetime) -> int | None:
    """Return how many minutes the first answer took lately (the median); None if nobody knows."""
    closed = [one for one in await lately_closed(session) if one.opened_at > now - LATELY]
    waits = [
        (one.answered_at - one.opened_at).total_seconds() / 60
        for one in (*closed, *await listed(session))
        if one.answered_at is not None
    ]
    return max(1, round(median(waits))) if waits else None


async def note_read(
    session: AsyncSession, thread: ChatThread, *, actor: str, now: datetime
) -> None:
    """Have it in the trail that somebody read a thread."""
    await _note(session, thread, "chat.read", actor, now)


async def forget_old(database: Database, before: datetime) -> int:
    """Erase threads that were closed before a moment; return how many."""
    number, old = col(ChatThread.id), col(ChatThread.closed_at) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(ChatThread).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)


def _give(thread: ChatThread, to: str) -> None:
    thread.taken_by, thread.state = to, State.TAKEN if to else State.WAITING
    thread.version += 1


def _close(thread: ChatThread, by: str, now: datetime) -> None:
    thread.state, thread.closed_at, thread.closed_by = State.CLOSED, now, by
    thread.waiting_since = None
    thread.version += 1


async def _locked(session: AsyncSession, thread_id: int) -> ChatThread:
    thread = await session.get(ChatThread, thread_id, with_for_update=True, populate_existing=True)
    if thread is None or thread.state is State.CLOSED:
        raise Refusal(OVER)
    return thread


async def _replied(
    session: AsyncSession, means: Means, thread: ChatThread, words: str, now: datetime
) -> str:
    """Answer the resident's last message by its reply token; return its event, "" if not."""
    last = await session.scalar(
        select(ChatMessage)
        .where(col(ChatMessage.thread_id) == thread.id)
        .order_by(col(ChatMessage.id).desc())
        .limit(1)
    )
    resident = await session.get(Resident, thread.resident_id)
    if (
        means.replies is None
        or last is None
        or not last.key.startswith(UNANSWERED)
        or resident is None
        or resident.state is not ResidentState.FOLLOWING
    ):
        return ""
    event = last.key.removeprefix(UNANSWERED)
    sent = {"type": "text", "text": words}
    return event if await means.replies.reply(session, event, [sent], now) else ""


async def _rule_says(
    session: AsyncSession, means: Means, thread: ChatThread, message: str, now: datetime
) -> None:
    words = text(thread.language, message)
    delivery = await _push(session, means, thread, words, "rule:chat", now)
    session.add(
        ChatMessage(
            thread_id=thread.id or 0,
            side=Side.RULE,
            text=words,
            key=f"rule:{thread.version}",
            delivery_id=delivery,
            at=now,
        )
    )


async def _push(
    session: AsyncSession, means: Means, thread: ChatThread, words: str, by: str, now: datetime
) -> int | None:
    """Send words by the engine; who talks to a person is awake, so quiet hours do not matter."""
    sent: Mapping[str, Any] = {"type": "text", "text": words}
    delivery = await push(
        session,
        means.queue,
        thread.resident_id,
        [sent],
        by,
        now,
        medium=means.medium,
        urgent=True,
    )
    return None if delivery is None else delivery.id


async def _note(
    session: AsyncSession,
    thread: ChatThread,
    action: str,
    actor: str,
    now: datetime,
    **detail: str,
) -> None:
    session.add(thread)
    await audit.record(
        session, now, actor=actor, action=action, subject=f"chat:{thread.id}", **detail
    )
