"""Readings stand behind kanji, and only there."""

from __future__ import annotations

import pytest

from core.clock import ManualClock
from core.database import Database
from feeds.furigana import reader, with_reading
from feeds.rss import Article
from feeds.translate import ArticleTranslations
from tests.support.feed_world import a_city


@pytest.mark.parametrize(
    ("surface", "reading", "shown"),
    [
        ("通行止め", "ツウコウドメ", "通行止（つうこうど）め"),
        ("断水", "ダンスイ", "断水（だんすい）"),
        ("お知らせ", "オシラセ", "お知（し）らせ"),
        ("出す", "ダス", "出（だ）す"),
        ("ください", "クダサイ", "ください"),
        ("バス", "バス", "バス"),
        ("123", "", "123"),
        ("大穂", "", "大穂"),
        ("取り扱い", "トリアツカイ", "取り扱（とりあつか）い"),
    ],
)
def test_a_reading_stands_behind_the_kanji(surface: str, reading: str, shown: str) -> None:
    assert with_reading(surface, reading) == shown


async def test_easy_japanese_gets_readings_and_is_no_machine_translation(
    database: Database, clock: ManualClock
) -> None:
    def read(text: str) -> str:
        return text.replace("断水", with_reading("断水", "ダンスイ"))

    readings = ArticleTranslations(None, a_city(), database, clock, reader=read)
    article = Article(identity="1", title="断水のお知らせ", summary="断水です。")
    made = await readings.articles([article])
    assert made == {
        article.content_hash: {
            "ja-x-easy": ("断水（だんすい）のお知らせ", "断水（だんすい）です。")
        }
    }


def test_a_whole_sentence_is_read_where_the_extra_is_installed() -> None:
    pytest.importorskip("fugashi", reason="the extra todoke[furigana] is not installed")
    read = reader()
    assert read is not None
    assert read("大切な\nお知らせ") == "大切（たいせつ）な\nお知（し）らせ"
    assert read("６月１５日 断水") == "６月（がつ）１５日 断水（だんすい）"


def test_without_the_extra_there_are_no_readings() -> None:
    try:
        import fugashi  # noqa: F401
    except ImportError:
        assert reader() is None
    else:
        assert reader() is not None
