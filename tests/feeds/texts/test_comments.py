"""Every fixed comment of the agency is said or left out on purpose, in every language.

The codes and sentences are those of the agency's code table (地震火山関連コード表, 固定付加文).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from city.city import City, JmaCodes
from core.languages import LANGUAGES
from feeds.facts import Fact
from feeds.jma import HazardBoard, codes_for, facts, read_telegram
from feeds.jma.codes import is_inland
from feeds.texts import compose
from feeds.texts import messages as m
from feeds.texts.comments import QUAKE_COMMENTS, TSUNAMI_COMMENTS, quake_comments
from feeds.texts.compose import CATALOGUE
from tests.support.worked_facts import CITY, fact

JAPANESE = re.compile(r"[ぁ-んァ-ヴ]")
TABLE = {
    "0101": "今後若干の海面変動があるかもしれません。",
    "0102": "今後若干の海面変動があるかもしれませんが、被害の心配はありません。",
    "0103": "今後もしばらく海面変動が続くと思われます。",
    "0104": "今後もしばらく海面変動が続くと思われますので、"
    "海水浴や磯釣り等を行う際は注意してください。",
    "0105": "今後もしばらく海面変動が続くと思われますので、磯釣り等を行う際は注意してください。",
    "0107": "現在、大津波警報・津波警報・津波注意報を発表している沿岸はありません。",
    "0109": "津波と満潮が重なると、津波はより高くなりますので一層厳重な警戒が必要です。",
    "0110": "津波と満潮が重なると、津波はより高くなりますので十分な注意が必要です。",
    "0111": "場所によっては、"
    "観測した津波の高さよりさらに大きな津波が到達しているおそれがあります。",
    "0112": "今後、津波の高さは更に高くなることも考えられます。",
    "0113": "沖合での観測値をもとに津波が推定されている沿岸では、早いところでは、"
    "既に津波が到達していると推定されます。",
    "0114": ""
    "津波による潮位変化が観測されてから最大波が観測されるまでに数時間以上かかることがあります。",
    "0115": "沖合での観測値であり、沿岸では津波はさらに高くなります。",
    "0121": "＜大津波警報＞",
    "0122": "＜津波警報＞",
    "0123": "＜津波注意報＞",
    "0124": "＜津波予報（若干の海面変動）＞",
    "0131": "到達予想時刻から津波が最も高くなるまでに数時間以上かかることがあります",
    "0132": "場所によっては津波の高さが「予想される津波の高さ」より高くなる可能性があります。",
    "0141": "東日本大震災クラスの津波が来襲します。",
    "0142": "沖合で高い津波を観測したため大津波警報・津波警報に切り替えました。",
    "0143": "沖合で高い津波を観測したため大津波警報・津波警報を切り替えました。",
    "0144": "沖合で高い津波を観測したため大津波警報に切り替えました。",
    "0145": "沖合で高い津波を観測したため大津波警報を切り替えました。",
    "0146": "沖合で高い津波を観測したため津波警報に切り替えました。",
    "0147": "沖合で高い津波を観測したため津波警報を切り替えました。",
    "0148": "沖合で高い津波を観測したため予想される津波の高さを切り替えました。",
    "0149": "ただちに避難してください。",
    "0150": "南海トラフ地震臨時情報を発表しています。",
    "0201": "強い揺れに警戒してください。",
    "0211": "津波警報等（大津波警報・津波警報あるいは津波注意報）を発表中です。",
    "0212": "この地震により、日本の沿岸では若干の海面変動があるかもしれませんが、"
    "被害の心配はありません。",
    "0213": "今後もしばらく海面変動が続くと思われますので、"
    "海水浴や磯釣り等を行う際は注意してください。",
    "0214": "今後もしばらく海面変動が続くと思われますので、磯釣り等を行う際は注意してください。",
    "0215": "この地震による津波の心配はありません。",
    "0216": "震源が海底の場合、津波が発生するおそれがあります。",
    "0217": "今後の情報に注意してください。",
    "0221": "太平洋の広域に津波発生の可能性があります。",
    "0222": "太平洋で津波発生の可能性があります。",
    "0223": "北西太平洋で津波発生の可能性があります。",
    "0224": "インド洋の広域に津波発生の可能性があります。",
    "0225": "インド洋で津波発生の可能性があります。",
    "0226": "震源の近傍で津波発生の可能性があります。",
    "0227": "震源の近傍で小さな津波発生の可能性がありますが、"
    "被害をもたらす津波の心配はありません。",
    "0228": "一般的に、この規模の地震が海域の浅い領域で発生すると、津波が発生することがあります。",
    "0229": "日本への津波の有無については現在調査中です。",
    "0230": "この地震による日本への津波の影響はありません。",
    "0241": "この地震について、緊急地震速報を発表しています。",
    "0242": "この地震について、緊急地震速報を発表しています。この地震の最大震度は２でした。",
    "0243": "この地震について、緊急地震速報を発表しています。この地震の最大震度は１でした。",
    "0244": "この地震について、"
    "緊急地震速報を発表しています。この地震で震度１以上は観測されていません。",
    "0245": "この地震で緊急地震速報を発表しましたが、強い揺れは観測されませんでした。",
    "0256": "震源要素を訂正します。",
    "0262": "＊印は気象庁以外の震度観測点についての情報です。",
    "0263": "＊印は気象庁以外の長周期地震動観測点についての情報です。",
    "0500": "その他の防災上の留意事項",
}
NOT_OF_THE_SEA = ("0217", "0241", "0242", "0243", "0244", "0245")
INLAND, COAST = "0820300", "0820200"
"""土浦市, and 日立市 on the sea."""


def commented(codes: str, text: str, *, inland: bool = False) -> Fact:
    told = fact("earthquake", "震度４", 3)
    assert told.quake is not None
    return replace(
        told, inland=inland, quake=replace(told.quake, comment_codes=codes, comment=text)
    )


def test_every_code_of_the_table_is_said_or_left_out_for_a_reason() -> None:
    known = QUAKE_COMMENTS | TSUNAMI_COMMENTS
    assert set(known) == set(TABLE)
    for code, comment in known.items():
        assert bool(comment.sentence) is not bool(comment.left_out), code


@pytest.mark.parametrize("inland", [False, True])
@pytest.mark.parametrize("code", [code for code in TABLE if code in QUAKE_COMMENTS])
def test_a_comment_is_said_in_every_language_and_never_in_japanese(code: str, inland: bool) -> None:
    comment = QUAKE_COMMENTS[code]
    expected = comment.inland if inland and comment.inland else comment.sentence
    if code in ("0242", "0243"):
        expected = m.EEW_ISSUED
    for given in ((code, TABLE[code]), (code, ""), ("", TABLE[code])):
        for language, said in compose(commented(*given, inland=inland), CITY).items():
            if expected and given != ("0242", "") and given != ("0243", ""):
                assert CATALOGUE.text(language, expected) in said["text"]
            if language not in ("ja", "ja-x-easy"):
                assert not JAPANESE.search(said["text"])
            if code not in NOT_OF_THE_SEA and expected is None:
                assert TABLE[code] not in said["text"]


@pytest.mark.parametrize("code", ["0241", "0244", "0245"])
def test_an_early_warning_is_no_matter_of_the_sea(code: str) -> None:
    said = compose(commented(code, TABLE[code]), CITY)["en"]["text"]
    assert "sunami" not in said
    assert "Earthquake Early Warning" in said
    assert said.splitlines()[0] == m.QUAKE_LIGHT


def test_each_sentence_of_the_table_is_found_by_its_words_alone() -> None:
    for code, sentence in TABLE.items():
        if code in QUAKE_COMMENTS and code not in ("0242", "0243"):
            said = {each.sentence for each in quake_comments("", sentence)}
            assert said == {QUAKE_COMMENTS[code].sentence}, code


def test_a_comment_that_no_table_knows_is_shown_to_who_reads_it_and_guessed_by_nobody() -> None:
    for language, said in compose(commented("0299", "新しい注意です。"), CITY).items():
        assert ("新しい注意です。" in said["text"]) is (language == "ja")


def test_the_codes_of_before_2012_are_read_by_their_words() -> None:
    old = quake_comments("0203", "この地震による津波の心配はありません。")
    assert [each.sentence for each in old] == [m.NO_TSUNAMI]
    old = quake_comments("0201", "津波警報等（大津波警報）を発表中です。")
    assert [each.sentence for each in old] == [m.TSUNAMI_IN_EFFECT]


def test_the_long_waves_of_noto_say_that_an_early_warning_was_issued(shared_data: Path) -> None:
    path = shared_data / "cases" / "telegrams" / "VXSE62_noto_2024-01-01.xml"
    telegram = read_telegram(path.read_bytes())
    codes = codes_for("1720400")
    told = next(iter(facts(telegram, codes, HazardBoard())))
    for language, said in compose(told, CITY).items():
        assert CATALOGUE.text(language, m.EEW_ISSUED) in said["text"]
        assert CATALOGUE.text(language, m.LONG_PERIOD) in said["text"].splitlines()[0]
        assert language in ("ja", "ja-x-easy") or not JAPANESE.search(said["text"])


def city_of(municipality: str) -> City:
    return CITY.model_copy(update={"jma": JmaCodes(municipality=municipality)})


@pytest.mark.parametrize("code", ["0211", "0216"])
def test_a_city_without_a_coast_hears_of_a_tsunami_last_and_as_news(code: str) -> None:
    comment = QUAKE_COMMENTS[code]
    assert comment.sentence is not None
    assert comment.inland is not None
    for language in LANGUAGES:
        order = CATALOGUE.text(language, comment.sentence)
        news = CATALOGUE.text(language, comment.inland)
        inland = compose(commented(code, TABLE[code], inland=True), CITY, languages=[language])
        lines = inland[language]["text"].splitlines()
        assert order not in lines
        hypocentre = CATALOGUE.text(language, m.HYPOCENTRE, hypocentre="\0").partition("\0")[0]
        where = next(i for i, line in enumerate(lines) if line.startswith(hypocentre))
        assert lines.index(news) > where
        coast = compose(commented(code, TABLE[code]), CITY, languages=[language])
        assert coast[language]["text"].splitlines()[0] == order


@pytest.mark.parametrize("intensity", ["5-", "6+"])
def test_a_strong_shock_orders_no_inland_city_away_from_the_coast(intensity: str) -> None:
    told = commented("0217", TABLE["0217"], inland=True)
    assert told.quake is not None
    told = replace(told, quake=replace(told.quake, intensity=intensity))
    for language, said in compose(told, CITY).items():
        assert CATALOGUE.text(language, m.QUAKE_COAST) not in said["text"]
        assert CATALOGUE.text(language, m.QUAKE_AT_SEA) in said["text"]


def test_the_agencys_tables_decide_what_is_inland_and_an_unknown_city_may_have_a_coast() -> None:
    assert is_inland(codes_for(INLAND))
    assert not is_inland(codes_for(COAST))
    assert not is_inland(JmaCodes(municipality="9999900"))
    assert not is_inland(JmaCodes(municipality=COAST))


@pytest.mark.parametrize("code", [code for code in TABLE if code in TSUNAMI_COMMENTS])
def test_what_a_warning_adds_is_said_on_coasts_that_are_warned(code: str) -> None:
    expected = TSUNAMI_COMMENTS[code].sentence
    major = fact("tsunami", "大津波警報", 5)
    slight = fact("tsunami", "津波予報（若干の海面変動）", 1)
    assert major.tsunami is not None
    carried = replace(major.tsunami, comment=TABLE[code], comment_codes=code)
    for language, said in compose(replace(major, tsunami=carried), CITY).items():
        if expected is not None:
            assert CATALOGUE.text(language, expected) in said["text"]
        assert language in ("ja", "ja-x-easy") or not JAPANESE.search(said["text"])
    for language, said in compose(replace(slight, tsunami=carried), CITY).items():
        assert expected is None or CATALOGUE.text(language, expected) not in said["text"]
    if code == "0141":
        warned = replace(major, kind="津波警報", level=4, tsunami=carried)
        for language, said in compose(warned, CITY).items():
            assert CATALOGUE.text(language, m.LIKE_2011) not in said["text"]
