"""Words about evacuation sites, the same on the public page and in the chat."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from city.shelters import Hazard
from core.languages import Catalogue, mark
from response.models import Offer, ShelterState

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
STATES = {
    ShelterState.OPEN: mark("Open"),
    ShelterState.FULL: mark("Full"),
    ShelterState.CLOSED: mark("Closed"),
}
OFFERS = {
    Offer.STEP_FREE: mark("No steps"),
    Offer.TOILETS: mark("Toilets"),
    Offer.PETS: mark("Pets may come"),
    Offer.BABIES: mark("Room for babies"),
    Offer.POWER: mark("Power for phones"),
}


def hazard_names(hazards: Iterable[Hazard], language: str) -> list[str]:
    """Return the names of hazards in the order of the open-data columns."""
    wanted = set(hazards)
    return [CATALOGUE.text(language, name) for hazard, name in HAZARDS.items() if hazard in wanted]


def safe_in_case_of(hazards: Iterable[Hazard], language: str) -> str:
    """Return the line that says which hazards a site is for."""
    names = _listed(hazard_names(hazards, language), language)
    return f"{CATALOGUE.text(language, 'Designated for:')} {names}"


def state_name(state: ShelterState, language: str) -> str:
    """Return the state of a site in one word."""
    return CATALOGUE.text(language, STATES[state])


def offers_line(offers: Iterable[str], language: str) -> str:
    """Return what people find at a site in one line; "" for nothing."""
    wanted = set(offers)
    found = [CATALOGUE.text(language, name) for offer, name in OFFERS.items() if offer in wanted]
    return _listed(found, language)


def _listed(names: Iterable[str], language: str) -> str:
    return ("、" if language.startswith(("ja", "zh")) else ", ").join(names)
