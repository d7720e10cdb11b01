"""The daily count: what was set up is what is counted, each day once, whatever the clock does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlmodel import select

from alerts.chat.models import ChatThread, ThreadState
from app.figures import count_day, count_days
from bot.models import EventState, WebhookEvent
from channels.members import pack
from channels.models import Batch, BatchState, Delivery, DeliveryState, Variant
from city.context import Context
from console.figures.models import DayFigures
from core.clock import JAPAN, ManualClock
from core.database import Database
from core.tallies import DayTally, Tallies
from feeds.models import Notice
from public.asked import note_asked
from reports.models import Report
from reports.states import ReportState
from subscriptions.models import (
    Area,
    Resident,
    ResidentArea,
    ResidentState,
    Subscription,
)
from tests.support.engine import make_notice, small_city

SILVESTER = date(2026, 12, 31)
NEW_YEAR = datetime(2027, 1, 1, 0, 30, tzinfo=JAPAN)


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=JAPAN)


@dataclass
class Desk:
    """The database, and a clock that stands half an hour into the new year."""

    database: Database
    clock: ManualClock
    context: Context
    events: int = 0

    async def store(self, *rows: Any) -> None:
        async with self.database.writing() as session:
            session.add_all(rows)

    async def event(self, kind: str, moment: datetime, content: Any = None, **more: Any) -> None:
        self.events += 1
        values: dict[str, Any] = {
            "event_id": f"event{self.events}",
            "kind": kind,
            "timestamp_ms": int(moment.timestamp() * 1000),
            "payload": json.dumps({"type": kind, **({kind: content} if content else {})}),
            "state": EventState.DONE,
            "received_at": moment,
        }
        await self.store(WebhookEvent(**{**values, **more}))

    async def sent(
        self,
        notice: Notice,
        made: datetime,
        batches: list[tuple[BatchState, list[int], datetime | None]],
        *,
        channel: str = "line",
        first: datetime | None = None,
        absent: list[int] | None = None,
        quiet: bool = False,
    ) -> None:
        """Store a delivery as the sender leaves it behind."""
        async with self.database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = Delivery(
                notice_id=notice.id,
                channel=channel,
                state=DeliveryState.DONE,
                priority=2,
                respects_quiet=quiet,
                created_by="rule:test",
                created_at=made,
                first_sent_at=first,
                last_sent_at=first,
            )
            session.add(delivery)
            await session.flush()
            assert delivery.id is not None
            variant = Variant(delivery_id=delivery.id, language="ja", digest="d", messages=b"[]")
            session.add(variant)
            await session.flush()
            assert variant.id is not None
            for n, (state, members, moment) in enumerate(batches):
                gone = absent if absent and n == 0 else None
                session.add(
                    Batch(
                        delivery_id=delivery.id,
                        variant_id=variant.id,
                        retry_key=f"key{n}",
                        endpoint="multicast",
                        size=len(members),
                        members=pack(members),
                        absent=pack(gone) if gone else None,
                        missing=len(gone) if gone else 0,
                        state=state,
                        first_tried_at=moment,
                        sent_at=moment if state is BatchState.SENT else None,
                    )
                )

    async def figures(self) -> dict[date, DayFigures]:
        async with self.database.reading() as session:
            return {row.day: row for row in await session.scalars(select(DayFigures))}

    async def counts(self, day: date) -> dict[str, dict[str, int]]:
        return (await self.figures())[day].counts


@pytest.fixture
def desk(database: Database) -> Desk:
    clock = ManualClock(NEW_YEAR)
    parts = SimpleNamespace(database=database, clock=clock, city=small_city())
    return Desk(database, clock, cast(Context, parts))


def resident(number: int, language: str = "ja", **more: Any) -> Resident:
    values: dict[str, Any] = {
        "id": number,
        "line_user_id": f"U{number:032x}",
        "language": language,
        "followed_at": at(date(2026, 5, 1), 9),
        "updated_at": at(date(2026, 5, 1), 9),
    }
    return Resident(**{**values, **more})


def gone(number: int, moment: datetime) -> Resident:
    return resident(number, state=ResidentState.LEFT, left_at=moment)


async def test_residents_are_counted_as_they_are_set_up(desk: Desk) -> None:
    await desk.store(Area(code="a", name="A"), Area(code="b", name="B"))
    await desk.store(
        resident(1),
        resident(2, area_list=",a,b,"),
        resident(3, "my", area_list="a"),
        resident(4, "en", line_user_id=None, medium="email", address="x@city.example"),
        resident(5, "en", state=ResidentState.LEFT, left_at=at(SILVESTER, 9), area_list="b"),
    )
    await desk.store(
        *(Subscription(resident_id=number, topic="events") for number in (1, 2, 5)),
        Subscription(resident_id=3, topic="weather", min_level=2),
        *(ResidentArea(resident_id=n, area=a) for n, a in ((2, "a"), (2, "b"), (3, "a"), (5, "b"))),
    )
    await count_days(desk.context)
    counts = await desk.counts(SILVESTER)
    assert counts["state-now"] == {"following": 4, "left": 1}
    assert counts["medium-now"] == {"line": 3, "email": 1}
    assert counts["language-now"] == {"ja": 2, "my": 1, "en": 1}
    assert counts["topic-now"] == {"events": 2, "weather": 1}
    assert counts["area-now"] == {"": 2, "a": 2, "b": 1}


async def test_the_year_ends_at_midnight_in_japan(desk: Desk) -> None:
    """It is 15:00 in Greenwich; what comes a second later belongs to the new year."""
    await desk.event("follow", at(SILVESTER, 0), {"isUnblocked": False})
    await desk.event("follow", at(SILVESTER, 23, 59, 59), {"isUnblocked": True})
    await desk.event("follow", at(date(2027, 1, 1), 0), {"isUnblocked": False})
    await desk.event("follow", at(SILVESTER, 12), {"isUnblocked": False}, state=EventState.IGNORED)
    await desk.event("unfollow", at(SILVESTER, 23, 59, 59))
    await desk.event("unfollow", at(date(2026, 12, 30), 23, 59, 59))
    await count_days(desk.context)
    assert (await desk.counts(SILVESTER))["came"] == {"new": 1, "back": 1}
    assert (await desk.counts(SILVESTER))["left"] == {"blocked": 1}
    assert (await desk.counts(date(2026, 12, 30)))["left"] == {"blocked": 1}
    assert date(2027, 1, 1) not in await desk.figures()


async def test_taps_on_the_menus_are_counted_by_what_they_do(desk: Desk) -> None:
    for data in ("do=shelters", "do=shelters", "do=ask&what=sorting", "do=r-send", "other=1"):
        await desk.event("postback", at(SILVESTER, 8), {"data": data})
    await desk.event("postback", at(SILVESTER, 8), {"data": 7})
    await desk.store(
        WebhookEvent(
            event_id="broken",
            kind="postback",
            timestamp_ms=0,
            payload="{",
            state=EventState.DONE,
            received_at=at(SILVESTER, 8),
        )
    )
    await count_days(desk.context)
    assert (await desk.counts(SILVESTER))["tap"] == {"shelters": 2, "sorting": 1}


async def test_messages_count_on_the_day_they_were_taken(desk: Desk) -> None:
    made, late = at(SILVESTER, 23, 50), at(date(2027, 1, 1), 0, 1)
    now = at(SILVESTER, 23, 50, 2)
    notice = make_notice(now=made)
    await desk.sent(
        notice,
        made,
        [
            (BatchState.SENT, [1, 2, 3, 4], now),
            (BatchState.SENT, [5, 6], late),
            (BatchState.FAILED, [7], now),
            (BatchState.SKIPPED, [8], None),
        ],
        first=now,
        absent=[4],
    )
    await desk.sent(
        make_notice(now=made), made, [(BatchState.SENT, [9], now)], channel="email", first=now
    )
    await count_days(desk.context)
    counts = await desk.counts(SILVESTER)
    assert counts["taken"] == {"line": 3, "email": 1}
    assert counts["failed"] == {"line": 1}
    assert counts["notice"][str(notice.id)] == 3
    # Two seconds from the decision to the first message, for both.
    assert counts["first"] == {"2000": 2}
    desk.clock.step(86_400)
    await count_days(desk.context)
    assert (await desk.counts(date(2027, 1, 1)))["taken"] == {"line": 2}


async def test_who_blocks_does_so_after_the_last_notice_of_a_day(desk: Desk) -> None:
    await desk.store(
        gone(1, at(SILVESTER, 20, 5)),
        gone(2, at(SILVESTER, 20, 5)),
        gone(3, at(SILVESTER, 18, 30)),
        gone(4, at(SILVESTER, 20, 5)),
        gone(5, at(SILVESTER, 20, 5)),
        resident(6),
    )
    early, late = at(SILVESTER, 18), at(SILVESTER, 20)
    before = at(date(2026, 12, 30), 20, 4)
    first, second, old = (make_notice(now=early) for _ in range(3))
    await desk.sent(old, before, [(BatchState.SENT, [5], before)], first=before)
    await desk.sent(first, early, [(BatchState.SENT, [1, 2, 3, 6], early)], first=early)
    await desk.sent(second, late, [(BatchState.SENT, [1, 2, 3], late)], first=late, absent=[2])
    await count_days(desk.context)
    # 1 after the second; 2 was absent there, 3 was gone: after the first; 4 had none, 5's is
    # older than a day.
    assert (await desk.counts(SILVESTER))["left-after"] == {
        str(second.id): 1,
        str(first.id): 2,
        "": 2,
    }


async def test_questions_reports_and_visits_come_from_their_own_counts(desk: Desk) -> None:
    async with desk.database.writing() as session:
        await note_asked(session, {"shelter": 3, "unknown": 2}, at(SILVESTER, 23, 55), bucket=0)
        await note_asked(session, {"shelter": 5}, at(date(2027, 1, 1), 0, 5), bucket=0)
    day = at(SILVESTER, 10)
    base: dict[str, Any] = {
        "category": "pothole",
        "department": "roads",
        "language": "ja",
        "updated_at": day,
    }
    await desk.store(
        Report(number="1", origin="1", created_at=day, accepted_at=day, **base),
        Report(number="2", origin="2", created_at=day, state=ReportState.WITHDRAWN, **base),
        Report(
            number="3",
            origin="3",
            created_at=day - timedelta(days=9),
            ended_at=at(SILVESTER, 23, 59),
            due_on=SILVESTER,
            **base,
        ),
        Report(
            number="4",
            origin="4",
            created_at=day - timedelta(days=9),
            ended_at=day,
            due_on=date(2026, 12, 30),
            **base,
        ),
    )
    async with desk.database.writing() as session:
        session.add(DayTally(day=SILVESTER, name="visit", key="7", number=4))
    await count_days(desk.context)
    counts = await desk.counts(SILVESTER)
    assert counts["asked"] == {"shelter": 3, "unknown": 2}
    assert counts["report"] == {"came": 1, "answered": 1, "ended": 2, "due": 2, "in_time": 1}
    assert counts["visit"] == {"7": 4}


async def test_talks_with_the_desk_are_counted_without_who(desk: Desk) -> None:
    day, next_day = at(SILVESTER, 23, 59), at(date(2027, 1, 1), 0)
    base: dict[str, Any] = {"language": "ja", "state": ThreadState.CLOSED, "last_at": day}
    await desk.store(resident(1), resident(2))
    await desk.store(
        ChatThread(resident_id=1, opened_at=day, answered_at=day, closed_at=next_day, **base),
        ChatThread(resident_id=2, opened_at=day - timedelta(days=1), closed_at=day, **base),
    )
    await count_days(desk.context)
    assert (await desk.counts(SILVESTER))["chat"] == {"opened": 1, "answered": 1, "closed": 1}


async def test_missed_days_are_counted_later_without_who_followed_then(desk: Desk) -> None:
    await desk.store(resident(1))
    await count_days(desk.context)
    desk.clock.step(3 * 86_400)
    await desk.event("unfollow", at(date(2027, 1, 2), 12))
    missed = await count_days(desk.context)
    assert missed == [date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)]
    counts = {day: row.counts for day, row in (await desk.figures()).items()}
    assert counts[date(2027, 1, 2)]["left"] == {"blocked": 1}
    assert "state-now" not in counts[date(2027, 1, 1)]
    assert counts[date(2027, 1, 3)]["state-now"] == {"following": 1}
    assert await count_days(desk.context) == []


async def test_a_day_counted_again_is_the_same_and_keeps_what_only_that_night_knew(
    desk: Desk,
) -> None:
    await desk.store(resident(1))
    await desk.event("unfollow", at(SILVESTER, 12))
    await count_days(desk.context)
    before = await desk.counts(SILVESTER)
    await desk.store(resident(2))
    await count_day(desk.database, desk.clock, SILVESTER)
    assert await desk.counts(SILVESTER) == before


async def test_days_that_a_wrong_clock_counted_are_counted_when_they_are_over(desk: Desk) -> None:
    await count_days(desk.context)
    desk.clock.step(40 * 86_400)
    await count_days(desk.context)
    desk.clock.step(-40 * 86_400)
    await count_days(desk.context)
    assert max(await desk.figures()) == SILVESTER
    await desk.event("unfollow", at(date(2027, 1, 1), 12))
    desk.clock.step(86_400)
    assert await count_days(desk.context) == [date(2027, 1, 1)]
    assert (await desk.counts(date(2027, 1, 1)))["left"] == {"blocked": 1}


async def test_a_day_is_not_counted_before_its_last_minutes_are_written(desk: Desk) -> None:
    desk.clock.step(-25 * 60)  # 00:05
    await count_days(desk.context)
    assert max(await desk.figures()) == date(2026, 12, 30)


async def test_tallies_of_several_processes_are_added(desk: Desk) -> None:
    one, other = Tallies(desk.database, desk.clock), Tallies(desk.database, desk.clock)
    one.add("visit", "7")
    one.add("visit", "7")
    other.add("visit", "7", 3)
    other.add("webhook", "20")
    await one.stop()
    await other.stop()
    desk.clock.step(86_400)
    await count_days(desk.context)
    counts = await desk.counts(date(2027, 1, 1))
    assert (counts["visit"], counts["webhook"]) == ({"7": 5}, {"20": 1})
