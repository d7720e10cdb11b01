"""The figures: a page for a month or a year, a month on paper, and all of it as CSV."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response

from console.access import Permission
from console.figures.kept import MONTH_FORM, Period, month_of, period_of
from console.figures.parts import Desk, Part, sheet
from console.figures.report import read_all, report
from console.web import Missing, StaffRoute, Visit, visit
from core import audit
from core.clock import in_japan

router = APIRouter(prefix="/console/figures", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.FIGURES))]


@router.get("")
async def figures_page(visitor: Looker) -> Response:
    given = visitor.request.query_params
    today = in_japan(visitor.context.clock.now()).date()
    # On the first of a month, the month that has just ended.
    counted = f"{today - timedelta(days=1):%Y-%m}"
    month = month_of(given.get("month", counted)[:7], today)
    year = given.get("period") == "year"
    desk, parts = await _parts(visitor, period_of(month, year=year))
    chosen = {"month": f"{month:%Y-%m}", "period": "year" if year else "month"}
    return visitor.page(
        "figures.html",
        desk=desk,
        parts=parts,
        chosen=chosen,
        query=urlencode(chosen),
        latest=f"{today:%Y-%m}",
        last=desk.figures.days[-1][0] if desk.figures.days else None,
    )


@router.get("/month/{month}")
async def month_on_paper(visitor: Looker, month: str) -> Response:
    """A month's report for the printer, with every table open."""
    desk, parts = await _parts(visitor, _of_month(visitor, month))
    return visitor.page("figures_print.html", desk=desk, parts=parts, month=month)


@router.post("/month/{month}/figures.csv")
async def month_as_csv(visitor: Looker, month: str) -> Response:
    return await _csv(visitor, _of_month(visitor, month), f"figures-{month}.csv")


@router.post("/figures.csv")
async def figures_as_csv(visitor: Looker) -> Response:
    """The same numbers as the page that was open."""
    text = visitor.form.text
    today = in_japan(visitor.context.clock.now()).date()
    month = month_of(text("month")[:7], today)
    year = text("period") == "year"
    name = f"figures-{month:%Y-%m}{'-year' if year else ''}.csv"
    return await _csv(visitor, period_of(month, year=year), name)


def _of_month(visitor: Visit, month: str) -> Period:
    if MONTH_FORM.fullmatch(month) is None:
        raise Missing
    today = in_japan(visitor.context.clock.now()).date()
    found = month_of(month, today)
    if f"{found:%Y-%m}" != month:
        raise Missing
    return period_of(found, year=False)


async def _parts(visitor: Visit, period: Period) -> tuple[Desk, list[Part]]:
    context = visitor.context
    async with context.database.reading() as session:
        found = await read_all(session, period, in_japan(context.clock.now()).date())
    return report(found, context.city, visitor.language, visitor.say)


async def _csv(visitor: Visit, period: Period, name: str) -> Response:
    """Return the file; that it was taken is in the audit trail."""
    desk, parts = await _parts(visitor, period)
    async with visitor.context.database.writing() as session:
        await audit.record(
            session,
            visitor.context.clock.now(),
            actor=visitor.actor,
            action="figures.exported",
            subject=f"figures:{period.first:%Y-%m}",
            first=f"{period.first}",
            last=f"{period.last}",
        )
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(sheet(desk, parts), media_type="text/csv; charset=utf-8", headers=headers)
