"""Polling one of the Meteorological Agency's feeds: the index, then each new telegram, once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import SourceConfig
from core.errors import Retryable, TodokeError
from core.steady import hear_date
from feeds import jma_index, limits, telegrams
from feeds.fetch import AllowedHosts, FetchFailed, fetch
from feeds.metrics import SET_ASIDE
from feeds.models import Item, ItemState, Source
from feeds.poll_session import PollSession, Tally, note
from feeds.reasons import reason

log = structlog.get_logger(__name__)

GAP = timedelta(minutes=8)
"""After a longer silence the agency's short feeds may have dropped something."""


async def poll(desk: PollSession, source: SourceConfig, state: Source, first: bool) -> Tally | None:
    """Read the short feed, after a gap also the long one; then fetch missing telegrams."""
    now = desk.context.clock.now()
    reach = AllowedHosts.of(source)
    answer = await fetch(desk.agency, source.url, reach, validators=desk.validators(source, state))
    hear_date(desk.context.clock, answer.headers, source.code)
    index = None if answer.unchanged else jma_index.read_index(answer.body)
    entries = list(index.entries) if index is not None else []
    stated = (index.updated, *(e.updated for e in entries)) if index is not None else ()
    long_feed = jma_index.long_feed(source.url)
    after_gap = state.last_succeeded_at is None or now - state.last_succeeded_at > GAP
    if after_gap and long_feed is not None:
        entries += await _entries_of(desk, long_feed, reach)
    async with desk.context.database.writing() as session:
        new = await _remember(desk, session, source, entries, now)
        values = desk.succeeded(
            source,
            state,
            news=new > 0,
            answer=None if answer.unchanged else answer,
            stated=stated,
        )
        # The poll has ended, and its lease with it, when its telegrams have been read.
        ending = {key: values.pop(key) for key in ("initialised_at", "next_poll_at")}
        await note(session, source, values)
        waiting = list(
            await session.scalars(
                select(Item)
                .where(col(Item.source) == source.code, col(Item.state) == ItemState.NEW)
                .order_by(col(Item.published_at).desc())
                .limit(limits.MAX_TELEGRAMS_A_POLL)
            )
        )
    tally = Tally(new=new)
    if waiting:
        await _fetch_and_take(desk, source, reach, waiting, tally, first)
    await desk.note(source, ending)
    return tally if waiting else None


async def _entries_of(
    desk: PollSession, url: str, reach: AllowedHosts
) -> list[jma_index.IndexEntry]:
    """Read the long feed; if it fails, log it and use only the short one."""
    try:
        answer = await fetch(desk.agency, url, reach)
        return list(jma_index.read_index(answer.body).entries)
    except TodokeError as error:
        log.warning("feed.unread", url=url, reason=str(error))
        return []


async def _remember(
    desk: PollSession,
    session: AsyncSession,
    source: SourceConfig,
    entries: Sequence[jma_index.IndexEntry],
    now: datetime,
) -> int:
    """Put every telegram not seen before on the list of those to fetch, once."""
    wanted = {
        entry.url: entry for entry in entries if jma_index.may_concern(entry, desk.context.city.jma)
    }
    known: set[str] = set()
    urls = list(wanted)
    for start in range(0, len(urls), 500):
        rows = await session.scalars(
            select(Item.identity).where(
                col(Item.source) == source.code,
                col(Item.identity).in_(urls[start : start + 500]),
            )
        )
        known.update(rows)
    new = [entry for url, entry in wanted.items() if url not in known]
    session.add_all(
        Item(
            source=source.code,
            identity=entry.url,
            kind=entry.kind,
            url=entry.url,
            title=entry.title,
            published_at=entry.updated,
            fetched_at=now,
            state=ItemState.NEW,
        )
        for entry in new
    )
    await session.flush()
    return len(new)


async def _fetch_and_take(
    desk: PollSession,
    source: SourceConfig,
    reach: AllowedHosts,
    waiting: Sequence[Item],
    tally: Tally,
    first: bool,
) -> None:
    """Fetch telegrams in parallel; the others do not wait for a slow one."""
    places = asyncio.Semaphore(limits.TELEGRAM_CONNECTIONS)

    async def get(item: Item) -> Item:
        if not item.payload:
            async with places:
                await _get_telegram(desk, source, reach, item)
        return item

    tasks = {asyncio.create_task(get(item)) for item in waiting}
    patience: float | None = limits.TELEGRAM_PATIENCE
    try:
        while tasks:
            done, tasks = await asyncio.wait(tasks, timeout=patience)
            patience = None
            if done:
                await _take(desk, source, [task.result() for task in done], tally, first)
    finally:
        for task in tasks:
            task.cancel()


async def _get_telegram(
    desk: PollSession, source: SourceConfig, reach: AllowedHosts, item: Item
) -> None:
    """Fetch one telegram into ``item``; the result is stored with its notices."""
    item.attempts += 1
    try:
        answer = await fetch(desk.agency, item.url, reach, max_body=limits.MAX_TELEGRAM)
        item.payload = answer.body
        item.content_hash = hashlib.sha256(answer.body).hexdigest()
        item.fetched_at = desk.context.clock.now()
        if not answer.body:
            raise FetchFailed(reason("telegram.empty"))
    except Retryable as error:
        item.reason = error.reason
        if item.attempts >= limits.TELEGRAM_ATTEMPTS:
            item.state = ItemState.SET_ASIDE
    except TodokeError as error:
        item.reason = error.reason
        item.state = ItemState.SET_ASIDE
    if not item.payload:
        log.warning("telegram.failed", source=source.code, url=item.url, reason=str(item.reason))


async def _take(
    desk: PollSession, source: SourceConfig, items: Sequence[Item], tally: Tally, first: bool
) -> None:
    context = desk.context
    # Fetched telegrams are stored first, in their own transaction, so that they are never fetched
    # again.
    async with context.database.writing() as session:
        # In a fixed order, so that two processes that do this at once never deadlock.
        for item in sorted(items, key=lambda each: each.id or 0):
            stored = await session.get_one(Item, item.id, with_for_update=True)
            if stored.state is ItemState.NEW:
                await session.merge(item)
    for item in items:
        if item.state is ItemState.SET_ASIDE:
            tally.set_aside += 1
            SET_ASIDE.labels(source.code, item.kind).inc()
    async with context.database.writing() as session:
        # A second process that polls this source waits, and then finds it read.
        await session.get(Source, source.code, with_for_update=True)
        ids = [item.id for item in items if item.payload and item.state is ItemState.NEW]
        unread = (
            select(Item)
            .where(col(Item.id).in_(ids), col(Item.state) == ItemState.NEW)
            .order_by(col(Item.id))
            .with_for_update()
        )
        own = list(await session.scalars(unread))
        taken = await telegrams.take_telegrams(
            session,
            own,
            source,
            context.city,
            context.clock.now(),
            desk.publish,
            first_poll=first,
        )
    tally.set_aside += taken.set_aside
    tally.notices += taken.notices
