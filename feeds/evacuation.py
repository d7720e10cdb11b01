"""The dangers for which an evacuation site must be safe now, from the notices in force.

A site (指定緊急避難場所) is designated for each hazard; in a flood, a site that is not designated
for floods is not safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from city.shelters import Hazard, Shelter
from feeds.models import Notice

_RAIN = frozenset({Hazard.FLOOD, Hazard.INLAND_FLOOD})
_BY_HAZARD: dict[str, frozenset[Hazard]] = {
    "heavy-rain": _RAIN,
    "flood": frozenset({Hazard.FLOOD}),
    "landslide": frozenset({Hazard.LANDSLIDE}),
    "storm-surge": frozenset({Hazard.STORM_SURGE}),
    "record-rain": _RAIN | {Hazard.LANDSLIDE},
    "linear-rain-band": _RAIN | {Hazard.LANDSLIDE},
    "tsunami": frozenset({Hazard.TSUNAMI}),
    "earthquake": frozenset({Hazard.EARTHQUAKE}),
    "long-period": frozenset({Hazard.EARTHQUAKE}),
    "volcano": frozenset({Hazard.VOLCANO}),
    "eruption": frozenset({Hazard.VOLCANO}),
}
"""By the slug of the announced hazard (``feeds.facts.Fact.hazard``); other hazards ask nobody to
leave home.
"""
_BY_TOPIC: dict[str, frozenset[Hazard]] = {
    "tsunami": frozenset({Hazard.TSUNAMI}),
    "fire": frozenset({Hazard.FIRE}),
}
_RIVER = ("川が", "川の", "川から", "川に", "川沿い", "川岸")
"""Not 川 alone, which is in the names of places."""
_WORDS: tuple[tuple[Hazard, tuple[str, ...]], ...] = (
    (Hazard.FLOOD, ("洪水", "氾濫", "はん濫", "河川", *_RIVER, "越水", "決壊", "浸水")),
    (Hazard.INLAND_FLOOD, ("内水", "冠水", "下水", "道路の浸水")),
    (Hazard.LANDSLIDE, ("土砂", "土石流", "がけ", "崖", "地すべり", "地滑り", "斜面")),
    (Hazard.STORM_SURGE, ("高潮",)),
    (Hazard.TSUNAMI, ("津波", "大津波")),
    (Hazard.EARTHQUAKE, ("地震", "震度", "余震")),
    (Hazard.FIRE, ("火災", "火事", "延焼")),
    (Hazard.VOLCANO, ("噴火", "火山", "噴石", "溶岩")),
)
"""Words for a danger in the city's own alerts, which have no slug."""


def hazards_at(notices: Iterable[Notice], district: str | None) -> frozenset[Hazard]:
    """Return the dangers in force in a district, or in the whole city if ``district`` is None.

    ``notices`` are those in force (``feeds.in_force``).
    """
    found: set[Hazard] = set()
    for notice in notices:
        if district is None or not notice.areas or district in notice.areas:
            found |= _hazards_of(notice)
    return frozenset(found)


def _hazards_of(notice: Notice) -> frozenset[Hazard]:
    if notice.hazard:
        return _BY_HAZARD.get(notice.hazard, frozenset())
    words = "".join(notice.texts.get("ja", {}).values())
    said = {hazard for hazard, names in _WORDS if any(name in words for name in names)}
    return _BY_TOPIC.get(notice.topic, frozenset()) | said


def safe_sites(
    shelters: Sequence[Shelter], hazards: frozenset[Hazard]
) -> tuple[list[Shelter], frozenset[Hazard]]:
    """Return the sites that are safe in all of the dangers, and the dangers without any site.

    A danger without any site in the city is ignored for the choice. It is named to residents,
    because no site is safe in it.
    """
    designated = frozenset(hazard for shelter in shelters for hazard in shelter.hazards)
    missing = hazards - designated
    wanted = hazards - missing
    if hazards and not wanted:
        return [], missing
    return [shelter for shelter in shelters if shelter.hazards >= wanted], missing
