"""The public cases for machines: Atom (RFC 4287), GeoJSON (RFC 7946) and CSV, by district and kind.

Each takes the filter of the page (``district``, ``kind``, ``state``). GeoJSON and CSV are cut into
parts of :data:`PART` cases: ``page=2`` and so on, and a ``Link`` names the next one (RFC 8288).
With ``since`` and ``until`` (days, ``2026-04-01``) they have the cases that came in then, however
old.

``Last-Modified`` says how new a feed is, but only the ``ETag`` decides whether it changed: a case
that is hidden again leaves no newer one behind.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from lxml import etree

from city.city import City
from city.context import Context
from core.clock import JAPAN
from core.languages import tag_of
from core.text import spreadsheet_cell
from core.web import PublicRoute
from public.feeds import ATOM, XML_LANG
from public.pages import cached, language_of
from public.report_pages import Names, chosen_of, feed_title, wanted_of
from reports import published
from reports.kinds import city_now
from reports.published import PublicCase, PublicPhoto, Wanted

router = APIRouter(route_class=PublicRoute)

ENTRIES = 50
PART = 250
LAST_PART = 200
CSV_COLUMNS = (
    "全国地方公共団体コード",
    "ID",
    "地方公共団体名",
    "名称",
    "種別コード",
    "対応状況コード",
    "対応状況",
    "受付日",
    "最終更新日",
    "地区コード",
    "地区名",
    "緯度",
    "経度",
    "位置の精度",
    "通報件数",
    "画像",
    "URL",
)
"""The Digital Agency's standard data sets (自治体標準オープンデータセット) have none for road
damage. So the columns that all its sets share have their names, and the others are ours."""
NEAR, ROUGH = "道路（約10m）", "概略（自宅のため）"

Photos = Mapping[int, list[PublicPhoto]]


@router.get("/feeds/reports.atom")
async def reports_atom(request: Request) -> Response:
    """Return the cases that changed last."""
    context: Context = request.app.state.context
    now = context.clock.now()
    if not context.city.publish_reports:
        return Response(status_code=404)
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        wanted = wanted_of(request, city)
        found = await published.cases(session, city, now, wanted, most=ENTRIES, by_change=True)
    found.sort(key=lambda case: (case.changed_at, case.id), reverse=True)
    language = language_of(request, city)
    body = _atom(request, found, Names(city, language, now), wanted)
    return _answer(request, body, "application/atom+xml; charset=utf-8", found)


@router.get("/feeds/reports.geojson")
async def reports_geojson(request: Request) -> Response:
    """Return cases with their public place; without a position the geometry is null."""
    context: Context = request.app.state.context
    if not context.city.publish_reports:
        return Response(status_code=404)
    city, found, photos, more = await _part(request)
    names = Names(city, language_of(request, city), context.clock.now())
    url = context.settings.public_url
    features = [_feature(case, photos.get(case.id, []), names, url) for case in found]
    body = json.dumps(
        {"type": "FeatureCollection", "features": features},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    return _answer(request, body, "application/geo+json", found, more=more)


@router.get("/feeds/reports.csv")
async def reports_csv(request: Request) -> Response:
    """Return cases for a spreadsheet, with Japanese headings."""
    context: Context = request.app.state.context
    if not context.city.publish_reports:
        return Response(status_code=404)
    city, found, photos, more = await _part(request)
    names = Names(city, "ja", context.clock.now())
    code, town = local_government_code(city.jma.municipality), city.name["ja"]
    url = context.settings.public_url
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for case in found:
        pictures = ";".join(_photo_url(url, case, one) for one in photos.get(case.id, []))
        place = case.place
        writer.writerow(
            (
                code,
                case.number,
                spreadsheet_cell(town),
                spreadsheet_cell(names.kind(case.category)),
                case.category,
                case.state.value,
                spreadsheet_cell(names.state(case.state)),
                case.reported_on.isoformat(),
                case.changed_on.isoformat(),
                spreadsheet_cell(case.area or ""),
                spreadsheet_cell(names.area(case.area)),
                "" if place is None else f"{place[1]:.4f}",
                "" if place is None else f"{place[0]:.4f}",
                "" if place is None else ROUGH if case.blurred else NEAR,
                case.reporters,
                pictures,
                f"{url}/reports/{case.number}",
            )
        )
    response = _answer(
        request, output.getvalue().encode(), "text/csv; charset=utf-8", found, more=more
    )
    response.headers["Content-Disposition"] = 'attachment; filename="reports.csv"'
    return response


def local_government_code(municipality: str) -> str:
    """Return the 6 digits of a municipality (全国地方公共団体コード) from the weather agency's 7.

    The first five are the same; the sixth checks them.
    Source: https://www.soumu.go.jp/denshijiti/code.html
    """
    digits = municipality[:5]
    checked = sum(
        int(digit) * weight for digit, weight in zip(digits, range(6, 1, -1), strict=True)
    )
    return f"{digits}{(11 - checked % 11) % 10}"


async def _part(request: Request) -> tuple[City, list[PublicCase], Photos, bool]:
    """Return the city, the cases of the part that is asked for, their photos, and whether there are
    more.
    """
    context: Context = request.app.state.context
    now = context.clock.now()
    query = request.query_params
    since, until = _day(query.get("since", "")), _day(query.get("until", ""))
    after = until + timedelta(days=1) if until else None
    skip = (_part_number(request) - 1) * PART
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        wanted = replace(wanted_of(request, city), since=since, until=after)
        found = await published.cases(session, city, now, wanted, most=PART + 1, skip=skip)
        photos = await published.photos_of(session, found[:PART])
    return city, found[:PART], photos, len(found) > PART


def _part_number(request: Request) -> int:
    text = request.query_params.get("page", "")
    fits = text.isascii() and text.isdecimal() and len(text) < 4
    return max(1, min(int(text), LAST_PART)) if fits else 1


def _day(text: str) -> datetime | None:
    """Return the beginning of a day in Japan, or None if it is not one of the service's time."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=JAPAN)
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None


def _photo_url(url: str, case: PublicCase, photo: PublicPhoto) -> str:
    return f"{url}/reports/{case.number}/photos/{photo.id}.jpg"


def _feature(
    case: PublicCase, photos: Iterable[PublicPhoto], names: Names, url: str
) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": list(case.place)} if case.place else None
    return {
        "type": "Feature",
        "id": case.number,
        "geometry": point,
        "properties": {
            "number": case.number,
            "kind": case.category,
            "kind_name": names.kind(case.category),
            "state": case.state.value,
            "state_name": names.state(case.state),
            "district": case.area,
            "district_name": names.area(case.area) or None,
            "reported_on": case.reported_on.isoformat(),
            "changed_on": case.changed_on.isoformat(),
            "place_is_rough": case.blurred,
            "reports": case.reporters,
            "photos": [_photo_url(url, case, one) for one in photos],
            "url": f"{url}/reports/{case.number}",
        },
    }


def _atom(request: Request, found: list[PublicCase], names: Names, wanted: Wanted) -> bytes:
    context: Context = request.app.state.context
    url, language = context.settings.public_url, names.language
    chosen = {name: value for name, value in chosen_of(wanted).items() if value}
    query = urlencode({"lang": language, **chosen})
    feed = etree.fromstring(f'<feed xmlns="{ATOM}"/>')
    feed.set(XML_LANG, tag_of(language))

    def add(parent: Any, name: str, text: str = "", **attributes: str) -> Any:
        element = etree.SubElement(parent, f"{{{ATOM}}}{name}", dict(attributes))
        if text:
            element.text = text
        return element

    title = feed_title(context.city, language)
    if wanted.area:
        title = f"{title} · {names.area(wanted.area)}"
    newest = max((case.changed_at for case in found), default=_NEVER)
    add(feed, "id", f"{url}/feeds/reports.atom?{query}")
    add(feed, "title", title)
    add(feed, "updated", newest.isoformat())
    self_link = f"{url}/feeds/reports.atom?{query}"
    add(feed, "link", rel="self", href=self_link, type="application/atom+xml")
    add(feed, "link", rel="alternate", href=f"{url}/reports?{query}", type="text/html")
    add(add(feed, "author"), "name", title)
    host = urlsplit(url).hostname or "todoke"
    for case in found:
        entry = add(feed, "entry")
        add(entry, "id", f"tag:{host},2026:report/{case.number}")
        add(entry, "title", f"{names.title(case)}: {names.state(case.state)}")
        add(entry, "updated", case.changed_at.isoformat())
        address = f"{url}/reports/{case.number}?lang={language}"
        add(entry, "link", rel="alternate", href=address, type="text/html")
        add(entry, "category", term=case.category, label=names.kind(case.category))
        add(entry, "category", term=case.state.value, label=names.state(case.state))
        add(entry, "summary", f"{names.state(case.state)} ({names.day(case.changed_on)})")
        if case.place is not None:
            point = etree.SubElement(entry, f"{{{GEORSS}}}point", nsmap={"georss": GEORSS})
            point.text = f"{case.place[1]:.4f} {case.place[0]:.4f}"
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8"))


GEORSS = "http://www.georss.org/georss"
_NEVER = datetime(2026, 1, 1, tzinfo=UTC)


def _answer(
    request: Request,
    body: bytes,
    media_type: str,
    found: list[PublicCase],
    *,
    more: bool = False,
) -> Response:
    response = cached(request, body, media_type)
    response.headers["Access-Control-Allow-Origin"] = "*"
    if found:
        newest = max(case.changed_at for case in found).astimezone(UTC)
        response.headers["Last-Modified"] = format_datetime(newest, usegmt=True)
    if more and (at := _part_number(request)) < LAST_PART:
        query = urlencode({**dict(request.query_params), "page": str(at + 1)})
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return response
