"""Evacuation sites at the desk: state, heads, what they offer, and the link for their staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City
from city.shelters import Shelter
from console import words
from console.access import Permission
from console.maps import district_geojson
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from console.world import World, world_of, world_to_change
from core.errors import BadInput, Refusal
from public.words import CATALOGUE as RESIDENTS_WORDS
from public.words import OFFERS, state_name
from response import shelter_links
from response.check_ins import heads
from response.models import ActKind, Offer, ShelterAct, ShelterState, ShelterStatus
from response.shelter_links import HOURS, ShelterTokens
from response.shelters import Saying, alone, checked, history, say, statuses

router = APIRouter(prefix="/console", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.RESPONSE))]
NOT_SAID = "none"
"""The filter for sites of which nothing was said."""
MOST_AT_ONCE = 300
COLOURS = {ShelterState.OPEN: "green", ShelterState.FULL: "amber", ShelterState.CLOSED: "grey"}


@dataclass(frozen=True)
class Row:
    """A site as the list shows it."""

    site: Shelter
    area: str
    """The code of its district; "" outside all of them."""
    status: ShelterStatus | None
    inside: tuple[int, int] | None
    """Households and people checked in."""

    @property
    def is_over(self) -> bool:
        """Whether more people are there than it is made for."""
        counted = self.status.heads if self.status is not None else None
        return bool(self.site.capacity and counted and counted > self.site.capacity)

    @property
    def share(self) -> int:
        """How full it is in percent of its capacity, at most 100."""
        counted = (self.status.heads if self.status is not None else None) or 0
        return min(100, round(100 * counted / self.site.capacity)) if self.site.capacity else 0


@dataclass(frozen=True)
class Filter:
    area: str
    state: str

    def takes(self, row: Row) -> bool:
        state = row.status.state.value if row.status is not None else NOT_SAID
        return self.area in ("", row.area) and self.state in ("", state)

    def query(self, world: World) -> str:
        return urlencode({"world": world.name, "area": self.area, "state": self.state})


@router.get("/shelters")
async def shelters_page(visitor: Desk) -> Response:
    return await _list(visitor)


@router.post("/shelters")
async def change(visitor: Desk) -> Response:
    """Do one act for one site, or for several at once."""
    form, context = visitor.form, visitor.context
    codes = form.all("site")[:MOST_AT_ONCE]
    kind, _, value = form.text("do").partition(":")
    if kind == ActKind.HEADS:
        value = form.text("heads")
    try:
        if not codes:
            raise Refusal("Choose one site or more.")
        act = Saying(*checked(kind, value))
        async with context.database.writing() as session:
            world = await world_to_change(visitor, session)
            await alone(session, codes, drill=world.drill)
            for code in codes:
                await say(
                    session,
                    _sites(visitor),
                    code,
                    [act],
                    context.clock.now(),
                    actor=visitor.actor,
                    drill=world.drill,
                )
    except BadInput as error:
        return await _list(visitor, error=error)
    if form.text("back") == "site":
        return visitor.go(_site_address(codes[0], world))
    query = _filter(visitor).query(world)
    place = f"#site-{codes[0]}" if len(codes) == 1 else ""
    return visitor.go(f"/console/shelters?{query}{place}")


@router.get("/shelters/map.json")
async def shelters_map(visitor: Desk) -> Response:
    """The sites as the map shows them."""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        rows = [row for row in await _rows(visitor, session, world) if _filter(visitor).takes(row)]
    return JSONResponse(
        {
            "districts": district_geojson(visitor.context.city, visitor.language),
            "features": collection([_feature(visitor, row, world) for row in rows]),
        }
    )


@router.get("/shelters/site")
async def site_page(visitor: Desk) -> Response:
    return await _site_page(visitor)


@router.post("/shelters/links")
async def make_link(visitor: Desk) -> Response:
    """Make a link for the staff at a site."""
    context, form = visitor.context, visitor.form
    async with context.database.writing() as session:
        world = await world_to_change(visitor, session)
        await shelter_links.make(
            session,
            _sites(visitor),
            form.text("site"),
            context.clock.now(),
            drill=world.drill,
            hours=form.number("hours") or 0,
            actor=visitor.actor,
        )
    return visitor.go(_site_address(form.text("site"), world))


@router.post("/shelters/links/{link_id}/revoke")
async def revoke_link(visitor: Desk, link_id: RowNumber) -> Response:
    """End a link at once."""
    context = visitor.context
    async with context.database.writing() as session:
        link = await shelter_links.revoke(
            session, link_id, context.clock.now(), actor=visitor.actor
        )
    return visitor.go(_site_address(link.shelter, World(link.drill, ())))


def link_address(visitor: Visit, token: str) -> str:
    """Return the whole address of a link."""
    return f"{visitor.context.settings.public_url}/site/{token}"


def collection(features: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection (RFC 7946)."""
    return {"type": "FeatureCollection", "features": list(features)}


def point(longitude: float, latitude: float, **properties: object) -> dict[str, Any]:
    """Return a GeoJSON point."""
    place = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "properties": properties, "geometry": place}


def _sites(visitor: Visit) -> tuple[Shelter, ...]:
    found: tuple[Shelter, ...] = visitor.request.app.state.folder.shelters
    return found


def _site_address(code: str, world: World) -> str:
    return f"/console/shelters/site?{urlencode({'code': code, 'world': world.name})}"


def _filter(visitor: Visit) -> Filter:
    asked, form = visitor.request.query_params, visitor.form
    area = form.text("area") or asked.get("area", "")
    state = form.text("state") or asked.get("state", "")
    known = area in visitor.context.city.district_by_code
    states = {*(one.value for one in ShelterState), NOT_SAID}
    return Filter(area if known else "", state if state in states else "")


async def _rows(visitor: Visit, session: AsyncSession, world: World) -> list[Row]:
    """Return all sites by district, then name."""
    said = await statuses(session, drill=world.drill)
    inside = await heads(session, drill=world.drill)
    city = visitor.context.city
    order = {district.code: number for number, district in enumerate(city.districts)}
    rows = [
        Row(site, area_of(city, site), said.get(site.code), inside.get(site.code))
        for site in _sites(visitor)
    ]
    return sorted(rows, key=lambda row: (order.get(row.area, len(order)), row.site.name))


def area_of(city: City, site: Shelter) -> str:
    """Return the code of a site's district; "" if it is in none."""
    district = city.district_at(site.longitude, site.latitude)
    return district.code if district is not None else ""


async def _list(visitor: Visit, *, error: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        everything = await _rows(visitor, session, world)
    chosen = _filter(visitor)
    return visitor.page(
        "shelters.html",
        status=400 if error else 200,
        refusal=words.error_said(error, visitor.language),
        world=world,
        rows=[row for row in everything if chosen.takes(row)],
        chosen=chosen,
        query=chosen.query(world),
        totals=_totals(everything),
        states=tuple(ShelterState),
        offers=offer_names(visitor.language),
        not_said=NOT_SAID,
    )


def offer_names(language: str) -> Mapping[Offer, str]:
    """Return what sites offer, in the words that residents read."""
    return {offer: RESIDENTS_WORDS.text(language, name) for offer, name in OFFERS.items()}


def _totals(rows: Sequence[Row]) -> dict[str, int]:
    used = [row for row in rows if row.status is not None]
    working = [row for row in used if row.status and row.status.state is not ShelterState.CLOSED]
    return {
        **{
            state.value: sum(1 for row in used if row.status and row.status.state is state)
            for state in ShelterState
        },
        "heads": sum(row.status.heads or 0 for row in used if row.status),
        "inside": sum(row.inside[1] for row in rows if row.inside),
        "capacity": sum(row.site.capacity or 0 for row in working),
    }


def _feature(visitor: Visit, row: Row, world: World) -> dict[str, Any]:
    status = row.status
    label = state_name(status.state, visitor.language) if status is not None else ""
    if status is not None and status.heads is not None:
        label = f"{label} {status.heads:,}"
    return point(
        row.site.longitude,
        row.site.latitude,
        title=row.site.name,
        href=_site_address(row.site.code, world),
        colour=COLOURS[status.state] if status is not None else "blue",
        label=label,
    )


async def _site_page(visitor: Visit) -> Response:
    context, code = visitor.context, visitor.request.query_params.get("code", "")
    async with context.database.reading() as session:
        world = await world_of(visitor, session)
        row = next((r for r in await _rows(visitor, session, world) if r.site.code == code), None)
        if row is None:
            raise Missing
        acts = await history(session, code, drill=world.drill)
        links = await shelter_links.links_of(session, code, drill=world.drill)
    tokens, now = ShelterTokens(context.settings.secret_key), context.clock.now()
    shown = []
    for link, phones in links:
        valid = shelter_links.is_valid(link, now)
        address = link_address(visitor, tokens.token(link)) if valid else ""
        shown.append((link, phones, address, _drawn(address)))
    return visitor.page(
        "shelter.html",
        world=world,
        row=row,
        acts=[(act, act_words(act, visitor.language)) for act in acts],
        links=shown,
        hours=HOURS,
        states=tuple(ShelterState),
        offers=offer_names(visitor.language),
        query="",
        chosen=Filter("", ""),
    )


def _drawn(address: str) -> str:
    if not address:
        return ""
    code = segno.make(address, error="m", micro=False)
    return str(code.svg_inline(scale=6, border=4, omitsize=True))


def act_words(act: ShelterAct, language: str) -> str:
    """Return what somebody said of a site, in one line."""
    match act.kind:
        case ActKind.STATE:
            return words.CATALOGUE.text(language, words.SHELTER_STATES[ShelterState(act.value)])
        case ActKind.HEADS:
            return words.CATALOGUE.text(language, "{n} people counted", n=act.value)
        case ActKind.COUNT:
            return words.CATALOGUE.text(language, "{n} people more or fewer", n=act.value)
        case ActKind.OFFER:
            sign = "＋" if act.value.startswith("+") else "−"
            return f"{sign} {offer_names(language).get(Offer(act.value[1:]), act.value[1:])}"
        case _:
            return act.value
