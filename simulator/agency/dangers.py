"""The recorded days of a tsunami, a typhoon and a volcano. All of it is invented.

Tsukuba has neither coast nor volcano. On these days it follows those of its neighbours
(:data:`COAST`, :data:`ASAMA`), as a city may; the demo's city does. The hours of a tsunami's
warnings are shortened to one, so that each can be watched.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.agency.earthquakes import NEVER, Earthquake, detailed, flashed, quake_sent
from simulator.agency.events import (
    NEWS,
    OFFICE,
    SAFETY,
    Day,
    Event,
    TelegramEvent,
    article,
    at,
    by_headquarters,
    weather,
)
from simulator.agency.form import Envelope
from simulator.agency.writing import (
    TSUKUBA,
    Coast,
    Kind,
    Shaking,
    flood,
    tornado,
    tsunami_heights,
    tsunami_warning,
    typhoon,
)
from simulator.agency.writing_volcano import alert_level, ash, eruption

COAST = ("300", "茨城県")
ASAMA = ("306", "浅間山")
KOKAI = ("830303015200", "小貝川")
AROUND_ASAMA = (
    ("1042500", "群馬県嬬恋村"),
    ("2020800", "長野県小諸市"),
    ("2032100", "長野県軽井沢町"),
    ("2032300", "長野県御代田町"),
)
IN_TSUKUBA = ((TSUKUBA.municipality[0], "茨城県つくば市"),)


AT_SEA = Earthquake(
    Shaking(
        origin_at=NEVER,
        hypocentre=("471", "茨城県沖"),
        latitude=36.4,
        longitude=141.4,
        depth_km=30,
        magnitude="7.6",
        comment=("0211", "津波警報等（大津波警報・津波警報あるいは津波注意報）を発表中です。"),
    ),
    "5-",
)


def _coast(now: datetime, code: str, last: str, height: str, *, coming: bool) -> Coast:
    arrival = AT_SEA.origin(now) + timedelta(minutes=25)
    return Coast(COAST, code, last, height, arrival if coming else None)


def _warned(when: timedelta, name: str, code: str, last: str, height: str, words: str) -> Event:
    """VTSE41: the grade ``code`` after the grade ``last``."""

    def write(now: datetime) -> bytes:
        coast = _coast(now, code, last, height, coming=code > last)
        return tsunami_warning([coast], AT_SEA.shaking(now), AT_SEA.envelope(now, words))

    return quake_sent(when, name, "VTSE41", words, write)


def _measured(when: timedelta, serial: str, code: str, height: str, seen: str, words: str) -> Event:
    """VTSE51: arrival times, and observations so far."""

    def write(now: datetime) -> bytes:
        return tsunami_heights(
            [_coast(now, code, code, height, coming=not seen)],
            {COAST[0]: seen} if seen else {},
            AT_SEA.shaking(now),
            AT_SEA.envelope(now, words, serial=serial),
        )

    return quake_sent(when, f"heights {serial}", "VTSE51", words, write)


def _bulletin(number: str, words: str) -> TelegramEvent:
    def write(now: datetime) -> bytes:
        return typhoon("１５", Envelope(at=now, headline=words, event_id="TC2615", serial=number))

    return by_headquarters(f"typhoon bulletin {number}", "extra", "VPTI51", words, write)


def _river(name: str, code: str, words: str, main: str = "") -> TelegramEvent:
    def write(now: datetime) -> bytes:
        envelope = Envelope(at=now, headline=words, event_id=KOKAI[0])
        return flood(KOKAI, code, TSUKUBA, envelope, main=main)

    return TelegramEvent(
        name=name,
        feed="extra",
        kind="VXKO58",
        office=TSUKUBA.prefecture[0],
        author=OFFICE,
        headline=words,
        write=write,
    )


def _tornado() -> TelegramEvent:
    words = (
        "茨城県南部は、竜巻などの激しい突風が発生しやすい気象状況になっています。"
        "空の様子に注意し、頑丈な建物に移ってください。"
    )

    def write(now: datetime) -> bytes:
        until = now + timedelta(hours=1)
        return tornado(TSUKUBA, Envelope(at=now, headline=words, valid_until=until, serial="1"))

    return TelegramEvent(
        name="tornado watch",
        feed="extra",
        kind="VPHW50",
        office=TSUKUBA.prefecture[0],
        author=OFFICE,
        headline=words,
        write=write,
    )


def _volcano(name: str, code: str, last: str, words: str) -> TelegramEvent:
    def write(now: datetime) -> bytes:
        envelope = Envelope(at=now, headline=words, event_id=ASAMA[0])
        return alert_level(ASAMA, code, last, AROUND_ASAMA, envelope)

    return by_headquarters(name, "eqvol", "VFVO50", words, write)


class _Eruption:
    """One eruption: the flash and the forecasts of its ash, by the moment it began."""

    def __init__(self) -> None:
        self._began = ""

    def flash(self, now: datetime) -> bytes:
        self._began = f"{now:%Y%m%d%H%M%S}_{ASAMA[0]}"
        envelope = Envelope(at=now, headline="＜浅間山で噴火が発生＞", event_id=self._began)
        return eruption(ASAMA, AROUND_ASAMA, envelope)

    def ash(self, kind: str, code: str, words: str) -> Callable[[datetime], bytes]:
        def write(now: datetime) -> bytes:
            until = now + timedelta(hours=6)
            envelope = Envelope(
                at=now, headline=words, event_id=self._began, serial="1", valid_until=until
            )
            return ash(kind, ASAMA, code, IN_TSUKUBA, envelope)

        return write


def _volcano_events() -> tuple[Event, ...]:
    erupted = _Eruption()
    little = "浅間山の噴火による火山灰が、つくば市にも少し降るでしょう。"
    more = "浅間山の噴火による火山灰が、つくば市にもやや多く降るでしょう。"
    return (
        Event(
            at(0, 20),
            _volcano("level 2", "12", "11", "＜浅間山に噴火警戒レベル２（火口周辺規制）を発表＞"),
        ),
        Event(
            at(2),
            _volcano("level 3", "13", "12", "＜浅間山に噴火警戒レベル３（入山規制）を発表＞"),
        ),
        Event(
            at(3),
            by_headquarters("eruption", "eqvol", "VFVO56", "＜浅間山で噴火が発生＞", erupted.flash),
        ),
        Event(
            at(3, 8),
            by_headquarters(
                "ash flash", "eqvol", "VFVO54", little, erupted.ash("VFVO54", "71", little)
            ),
        ),
        Event(
            at(3, 30),
            by_headquarters(
                "ash in detail", "eqvol", "VFVO55", more, erupted.ash("VFVO55", "72", more)
            ),
        ),
        Event(
            at(4),
            article(
                "ash in the city",
                NEWS,
                "/news/1301.html",
                "降灰に伴うごみ収集の変更について",
                "火山灰が降っているため、明日のごみ収集は午後に行います。灰は袋に入れてください。",
                "くらし",
            ),
        ),
        Event(
            at(8),
            _volcano("back to level 2", "12", "13", "＜浅間山の噴火警戒レベルを３から２に引下げ＞"),
        ),
    )


TSUNAMI = Day(
    name="tsunami",
    title="津波の日",
    about="A great earthquake at sea: the shaking, then warnings for the coast, up and down again.",
    speed=20,
    events=(
        flashed(at(0, 2), AT_SEA),
        _warned(
            at(0, 4),
            "warning",
            "51",
            "00",
            "3",
            "津波警報を発表しました。ただちに避難してください。",
        ),
        detailed(at(0, 7), AT_SEA),
        _measured(at(0, 9), "1", "51", "3", "", "津波到達予想時刻をお知らせします。"),
        _warned(
            at(0, 16),
            "major warning",
            "53",
            "51",
            "5",
            "大津波警報に切り替えました。ただちに避難してください。",
        ),
        _measured(at(0, 25), "2", "53", "5", "3.2", "津波を観測しました。"),
        Event(
            at(0, 30),
            article(
                "coast buses",
                SAFETY,
                "/safety/601.html",
                "海岸方面の高速バスは運休します",
                "大津波警報のため、海岸方面の高速バスは終日運休します。海岸へ行かないでください。",
                "交通",
            ),
        ),
        _warned(at(0, 40), "down to a warning", "51", "53", "3", "津波警報に切り替えました。"),
        _warned(at(0, 50), "down to an advisory", "62", "51", "1", "津波注意報に切り替えました。"),
        _warned(at(1), "advisory lifted", "72", "62", "", "津波注意報を解除しました。"),
    ),
)

TYPHOON = Day(
    name="typhoon",
    title="台風の日",
    about="A typhoon: gale and storm, a river that rises to level 5 and overflows, and the calm.",
    speed=300,
    events=(
        Event(
            at(0, 30),
            _bulletin(
                "1",
                "大型で強い台風第１５号は、八丈島の南を北へ進んでいます。"
                "関東地方では、今夜から暴風となるおそれがあります。",
            ),
        ),
        Event(at(3), weather("gale", "VPWW58", "強風に注意してください。", Kind("15"))),
        Event(
            at(3, 30),
            _bulletin(
                "2", "大型で強い台風第１５号は、八丈島の近くを北へ進み、関東地方に近づいています。"
            ),
        ),
        Event(
            at(4),
            weather("heavy rain", "VPWW55", "低い土地の浸水に注意してください。", Kind("10")),
        ),
        Event(
            at(5),
            article(
                "schools",
                SAFETY,
                "/safety/701.html",
                "台風のためコミュニティバスは運休します",
                "台風のため、明日の午前中のコミュニティバスは全線で運休します。",
                "交通",
            ),
        ),
        Event(
            at(6),
            weather("storm", "VPWW58", "暴風に警戒してください。", Kind("05", last="15")),
        ),
        Event(at(7), _tornado()),
        Event(
            at(8),
            _river("river level 2", "20", "小貝川では、今後、水位がさらに上昇する見込み"),
        ),
        Event(
            at(9), _river("river level 3", "30", "小貝川では、今後、氾濫危険水位に到達する見込み")
        ),
        Event(at(10), _river("river level 4", "40", "小貝川では、氾濫危険水位に到達")),
        Event(
            at(10, 30),
            _river("river goes on", "41", "小貝川では、氾濫危険水位を超える状態が継続"),
        ),
        Event(at(11), _river("river level 5", "51", "小貝川では、氾濫が発生するおそれ")),
        Event(
            at(11, 30),
            _river(
                "overflow",
                "51",
                "小貝川では、氾濫が発生",
                "小貝川では、つくば市上郷地先（左岸）付近で越水し、氾濫が発生しました。",
            ),
        ),
        Event(
            at(13),
            weather("storm is over", "VPWW58", "強風に注意してください。", Kind("15", last="05")),
        ),
        Event(at(15), _river("river back to level 3", "31", "小貝川では、水位が下降")),
        Event(at(17), _river("river back to level 2", "22", "小貝川では、水位が下降")),
        Event(
            at(18),
            weather("rain lifted", "VPWW55", "大雨注意報を解除します。", Kind("10", "解除")),
        ),
        Event(
            at(18, 30),
            weather("gale lifted", "VPWW58", "強風注意報を解除します。", Kind("15", "解除")),
        ),
        Event(at(19), _river("river lifted", "10", "小貝川では、氾濫のおそれはなくなりました")),
    ),
)

VOLCANO = Day(
    name="volcano",
    title="噴火の日",
    about="A volcano: the alert level rises, it erupts, ash comes down in the city.",
    speed=200,
    events=_volcano_events(),
)
