"""What the first page shows beside the notices: the disaster in numbers, its map, what is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, name_in
from city.shelters import Shelter
from console.navigation import SECTIONS
from console.words import CATALOGUE, title_of
from core.languages import mark
from feeds.in_force import InForce
from public.asked import most_asked
from public.words import state_name
from reports import dangers
from reports.models import Triage
from response import call_up_table, call_ups, cases, tasks
from response.call_up_table import Counts
from response.models import CallUp, CaseState, DisasterMode, ShelterState, ShelterStatus, TaskState
from response.modes import open_modes
from response.shelters import statuses

STRONG = ("5-", "5+", "6-", "6+", "7")
"""Intensities from which people are hurt and things break: 震度5弱 and above."""
MOST_ASKED = 6
INTENTS = {
    "in-force": mark("Warnings in force"),
    "shelter": mark("Evacuation sites"),
    "lifelines": mark("Power, water, gas"),
    "danger": mark("I am in danger"),
    "safe": mark("I am safe"),
    "need-help": mark("I need help"),
    "collection-day": mark("Collection days"),
    "sorting": mark("Sorting rubbish"),
    "bulky": mark("Large rubbish"),
    "report": mark("Reporting damage"),
    "report-status": mark("Their own reports"),
    "repairs": mark("Repairs near them"),
    "stop-messages": mark("Stopping messages"),
    "fewer-messages": mark("Fewer messages"),
    "language": mark("Language"),
    "settings": mark("Settings"),
    "my-data": mark("Their own data"),
    "childcare": mark("Children"),
    "person": mark("A person to talk to"),
    "faq": mark("Other questions"),
    "thanks": mark("Thanks"),
    "greeting": mark("Greetings"),
    "menu": mark("The menu"),
    "help": mark("How to use it"),
    "unknown": mark("Not understood"),
}
SHELTER_COLOURS = {
    ShelterState.OPEN: "green",
    ShelterState.FULL: "amber",
    ShelterState.CLOSED: "grey",
}
_SAYS_NOTHING = ("thanks", "greeting", "menu")
MOST_CALLS = 3


@dataclass(frozen=True)
class Board:
    """The disaster in numbers; those of the drill while a drill is on.

    Parameters
    ----------
    heads
        People at the sites where staff counted.
    waiting, taken
        Households that need something and nobody, or somebody, is on it.
    dangers
        Dangers that residents showed and nobody has looked at.
    call_ups
        Call-ups of staff that have not ended, with the heads by answer.
    asked
        What residents asked most in the last hour, by intent.
    """

    modes: tuple[DisasterMode, ...] = ()
    shelters: Mapping[ShelterState, int] = field(default_factory=dict)
    heads: int | None = None
    waiting: int = 0
    taken: int = 0
    tasks: int = 0
    late_tasks: int = 0
    dangers: int = 0
    call_ups: tuple[tuple[CallUp, Counts], ...] = ()
    asked: tuple[tuple[str, int], ...] = ()

    @property
    def drill(self) -> bool:
        """Whether the numbers are those of a drill."""
        return bool(self.modes) and self.modes[0].drill

    @property
    def pages(self) -> frozenset[str]:
        """The addresses that the navigation has."""
        return frozenset(entry.address for section in SECTIONS for entry in section.entries)

    def intent(self, code: str, language: str) -> str:
        """Return what somebody asked for, in words of staff."""
        return CATALOGUE.text(language, INTENTS[code]) if code in INTENTS else code

    def where(self, mode: DisasterMode, city: City, language: str) -> str:
        """Return the districts of a mode; "" for the whole city."""
        names = [
            name_in(city.district_by_code[code].names, language)
            for code in mode.areas
            if code in city.district_by_code
        ]
        return ("、" if language == "ja" else ", ").join(names)


async def read_board(session: AsyncSession, now: datetime) -> Board:
    """Return the numbers of this moment."""
    modes = tuple(await open_modes(session))
    drill = bool(modes) and modes[0].drill
    sites = (await statuses(session, drill=drill)).values()
    heads = [site.heads for site in sites if site.heads is not None]
    households = await cases.count_by_state(session, drill=drill)
    open_tasks = await tasks.count_by_state(session, drill=drill)
    shown = await dangers.count_by_state(session, drill=drill)
    calls = await call_ups.newest(session, open_only=True)
    heads_of = await call_up_table.heads(session, [call.id for call in calls if call.id])
    asked = await most_asked(session, now, MOST_ASKED + len(_SAYS_NOTHING))
    return Board(
        modes=modes,
        shelters=Counter(site.state for site in sites),
        heads=sum(heads) if heads else None,
        waiting=households[CaseState.OPEN],
        taken=households[CaseState.TAKEN],
        tasks=open_tasks[TaskState.OPEN].number + open_tasks[TaskState.TAKEN].number,
        late_tasks=await tasks.count_late(session, now, drill=drill),
        dangers=shown[Triage.NEW].number,
        call_ups=tuple((call, heads_of.get(call.id or 0, Counts())) for call in calls[:MOST_CALLS]),
        asked=tuple(one for one in asked if one[0] not in _SAYS_NOTHING)[:MOST_ASKED],
    )


def board_map(
    city: City,
    sites: Iterable[Shelter],
    states: Mapping[str, ShelterStatus],
    dangers: Sequence[tuple[InForce, int | None]],
    language: str,
) -> dict[str, Any]:
    """Return the map of the first page (docs/maps.md): districts in danger, and sites with a state.

    A district has the colour and the words of the gravest danger in it.
    """
    features: list[dict[str, Any]] = []
    for district in city.districts:
        found = next(
            (
                (danger, delivery)
                for danger, delivery in dangers
                if danger.notice is not None
                and danger.reach >= 3
                and (not danger.notice.areas or district.code in danger.notice.areas)
            ),
            None,
        )
        if found is None or not district.polygons:
            continue
        danger, delivery = found
        assert danger.notice is not None
        about: dict[str, Any] = {
            "title": f"{name_in(district.names, language)}: {title_of(danger.notice, language)}",
            "colour": "purple" if danger.reach >= 4 else "red",
        }
        if delivery is not None:
            about["href"] = f"/console/deliveries/{delivery}"
        shape = {"type": "MultiPolygon", "coordinates": district.polygons}
        features.append({"type": "Feature", "properties": about, "geometry": shape})
    for site in sites:
        status = states.get(site.code)
        if status is None:
            continue
        state = state_name(status.state, language)
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [site.longitude, site.latitude]},
                "properties": {
                    "title": f"{site.name} ({state})",
                    "colour": SHELTER_COLOURS[status.state],
                    "label": str(status.heads) if status.heads is not None else "",
                },
            }
        )
    return {
        "features": {"type": "FeatureCollection", "features": features},
        "legend": [
            {"colour": colour, "name": state_name(state, language)}
            for state, colour in SHELTER_COLOURS.items()
        ],
    }
