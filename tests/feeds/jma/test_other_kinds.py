"""Sudden extremes, volcanoes, the great earthquakes, typhoons, early notices."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from city.city import Decision, JmaCodes, SourceConfig
from core.languages import LANGUAGES
from feeds.errors import Unreadable
from feeds.facts import Expected, Fallen
from feeds.jma import codes_for
from feeds.policy import rule_on_fact
from feeds.texts.advice import advice
from feeds.texts.compose import compose
from feeds.texts.messages import BE_PREPARED, STILL_IN_FORCE
from feeds.texts.terms import term
from simulator.agency.writing import TSUKUBA, Kind, cancellation, sudden, warning
from tests.support.feed_world import a_city
from tests.support.telegrams import CODE, City, at, envelope, nankai, rain, raw, statuses, volcano
from tests.support.worked_facts import CITY


def test_a_linear_rain_band_is_told_when_it_is_expected_and_when_it_is_there() -> None:
    city = City()
    city.read(
        sudden("線状降水帯直前", TSUKUBA, envelope(0, event_id="A_1")),
        sudden("線状降水帯直前", TSUKUBA, envelope(10, event_id="A_2")),
        sudden("線状降水帯発生", TSUKUBA, envelope(60, event_id="A_3")),
        sudden("線状降水帯発生", TSUKUBA, envelope(70, event_id="A_4")),
        sudden("線状降水帯発生", TSUKUBA, envelope(70 + 200, event_id="B_1")),
    )
    assert [(f.status.value, f.kind) for f in city.heard] == [
        ("issued", "気象防災速報（線状降水帯直前予測）"),
        ("raised", "気象防災速報（線状降水帯発生）"),
        ("issued", "気象防災速報（線状降水帯発生）"),
    ]
    assert city.heard[0].valid_until == at(180)


def test_record_rain_is_told_once_whichever_form_says_it_first() -> None:
    old = raw(
        "記録的短時間大雨情報",
        '<Warning type="記録的短時間大雨情報（発表細分）"><Item><Kind>'
        "<Name>記録的短時間大雨情報</Name><Code>1</Code><Status>発表</Status></Kind>"
        "<Area><Name>茨城県</Name><Code>080000</Code></Area></Item></Warning>",
        minutes=10,
        event_id="X_1",
    )
    new = sudden("記録雨", TSUKUBA, envelope(10, event_id="Y_1"))
    for order in ((old, new), (new, old)):
        city = City()
        city.read(*order)
        assert city.news() == [("issued", "record-rain", 4)]


def old_record_rain(minutes: float, headline: str) -> bytes:
    return raw(
        "記録的短時間大雨情報",
        '<Warning type="記録的短時間大雨情報（発表細分）"><Item><Kind>'
        "<Name>記録的短時間大雨情報</Name><Code>1</Code><Status>発表</Status></Kind>"
        "<Area><Name>茨城県</Name><Code>080000</Code></Area></Item></Warning>",
        minutes=minutes,
        headline=f"<Text>{headline}</Text>",
        event_id="X_1",
    )


def test_the_old_record_rain_alarms_only_the_municipalities_its_headline_names() -> None:
    """Its code is the whole prefecture's; it would wake a million people for one village."""
    here = "１７時、茨城県つくば市、土浦市で記録的短時間大雨。つくば市付近で約１００ミリ。"
    there = "１７時、茨城県つくばみらい市で記録的短時間大雨。"
    assert statuses(City().read(old_record_rain(0, here))) == ["issued"]
    assert City().read(old_record_rain(0, there)) == []
    assert statuses(City().read(old_record_rain(0, "茨城県で記録的短時間大雨。"))) == ["issued"]


@pytest.mark.parametrize(
    ("headline", "english"),
    [
        ("１２時茨城県で記録的短時間大雨\nつくば市付近で約１１０ミリ", "about 110 mm"),
        ("１２時茨城県で記録的短時間大雨\nつくば市付近で約１２０ミリ以上", "about 120 mm or more"),
        ("１２時茨城県で記録的短時間大雨\nつくば市で１２０ミリ以上", "120 mm or more"),
        (
            "１２時茨城県で記録的短時間大雨\n土浦市付近で約１００ミリ\nつくば市館野で９３ミリ",
            "93 mm",
        ),
    ],
)
def test_the_rain_that_fell_keeps_what_the_agency_says_of_its_number(
    headline: str, english: str
) -> None:
    [told] = City().read(old_record_rain(0, headline))
    texts = compose(told, a_city(), languages=tuple(LANGUAGES))
    assert f"Rain in one hour: {english}\n" in texts["en"]["text"]
    amounts = {language: words["text"].split("mm")[0] for language, words in texts.items()}
    assert len(amounts) == len(LANGUAGES)
    assert all("mm" in words["text"] for words in texts.values())


def test_rain_elsewhere_is_no_amount_of_this_city() -> None:
    [told] = City().read(old_record_rain(0, "茨城県で記録的短時間大雨。多い所で約１００ミリ"))
    assert told.fallen is None


def test_the_snow_that_fell_is_told_with_its_hours(shared_data: Path) -> None:
    data = (shared_data / "jma/samples/82_01_03_241031_VPBS50.xml").read_bytes()
    nagahama, maibara = (City(codes_for(code)) for code in ("2520300", "2521400"))
    [told] = nagahama.read(data)
    assert told.fallen == Fallen("37", "6", snow=True)
    assert "Snow in 6 hours: 37 cm\n" in compose(told, a_city(), languages=["en"])["en"]["text"]
    assert all(each.fallen is None for each in maibara.read(data))


def test_record_rain_that_names_municipalities_concerns_those_alone() -> None:
    area = (
        '<MeteorologicalInfos type="観測実況"><MeteorologicalInfo><Item><Area codeType="気象・'
        '地震・火山情報／市町村等"><Name>土浦市</Name><Code>0820300</Code></Area></Item>'
        "</MeteorologicalInfo></MeteorologicalInfos>"
    )
    data = sudden("記録雨", TSUKUBA, envelope(0))
    body = b'<Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/meteorology1/"'
    named = data.replace(body + b"/>", body + b">" + area.encode() + b"</Body>")
    assert named != data
    assert City().read(named) == []
    assert City(JmaCodes(municipality="0820300")).read(named) != []


def test_two_tags_in_one_report_are_both_heard_each_in_its_own_area() -> None:
    def tag(condition: str, code: str) -> str:
        return (
            f"<Item><Kind><Name>情報タグ</Name><Condition>{condition}</Condition></Kind>"
            f"<Areas><Area><Name>x</Name><Code>{code}</Code></Area></Areas></Item>"
        )

    def told(*tags: str) -> list[str]:
        data = raw(
            "府県気象防災速報",
            headline=f'<Text>x</Text><Information type="情報タグ">{"".join(tags)}</Information>',
        )
        return [fact.hazard for fact in City().read(data)]

    both = ["short-heavy-snow", "record-rain"]
    assert told(tag("短時間大雪", "080020"), tag("記録雨", "080020")) == both
    assert told(tag("短時間大雪", "080010"), tag("記録雨", "080020")) == ["record-rain"]
    assert told(tag("短時間大雪", "080010"), tag("記録雨", "080010")) == []


def test_a_tag_that_is_not_known_is_set_aside() -> None:
    data = sudden("記録雨", TSUKUBA, envelope(0)).replace("記録雨".encode(), "彗星".encode())
    with pytest.raises(Unreadable, match="tag"):
        City().read(data)


def tornado(
    minutes: float,
    title: str = "竜巻注意情報",
    serial: str = "1",
    head_title: str = "",
    headline: str = "",
) -> bytes:
    return raw(
        title,
        '<Warning type="竜巻注意情報（市町村等）"><Item><Kind><Name>竜巻注意情報</Name>'
        "<Code>1</Code><Status>発表</Status></Kind><Area><Name>つくば市</Name>"
        f"<Code>{CODE}</Code></Area></Item></Warning>",
        minutes=minutes,
        serial=serial,
        head_title=head_title,
        headline=headline,
        valid_until=at(minutes + 70).isoformat(),
    )


def test_a_tornado_bears_the_name_in_its_title() -> None:
    city = City()
    city.read(
        tornado(0, head_title="茨城県気象防災速報（竜巻注意）"),
        tornado(30, serial="2", head_title="茨城県気象防災速報（竜巻目撃）"),
    )
    assert [(f.status.value, f.kind) for f in city.heard] == [
        ("issued", "気象防災速報（竜巻注意）"),
        ("raised", "気象防災速報（竜巻目撃）"),
    ]


def test_a_tornado_watch_that_is_renewed_is_told_once_and_a_sighting_again() -> None:
    city = City()
    seen = "竜巻注意情報（目撃情報付き）"
    sighted = (
        '<Text>【目撃情報あり】</Text><Information type="竜巻注意情報（目撃情報あり）">'
        "<Item><Kind><Name>竜巻注意情報</Name><Code>1</Code></Kind></Item></Information>"
    )
    city.read(
        tornado(0),
        tornado(60, serial="2"),
        tornado(70, seen, "3", headline=sighted),
        tornado(300),
    )
    assert [(f.status.value, f.kind) for f in city.heard] == [
        ("issued", "竜巻注意情報"),
        ("raised", seen),
        ("issued", "竜巻注意情報"),
    ]
    assert city.heard[0].valid_until == at(70)
    wrong = tornado(300, head_title="茨城県竜巻注意情報")
    (taken,) = city.read(cancellation(wrong, at(305), "取り消します。"))
    assert taken.status.value == "cancelled"


def test_the_format_with_room_for_sightings_claims_none_by_its_name() -> None:
    """VPHW51 is sent beside every VPHW50, whether or not somebody saw a tornado."""
    city = City()
    plain = "竜巻注意情報（目撃情報付き）"
    city.read(tornado(0), tornado(0, plain), tornado(20, plain, "2"))
    assert [(f.status.value, f.kind) for f in city.heard] == [("issued", "竜巻注意情報")]
    city.read(tornado(30, serial="3", headline="<Text>【目撃情報あり】茨城県南部で</Text>"))
    assert city.heard[-1].status.value == "raised"


def test_a_volcano_concerns_the_municipalities_it_names_and_those_that_follow_it() -> None:
    nikko = City(JmaCodes(municipality="0920600"))
    nikko.read(volcano(0, "12", "11", "引上げ"), volcano(60, "12", "12", "継続"))
    nikko.read(volcano(90, "11", "12", "引下げ"))
    assert [(f.status.value, f.level, f.volcano, f.shown_level) for f in nikko.heard] == [
        ("raised", 2, "日光白根山", 0),
        ("lowered", 1, "日光白根山", 0),
    ]
    follower = City(JmaCodes(municipality="1020600", volcanoes=("302",)))
    assert statuses(follower.read(volcano(0, "12", "11", "引上げ"))) == ["raised"]
    assert City().read(volcano(0, "12", "11", "引上げ")) == []


def test_ash_is_news_when_it_becomes_worse() -> None:
    def ash(minutes: float, title: str, code: str, name: str, event: str) -> bytes:
        return raw(
            title,
            '<VolcanoInfo type="降灰予報（対象火山）"><Item><Kind><Name>x</Name></Kind><Areas>'
            "<Area><Name>浅間山</Name><Code>306</Code></Area></Areas></Item></VolcanoInfo>"
            f'<VolcanoInfo type="降灰予報（対象市町村等）"><Item><Kind><Name>{name}</Name>'
            f"<Code>{code}</Code></Kind><Areas><Area><Name>つくば市</Name><Code>{CODE}</Code>"
            "</Area></Areas></Item></VolcanoInfo>",
            minutes=minutes,
            event_id=event,
            valid_until=at(minutes + 360).isoformat(),
        )

    city = City()
    city.read(
        ash(0, "降灰予報（定時）", "70", "降灰", "306"),
        ash(180, "降灰予報（定時）", "70", "降灰", "306"),
        ash(200, "降灰予報（速報）", "71", "少量の降灰", "20260701_306"),
        ash(220, "降灰予報（詳細）", "73", "多量の降灰", "20260701_306"),
    )
    assert [(f.status.value, f.level, f.kind, f.volcano) for f in city.heard] == [
        ("issued", 1, "降灰予報（定時）", "浅間山"),
        ("issued", 1, "少量の降灰", "浅間山"),
        ("raised", 3, "多量の降灰", "浅間山"),
    ]


def test_the_nankai_information_goes_from_inquiry_to_its_end() -> None:
    shizuoka = City(JmaCodes(municipality="2210000"))
    shizuoka.read(
        nankai(0, "111", "調査中"),
        nankai(60, "120", "巨大地震警戒"),
        nankai(90, "120", "巨大地震警戒"),
        nankai(10_000, "130", "巨大地震注意"),
        nankai(20_000, "190", "調査終了"),
        nankai(30_000, "200", "解説", "南海トラフ地震関連解説情報"),
    )
    assert [(f.status.value, f.level) for f in shizuoka.heard] == [
        ("issued", 2),
        ("raised", 4),
        ("lowered", 3),
        ("lifted", 0),
        ("issued", 1),
    ]
    assert City().read(nankai(0, "120", "巨大地震警戒")) == []
    with pytest.raises(Unreadable):
        shizuoka.read(nankai(40_000, "777", "不明"))


def test_the_commentary_on_the_nankai_trough_is_published_and_pushed_to_nobody() -> None:
    shizuoka = City(JmaCodes(municipality="2210000"))
    monthly = nankai(0, "210", "解説", "南海トラフ地震関連解説情報")
    (told,) = shizuoka.read(monthly)
    assert (told.kind, told.is_news, told.quiet) == ("南海トラフ地震関連解説情報", True, True)
    assert BE_PREPARED not in advice(told)
    source = SourceConfig.model_validate(
        {"code": "jma", "kind": "jma", "decision": "send", "names": {"ja": "気象庁"}}
    )
    ruling = rule_on_fact(told, source, CITY, told.reported_at)
    assert (ruling.decision, ruling.rule) == (Decision.PUBLISH, "quiet")
    (taken,) = shizuoka.read(cancellation(monthly, at(10), "取り消します。"))
    assert (taken.status.value, taken.kind) == ("cancelled", "南海トラフ地震関連解説情報")
    assert (taken.is_news, taken.quiet) == (True, True)


def test_a_cancelled_step_of_the_nankai_trough_is_called_what_it_was() -> None:
    wrong = nankai(0, "111", "調査中")
    (untold,) = City(JmaCodes(municipality="2210000")).read(cancellation(wrong, at(5), "取消"))
    assert (untold.kind, untold.is_news) == ("南海トラフ地震臨時情報", False)
    for language in LANGUAGES:
        name = term("南海トラフ地震臨時情報", language).text
        assert term("南海トラフ地震臨時情報（調査中）", language).text.startswith(name)
        assert name != term("南海トラフ地震関連解説情報", language).text


def test_a_nankai_inquiry_months_later_begins_anew() -> None:
    """No telegram ends 巨大地震注意: it expires, and the next step does not lower it."""
    shizuoka = City(JmaCodes(municipality="2210000"))
    months = 90 * 24 * 60
    shizuoka.read(nankai(0, "111", "調査中"), nankai(60, "130", "巨大地震注意"))
    shizuoka.read(nankai(months, "111", "調査中"), nankai(months + 60, "130", "巨大地震注意"))
    assert [(f.status.value, f.level, f.previous_level) for f in shizuoka.heard] == [
        ("issued", 2, 0),
        ("raised", 3, 2),
        ("issued", 2, 0),
        ("raised", 3, 2),
    ]


@pytest.mark.parametrize(
    ("outcome", "name", "told"),
    [
        ("190", "調査終了", ("lifted", 4, 2)),
        ("130", "巨大地震注意", ("issued", 3, 4)),
        ("120", "巨大地震警戒", ("issued", 4, 4)),
    ],
)
def test_a_new_nankai_inquiry_takes_nothing_from_the_alarm_that_stands(
    outcome: str, name: str, told: tuple[str, int, int]
) -> None:
    """A second quake three days later: whatever is found, 巨大地震警戒 stays in force."""
    shizuoka = City(JmaCodes(municipality="2210000"))
    shizuoka.read(nankai(0, "111", "調査中"), nankai(60, "120", "巨大地震警戒"))
    days = 3 * 24 * 60
    (inquiry,) = shizuoka.read(nankai(days, "111", "調査中"))
    assert (inquiry.status.value, inquiry.level, inquiry.previous_level) == ("issued", 2, 4)
    (found,) = shizuoka.read(nankai(days + 60, outcome, name))
    assert (found.status.value, found.level, found.previous_level) == told
    assert STILL_IN_FORCE in advice(inquiry)
    assert (STILL_IN_FORCE in advice(found)) is (outcome != "120")
    # The alarm is still known: the same word again is no news, and it can still be lowered.
    assert statuses(shizuoka.read(nankai(days + 90, "120", "巨大地震警戒"))) == ["continued"]
    assert statuses(shizuoka.read(nankai(days + 5_000, "130", "巨大地震注意"))) == ["lowered"]


def test_a_finding_that_was_wrong_opens_its_inquiry_again_and_leaves_the_alarm() -> None:
    shizuoka = City(JmaCodes(municipality="2210000"))
    shizuoka.read(nankai(0, "111", "調査中"), nankai(60, "120", "巨大地震警戒"))
    shizuoka.read(nankai(5_000, "112", "調査中"), nankai(5_060, "130", "巨大地震注意"))
    (taken,) = shizuoka.read(nankai(5_061, "", "", info_type="取消"))
    assert (taken.status.value, taken.kind) == (
        "cancelled",
        "南海トラフ地震臨時情報（巨大地震注意）",
    )
    assert (taken.level, taken.previous_level) == (4, 3)
    (over,) = shizuoka.read(nankai(5_090, "190", "調査終了"))
    assert (over.status.value, over.level, over.previous_level) == ("lifted", 4, 2)


def test_a_nankai_step_that_was_wrong_is_taken_back_and_the_inquiry_stands() -> None:
    shizuoka = City(JmaCodes(municipality="2210000"))
    shizuoka.read(nankai(0, "111", "調査中"), nankai(60, "130", "巨大地震注意"))
    (taken,) = shizuoka.read(nankai(61, "", "", info_type="取消"))
    assert (taken.status.value, taken.level, taken.previous_level) == ("cancelled", 2, 3)
    assert taken.kind == "南海トラフ地震臨時情報（巨大地震注意）"
    (again,) = shizuoka.read(nankai(62, "", "", info_type="取消"))
    assert again.untold
    (over,) = shizuoka.read(nankai(90, "190", "調査終了"))
    assert (over.status.value, over.previous_level) == ("lifted", 2)


def later_quake(minutes: float) -> bytes:
    return raw(
        "北海道・三陸沖後発地震注意情報", minutes=minutes, event_id=f"{at(minutes):%Y%m%d%H%M%S}"
    )


def test_the_later_quake_notice_concerns_the_north_and_each_quake_is_told() -> None:
    miyako = City(JmaCodes(municipality="0320200"))
    assert statuses(miyako.read(later_quake(0))) == ["issued"]
    assert statuses(miyako.read(later_quake(0))) == ["continued"]
    assert statuses(miyako.read(later_quake(190_000))) == ["issued"]
    assert City(JmaCodes(municipality="2210000")).read(later_quake(0)) == []


def typhoon(minutes: float, headline: str) -> bytes:
    return raw(
        "全般台風情報（定型）",
        headline=f"<Text>{headline}</Text>",
        minutes=minutes,
        event_id="TC2610",
    )


def test_a_typhoon_is_told_once_where_its_bulletin_names_the_place() -> None:
    city = City()
    city.read(
        typhoon(0, "台風第１０号は、関東の南を北へ進んでいます。東北地方では大雨に警戒。"),
        typhoon(180, "台風第１０号は、八丈島の北を進んでいます。関東地方では暴風に警戒。"),
        typhoon(360, "台風第１０号は、銚子の東を進んでいます。関東地方では暴風に警戒。"),
    )
    assert [(f.status.value, f.reported_at) for f in city.heard] == [("issued", at(180))]


def early(minutes: float, *ranks: tuple[str, str]) -> bytes:
    kinds = "".join(
        f"<Kind><Property><Type>{kind}の警報級の可能性</Type><PossibilityRankOfWarningPart>"
        f'<jmx_eb:PossibilityRankOfWarning refID="1" type="{kind}の警報級の可能性">なし'
        "</jmx_eb:PossibilityRankOfWarning>"
        f'<jmx_eb:PossibilityRankOfWarning refID="2" type="{kind}の警報級の可能性">{rank}'
        "</jmx_eb:PossibilityRankOfWarning></PossibilityRankOfWarningPart></Property></Kind>"
        for kind, rank in ranks
    )
    return raw(
        "早期注意情報（明後日まで）",
        '<MeteorologicalInfos type="区域予報"><TimeSeriesInfo><Item>'
        f"{kinds}<Area><Name>南部</Name><Code>080020</Code></Area></Item></TimeSeriesInfo>"
        "</MeteorologicalInfos>",
        minutes=minutes,
    )


def test_an_early_notice_is_news_when_a_new_danger_is_expected() -> None:
    city = City()
    city.read(
        early(0, ("大雨", "なし"), ("波", "なし")),
        early(360, ("大雨", "中"), ("波", "なし")),
        early(720, ("大雨", "中"), ("波", "なし")),
        early(1080, ("大雨", "高"), ("土砂災害", "中")),
        early(1440, ("大雨", "なし")),
    )
    assert [(f.kind, f.level, f.place) for f in city.heard] == [
        ("早期注意情報（大雨）", 1, "南部"),
        ("早期注意情報（土砂災害、大雨）", 1, "南部"),
    ]


PERIODS = "".join(
    f'<TimeDefine timeId="{number}"><DateTime>2026-07-{day}+09:00</DateTime>'
    f"<Duration>{lasting}</Duration></TimeDefine>"
    for number, (day, lasting) in enumerate(
        (("01T12:00:00", "PT6H"), ("01T18:00:00", "PT6H"), ("02T00:00:00", "P1D")), start=1
    )
)


def expected_on(*ranks: tuple[str, str, str]) -> bytes:
    """VPFD61 with its periods; each rank is danger, refID and rank."""
    kinds = "".join(
        "<Kind><Property><PossibilityRankOfWarningPart>"
        f'<jmx_eb:PossibilityRankOfWarning refID="{ref}" type="{danger}の警報級の可能性">{rank}'
        "</jmx_eb:PossibilityRankOfWarning></PossibilityRankOfWarningPart></Property></Kind>"
        for danger, ref, rank in ranks
    )
    return raw(
        "早期注意情報（明後日まで）",
        '<MeteorologicalInfos type="区域予報"><TimeSeriesInfo>'
        f"<TimeDefines>{PERIODS}</TimeDefines><Item>"
        f"{kinds}<Area><Name>南部</Name><Code>080020</Code></Area></Item></TimeSeriesInfo>"
        "</MeteorologicalInfos>",
    )


def test_an_early_notice_says_how_likely_and_on_which_days() -> None:
    [told] = City().read(
        expected_on(
            *(("大雨", "1", "中"), ("大雨", "2", "なし"), ("大雨", "3", "高")),
            *(("波", "2", "中"), ("波", "3", "中"), ("雪", "1", "なし"), ("風（風雪）", "3", "高")),
        )
    )
    first, second = date(2026, 7, 1), date(2026, 7, 2)
    assert told.expected == (
        Expected("大雨", "高", (second,)),
        Expected("風（風雪）", "高", (second,)),
        Expected("大雨", "中", (first,)),
        Expected("波", "中", (first, second)),
    )
    texts = compose(told, a_city(), languages=tuple(LANGUAGES))
    english = texts["en"]["text"]
    assert "Possibility that a warning is needed: high. Heavy rain – Thu, Jul 2" in english
    assert "needed: medium. High Wave – Wed, Jul 1 / Thu, Jul 2" in english
    assert "警報級の可能性［高］：大雨：7月2日（木）" in texts["ja"]["text"]
    assert "警報級の可能性［中］：波：7月1日（水）、7月2日（木）" in texts["ja"]["text"]
    assert all(len(words["text"].splitlines()) >= 8 for words in texts.values())


def test_a_period_that_cannot_be_read_says_no_day() -> None:
    data = expected_on(("大雨", "9", "高"), ("波", "", "中"))
    [told] = City().read(data)
    assert [each.days for each in told.expected] == [(), ()]
    assert "high. Heavy rain\n" in compose(told, a_city(), languages=["en"])["en"]["text"]


def series(minutes: float, code: str) -> bytes:
    return raw(
        "気象警報・注意報時系列情報（Ｒ０６）",
        '<MeteorologicalInfos type="量的予想時系列（市町村等）"><TimeSeriesInfo><Item><Kind>'
        "<Property><Type>大雨浸水危険度</Type><SignificancyPart><Base>"
        f'<Significancy refID="3" type="大雨浸水危険度"><Code>{code}</Code></Significancy>'
        "</Base></SignificancyPart></Property></Kind>"
        f"<Area><Name>つくば市</Name><Code>{CODE}</Code></Area></Item></TimeSeriesInfo>"
        "</MeteorologicalInfos>",
        minutes=minutes,
    )


def test_what_one_early_notice_said_the_other_does_not_say_again() -> None:
    city = City()
    city.read(early(0, ("大雨", "高")), series(10, "31"))
    assert [f.kind for f in city.heard] == ["早期注意情報（大雨）"]
    city.read(series(20, "41"))
    assert [f.kind for f in city.heard][1:] == ["気象警報・注意報時系列情報（大雨浸水）"]
    other = City()
    other.read(series(0, "31"), early(10, ("大雨", "中"), ("波", "中")))
    assert [f.kind for f in other.heard][1:] == ["早期注意情報（波）"]
    warned = City()
    warned.read(rain(0), rain(5, "03"), early(10, ("大雨", "高")))
    assert [f.hazard for f in warned.heard] == ["heavy-rain"]


def test_the_time_series_speaks_only_of_dangers_without_a_warning() -> None:
    city = City()
    city.read(rain(0), series(1, "21"), series(10, "41"), series(20, "41"))
    assert [(f.hazard, f.level) for f in city.heard] == [("early-notice", 1)]
    warned = City()
    warned.read(rain(0), rain(5, "43"), series(10, "41"))
    assert [f.hazard for f in warned.heard] == ["heavy-rain"]


def test_waves_and_snow_are_read_by_the_same_rules() -> None:
    city = City()
    city.read(warning("VPWW60", TSUKUBA, [Kind("12")], envelope(0)))
    city.read(warning("VPWW60", TSUKUBA, [Kind("36", "発表", "12")], envelope(10)))
    assert city.news() == [("issued", "heavy-snow", 2), ("raised", "heavy-snow", 5)]
