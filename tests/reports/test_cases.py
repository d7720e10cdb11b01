"""Reports of one thing are one case, never a chain; parted, each is what it was."""

from __future__ import annotations

import asyncio
import io
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlmodel import col, select

from city.city import City
from city.folder import load_city
from core import audit
from core.audit import AuditEntry
from core.clock import JAPAN, ManualClock
from core.database import Database
from core.errors import BadInput
from reports import cases, exports, orders, register, work
from reports.likeness import ALIKE, differing_bits
from reports.models import OrderKind, Photo, Report, ReportUpdate, Team, TeamKind
from reports.overdue import settle_waiting
from reports.photos import mark_old_photos, store_photo
from reports.register import Draft
from reports.states import ReportState
from reports.withdrawn import withdraw_report
from reports.work import Change
from tests.support.project import SAMPLE_CITY

BY = "roads@city.example"
HERE = (140.1100, 36.0700)
"""Far from every road that the sample's owners.geojson draws."""


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


async def file(
    database: Database, city: City, now: datetime, origin: str = "", **more: Any
) -> Report:
    fields = {"category": "pothole", "longitude": HERE[0], "latitude": HERE[1], **more}
    async with database.writing() as session:
        made = Draft(origin=origin or "one", **fields)
        return await register.create_report(
            session, city, made, resident_id=None, language="ja", now=now
        )


async def several(database: Database, city: City, clock: ManualClock, number: int) -> list[Report]:
    return [await file(database, city, clock.now(), origin=f"{n}") for n in range(number)]


async def join(database: Database, city: City, one: Report, two: Report, now: datetime) -> Any:
    async with database.writing() as session:
        return await cases.join(session, city, one.number, two.number, by=BY, now=now)


async def read(database: Database, report: Report) -> Report:
    async with database.reading() as session:
        return await session.get_one(Report, report.id)


async def move(database: Database, city: City, report: Report, now: datetime, **more: Any) -> Any:
    async with database.writing() as session:
        return await work.change(session, city, report.number, Change(**more), by=BY, now=now)


async def test_joining_makes_one_case_and_never_a_chain(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two, three, four = await several(database, city, clock, 4)
    made = await join(database, city, two, one, clock.now())
    assert made.leader.number == one.number, "the older leads"
    assert [report.number for report in made.joined] == [two.number]
    await join(database, city, four, three, clock.now())
    # Joining the joined means joining the leader, and a leader brings its own along.
    made = await join(database, city, four, two, clock.now())
    assert made.leader.number == one.number
    assert [report.number for report in made.joined] == [three.number, four.number]
    stored = [await read(database, each) for each in (one, two, three, four)]
    assert [each.case_id for each in stored] == [None, one.id, one.id, one.id]
    assert [each.reporters for each in stored] == [4, 1, 1, 1]
    assert [each.state.value for each in stored] == ["new", "duplicate", "duplicate", "duplicate"]
    async with database.reading() as session:
        trail = await audit.newest(session, 20)
        steps = list(
            await session.scalars(select(ReportUpdate).where(col(ReportUpdate.report_id) == one.id))
        )
    assert {"report.joined", "report.widened"} <= {entry.action for entry in trail}
    assert next(step.changes for step in steps if step.changes) == {"joined": [None, two.number]}
    with pytest.raises(BadInput):
        await join(database, city, two, three, clock.now())


async def test_parting_restores_what_a_report_was(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two = await several(database, city, clock, 2)
    await move(database, city, one, clock.now(), state=ReportState.IN_PROGRESS)
    await move(database, city, two, clock.now(), state=ReportState.ACCEPTED)
    await join(database, city, one, two, clock.now())
    await move(database, city, one, clock.now(), state=ReportState.DONE)
    async with database.writing() as session:
        again = await cases.part(session, city, two.number, by=BY, now=clock.now())
        assert again.state is ReportState.ACCEPTED and again.case_id is None
        assert again.ended_at is None
    assert (await read(database, one)).reporters == 1
    with pytest.raises(BadInput):
        async with database.writing() as session:
            await cases.part(session, city, two.number, by=BY, now=clock.now())


async def test_what_is_further_along_leads(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two = await several(database, city, clock, 2)
    await move(database, city, two, clock.now(), state=ReportState.ACCEPTED)
    made = await join(database, city, one, two, clock.now())
    assert made.leader.number == two.number


async def test_what_has_ended_joins_nothing(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two = await several(database, city, clock, 2)
    await move(database, city, one, clock.now(), state=ReportState.DONE)
    with pytest.raises(BadInput):
        await join(database, city, one, two, clock.now())


async def test_two_people_join_the_same_at_once(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two, three = await several(database, city, clock, 3)
    results = await asyncio.gather(
        join(database, city, one, two, clock.now()),
        join(database, city, two, one, clock.now()),
        join(database, city, three, two, clock.now()),
        join(database, city, three, one, clock.now()),
        return_exceptions=True,
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 2
    assert all(isinstance(result, BadInput) for result in results if isinstance(result, Exception))
    stored = [await read(database, each) for each in (one, two, three)]
    assert [each.case_id for each in stored].count(None) == 1
    (leader,) = [each for each in stored if each.case_id is None]
    assert leader.reporters == 3
    assert all(each.case_id in (None, leader.id) for each in stored)


async def test_a_case_goes_on_when_the_resident_takes_its_leader_back(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two, three = await several(database, city, clock, 3)
    await join(database, city, one, two, clock.now())
    await join(database, city, one, three, clock.now())
    async with database.writing() as session:
        mine = await session.get_one(Report, one.id, with_for_update=True)
        assert await withdraw_report(session, mine, clock.now())
    gone, heir, third = [await read(database, each) for each in (one, two, three)]
    assert gone.state is ReportState.WITHDRAWN and gone.reporters == 1
    assert heir.case_id is None and heir.state is ReportState.NEW and heir.reporters == 2
    assert third.case_id == heir.id


async def test_what_the_office_decided_on_is_not_taken_back_as_a_whole(
    database: Database, city: City, clock: ManualClock
) -> None:
    report = await file(database, city, clock.now(), description="穴があります")
    await move(database, city, report, clock.now(), state=ReportState.ACCEPTED)
    async with database.writing() as session:
        mine = await session.get_one(Report, report.id, with_for_update=True)
        assert not await withdraw_report(session, mine, clock.now())
    stored = await read(database, report)
    assert (stored.state, stored.description) == (ReportState.ACCEPTED, "穴があります")


async def test_a_crew_still_goes_to_a_case_whose_leader_was_taken_back(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two = await several(database, city, clock, 2)
    await join(database, city, one, two, clock.now())
    async with database.writing() as session:
        team = Team(name="直営班", kind=TeamKind.TEAM, created_at=clock.now())
        session.add(team)
        await session.flush()
        order = await orders.make_order(
            session,
            city,
            kind=OrderKind.WORK,
            team_id=team.id or 0,
            on_day=clock.now().astimezone(JAPAN).date(),
            numbers=[one.number],
            by=BY,
            now=clock.now(),
        )
        mine = await session.get_one(Report, one.id, with_for_update=True)
        assert await withdraw_report(session, mine, clock.now())
    async with database.reading() as session:
        (stop,) = await orders.stops(session, order.id or 0)
    assert stop.report is not None
    assert (stop.report.number, stop.report.team_id) == (two.number, team.id)


async def test_similar_reports_are_suggested_by_place_kind_photo_and_time(
    database: Database, city: City, clock: ManualClock
) -> None:
    report = await file(database, city, clock.now(), origin="one")
    north = HERE[1] + 0.0001  # 11 m
    same = await file(database, city, clock.now(), origin="same", latitude=north)
    alike = await file(
        database, city, clock.now(), origin="alike", latitude=north, category="other"
    )
    other = await file(database, city, clock.now(), origin="other", latitude=north, category="sign")
    far = await file(database, city, clock.now(), origin="far", latitude=HERE[1] + 0.001)
    mark = 0x0F0F_3C3C_5A5A_7777
    async with database.writing() as session:
        for owner, bits in ((report, mark), (alike, mark ^ 0b111), (other, ~mark)):
            session.add(
                Photo(
                    report_id=owner.id or 0,
                    sha256="0" * 64,
                    content_type="image/jpeg",
                    width=1,
                    height=1,
                    size=1,
                    dhash=bits,
                    created_at=clock.now(),
                )
            )
    async with database.reading() as session:
        found = await cases.similar(session, await session.get_one(Report, report.id), clock.now())
    likely = {one.report.number for one in found if one.is_likely}
    assert likely == {same.number, alike.number}
    assert [one.report.number for one in found if not one.is_likely] == [other.number]
    assert far.number not in {one.report.number for one in found}
    assert {one.report.number: one.bits for one in found}[alike.number] == 3
    async with database.writing() as session:
        taken = await session.get_one(Report, same.id, with_for_update=True)
        taken.state = ReportState.WITHDRAWN
        session.add(taken)
    async with database.reading() as session:
        found = await cases.similar(session, await session.get_one(Report, report.id), clock.now())
    assert same.number not in {one.report.number for one in found}


async def test_a_moved_place_is_worked_out_again_and_history_keeps_the_old(
    database: Database, city: City, clock: ManualClock
) -> None:
    report = await file(database, city, clock.now(), address="田んぼの横")
    national = (140.1310, 36.0800)
    made = await move(database, city, report, clock.now(), place=national)
    stored = await read(database, report)
    assert (stored.longitude, stored.latitude) == national
    assert stored.owner == "national-road" and stored.road_class == "national"
    district = city.district_at(*national)
    assert district is not None and stored.area == district.code
    assert made.update.changes["place"][0] == [*HERE, "田んぼの横"]
    assert made.update.changes["owner"] == ["", "national-road"]
    # The trail stays when the words of a case are erased: it says that it was moved, not where.
    async with database.reading() as session:
        entries = await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id).desc()))
        [trail] = [one.detail["changes"] for one in entries if "changes" in one.detail]
    assert trail["place"] == [None, None] and trail["owner"] == ["", "national-road"]
    with pytest.raises(BadInput):
        await move(database, city, report, clock.now(), place=(140.0, 136.0))
    with pytest.raises(BadInput):
        await move(database, city, report, clock.now(), owner="nobody")


async def test_a_persons_priority_stays_above_the_machines(
    database: Database, city: City, clock: ManualClock
) -> None:
    plain = await file(database, city, clock.now(), origin="plain")
    hurt = await file(
        database, city, clock.now(), origin="hurt", description="子どもが転んで怪我をしました"
    )
    danger = await file(database, city, clock.now(), origin="cave", category="cave-in")
    assert (plain.priority, hurt.priority, danger.priority) == (3, 1, 1)
    assert hurt.priority_why == ["hurt:転ん"]
    assert danger.priority_why == ["kind:cave-in", "kind-danger"]
    await move(database, city, hurt, clock.now(), priority=4)
    for other in [await file(database, city, clock.now(), origin=f"x{n}") for n in range(3)]:
        await join(database, city, hurt, other, clock.now())
    stored = await read(database, hurt)
    assert (stored.priority, stored.priority_by) == (4, BY), "four reporters change nothing"
    await move(database, city, hurt, clock.now(), priority=work.WORKED_OUT)
    stored = await read(database, hurt)
    assert (stored.priority, stored.priority_by) == (1, "")
    assert stored.priority_why == ["hurt:転ん", "reporters:4"]


async def test_a_case_is_as_urgent_as_the_gravest_that_was_said_of_it(
    database: Database, city: City, clock: ManualClock
) -> None:
    plain = await file(database, city, clock.now(), origin="plain")
    hurt = await file(
        database, city, clock.now(), origin="hurt", description="子どもが転んで怪我をしました"
    )
    cave_in = await file(database, city, clock.now(), origin="cave", category="cave-in")
    await join(database, city, plain, hurt, clock.now())
    leader = await read(database, plain)
    assert (leader.priority, leader.priority_why) == (1, ["hurt:転ん"])
    await move(database, city, plain, clock.now(), state=ReportState.IN_PROGRESS)
    assert (await read(database, plain)).priority == 1
    # After two weeks the priority of what waits is worked out again.
    await settle_waiting(database, city, clock.now() + timedelta(days=15))
    leader = await read(database, plain)
    assert (leader.priority, leader.priority_why) == (1, ["hurt:転ん", "waits:14"])
    async with database.writing() as session:
        await cases.part(session, city, hurt.number, by=BY, now=clock.now())
    assert (await read(database, plain)).priority == 3
    await join(database, city, plain, cave_in, clock.now())
    leader = await read(database, plain)
    assert (leader.priority, leader.priority_why) == (1, ["kind-danger"])


async def test_more_reporters_and_a_busy_road_raise_the_priority(
    database: Database, city: City, clock: ManualClock
) -> None:
    one, two, three = await several(database, city, clock, 3)
    await join(database, city, one, two, clock.now())
    assert (await read(database, one)).priority == 3
    await join(database, city, one, three, clock.now())
    assert (await read(database, one)).priority == 2
    busy = await file(
        database, city, clock.now(), origin="busy", longitude=140.1310, latitude=36.0800
    )
    assert (busy.priority, busy.priority_why) == (2, ["road:national"])


async def test_a_reopened_case_is_open_everywhere_and_its_history_says_so(
    database: Database, city: City, clock: ManualClock
) -> None:
    report = await file(database, city, clock.now())
    await move(database, city, report, clock.now(), state=ReportState.DONE)
    async with database.reading() as session:
        export = await exports.begin_export(session)
    assert [
        one.report.state.value async for some in exports.exported(database, export) for one in some
    ]
    due = date(2026, 7, 1)
    async with database.writing() as session:
        row = await session.get_one(Report, report.id)
        row.due_on = due
    await clock.advance(timedelta(days=40).total_seconds())
    made = await move(database, city, report, clock.now(), state=ReportState.IN_PROGRESS)
    stored = await read(database, report)
    assert stored.ended_at is None
    assert stored.due_on is None or stored.due_on >= clock.now().astimezone(JAPAN).date()
    assert made.update.changes["reopened"] == ["done", "in-progress"]
    async with database.reading() as session:
        export = await exports.begin_export(session)
    states = [
        one.report.state.value async for some in exports.exported(database, export) for one in some
    ]
    assert states == ["in-progress"]


async def test_a_state_needs_its_reason_and_nobody_skips_the_rules(
    database: Database, city: City, clock: ManualClock
) -> None:
    report = await file(database, city, clock.now())
    for wrong in (
        {"state": ReportState.DECLINED},
        {"state": ReportState.REFERRED, "reason": "watched"},
        {"state": ReportState.WITHDRAWN},
        {"state": ReportState.DUPLICATE, "reason": "same"},
        {"priority": 5},
        {"department": "none"},
        {"team_id": 77},
        {"category": "dragons"},
    ):
        with pytest.raises(BadInput):
            await move(database, city, report, clock.now(), **wrong)
    made = await move(
        database, city, report, clock.now(), state=ReportState.DECLINED, reason="private"
    )
    assert made.update.reason == "private"
    with pytest.raises(BadInput):
        await move(database, city, report, clock.now(), state=ReportState.NEW)


async def test_old_photos_get_their_likeness_once(
    database: Database, city: City, clock: ManualClock, tmp_path: Path
) -> None:
    output = io.BytesIO()
    Image.linear_gradient("L").rotate(30).resize((800, 600)).save(output, "JPEG")
    kept = store_photo(tmp_path, output.getvalue())
    report = await file(database, city, clock.now())
    async with database.writing() as session:
        for sha256 in (kept.sha256, "0" * 64):
            session.add(
                Photo(
                    report_id=report.id or 0,
                    sha256=sha256,
                    content_type="image/jpeg",
                    width=1,
                    height=1,
                    size=1,
                    created_at=clock.now(),
                )
            )
    assert await mark_old_photos(database, tmp_path) == 2
    assert await mark_old_photos(database, tmp_path) == 0
    async with database.reading() as session:
        photos = list(await session.scalars(select(Photo).order_by(col(Photo.id))))
    assert photos[0].dhash is not None and kept.dhash is not None
    assert differing_bits(photos[0].dhash, kept.dhash) <= ALIKE
    assert photos[1].dhash == 0, "a photo whose file is gone is like no other"
