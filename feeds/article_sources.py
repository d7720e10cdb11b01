"""Polling RSS and Atom feeds."""

from __future__ import annotations

import asyncio

from core.city import SourceConfig
from feeds.desk import Desk, Tally
from feeds.fetch import Answer, Reach, fetch
from feeds.models import Source
from feeds.rss import Feed, read_feed


async def read_in_thread(answer: Answer) -> Feed:
    """Read a feed beside the event loop.

    Thousands of items take a second, and the loop has emergencies to send meanwhile.
    """
    return await asyncio.to_thread(read_feed, answer.body, url=answer.url, charset=answer.charset)


async def poll(desk: Desk, source: SourceConfig, state: Source, first: bool) -> Tally | None:
    """Read a feed unless it is unchanged."""
    answer = await fetch(
        desk.http, source.url, Reach.of(source), validators=desk.validators(source, state)
    )
    if answer.unchanged:
        await desk.note(source, desk.succeeded(source, state, news=False))
        return None
    feed = await read_in_thread(answer)
    return await desk.take_articles(source, state, feed.articles, first=first, answer=answer)
