"""Words about evacuation sites, the same on the public page and in the chat."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from city.shelters import Hazard
from core.languages import Catalogue, mark

CATALOGUE = Catalogue(Path(__file__).parent / "locales")


HAZARDS = {
    Hazard.FLOOD: mark("Flood"),
    Hazard.LANDSLIDE: mark("Landslide"),
    Hazard.STORM_SURGE: mark("Storm surge"),
    Hazard.EARTHQUAKE: mark("Earthquake"),
    Hazard.TSUNAMI: mark("Tsunami"),
    Hazard.FIRE: mark("Large fire"),
    Hazard.INLAND_FLOOD: mark("Flooding inside the town"),
    Hazard.VOLCANO: mark("Volcano"),
}


def hazard_names(hazards: Iterable[Hazard], language: str) -> list[str]:
    """Return the names of hazards in the order of the open-data columns."""
    wanted = set(hazards)
    return [CATALOGUE.text(language, name) for hazard, name in HAZARDS.items() if hazard in wanted]


def safe_in_case_of(hazards: Iterable[Hazard], language: str) -> str:
    """Return the line that says which hazards a site is for."""
    between = "、" if language.startswith(("ja", "zh")) else ", "
    names = between.join(hazard_names(hazards, language))
    return f"{CATALOGUE.text(language, 'Designated for:')} {names}"
