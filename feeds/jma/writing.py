"""Write telegrams in the agency's format: for the demo's recorded days, for drills and tests.

The forms are those of the official samples; names and texts are our own. What is written here
is read by :mod:`feeds.jma` like the real thing, so a drill is marked as one by ``operation``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from core.clock import in_japan
from feeds.jma.telegram import Element, InfoType, Operation

BASE = "http://xml.kishou.go.jp/jmaxml1/"
HEAD = BASE + "informationBasis1/"
METEOROLOGY = BASE + "body/meteorology1/"
SEISMOLOGY = BASE + "body/seismology1/"
BASIS = BASE + "elementBasis1/"
FORECAST_AREAS = "気象情報／府県予報区・細分区域等"
MUNICIPALITIES = "気象・地震・火山情報／市町村等"

_DEFAULT: Any = None
"""lxml's own key for the default namespace, which its type stubs do not know."""
PREFIXES: Any = {_DEFAULT: BASE, "jmx": BASE, "jmx_eb": BASIS}

NAMES: dict[str, str] = {
    "02": "暴風雪警報",
    "03": "レベル３大雨警報",
    "05": "暴風警報",
    "06": "大雪警報",
    "07": "波浪警報",
    "08": "レベル３高潮警報",
    "09": "レベル３土砂災害警報",
    "10": "レベル２大雨注意報",
    "12": "大雪注意報",
    "13": "風雪注意報",
    "14": "雷注意報",
    "15": "強風注意報",
    "16": "波浪注意報",
    "17": "融雪注意報",
    "19": "レベル２高潮注意報",
    "20": "濃霧注意報",
    "21": "乾燥注意報",
    "22": "なだれ注意報",
    "23": "低温注意報",
    "24": "霜注意報",
    "25": "着氷注意報",
    "26": "着雪注意報",
    "29": "レベル２土砂災害注意報",
    "32": "暴風雪特別警報",
    "33": "レベル５大雨特別警報",
    "35": "暴風特別警報",
    "36": "大雪特別警報",
    "37": "波浪特別警報",
    "38": "レベル５高潮特別警報",
    "39": "レベル５土砂災害特別警報",
    "43": "レベル４大雨危険警報",
    "48": "レベル４高潮危険警報",
    "49": "レベル４土砂災害危険警報",
}
"""Official names in the new telegrams, by code."""

RIVER_NAMES: dict[str, str] = {
    "10": "レベル２氾濫注意報解除",
    "20": "レベル２氾濫注意報",
    "21": "レベル２氾濫注意報",
    "22": "レベル２氾濫注意報",
    "30": "レベル３氾濫警報",
    "31": "レベル３氾濫警報",
    "40": "レベル４氾濫危険警報",
    "41": "レベル４氾濫危険警報",
    "51": "レベル５氾濫特別警報",
    "53": "レベル５氾濫特別警報",
}

FAMILIES: dict[str, tuple[str, str]] = {
    "VPWW55": ("大雨", "大雨警報・注意報"),
    "VPWW56": ("土砂", "土砂災害警報・注意報"),
    "VPWW57": ("高潮", "高潮警報・注意報"),
    "VPWW58": ("暴風", "暴風警報・注意報"),
    "VPWW59": ("波浪", "波浪警報・注意報"),
    "VPWW60": ("大雪", "大雪警報・注意報"),
    "VPWW61": ("その他注意報", "注意報"),
}

TSUNAMI_NAMES: dict[str, str] = {
    "00": "津波なし",
    "50": "警報解除",
    "51": "津波警報",
    "52": "大津波警報",
    "53": "大津波警報：発表",
    "60": "津波注意報解除",
    "62": "津波注意報",
    "71": "津波予報（若干の海面変動）",
    "72": "津波予報（若干の海面変動）",
}

INTENSITY_NAMES: dict[str, str] = {
    "1": "震度１",
    "2": "震度２",
    "3": "震度３",
    "4": "震度４",
    "5-": "震度５弱",
    "5+": "震度５強",
    "6-": "震度６弱",
    "6+": "震度６強",
    "7": "震度７",
}

SUDDEN_TITLES: dict[str, str] = {
    "線状降水帯発生": "線状降水帯発生",
    "線状降水帯直前": "線状降水帯直前予測",
    "記録雨": "記録的短時間大雨",
    "短時間大雪": "短時間大雪",
}


@dataclass(frozen=True, kw_only=True)
class Locality:
    """A municipality and the areas above it, as telegrams name them. Each is (code, name)."""

    municipality: tuple[str, str]
    group: tuple[str, str]
    """市町村等をまとめた地域."""
    primary: tuple[str, str]
    """一次細分区域."""
    prefecture: tuple[str, str]
    """府県予報区."""
    office: str
    quake_region: tuple[str, str]


TSUKUBA = Locality(
    municipality=("0822000", "つくば市"),
    group=("080022", "県南地域"),
    primary=("080020", "南部"),
    prefecture=("080000", "茨城県"),
    office="水戸地方気象台",
    quake_region=("301", "茨城県南部"),
)


@dataclass(frozen=True)
class Change:
    """One warning in a telegram: its code, the agency's word, and what was in force before.

    ``status`` is 発表, 継続, 解除 or a step such as 警報から注意報.
    """

    code: str
    status: str = "発表"
    last: str = ""


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What a telegram says about itself."""

    at: datetime
    operation: Operation = Operation.NORMAL
    info_type: InfoType = InfoType.ISSUED
    event_id: str = ""
    serial: str = ""
    headline: str = ""
    valid_until: datetime | None = None
    sent: datetime | None = None
    """Control/DateTime; the report's own moment when not given."""


def warning(kind: str, where: Locality, changes: Sequence[Change], envelope: Envelope) -> bytes:
    """A weather warning VPWW55 to VPWW61; no changes means that nothing is in force.

    Raises
    ------
    KeyError
        For a kind or code that does not exist.
    """
    family, title = FAMILIES[kind]
    systems = (
        ("気象警報・注意報（府県予報区等）", where.prefecture, FORECAST_AREAS),
        ("気象警報・注意報（一次細分区域等）", where.primary, FORECAST_AREAS),
        ("気象警報・注意報（市町村等をまとめた地域等）", where.group, FORECAST_AREAS),
        ("気象警報・注意報（市町村等）", where.municipality, MUNICIPALITIES),
    )
    active = [change for change in changes if change.status != "解除"]
    information = [
        _information(name, [_kind(NAMES[c.code], c.code) for c in active], system, [area])
        for name, area, system in systems
        if active
    ]
    body = _element(METEOROLOGY, "Body")
    for name, area, _ in systems:
        group = _add(body, "Warning", type=name)
        item = _add(group, "Item")
        for change in changes:
            entry = _add(item, "Kind")
            _add(entry, "Name", NAMES[change.code])
            _add(entry, "Code", change.code)
            _add(entry, "Status", change.status)
            if change.last:
                last = _add(entry, "LastKind")
                _add(last, "Name", NAMES[change.last])
                _add(last, "Code", change.last)
        if not changes:
            _add(_add(item, "Kind"), "Status", "発表警報・注意報はなし")
        _area(item, area)
        if changes:
            moved = any(change.status != "継続" for change in changes)
            _add(item, "ChangeStatus", "警報・注意報種別に変化有" if moved else "変化無")
    return _report(
        f"気象警報・注意報（Ｒ０６）（{family}）",
        where.office,
        where.prefecture[1] + title,
        ("気象警報・注意報", "1.5_0"),
        envelope,
        information,
        body,
    )


def flood(river: tuple[str, str], code: str, where: Locality, envelope: Envelope) -> bytes:
    """A designated river's forecast (VXKO); ``river`` is the code and name of its section."""
    name = RIVER_NAMES[code]
    kind = _kind(name, code, name)
    return _report(
        "指定河川洪水予報",
        where.office,
        river[1] + name,
        ("指定河川洪水予報", "1.1_1"),
        envelope,
        [
            _information(
                "指定河川洪水予報（予報区域）", [kind], "指定河川洪水予報（予報区域）", [river]
            ),
            _information(
                "指定河川洪水予報（府県予報区等）", [kind], FORECAST_AREAS, [where.prefecture]
            ),
        ],
        _element(METEOROLOGY, "Body"),
    )


def sudden(tag: str, where: Locality, envelope: Envelope) -> bytes:
    """気象防災速報 (VPBS50); ``tag`` is the 情報タグ, such as 線状降水帯発生."""
    kind = _element(HEAD, "Kind")
    _add(kind, "Name", "情報タグ")
    _add(kind, "Condition", tag)
    return _report(
        "府県気象防災速報",
        where.office,
        f"{where.prefecture[1]}気象防災速報（{SUDDEN_TITLES[tag]}）",
        ("気象解説情報", "1.5_0"),
        envelope,
        [_information("情報タグ", [kind], FORECAST_AREAS, [where.primary])],
        _element(METEOROLOGY, "Body"),
    )


@dataclass(frozen=True, kw_only=True)
class Shaking:
    """An earthquake to write. ``depth_km`` and ``magnitude`` are the hypocentre's."""

    origin_at: datetime
    hypocentre: tuple[str, str] = ("", "")
    latitude: float = 0.0
    longitude: float = 0.0
    depth_km: int = 10
    magnitude: str = ""
    comment: tuple[str, str] = ("0215", "この地震による津波の心配はありません。")


def intensity_flash(where: Locality, intensity: str, shaking: Shaking, envelope: Envelope) -> bytes:
    """The flash by region (VXSE51)."""
    information = [
        _information(
            "震度速報",
            [_kind(INTENSITY_NAMES[intensity])],
            "地震情報／細分区域",
            [where.quake_region],
        )
    ]
    body = _element(SEISMOLOGY, "Body")
    _region(_observation(body, intensity), where, intensity)
    _comment(body, "ForecastComment", ("0217", "今後の情報に注意してください。"))
    return _report(
        "震度速報",
        "気象庁本庁",
        "震度速報",
        ("震度速報", "1.0_1"),
        envelope,
        information,
        body,
        publisher="気象庁",
        target=shaking.origin_at,
    )


def intensity_detail(
    where: Locality, intensity: str, shaking: Shaking, envelope: Envelope
) -> bytes:
    """The detail by municipality (VXSE53)."""
    kind = [_kind(INTENSITY_NAMES[intensity])]
    information = [
        _information(
            "震源・震度に関する情報（細分区域）", kind, "地震情報／細分区域", [where.quake_region]
        ),
        _information(
            "震源・震度に関する情報（市町村等）", kind, MUNICIPALITIES, [where.municipality]
        ),
    ]
    body = _element(SEISMOLOGY, "Body")
    _earthquake(body, shaking)
    region = _region(_observation(body, intensity), where, intensity)
    city = _add(region, "City")
    _add(city, "Name", where.municipality[1])
    _add(city, "Code", where.municipality[0])
    _add(city, "MaxInt", intensity)
    _comment(body, "ForecastComment", shaking.comment)
    return _report(
        "震源・震度に関する情報",
        "気象庁本庁",
        "震源・震度情報",
        ("地震情報", "1.0_1"),
        envelope,
        information,
        body,
        publisher="気象庁",
        target=shaking.origin_at,
    )


@dataclass(frozen=True)
class Coast:
    """One coast in a tsunami telegram; ``height`` is metres in digits, empty when unknown."""

    area: tuple[str, str]
    code: str
    last: str = "00"
    height: str = ""
    arrival_at: datetime | None = None


def tsunami_warning(coasts: Iterable[Coast], shaking: Shaking, envelope: Envelope) -> bytes:
    """Tsunami warnings, advisories and forecasts by coast (VTSE41)."""
    body = _element(SEISMOLOGY, "Body")
    forecast = _add(_add(body, "Tsunami"), "Forecast")
    titles: list[str] = []
    for coast in coasts:
        titles.append(TSUNAMI_NAMES[coast.code].partition("：")[0].partition("（")[0])
        item = _add(forecast, "Item")
        _area(item, coast.area)
        category = _add(item, "Category")
        for tag, code in (("Kind", coast.code), ("LastKind", coast.last)):
            kind = _add(category, tag)
            _add(kind, "Name", TSUNAMI_NAMES[code])
            _add(kind, "Code", code)
        if coast.arrival_at is not None:
            _add(_add(item, "FirstHeight"), "ArrivalTime", _japan(coast.arrival_at))
        if coast.height:
            wide = coast.height.translate(str.maketrans("0123456789.", "０１２３４５６７８９．"))
            _add(
                _add(item, "MaxHeight"),
                f"{{{BASIS}}}TsunamiHeight",
                coast.height,
                type="津波の高さ",
                unit="m",
                description=wide + "ｍ",
            )
    _earthquake(body, shaking)
    return _report(
        "津波警報・注意報・予報a",
        "気象庁本庁",
        "・".join(dict.fromkeys(titles)),
        ("津波警報・注意報・予報", "1.0_1"),
        envelope,
        [],
        body,
        publisher="気象庁",
    )


def cancellation(of: bytes, at: datetime, words: str) -> bytes:
    """A 取消 of a telegram written before: same kind and EventID, nothing but a sentence."""
    root = etree.fromstring(of, etree.XMLParser(resolve_entities=False, no_network=True))
    for path, value in (
        ("{*}Control/{*}DateTime", _utc(at)),
        ("{*}Head/{*}ReportDateTime", _japan(at)),
        ("{*}Head/{*}InfoType", InfoType.CANCELLED.value),
    ):
        found = root.find(path)
        if found is not None:
            found.text = value
    headline = root.find("{*}Head/{*}Headline")
    body = root.find("{*}Body")
    for part in (headline, body):
        if part is not None:
            for element in list(part):
                part.remove(element)
            _add(part, "Text", words)
    return _bytes(root)


def _report(
    title: str,
    office: str,
    head_title: str,
    info_kind: tuple[str, str],
    envelope: Envelope,
    information: Sequence[Element],
    body: Element,
    *,
    publisher: str = "",
    target: datetime | None = None,
) -> bytes:
    root = etree.Element(f"{{{BASE}}}Report", nsmap=PREFIXES)
    control = _add(root, "Control")
    _add(control, "Title", title)
    _add(control, "DateTime", _utc(envelope.sent or envelope.at))
    _add(control, "Status", envelope.operation.value)
    _add(control, "EditorialOffice", office)
    _add(control, "PublishingOffice", publisher or office)
    head = _element(HEAD, "Head")
    root.append(head)
    _add(head, "Title", head_title)
    _add(head, "ReportDateTime", _japan(envelope.at))
    _add(head, "TargetDateTime", _japan(target or envelope.at))
    if envelope.valid_until is not None:
        _add(head, "ValidDateTime", _japan(envelope.valid_until))
    _add(head, "EventID", envelope.event_id)
    _add(head, "InfoType", envelope.info_type.value)
    _add(head, "Serial", envelope.serial)
    _add(head, "InfoKind", info_kind[0])
    _add(head, "InfoKindVersion", info_kind[1])
    headline = _add(head, "Headline")
    _add(headline, "Text", envelope.headline)
    headline.extend(information)
    root.append(body)
    return _bytes(root)


def _observation(body: Element, intensity: str) -> Element:
    observation = _add(_add(body, "Intensity"), "Observation")
    _add(observation, "MaxInt", intensity)
    return observation


def _region(observation: Element, where: Locality, intensity: str) -> Element:
    prefecture = _add(observation, "Pref")
    _add(prefecture, "Name", where.prefecture[1])
    _add(prefecture, "Code", where.municipality[0][:2])
    _add(prefecture, "MaxInt", intensity)
    region = _add(prefecture, "Area")
    _add(region, "Name", where.quake_region[1])
    _add(region, "Code", where.quake_region[0])
    _add(region, "MaxInt", intensity)
    return region


def _earthquake(body: Element, shaking: Shaking) -> None:
    earthquake = _element(SEISMOLOGY, "Earthquake")
    intensity = body.find("{*}Intensity")
    if intensity is None:
        body.append(earthquake)
    else:
        intensity.addprevious(earthquake)
    _add(earthquake, "OriginTime", _japan(shaking.origin_at))
    _add(earthquake, "ArrivalTime", _japan(shaking.origin_at))
    area = _add(_add(earthquake, "Hypocenter"), "Area")
    _add(area, "Name", shaking.hypocentre[1])
    _add(area, "Code", shaking.hypocentre[0], type="震央地名")
    _add(
        area,
        f"{{{BASIS}}}Coordinate",
        f"{shaking.latitude:+.1f}{shaking.longitude:+.1f}{-shaking.depth_km * 1000:+d}/",
    )
    _add(earthquake, f"{{{BASIS}}}Magnitude", shaking.magnitude or "NaN", type="Mj")


def _comment(body: Element, name: str, comment: tuple[str, str]) -> None:
    element = _add(_add(body, "Comments"), name, codeType="固定付加文")
    _add(element, "Text", comment[1])
    _add(element, "Code", comment[0])


def _information(
    name: str, kinds: Sequence[Element], system: str, areas: Sequence[tuple[str, str]]
) -> Element:
    information = _element(HEAD, "Information")
    information.set("type", name)
    item = _add(information, "Item")
    for kind in kinds:
        item.append(_copy(kind))
    group = _add(item, "Areas", codeType=system)
    for area in areas:
        _area(group, area)
    return information


def _kind(name: str, code: str = "", condition: str = "") -> Element:
    kind = _element(HEAD, "Kind")
    _add(kind, "Name", name)
    if code:
        _add(kind, "Code", code)
    if condition:
        _add(kind, "Condition", condition)
    return kind


def _area(parent: Element, area: tuple[str, str]) -> None:
    element = _add(parent, "Area")
    _add(element, "Name", area[1])
    _add(element, "Code", area[0])


def _element(namespace: str, name: str) -> Element:
    return etree.Element(f"{{{namespace}}}{name}", nsmap={_DEFAULT: namespace})


def _copy(element: Element) -> Element:
    return etree.fromstring(etree.tostring(element))


def _add(parent: Element, name: str, value: str = "", **attributes: str) -> Element:
    """A child in the parent's own namespace, unless the name brings one."""
    tag = name if name.startswith("{") else f"{{{etree.QName(parent).namespace}}}{name}"
    element = etree.SubElement(parent, tag, attributes)
    if value:
        element.text = value
    return element


def _qualified(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


def _bytes(root: Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _japan(moment: datetime) -> str:
    return in_japan(moment).isoformat(timespec="seconds")
