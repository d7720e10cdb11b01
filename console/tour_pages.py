"""The buttons of the demo's tour (``console.tour``)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console.access import Permission
from console.sent_forms import came_from
from console.tour import go_to
from console.web import Missing, StaffRoute, Visit, visit

router = APIRouter(prefix="/console/tour", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]


@router.post("")
async def move(visitor: Looker) -> Response:
    """Open the page of a step, or end the tour and stay on this page."""
    address = go_to(visitor.request, visitor.staff, visitor.form.number("step"))
    if address is None:
        raise Missing
    return visitor.go(address or came_from(visitor.request) or "/console/")
