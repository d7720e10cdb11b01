"""The digest reaches everybody it concerns at their hour, once, through a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from city.city import Decision
from core.clock import ManualClock
from core.database import Database
from feeds.digest import Digest, Had, due_digests, next_digests, note_digested
from feeds.models import Notice, Status
from subscriptions.models import Area, Resident, ResidentArea, ResidentState, Subscription
from tests.support.feed_world import a_city

CITY = a_city(digest_hour=18)
EVENING = datetime(2026, 6, 15, 9, 10, tzinfo=UTC)
"""18:10 in Japan."""


def notice(name: str, at: datetime, **values: object) -> Notice:
    return Notice.model_validate(
        {
            "identity": name,
            "topic": "events",
            "status": Status.ISSUED,
            "areas": [],
            "drill": False,
            "reported_at": at,
            "texts": {},
            "decision": Decision.DIGEST,
            "decided_by": "rule:x",
            "created_at": at,
            **values,
        }
    )


@pytest.fixture
async def ids(database: Database) -> dict[str, int]:
    """Residents with choices of their own, and what was collected for them today."""
    found: dict[str, int] = {}
    async with database.writing() as session:
        session.add_all([Area(code="oho", name="大穂"), Area(code="toyosato", name="豊里")])
        await session.flush()
        people: tuple[tuple[str, dict[str, object], dict[str, int], str | None], ...] = (
            ("everything", {}, {"events": 0, "childcare": 0}, None),
            ("in oho", {}, {"events": 0}, "oho"),
            ("in toyosato", {}, {"events": 0}, "toyosato"),
            ("other topics", {}, {"weather": 0}, None),
            ("in the morning", {"digest_hour": 8}, {"events": 0}, None),
            ("left", {"state": ResidentState.LEFT}, {"events": 0}, None),
        )
        for number, (name, values, topics, area) in enumerate(people):
            resident = Resident(
                line_user_id=f"U{number:032x}",
                language="ja",
                followed_at=EVENING,
                updated_at=EVENING,
                **values,  # type: ignore[arg-type]
            )
            session.add(resident)
            await session.flush()
            assert resident.id is not None
            found[name] = resident.id
            for topic, level in topics.items():
                session.add(Subscription(topic=topic, resident_id=resident.id, min_level=level))
            if area is not None:
                session.add(ResidentArea(area=area, resident_id=resident.id))
        await session.flush()
        noon = EVENING - timedelta(hours=6)
        session.add_all(
            [
                notice("market", noon),
                notice("nursery", noon, topic="childcare"),
                notice("oho", noon, areas=["oho"]),
                notice("yesterday's", EVENING - timedelta(days=2)),
                notice("last week's", EVENING - timedelta(days=4)),
                notice("expired", noon, expires_at=EVENING - timedelta(minutes=1)),
                notice("drill", noon, drill=True),
                notice("sent", noon, decision=Decision.SEND),
                notice("just now", EVENING - timedelta(minutes=1)),
            ]
        )
        first = notice("wrong date", noon)
        session.add(first)
        await session.flush()
        session.add(notice("right date", noon, replaces_id=first.id))
    return found


def nothing_yet(resident: int) -> datetime | None:
    return None


async def collect(
    database: Database, now: datetime, *, page: int = 500, had: Had = nothing_yet
) -> list[Digest]:
    """Hand out everything that is due, as the scheduler does."""
    handed: list[Digest] = []
    async with database.reading() as session:
        slots = await due_digests(session, CITY, now)
    for slot in slots:
        while True:
            async with database.writing() as session:
                digests, through = await next_digests(session, CITY, slot, had, page=page)
                handed += digests
                slot = await note_digested(session, slot, through, now)
            if through is None:
                break
    return handed


async def test_each_resident_gets_what_concerns_them_once(
    database: Database, clock: ManualClock, ids: dict[str, int]
) -> None:
    handed = await collect(database, EVENING)
    by_resident = {d.resident_id: [n.identity for n in d.notices] for d in handed}
    assert by_resident == {
        ids["everything"]: ["market", "nursery", "oho", "yesterday's", "right date"],
        ids["in oho"]: ["market", "oho", "yesterday's", "right date"],
        ids["in toyosato"]: ["market", "yesterday's", "right date"],
    }
    assert await collect(database, EVENING + timedelta(minutes=30)) == []


async def test_a_crash_between_two_pages_neither_skips_nor_repeats(
    database: Database, ids: dict[str, int]
) -> None:
    async with database.reading() as session:
        [slot] = [s for s in await due_digests(session, CITY, EVENING) if s.hour == 18]
    async with database.writing() as session:
        first, through = await next_digests(session, CITY, slot, nothing_yet, page=2)
        await note_digested(session, slot, through, EVENING)
    with pytest.raises(RuntimeError):
        async with database.writing() as session:
            [slot] = [s for s in await due_digests(session, CITY, EVENING) if s.hour == 18]
            _, through = await next_digests(session, CITY, slot, nothing_yet, page=2)
            await note_digested(session, slot, through, EVENING)
            raise RuntimeError("the power went")
    rest = await collect(database, EVENING + timedelta(hours=1), page=2)
    residents = [d.resident_id for d in (*first, *rest)]
    assert sorted(residents) == [ids["everything"], ids["in oho"], ids["in toyosato"]]


async def test_everybody_has_their_own_hour(database: Database, ids: dict[str, int]) -> None:
    morning = datetime(2026, 6, 15, 23, 5, tzinfo=UTC)
    handed = await collect(database, morning)
    assert [d.resident_id for d in handed] == [ids["in the morning"]]


async def test_a_digest_hours_late_is_left_out(database: Database, ids: dict[str, int]) -> None:
    assert await collect(database, EVENING + timedelta(hours=4)) == []


async def test_a_digest_begins_where_the_last_one_ended(
    database: Database, ids: dict[str, int]
) -> None:
    def had(resident: int) -> datetime | None:
        hours = {ids["everything"]: 3, ids["in oho"]: 30}
        before = hours.get(resident)
        return EVENING - timedelta(hours=before) if before else None

    async with database.writing() as session:
        for hours in (2, 26, 40, 80):
            session.add(notice(f"{hours} hours ago", EVENING - timedelta(hours=hours)))
    handed = await collect(database, EVENING, had=had)
    by_resident = {d.resident_id: {n.identity for n in d.notices} for d in handed}
    assert by_resident[ids["everything"]] == {"2 hours ago"}
    assert by_resident[ids["in oho"]] == {
        *("market", "oho", "right date", "2 hours ago", "26 hours ago")
    }
    # Whoever had none lately gets what may still be of use.
    assert by_resident[ids["in toyosato"]] == {
        *("market", "right date", "2 hours ago", "26 hours ago", "40 hours ago", "yesterday's")
    }


async def test_what_is_just_being_stored_at_the_hour_is_waited_for(
    database: Database, ids: dict[str, int]
) -> None:
    six = EVENING.replace(minute=0)
    assert await collect(database, six + timedelta(seconds=30)) == []
    async with database.writing() as session:
        session.add(notice("last minute", six - timedelta(seconds=1)))
    handed = await collect(database, six + timedelta(minutes=1))
    assert all("last minute" in {n.identity for n in d.notices} for d in handed)
