"""Lifelines at the desk: what is listed, added, changed, ended; and on the map."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from console import words
from console.access import Permission
from console.maps import district_geojson
from console.positions import position_of
from console.shelter_pages import collection, point
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from console.world import World, world_of, world_to_change
from core.clock import in_japan
from core.errors import BadInput, Refusal
from public.words import (
    LIFELINE_COLOURS,
    LIFELINES,
    REMARK_WORDS,
    lifeline_kind,
    lifeline_state,
    remark_words,
)
from response import lifelines
from response.lifelines import MOST_NAME, MOST_NOTE, STATES_OF, Listed
from response.models import Lifeline, LifelineKind, LifelineState
from response.reasons import reason

router = APIRouter(prefix="/console", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.RESPONSE))]
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
USUAL = timedelta(hours=12)
"""Until when an entry is right, if nobody says otherwise."""


@router.get("/lifelines")
async def lifelines_page(visitor: Desk) -> Response:
    return await _list(visitor)


@router.post("/lifelines")
async def add(visitor: Desk) -> Response:
    """List something; of several kinds at one place, an entry each."""
    context = visitor.context
    try:
        kinds = [LifelineKind(one) for one in visitor.form.all("kind") if one in set(LifelineKind)]
        if not kinds:
            raise Refusal("Choose what there is.")
        listed = _listed(visitor, kinds[0])
        async with context.database.writing() as session:
            world = await world_to_change(visitor, session)
            for kind in kinds:
                await lifelines.add(
                    session,
                    context.city,
                    replace(listed, kind=kind, state=_state(visitor, kind)),
                    context.clock.now(),
                    drill=world.drill,
                    actor=visitor.actor,
                )
    except BadInput as error:
        return await _list(visitor, error=error)
    return visitor.go(f"/console/lifelines?world={world.name}&saved=yes")


@router.get("/lifelines/map.json")
async def lifelines_map(visitor: Desk) -> Response:
    """What is listed as the map shows it."""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        found = await _found(visitor, session, world)
    features = [
        point(
            one.longitude,
            one.latitude,
            title=one.name,
            href=f"/console/lifelines/{one.id}",
            colour=LIFELINE_COLOURS[one.state],
            label=f"{lifeline_kind(one.kind, visitor.language)}: "
            f"{lifeline_state(one.kind, one.state, visitor.language)}",
        )
        for one in found
        if one.longitude is not None and one.latitude is not None
    ]
    districts = district_geojson(visitor.context.city, visitor.language)
    return JSONResponse({"districts": districts, "features": collection(features)})


@router.get("/lifelines/{lifeline_id}")
async def lifeline_page(visitor: Desk, lifeline_id: RowNumber) -> Response:
    return await _one(visitor, lifeline_id)


@router.post("/lifelines/{lifeline_id}")
async def change(visitor: Desk, lifeline_id: RowNumber) -> Response:
    """Save an entry, set its state, or end it."""
    context, form = visitor.context, visitor.form
    kind, _, value = form.text("do").partition(":")
    now, actor = context.clock.now(), visitor.actor
    try:
        async with context.database.writing() as session:
            if kind == "state" and value in set(LifelineState):
                state = LifelineState(value)
                one = await lifelines.set_state(session, lifeline_id, state, now, actor=actor)
            elif kind == "end":
                one = await lifelines.end(session, lifeline_id, now, actor=actor)
            else:
                known = await lifelines.find(session, lifeline_id)
                if known is None:
                    raise Missing
                listed = _listed(visitor, known.kind)
                one = await lifelines.change(
                    session,
                    context.city,
                    lifeline_id,
                    listed,
                    now,
                    actor=actor,
                    seen=form.text("seen") or None,
                )
    except BadInput as error:
        if form.text("do") == "save":
            return await _one(visitor, lifeline_id, error=error)
        return await _list(visitor, error=error)
    return visitor.go(f"/console/lifelines?world={World(one.drill, ()).name}&saved=yes")


def _state(visitor: Visit, kind: LifelineKind) -> LifelineState:
    """Return the chosen state, or the first that the kind has."""
    said = visitor.form.text("now")
    fitting = [one for one in STATES_OF[kind] if one.value == said]
    return fitting[0] if fitting else STATES_OF[kind][0]


def _listed(visitor: Visit, kind: LifelineKind) -> Listed:
    """Read a form.

    Raises
    ------
    BadInput
        A time or place cannot be read.
    """
    form, context = visitor.form, visitor.context
    opens, closes = _minutes(form.text("opens")), _minutes(form.text("closes"))
    return Listed(
        kind=kind,
        name=form.text("name"),
        state=_state(visitor, kind),
        until=_until(form.text("until"), context.clock.now()),
        area=form.text("area"),
        position=position_of(form.text("place"), visitor.request.app.state.folder.places),
        opens=opens,
        closes=closes,
        remarks=tuple(form.all("remark")),
        notes={code: form.text(f"note-{code}") for code in context.city.languages},
    )


def _minutes(text: str) -> int | None:
    """Return minutes after midnight; None for nothing."""
    if not text:
        return None
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        raise BadInput(reason("lifeline.hours"))
    return (int(found[1]) * 60 + int(found[2])) % 1440


def _until(text: str, now: datetime) -> datetime:
    """Return a moment written on Japan's clock."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return now
    return local.replace(tzinfo=in_japan(now).tzinfo) if local.tzinfo is None else local


async def _found(visitor: Visit, session: AsyncSession, world: World) -> list[Lifeline]:
    kind = visitor.request.query_params.get("kind", "")
    found = await lifelines.listed_now(session, visitor.context.clock.now(), drill=world.drill)
    return [one for one in found if kind in ("", one.kind.value)]


async def _list(visitor: Visit, *, error: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        found = await _found(visitor, session, world)
    kind = visitor.request.query_params.get("kind", "")
    now = visitor.context.clock.now()
    return visitor.page(
        "lifelines.html",
        status=400 if error else 200,
        refusal=words.error_said(error, visitor.language),
        saved=visitor.request.query_params.get("saved") == "yes",
        world=world,
        found=found,
        kind=kind if kind in set(LifelineKind) else "",
        typed=visitor.form if error else {},
        chosen_kinds=visitor.form.all("kind") if error else [],
        chosen_remarks=visitor.form.all("remark") if error else [],
        until=f"{in_japan(now + USUAL):%Y-%m-%dT%H:00}",
        **_words(visitor),
    )


async def _one(visitor: Visit, lifeline_id: int, *, error: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        one = await lifelines.find(session, lifeline_id)
    if one is None:
        raise Missing
    now = visitor.context.clock.now()
    return visitor.page(
        "lifeline.html",
        status=400 if error else 200,
        refusal=words.error_said(error, visitor.language),
        one=one,
        world=World(one.drill, tuple(m for m in visitor.modes if m.ended_at is None)),
        is_over=one.ended_at is not None or one.until <= now,
        until=f"{in_japan(one.until):%Y-%m-%dT%H:%M}",
        **_words(visitor),
    )


def _words(visitor: Visit) -> dict[str, Any]:
    language = visitor.language
    return {
        "kinds": {kind: lifeline_kind(kind, language) for kind in LIFELINES},
        "states_of": STATES_OF,
        "all_states": tuple(LifelineState),
        "state_words": lambda kind, state: lifeline_state(kind, state, language),
        "remarks": {code: remark_words(code, language) for code in REMARK_WORDS},
        "hours": hours,
        "most_name": MOST_NAME,
        "most_note": MOST_NOTE,
    }


def hours(one: Lifeline) -> str:
    """Return opening hours; "" if there are none."""
    if one.opens is None or one.closes is None:
        return ""
    return f"{clock_time(one.opens)}–{clock_time(one.closes)}"


def clock_time(minutes: int) -> str:
    """Return minutes after midnight as a time."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
