"""By which codes telegrams mean a municipality.

Telegrams that name municipalities are read by them alone. Where a telegram names only coarser
areas (a forecast area, a quake region) the codes of ``city.toml`` decide, and what it leaves
open is filled from the agency's own tables (``data/README.md``).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from core.city import JmaCodes
from core.errors import BadInput

DATA = Path(__file__).parent / "data"

WARDS: dict[str, str] = {
    "01100": "01110",
    "04100": "04105",
    "11100": "11110",
    "12100": "12106",
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
"""Designated cities by code, and the code of their last ward: earthquakes are told by ward."""


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


def is_part_of(area: str, municipality: str) -> bool:
    """Whether a 7-digit area code is the municipality, a ward or a part of it.

    The first five digits are the municipality (総務省 code); the last two split it.
    """
    if len(area) != 7 or not area.isdecimal():
        return False
    city, five = municipality[:5], area[:5]
    return five == city or (city in WARDS and city < five <= WARDS[city])


@cache
def places() -> dict[str, Place]:
    """All municipalities by 7-digit code."""
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
            )
            for row in csv.DictReader(source)
        }


def codes_for(municipality: str, base: JmaCodes | None = None) -> JmaCodes:
    """The codes that concern a municipality.

    Parameters
    ----------
    municipality
        Seven digits.
    base
        The city's own codes, taken as they are where they belong to this municipality;
        what they leave empty is filled from the tables.

    Raises
    ------
    BadInput
        When there is no such municipality.
    """
    place = places().get(municipality)
    if place is None:
        raise BadInput(f"There is no municipality with the code {municipality!r}.")
    own = base if base is not None and base.municipality == municipality else None
    known = JmaCodes(municipality=municipality) if own is None else own
    return known.model_copy(
        update={
            "forecast_areas": known.forecast_areas or place.forecast_areas,
            "quake_regions": known.quake_regions or place.quake_regions,
            "tsunami_regions": known.tsunami_regions or place.tsunami_regions,
        }
    )


@lru_cache(maxsize=64)
def completed(codes: JmaCodes) -> JmaCodes:
    """A city's codes with what they leave open filled in; a city not in the tables as it is."""
    if codes.municipality not in places():
        return codes
    return codes_for(codes.municipality, codes)


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


def may_concern(title: str, codes: JmaCodes) -> bool:
    """Whether a telegram's title names the city's prefecture or forecast area.

    A 取消 carries no areas; its title (奈良県気象警報・注意報) is all that tells whose it is.
    """
    place = places().get(codes.municipality)
    if place is None:
        return False
    names = [name for area in codes.forecast_areas for name in OFFICE_NAMES.get(area, ())] or [
        place.prefecture
    ]
    return any(name in title for name in names)


def city_name(codes: JmaCodes) -> str:
    """The municipality's short official name, or nothing when the tables lack it."""
    place = places().get(codes.municipality)
    return place.name if place else ""
