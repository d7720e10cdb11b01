"""The calendar: what goes out on which day, and where residents would get too much."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from alerts.news import calendar
from console.access import Permission
from console.web import StaffRoute, Visit, visit
from core.clock import in_japan

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
SHOWN = 28
"""Days on the page: four weeks."""
FARTHEST = timedelta(days=400)


@router.get("/news-calendar")
async def show(visitor: Looker, week: str = "") -> Response:
    """Show four weeks from a Monday on; by default from this week's."""
    now = visitor.context.clock.now()
    today = in_japan(now).date()
    first = _monday(week, today)
    async with visitor.context.database.reading() as session:
        days = await calendar.days(session, plan_of(visitor), now, first, SHOWN)
    return visitor.page(
        "news_calendar.html",
        days=days,
        today=today,
        before=first - timedelta(days=SHOWN),
        after=first + timedelta(days=SHOWN),
        most_a_day=visitor.context.city.news.most_a_day,
    )


def plan_of(visitor: Visit) -> calendar.Plan:
    """Return what the calendar needs to know of the city."""
    folder = visitor.request.app.state.folder

    def collected(district: str, day: date) -> bool:
        return bool(folder.calendar.collected(district, day))

    return calendar.Plan(visitor.context.city, visitor.media, collected)


def _monday(asked: str, today: date) -> date:
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        day = today
    if abs(day - today) > FARTHEST:
        day = today
    return day - timedelta(days=day.weekday())
