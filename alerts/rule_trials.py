"""Try rules on the past: what would have been sent, held and only shown.

The past is played into a database of its own, empty and thrown away afterwards, through the same
functions that take in news (``feeds.telegrams``, ``feeds.articles``). What would be sent is counted
in the city's own database (``subscriptions.audience``), which is only read. So a trial says
what the service would have done, with the residents of today.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from channels.chain import follows
from channels.dispatch import audience_of
from city.city import City, Decision, SourceConfig
from core.clock import in_japan
from core.database import Database
from core.restored import RestoreHold
from feeds import articles, telegrams
from feeds.articles import article_of
from feeds.models import HazardState, Item, ItemState, Notice, RuleVersion, Source
from feeds.overlay import Overlay
from feeds.rss import Article
from subscriptions.audience import members
from subscriptions.audience_query import AudienceQuery

KEPT = "kept"
"""The name of the past that consists of the city's own telegrams and articles."""
TOGETHER = timedelta(seconds=2)
"""Telegrams from before ``Item.taken_at`` was stored were read together if they came so close."""
WARM_UP = timedelta(days=1)
"""The first day of what is kept only shows what was in force; its news is not counted."""
MOST_ROWS = 400
TABLES = (Source, Item, Notice, HazardState, RestoreHold, RuleVersion)


@dataclass(frozen=True, kw_only=True)
class PastItem:
    """A telegram's bytes or an article, as it came. ``place`` says where to look at it: an item's
    id, or a name."""

    kind: str
    place: str
    payload: bytes = b""
    packed: bool = False
    article: Article | None = None

    @property
    def telegram(self) -> bytes:
        """The telegram as it came. Unpacked only when it is read: all together are too much."""
        return gzip.decompress(self.payload) if self.packed else self.payload


@dataclass(frozen=True, kw_only=True)
class PastReading:
    """What one poll brought: items that were read together."""

    at: datetime
    source: str
    items: tuple[PastItem, ...]
    first: bool = False
    """Whether it was the source's first poll, which tells nobody anything."""
    counted: bool = True


@dataclass(frozen=True, kw_only=True)
class Past:
    """A past to try rules on.

    Parameters
    ----------
    name
        ``kept``, or a recorded day's.
    city
        The city it concerns: a recorded day happens in its own place.
    """

    name: str
    city: City
    readings: tuple[PastReading, ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What would become of one piece of news. ``recipients`` are those it would be sent to; of a
    held one, those it is for.
    """

    past: str
    place: str
    at: datetime
    title: str
    topic: str
    hazard: str
    kind: str
    level: int
    urgency: int
    intensity: str
    status: str
    drill: bool
    decision: Decision
    decided_by: str
    recipients: int = 0
    identity: str = ""


Progress = Callable[[int], None]


async def play(
    past: Past,
    overlay: Overlay,
    live: Database | None,
    *,
    progress: Progress = lambda _: None,
) -> list[Outcome]:
    """Return what would become of everything in a past under an overlay.

    Parameters
    ----------
    live
        The city's database, for the number of residents; only read. None counts nobody.
    progress
        Called with the number of items read.
    """
    # One language is enough: words decide nothing, and composing them costs the most.
    city = past.city.model_copy(update={"languages": ("ja",)})
    sources = {source.code: source for source in city.sources}
    residents = _Residents(live)
    found: list[Outcome] = []
    # One transaction for all: nobody else reads it.
    async with _scratch() as scratch, scratch.writing() as session:
        for reading in past.readings:
            source = sources.get(reading.source)
            if source is None:
                continue
            made = await _read(session, reading, source, city, overlay)
            await session.flush()
            session.expunge_all()
            progress(len(reading.items))
            if not reading.counted:
                continue
            for notice, place in made:
                number = await residents.of(notice, past.city)
                found.append(_outcome(past, reading, notice, place, number))
    return found


async def _read(
    session: AsyncSession,
    reading: PastReading,
    source: SourceConfig,
    city: City,
    overlay: Overlay,
) -> list[tuple[Notice, str]]:
    """Take in one reading, as a poll does."""
    if await session.get(Source, source.code) is None:
        session.add(Source(code=source.code, kind=source.kind, initialised_at=reading.at))
        await session.flush()
    if source.kind == "jma":
        places: dict[int | None, str] = {}
        items = []
        for number, each in enumerate(reading.items):
            item = Item(
                source=source.code,
                identity=f"{reading.at.isoformat()}-{number}-{each.place}",
                kind=each.kind,
                fetched_at=reading.at,
                content_hash=hashlib.sha256(each.telegram).hexdigest(),
                payload=each.telegram,
                state=ItemState.NEW,
            )
            session.add(item)
            items.append(item)
        await session.flush()
        places = {item.id: each.place for item, each in zip(items, reading.items, strict=True)}
        taken = await telegrams.take_telegrams(
            session,
            items,
            source,
            city,
            reading.at,
            _to_nobody,
            first_poll=reading.first,
            overlay=overlay,
        )
        return [(notice, places.get(notice.item_id, "")) for notice in taken.notices]
    read = [each.article for each in reading.items if each.article is not None]
    sorted_out = await articles.sort_out(session, source, city, read)
    stored = await articles.store_reading(
        session,
        source,
        city,
        sorted_out,
        reading.at,
        _to_nobody,
        first_poll=reading.first,
        overlay=overlay,
    )
    ids = [notice.item_id for notice in stored.notices]
    rows = await session.scalars(select(Item).where(col(Item.id).in_(ids)))
    identities = {item.id: item.identity for item in rows}
    by_article = {each.article.identity: each.place for each in reading.items if each.article}
    return [
        (notice, by_article.get(identities.get(notice.item_id, ""), ""))
        for notice in stored.notices
    ]


async def _to_nobody(_session: AsyncSession, _notice: Notice) -> None:
    """A trial sends nothing."""


class _Residents:
    """Counts who would get each notice, as planning does: the audience of today, and for a
    follow-up everybody who would have been told before.
    """

    def __init__(self, live: Database | None) -> None:
        self._live = live
        self._audiences: dict[AudienceQuery, int] = {}
        self._told: dict[int | None, int] = {}

    async def of(self, notice: Notice, city: City) -> int:
        """Return how many residents would get a notice; of a held one, whom it is for."""
        leaves = notice.decision in (Decision.SEND, Decision.DIGEST, Decision.HOLD)
        if not leaves or self._live is None or notice.topic not in city.topic_by_code:
            return 0
        query = audience_of(notice, city)
        if query not in self._audiences:
            async with self._live.reading() as session:
                self._audiences[query] = (await members(session, query)).bits
        bits = self._audiences[query]
        if follows(notice):
            bits |= self._told.get(notice.replaces_id, 0)
        if notice.decision is Decision.SEND:
            self._told[notice.id] = bits
        return bits.bit_count()


def _outcome(
    past: Past, reading: PastReading, notice: Notice, place: str, recipients: int
) -> Outcome:
    return Outcome(
        past=past.name,
        place=place,
        at=reading.at,
        title=notice.texts.get("ja", {}).get("title", ""),
        topic=notice.topic,
        hazard=notice.hazard,
        kind=notice.kind,
        level=notice.level,
        urgency=notice.urgency,
        intensity=notice.intensity,
        status=notice.status.value,
        drill=notice.drill,
        decision=notice.decision,
        decided_by=notice.decided_by,
        recipients=recipients,
        identity=notice.identity,
    )


@asynccontextmanager
async def _scratch() -> AsyncIterator[Database]:
    """An empty database of its own, in a folder that is deleted."""
    with tempfile.TemporaryDirectory(prefix="todoke-trial-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'trial.sqlite3'}")
        tables = [SQLModel.metadata.tables[str(model.__tablename__)] for model in TABLES]
        async with database.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all, tables=tables)
        try:
            yield database
        finally:
            await database.close()


# What is kept.


async def kept_past(live: Database, city: City, now: datetime, days: int) -> Past:
    """Read the telegrams and articles that the city keeps, in the order in which they were read.

    Items that were set aside, letters and messages of other systems are left out.
    """
    since = now - timedelta(days=days)
    kinds = {source.code: source.kind for source in city.sources}
    readings: list[PastReading] = []
    async with live.reading() as session:
        for code, kind in kinds.items():
            if kind in ("jma", "rss"):
                readings += await _kept_of(session, code, kind, since)
    readings.sort(key=lambda reading: reading.at)
    return Past(name=KEPT, city=city, readings=tuple(readings))


async def _kept_of(
    session: AsyncSession, code: str, kind: str, since: datetime
) -> list[PastReading]:
    rows = await session.scalars(
        select(Item)
        .where(
            col(Item.source) == code,
            col(Item.fetched_at) >= since,
            col(Item.state) == ItemState.DONE,
        )
        .order_by(col(Item.fetched_at), col(Item.id))
    )
    items = [item for item in rows if item.payload]
    first = set(
        await session.scalars(
            select(Notice.item_id).where(
                col(Notice.source) == code,
                col(Notice.decided_by) == "rule:first-poll",
            )
        )
    )
    made = []
    begun = None
    for together in _together(items):
        at = together[0].taken_at or together[0].fetched_at
        begun = begun or at
        at_first = any(item.id in first for item in together) or any(
            item.reason is not None and item.reason.code == "news.listed-first" for item in together
        )
        made.append(
            PastReading(
                at=at,
                source=code,
                first=at_first,
                counted=_is_counted(at, begun, since) if kind == "jma" else True,
                items=tuple(_past_item(item, kind) for item in together),
            )
        )
    return made


def _is_counted(at: datetime, begun: datetime, since: datetime) -> bool:
    """Whether it is known what was in force: what is kept may begin in the middle."""
    is_cut = begun - since < WARM_UP
    return not is_cut or at - begun >= WARM_UP


def _past_item(item: Item, kind: str) -> PastItem:
    place = str(item.id)
    if kind == "jma":
        return PastItem(kind=item.kind, place=place, payload=item.payload, packed=item.packed)
    return PastItem(kind=item.kind, place=place, article=article_of(item))


def _together(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Divide items into those that were read together."""
    group: list[Item] = []
    for item in items:
        if group and not _same_reading(group[-1], item):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _same_reading(one: Item, other: Item) -> bool:
    if one.taken_at is not None or other.taken_at is not None:
        return one.taken_at == other.taken_at
    if one.kind == "rss" or other.kind == "rss":
        return one.fetched_at == other.fetched_at
    return other.fetched_at - one.fetched_at < TOGETHER


# What it comes to.


@dataclass
class Sum:
    """How many pieces of news, and how many messages to residents."""

    news: int = 0
    residents: int = 0


@dataclass(kw_only=True)
class TrialResult:
    """What a trial found, for storing and for pages."""

    totals: dict[str, Sum] = field(default_factory=dict)
    """By decision, under the proposed rules."""
    before: dict[str, Sum] = field(default_factory=dict)
    """The same under the rules that hold."""
    more: int = 0
    """News that would be sent and is not today."""
    fewer: int = 0
    read: int = 0
    since: str = ""
    """When the first telegram that is kept was read; "" if none is."""
    days: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each past, news by decision."""
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    """News that would be sent, by hour in Japan."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The news: first what changes, then what would be sent, at most :data:`MOST_ROWS`."""
    left_out: int = 0

    def dumped(self) -> dict[str, Any]:
        return asdict(self)


def compared(after: Sequence[Outcome], before: Sequence[Outcome], read: int) -> TrialResult:
    """Put two trials of one past beside each other: the proposed rules, and those that hold."""
    result = TrialResult(read=read)
    today = {(each.past, each.identity): each for each in before}
    listed: list[tuple[int, dict[str, Any]]] = []
    for each in before:
        total = result.before.setdefault(each.decision.value, Sum())
        total.news += 1
        total.residents += each.recipients
    for each in after:
        total = result.totals.setdefault(each.decision.value, Sum())
        total.news += 1
        total.residents += each.recipients
        day = result.days.setdefault(each.past, {})
        day[each.decision.value] = day.get(each.decision.value, 0) + 1
        old = today.get((each.past, each.identity))
        was = old.decision if old is not None else None
        sends, sent = each.decision is Decision.SEND, was is Decision.SEND
        result.more += sends and not sent
        result.fewer += sent and not sends
        if sends:
            result.hours[in_japan(each.at).hour] += 1
        changed = was is not each.decision
        if changed or each.decision in (Decision.SEND, Decision.HOLD):
            row = asdict(each) | {
                "at": each.at.astimezone(UTC).isoformat(),
                "decision": each.decision.value,
                "before": was.value if was is not None else "",
                "changed": changed,
            }
            listed.append((0 if changed else 1 if sends else 2, row))
    listed.sort(key=lambda pair: pair[0])
    result.rows = [row for _, row in listed[:MOST_ROWS]]
    result.rows.sort(key=lambda row: (not row["changed"], row["past"], row["at"]))
    result.left_out = max(0, len(listed) - MOST_ROWS)
    return result
