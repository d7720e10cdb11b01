"""The hazard and the urgency of each code of the agency.

The names of heavy rain, landslides, floods and storm surges carry their level since 2026-05-29; it
is taken from there. All other names have none. Their urgency comes from the category, so that they
can be ordered and chosen by level. ``Fact.shown_level`` stays 0, so that texts name no level:

======================  =====  =======================================================
注意報 (advisory)          2    people should take care
警報 (warning)             3    serious damage is possible
危険警報                   4    (named with its level)
特別警報 (emergency)       5    the agency's gravest word
======================  =====  =======================================================

Seismic intensity, tsunami grades and the rest follow our own rules below; each table says so.
Sources: 警報等情報要素 code tables of 気象庁防災情報XMLフォーマット; technical note 634.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from feeds.jma.telegram import half_width


@dataclass(frozen=True)
class WarningKind:
    """A warning: its hazard, its scale, and its urgency."""

    hazard: str
    group: str
    level: int


def _kind(hazard: str, level: int, group: str = "") -> WarningKind:
    return WarningKind(hazard, group or hazard, level)


WARNINGS: dict[str, WarningKind] = {
    "02": _kind("snow-storm", 3),
    "03": _kind("heavy-rain", 3),
    "04": _kind("flood", 3),
    "05": _kind("storm", 3),
    "06": _kind("heavy-snow", 3),
    "07": _kind("high-waves", 3),
    "08": _kind("storm-surge", 3),
    "09": _kind("landslide", 3),
    "10": _kind("heavy-rain", 2),
    "12": _kind("heavy-snow", 2),
    "13": _kind("blizzard-advisory", 2, "snow-storm"),
    "14": _kind("thunder", 2),
    "15": _kind("gale", 2, "storm"),
    "16": _kind("high-waves", 2),
    "17": _kind("snow-melt", 2),
    "18": _kind("flood", 2),
    "19": _kind("storm-surge", 2),
    "20": _kind("dense-fog", 2),
    "21": _kind("dry-air", 2),
    "22": _kind("avalanche", 2),
    "23": _kind("low-temperature", 2),
    "24": _kind("frost", 2),
    "25": _kind("ice-accretion", 2),
    "26": _kind("snow-accretion", 2),
    "27": _kind("other-advisory", 2),
    "29": _kind("landslide", 2),
    "32": _kind("snow-storm", 5),
    "33": _kind("heavy-rain", 5),
    "35": _kind("storm", 5),
    "36": _kind("heavy-snow", 5),
    "37": _kind("high-waves", 5),
    "38": _kind("storm-surge", 5),
    "39": _kind("landslide", 5),
    "43": _kind("heavy-rain", 4),
    "44": _kind("flood", 4),
    "48": _kind("storm-surge", 4),
    "49": _kind("landslide", 4),
}
"""Weather warnings by 警報等情報要素／気象警報・注意報 code."""

SCALES: dict[str, str] = {kind.hazard: kind.group for kind in WARNINGS.values()}
"""The scale of a hazard: a gale is on the storm's."""

COVERED: dict[str, frozenset[str]] = {
    "VPWW55": frozenset({"heavy-rain"}),
    "VPWW56": frozenset({"landslide"}),
    "VPWW57": frozenset({"storm-surge"}),
    "VPWW58": frozenset({"storm", "snow-storm"}),
    "VPWW59": frozenset({"high-waves"}),
    "VPWW60": frozenset({"heavy-snow"}),
    "VPWW61": frozenset(
        {
            "thunder",
            "snow-melt",
            "dense-fog",
            "dry-air",
            "avalanche",
            "low-temperature",
            "frost",
            "ice-accretion",
            "snow-accretion",
            "other-advisory",
        }
    ),
}
"""The scales that a new telegram covers: what it does not name there is not in force."""

OLD_FORMS = frozenset({"VPWW53", "VPWW54", "VXWW50", "VPNO50"})
ALL_GROUPS = frozenset(kind.group for kind in WARNINGS.values())

RIVERS: dict[str, int] = {
    "10": 0,
    "20": 2,
    "21": 2,
    "22": 2,
    "30": 3,
    "31": 3,
    "40": 4,
    "41": 4,
    "50": 5,
    "51": 5,
    "52": 5,
    "53": 5,
}
"""指定河川洪水予報: 10 ends it; 22 is an advisory left after a warning was lifted."""

INTENSITIES = ("1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")
INTENSITY_LEVELS: dict[str, int] = {
    "1": 1,
    "2": 1,
    "3": 2,
    "4": 3,
    "5-": 4,
    "5+": 4,
    "6-": 5,
    "6+": 5,
    "7": 5,
}
"""Our rule: at 5-, by the agency, things fall and walking is hard; 6- destroys."""

TSUNAMI: dict[str, int] = {
    "00": 0,
    "50": 0,
    "60": 0,
    "71": 1,
    "72": 1,
    "73": 1,
    "62": 3,
    "51": 4,
    "52": 5,
    "53": 5,
}
"""Our rule: advisory (leave the water) 3, warning (leave the coast) 4, major warning 5."""

LONG_PERIOD_LEVELS: dict[str, int] = {"1": 1, "2": 2, "3": 3, "4": 4}
"""長周期地震動階級; felt on the upper floors of tall buildings alone, so never 5."""

VOLCANO: dict[str, int] = {
    "11": 1,
    "12": 2,
    "13": 3,
    "14": 4,
    "15": 5,
    "21": 1,
    "22": 2,
    "23": 3,
    "24": 4,
    "25": 5,
    "35": 1,
    "36": 3,
}
"""噴火警戒レベル, and the keywords of volcanoes that have none, at the same urgency."""

VOLCANO_CALM = 1
"""Up to this level nobody need do anything (活火山であることに留意)."""

ERUPTION_LEVEL = 4
"""噴火速報 asks people near the volcano to act at once."""

ASH: dict[str, int] = {"70": 1, "71": 1, "72": 2, "73": 3, "75": 3}
"""降灰 (amount unknown), 少量, やや多量, 多量, 小さな噴石の落下."""

NANKAI: dict[str, tuple[int, str]] = {
    "111": (2, "調査中"),
    "112": (2, "調査中"),
    "113": (2, "調査中"),
    "120": (4, "巨大地震警戒"),
    "130": (3, "巨大地震注意"),
    "190": (0, "調査終了"),
    "200": (1, "地震関連解説情報"),
    "210": (1, "地震関連解説情報"),
    "219": (1, "地震関連解説情報"),
}
"""地震関連情報番号: urgency by our rule, and the keyword."""

SUDDEN: dict[str, tuple[str, int, str]] = {
    "線状降水帯発生": ("linear-rain-band", 4, "線状降水帯発生"),
    "線状降水帯直前": ("linear-rain-band", 4, "線状降水帯直前予測"),
    "記録雨": ("record-rain", 4, "記録的短時間大雨"),
    "短時間大雪": ("short-heavy-snow", 3, "短時間大雪"),
    "竜巻注意": ("tornado", 3, "竜巻注意"),
    "竜巻目撃": ("tornado", 3, "竜巻目撃"),
}
"""VPBS50's 情報タグ: hazard, urgency by our rule, and the official keyword in the title.

The rain ones are issued when the danger has reached what corresponds to alert level 4.
"""


_LEVELLED = re.compile("レベル[1-5１-５][^\\s0-9０-９]*?(?:注意報|警報)")


def level_in_name(name: str) -> int:
    """The level that an official name begins with (レベル４…), or 0."""
    plain = half_width(name)
    if plain.startswith("レベル") and len(plain) > 3 and plain[3] in "12345":
        return int(plain[3])
    return 0


def levelled_name(title: str) -> str:
    """The name with a level in a telegram's title, or nothing.

    The old forms keep their own names inside and have the new one only in the title
    (神奈川県レベル４土砂災害危険警報).
    """
    found = _LEVELLED.search(title)
    return found.group() if found else ""


def code_of(hazard: str, level: int) -> str:
    """The new telegrams' code for a hazard at a level, or nothing."""
    return next(
        (code for code, kind in WARNINGS.items() if (kind.hazard, kind.level) == (hazard, level)),
        "",
    )


def is_weaker(intensity: str, than: str) -> bool:
    """Whether a seismic intensity is known, and less than another."""
    return intensity in INTENSITIES and INTENSITIES.index(intensity) < INTENSITIES.index(than)


def stronger(first: str, second: str) -> str:
    """The higher of two seismic intensities; empty is the lowest."""
    rank = {"": -1} | {intensity: place for place, intensity in enumerate(INTENSITIES)}
    return first if rank[first] >= rank[second] else second
