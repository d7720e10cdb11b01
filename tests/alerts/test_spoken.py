"""What is read aloud: short, with its level, again and again, and never a drill as real."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from alerts.ready_words import CATALOGUE
from alerts.spoken import (
    AGAIN,
    COMMANDS,
    DRILL,
    EMERGENCY_CALL,
    END,
    WHO,
    aloud,
    readings_of,
    spoken,
)
from city.city import Decision
from city.folder import CityFolder
from core.clock import JAPAN
from core.errors import BadInput
from core.languages import LANGUAGES
from feeds.models import Notice, Status
from feeds.texts import alert_texts, drill_mark

NOON = datetime(2026, 6, 15, 12, tzinfo=JAPAN)
WORDS = {
    "ja": "梅里川の水があふれるおそれがあります。山の辺の人は梅里小学校へ行ってください。",
    "en": "The Umesato river may overflow. Go to Umesato school.",
}


def order(sample: CityFolder, **changes: Any) -> Notice:
    """An evacuation order of staff for the district Yamanobe."""
    values: dict[str, Any] = {"level": 4, "status": Status.ISSUED, "drill": False, **changes}
    city = sample.city.served_at("https://todoke.city.example")
    texts = alert_texts(
        "evacuation",
        values["level"],
        WORDS,
        city,
        drill=values["drill"],
        at=NOON,
        areas=["yamanobe"],
        status=values["status"],
        languages=city.languages,
    )
    usual: dict[str, Any] = {
        "identity": "order",
        "topic": "evacuation",
        "kind": "避難指示",
        "emergency": True,
        "areas": ["yamanobe"],
        "reported_at": NOON,
        "texts": texts,
        "decision": Decision.SEND,
        "decided_by": "staff@city.example",
        "created_at": NOON,
    }
    return Notice(**{**usual, **values})


def test_an_order_has_the_form_of_the_cabinet_office_s_examples(sample: CityFolder) -> None:
    """Call with the level twice, who speaks, what was issued where, command, what to do."""
    readings = readings_of(sample.city, sample.shelters)
    said = spoken(order(sample), "ja", sample.city, readings)
    call = "緊急放送、緊急放送、警戒レベル４、避難指示。"
    assert said.once == (
        call,
        call,
        "こちらは、つくば市です。",
        "山の辺（やまのべ）に、警戒レベル４、避難指示を発令しました。",
        "危険な場所にいる人は、全員、ただちに避難せよ。",
        "危険な場所にいる方は、全員すぐに避難してください。",
        "梅里（うめさと）川の水があふれるおそれがあります。",
        "山の辺（やまのべ）の人は梅里小学校（うめさとしょうがっこう）へ行ってください。",
    )
    assert said.times == 3
    assert said.sentences.count("繰り返します。") == 2
    assert said.sentences[-1] == "以上、つくば市でした。"


def test_nothing_that_is_only_for_the_eye_is_read(sample: CityFolder) -> None:
    for language in LANGUAGES:
        said = spoken(order(sample), language, sample.city, {}).text
        assert not any(part in said for part in ("http", "【", "】", "（月）")), language
        if language not in ("ja", "ja-x-easy"):
            assert not any("ぁ" <= letter <= "ん" for letter in said), language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [Status.ISSUED, Status.LIFTED, Status.CORRECTED])
@pytest.mark.parametrize("level", [3, 4, 5])
def test_promise_5_a_drill_says_so_first_last_and_before_each_repetition(
    sample: CityFolder, language: str, status: Status, level: int
) -> None:
    notice = order(sample, drill=True, status=status, level=level)
    said = spoken(notice, language, sample.city, {})
    drill, sentences = said.opening[0], said.sentences
    assert sentences[0] == sentences[-1] == drill
    assert said.text.startswith(drill_mark(language))
    assert said.between[-1] == drill
    assert sentences.count(drill) == said.times + 1
    # No call of an emergency and no command.
    real = spoken(order(sample, level=level), language, sample.city, {})
    assert real.once[0] not in sentences
    assert not set(COMMANDS.values()) & set(sentences)
    assert drill not in real.sentences


def test_a_real_notice_that_begins_like_a_drill_is_refused(sample: CityFolder) -> None:
    words = {"ja": {"title": "【訓練】避難", "text": "【訓練】避難"}}
    with pytest.raises(BadInput):
        spoken(order(sample, texts=words), "ja", sample.city, {})


def test_the_end_has_no_call_and_no_command(sample: CityFolder) -> None:
    said = spoken(order(sample, status=Status.LIFTED, replaces_id=1), "ja", sample.city, {})
    assert said.opening == ("こちらは、つくば市です。",)
    assert "緊急放送" not in said.text and "避難せよ" not in said.text
    assert "避難指示は解除されました。" in said.once


def test_names_are_read_as_the_city_s_folder_says(sample: CityFolder) -> None:
    readings = readings_of(sample.city, sample.shelters)
    assert readings["山の辺"] == "やまのべ"
    assert readings["梅里小学校"] == "うめさとしょうがっこう"
    said = aloud("梅里小学校（うめさとしょうがっこう）と山の辺", readings)
    assert said == "うめさとしょうがっこうとやまのべ"
    assert aloud("危（あぶ）ない【訓練】「川」", {}) == "あぶない訓練、川"


def test_the_time_grows_with_the_words_and_long_sentences_are_named(sample: CityFolder) -> None:
    short = spoken(order(sample), "ja", sample.city, {})
    # 8 sentences, three times, a slow voice: between two and four minutes.
    assert 120 < short.seconds < 240
    assert short.long_sentences == ()
    long = "川" * 60 + "。"
    words = {"ja": {"title": "避難", "text": f"短い文。\n{long}"}}
    assert spoken(order(sample, texts=words), "ja", sample.city, {}).long_sentences == (long,)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_sentences_around_an_alert(language: str) -> None:
    for message in (EMERGENCY_CALL, WHO, AGAIN, DRILL, END):
        assert CATALOGUE.has(language, message)
        assert "Tsukuba" in CATALOGUE.text(language, WHO, city="Tsukuba")
