"""A database after years of use: some hundred rows in every growing table."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import SQLModel, col, select

from alerts.models import AlertDraft
from alerts.news.models import News, NewsSending, NewsState
from bot.models import Dialogue, EventState, WebhookEvent
from channels.members import pack
from channels.models import Batch, BatchState, Delivery, DeliveryState, Priority, Variant
from city.city import City, Decision
from core.audit import record
from core.database import Database
from feeds.models import HazardState, Item, ItemState, Notice, Source, Status, Translation
from reports.models import Danger, Follower, Report, Triage
from response.models import (
    ActKind,
    CalledMember,
    CallUp,
    CaseState,
    CaseStep,
    Condition,
    DisasterMode,
    HouseholdAnswer,
    HouseholdCase,
    HouseholdNeed,
    HouseholdNote,
    Lifeline,
    LifelineKind,
    LifelineState,
    MenuMove,
    Need,
    RecordEntry,
    ShelterAct,
    ShelterLink,
    ShelterPhone,
    StaffCode,
    StaffLineLink,
    StaffMember,
    StaffMessage,
    StaffMessageState,
    StaffWay,
    Task,
    TaskNote,
    TaskState,
)
from subscriptions.models import Resident

NOTICES = 300
ITEMS = 400
EVENTS = 300
ENTRIES = 300
DRAFTS = 15
NEWS = 200
LINES = 1500
MEMBERS, CALL_UPS = 60, 40
FOLLOWERS = 3
"""Of each report."""
TRANSLATIONS = 50
YEARS = timedelta(days=3 * 365)
STAFF = "staff01@city.example"


async def fill_years(database: Database, city: City, now: datetime) -> None:
    """Write what comes in, goes out and is done in three years; residents and reports are there.

    Three drafts are open, some notices are held, some items are set aside, one delivery in ten
    went to everybody. The database's statistics know of all of it.
    """
    async with database.reading() as session:
        residents = list(await session.scalars(select(Resident).order_by(col(Resident.id))))
        reports = [number for number in await session.scalars(select(Report.id)) if number]
    people = [resident.id for resident in residents if resident.id is not None]
    users = [resident.line_user_id for resident in residents if resident.line_user_id]
    await _store(database, [_source(city, number, now) for number in range(len(city.sources))])
    items = [_item(city, number, now) for number in range(1, ITEMS + 1)]
    await _store(database, items)
    notices = [_notice(city, number, now) for number in range(1, NOTICES + 1)]
    async with database.writing() as session:
        for number, notice in enumerate(notices):
            notice.item_id = items[number].id
            if notice.topic == "weather" and number:
                notice.replaces_id = notices[number - 1].id
            session.add(notice)
            await session.flush()
    await _store(database, [_hazard(city, notices[0], now)])
    sent = [notice for notice in notices if notice.decision is Decision.SEND]
    for number, notice in enumerate(sent):
        await _send(database, notice, people if number % 10 == 0 else people[:30])
    await _store(
        database, [_event(number, users[number % len(users)], now) for number in range(EVENTS)]
    )
    await _store(
        database,
        [
            Dialogue(resident_id=number, name="", step="", updated_at=now - timedelta(days=1))
            for number in people[:100]
        ],
    )
    await _store(
        database,
        [
            Follower(report_id=report, resident_id=person, created_at=now)
            for report in reports
            for person in people[:FOLLOWERS]
        ],
    )
    answers = [_answer(person, now) for person in people]
    await _store(database, answers)
    needs = [HouseholdNeed(answer_id=one.id, need=Need.WATER) for one in answers if one.id]
    await _store(database, needs)
    cases = [_case(person, number, now) for number, person in enumerate(people)]
    await _store(database, cases)
    noted = [
        HouseholdNote(case_id=one.id or 0, step=CaseStep.NOTED, by=STAFF, at=now) for one in cases
    ]
    await _store(database, noted)
    await _store(
        database,
        [
            _danger(report, people[number % len(people)], number, now)
            for number, report in enumerate(reports[:ENTRIES])
        ],
    )
    await _store(database, [_line(number, now) for number in range(LINES)])
    asked = [_task(number, cases[number % len(cases)].id, now) for number in range(ENTRIES)]
    await _store(database, asked)
    await _store(database, [TaskNote(task_id=one.id or 0, by=STAFF, at=now) for one in asked])
    await _store_call_ups(database, now)
    await _fill_desk(database, now)
    await _store(database, [_draft(city, number, notices, now) for number in range(1, DRAFTS + 1)])
    await _store_news(database, notices, now)
    await _store(
        database,
        [
            Translation(key=f"{number:064x}", text="翻訳された文です。", created_at=now)
            for number in range(TRANSLATIONS)
        ],
    )
    async with database.writing() as session:
        for number in range(ENTRIES):
            at = _moment(number, ENTRIES, now)
            subject = f"report:2026-{number:06}"
            await record(
                session, at, actor=STAFF, action="report.state", subject=subject, state="accepted"
            )
    async with database.writing() as session:
        await session.execute(text("ANALYZE"))


async def _fill_desk(database: Database, now: datetime) -> None:
    """Write what the disaster desk did: modes, acts and links of a site, lifelines."""
    begins = [now - timedelta(hours=2 * number + 2) for number in range(ENTRIES)]
    ends = timedelta(hours=1)
    await _store(
        database,
        [
            DisasterMode(drill=True, began_at=at, began_by=STAFF, ended_at=at + ends)
            for at in reversed(begins)
        ],
    )
    await _store(
        database,
        [
            MenuMove(language="ja", asked_at=at, through=number, moved=number, done_at=at)
            for number, at in enumerate(begins)
        ],
    )
    links = [
        ShelterLink(
            shelter="0001", drill=False, made_at=at, made_by=STAFF, expires_at=at + 24 * ends
        )
        for at in begins
    ]
    await _store(database, links)
    await _store(
        database,
        [
            ShelterPhone(link_id=link.id or 0, phone=f"{number:032}", first_at=now, last_at=now)
            for number, link in enumerate(links)
        ],
    )
    await _store(
        database,
        [
            ShelterAct(
                shelter="0001",
                drill=False,
                kind=ActKind.NOTE if number % 9 == 0 else ActKind.COUNT,
                value="+1",
                at=at,
                received_at=at,
                actor=STAFF,
                act_key=f"{number:032}",
            )
            for number, at in enumerate(begins * 3)
        ],
    )
    await _store(
        database,
        [
            Lifeline(
                kind=LifelineKind.WATER,
                drill=False,
                name=f"給水所{number}",
                state=LifelineState.OPEN,
                until=at + ends if number else now + ends,
                began_at=at,
                changed_at=at,
                changed_by=STAFF,
            )
            for number, at in enumerate(begins)
        ],
    )


async def _store(database: Database, rows: Sequence[SQLModel]) -> None:
    async with database.writing() as session:
        session.add_all(rows)


async def _store_call_ups(database: Database, now: datetime) -> None:
    """A list of staff, and call-ups to which nobody answered; the last one is open."""
    names = range(1, MEMBERS + 1)
    await _store(
        database,
        [
            StaffMember(
                name=f"職員{n}",
                department="roads" if n % 2 else "crisis",
                mail=f"staff{n}@city.example",
                added_at=now,
                changed_at=now,
            )
            for n in names
        ],
    )
    half = range(1, MEMBERS // 2)
    links = [StaffLineLink(member_id=n, line_user_id=f"Ustaff{n}", joined_at=now) for n in half]
    codes = [
        StaffCode(member_id=n, code_hash=f"{n:064x}", nonce="n", made_at=now, expires_at=now)
        for n in names
    ]
    await _store(database, [*links, *codes])
    moments = [_moment(n, CALL_UPS, now) for n in range(1, CALL_UPS + 1)]
    ups = [CallUp(drill=False, words="集まる", began_at=at, began_by=STAFF) for at in moments]
    for each in ups[:-1]:
        each.ended_at, each.ended_by = each.began_at, STAFF
    await _store(database, ups)
    called: list[SQLModel] = []
    for each in ups:
        for n in names:
            assert each.id is not None
            called.append(CalledMember(call_up_id=each.id, member_id=n, called_at=each.began_at))
            called.append(
                StaffMessage(
                    member_id=n,
                    occasion=f"call_up:{each.id}:first",
                    about=f"call_up:{each.id}",
                    drill=False,
                    urgent=True,
                    way=StaffWay.MAIL,
                    address="",
                    retry_key=f"{each.id}-{n}",
                    content={"title": "t", "text": "t"},
                    state=StaffMessageState.SENT,
                    created_at=each.began_at,
                    not_before=each.began_at,
                    expires_at=each.began_at,
                )
            )
    await _store(database, called)


def _moment(number: int, of: int, now: datetime) -> datetime:
    """When the ``number``-th of so many was, evenly over the years."""
    return now - YEARS * ((of - number) / of)


def _source(city: City, number: int, now: datetime) -> Source:
    source = city.sources[number]
    return Source(
        code=source.code,
        kind=source.kind,
        url=source.url,
        initialised_at=now - YEARS,
        last_polled_at=now,
        last_succeeded_at=now,
        last_new_at=now,
        next_poll_at=now + timedelta(days=1),
    )


def _item(city: City, number: int, now: datetime) -> Item:
    at = _moment(number, ITEMS, now)
    address = f"https://city.example/news/{number}"
    return Item(
        source=city.sources[number % len(city.sources)].code,
        identity=address,
        kind="rss",
        url=address,
        title=f"お知らせ {number}",
        published_at=at,
        fetched_at=at,
        content_hash=f"{number:064x}",
        state=ItemState.SET_ASIDE if number % 200 == 0 else ItemState.DONE,
    )


def _notice(city: City, number: int, now: datetime) -> Notice:
    """Three in ten are warnings; of the rest some were sent, some published, the newest held."""
    at = _moment(number, NOTICES, now)
    warns = number % 10 < 3
    kinds = (Decision.SEND, Decision.DIGEST, Decision.PUBLISH)
    decision = Decision.SEND if warns else kinds[number % 3]
    if not warns and number > NOTICES - 8:
        decision = Decision.HOLD
    words = {"title": "お知らせ", "text": "道路工事のお知らせがあります。"}
    return Notice(
        identity=f"years:{number}",
        topic="weather" if warns else "roadworks",
        kind="大雨警報" if warns else "",
        hazard="heavy-rain" if warns else "",
        level=3 if warns else 0,
        urgency=3 if warns else 0,
        status=Status.ISSUED if warns else Status.NONE,
        areas=[] if number % 3 else [city.districts[number % len(city.districts)].code],
        drill=number % 50 == 0,
        reported_at=at,
        created_at=at,
        expires_at=at + timedelta(days=2),
        event_id=f"event-{number}" if warns else "",
        url=f"https://city.example/news/{number}",
        texts=dict.fromkeys(city.languages, words),
        decision=decision,
        decided_by="rule:topic",
    )


def _hazard(city: City, notice: Notice, now: datetime) -> HazardState:
    municipality = city.jma.municipality
    return HazardState(
        municipality=municipality,
        hazard="heavy-rain",
        area=municipality,
        level=3,
        kind="大雨警報",
        reported_at=now - timedelta(minutes=20),
        notice_id=notice.id,
    )


async def _send(database: Database, notice: Notice, members: Sequence[int]) -> None:
    """Write a delivery that has ended, with one variant and one batch."""
    at = notice.created_at
    async with database.writing() as session:
        delivery = Delivery(
            channel="line",
            notice_id=notice.id,
            state=DeliveryState.DONE,
            priority=Priority.ROUTINE,
            audience={"topic": notice.topic, "level": notice.level},
            audience_limit=members[-1],
            planned_through=members[-1],
            planning_done=True,
            recipients=len(members),
            created_by="rule:topic",
            created_at=at,
            first_sent_at=at + timedelta(seconds=1),
            last_sent_at=at + timedelta(seconds=11),
        )
        session.add(delivery)
        await session.flush()
        assert delivery.id is not None
        variant = Variant(
            delivery_id=delivery.id,
            language="ja",
            digest=f"{delivery.id:064x}",
            messages=b'[{"type": "text", "text": "a"}]',
        )
        session.add(variant)
        await session.flush()
        assert variant.id is not None
        session.add(
            Batch(
                delivery_id=delivery.id,
                variant_id=variant.id,
                retry_key=str(uuid.UUID(int=delivery.id, version=4)),
                endpoint="multicast",
                size=len(members),
                members=pack(members),
                state=BatchState.SENT,
                attempts=1,
                first_tried_at=at + timedelta(seconds=1),
                sent_at=at + timedelta(seconds=11),
            )
        )


def _event(number: int, user: str, now: datetime) -> WebhookEvent:
    at = now - timedelta(days=7) * ((EVENTS - number) / EVENTS)
    return WebhookEvent(
        event_id=f"01YEARS{number:019}",
        kind="message",
        line_user_id=user,
        timestamp_ms=int(at.timestamp() * 1000),
        payload="{}",
        state=EventState.IGNORED if number % 20 == 0 else EventState.DONE,
        attempts=1,
        received_at=at,
    )


def _case(person: int, number: int, now: datetime) -> HouseholdCase:
    return HouseholdCase(
        resident_id=person,
        drill=False,
        state=list(CaseState)[number % len(CaseState)],
        urgency=number % 5,
        since=_moment(number, 300, now),
        changed_at=now,
    )


def _danger(report: int, person: int, number: int, now: datetime) -> Danger:
    """Return a danger; every fourth was shown in a drill and is no report."""
    drill = number % 4 == 3
    return Danger(
        drill=drill,
        report_id=None if drill else report,
        resident_id=person if drill else None,
        origin=f"danger-{number}",
        state=Triage.NEW if number % 20 == 0 else Triage.KNOWN,
        created_at=_moment(number, ENTRIES, now),
    )


def _line(number: int, now: datetime) -> RecordEntry:
    at = _moment(number, LINES, now)
    kinds = ("line", "alert", "shelter", "telegram")
    kind = kinds[number % len(kinds)]
    return RecordEntry(
        at=at,
        entered_at=at,
        drill=number % 10 == 0,
        kind=kind,
        text=f"本部員が到着 {number}",
        actor=STAFF if kind == "line" else f"rule:{kind}",
        corrects_id=number if number % 100 == 99 else None,
    )


def _task(number: int, case: int | None, now: datetime) -> Task:
    at = _moment(number, ENTRIES, now)
    return Task(
        drill=False,
        title=f"毛布を運ぶ {number}",
        to_department="roads",
        state=TaskState.OPEN if number % 20 == 0 else TaskState.DONE,
        origin=f"task-{number}",
        case_id=case if number % 2 else None,
        created_by=STAFF,
        created_at=at,
        changed_at=at,
    )


def _answer(person: int, now: datetime) -> HouseholdAnswer:
    return HouseholdAnswer(
        resident_id=person,
        origin=f"answer-{person}",
        told_ms=0,
        newest=True,
        drill=False,
        condition=Condition.IN_NEED,
        told_at=now,
        changed_at=now,
    )


async def _store_news(database: Database, notices: Sequence[Notice], now: datetime) -> None:
    """Store news that was sent over the years, and one that is being written."""
    words = {"ja": {"title": "まつり", "text": "祭りがあります。"}}
    rows = [
        News(
            state=NewsState.DRAFT if number == NEWS else NewsState.SENT,
            topic="events",
            whole_city=True,
            texts=words,
            written_by=STAFF,
            edited_by=STAFF,
            created_at=_moment(number, NEWS, now),
            updated_at=_moment(number, NEWS, now),
        )
        for number in range(1, NEWS + 1)
    ]
    await _store(database, rows)
    await _store(
        database,
        [
            NewsSending(
                news_id=row.id or 0,
                planned_at=row.created_at,
                notice_id=notices[place % len(notices)].id or 0,
                sent_at=row.created_at,
            )
            for place, row in enumerate(rows[:-1])
        ],
    )


def _draft(city: City, number: int, notices: Sequence[Notice], now: datetime) -> AlertDraft:
    at = _moment(number, DRAFTS, now)
    is_open = number > DRAFTS - 3
    words = {"title": "避難指示", "text": "大雨により土砂災害の危険が高まっています。"}
    return AlertDraft(
        topic="evacuation",
        level=4,
        whole_city=True,
        drill=True,
        texts=dict.fromkeys(city.languages, words),
        written_by=STAFF,
        edited_by=STAFF,
        notice_id=None if is_open or number % 2 else notices[number].id,
        discarded_at=at if not is_open and number % 2 else None,
        created_at=at,
        updated_at=at,
    )
