"""What the packages expect of a queue: the same on both engines."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from core.clock import ManualClock, SystemClock
from core.database import Database
from core.errors import Permanent, Retryable
from core.leader import Leader, try_lead
from core.work import LocalQueue, Queue, retry_delay
from core.work_shared import ProcrastinateQueue, plain_url
from tests.support.plans import whole_tables_read
from tests.support.queues import install_schema

NOON = datetime(2026, 6, 15, 3, tzinfo=UTC)


@dataclass
class Shop:
    """A queue, its database, and a way of waiting for what it did."""

    database: Database
    queue: Queue
    done: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, what: str) -> None:
        self.done.append(what)
        self.changed.set()

    async def until(self, condition: Callable[[], bool], timeout: float = 20.0) -> None:
        async def wait() -> None:
            while not condition():
                self.changed.clear()
                await self.changed.wait()

        await asyncio.wait_for(wait(), timeout)

    async def put(self, task: str, key: str, **options: object) -> None:
        async with self.database.writing() as session:
            await self.queue.put(session, task, key, **options)  # type: ignore[arg-type]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        running = asyncio.create_task(self.queue.run(stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(running, 20)


@pytest.fixture
async def shop(database: Database) -> Shop:
    if database.is_sqlite:
        return Shop(database, LocalQueue(SystemClock(), grace_seconds=0.2))
    await install_schema(database.url)
    return Shop(database, ProcrastinateQueue(database, SystemClock(), grace_seconds=0.2))


def noting(shop: Shop) -> Callable[[str], Awaitable[None]]:
    async def handler(key: str) -> None:
        shop.note(key)

    return handler


async def test_work_is_done_once_the_transaction_has_committed(shop: Shop) -> None:
    shop.queue.register("t.note", noting(shop))
    async with shop.open():
        async with shop.database.writing() as session:
            await shop.queue.put(session, "t.note", "a")
            await session.flush()
            assert shop.done == []
        await shop.until(lambda: shop.done == ["a"])


async def test_work_of_a_transaction_that_failed_is_never_done(shop: Shop) -> None:
    shop.queue.register("t.note", noting(shop))
    async with shop.open():
        with pytest.raises(ZeroDivisionError):
            async with shop.database.writing() as session:
                await shop.queue.put(session, "t.note", "never")
                raise ZeroDivisionError
        await shop.put("t.note", "b")
        await shop.until(lambda: "b" in shop.done)
    assert shop.done == ["b"]


async def test_what_waits_twice_is_done_once_and_the_more_urgent_first(shop: Shop) -> None:
    shop.queue.register("t.note", noting(shop), concurrency=1)
    await shop.put("t.note", "routine", priority=9)
    await shop.put("t.note", "warning", priority=5)
    await shop.put("t.note", "warning", priority=4)
    await shop.put("t.note", "routine", priority=9)
    await shop.put("t.note", "personal", priority=3)
    async with shop.open():
        await shop.until(lambda: len(shop.done) == 3)
    assert shop.done == ["personal", "warning", "routine"]


async def test_two_pieces_with_the_same_key_never_run_at_once(shop: Shop) -> None:
    going, most = 0, 0
    gate = asyncio.Event()

    async def handler(key: str) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        shop.note(key)
        await gate.wait()
        going -= 1

    shop.queue.register("t.slow", handler)
    async with shop.open():
        await shop.put("t.slow", "one")
        await shop.until(lambda: shop.done == ["one"])
        await shop.put("t.slow", "one")
        await shop.put("t.slow", "two")
        await shop.until(lambda: shop.done == ["one", "two"])
        gate.set()
        await shop.until(lambda: shop.done == ["one", "two", "one"])
    assert most == 2


async def test_what_waits_for_the_same_key_begins_when_that_ends(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at the next poll, which does not come here."""
    monkeypatch.setattr("core.work_shared.POLL_SECONDS", 600.0)
    gates: list[asyncio.Event] = []

    async def handler(key: str) -> None:
        gates.append(asyncio.Event())
        shop.note(key)
        await gates[-1].wait()

    shop.queue.register("t.slow", handler)
    async with shop.open():
        await shop.put("t.slow", "one")
        await shop.until(lambda: shop.done == ["one"])
        await shop.put("t.slow", "one")
        await shop.put("t.slow", "two")
        await shop.until(lambda: shop.done == ["one", "two"])
        gates[0].set()
        await shop.until(lambda: shop.done == ["one", "two", "one"])
        for gate in gates:
            gate.set()


async def test_an_urgent_piece_needs_no_free_place(shop: Shop) -> None:
    gate = asyncio.Event()

    async def handler(key: str) -> None:
        shop.note(key)
        if key.startswith("slow"):
            await gate.wait()

    shop.queue.register("t.send", handler, concurrency=2)
    async with shop.open():
        for number in range(4):
            await shop.put("t.send", f"slow{number}", priority=9)
        await shop.until(lambda: len(shop.done) == 2)
        await shop.put("t.send", "emergency", priority=1)
        await shop.until(lambda: "emergency" in shop.done)
        assert len(shop.done) == 3
        gate.set()
        await shop.until(lambda: len(shop.done) == 5)


async def test_work_put_while_other_work_is_fetched_does_not_wait_for_the_next_poll(
    shop: Shop,
) -> None:
    chance = random.Random(5)
    loop = asyncio.get_running_loop()
    longest = 0.0
    shop.queue.register("now", noting(shop))
    async with shop.open():
        await shop.put("now", "first")
        await shop.until(lambda: shop.done == ["first"])

        def has_done(number: int) -> bool:
            return len(shop.done) == number

        for turn in range(80):
            await shop.put("now", f"{turn} a")
            await asyncio.sleep(chance.random() * 0.006)
            await shop.put("now", f"{turn} b")
            began = loop.time()
            await shop.until(partial(has_done, 3 + 2 * turn))
            longest = max(longest, loop.time() - began)
    assert longest < 0.7


async def test_what_may_succeed_later_is_tried_again_and_what_cannot_is_not(shop: Shop) -> None:
    async def handler(key: str) -> None:
        shop.note(key)
        if key == "hopeless":
            raise Permanent("never")
        if shop.done.count(key) == 1:
            raise Retryable("not yet") if key == "later" else ValueError("a fault of ours")

    shop.queue.register("t.try", handler)
    async with shop.open():
        for key in ("hopeless", "later", "fault"):
            await shop.put("t.try", key)
        await shop.until(lambda: shop.done.count("later") == 2 and shop.done.count("fault") == 2)
    assert shop.done.count("hopeless") == 1


async def test_work_put_off_waits_and_an_earlier_moment_wins(shop: Shop) -> None:
    shop.queue.register("t.note", noting(shop))
    async with shop.open():
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        await shop.put("t.note", "tomorrow", not_before=tomorrow)
        await shop.put("t.note", "soon", not_before=tomorrow)
        await shop.put("t.note", "now")
        await shop.until(lambda: shop.done == ["now"])
        soon = datetime.now(UTC) + timedelta(milliseconds=300)
        await shop.put("t.note", "soon", not_before=soon)
        await shop.until(lambda: len(shop.done) == 2)
        assert datetime.now(UTC) >= soon
    assert shop.done == ["now", "soon"]


@pytest.mark.new_database
async def test_the_next_job_is_found_by_indexes(database: Database) -> None:
    """However many wait: the look for one compares it with none but those of its key."""
    if database.is_sqlite:
        pytest.skip("there the queue is in memory")
    await install_schema(database.url)
    asked: dict[str, Any] = {
        "SELECT 1 FROM procrastinate_jobs AS jobs WHERE status = 'todo' AND NOT EXISTS ("
        "SELECT 1 FROM procrastinate_jobs AS other WHERE other.lock = jobs.lock AND ("
        "other.status = 'doing' OR (other.status = 'todo' AND other.id < jobs.id))) "
        "ORDER BY priority DESC, id LIMIT 1": {},
    }
    assert await whole_tables_read(database, asked) == []
    looked_up = "SELECT 1 FROM procrastinate_jobs WHERE lock = 'a' AND status IN ('todo', 'doing')"
    async with database.reading() as session:
        plan = await session.execute(text(f"EXPLAIN {looked_up}"))
        assert "Cond: (lock" in "".join(str(row[0]) for row in plan)


async def test_a_dead_workers_jobs_are_taken_over_by_heartbeat(
    new_postgresql_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_postgresql_url()
    database = Database(url)
    await install_schema(database.url)
    monkeypatch.setattr("core.work_shared.LOOK_FOR_DEAD_SECONDS", 0.1)
    shop = Shop(database, ProcrastinateQueue(database, SystemClock()))
    shop.queue.register("t.note", noting(shop))
    await shop.put("t.note", "orphan")
    with psycopg.connect(plain_url(database.url), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '16 s')"
        )
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', "
            "worker_id = (SELECT max(id) FROM procrastinate_workers)"
        )
    async with shop.open():
        await shop.until(lambda: shop.done == ["orphan"])
    await database.close()


async def test_work_cut_short_by_the_end_of_a_process_is_left_to_the_next(
    new_postgresql_url: Callable[[], str],
) -> None:
    database = Database(new_postgresql_url())
    await install_schema(database.url)

    async def never_ends(key: str) -> None:
        first.note(key)
        await asyncio.Event().wait()

    first = Shop(database, ProcrastinateQueue(database, SystemClock(), grace_seconds=0.1))
    first.queue.register("t.note", never_ends)
    await first.put("t.note", "handed on")
    async with first.open():
        await first.until(lambda: first.done == ["handed on"])
    second = Shop(database, ProcrastinateQueue(database, SystemClock()))
    second.queue.register("t.note", noting(second))
    async with second.open():
        await second.until(lambda: second.done == ["handed on"])
    await database.close()


async def test_two_schedulers_never_both_act(database: Database) -> None:
    async with try_lead(database, "scheduler") as first:
        assert await first()
        async with try_lead(database, "scheduler") as second:
            assert not await second()
        async with try_lead(database, "another") as other:
            assert await other()
    async with Leader(database) as third, Leader(database) as fourth:
        assert await third.leads()
        assert not await fourth.leads()
        assert await third.leads()
    async with Leader(database) as fifth:
        assert await fifth.leads()


async def test_a_day_put_off_by_the_clock_alone(tmp_path: object) -> None:
    clock = ManualClock(NOON)
    database = Database(f"sqlite:///{tmp_path}/t.sqlite3")
    shop = Shop(database, LocalQueue(clock))
    shop.queue.register("t.note", noting(shop))
    async with shop.open():
        await shop.put("t.note", "morning", not_before=NOON + timedelta(hours=19))
        await clock.advance(3600 * 18)
        assert shop.done == []
        await clock.advance(3600)
        await shop.until(lambda: shop.done == ["morning"])
    await database.close()


async def test_pieces_put_off_that_come_due_at_once_are_all_done(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    database = Database(f"sqlite:///{tmp_path}/t.sqlite3")
    shop = Shop(database, LocalQueue(clock))
    shop.queue.register("t.note", noting(shop), concurrency=1)
    async with shop.open():
        for key in "abcde":
            await shop.put("t.note", key, not_before=NOON + timedelta(seconds=10))
        await clock.advance(60)
        await shop.until(lambda: len(shop.done) == 5)
    assert shop.done == list("abcde")
    await database.close()


def test_delays_double_stay_under_five_minutes_and_respect_retry_after() -> None:
    chance = random.Random(1)
    delays = [retry_delay(attempt, None, chance) for attempt in range(1, 400)]
    assert 0.5 <= delays[0] <= 1.0
    assert max(delays) <= 300
    assert sum(delays[:300]) > 12 * 3600
    assert retry_delay(1, 17.0, chance) == 17.0
