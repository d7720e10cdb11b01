"""What is kept of a resident as a file, by the link of their settings page."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from fastapi import APIRouter, Request, Response

from bot.my_data import kept_of
from city.context import Context
from core.clock import in_japan
from core.web import PublicRoute
from public.links import PATH, Links
from public.settings_pages import HEADERS, refused
from reports.photos import photo_path

router = APIRouter(route_class=PublicRoute)


MOST_PICTURES = 40


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
    kept["pictures"] = await asyncio.to_thread(_pictures, context, kept["kept"])
    name = f"todoke-{in_japan(now).date().isoformat()}.json"
    return Response(
        json.dumps(kept, ensure_ascii=False, indent=2),
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
        media_type="application/json",
    )


def _pictures(context: Context, kept: dict[str, Any]) -> dict[str, str]:
    """Return the photos that the rows name: JPEG in base64, by the name in the rows."""
    rows = [*kept.get("photos", ()), *kept.get("household_photos", ())]
    rows += [one for danger in kept.get("dangers", ()) for one in danger["photos"]]
    found = {}
    for name in list(dict.fromkeys(row["sha256"] for row in rows))[:MOST_PICTURES]:
        path = photo_path(context.settings.media_dir, name)
        if path.is_file():
            found[name] = base64.b64encode(path.read_bytes()).decode()
    return found
