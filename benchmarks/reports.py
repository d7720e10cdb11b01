"""Time the road department's pages with very many reports, on both databases.

    python benchmarks/reports.py [--reports 100000] [--database URL|postgresql] [--rounds 30]
        [--folder var/reports]

Fills a database in the folder by ``todoke reports generate``'s own function, starts the
service on it, and asks for the list with each filter and in each order, for searches, the map at
several zooms, the exports and the statistics. It prints a table in Markdown: median and 95th
percentile in milliseconds, of requests one after another, with what a browser waits for: sign-in,
pages and templates included, and what a page costs the service in processor time, which does not
depend on what else the machine does. ``postgresql`` starts a server of its own. A second run uses
what the first one filled.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from sqlalchemy import func
from sqlalchemy.engine import make_url
from sqlmodel import col, select

from app.schema import upgrade_now
from benchmarks import console
from benchmarks.console import SAMPLE, Visitor
from benchmarks.console_pages import Wanted
from city.folder import load_city
from console import passwords
from console.accounts import add_staff
from console.models import Role
from core.database import Database
from core.errors import BadInput
from core.logs import configure_logs
from reports.generate import generate
from reports.listing import SortBy
from reports.models import Report
from subscriptions.generate import generate as generate_residents

FOLDER = Path("var/reports")
LIST, MAP = "/console/reports", "/console/reports/map.json"
MS = 100
"""What 95 % of the pages are to take at most."""
STATISTICS = ("/console/report-statistics",)
PUBLIC = {
    "the list": "/reports",
    "the months": "/reports/months",
    "GeoJSON": "/feeds/reports.geojson",
    "CSV": "/feeds/reports.csv",
    "Atom": "/feeds/reports.atom",
    "GeoJSON of a month": "/feeds/reports.geojson?since=2025-06-01&until=2025-06-30",
}


async def fill(url: str, number: int) -> None:
    """Make the reports, unless they are there."""
    await asyncio.to_thread(upgrade_now, url)
    database = Database(url)
    try:
        async with database.reading() as session:
            there = await session.scalar(select(func.count()).select_from(Report)) or 0
        if there >= number:
            return
        city, now = load_city(SAMPLE), datetime.now(UTC)
        await generate_residents(database, city, 2_000, 1, now)
        began = time.perf_counter()
        await generate(database, city, number, 1, now)
        took = time.perf_counter() - began
        print(f"{number:,} reports made in {took:.1f} s", file=sys.stderr)
        password = await passwords.chosen(console.PASSWORD)
        async with database.writing() as session:
            await add_staff(session, console.ADMIN, Role.ADMIN, password, now=now)
    finally:
        await database.close()


async def wanted(url: str) -> list[Wanted]:
    """Return what is measured."""
    database = Database(url)
    async with database.reading() as session:
        report = await session.scalar(select(Report).order_by(col(Report.id).desc()).limit(1))
    await database.close()
    assert report is not None
    area, kind = report.area or "chuo", report.category
    filters = {
        "the list": "",
        "not finished": "state=open",
        "done": "state=done",
        "a kind": f"category={kind}",
        "a district": f"area={area}",
        "a department": f"department={report.department}",
        "a road": "road=市道9号線",
        "a team": "team=1",
        "mine": "team=mine",
        "nobody's": "team=nobody",
        "nobody's, not finished": "team=nobody&state=open",
        "at once": "priority=1",
        "overdue": "overdue=yes",
        "with photo": "photo=with",
        "without photo": "photo=without",
        "by telephone": "came_by=telephone",
        "by mail": "came_by=mail",
        "older than a month": "age=30",
        "older, not finished": "age=30&state=open",
        "a month": "since=2025-06-01&until=2025-06-30",
        "four filters": f"state=done&category={kind}&area={area}&priority=2",
        "page 100": "page=100",
    }
    words = {
        "a frequent word": "text=ガードレール",
        "a rare word": "text=桜4-30",
        "two letters": "text=道路",
        "one letter": "text=の",
        "words nowhere": "text=火星人",
        "a number": f"text={report.number}",
        "a word, narrowed": f"text=道路&state=open&area={area}",
        "a word, by due day": "text=道路&sort=due",
    }
    found = [Wanted(name, f"{LIST}?{query}", MS) for name, query in filters.items()]
    for by in SortBy:
        found.append(Wanted(f"by {by.value}", f"{LIST}?sort={by.value}", MS))
        found.append(Wanted(f"by {by.value}, turned round", f"{LIST}?sort=-{by.value}", MS))
        done = f"{LIST}?sort={by.value}&state=done&page=20"
        found.append(Wanted(f"done, by {by.value}, page 20", done, MS))
    found += [Wanted(f"search: {name}", f"{LIST}?{query}", MS) for name, query in words.items()]
    for zoom, box in (
        (11, "139.95,35.95,140.25,36.25"),
        (13, "140.04,36.02,140.16,36.12"),
        (15, "140.09,36.06,140.12,36.09"),
        (18, "140.100,36.070,140.104,36.074"),
    ):
        view = f"bbox={box}&zoom={zoom}"
        found.append(Wanted(f"map, zoom {zoom}", f"{MAP}?{view}", MS))
        found.append(Wanted(f"map, zoom {zoom}, done", f"{MAP}?{view}&state=done", MS))
    found.append(Wanted("map, zoom 11, a team", f"{MAP}?team=1", MS))
    found.append(Wanted("map, zoom 11, a frequent word", f"{MAP}?text=道路", MS))
    found.append(Wanted("the intake", "/console/reports/inbox", MS))
    found.append(Wanted("a case", f"{LIST}/{report.number}", MS))
    for name, path in PUBLIC.items():
        found.append(Wanted(f"public: {name}", path, MS))
    return found


async def measure(url: str, rounds: int, only: str) -> None:
    """Measure everything and print the table."""
    every = [each for each in await wanted(url) if only in each.what]
    print(f"| {make_url(url).get_backend_name()} | CPU ms | median ms | p95 ms | wanted | KB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with console.running(url) as (address, _, service):
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            visitor = Visitor(http, address)
            await visitor.ready()
            await visitor.sign_in()
            for each in [*every, *await _statistics(http, address)]:
                times = []
                try:
                    _, size = await visitor.ask(each)  # once, to fill caches
                    before = sum(service.cpu_times()[:2])
                    times = [(await visitor.ask(each))[0] for _ in range(rounds)]
                    cpu = (sum(service.cpu_times()[:2]) - before) * 1000 / rounds
                except BadInput as error:
                    print(f"| {each.what} | {str(error)[:60]} | | | | |")
                    continue
                median, p95 = _cut(times)
                mark = "" if p95 <= each.within_ms else " **late**"
                said = f"{cpu:.0f} | {median:.0f} | {p95:.0f}{mark} | {each.within_ms}"
                print(f"| {each.what} | {said} | {size / 1000:.0f} |", flush=True)
            for kind in ("csv", "geojson", "gpkg"):
                print(f"\nexport as {kind}: {await _export(visitor, kind)}")


async def _export(visitor: Visitor, kind: str) -> str:
    """Ask for all reports; return when the first and the last of it came."""
    began = time.perf_counter()
    form = {"csrf": visitor.token}
    async with visitor.http.post(f"{visitor.url}{LIST}/export.{kind}", data=form) as answer:
        if kind == "gpkg":
            page = time.perf_counter() - began
            return f"page {page * 1000:.0f} ms, {await _fetched(visitor, str(answer.url), began)}"
        if answer.status != 200:
            raise BadInput(f"the export as {kind} answered {answer.status}")
        first = size = 0.0
        async for part in answer.content.iter_any():
            first = first or time.perf_counter() - began
            size += len(part)
    took = time.perf_counter() - began
    return f"first byte {first * 1000:.0f} ms, all {took:.1f} s, {size / 1e6:.1f} MB"


async def _fetched(visitor: Visitor, page: str, began: float) -> str:
    """Wait for an export that is written in the background; return when it was there."""
    while True:
        async with visitor.http.get(f"{page}/live") as answer:
            if "reports.gpkg" in await answer.text():
                break
        await asyncio.sleep(0.5)
    ready = time.perf_counter() - began
    async with visitor.http.get(f"{page}/reports.gpkg") as answer:
        size = len(await answer.read())
    return f"ready after {ready:.1f} s, {size / 1e6:.1f} MB"


async def _statistics(http: aiohttp.ClientSession, address: str) -> list[Wanted]:
    found = []
    for path in STATISTICS:
        async with http.get(f"{address}{path}", allow_redirects=False) as answer:
            if answer.status == 200:
                found.append(Wanted("statistics", path, MS))
    return found


def _cut(times: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reports", type=int, default=100_000, metavar="N")
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the database is")
    parser.add_argument("--rounds", type=int, default=30, help="requests a page")
    parser.add_argument("--only", default="", help="pages with these letters in their name")
    options = parser.parse_args()
    configure_logs()
    folder = options.folder.resolve()
    console.SERVER, console.MEDIA = folder / "postgresql", folder / "media"
    folder.mkdir(parents=True, exist_ok=True)
    database = options.database or f"sqlite:///{folder / 'todoke.sqlite3'}"
    try:
        with console.address(database) as url:
            asyncio.run(fill(url, options.reports))
            asyncio.run(measure(url, options.rounds, options.only))
    except BadInput as error:
        sys.exit(f"reports: {error}")


if __name__ == "__main__":
    main()
