"""The codes with which telegrams mean a municipality.

For telegrams that name municipalities, only those count. If a telegram names only coarser areas (a
forecast area, a quake region), the codes of ``city.toml`` decide; missing ones come from the
agency's own tables (``data/README.md``).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from city.city import JmaCodes
from core.errors import BadInput
from feeds.jma.naming import names_in

DATA = Path(__file__).parent / "data"

WARDS: dict[str, str] = {
    "01100": "01110",
    "04100": "04105",
    "11100": "11110",
    "12100": "12106",
    "13400": "13402",
    "14100": "14118",
    "14130": "14137",
    "14150": "14153",
    "15100": "15108",
    "22100": "22103",
    "22130": "22141",
    "23100": "23116",
    "26100": "26111",
    "27100": "27128",
    "27140": "27147",
    "28100": "28111",
    "33100": "33104",
    "34100": "34108",
    "40100": "40109",
    "40130": "40137",
    "43100": "43105",
}
"""Designated cities by code, and the code of their last ward: earthquakes are told by ward.

13400 is 八丈支庁管内, which the agency lists in addition to its town and village.
"""

SUCCESSORS: dict[str, str] = {"04423": "04216", "40305": "40231"}
"""Towns of the agency's list that have become cities, and these (富谷市, 那珂川市): old telegrams
and old settings mean the same place."""

STANDS_FOR: dict[str, str] = {"1340000": "1340100"}
"""Entries of the agency's list that have no areas of their own; those of 八丈町 are 八丈支庁's."""

WITHOUT_AREAS = frozenset({"0169001", "0169002", "0169500"})
"""国後島, 択捉島 and 色丹村: on the agency's list, but in no forecast area or quake region."""

PARTS = frozenset(f"{number:02}" for number in range(1, 10))
"""Last two digits of the parts into which warnings split a municipality (五條市北部 2920701)."""


@dataclass(frozen=True)
class Place:
    """One municipality as the agency's tables know it."""

    code: str
    name: str
    reading: str
    prefecture: str
    forecast_areas: tuple[str, ...]
    quake_regions: tuple[str, ...]
    tsunami_regions: tuple[str, ...]
    rivers: tuple[str, ...] = ()


def is_part_of(area: str, municipality: str) -> bool:
    """Whether a 7-digit area code of a telegram means the municipality.

    The first five digits are the municipality (総務省 code); the last two are its parts. Codes of
    wards and parts mean the city. If the municipality is a ward or a part, its own code and that of
    the whole city mean it.
    """
    if len(area) != 7 or not (area.isascii() and area.isdecimal()):
        return False
    if area == municipality:
        return True
    city = SUCCESSORS.get(municipality[:5], municipality[:5])
    five = SUCCESSORS.get(area[:5], area[:5])
    if five == city:
        return municipality[5:] == "00" or area[5:] == "00"
    if city in WARDS:
        return city < five <= WARDS[city]
    return area[5:] == "00" and five in WARDS and five < city <= WARDS[five]


@cache
def municipalities() -> dict[str, Place]:
    """All municipalities by 7-digit code."""
    sections = _sections_of_rivers()
    with (DATA / "municipalities.csv").open(encoding="utf-8", newline="") as source:
        return {
            row["code"]: Place(
                code=row["code"],
                name=row["name"],
                reading=row["reading"],
                prefecture=row["prefecture"],
                forecast_areas=tuple(row["forecast_areas"].split()),
                quake_regions=tuple(row["quake_regions"].split()),
                tsunami_regions=tuple(row["tsunami_regions"].split()),
                rivers=tuple(sections.get(row["code"][:5], ())),
            )
            for row in csv.DictReader(source)
        }


def _sections_of_rivers() -> dict[str, list[str]]:
    """Sections of designated rivers (予報区域) by the first five digits of a municipality."""
    found: dict[str, list[str]] = {}
    with (DATA / "rivers.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            for five in row["municipalities"].split():
                found.setdefault(five, []).append(row["code"])
    return found


def codes_for(municipality: str, base: JmaCodes | None = None) -> JmaCodes:
    """The codes that concern a municipality.

    Parameters
    ----------
    municipality
        Seven digits: any entry of the agency's list, a ward of a designated city, or a part
        that warnings are issued for.
    base
        The city's own codes, unchanged if they belong to this municipality; empty ones are filled
        in from the tables.

    Raises
    ------
    BadInput
        There is no such municipality.
    """
    place = _place_of(municipality)
    if place is None:
        raise BadInput(f"There is no municipality with the code {municipality!r}.")
    own = base if base is not None and base.municipality == municipality else None
    known = JmaCodes(municipality=municipality) if own is None else own
    return known.model_copy(
        update={
            "forecast_areas": known.forecast_areas or place.forecast_areas,
            "quake_regions": known.quake_regions or place.quake_regions,
            "tsunami_regions": known.tsunami_regions or place.tsunami_regions,
            "rivers": known.rivers or place.rivers,
        }
    )


@lru_cache(maxsize=64)
def completed(codes: JmaCodes) -> JmaCodes:
    """Return a city's codes with empty ones filled in; a city that is not in the tables is
    unchanged.
    """
    if place_of(codes) is None:
        return codes
    return codes_for(codes.municipality, codes)


def _place_of(municipality: str) -> Place | None:
    """Return the entry of a code: itself, the city of a ward or a part, or its successor."""
    if municipality in WITHOUT_AREAS:
        return Place(municipality, "", "", "北海道", (), (), ())
    if len(municipality) != 7 or not (municipality.isascii() and municipality.isdecimal()):
        return None
    five, part = municipality[:5], municipality[5:]
    candidates = [municipality, STANDS_FOR.get(municipality, "")]
    if part in PARTS:
        candidates.append(five + "00")
    elif part == "00":
        candidates.append(SUCCESSORS.get(five, "") + "00")
        candidates += [city + "00" for city, last in WARDS.items() if city < five <= last]
    known = municipalities()
    return next((known[code] for code in candidates if code in known), None)


def place_of(codes: JmaCodes) -> Place | None:
    """The entry of the agency's list that a city's municipality code belongs to, if any."""
    return _place_of(codes.municipality)


OFFICE_NAMES: dict[str, tuple[str, ...]] = {
    "011000": ("宗谷",),
    "012000": ("上川", "留萌"),
    "013000": ("網走", "北見", "紋別"),
    "014030": ("十勝",),
    "014100": ("釧路", "根室"),
    "015000": ("胆振", "日高"),
    "016000": ("石狩", "空知", "後志"),
    "017000": ("渡島", "檜山"),
    "460040": ("奄美",),
    "471000": ("沖縄本島",),
    "472000": ("大東島",),
    "473000": ("宮古島",),
    "474000": ("八重山",),
}
"""How the titles of telegrams name a 府県予報区 that is no prefecture."""


def names_region_of(title: str, codes: JmaCodes) -> bool:
    """Whether a telegram's title names the city's prefecture or forecast area.

    A 取消 has no areas; only its title (奈良県気象警報・注意報) says which places it is for.
    """
    place = place_of(codes)
    if place is None:
        return False
    names = [name for area in codes.forecast_areas for name in OFFICE_NAMES.get(area, ())] or [
        place.prefecture
    ]
    every = {*(p.prefecture for p in municipalities().values()), *sum(OFFICE_NAMES.values(), ())}
    return bool(names_in(title, names, every))


def is_inland(codes: JmaCodes) -> bool:
    """Whether the city has no coast. One that the tables do not know may have one."""
    place = place_of(codes)
    return place is not None and not (codes.tsunami_regions or place.tsunami_regions)


def city_name(codes: JmaCodes) -> str:
    """The municipality's short official name, or nothing when the tables lack it."""
    place = place_of(codes)
    return place.name if place else ""
