"""What the address of a screen says: languages, place, topics and districts.

A screen has no account and no settings of its own. Its address says everything, so that a new one
is set up by typing an address. What is wrong in an address is left out: a screen shows too much
rather than nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from city.city import City
from city.districts import EAST, NORTH, SOUTH, WEST
from core.geo import Position
from core.languages import match_language

MOST_LANGUAGES = 6
"""More would take too long: each language is shown after the other."""
USUAL = ("ja", "en")
MOST_LETTERS = 600
PATH = "/signage"


@dataclass(frozen=True)
class Screen:
    """One screen.

    Parameters
    ----------
    languages
        Shown one after another, in this order.
    near
        Where it hangs: longitude and latitude, degrees, WGS 84. None: no sites are listed.
    topics
        Topics of its news; none means all. Warnings are always shown.
    areas
        Districts that are near; none means the whole city.
    """

    languages: tuple[str, ...]
    near: Position | None = None
    topics: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The part of its address behind the question mark."""
        pairs = [("lang", ",".join(self.languages))]
        if self.near is not None:
            longitude, latitude = self.near
            pairs.append(("near", f"{latitude:.5f},{longitude:.5f}"))
        if self.topics:
            pairs.append(("topics", ",".join(self.topics)))
        if self.areas:
            pairs.append(("area", ",".join(self.areas)))
        return urlencode(pairs, safe=",")

    def address(self, public_url: str) -> str:
        return f"{public_url}{PATH}?{self.query}"


def screen_of(asked: Mapping[str, str], city: City) -> Screen:
    """Return the screen of an address; ``asked`` are the values behind its question mark."""

    def said(name: str) -> list[str]:
        return [part.strip() for part in asked.get(name, "")[:MOST_LETTERS].split(",")]

    languages = _known(map(match_language, said("lang")), city.languages)
    usual = tuple(code for code in USUAL if code in city.languages) or city.languages[:1]
    return Screen(
        languages=languages[:MOST_LANGUAGES] or usual,
        near=_place(said("near")),
        topics=_known(said("topics"), city.topic_by_code),
        areas=_known(said("area"), city.district_by_code),
    )


def _known(said: Iterable[str | None], known: Iterable[str]) -> tuple[str, ...]:
    there = frozenset(known)
    return tuple(dict.fromkeys(one for one in said if one is not None and one in there))


def _place(said: list[str]) -> Position | None:
    """Return the place of ``latitude,longitude``; None if it is none in Japan."""
    try:
        latitude, longitude = map(float, said)
    except ValueError:
        return None
    # Not a number is in no range.
    if WEST <= longitude <= EAST and SOUTH <= latitude <= NORTH:
        return longitude, latitude
    return None
