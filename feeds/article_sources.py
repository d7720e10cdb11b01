"""Polling RSS and Atom feeds, and calendars."""

from __future__ import annotations

from urllib.parse import urlsplit

from city.city import SourceConfig
from core.child import Exhausted
from feeds.errors import Unreadable
from feeds.feed_files import from_child
from feeds.fetch import AllowedHosts, SourceAnswer, Validators, fetch
from feeds.models import Source
from feeds.poll_session import PollSession, Tally
from feeds.reasons import reason
from feeds.rss import Feed


async def read_in_child(desk: PollSession, answer: SourceAnswer) -> Feed:
    """Read a feed in a child process, so that it cannot use up our time or memory.

    Raises
    ------
    Unreadable
        It is no feed, or needs too much time or memory.
    """
    try:
        said, _ = await desk.reading.do(
            answer.body,
            now=desk.context.clock.now().isoformat(),
            url=answer.url,
            charset=answer.charset,
        )
    except Exhausted as error:
        raise Unreadable(reason("feed.too-heavy", error=error.reason)) from error
    return from_child(said)


async def poll(desk: PollSession, source: SourceConfig, state: Source, first: bool) -> Tally | None:
    """Read a feed unless it is unchanged."""
    # A calendar is read each time: of an event that repeats, the next day is another one tomorrow.
    is_calendar = urlsplit(source.url).path.lower().endswith((".ics", ".ical"))
    known = Validators() if is_calendar else desk.validators(source, state)
    answer = await fetch(desk.http, source.url, AllowedHosts.of(source), validators=known)
    if answer.unchanged:
        await desk.note(source, desk.succeeded(source, state, news=False))
        return None
    feed = await read_in_child(desk, answer)
    return await desk.take_articles(
        source, state, feed.articles, first=first, answer=answer, stated=feed.stated
    )
