"""The life of a draft: written, confirmed, thrown away and taken back. Nothing leaves by it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from alerts import drafts
from alerts.models import KEPT_FOR, UNSAID, AlertDraft, open_drafts, thrown_away
from alerts.older_words import older
from channels.models import Delivery
from city.city import City
from core.audit import AuditEntry
from core.database import Database
from core.errors import Refusal
from feeds.models import Notice, Status
from tests.support.alerts import AUTHOR, COLLEAGUE, WHY, sent, stored, written


async def change(
    database: Database, city: City, draft: AlertDraft, now: datetime, **changes: Any
) -> AlertDraft:
    async with database.writing() as session:
        what = written(version=draft.version, **changes)
        return await drafts.change(session, draft.id or 0, what, city, actor=AUTHOR, now=now)


async def confirm(
    database: Database, city: City, draft: AlertDraft, now: datetime, actor: str = COLLEAGUE
) -> AlertDraft:
    async with database.writing() as session:
        return await drafts.confirm(
            session, draft.id or 0, draft.version, city, actor=actor, now=now
        )


async def discard(database: Database, draft: AlertDraft, now: datetime) -> None:
    async with database.writing() as session:
        await drafts.discard(session, draft.id or 0, draft.version, actor=AUTHOR, now=now)


async def test_an_empty_draft_decides_nothing_but_whether_it_is_a_drill(
    database: Database, city: City, now: datetime
) -> None:
    async with database.writing() as session:
        draft = await drafts.begin(session, drill=True, actor=AUTHOR, now=now)
    assert (draft.drill, draft.topic, draft.level, draft.areas, draft.whole_city) == (
        True,
        "",
        UNSAID,
        [],
        False,
    )
    with pytest.raises(Refusal):
        await confirm(database, city, draft, now)


async def test_saving_sends_nothing_and_leaves_a_trace(
    database: Database, city: City, now: datetime
) -> None:
    draft = await change(database, city, await stored(database, now), now, level=5)
    assert (draft.version, draft.level) == (2, 5)
    async with database.reading() as session:
        trail = [entry.action for entry in await session.scalars(select(AuditEntry))]
        assert await session.scalar(select(Delivery.id)) is None
        assert [each.id for each in await open_drafts(session)] == [draft.id]
    assert trail == ["alert.begun", "alert.saved"]


async def test_who_saves_an_older_version_is_refused(
    database: Database, city: City, now: datetime
) -> None:
    first = await stored(database, now)
    await change(database, city, first, now, level=5)
    with pytest.raises(Refusal, match="Somebody changed this draft meanwhile"):
        await change(database, city, AlertDraft(**{**first.model_dump(), "version": 1}), now)


async def test_words_are_what_they_look_like(database: Database, now: datetime) -> None:
    hidden = "避難\u202eしてください\u200b。\x07\ufeff"
    draft = await stored(database, now, texts={"ja": ("", hidden), "my": ("", "ရေ\u200dကြီး")})
    assert draft.texts["ja"]["text"] == "避難してください。"
    assert draft.texts["my"]["text"] == "ရေ\u200dကြီး"


async def test_a_confirmation_is_a_colleagues_and_holds_for_one_version_and_half_an_hour(
    database: Database, city: City, now: datetime
) -> None:
    draft = await stored(database, now)
    with pytest.raises(Refusal, match="somebody else has to confirm"):
        await confirm(database, city, draft, now, actor=AUTHOR)
    draft = await confirm(database, city, draft, now)
    assert drafts.second_person(draft, AUTHOR, now + timedelta(minutes=30)) == COLLEAGUE
    assert drafts.second_person(draft, AUTHOR, now + timedelta(minutes=31)) is None
    # A change takes it away.
    draft = await change(database, city, draft, now)
    assert drafts.second_person(draft, AUTHOR, now) is None
    with pytest.raises(Refusal, match="why you send it alone"):
        await sent(database, city, draft, now, alone_reason="")


async def test_who_puts_a_paragraph_into_words_unseen_does_not_make_their_writer_a_second_person(
    database: Database, city: City, now: datetime
) -> None:
    """A colleague fills in a template while somebody still writes: that is no look at the words."""
    draft = await stored(database, now)
    async with database.writing() as session:
        row = await drafts.open_to_write(session, draft.id or 0)
        texts = {"ja": ("", "避難してください。\n\n水を持ってきてください。")}
        put = drafts.Written.of(row, texts, {})
        row = await drafts.change(session, row.id or 0, put, city, actor=COLLEAGUE, now=now)
        assert drafts.authors(row) == {AUTHOR, COLLEAGUE}
        assert drafts.second_person(row, AUTHOR, now) is None
    for one in (AUTHOR, COLLEAGUE):
        with pytest.raises(Refusal):
            await confirm(database, city, row, now, actor=one)
    saved = await change(database, city, row, now)
    assert drafts.authors(saved) == {AUTHOR}
    assert (await confirm(database, city, saved, now)).confirmed_by == COLLEAGUE


async def test_a_draft_of_yesterday_is_read_again_first(
    database: Database, city: City, now: datetime
) -> None:
    draft = await stored(database, now)
    late = now + timedelta(hours=25)
    with pytest.raises(Refusal, match="more than a day old"):
        await sent(database, city, draft, late)
    draft = await change(database, city, draft, late)
    assert await sent(database, city, draft, late)


async def test_what_was_thrown_away_comes_back_for_a_week_without_its_confirmation(
    database: Database, city: City, now: datetime
) -> None:
    draft = await confirm(database, city, await stored(database, now), now)
    await discard(database, draft, now)
    with pytest.raises(Refusal, match="thrown away"):
        await sent(database, city, draft, now)
    number, last = draft.id or 0, now + KEPT_FOR - timedelta(seconds=1)
    async with database.writing() as session:
        assert [each.id for each in await thrown_away(session, last)] == [number]
        assert await thrown_away(session, now + KEPT_FOR) == []
        with pytest.raises(Refusal, match="thrown away"):
            await drafts.restore(session, number, actor=COLLEAGUE, now=now + KEPT_FOR)
    async with database.writing() as session:
        await drafts.restore(session, number, actor=COLLEAGUE, now=last)
    async with database.reading() as session:
        back = await session.get_one(AlertDraft, number)
    assert (back.discarded_at, back.confirmed_by, back.texts) == (None, None, draft.texts)


async def test_what_left_begins_another_with_all_its_languages(
    database: Database, city: City, now: datetime
) -> None:
    """Also what the shell sent, which is a draft like any other."""
    words = {"ja": ("", "川が危険です。"), "en": ("River", "Go upstairs.")}
    drill = await stored(database, now, drill=True, texts=words)
    await sent(database, city, drill, now)
    async with database.writing() as session:
        notice_id = await session.scalar(select(Notice.id)) or 0
        again = await drafts.begin_from(session, notice_id, drill=True, actor=COLLEAGUE, now=now)
        real = await drafts.begin_from(session, notice_id, drill=False, actor=COLLEAGUE, now=now)
    assert again.texts == drill.texts
    assert older(again) == []
    # A drill's words never become a real alert.
    assert (real.texts, real.level, real.topic) == ({}, UNSAID, "evacuation")


async def order(database: Database, city: City, now: datetime) -> int:
    """Send an order for two districts; returns its notice."""
    areas = tuple(district.code for district in city.districts[:2])
    await sent(database, city, await stored(database, now, whole_city=False, areas=areas), now)
    async with database.reading() as session:
        return await session.scalar(select(Notice.id).order_by(col(Notice.id).desc())) or 0


async def begun(
    database: Database, city: City, notice_id: int, status: Status, now: datetime
) -> AlertDraft:
    async with database.writing() as session:
        return await drafts.begin_follow_up(session, notice_id, status, city, actor=AUTHOR, now=now)


async def test_many_who_press_at_once_begin_one_follow_up(
    database: Database, city: City, now: datetime
) -> None:
    notice = await order(database, city, now)
    found = await asyncio.gather(
        *(begun(database, city, notice, Status.LIFTED, now) for _ in range(4))
    )
    assert len({draft.id for draft in found}) == 1
    other = await begun(database, city, notice, Status.CORRECTED, now)
    assert other.id not in {draft.id for draft in found}
    raised = await begun(database, city, notice, Status.RAISED, now)
    lowered = await begun(database, city, notice, Status.LOWERED, now)
    assert raised.id == lowered.id, "both change the level"


async def test_a_follow_up_is_not_taken_back_beside_a_newer_one(
    database: Database, city: City, now: datetime
) -> None:
    notice = await order(database, city, now)
    first = await begun(database, city, notice, Status.LIFTED, now)
    await discard(database, first, now)
    second = await begun(database, city, notice, Status.LIFTED, now)
    async with database.writing() as session:
        with pytest.raises(Refusal, match="newer draft that says the same"):
            await drafts.restore(session, first.id or 0, actor=AUTHOR, now=now)
    await discard(database, second, now)
    async with database.writing() as session:
        await drafts.restore(session, first.id or 0, actor=AUTHOR, now=now)
        assert [each.id for each in await open_drafts(session)] == [first.id]


@pytest.mark.parametrize(
    ("status", "changes", "two"),
    [
        (Status.CORRECTED, {"whole_city": True, "areas": ()}, True),
        (Status.CORRECTED, {"level": 5}, True),
        (Status.RAISED, {"level": 5}, True),
        (Status.LIFTED, {}, True),
        (Status.CORRECTED, {"texts": {"ja": ("", "別の言葉")}}, False),
        (Status.CORRECTED, {"level": 3}, False),
        (Status.RAISED, {"level": 3}, False),
        (Status.CANCELLED, {}, False),
        (Status.CORRECTED, {"areas": ("one",)}, False),
    ],
)
async def test_what_warns_somebody_anew_needs_two_whatever_it_is_called(
    database: Database,
    city: City,
    now: datetime,
    status: Status,
    changes: dict[str, Any],
    two: bool,
) -> None:
    draft = await begun(database, city, await order(database, city, now), status, now)
    if changes:
        if changes.get("areas"):
            changes = {**changes, "areas": (city.districts[0].code,)}
        as_it_was = {"whole_city": False, "areas": tuple(draft.areas)}
        draft = await change(database, city, draft, now, **{**as_it_was, **changes})
    if two:
        with pytest.raises(Refusal, match="why you send it alone"):
            await sent(database, city, draft, now, alone_reason="")
    assert await sent(database, city, draft, now, alone_reason=WHY if two else "")
