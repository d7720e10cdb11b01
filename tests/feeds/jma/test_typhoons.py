"""A typhoon is told where the bulletin's own words or circles say so, with what it says of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.languages import LANGUAGES
from feeds.facts import Fact
from feeds.jma import HazardBoard, codes_for, facts, read_telegram
from feeds.jma.codes import municipalities
from feeds.jma.positions import Point, distance, points_of, reaches
from feeds.texts import compose
from feeds.texts.times import moment
from tests.support.feed_world import a_city
from tests.support.telegrams import City, raw

SENDAI, SAPPORO, TSUSHIMA, GOTO = "0410000", "0110000", "4220900", "4221100"
NAHA, ISHIGAKI, FUKUOKA, TSUKUBA, KUMAMOTO = "4720100", "4720700", "4013000", "0822000", "4310000"
NAGOYA = "2310000"
MIYAZAKI, TOKYO, YONAGUNI, AMAMI = "4520100", "1310100", "4738200", "4622200"


def bulletin(
    body: str,
    *,
    headline: str = "",
    kind: str = "全般台風情報（定型）",
    title: str = "令和８年　台風第８号に関する情報　第２６号　（位置）",
    serial: str = "",
    info_type: str = "発表",
) -> bytes:
    return raw(
        kind,
        f'<Comment><Text type="本文">{body}</Text></Comment>',
        headline=f"<Text>{headline}</Text>",
        head_title=title,
        event_id="TC2608",
        serial=serial,
        info_type=info_type,
    )


def told(data: bytes, municipality: str) -> list[Fact]:
    return facts(read_telegram(data), codes_for(municipality), HazardBoard())


DETAIL = """実況　１日１２時　{place}
　大きさ階級　／／
　強さ階級　　非常に強い
　中心位置　　北緯３３度５５分　東経１２７度１０分
　移動　　　　北北東　毎時３０キロ
　中心気圧　　９６０ヘクトパスカル
　最大風速　　中心付近４５メートル　最大瞬間風速　６０メートル
　暴風域　　　南西側１２０キロ　北東側６０キロ
　強風域　　　西側２２０キロ　東側１５０キロ

予報　２４時間後　２日１２時　日本海
　強さ階級　　／／
　予報円中心　{forecast}　半径１９０キロ
　移動　　　　東北東　毎時３５キロ
"""
FAR = "北緯３８度４０分　東経１３１度５０分"


@pytest.mark.slow
def test_the_official_typhoon_east_northeast_of_jeju_alarms_nobody(shared_data: Path) -> None:
    data = (shared_data / "cases/telegrams/08_01_02_100806_VPTI52.xml").read_bytes()
    assert [place.name for place in municipalities().values() if told(data, place.code)] == []


@pytest.mark.parametrize(
    "point",
    [
        *("北", "北北東", "北東", "東北東", "東", "東南東", "南東", "南南東"),
        *("南", "南南西", "南西", "西南西", "西", "西北西", "北西", "北北西"),
    ],
)
@pytest.mark.parametrize("where", ["チェジュ島", "関東", "四国", "東北地方", "沖縄", "フィリピン"])
def test_where_a_typhoon_is_is_no_place_in_danger(where: str, point: str) -> None:
    for distant in ("約８０キロ", "８０キロ", "", "の海上", "海上"):
        headline = f"　台風第８号は、{where}の{point}{distant}にあって、北へ進んでいます。"
        for code in (SENDAI, TSUKUBA, NAHA, FUKUOKA, SAPPORO):
            assert told(bulletin("", headline=headline), code) == [], (headline, code)
    detail = DETAIL.format(place=f"{where}の{point}約８０キロ", forecast=FAR)
    assert told(bulletin(detail, kind="全般台風情報（詳細）"), SENDAI) == []


@pytest.mark.parametrize(
    ("headline", "yes", "no"),
    [
        ("九州南部では暴風に警戒してください。", MIYAZAKI, FUKUOKA),
        ("九州北部地方では大雨に警戒してください。", FUKUOKA, MIYAZAKI),
        ("九州では大雨に警戒してください。", FUKUOKA, TSUKUBA),
        ("沖縄・奄美や西日本では、大荒れとなるおそれがあります。", NAHA, TSUKUBA),
        ("沖縄本島地方は暴風域に入る見込みです。", NAHA, ISHIGAKI),
        ("先島諸島に接近する見込みです。", ISHIGAKI, NAHA),
        ("東京都では大雨に警戒してください。", TOKYO, "2610000"),
        ("関東の東を進み、東北地方では大雨に警戒。", SENDAI, TSUKUBA),
        ("中国大陸に上陸しました。", "", "3410000"),
        ("台風は中国東北区で温帯低気圧に変わりました。", "", SENDAI),
        ("台風は関東の東海上の高気圧の縁を進んでいます。", "", NAGOYA),
        ("西日本・沖縄では大雨に警戒してください。", NAHA, TSUKUBA),
        ("西日本・沖縄では大雨に警戒してください。", FUKUOKA, SENDAI),
        ("台風は九州・沖縄に接近しています。", NAHA, TSUKUBA),
        ("鹿児島県や沖縄県では暴風に警戒してください。", ISHIGAKI, FUKUOKA),
        ("台風は紀伊半島沖、沖縄近海を進んでいます。", "", NAHA),
        ("中国・四国地方では大雨に警戒してください。", "3410000", FUKUOKA),
    ],
)
def test_the_parts_of_the_country_that_a_headline_names_hear_of_it(
    headline: str, yes: str, no: str
) -> None:
    if yes:
        assert len(told(bulletin("", headline=headline), yes)) == 1
    assert told(bulletin("", headline=headline), no) == []


def test_the_only_bulletin_taken_back_is_told_to_those_who_heard_it() -> None:
    city = City(codes_for(NAHA))
    headline = "沖縄本島地方は暴風域に入る見込みです。"
    first, withdrawn, second = (
        bulletin("", headline=headline, serial=serial, info_type=info_type)
        for serial, info_type in (("1", "発表"), ("1", "取消"), ("2", "発表"))
    )
    [told_first], [end], [again] = map(city.read, (first, withdrawn, second))
    assert [fact.status.value for fact in (told_first, end, again)] == [
        *("issued", "cancelled", "issued")
    ]
    assert (end.kind, end.previous_level, end.is_news) == ("台風情報", 2, True)
    assert end.standing == told_first.standing == ("",)


def test_a_later_bulletin_taken_back_leaves_the_typhoon_told() -> None:
    city = City(codes_for(NAHA))
    headline = "沖縄本島地方は暴風域に入る見込みです。"
    read = [
        city.read(bulletin("", headline=headline, serial=serial, info_type=info_type))
        for serial, info_type in (("1", "発表"), ("2", "発表"), ("2", "取消"), ("3", "発表"))
    ]
    assert [fact.is_news for [fact] in read] == [True, False, False, False]


SENTENCES = """　大型で非常に強い台風第８号（アイレー）は、６月３０日２１時には
日向灘の
北緯３１度００分、東経１３２度００分にあって、
１時間におよそ２０キロの速さで北北西へ進んでいます。
最大瞬間風速は６０メートルで
中心から半径９
０キロ以内では
風速２５メートル以上の暴風となっています。
また、中心の南側６００キロ以内と北側１２０キロ以内では
風速１５メートル以上の強い風が吹いています。
　台風の中心は、２４時間後の１日２１時には
北緯３３度００分、東経１３０度３０分を中心とする
半径５０キロの円内に達する見込みです。
予報円の中心から半径{warned}キロ以内では
風速２５メートル以上の暴風域に入るおそれがあります。
"""


def test_the_circles_of_storm_gale_and_forecast_reach_those_within_them() -> None:
    near = bulletin(SENTENCES.format(warned="９０"))
    assert [bool(told(near, code)) for code in (MIYAZAKI, KUMAMOTO, FUKUOKA)] == [True, True, True]
    assert [bool(told(near, code)) for code in (TSUKUBA, SENDAI, NAHA)] == [False, False, False]
    # 600 kilometres to the south, a fifth of that to the north.
    assert told(near, AMAMI)
    assert not told(bulletin(SENTENCES.format(warned="９０")), "3410000")
    assert told(bulletin(SENTENCES.format(warned="３００")), "3410000")


def test_an_area_that_differs_by_side_is_taken_by_the_side_that_faces_the_city() -> None:
    centre, south = Point(30.0, 130.0), Point(27.5, 130.0)
    north = Point(32.5, 130.0)
    assert distance(centre, south) == pytest.approx(278, abs=2)
    wide_south = [("南", 300.0), ("北", 100.0)]
    assert reaches(centre, wide_south, [south])
    assert not reaches(centre, wide_south, [north])
    assert reaches(centre, [("", 260.0)], [north])
    assert not reaches(centre, [("", 250.0)], [north])
    assert not reaches(centre, [("", 9000.0)], [])


def test_every_municipality_with_forecast_areas_lies_somewhere() -> None:
    lost = [
        place.name
        for place in municipalities().values()
        if place.forecast_areas and not points_of(codes_for(place.code))
    ]
    assert lost == []


def test_what_a_bulletin_says_of_the_typhoon_is_kept() -> None:
    [fact] = told(bulletin(SENTENCES.format(warned="９０")), MIYAZAKI)
    typhoon = fact.typhoon
    assert typhoon is not None
    assert (typhoon.number, typhoon.name, typhoon.place) == ("8", "アイレー", "日向灘")
    assert (typhoon.size, typhoon.strength) == ("大型", "非常に強い")
    assert (typhoon.gust, typhoon.direction, typhoon.speed) == ("60", "北北西", "20")
    assert typhoon.speed_is_about
    assert typhoon.at == datetime(2026, 6, 30, 12, tzinfo=UTC)
    assert typhoon.position == (31.0, 132.0)


def test_a_list_of_labels_is_read_like_the_sentences() -> None:
    place = "対馬の西約１８０キロ"
    detail = DETAIL.format(place=place, forecast="北緯３４度１０分　東経１２９度２０分")
    [fact] = told(bulletin(detail, kind="全般台風情報（詳細）"), TSUSHIMA)
    typhoon = fact.typhoon
    assert typhoon is not None
    assert (typhoon.place, typhoon.strength, typhoon.size) == (
        "対馬の西約180キロ",
        "非常に強い",
        "",
    )
    assert (typhoon.wind, typhoon.gust, typhoon.pressure) == ("45", "60", "960")
    assert (typhoon.direction, typhoon.speed, typhoon.speed_is_about) == ("北北東", "30", False)
    assert typhoon.at == datetime(2026, 7, 1, 3, tzinfo=UTC)


def test_every_language_says_which_typhoon_where_when_and_how_strong(shared_data: Path) -> None:
    data = (shared_data / "jma/samples/07_01_01_100514_VPTI51.xml").read_bytes()
    [fact] = told(data, ISHIGAKI)
    texts = compose(fact, a_city(), languages=tuple(LANGUAGES))
    own_digits = {"ne": str.maketrans("०१२३४५६७८९", "0123456789")}
    own_digits["my"] = str.maketrans("၀၁၂၃၄၅၆၇၈၉", "0123456789")
    for language, words in texts.items():
        title = words["title"].translate(own_digits.get(language, {}))
        text = words["text"].translate(own_digits.get(language, {}))
        assert "8" in title, language
        for said in ("210", "40", "55", "30"):
            assert re.search(rf"(?<!\d){said}(?!\d)", text), (language, said)
    english = texts["en"]
    assert english["title"] == "Tropical Cyclone Information: Typhoon No. 8"
    assert fact.typhoon is not None
    assert fact.typhoon.at is not None
    time = moment(fact.typhoon.at, "en")
    assert f"Centre at {time} (Japan time): about 210 km to the southeast of" in english["text"]
    assert "Size: large\nStrength: strong\n" in english["text"]
    assert "Moving: west, about 30 km an hour" in english["text"]
    assert "宮古島の南東約210キロ" in texts["ja"]["text"]


def test_a_place_abroad_that_has_no_name_of_ours_is_told_in_degrees() -> None:
    detail = DETAIL.format(
        place="チェジュ島の東北東約８０キロ", forecast="北緯３４度１０分　東経１２９度２０分"
    )
    [fact] = told(bulletin(detail, kind="全般台風情報（詳細）"), TSUSHIMA)
    texts = compose(fact, a_city(), languages=("en", "my", "ja"))
    assert "latitude 33.9° north, longitude 127.2° east" in texts["en"]["text"]
    assert "チェジュ" not in texts["my"]["text"]
    assert "チェジュ島の東北東約80キロ" in texts["ja"]["text"]


def test_a_depression_that_becomes_a_typhoon_has_no_number() -> None:
    data = bulletin(
        "　１日９時の観測によると、熱帯低気圧が\nフィリピンの東の\n"
        "北緯１８度３５分、東経１２６度５０分にあって、\nゆっくり西へ進んでいます。",
        headline="熱帯低気圧が今後２４時間以内に台風に発達し、先島諸島に接近する見込みです。",
        title="発達する熱帯低気圧に関する情報　第０１の０１号",
    )
    [fact] = told(data, ISHIGAKI)
    words = compose(fact, a_city(), languages=("en",))["en"]
    assert words["title"].endswith("a tropical depression that is becoming a typhoon")
    assert "Moving slowly: west" in words["text"]


def test_a_headline_alone_still_makes_a_notice() -> None:
    city = City()
    city.read(bulletin("", headline="関東地方では暴風に警戒。"))
    assert [f.typhoon.number for f in city.heard if f.typhoon] == ["8"]
