"""Make ``data/municipalities.csv`` from the agency's lists (see ``data/README.md``)."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from core.errors import BadInput

DATA = Path(__file__).parent / "data"
HEADER = (
    "code",
    "name",
    "reading",
    "prefecture",
    "forecast_areas",
    "quake_regions",
    "tsunami_regions",
)
PREFECTURES = tuple(
    name
    for line in (
        "北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県",
        "東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県 長野県 岐阜県 静岡県 愛知県 三重県",
        "滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県",
        "香川県 愛媛県 高知県 福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県",
    )
    for name in line.split()
)
OFFICES: dict[str, tuple[str, ...]] = {
    "0110": ("011000",),
    "0120": ("012000",),
    "0130": ("013000",),
    "0140": ("014100",),
    "01403": ("014030",),
    "0150": ("015000",),
    "0160": ("016000",),
    "0170": ("017000",),
    "460": ("460100",),
    "46004": ("460040",),
    "471": ("471000",),
    "472": ("472000",),
    "473": ("473000",),
    "474": ("474000",),
}
"""府県予報区 where a prefecture has more than one, by the start of the finer code."""
RENAMED = {
    "04216": ("富谷市", "とみやし"),
    "28221": ("丹波篠山市", "たんばささやまし"),
    "40231": ("那珂川市", "なかがわし"),
}
"""Municipalities that changed their name after the list was made."""


def build(names: Iterable[tuple[str, str, str]]) -> list[dict[str, str]]:
    """One row for each municipality, ordered by code.

    Parameters
    ----------
    names
        Code (7 digits), short name and its reading, from the agency's list.

    Raises
    ------
    BadInput
        When a municipality of the area table has no name, or a region no municipality.
    """
    groups, seaside = _areas()
    known = {code[:5]: (name, reading) for code, name, reading in names} | RENAMED
    regions = _regions(groups, seaside)
    rows = []
    for five in sorted(groups):
        if five not in known:
            raise BadInput(f"The municipality {five} has no name in the list.")
        name, reading = known[five]
        rows.append(
            {
                "code": five + "00",
                "name": name,
                "reading": reading,
                "prefecture": PREFECTURES[int(five[:2]) - 1],
                "forecast_areas": " ".join(_forecast_areas(groups[five])),
                "quake_regions": " ".join(regions["quake"][five]),
                "tsunami_regions": " ".join(regions["tsunami"][five]),
            }
        )
    return rows


def _areas() -> tuple[dict[str, list[str]], set[str]]:
    """Groups (市町村等をまとめた地域) of each municipality, and those on the sea."""
    groups: dict[str, list[str]] = defaultdict(list)
    seaside = set()
    for line in (DATA / "areas.txt").read_text(encoding="utf-8").splitlines():
        group, *members = line.split()
        for member in members:
            five = group[:2] + member.rstrip("*")
            groups[five].append(group)
            if member.endswith("*"):
                seaside.add(five)
    return dict(groups), seaside


def _regions(groups: dict[str, list[str]], seaside: set[str]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {
        "quake": defaultdict(list),
        "tsunami": defaultdict(list),
    }
    for line in (DATA / "regions.txt").read_text(encoding="utf-8").splitlines():
        kind, region, *parts = line.split()
        starts = tuple(part for part in parts if part[0] not in "+-")
        members = {
            five
            for five, own in groups.items()
            if starts and any(group.startswith(starts) for group in own)
        }
        if kind == "tsunami":
            members &= seaside
        members |= {part[1:] for part in parts if part[0] == "+"}
        members -= {part[1:] for part in parts if part[0] == "-"}
        if not members or members - groups.keys():
            raise BadInput(f"The region {region} names no municipality, or an unknown one.")
        for five in members:
            found[kind][five].append(region)
    return found


def _forecast_areas(groups: list[str]) -> list[str]:
    """The groups, and the primary and prefectural areas above them."""
    areas = list(groups)
    for group in groups:
        areas.append("011000" if group.startswith("0110") else group[:5] + "0")
        starts = [start for start in OFFICES if _normal(group).startswith(start)]
        areas.extend(OFFICES[max(starts, key=len)] if starts else (group[:2] + "0000",))
    return sorted(set(areas))


def _normal(group: str) -> str:
    """Hokkaido's areas by their first three digits (0160…), all others as they are."""
    if group.startswith("01") and not group.startswith("01403"):
        return group[:3] + "0"
    return group


def main(arguments: list[str]) -> None:
    """Write ``municipalities.csv`` from the agency's list given as the only argument."""
    if len(arguments) != 1:
        raise BadInput("Give the agency's list of municipalities.")
    with Path(arguments[0]).open(encoding="utf-8", newline="") as source:
        names = [(row[0], row[3], row[4]) for row in csv.reader(source) if row[0].isdecimal()]
    with (DATA / "municipalities.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(build(names))


if __name__ == "__main__":
    main(sys.argv[1:])
