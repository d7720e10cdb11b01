"""The switch of disaster mode: for real or as a drill, for the city or some districts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.reach import has_moved
from console import words
from console.access import Permission
from console.maps import district_shapes
from console.web import StaffRoute, Visit, visit
from console.world import World, world_of
from core.errors import BadInput, Refusal
from core.languages import mark
from core.text import whole_number
from response import modes
from response.check_ins import heads
from response.danger import grave
from response.models import DisasterMode
from response.shelters import last_notes, statuses

router = APIRouter(prefix="/console", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.RESPONSE))]
REAL, STAFF_ONLY, WITH_RESIDENTS = "real", "staff-only", "with-residents"
KINDS = (STAFF_ONLY, WITH_RESIDENTS, REAL)
"""The three ways of switching it on; staff alone is the first, so that nobody is alarmed."""
DRILL_WORD = "訓練"
OTHER_MODE = mark(
    "Somebody, or a rule, switched disaster mode meanwhile. Look at what is on, and confirm again."
)
EARLIER = 10
"""Earlier disasters and drills that are shown."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to switch on."""

    kind: str
    areas: tuple[str, ...]
    now: datetime

    @property
    def mode(self) -> DisasterMode:
        """The mode as it would be."""
        return DisasterMode(
            drill=self.kind != REAL,
            staff_only=self.kind == STAFF_ONLY,
            areas=list(self.areas),
            began_at=self.now,
            began_by="",
        )


@router.get("/disaster")
async def disaster_page(visitor: Desk) -> Response:
    return await _page(visitor)


@router.get("/disaster/live")
async def live(visitor: Desk) -> Response:
    """What is on and how far the menus are, asked for by the page itself."""
    async with visitor.context.database.reading() as session:
        return visitor.page("_disaster_now.html", **await _now(visitor, session))


@router.get("/disaster/check")
async def check_page(visitor: Desk) -> Response:
    """Say what switching on will do, with numbers, and ask to confirm it."""
    try:
        wanted = _wanted(visitor)
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return await _check(visitor, wanted)


@router.post("/disaster/begin")
async def begin(visitor: Desk) -> Response:
    """Switch on what was confirmed."""
    context, wanted = visitor.context, _wanted(visitor)
    try:
        async with context.database.writing() as session:
            await modes.alone(session)
            _still(visitor, next(iter(await modes.open_modes(session)), None))
            _confirm(visitor, wanted.mode, await modes.concerned(session, wanted.mode))
            await modes.begin(
                session,
                context.city,
                wanted.areas,
                context.clock.now(),
                drill=wanted.mode.drill,
                actor=visitor.actor,
                staff_only=wanted.mode.staff_only,
            )
            await context.queue.put(session, modes.MOVES_TASK, "all")
    except BadInput as refusal:
        return await _check(visitor, wanted, refusal=refusal)
    return visitor.go("/console/disaster?switched=on")


@router.post("/disaster/end")
async def end(visitor: Desk) -> Response:
    """Switch off; the kind that was on must have been meant."""
    context = visitor.context
    try:
        async with context.database.writing() as session:
            await modes.alone(session)
            on = next(iter(await modes.open_modes(session)), None)
            if on is not None:
                _still(visitor, on)
                _confirm(visitor, on, await modes.concerned(session, on))
            await modes.end(
                session,
                context.city,
                context.clock.now(),
                drill=visitor.form.text("world") == "drill",
                actor=visitor.actor,
            )
            await context.queue.put(session, modes.MOVES_TASK, "all")
    except BadInput as refusal:
        return await _page(visitor, refusal=refusal)
    return visitor.go("/console/disaster?switched=off")


def _wanted(visitor: Visit) -> Wanted:
    """Read what a form says; nothing is chosen by default."""
    asked = visitor.request.query_params
    kind = visitor.form.text("kind") or asked.get("kind", "")
    areas = visitor.form.all("areas") or asked.getlist("areas")
    whole = visitor.form.text("whole_city") or asked.get("whole_city", "")
    if kind not in KINDS:
        raise Refusal("Choose: for real, as a drill for staff only, or as a drill with residents.")
    if not whole and not areas:
        raise Refusal("Choose the whole city or districts.")
    for code in areas:
        if code not in visitor.context.city.district_by_code:
            raise Refusal("'{code}' is not a district of this city.", code=code[:40])
    chosen = () if whole else tuple(sorted(set(areas)))
    return Wanted(kind, chosen, visitor.context.clock.now())


def _still(visitor: Visit, on: DisasterMode | None) -> None:
    """Check that what is on is what the page showed.

    Raises
    ------
    Refusal
        A colleague or a rule switched meanwhile; their districts would be lost.
    """
    if (visitor.form.number("on") or 0) != (on.id if on is not None else 0):
        raise Refusal(OTHER_MODE)


def _confirm(visitor: Visit, mode: DisasterMode, residents: int) -> None:
    """Check what was typed: the number of residents who are reached, or for a drill 訓練.

    In a disaster people join all the time: the number that the page showed is right as long as it
    has not moved much.

    Raises
    ------
    Refusal
        Something else was typed, or the number is quite another by now.
    """
    typed = visitor.form.text("typed")
    if mode.drill:
        if typed != DRILL_WORD:
            raise Refusal("Type 訓練 to confirm the drill.")
        return
    shown = visitor.form.number("shown")
    shown = residents if shown is None or has_moved(residents, shown) else shown
    if whole_number(typed) not in (shown, residents):
        raise Refusal("Type the number of residents, {n}, to confirm.", n=f"{residents:,}")


async def _check(visitor: Visit, wanted: Wanted, *, refusal: BadInput | None = None) -> Response:
    context, mode = visitor.context, wanted.mode
    async with context.database.reading() as session:
        world = World(mode.drill, (await world_of(visitor, session)).modes)
        residents = await modes.concerned(session, mode)
        everybody = await modes.concerned(session, Wanted(REAL, (), wanted.now).mode)
        danger = await grave(session, context.city.jma.municipality, context.clock.now())
    return visitor.page(
        "disaster_check.html",
        status=400 if refusal else 200,
        refusal=words.error_said(refusal, visitor.language),
        wanted=wanted,
        mode=mode,
        world=world,
        residents=residents,
        everybody=everybody,
        danger=danger,
    )


async def _page(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        now = await _now(visitor, session)
        earlier = [mode for mode in await modes.last_modes(session, EARLIER) if mode.ended_at]
    return visitor.page(
        "disaster.html",
        status=400 if refusal else 200,
        refusal=words.error_said(refusal, visitor.language),
        switched=visitor.request.query_params.get("switched", ""),
        earlier=earlier,
        shapes=district_shapes(visitor.context.city, visitor.language),
        **now,
    )


async def _now(visitor: Visit, session: AsyncSession) -> dict[str, Any]:
    """What is on, how far the menus are, and how the sites are filled."""
    context = visitor.context
    world = await world_of(visitor, session)
    on = world.on
    sites = visitor.request.app.state.folder.shelters
    said = await statuses(session, drill=world.drill)
    inside = await heads(session, drill=world.drill)
    return {
        "world": world,
        "on": on,
        "residents": await modes.concerned(session, on) if on is not None else 0,
        "progress": await modes.progress(session),
        "danger": await grave(session, context.city.jma.municipality, context.clock.now()),
        "sites": [
            (site, said.get(site.code), inside.get(site.code))
            for site in sites
            if site.code in said or site.code in inside
        ],
        "site_names": {site.code: site.name for site in sites},
        "notes": await last_notes(session, drill=world.drill, most=5),
    }
