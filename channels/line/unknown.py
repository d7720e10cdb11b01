"""An order to friends that Todoke does not know: the decision, the text, and who had it.

For an alert of the levels in the city's rule, the sender is asked whether to send it to them too,
once, in Japanese, easy Japanese and English. Corrections and all-clears of it go to them as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.level_parts import sent_with
from channels.line.known_audience import standing
from channels.line.models import FriendCount
from channels.line.reasons import reason
from channels.line.render import render
from channels.medium import compact_json
from channels.models import Delivery, Priority, UnknownSend
from channels.outbox import new_retry_key
from channels.unknown_sends import SEND_UNKNOWN
from city.city import City, Way
from core.audit import record
from core.errors import BadInput
from core.languages import EASY_JAPANESE
from core.reason import Reason
from core.work import Queue
from feeds.models import Notice, Status
from subscriptions.audience import count
from subscriptions.audience_query import AudienceQuery

LANGUAGES = ("ja", EASY_JAPANESE, "en")
MOST_MESSAGES = 5
MOST_STEPS = 50
"""How far back a chain of corrections is read."""
EVERYBODY = AudienceQuery("", 5, mandatory=True)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Friends:
    """How many friends LINE counts and how many Todoke knows.

    ``counted`` is the number of friends who have not blocked the account, None if LINE gave no
    number yet; ``day`` (YYYYMMDD) is its day.
    """

    known: int
    counted: int | None = None
    blocks: int = 0
    targeted_reaches: int | None = None
    day: str = ""
    status: str = ""
    asked_at: datetime | None = None
    error: Reason | None = None

    @property
    def unknown(self) -> int:
        """Friends who are told nothing, by LINE's number."""
        return max(0, (self.counted or 0) - self.known)


async def friends_now(session: AsyncSession) -> Friends:
    """Return the stored numbers: how many friends LINE counts and how many we know."""
    known = await count(session, EVERYBODY)
    row = await session.get(FriendCount, 1)
    if row is None:
        return Friends(known)
    counted = None
    if row.followers is not None:
        counted = max(0, row.followers - (row.blocks or 0))
    return Friends(
        known,
        counted,
        row.blocks or 0,
        row.targeted_reaches,
        row.day,
        row.status,
        row.asked_at,
        row.error,
    )


@dataclass(frozen=True)
class Outlook:
    """A preview of an alert to unknown friends now.

    ``doubled`` are known residents who would get it twice. ``why_broadcast`` says why a narrowcast
    is not possible, or None. ``possible`` is False if nothing can be sent.
    """

    way: Way
    friends: Friends
    doubled: int
    why_broadcast: Reason | None = None
    possible: bool = True


async def outlook(session: AsyncSession, city: City) -> Outlook:
    """Return how an alert would go to unknown friends, for the page with the question."""
    rule = city.unknown_friends
    if rule is None:
        raise BadInput(reason("unknown.no-rule"))
    friends = await friends_now(session)
    if rule.way is Way.BROADCAST:
        return Outlook(Way.BROADCAST, friends, friends.known)
    now = await standing(session)
    if now.usable:
        return Outlook(Way.NARROWCAST, friends, 0)
    if rule.otherwise == "broadcast":
        return Outlook(Way.BROADCAST, friends, friends.known, now.why_not)
    return Outlook(Way.NARROWCAST, friends, 0, now.why_not, possible=not now.for_good)


def may_ask(city: City, topic: str, level: int, *, drill: bool) -> bool:
    """Whether the sender of an alert is asked about unknown friends."""
    rule = city.unknown_friends
    return rule is not None and rule.covers(topic, level, drill=drill)


async def question(
    session: AsyncSession,
    city: City,
    *,
    topic: str,
    level: int,
    drill: bool,
    status: Status,
    replaces_id: int | None,
) -> Outlook | None:
    """Return the data for the question to the sender of an alert; None if there is no question.

    A correction or all-clear of an order that went to them goes to them without a question.
    """
    over = status in (Status.CANCELLED, Status.LIFTED)
    if over or not may_ask(city, topic, level, drill=drill):
        return None
    return None if await had_earlier(session, replaces_id) else await outlook(session, city)


async def had_earlier(session: AsyncSession, notice_id: int | None) -> bool:
    """Whether a notice, or one before it in its chain, was on its way to the unknown."""
    return bool(await _sent_before(session, notice_id))


async def add(
    session: AsyncSession,
    queue: Queue,
    delivery: Delivery,
    notice: Notice,
    city: City,
    now: datetime,
    *,
    actor: str,
) -> UnknownSend:
    """Send a delivery to unknown friends too, after the caller commits; a person decided it.

    Raises
    ------
    BadInput
        The city's rules do not allow that for this alert.
    """
    rule = city.unknown_friends
    if rule is None or not rule.covers(notice.topic, notice.level, drill=notice.drill):
        raise BadInput(reason("unknown.not-covered"))
    known = await session.get(UnknownSend, delivery.id)
    if known is not None:
        return known
    may_double = rule.way is Way.BROADCAST or rule.otherwise == "broadcast"
    return await _store(
        session, queue, delivery, notice, city, now, rule.way, may_double=may_double, actor=actor
    )


async def follow_up(
    session: AsyncSession,
    queue: Queue,
    delivery: Delivery,
    notice: Notice,
    city: City,
    now: datetime,
    *,
    actor: str,
) -> UnknownSend | None:
    """Send a change, correction or all-clear of an order to the unknown friends whom the order
    reached.

    An order that went by broadcast is corrected by broadcast, because known friends had it too.
    """
    found = await _sent_before(session, notice.replaces_id)
    told = [send for send in found if send.first_tried_at is not None]
    goes_on = notice.status not in (Status.CANCELLED, Status.LIFTED)
    if not told and not (found and goes_on):
        return None
    by_broadcast = any(send.way is Way.BROADCAST for send in told or found)
    way = Way.BROADCAST if by_broadcast else Way.NARROWCAST
    return await _store(
        session, queue, delivery, notice, city, now, way, may_double=True, actor=actor
    )


async def _store(
    session: AsyncSession,
    queue: Queue,
    delivery: Delivery,
    notice: Notice,
    city: City,
    now: datetime,
    way: Way,
    *,
    may_double: bool,
    actor: str,
) -> UnknownSend:
    assert delivery.id is not None
    made = UnknownSend(
        delivery_id=delivery.id,
        way=way,
        may_double=may_double,
        messages=messages_for_all(notice, city, await sent_with(session, notice.id)),
        narrowcast_key=new_retry_key(),
        broadcast_key=new_retry_key(),
        created_by=actor,
        created_at=now,
    )
    session.add(made)
    await session.flush()
    await record(
        session,
        now,
        actor=actor,
        action="alert.sent_to_unknown",
        subject=f"delivery:{delivery.id}",
        way=way.value,
        may_double=may_double,
        drill=notice.drill,
    )
    await queue.put(
        session, SEND_UNKNOWN, str(delivery.id), priority=min(delivery.priority, Priority.EMERGENCY)
    )
    log.info("unknown_send.created", delivery_id=delivery.id, way=way.value, drill=notice.drill)
    return made


def messages_for_all(notice: Notice, city: City, lower: Sequence[Notice] = ()) -> bytes:
    """Return the messages in Japanese, easy Japanese and English, for one request.

    Notices of ``lower`` levels are added, in Japanese and then in English, as far as there is
    space.
    """
    if lower:
        spoken = [code for code in ("ja", "en") if code in city.languages]
        first = [render(each, code, city)[0] for code in spoken for each in (notice, *lower)]
        return compact_json(first[:MOST_MESSAGES])
    said = [render(notice, language, city) for language in LANGUAGES if language in city.languages]
    messages = [message for each in said for message in each]
    if len(messages) > MOST_MESSAGES:
        messages = [each[0] for each in said]
    return compact_json(messages)


def shown(send: UnknownSend) -> list[dict[str, Any]]:
    """Return the messages to unknown friends, as LINE's JSON."""
    found: list[dict[str, Any]] = json.loads(send.messages)
    return found


async def _sent_before(session: AsyncSession, notice_id: int | None) -> list[UnknownSend]:
    """Return what a notice and its predecessors sent to unknown friends."""
    found: list[UnknownSend] = []
    number, steps = notice_id, 0
    while number is not None and steps < MOST_STEPS:
        found += await session.scalars(
            select(UnknownSend)
            .join(Delivery, col(Delivery.id) == col(UnknownSend.delivery_id))
            .where(col(Delivery.notice_id) == number)
        )
        before = await session.get(Notice, number)
        number, steps = (None if before is None else before.replaces_id), steps + 1
    return found
