"""Other offices that look after something in the streets, and their Open311 endpoints."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from city.parts import Names
from city.parts import Part as _Part
from core.geo import Position, distance_to_line, inside


class Endpoint(_Part):
    """Another office's Open311 endpoint, to which the city forwards reports.

    Parameters
    ----------
    url
        Such as ``https://open311.pref.example/v2``, without a slash at its end.
    key_setting
        Name of the environment variable with the key that the other office gave the city.
    services
        Its codes by the city's codes of kinds. A kind that is not named has the same code there,
        or the one under ``*``.
    closes
        Whether a report that the other office closes is done here without staff looking.
    format
        What it speaks: every server speaks XML, and most JSON.
    """

    url: str = Field(pattern=r"^https?://[^\s?#]+[^\s?#/]$", max_length=300)
    format: Literal["json", "xml"] = "json"
    jurisdiction: str = ""
    key_setting: str | None = Field(default=None, pattern=r"^TODOKE_[A-Z0-9_]+$")
    services: dict[str, str] = Field(default_factory=dict)
    closes: bool = False

    def service_of(self, kind: str) -> str:
        """Return the other office's code for one of the city's kinds."""
        return self.services.get(kind) or self.services.get("*") or kind


class Owner(_Part):
    """Who looks after something in the streets (``owners.geojson``), usually not the city.

    It owns what lies in ``polygons`` or within ``metres`` of ``lines``, of the ``kinds`` of damage
    if there are any. Without a geometry it owns all of its kinds. With ``forwards`` the city passes
    reports on, to ``open311`` or by mail to ``mail`` where it has one; otherwise the resident is
    asked to tell the owner. ``body`` says what kind of owner it is; a ``city`` one only names the
    city's own roads. ``road`` and ``road_class`` are of its lines. With a ``department``
    it is no other office but that department of the city, which mends what lies there.
    """

    code: str
    names: Names
    phone: str = ""
    mail: str = ""
    open311: Endpoint | None = None
    forwards: bool = False
    department: str = ""
    kinds: tuple[str, ...] = ()
    metres: float = 15.0
    body: Literal["", "city", "prefecture", "nation", "private"] = ""
    road: str = ""
    road_class: Literal["", "national", "prefectural", "main", "local", "path"] = ""
    polygons: tuple[tuple[tuple[Position, ...], ...], ...] = Field(default=(), repr=False)
    lines: tuple[tuple[Position, ...], ...] = Field(default=(), repr=False)

    @property
    def is_placed(self) -> bool:
        """Whether it owns a place, and not all things of a kind."""
        return bool(self.polygons or self.lines)

    def owns(self, kind: str, place: Position | None) -> bool:
        """Whether a damage of this kind at this place is its own."""
        if self.kinds and kind not in self.kinds:
            return False
        if not self.is_placed:
            return True
        return place is not None and (
            any(inside(place, polygon) for polygon in self.polygons)
            or any(distance_to_line(place, line) <= self.metres for line in self.lines)
        )
