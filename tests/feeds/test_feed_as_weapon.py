"""A feed that only takes time to read is refused by counting, or ends the child that reads it."""

from __future__ import annotations

import aiohttp
import feedparser
import pytest

from core.child import Workshop
from core.clock import ManualClock
from core.database import Database
from feeds import limits
from feeds.article_sources import read_in_child
from feeds.errors import Unreadable
from feeds.fetch import SourceAnswer
from feeds.poll_session import PollSession
from feeds.rss import read_feed
from tests.support.feed_world import FeedWorld, a_city

pytestmark = pytest.mark.slow


def feed(item: str, count: int = 1) -> bytes:
    return f'<rss version="2.0"><channel>{item * count}</channel></rss>'.encode()


ITEM = "<item><title>断水</title></item>"
ATTRIBUTES = " ".join(f'a{n}="x"' for n in range(8_000))


@pytest.mark.parametrize(
    "weapon",
    [
        feed(f"<item {ATTRIBUTES}><title>断水</title></item>"),
        feed(f"<item><description><![CDATA[<p {ATTRIBUTES}>x</p>]]></description></item>"),
        feed(ITEM, limits.MAX_FEED_ITEMS_IN_ALL + 1),
        feed(ITEM.replace("item", "ENTRY"), limits.MAX_FEED_ITEMS_IN_ALL + 1),
    ],
    ids=["attributes", "attributes in HTML", "items", "entries"],
)
def test_a_weapon_is_refused_before_a_parser_sees_it(
    weapon: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: object, **__: object) -> None:
        raise AssertionError("the parser was asked")

    monkeypatch.setattr(feedparser, "parse", parse)
    with pytest.raises(Unreadable):
        read_feed(weapon)


@pytest.fixture
def desk(database: Database, clock: ManualClock, http: aiohttp.ClientSession) -> PollSession:
    return FeedWorld(a_city(), database, clock).poller(http).desk


async def test_a_child_reads_a_feed_as_we_would(desk: PollSession) -> None:
    body = feed(
        "<item><title>断水</title><link>https://a.example/1</link><category>水道</category>"
        "<pubDate>Mon, 15 Jun 2026 12:00:00 +0900</pubDate></item>",
    )
    answer = SourceAnswer(url="https://a.example/feed", body=body)
    assert await read_in_child(desk, answer) == read_feed(body, url=answer.url)
    with pytest.raises(Unreadable, match="error page"):
        await read_in_child(desk, SourceAnswer(url=answer.url, body=b"<html></html>"))


async def test_what_counting_does_not_find_ends_the_child_and_not_us(desk: PollSession) -> None:
    """Escaped HTML hides its attributes from whoever counts elements."""
    hidden = f"<p {ATTRIBUTES}>x</p>".replace("<", "&lt;").replace(">", "&gt;")
    body = feed(f"<item><description>{hidden}</description></item>", 40)
    impatient = Workshop("feeds.feed_files:read_apart", processor_seconds=1)
    object.__setattr__(desk, "reading", impatient)
    with pytest.raises(Unreadable, match="too much"):
        await read_in_child(desk, SourceAnswer(url="https://a.example/feed", body=body))
