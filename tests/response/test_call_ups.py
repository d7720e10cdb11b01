"""A call-up: once per event, counted, reminded once, and forgotten in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, func, select
from structlog.testing import capture_logs

from app import restored
from app.retention import forget
from city.city import CallUpRule, City, Decision
from city.context import Context
from city.folder import CityFolder
from core.audit import AuditEntry
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from core.restored import RestoreHold
from core.settings import Settings
from core.work import LocalQueue
from feeds.models import Notice, Source, Status
from response import call_up_rules, call_up_table, call_ups, staff
from response.answer_links import VALID, AnswerLinks
from response.call_ups import Call, Means
from response.models import (
    CalledMember,
    CallUp,
    RecordEntry,
    StaffAnswer,
    StaffMember,
    StaffMessage,
    StaffMessageState,
)
from response.staff import Entry

RULES = (
    CallUpRule(code="quake-5", intensity="5-", departments=("crisis",), words="市役所３階へ"),
    CallUpRule(code="quake-6", intensity="6-"),
    CallUpRule(code="level-4", level=4, topics=("evacuation",), departments=("crisis", "roads")),
    CallUpRule(code="drills", intensity="5-", departments=("roads",), drills=True),
)


@pytest.fixture
def means(clock: ManualClock) -> Means:
    return Means(LocalQueue(clock), AnswerLinks("a-key", "https://city.example"))


@pytest.fixture
def city(sample: CityFolder) -> City:
    return sample.city.model_copy(update={"call_up": RULES})


async def people(database: Database, city: City, now: datetime) -> list[StaffMember]:
    found = []
    async with database.writing() as session:
        for name, department in (("佐藤", "crisis"), ("鈴木", "roads"), ("高橋", "parks")):
            entry = Entry(name, department, f"{department}@city.example")
            found.append(await staff.add(session, city, entry, now, actor="a@city.example"))
    return found


def quake(now: datetime, identity: str, intensity: str, **more: Any) -> Notice:
    values: dict[str, Any] = {
        "identity": identity,
        "topic": "earthquake",
        "kind": "震源・震度情報",
        "hazard": "earthquake",
        "intensity": intensity,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": now,
        "created_at": now,
        "event_id": "20260901120000",
        "texts": {"ja": {"title": f"震度{intensity}", "text": "…"}},
        "source": "jma",
        "decision": Decision.HOLD,
        "decided_by": "rule:jma",
    }
    return Notice(**{**values, **more})


async def source(database: Database, now: datetime) -> None:
    async with database.writing() as session:
        session.add(Source(code="jma", kind="jma", next_poll_at=now))


async def called(database: Database) -> dict[int, list[str]]:
    """Return the departments of those called, by call-up."""
    async with database.reading() as session:
        found = await session.execute(
            select(CalledMember.call_up_id, StaffMember.department)
            .join(StaffMember, col(StaffMember.id) == col(CalledMember.member_id))
            .order_by(col(StaffMember.department))
        )
        told: dict[int, list[str]] = {}
        for number, department in found:
            told.setdefault(number, []).append(department)
        return told


async def count(database: Database, table: Any) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_quake_calls_once_and_a_stronger_telegram_calls_only_the_others(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    city = city.model_copy(update={"call_up": RULES[:3]})
    await people(database, city, clock.now())
    await source(database, clock.now())
    steps: tuple[tuple[str, str, dict[int, list[str]]], ...] = (
        ("1", "4", {}),
        ("2", "5-", {1: ["crisis"]}),
        ("3", "5+", {1: ["crisis"]}),
    )
    for identity, intensity, wanted in steps:
        async with database.writing() as session:
            session.add(quake(clock.now(), identity, intensity))
        for _ in range(2):
            await call_up_rules.look(database, means, city, clock.now())
        assert await called(database) == wanted
    async with database.writing() as session:
        session.add(quake(clock.now(), "4", "6-", status=Status.CORRECTED))
    for _ in range(2):
        await call_up_rules.look(database, means, city, clock.now())
    assert await called(database) == {1: ["crisis", "parks", "roads"]}
    assert await count(database, StaffMessage) == 3, "nobody is told twice of the same"
    async with database.writing() as session:
        session.add(quake(clock.now(), "5", "5-", event_id="20260901130000"))
    await call_up_rules.look(database, means, city, clock.now())
    assert (await called(database))[2] == ["crisis"]
    async with database.reading() as session:
        first = await session.get_one(CallUp, 1)
        assert (first.words, first.began_by) == ("震度6-\n市役所３階へ", "rule:call-up:quake-5")
        told = await session.scalars(select(StaffMessage).order_by(col(StaffMessage.id)))
        titles = [one.content["text"].partition("\n")[0] for one in told]
        acts = list(await session.scalars(select(AuditEntry.action).order_by(col(AuditEntry.id))))
        lines = list(await session.scalars(select(RecordEntry.code)))
    assert titles[:3] == ["震度5-", "震度6-", "震度6-"], "who is called later reads the newest"
    assert acts[-3:] == ["call_up.begun", "call_up.widened", "call_up.begun"]
    assert lines == ["callup.begun", "callup.widened", "callup.begun"]


async def test_an_ended_call_up_calls_everybody_again_only_for_a_graver_telegram(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    city = city.model_copy(update={"call_up": RULES[:2]})
    first, *_ = await people(database, city, clock.now())
    await source(database, clock.now())

    async def arrives(identity: str, intensity: str) -> int:
        await clock.advance(60)
        async with database.writing() as session:
            session.add(quake(clock.now(), identity, intensity))
        # A new process has looked at nothing yet.
        return await call_up_rules.look(database, means, city, clock.now())

    async def ends() -> None:
        await clock.advance(60)
        async with database.writing() as session:
            await call_ups.end(
                session, means, 1, clock.now(), actor="a@city.example", tell_them=True
            )

    assert await arrives("1", "5-") == 1
    async with database.writing() as session:
        assert first.id is not None
        await call_ups.answer(session, 1, first.id, "coming-30", clock.now(), by="line")
        await staff.add(
            session, city, Entry("田中", "crisis", "new@city.example"), clock.now(), actor="a@c.jp"
        )
    await ends()
    assert await arrives("2", "5-") == 0, "staff have ended it, and nothing is graver"
    assert await called(database) == {1: ["crisis"]}
    assert await arrives("3", "6-") == 1
    assert await call_up_rules.look(database, means, city, clock.now()) == 0
    assert await called(database) == {1: ["crisis", "crisis", "parks", "roads"]}
    async with database.reading() as session:
        messages = list(
            await session.scalars(
                select(StaffMessage)
                .where(col(StaffMessage.member_id) == first.id)
                .order_by(col(StaffMessage.id))
            )
        )
        table = await call_up_table.table(session, 1)
    assert table is not None and table.call_up.ended_at is None
    assert table.counts.silent == 4, "what they said was about the time before"
    assert [one.content["text"].partition("\n")[0] for one in messages][::2] == ["震度5-", "震度6-"]
    assert messages[-1].state is StaffMessageState.WAITING
    await ends()
    assert await arrives("4", "6-") == 0
    assert await arrives("5", "7") == 1


async def test_who_is_called_later_is_reminded_too_and_their_link_lasts(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    first, second, _ = await people(database, city, clock.now())
    assert first.id is not None and second.id is not None
    async with database.writing() as session:
        call = Call(drill=True, words="集まる", departments=("crisis",), remind_minutes=15)
        await call_ups.begin(session, means, city, call, clock.now(), actor="a@city.example")
    await clock.advance(15 * 60)
    assert await call_ups.remind(database, means, clock.now()) == 1
    await clock.advance(VALID.total_seconds())
    async with database.writing() as session:
        await call_ups.widen(session, means, 1, ["roads"], (), clock.now(), actor="a@city.example")
    await clock.advance(15 * 60)
    assert await call_ups.remind(database, means, clock.now()) == 1
    assert await call_ups.remind(database, means, clock.now()) == 0
    async with database.reading() as session:
        asked = {one.member_id: one.asked for one in await session.scalars(select(CalledMember))}
        opened = [
            await means.links.open(
                session, means.links.page(1, number).rpartition("/")[2], clock.now()
            )
            for number in (first.id, second.id)
        ]
        urgent = set(await session.scalars(select(StaffMessage.urgent)))
    assert asked == {first.id: 2, second.id: 2}
    assert opened[0] is None and opened[1] is not None
    assert urgent == {False}, "a drill holds up nothing that is real"


async def test_an_answer_that_arrives_late_does_not_replace_a_newer_one(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    first, *_ = await people(database, city, clock.now())
    assert first.id is not None
    async with database.writing() as session:
        call = Call(drill=False, words="集まる")
        await call_ups.begin(session, means, city, call, clock.now(), actor="a@city.example")
        pressed = clock.now()
        await clock.advance(60)
        for choice, moment in (("at-office", clock.now()), ("cannot", pressed)):
            kept = await call_ups.answer(session, 1, first.id, choice, moment, by="line")
    assert kept.answer is StaffAnswer.AT_OFFICE


@pytest.mark.parametrize(
    ("notice", "wanted"),
    [
        ({"drill": True}, {1: ["roads"]}),
        ({"status": Status.CANCELLED}, {}),
        ({"reported_at": timedelta(hours=-2)}, {}),
        ({"source": None}, {}),
        ({"hazard": ""}, {}),
        (
            {"intensity": "", "level": 4, "topic": "evacuation", "hazard": "heavy-rain"},
            {1: ["crisis", "roads"]},
        ),
        ({"intensity": "", "level": 4, "topic": "weather", "hazard": "heavy-rain"}, {}),
        ({"intensity": "", "level": 3, "topic": "evacuation", "hazard": "heavy-rain"}, {}),
    ],
)
async def test_only_a_telegram_that_a_rule_means_calls(
    database: Database,
    city: City,
    clock: ManualClock,
    means: Means,
    notice: dict[str, Any],
    wanted: dict[int, list[str]],
) -> None:
    await people(database, city, clock.now())
    await source(database, clock.now())
    if "reported_at" in notice:
        notice = {**notice, "reported_at": clock.now() + notice["reported_at"]}
    async with database.writing() as session:
        session.add(
            quake(clock.now(), "1", "5-", **notice)
            if "intensity" not in notice
            else quake(clock.now(), "1", **notice)
        )
    await call_up_rules.look(database, means, city, clock.now())
    assert await called(database) == wanted
    async with database.reading() as session:
        drills = set(await session.scalars(select(CallUp.drill)))
        marks = {one.content["title"][:4] for one in await session.scalars(select(StaffMessage))}
    assert drills <= {bool(notice.get("drill"))}
    assert not marks or (marks == {"【訓練】"}) == bool(notice.get("drill"))


async def test_a_restored_database_calls_nobody_for_what_was_before(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    await people(database, city, clock.now())
    await source(database, clock.now())
    async with database.writing() as session:
        session.add(quake(clock.now() - timedelta(minutes=1), "1", "6-"))
        session.add(RestoreHold(until=clock.now(), restored_at=clock.now()))
    await call_up_rules.look(database, means, city, clock.now())
    assert await called(database) == {}


async def test_a_restored_database_reminds_nobody_by_itself(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    await people(database, city, clock.now())
    async with database.writing() as session:
        call = Call(drill=False, words="集まる", remind_minutes=15)
        await call_ups.begin(session, means, city, call, clock.now(), actor="a@city.example")
        await restored.hold_back(session, clock.now(), clock.now())
    await clock.advance(3600)
    assert await call_ups.remind(database, means, clock.now()) == 0
    async with database.reading() as session:
        states = {one.state for one in await session.scalars(select(StaffMessage))}
    assert states == {StaffMessageState.STOPPED}


async def test_a_process_acts_on_a_telegram_once_and_tells_of_an_empty_list_once(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    await source(database, clock.now())
    async with database.writing() as session:
        session.add(quake(clock.now(), "1", "6-"))
    seen: set[int] = set()
    with capture_logs() as logs:
        for _ in range(3):
            await call_up_rules.look(database, means, city, clock.now(), seen=seen)
    assert [entry["event"] for entry in logs] == ["call_up.refused"]
    await clock.advance(2 * 3600)
    await call_up_rules.look(database, means, city, clock.now(), seen=seen)
    assert seen == set(), "what is too old to be looked at is forgotten"


async def test_who_is_silent_is_reminded_once_and_can_be_asked_again(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    first, *_ = await people(database, city, clock.now())
    async with database.writing() as session:
        made = await call_ups.begin(
            session,
            means,
            city,
            Call(drill=False, words="集まる", remind_minutes=15),
            clock.now(),
            actor="a@city.example",
        )
        assert made.id is not None and first.id is not None
        await call_ups.answer(session, made.id, first.id, "coming-30", clock.now(), by="line")
    await clock.advance(14 * 60)
    assert await call_ups.remind(database, means, clock.now()) == 0
    await clock.advance(60)
    assert await call_ups.remind(database, means, clock.now()) == 2
    assert await call_ups.remind(database, means, clock.now()) == 0
    async with database.writing() as session:
        asked = await call_ups.ask_again(
            session, means, made.id, clock.now(), actor="a@city.example"
        )
    assert asked == 2
    async with database.reading() as session:
        table = await call_up_table.table(session, made.id)
        titles = [one.content["title"] for one in await session.scalars(select(StaffMessage))]
    assert table is not None
    assert titles.count("参集への回答がまだありません") == 2
    counts = table.counts
    assert (counts.called, counts.coming, counts.silent) == (3, 1, 2)
    [line] = table.departments["crisis"]
    assert line.due_at == line.called.answered_at + timedelta(minutes=30)  # type: ignore[operator]
    asked_times = {name: lines[0].called.asked for name, lines in table.departments.items()}
    assert asked_times == {"crisis": 1, "roads": 3, "parks": 3}


async def test_an_old_page_that_is_sent_again_changes_nothing(
    database: Database, city: City, clock: ManualClock, means: Means
) -> None:
    first, *_ = await people(database, city, clock.now())
    assert first.id is not None
    async with database.writing() as session:
        made = await call_ups.begin(
            session, means, city, Call(drill=False, words="集まる"), clock.now(), actor="a@c.jp"
        )
        assert made.id is not None
        for choice in ("coming-30", "cannot"):
            await clock.advance(1)
            known = await session.get_one(CalledMember, (made.id, first.id))
            expected = call_ups.version(known)
            await call_ups.answer(
                session, made.id, first.id, choice, clock.now(), by="mail", expected=expected
            )
        with pytest.raises(BadInput) as refused:
            await call_ups.answer(
                session, made.id, first.id, "coming-30", clock.now(), by="mail", expected=expected
            )
    assert refused.value.reason.code == "call-up.changed"
    token = means.links.page(made.id, first.id).rpartition("/")[2]
    async with database.reading() as session:
        assert await means.links.open(session, token, clock.now()) is not None
        assert await means.links.open(session, token + "x", clock.now()) is None
        forged = AnswerLinks("another-key", "").page(made.id, first.id).rpartition("/")[2]
        assert await means.links.open(session, forged, clock.now()) is None
        late = clock.now() + VALID + timedelta(seconds=1)
        assert await means.links.open(session, token, late) is None


async def test_answers_go_after_the_days_that_the_city_set(
    database: Database, sample: CityFolder, settings: Settings, clock: ManualClock, means: Means
) -> None:
    await people(database, sample.city, clock.now())
    async with database.writing() as session:
        await call_ups.begin(
            session,
            means,
            sample.city,
            Call(drill=False, words="集まる"),
            clock.now(),
            actor="a@city.example",
        )
    context = Context(
        settings=settings,
        city=sample.city,
        database=database,
        clock=clock,
        queue=means.queue,
        http=None,  # type: ignore[arg-type]
    )
    days = sample.city.retention.call_ups
    for passed, left in ((days - 1, 1), (2, 0)):
        await clock.advance(passed * 86400)
        await forget(context)
        kept = [await count(database, each) for each in (CallUp, CalledMember, StaffMessage)]
        assert kept == ([1, 3, 3] if left else [0, 0, 0])
    assert await count(database, StaffMember) == 3
