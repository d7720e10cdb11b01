"""What is kept of a resident as a file, by the link of their settings page."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response

from bot.my_data import kept_of
from city.context import Context
from core.clock import in_japan
from core.web import PublicRoute
from public.links import PATH, Links
from public.settings_pages import HEADERS, refused

router = APIRouter(route_class=PublicRoute)


@router.get(f"{PATH}/{{token}}/data.json")
async def data_file(request: Request, token: str) -> Response:
    """Return everything that is kept of the resident whose link this is, as JSON."""
    context: Context = request.app.state.context
    links: Links = request.app.state.links
    now = context.clock.now()
    async with context.database.reading() as session:
        opened = await links.open(session, token, now)
        if opened is None:
            return refused(request)
        kept = await kept_of(session, context.city, opened.resident, now)
    name = f"todoke-{in_japan(now).date().isoformat()}.json"
    return Response(
        json.dumps(kept, ensure_ascii=False, indent=2),
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
        media_type="application/json",
    )
