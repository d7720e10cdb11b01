"""Messages to staff: stored with all that an attempt needs, then sent by ``app.staff_sender``.

This is the means for every part that must reach a colleague, such as a call-up of staff or the
question to the second person for an alert.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.models import Priority
from core.chunks import in_chunks, rows_of
from core.database import Database, insert_new
from core.errors import BadInput
from core.reason import Reason
from core.restored import RESTORED
from core.text import clean
from core.work import Queue
from feeds.texts.compose import drill_mark
from response.models import StaffMember, StaffMessage, StaffMessageState, StaffWay
from response.reasons import reason
from response.staff_links import line_ids

SEND = {StaffWay.LINE: "staff.line", StaffWay.MAIL: "staff.mail"}
"""The queue's task for each way; the key is the message's id. Mail never holds up LINE."""
BOTH_WAYS = frozenset(StaffWay)
OPEN = (StaffMessageState.WAITING, StaffMessageState.TRYING)
FAR = timedelta(minutes=10)
"""No rule postpones a message for so long; a wrong clock did."""
KEPT_TRYING = timedelta(hours=12)
"""How long a message is tried by default. LINE honours a retry key for 24 hours."""
LONGEST_TRYING = timedelta(hours=23, minutes=30)
MOST_TITLE, MOST_TEXT, MOST_BUTTONS, MOST_LABEL = 100, 2000, 8, 40


@dataclass(frozen=True)
class Button:
    """Something to press.

    Parameters
    ----------
    data
        What LINE gives back to us (``bot.messages.encode``); at most 300 characters.
    url
        The page that does the same, for mail; a mail shows it as a link. In LINE it opens if there
        is no ``data``.
    """

    label: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True)
class Words:
    """What a member of staff reads.

    Parameters
    ----------
    title
        One line: the mail's subject, and the heading in LINE.
    url, url_label
        A page with more, as a full address, and what its link is called.
    """

    title: str
    text: str
    url: str = ""
    url_label: str = ""
    buttons: tuple[Button, ...] = ()
    picture: str = ""
    """A secure address of a picture that LINE shows above; a mail has its link."""

    def checked(self, *, language: str, drill: bool) -> Words:
        """Return it without invisible characters; a drill's begin with the language's mark.

        Raises
        ------
        BadInput
            It is empty or too long.
        """
        title, text = clean(self.title, line=True), clean(self.text)
        if drill:
            mark = drill_mark(language)
            title = title if title.startswith(mark) else f"{mark} {title}"
            text = text if text.startswith(mark) else f"{mark} {text}"
        too_long = len(title) > MOST_TITLE or len(text) > MOST_TEXT
        if not title or too_long or len(self.buttons) > MOST_BUTTONS:
            raise BadInput(reason("staff.words", title=MOST_TITLE, text=MOST_TEXT))
        buttons = tuple(
            Button(clean(each.label, line=True)[:MOST_LABEL], each.data, each.url)
            for each in self.buttons
        )
        label = clean(self.url_label, line=True)[:MOST_LABEL]
        return Words(title, text, self.url, label, buttons, self.picture)

    def as_text(self) -> str:
        """Return it as a mail's text: buttons and page are links."""
        links = [f"{each.label}\n{each.url}" for each in self.buttons if each.url]
        if self.picture:
            links.insert(0, self.picture)
        if self.url:
            links.append(f"{self.url_label}\n{self.url}".strip())
        return "\n\n".join((self.text, *links)) + "\n"

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Words:
        """Return what :meth:`stored` made."""
        buttons = tuple(Button(**each) for each in stored.get("buttons", ()))
        url, label = stored.get("url", ""), stored.get("url_label", "")
        return cls(stored["title"], stored["text"], url, label, buttons, stored.get("picture", ""))


@dataclass(frozen=True)
class Told:
    """How many members are told, and who cannot be reached by any of the ways."""

    reachable: int
    unreachable: tuple[StaffMember, ...]


async def tell(
    session: AsyncSession,
    queue: Queue,
    members: Sequence[StaffMember],
    words: Words | Callable[[StaffMember], Words],
    now: datetime,
    *,
    occasion: str,
    about: str,
    drill: bool,
    urgent: bool = True,
    ways: Collection[StaffWay] = BOTH_WAYS,
    kept_trying: timedelta = KEPT_TRYING,
) -> Told:
    """Store a message for each member and way, in the caller's transaction; it is sent afterwards.

    Each has its retry key before the first attempt: LINE shows it once. A mail can arrive once
    more, with the same Message-ID, if the service ends just when the server takes it.

    Parameters
    ----------
    words
        The words, or a function that makes them for each member in ``member.language``.
    occasion
        Such as ``call_up:3:first``. Nobody is told twice of one occasion by the same way, however
        often this is called.
    about
        The subject, ``kind:id``, such as ``call_up:3``; see :func:`stop` and :func:`outcomes`.
    drill
        Every title and text then begins with the language's mark.
    urgent
        Whether it goes before everything else that waits.
    ways
        Every way that a member has is used.

    Raises
    ------
    BadInput
        The words are empty or too long.
    """
    users = await line_ids(session, members) if StaffWay.LINE in ways else {}
    rows: list[dict[str, Any]] = []
    unreachable = []
    for member in members:
        assert member.id is not None
        made = words if isinstance(words, Words) else words(member)
        content = made.checked(language=member.language, drill=drill).stored()
        addresses = {StaffWay.LINE: users.get(member.id, "")}
        addresses[StaffWay.MAIL] = member.mail if StaffWay.MAIL in ways else ""
        if not member.active or not any(addresses.values()):
            unreachable.append(member)
            continue
        rows += [
            {
                "member_id": member.id,
                "occasion": occasion,
                "about": about,
                "drill": drill,
                "urgent": urgent,
                "way": way,
                "address": address,
                "retry_key": str(uuid.uuid4()),
                "content": content,
                "state": StaffMessageState.WAITING,
                "attempts": 0,
                "created_at": now,
                "not_before": now,
                "expires_at": now + min(kept_trying, LONGEST_TRYING),
            }
            for way, address in addresses.items()
            if address
        ]
    for start in range(0, len(rows), 500):
        new = insert_new(session, StaffMessage, ["occasion", "member_id", "way"])
        await session.execute(new.values(rows[start : start + 500]))
    waiting = await session.execute(
        select(col(StaffMessage.id), col(StaffMessage.way), col(StaffMessage.urgent)).where(
            col(StaffMessage.about) == about,
            col(StaffMessage.occasion) == occasion,
            col(StaffMessage.state) == StaffMessageState.WAITING,
        )
    )
    await put(session, queue, [(number, way, rush) for number, way, rush in waiting])
    return Told(len(members) - len(unreachable), tuple(unreachable))


async def put(
    session: AsyncSession, queue: Queue, messages: Iterable[tuple[int | None, StaffWay, bool]]
) -> None:
    """Ask for messages to be sent; each is its id, its way and whether it is urgent."""
    keys: dict[tuple[StaffWay, bool], list[str]] = {}
    for number, way, urgent in messages:
        keys.setdefault((StaffWay(way), urgent), []).append(str(number))
    for (way, urgent), some in sorted(keys.items(), key=lambda each: not each[0][1]):
        await queue.put_many(session, SEND[way], some, priority=priority(urgent))


def priority(urgent: bool) -> int:
    """Return a message's priority in the queue and under LINE's limit."""
    return Priority.EMERGENCY if urgent else Priority.PERSONAL


async def put_due(session: AsyncSession, queue: Queue, now: datetime, *, most: int = 2000) -> int:
    """Ask for every message that is due and was not sent, also of a process that died."""
    due = await session.execute(
        select(col(StaffMessage.id), col(StaffMessage.way), col(StaffMessage.urgent))
        .where(col(StaffMessage.state).in_(OPEN), _is_due(now))
        .order_by(col(StaffMessage.not_before))
        .limit(most)
    )
    found = [(number, way, rush) for number, way, rush in due]
    await put(session, queue, found)
    return len(found)


def _is_due(now: datetime) -> ColumnElement[bool]:
    return or_(col(StaffMessage.not_before) <= now, col(StaffMessage.not_before) > now + FAR)


async def has_due(session: AsyncSession, now: datetime) -> bool:
    """Whether a message is due and not sent."""
    found = await session.scalar(
        select(StaffMessage.id).where(col(StaffMessage.state).in_(OPEN), _is_due(now)).limit(1)
    )
    return found is not None


async def stop(session: AsyncSession, about: str, why: Reason, now: datetime) -> int:
    """Stop all messages about a subject that were not sent; return how many."""
    return await _stop(session, why, now, col(StaffMessage.about) == about)


async def stop_to(
    session: AsyncSession, member_id: int, way: StaffWay, why: Reason, now: datetime
) -> int:
    """Stop all messages to a member by one way that were not sent; return how many."""
    theirs = (col(StaffMessage.member_id) == member_id, col(StaffMessage.way) == way)
    return await _stop(session, why, now, *theirs)


async def follow_address(session: AsyncSession, member_id: int, way: StaffWay, address: str) -> int:
    """Send what waits for a member by one way to another address; return how many messages.

    Each has a new retry key, with which the new address gets it once.
    """
    waiting = await session.scalars(
        select(StaffMessage)
        .where(
            col(StaffMessage.member_id) == member_id,
            col(StaffMessage.way) == way,
            col(StaffMessage.state).in_(OPEN),
            col(StaffMessage.address) != address,
        )
        .with_for_update()
    )
    moved = 0
    for message in waiting:
        message.address, message.retry_key = address, str(uuid.uuid4())
        session.add(message)
        moved += 1
    await session.flush()
    return moved


async def hold_back(session: AsyncSession, now: datetime) -> int:
    """Stop everything that may have been sent before a restore; return how many."""
    return await _stop(session, RESTORED, now)


async def _stop(session: AsyncSession, why: Reason, now: datetime, *which: Any) -> int:
    stopped = await session.execute(
        update(StaffMessage)
        .where(col(StaffMessage.state).in_(OPEN), *which)
        .values(state=StaffMessageState.STOPPED, error=why, ended_at=now, address="")
        .execution_options(synchronize_session=False)
    )
    return rows_of(stopped)


@dataclass(frozen=True)
class Outcome:
    """What became of the messages about a subject to one member by one way."""

    state: StaffMessageState
    error: Reason | None
    ended_at: datetime | None


async def outcomes(session: AsyncSession, about: str) -> dict[int, dict[StaffWay, Outcome]]:
    """Return what became of the messages about a subject, by member and way.

    One that was taken counts more than a later one that was not.
    """
    rows = await session.execute(
        select_rows(
            col(StaffMessage.member_id),
            col(StaffMessage.way),
            col(StaffMessage.state),
            col(StaffMessage.error),
            col(StaffMessage.ended_at),
        )
        .where(col(StaffMessage.about) == about)
        .order_by(col(StaffMessage.id))
    )
    found: dict[int, dict[StaffWay, Outcome]] = {}
    for member_id, way, state, error, ended_at in rows:
        theirs = found.setdefault(member_id, {})
        before = theirs.get(StaffWay(way))
        if before is None or before.state is not StaffMessageState.SENT:
            theirs[StaffWay(way)] = Outcome(state, error, ended_at)
    return found


async def forget_old(database: Database, before: datetime) -> int:
    """Erase messages from before a moment; return how many."""
    number, old = col(StaffMessage.id), col(StaffMessage.created_at) < before

    async def erase(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(StaffMessage).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), erase)
