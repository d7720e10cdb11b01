"""``/shelters``: the city's emergency evacuation sites, those safe in the dangers of now first.

The page stays small enough for a bad line. If there is too much to say, the districts with open
sites have all that is known, and the others the names of their sites, which lead to a page of their
own (``?district=``). Nothing is left out, and no script is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from city.city import City
from city.context import Context
from city.folder import CityFolder
from city.shelters import Shelter
from core.text import whole_number
from core.web import PublicRoute
from feeds.evacuation import hazards_at, safe_sites
from feeds.in_force import public_notices
from public.page_size import fitting
from public.pages import answered, language_of, no_such_page, rendered
from public.words import HAZARDS, hazard_names, offers_line, state_name
from response.models import ShelterState, ShelterStatus
from response.shelters import statuses

NO_DISTRICT = "-"
"""In an address: the sites that lie in no district."""
TEMPLATE = "shelters.html"
_Shown = Callable[..., bytes]

router = APIRouter(route_class=PublicRoute)


@dataclass(frozen=True)
class SiteGroup:
    """The sites of a district, or (code "") those in none.

    Parameters
    ----------
    names
        Whether the page names its sites.
    whole
        Whether it says all that is known of them.
    """

    code: str
    sites: tuple[Shelter, ...]
    names: bool = True
    whole: bool = True

    @property
    def address(self) -> str:
        return self.code or NO_DISTRICT


@router.get("/shelters")
async def shelters_page(request: Request) -> Response:
    """Show all sites, or those of one district."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    async with context.database.reading() as session:
        notices = await public_notices(session, context.city.jma.municipality, context.clock.now())
        states = await statuses(session, drill=False)
    language = language_of(request, context.city)
    hazards = hazards_at(notices, None)
    safe, missing = safe_sites(folder.shelters, hazards)
    unsafe = [site for site in folder.shelters if site not in safe]
    groups, others = _by_district(context.city, safe), _by_district(context.city, unsafe)
    asked = request.query_params.get("district", "")
    if asked and asked not in {group.address for group in (*groups, *others)}:
        return no_such_page(request)
    start = whole_number(request.query_params.get("from", "")) or 0

    def shown(**values: object) -> bytes:
        return rendered(
            request,
            TEMPLATE,
            language,
            path=request.url.path,
            hazards=HAZARDS,
            states=states,
            state_name=state_name,
            offers_line=offers_line,
            dangers=hazard_names(hazards, language),
            missing=hazard_names(missing, language),
            asked=asked,
            **values,
        )

    if asked:
        body = _of_one(asked, groups, others, start, shown)
    else:
        body = _of_all(groups, others, states, shown)
    return answered(request, TEMPLATE, body)


def _of_all(
    groups: Sequence[SiteGroup],
    others: Sequence[SiteGroup],
    states: Mapping[str, ShelterStatus],
    shown: _Shown,
) -> bytes:
    """Return the page of all districts; those with open sites say all first."""
    everything = [*groups, *others]
    order = sorted(range(len(everything)), key=lambda place: _rank(everything[place], states))
    place_of = {place: rank for rank, place in enumerate(order)}

    def make(much: int) -> bytes:
        # First each group gets the names of its sites, then each all that is known.
        said = [
            SiteGroup(group.code, group.sites, at < much, at + len(everything) < much)
            for group, at in ((group, place_of[place]) for place, group in enumerate(everything))
        ]
        return shown(groups=said[: len(groups)], others=said[len(groups) :], next_from=0)

    return fitting(make, 2 * len(everything))


def _rank(group: SiteGroup, states: Mapping[str, ShelterStatus]) -> int:
    told = [states[site.code].state for site in group.sites if site.code in states]
    return 0 if ShelterState.OPEN in told else 1 if told else 2


def _of_one(
    asked: str,
    groups: Sequence[SiteGroup],
    others: Sequence[SiteGroup],
    start: int,
    shown: _Shown,
) -> bytes:
    """Return a page of one district's sites from ``start`` on; what does not fit is on the next."""
    safe = [site for group in groups if group.address == asked for site in group.sites]
    unsafe = [site for group in others if group.address == asked for site in group.sites]
    code = "" if asked == NO_DISTRICT else asked
    start = min(start, max(0, len(safe) + len(unsafe) - 1))

    def make(most: int) -> bytes:
        end = start + max(1, most)
        mine, not_now = safe[start:end], unsafe[max(0, start - len(safe)) : max(0, end - len(safe))]
        return shown(
            groups=[SiteGroup(code, tuple(mine))] if mine else [],
            others=[SiteGroup(code, tuple(not_now))] if not_now else [],
            next_from=end if end < len(safe) + len(unsafe) else 0,
            left=len(safe) + len(unsafe) - end,
        )

    return fitting(make, len(safe) + len(unsafe) - start)


def _by_district(city: City, shelters: list[Shelter]) -> list[SiteGroup]:
    """Return the sites by their district; those in none come last."""
    found: dict[str, list[Shelter]] = {}
    for shelter in shelters:
        district = city.district_at(shelter.longitude, shelter.latitude)
        found.setdefault(district.code if district else "", []).append(shelter)
    order = [*(district.code for district in city.districts), ""]
    return [SiteGroup(code, tuple(found[code])) for code in order if code in found]
