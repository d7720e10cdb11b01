"""A city, facts and a measure of what could not be said, for the tests of texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from city.city import City, District, JmaCodes, Topic
from core.clock import JAPAN
from core.languages import LANGUAGES, MISSING_TRANSLATIONS
from feeds.facts import Fact, Quake, Tsunami
from feeds.models import Status
from feeds.texts.terms import MISSING_TERMS

AT = datetime(2026, 7, 3, 16, 5, tzinfo=JAPAN)
CITY = City(
    name={"ja": "つくば市", "en": "Tsukuba City"},
    line_name="つくば市（見本）",
    jma=JmaCodes(municipality="0822000"),
    languages=tuple(LANGUAGES),
    topics=(Topic(code="weather", names={"ja": "気象・災害", "en": "Weather and disasters"}),),
    districts=(
        District(
            code="d1",
            names={"ja": "東町", "ja-x-easy": "東町（ひがしまち）", "en": "Higashimachi"},
            polygons=(),
        ),
        District(code="d2", names={"ja": "西町", "en": "Nishimachi"}, polygons=()),
    ),
    shelter_url="https://city.example.jp/shelters",
)

FIVE_LEVELS = {
    "heavy-rain": "大雨",
    "landslide": "土砂災害",
    "flood": "氾濫",
    "storm-surge": "高潮",
}
GRADES = {2: "注意報", 3: "警報", 4: "危険警報", 5: "特別警報"}
WITHOUT_LEVEL: dict[str, tuple[tuple[str, int], ...]] = {
    "storm": (("暴風警報", 3), ("暴風特別警報", 5)),
    "gale": (("強風注意報", 2),),
    "snow-storm": (("暴風雪警報", 3), ("暴風雪特別警報", 5)),
    "blizzard-advisory": (("風雪注意報", 2),),
    "high-waves": (("波浪注意報", 2), ("波浪警報", 3), ("波浪特別警報", 5)),
    "heavy-snow": (("大雪注意報", 2), ("大雪警報", 3), ("大雪特別警報", 5)),
    "thunder": (("雷注意報", 2),),
    "snow-melt": (("融雪注意報", 2),),
    "dense-fog": (("濃霧注意報", 2),),
    "dry-air": (("乾燥注意報", 2),),
    "avalanche": (("なだれ注意報", 2),),
    "low-temperature": (("低温注意報", 2),),
    "frost": (("霜注意報", 2),),
    "ice-accretion": (("着氷注意報", 2),),
    "snow-accretion": (("着雪注意報", 2),),
    "other-advisory": (("その他の注意報", 2),),
    "heavy-rain": (("大雨警報（浸水害）", 3), ("大雨警報（土砂災害）", 3), ("大雨特別警報", 5)),
    "landslide": (("土砂災害警戒情報", 4),),
    "flood": (
        ("洪水注意報", 2),
        ("洪水警報", 3),
        ("利根川上流部氾濫注意情報", 2),
        ("氾濫警戒情報", 3),
        ("氾濫危険情報", 4),
        ("氾濫発生情報", 5),
    ),
    "storm-surge": (("高潮注意報", 2), ("高潮警報", 3), ("高潮特別警報", 5)),
    "record-rain": (("記録的短時間大雨情報", 4), ("気象防災速報（記録的短時間大雨）", 4)),
    "linear-rain-band": (
        ("気象防災速報（線状降水帯発生）", 4),
        ("気象防災速報（線状降水帯直前予測）", 4),
    ),
    "short-heavy-snow": (("気象防災速報（短時間大雪）", 3),),
    "tornado": (
        ("竜巻注意情報", 3),
        ("竜巻注意情報（目撃情報付き）", 3),
        ("気象防災速報（竜巻注意）", 3),
        ("気象防災速報（竜巻目撃）", 3),
    ),
    "typhoon": (("台風情報", 1),),
    "early-notice": (("早期注意情報（大雨、風（風雪）、波）", 1),),
    "earthquake": tuple(
        (f"震度{intensity}", level)
        for intensity, level in zip(
            ("１", "２", "３", "４", "５弱", "５強", "６弱", "６強", "７"),
            (1, 1, 2, 3, 4, 4, 5, 5, 5),
            strict=True,
        )
    ),
    "long-period": tuple((f"長周期地震動階級{number}", int(number)) for number in "１２３４"),
    "tsunami": (
        ("大津波警報", 5),
        ("津波警報", 4),
        ("津波注意報", 3),
        ("津波予報（若干の海面変動）", 1),
    ),
    "volcano": (
        ("レベル１（活火山であることに留意）", 1),
        ("レベル２（火口周辺規制）", 2),
        ("レベル３（入山規制）", 3),
        ("レベル４（高齢者等避難）", 4),
        ("レベル５（避難）", 5),
        ("居住地域厳重警戒", 5),
        ("火口周辺危険", 2),
        ("周辺海域警戒", 3),
    ),
    "eruption": (("噴火速報", 4),),
    "ash-fall": (("降灰", 1), ("多量の降灰", 3), ("小さな噴石の落下", 3)),
    "nankai-trough": (
        ("南海トラフ地震臨時情報（調査中）", 2),
        ("南海トラフ地震臨時情報（巨大地震警戒）", 4),
        ("南海トラフ地震臨時情報（巨大地震注意）", 3),
        ("南海トラフ地震臨時情報（調査終了）", 1),
        ("南海トラフ地震関連解説情報", 1),
    ),
    "off-sanriku": (("北海道・三陸沖後発地震注意情報", 3),),
}
TOPICS = {"earthquake": "earthquake", "long-period": "earthquake", "tsunami": "tsunami"}
TOLD = (
    Status.ISSUED,
    Status.RAISED,
    Status.LOWERED,
    Status.LIFTED,
    Status.CANCELLED,
    Status.CORRECTED,
    Status.CONTINUED,
)


def fact(hazard: str, kind: str, level: int, status: Status = Status.ISSUED) -> Fact:
    """A fact for the city, as the telegrams of the agency make it."""
    intensity = kind.removeprefix("震度").translate(
        str.maketrans("１２３４５６７弱強", "1234567-+")
    )
    quake = Quake(
        origin_at=AT - timedelta(minutes=4),
        intensity=intensity,
        max_intensity="5+",
        hypocentre="茨城県沖",
        magnitude="5.8",
        depth_km=50,
        comment="この地震による津波の心配はありません。",
        comment_codes="0215",
        long_period_class="2",
    )
    tsunami = Tsunami(
        coast="茨城県",
        coast_code="300",
        height="１０ｍ超",
        arrival_at=AT + timedelta(minutes=25),
        arrival_condition="ただちに津波来襲と予測",
        observed_height="０．２ｍ未満",
    )
    return Fact(
        topic=TOPICS.get(hazard, "weather"),
        hazard=hazard,
        kind=kind,
        level=level,
        status=status,
        previous_kind=kind if status in (Status.RAISED, Status.LOWERED) else "",
        areas=("0822000",),
        place="茨城県" if hazard == "tsunami" else "つくば市",
        volcano="浅間山" if hazard in ("volcano", "eruption", "ash-fall") else "",
        river="小貝川" if "情報" in kind and hazard == "flood" else "",
        reported_at=AT,
        valid_until=AT + timedelta(hours=1) if hazard == "tornado" else None,
        office="気象庁" if hazard in TOPICS else "水戸地方気象台",
        quake=quake if hazard in ("earthquake", "long-period") else None,
        tsunami=tsunami if hazard == "tsunami" else None,
    )


def every_fact() -> list[Fact]:
    """One fact for each hazard, name, level and status that residents can be told."""
    kinds = [
        (hazard, f"レベル{'０１２３４５'[level]}{name}{grade}", level)
        for hazard, name in FIVE_LEVELS.items()
        for level, grade in GRADES.items()
    ]
    kinds += [
        (hazard, kind, level) for hazard, names in WITHOUT_LEVEL.items() for kind, level in names
    ]
    told = [fact(*kind, status) for kind in kinds for status in TOLD]
    return [*told, *(replace(made, update=True) for made in told if made.quake is not None)]


def unsaid() -> float:
    """How often a message or a name was missing in a language, since the process began."""
    return sum(
        sample.value
        for counter in (MISSING_TRANSLATIONS, MISSING_TERMS)
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels.get("catalogue", "feeds") == "feeds"
    )
