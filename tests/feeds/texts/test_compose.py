"""Texts for residents: true, complete, in their language, and a drill never looks real."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.facts import Fact, Quake
from feeds.models import Status
from feeds.texts import CATALOGUE, compose, drill_mark, moment, prepare, term
from feeds.texts import messages as m
from feeds.texts.places import office_name, place_name
from feeds.texts.terms import explained
from tests.support.proofreading import without_reading
from tests.support.worked_facts import AT, CITY, every_fact, fact, unsaid

LANDSLIDE = replace(
    fact("landslide", "レベル４土砂災害危険警報", 4, Status.RAISED),
    previous_kind="レベル３土砂災害警報",
    previous_level=3,
)
WORKED = {
    "landslide": LANDSLIDE,
    "earthquake": fact("earthquake", "震度５弱", 4),
    "tsunami": fact("tsunami", "津波警報", 4),
}


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("language", ["ja", EASY_JAPANESE, "en", "my", "zh-Hans", "pt"])
@pytest.mark.parametrize("which", WORKED)
def test_the_texts_are_the_ones_that_were_looked_at(which: str, language: str) -> None:
    texts = compose(WORKED[which], CITY, languages=[language])[language]
    looked_at = (GOLDEN / f"{which}.{language}.txt").read_text("utf-8")
    assert f"{texts['title']}\n\n{texts['text']}\n" == looked_at


@pytest.mark.slow
def test_every_hazard_level_and_status_is_said_in_every_language() -> None:
    before = unsaid()
    for told in every_fact():
        texts = compose(told, CITY)
        assert list(texts) == list(LANGUAGES)
        assert all(said["title"].strip() and said["text"].strip() for said in texts.values())
    assert unsaid() == before


@pytest.mark.slow
def test_texts_are_short_enough_to_be_read_on_a_phone() -> None:
    for told in every_fact():
        for language, said in compose(told, CITY).items():
            spoken_aloud = language == EASY_JAPANESE
            assert len(said["text"]) <= (1150 if spoken_aloud else 1000), (language, said["text"])
            name = term(told.kind, language).text
            rest = said["title"].replace(name, "")
            assert len(rest) <= 70, (language, said["title"])


ORDERS = [
    value
    for name, value in vars(m).items()
    if name.startswith(("LEVEL_", "TSUNAMI_", "QUAKE_", "VOLCANO_"))
    and isinstance(value, str)
    and name not in ("LEVEL_2", "TSUNAMI_UNDER_STUDY", "TSUNAMI_FORECAST")
]


@pytest.mark.slow
def test_a_drill_orders_nobody_and_has_advice_of_its_own() -> None:
    for told in every_fact():
        ended = told.status in (Status.LIFTED, Status.CANCELLED)
        drill = replace(told, drill=True, headline="ただちに避難してください。")
        for language, said in compose(drill, CITY).items():
            assert (CATALOGUE.text(language, m.DRILL_ADVICE) in said["text"]) is not ended
            assert drill.headline not in said["text"]
            for order in ORDERS:
                assert CATALOGUE.text(language, order) not in said["text"]


@pytest.mark.slow
def test_promise_5_every_text_of_a_drill_begins_with_its_languages_mark() -> None:
    marks = {drill_mark(language) for language in LANGUAGES}
    for told in every_fact():
        for language, said in compose(replace(told, drill=True), CITY).items():
            assert said["title"].startswith(drill_mark(language))
            assert said["text"].startswith(drill_mark(language))
        for said in compose(told, CITY).values():
            assert not any(mark in part for mark in marks for part in said.values())


def test_a_text_says_what_where_when_what_to_do_where_to_go_and_who_says_so() -> None:
    for language, said in compose(LANDSLIDE, CITY, url="https://city.example.jp/n/1").items():
        text = said["text"]
        place = place_name("つくば市", language, CITY)
        assert term("レベル４土砂災害危険警報", language).text in said["title"]
        assert term("レベル４土砂災害危険警報", language).text in text
        assert term("レベル３土砂災害警報", language).text in text
        assert place in said["title"] and place in text
        assert moment(AT, language) in text
        for advice in (m.LEVEL_4, m.LANDSLIDE, m.NOT_AN_ORDER):
            assert CATALOGUE.text(language, advice) in text
        assert "https://city.example.jp/shelters" in text
        assert "https://city.example.jp/n/1" in text
        assert office_name("水戸地方気象台", language) in text


@pytest.mark.parametrize("status", [Status.LIFTED, Status.CANCELLED])
def test_what_is_over_asks_nobody_to_leave(status: Status) -> None:
    over = fact("landslide", "レベル４土砂災害危険警報", 0, status)
    for language, said in compose(over, CITY).items():
        for advice in (m.LEVEL_3, m.LEVEL_4, m.LEVEL_5, m.LANDSLIDE):
            assert CATALOGUE.text(language, advice) not in said["text"]
        assert "shelters" not in said["text"]


def test_taking_back_an_error_leaves_what_held_before_it_in_force() -> None:
    wrong = fact("landslide", "レベル４土砂災害危険警報", 3, Status.CANCELLED)
    for language, said in compose(wrong, CITY).items():
        assert CATALOGUE.text(language, m.STILL_IN_FORCE) in said["text"]
        assert CATALOGUE.text(language, m.LEVEL_3) in said["text"]
        assert CATALOGUE.text(language, m.LEVEL_4) not in said["text"]


def test_who_left_is_not_sent_home_by_a_lowered_warning() -> None:
    lowered = fact("flood", "レベル２氾濫注意報", 2, Status.LOWERED)
    for language, said in compose(lowered, CITY).items():
        assert CATALOGUE.text(language, m.AFTER_RAIN) in said["text"]


def test_each_status_is_said_differently() -> None:
    for language in LANGUAGES:
        titles = [
            compose(fact("flood", "レベル３氾濫警報", 3, status), CITY)[language]["title"]
            for status in (
                Status.ISSUED,
                Status.RAISED,
                Status.LOWERED,
                Status.LIFTED,
                Status.CANCELLED,
                Status.CORRECTED,
            )
        ]
        assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("level", [2, 3, 4, 5])
@pytest.mark.parametrize("hazard", ["heavy-rain", "landslide", "flood", "storm-surge"])
def test_each_level_asks_for_its_own_action(hazard: str, level: int) -> None:
    sentences = {2: m.LEVEL_2, 3: m.LEVEL_3, 4: m.LEVEL_4, 5: m.LEVEL_5}
    name = {"heavy-rain": "大雨", "landslide": "土砂災害", "flood": "氾濫"}.get(hazard, "高潮")
    grade = {2: "注意報", 3: "警報", 4: "危険警報", 5: "特別警報"}[level]
    told = fact(hazard, f"レベル{level}{name}{grade}", level)
    for language, said in compose(told, CITY).items():
        for other, sentence in sentences.items():
            assert (CATALOGUE.text(language, sentence) in said["text"]) is (other == level)


def test_a_warning_says_that_it_is_not_the_citys_order_while_there_is_time_to_wait() -> None:
    grades = {2: "注意報", 3: "警報", 4: "危険警報", 5: "特別警報"}
    for level, grade in grades.items():
        told = fact("flood", f"レベル{level}氾濫{grade}", level)
        for language, said in compose(told, CITY).items():
            assert (CATALOGUE.text(language, m.NOT_AN_ORDER) in said["text"]) is (level in (3, 4))


def test_a_tornado_that_was_seen_is_no_matter_of_watching_the_sky() -> None:
    for kind in ("竜巻注意情報（目撃情報付き）", "気象防災速報（竜巻目撃）"):
        for language, said in compose(fact("tornado", kind, 3), CITY).items():
            assert CATALOGUE.text(language, m.TORNADO_SEEN) in said["text"]
            assert CATALOGUE.text(language, m.TORNADO) not in said["text"]


def test_easy_japanese_explains_how_grave_an_official_name_is() -> None:
    def easy(hazard: str, kind: str, status: Status = Status.ISSUED) -> str:
        return compose(fact(hazard, kind, 4, status), CITY)[EASY_JAPANESE]["text"]

    assert "「危険警報（きけんけいほう）」は、" in easy("landslide", "レベル４土砂災害危険警報")
    assert "「大津波警報（おおつなみけいほう）」は、" in easy("tsunami", "大津波警報")
    assert "「噴火警戒（ふんかけいかい）レベル」は、" in easy("volcano", "レベル３（入山規制）")
    assert "「洪水（こうずい）」は、" in easy("flood", "洪水警報")
    assert "」は、" not in easy("flood", "洪水警報", Status.LIFTED)
    for kind in {told.kind for told in every_fact()} - {""}:
        graded = kind.endswith(("警報", "注意報")) or "津波" in kind
        assert explained(kind, EASY_JAPANESE) or not graded or "津波予報" in kind, kind
        assert explained(kind, "ja") == explained(kind, "en") == ()


def test_an_earthquake_says_the_intensity_in_this_city_and_the_greatest_elsewhere() -> None:
    said = compose(fact("earthquake", "震度４", 3), CITY)["en"]
    assert said["title"] == "Earthquake: seismic intensity 4 – Tsukuba City"
    assert "Seismic intensity here: 4 (" in said["text"]
    assert "Greatest intensity anywhere: 5 Upper" in said["text"]
    assert "Evacuation sites" not in said["text"]


def test_an_intensity_that_was_not_reported_is_not_said_as_known() -> None:
    told = fact("earthquake", "震度５弱", 4)
    assert told.quake is not None
    told = replace(told, quake=replace(told.quake, unconfirmed=True))
    text = compose(told, CITY)["en"]["text"]
    assert "thought to be 5 Lower or more" in text
    assert "Seismic intensity here" not in text
    titles = {language: words["title"] for language, words in compose(told, CITY).items()}
    assert titles["en"] == "Earthquake: seismic intensity 5 Lower or more – Tsukuba City"
    assert titles["ja"] == "地震：震度5弱以上（つくば市）"


def test_the_detail_after_the_flash_is_an_update_and_no_second_alarm() -> None:
    told = replace(fact("earthquake", "震度４", 3), update=True)
    assert compose(told, CITY)["ja"]["title"] == "【続報】地震：震度4（つくば市）"


def test_a_strong_earthquake_warns_of_the_sea_unless_the_agency_says_it_is_safe() -> None:
    safe = fact("earthquake", "震度６弱", 5)
    assert "leave the coast" not in compose(safe, CITY)["en"]["text"]
    assert safe.quake is not None
    unknown = replace(safe, quake=replace(safe.quake, comment="", comment_codes=""))
    assert "leave the coast" in compose(unknown, CITY)["en"]["text"]


@pytest.mark.parametrize(
    ("code", "comment", "said"),
    [
        ("0215 0241", "この地震による津波の心配はありません。", m.NO_TSUNAMI),
        ("0211", "津波警報等を発表中です。", m.TSUNAMI_IN_EFFECT),
        ("0212", "若干の海面変動があるかもしれません。", m.SLIGHT_SEA_CHANGE),
        ("0217", "今後の情報に注意してください。", m.FOLLOW_NEWS),
        ("0229", "日本への津波の有無については現在調査中です。", m.TSUNAMI_UNDER_STUDY),
    ],
)
def test_the_agencys_comment_on_a_tsunami_is_said(code: str, comment: str, said: str) -> None:
    told = fact("earthquake", "震度４", 3)
    assert told.quake is not None
    told = replace(told, quake=replace(told.quake, comment=comment, comment_codes=code))
    for language, texts in compose(told, CITY).items():
        assert CATALOGUE.text(language, said) in texts["text"]


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("大津波警報", m.TSUNAMI_MAJOR),
        ("津波警報", m.TSUNAMI_WARNING),
        ("津波注意報", m.TSUNAMI_ADVISORY),
        ("津波予報（若干の海面変動）", m.TSUNAMI_FORECAST),
    ],
)
def test_each_grade_of_tsunami_asks_for_its_own_action(kind: str, advice: str) -> None:
    for language, said in compose(fact("tsunami", kind, 3), CITY).items():
        assert CATALOGUE.text(language, advice) in said["text"]


def test_whoever_was_told_to_wait_until_it_is_lifted_hears_that_it_is() -> None:
    """The agency ends an advisory with a forecast of slight changes, not with 解除."""
    slight = replace(
        fact("tsunami", "津波予報（若干の海面変動）", 1, Status.LOWERED),
        previous_kind="津波注意報",
        previous_level=3,
        place="茨城県",
    )
    for language, said in compose(slight, CITY).items():
        ended = term("津波注意報", language).text
        assert said["text"].startswith(CATALOGUE.text(language, m.LINE_LIFTED, name=ended))
        assert ended.lower() in said["title"].lower()
        assert CATALOGUE.text(language, m.TSUNAMI_FORECAST) in said["text"]
        assert not any(meant in said["text"] for meant in explained("津波注意報", language))
    stands = replace(slight, kind="津波注意報", level=3, previous_kind="津波警報", previous_level=4)
    for language, said in compose(stands, CITY).items():
        previous, now = term("津波警報", language).text, term("津波注意報", language).text
        line = CATALOGUE.text(language, m.LINE_LOWERED, previous=previous, name=now)
        assert said["text"].startswith(line)


def test_an_overflow_is_said_first_and_once_with_the_river_and_the_spot() -> None:
    told = replace(
        fact("flood", "レベル５氾濫特別警報", 5),
        place="小貝川",
        river="小貝川",
        overflow=True,
        overflow_at=("つくば市上郷地先",),
        headline="小貝川では、氾濫が発生",
    )
    for language, said in compose(told, CITY).items():
        first = told.headline if language == "ja" else CATALOGUE.text(language, m.OVERFLOW)
        do = CATALOGUE.text(language, m.LEVEL_5)
        assert said["text"].startswith(f"{first}\n{do}")
        river = CATALOGUE.text(language, m.RIVER, river="\0").partition("\0")[0]
        assert sum(line.startswith(river) for line in said["text"].splitlines()) == 1
        assert ("つくば市上郷地先" in said["text"]) is (language != EASY_JAPANESE)
    japanese = compose(told, CITY)["ja"]["text"]
    assert CATALOGUE.text("ja", m.OVERFLOW) not in japanese


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "ja"])
def test_little_some_and_much_ash_are_told_apart(language: str) -> None:
    amounts = ("降灰予報（定時）", "少量の降灰", "やや多量の降灰", "多量の降灰")
    assert len({term(amount, language).text for amount in amounts}) == 4


def test_what_to_do_comes_before_where_and_when() -> None:
    for told, sentence in (
        (fact("tsunami", "大津波警報", 5), m.TSUNAMI_MAJOR),
        (fact("heavy-rain", "レベル５大雨特別警報", 5), m.LEVEL_5),
        (fact("earthquake", "震度６弱", 5), m.QUAKE_VERY_STRONG),
    ):
        for language, said in compose(told, CITY).items():
            where = m.PLACE if told.tsunami is None else m.COAST
            place = CATALOGUE.text(language, where, place="\0", coast="\0").partition("\0")[0]
            text = said["text"]
            assert text.index(CATALOGUE.text(language, sentence)) < text.index(place)
            assert text.index(CATALOGUE.text(language, sentence)) < 80


def test_a_volcanos_level_is_not_taken_for_an_evacuations() -> None:
    told = replace(fact("volcano", "レベル３（入山規制）", 3), place="浅間山")
    assert compose(told, CITY)["ja"]["title"] == "噴火警戒レベル３（入山規制）（浅間山）"


def test_a_volcanos_level_is_advised_on_its_own_scale() -> None:
    named = fact("volcano", "レベル３（入山規制）", 3)
    assert "Do not climb" in compose(named, CITY)["en"]["text"]
    assert "evacuation order" not in compose(named, CITY)["en"]["text"]
    keyword = fact("volcano", "居住地域厳重警戒", 5)
    assert "leave it now" in compose(keyword, CITY)["en"]["text"]


def test_easy_japanese_reads_places_offices_and_times_aloud() -> None:
    for told in WORKED.values():
        said = compose(told, CITY)[EASY_JAPANESE]
        assert without_reading(said["title"]) == []
        assert without_reading(said["text"]) == []


def test_a_telegram_that_only_says_lifted_means_what_was_in_force() -> None:
    told = replace(fact("heavy-rain", "解除", 0, Status.LIFTED), previous_kind="レベル３大雨警報")
    assert "Level 3 Warning (Heavy Rain)" in compose(told, CITY)["en"]["title"]


def test_what_is_about_no_place_in_particular_is_not_said_to_be_about_the_city() -> None:
    told = replace(fact("nankai-trough", "南海トラフ地震臨時情報（調査中）", 2), place="")
    for language, said in compose(told, CITY).items():
        assert said["title"] == term(told.kind, language).text
        assert "Tsukuba" not in said["text"] and "つくば" not in said["text"]


def test_a_fact_without_a_name_is_called_by_its_topic() -> None:
    nameless = replace(fact("earthquake", "", 1, Status.CANCELLED), quake=None)
    assert compose(nameless, CITY)["en"]["title"] == "Withdrawn: Earthquakes – Tsukuba City"


def test_everything_can_be_read_before_the_first_notice() -> None:
    before = unsaid()
    prepare()
    assert unsaid() == before


def test_japanese_carries_the_agencys_headline_where_it_holds_the_facts() -> None:
    headline = "つくば市付近で１時間に約１００ミリの猛烈な雨。"
    told = replace(fact("record-rain", "記録的短時間大雨情報", 4), headline=headline)
    assert headline in compose(told, CITY)["ja"]["text"]
    assert headline not in compose(told, CITY)["en"]["text"]


@pytest.mark.timed
def test_all_languages_of_a_notice_are_written_at_once() -> None:
    compose(LANDSLIDE, CITY)
    started = time.perf_counter()
    for _ in range(20):
        compose(LANDSLIDE, CITY)
    assert (time.perf_counter() - started) / 20 < 0.05


words = st.text(max_size=40)


@settings(max_examples=60, deadline=None)
@given(
    hazard=st.sampled_from(["heavy-rain", "flood", "tornado", "earthquake", "something-new"]),
    kind=words,
    previous=words,
    place=words,
    river=words,
    headline=words,
    office=words,
    level=st.integers(0, 5),
    status=st.sampled_from(list(Status)),
    drill=st.booleans(),
    intensity=st.sampled_from(["", "1", "5-", "7"]),
    magnitude=words,
)
def test_whatever_a_telegram_holds_it_becomes_a_text_and_braces_are_only_braces(
    hazard: str,
    kind: str,
    previous: str,
    place: str,
    river: str,
    headline: str,
    office: str,
    level: int,
    status: Status,
    drill: bool,
    intensity: str,
    magnitude: str,
) -> None:
    told = Fact(
        topic="weather",
        hazard=hazard,
        kind=kind + "{0}{name}",
        previous_kind=previous,
        level=level,
        status=status,
        place=place,
        river=river,
        headline=headline,
        office=office,
        reported_at=AT,
        drill=drill,
        quake=Quake(intensity=intensity, magnitude=magnitude),
    )
    for language, said in compose(told, CITY).items():
        assert said["title"]
        assert said["text"].startswith(drill_mark(language)) is drill
