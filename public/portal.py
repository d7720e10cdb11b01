"""What the city's front page shows: what is in force, and the state of sites and lifelines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, name_in
from feeds.models import Notice
from public.district_picture import NO_LEVEL, levels_by_district
from public.notices import Board, public_board
from response.lifelines import listed_now
from response.models import Lifeline, ShelterState, ShelterStatus
from response.shelters import statuses

GRAVE = 3
"""The level from which the page is that of an emergency."""


@dataclass(frozen=True)
class Portal:
    """All that the front page shows, of one moment. It is real; drills stand apart."""

    at: datetime
    board: Board
    states: Mapping[str, ShelterStatus]
    lifelines: tuple[Lifeline, ...]

    @property
    def is_emergency(self) -> bool:
        return any(n.emergency or n.shown_level >= GRAVE for n in self.board.current)

    @property
    def level(self) -> int:
        """The highest level in force."""
        return max((notice.shown_level for notice in self.board.current), default=0)

    @cached_property
    def open_sites(self) -> int:
        counted = Counter(status.state for status in self.states.values())
        return counted[ShelterState.OPEN]

    def levels(self, city: City) -> dict[str, int]:
        return levels_by_district(self.board.current, city)


async def read_portal(session: AsyncSession, city: City, now: datetime) -> Portal:
    """Return what is public at ``now``."""
    return Portal(
        at=now,
        board=await public_board(session, now, city.jma.municipality),
        states=await statuses(session, drill=False),
        lifelines=tuple(await listed_now(session, now, drill=False)),
    )


def places_by_level(
    levels: Mapping[str, int], city: City, language: str
) -> list[tuple[int, list[str]]]:
    """Return the names of districts by level, the gravest first; levels without a number last."""
    found: dict[int, list[str]] = {}
    for district in city.districts:
        if district.code in levels:
            found.setdefault(levels[district.code], []).append(name_in(district.names, language))
    return sorted(found.items(), key=lambda one: -one[0])


def places_of(notice: Notice, language: str, city: City) -> tuple[str, ...]:
    """Return the names of a notice's districts; none for the whole city."""
    return tuple(
        name_in(district.names, language)
        for district in city.districts
        if district.code in notice.areas
    )


__all__ = ["GRAVE", "NO_LEVEL", "Portal", "places_by_level", "places_of", "read_portal"]
