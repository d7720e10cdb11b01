"""Residents' photos of danger: looked at one after the other, decided on, handed on."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import JSONResponse

from city.city import name_in
from city.shapes import district_geojson
from console.access import Permission
from console.handing_over import tell_given
from console.photos import photo_answer
from console.record_words import TRIAGE
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from console.world import World, world_of
from core.errors import BadInput
from core.text import whole_number
from reports import dangers
from reports.dangers import Shown
from reports.models import Triage
from response import lifelines, tasks
from response.lifelines import Listed
from response.models import LifelineKind, LifelineState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Helper = Annotated[Visit, Depends(visit(Permission.PEOPLE))]
PAGE = 24
LAST_PAGE = 400
MAP_LIMIT = 500
WAITING = "waiting"
CHOICES: dict[str, tuple[Triage, ...]] = {
    WAITING: dangers.WAITS,
    **{state.value: (state,) for state in Triage},
    "all": tuple(Triage),
}
COLOURS = {
    Triage.NEW: "red",
    Triage.URGENT: "purple",
    Triage.KNOWN: "grey",
    Triage.NONE: "grey",
    Triage.PASSED: "blue",
    Triage.ROAD_CLOSED: "amber",
}
ROAD_CLOSED_FOR = timedelta(hours=12)
"""Until when a road is told to be closed, if nobody says otherwise."""
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.get("/dangers")
async def dangers_page(visitor: Helper) -> Response:
    return visitor.page("dangers.html", **await _listed(visitor))


@router.get("/dangers/live")
async def live(visitor: Helper) -> Response:
    """The queue, asked for by the page itself every few seconds."""
    return visitor.page("_dangers.html", **await _listed(visitor))


@router.get("/dangers/map.json")
async def danger_map(visitor: Helper) -> Response:
    """Return the dangers of the queue, for the map."""
    states = CHOICES.get(visitor.request.query_params.get("state", ""), dangers.WAITS)
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        found = await dangers.listed(session, drill=world.drill, states=states, most=MAP_LIMIT)
    names = _categories(visitor)
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [one.longitude, one.latitude]},
            "properties": {
                "title": names.get(one.category, one.category),
                "href": f"/console/dangers/{one.danger.id}",
                "colour": COLOURS[one.danger.state],
                "label": str(one.danger.id),
                "lines": [visitor.say(TRIAGE[one.danger.state]), one.address],
            },
        }
        for one in found
        if one.longitude is not None and one.latitude is not None
    ]
    return JSONResponse(
        {
            "districts": district_geojson(visitor.context.city, visitor.language),
            "features": {"type": "FeatureCollection", "features": features},
        },
        headers={"Cache-Control": "no-store"},
    )


@router.get("/dangers/{danger_id}")
async def danger_page(visitor: Helper, danger_id: RowNumber) -> Response:
    return await _danger(visitor, danger_id)


@router.get("/dangers/{danger_id}/photos/{sha256}")
async def photo(
    visitor: Helper, danger_id: RowNumber, sha256: Sha256, small: bool = False
) -> Response:
    """Return a photo of a danger to those who look at dangers."""
    async with visitor.context.database.reading() as session:
        found = await dangers.shown(session, danger_id)
    if found is None or sha256 not in found.photos:
        raise Missing
    return await photo_answer(visitor, sha256, f"danger-{danger_id}", small=small)


@router.post("/dangers/{danger_id}")
async def decide(visitor: Helper, danger_id: RowNumber) -> Response:
    """Decide what a danger is, and hand it on."""
    form, now, city = visitor.form, visitor.context.clock.now(), visitor.context.city
    state = form.text("do")
    if state not in set(Triage):
        raise Missing
    departments = {one.code for one in city.departments}
    department = form.text("department") if form.text("department") in departments else ""
    try:
        async with visitor.context.database.writing() as session:
            changed = await dangers.decide(
                session,
                city,
                danger_id,
                Triage(state),
                now,
                seen=form.number("seen"),
                actor=visitor.actor,
                note=form.text("note"),
                same_as=form.number("same") if state == Triage.KNOWN else None,
                department=department if state == Triage.PASSED else "",
            )
            if changed is not None:
                await tell_given(session, visitor, [changed])
            if state == Triage.ROAD_CLOSED:
                one = await dangers.shown(session, danger_id)
                assert one is not None
                at = None
                if one.longitude is not None and one.latitude is not None:
                    at = (one.longitude, one.latitude)
                await lifelines.add(
                    session,
                    city,
                    Listed(
                        kind=LifelineKind.ROAD,
                        # The resident's own words stay here: staff say which road it is.
                        name=form.text("road"),
                        state=LifelineState.CLOSED,
                        until=now + ROAD_CLOSED_FOR,
                        area=one.area or "",
                        position=at,
                    ),
                    now,
                    drill=one.danger.drill,
                    actor=visitor.actor,
                )
    except BadInput as error:
        return await _danger(visitor, danger_id, refusal=error)
    return visitor.go(f"/console/dangers/{danger_id}?done=yes")


async def _listed(visitor: Visit) -> dict[str, Any]:
    query = visitor.request.query_params
    chosen = query.get("state", WAITING)
    chosen = chosen if chosen in CHOICES else WAITING
    page = max(1, min(whole_number(query.get("page", "")) or 1, LAST_PAGE))
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        found = await dangers.listed(
            session,
            drill=world.drill,
            states=CHOICES[chosen],
            most=PAGE + 1,
            skip=(page - 1) * PAGE,
        )
        counts = await dangers.count_by_state(session, drill=world.drill)
    return {
        "world": world,
        "found": found[:PAGE],
        "more": len(found) > PAGE,
        "page": page,
        "chosen": chosen,
        "counts": counts,
        "states": TRIAGE,
        "categories": _categories(visitor),
        "areas": _areas(visitor),
    }


def _categories(visitor: Visit) -> dict[str, str]:
    city = visitor.context.city
    return {one.code: name_in(one.names, visitor.language) for one in city.report_categories}


def _areas(visitor: Visit) -> dict[str, str]:
    city = visitor.context.city
    return {one.code: name_in(one.names, visitor.language) for one in city.districts}


async def _danger(visitor: Visit, danger_id: int, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        one: Shown | None = await dangers.shown(session, danger_id)
        if one is None:
            raise Missing
        same = await dangers.same(session, one)
        world = World(one.danger.drill, (await world_of(visitor, session)).modes)
        asked = await tasks.of_subject(session, f"danger:{danger_id}")
    city = visitor.context.city
    return visitor.page(
        "danger.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        world=world,
        one=one,
        danger=one.danger,
        same=same,
        tasks=[task for task in asked if task.case_id is None],
        states=TRIAGE,
        categories=_categories(visitor),
        areas=_areas(visitor),
        departments={d.code: name_in(d.names, visitor.language) for d in city.departments},
        done=visitor.request.query_params.get("done") == "yes",
        most=dangers.MOST_NOTE,
    )
