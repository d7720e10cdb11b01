"""``shelters.csv``: the city's emergency evacuation sites (指定緊急避難場所).

The columns are those of the Digital Agency's standard open data set for evacuation sites
(自治体標準オープンデータセット, 指定緊急避難場所), so that a city can use the file it
already publishes; the column names of its predecessor (推奨データセット) are taken too.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from city.districts import EAST, NORTH, SOUTH, WEST
from city.faults import FolderFault, Row, read_csv, suggestion
from city.reasons import reason
from core.geo import distance_m
from core.reason import Reason

MAX_BYTES = 20_000_000


class Hazard(StrEnum):
    """The hazards of a site; the value is the column's name after 災害種別_."""

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
    # the predecessor's, and the second reference of LINE SMART CITY's export
    "都道府県コード又は市区町村コード",
    "NO",
    "都道府県名",
    "市区町村名",
    "住所",
    "方書",
    "ID2",
)
"""Every column we know; others are left alone, unless they look like a slip of one of these."""

_NEEDED = ("名称", "緯度", "経度")
_YES = frozenset(
    (
        *("1", "1.0", "○", "〇", "◯", "◎", "●", "✓", "✔", "レ", "true", "yes"),
        *("y", "有", "有り", "あり", "可", "対応", "適", "適合", "指定", "該当", "はい"),
    )
)
_NO = frozenset(
    (
        "",
        *("0", "0.0", "×", "✕", "✖", "╳", "x", "-", "ー", "―", "–", "—"),
        *("−", "false", "no", "n", "無", "無し", "なし", "不可", "非対応", "不適", "非該当", "否"),
        *("いいえ"),
    )
)
"""What cities write for a designation, folded (NFKC, small letters)."""


def read_shelters(path: Path, faults: list[FolderFault]) -> tuple[Shelter, ...]:
    """Return the sites that can be shown, and add a fault for each mistake.

    The values ○, ×, TRUE, 有, 約300人 and full-width figures are understood. A row without a name,
    a position or a hazard is left out; for any other mistake only the value is left out. A value
    that is neither yes nor no counts as no, so that nobody is sent to a site that nobody called
    safe.
    """
    rows = read_csv(path, faults, needed=_NEEDED, limit=MAX_BYTES)
    if not rows:
        return ()
    faults += _of_columns(path, list(rows[0].cells))
    shelters: dict[str, Shelter] = {}
    for row in rows:
        problems = _Problems(path, row.line)
        shelter = _shelter(row, problems)
        if shelter is not None and shelter.code in shelters:
            shelter = _beside(shelter, shelters, problems)
        if shelter is not None:
            shelters[shelter.code] = shelter
        faults += problems.found
    return tuple(shelters.values())


def _of_columns(path: Path, columns: list[str]) -> list[FolderFault]:
    """Return the faults of the columns; the required ones are there."""
    found = []
    for hazard in Hazard:
        column = f"災害種別_{hazard}"
        if column not in columns:
            message = reason("csv.no-column", column=column, hint=suggestion(column, columns))
            found.append(
                FolderFault(path, 1, message, left_out=reason("part.every-site", column=column))
            )
    for column in columns:
        if column not in COLUMNS and (hint := suggestion(column, COLUMNS)):
            message = reason("csv.unknown-column", column=column, hint=hint)
            found.append(FolderFault(path, 1, message, warning=True))
    return found


class _Problems:
    """The faults of one row."""

    def __init__(self, path: Path, line: int) -> None:
        self._path, self.line = path, line
        self.found: list[FolderFault] = []

    def row(self, why: Reason) -> None:
        """Note a fault for which the row is left out."""
        self.found.append(FolderFault(self._path, self.line, why, left_out=reason("part.site")))

    def value(self, gone: Reason, why: Reason) -> None:
        """Note a fault for which a value is left out; the site stays."""
        self.found.append(FolderFault(self._path, self.line, why, left_out=gone))


def _shelter(row: Row, problems: _Problems) -> Shelter | None:
    cells = row.cells

    def first(*columns: str) -> str:
        return next((cells[name] for name in columns if cells.get(name)), "")

    name = cells["名称"]
    if not name:
        problems.row(reason("missing.site-name"))
    longitude = _degrees(cells, "経度", WEST, EAST, problems)
    latitude = _degrees(cells, "緯度", SOUTH, NORTH, problems)
    hazards = frozenset(hazard for hazard in Hazard if _flag(cells, f"災害種別_{hazard}", problems))
    if not hazards:
        problems.row(reason("site.no-hazard", name=name))
    if not name or longitude is None or latitude is None or not hazards:
        return None
    return Shelter(
        code=first("ID", "NO") or f"line-{row.line}",
        name=name,
        kana=first("名称_カナ"),
        english=first("名称_英字"),
        address=first("所在地_連結表記", "住所"),
        longitude=longitude,
        latitude=latitude,
        phone=first("電話番号"),
        hazards=hazards,
        also_shelter=_flag(cells, "指定避難所との重複", problems),
        capacity=_capacity(first("想定収容人数"), problems),
        communities=first("対象となる町会・自治会"),
        url=_address(first("URL"), problems),
        note=first("備考"),
    )


def _beside(shelter: Shelter, shelters: dict[str, Shelter], problems: _Problems) -> Shelter | None:
    """Return a site with a new code if another one already has its ID."""
    if any(replace(shelter, code=other.code) == other for other in shelters.values()):
        problems.row(reason("twice.site", code=shelter.code))
        return None
    problems.value(reason("part.its-id"), reason("twice.site-differs", code=shelter.code))
    return replace(shelter, code=f"{shelter.code}-line-{problems.line}")


def _folded(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip().casefold()


def is_yes(value: str) -> bool:
    """Whether a designation says yes (1, ○, 有, …)."""
    return _folded(value) in _YES


def _flag(cells: dict[str, str], column: str, problems: _Problems) -> bool:
    value = cells.get(column, "")
    folded = _folded(value)
    if folded not in _YES | _NO:
        why = reason("value.flag", column=column, value=value[:40])
        problems.value(reason("part.column", column=column), why)
    return folded in _YES


def _degrees(
    cells: dict[str, str], column: str, least: float, most: float, problems: _Problems
) -> float | None:
    value = cells[column]
    found = re.fullmatch(
        r"\+?(\d{2,3}(?:\.\d{1,20})?)°?", _folded(value).replace(" ", ""), re.ASCII
    )
    if found and least <= float(found[1]) <= most:
        return float(found[1])
    why = reason("value.degrees", column=column, least=least, most=most, value=value[:40])
    problems.row(why)
    return None


def _capacity(value: str, problems: _Problems) -> int | None:
    """Return the one number in such as 300, １，２００人 or 約300名程度."""
    if not value:
        return None
    numbers = re.findall(r"\d+(?:,\d{3})*(?:\.0+)?", _folded(value), re.ASCII)
    if len(numbers) == 1:
        digits = numbers[0].partition(".")[0].replace(",", "")
        if len(digits) <= 7:
            return int(digits)
    gone = reason("part.column", column="想定収容人数")
    problems.value(gone, reason("value.persons", value=value[:40]))
    return None


def _address(value: str, problems: _Problems) -> str:
    if value and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        problems.value(reason("part.column", column="URL"), reason("value.web", value=value[:40]))
        return ""
    return value
