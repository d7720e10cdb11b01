"""Make notices from the articles of a feed: find new, unchanged and edited ones.

A source's first reading tells residents nothing. After that, an article is news once, however often
it is listed, moved or retouched. An edit is news only if it changes what a reader would do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, Decision, SourceConfig
from core.languages import EASY_JAPANESE
from core.reason import Reason
from feeds import limits
from feeds.classify import DEFAULT_RULE, Classification, classify
from feeds.event_days import EventDay, event_day
from feeds.fetch import AllowedHosts
from feeds.metrics import ITEMS
from feeds.models import Item, ItemState, Notice, Status
from feeds.notices import Publish, submit_notice
from feeds.overlay import Overlay, overlay_in_force
from feeds.policy import (
    ARTICLE_EXPIRES,
    Ruling,
    against_flood,
    changed_in_substance,
    is_marked_drill,
    rule_on_article,
    rule_on_level,
)
from feeds.reasons import reason
from feeds.rss import Article, canonical_link
from feeds.texts import article_texts
from feeds.wording import fold

log = structlog.get_logger(__name__)

SAME_NEWS_DAYS = 30
DISTINCTIVE_CHARACTERS = 80
"""A text of this length with the same words at another address is the same article, moved."""

Translations = Mapping[str, Mapping[str, tuple[str, str]]]
"""By content hash and language: title and summary, as a machine translated them."""


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """The articles of one reading, compared with the known ones."""

    fresh: tuple[Article, ...] = ()
    edited: tuple[tuple[Article, Item], ...] = ()
    repeated: tuple[tuple[Article, Reason], ...] = ()
    """New here but not news, each with the reason."""
    touched: tuple[tuple[Article, Item], ...] = ()
    """Edited, but not in substance."""


@dataclass
class Taken:
    """What became of one reading."""

    new: int = 0
    edited: int = 0
    notices: list[Notice] = field(default_factory=list)


async def sort_out(
    session: AsyncSession, source: SourceConfig, city: City, articles: Sequence[Article]
) -> Sorted:
    """Compare a reading with the items on record; changes nothing."""
    known = await _by_identity(session, [source.code], [a.identity for a in articles])
    unknown = [a for a in articles if (source.code, a.identity) not in known]
    others = [other.code for other in city.sources if other.code != source.code]
    pages = await _by_identity(session, others, [a.identity for a in unknown if has_own_page(a)])
    listed_elsewhere = {identity: item for (_, identity), item in pages.items()}
    twins = await _by_hash(session, [a.content_hash for a in unknown])
    undecided = await _undecided(
        session, [*listed_elsewhere.values(), *(i for same in twins.values() for i in same)]
    )
    fresh: list[Article] = []
    edited: list[tuple[Article, Item]] = []
    repeated: list[tuple[Article, Reason]] = []
    touched: list[tuple[Article, Item]] = []
    taken: dict[str, Article] = {}
    for article in articles:
        item = known.get((source.code, article.identity))
        if item is not None:
            # An old mail was emptied; a new mail with its id is ignored.
            if item.content_hash != article.content_hash and item.payload:
                before = article_of(item)
                substance = changed_in_substance(
                    (before.title, before.summary), (article.title, article.summary)
                )
                (edited if substance else touched).append((article, item))
            continue
        twin = listed_elsewhere.get(article.identity) or next(
            (i for i in twins.get(article.content_hash, ()) if _same(article, i)), None
        )
        if twin is not None and (twin.source == source.code or twin.id not in undecided):
            repeated.append((article, reason("news.same-item", id=twin.id, source=twin.source)))
        elif article.content_hash in taken and _same_day(article, taken[article.content_hash]):
            repeated.append((article, reason("news.listed-twice")))
        else:
            taken[article.content_hash] = article
            fresh.append(article)
    return Sorted(
        fresh=tuple(fresh), edited=tuple(edited), repeated=tuple(repeated), touched=tuple(touched)
    )


async def _undecided(session: AsyncSession, items: Iterable[Item]) -> set[int | None]:
    """Return the ids of those items that wait for staff because no rule knew their topic.

    Another feed that lists the same article may know it (see ``submit_notice``).
    """
    ids = [item.id for item in items if item.id is not None]
    found: set[int | None] = set()
    for start in range(0, len(ids), 500):
        rows = await session.scalars(
            select(Notice.item_id).where(
                col(Notice.item_id).in_(ids[start : start + 500]),
                col(Notice.decision) == Decision.HOLD,
                col(Notice.decided_by) == f"rule:{DEFAULT_RULE}",
            )
        )
        found.update(rows)
    return found


def _same(article: Article, item: Item) -> bool:
    """Whether a text seen before, word for word, is the same news and not a yearly repeat."""
    if item.published_at is None or article.published_at is None:
        return True
    apart = abs(article.published_at - item.published_at)
    distinctive = len(fold(article.title + article.summary)) >= DISTINCTIVE_CHARACTERS
    return apart < timedelta(days=1) or (distinctive and apart < timedelta(days=SAME_NEWS_DAYS))


def _same_day(one: Article, other: Article) -> bool:
    if one.published_at is None or other.published_at is None:
        return True
    return abs(one.published_at - other.published_at) < timedelta(days=1)


async def store_reading(
    session: AsyncSession,
    source: SourceConfig,
    city: City,
    sorted_out: Sorted,
    now: datetime,
    publish: Publish,
    *,
    first_poll: bool,
    translations: Translations | None = None,
    overlay: Overlay | None = None,
) -> Taken:
    """Store a reading and its notices, in the caller's transaction.

    ``overlay`` are the decisions laid over the folder's; by default those that hold now.
    """
    laid = await overlay_in_force(session) if overlay is None else overlay
    made = Taken(new=len(sorted_out.fresh) + len(sorted_out.repeated))
    for article, why in sorted_out.repeated:
        session.add(_item(source, article, now, ItemState.DONE, why))
    if first_poll:
        for article in sorted_out.fresh:
            session.add(_item(source, article, now, ItemState.DONE, reason("news.listed-first")))
        await session.flush()
        ITEMS.labels(source.code, "first-poll").inc(made.new)
        return made
    classified = [classify(article, source, city, laid) for article in sorted_out.fresh]
    rulings = against_flood(
        [
            rule_on_article(a, c, source, now, foreign_link=leads_elsewhere(a, source))
            for a, c in zip(sorted_out.fresh, classified, strict=True)
        ]
    )
    for article, classification, ruling in zip(sorted_out.fresh, classified, rulings, strict=True):
        item = _item(source, article, now, ItemState.DONE, ruling.because)
        session.add(item)
        await session.flush()
        notice = make_notice(
            article, source, city, classification, ruling, now, (translations or {})
        )
        notice.item_id = item.id
        stored, is_new = await submit_notice(
            session, notice, publish, dated=_is_dated(article, now)
        )
        if is_new:
            made.notices.append(stored)
        else:
            item.reason = reason("news.same-notice", id=stored.id)
    ITEMS.labels(source.code, "new").inc(made.new)
    for article, item in sorted_out.touched:
        _renew(item, article)
        if (told := await _last_of(session, item)) is not None:
            told.set_event(event_of(article, now))
    rebuilt = len(sorted_out.edited) > limits.MAX_SENDS_A_POLL
    for article, item in sorted_out.edited:
        _renew(item, article)
        made.edited += 1
        notice_or_none = await _edit(
            session,
            article,
            item,
            source,
            city,
            now,
            publish,
            translations or {},
            hold=rebuilt,
            overlay=laid,
        )
        if notice_or_none is not None:
            made.notices.append(notice_or_none)
    return made


async def _edit(
    session: AsyncSession,
    article: Article,
    item: Item,
    source: SourceConfig,
    city: City,
    now: datetime,
    publish: Publish,
    translations: Translations,
    *,
    hold: bool,
    overlay: Overlay,
) -> Notice | None:
    """Tell those who were told before; change a notice in place if nobody was told yet.

    With ``hold`` staff look first: this many edits at once are a rebuilt web site, not news.
    """
    known = await _last_of(session, item)
    if known is None:
        return None
    classification = classify(article, source, city, overlay)
    ruling = rule_on_article(
        article, classification, source, now, foreign_link=leads_elsewhere(article, source)
    )
    notice = make_notice(article, source, city, classification, ruling, now, translations)
    if known.decision not in {Decision.SEND, Decision.DIGEST}:
        known.texts, known.url = notice.texts, notice.url
        known.set_event(notice.event)
        if known.drill is not notice.drill:
            known.drill = notice.drill
            if known.decision is not Decision.DROP:
                # Nobody has decided yet on its new content.
                known.decision = Decision.HOLD
                known.decided_by = ruling.decided_by if notice.drill else "rule:edited"
        session.add(known)
        return None
    notice.identity = f"{notice.identity}#{article.content_hash[:16]}"
    notice.status = Status.CORRECTED
    notice.item_id = item.id
    notice.replaces_id = known.id
    if known.decision is Decision.SEND and ruling.rule == "too-old":
        # The feed kept the article's first date; people who were told still need to know.
        notice.decision, notice.decided_by = Decision.SEND, "rule:edited"
    if hold and notice.decision in {Decision.SEND, Decision.DIGEST}:
        notice.decision, notice.decided_by = Decision.HOLD, "rule:flood"
    stored, is_new = await submit_notice(session, notice, publish, dated=_is_dated(article, now))
    return stored if is_new else None


async def _last_of(session: AsyncSession, item: Item) -> Notice | None:
    """Return the last notice of an article, locked: somebody may decide on it at this moment."""
    found: Notice | None = await session.scalar(
        select(Notice)
        .where(col(Notice.item_id) == item.id)
        .order_by(col(Notice.id).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


def event_of(article: Article, now: datetime) -> EventDay | None:
    """Return when the event of an article takes place, if that is known."""
    stated = (article.begins, article.ends)
    return event_day(article.title, article.summary, stated, article.published_at or now)


def make_notice(
    article: Article,
    source: SourceConfig,
    city: City,
    classification: Classification,
    ruling: Ruling,
    now: datetime,
    translations: Translations,
) -> Notice:
    """Make the notice of an article, in every language of the city; nothing is stored."""
    drill = is_marked_drill(article.title, article.summary)
    ruling = rule_on_level(ruling, classification.topic, 0, city)
    notice = Notice(
        identity=notice_identity(article, source),
        topic=classification.topic,
        status=Status.ISSUED,
        areas=list(classification.areas),
        drill=drill,
        emergency=False,
        reported_at=article.published_at or now,
        expires_at=now + ARTICLE_EXPIRES,
        url=article.link,
        texts=article_words(
            article,
            classification.topic,
            source,
            city,
            drill=drill,
            translated=translations.get(article.content_hash),
        ),
        source=source.code,
        decision=ruling.decision,
        decided_by=ruling.decided_by,
        created_at=now,
    )
    notice.set_event(event_of(article, now))
    return notice


def _is_dated(article: Article, now: datetime) -> bool:
    """Whether its date is the publication date; some sites use the day of the event."""
    return article.published_at is not None and article.published_at <= now


def article_words(
    article: Article,
    topic: str,
    source: SourceConfig,
    city: City,
    *,
    drill: bool = False,
    translated: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, dict[str, str]]:
    """Return an article's texts for residents, in every language of the city."""
    translated = translated or {}
    return article_texts(
        article.title,
        article.summary,
        topic,
        article.link,
        source.names,
        city=city,
        languages=city.languages,
        drill=drill,
        translations=translated,
        # Readings behind kanji are no translation.
        machine=tuple(translated.keys() - {EASY_JAPANESE}),
    )


def has_own_page(article: Article) -> bool:
    """Whether the article's page identifies it, because the page is the same in every feed."""
    return bool(article.link) and article.identity == canonical_link(article.link)


def notice_identity(article: Article, source: SourceConfig) -> str:
    """Return the identity of an article: its page, if it has its own."""
    if has_own_page(article):
        return f"article:{article.identity}"
    digest = hashlib.sha256(article.identity.encode()).hexdigest()
    return f"{source.code}:{digest}"


def leads_elsewhere(article: Article, source: SourceConfig) -> bool:
    """Whether the article's link leads to a host that the source does not name."""
    if not article.link:
        return False
    host = (urlsplit(article.link).hostname or "").lower()
    return host not in AllowedHosts.of(source).hosts


def article_of(item: Item) -> Article:
    """Return the article as it was stored."""
    fields = json.loads(item.payload)
    published = fields["published_at"]
    return Article(
        identity=item.identity,
        title=fields["title"],
        summary=fields["summary"],
        link=fields["link"],
        published_at=datetime.fromisoformat(published) if published else None,
        categories=tuple(fields["categories"]),
        begins=fields.get("begins", ""),
        ends=fields.get("ends", ""),
    )


def _item(
    source: SourceConfig, article: Article, now: datetime, state: ItemState, why: Reason | None
) -> Item:
    item = Item(
        source=source.code,
        identity=article.identity,
        kind=source.kind,
        fetched_at=now,
        state=state,
        reason=why,
    )
    _renew(item, article)
    return item


def _renew(item: Item, article: Article) -> None:
    fields = asdict(article)
    fields["published_at"] = article.published_at.isoformat() if article.published_at else None
    item.payload = json.dumps(fields, ensure_ascii=False).encode()
    item.content_hash = article.content_hash
    item.url = article.link
    item.title = article.title
    item.published_at = article.published_at


async def _by_identity(
    session: AsyncSession, sources: Sequence[str], identities: Sequence[str]
) -> dict[tuple[str, str], Item]:
    found: dict[tuple[str, str], Item] = {}
    for some in _chunks(identities):
        rows = await session.scalars(
            select(Item).where(col(Item.source).in_(sources), col(Item.identity).in_(some))
        )
        found.update({(item.source, item.identity): item for item in rows})
    return found


async def _by_hash(session: AsyncSession, hashes: Sequence[str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for some in _chunks(hashes):
        rows = await session.scalars(
            select(Item).where(col(Item.content_hash).in_(some)).order_by(col(Item.id))
        )
        for item in rows:
            found.setdefault(item.content_hash, []).append(item)
    return found


def _chunks(values: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    unique = list(dict.fromkeys(values))
    return (unique[start : start + size] for start in range(0, len(unique), size))
