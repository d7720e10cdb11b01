"""A place as staff write it: latitude and longitude, or a name of the city's gazetteer."""

from __future__ import annotations

import re
import unicodedata

from city.gazetteer import Gazetteer
from core.errors import Refusal
from core.geo import Position
from core.languages import mark

_POSITION = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*[,、 ]\s*(-?\d{1,3}(?:\.\d+)?)\s*")
MORE_THAN_ONE = mark(
    "Several places fit “{place}”. Write a longer name, or latitude and longitude."
)
NOWHERE = mark("No place fits “{place}”. Choose a district, or write latitude and longitude.")


def position_of(text: str, places: Gazetteer) -> Position | None:
    """Return the longitude and latitude of a written place; None for nothing.

    Raises
    ------
    Refusal
        No place has this name, or more than one.
    """
    if not text:
        return None
    found = _POSITION.fullmatch(unicodedata.normalize("NFKC", text))
    if found is not None:
        first, second = float(found[1]), float(found[2])
        # In Japan the longitude is the larger number.
        return (second, first) if first < second else (first, second)
    hits = places.find(text).places if places else ()
    if not hits:
        raise Refusal(NOWHERE, place=text)
    if len(hits) > 1:
        raise Refusal(MORE_THAN_ONE, place=text)
    return hits[0].longitude, hits[0].latitude


def position_or_name(written: str, name: str, places: Gazetteer) -> Position | None:
    """Return where something is: as written, or else the one place that its name means.

    Raises
    ------
    Refusal
        No place fits what was written, or more than one.
    """
    return position_of(written, places) if written else one_place(name, places)


def one_place(text: str, places: Gazetteer) -> Position | None:
    """Return the one place that a text means; None if there is none, or more than one."""
    try:
        return position_of(text, places)
    except Refusal:
        return None
