"""Synthetic residents of a rehearsal who answer: they ask, say that they are safe, and report.

The same seed makes the same residents do the same after the same message. They act through the
simulator, as phones do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import col, select

from channels.members import unpack
from channels.models import Batch, BatchState, Delivery
from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Permanent
from feeds.models import Notice
from simulator.line.client import SimulatorClient
from subscriptions.models import Resident

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0
MOST_OF_A_DELIVERY = 60
"""Most residents who write back to one message."""
LONGEST = 90.0
"""Seconds until the last of them writes."""
QUESTIONS = {
    "ja": ("避難所はどこですか", "今どんな警報が出ていますか", "水は出ますか"),
    "en": ("Where is the nearest shelter?", "What is in force now?", "Is there water?"),
    "zh-Hans": ("避难所在哪里？", "现在有什么警报？"),
    "zh-Hant": ("避難所在哪裡？",),
    "ko": ("대피소가 어디예요?",),
    "vi": ("Nơi lánh nạn ở đâu?",),
    "pt": ("Onde fica o abrigo?",),
    "es": ("¿Dónde está el refugio?",),
}
SAFE = {"ja": "無事です", "en": "I am safe"}
NEED = {"ja": "助けてください", "en": "I need help"}
REPORT = {"ja": "道路が冠水しています", "en": "The road is flooded"}


@dataclass(frozen=True)
class Act:
    """Something that a resident wrote, and after which delivery."""

    at: datetime
    delivery: int
    resident: int
    kind: str


class Crowd:
    """Watches what arrives, and answers.

    Parameters
    ----------
    share
        The part of those who were told something that writes back.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        simulator: str,
        *,
        share: float,
        seed: int,
    ) -> None:
        self._database = database
        self._city = city
        self._clock = clock
        self._simulator = simulator
        self._share = share
        self._seed = seed
        self._seen: set[int] = set()
        self._phones: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.acts: list[Act] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until ``stop`` is set."""
        async with SimulatorClient(self._simulator) as client:
            while not stop.is_set():
                for delivery, members in await self._arrived():
                    for resident in self._chosen(delivery, members):
                        task = asyncio.create_task(self._answer(client, delivery, resident))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
                try:
                    async with asyncio.timeout(LOOK_EVERY):
                        await stop.wait()
                except TimeoutError:
                    continue
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _arrived(self) -> list[tuple[int, list[int]]]:
        """Return the batches sent since the last look: their delivery, and the residents."""
        query = (
            select(Batch.id, Batch.delivery_id, Batch.members)
            .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
            .join(Notice, col(Notice.id) == col(Delivery.notice_id))
            .where(
                col(Batch.state) == BatchState.SENT,
                col(Notice.status).not_in(["lifted", "cancelled"]),
            )
            .order_by(col(Batch.id))
        )
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        # A batch can be sent after one with a higher id.
        new = [row for row in rows if row[0] not in self._seen]
        self._seen.update(row[0] for row in new)
        return [(row[1], list(unpack(row[2]))) for row in new]

    def _chosen(self, delivery: int, members: Sequence[int]) -> list[int]:
        dice = random.Random(f"{self._seed}-{delivery}-{members[0]}")  # noqa: S311 - a seed
        wanted = min(MOST_OF_A_DELIVERY, round(len(members) * self._share))
        return dice.sample(list(members), wanted)

    async def _answer(self, client: SimulatorClient, delivery: int, resident_id: int) -> None:
        dice = random.Random(f"{self._seed}-{delivery}-{resident_id}")  # noqa: S311 - a seed
        await asyncio.sleep(min(LONGEST, dice.expovariate(1 / 12)))
        async with self._database.reading() as session:
            resident = await session.get(Resident, resident_id)
        if resident is None or resident.line_user_id is None:
            return
        user, language = resident.line_user_id, resident.language
        kind = dice.choices(("question", "safe", "need", "place", "report"), (40, 30, 10, 12, 8))[0]
        try:
            if user not in self._phones:
                # Until now a friend without a phone; this makes no event.
                self._phones.add(user)
                name = f"住民{resident_id}"
                await client.add_user(name, language[:2], follows=True, user_id=user)
            if kind == "question":
                words = QUESTIONS.get(language, QUESTIONS["en"])
                await client.send_text(user, dice.choice(words))
            elif kind == "safe":
                await client.send_text(user, SAFE.get(language, SAFE["en"]))
            elif kind == "need":
                await client.send_text(user, NEED.get(language, NEED["en"]))
            elif kind == "place":
                latitude, longitude = self._somewhere(dice)
                await client.send_location(user, latitude, longitude)
            else:
                await client.send_ready_photo(user, "pothole-near")
                await asyncio.sleep(1.0)
                latitude, longitude = self._somewhere(dice)
                await client.send_location(user, latitude, longitude)
        except Permanent as error:
            log.info("crowd.refused", reason=str(error))
            return
        self.acts.append(Act(self._clock.now(), delivery, resident_id, kind))

    def _somewhere(self, dice: random.Random) -> tuple[float, float]:
        """Return latitude and longitude of a place in one of the districts."""
        district = dice.choice(self._city.districts)
        ring = district.polygons[0][0]
        longitude = sum(point[0] for point in ring) / len(ring)
        latitude = sum(point[1] for point in ring) / len(ring)
        return latitude + dice.uniform(-0.004, 0.004), longitude + dice.uniform(-0.004, 0.004)
