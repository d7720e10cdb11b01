"""A person's decision on a notice that policy held back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import select

from alerts import drafts
from alerts.held_notices import decide
from alerts.release import Approval, Seen, release
from alerts.warnings import codes_of, warnings
from channels.models import Delivery
from city.city import City, Decision
from core.audit import AuditEntry
from core.database import Database
from core.errors import Refusal
from core.work import NoWorkers
from feeds.held import held_items
from feeds.lists import count_held
from feeds.models import Notice, Status
from tests.support.alerts import AUTHOR, BY_LINE, WHY, sent, stored
from tests.support.engine import add_residents, make_notice


async def held(database: Database, now: datetime, **changes: Any) -> int:
    async with database.writing() as session:
        notice = make_notice(now=now, decision=Decision.HOLD, decided_by="rule:flood", **changes)
        session.add(notice)
        await session.flush()
        return notice.id or 0


async def decided(
    database: Database,
    city: City,
    notice_id: int,
    now: datetime,
    decision: Decision = Decision.SEND,
    *,
    typed: int | None = None,
    reason: str = "",
) -> int | None:
    async with database.writing() as session:
        return await decide(
            session,
            NoWorkers(),
            city,
            BY_LINE,
            notice_id,
            decision,
            typed=typed,
            reason=reason,
            actor=AUTHOR,
            now=now,
        )


async def test_what_is_sent_has_a_name_a_number_and_a_reason(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25, languages=("ja",))
    notice = await held(database, now)
    for typed, reason in ((None, WHY), (3, WHY), (25, ""), (25, "At night.")):
        with pytest.raises(Refusal):
            await decided(database, city, notice, now, typed=typed, reason=reason)
    delivery = await decided(database, city, notice, now, typed=25, reason=WHY)
    async with database.reading() as session:
        assert await session.get_one(Delivery, delivery)
        [entry] = await session.scalars(select(AuditEntry))
        row = await session.get_one(Notice, notice)
    assert (row.decision, row.decided_by) == (Decision.SEND, AUTHOR)
    assert (entry.action, entry.detail["recipients"], entry.detail["reason"]) == (
        "notice.sent",
        25,
        WHY,
    )
    with pytest.raises(Refusal, match=AUTHOR):
        await decided(database, city, notice, now, Decision.DROP)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drill": True}, "another office's drill"),
        ({"topic": "gone"}, "no topic gone any more"),
        ({"level": 0}, "needs a level"),
    ],
)
async def test_what_cannot_be_sent_can_be_dropped(
    database: Database, city: City, now: datetime, changes: dict[str, Any], message: str
) -> None:
    notice = await held(database, now, **changes)
    with pytest.raises(Refusal, match=message):
        await decided(database, city, notice, now, typed=0, reason=WHY)
    assert await decided(database, city, notice, now, Decision.DROP, reason=WHY) is None


async def test_what_is_out_of_date_is_not_sent(
    database: Database, city: City, now: datetime
) -> None:
    notice = await held(database, now, expires_at=now)
    with pytest.raises(Refusal, match="out of date"):
        await decided(database, city, notice, now, typed=0, reason=WHY)


@pytest.mark.parametrize(
    ("status", "level", "reason_needed"),
    [
        # As for an alert of staff: taking back an error waits for nobody, nor does the same again.
        (Status.CANCELLED, 4, False),
        (Status.CONTINUED, 4, False),
        (Status.RAISED, 5, True),
        # That a danger is over is as serious as that it is there, though it has no level itself.
        (Status.LIFTED, 0, True),
    ],
)
async def test_a_held_follow_up_goes_by_the_rule_of_all_alerts(
    database: Database,
    city: City,
    now: datetime,
    status: Status,
    level: int,
    reason_needed: bool,
) -> None:
    await sent(database, city, await stored(database, now), now)
    async with database.reading() as session:
        first = await session.scalar(select(Notice.id))
    notice = await held(database, now, status=status, level=level, replaces_id=first)
    if reason_needed:
        with pytest.raises(Refusal, match="Write why this notice is sent"):
            await decided(database, city, notice, now, typed=0)
    assert await decided(database, city, notice, now, typed=0, reason=WHY if reason_needed else "")


async def test_what_a_colleague_sent_as_it_was_is_not_sent_again_from_a_draft(
    database: Database, city: City, now: datetime
) -> None:
    """Somebody looks at a draft of a held notice while a colleague sends the notice itself."""
    await add_residents(database, 1, 25, languages=("ja",))
    notice = await held(database, now, topic="evacuation", level=4)
    async with database.writing() as session:
        draft = await drafts.begin_from(session, notice, drill=False, actor=AUTHOR, now=now)
        draft.whole_city = True
    await decided(database, city, notice, now, typed=25, reason=WHY)
    with pytest.raises(Refusal, match="meanwhile"):
        await sent(database, city, draft, now)
    async with database.reading() as session:
        assert len(list(await session.scalars(select(Delivery)))) == 1
        told = await warnings(session, draft, city, now, recipients=25)
        assert "held-decided" in codes_of(told)
    # Who was told so can still send it.
    async with database.writing() as session:
        seen = Seen(draft.version, 25, now, codes_of(told))
        approval = Approval(seen, alone_reason=WHY)
        await release(
            session, NoWorkers(), city, BY_LINE, draft.id or 0, approval, actor=AUTHOR, now=now
        )


async def test_what_waits_longest_is_listed_first(database: Database, now: datetime) -> None:
    first, second = await held(database, now), await held(database, now)
    async with database.writing() as session:
        session.add(make_notice(now=now))
    async with database.reading() as session:
        assert [item.notice.id for item in await held_items(session, 10, now)] == [first, second]
        assert await count_held(session) == 2
