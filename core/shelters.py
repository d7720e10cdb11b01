"""``shelters.csv``: the city's emergency evacuation sites (指定緊急避難場所).

The columns are those of the Digital Agency's standard open data set for evacuation sites
(自治体標準オープンデータセット, 指定緊急避難場所), so that a city can use the file it
already publishes; the column names of its predecessor (推奨データセット) are taken too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.districts import EAST, NORTH, SOUTH, WEST
from core.faults import Fault, Row, read_csv, suggestion
from core.geo import distance_m

MAX_BYTES = 20_000_000


class Hazard(StrEnum):
    """What a site is designated for; the value is the column's name after 災害種別_."""

    FLOOD = "洪水"
    LANDSLIDE = "崖崩れ、土石流及び地滑り"
    STORM_SURGE = "高潮"
    EARTHQUAKE = "地震"
    TSUNAMI = "津波"
    FIRE = "大規模な火事"
    INLAND_FLOOD = "内水氾濫"
    VOLCANO = "火山現象"


@dataclass(frozen=True)
class Shelter:
    """One evacuation site. Degrees are WGS 84; ``capacity`` is in persons, None if unsaid."""

    code: str
    name: str
    kana: str
    english: str
    address: str
    longitude: float
    latitude: float
    phone: str
    hazards: frozenset[Hazard]
    also_shelter: bool
    """Whether people can stay there too (指定避難所との重複)."""
    capacity: int | None
    communities: str
    url: str
    note: str

    def distance_m(self, longitude: float, latitude: float) -> float:
        """Return the distance to a point in metres."""
        return distance_m(longitude, latitude, self.longitude, self.latitude)


COLUMNS = (
    "全国地方公共団体コード",
    "ID",
    "名称",
    "名称_カナ",
    "名称_英字",
    "所在地_全国地方公共団体コード",
    "町字ID",
    "所在地_連結表記",
    "所在地_都道府県",
    "所在地_市区町村",
    "所在地_町字",
    "所在地_番地以下",
    "建物名等(方書)",
    "緯度",
    "経度",
    "高度の種別",
    "高度の値",
    "標高",
    "電話番号",
    "内線番号",
    "連絡先メールアドレス",
    "連絡先FormURL",
    "連絡先備考（その他、SNSなど）",
    "郵便番号",
    "市区町村コード",
    "地方公共団体名",
    *(f"災害種別_{hazard}" for hazard in Hazard),
    "指定避難所との重複",
    "想定収容人数",
    "対象となる町会・自治会",
    "URL",
    "画像",
    "画像_ライセンス",
    "備考",
    # the predecessor's
    "都道府県コード又は市区町村コード",
    "NO",
    "都道府県名",
    "市区町村名",
    "住所",
    "方書",
)
"""Every column we know; others are left alone, unless they look like a slip of one of these."""

_NEEDED = ("名称", "緯度", "経度", *(f"災害種別_{hazard}" for hazard in Hazard))
_YES, _NO = {"1", "1.0", "○", "〇"}, {"", "0", "0.0"}


def read_shelters(path: Path, faults: list[Fault]) -> tuple[Shelter, ...]:
    """Return the sites that are right and add a fault for each mistake."""
    rows = read_csv(path, faults, needed=_NEEDED, limit=MAX_BYTES)
    shelters: dict[str, Shelter] = {}
    if rows:
        for column in rows[0].cells:
            if column not in COLUMNS and (hint := suggestion(column, COLUMNS)):
                faults.append(
                    Fault(path, 1, f"the column {column!r} is unknown{hint}.", warning=True)
                )
    for row in rows:
        problems: list[str] = []
        shelter = _shelter(row, problems)
        if shelter.code in shelters:
            problems.append(f"the site {shelter.code!r} is there more than once.")
        faults += [Fault(path, row.line, problem) for problem in problems]
        if not problems:
            shelters[shelter.code] = shelter
    return tuple(shelters.values())


def _shelter(row: Row, problems: list[str]) -> Shelter:
    cells = row.cells

    def first(*columns: str) -> str:
        return next((cells[name] for name in columns if cells.get(name)), "")

    name = cells["名称"]
    if not name:
        problems.append("名称 (the name) is empty.")
    hazards = frozenset(hazard for hazard in Hazard if _flag(cells, f"災害種別_{hazard}", problems))
    if not hazards:
        problems.append(f"{name}: no 災害種別 is set, so nobody would be sent there.")
    return Shelter(
        code=first("ID", "NO") or f"line-{row.line}",
        name=name,
        kana=first("名称_カナ"),
        english=first("名称_英字"),
        address=first("所在地_連結表記", "住所"),
        longitude=_degrees(cells, "経度", WEST, EAST, problems),
        latitude=_degrees(cells, "緯度", SOUTH, NORTH, problems),
        phone=first("電話番号"),
        hazards=hazards,
        also_shelter=_flag(cells, "指定避難所との重複", problems),
        capacity=_capacity(first("想定収容人数"), problems),
        communities=first("対象となる町会・自治会"),
        url=_address(first("URL"), problems),
        note=first("備考"),
    )


def _flag(cells: dict[str, str], column: str, problems: list[str]) -> bool:
    value = cells.get(column, "")
    if value not in _YES | _NO:
        problems.append(f"{column} is 1 or empty, not {value[:40]!r}.")
    return value in _YES


def _degrees(
    cells: dict[str, str], column: str, least: float, most: float, problems: list[str]
) -> float:
    value = cells[column]
    if re.fullmatch(r"\d{2,3}(\.\d{1,12})?", value) and least <= float(value) <= most:
        return float(value)
    problems.append(f"{column} is degrees between {least} and {most}, not {value[:40]!r}.")
    return 0.0


def _capacity(value: str, problems: list[str]) -> int | None:
    if not value:
        return None
    digits = value.replace(",", "")
    if digits.isdecimal() and len(digits) <= 7:
        return int(digits)
    problems.append(f"想定収容人数 is a number of persons, not {value[:40]!r}.")
    return None


def _address(value: str, problems: list[str]) -> str:
    if value and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        problems.append(f"URL must begin with http:// or https://, not {value[:40]!r}.")
        return ""
    return value
