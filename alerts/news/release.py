"""The only way news leaves: planned, approved where the city wants it, sent once at each time.

Planning and sending are rows in the database. Whoever sends locks the row and stores the notice,
its deliveries and the next time in one transaction, so that two schedulers, or a crash between,
never send twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news import writing
from alerts.news.checks import PAST, faults
from alerts.news.compose import audience_of, notice_of
from alerts.news.models import WAITS_FOR_TIME, News, NewsSending, NewsState, When, sendings_of
from alerts.news.pictures import picture_of
from alerts.news.segments import Size, Wanted, size_of
from alerts.news.times import TOO_LATE, first_time, time_after
from alerts.release import NO_MEDIUM
from alerts.surveys.checks import faults_of_news, is_over
from channels import dispatch
from channels.lists import deliveries_of
from channels.media import Media, deliver_by, media_of
from channels.medium import Format
from channels.models import DeliveryState
from city.city import City, Decision
from core.errors import BadInput, Refusal
from core.languages import mark
from core.restored import held_until, is_unseen
from core.text import clean
from core.work import Queue
from feeds.models import Notice

APPROVED_TOO_LATE = mark(
    "The planned time passed while this waited for approval. Recall it and choose another time."
)
MOST_WHY = 1000
"""Characters of the reason for which news is sent back."""
OPEN_DELIVERIES = (DeliveryState.PLANNED, DeliveryState.SENDING, DeliveryState.PAUSED)


@dataclass(frozen=True)
class Door:
    """What leaving needs: the queue, the city, its media."""

    queue: Queue
    city: City
    media: Media


@dataclass(frozen=True)
class Outlook:
    """Whom news would reach by which media, as staff may know it."""

    size: Size
    media: tuple[Format, ...]


async def media_of_news(
    session: AsyncSession, news: News, notice: Notice, city: City, media: Media
) -> list[Format]:
    """Return the media that news goes by, in order."""
    return await media_of(
        session, notice, city, media, topic=news.topic, level=0, chosen=news.media
    )


async def outlook(
    session: AsyncSession, news: News, city: City, media: Media, now: datetime
) -> Outlook:
    """Return whom news would reach if it left now; nobody while its audience is not chosen."""
    if news.topic not in city.topic_by_code or not (news.whole_city or news.areas):
        return Outlook(Size(0), ())
    notice = notice_of(news, None, city, planned_at=now, now=now)
    by = await media_of_news(session, news, notice, city, media)
    wanted = Wanted.from_json(news.segment)
    queries = [audience_of(notice, city, each.name) for each in by]
    return Outlook(await size_of(session, queries, wanted, now), tuple(by))


async def plan(
    session: AsyncSession,
    door: Door,
    news_id: int,
    version: int,
    *,
    actor: str,
    now: datetime,
) -> News:
    """Plan the version that was looked at: send it now, at its time, or ask for approval.

    Raises
    ------
    Refusal
        It has faults, would reach too few, was changed meanwhile, or is planned already.
    """
    if not actor.strip():
        raise Refusal("News leaves under a person's name.")
    news = await writing.opened(session, news_id, version)
    await _refuse(session, door, news, now)
    news.asked_by, news.next_at, news.updated_at = actor, None, now
    news.sent_back = None
    if door.city.news.approval:
        news.state = NewsState.ASKED
        await writing.trail(session, news, actor, now, "news.asked", **_facts(news))
        return news
    await _set_going(session, door, news, actor=actor, now=now)
    return news


async def approve(
    session: AsyncSession,
    door: Door,
    news_id: int,
    version: int,
    *,
    actor: str,
    now: datetime,
) -> News:
    """A second person lets the version go that they looked at.

    Raises
    ------
    Refusal
        It is their own, is no longer the version they looked at, has faults, or its time has
        passed.
    """
    news = await _asked(session, news_id, version)
    if actor in (*news.authors, news.asked_by):
        raise Refusal("You wrote or planned this yourself; somebody else has to approve it.")
    if news.when is When.AT and news.send_at is not None and news.send_at <= now:
        raise Refusal(APPROVED_TOO_LATE)
    await _refuse(session, door, news, now)
    news.approved_by, news.approved_at = actor, now
    await writing.trail(session, news, actor, now, "news.approved", version=version)
    await _set_going(session, door, news, actor=news.asked_by, now=now)
    return news


async def send_back(
    session: AsyncSession, news_id: int, version: int, *, why: str, actor: str, now: datetime
) -> News:
    """Give news back to its writer, with what is wrong with it, instead of approving it.

    Raises
    ------
    Refusal
        There is no reason, it does not wait for approval, or is no longer the version they
        looked at.
    """
    why = clean(why)[:MOST_WHY]
    if not why:
        raise Refusal("Write what is wrong with it.")
    news = await _asked(session, news_id, version)
    news.state, news.sent_back = NewsState.DRAFT, {"by": actor, "why": why}
    writing.has_changed(news, now)
    await writing.trail(session, news, actor, now, "news.returned", version=version, why=why)
    return news


async def recall(session: AsyncSession, news_id: int, *, actor: str, now: datetime) -> News:
    """Take news back that has not left, or whose rest has not.

    What waits for its time or for approval can be changed again. Of what is on its way, the
    messages that have not gone are stopped; who has it, has it.

    Raises
    ------
    Refusal
        All of it has left.
    """
    news = await writing.locked(session, news_id)
    before = news.state
    sent = await sendings_of(session, news_id)
    stopped = await _stop_rest(session, sent, actor, now)
    if before in (NewsState.ASKED, NewsState.PLANNED):
        news.state = NewsState.SENT if sent else NewsState.DRAFT
        news.next_at = None
        writing.has_changed(news, now)
    elif not stopped:
        raise Refusal("Nothing of this can be recalled any more. A correction is a new message.")
    await writing.trail(
        session, news, actor, now, "news.recalled", was=str(before), stopped=stopped
    )
    return news


async def send_due(session: AsyncSession, door: Door, news_id: int, *, now: datetime) -> bool:
    """Send news whose time has come, in the caller's writing transaction; returns whether it left.

    What is too late, has become wrong, or may have been sent before a restore waits for a person.
    """
    news = await session.get(News, news_id, with_for_update=True, populate_existing=True)
    if news is None or news.state is not NewsState.PLANNED or news.next_at is None:
        return False
    planned = news.next_at
    if planned > now:
        return False
    until = await held_until(session)
    why = "late" if now - planned > TOO_LATE else ""
    if until is not None and planned <= until:
        why = "restored"
    if not why and await is_over(session, news, now):
        why = "closed"
    if not why and await outlook_refusal(session, door, news, now):
        why = "few"
    if why:
        await set_aside(session, news_id, why, now)
        return False
    await _send(session, door, news, planned, actor=news.asked_by, now=now)
    return True


async def set_aside(session: AsyncSession, news_id: int, why: str, now: datetime) -> None:
    """Have planned news wait for a person, who reads why in the trail."""
    news = await session.get(News, news_id, with_for_update=True)
    if news is None or news.state is not NewsState.PLANNED:
        return
    news.state, news.next_at = NewsState.MISSED, None
    writing.has_changed(news, now)
    await writing.trail(session, news, "rule:news", now, "news.missed", why=why)


async def outlook_refusal(
    session: AsyncSession, door: Door, news: News, now: datetime
) -> Refusal | None:
    """Return why news may not reach the residents that it would reach now."""
    return (await outlook(session, news, door.city, door.media, now)).size.refusal


async def due(session: AsyncSession, now: datetime) -> list[int]:
    """Return the news whose time has come; none while nobody has seen a restore."""
    if await is_unseen(session):
        return []
    found = await session.scalars(
        select(News.id)
        .where(WAITS_FOR_TIME, col(News.next_at) <= now)
        .order_by(col(News.next_at), col(News.id))
        .limit(100)
    )
    return [number for number in found if number is not None]


async def _asked(session: AsyncSession, news_id: int, version: int) -> News:
    news = await writing.locked(session, news_id)
    if news.state is not NewsState.ASKED:
        raise Refusal("This does not wait for approval any more.")
    if news.version != version:
        raise Refusal(writing.CHANGED)
    return news


async def _refuse(session: AsyncSession, door: Door, news: News, now: datetime) -> None:
    for fault in (
        *faults(news, door.city, now),
        *await faults_of_news(session, news, door.city, now),
    ):
        raise fault.refusal()
    found = await outlook(session, news, door.city, door.media, now)
    if found.size.refusal is not None:
        raise found.size.refusal
    if not found.media:
        raise Refusal(NO_MEDIUM)


async def _set_going(
    session: AsyncSession, door: Door, news: News, *, actor: str, now: datetime
) -> None:
    """Send it, or store its time."""
    at = first_time(news, now)
    if news.when is not When.AT:
        await _send(session, door, news, at, actor=actor, now=now)
        return
    if at <= now:
        raise Refusal(PAST)
    news.state, news.next_at = NewsState.PLANNED, at
    await writing.trail(session, news, actor, now, "news.planned", **_facts(news))


async def _send(
    session: AsyncSession, door: Door, news: News, planned: datetime, *, actor: str, now: datetime
) -> None:
    """Make the notice of one time and its deliveries, and store the next time."""
    picture = await picture_of(session, news)
    notice = notice_of(news, picture, door.city, planned_at=planned, now=now)
    session.add(notice)
    await session.flush()
    assert notice.id is not None and news.id is not None
    deliveries = []
    if notice.decision is Decision.SEND:
        try:
            deliveries = await deliver_by(
                session,
                door.queue,
                notice,
                door.city,
                now,
                media=door.media,
                created_by=actor,
                chosen=news.media,
            )
        except Refusal:
            raise
        except BadInput as error:
            raise Refusal("It cannot be sent as it is: {reason}", reason=error) from error
        if not deliveries:
            raise Refusal(NO_MEDIUM)
    session.add(NewsSending(news_id=news.id, planned_at=planned, notice_id=notice.id, sent_at=now))
    news.next_at = time_after(news, planned)
    news.state = NewsState.PLANNED if news.next_at else NewsState.SENT
    news.updated_at = now
    await _settle_held(session, news, actor)
    await writing.trail(
        session,
        news,
        actor,
        now,
        "news.sent",
        notice=notice.id,
        approved_by=news.approved_by,
        media={each.channel: each.id for each in deliveries},
        machine=sorted(news.engines),
        **_facts(news),
    )


async def _settle_held(session: AsyncSession, news: News, actor: str) -> None:
    """Take the article off the list of held notices that the news was written from."""
    if news.from_notice_id is None:
        return
    held = await session.get(Notice, news.from_notice_id, with_for_update=True)
    if held is not None and held.decision is Decision.HOLD:
        held.decision, held.decided_by = Decision.DROP, actor


async def _stop_rest(
    session: AsyncSession, sent: list[NewsSending], actor: str, now: datetime
) -> int:
    """Stop the deliveries that have not ended; returns how many. One in a digest is taken out."""
    stopped = 0
    for sending in sent:
        for delivery in await deliveries_of(session, sending.notice_id):
            if delivery.state in OPEN_DELIVERIES and delivery.id is not None:
                await dispatch.stop(session, delivery.id, actor, now)
                stopped += 1
        notice = await session.get(Notice, sending.notice_id, with_for_update=True)
        if notice is not None and notice.decision is Decision.DIGEST:
            notice.decision, notice.decided_by = Decision.DROP, actor
            stopped += 1
    return stopped


def _facts(news: News) -> Mapping[str, object]:
    return {
        "version": news.version,
        "topic": news.topic,
        "areas": [] if news.whole_city else news.areas,
        "segment": news.segment,
        "when": str(news.when),
        "at": None if news.next_at is None else news.next_at.isoformat(),
        "repeat": str(news.repeat),
    }
