"""Measure mail to residents through the engine beside a bare aiosmtplib loop, in one run.

    python benchmarks/mail.py [--mails 100000] [--connections 4] [--json FILE]

Both send to a relay that takes everything at once, in a process of its own. The bare loop sends one
mail that was written before; only the recipient differs. The engine plans the audience, writes each
mail with its reader's links, and records each outcome. ``a_core`` is mails for each second of the
sending process's CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiosmtplib
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from app.schema import upgrade_now
from benchmarks.order import an_order
from channels import dispatch
from channels.email.compose import Letter, mail_bytes
from channels.email.medium import EMAIL, EmailMedium, Sending
from channels.email.render import render
from channels.email.smtp import Relay
from channels.email.tokens import MailTokens
from channels.engine import Engine
from channels.limiter import Limiter
from city.city import City
from city.folder import load_city
from core.clock import SystemClock
from core.database import Database
from core.mail_settings import SmtpSettings
from core.settings import SAMPLE_CITY
from core.work import LocalQueue
from feeds.models import Notice
from subscriptions.generate import generate

FROM = "todoke@city.example"
LANGUAGES = ("ja", "ja-x-easy", "en", "my")


def sending_city() -> City:
    """The sample city, in four languages."""
    return load_city(SAMPLE_CITY).model_copy(update={"languages": LANGUAGES})


def alert(now: datetime) -> Notice:
    """A notice that everybody gets, with short texts of its own in each language."""
    texts = {code: {"title": f"Title {code}", "text": f"Text {code}"} for code in LANGUAGES}
    return an_order(now, texts)


@dataclass
class Result:
    """One measurement; ``peak_mb`` and ``cpu_seconds`` are of the sending process."""

    name: str
    mails: int
    seconds: float
    a_second: float
    a_core: float
    cpu_seconds: float
    before_mb: float
    peak_mb: float


class FastRelay(asyncio.Protocol):
    """Takes every mail at once and forgets it (RFC 5321, as little as aiosmtplib needs)."""

    taken = 0

    _transport: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._rest = b""
        self._in_data = False
        self._transport.write(b"220 fast ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            if self._in_data:
                _, dot, tail = self._rest.partition(b"\r\n.\r\n")
                if not dot:
                    return
                self._rest, self._in_data = tail, False
                FastRelay.taken += 1
                self._transport.write(b"250 2.0.0 taken\r\n")
                continue
            line, end, tail = self._rest.partition(b"\r\n")
            if not end:
                return
            self._rest = tail
            word = line[:4].upper()
            if word == b"DATA":
                self._in_data = True
                self._transport.write(b"354 go\r\n")
            elif word == b"EHLO":
                self._transport.write(b"250-fast\r\n250 8BITMIME\r\n")
            elif word == b"QUIT":
                self._transport.write(b"221 bye\r\n")
                self._transport.close()
            else:
                self._transport.write(b"250 ok\r\n")


def run_relay(port: Any, taken: Any) -> None:
    """Run the relay in this process until it is ended."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(FastRelay, "127.0.0.1", 0)
        port.value = server.sockets[0].getsockname()[1]
        while True:
            await asyncio.sleep(0.05)
            taken.value = FastRelay.taken

    uvloop.run(main())


@dataclass(frozen=True)
class Sent:
    """How long it took, and the process's peak of memory before it began."""

    seconds: float
    before_mb: float


def peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


async def bare(port: int, mails: int, connections: int) -> Sent:
    """Send with aiosmtplib alone."""
    notice = alert(SystemClock().now())
    notice.id = 1
    (said,) = render(notice, "ja", sending_city())
    content = mail_bytes(
        Letter(
            mail_from=FROM,
            to="a@home.example",
            subject=str(said["title"]),
            plain=str(said["plain"]),
            html=str(said["html"]),
            language="ja",
            message_id="<1@city.example>",
            at=SystemClock().now(),
        )
    )
    numbers = iter(range(mails))

    async def one() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for number in numbers:
                await client.sendmail(FROM, [f"r{number}@home.example"], content)

    before, begun = peak_mb(), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Sent(time.perf_counter() - begun, before)


async def through_the_engine(port: int, mails: int, connections: int) -> Sent:
    """Send a notice to so many residents, from "send" to the last outcome."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/todoke.sqlite3"
        await asyncio.to_thread(upgrade_now, url)
        database, clock, city = Database(url), SystemClock(), sending_city()
        await generate(database, city, mails, 1, clock.now(), medium="email")
        smtp = SmtpSettings(
            host="127.0.0.1", port=port, tls=False, mail_from=FROM, connections=connections
        )
        sending = Sending(smtp, None, MailTokens("key"), "https://todoke.city.example")
        relay = Relay(smtp, clock)
        medium = EmailMedium(clock, sending, relay, Limiter(clock, {"email": None}))
        queue, stop = LocalQueue(clock), asyncio.Event()
        engine = Engine(database, city, clock, queue, [medium])
        tasks = [asyncio.create_task(queue.run(stop)), asyncio.create_task(engine.run(stop))]
        before, begun = peak_mb(), time.perf_counter()
        async with database.writing() as session:
            notice = alert(clock.now())
            session.add(notice)
            await session.flush()
            made = await dispatch.deliver(
                session,
                queue,
                notice,
                city,
                clock.now(),
                created_by="rule:benchmark",
                medium=EMAIL,
            )
            assert made.id is not None
        async for state in dispatch.follow(database, made.id, clock=clock, every_seconds=0.2):
            if state.ended:
                break
        seconds = time.perf_counter() - begun
        if state.sent != mails:
            raise SystemExit(f"only {state.sent} of {mails} were sent")
        stop.set()
        await asyncio.gather(*tasks)
        await medium.close()
        await database.close()
        return Sent(seconds, before)


WAYS: dict[str, Callable[[int, int, int], Coroutine[Any, Any, Sent]]] = {
    "aiosmtplib": bare,
    "todoke": through_the_engine,
}


def measured(name: str, port: int, mails: int, connections: int, found: Any) -> None:
    """Measure one way in this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    sent = uvloop.run(WAYS[name](port, mails, connections))
    seconds = sent.seconds
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    found.put(
        Result(
            name=name,
            mails=mails,
            seconds=round(seconds, 2),
            a_second=round(mails / seconds, 1),
            a_core=round(mails / cpu, 1),
            cpu_seconds=round(cpu, 2),
            before_mb=sent.before_mb,
            peak_mb=peak_mb(),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    port, taken = spawn.Value("i", 0), spawn.Value("i", 0)
    relay = spawn.Process(target=run_relay, args=(port, taken), daemon=True)
    relay.start()
    while not port.value:
        time.sleep(0.05)
    results: list[Result] = []
    for name in WAYS:
        found = spawn.Queue()
        process = spawn.Process(
            target=measured, args=(name, port.value, given.mails, given.connections, found)
        )
        process.start()
        results.append(found.get())
        process.join()
        print(json.dumps(asdict(results[-1])), flush=True)
    time.sleep(0.2)
    share = results[1].a_core / results[0].a_core
    print(f"todoke sends {share:.0%} of what aiosmtplib alone sends on a core")
    print(f"the relay took {taken.value} of {2 * given.mails}")
    relay.kill()
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for each in results], indent=1))


if __name__ == "__main__":
    main()
