"""Rehearsals: how to start one, the days there are, and who was told when in past ones.

The pages start nothing: a rehearsal is a process of its own, beside this service. What they show
comes from ``app.state.rehearsals``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Response

from console.access import Permission
from console.web import Missing, StaffRoute, Visit, visit
from core.errors import BadInput

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]


@dataclass(frozen=True)
class RehearsalDay:
    """A day that can be rehearsed; ``recorded`` ones have a name of ``words.PAST_NAMES``."""

    name: str
    events: int
    recorded: bool


class Rehearsals(Protocol):
    """What these pages need of the application."""

    async def days(self) -> Sequence[RehearsalDay]:
        """Return the days, the recorded ones first."""

    async def results(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Return the newest reports with their names."""

    async def result(self, name: str) -> dict[str, Any]:
        """Return one report; raises ``BadInput`` if there is none."""

    def as_csv(self, report: dict[str, Any]) -> str:
        """Return a report as CSV."""


@router.get("/rehearsal")
async def rehearsals(visitor: Looker) -> Response:
    found = _of(visitor)
    return visitor.page(
        "rehearsal.html",
        days=await found.days() if found else [],
        results=[(name, _read(report)) for name, report in await found.results()] if found else [],
    )


@router.get("/rehearsal/{rehearsal}")
async def report_page(visitor: Looker, rehearsal: str) -> Response:
    """Show who was told when in a past rehearsal."""
    report = _read(await _report(visitor, rehearsal))
    return visitor.page("rehearsal_report.html", name=rehearsal, report=report)


@router.get("/rehearsal/{rehearsal}/report.csv")
async def report_csv(visitor: Looker, rehearsal: str) -> Response:
    report, found = await _report(visitor, rehearsal), _of(visitor)
    assert found is not None
    return Response(
        found.as_csv(report).encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="rehearsal-{rehearsal}.csv"',
            "Cache-Control": "no-store",
        },
    )


def _of(visitor: Visit) -> Rehearsals | None:
    found: Rehearsals | None = getattr(visitor.request.app.state, "rehearsals", None)
    return found


async def _report(visitor: Visit, name: str) -> dict[str, Any]:
    found = _of(visitor)
    if found is None:
        raise Missing
    try:
        return await found.result(name)
    except BadInput as error:
        raise Missing from error


def _read(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report with moments in place of their texts."""
    news = [
        {**row, "arrived_at": datetime.fromisoformat(row["arrived_at"])} for row in report["news"]
    ]
    began = datetime.fromisoformat(report["began_at"])
    return {**report, "began_at": began, "news": news}
