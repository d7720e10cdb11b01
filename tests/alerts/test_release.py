"""The one way an alert leaves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from alerts import drafts
from alerts.compose import composed_of
from alerts.follow_ups import follow_up
from alerts.models import AlertDraft
from alerts.origins import Origin, machine_languages
from alerts.release import Approval, Seen, release
from channels.dispatch import preview
from channels.line.medium import LINE
from channels.models import Delivery
from city.city import City
from core.audit import AuditEntry
from core.database import Database
from core.errors import Refusal
from core.work import NoWorkers
from feeds.models import HazardState, Notice, Status
from tests.support.alerts import (
    AUTHOR,
    BY_LINE,
    COLLEAGUE,
    WHY,
    WORDS,
    draft_of,
    looked_at,
    sent,
    stored,
    written,
)
from tests.support.engine import add_residents


async def trail(database: Database, action: str) -> list[AuditEntry]:
    async with database.reading() as session:
        found = await session.scalars(
            select(AuditEntry).where(col(AuditEntry.action) == action).order_by(col(AuditEntry.id))
        )
        return list(found)


async def refused(
    database: Database, city: City, draft: AlertDraft, approval: Approval, **more: object
) -> str:
    """Return why a draft may not leave; nothing of it stays."""
    assert draft.id is not None
    said = {"actor": AUTHOR, **more}
    with pytest.raises(Refusal) as refusal:
        async with database.writing() as session:
            await release(
                session,
                NoWorkers(),
                city,
                BY_LINE,
                draft.id,
                approval,
                **said,  # type: ignore[arg-type]
            )
    async with database.reading() as session:
        assert not list(await session.scalars(select(Delivery)))
    assert not await trail(database, "alert.sent")
    return refusal.value.message


async def test_an_alert_leaves_as_it_was_previewed_with_a_trace_and_a_delivery(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25, languages=("ja", "my"))
    draft = await stored(database, now, drill=True)
    composed = composed_of(draft, city, actor=AUTHOR, now=now)
    async with database.reading() as session:
        seen = await preview(session, composed.notice, city, now, medium=LINE)
    assert (seen.recipients, seen.held_until_morning) == (25, 0)
    assert set(seen.messages) == set(city.languages)
    delivery = await sent(database, city, draft, now)
    [entry] = await trail(database, "alert.sent")
    async with database.reading() as session:
        row = await session.get_one(Delivery, delivery)
        notice = await session.get_one(Notice, row.notice_id)
    assert notice.texts == composed.notice.texts
    assert (entry.actor, entry.detail["delivery"], entry.detail["recipients"]) == (
        AUTHOR,
        delivery,
        25,
    )
    assert entry.detail["drill"] is True


async def test_what_left_never_leaves_again(database: Database, city: City, now: datetime) -> None:
    draft = await stored(database, now, drill=True)
    await sent(database, city, draft, now)
    with pytest.raises(drafts.AlreadySent):
        await sent(database, city, draft, now)
    async with database.reading() as session:
        assert len(list(await session.scalars(select(Delivery)))) == 1


async def test_nothing_leaves_without_a_name(database: Database, city: City, now: datetime) -> None:
    draft = await stored(database, now, drill=True)
    why = await refused(database, city, draft, Approval(Seen(1, 0, now)), actor=" ", now=now)
    assert "person's name" in why


async def test_what_was_looked_at_is_what_leaves(
    database: Database, city: City, now: datetime
) -> None:
    """An older version, an old look, and other people than were shown stay here."""
    await add_residents(database, 1, 25, languages=("ja",))
    draft = await stored(database, now, drill=True)
    shown = Approval(Seen(1, 25, now))
    later = now + timedelta(minutes=16)
    assert "too long ago" in await refused(database, city, draft, shown, now=later)
    few = Approval(Seen(1, 14, now))
    assert "would now reach" in await refused(database, city, draft, few, now=now)
    async with database.writing() as session:
        await drafts.change(session, draft.id or 0, written(), city, actor=AUTHOR, now=now)
    assert "changed this draft" in await refused(database, city, draft, shown, now=now)


async def test_of_two_alerts_that_say_the_same_the_second_is_looked_at_again(
    database: Database, city: City, now: datetime
) -> None:
    """Two people look at their drafts, and both send: residents hear of it once."""
    await add_residents(database, 1, 25, languages=("ja",))
    mine, theirs = await stored(database, now), await stored(database, now)
    then = now + timedelta(seconds=20)
    await sent(database, city, theirs, then)
    approval = Approval(Seen(1, 25, now), alone_reason=WHY)
    with pytest.raises(Refusal, match="meanwhile"):
        async with database.writing() as session:
            await release(
                session,
                NoWorkers(),
                city,
                BY_LINE,
                mine.id or 0,
                approval,
                actor=COLLEAGUE,
                now=then,
            )
    assert await sent(database, city, mine, then + timedelta(seconds=1))


async def test_a_follow_up_of_an_alert_with_two_levels_knows_where_its_words_come_from(
    database: Database, city: City, now: datetime
) -> None:
    first, second, *_ = city.districts
    draft = await stored(
        database,
        now,
        whole_city=False,
        areas=(first.code, second.code),
        levels={first.code: 5},
        texts={**WORDS, "en": ("", "Leave.")},
        origins={"en": Origin(machine="a-machine")},
    )
    delivery = await sent(database, city, draft, now)
    async with database.writing() as session:
        notice = (await session.get_one(Delivery, delivery)).notice_id
        correction = await drafts.begin_follow_up(
            session, notice or 0, Status.CORRECTED, city, actor=AUTHOR, now=now
        )
    assert correction.texts["en"]["text"] == "Leave."
    assert machine_languages(correction) == ["en"]


@pytest.mark.parametrize(
    ("drill", "typed", "right"),
    [
        (True, "訓練", True),
        (True, "DRILL", True),
        (True, "25", False),
        (False, "25", True),
        (False, "２５", True),
        (False, "訓練", False),
        (False, "", False),
        (False, "26", False),
    ],
)
async def test_a_drill_wants_its_word_and_an_alert_its_number(
    database: Database, city: City, now: datetime, drill: bool, typed: str, right: bool
) -> None:
    await add_residents(database, 1, 25, languages=("ja",))
    draft = await stored(database, now, drill=drill)
    if right:
        assert await sent(database, city, draft, now, typed=typed)
    else:
        approval = Approval(Seen(1, 25, now), typed=typed, alone_reason=WHY)
        assert "What you typed" in await refused(database, city, draft, approval, now=now)


async def test_a_serious_alert_takes_two_people_or_a_reason(
    database: Database, city: City, now: datetime
) -> None:
    draft = await stored(database, now)
    for short in ("", "At night."):
        approval = Approval(Seen(1, 0, now), alone_reason=short)
        assert "why you send it alone" in await refused(database, city, draft, approval, now=now)
    # Whoever did not write it is the second.
    assert await sent(database, city, draft, now, actor=COLLEAGUE, alone_reason="")
    alone = await stored(database, now)
    await sent(database, city, alone, now)
    confirmed = await stored(database, now)
    async with database.writing() as session:
        draft = await drafts.confirm(session, confirmed.id or 0, 1, city, actor=COLLEAGUE, now=now)
    await sent(database, city, draft, now, alone_reason="")
    kept = [
        (entry.actor, entry.detail["second_person"], entry.detail["alone_reason"])
        for entry in await trail(database, "alert.sent")
    ]
    assert kept == [(COLLEAGUE, COLLEAGUE, ""), (AUTHOR, None, WHY), (AUTHOR, COLLEAGUE, "")]


async def test_a_drill_needs_a_reason_while_a_warning_is_in_force(
    database: Database, city: City, now: datetime
) -> None:
    async with database.writing() as session:
        session.add(
            HazardState(
                municipality=city.jma.municipality,
                hazard="rain",
                area=city.jma.municipality,
                kind="レベル4大雨危険警報",
                kind_code="43",
                level=4,
                reported_at=now,
            )
        )
    draft = await stored(database, now, drill=True)
    why = await refused(database, city, draft, Approval(Seen(1, 0, now)), now=now)
    assert why == "{kind} is in force now. Write why a drill is sent in spite of it."
    assert await sent(database, city, draft, now, hazard_reason="The yearly drill goes on.")


async def test_of_two_corrections_of_one_alert_the_second_is_looked_at_first(
    database: Database, city: City, now: datetime
) -> None:
    first = await stored(database, now)
    await sent(database, city, first, now)
    async with database.writing() as session:
        notice_id = await session.scalar(select(Notice.id))
        assert notice_id is not None
        rivals = []
        for actor in (AUTHOR, COLLEAGUE):
            draft = await follow_up(
                session, notice_id, Status.CORRECTED, city, actor=actor, now=now
            )
            rivals.append(await drafts.store(session, draft, now))
    await sent(database, city, rivals[0], now)
    with pytest.raises(Refusal, match=r"^author@city\.example followed up the same alert"):
        await sent(database, city, rivals[1], now, actor=COLLEAGUE)
    # Whoever looked at it puts theirs behind it.
    async with database.writing() as session:
        draft = await drafts.go_on_after(
            session, rivals[1].id or 0, 1, city, actor=COLLEAGUE, now=now
        )
        assert (await looked_at(session, draft, city, now)).version == 2
    assert await sent(database, city, draft, now, actor=COLLEAGUE)


async def test_a_follow_up_begins_where_the_danger_is_in_force(
    database: Database, city: City, now: datetime
) -> None:
    a, b = (district.code for district in city.districts[:2])
    draft = await stored(database, now, whole_city=False, areas=(a, b))
    await sent(database, city, draft, now)
    async with database.reading() as session:
        notice_id = await session.scalar(select(Notice.id)) or 0

        async def begun(status: Status) -> AlertDraft:
            return await follow_up(session, notice_id, status, city, actor=AUTHOR, now=now)

        corrected = await begun(Status.CORRECTED)
        assert (corrected.areas, corrected.level, corrected.drill) == ([a, b], 4, False)
        assert corrected.texts == draft.texts
        lifted = await begun(Status.LIFTED)
        assert (lifted.areas, lifted.level) == ([a, b], 4)
        assert set(lifted.texts) == set(city.languages)
        with pytest.raises(Refusal, match="can be taken back"):
            await begun(Status.ISSUED)
    async with database.writing() as session:
        over = await drafts.begin_follow_up(
            session, notice_id, Status.LIFTED, city, actor=AUTHOR, now=now
        )
    await sent(database, city, over, now)
    async with database.reading() as session:
        with pytest.raises(Refusal, match="over already"):
            await begun(Status.CANCELLED)
        # What was said of the end can still be wrong.
        assert (await begun(Status.CORRECTED)).areas == [a, b]


def test_a_draft_that_is_not_stored_can_be_previewed(city: City, now: datetime) -> None:
    notice = composed_of(draft_of(now), city, actor=AUTHOR, now=now).notice
    assert (notice.decided_by, notice.emergency, notice.drill) == (AUTHOR, True, False)
