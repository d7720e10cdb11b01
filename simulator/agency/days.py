"""The recorded days: what happens, when, and in which words. All of it is invented.

A day's times count from its beginning; played at the day's own speed it takes some minutes.
The telegrams are for Tsukuba (municipality 0822000), the sample city.
"""

from __future__ import annotations

from datetime import datetime

from simulator.agency.dangers import TSUNAMI, TYPHOON, VOLCANO
from simulator.agency.earthquakes import NEVER, Earthquake, detailed, flashed
from simulator.agency.events import (
    EVENTS,
    NEWS,
    OFFICE,
    SAFETY,
    Day,
    Event,
    TelegramEvent,
    article,
    at,
    weather,
)
from simulator.agency.form import Envelope
from simulator.agency.writing import TSUKUBA, Kind, Shaking, sudden


def _rain_band() -> TelegramEvent:
    headline = (
        "茨城県南部では、線状降水帯による非常に激しい雨が同じ場所で降り続いています。"
        "命に危険が及ぶ土砂災害や洪水による災害発生の危険度が急激に高まっています。"
    )

    def write(now: datetime) -> bytes:
        event = f"{now:%Y%m%d%H%M%S}"
        return sudden(
            "線状降水帯発生", TSUKUBA, Envelope(at=now, headline=headline, event_id=event)
        )

    return TelegramEvent(
        name="linear rain band",
        feed="extra",
        kind="VPBS50",
        office=TSUKUBA.prefecture[0],
        author=OFFICE,
        headline=headline,
        write=write,
    )


BEFORE: tuple[Event, ...] = (
    Event(
        at(50),
        article(
            "old: library",
            EVENTS,
            "/events/101.html",
            "市民ギャラリー 水彩画展",
            "市民の水彩画を展示します。入場は無料です。",
            "文化",
        ),
    ),
    Event(
        at(40),
        article(
            "old: tender",
            NEWS,
            "/news/901.html",
            "入札結果を公表しました",
            "今月の入札結果を掲載しました。",
            "入札",
        ),
    ),
    Event(
        at(30),
        article(
            "old: fraud",
            SAFETY,
            "/safety/301.html",
            "市役所をかたる還付金詐欺の電話に注意してください",
            "「医療費を還付します」という電話が続いています。ＡＴＭの操作を求める電話は詐欺です。",
            "防犯",
        ),
    ),
)
"""Earlier entries of the web sites; ``at`` counts backwards from the beginning."""


QUIET = Day(
    name="quiet",
    title="静かな日",
    about="A quiet day: one item of routine news and a walk in the park.",
    speed=120,
    events=(
        Event(
            at(0, 30),
            article(
                "collection",
                NEWS,
                "/news/1001.html",
                "資源ごみ収集日の変更について",
                "来週の資源ごみの収集日を、水曜日から木曜日に変更します。朝８時までに出してください。",
                "くらし",
            ),
        ),
        Event(
            at(2),
            article(
                "park walk",
                EVENTS,
                "/events/2001.html",
                "親子で歩く公園の自然観察会",
                "筑波ふれあい公園で親子向けの観察会を開きます。定員は２０組、参加は無料です。",
                "子育て",
            ),
        ),
        Event(
            at(3),
            article(
                "road closed",
                NEWS,
                "/news/1002.html",
                "市道１２３号線の通行止めのお知らせ",
                "舗装工事のため、午前９時から午後５時まで中央地区の市道１２３号線を通行止めにします。",
                "道路",
            ),
        ),
    ),
)

RAINSTORM = Day(
    name="rainstorm",
    title="大雨の日",
    about="A rainstorm climbs from level 2 to level 4 and falls again, in about 3 minutes.",
    speed=200,
    events=(
        Event(
            at(0, 10),
            weather("thunder", "VPWW61", "雷に注意してください。", Kind("14")),
        ),
        Event(
            at(1),
            weather(
                "heavy rain level 2",
                "VPWW55",
                "茨城県南部では、低い土地の浸水に注意してください。",
                Kind("10"),
            ),
        ),
        Event(
            at(1, 20),
            weather(
                "landslide level 2",
                "VPWW56",
                "茨城県南部では、土砂災害に注意してください。",
                Kind("29"),
            ),
        ),
        Event(
            at(2, 30),
            weather(
                "heavy rain level 3",
                "VPWW55",
                "茨城県南部では、低い土地の浸水に警戒してください。",
                Kind("03", last="10"),
            ),
        ),
        Event(
            at(3),
            article(
                "bus stops",
                SAFETY,
                "/safety/401.html",
                "大雨のためコミュニティバスは全線で運休します",
                "大雨のため、本日の午後のコミュニティバスは全線で運休します。再開は改めてお知らせします。",
                "交通",
            ),
        ),
        # No rule of the sample city knows what this is about, so staff have to decide.
        Event(
            at(3, 10),
            article(
                "site opened",
                NEWS,
                "/news/1301.html",
                "自主避難される方のために交流センターを開けました",
                "不安な方は、大穂・豊里・谷田部の交流センターをご利用ください。食べ物と毛布はお持ちください。",
                "くらし",
            ),
        ),
        Event(
            at(3, 20),
            weather(
                "landslide level 3",
                "VPWW56",
                "茨城県南部では、土砂災害に警戒してください。",
                Kind("09", last="29"),
            ),
        ),
        Event(at(4), _rain_band()),
        Event(
            at(4, 20),
            weather(
                "landslide level 4",
                "VPWW56",
                "つくば市にレベル４土砂災害危険警報を発表しています。土砂災害に厳重に警戒してください。",
                Kind("49", last="09"),
            ),
        ),
        Event(
            at(4, 40),
            weather(
                "heavy rain level 4",
                "VPWW55",
                "つくば市にレベル４大雨危険警報を発表しています。低い土地の浸水に厳重に警戒してください。",
                Kind("43", last="03"),
            ),
        ),
        Event(
            at(5, 20),
            weather(
                "heavy rain level 4 goes on",
                "VPWW55",
                "つくば市では、引き続き低い土地の浸水に厳重に警戒してください。",
                Kind("43", "継続"),
            ),
        ),
        Event(
            at(6, 30),
            weather(
                "heavy rain back to level 3",
                "VPWW55",
                "茨城県南部では、低い土地の浸水に警戒してください。",
                Kind("03", last="43"),
            ),
        ),
        Event(
            at(7, 20),
            weather(
                "landslide back to level 3",
                "VPWW56",
                "茨城県南部では、土砂災害に警戒してください。",
                Kind("09", last="49"),
            ),
        ),
        Event(
            at(8),
            weather(
                "heavy rain back to level 2",
                "VPWW55",
                "茨城県南部では、低い土地の浸水に注意してください。",
                Kind("10", "警報から注意報", last="03"),
            ),
        ),
        Event(
            at(8, 40),
            weather(
                "landslide back to level 2",
                "VPWW56",
                "茨城県南部では、土砂災害に注意してください。",
                Kind("29", "警報から注意報", last="09"),
            ),
        ),
        Event(
            at(9, 20),
            weather("heavy rain lifted", "VPWW55", "大雨注意報を解除します。", Kind("10", "解除")),
        ),
        Event(
            at(9, 40),
            weather(
                "landslide lifted", "VPWW56", "土砂災害注意報を解除します。", Kind("29", "解除")
            ),
        ),
        Event(
            at(10),
            weather("thunder lifted", "VPWW61", "雷注意報を解除します。", Kind("14", "解除")),
        ),
    ),
)

QUAKE = Earthquake(
    Shaking(
        origin_at=NEVER,
        hypocentre=("301", "茨城県南部"),
        latitude=36.1,
        longitude=139.9,
        depth_km=50,
        magnitude="5.6",
    ),
    "5-",
)
EARTHQUAKE = Day(
    name="earthquake",
    title="地震の日",
    about="An earthquake of intensity 5 lower: the flash, then the detail, then the city's news.",
    speed=8,
    events=(
        flashed(at(0, 2), QUAKE),
        detailed(at(0, 6), QUAKE),
        Event(
            at(0, 15),
            article(
                "water main",
                NEWS,
                "/news/1101.html",
                "地震による一部地区の断水について",
                "地震のため、大穂地区の一部で断水しています。復旧は午後６時ごろの見込みです。",
                "くらし",
            ),
        ),
        Event(
            at(0, 24),
            article(
                "water is back",
                NEWS,
                "/news/1101.html",
                "地震による断水は復旧しました",
                "大穂地区の断水は復旧しました。しばらく水が濁ることがあります。",
                "くらし",
            ),
        ),
    ),
)

HOLIDAY = Day(
    name="holiday",
    title="祝日",
    about="A public holiday with routine news: doctors on duty, a market, a careful crossing.",
    speed=120,
    events=(
        Event(
            at(0, 20),
            article(
                "doctor on duty",
                NEWS,
                "/news/1201.html",
                "本日の休日当番医",
                "内科と小児科の休日当番医をお知らせします。受診の前に電話で確かめてください。",
                "健康",
            ),
        ),
        Event(
            at(0, 50),
            article(
                "morning market",
                EVENTS,
                "/events/2101.html",
                "祝日の朝市",
                "中央公園で朝市を開きます。午前８時から正午までです。",
                "催し",
            ),
        ),
        Event(
            at(1, 40),
            article(
                "child watch",
                SAFETY,
                "/safety/501.html",
                "下校時の声かけ事案について",
                "午後３時ごろ、小学校の近くで児童が知らない男に「車で送るよ」と声をかけられました。"
                "児童にけがはありません。ひとりで歩かず、あやしい人を見たら１１０番してください。",
                "防犯",
            ),
        ),
        Event(
            at(2, 30),
            article(
                "market called off",
                EVENTS,
                "/events/2101.html",
                "祝日の朝市は中止します",
                "強い風のため、中央公園の朝市は中止します。次回は来月です。",
                "催し",
            ),
        ),
    ),
)

DAYS: dict[str, Day] = {
    day.name: day for day in (QUIET, RAINSTORM, EARTHQUAKE, TSUNAMI, TYPHOON, VOLCANO, HOLIDAY)
}
