"""An article is news once, however often, wherever and in whatever spelling it is listed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as at_hour

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, Decision, Rule, SourceConfig
from core.clock import JAPAN, ManualClock
from core.database import Database
from feeds import articles, limits
from feeds.classify import classify
from feeds.event_days import EventDay
from feeds.models import Item, Notice, Source, Status
from feeds.policy import changed_in_substance
from feeds.rss import Article, canonical_link
from feeds.texts import drill_mark
from tests.support.feed_world import a_city, source

NEWS = source(
    "news",
    "rss",
    "https://www.city.example/news.rdf",
    rules=(Rule(topic="roadworks", words=("通行止め",), decision=Decision.SEND),),
)
LIFE = source(
    "life",
    "rss",
    "https://www.city.example/life.rdf",
    topic="collection",
    decision="send",
)
CITY = a_city(NEWS, LIFE)


class Desk:
    """Readings of feeds, one after the other, and what was sent of them."""

    def __init__(self, database: Database, clock: ManualClock, city: City = CITY) -> None:
        self.database = database
        self.clock = clock
        self.city = city
        self.sent: list[Notice] = []

    async def publish(self, session: AsyncSession, notice: Notice) -> None:
        self.sent.append(notice)

    async def read(
        self, source: SourceConfig, *some: Article, first: bool = False
    ) -> articles.Taken:
        async with self.database.writing() as session:
            if await session.get(Source, source.code) is None:
                session.add(Source(code=source.code, kind="rss"))
                await session.flush()
            sorted_out = await articles.sort_out(session, source, self.city, some)
            return await articles.store_reading(
                session,
                source,
                self.city,
                sorted_out,
                self.clock.now(),
                self.publish,
                first_poll=first,
            )

    async def notices(self) -> Sequence[Notice]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(Notice).order_by(col(Notice.id))))


async def test_the_day_of_an_event_follows_the_article(desk: Desk) -> None:
    now = desk.clock.now().astimezone(JAPAN)
    soon, later = ((now + timedelta(days=days)).date() for days in (7, 14))

    def fair(day: date) -> Article:
        said = f"日時：{day.year}年{day.month}月{day.day}日 午前10時から正午まで"
        return article(9, "市民まつりのための通行止め", said)

    await desk.read(NEWS, article(1), first=True)
    await desk.read(NEWS, fair(soon))
    [told] = await desk.notices()
    begins = datetime.combine(soon, at_hour(10), JAPAN)
    assert told.event == EventDay(begins, begins + timedelta(hours=2))
    # Told already: the correction has the new day.
    await desk.read(NEWS, fair(later))
    _, corrected = await desk.notices()
    assert (corrected.status, corrected.replaces_id) == (Status.CORRECTED, told.id)
    assert corrected.event is not None
    assert corrected.event.begins_at.astimezone(JAPAN).date() == later
    # Only the feed's own field has changed: nobody is told again, and the calendar is right.
    await desk.read(NEWS, replace(fair(later), begins=f"{soon.isoformat()}T18:00:00+09:00"))
    notices = await desk.notices()
    assert len(notices) == 2
    assert notices[1].begins_at == datetime.combine(soon, at_hour(18), JAPAN)


@pytest.fixture
def desk(database: Database, clock: ManualClock) -> Desk:
    return Desk(database, clock)


def article(
    number: int,
    title: str = "市道の通行止め",
    summary: str = "工事のため通行止めにします。",
    at: datetime | None = None,
    **values: str,
) -> Article:
    link = values.get("link", f"https://www.city.example/{number}.html")
    return Article(
        identity=values.get("identity", canonical_link(link)),
        title=title,
        summary=summary,
        link=link,
        published_at=at,
    )


async def test_an_article_is_told_once(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    for _ in range(3):
        await desk.read(NEWS, article(1))
    assert len(desk.sent) == 1


@pytest.mark.slow
async def test_a_first_day_of_2000_items_tells_nothing_and_the_next_item_is_news(
    desk: Desk,
) -> None:
    many = [article(n, title=f"記事{n}") for n in range(2000)]
    taken = await desk.read(NEWS, *many, first=True)
    assert (taken.new, desk.sent, await desk.notices()) == (2000, [], [])
    await desk.read(NEWS, *many, article(5000))
    assert len(desk.sent) == 1


async def test_a_feed_that_was_empty_for_a_while_tells_nothing_again(desk: Desk) -> None:
    known = [article(n, title=f"第{n}号線の通行止め") for n in range(3)]
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, *known)
    await desk.read(NEWS)
    await desk.clock.advance(86400)
    await desk.read(NEWS, *known)
    assert len(desk.sent) == 3


async def test_an_article_that_moved_is_the_same_article(desk: Desk) -> None:
    at = desk.clock.now()
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, article(1, at=at))
    await desk.read(NEWS, article(2, at=at))
    await desk.read(
        NEWS, article(3, at=at, title="市道の　通行止メ", summary="工事のため通行止めにします。")
    )
    assert len(desk.sent) == 1


async def test_a_short_text_that_comes_again_on_another_day_is_news_again(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    at = desk.clock.now()
    await desk.read(NEWS, article(1, title="大雨による通行止め", summary="", at=at))
    await desk.clock.advance(7 * 86400)
    await desk.read(
        NEWS, article(2, title="大雨による通行止め", summary="", at=at + timedelta(days=7))
    )
    assert len(desk.sent) == 2


async def test_an_article_listed_in_two_feeds_is_told_once(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(LIFE, first=True)
    await desk.read(NEWS, article(1))
    await desk.read(LIFE, article(1))
    await desk.read(LIFE, article(9, identity="guid-9", link="https://www.city.example/1.html"))
    assert [notice.source for notice in desk.sent] == ["news"]


async def test_what_one_feed_listed_at_its_first_poll_is_no_news_in_another(desk: Desk) -> None:
    await desk.read(NEWS, article(1), first=True)
    await desk.read(LIFE, first=True)
    await desk.read(LIFE, article(1, summary="同じページの別の要約です。"))
    assert desk.sent == []


async def test_a_feed_that_knows_the_topic_decides_what_another_could_not(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(LIFE, first=True)
    unknown = article(1, title="収集日の変更", summary="水曜日から木曜日に変わります。")
    await desk.read(NEWS, unknown)
    [held] = await desk.notices()
    assert (held.decision, held.decided_by) == (Decision.HOLD, "rule:default")
    await desk.read(LIFE, unknown)
    [sent] = await desk.notices()
    assert (sent.id, sent.decision, sent.topic) == (held.id, Decision.SEND, "collection")
    assert [notice.id for notice in desk.sent] == [held.id]


async def test_an_edit_is_told_when_it_changes_what_a_reader_does(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, article(1, summary="６月１５日の９時から通行止めにします。"))
    await desk.read(NEWS, article(1, summary="6月15日の9時から、通行止めにします。"))
    assert len(desk.sent) == 1
    await desk.read(NEWS, article(1, summary="6月16日の9時から通行止めにします。"))
    first, second = desk.sent
    assert (second.status, second.replaces_id) == (Status.CORRECTED, first.id)
    await desk.read(NEWS, article(1, summary="6月16日の通行止めは中止します。"))
    assert desk.sent[2].replaces_id == second.id


async def test_an_edit_of_what_nobody_was_told_changes_it_quietly(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, article(1, title="講座のお知らせ", summary="6月15日です。"))
    await desk.read(NEWS, article(1, title="講座のお知らせ", summary="6月16日です。"))
    [held] = await desk.notices()
    assert "6月16日" in held.texts["ja"]["text"]
    assert desk.sent == []


async def test_a_rebuilt_web_site_is_held_for_somebody_to_look_at(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    many = [article(n, title=f"第{n}号線 通行止め") for n in range(limits.MAX_SENDS_A_POLL + 1)]
    await desk.read(NEWS, *many)
    assert desk.sent == []
    assert {n.decided_by for n in await desk.notices()} == {"rule:flood"}


async def test_edits_of_a_whole_rebuilt_site_are_held_for_somebody_to_look_at(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    count = limits.MAX_SENDS_A_POLL
    many = [article(n, title=f"第{n}号線 通行止め") for n in range(count + 1)]
    await desk.read(NEWS, *many[:count])
    await desk.read(NEWS, many[count])
    assert len(desk.sent) == count + 1
    added = [article(n, title=f"第{n}号線 通行止め", summary="令和8年度") for n in range(count + 1)]
    await desk.read(NEWS, *added)
    assert len(desk.sent) == count + 1
    assert [n.decided_by for n in await desk.notices()][count + 1 :] == ["rule:flood"] * (count + 1)


async def test_old_news_is_published_and_not_pushed(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, article(1, at=desk.clock.now() - timedelta(days=30)))
    [notice] = await desk.notices()
    assert (notice.decision, notice.decided_by) == (Decision.PUBLISH, "rule:too-old")


async def test_a_link_to_a_stranger_waits_for_a_person(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, article(1, link="https://phishing.example/login"))
    [notice] = await desk.notices()
    assert (notice.decision, notice.decided_by) == (Decision.HOLD, "rule:foreign-link")
    assert desk.sent == []


@pytest.mark.parametrize(
    ("title", "summary", "drill"),
    [
        ("【訓練】市道の通行止め", "通行止めです。", True),
        ("市道の通行止め［テスト配信］", "通行止めです。", True),
        ("市道の通行止め", "これは訓練です。通行止めです。", True),
        ("＜訓練＞市道の通行止め", "通行止めです。", True),
        ("市道の通行止め", "これは、Ｊアラートのテストです。", True),
        ("通行止め", "Ｊアラートのテスト：「これは、Ｊアラートのテストです。」と流れます", False),
        ("防災訓練による通行止め", "訓練（図上訓練を含む）のため通行止めにします。", False),
        ("【訓練ではありません】通行止め", "通行止めです。", False),
    ],
)
async def test_promise_5_what_says_it_is_a_drill_is_held_as_one(
    desk: Desk, title: str, summary: str, drill: bool
) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, article(1, title=title, summary=summary))
    [notice] = await desk.notices()
    assert (notice.drill, bool(desk.sent)) == (drill, not drill)
    if drill:
        assert (notice.decision, notice.decided_by) == (Decision.HOLD, "rule:drill")
        assert all(
            words["title"].startswith(drill_mark(code)) for code, words in notice.texts.items()
        )


@pytest.mark.parametrize("topic", ["通行止め", "工事"])
async def test_promise_5_an_edit_makes_it_a_drill_or_real_as_its_words_do(
    desk: Desk, topic: str
) -> None:
    """A notice that nobody was told yet is changed in place, including the mark of a drill."""
    await desk.read(NEWS, first=True)
    ago = desk.clock.now() - timedelta(days=30)
    real = article(1, title=f"第1号線の{topic}", summary="片側は通れます。", at=ago)
    drill = article(1, title=f"【訓練】第1号線の{topic}", at=ago)
    for edited in (real, drill, real, drill):
        await desk.read(NEWS, edited)
        [notice] = await desk.notices()
        assert notice.drill is (edited is drill)
        for code, words in notice.texts.items():
            assert words["title"].startswith(drill_mark(code)) is notice.drill
        if notice.drill:
            assert (notice.decision, notice.decided_by) == (Decision.HOLD, "rule:drill")
        else:
            assert notice.decided_by != "rule:drill"
    assert not desk.sent


async def test_an_item_keeps_what_came_and_why_it_became_what_it_became(desk: Desk) -> None:
    await desk.read(NEWS, first=True)
    await desk.read(NEWS, article(1))
    async with desk.database.reading() as session:
        [item] = await session.scalars(select(Item))
    assert articles.article_of(item) == article(1)
    assert str(item.reason) == "Rule 1 of news: word '通行止め'."


@pytest.mark.parametrize("title", ["ツウコウドメ", "ﾂｳｺｳﾄﾞﾒ", "つうこうどめ", "ツウコウ ドメ"])
def test_words_are_found_in_any_kana_and_width(title: str) -> None:
    kana = NEWS.model_copy(update={"rules": (Rule(topic="roadworks", words=("つうこうどめ",)),)})
    assert classify(article(1, title=title, summary=""), kana, CITY).topic == "roadworks"


def test_a_category_and_a_word_must_both_fit_and_the_first_rule_wins() -> None:
    rules = (
        Rule(topic="childcare", words=("講座",), categories=("子育て",)),
        Rule(topic="events", words=("講座",), areas=("a1",)),
    )
    ruled = NEWS.model_copy(update={"rules": rules})
    plain = Article(identity="1", title="親の講座")
    of_parents = Article(identity="1", title="親の講座", categories=("子育て",))
    assert classify(plain, ruled, CITY).topic == "events"
    assert classify(plain, ruled, CITY).areas == ("a1",)
    assert classify(of_parents, ruled, CITY).topic == "childcare"


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ("6月15日に開きます", "６月１５日に開きます", False),
        ("6月15日に開きます", "6月15日に開催します", False),
        ("6月15日に開きます", "6月15日に開きます。", False),
        ("6月15日に開きます", "6月16日に開きます", True),
        ("定員20人", "定員30人", True),
        ("6月15日に開きます", "6月15日の催しは中止します", True),
        ("参加できます", "参加できません", True),
        ("9時に開きます", "９：００に開きます", False),
        ("令和8年6月15日に開きます", "2026年6月15日に開きます", False),
        ("参加費1,000円", "参加費　1000円", False),
        ("開きます 最終更新日：2026年6月15日", "開きます 更新日 令和8年6月16日（火曜日）", False),
        ("開きます 閲覧数：123回", "開きます 閲覧数：1,456回", False),
        ("6月15日更新 開きます", "6月16日更新 開きます", False),
        ("6月15日更新 9時に開きます", "6月16日更新 10時に開きます", True),
        ("6月15日15時現在、開いています", "6月15日16時現在、開いています", True),
        ("登録は6月15日から", "登録は6月16日から", True),
        ("運転免許更新 6月15日", "運転免許更新 6月25日", True),
        ("免許の更新：6月15日（月）まで", "免許の更新：6月25日（木）まで", True),
        ("6月15日に更新手続きをします", "6月25日に更新手続きをします", True),
        ("訪問回数2回", "訪問回数3回", True),
        ("公園で遊びます", "公園の水道管が壊れたため、公園を閉めてしばらく使えなくします", True),
    ],
)
def test_only_a_change_of_substance_is_news(before: str, after: str, news: bool) -> None:
    assert changed_in_substance(("催し", before), ("催し", after)) is news


def test_an_edit_made_to_be_hard_to_compare_does_not_stop_the_clock() -> None:
    started = time.monotonic()
    assert changed_in_substance(("", "abcdefgh" * 250), ("", "hgfedcba" * 250))
    assert time.monotonic() - started < 2
