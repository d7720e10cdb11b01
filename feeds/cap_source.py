"""Polling CAP alerts: one document, or a feed that links to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.city import City, Decision, SourceConfig
from core.errors import Permanent, Retryable
from feeds import cap, limits
from feeds.article_sources import read_in_thread
from feeds.articles import leads_elsewhere, words_of
from feeds.cap import Alert, MessageType
from feeds.classify import Classification, classify
from feeds.desk import Desk, Tally, note
from feeds.fetch import Answer, FetchRefused, Reach, fetch
from feeds.metrics import ITEMS, SET_ASIDE, SIGNATURES
from feeds.models import Item, ItemState, Notice, Source, Status
from feeds.notices import submit_notice
from feeds.policy import ARTICLE_EXPIRES, Ruling, rule_on_article
from feeds.rss import Article
from feeds.texts import alert_texts

log = structlog.get_logger(__name__)

STATUSES = {
    MessageType.ALERT: Status.ISSUED,
    MessageType.UPDATE: Status.CORRECTED,
    MessageType.CANCEL: Status.CANCELLED,
}
"""What becomes of the kinds of alerts that are news."""


async def poll(desk: Desk, source: SourceConfig, state: Source, first: bool) -> Tally | None:
    """Read the alerts that are new; a first poll tells residents nothing."""
    answer = await fetch(
        desk.http, source.url, Reach.of(source), validators=desk.validators(source, state)
    )
    if answer.unchanged:
        await desk.note(source, desk.succeeded(source, state, news=False))
        return None
    missed = False
    if cap.is_alert(answer.body):
        documents = [_item(source, answer.url, answer.body, desk.context.clock.now())]
    else:
        documents, missed = await _linked(desk, source, answer)
    tally = Tally()
    async with desk.context.database.writing() as session:
        for item in documents:
            await _take(session, desk, source, item, tally, first=first)
        values = desk.succeeded(
            # Without its validators the feed is read again, and what was missed asked for again.
            source,
            state,
            news=tally.new > 0,
            answer=None if missed else answer,
        )
        await note(session, source, values)
    return tally


async def _linked(desk: Desk, source: SourceConfig, answer: Answer) -> tuple[list[Item], bool]:
    """Fetch the alerts a feed links to and that were not fetched before; once for ever each."""
    feed = await read_in_thread(answer)
    links = [a.link for a in feed.articles if cap.looks_like_alert(a.link)]
    async with desk.context.database.reading() as session:
        known = set(
            await session.scalars(
                select(Item.url).where(col(Item.source) == source.code, col(Item.url).in_(links))
            )
        )
    reach, missed = Reach.of(source), False
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
            log.warning("alert not fetched", source=source.code, url=link, why=str(error))
        except FetchRefused as error:
            item = _item(source, link, b"", desk.context.clock.now())
            item.state, item.reason = ItemState.SET_ASIDE, str(error)
            documents.append(item)
    return documents, missed


def read_proven(data: bytes, source: SourceConfig, city: City, now: datetime) -> Alert:
    """Return an alert, of a source that names certificates only what one of them signed.

    Raises
    ------
    Unreadable
        It is no CAP alert.
    NotProven
        The source's alerts must be signed, and this one is not or not by whom it should be.
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
    desk: Desk,
    source: SourceConfig,
    item: Item,
    tally: Tally,
    *,
    first: bool,
) -> None:
    known = await session.scalar(
        select(Item.id).where(col(Item.source) == source.code, col(Item.identity) == item.identity)
    )
    if known is not None:
        return
    tally.new += 1
    alert = None
    if item.state is not ItemState.SET_ASIDE:
        try:
            alert = read_proven(item.payload, source, desk.context.city, desk.context.clock.now())
        except Permanent as error:
            item.state, item.reason = ItemState.SET_ASIDE, str(error)
    session.add(item)
    if alert is None:
        tally.set_aside += 1
        SET_ASIDE.labels(source.code, "CAP").inc()
        log.warning("alert set aside", source=source.code, url=item.url, why=item.reason)
        return
    item.state, item.title, item.published_at = ItemState.DONE, alert.headline, alert.sent
    ITEMS.labels(source.code, "read").inc()
    if first or not alert.is_news:
        item.reason = "Listed at the first poll." if first else "Not meant for the public."
        return
    await session.flush()
    notice = await notice_of(session, alert, source, desk.context.city, desk.context.clock.now())
    notice.item_id = item.id
    item.reason = notice.decided_by
    if alert.signed:
        # CAP 1.2, 3.3.2.1: an alert is not refused for a signature that cannot be checked, and
        # the user is told.
        item.reason += "; it is signed, but the source names no certificate to check it by"
    stored, is_new = await submit_notice(session, notice, desk.publish)
    if is_new:
        tally.notices.append(stored)


async def notice_of(
    session: AsyncSession, alert: Alert, source: SourceConfig, city: City, now: datetime
) -> Notice:
    """Compose the notice of an alert, linked to what it updates or takes back."""
    article = alert.article()
    classification = classify(article, source, city)
    told = await _told_before(session, alert.references)
    ruling = _rule(alert, article, classification, source, now, told)
    status = STATUSES[alert.type]
    if status is Status.CORRECTED and told is None:
        status = Status.ISSUED
    topic = told.topic if told is not None else classification.topic
    return Notice(
        identity=f"cap:{alert.sender},{alert.identifier}"[:500],
        topic=topic,
        kind=alert.event,
        status=status,
        areas=list(told.areas if told is not None else classification.areas),
        drill=alert.drill,
        reported_at=alert.sent,
        expires_at=alert.expires or now + ARTICLE_EXPIRES,
        event_id=alert.references[0] if alert.references else "",
        url=alert.link,
        texts=texts_of(alert, article, topic, status, source, city),
        source=source.code,
        replaces_id=told.id if told is not None else None,
        decision=ruling.decision,
        decided_by=ruling.decided_by,
        created_at=now,
    )


def _rule(
    alert: Alert,
    article: Article,
    classification: Classification,
    source: SourceConfig,
    now: datetime,
    told: Notice | None,
) -> Ruling:
    if alert.drill:
        return Ruling(Decision.HOLD, "drill", "An exercise or test is never sent as news.")
    if alert.type is MessageType.CANCEL and told is None:
        return Ruling(Decision.PUBLISH, "nobody-was-told", "There is nothing to take back.")
    if alert.expires is not None and alert.expires <= now:
        return Ruling(Decision.PUBLISH, "expired", "It has expired.")
    return rule_on_article(
        article, classification, source, now, foreign_link=leads_elsewhere(article, source)
    )


def texts_of(
    alert: Alert,
    article: Article,
    topic: str,
    status: Status,
    source: SourceConfig,
    city: City,
) -> dict[str, dict[str, str]]:
    """Return what an alert says in every language of the city."""
    if status is Status.CANCELLED:
        words = "\n".join(filter(None, (article.title, article.summary))) or "取り消し"
        return alert_texts(
            topic,
            0,
            {"ja": words},
            city,
            drill=alert.drill,
            at=alert.sent,
            status=status,
            source=source.names,
            languages=city.languages,
            url=alert.link,
        )
    return words_of(article, topic, source, city, drill=alert.drill)


async def _told_before(session: AsyncSession, references: Sequence[str]) -> Notice | None:
    """Return the newest notice among those an alert refers to that went out."""
    if not references:
        return None
    identities = [f"cap:{reference}"[:500] for reference in references[:50]]
    return (
        await session.scalars(
            select(Notice)
            .where(
                col(Notice.identity).in_(identities),
                col(Notice.decision).in_((Decision.SEND, Decision.DIGEST)),
            )
            .order_by(col(Notice.id).desc())
            .limit(1)
        )
    ).one_or_none()
