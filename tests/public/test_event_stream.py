"""Server-Sent Events: what is new arrives, what was missed is made up for, and nobody hogs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import event as sql_event
from sqlmodel import col, update

from city.city import Decision
from feeds.models import Notice, Status
from public import event_stream, event_watch
from public.event_watch import EventWatch
from tests.support.notices import a_notice
from tests.support.office import Office

Event = tuple[str, int, dict[str, Any]]


class Stream:
    """Reads events by the rules of WHATWG HTML 9.2.6, as a browser's EventSource does."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.comments = 0

    async def next(self) -> Event | None:
        fields: dict[str, str] = {}
        while True:
            async with asyncio.timeout(10):
                line = (await self.answer.content.readline()).decode()
            if not line:
                return None
            name, _, value = line.rstrip("\n").partition(":")
            if not line.strip():
                if "data" in fields:
                    return fields["event"], int(fields["id"]), json.loads(fields["data"])
                fields = {}
            elif not name:
                self.comments += 1
            else:
                fields[name] = value.removeprefix(" ")


@asynccontextmanager
async def listening(office: Office, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    async with (
        aiohttp.ClientSession(read_bufsize=2**20) as http,
        http.get(f"{office.url}/feeds/events{query}", headers=headers) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        yield Stream(answer)


async def test_new_corrected_and_ended_notices_arrive(office: Office) -> None:
    here, there = ([district.code] for district in office.context.city.districts[:2])
    now = office.clock.now()
    await office.store(a_notice(now, "before", areas=here))
    async with listening(office, "?lang=en") as stream:
        name, number, data = await stream.next() or ("", 0, {})
        assert (name, number, [one["number"] for one in data["notices"]]) == ("in-force", 1, [1])
        await office.store(a_notice(now, "drill", drill=True), a_notice(now, "order", level=4))
        name, number, data = await stream.next() or ("", 0, {})
        assert (name, number, data["title"], data["level"]) == ("new", 3, "order title", 4)
        assert data["cap"].endswith("/feeds/cap/3.xml")
        name, _, data = await stream.next() or ("", 0, {})
        assert (name, [one["number"] for one in data["notices"]]) == ("in-force", [3, 1])
        corrected = {"status": Status.CORRECTED, "replaces_id": 3, "areas": there}
        await office.store(a_notice(now, "right", level=4, **corrected))
        name, _, data = await stream.next() or ("", 0, {})
        assert (name, data["replaces"]) == ("corrected", "tag:127.0.0.1,2026:notice/3")
        await stream.next()
        await office.store(a_notice(now, "end", status=Status.LIFTED, replaces_id=4, level=0))
        name, _, data = await stream.next() or ("", 0, {})
        assert (name, data["status"], data["title"]) == ("ended", "lifted", "end title")
        await stream.next()
        # The first one ends by the clock; no notice says so.
        office.clock.ahead += timedelta(hours=50)
        name, _, data = await stream.next() or ("", 0, {})
        assert (name, data["number"]) == ("ended", 1)
        name, _, data = await stream.next() or ("", 0, {})
        assert (name, data["notices"]) == ("in-force", [])


async def test_what_staff_release_late_is_new_though_its_number_is_old(office: Office) -> None:
    now = office.clock.now()
    news: dict[str, Any] = {"level": 0, "topic": "events", "status": Status.NONE}
    await office.store(a_notice(now, "held", decision=Decision.HOLD, **news))
    await office.store(a_notice(now, "sent", **news))
    async with listening(office) as stream:
        await stream.next()
        async with office.database.writing() as session:
            release = update(Notice).where(col(Notice.id) == 1).values(decision=Decision.PUBLISH)
            await session.execute(release)
        name, number, data = await stream.next() or ("", 0, {})
        # The id does not go back, so that nothing is told again to whoever resumes.
        assert (name, number, data["number"]) == ("new", 2, 1)


async def test_whoever_comes_back_gets_what_they_missed(office: Office) -> None:
    here, there = ([district.code] for district in office.context.city.districts[:2])
    now = office.clock.now()
    news: dict[str, Any] = {"level": 0, "topic": "events", "status": Status.NONE}
    await office.store(*(a_notice(now, f"n{n}", areas=here, **news) for n in range(1, 4)))
    await office.store(a_notice(now, "n4", areas=there, **news), a_notice(now, "n5", **news))
    for query, headers in (
        ("?once=1", {"Last-Event-ID": "2"}),
        ("?once=1&after=2", {}),
        (f"?once=1&area={here[0]}", {"Last-Event-ID": "2"}),
    ):
        async with listening(office, query, **headers) as stream:
            got = [await stream.next() for _ in range(5)]
        ids = [one[1] for one in got if one is not None]
        # The last is what is in force, then the stream ends.
        assert ids == ([3, 5, 5] if "area" in query else [3, 4, 5, 5])
    for wrong in ("-1", "x", "９", "1" * 40, "2\x00"[:1] + " "):
        async with listening(office, "?once=1", **{"Last-Event-ID": wrong}) as stream:
            assert (await stream.next() or ("",))[0] in ("in-force", "new")


async def test_many_listeners_are_one_look_at_the_database(office: Office) -> None:
    watch = EventWatch(office.context)
    asked = 0
    engine = office.database.engine.sync_engine

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    joined = [await watch.join(f"192.0.2.{n}", None) for n in range(100)]
    sql_event.listen(engine, "before_cursor_execute", count)
    try:
        await watch.look()
        alone = asked
        await watch.look()
    finally:
        sql_event.remove(engine, "before_cursor_execute", count)
    assert 0 < asked - alone <= 12
    await office.store(a_notice(office.clock.now(), "one"))
    await watch.look()
    assert all(listener.waiting.qsize() == 2 for listener, _ in joined)
    for listener, _ in joined:
        watch.leave(listener)
    assert watch.listeners == 0


async def test_too_many_are_told_to_come_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_watch, "MOST_OF_ONE_ADDRESS", 2)
    async with listening(office) as one, listening(office):
        await one.next()
        page = await (await office.browser()).get("/feeds/events")
        assert (page.status, page.headers["Retry-After"]) == (503, "60")
    async with asyncio.timeout(5):
        while office.app.state.events.listeners:
            await asyncio.sleep(0.01)
    monkeypatch.setattr(event_watch, "MOST_LISTENERS", 0)
    assert (await (await office.browser()).get("/feeds/events")).status == 503
    assert (await (await office.browser()).get("/feeds/events?topic=x")).status == 404


async def test_one_who_is_too_slow_is_cut_off_and_comes_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_watch, "MOST_WAITING", 3)
    watch = EventWatch(office.context)
    listener, _ = await watch.join("192.0.2.1", None)
    now = office.clock.now()
    news: dict[str, Any] = {"level": 0, "topic": "events", "status": Status.NONE}
    await office.store(*(a_notice(now, f"n{n}", **news) for n in range(10)))
    await watch.look()
    got = [listener.waiting.get_nowait() for _ in range(listener.waiting.qsize())]
    assert len(got) == 4
    assert got[-1] is None
    watch.leave(listener)


async def test_a_connection_is_kept_alive_and_ends_with_the_service(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.01)
    async with listening(office) as stream:
        await stream.next()
        while stream.comments < 2:
            line = (await stream.answer.content.readline()).decode()
            stream.comments += line.startswith(":")
        office.app.state.events.close()
        while await stream.next() is not None:
            pass
    assert (await (await office.browser()).get("/feeds/events")).status == 503
