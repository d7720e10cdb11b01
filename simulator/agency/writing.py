"""Write telegrams in the agency's format: for the demo's recorded days, for drills and tests.

The forms are those of the official samples; names and texts are our own. :mod:`feeds.jma` reads
these telegrams like real ones, so ``operation`` marks a drill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from simulator.agency import form
from simulator.agency.form import Element, Envelope, InfoType

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
class Kind:
    """One warning in a telegram: its code, the agency's word, and the warning before it.

    ``status`` is 発表, 継続, 解除 or a step such as 警報から注意報.
    """

    code: str
    status: str = "発表"
    last: str = ""


def warning(kind: str, where: Locality, changes: Sequence[Kind], envelope: Envelope) -> bytes:
    """A weather warning VPWW55 to VPWW61; no changes means that nothing is in force.

    Raises
    ------
    KeyError
        For a kind or code that does not exist.
    """
    family, title = FAMILIES[kind]
    systems = (
        ("気象警報・注意報（府県予報区等）", where.prefecture, form.FORECAST_AREAS),
        ("気象警報・注意報（一次細分区域等）", where.primary, form.FORECAST_AREAS),
        ("気象警報・注意報（市町村等をまとめた地域等）", where.group, form.FORECAST_AREAS),
        ("気象警報・注意報（市町村等）", where.municipality, form.MUNICIPALITIES),
    )
    active = [change for change in changes if change.status != "解除"]
    information = [
        form.information(name, [form.kind(NAMES[c.code], c.code) for c in active], system, [area])
        for name, area, system in systems
        if active
    ]
    body = form.element(form.METEOROLOGY, "Body")
    for name, area, _ in systems:
        group = form.add(body, "Warning", type=name)
        item = form.add(group, "Item")
        for change in changes:
            entry = form.add(item, "Kind")
            form.add(entry, "Name", NAMES[change.code])
            form.add(entry, "Code", change.code)
            form.add(entry, "Status", change.status)
            if change.last:
                last = form.add(entry, "LastKind")
                form.add(last, "Name", NAMES[change.last])
                form.add(last, "Code", change.last)
        if not changes:
            form.add(form.add(item, "Kind"), "Status", "発表警報・注意報はなし")
        form.add_area(item, area)
        if changes:
            moved = any(change.status != "継続" for change in changes)
            form.add(item, "ChangeStatus", "警報・注意報種別に変化有" if moved else "変化無")
    return form.report(
        f"気象警報・注意報（Ｒ０６）（{family}）",
        where.office,
        where.prefecture[1] + title,
        ("気象警報・注意報", "1.5_0"),
        envelope,
        information,
        body,
    )


def flood(
    river: tuple[str, str], code: str, where: Locality, envelope: Envelope, *, main: str = ""
) -> bytes:
    """A designated river's forecast (VXKO).

    ``river`` is the code and name of its section, ``main`` the 主文, which may be left out.
    """
    name = RIVER_NAMES[code]
    kind = form.kind(name, code, name)
    body = form.element(form.METEOROLOGY, "Body")
    if main:
        item = form.add(form.add(body, "Warning", type="指定河川洪水予報"), "Item")
        told = form.add(form.add(item, "Kind"), "Property")
        form.add(told, "Type", "主文")
        form.add(told, "Text", main)
    return form.report(
        "指定河川洪水予報",
        where.office,
        river[1] + name,
        ("指定河川洪水予報", "1.1_1"),
        envelope,
        [
            form.information(
                "指定河川洪水予報（予報区域）", [kind], "指定河川洪水予報（予報区域）", [river]
            ),
            form.information(
                "指定河川洪水予報（府県予報区等）", [kind], form.FORECAST_AREAS, [where.prefecture]
            ),
        ],
        body,
    )


def sudden(tag: str, where: Locality, envelope: Envelope) -> bytes:
    """気象防災速報 (VPBS50); ``tag`` is the 情報タグ, such as 線状降水帯発生."""
    kind = form.element(form.HEAD, "Kind")
    form.add(kind, "Name", "情報タグ")
    form.add(kind, "Condition", tag)
    return form.report(
        "府県気象防災速報",
        where.office,
        f"{where.prefecture[1]}気象防災速報（{SUDDEN_TITLES[tag]}）",
        ("気象解説情報", "1.5_0"),
        envelope,
        [form.information("情報タグ", [kind], form.FORECAST_AREAS, [where.primary])],
        form.element(form.METEOROLOGY, "Body"),
    )


def tornado(where: Locality, envelope: Envelope) -> bytes:
    """竜巻注意情報 (VPHW50); ``envelope.valid_until`` says until when it is meant."""
    kind = form.kind("竜巻注意情報", "1", "発表")
    body = form.element(form.METEOROLOGY, "Body")
    item = form.add(form.add(body, "Warning", type="竜巻注意情報（市町村等）"), "Item")
    entry = form.add(item, "Kind")
    for tag, value in (("Name", "竜巻注意情報"), ("Code", "1"), ("Status", "発表")):
        form.add(entry, tag, value)
    form.add_area(item, where.municipality)
    return form.report(
        "竜巻注意情報",
        "気象庁本庁",
        f"{where.prefecture[1]}竜巻注意情報",
        ("竜巻注意情報", "1.1_0"),
        envelope,
        [
            form.information(
                "竜巻注意情報（市町村等）", [kind], form.MUNICIPALITIES, [where.municipality]
            )
        ],
        body,
        publisher=where.office,
    )


def typhoon(number: str, envelope: Envelope) -> bytes:
    """全般台風情報（定型） (VPTI51): plain Japanese; ``number`` as in 台風第１５号."""
    body = form.element(form.METEOROLOGY, "Body")
    form.add(form.add(body, "Comment"), "Text", envelope.headline, type="本文")
    return form.report(
        "全般台風情報（定型）",
        "気象庁本庁",
        f"台風第{number}号に関する情報　（位置）",
        ("同一現象用平文情報", "1.0_0"),
        envelope,
        [],
        body,
        publisher="気象庁予報部",
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
        form.information(
            "震度速報",
            [form.kind(INTENSITY_NAMES[intensity])],
            "地震情報／細分区域",
            [where.quake_region],
        )
    ]
    body = form.element(form.SEISMOLOGY, "Body")
    _region(_observation(body, intensity), where, intensity)
    _comment(body, "ForecastComment", ("0217", "今後の情報に注意してください。"))
    return form.report(
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
    kind = [form.kind(INTENSITY_NAMES[intensity])]
    information = [
        form.information(
            "震源・震度に関する情報（細分区域）", kind, "地震情報／細分区域", [where.quake_region]
        ),
        form.information(
            "震源・震度に関する情報（市町村等）", kind, form.MUNICIPALITIES, [where.municipality]
        ),
    ]
    body = form.element(form.SEISMOLOGY, "Body")
    _earthquake(body, shaking)
    region = _region(_observation(body, intensity), where, intensity)
    city = form.add(region, "City")
    form.add(city, "Name", where.municipality[1])
    form.add(city, "Code", where.municipality[0])
    form.add(city, "MaxInt", intensity)
    _comment(body, "ForecastComment", shaking.comment)
    return form.report(
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


def tsunami_warning(coasts: Sequence[Coast], shaking: Shaking, envelope: Envelope) -> bytes:
    """Tsunami warnings, advisories and forecasts by coast (VTSE41)."""
    body = form.element(form.SEISMOLOGY, "Body")
    _forecast(form.add(body, "Tsunami"), coasts)
    _earthquake(body, shaking)
    titles = [TSUNAMI_NAMES[each.code].partition("：")[0].partition("（")[0] for each in coasts]
    return form.report(
        "津波警報・注意報・予報a",
        "気象庁本庁",
        "・".join(dict.fromkeys(titles)),
        ("津波警報・注意報・予報", "1.0_1"),
        envelope,
        [],
        body,
        publisher="気象庁",
    )


def tsunami_heights(
    coasts: Sequence[Coast],
    observed: Mapping[str, str],
    shaking: Shaking,
    envelope: Envelope,
) -> bytes:
    """Times, heights and observations (VTSE51); ``observed`` is metres by code of the coast."""
    body = form.element(form.SEISMOLOGY, "Body")
    tsunami = form.add(body, "Tsunami")
    if observed:
        seen = form.add(tsunami, "Observation")
        for coast in (each for each in coasts if each.area[0] in observed):
            item = form.add(seen, "Item")
            form.add_area(item, coast.area)
            station = form.add(item, "Station")
            form.add(station, "Name", "検潮所")
            form.add(station, "Code", coast.area[0] + "00")
            _height(form.add(station, "MaxHeight"), observed[coast.area[0]])
    _forecast(tsunami, coasts)
    _earthquake(body, shaking)
    return form.report(
        "津波情報a",
        "気象庁本庁",
        "津波観測に関する情報" if observed else "各地の満潮時刻・津波到達予想時刻に関する情報",
        ("津波情報", "1.0_1"),
        envelope,
        [],
        body,
        publisher="気象庁",
    )


def _forecast(tsunami: Element, coasts: Sequence[Coast]) -> None:
    forecast = form.add(tsunami, "Forecast")
    for coast in coasts:
        item = form.add(forecast, "Item")
        form.add_area(item, coast.area)
        category = form.add(item, "Category")
        for tag, code in (("Kind", coast.code), ("LastKind", coast.last)):
            kind = form.add(category, tag)
            form.add(kind, "Name", TSUNAMI_NAMES[code])
            form.add(kind, "Code", code)
        if coast.arrival_at is not None:
            form.add(form.add(item, "FirstHeight"), "ArrivalTime", form.japan(coast.arrival_at))
        if coast.height:
            _height(form.add(item, "MaxHeight"), coast.height)


def _height(parent: Element, metres: str) -> None:
    wide = metres.translate(str.maketrans("0123456789.", "０１２３４５６７８９．"))
    form.add(
        parent,
        f"{{{form.BASIS}}}TsunamiHeight",
        metres,
        type="津波の高さ",
        unit="m",
        description=wide + "ｍ",
    )


def cancellation(of: bytes, at: datetime, words: str) -> bytes:
    """A 取消 of a telegram written before: same kind and EventID, nothing but a sentence."""
    root = etree.fromstring(of, etree.XMLParser(resolve_entities=False, no_network=True))
    for path, value in (
        ("{*}Control/{*}DateTime", form.utc(at)),
        ("{*}Head/{*}ReportDateTime", form.japan(at)),
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
            form.add(part, "Text", words)
    return form.written(root)


def _observation(body: Element, intensity: str) -> Element:
    observation = form.add(form.add(body, "Intensity"), "Observation")
    form.add(observation, "MaxInt", intensity)
    return observation


def _region(observation: Element, where: Locality, intensity: str) -> Element:
    prefecture = form.add(observation, "Pref")
    form.add(prefecture, "Name", where.prefecture[1])
    form.add(prefecture, "Code", where.municipality[0][:2])
    form.add(prefecture, "MaxInt", intensity)
    region = form.add(prefecture, "Area")
    form.add(region, "Name", where.quake_region[1])
    form.add(region, "Code", where.quake_region[0])
    form.add(region, "MaxInt", intensity)
    return region


def _earthquake(body: Element, shaking: Shaking) -> None:
    earthquake = form.element(form.SEISMOLOGY, "Earthquake")
    intensity = body.find("{*}Intensity")
    if intensity is None:
        body.append(earthquake)
    else:
        intensity.addprevious(earthquake)
    form.add(earthquake, "OriginTime", form.japan(shaking.origin_at))
    form.add(earthquake, "ArrivalTime", form.japan(shaking.origin_at))
    area = form.add(form.add(earthquake, "Hypocenter"), "Area")
    form.add(area, "Name", shaking.hypocentre[1])
    form.add(area, "Code", shaking.hypocentre[0], type="震央地名")
    form.add(
        area,
        f"{{{form.BASIS}}}Coordinate",
        f"{shaking.latitude:+.1f}{shaking.longitude:+.1f}{-shaking.depth_km * 1000:+d}/",
    )
    form.add(earthquake, f"{{{form.BASIS}}}Magnitude", shaking.magnitude or "NaN", type="Mj")


def _comment(body: Element, name: str, comment: tuple[str, str]) -> None:
    element = form.add(form.add(body, "Comments"), name, codeType="固定付加文")
    form.add(element, "Text", comment[1])
    form.add(element, "Code", comment[0])
