"""What is being mended, for everybody: the same as the Open311 interface tells, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from channels.public.pages import no_such_page, page
from channels.web import PublicRoute
from core.clock import in_japan
from core.context import Context
from reports.models import ReportState
from reports.service import ReportFilter, list_reports

router = APIRouter(route_class=PublicRoute)

MOST = 100
"""Reports shown of each state, the newest ones; the interface has all."""
DONE_LATELY = timedelta(days=90)
STATES = (ReportState.IN_PROGRESS, ReportState.ACCEPTED, ReportState.DONE)
"""States that staff have set, in the order in which they are shown."""


@dataclass(frozen=True)
class Repair:
    """What everybody may know of a report."""

    number: str
    category: str
    area: str | None
    reported_on: date


@router.get("/reports")
async def repairs_page(request: Request) -> Response:
    """Show what staff took up and what was mended lately, where the city publishes it."""
    context: Context = request.app.state.context
    if not context.city.publish_reports:
        return no_such_page(request)
    now = context.clock.now()
    shown: dict[str, list[Repair]] = {}
    async with context.database.reading() as session:
        for state in STATES:
            since = now - DONE_LATELY if state is ReportState.DONE else None
            wanted = ReportFilter(states=(state,), changed_since=since)
            shown[state.value] = [
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
