"""Reports for other programs, and from them: Open311 GeoReport v2.

Everybody reads reports if the city's folder has ``publish_reports``, and only those that staff have
taken up: their kind, place, state and days. Never residents' words, photos or identity. A program
with a key (``reports.api_keys``) posts reports, and reads its own whatever their state.
(https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response
from lxml import etree

from city.city import City, name_in
from city.context import Context
from core.clock import in_japan
from core.errors import BadInput
from core.languages import match_language
from core.web import PublicRoute, read_form
from reports import open311_posts as posts
from reports.api_keys import key_called
from reports.models import Report
from reports.register import ReportFilter, list_reports
from reports.states import PUBLISHED, ReportState

router = APIRouter(prefix="/open311/v2", route_class=PublicRoute)

STATUS = {
    "open": tuple(state for state in PUBLISHED if state.is_open),
    "closed": tuple(state for state in PUBLISHED if not state.is_open),
}
LONGEST_SPAN = timedelta(days=90)
MOST = 1000
"""Ids of requests that can be asked for at once."""
PAGE_SIZE, LARGEST_PAGE = 50, 100
LAST_PAGE = 1000
DECIMALS = 4
"""Of a degree: about ten metres, enough for a street and not for a doorstep."""
FRESH_SECONDS = 60
MEDIA_TYPES = {"json": "application/json", "xml": "text/xml"}

Entry = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True)
class ListPage:
    """A part of a list. The specification has none; the names are those of common servers."""

    number: int = 1
    size: int = PAGE_SIZE


class _Refused(Exception):
    """The request cannot be answered."""

    def __init__(self, status: int, reason: str, *, retry_after_s: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


@router.get("/discovery.{form}")
async def discovery(request: Request, form: str) -> Response:
    """Say where the interface is and which formats it speaks."""
    context: Context = request.app.state.context
    address = f"{context.settings.public_url}/open311/v2"
    if form not in MEDIA_TYPES:
        return _refusal(form, _Refused(404, "There is discovery.xml and discovery.json."))
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": address,
        "type": "production",
        "formats": list(MEDIA_TYPES.values()),
    }
    if form == "json":
        return _answer(form, json.dumps({"contact": None, "endpoints": [endpoint]}).encode())
    root = etree.Element("discovery")
    described = etree.SubElement(etree.SubElement(root, "endpoints"), "endpoint")
    for name in ("specification", "url", "type"):
        etree.SubElement(described, name).text = str(endpoint[name])
    formats = etree.SubElement(described, "formats")
    for media_type in MEDIA_TYPES.values():
        etree.SubElement(formats, "format").text = media_type
    return _answer(form, etree.tostring(root, xml_declaration=True, encoding="utf-8"))


@router.get("/services.{form}")
async def services(request: Request, form: str) -> Response:
    """List the kinds of reports."""
    city, language = _city(request), _language(request)
    try:
        _check_jurisdiction(request.query_params.get("jurisdiction_id", ""), city)
    except _Refused as refused:
        return _refusal(form, refused)
    departments = {one.code: name_in(one.names, language) for one in city.departments}
    entries: list[Entry] = [
        {
            "service_code": kind.code,
            "service_name": name_in(kind.names, language),
            "description": None,
            "metadata": False,
            "type": "realtime",
            "keywords": None,
            "group": departments.get(kind.department, kind.department),
        }
        for kind in city.report_categories
    ]
    return _listed(form, "services", "service", entries)


@router.get("/services/{code}.{form}")
async def definition(request: Request, code: str, form: str) -> Response:
    """Say what a kind of report asks for beside place and words: nothing."""
    city = _city(request)
    try:
        _check_jurisdiction(request.query_params.get("jurisdiction_id", ""), city)
        if code not in {kind.code for kind in city.report_categories}:
            raise _Refused(404, "service_code is not one of this city's; see services.json.")
    except _Refused as refused:
        return _refusal(form, refused)
    if form == "json":
        return _answer(form, json.dumps({"service_code": code, "attributes": []}).encode())
    if form != "xml":
        return _refusal(form, _Refused(404, f"There is services/{code}.xml and .json."))
    root = etree.Element("service_definition")
    etree.SubElement(root, "service_code").text = code
    etree.SubElement(root, "attributes")
    return _answer(form, etree.tostring(root, xml_declaration=True, encoding="utf-8"))


@router.post("/requests.{form}")
async def post_request(request: Request, form: str) -> Response:
    """Take a report of another program, and answer with its number."""
    context: Context = request.app.state.context
    city, now = context.city, context.clock.now()
    try:
        if form not in MEDIA_TYPES:
            raise _Refused(404, "There is requests.xml and requests.json.")
        sent = await read_form(request)
        asked = sent.text("jurisdiction_id") or request.query_params.get("jurisdiction_id", "")
        _check_jurisdiction(asked, city)
        async with context.database.reading() as session:  # a stranger holds up no writer
            await posts.key_of_post(session, sent, lock=False)
        async with context.database.writing() as session:
            key = await posts.key_of_post(session, sent)
            report = await posts.take(session, city, key, posts.posted(city, sent), now)
    except BadInput as error:
        return _refusal(form, _Refused(400, str(error)))
    except posts.PostRefused as error:
        refused = _Refused(error.status, error.reason, retry_after_s=error.retry_after_s)
        return _refusal(form, refused)
    except _Refused as refused:
        return _refusal(form, refused)
    taken: Entry = {
        "service_request_id": report.number,
        "service_notice": _notice(city, report, _language(request)),
        "account_id": None,
    }
    answer = _listed(form, "service_requests", "request", [taken])
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/tokens/{token}.{form}")
async def number_of_token(request: Request, token: str, form: str) -> Response:
    """Say which request a token stands for. A post gets its number at once, so there are none."""
    del request, token
    reason = "There is no such token: this server answers a post with its service_request_id."
    return _refusal(form, _Refused(404, reason))


@router.get("/requests.{form}")
async def requests(request: Request, form: str) -> Response:
    """List published reports, the newest first: of the last 90 days, or of the days asked for.

    ``page`` and ``page_size`` (1 to 100, usually 50) cut the list; the last page is not full.
    """
    context: Context = request.app.state.context
    try:
        _check_jurisdiction(request.query_params.get("jurisdiction_id", ""), context.city)
        wanted = _wanted(request, context.clock.now())
        return await _reports(request, form, wanted, page=_page(request))
    except _Refused as refused:
        return _refusal(form, refused)


@router.get("/requests/{number}.{form}")
async def one_request(request: Request, number: str, form: str) -> Response:
    """Show one published report; to a program with a key (``api_key``) also one that it posted."""
    context: Context = request.app.state.context
    try:
        _check_jurisdiction(request.query_params.get("jurisdiction_id", ""), context.city)
        if api_key := request.query_params.get("api_key", ""):
            return await _own_report(request, form, number, api_key)
        wanted = ReportFilter(states=PUBLISHED, numbers=(number,))
        return await _reports(request, form, wanted, page=ListPage())
    except _Refused as refused:
        return _refusal(form, refused)


async def _own_report(request: Request, form: str, number: str, api_key: str) -> Response:
    context: Context = request.app.state.context
    missing = _Refused(404, "There is no such request.")
    if "\0" in number:
        raise missing
    async with context.database.reading() as session:
        key = await key_called(session, api_key)
        if key is None:
            raise _Refused(403, "api_key is not valid.")
        found = await list_reports(session, ReportFilter(numbers=(number,)), limit=1)
    if not found or not (
        posts.is_of(found[0], key) or (context.city.publish_reports and found[0].state in PUBLISHED)
    ):
        raise missing
    entries = [_entry(context.city, found[0], _language(request))]
    answer = _listed(form, "service_requests", "request", entries)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


async def _reports(
    request: Request, form: str, wanted: ReportFilter, *, page: ListPage
) -> Response:
    context: Context = request.app.state.context
    if not context.city.publish_reports:
        raise _Refused(404, "This city does not publish its reports.")
    if any("\0" in text for text in (*wanted.numbers, *wanted.categories)):
        raise _Refused(404, "There is no such request.")
    async with context.database.reading() as session:
        found = await list_reports(
            session, wanted, limit=page.size, offset=(page.number - 1) * page.size
        )
    if wanted.numbers and not found and page.number == 1:
        raise _Refused(404, "There is no such request.")
    language = _language(request)
    entries = [_entry(context.city, report, language) for report in found]
    return _listed(form, "service_requests", "request", entries)


def _entry(city: City, report: Report, language: str) -> Entry:
    kinds = {kind.code: name_in(kind.names, language) for kind in city.report_categories}
    departments = {one.code: name_in(one.names, language) for one in city.departments}
    owners = {one.code: name_in(one.names, language) for one in city.owners}
    district = city.district_by_code.get(report.area or "")
    return {
        "service_request_id": report.number,
        "status": "open" if report.state.is_open else "closed",
        "status_notes": report.state.value,
        "service_name": kinds.get(report.category, report.category),
        "service_code": report.category,
        "description": None,
        "agency_responsible": owners.get(report.owner)
        or departments.get(report.department, report.department),
        "service_notice": _notice(city, report, language),
        "requested_datetime": _moment(report.created_at),
        "updated_datetime": _moment(report.updated_at),
        "expected_datetime": None,
        "address": name_in(district.names, language) if district else None,
        "address_id": None,
        "zipcode": None,
        "lat": None if report.latitude is None else round(report.latitude, DECIMALS),
        "long": None if report.longitude is None else round(report.longitude, DECIMALS),
        "media_url": None,
    }


def _notice(city: City, report: Report, language: str) -> str | None:
    """Return who looks after it if that is not the city."""
    owner = next((one for one in city.owners if one.code == report.owner), None)
    if owner is None:
        return None
    name = name_in(owner.names, language)
    return f"{name} {owner.phone}".strip()


def _check_jurisdiction(asked: str, city: City) -> None:
    """Accept no jurisdiction, and the city's own: its municipality code.

    Raises
    ------
    _Refused
        It is another's.
    """
    if asked and asked != city.jma.municipality:
        reason = f"jurisdiction_id is not this city's, which is {city.jma.municipality}."
        raise _Refused(404, reason)


def _wanted(request: Request, now: datetime) -> ReportFilter:
    """Return what the query asks for; ids override everything else.

    Raises
    ------
    _Refused
        A date or a state is invalid, or the range is longer than 90 days.
    """
    query = {name: value[:2000] for name, value in request.query_params.items()}
    if numbers := tuple(filter(None, query.get("service_request_id", "").split(","))):
        return ReportFilter(states=PUBLISHED, numbers=numbers[:MOST])
    start, end = _date(query, "start_date"), _date(query, "end_date")
    until = end or (min(now, start + LONGEST_SPAN) if start else now)
    since = start or until - LONGEST_SPAN
    if until - since > LONGEST_SPAN:
        raise _Refused(400, "start_date and end_date may lie 90 days apart and no more.")
    states: tuple[ReportState, ...] = PUBLISHED
    if asked := query.get("status", ""):
        if set(asked.split(",")) - set(STATUS):
            raise _Refused(400, "status is open, closed or both with a comma between them.")
        states = tuple(one for name in asked.split(",") for one in STATUS[name])
    return ReportFilter(
        states=states,
        categories=tuple(filter(None, query.get("service_code", "").split(","))),
        since=since,
        until=until,
    )


def _page(request: Request) -> ListPage:
    """Return which part of a list is wanted.

    Raises
    ------
    _Refused
        It is no number, or one that is too small or too great.
    """
    asked = []
    for name, usual, most in (("page", 1, LAST_PAGE), ("page_size", PAGE_SIZE, LARGEST_PAGE)):
        text = request.query_params.get(name, "") or str(usual)
        if not (text.isascii() and text.isdecimal() and len(text) < 8 and 1 <= int(text) <= most):
            raise _Refused(400, f"{name} is a number from 1 to {most}.")
        asked.append(int(text))
    return ListPage(*asked)


def _date(query: Mapping[str, str], name: str) -> datetime | None:
    if not (text := query.get(name, "")):
        return None
    try:
        # A plus sign that nobody escaped comes as a space.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if not 2000 <= found.year < 3000:
            raise ValueError
    except (ValueError, OverflowError) as error:
        reason = f"{name} is no moment such as 2026-11-21T00:00:00Z."
        raise _Refused(400, reason) from error
    return found


def _city(request: Request) -> City:
    context: Context = request.app.state.context
    return context.city


def _language(request: Request) -> str:
    chosen = match_language(request.query_params.get("lang", "")[:35])
    return chosen if chosen in _city(request).languages else "ja"


def _moment(at: datetime) -> str:
    return in_japan(at).isoformat(timespec="seconds")


def _listed(form: str, many: str, one: str, entries: Sequence[Entry]) -> Response:
    """Return a list in the format asked for, with every field in each entry."""
    if form == "json":
        return _answer(form, json.dumps(entries, ensure_ascii=False).encode())
    if form != "xml":
        return _refusal(form, _Refused(404, f"There is {many}.xml and {many}.json."))
    return _answer(form, _xml(many, one, entries))


def _refusal(form: str, refused: _Refused) -> Response:
    """Return an error in the form of the specification: a list, in the requested format."""
    entries: list[Entry] = [{"code": refused.status, "description": refused.reason}]
    if form == "xml":
        answer = _answer(form, _xml("errors", "error", entries), refused.status)
    else:
        answer = _answer("json", json.dumps(entries).encode(), refused.status)
    if refused.retry_after_s:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    return answer


def _xml(many: str, one: str, entries: Sequence[Entry]) -> bytes:
    root = etree.Element(many)
    for entry in entries:
        element = etree.SubElement(root, one)
        for name, value in entry.items():
            text = str(value).lower() if isinstance(value, bool) else value
            etree.SubElement(element, name).text = None if text is None else str(text)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _answer(form: str, body: bytes, status: int = 200) -> Response:
    headers = {"Access-Control-Allow-Origin": "*"}
    if status == 200:
        headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    return Response(body, status, headers, f"{MEDIA_TYPES[form]}; charset=utf-8")
