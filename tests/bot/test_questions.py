"""Residents ask: when is the rubbish collected, how does this go, where do I get that?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from typing import Any

import pytest

from bot.dialogues import respond
from bot.dialogues.kinds import NO_CALENDAR, DialogueState, Known, Pressed, Said
from bot.understanding.patterns import WordRun
from bot.understanding.topics import words_of_topics
from city.collection import CollectionDay, WasteItem
from city.faq import MAX_ANSWER, MAX_QUESTION, FaqEntry
from city.folder import load_folder
from feeds.texts import day_name
from tests.support.chats import known_in
from tests.support.project import SAMPLE_CITY
from tests.support.town import Town, actions_in, words_in

the_sample = cache(partial(load_folder, SAMPLE_CITY))
SATURDAY = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
"""The third Saturday of its month, three in the afternoon in Japan."""


def resident(language: str, *areas: str, now: datetime = SATURDAY) -> Known:
    return replace(known_in(language, the_sample()).having(areas=areas), now=now)


def said(known: Known, text: str) -> str:
    return words_in(list(respond(DialogueState(), Said(text), known).messages))


def rows(known: Known) -> list[tuple[str, str]]:
    """Return the days of the card with what goes on each."""
    [card] = respond(DialogueState(), Pressed("rubbish"), known).messages
    parts = card["contents"]["body"]["contents"][2:]
    return [(part["contents"][0]["text"], part["contents"][1]["text"]) for part in parts]


def test_the_next_collections_of_the_district_are_told_by_day() -> None:
    # chuo: burnable Tue and Fri, plastic Thu, unburnable 2nd and 4th Mon,
    # bottles and cans 1st and 3rd Sat, paper 2nd and 4th Sat.
    assert rows(resident("en", "chuo")) == [
        ("Today · Sat, Nov 21", "Bottles and cans"),
        ("Mon, Nov 23", "Non-burnable rubbish"),
        ("Tue, Nov 24", "Burnable rubbish"),
        ("Thu, Nov 26", "Plastic packaging"),
        ("Fri, Nov 27", "Burnable rubbish"),
        ("Sat, Nov 28", "Paper and cloth"),
    ]


def test_what_comes_seldom_is_told_once_however_far_it_is() -> None:
    calendar = the_sample().calendar
    rare = CollectionDay("chuo", "cans", (5,), (5,))  # a fifth Saturday: 30 January
    weekly = CollectionDay("chuo", "burnable", (0,), ())
    known = resident("en", "chuo", now=SATURDAY + timedelta(days=8))
    known = replace(known, calendar=replace(calendar, days=(rare, weekly)))
    assert rows(known) == [
        ("Tomorrow · Mon, Nov 30", "Burnable rubbish"),
        ("Sat, Jan 30", "Bottles and cans"),
    ]


def test_a_collection_that_falls_away_at_new_year_is_said_to() -> None:
    """Chuo's burnable rubbish is on Tuesdays and Fridays; 1 January 2027 is a Friday."""
    december = resident("en", "chuo", now=datetime(2026, 12, 28, 3, 0, tzinfo=UTC))
    told = dict(rows(december))
    assert told["Tomorrow · Tue, Dec 29"] == "Burnable rubbish"
    assert told["Fri, Jan 1"] == "No collection: Burnable rubbish"
    assert told["Thu, Dec 31"].startswith("No collection: ")


def test_japans_midnight_begins_the_day() -> None:
    before, after = (
        datetime(2026, 11, 23, 14, 59, tzinfo=UTC) + timedelta(minutes=n) for n in (0, 1)
    )
    assert rows(resident("en", "chuo", now=before))[0][0] == "Today · Mon, Nov 23"
    assert rows(resident("en", "chuo", now=after))[0][0] == "Today · Tue, Nov 24"


def test_who_has_no_district_is_asked_for_one() -> None:
    known = resident("my")
    [asked] = respond(DialogueState(), Said("အမှိုက်"), known).messages
    codes = {action["data"] for action in actions_in(asked)}
    assert codes - {"do=areas", "do=report"} == {
        f"do=rubbish-in&to={district.code}" for district in the_sample().city.districts
    }
    [told] = respond(DialogueState(), Pressed("rubbish-in", {"to": "chuo"}), known).messages
    assert "မီးရှို့နိုင်သော အမှိုက်" in words_in(told)


def test_a_district_of_which_the_city_says_nothing_is_not_guessed_at() -> None:
    calendar = the_sample().calendar
    others = tuple(day for day in calendar.days if day.district != "chuo")
    known = replace(resident("en", "chuo"), calendar=replace(calendar, days=others))
    [told] = respond(DialogueState(), Pressed("rubbish"), known).messages
    assert "No collection day is known here." in words_in(told)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "When is the garbage collected?"),
        ("ja", "ゴミはいつ出せますか"),
        ("ja", "収集日"),
        ("vi", "Khi nào thu gom rác?"),
        ("pt", "Quando passa o lixo?"),
        ("my", "အမှိုက် ဘယ်တော့ သိမ်းမလဲ"),
        ("zh-Hans", "什么时候收垃圾？"),
    ],
)
def test_who_asks_about_rubbish_in_their_own_words_is_told(language: str, text: str) -> None:
    known = replace(resident(language, "chuo"), answers=())
    kind = the_sample().calendar.kinds[0].names[language]
    assert kind in said(known, text)


@pytest.mark.parametrize(
    ("text", "thing", "advice"),
    [
        ("スプレーかん", "スプレーかん", "必ず使い切ってください"),
        ("スプレー缶", "スプレーかん", "穴は開けないで"),
        ("傘の捨て方", "傘", "束ねて"),
        ("かさはどうやって捨てますか", "傘", "束ねて"),
        ("はさみ", "包丁・はさみ", "キケン"),
        ("ペットボトル", "ペットボトルのふた", "本体から外して"),
        ("たかさ", "", ""),
        ("自転車を捨てたい", "自転車", "電話で予約"),
        ("ﾀﾞﾝﾎﾞｰﾙはいつですか", "段ボール", "ひもで"),
    ],
)
def test_how_a_thing_is_thrown_away(text: str, thing: str, advice: str) -> None:
    told = said(resident("ja", "chuo"), text)
    if thing:
        assert thing in told
        assert advice in told
        asked_back = "お知りになりたいのは" in told
        assert asked_back == (text in ("ペットボトル", "スプレー缶")), (
            "only what was not named is asked about"
        )
    else:
        assert "うまく読み取れませんでした" in told


@pytest.mark.parametrize(
    ("text", "told", "asked"),
    [
        ("本", "本", False),
        ("古い本を捨てたい", "本", False),
        ("本の捨て方", "本", False),
        ("日本", "本", True),
        ("本人確認書類は何が必要ですか", "", False),
        ("日本語を習いたい", "", False),
        ("いすを捨てたい", "いす", False),
        ("古いいすを捨てたい", "いす", False),
        ("木のいすは出せる", "いす", False),
        ("アイスを食べたい", "", False),
        ("PCを捨てたい", "PC", False),
        ("upcoming events", "", False),
    ],
)
def test_a_things_short_name_within_another_word_is_not_taken_for_the_thing(
    text: str, told: str, asked: bool
) -> None:
    calendar = the_sample().calendar
    items = tuple(WasteItem(name, "", "bulky", f"{name}の出し方") for name in ("本", "いす", "PC"))
    known = replace(resident("ja", "chuo"), calendar=replace(calendar, items=items))
    answer = said(known, text)
    assert [item.name for item in items if item.advice in answer] == ([told] if told else [])
    assert ("お知りになりたいのは" in answer) is asked


@pytest.mark.parametrize(
    ("language", "text"),
    [("ja", "消火器はどこに捨てますか"), ("en", "fire extinguisher"), ("my", "မီးသတ်ဘူး ဘယ်လိုပစ်ရမလဲ")],
)
def test_a_thing_that_the_citys_list_lacks_is_said_to_be_missing(language: str, text: str) -> None:
    known = resident(language, "chuo")
    told = said(known, text)
    missing = "The city's list does not say how to throw this away. Please ask the city hall."
    assert known.say(missing) in told
    assert known.say("What do you want to throw away? Write the name of one thing.") not in told


@pytest.mark.parametrize(
    ("language", "text", "title"),
    [
        ("ja", "傘の捨て方", "傘"),
        ("ja-x-easy", "かさは どうやって すてますか", "傘（かさ）"),
        ("en", "how do I throw away an umbrella", "傘 (umbrella)"),
        ("zh-Hant", "雨傘怎麼丟", "傘"),
    ],
)
def test_the_citys_japanese_is_named_as_such_to_who_reads_another_language(
    language: str, text: str, title: str
) -> None:
    known = resident(language, "chuo")
    told = said(known, text)
    assert title in told.split("\n")
    assert (known.say("The city writes this in Japanese.") in told) is (language != "ja")


def test_a_thing_says_its_next_collection_where_one_lives() -> None:
    told = said(resident("ja", "chuo", "kitaoka"), "新聞紙")
    assert "中央: 11月28日（土）" in told
    assert "北丘: " in told
    assert "次の収集日" not in said(resident("ja", "chuo"), "布団")  # by appointment


def test_a_question_in_ones_own_words_finds_the_citys_and_its_answer() -> None:
    known = resident("ja", "chuo")
    for text in ("住民票", "住民票が欲しい", "住民票はどこで取れますか？"):
        [offered] = respond(DialogueState(), Said(text), known).messages
        [action] = actions_in(offered)
        [answer] = respond(
            DialogueState(), Pressed("question", {"name": "certificate"}), known
        ).messages
        assert action["data"] == "do=question&name=certificate"
        assert "コンビニエンスストア" in answer["text"]
    english = resident("vi", "chuo")
    assert "certificate of residence" in said(english, "certificate of residence")


@pytest.mark.parametrize(
    "text", ["こんにちは", "hello", "where is it", "ありがとうございます", "?", "穴"]
)
def test_what_is_no_question_of_the_citys_is_not_answered_by_guess(text: str) -> None:
    answer = respond(DialogueState(), Said(text), resident("ja", "chuo")).messages
    assert not [
        action for action in actions_in(list(answer)) if "question&" in action.get("data", "")
    ]


def test_questions_are_asked_in_the_residents_language_where_the_city_has_it() -> None:
    for language, wanted in (
        ("ja-x-easy", {"ごみは いつ 出（だ）しますか", "住民票の写しはどこで取れますか"}),
        ("th", {"When and where do I put out my rubbish?", "There is a hole in the road"}),
    ):
        told = words_in(
            list(respond(DialogueState(), Pressed("questions"), resident(language)).messages)
        )
        assert wanted <= set(told.splitlines())


def test_a_city_without_calendar_and_answers_offers_neither() -> None:
    known = replace(resident("en", "chuo"), calendar=NO_CALENDAR, answers=())
    [menu] = respond(DialogueState(), Pressed("menu"), known).messages
    assert not {"do=rubbish", "do=questions"} & {a["data"] for a in actions_in(menu)}
    for event in (Pressed("rubbish"), Pressed("questions"), Pressed("question", {"name": "x"})):
        assert "That button no longer works" in words_in(
            list(respond(DialogueState(), event, known).messages)
        )


@pytest.mark.parametrize("language", the_sample().city.languages)
def test_the_longest_answer_and_every_day_fit_into_a_message(language: str) -> None:
    folder = the_sample()
    known = resident(language, *(d.code for d in folder.city.districts[:5]))
    long = FaqEntry("long", "en", "q" * MAX_QUESTION, "あ" * MAX_ANSWER)
    known = replace(known, answers=(*folder.answers, long))
    [text] = respond(DialogueState(), Pressed("question", {"name": "long"}), known).messages
    assert len(text["text"]) <= 5000
    cards: list[Any] = list(respond(DialogueState(), Pressed("rubbish"), known).messages)
    assert len(cards) == 3
    assert day_name(date(2026, 11, 24), language) in words_in(cards)


async def test_a_resident_asks_and_is_answered_over_line(town: Town) -> None:
    """What is said passes LINE's own rules, from the city's folder to the phone."""
    user = town.newcomer("en")
    await town.follows(user)
    await town.taps(user, await town.says(user, "menu"), "do=rubbish")
    district = town.city.districts[0]
    [told] = await town.taps(
        user, await town.says(user, "rubbish days"), f"do=rubbish-in&to={district.code}"
    )
    assert "Burnable rubbish" in words_in(told)
    [offered] = await town.says(user, "questions")
    [answer] = await town.taps(user, [offered], "do=question&name=certificate")
    assert "convenience store" in answer["text"]


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        ("vi", "giấy chứng nhận cư trú lấy ở đâu", "giấy cư trú: 住民票の写しはどこで"),
        ("pt", "onde tiro atestado de residência", "atestado de residência: 住民票"),
        ("my", "နေထိုင်ကြောင်းထောက်ခံစာ ဘယ်မှာရမလဲ", "နေထိုင်ကြောင်းထောက်ခံစာ: 住民票"),
        ("zh-Hant", "居民票在哪裡拿", "住民票: 住民票"),
    ],
)
def test_a_question_in_japanese_is_found_by_words_in_another_language(
    language: str, text: str, shown: str
) -> None:
    entries = (
        FaqEntry(
            "certificate", "ja", "住民票の写しはどこで取れますか", "窓口です。\nhttps://c.example"
        ),
        FaqEntry("tax", "ja", "課税証明書はどこで取れますか", "税務課です。"),
    )
    known = replace(resident(language, "chuo"), answers=entries)
    told = said(known, text)
    assert shown in told
    assert "課税証明" not in told
    pressed = Pressed("question", {"name": "certificate"})
    answer = words_in(list(respond(DialogueState(), pressed, known).messages))
    assert "https://c.example" in answer
    assert known.say("The city writes this in Japanese.") in answer
    in_own = (*entries, FaqEntry("certificate", language, "juminhyo?", "city hall"))
    own = words_in(list(respond(DialogueState(), pressed, replace(known, answers=in_own)).messages))
    assert "city hall" in own
    assert known.say("The city writes this in Japanese.") not in own


def test_a_city_topic_has_words_in_every_language_and_no_word_two_topics() -> None:
    topics: dict[str, dict[object, str]] = {}
    for topic, by_file in words_of_topics().items():
        for name, words in by_file.items():
            assert all(words), (topic, name)
            for word in words:
                read = WordRun.read(word)
                key = read.tokens or read.packed
                assert topics.setdefault(name, {}).setdefault(key, topic) == topic, word
