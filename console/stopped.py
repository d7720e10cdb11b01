"""The red line on every page while LINE refuses our token, which a page left open asks for too."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console.access import Permission
from console.web import StaffRoute, Visit, visit

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]


@router.get("/stopped/live")
async def live(visitor: Looker, seen: str = "") -> Response:
    """Return the line when it is another than the page shows; screen readers hear it once."""
    if seen == visitor.stopped_since:
        return Response(status_code=204)
    return visitor.page("_stopped.html")
