"""Promise 1: an event is on disk before LINE gets its 200. Promise 8: whatever comes."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
import yaml
from sqlalchemy import text
from sqlmodel import func, select
from structlog.testing import capture_logs

from bot.events import MOST_EVENTS, read_event, read_events
from bot.models import EventState, WebhookEvent, bucket_of
from bot.webhook import MAX_BODY_BYTES, MOST_LOGGED, EventStore
from core.clock import SystemClock
from core.database import Database
from core.errors import BadInput, Retryable
from core.work import LocalQueue, NoWorkers
from core.work_shared import ProcrastinateQueue
from tests.support.queues import install_schema
from tests.support.town import SECRET, Town
from tests.support.webhook_calls import USER, Caller, body_of, event, signature


@pytest.fixture
async def line(make_town: Callable[..., Any]) -> AsyncIterator[Caller]:
    """A town without a running inbox, so that stored events stay unchanged."""
    town = await make_town(awake=False)
    async with aiohttp.ClientSession() as http:
        yield Caller(town, http)


async def test_an_event_is_stored_once_however_often_it_comes(line: Caller) -> None:
    body = body_of(event(1), event(2), event(1))
    assert await line.post(body) == 200
    again = event(1, deliveryContext={"isRedelivery": True})
    assert await line.post(body_of(again)) == 200
    assert [row.event_id[-1] for row in await line.town.events()] == ["1", "2"]


async def test_a_recorded_webhook_does_not_act_again_once_it_is_forgotten(line: Caller) -> None:
    """An unfollow that was signed, acted on and erased after the city's days comes again."""
    days = line.town.context.city.retention.webhook_events
    erased = line.town.context.clock.now() - timedelta(days=days, seconds=1)
    kept = line.town.context.clock.now() - timedelta(days=days, seconds=-60)
    old = event(1, type="unfollow", timestamp=int(erased.timestamp() * 1000))
    late = event(2, type="unfollow", timestamp=int(kept.timestamp() * 1000))
    assert await line.post(body_of(old, late)) == 200  # LINE would only bring it again
    states = {row.event_id[-1]: row.state for row in await line.town.events()}
    assert states == {"1": EventState.IGNORED, "2": EventState.WAITING}


async def test_a_signed_body_of_very_many_events_is_refused_at_once(line: Caller) -> None:
    assert await line.post(body_of(*[{}] * (MOST_EVENTS + 1))) == 400
    as_many_as_fit = b'{"destination":"U","events":[' + b",".join([b"{}"] * 340_000) + b"]}"
    assert len(as_many_as_fit) < MAX_BODY_BYTES
    assert await line.post(as_many_as_fit) == 400
    assert await line.town.events() == []


@pytest.fixture
def all_logged() -> Iterator[None]:
    """Log from the level of the service on, whatever an earlier test set."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("all_logged")
async def test_events_that_are_not_acted_on_are_not_logged_one_by_one(line: Caller) -> None:
    odd = [event(number, type="membership") for number in range(MOST_EVENTS)]
    line.town.store.patience = 30
    with capture_logs() as logged:
        assert await line.post(body_of(*odd)) == 200
    ignored = [one for one in logged if one["event"] in ("event.ignored", "events.ignored")]
    assert len(ignored) == MOST_LOGGED + 1
    assert ignored[-1]["events"] == MOST_EVENTS - MOST_LOGGED


async def test_the_connection_test_without_events_is_answered(line: Caller) -> None:
    assert await line.post(body_of()) == 200
    assert await line.town.events() == []


async def test_what_line_did_not_sign_is_refused(line: Caller) -> None:
    body = body_of(event())
    right, other = signature(SECRET, body), signature(SECRET, body + b" ")
    name = "x-line-signature"
    refused: list[tuple[list[tuple[str, str]], int]] = [
        ([], 401),
        ([(name, "")], 401),
        ([(name, "bm90IHRoZSBzaWduYXR1cmU=")], 401),
        ([(name, "ümläut")], 401),
        ([(name, other)], 401),
        ([(name, right), (name, right)], 400),
        ([(name, other), (name, right)], 400),
    ]
    for headers, status in refused:
        assert await line.post(body, headers) == status, headers
    assert await line.town.events() == []
    assert await line.post(body, [(name, right)]) == 200


async def test_what_is_not_lines_form_is_refused(line: Caller) -> None:
    for body in (
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"destination":"U"}',
        b'{"events":{}}',
        b'{"events":"x"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"events":[' + b"9" * 10_000 + b"]}",
    ):
        assert await line.post(body) == 400, body[:40]
    assert await line.town.events() == []


async def test_five_megabytes_are_refused_announced_or_not(line: Caller) -> None:
    body = b" " * 5_000_000
    assert await line.post(body) == 413
    assert await line.post(body_of(event())) == 200

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65_536 + 2):
            yield b" " * 65_536

    url = f"{line.town.url}/line/webhook"
    async with line.http.post(
        url, data=pieces(), headers={"x-line-signature": signature(SECRET, body)}
    ) as response:
        assert response.status == 413


async def test_events_from_elsewhere_are_kept_and_not_acted_on(line: Caller) -> None:
    sources: list[Any] = [
        {"type": "group", "groupId": "C" + "1" * 32, "userId": USER},
        {"type": "room", "roomId": "R" + "1" * 32},
        {"type": "planet"},
        {"type": "user", "userId": "U' OR 1=1"},
        {"type": "user"},
        "user",
        None,
    ]
    events = [event(number, source=source) for number, source in enumerate(sources)]
    assert await line.post(body_of(*events)) == 200
    rows = await line.town.events()
    assert [row.state for row in rows] == [EventState.IGNORED] * len(sources)


async def test_events_never_seen_before_are_kept(line: Caller) -> None:
    strange: list[Any] = [
        event(1, type="teleport"),
        event(2, type="x" * 500),
        event(3, type=None),
        event(4, webhookEventId=None),
        event(5, webhookEventId="a\x00b"),
        event(6, webhookEventId="w" * 400),
        event(7, timestamp="yesterday"),
        event(8, timestamp=10**30),
        event(9, timestamp=True),
        event(10, mode="standby"),
        event(11, extra={"deep": [1, {"er": None}]}),
        event(12, message={"type": "hologram", "id": "7", "new": 1}),
        event(13, message={"type": "text", "id": "7", "text": "\u200b\u202e\x00\ud83d👨‍👩‍👧‍👦"}),
        {},
        [],
        "text",
        7,
        None,
    ]
    for one in strange:
        assert await line.post(body_of(one)) == 200, one
    assert [json.loads(row.payload) for row in await line.town.events()] == strange


async def test_a_locked_database_answers_500_and_line_brings_it_again(
    line: Caller,
) -> None:
    """A locked database or a full disk: 500, said in ``/readyz``; the redelivery is stored."""
    town = line.town
    if not town.database.is_sqlite:
        pytest.skip("PostgreSQL locks rows, not the database")
    store = town.store
    store.patience = 0.3
    async with town.database.writing() as session:
        await session.execute(text("UPDATE areas SET retired = retired"))
        assert await line.post(body_of(event())) == 500
        assert store.health.fault
    assert await line.post(body_of(event(1, deliveryContext={"isRedelivery": True}))) == 200
    assert store.health.fault is None
    assert len(await town.events()) == 1


async def test_a_full_disk_answers_500(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/small.sqlite3")
    async with database.engine.begin() as connection:
        await connection.run_sync(WebhookEvent.metadata.create_all)
    async with database.writing() as session:
        pages = await session.scalar(text("PRAGMA page_count"))
    store = EventStore(database, NoWorkers(), SystemClock())
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    big = read_event(event(message={"type": "text", "id": "1", "text": "x" * 200_000}))
    with pytest.raises(Retryable):
        await store.store([big])
    assert "full" in (store.health.fault or "")
    await store.stop()
    await database.close()


@pytest.mark.slow
async def test_concurrent_requests_share_transactions_and_all_are_stored(
    database: Database,
) -> None:
    queue = LocalQueue(SystemClock())
    store = EventStore(database, queue, SystemClock(), patience=30)
    batches = [read_events(body_of(event(n), event(n + 1000))) for n in range(300)]
    await asyncio.gather(*(store.store(batch) for batch in batches))
    async with database.reading() as session:
        count = await session.scalar(select(func.count()).select_from(WebhookEvent))
    assert count == 600
    assert store.health.stored == 600
    await store.stop()


async def test_events_wake_the_workers_of_a_shared_queue(database: Database) -> None:
    """With PostgreSQL the work is stored together with the events, once for each bucket."""
    if database.is_sqlite:
        pytest.skip("work is shared on PostgreSQL only")
    await install_schema(database.url)
    clock = SystemClock()
    store = EventStore(database, ProcrastinateQueue(database, clock), clock)
    ids = [f"U{n % 3:032x}" for n in range(9)]
    users = [{"type": "user", "userId": user} for user in ids]
    await store.store(read_events(body_of(*(event(n, source=u) for n, u in enumerate(users)))))
    await store.store(read_events(body_of(event(100, source=users[0]))))
    async with database.reading() as session:
        jobs = await session.scalars(text("SELECT args ->> 'key' FROM procrastinate_jobs"))
    assert sorted(jobs) == sorted({str(bucket_of(user, is_sqlite=False)) for user in ids})
    await store.stop()


def sample_of(schema: Any, schemas: Any, chance: random.Random, depth: int = 0) -> Any:
    """Make a value that is valid against a part of LINE's description."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        target = schemas[name]
        choices = (target.get("discriminator") or {}).get("mapping")
        if choices and depth < 6:
            kind, reference = chance.choice(sorted(choices.items()))
            made = sample_of({"$ref": reference, "chosen": True}, schemas, chance, depth + 1)
            if isinstance(made, dict):
                made[target["discriminator"]["propertyName"]] = kind
            return made
        return sample_of(target, schemas, chance, depth + 1)
    if "allOf" in schema:
        made = {}
        for part in schema["allOf"]:
            target = schemas[part["$ref"].rsplit("/", 1)[-1]] if "$ref" in part else part
            made |= sample_of(
                {k: v for k, v in target.items() if k != "discriminator"},
                schemas,
                chance,
                depth + 1,
            )
        return made
    if "enum" in schema:
        return chance.choice(schema["enum"])
    match schema.get("type"):
        case "string":
            return chance.choice(["word", "🗾 避難\u200d", "שלום\u202e", "", "01HXABC", "a" * 300])
        case "integer":
            return chance.choice([0, 1, 1_781_000_000_000, 2**31])
        case "boolean":
            return chance.random() < 0.5
        case "array":
            count = chance.choice([0, 1, 2])
            return [sample_of(schema["items"], schemas, chance, depth + 1) for _ in range(count)]
    required = set(schema.get("required", ()))
    return {
        name: sample_of(part, schemas, chance, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in required or chance.random() < 0.6
    }


def mutated(value: Any, chance: random.Random) -> Any:
    """Spoil a value here and there."""
    if chance.random() < 0.08:
        return chance.choice([None, "", -1, [], {}, "\x00", 1e300, True, "\ud800"])
    if isinstance(value, dict):
        kept = {k: mutated(v, chance) for k, v in value.items() if chance.random() > 0.05}
        return kept | ({"unknown": {"field": 1}} if chance.random() < 0.2 else {})
    if isinstance(value, list):
        return [mutated(part, chance) for part in value]
    return value


async def test_every_event_of_lines_description_is_taken_also_spoilt(
    make_town: Callable[..., Any], shared_data: Path
) -> None:
    """Events made from ``webhook.yml``, valid and spoilt: all stored, all worked through."""
    schemas = yaml.safe_load((shared_data / "line-openapi" / "webhook.yml").read_text())[
        "components"
    ]["schemas"]
    chance = random.Random(20260529)
    town: Town = await make_town()
    kinds = sorted(schemas["Event"]["discriminator"]["mapping"].items())
    events: list[Any] = []
    for number in range(20):
        for kind, reference in kinds:
            made = sample_of({"$ref": reference}, schemas, chance)
            made |= {"type": kind, "webhookEventId": f"{kind}-{number}", "timestamp": number + 1}
            if chance.random() < 0.8:
                made["source"] = {"type": "user", "userId": f"U{chance.randrange(6):032x}"}
            events.append(mutated(made, chance) if number % 2 else made)
    async with aiohttp.ClientSession() as http:
        caller = Caller(town, http)
        for start in range(0, len(events), 50):
            assert await caller.post(body_of(*events[start : start + 50])) == 200
    await town.settle()
    rows = await town.events()
    assert len(rows) >= len(events) // 2
    acted = [row for row in rows if row.state is not EventState.IGNORED]
    unfinished = [row for row in acted if row.state is EventState.WAITING and not row.attempts]
    assert acted
    assert unfinished == []


def test_a_body_without_events_says_so() -> None:
    with pytest.raises(BadInput):
        read_events(b'{"events": 1}')
