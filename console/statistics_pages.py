"""What the reports teach: charts with their tables, a heat map, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from city.city import City
from console.access import Permission
from console.charts import Bar, bars, spread, steps
from console.report_names import Names
from console.report_pages import view_of
from console.web import StaffRoute, Visit, visit
from core.cells import ZOOM, column_and_row, corner
from core.clock import in_japan
from core.languages import mark
from core.text import spreadsheet_cell
from reports.clusters import clusters, squares_of
from reports.kinds import city_now
from reports.listing import ReportFilter
from reports.models import Report
from reports.statistics import (
    COUNTED,
    MOST_MONTHS,
    Asked,
    Days,
    Learnt,
    Place,
    Spot,
    Statistics,
    asked_of,
    places,
    together,
    waiting,
)
from reports.teams import every_team

router = APIRouter(prefix="/console/report-statistics", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
HEAT = ("grey", "blue", "green", "amber", "red")
"""From the fewest reports in a square to the most."""
MOST_LABELS = 8
MOST_BARS = 25
NO_TEAM = mark("Nobody")
HEADINGS = (mark("What"), mark("Of"), mark("Part"), mark("Figure"))


@router.get("")
async def statistics_page(visitor: Looker) -> Response:
    context = visitor.context
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        asked = _asked(visitor, city)
        oldest = await waiting(session, asked)
        named = {team.id: team.name for team in await every_team(session)}
    found = await _statistics(visitor).soon(asked)
    spots = found.spots if found else ()
    async with context.database.reading() as session:
        where = await places(session, spots)
    names = Names(city, visitor.language)
    given = visitor.request.query_params
    fields = {
        "first": f"{asked.months[0]:%Y-%m}",
        "last": f"{asked.months[-1]:%Y-%m}",
        "kind": asked.kind,
        "area": asked.area,
    }
    return visitor.page(
        "statistics.html",
        asked=asked,
        fields=fields,
        query=urlencode({name: value for name, value in fields.items() if value}),
        other_months=any(
            given.get(name, "") not in ("", fields[name]) for name in ("first", "last")
        ),
        most_months=MOST_MONTHS,
        oldest_query=urlencode(
            {
                "state": "open",
                **({"category": asked.kind} if asked.kind else {}),
                **({"area": asked.area} if asked.area else {}),
                "sort": "-age",
            }
        ),
        found=found,
        parts=list(_parts(visitor, found, names, named)) if found else [],
        spots=spots,
        where=where,
        oldest=oldest,
        names=names,
        teams=named,
        today=in_japan(context.clock.now()).date(),
        days_since=lambda at: (context.clock.now() - at).days,
    )


@router.get("/ready")
async def ready(visitor: Looker) -> Response:
    """Have the page loaded again when its numbers are counted."""
    context = visitor.context
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
    found = await _statistics(visitor).soon(_asked(visitor, city))
    return Response(status_code=204, headers={"HX-Refresh": "true"} if found else {})


@router.get("/map.json")
async def heat_map(visitor: Looker) -> Response:
    """Return the squares of a view, by how many reports of the period came from each."""
    context = visitor.context
    box, zoom = view_of(context.city, visitor.request.query_params)
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        asked = _asked(visitor, city)
        wanted = ReportFilter(
            since=asked.since,
            until=asked.until,
            states=COUNTED,
            categories=(asked.kind,) if asked.kind else (),
            areas=(asked.area,) if asked.area else (),
        )
        found = (await clusters(session, wanted, box, zoom)).clusters
    most = max((one.count for one in found), default=1)
    first, last = squares_of(box, zoom)[0]
    fine = ZOOM - ((last - first + 1).bit_length() - 1) // 2
    features = [_square(one.longitude, one.latitude, one.count, most, fine) for one in found]
    return JSONResponse(
        {
            "by_view": True,
            "features": {"type": "FeatureCollection", "features": features},
            "legend": [
                {"colour": colour, "name": f"≤ {_step(n, most)}"} for n, colour in enumerate(HEAT)
            ],
        },
        headers={"Cache-Control": "no-store"},
    )


@router.get("/numbers.csv")
async def numbers(visitor: Looker) -> Response:
    """Return all numbers of the page as CSV for Excel in Japan."""
    context = visitor.context
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        named = {team.id: team.name for team in await every_team(session)}
        asked = _asked(visitor, city)
        oldest = await waiting(session, asked)
    found = await _statistics(visitor).of(asked)
    async with context.database.reading() as session:
        where = await places(session, found.spots)
    names = Names(city, visitor.language)
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow([visitor.say(heading) for heading in HEADINGS])
    listed = (_came_back(visitor, found.spots, where, names), _waited(visitor, oldest, names))
    for part in (*_parts(visitor, found, names, named), *listed):
        for row in part["rows"]:
            for heading, cell in zip(part["columns"], row[1:], strict=True):
                writer.writerow(
                    [spreadsheet_cell(str(one)) for one in (part["title"], row[0], heading, cell)]
                )
    headers = {
        "Content-Disposition": 'attachment; filename="report-statistics.csv"',
        "Cache-Control": "no-store",
    }
    return Response(output.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _statistics(visitor: Visit) -> Statistics:
    state = visitor.request.app.state
    if not hasattr(state, "report_statistics"):
        state.report_statistics = Statistics(visitor.context.database, visitor.context.clock)
    kept: Statistics = state.report_statistics
    return kept


def _asked(visitor: Visit, city: City) -> Asked:
    given = visitor.request.query_params
    kind, area = given.get("kind", "")[:40], given.get("area", "")[:40]
    return asked_of(
        given.get("first", "")[:7],
        given.get("last", "")[:7],
        kind if city.kind(kind) is not None else "",
        area if area in city.district_by_code else "",
        in_japan(visitor.context.clock.now()).date(),
    )


def _step(n: int, most: int) -> int:
    """Return the most reports of a square of the n-th colour."""
    return max(1, round(most * ((n + 1) / len(HEAT)) ** 2))


def _square(longitude: float, latitude: float, count: int, most: int, fine: int) -> dict[str, Any]:
    x, y = column_and_row(longitude, latitude, fine)
    (west, north), (east, south) = corner(x, y, fine), corner(x + 1, y + 1, fine)
    ring = [[west, north], [east, north], [east, south], [west, south], [west, north]]
    colour = next((HEAT[n] for n in range(len(HEAT)) if count <= _step(n, most)), HEAT[-1])
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[round(a, 6), round(b, 6)] for a, b in ring]],
        },
        "properties": {"title": f"{count}", "colour": colour},
    }


def _parts(
    visitor: Visit, found: Learnt, names: Names, teams_named: Mapping[int | None, str]
) -> Iterator[dict[str, Any]]:
    """Yield each chart with its sentence and its table: ``rows`` have a label, then the columns."""
    say = visitor.say
    reports, cases = sum(found.reports.values()), sum(found.cases.values())
    months = found.asked.months
    every = -(-len(months) // MOST_LABELS)
    drawn = [
        Bar("" if n % every else _month(month), found.reports[month], found.cases[month])
        for n, month in enumerate(months)
    ]
    yield _part(
        say("Reports by month"),
        say(
            "{reports} reports came in; they were {cases} cases. The darker part is the cases.",
            reports=reports,
            cases=cases,
        ),
        steps(say("Reports by month"), drawn),
        (say("Reports"), say("Cases")),
        [(f"{month:%Y-%m}", found.reports[month], found.cases[month]) for month in months],
        says_all=False,
    )
    yield _counted(
        say("Cases by kind"),
        _largest(say, found.kinds, names.category),
        say("Cases"),
        found.kinds,
        names.category,
        more=(say("Reports"), found.reports_of_kind),
    )
    yield _counted(
        say("Cases by district"),
        _largest(say, found.areas, names.area),
        say("Cases"),
        found.areas,
        lambda code: names.area(code) if code else say("In no district"),
    )
    for title, of_kinds in (
        (say("Days until somebody decided"), found.to_accept),
        (say("Days until the work began"), found.to_begin),
        (say("Days until it was done"), found.to_end),
    ):
        yield _lasted(visitor, title, of_kinds, names)
    yield _late(visitor, found, names)
    yield _by_team(visitor, found, teams_named)
    yield _judged(visitor, found)
    yield _seasons(visitor, found)


def _part(
    title: str,
    sentence: str,
    chart: object,
    heads: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    *,
    says_all: bool = True,
) -> dict[str, Any]:
    """Return a part of the page; without a number above nought it has no chart and no table.

    Parameters
    ----------
    says_all
        Whether the chart says each number; otherwise its table is printed, too.
    """
    if not any(isinstance(cell, int | float) and cell for row in rows for cell in row[1:]):
        rows = []
    return {
        "title": title,
        "sentence": sentence,
        "chart": chart,
        "columns": heads,
        "rows": rows,
        "says_all": says_all,
    }


def _came_back(
    visitor: Visit, spots: Sequence[Spot], where: Mapping[str, Place], names: Names
) -> dict[str, Any]:
    """Return the places that came back, for the file."""
    say = visitor.say
    rows = []
    for spot in spots:
        place = where.get(spot.numbers[-1], Place(None, "", ""))
        words = (names.category(spot.kind), names.area(place.area), place.address, place.road)
        rows.append((" ".join(filter(None, words)), len(spot.numbers), " ".join(spot.numbers)))
    return _part(say("Places that came back"), "", None, (say("Times"), say("Cases")), rows)


def _waited(visitor: Visit, oldest: Sequence[Report], names: Names) -> dict[str, Any]:
    """Return who waits longest, for the file."""
    say, now = visitor.say, visitor.context.clock.now()
    rows = [
        (
            report.number,
            names.category(report.category),
            f"{names.area(report.area)} {report.address}".strip(),
            report.state.staff_name(visitor.language),
            (now - report.created_at).days,
        )
        for report in oldest
    ]
    heads = (say("Kind"), say("Where"), say("State"), say("Days of waiting"))
    return _part(say("Waiting longest"), "", None, heads, rows)


def _month(month: date) -> str:
    return f"{month:%y/%m}"


def _largest(say: Any, counts: Mapping[str, int], name: Any) -> str:
    if not sum(counts.values()):
        return str(say("There is nothing yet."))
    code = max(counts, key=lambda one: counts[one])
    share = round(100 * counts[code] / sum(counts.values()))
    what = name(code) if code else say("In no district")
    return str(say("The largest part is “{what}” with {share} %.", what=what, share=share))


def _counted(
    title: str,
    sentence: str,
    head: str,
    counts: Mapping[str, int],
    name: Any,
    *,
    more: tuple[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    order = sorted(counts, key=lambda one: -counts[one])
    rows = [
        (name(code), counts[code], *((more[1].get(code, 0),) if more else ())) for code in order
    ]
    chart = bars(title, [Bar(name(code), counts[code]) for code in order[:MOST_BARS]])
    return _part(title, sentence, chart, (head, more[0]) if more else (head,), rows)


def _lasted(
    visitor: Visit, title: str, of_kinds: Mapping[str, Days], names: Names
) -> dict[str, Any]:
    say = visitor.say
    whole = together(of_kinds)
    order = sorted(of_kinds, key=lambda kind: -of_kinds[kind].number)
    rows = [(names.category(kind), *_three(of_kinds[kind])) for kind in order]
    if whole.number:
        rows.append((say("All"), *_three(whole)))
    sentence = say("There is nothing yet.")
    if whole.number:
        sentence = say(
            "Half of {n} cases took at most {half} days, 80 % at most {eighty}.",
            n=whole.number,
            half=whole.within(0.5),
            eighty=whole.within(0.8),
        )
    drawn = [
        (label, half, eighty, slowest, f"{half} / {eighty}")
        for label, half, eighty, slowest, _ in rows
    ]
    heads = (
        say("Half within (days)"),
        say("80 % within (days)"),
        say("Slowest (days)"),
        say("Cases"),
    )
    return _part(title, sentence, spread(title, drawn), heads, rows)


def _three(days: Days) -> tuple[int, int, int, int]:
    return days.within(0.5) or 0, days.within(0.8) or 0, days.slowest or 0, days.number


def _late(visitor: Visit, found: Learnt, names: Names) -> dict[str, Any]:
    say, title = visitor.say, visitor.say("Due days and misses")
    order = sorted(found.due, key=lambda kind: -found.late.get(kind, 0))
    rows = [(names.category(kind), found.late.get(kind, 0), found.due[kind]) for kind in order]
    late, due = sum(found.late.values()), sum(found.due.values())
    sentence = say("{late} of {due} cases with a due day missed it.", late=late, due=due)
    drawn = [Bar(label, number, missed, f"{missed} / {number}") for label, missed, number in rows]
    return _part(title, sentence, bars(title, drawn), (say("Missed"), say("With a due day")), rows)


def _by_team(visitor: Visit, found: Learnt, named: Mapping[int | None, str]) -> dict[str, Any]:
    say, title = visitor.say, visitor.say("Response by team")
    rows = [
        (
            say(NO_TEAM) if team.id is None else named.get(team.id, f"{team.id}"),
            team.days.number,
            team.days.within(0.5) if team.days.number else "–",
            team.days.within(0.8) if team.days.number else "–",
            team.open,
            team.late,
        )
        for team in found.teams
    ]
    drawn = [Bar(row[0], row[1], 0, f"{row[1]} ({row[2]} / {row[3]})") for row in rows]
    heads = (
        say("Done"),
        say("Half within (days)"),
        say("80 % within (days)"),
        say("Still open"),
        say("Missed"),
    )
    sentence = say(
        "Of the cases that came in these months: how many are done, and half and 80 % of them "
        "within how many days."
    )
    return _part(title, sentence, bars(title, drawn), heads, rows)


def _judged(visitor: Visit, found: Learnt) -> dict[str, Any]:
    say, title = visitor.say, visitor.say("What residents said of the result")
    rows = [(say("It is right"), found.yes), (say("It is not right"), found.no)]
    asked = found.yes + found.no
    sentence = say("There is nothing yet.")
    if asked:
        share = round(100 * found.yes / asked)
        sentence = say("{n} answered; {share} % said that it is right.", n=asked, share=share)
    drawn = [Bar(label, number) for label, number in rows]
    return _part(title, sentence, bars(title, drawn), (say("Answers"),), rows)


def _seasons(visitor: Visit, found: Learnt) -> dict[str, Any]:
    say, title = visitor.say, visitor.say("Seasons")
    years = sorted({year for year, _ in found.seasons})
    rows = [
        (say("{n} (month)", n=month), *(found.seasons.get((year, month), 0) for year in years))
        for month in range(1, 13)
    ]
    means = []
    for month in range(1, 13):
        counts = [found.seasons[key] for key in found.seasons if key[1] == month]
        means.append(Bar(f"{month}", round(sum(counts) / max(1, len(counts)))))
    sentence = say("Reports of each month, the mean of {n} years.", n=len(years))
    chart, heads = steps(title, means), tuple(map(str, years))
    return _part(title, sentence, chart, heads, rows, says_all=False)
