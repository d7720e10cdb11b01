"""What staff can take an alert's districts from: a drawn area, a danger zone, a danger in force."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.drafts import Written
from alerts.places import districts_of_area, districts_of_zones, drawn_area
from city.folder import CityFolder
from city.hazards import FILES
from console import words
from console.web import Visit
from core.errors import Refusal
from core.text import whole_number
from feeds.in_force import in_force
from public.words import CATALOGUE as PUBLIC_WORDS
from public.words import HAZARDS

PICK = "pick-"
"""How the value of a button begins that takes districts."""
WHOLE_CITY = "city"
MOST_DANGERS = 12


@dataclass(frozen=True)
class Place:
    """A button that takes districts; ``districts`` is how many, None for the whole city."""

    value: str
    name: str
    districts: int | None


async def places_to_pick(visitor: Visit, session: AsyncSession) -> list[Place]:
    """Return the dangers in force, the gravest first, and the city's danger zones."""
    city = visitor.context.city
    found: list[Place] = []
    for one in await in_force(session, city.jma.municipality, visitor.context.clock.now()):
        if one.notice is None or len(found) >= MOST_DANGERS:
            continue
        name = words.title_of(one.notice, visitor.language)
        found.append(Place(f"danger:{one.notice.id}", name, len(one.notice.areas) or None))
    for code, districts in (await _zones(visitor)).items():
        name = PUBLIC_WORDS.text(visitor.language, HAZARDS[FILES[code]])
        found.append(Place(f"hazard:{code}", name, len(districts)))
    return found


async def districts_of(visitor: Visit, session: AsyncSession, value: str) -> tuple[str, ...]:
    """Return the districts that a button stands for; none means the whole city.

    Raises
    ------
    Refusal
        The drawn area is none, or the danger is not in force any more.
    """
    city = visitor.context.city
    kind, _, name = value.partition(":")
    if kind == "polygon":
        ring = drawn_area(visitor.form.text("polygon"))
        return await asyncio.to_thread(districts_of_area, ring, city)
    if kind == "hazard" and name in FILES:
        districts = (await _zones(visitor)).get(name)
        if districts:
            return districts
    if kind == "danger":
        now = visitor.context.clock.now()
        for one in await in_force(session, city.jma.municipality, now):
            if one.notice is not None and one.notice.id == whole_number(name):
                return tuple(one.notice.areas)
    raise Refusal("This danger is not in force any more. Look at the page again.")


def with_districts(written: Written, districts: tuple[str, ...]) -> Written:
    """Return what was written with more districts; none means the whole city."""
    if not districts:
        return replace(written, whole_city=True)
    areas = tuple(dict.fromkeys((*written.areas, *districts)))
    return replace(written, whole_city=False, areas=areas)


def picked_before(visitor: Visit) -> str:
    """Return the names of the districts that were just taken; "" if none were."""
    said = visitor.request.query_params.get("picked", "")[:2000]
    city = visitor.context.city
    codes = [code for code in said.split(",") if code in city.district_by_code]
    if said == WHOLE_CITY or codes:
        return words.places_of(codes, city, visitor.language)
    return ""


async def _zones(visitor: Visit) -> dict[str, tuple[str, ...]]:
    """Return the districts that each kind of danger zone touches, computed once for a folder."""
    state = visitor.request.app.state
    if not hasattr(state, "zone_districts"):
        state.zone_districts = await asyncio.to_thread(_touched, state.folder)
    found: dict[str, tuple[str, ...]] = state.zone_districts
    return found


def _touched(folder: CityFolder) -> dict[str, tuple[str, ...]]:
    found = {}
    for code, hazard in FILES.items():
        zones = [zone for zone in folder.hazard_zones if zone.hazard == hazard]
        districts = districts_of_zones(zones, folder.city) if zones else ()
        if districts:
            found[code] = districts
    return found
