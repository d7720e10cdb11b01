"""Words people wrote stay theirs; everything around them is in the resident's language."""

from __future__ import annotations

import pytest

from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.models import Status
from feeds.texts import (
    CATALOGUE,
    alert_texts,
    article_texts,
    drill_mark,
    machine_translated,
    status_name,
    term,
    topic_name,
    without_topic,
)
from feeds.texts import messages as m
from feeds.texts.messages import TOPICS
from tests.support.proofreading import without_reading
from tests.support.worked_facts import AT, CITY, unsaid

SOURCE = {"ja": "つくば市ホームページ", "en": "Tsukuba City web site"}
WORDS = {"ja": "小貝川があふれるおそれがあります。", "en": "The Kokai River may overflow."}


def test_an_article_goes_out_in_japanese_with_a_heading_in_the_residents_language() -> None:
    texts = article_texts("図書館の休館", "7月6日は休館。", "events", "https://e.jp/1", SOURCE)
    assert texts["ja"] == {
        "title": "イベント：図書館の休館",
        "text": "7月6日は休館。\n\n詳しくは：https://e.jp/1\n出典：つくば市ホームページ",
    }
    assert texts["pt"] == {
        "title": "Eventos: 図書館の休館",
        "text": "Este artigo está em japonês.\n\n7月6日は休館。\n\n"
        "Mais informações: https://e.jp/1\nFonte: Tsukuba City web site",
    }


def test_promise_6_a_machines_translation_says_so() -> None:
    texts = article_texts(
        "図書館の休館",
        "",
        "events",
        "",
        SOURCE,
        translations={"en": ("Library closed", "Closed on July 6."), "vi": ("Thư viện", "")},
        machine=("en",),
    )
    assert texts["en"]["text"].startswith(machine_translated("en"))
    assert "Library closed" in texts["en"]["title"]
    assert machine_translated("vi") not in texts["vi"]["text"]
    assert "図書館" not in texts["en"]["title"]
    assert texts["ko"]["title"].endswith(": 図書館の休館")


def test_an_articles_title_and_topic_are_each_said_once_on_a_card() -> None:
    for drill in (False, True):
        texts = article_texts("図書館の休館", "7月6日。", "events", "", SOURCE, drill=drill)
        for language, said in texts.items():
            mark = f"{drill_mark(language)} " if drill else ""
            topic = topic_name("events", language)
            assert without_topic(said["title"], topic, language) == f"{mark}図書館の休館"
            assert "図書館の休館" not in said["text"]


def test_the_citys_own_name_for_a_topic_comes_first() -> None:
    assert topic_name("weather", "ja", CITY) == "気象・災害"
    assert topic_name("weather", "en", CITY) == "Weather and disasters"
    assert topic_name("weather", "vi", CITY) == "Thời tiết"
    assert topic_name("unheard-of", "vi", CITY) == "unheard-of"


def test_all_topics_and_statuses_have_a_name_in_every_language() -> None:
    before = unsaid()
    for language in LANGUAGES:
        names = [topic_name(topic, language) for topic in TOPICS]
        assert len(set(names)) == len(TOPICS) == 18
        assert all(status_name(status, language) for status in Status if status.value != "none")
    assert unsaid() == before


def test_an_alert_wraps_the_staffs_words_in_the_residents_language() -> None:
    texts = alert_texts(
        "evacuation", 4, WORDS, CITY, drill=False, at=AT, areas=("d1", "d2"), url="https://e.jp/a"
    )
    assert texts["ja"]["title"] == "避難指示（東町、西町）"
    assert texts["en"]["title"] == "Evacuation Order – Higashimachi, Nishimachi"
    assert WORDS["en"] in texts["en"]["text"]
    assert "Language of the text below" not in texts["en"]["text"]
    burmese = texts["my"]
    assert term("避難指示", "my").text in burmese["title"]
    assert WORDS["ja"] in burmese["text"]
    assert "日本語" in burmese["text"]
    assert "https://city.example.jp/shelters" in burmese["text"]
    assert "https://e.jp/a" in burmese["text"]


def test_a_language_without_words_gets_the_easy_japanese_ones_first() -> None:
    words = {**WORDS, EASY_JAPANESE: "川（かわ）が あふれます。"}
    texts = alert_texts("lifeline", 0, words, CITY, drill=False, at=AT)
    assert words[EASY_JAPANESE] in texts["th"]["text"]
    assert LANGUAGES[EASY_JAPANESE].name in texts["th"]["text"]
    assert WORDS["ja"] not in texts["th"]["text"]


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_a_drill_of_the_city_orders_nobody(level: int) -> None:
    texts = alert_texts("evacuation", level, WORDS, CITY, drill=True, at=AT)
    for language, said in texts.items():
        assert CATALOGUE.text(language, m.DRILL_ADVICE) in said["text"]
        for order in (m.LEVEL_2, m.LEVEL_3, m.LEVEL_4, m.LEVEL_5):
            assert CATALOGUE.text(language, order) not in said["text"]


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("level", range(6))
def test_promise_5_drill_and_real_never_look_alike(status: Status, level: int) -> None:
    before = unsaid()
    for topic in ("evacuation", "fire"):
        drills = alert_texts(topic, level, WORDS, CITY, drill=True, at=AT, status=status)
        reals = alert_texts(topic, level, WORDS, CITY, drill=False, at=AT, status=status)
        for language in LANGUAGES:
            mark = drill_mark(language)
            assert all(part.startswith(mark) for part in drills[language].values())
            assert not any(mark in part for part in reals[language].values())
    assert unsaid() == before


def test_an_alert_that_is_over_asks_nobody_to_leave() -> None:
    texts = alert_texts("evacuation", 4, WORDS, CITY, drill=False, at=AT, status=Status.CANCELLED)
    assert texts["en"]["title"] == "Withdrawn: Evacuation Order – Tsukuba City"
    assert "leave it now" not in texts["en"]["text"]
    assert "shelters" not in texts["en"]["text"]


def test_easy_japanese_explains_the_citys_evacuation_information() -> None:
    for level, name in ((3, "高齢者等避難"), (4, "避難指示"), (5, "緊急安全確保")):
        texts = alert_texts("evacuation", level, WORDS, CITY, drill=False, at=AT)
        easy = texts[EASY_JAPANESE]
        assert f"「{name}（" in easy["text"]
        own = easy["text"].replace(WORDS["ja"], "")
        assert without_reading(own) == [] == without_reading(easy["title"])


def test_what_to_do_and_the_staffs_words_come_before_place_and_time() -> None:
    texts = alert_texts("evacuation", 4, WORDS, CITY, drill=False, at=AT, areas=("d1",))
    text = texts["en"]["text"]
    assert text.index("leave it now") < text.index(WORDS["en"]) < text.index("Place: Higashimachi")


def test_an_alert_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one language"):
        alert_texts("fire", 0, {}, CITY, drill=False, at=AT)
