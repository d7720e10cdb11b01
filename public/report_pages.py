"""Reports for everybody: the content of the Open311 interface, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request, Response

from city.context import Context
from core.clock import in_japan
from core.web import PublicRoute
from public.pages import no_such_page, page
from reports.register import ReportFilter, list_reports
from reports.states import PUBLISHED, ReportState

router = APIRouter(route_class=PublicRoute)

MOST = 100
"""Reports shown of each state, the newest ones; the interface has all."""


@dataclass(frozen=True)
class Repair:
    """What everybody may know of a report."""

    number: str
    category: str
    area: str | None
    reported_on: date


@router.get("/reports")
async def repairs_page(request: Request) -> Response:
    """Show reports that staff took up and recent repairs, if the city publishes them."""
    context: Context = request.app.state.context
    if not context.city.publish_reports:
        return no_such_page(request)
    now = context.clock.now()
    shown: dict[ReportState, list[Repair]] = {}
    async with context.database.reading() as session:
        for state in PUBLISHED:
            lately = state.facts.shown_for
            since = None if lately is None else now - lately
            wanted = ReportFilter(states=(state,), changed_since=since)
            shown[state] = [
                Repair(
                    report.number,
                    report.category,
                    report.area,
                    in_japan(report.created_at).date(),
                )
                for report in await list_reports(session, wanted, limit=MOST)
            ]
    categories = {kind.code: kind.names for kind in context.city.report_categories}
    return page(request, "repairs.html", repairs=shown, categories=categories)
