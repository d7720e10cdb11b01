"""A city adds words of danger and takes others away; Todoke's own stay for everybody else."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from city.danger_words import DangerWords
from city.folder import CityFolder
from core.languages import LANGUAGES
from reports.danger_patterns import PATTERNS
from reports.danger_words import danger_in
from reports.models import Priority, Report
from reports.priority import worked_out
from reports.states import ReportState

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
CITYS = DangerWords(
    hurt={"ja": ("搬送",)},
    danger={"ja": ("油漏れ", "氾"), "en": ("oil slick",), "mn": ("тос",)},
    harmless={"ja": ("電線共同溝", "子ども"), "en": ("fire hydrant", "school")},
)


@pytest.mark.parametrize(
    ("text", "alone", "here"),
    [
        ("道路に穴があります", "", ""),
        ("油漏れしています", "", "danger"),
        ("ＯＩＬ　ＳＬＩＣＫ on the road", "", "danger"),
        ("boil slicker", "", ""),
        ("замд тос асгарсан", "", "danger"),
        ("川が氾らん", "", "danger"),
        ("近所の人が搬送されました", "", "hurt"),
        ("電線共同溝のふたが割れています", "danger", ""),
        ("電線共同溝の横に電線が落ちています", "danger", "danger"),
        ("子どもの公園のベンチ", "danger", ""),
        ("A leak at the Fire Hydrant near the school", "danger", ""),
        ("A fire at the fire hydrant", "danger", "danger"),
    ],
)
def test_words_of_the_city_count_beside_todokes_own(text: str, alone: str, here: str) -> None:
    assert danger_in(text)[0] == alone
    assert danger_in(text, CITYS)[0] == here


@pytest.mark.parametrize(
    ("text", "grave"),
    [
        ("いけがきが道路にはみ出している", ""),
        ("かけがえのない木です", ""),
        ("白線がひかれていない", ""),
        ("バスのじこくが読めない", ""),
        ("事故が起きる前に直してください", "danger"),
        ("事故が起きそうで怖い", "danger"),
        ("事故になりそう", "danger"),
        ("事故につながるおそれがあります", "danger"),
        ("事故防止のためミラーを付けてほしい", "danger"),
        ("転倒の恐れがあります", "danger"),
        ("お年寄りがつまずきそう", "danger"),
        ("けがをしそうです", "danger"),
        ("車にひかれそうになる", "danger"),
        ("事故がありました", "hurt"),
        ("事故が起きた", "hurt"),
        ("事故が起きました", "hurt"),
        ("きのう事故になった", "hurt"),
        ("ひどいけがをした", "hurt"),
        ("けが人がいます", "hurt"),
        ("母が転倒しました", "hurt"),
        ("つまずいて転んだ", "hurt"),
        ("つまずきました", "hurt"),
        ("猫が車にひかれている", "hurt"),
        ("子どもがはねられた", "hurt"),
    ],
)
def test_what_may_happen_calls_nobody_at_night(text: str, grave: str) -> None:
    """Harm done is looked at at once; harm feared, and words that only sound so, are not."""
    assert danger_in(text)[0] == grave


SENTENCES = Path(__file__).with_name("danger_sentences.tsv")
"""Language, gravity (``-`` for none), sentence: written as people write, beside the patterns."""
GRAVITIES = {"-": 0, "danger": 1, "hurt": 2}


def sentences() -> list[tuple[str, str, str]]:
    lines = [line.split("\t") for line in SENTENCES.read_text("utf-8").splitlines()]
    return [(language, grave, text) for language, grave, text in lines]


def test_no_cry_is_missed_and_no_fear_is_a_cry_in_any_language() -> None:
    wrong = [
        (language, grave, danger_in(text), text)
        for language, grave, text in sentences()
        if danger_in(text)[0] != grave.replace("-", "")
    ]
    assert wrong == []


def test_each_language_has_sentences_of_each_gravity() -> None:
    number = Counter((language, grave) for language, grave, _ in sentences())
    for language in LANGUAGES:
        of_each = [number[language, grave] for grave in GRAVITIES]
        assert min(of_each) >= 4, language
        assert sum(of_each) >= 18, language


def test_a_cry_beside_a_denial_is_heard_in_every_language() -> None:
    """Two sentences in one report: who says both that nobody and that somebody is hurt is hurt."""
    denied = {language: text for language, grave, text in sentences() if grave == "-"}
    for language, grave, text in sentences():
        if grave == "hurt":
            assert danger_in(f"{denied[language]}\n{text}")[0] == "hurt", text


def test_no_phrase_takes_away_a_word_of_harm() -> None:
    own = DangerWords(
        harmless={"ja": ("転倒", "が", "けが人ゼロ運動"), "en": ("hurt", "injured list")}
    )
    assert danger_in("祖母が転倒しました", own)[0] == "hurt"
    assert danger_in("けがをしました", own)[0] == "hurt"
    assert danger_in("My son is hurt", own)[0] == "hurt"
    assert danger_in("けが人ゼロ運動の看板が古い", own)[0] == ""
    assert danger_in("けが人ゼロ運動の看板でけがをした", own)[0] == "hurt"


def test_a_word_of_harm_of_the_citys_own_is_feared_and_denied_as_others() -> None:
    own = DangerWords(hurt={"ja": ("搬送",)})
    assert danger_in("近所の人が搬送されました", own)[0] == "hurt"
    assert danger_in("搬送された人はいません", own)[0] == ""


def test_what_a_city_writes_is_no_pattern() -> None:
    own = DangerWords(danger={"ja": (".*", "(", "穴|"), "en": ("a.c", "[x]")})
    assert danger_in("なにもありません abc x", own) == ("", "")
    assert danger_in("これは a.c です", own) == ("danger", "a.c")


def test_without_words_of_its_own_nothing_changes() -> None:
    for _, _, text in sentences():
        assert danger_in(text, DangerWords()) == danger_in(text), text
    assert set(PATTERNS) == {language.split("-")[0] for language in LANGUAGES}


def test_a_kind_has_words_of_its_own(sample: CityFolder) -> None:
    rail = DangerWords(danger={"ja": ("ぐらつ",)}, harmless={"ja": ("通学路",)})
    kinds = [
        kind.model_copy(update={"danger_words": rail}) if kind.code == "guard-rail" else kind
        for kind in sample.city.report_categories
    ]
    city = sample.city.model_copy(update={"report_categories": tuple(kinds)})

    def priority(kind: str, words: str) -> int:
        report = Report(
            number="2026-000001",
            category=kind,
            department="roads",
            state=ReportState.NEW,
            description=words,
            language="ja",
            created_at=NOW,
            updated_at=NOW,
        )
        return worked_out(report, city, NOW).priority

    assert priority("guard-rail", "ぐらついています") == Priority.SOON
    assert priority("sign", "ぐらついています") == Priority.NORMAL
    assert priority("guard-rail", "通学路です") == Priority.NORMAL
    assert priority("sign", "通学路です") == Priority.SOON
