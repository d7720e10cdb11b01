"""A city adds words of danger and takes others away; Todoke's own stay for everybody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from city.danger_words import DangerWords
from city.folder import CityFolder
from reports.danger_words import DANGER, HURT, danger_in
from reports.models import Report
from reports.priority import Priority, worked_out
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


def test_what_a_city_writes_is_no_pattern() -> None:
    own = DangerWords(danger={"ja": (".*", "(", "穴|"), "en": ("a.c", "[x]")})
    assert danger_in("なにもありません abc x", own) == ("", "")
    assert danger_in("これは a.c です", own) == ("danger", "a.c")


def test_without_words_of_its_own_nothing_changes() -> None:
    for table, grave in ((HURT, "hurt"), (DANGER, "danger")):
        for patterns in table.values():
            plain = next(one for one in patterns.split("|") if not set(one) & set("(?[\\"))
            assert danger_in(plain, DangerWords())[0] == danger_in(plain)[0], plain
            assert danger_in(plain)[0] in ("hurt", grave), plain


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
