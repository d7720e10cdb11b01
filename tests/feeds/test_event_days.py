"""When an event is comes from the feed's own fields or one clear date; else it is not known."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import JAPAN
from feeds.event_days import EventDay, event_day, whole_days
from feeds.feed_files import from_child, read_apart
from feeds.rss import read_feed

PUBLISHED = datetime(2026, 6, 15, 10, tzinfo=JAPAN)
FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:ev="http://purl.org/rss/1.0/modules/event/"
 xmlns:xcal="urn:ietf:params:xml:ns:xcal" xmlns:schema="http://schema.org/"><channel>
<title>市</title><link>https://www.city.example/</link><description>催し</description>
{items}</channel></rss>"""
ITEM = (
    "<item><title>催し{n}</title><link>https://www.city.example/{n}.html</link>"
    "<pubDate>Mon, 15 Jun 2026 10:0{n}:00 +0900</pubDate>{fields}</item>"
)


def at(day: int, hour: int, minute: int = 0, month: int = 7) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=JAPAN)


def said(text: str, title: str = "市民まつり") -> EventDay | None:
    return event_day(title, text, ("", ""), PUBLISHED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("日時：7月12日（日曜日）午前10時から正午まで", EventDay(at(12, 10), at(12, 12))),
        ("日時　令和8年７月１２日(日)　14:00～15:30", EventDay(at(12, 14), at(12, 15, 30))),
        ("■とき 7月12日 午後1時半〜3時　■ところ 市民ホール", EventDay(at(12, 13, 30), at(12, 15))),
        ("【開催日】2026年7月12日（日）", whole_days(date(2026, 7, 12))),
        ("開催日時：7月11日(土・祝)18時開演", EventDay(at(11, 18))),
        ("会期 7月11日（土）から8月2日（日）まで", whole_days(date(2026, 7, 11), date(2026, 8, 2))),
        ("日時：1月10日（日）9時", EventDay(datetime(2027, 1, 10, 9, tzinfo=JAPAN))),
        ("申込締切 7月1日 日時：7月12日（日）10時", EventDay(at(12, 10))),
    ],
)
def test_one_clear_date_behind_a_label_is_the_day(text: str, expected: EventDay) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "7月12日に開かれます。",
        "申込日時：7月12日（日）10時",
        "発生日時：6月15日 午後3時ごろ",
        "日時：7月12日（月）10時",
        "日時：7月12日・19日（日）10時",
        "日時：7月12日、7月19日",
        "第1回 日時：7月12日（日） 第2回 日時：7月19日（日）",
        "日時：2月30日",
        "日時：2026年6月1日（月）",
        "日時：7月12日（日）25時",
        "日時：未定",
    ],
)
def test_what_is_not_certain_is_not_guessed(text: str) -> None:
    assert said(text) is None


def test_a_title_that_calls_it_off_says_no_day_but_rain_in_the_text_does_not() -> None:
    text = "日時：7月12日（日）10時　雨天中止"
    assert said(text, "【中止】市民まつり") is None
    assert said(text, "市民まつりの延期について") is None
    assert said(text, "市民まつり（雨天中止）") == EventDay(at(12, 10))


def test_fields_of_the_feed_are_believed_and_survive_the_child_that_reads_it() -> None:
    fields = (
        "<ev:startdate>2026-07-12T10:00:00+09:00</ev:startdate>"
        "<ev:enddate>2026-07-12T12:00:00+09:00</ev:enddate>",
        "<xcal:dtstart>2026-07-11</xcal:dtstart><xcal:dtend>2026-07-12</xcal:dtend>",
        "<schema:startDate>2026-07-13T18:30</schema:startDate>",
        "",
    )
    items = "".join(ITEM.format(n=n, fields=one) for n, one in enumerate(fields))
    data = FEED.format(items=items).encode()
    feed = read_feed(data, url="https://www.city.example/feed.xml")
    assert (
        from_child(
            read_apart(
                data, now="2026-07-01T00:00:00+09:00", url="https://www.city.example/feed.xml"
            )[0]
        )
        == feed
    )
    found = [
        event_day(one.title, one.summary, (one.begins, one.ends), PUBLISHED)
        for one in feed.articles
    ]
    assert found == [
        EventDay(at(12, 10), at(12, 12)),
        whole_days(date(2026, 7, 11)),
        EventDay(at(13, 18, 30)),
        None,
    ]
    # Another day is another article, also with the same words.
    assert len({one.content_hash for one in feed.articles}) == 4


@given(
    st.text(
        alphabet="日時開催とき0123456789年月()（）土日:：～ー午前後半分まで 。、・", max_size=80
    )
)
def test_no_text_breaks_it_and_what_it_says_is_ahead(text: str) -> None:
    found = said(text)
    if found is not None:
        assert found.begins_at.date() >= PUBLISHED.date()
        assert found.ends_at is None or found.ends_at > found.begins_at
