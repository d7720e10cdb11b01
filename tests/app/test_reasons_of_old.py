"""Stored English sentences of earlier versions become codes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text

from app.schema import upgrade_now
from channels.line.reasons import reason as of_line
from channels.reasons import reason as of_delivery
from core.reason import Reason, loaded, other
from core.reasons import reason as of_core
from feeds.errors import unexpected
from feeds.reasons import reason as of_source
from tests.support.databases import sync_url

BEFORE = "0012"
NEW_WORDS = ("quota.used-up", "feed.too-heavy", "line.not-line", "telegram.unknown-warning-code")
LINE_SAID = "May not be empty"

ITEMS: list[tuple[str, Reason]] = [
    ("Listed at the first poll.", of_source("news.listed-first")),
    ("The same news as notice 12.", of_source("news.same-notice", id=12)),
    ("The same as item 7 of city-news.", of_source("news.same-item", id=7, source="city-news")),
    ("It is over 24 hours old.", of_source("news.too-old", hours=24)),
    (
        "Rule 1 of city-safety: word '声かけ'.",
        of_source(
            "rule.fits",
            number=1,
            source="city-safety",
            why=of_source("rule.word", word="声かけ"),
        ),
    ),
    (
        "Rule 2 of news: category '防災' and word '断水'.",
        of_source(
            "rule.fits",
            number=2,
            source="news",
            why=of_source(
                "rule.both",
                category=of_source("rule.category", category="防災"),
                word=of_source("rule.word", word="断水"),
            ),
        ),
    ),
    (
        "Rule 3 of news: it takes everything.",
        of_source("rule.fits", number=3, source="news", why=of_source("rule.everything")),
    ),
    (
        "issued: 雷注意報; lifted: 大雨警報",
        of_source(
            "change.all",
            changes=(
                of_source("change.issued", what="雷注意報"),
                of_source("change.lifted", what="大雨警報"),
            ),
        ),
    ),
    (
        "rule:cap#1, rule:place-unclear",
        of_source("news.ruled", rules="rule:cap#1, rule:place-unclear"),
    ),
    (
        "It is for places outside the city.; it is signed, but the source names no certificate to "
        "check it by",
        of_source("news.signed-unchecked", why=of_source("news.elsewhere")),
    ),
    ("A telegram of the unknown kind 'VXXX99'.", of_source("telegram.unknown-kind", kind="VXXX99")),
    (
        "The warning \"it's new\" has the unknown code '99'.",
        of_source("telegram.unknown-warning-code", name="it's new", code="99"),
    ),
    (
        "The telegram is dated 2026-01-02 03:04 UTC.",
        of_source("telegram.dated", moment="2026-01-02 03:04"),
    ),
    ("The feed is over 5,242,880 bytes long.", of_source("feed.too-large", limit="5,242,880")),
    (
        "The feed takes too much to read: It took longer than 5 s.",
        of_source("feed.too-heavy", error=of_core("child.busy", seconds="5")),
    ),
    ("KeyError: 'x'", unexpected(KeyError("x"))),
    ("Written by hand.", other("Written by hand.")),
]
DELIVERIES: list[tuple[str, Reason]] = [
    ("paused by sato@city.example", of_delivery("delivery.paused", name="sato@city.example")),
    ("replaced by notice 3", of_delivery("delivery.replaced", id=3)),
    ("expired", of_delivery("delivery.expired")),
    (
        "the month's quota has 50 messages left, this needs 100",
        of_delivery("quota.short", left=50, needed=100),
    ),
    (
        "LINE answered 429: You have reached your monthly limit.",
        of_line("quota.used-up", words="You have reached your monthly limit.", details=""),
    ),
    (
        "LINE answered 429: Too many",
        of_line("line.busy", words="Too many", details=""),
    ),
    (
        f"LINE answered 400: Bad; messages[0].text: {LINE_SAID}",
        of_line(
            "line.refused", status=400, words="Bad", details=f"; messages[0].text: {LINE_SAID}"
        ),
    ),
    ("the answer was 503: ", of_line("line.broken", status=503, words="", details="")),
    (
        "the answer was 302: Moved",
        of_line("line.not-line", status=302, words="Moved", details=""),
    ),
    (
        "LINE refused 20 residents one by one: LINE answered 400: Bad",
        of_delivery(
            "delivery.refused-singly",
            n=20,
            error=of_line("line.refused", status=400, words="Bad", details=""),
        ),
    ),
    ("restored from a backup: it may have gone out before", of_core("restore.held")),
    ("no answer from LINE: TimeoutError", of_line("line.no-answer", error="TimeoutError")),
    ("a sentence of long ago", other("a sentence of long ago")),
]


def test_sentences_become_codes_and_read_as_before(database_url: str) -> None:
    upgrade_now(database_url, BEFORE)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    engine = create_engine(sync_url(database_url))
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO sources (code, kind, url, failures, last_error) "
                "VALUES ('news', 'rss', '', 2, 'The source answered 503.'), "
                "('fine', 'rss', '', 0, NULL)"
            )
        )
        for number, (sentence, _) in enumerate([*ITEMS, ("", other(""))]):
            connection.execute(
                text(
                    "INSERT INTO items (source, identity, kind, url, title, fetched_at, "
                    "content_hash, payload, state, reason, attempts) VALUES "
                    "('news', :name, 'rss', '', '', :now, '', :none, 'done', :said, 0)"
                ),
                {"name": f"{number:03}", "now": now, "none": b"", "said": sentence},
            )
        for sentence, _ in DELIVERIES:
            connection.execute(
                text(
                    "INSERT INTO deliveries (kind, reference, channel, state, priority, "
                    "respects_quiet, silent, audience, planned_through, carry, runs, "
                    "planning_done, quota_waived, recipients, skipped, reason, created_by, "
                    "created_at) VALUES ('notice', '', 'line', 'paused', 5, :no, :no, '{}', 0, "
                    ":none, 0, :no, :no, 0, 0, :said, 'rule', :now)"
                ),
                {"no": False, "none": b"", "said": sentence, "now": now},
            )
    upgrade_now(database_url)
    with engine.connect() as connection:
        items = list(
            connection.execute(text("SELECT reason FROM items ORDER BY identity")).scalars()
        )
        sent = list(connection.execute(text("SELECT reason FROM deliveries ORDER BY id")).scalars())
        errors = list(
            connection.execute(text("SELECT last_error FROM sources ORDER BY code DESC")).scalars()
        )
    engine.dispose()
    assert items.pop() == ""
    for stored, (sentence, meant) in zip(items, ITEMS, strict=True):
        assert stored == meant.dumped(), sentence
    for stored, (sentence, meant) in zip(sent, DELIVERIES, strict=True):
        assert stored == meant.dumped(), sentence
    assert errors == [of_source("fetch.status", status=503).dumped(), None]


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        (sentence, meant)
        for sentence, meant in (*ITEMS, *DELIVERIES)
        if meant.code
        not in ("quota.used-up", "feed.too-heavy", "line.not-line", "telegram.unknown-warning-code")
    ],
)
def test_the_english_sentence_is_the_one_of_before(sentence: str, meant: Reason) -> None:
    assert str(loaded(meant.dumped())) == sentence
