"""Staff who wish it are told once that a warning is held; nobody is told of what is decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import col, select

from city.city import Decision
from console.held_words import held_words
from core.database import Database
from core.work import NoWorkers
from feeds.models import Notice, Status
from response import held_alarms
from response.held_alarms import tell_staff
from response.models import StaffMember, StaffMessage, StaffMessageState

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
WORDS = partial(held_words, "https://city.example")


def held(name: str, **values: Any) -> Notice:
    made: dict[str, Any] = {
        "identity": name,
        "topic": "weather",
        "hazard": "landslide",
        "status": Status.RAISED,
        "level": 4,
        "urgency": 4,
        "drill": False,
        "reported_at": NOW,
        "expires_at": NOW + timedelta(hours=12),
        "texts": {"ja": {"title": "土砂災害危険警報", "text": "…"}},
        "decision": Decision.HOLD,
        "decided_by": "rule:desk#1",
        "created_at": NOW,
        **values,
    }
    return Notice(**made)


async def messages(database: Database) -> list[StaffMessage]:
    async with database.reading() as session:
        return list(await session.scalars(select(StaffMessage).order_by(col(StaffMessage.id))))


async def test_who_wishes_it_is_told_once_and_no_more_when_it_is_decided(
    database: Database,
) -> None:
    async with database.writing() as session:
        wishing = StaffMember(
            name="一", department="road", mail="one@city.example", added_at=NOW, changed_at=NOW
        )
        other = StaffMember(
            name="二", department="road", mail="two@city.example", added_at=NOW, changed_at=NOW
        )
        session.add_all([wishing, other])
        session.add(held("warning"))
        session.add(held("news", level=0, urgency=0, decided_by="rule:default"))
        session.add(held("drill", drill=True))
        await session.flush()
        assert wishing.id is not None
        await held_alarms.wish(session, wishing.id, NOW, told=True)
        await held_alarms.wish(session, wishing.id, NOW, told=True)
    assert await tell_staff(database, NoWorkers(), NOW, WORDS) == 1
    assert await tell_staff(database, NoWorkers(), NOW, WORDS) == 0
    [told] = await messages(database)
    assert (told.address, told.about, told.drill) == ("one@city.example", "notice:1", False)
    assert "土砂災害危険警報" in told.content["title"]
    assert told.content["url"] == "https://city.example/console/held/1"

    async with database.writing() as session:
        notice = await session.get_one(Notice, 1, with_for_update=True)
        notice.decision = Decision.SEND
        session.add(notice)
    await tell_staff(database, NoWorkers(), NOW, WORDS)
    [told] = await messages(database)
    assert told.state is StaffMessageState.STOPPED

    async with database.writing() as session:
        await held_alarms.wish(session, 1, NOW, told=False)
        session.add(held("next"))
    assert await tell_staff(database, NoWorkers(), NOW, WORDS) == 0
