"""After a restore nobody gets anything twice, and no news is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from app import sent_mark
from app.backup import backup, restore
from app.schema import upgrade_now
from bot.messages import text
from bot.models import EventState, WebhookEvent
from channels import digest, dispatch, restored
from channels.line.medium import LINE
from channels.models import Delivery, DeliveryKind, DeliveryState
from city.city import Decision, SourceConfig
from core.clock import ManualClock, in_japan
from core.database import Database
from core.reason import Reason
from core.restored import RESTORED, RULE, held_until
from feeds.articles import sort_out, store_reading
from feeds.digest import SETTLING, due_digests, next_digests
from feeds.models import Notice, Source
from feeds.notices import submit_notice
from feeds.rss import Article
from tests.support.engine import EngineWorld, add_residents, engine_world, make_notice, user_id

N = 302
HOUR = timedelta(hours=1)


@pytest.fixture
async def migrated(database_url: str) -> AsyncIterator[Database]:
    """A database at the newest revision, as a backup needs it, on each engine."""
    await asyncio.to_thread(upgrade_now, database_url)
    database = Database(database_url)
    yield database
    await database.close()


async def from_source(home: EngineWorld, **changes: object) -> Notice:
    """A notice of a source, submitted as the poller does."""

    async def publish(session: object, notice: Notice) -> None:
        await dispatch.deliver(
            session,  # type: ignore[arg-type]
            home.queue,
            notice,
            home.city,
            home.clock.now(),
            created_by=notice.decided_by,
            medium=LINE,
        )

    async with home.database.writing() as session:
        if await session.get(Source, "city-news") is None:
            session.add(Source(code="city-news", kind="rss"))
            await session.flush()
        notice = make_notice("events", level=0, source="city-news", **changes)  # type: ignore[arg-type]
        stored, _ = await submit_notice(session, notice, publish)
        return stored


def article(number: int, published: datetime | None) -> Article:
    page = f"https://city.example/{number}"
    return Article(
        identity=page,
        title=f"催し {number}",
        summary=f"第{number}回の市民祭りです。",
        link=page,
        published_at=published,
    )


async def read(home: EngineWorld, *listed: Article) -> list[Notice]:
    """The notices of a reading of the city's feed, which was read before."""

    async def publish(session: AsyncSession, notice: Notice) -> None:
        now = home.clock.now()
        await dispatch.deliver(
            session, home.queue, notice, home.city, now, created_by="rule:test", medium=LINE
        )

    source = SourceConfig(
        code="city-news",
        kind="rss",
        names={"ja": "市のお知らせ"},
        url="https://city.example/feed",
        topic="events",
        decision=Decision.SEND,
    )
    now = home.clock.now()
    async with home.database.writing() as session:
        row = await session.get(Source, source.code)
        if row is None:
            row = Source(code=source.code, kind=source.kind, initialised_at=now)
            session.add(row)
            await session.flush()
        sorted_out = await sort_out(session, source, home.city, listed)
        taken = await store_reading(
            session, source, home.city, sorted_out, now, publish, first_poll=False
        )
        row.last_succeeded_at = home.clock.now()
        return taken.notices


async def states(database: Database) -> list[tuple[DeliveryState, Reason | None]]:
    async with database.reading() as session:
        rows = await session.scalars(select(Delivery).order_by(col(Delivery.id)))
        return [(row.state, row.reason) for row in rows]


@pytest.mark.slow
async def test_nobody_gets_an_article_twice_and_a_new_warning_goes_at_once(
    migrated: Database, tmp_path: Path
) -> None:
    """Backup, article to all, restore, start: the whole way, with the feed read again."""
    database, media = migrated, tmp_path / "media"
    async with engine_world(database, media_dir=media) as home:
        await add_residents(database, 1, N)
        file = tmp_path / "backup"
        await asyncio.to_thread(backup, home.settings, file)
        start = home.clock.now()
        article = {"now": start, "identity": "city-news:1", "reported_at": start}
        await from_source(home, **article)
        await home.ended(1)
        assert home.simulator.ledger.counts_by_times() == {1: N}

        await asyncio.to_thread(restore, home.settings, file, force=True)
        assert await states(database) == []
        again = await from_source(home, **article)
        assert (again.decision, again.decided_by) == (Decision.HOLD, RULE)
        assert await states(database) == []
        # It is shown to staff until they have seen it.
        async with database.writing() as session:
            waits = await restored.held(session)
            assert waits is not None
            assert waits.is_open
            assert [notice.id for notice in waits.notices] == [again.id]
            await restored.note_seen(session, "sato@example.jp", home.clock.now())
            assert not (await restored.held(session)).is_open  # type: ignore[union-attr]

        # News from after the restore could not have been told before.
        later = home.clock.now()
        new = await from_source(home, now=later, reported_at=later)
        assert new.decision is Decision.SEND
        alert = await home.send(make_notice(level=5, now=home.clock.now()))
        assert (await home.ended(alert)).sent == N
        assert (await home.ended(alert - 1)).sent == N
        assert home.simulator.ledger.counts_by_times() == {3: N}


@pytest.mark.parametrize("date", [None, timedelta(days=1)], ids=["undated", "of tomorrow"])
async def test_an_article_without_a_date_of_its_own_is_not_told_twice(
    migrated: Database, tmp_path: Path, date: timedelta | None
) -> None:
    """It counts as of now whenever it is read, so the date cannot say that it is old."""
    database, media = migrated, tmp_path / "media"
    async with engine_world(database, media_dir=media) as home:
        await add_residents(database, 1, N)
        published = None if date is None else home.clock.now() + date
        await read(home, article(1, published))
        await home.ended(1)
        file = tmp_path / "backup"
        await asyncio.to_thread(backup, home.settings, file)
        (told,) = await read(home, article(2, published))
        assert told.decision is Decision.SEND
        await home.ended(2)
        assert home.simulator.ledger.counts_by_times() == {2: N}

        await asyncio.to_thread(restore, home.settings, file, force=True)
        (again,) = await read(home, article(2, published))
        assert (again.decision, again.decided_by) == (Decision.HOLD, RULE)
        # Nobody has looked yet.
        (held,) = await read(home, article(3, published))
        assert (held.decision, held.decided_by) == (Decision.HOLD, RULE)
        async with database.writing() as session:
            await restored.note_seen(session, "sato@example.jp", home.clock.now())
        (new,) = await read(home, article(4, published))
        assert new.decision is Decision.SEND
        await home.ended(2)
        assert home.simulator.ledger.counts_by_times() == {3: N}


async def test_the_first_reading_after_a_restore_is_held_also_when_all_was_seen(
    migrated: Database, tmp_path: Path
) -> None:
    """Somebody says that they have seen it before the source was read again."""
    async with engine_world(migrated, media_dir=tmp_path / "media", running=False) as home:
        await read(home, article(1, None))
        async with migrated.writing() as session:
            await restored.hold_back(session, home.clock.now(), home.clock.now())
            await restored.note_seen(session, "sato@example.jp", home.clock.now())
        (held,) = await read(home, article(2, None))
        (new,) = await read(home, article(3, None))
        assert (held.decision, new.decision) == (Decision.HOLD, Decision.SEND)


@pytest.mark.parametrize("send", [True, False], ids=["go on", "stop"])
async def test_what_was_under_way_waits_for_a_person(
    migrated: Database, tmp_path: Path, send: bool
) -> None:
    database, media = migrated, tmp_path / "media"
    async with engine_world(database, media_dir=media, running=False) as home:
        await add_residents(database, 1, N)
        await home.send(make_notice("events", level=0, now=home.clock.now()))
        await home.send(make_notice(level=5, now=home.clock.now()))
        file = tmp_path / "backup"
        await asyncio.to_thread(backup, home.settings, file)
        await asyncio.to_thread(restore, home.settings, file, force=True)
    async with engine_world(database, media_dir=media) as home:
        assert await states(database) == [(DeliveryState.PAUSED, RESTORED)] * 2
        await home.engine.recover()
        await home.engine.look()
        await home.queue.drained()
        assert home.simulator.ledger.counts_by_times() == {}
        async with database.writing() as session:
            now = home.clock.now()
            done = await restored.release(
                session, home.queue, DeliveryKind.NOTICE, "sato@example.jp", now, send=send
            )
            assert done == 2
        await home.ended(1)
        await home.ended(2)
        assert home.simulator.ledger.counts_by_times() == ({2: N} if send else {})


async def test_a_database_put_back_by_other_means_is_known_by_the_mark(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with engine_world(database, clock=clock, running=False) as home:
        await add_residents(database, 1, 2)
        await home.send(make_notice(level=5, now=clock.now()))
        assert not await sent_mark.begin(database, tmp_path, clock)
        # Another delivery was made and sent; then the earlier database is put back.
        alive = clock.now() + timedelta(minutes=5)
        sent_mark.write_mark(tmp_path, sent_mark.SentMark(2, alive))
        await clock.advance(1800)
        assert await sent_mark.begin(database, tmp_path, clock)
        assert await states(database) == [(DeliveryState.PAUSED, RESTORED)]
        # The service was dead from then on: a later warning was never told.
        old = await from_source(home, now=clock.now(), reported_at=alive)
        new = await from_source(home, now=clock.now(), reported_at=alive + timedelta(seconds=1))
        assert (old.decision, new.decision) == (Decision.HOLD, Decision.SEND)
        # The next start finds nothing new.
        assert not await sent_mark.begin(database, tmp_path, clock)


@pytest.mark.parametrize("forget", [False, True], ids=["kept", "to be forgotten"])
async def test_an_answer_that_may_have_been_read_is_not_pushed_again(
    database: Database, tmp_path: Path, forget: bool
) -> None:
    """The reply token has run out since the backup, and the push has a key LINE knows no more."""
    async with engine_world(database, running=False) as home:
        now = home.clock.now()
        events = [
            WebhookEvent(
                event_id=state.value,
                kind="message",
                line_user_id=user_id(1),
                timestamp_ms=1,
                payload='{"said": "たすけて"}',
                state=state,
                answer=[text("受け付けました")] if state is EventState.ANSWERING else None,
                answer_matters=state is EventState.ANSWERING,
                forget=forget,
                received_at=now,
            )
            for state in (EventState.ANSWERING, EventState.WAITING)
        ]
        async with database.writing() as session:
            session.add_all(events)
        sent_mark.write_mark(tmp_path, sent_mark.SentMark(1, now))
        assert await sent_mark.begin(database, tmp_path, home.clock)
        async with database.reading() as session:
            rows = await session.scalars(select(WebhookEvent).order_by(col(WebhookEvent.id)))
            answering, waiting = rows
        assert (answering.state, answering.answer) == (EventState.DONE, None)
        assert answering.error == str(RESTORED)
        # A resident who asked for erasure is erased.
        assert (answering.line_user_id is None, answering.payload == "{}") == (forget, forget)
        # An unprocessed event is processed: the restored state does not know it.
        assert waiting.state is EventState.WAITING


async def test_a_restore_by_a_clock_that_is_behind_holds_what_the_mark_knows_of(
    migrated: Database, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    async with engine_world(migrated, media_dir=media, running=False) as home:
        file, now = tmp_path / "backup", home.clock.now()
        await asyncio.to_thread(backup, home.settings, file)
        sent_mark.write_mark(media, sent_mark.SentMark(1, now))
        behind = ManualClock(now - timedelta(days=1))
        await asyncio.to_thread(restore, home.settings, file, force=True, clock=behind)
        async with migrated.reading() as session:
            assert await held_until(session) == now


async def test_a_digest_from_before_a_restore_is_not_made_again(
    database: Database, clock: ManualClock
) -> None:
    """Even if somebody has seen what is held: then only the next one comes."""
    async with engine_world(database, clock=clock, running=False) as home:
        now = clock.now().replace(minute=30)
        early = now - timedelta(hours=3)
        async with database.writing() as session:
            session.add(make_notice("events", level=0, now=early, decision=Decision.DIGEST))
            await session.flush()
            assert await due_digests(session, home.city, now)
            await restored.hold_back(session, now, now)
            await restored.note_seen(session, "sato@example.jp", now)
            assert await due_digests(session, home.city, now) == []
            (due,) = await due_digests(session, home.city, now + timedelta(hours=1))
            assert due.slot_at > now


@pytest.mark.parametrize(
    ("published", "restored_at", "decision"),
    [
        # The day of the restore says nothing of the hour; the source was read since.
        ("2026-06-15T00:00+09:00", "2026-06-15T12:00+09:00", Decision.SEND),
        ("2026-06-15T00:00+00:00", "2026-06-15T12:00+09:00", Decision.SEND),
        # With an hour, and the day before, it was there by then.
        ("2026-06-15T11:59+09:00", "2026-06-15T12:00+09:00", Decision.HOLD),
        ("2026-06-14T00:00+09:00", "2026-06-15T12:00+09:00", Decision.HOLD),
    ],
)
async def test_an_article_dated_only_by_the_day_is_not_held_for_ever(
    database: Database, clock: ManualClock, published: str, restored_at: str, decision: Decision
) -> None:
    until = datetime.fromisoformat(restored_at)
    async with engine_world(database, clock=clock, running=False) as home:
        async with database.writing() as session:
            await restored.hold_back(session, until, until)
        (first,) = await read(home, article(1, datetime.fromisoformat(published)))
        # It may have been told: nobody has read the source since.
        assert (first.decision, first.decided_by) == (Decision.HOLD, RULE)
        await clock.advance(60)
        async with database.writing() as session:
            await restored.note_seen(session, "sato@example.jp", clock.now())
            (await session.get_one(Source, "city-news")).last_succeeded_at = clock.now()
        (second,) = await read(home, article(2, datetime.fromisoformat(published)))
        assert second.decision is decision


async def test_the_first_digest_after_a_restore_repeats_nothing(
    database: Database, clock: ManualClock
) -> None:
    """Yesterday's digest went out after the backup; the database knows nothing of it."""
    async with engine_world(database, clock=clock, running=False) as home:
        hour = in_japan(clock.now()).replace(
            hour=home.city.digest_hour, minute=0, second=0, microsecond=0
        )
        yesterday, today = hour - timedelta(days=1), hour
        told = make_notice("events", level=0, now=yesterday - HOUR, decision=Decision.DIGEST)
        new = make_notice("events", level=0, now=yesterday + HOUR, decision=Decision.DIGEST)
        await add_residents(database, 1, 3)
        async with database.writing() as session:
            session.add_all((told, new))
            await restored.hold_back(session, yesterday + 2 * HOUR, yesterday + 2 * HOUR)
            await restored.note_seen(session, "sato@example.jp", today.astimezone(UTC))
            (slot,) = [
                each
                for each in await due_digests(session, home.city, today + 2 * SETTLING)
                if each.slot_at == today
            ]
            for until, expected in (
                (yesterday + 2 * HOUR, {new.id}),
                # Yesterday's had not come yet: it would have gone out today at the latest.
                (yesterday - 2 * HOUR, {told.id, new.id}),
                (None, {told.id, new.id}),
            ):
                had = await digest._had(session, slot, until, ["line"])
                found, _ = await next_digests(session, home.city, slot, had)
                assert {notice.id for each in found for notice in each.notices} == expected
