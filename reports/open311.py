"""Reports for other programs, and from them: Open311 GeoReport v2.

Everybody reads reports if the city's folder has ``publish_reports``, and only those that staff took
up: their kind, place, state and days, and released photos. Never residents' words or identity.
A program with a key (``reports.api_keys``) posts reports, and reads its own whatever their state.
Names of parameters beyond the specification (``page``, ``page_size``, ``updated_after``,
``updated_before``, ``extensions``, ``servicerequestupdates``) are those of common servers and
clients. ``openapi.json`` describes all of it. (https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import QueryParams

from city.city import City, name_in
from city.context import Context
from city.kinds import ReportCategory
from core.clock import in_japan
from core.errors import BadInput
from core.languages import match_language
from core.web import Form, PublicRoute, read_form
from reports import open311_posts as posts
from reports import open311_requests as requests_of
from reports import open311_updates as posted_updates
from reports import questions
from reports.api_keys import key_called
from reports.kinds import city_now
from reports.models import ApiKey
from reports.open311_description import description
from reports.open311_formats import Refused, check_format, listed, refusal, single
from reports.open311_requests import STATUS, Wanted
from reports.public_place import DECIMALS as DECIMALS
from reports.register import get_report
from reports.residents_told import Residents

PREFIX = "/open311/v2"

router = APIRouter(prefix=PREFIX, route_class=PublicRoute)

LONGEST_SPAN = timedelta(days=90)
MOST = 1000
"""Requests in one answer, and ids of requests that can be asked for at once."""
LAST_PAGE = 1000
LONGEST_VALUE = 20_000
"""Characters of one parameter; so much has a list of ids."""
WITH_SEVERAL = frozenset({"service_request_id", "service_code", "status"})
"""Parameters with several values: with commas between them, or given several times."""
UNANSWERED = {
    404: "There is no such address; openapi.json names all of them.",
    405: "This address does not take this method; see openapi.json.",
    500: "The request could not be answered; try again later.",
}
Handler = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class ListPage:
    """A part of a list: the whole answer of the specification, or less of it.

    The specification has no pages; the names are those of common servers.
    """

    number: int = 1
    size: int = MOST

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def _in_form(handler: Handler) -> Handler:
    """Answer what a page refuses in the form of the specification."""

    @wraps(handler)
    async def answer(*args: Any, **values: Any) -> Response:
        try:
            return await handler(*args, **values)
        except Refused as refused:
            return refusal(str(values.get("form", "json")), refused)
        except BadInput as error:
            return refusal(str(values.get("form", "json")), Refused(400, str(error)))

    return answer


def unanswered(request: Request, status: int) -> Response:
    """Answer in the form of the specification what no handler took, or what broke in one."""
    form = request.url.path.rpartition(".")[2]
    return refusal(form, Refused(status, UNANSWERED[status]))


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Describe this interface to programs that read OpenAPI."""
    context: Context = request.app.state.context
    return JSONResponse(
        description(f"{context.settings.public_url}{PREFIX}"),
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"},
    )


@router.get("/discovery.{form}")
@_in_form
async def discovery(request: Request, form: str) -> Response:
    """Say where the interface is and which formats it speaks."""
    check_format(form, "discovery")
    context: Context = request.app.state.context
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": f"{context.settings.public_url}{PREFIX}",
        "changeset": "2026-11-30T00:00:00Z",
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    said = {
        "changeset": "2026-11-30T00:00:00Z",
        "contact": context.city.name.get("en") or context.city.name["ja"],
        "key_service": None,
        "endpoints": [endpoint],
    }
    return single(form, "discovery", said)


@router.get("/services.{form}")
@_in_form
async def services(request: Request, form: str) -> Response:
    """List the kinds of reports that can be made today."""
    check_format(form, "services")
    city, _ = await _city(request)
    language = _language(request, city)
    departments = {one.code: name_in(one.names, language) for one in city.departments}
    entries = [
        {
            "service_code": kind.code,
            "service_name": name_in(kind.names, language),
            "description": name_in(kind.names, language),
            "metadata": bool(kind.questions),
            "type": "realtime",
            "keywords": None,
            "group": departments.get(kind.department, kind.department),
        }
        for kind in _offered(request, city)
    ]
    return listed(form, "services", entries)


@router.get("/services/{code}.{form}")
@_in_form
async def definition(request: Request, code: str, form: str) -> Response:
    """Say what a kind of report asks for beside place and words."""
    check_format(form, "services/CODE")
    city, _ = await _city(request)
    kind = city.kind(code)
    if kind is None:
        raise Refused(404, "service_code is not one of this city's; see services.json.")
    attributes = questions.definition(kind, _language(request, city))
    said = {"service_code": kind.code, "attributes": attributes}
    return single(form, "service_definition", said)


@_in_form
async def post_request(request: Request, form: str) -> Response:
    """Take a report of another program, and answer with its number."""
    check_format(form, "requests")
    context, sent, now = await _posted_form(request)
    # Without holding up a writer: strangers, nonsense, and a program that has posted too much.
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        key = await posts.key_of_post(session, sent, lock=False)
        post = posts.posted(city, sent, now)
        if (report := await posts.taken_before(session, key, post, now)) is None:
            posts.check_rate(key, now)
    if report is None:
        async with context.database.writing() as session:
            key = await posts.key_of_post(session, sent)
            report = await posts.take(session, city, key, post, now)
    taken = {
        "service_request_id": report.number,
        "service_notice": requests_of.Words(city, _language(request, city)).notice(report),
        "account_id": None,
    }
    return _private(listed(form, "service_requests", [taken]))


@router.get("/tokens/{token}.{form}")
@_in_form
async def number_of_token(request: Request, token: str, form: str) -> Response:
    """Say which request a token stands for: this server gives no token but the request's number."""
    check_format(form, "tokens/TOKEN")
    context: Context = request.app.state.context
    await _city(request)
    missing = Refused(
        404, "There is no such token: this server answers a post with its service_request_id."
    )
    if "\0" in token:
        raise missing
    async with context.database.reading() as session:
        try:
            report = await get_report(session, token)
        except BadInput as error:
            raise missing from error
    if report.api_key_id is None:
        raise missing
    said = {"service_request_id": report.number, "token": report.number}
    return _private(listed(form, "service_requests", [said]))


@router.api_route("/requests.{form}", methods=["GET", "POST"])
async def requests(request: Request, form: str) -> Response:
    """List requests, or take one."""
    act = post_request if request.method == "POST" else list_requests
    return await act(request=request, form=form)


@_in_form
async def list_requests(request: Request, form: str) -> Response:
    """List public reports, the newest first: of the last 90 days, or of the days asked for.

    ``page`` and ``page_size`` (1 to 1000, usually 1000) cut the list; the last page is not full.
    """
    check_format(form, "requests")
    city, key = await _city(request)
    if not city.publish_reports and key is None:
        raise Refused(404, "This city does not publish its reports.")
    context: Context = request.app.state.context
    wanted = _wanted(request.query_params, context.clock.now())
    return await _found(request, form, city, key, wanted, _page(request))


@router.get("/requests/{number}.{form}")
@_in_form
async def one_request(request: Request, number: str, form: str) -> Response:
    """Show one public report; to a program with a key (``api_key``) also one that it posted."""
    check_format(form, "requests/NUMBER")
    city, key = await _city(request)
    if not city.publish_reports and key is None:
        raise Refused(404, "This city does not publish its reports.")
    return await _found(request, form, city, key, Wanted(numbers=(number,)), ListPage())


@router.api_route("/servicerequestupdates.{form}", methods=["GET", "POST"])
async def updates(request: Request, form: str) -> Response:
    """List what became of requests, or take what a program or an office says of one."""
    act = post_update if request.method == "POST" else list_updates
    return await act(request=request, form=form)


@_in_form
async def post_update(request: Request, form: str) -> Response:
    """Take an update of a program's own request, or of a case that an office has."""
    check_format(form, "servicerequestupdates")
    context, sent, now = await _posted_form(request)
    # As for a report: strangers and nonsense hold up no writer.
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        key = await posts.key_of_post(session, sent, lock=False)
        _date(sent, "updated_datetime")
        post = posted_updates.posted_update(sent)
        if (step := await posted_updates.taken_before(session, key, post, now)) is None:
            await posted_updates.check_theirs(session, key, post)
            posts.check_rate(key, now)
    if step is None:
        residents: Residents = request.app.state.residents
        async with context.database.writing() as session:
            key = await posts.key_of_post(session, sent)
            tell = residents.tell
            step = await posted_updates.take(session, city, key, post, now, tell=tell)
    taken = {"update_id": str(step.id), "service_request_id": post.number}
    return _private(listed(form, "service_request_updates", [taken]))


@_in_form
async def list_updates(request: Request, form: str) -> Response:
    """List what became of requests, the oldest first: of a program's own ones if it has a key.

    ``start_date`` and ``end_date`` are moments of the updates; without them it is the last day.
    """
    check_format(form, "servicerequestupdates")
    city, key = await _city(request)
    context: Context = request.app.state.context
    if not city.publish_reports and key is None:
        raise Refused(404, "This city does not publish its reports.")
    query = _query(request.query_params)
    until = _date(query, "end_date") or context.clock.now()
    since = _date(query, "start_date") or until - timedelta(days=1)
    if until - since > LONGEST_SPAN:
        raise Refused(400, "start_date and end_date may lie 90 days apart and no more.")
    page = _page(request)
    async with context.database.reading() as session:
        found = await requests_of.steps(
            session,
            city,
            key,
            since,
            until,
            numbers=_listed_values(query, "service_request_id")[:MOST],
            limit=page.size,
            offset=page.offset,
        )
    entries = [
        {
            "update_id": str(step.id),
            "service_request_id": step.number,
            "status": "open" if step.state.is_open else "closed",
            "updated_datetime": requests_of.moment(step.at),
            "description": step.answer or step.state.value,
            "media_url": None,
        }
        for step in found
    ]
    answer = listed(form, "service_request_updates", entries)
    return answer if key is None else _private(answer)


async def _found(
    request: Request, form: str, city: City, key: ApiKey | None, wanted: Wanted, page: ListPage
) -> Response:
    context: Context = request.app.state.context
    if any("\0" in text for text in (*wanted.numbers, *wanted.categories)):
        raise Refused(404, "There is no such request.")
    with_extensions = _wants_extensions(request)
    async with context.database.reading() as session:
        found = await requests_of.find(
            session, city, wanted, key, limit=page.size, offset=page.offset
        )
    if wanted.numbers and not found and page.number == 1:
        raise Refused(404, "There is no such request.")
    url = context.settings.public_url
    words = requests_of.Words(city, _language(request, city))
    entries = [requests_of.entry(words, one, url) for one in found]
    if with_extensions:
        for said, one in zip(entries, found, strict=True):
            said["extended_attributes"] = requests_of.extended(one, url)
    answer = listed(form, "service_requests", entries)
    return answer if key is None else _private(answer)


async def _city(request: Request) -> tuple[City, ApiKey | None]:
    """Return the city with the kinds that hold now, and whose key was given, if one was.

    Raises
    ------
    Refused
        It is about another city, or the key opens nothing.
    """
    context: Context = request.app.state.context
    _check_jurisdiction(request.query_params.get("jurisdiction_id", ""), context.city)
    api_key = request.query_params.get("api_key", "")
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        key = await _key(session, api_key) if api_key else None
    return city, key


async def _key(session: AsyncSession, api_key: str) -> ApiKey:
    key = await key_called(session, api_key)
    if key is None:
        raise Refused(403, "api_key is not valid.")
    return key


def _offered(request: Request, city: City) -> list[ReportCategory]:
    context: Context = request.app.state.context
    offered = city.kinds_offered(in_japan(context.clock.now()).date())
    # What residents get a message for instead is no report, also not of a program.
    return [kind for kind in offered if kind.message is None]


def _wants_extensions(request: Request) -> bool:
    asked = request.query_params.get("extensions", "")
    if asked not in ("", "true", "false"):
        raise Refused(400, "extensions is true or false.")
    return asked == "true"


async def _posted_form(request: Request) -> tuple[Context, Form, datetime]:
    """Return what a program posts to this city, and when.

    Raises
    ------
    Refused
        It is about another city, or cannot be read.
    """
    context: Context = request.app.state.context
    now = context.clock.now()
    try:
        sent = await read_form(request)
    except BadInput as error:
        reason = f"{error} A post is application/x-www-form-urlencoded, in UTF-8."
        raise Refused(400, reason) from error
    asked = sent.text("jurisdiction_id") or request.query_params.get("jurisdiction_id", "")
    _check_jurisdiction(asked, context.city)
    return context, sent, now


def _check_jurisdiction(asked: str, city: City) -> None:
    """Accept no jurisdiction, and the city's own: its municipality code.

    Raises
    ------
    Refused
        It is another's.
    """
    if asked and asked != city.jma.municipality:
        reason = f"jurisdiction_id is not this city's, which is {city.jma.municipality}."
        raise Refused(404, reason)


def _wanted(given: QueryParams, now: datetime) -> Wanted:
    """Return what the query asks for; ids override everything else.

    Raises
    ------
    Refused
        A date or a state is invalid, or the range is longer than 90 days.
    """
    query = _query(given)
    if numbers := _listed_values(query, "service_request_id"):
        return Wanted(numbers=numbers[:MOST])
    start, end = _date(query, "start_date"), _date(query, "end_date")
    after, before = _date(query, "updated_after"), _date(query, "updated_before")
    until = end or (min(now, start + LONGEST_SPAN) if start else now)
    since = start or (None if after else until - LONGEST_SPAN)
    if since is not None and until - since > LONGEST_SPAN:
        raise Refused(400, "start_date and end_date may lie 90 days apart and no more.")
    states = Wanted().states
    if asked := _listed_values(query, "status"):
        if set(asked) - set(STATUS):
            raise Refused(400, "status is open, closed or both with a comma between them.")
        states = tuple(one for name in asked for one in STATUS[name])
    return Wanted(
        states=states,
        categories=_listed_values(query, "service_code"),
        since=since,
        until=until,
        updated_after=after,
        updated_before=before,
    )


def _query(given: QueryParams) -> dict[str, str]:
    return {
        name: (",".join(given.getlist(name)) if name in WITH_SEVERAL else value)[:LONGEST_VALUE]
        for name, value in given.items()
    }


def _listed_values(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return what stands with commas between; long or unreadable parts name nothing."""
    parts = (part.strip() for part in query.get(name, "").split(","))
    return tuple(dict.fromkeys(part[:100] for part in parts if part))[:MOST]


def _page(request: Request) -> ListPage:
    """Return which part of a list is wanted.

    Raises
    ------
    Refused
        It is no number, or one that is too small or too great.
    """
    asked = []
    for name, usual, most in (("page", 1, LAST_PAGE), ("page_size", MOST, MOST)):
        text = request.query_params.get(name, "") or str(usual)
        if not (text.isascii() and text.isdecimal() and len(text) < 8 and 1 <= int(text) <= most):
            raise Refused(400, f"{name} is a number from 1 to {most}.")
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
        raise Refused(400, reason) from error
    return found


def _language(request: Request, city: City) -> str:
    chosen = match_language(request.query_params.get("lang", "")[:35])
    return chosen if chosen in city.languages else "ja"


def _private(answer: Response) -> Response:
    """Have nobody keep an answer that is one program's own."""
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
