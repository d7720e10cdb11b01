"""The first page: hazards in force, running deliveries, open decisions, sources."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from alerts.models import open_drafts
from channels import lists as deliveries
from channels.line.unknown import friends_now
from channels.lists import delivery_of
from console.access import Permission
from console.board import STRONG, board_map, read_board
from console.report_counts import counted_filters
from console.sources import healths
from console.web import StaffRoute, Visit, visit
from core.clock import in_japan
from feeds import lists
from feeds.held import held_items
from feeds.in_force import in_force
from reports import listing, register
from response.modes import open_modes
from response.shelters import statuses

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]


@router.get("/")
async def home(visitor: Looker) -> Response:
    left_out = visitor.request.app.state.folder.left_out
    async with visitor.context.database.reading() as session:
        friends = await friends_now(session)
    return visitor.page(
        "home.html",
        left_out=left_out,
        source_left_out=any(fault.loses_a_source for fault in left_out),
        friends=friends,
        **await _now(visitor),
    )


@router.get("/now/live")
async def live(visitor: Looker) -> Response:
    """The same, asked for by the page itself every few seconds."""
    return visitor.page("_now.html", **await _now(visitor))


@router.get("/now/map/live")
async def board_on_map(visitor: Looker) -> Response:
    """Return what the first page shows on its map; asked for by the map every few seconds."""
    context, folder = visitor.context, visitor.request.app.state.folder
    async with context.database.reading() as session:
        modes = await open_modes(session)
        states = await statuses(session, drill=bool(modes) and modes[0].drill)
        dangers = [
            (danger, await delivery_of(session, danger.notice.id if danger.notice else None))
            for danger in await in_force(
                session, context.city.jma.municipality, context.clock.now(), least=3
            )
        ]
    shown = board_map(context.city, folder.shelters, states, dangers, visitor.language)
    return JSONResponse(shown, headers={"Cache-Control": "no-store"})


async def _now(visitor: Visit) -> dict[str, Any]:
    context = visitor.context
    relay_fault = getattr(visitor.request.app.state, "relay_fault", None)
    async with context.database.reading() as session:
        now = context.clock.now()
        dangers = await in_force(session, context.city.jma.municipality, now)
        return {
            "dangers": [
                (danger, await delivery_of(session, danger.notice.id if danger.notice else None))
                for danger in dangers
            ],
            "strong": STRONG,
            "board": await read_board(session, now),
            "relay_fault": await relay_fault() if relay_fault is not None else None,
            "open_drafts": await open_drafts(session),
            "moving": await deliveries.moving(session, 10),
            "paused": await deliveries.paused(session, 10),
            "recent": await deliveries.ended_lately(session, 6),
            "held": await held_items(session, 6, now),
            "report_filters": await counted_filters(session, visitor),
            "new_reports": await register.waiting(session, 6),
            "counts": {
                "held": await lists.count_held(session),
                "reports": await register.count_waiting(session),
                "overdue": await listing.count_overdue(session, in_japan(now).date()),
            },
            "sources": await healths(session, context.city, now),
            "set_aside": await lists.count_set_aside(session),
            "categories": {c.code: c.names for c in context.city.report_categories},
        }
