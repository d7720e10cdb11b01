"""How long news takes from the feed's change to the notice being handed on for delivery.

Run with ``python benchmarks/news.py``; prints JSON. Everything is real but the distance: a
feed server on this machine, SQLite on disk, telegrams and articles in their true formats,
texts in all 16 languages. Times are milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from city.city import City, JmaCodes, SourceConfig, Topic
from core.clock import SystemClock
from core.database import Database
from core.languages import LANGUAGES
from core.logs import configure_logs
from feeds.fetch import guarded_session
from feeds.models import Notice
from feeds.poller import Poller
from feeds.rss import read_feed
from simulator.agency import RecordedDays

TOPICS = ("weather", "earthquake", "lifeline", "transit", "city-news", "events")
ITEMS = 2_000


@dataclass
class World:
    city: City
    database: Database
    clock: SystemClock = field(default_factory=SystemClock)
    handed_on: list[float] = field(default_factory=list)

    async def publish(self, session: AsyncSession, notice: Notice) -> None:
        self.handed_on.append(time.perf_counter())


def city(base: str) -> City:
    return City(
        name={"ja": "つくば市", "en": "Tsukuba City"},
        line_name="つくば市",
        jma=JmaCodes(municipality="0822000", forecast_areas=("080000", "080020", "080022")),
        languages=tuple(LANGUAGES),
        topics=tuple(Topic(code=code, names={"ja": code}) for code in TOPICS),
        sources=(
            SourceConfig.model_validate(
                {
                    "code": "jma-extra",
                    "kind": "jma",
                    "names": {"ja": "気象庁"},
                    "url": f"{base}/developer/xml/feed/extra.xml",
                    "decision": "send",
                }
            ),
        ),
    )


async def telegrams(folder: Path) -> list[float]:
    """Return how long each telegram of the rainstorm took to be handed on."""
    async with RecordedDays(SystemClock()) as recorded, guarded_session() as http:
        world = World(city(recorded.url), Database(f"sqlite:///{folder}/news.sqlite3"))
        async with world.database.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        poller = Poller(world, world.publish, http)
        await poller.poll("jma-extra")
        recorded.prepare("rainstorm")
        took = []
        while recorded.step():
            world.handed_on.clear()
            began = time.perf_counter()
            await poller.poll("jma-extra")
            took += [1000 * (moment - began) for moment in world.handed_on]
        await world.database.close()
        return took


def first_reading() -> float:
    """Return how long a feed of 2,000 items takes to read."""
    items = "".join(
        f"<item><title>お知らせ{n}</title><link>https://www.city.example/{n}</link>"
        f"<description>&lt;p&gt;{'市からのお知らせです。' * 20}&lt;/p&gt;</description></item>"
        for n in range(ITEMS)
    )
    data = f'<rss version="2.0"><channel><title>市</title>{items}</channel></rss>'.encode()
    began = time.perf_counter()
    feed = read_feed(data)
    assert len(feed.articles) == ITEMS
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    configure_logs(json=True, level=40)
    with tempfile.TemporaryDirectory() as folder:
        took = sorted(asyncio.run(telegrams(Path(folder))))
    print(
        json.dumps(
            {
                "telegram_to_notice_ms": {
                    "notices": len(took),
                    "median": round(statistics.median(took), 1),
                    "worst": round(took[-1], 1),
                },
                "feed_of_2000_items_ms": round(first_reading(), 1),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
