"""Which evacuation sites are safe now: those designated for every danger in force there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from city.city import Decision
from city.folder import load_folder
from city.shelters import Hazard, Shelter
from feeds.evacuation import hazards_at, safe_sites
from feeds.models import Notice, Status

SAMPLE = Path(__file__).parents[2] / "deploy" / "city"
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


def notice(hazard: str = "", text: str = "", **changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "identity": f"{hazard}{text}",
        "topic": "weather",
        "hazard": hazard,
        "level": 4,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": NOW,
        "texts": {"ja": {"title": "", "text": text}},
        "decision": Decision.SEND,
        "decided_by": "rule:telegram",
        "created_at": NOW,
    }
    return Notice(**{**fields, **changes})


@pytest.mark.parametrize(
    ("found", "hazards"),
    [
        (notice("flood"), {Hazard.FLOOD}),
        (notice("heavy-rain"), {Hazard.FLOOD, Hazard.INLAND_FLOOD}),
        (notice("landslide"), {Hazard.LANDSLIDE}),
        (notice("storm-surge"), {Hazard.STORM_SURGE}),
        (notice("tsunami"), {Hazard.TSUNAMI}),
        (notice("earthquake"), {Hazard.EARTHQUAKE}),
        (notice("volcano"), {Hazard.VOLCANO}),
        (notice("thunder"), set()),
        (notice(text="桜川が氾濫するおそれがあります。", topic="evacuation"), {Hazard.FLOOD}),
        (
            notice(text="川端地区に避難指示。がけ崩れの危険。", topic="evacuation"),
            {Hazard.LANDSLIDE},
        ),
        (notice(text="延焼中です。", topic="fire"), {Hazard.FIRE}),
        (notice(text="避難指示を発令しました。", topic="evacuation"), set()),
    ],
)
def test_each_danger_asks_for_its_designation(found: Notice, hazards: set[Hazard]) -> None:
    assert hazards_at([found], "chuo") == hazards


def test_a_danger_of_another_district_is_none_here() -> None:
    found = [notice("flood", areas=["umesato"]), notice("landslide")]
    assert hazards_at(found, "chuo") == {Hazard.LANDSLIDE}
    assert hazards_at(found, "umesato") == {Hazard.FLOOD, Hazard.LANDSLIDE}
    assert hazards_at(found, None) == {Hazard.FLOOD, Hazard.LANDSLIDE}


def test_in_a_flood_no_site_is_offered_that_is_not_designated_for_floods() -> None:
    shelters = load_folder(SAMPLE).shelters
    safe, missing = safe_sites(shelters, frozenset({Hazard.FLOOD}))
    assert missing == frozenset()
    assert "稲里交流センター" in {site.name for site in shelters}
    assert "稲里交流センター" not in {site.name for site in safe}
    # 22 of the 30 sites have a 1 in the column 災害種別_洪水
    column = (SAMPLE / "shelters.csv").read_text("utf-8-sig").splitlines()
    at = column[0].split(",").index("災害種別_洪水")
    assert len(safe) == sum(line.split(",")[at] == "1" for line in column[1:])


def test_every_danger_counts_and_one_without_any_site_is_named() -> None:
    shelters = load_folder(SAMPLE).shelters
    both = frozenset({Hazard.FLOOD, Hazard.LANDSLIDE})
    assert all(site.hazards >= both for site in safe_sites(shelters, both)[0])
    safe, missing = safe_sites(shelters, frozenset({Hazard.TSUNAMI, Hazard.FLOOD}))
    assert missing == {Hazard.TSUNAMI}
    assert safe == safe_sites(shelters, frozenset({Hazard.FLOOD}))[0]
    assert safe_sites(shelters, frozenset({Hazard.TSUNAMI})) == ([], frozenset({Hazard.TSUNAMI}))
    assert safe_sites(shelters, frozenset())[0] == list(shelters)


def test_sites_for_one_danger_each_are_no_refuge_from_both() -> None:
    first, second, *_ = load_folder(SAMPLE).shelters
    apart: list[Shelter] = [
        replace(first, hazards=frozenset({Hazard.FLOOD})),
        replace(second, hazards=frozenset({Hazard.LANDSLIDE})),
    ]
    assert safe_sites(apart, frozenset({Hazard.FLOOD, Hazard.LANDSLIDE})) == ([], frozenset())
