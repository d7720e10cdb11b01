"""A resident talks to a person: the conversation keeps quiet and hands on what they write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.chat import desk, words
from alerts.chat.hours import is_open, next_opening
from alerts.chat.models import ChatThread
from bot import messages
from bot.dialogues.kinds import Incoming, Known, Located, Photographed, Pressed, Said, Sent
from bot.dialogues.report import refusal
from bot.messages import Message
from city.chat import ChatRules

BEGIN, END = "chat-begin", "chat-end"
QUIET_FOR = timedelta(minutes=30)
"""Who writes out of hours is told so once in so long."""


@dataclass(frozen=True)
class Told:
    """What the resident gets; nothing while a person answers.

    ``goes_on`` says that the conversation answers all the same: to a cry for help.
    """

    messages: tuple[Message, ...] = ()
    goes_on: bool = False


@dataclass(frozen=True)
class PersonChat:
    """Acts in the caller's transaction, for a city that has a desk."""

    rules: ChatRules

    async def threads(
        self, session: AsyncSession, residents: Sequence[int]
    ) -> dict[int, ChatThread]:
        """Return the open threads of residents."""
        return await desk.open_threads(session, residents)

    async def answer(
        self,
        session: AsyncSession,
        incoming: Incoming,
        thread: ChatThread | None,
        resident_id: int,
        known: Known,
        now: datetime,
        *,
        key: str,
    ) -> Told | None:
        """Return what becomes of an event; None if it is none of the desk's."""
        if isinstance(incoming, Pressed) and incoming.do == BEGIN:
            return await self._begin(session, resident_id, known.language, now)
        if isinstance(incoming, Pressed) and incoming.do == END and thread is None:
            return Told((messages.text(words.text(known.language, words.ENDED)),))
        if thread is None:
            return None
        if _ends(incoming):
            await desk.resident_ends(session, thread, now)
            return Told((messages.text(words.text(known.language, words.ENDED)),))
        return await self._kept(session, incoming, thread, known, now, key)

    def offer(self, known: Known) -> Message:
        """Return the button that begins a chat, or when the desk is open again."""
        language = known.language
        if not is_open(self.rules, known.now):
            again = next_opening(self.rules, known.now)
            return messages.text(words.closed(language, again))
        button = messages.press(words.text(language, words.WRITE), BEGIN)
        return messages.card(
            words.text(language, words.WRITE), (), footer=[messages.tile(button, strong=True)]
        )

    async def _begin(
        self, session: AsyncSession, resident_id: int, language: str, now: datetime
    ) -> Told:
        if not is_open(self.rules, now):
            return Told((messages.text(words.closed(language, next_opening(self.rules, now))),))
        await desk.begin(session, resident_id, language, now)
        minutes = await desk.minutes_lately(session, now)
        end = messages.press(words.text(language, words.END), END)
        return Told((messages.text(words.begun(language, minutes), end),))

    async def _kept(
        self,
        session: AsyncSession,
        incoming: Incoming,
        thread: ChatThread,
        known: Known,
        now: datetime,
        key: str,
    ) -> Told | None:
        """Keep what belongs to the thread; None for what is a button of the conversation."""
        text, message_id, sha256, urgent = "", "", "", False
        match incoming:
            case Said(said, message_id):
                text, urgent = said, known.meaning(said).is_cry
            case Photographed(picture) if picture is not None:
                sha256, message_id = picture.sha256, picture.message_id
            case Photographed(None, why):
                return Told((refusal(why, known),))
            case Located(longitude, latitude, address, message_id):
                text = f"📍 {address} {latitude:.6f}, {longitude:.6f}".replace("  ", " ")
            case Sent(kind):
                text = f"[{kind}]"
            case _:
                return None
        before = thread.last_at
        is_late = not is_open(self.rules, now) and (
            is_open(self.rules, before) or now - before > QUIET_FOR
        )
        await desk.resident_says(
            session,
            thread,
            text,
            now,
            key=f"said:{key}" if urgent or is_late else f"{desk.UNANSWERED}{key}",
            message_id=message_id,
            sha256=sha256,
            urgent=urgent,
        )
        if urgent:
            return Told(goes_on=True)
        if is_late:
            again = next_opening(self.rules, now)
            return Told((messages.text(words.closed(known.language, again)),))
        return Told()


def _ends(incoming: Incoming) -> bool:
    match incoming:
        case Pressed("chat-end"):
            return True
        case Said(text):
            return text.strip().strip("「」“”\"'.。").casefold() in words.end_words()
    return False
