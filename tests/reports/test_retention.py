"""What residents said and showed goes when the time of its kind is over, and figures stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import SQLModel, col, select

from city.city import City
from city.folder import load_city
from core.database import Database
from reports import retention, search, work
from reports.models import (
    Forward,
    ForwardWay,
    OrderItem,
    OrderKind,
    Photo,
    PhotoAddress,
    Report,
    ReportUpdate,
    Sending,
    Team,
    TeamKind,
    Verdict,
    WorkOrder,
)
from reports.retention import forget_photos, forget_words
from reports.states import ReportState
from reports.work import Change
from subscriptions import residents
from tests.support.project import SAMPLE_CITY

ENDED = datetime(2026, 12, 31, 14, 59, 59, tzinfo=UTC)
"""The last second of the year in Japan."""


@pytest.fixture(scope="module")
def city() -> City:
    """The sample city, where words of parks go after ten days."""
    sample = load_city(SAMPLE_CITY)
    kinds = tuple(
        kind.model_copy(update={"retention_days": 10 if kind.code == "park" else None})
        for kind in sample.report_categories
    )
    return sample.model_copy(update={"report_categories": kinds})


async def store(database: Database, *rows: dict[str, Any]) -> None:
    made: list[SQLModel] = []
    for number, row in enumerate(rows, 1):
        about: dict[str, Any] = {
            "category": "pothole",
            "department": "roads",
            "language": "ne",
            "number": f"2026-{number:06}",
            "origin": f"o{number}",
            "state": ReportState.DONE,
            "created_at": ENDED,
            "updated_at": ENDED,
            "ended_at": ENDED,
            "longitude": 140.076612,
            "latitude": 36.083478,
            "address": "中央1-2-3",
            "description": "खाल्डो",
            "japanese": "穴",
            "translated_by": "machine",
            "contact": "山田 029-000-0000",
            "attributes": [{"code": "lamp", "values": ["12"]}],
            "photo_count": 1,
        }
        made.append(Report(**(about | row)))
    async with database.writing() as session:
        session.add_all(made)
        await session.flush()
        for report in list(made):
            assert isinstance(report, Report) and report.id is not None
            about = {"report_id": report.id, "created_at": ENDED}
            session.add(
                ReportUpdate(**about, by="a@city.example", answer="直しました", note="内緒")
            )
            session.add(
                Photo(
                    **about,
                    sha256=f"{report.id:064x}",
                    content_type="image/jpeg",
                    width=1,
                    height=1,
                    size=1,
                )
            )


async def reports(database: Database) -> list[Report]:
    async with database.reading() as session:
        return list(await session.scalars(select(Report).order_by(col(Report.id))))


async def test_words_go_and_what_the_figures_need_stays(database: Database, city: City) -> None:
    await store(database, {})
    days = timedelta(days=city.retention.reports)
    assert await forget_words(database, city, ENDED + days) == 0
    assert (await reports(database))[0].description == "खाल्डो"
    assert await forget_words(database, city, ENDED + days + timedelta(seconds=1)) == 1
    [report] = await reports(database)
    assert not any(
        (report.description, report.japanese, report.translated_by, report.address, report.contact)
    )
    assert report.attributes == []
    assert (report.longitude, report.latitude) == (140.077, 36.083)
    assert (report.category, report.state, report.ended_at) == ("pothole", ReportState.DONE, ENDED)
    async with database.reading() as session:
        [step] = await session.scalars(select(ReportUpdate))
        assert (await search.hits(session, "खाल्डो")).found == ()
    assert (step.answer, step.note, step.by) == ("", "", "a@city.example")
    assert await forget_words(database, city, ENDED + 2 * days) == 0  # once


async def test_where_a_case_was_moved_goes_too(database: Database, city: City) -> None:
    await store(database, {})
    here, there = [140.0766123, 36.0834789, "中央1-2-3"], [140.0771234, 36.0834321, "中央1-2-4"]
    changes: dict[str, list[Any]] = {
        "place": [here, there],
        "address": ["中央1-2-4", "松代1-1"],
        "due": [None, "x"],
    }
    async with database.writing() as session:
        [report] = await session.scalars(select(Report))
        assert report.id is not None
        session.add(ReportUpdate(report_id=report.id, by="a", changes=changes, created_at=ENDED))
    await forget_words(database, city, ENDED + timedelta(days=city.retention.reports + 1))
    async with database.reading() as session:
        first, moved = await session.scalars(select(ReportUpdate).order_by(col(ReportUpdate.id)))
    nowhere = [None, None]
    assert moved.changes == {"place": nowhere, "address": nowhere, "due": [None, "x"]}
    assert first.changes == {}


async def test_a_kind_has_a_time_of_its_own(database: Database, city: City) -> None:
    await store(database, {"category": "park"}, {}, {"category": "gone-from-the-folder"})
    later = ENDED + timedelta(days=11)
    assert await forget_words(database, city, later) == 1
    assert await forget_photos(database, city, later) == 1
    assert [one.forgotten for one in await reports(database)] == [True, False, False]
    assert [one.photo_count for one in await reports(database)] == [0, 1, 1]
    # A kind that the city no longer has is kept as long as any other.
    later = ENDED + timedelta(days=city.retention.reports + 1)
    assert await forget_words(database, city, later) == 2


async def test_a_joined_report_goes_with_its_case_and_not_before(
    database: Database, city: City
) -> None:
    later = ENDED + timedelta(days=4000)
    joined = {"case_id": 1, "state": ReportState.DUPLICATE}
    await store(database, {"state": ReportState.ACCEPTED, "ended_at": None}, joined)
    assert await forget_words(database, city, later) == 0
    assert await forget_photos(database, city, later) == 0
    async with database.writing() as session:
        leading = await session.get_one(Report, 1)
        leading.state, leading.ended_at = ReportState.DONE, ENDED
    assert await forget_words(database, city, later) == 1
    assert await forget_photos(database, city, later) == 1
    assert [one.description for one in await reports(database)] == ["", ""]
    async with database.reading() as session:
        assert list(await session.scalars(select(Photo))) == []


async def test_a_case_that_began_again_keeps_its_words(database: Database, city: City) -> None:
    await store(database, {"state": ReportState.IN_PROGRESS, "ended_at": None})
    assert await forget_words(database, city, ENDED + timedelta(days=9000)) == 0


async def test_what_is_said_after_a_late_reopening_goes_in_its_time_too(
    database: Database, city: City
) -> None:
    """A case whose words are gone already is opened again, worked on and closed."""
    await store(database, {})
    days, now = timedelta(days=city.retention.reports), ENDED + timedelta(days=2000)
    assert await forget_words(database, city, now) == 1
    async with database.writing() as session:
        for state, note in ((ReportState.ACCEPTED, "山田さんに電話"), (ReportState.DONE, "")):
            change = Change(state=state, note=note)
            await work.change(session, city, "2026-000001", change, by="a@city.example", now=now)
    assert await forget_words(database, city, now + days) == 0
    assert await forget_words(database, city, now + days + timedelta(seconds=1)) == 1
    async with database.reading() as session:
        assert not any(step.note for step in await session.scalars(select(ReportUpdate)))


async def test_the_words_of_its_work_orders_go_with_a_case(database: Database, city: City) -> None:
    await store(database, {})
    async with database.writing() as session:
        team = Team(name="直営班", kind=TeamKind.TEAM, created_at=ENDED)
        session.add(team)
        await session.flush()
        assert team.id is not None
        order = WorkOrder(
            kind=OrderKind.WORK,
            team_id=team.id,
            on_day=ENDED.date(),
            made_at=ENDED,
            made_by="a@city.example",
        )
        session.add(order)
        await session.flush()
        [report] = await session.scalars(select(Report))
        assert order.id is not None
        item = OrderItem(
            order_id=order.id,
            report_id=report.id,
            position=0,
            words="山田さん宅の前",
            outcome_words="山田さんが立ち会い",
        )
        session.add(item)
    await forget_words(database, city, ENDED + timedelta(days=2000))
    async with database.reading() as session:
        [kept] = await session.scalars(select(OrderItem))
    assert (kept.words, kept.outcome_words) == ("", "")


async def test_what_residents_said_of_it_and_other_offices_got_goes_with_a_case(
    database: Database, city: City
) -> None:
    """In the time of its kind, which may be shorter than the city's."""
    await store(database, {"category": "park"})
    async with database.writing() as session:
        resident = await residents.follow(session, city, f"U{1:032}", "ne", ENDED)
        [report] = await session.scalars(select(Report))
        about: dict[str, Any] = {"report_id": report.id, "created_at": ENDED, "not_before": ENDED}
        verdict: dict[str, Any] = {
            "resident_id": resident.id,
            "said": False,
            "words": "まだ穴がある",
        }
        sent: dict[str, Any] = {
            "words": "山田さん宅の前",
            "remote_notes": "山田さんと確認",
            "photos": ["0" * 64],
        }
        session.add_all(
            [
                Verdict(report_id=report.id or 0, key="k", asked_at=ENDED, **verdict),
                PhotoAddress(url="https://a.example/yamada.jpg", by="key:1", **about),
                Forward(
                    key="f",
                    owner="pref",
                    way=ForwardWay.MAIL,
                    by="a@city.example",
                    address="road@pref.example",
                    state=Sending.DONE,
                    **about,
                    **sent,
                ),
            ]
        )
    later = ENDED + timedelta(days=11)
    assert await forget_words(database, city, later) == 1
    await forget_photos(database, city, later)
    async with database.reading() as session:
        [said] = await session.scalars(select(Verdict))
        [forward] = await session.scalars(select(Forward))
        assert list(await session.scalars(select(PhotoAddress))) == []
    assert (said.words, said.said) == ("", False)
    assert (forward.words, forward.remote_notes, forward.photos) == ("", "", [])


async def test_what_stops_in_the_middle_goes_on_the_next_time(
    database: Database, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(database, {}, {"category": "park"})
    later, erase, calls = ENDED + timedelta(days=5000), retention._erase_words, 0

    async def breaks(session: Any, ids: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("killed")
        await erase(session, ids)

    monkeypatch.setattr(retention, "_erase_words", breaks)
    with pytest.raises(RuntimeError):
        await forget_words(database, city, later)
    assert sorted(one.forgotten for one in await reports(database)) == [False, True]
    monkeypatch.undo()
    assert await forget_words(database, city, later) == 1
    assert all(one.forgotten for one in await reports(database))
