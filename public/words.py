"""Words about evacuation sites, the same on the public page and in the chat."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from city.shelters import Hazard
from core.languages import Catalogue, mark
from feeds.texts import moment
from response.lifelines import hours_of
from response.models import Lifeline, LifelineKind, LifelineState, Offer, ShelterState

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


LIFELINES = {
    LifelineKind.WATER: mark("Water point"),
    LifelineKind.TOILET: mark("Toilet that works"),
    LifelineKind.BATH: mark("Bath or shower"),
    LifelineKind.CHARGING: mark("Phone charging"),
    LifelineKind.SHOP: mark("Open shop"),
    LifelineKind.POWER: mark("Electricity"),
    LifelineKind.ROAD: mark("Road"),
}
_LIFELINE_STATES = {
    LifelineState.OPEN: mark("Available"),
    LifelineState.BUSY: mark("Crowded"),
    LifelineState.STOPPED: mark("Not available now"),
    LifelineState.CLOSED: mark("Closed"),
}
_STATES_OF_KIND = {
    (LifelineKind.POWER, LifelineState.STOPPED): mark("Power cut"),
    (LifelineKind.POWER, LifelineState.OPEN): mark("Power is back"),
    (LifelineKind.ROAD, LifelineState.CLOSED): mark("Road closed"),
    (LifelineKind.ROAD, LifelineState.BUSY): mark("Passable, but slow"),
    (LifelineKind.ROAD, LifelineState.OPEN): mark("Open again"),
}
LIFELINE_COLOURS = {
    LifelineState.OPEN: "green",
    LifelineState.BUSY: "amber",
    LifelineState.STOPPED: "red",
    LifelineState.CLOSED: "red",
}
"""Colours on a map."""
REMARK_WORDS = {
    "bring-bottles": mark("Bring bottles or canisters"),
    "bring-towel": mark("Bring a towel"),
    "free": mark("Free of charge"),
    "cash-only": mark("Cash only"),
    "no-cars": mark("Do not come by car"),
    "step-free": mark("No steps"),
    "detour": mark("Use another road"),
}
"""Remarks of staff with words in every language (``response.lifelines.REMARKS``)."""


def lifeline_kind(kind: LifelineKind, language: str) -> str:
    """Return what an entry is."""
    return CATALOGUE.text(language, LIFELINES[kind])


def lifeline_state(kind: LifelineKind | None, state: LifelineState, language: str) -> str:
    """Return how an entry is, in the words of its kind."""
    own = _STATES_OF_KIND.get((kind, state)) if kind is not None else None
    return CATALOGUE.text(language, own or _LIFELINE_STATES[state])


def remark_words(code: str, language: str) -> str:
    """Return a remark; "" for one that is not known any more."""
    return CATALOGUE.text(language, REMARK_WORDS[code]) if code in REMARK_WORDS else ""


NOT_PUBLIC = mark("No public case has this number. Perhaps the city has not looked at it yet.")
LIFELINES_TITLE = mark("Water, power, shops, roads")
CHANGES_SOON = mark("It can change at any time. Look again before you go.")
ALL_ON_ONE_PAGE = mark("All on one page")
HOURS = mark("Hours: {hours}")
AS_OF = mark("As of {time}, until {until}")


def lifeline_lines(one: Lifeline, language: str) -> list[str]:
    """Return what to know of an entry besides kind, name and state, a line each.

    The note of staff is in the reader's language, else in easy Japanese or Japanese.
    """
    lines = []
    if open_for := hours_of(one):
        hours = [f"{minutes // 60}:{minutes % 60:02}" for minutes in open_for]
        lines.append(CATALOGUE.text(language, HOURS, hours="–".join(hours)))
    remarks = [words for code in one.remarks if (words := remark_words(code, language))]
    if remarks:
        lines.append(_listed(remarks, language))
    easy = () if language == "ja" else ("ja-x-easy",)
    note = next((one.notes[code] for code in (language, *easy, "ja") if code in one.notes), "")
    if note:
        lines.append(note)
    lines.append(
        CATALOGUE.text(
            language,
            AS_OF,
            time=moment(one.changed_at, language),
            until=moment(one.until, language),
        )
    )
    return lines


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
