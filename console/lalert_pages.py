"""What the city says by L-Alert, as a sheet to type from at another terminal, and on paper."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from city.folder import CityFolder
from console.access import Permission
from console.web import StaffRoute, Visit, visit
from console.world import world_of
from public import lalert_facts as facts

router = APIRouter(prefix="/console", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.RESPONSE))]
SINCE = timedelta(days=14)


@router.get("/lalert")
async def sheet(visitor: Desk) -> Response:
    """Show evacuation information and sites as L-Alert asks for them, and lines for the rest."""
    context = visitor.context
    folder: CityFolder = visitor.request.app.state.folder
    now = context.clock.now()
    async with context.database.reading() as session:
        world = await world_of(visitor, session)
        orders = await facts.evacuation(session, context.city, now - SINCE, drill=world.drill)
        sites = await facts.shelters(session, context.city, folder.shelters, drill=world.drill)
    return visitor.page("lalert.html", world=world, orders=orders, sites=sites)
