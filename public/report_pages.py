"""The repairs for everybody: list, one case, the table of months. All of it works without a script.

What is public is decided in ``reports.published``; nothing here reads a report.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from city.city import City, name_in
from city.context import Context
from core.clock import in_japan
from core.languages import mark
from core.text import spreadsheet_cell
from core.web import PHOTO_POLICY, PublicRoute
from feeds.texts import day_name
from feeds.texts.forms import month_name
from feeds.texts.terms import in_digits
from public import following
from public.pages import cached, language_of, no_such_page, page
from public.words import CATALOGUE
from reports import published
from reports.kinds import city_now
from reports.months import Count, Months, Year, months_of
from reports.photos import photo_path
from reports.published import PublicCase, Wanted
from reports.states import PUBLISHED, ReportState

router = APIRouter(route_class=PublicRoute)

PAGE = 20
LAST_PAGE = 50
LONGEST_ID = 19
FIRST_YEAR = 2000
BEFORE, AFTER = mark("Before"), mark("After")
MONTH_HEADINGS = ("受付件数", "完了件数", "対応中件数", "対象外件数", "平均日数")


@router.get("/reports")
async def repairs_page(request: Request) -> Response:
    """Show the cases in hand and recent repairs, one line for each; find one by its number."""
    context: Context = request.app.state.context
    now = context.clock.now()
    if not context.city.publish_reports:
        return no_such_page(request)
    number = request.query_params.get("number", "")[:60].strip()
    at = _page_number(request)
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        wanted = wanted_of(request, city)
        if number:
            called = await published.case_called(session, city, number)
            if called is not None:
                return _to_case(request, called, number)
        found = await published.cases(
            session, city, now, wanted, most=PAGE + 1, skip=(at - 1) * PAGE
        )
        photos = await published.photos_of(session, found[:PAGE])
    chosen = chosen_of(wanted)
    return page(
        request,
        "repairs.html",
        found=found[:PAGE],
        photos={case: some[-1] for case, some in photos.items()},
        names=Names(city, language_of(request, city), now),
        states=PUBLISHED,
        chosen=chosen,
        query=urlencode({name: value for name, value in chosen.items() if value}),
        number=number,
        at=at,
        more=len(found) > PAGE and at < LAST_PAGE,
    )


@router.get("/reports/months")
async def months_page(request: Request) -> Response:
    """Show what came in and what became of it, by month, or by kind for one month."""
    context: Context = request.app.state.context
    if not context.city.publish_reports:
        return no_such_page(request)
    language, now = language_of(request, context.city), context.clock.now()
    asked = _year_of(request, in_japan(now).year)
    table = await _table(request, asked)
    begun = months_of(asked, now)
    month = next((at for at in begun if str(at.month) == request.query_params.get("month")), None)
    names = Names(await _city(context), language, now)
    of = month.month if month else None
    by_kind = [(names.kind(code), table.of_kind(code, of)) for code in names.kinds]
    by_month = [
        (at.month, month_name(at, language, year=False), table.of_month(at.month)) for at in begun
    ]
    return page(
        request,
        "repair_months.html",
        title_of=month_name(month, language) if month else str(asked),
        by_month=[] if month else by_month,
        by_kind=[(name, count) for name, count in by_kind if count.received],
        whole=table.of_month(month.month) if month else table.whole,
        year=asked,
        month=of,
        earlier=asked > table.first_year,
        later=asked < in_japan(now).year,
    )


@router.get("/reports/months.csv")
async def months_csv(request: Request) -> Response:
    """Return the table of a year, by month and kind, for a spreadsheet."""
    context: Context = request.app.state.context
    if not context.city.publish_reports:
        return Response(status_code=404)
    now = context.clock.now()
    asked = _year_of(request, in_japan(now).year)
    table = await _table(request, asked)
    names = Names(await _city(context), "ja", now)
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(("年月", "種別コード", "種別", *MONTH_HEADINGS))
    for month in reversed(months_of(asked, now)):
        for code in names.kinds:
            count = table.of_kind(code, month.month)
            if count.received:
                name = spreadsheet_cell(names.kind(code))
                writer.writerow((f"{month:%Y-%m}", code, name, *_cells(count)))
    response = cached(request, output.getvalue().encode(), "text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="reports-{asked}.csv"'
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _cells(count: Count) -> list[str]:
    days = "" if count.mean_days is None else f"{count.mean_days:.1f}"
    return [*map(str, (count.received, count.done, count.in_hand, count.not_ours)), days]


@router.get("/reports/{number}")
async def case_page(request: Request, number: str) -> Response:
    """Show one case. The number of a joined report leads to its case."""
    context: Context = request.app.state.context
    language = language_of(request, context.city)
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        case = await published.case_called(session, city, number)
        if case is None:
            return no_such_page(request)
        if case.number != number:
            return _to_case(request, case, number)
        steps = await published.steps_of(session, case)
        photos = (await published.photos_of(session, [case])).get(case.id, [])
    return page(
        request,
        "repair.html",
        case=case,
        steps=steps,
        photos={
            BEFORE: [one for one in photos if not one.is_after],
            AFTER: [one for one in photos if one.is_after],
        },
        names=Names(city, language, context.clock.now()),
        same=published.number_in(request.query_params.get("same", "")[:60]),
        message=following.message(case.number, language),
        link=following.link(city, case.number, language),
    )


@router.get("/reports/{number}/qr.svg")
async def case_code(request: Request, number: str) -> Response:
    """Return the QR code with which a phone follows a case."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        case = await published.case_called(session, city, number)
    link = ""
    if case is not None and case.number == number:
        link = following.link(context.city, number, language_of(request, context.city))
    if not link:
        return Response(status_code=404)
    drawn = io.BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(drawn, kind="svg", scale=4, border=4, light="#fff")
    return cached(request, drawn.getvalue(), "image/svg+xml")


@router.get("/reports/{number}/photos/{name}.jpg")
async def photo(request: Request, number: str, name: str) -> Response:
    """Return a released photo; whoever keeps a copy asks each time whether it is still public."""
    context: Context = request.app.state.context
    small = "small" in request.query_params
    found = None
    if name.isascii() and name.isdecimal() and len(name) < LONGEST_ID:
        async with context.database.reading() as session:
            city = await city_now(session, context.city)
            found = await published.photo(session, city, number, int(name))
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": PHOTO_POLICY}
    if found is None:
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    headers["ETag"] = f'"{found.sha256[:32]}{"s" if small else ""}"'
    if request.headers.get("if-none-match", "").removeprefix("W/") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    path = photo_path(context.settings.media_dir, found.sha256, thumbnail=small)
    if not await asyncio.to_thread(path.is_file):
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    return FileResponse(path, media_type="image/jpeg", headers=headers)


class Names:
    """Names of kinds and districts in the reader's language."""

    def __init__(self, city: City, language: str, now: datetime) -> None:
        self.year = in_japan(now).year
        shown = set(published.kinds(city))
        self.kinds = {
            kind.code: name_in(kind.names, language)
            for kind in city.report_categories
            if kind.code in shown
        }
        self.areas = {one.code: name_in(one.names, language) for one in city.districts}
        self.language = language

    def kind(self, code: str) -> str:
        return self.kinds.get(code, code)

    def area(self, code: str | None) -> str:
        return self.areas.get(code or "", "")

    def state(self, state: ReportState) -> str:
        return state.resident_name(self.language)

    def day(self, on: date) -> str:
        """Return a day in words, with its year if that is another one."""
        said = day_name(on, self.language)
        return said if on.year == self.year else f"{said} ({self.number(on.year)})"

    def number(self, number: int) -> str:
        """Return a number in the digits of the days beside it."""
        return in_digits(str(number), self.language)

    def title(self, case: PublicCase) -> str:
        """Return what a case is and where, in one line."""
        where = self.area(case.area)
        return f"{self.kind(case.category)} ({where})" if where else self.kind(case.category)


def wanted_of(request: Request, city: City) -> Wanted:
    """Return the filter of an address; what the city does not have narrows nothing."""
    given = {
        name: request.query_params.get(name, "")[:40] for name in ("state", "kind", "district")
    }
    return Wanted(
        state=next((state for state in PUBLISHED if state.value == given["state"]), None),
        category=given["kind"] if given["kind"] in published.kinds(city) else "",
        area=given["district"] if given["district"] in city.district_by_code else "",
    )


def chosen_of(wanted: Wanted) -> dict[str, str]:
    """Return a filter as the fields of an address."""
    return {
        "kind": wanted.category,
        "district": wanted.area,
        "state": wanted.state.value if wanted.state else "",
    }


def _to_case(request: Request, case: PublicCase, asked: str) -> Response:
    """Lead to a case; if another report's number was asked, the page says so."""
    fields: Mapping[str, Any] = {"lang": request.query_params.get("lang", "")[:35]}
    number = published.number_in(asked)
    if number != case.number:
        fields = {**fields, "same": number}
    query = urlencode({name: value for name, value in fields.items() if value})
    address = f"/reports/{case.number}" + (f"?{query}" if query else "")
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "")
    fits = text.isascii() and text.isdecimal() and len(text) < 4
    return max(1, min(int(text), LAST_PAGE)) if fits else 1


def _year_of(request: Request, now: int) -> int:
    text = request.query_params.get("year", "")
    fits = text.isascii() and text.isdecimal() and len(text) == 4
    return int(text) if fits and FIRST_YEAR <= int(text) <= now else now


async def _city(context: Context) -> City:
    async with context.database.reading() as session:
        return await city_now(session, context.city)


async def _table(request: Request, year: int) -> Year:
    context: Context = request.app.state.context
    kept: Months | None = getattr(request.app.state, "months", None)
    if kept is None:
        kept = request.app.state.months = Months(context)
    return await kept.year(year)


def feed_title(city: City, language: str) -> str:
    """Return what the feeds of the repairs are called."""
    return f"{CATALOGUE.text(language, 'Repairs')} · {name_in(city.name, language)}"
