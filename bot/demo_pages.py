"""The demo's own page: where everything is, and the recorded days to play."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from channels.web import PublicRoute, templates
from feeds.recorded.days import DAYS
from feeds.recorded.server import RecordedDays

router = APIRouter(route_class=PublicRoute)
_templates = templates(Path(__file__).parent / "templates")


@dataclass(frozen=True, kw_only=True)
class DemoPlaces:
    """Addresses of the demo's parts; ``app.state.demo_places``."""

    phone: str
    console: str
    public: str
    feeds: RecordedDays


@router.get("/demo")
async def demo(request: Request) -> HTMLResponse:
    """Show the addresses and the days."""
    places: DemoPlaces = request.app.state.demo_places
    page = _templates.get_template("demo.html").render(
        places=places, days=DAYS.values(), playing=places.feeds.playing
    )
    return HTMLResponse(page)


@router.post("/demo/play")
async def play(
    request: Request,
    day: Annotated[str, Form(max_length=32)],
    speed: Annotated[float | None, Form(gt=0, le=100_000)] = None,
) -> Response:
    """Let a recorded day begin, at its own pace or ``speed`` times the real one's.

    The service notices as it would in earnest.
    """
    places: DemoPlaces = request.app.state.demo_places
    if day not in DAYS:
        return Response("There is no such day.", status_code=404, media_type="text/plain")
    await places.feeds.play(day, speed)
    return RedirectResponse("/demo", status_code=303)
