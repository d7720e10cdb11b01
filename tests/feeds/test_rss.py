"""Feeds as cities really publish them become the articles that a reader of the site sees."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import JAPAN
from feeds import limits
from feeds.errors import Unreadable
from feeds.rss import Article, canonical_link, read_feed, safe_link
from feeds.wording import fold, read_date, text_of_html

URL = "https://www.city.example/rss/news.rdf"
RDF = """<?xml version="1.0"{declared}?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<channel rdf:about="https://www.city.example/"><title>市</title><link>https://www.city.example/</link>
<description>お知らせ</description></channel>
<item rdf:about="https://www.city.example/1.html"><title>道路工事（表参道ソ能）のお知らせ</title>
<link>https://www.city.example/1.html</link><description>通行止めです。</description>
<dc:date>2026-06-15T10:00</dc:date></item></rdf:RDF>"""


def rss(*items: str, head: str = "") -> bytes:
    body = "".join(f"<item>{item}</item>" for item in items)
    return f'{head}<rss version="2.0"><channel><title>市</title>{body}</channel></rss>'.encode()


@pytest.mark.parametrize("real", ["cp932", "euc_jp", "utf-8", "iso2022_jp"])
@pytest.mark.parametrize(
    "declared", ["Shift_JIS", "EUC-JP", "UTF-8", "ISO-8859-1", "x-nonsense", None]
)
@pytest.mark.parametrize("charset", [None, "iso-8859-1", "utf-8"])
def test_any_encoding_is_read_whatever_it_is_declared_to_be(
    real: str, declared: str | None, charset: str | None
) -> None:
    text = RDF.format(declared=f' encoding="{declared}"' if declared else "")
    feed = read_feed(text.encode(real), url=URL, charset=charset)
    assert feed.form == "rss10"
    [article] = feed.articles
    assert article.title == "道路工事（表参道ソ能）のお知らせ"
    assert article.summary == "通行止めです。"
    assert article.published_at == datetime(2026, 6, 15, 10, tzinfo=JAPAN)


def test_characters_of_windows_in_shift_jis_survive() -> None:
    text = RDF.format(declared=' encoding="Shift_JIS"').replace("道路工事", "①髙橋～㈱")
    [article] = read_feed(text.encode("cp932"), url=URL).articles
    assert article.title.startswith("①髙橋～㈱")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mon, 15 Jun 2026 15:30:00 +0900", (2026, 6, 15, 15, 30)),
        ("Mon, 15 Jun 2026 06:30:00 GMT", (2026, 6, 15, 15, 30)),
        ("Mon, 15 Jun 2026 15:30:00", (2026, 6, 15, 15, 30)),
        ("Mon, 15 Jun 2026 15:30:00 JST", (2026, 6, 15, 15, 30)),
        ("2026-06-15T15:30:00+09:00", (2026, 6, 15, 15, 30)),
        ("2026-06-15T06:30:00Z", (2026, 6, 15, 15, 30)),
        ("2026-06-15T15:30", (2026, 6, 15, 15, 30)),
        ("2026-06-15", (2026, 6, 15, 0, 0)),
        ("2026/6/15 15:30", (2026, 6, 15, 15, 30)),
        ("2026年6月15日（月曜日）午後3時30分", (2026, 6, 15, 15, 30)),
        ("２０２６年６月１５日　１５時３０分", (2026, 6, 15, 15, 30)),
        ("令和8年6月15日", (2026, 6, 15, 0, 0)),
        ("令和８年６月１５日(月) 午前０時", (2026, 6, 15, 0, 0)),
        ("令和元年5月1日 正午前 11:59", (2019, 5, 1, 11, 59)),
        ("R8.6.15", (2026, 6, 15, 0, 0)),
        ("二〇二六年六月十五日 午後三時半", (2026, 6, 15, 15, 30)),
        ("平成31年4月30日", (2019, 4, 30, 0, 0)),
    ],
)
def test_dates_are_read_in_every_fashion_and_mean_japan(text: str, moment: tuple[int, ...]) -> None:
    assert read_date(text) == datetime(*moment, tzinfo=JAPAN)  # type: ignore[misc,arg-type]


def test_a_date_by_a_machine_that_speaks_japanese_says_its_zone() -> None:
    assert read_date("月, 15 6月 2026 10:00:00 +0900") == datetime(2026, 6, 15, 10, tzinfo=JAPAN)
    assert read_date("Mon, 15 6月 2026 10:00:00 GMT") == datetime(2026, 6, 15, 19, tzinfo=JAPAN)


@pytest.mark.parametrize(
    "text", ["", "きのう", "2026年13月1日", "令和8年2月30日", "0001-01-01", "9999-12-31", "1" * 200]
)
def test_what_is_no_date_is_no_date(text: str) -> None:
    assert read_date(text) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_dates(text: str) -> None:
    read = read_date(text)
    assert read is None or read.tzinfo is not None


def test_missing_repeated_and_changing_guids() -> None:
    article = "<title>{0}</title><link>https://www.city.example/{0}.html?utm_source=rss</link>"
    [one] = read_feed(rss(article.format("a")), url=URL).articles
    assert one.identity == "www.city.example/a.html".removeprefix("www.")
    same_guid = read_feed(
        rss(article.format("a") + "<guid>0</guid>", article.format("b") + "<guid>0</guid>"), url=URL
    ).articles
    assert len({a.identity for a in same_guid}) == 2
    # A fire brigade's page: every dispatch has the same link and none has a guid.
    same_link = read_feed(
        rss(
            "<title>火災 中央</title><link>https://fire.example/</link><pubDate>2026-06-15</pubDate>",
            "<title>救助 大穂</title><link>https://fire.example/</link><pubDate>2026-06-15</pubDate>",
        ),
        url=URL,
    ).articles
    assert len({a.identity for a in same_link}) == 2


def test_an_article_listed_three_times_in_one_feed_keeps_its_own_guid() -> None:
    one = "<title>断水</title><link>/w.html</link><guid isPermaLink='false'>g1</guid>"
    [article] = read_feed(rss(one, one, one), url=URL).articles
    assert article.identity == "g1"


def test_dates_that_are_all_the_moment_of_making_are_no_dates() -> None:
    item = "<title>{0}</title><guid>{0}</guid><pubDate>{1}</pubDate>"
    now = "Mon, 15 Jun 2026 12:00:00 +0900"
    feed = read_feed(rss(*(item.format(n, now) for n in "abc")), url=URL)
    assert [article.published_at for article in feed.articles] == [None] * 3
    feed = read_feed(rss(item.format("a", now), item.format("b", "2026-06-14")), url=URL)
    assert all(article.published_at for article in feed.articles)


def test_dispatches_dated_by_each_reading_are_the_same_the_next_day() -> None:
    item = "<title>{0}</title><link>https://fire.example/</link><pubDate>{1}</pubDate>"
    readings = [
        read_feed(rss(*(item.format(what, day) for what in ("火災", "救助", "救急"))), url=URL)
        for day in ("2026-06-15T10:00:00", "2026-06-16T10:00:00")
    ]
    one, other = ({article.identity for article in feed.articles} for feed in readings)
    assert one == other


def test_a_feed_with_a_counter_behind_its_end_is_whole() -> None:
    data = rss("<title>断水</title>") + b"<script src='//counter.example/x.js'></script>"
    assert [article.title for article in read_feed(data, url=URL).articles] == ["断水"]


def test_a_head_full_of_broken_declarations_does_not_stop_the_clock() -> None:
    started = time.monotonic()
    with pytest.raises(Unreadable):
        read_feed(b"<!DOCTYPE " * 1000, url=URL)
    assert time.monotonic() - started < 3


def test_comments_behind_the_end_do_not_stop_the_clock() -> None:
    started = time.monotonic()
    data = rss("<title>断水</title>") + b"<!--a-->" * 200 + b"x"
    assert len(read_feed(data, url=URL).articles) == 1
    assert time.monotonic() - started < 3


def test_html_becomes_what_a_reader_sees_of_it() -> None:
    [article] = read_feed(
        rss(
            "<title>&lt;b&gt;断水&lt;/b&gt;のお知らせ &amp;amp; 復旧</title>"
            "<description>&lt;p&gt;一行目&lt;br&gt;二行目&lt;script&gt;alert(1)&lt;/script&gt;"
            "&lt;/p&gt;</description><link>../life/1.html</link>"
        ),
        url=URL,
    ).articles
    assert article.title == "断水のお知らせ & 復旧"
    assert article.summary == "一行目\n二行目"
    assert article.link == "https://www.city.example/life/1.html"


def test_text_that_hides_its_direction_is_shown_plainly() -> None:
    [article] = read_feed(rss("<title>避難\u202eて\u200bく\u2066ださい</title>"), url=URL).articles
    assert article.title == "避難てください"


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://a b/",
        "//",
        "http://",
    ],
)
def test_a_link_that_is_no_web_address_is_left_out(link: str) -> None:
    assert safe_link(link, URL) in {"", "https://www.city.example/rss/"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body><h1>503</h1></body></html>",
        "<!DOCTYPE html><html><head><title>メンテナンス中</title></head></html>".encode(),
        b"{}",
        b"<rss version='2.0'><channel><item><title>half",
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss>&b;</rss>',
        b'<!DOCTYPE rss SYSTEM "http://evil.example/x.dtd" [ ]><rss version="2.0"></rss>',
        b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel>&x;</channel></rss>',
        b"\xff\xfe\x00",
        b"\x00" * 1000,
    ],
)
def test_what_is_no_whole_honest_feed_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        read_feed(data, url=URL)
    assert str(caught.value)


def test_old_rss_with_its_public_doctype_is_read() -> None:
    head = (
        '<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        '"http://my.netscape.com/publish/formats/rss-0.91.dtd">'
    )
    body = "<channel><title>x</title><item><title>y</title></item></channel>"
    data = f'{head}<rss version="0.91">{body}</rss>'
    [article] = read_feed(data.encode(), url=URL).articles
    assert article.title == "y"


def test_a_sloppy_feed_with_a_bare_ampersand_is_read() -> None:
    [article] = read_feed(rss("<title>A & B のお知らせ</title><guid>1</guid>"), url=URL).articles
    assert article.title == "A & B のお知らせ"


def test_a_first_day_of_2000_items_is_read_and_more_than_the_limit_is_cut() -> None:
    items = [f"<title>記事{n}</title><guid>{n}</guid>" for n in range(limits.MAX_FEED_ITEMS + 10)]
    assert len(read_feed(rss(*items[:2000]), url=URL).articles) == 2000


def test_the_same_words_have_the_same_hash_however_they_are_written() -> None:
    one = Article(identity="1", title="ゴミ収集（ＡＢＣ）", summary="ﾊﾞｽ  12-3")
    other = Article(identity="2", title="ごみ収集(abc)", summary="バス 12－3")
    assert one.content_hash == other.content_hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://www.city.example/a/", "https://city.example/a"),
        ("https://city.example/a?utm_source=x&id=1", "https://city.example:443/a?id=1"),
        ("https://city.example/a/index.html", "https://city.example/a"),
    ],
)
def test_one_page_has_one_identity(one: str, other: str) -> None:
    assert canonical_link(one) == canonical_link(other)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        read_feed(data, url=URL)


@given(st.text(max_size=200))
def test_plain_text_has_no_control_characters(text: str) -> None:
    shown = text_of_html(text, 100)
    assert len(shown) <= 100
    assert not any(ord(character) < 32 and character != "\n" for character in shown)
    assert fold(fold(text)) == fold(text)


def test_a_date_in_utc_is_the_same_moment() -> None:
    assert read_date("2026-06-15T06:30:00Z") == datetime(2026, 6, 15, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        # RFC 5322, 3.3: -0000 is UTC, and says nothing of the place.
        ("Mon, 15 Jun 2026 10:00:00 -0000", 10),
        ("15 Jun 2026 10:00:00 -0000 (unknown)", 10),
        ("2026-06-15T10:00:00-00:00", 10),
        ("Mon, 15 Jun 2026 10:00:00 +0000", 10),
        ("Mon, 15 Jun 26 10:00 UT", 10),
        ("Mon, 15 Jun 2026 10:00:00 Z", 10),
        ("Mon, 15 Jun 2026 05:00:00 EST", 10),
        ("Mon, 15 Jun 2026 19:00:00 JST", 10),
        ("Mon, 15 Jun 2026 19:00:00", 10),
        ("2026-06-15T19:00:00", 10),
        ("Mon, 15 Jun 2026 19:00:00 +09:00", 10),
    ],
)
def test_a_zone_is_what_the_standard_says_it_is(text: str, hour: int) -> None:
    assert read_date(text) == datetime(2026, 6, 15, hour, tzinfo=UTC)


def test_a_bare_ampersand_is_one_and_spoils_no_link(shared_data: Path) -> None:
    data = (shared_data / "cases/rss/unescaped_amp.xml").read_bytes()
    [found] = read_feed(data, url="https://www.city.example/rss.xml").articles
    assert found.title == "子育てR&D センター"
    assert found.summary == "説明 子育てR&D センター 終"
    assert found.link == "https://www.city.example/a?x=1&copy=3"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Q&A", "Q&A"),
        ("AT&T &unknown; &", "AT&T &unknown; &"),
        ("A&nbsp;B &copy; &#169; &#x3042;", "A B © © あ"),
        ("R&amp;D", "R&D"),
        ("R&amp;amp;D", "R&D"),
        ("<![CDATA[Q&A と R&amp;D &hearts;]]>", "Q&A と R&D ♥"),
        ("1 &lt; 2", "1 < 2"),
    ],
)
def test_entities_are_read_and_what_is_none_stays(title: str, shown: str) -> None:
    link = "https://city.example/a?x=1&amp;amp;lang=ja&amp;copy=3"
    [found] = read_feed(rss(f"<title>{title}</title><link>{link}</link>")).articles
    assert found.title == shown
    assert found.link == "https://city.example/a?x=1&lang=ja&copy=3"
