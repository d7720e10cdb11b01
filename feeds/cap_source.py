"""Polling CAP alerts: one document, or a feed that links to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, SourceConfig
from core.errors import Permanent, Retryable
from feeds import cap, limits
from feeds.article_sources import read_in_child
from feeds.cap import CapAlert
from feeds.cap_notices import notices_of
from feeds.fetch import AllowedHosts, FetchRefused, fetch
from feeds.metrics import ITEMS, SET_ASIDE, SIGNATURES
from feeds.models import Item, ItemState, Source
from feeds.notices import submit_notice
from feeds.poll_session import PollSession, Tally, note
from feeds.reasons import reason
from feeds.rss import Feed

log = structlog.get_logger(__name__)


async def poll(desk: PollSession, source: SourceConfig, state: Source, first: bool) -> Tally | None:
    """Read the alerts that are new; a first poll tells residents nothing."""
    answer = await fetch(
        desk.http, source.url, AllowedHosts.of(source), validators=desk.validators(source, state)
    )
    if answer.unchanged:
        await desk.note(source, desk.succeeded(source, state, news=False))
        return None
    missed = False
    if cap.is_alert(answer.body):
        documents = [_item(source, answer.url, answer.body, desk.context.clock.now())]
        stated: tuple[datetime | None, ...] = ()
    else:
        feed = await read_in_child(desk, answer)
        documents, missed = await _linked(desk, source, feed)
        stated = feed.stated
    tally = Tally()
    async with desk.context.database.writing() as session:
        await _take(session, desk, source, documents, tally, first=first)
        values = desk.succeeded(
            # The validators are dropped, so that the feed is read again and missed alerts are
            # fetched again.
            source,
            state,
            news=tally.new > 0,
            answer=None if missed else answer,
            stated=stated,
        )
        await note(session, source, values)
    return tally


async def _linked(desk: PollSession, source: SourceConfig, feed: Feed) -> tuple[list[Item], bool]:
    """Fetch the alerts of a feed that were not fetched before, each only once."""
    links = [a.link for a in feed.articles if cap.looks_like_alert(a.link)]
    async with desk.context.database.reading() as session:
        known = set(
            await session.scalars(
                select(Item.url).where(col(Item.source) == source.code, col(Item.url).in_(links))
            )
        )
    reach, missed = AllowedHosts.of(source), False
    documents: list[Item] = []
    for link in dict.fromkeys(links):
        if link in known:
            continue
        if len(documents) >= limits.MAX_TELEGRAMS_A_POLL:
            missed = True
            break
        try:
            alert = await fetch(desk.http, link, reach, max_body=limits.MAX_TELEGRAM)
            documents.append(_item(source, link, alert.body, desk.context.clock.now()))
        except Retryable as error:
            missed = True
            log.warning("cap.failed", source=source.code, url=link, reason=str(error))
        except FetchRefused as error:
            item = _item(source, link, b"", desk.context.clock.now())
            item.state, item.reason = ItemState.SET_ASIDE, error.reason
            documents.append(item)
    return documents, missed


def read_proven(data: bytes, source: SourceConfig, city: City, now: datetime) -> CapAlert:
    """Return an alert; if the source names certificates, one of them must have signed it.

    Raises
    ------
    Unreadable
        It is no CAP alert.
    NotProven
        The source's alerts must be signed, and this one is not, or by somebody else.
    """
    if not source.certificates:
        return cap.read_alert(data)
    # Slow to import, and few sources sign.
    from feeds.signatures import NotProven, signed_part, trusted_by

    try:
        data = signed_part(data, trusted_by(source, city), now)
    except NotProven as error:
        SIGNATURES.labels(source.code, error.outcome).inc()
        raise
    SIGNATURES.labels(source.code, "good").inc()
    return cap.read_alert(data)


def _item(source: SourceConfig, url: str, body: bytes, now: datetime) -> Item:
    digest = hashlib.sha256(body or url.encode()).hexdigest()
    return Item(
        source=source.code,
        identity=f"document:{digest}",
        kind="CAP",
        url=url,
        fetched_at=now,
        content_hash=digest,
        payload=body,
    )


async def _take(
    session: AsyncSession,
    desk: PollSession,
    source: SourceConfig,
    items: Sequence[Item],
    tally: Tally,
    *,
    first: bool,
) -> None:
    """Store new ``items`` and their notices, in the order in which they were sent.

    Feeds list the newest first; an update must not be told before what it updates.
    """
    known = set(
        await session.scalars(
            select(Item.identity).where(
                col(Item.source) == source.code,
                col(Item.identity).in_([item.identity for item in items]),
            )
        )
    )
    alerts: list[tuple[Item, CapAlert]] = []
    for item in {item.identity: item for item in items if item.identity not in known}.values():
        tally.new += 1
        session.add(item)
        alert = _read(item, source, desk)
        if alert is None:
            tally.set_aside += 1
            SET_ASIDE.labels(source.code, "CAP").inc()
            log.warning("cap.set_aside", source=source.code, url=item.url, reason=str(item.reason))
        else:
            alerts.append((item, alert))
    await session.flush()
    for item, alert in sorted(alerts, key=lambda pair: pair[1].sent):
        await _tell(session, desk, source, item, alert, tally, first=first)


def _read(item: Item, source: SourceConfig, desk: PollSession) -> CapAlert | None:
    if item.state is ItemState.SET_ASIDE:
        return None
    try:
        return read_proven(item.payload, source, desk.context.city, desk.context.clock.now())
    except Permanent as error:
        item.state, item.reason = ItemState.SET_ASIDE, error.reason
        return None


async def _tell(
    session: AsyncSession,
    desk: PollSession,
    source: SourceConfig,
    item: Item,
    alert: CapAlert,
    tally: Tally,
    *,
    first: bool,
) -> None:
    item.state, item.title, item.published_at = ItemState.DONE, alert.headline, alert.sent
    ITEMS.labels(source.code, "read").inc()
    if first or not alert.is_news:
        item.reason = reason("news.listed-first") if first else reason("news.not-public")
        return
    now = desk.context.clock.now()
    made = await notices_of(session, alert, source, desk.context.city, now)
    rules = ", ".join(dict.fromkeys(notice.decided_by for notice in made))
    item.reason = reason("news.ruled", rules=rules) if made else reason("news.elsewhere")
    if alert.signed:
        # CAP 1.2, 3.3.2.1: an alert is not refused if its signature cannot be checked, and the user
        # is told.
        item.reason = reason("news.signed-unchecked", why=item.reason)
    for notice in made:
        notice.item_id = item.id
        stored, is_new = await submit_notice(session, notice, desk.publish)
        if is_new:
            tally.notices.append(stored)
