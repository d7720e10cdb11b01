"""Small telegrams of our own for the stories: Tsukuba's day, and kinds without a sample.

Most are written by ``simulator.agency.writing``; this adds a clock that goes on by itself, and the
raw form for kinds and oddities that it does not write.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from city.city import JmaCodes
from feeds.facts import Fact
from feeds.jma import HazardBoard, facts, read_telegram
from simulator.agency.form import Envelope, InfoType, Operation
from simulator.agency.writing import (
    TSUKUBA,
    Kind,
    Shaking,
    flood,
    intensity_detail,
    intensity_flash,
    warning,
)

CODE = "0822000"
START = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
KOKAI = ("830302001100", "小貝川")
CODES = JmaCodes(
    municipality=CODE,
    forecast_areas=("080000", "080020", "080022"),
    quake_regions=("301",),
    rivers=(KOKAI[0],),
)


def at(minutes: float) -> datetime:
    """A moment of the day, in minutes after its start."""
    return START + timedelta(minutes=minutes)


def envelope(
    minutes: float,
    *,
    sent: float | None = None,
    info_type: InfoType = InfoType.ISSUED,
    operation: Operation = Operation.NORMAL,
    event_id: str = "",
    serial: str = "",
    lasting: float | None = None,
) -> Envelope:
    return Envelope(
        at=at(minutes),
        sent=None if sent is None else at(sent),
        info_type=info_type,
        operation=operation,
        event_id=event_id,
        serial=serial,
        headline="見出しです。",
        valid_until=None if lasting is None else at(minutes + lasting),
    )


def rain(minutes: float, code: str = "", status: str = "発表", last: str = "") -> bytes:
    """VPWW55 for Tsukuba; without a code nothing is in force."""
    changes = [Kind(code, status, last)] if code else []
    return warning("VPWW55", TSUKUBA, changes, envelope(minutes))


def raw(
    title: str,
    body: str = "",
    *,
    minutes: float = 0,
    sent: float | None = None,
    head_title: str = "",
    headline: str = "",
    status: str = "通常",
    info_type: str = "発表",
    event_id: str = "",
    serial: str = "",
    valid_until: str = "",
) -> bytes:
    """A telegram whose parts are given as XML."""
    japan = at(minutes).astimezone().isoformat()
    until = f"<ValidDateTime>{valid_until}</ValidDateTime>" if valid_until else ""
    moment = at(minutes if sent is None else sent).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Report xmlns="http://xml.kishou.go.jp/jmaxml1/">
<Control><Title>{title}</Title><DateTime>{moment}</DateTime><Status>{status}</Status>
<EditorialOffice>水戸地方気象台</EditorialOffice>
<PublishingOffice>水戸地方気象台</PublishingOffice></Control>
<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/">
<Title>{head_title or title}</Title><ReportDateTime>{japan}</ReportDateTime>
<TargetDateTime>{japan}</TargetDateTime>{until}<EventID>{event_id}</EventID>
<InfoType>{info_type}</InfoType><Serial>{serial}</Serial><InfoKind>{title}</InfoKind>
<InfoKindVersion>1.0_0</InfoKindVersion><Headline>{headline}</Headline></Head>
<Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/meteorology1/"
 xmlns:jmx_eb="http://xml.kishou.go.jp/jmaxml1/elementBasis1/">{body}</Body></Report>""".encode()


def old_warning(
    minutes: float,
    *kinds: tuple[str, str, str, str],
    form: str = "VPWW54",
    sent: float | None = None,
) -> bytes:
    """VPWW53 or 54 for Tsukuba; each kind is code, name, status and condition."""
    title = {"VPWW53": "気象特別警報・警報・注意報", "VPWW54": "気象警報・注意報（Ｈ２７）"}[form]
    items = "".join(
        f"<Kind><Name>{name}</Name><Code>{code}</Code><Status>{status}</Status>"
        + (f"<Condition>{condition}</Condition>" if condition else "")
        + "</Kind>"
        for code, name, status, condition in kinds
    )
    none = "<Kind><Status>発表警報・注意報はなし</Status></Kind>"
    return raw(
        title,
        f'<Warning type="気象警報・注意報（市町村等）"><Item>{items or none}'
        f"<Area><Name>つくば市</Name><Code>{CODE}</Code></Area></Item></Warning>",
        minutes=minutes,
        sent=sent,
    )


def landslide_alert(
    minutes: float, status: str = "発表", form: str = "3", *, title: str = "土砂災害警戒情報"
) -> bytes:
    """VXWW50 for Tsukuba; ``title`` is what follows the prefecture in the Head."""
    return raw(
        "土砂災害警戒情報",
        '<Warning type="土砂災害警戒情報"><Item><Kind><Name>警戒</Name>'
        f"<Code>{form}</Code><Status>{status}</Status></Kind>"
        f"<Area><Name>つくば市</Name><Code>{CODE}</Code></Area></Item></Warning>",
        minutes=minutes,
        head_title=f"茨城県{title}",
    )


class City:
    """A city that reads telegrams and remembers what its residents heard."""

    def __init__(self, codes: JmaCodes = CODES) -> None:
        self.codes = codes
        self.board = HazardBoard()
        self.heard: list[Fact] = []

    def read(self, *telegrams: bytes) -> list[Fact]:
        """Read telegrams in this order and return the facts of the last one."""
        found: list[Fact] = []
        for data in telegrams:
            found = facts(read_telegram(data), self.codes, self.board)
            self.heard += [fact for fact in found if fact.is_news and not fact.drill]
        return found

    def news(self) -> list[tuple[str, str, int]]:
        """Status, hazard and level of everything residents heard."""
        return [(fact.status.value, fact.hazard, fact.level) for fact in self.heard]


def statuses(found: Iterable[Fact]) -> list[str]:
    return [fact.status.value for fact in found]


def volcano(minutes: float, code: str, last: str, condition: str) -> bytes:
    names = {"11": "レベル１（活火山であることに留意）", "12": "レベル２（火口周辺規制）"}
    return raw(
        "噴火警報・予報",
        '<VolcanoInfo type="噴火警報・予報（対象火山）"><Item>'
        f"<Kind><Name>{names[code]}</Name><Code>{code}</Code><Condition>{condition}</Condition>"
        f"</Kind><LastKind><Name>{names[last]}</Name><Code>{last}</Code></LastKind>"
        '<Areas codeType="火山名"><Area><Name>日光白根山</Name><Code>302</Code></Area></Areas>'
        "</Item></VolcanoInfo>"
        '<VolcanoInfo type="噴火警報・予報（対象市町村等）"><Item><Kind><Name>火口周辺警報</Name>'
        "<Code>02</Code></Kind><Areas><Area><Name>栃木県日光市</Name><Code>0920600</Code></Area>"
        "</Areas></Item></VolcanoInfo>",
        minutes=minutes,
        event_id="302",
    )


def nankai(
    minutes: float,
    code: str,
    name: str,
    title: str = "南海トラフ地震臨時情報",
    info_type: str = "発表",
) -> bytes:
    """Each has an EventID of its own, the moment of its issue; a 取消 that of what it undoes."""
    issued = minutes if info_type == "発表" else minutes - 1
    return raw(
        title,
        "<EarthquakeInfo><InfoSerial>"
        f"<Name>{name}</Name><Code>{code}</Code></InfoSerial></EarthquakeInfo>"
        if info_type == "発表"
        else "",
        minutes=minutes,
        info_type=info_type,
        event_id=f"{at(issued):%Y%m%d%H%M%S}",
    )


EVENT = "20260701120000"
SHAKING = Shaking(
    origin_at=at(0),
    hypocentre=("301", "茨城県南部"),
    latitude=36.1,
    longitude=139.9,
    depth_km=50,
    magnitude="5.9",
)


def flash(intensity: str, minutes: float = 1.5, operation: Operation = Operation.NORMAL) -> bytes:
    return intensity_flash(
        TSUKUBA, intensity, SHAKING, envelope(minutes, event_id=EVENT, operation=operation)
    )


def detail(
    intensity: str, minutes: float = 5, serial: str = "1", info_type: InfoType = InfoType.ISSUED
) -> bytes:
    return intensity_detail(
        TSUKUBA,
        intensity,
        SHAKING,
        envelope(minutes, event_id=EVENT, serial=serial, info_type=info_type),
    )


def revision(magnitude: str, minutes: float) -> bytes:
    """VXSE61: the hypocentre revised, without a place in it."""
    return raw(
        "顕著な地震の震源要素更新のお知らせ",
        f"<Earthquake><OriginTime>{at(0).isoformat()}</OriginTime><Hypocenter><Area>"
        "<Name>茨城県南部</Name><Code>301</Code>"
        "<jmx_eb:Coordinate>+36.1+139.9-50000/</jmx_eb:Coordinate></Area></Hypocenter>"
        f"<jmx_eb:Magnitude type='Mj'>{magnitude}</jmx_eb:Magnitude></Earthquake>",
        minutes=minutes,
        event_id=EVENT,
    )


def river(minutes: float, code: str) -> bytes:
    return flood(KOKAI, code, TSUKUBA, envelope(minutes, event_id=KOKAI[0]))


def overflowing(minutes: float, code: str, words: str, info_type: str = "発表") -> bytes:
    """Level 5 with the sentence that says whether and where water is coming out."""
    data = river(minutes, code).replace(
        "発表</InfoType>".encode(), f"{info_type}</InfoType>".encode()
    )
    label = "【警戒レベル５相当情報［洪水］】"
    return data.replace("見出しです。".encode(), (label + words).encode())


FEARED = "小貝川では、氾濫が発生するおそれ"
BROKEN = "小貝川では、つくば市上郷地先（左岸）付近で堤防が決壊し、氾濫が発生しました"
ELSEWHERE = "小貝川では、常総市豊岡町地先（右岸）でも氾濫が発生"
