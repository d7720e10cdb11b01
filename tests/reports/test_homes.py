"""What staff keep from everybody is kept for the whole case, joined, parted, left or forwarded."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from reports import answer_templates, answers, cases, nearby, open311_requests, public_place, work
from reports.answer_templates import Template, filled, place
from reports.answers import Answer
from reports.forwarding import still_there
from reports.hearers import hearers
from reports.models import Follower, Photo, PhotoRole, Report
from reports.states import ReportState
from reports.withdrawn import withdraw_report
from reports.work import Change
from tests.support.filed_reports import reported
from tests.support.office import Office
from tests.support.public_cases import case_in, photographed

BY = "road@city.example"
AT_HOMES = "other"


@pytest.fixture
def office(office: Office) -> Office:
    """The same, in a city with a kind of damage that is at homes."""
    city = office.context.city
    kinds = tuple(
        kind.model_copy(update={"at_homes": kind.code == AT_HOMES})
        for kind in city.report_categories
    )
    object.__setattr__(office.context, "city", city.model_copy(update={"report_categories": kinds}))
    return office


async def change(office: Office, report: Report, **wanted: Any) -> None:
    async with office.database.writing() as session:
        await work.change(
            session,
            office.context.city,
            report.number,
            Change(**wanted),
            by=BY,
            now=office.clock.now(),
        )


async def join(office: Office, one: Report, two: Report) -> None:
    async with office.database.writing() as session:
        await cases.join(
            session, office.context.city, one.number, two.number, by=BY, now=office.clock.now()
        )


async def part(office: Office, report: Report) -> Report:
    async with office.database.writing() as session:
        return await cases.part(
            session, office.context.city, report.number, by=BY, now=office.clock.now()
        )


async def read(office: Office, report: Report) -> Report:
    async with office.database.reading() as session:
        return await session.get_one(Report, report.id)


async def shown_at(office: Office, report: Report) -> tuple[float, float]:
    """Return where Open311 shows a report to everybody."""
    browser = await office.browser()
    address = f"{browser.url}/open311/v2/requests/{report.number}.json"
    async with browser.http.get(address) as answer:
        assert answer.status == 200
        [entry] = json.loads(await answer.read())
    return entry["long"], entry["lat"]


def exact(report: Report) -> tuple[float, float]:
    assert report.longitude is not None and report.latitude is not None
    return round(report.longitude, 4), round(report.latitude, 4)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_home_of_one_report_is_one_of_every_report_of_its_case(
    office: Office, when: str
) -> None:
    one = await case_in(office, ReportState.ACCEPTED)
    two = await case_in(office, ReportState.ACCEPTED)
    if when == "before":
        await change(office, two, is_home=True)
    await join(office, one, two)
    if when == "after":
        await change(office, one, is_home=True)
    for report in (one, two):
        assert await shown_at(office, report) != exact(report)
    again = await part(office, two)
    assert again.is_home and (await read(office, one)).is_home
    for report in (one, two):
        assert await shown_at(office, report) != exact(report)


async def test_a_kind_at_homes_makes_its_case_a_home(office: Office) -> None:
    one = await case_in(office, ReportState.ACCEPTED)
    two = await case_in(office, ReportState.NEW, category=AT_HOMES)
    await join(office, one, two)
    assert await shown_at(office, one) == await shown_at(office, two) != exact(one)


async def test_a_home_stays_one_when_the_resident_takes_its_leader_back(office: Office) -> None:
    one, two = await reported(office), await reported(office)
    await join(office, one, two)
    await change(office, one, is_home=True)
    async with office.database.writing() as session:
        # As they were before every report of a case had the mark.
        member = await session.get_one(Report, two.id)
        member.is_home = False
        session.add(member)
    async with office.database.writing() as session:
        mine = await session.get_one(Report, one.id, with_for_update=True)
        assert await withdraw_report(session, mine, office.clock.now())
    await change(office, two, state=ReportState.ACCEPTED)
    assert await shown_at(office, two) != exact(two)


async def test_a_report_that_is_parted_from_a_hidden_case_is_hidden(office: Office) -> None:
    one = await case_in(office, ReportState.ACCEPTED)
    two = await case_in(office, ReportState.ACCEPTED)
    await join(office, one, two)
    await change(office, one, hidden=True)
    assert (await part(office, two)).hidden
    browser = await office.browser()
    async with browser.http.get(f"{browser.url}/reports/{two.number}") as answer:
        assert answer.status == 404


async def test_a_joined_report_of_a_kind_that_is_not_published_is_not_there(
    office: Office,
) -> None:
    city = office.context.city
    kinds = tuple(
        kind.model_copy(update={"published": kind.code != AT_HOMES})
        for kind in city.report_categories
    )
    city = city.model_copy(update={"report_categories": kinds})
    leader = await case_in(office, ReportState.ACCEPTED)
    joined = await case_in(
        office, ReportState.DUPLICATE, category=AT_HOMES, case_id=leader.id, reporters=1
    )
    wanted = open311_requests.Wanted(numbers=(leader.number, joined.number))
    async with office.database.reading() as session:
        found = await open311_requests.find(session, city, wanted, None, limit=10)
    assert [one.report.number for one in found] == [leader.number]


async def test_words_for_others_name_a_home_by_its_district_alone(office: Office) -> None:
    """Also where the kind says that it is a home, and nobody ticked it."""
    street, home = await reported(office), await reported(office, category=AT_HOMES)
    city = office.context.city
    assert public_place.is_home(home, city) and not home.is_home
    assert place(street, "ja", city) == street.address
    assert place(home, "ja", city) == city.districts[0].names["ja"]


async def test_nobody_measures_from_where_they_stand_to_a_home(office: Office) -> None:
    """Others are asked if it is the same; from three distances a home could be worked out."""
    street = await reported(office)
    await case_in(office, ReportState.ACCEPTED, is_home=True)
    await case_in(office, ReportState.ACCEPTED, hidden=True)
    await case_in(office, ReportState.NEW, category=AT_HOMES)
    assert street.longitude is not None and street.latitude is not None
    async with office.database.reading() as session:
        found = await nearby.open_near(
            session, office.context.city, street.longitude, street.latitude
        )
    assert [one.report.number for one in found] == [street.number]


async def test_a_photo_that_is_kept_private_goes_to_nobody(office: Office) -> None:
    report = await case_in(office, ReportState.IN_PROGRESS)
    photo = await photographed(office, report, role=PhotoRole.AFTER)
    async with office.database.reading() as session:
        assert await answers.sent_photo(session, photo.id or 0) == photo.sha256
    async with office.database.writing() as session:
        kept = await session.get_one(Photo, photo.id)
        kept.kept_private = True
        session.add(kept)
    async with office.database.reading() as session:
        assert await answers.sent_photo(session, photo.id or 0) is None
        assert await answers._photos(session, report, [photo.id or 0]) == []


async def test_another_office_gets_no_photo_that_was_taken_back(office: Office) -> None:
    report = await case_in(office, ReportState.ACCEPTED)
    photo = await photographed(office, report)
    async with office.database.reading() as session:
        assert await still_there(session, [photo.sha256]) == [photo.sha256]
    async with office.database.writing() as session:
        await session.delete(await session.get_one(Photo, photo.id))
    async with office.database.reading() as session:
        assert await still_there(session, [photo.sha256]) == []


async def followers(office: Office) -> list[Follower]:
    async with office.database.reading() as session:
        return list(await session.scalars(select(Follower)))


async def seen_by(office: Office, report: Report, user: str, *, saw: bool) -> int:
    resident = next(one for one in await office.residents() if one.line_user_id == user)
    assert resident.id is not None and report.id is not None
    now = office.clock.now() + timedelta(seconds=len(await followers(office)))
    await office.store(
        Follower(report_id=report.id, resident_id=resident.id, saw=saw, created_at=now)
    )
    return resident.id


async def test_who_saw_the_same_thing_goes_on_when_the_first_takes_it_back(
    office: Office,
) -> None:
    """They were told that they need not send it again."""
    user, reader, second, third = [await office.resident("en") for _ in range(4)]
    report = await reported(office, user)
    only_reads = await seen_by(office, report, reader, saw=False)
    heir = await seen_by(office, report, second, saw=True)
    other = await seen_by(office, report, third, saw=True)
    async with office.database.writing() as session:
        mine = await session.get_one(Report, report.id, with_for_update=True)
        mine.reporters = 3
        assert await withdraw_report(session, mine, office.clock.now())
    gone, goes_on = sorted(await office.rows(Report), key=lambda one: one.id)
    assert (gone.state, gone.reporters, gone.longitude) == (ReportState.WITHDRAWN, 1, None)
    assert (goes_on.state, goes_on.reporters) == (ReportState.NEW, 2)
    assert (goes_on.resident_id, goes_on.description, goes_on.address) == (heir, "", "")
    assert (goes_on.category, goes_on.longitude) == (report.category, report.longitude)
    assert {(one.report_id, one.resident_id, one.saw) for one in await followers(office)} == {
        (goes_on.id, other, True),
        (goes_on.id, only_reads, False),
    }


async def test_who_follows_the_first_hears_of_the_one_that_leads_after_it(
    office: Office,
) -> None:
    user, second = await office.resident("en"), await office.resident("en")
    third = await office.resident("ne")
    one, two = await reported(office, user), await reported(office, second)
    await join(office, one, two)
    await seen_by(office, one, second, saw=True)
    follower = await seen_by(office, one, third, saw=True)
    async with office.database.writing() as session:
        mine = await session.get_one(Report, one.id, with_for_update=True)
        mine.reporters = 4
        assert await withdraw_report(session, mine, office.clock.now())
    heir = await read(office, two)
    assert (heir.case_id, heir.reporters) == (None, 2)
    [stays] = await followers(office)
    assert (stays.report_id, stays.resident_id) == (two.id, follower)


async def test_nobody_who_only_reads_becomes_a_reporter(office: Office) -> None:
    user, reader = await office.resident("en"), await office.resident("en")
    report = await reported(office, user)
    await seen_by(office, report, reader, saw=False)
    async with office.database.writing() as session:
        mine = await session.get_one(Report, report.id, with_for_update=True)
        assert await withdraw_report(session, mine, office.clock.now())
    assert len(await office.rows(Report)) == 1


async def test_who_only_reads_hears_no_address_and_nothing_once_it_is_hidden(
    office: Office,
) -> None:
    user, reader, second = [await office.resident("ja") for _ in range(3)]
    report = await reported(office, user, address="山田太郎宅の前")
    only_reads = await seen_by(office, report, reader, saw=False)
    saw = await seen_by(office, report, second, saw=True)
    async with office.database.reading() as session:
        some = await hearers(session, await session.get_one(Report, report.id))
    assert [one.only_reads for one in some] == [False, True, False]
    for one in some:
        said = filled(
            "{place}",
            "ja",
            one.report,
            office.context.city,
            number=report.number,
            on=None,
            exact=not one.only_reads,
        )
        assert ("山田" in said) is not one.only_reads
    await change(office, report, hidden=True)
    async with office.database.reading() as session:
        some = await hearers(session, await session.get_one(Report, report.id))
    assert {one.resident.id for one in some if one.resident} == {report.resident_id, saw}
    assert only_reads not in {one.resident.id for one in some if one.resident}


async def test_a_joined_report_is_answered_with_the_department_of_its_case(
    office: Office,
) -> None:
    user = await office.resident("ja")
    one, two = await reported(office), await reported(office, user)
    await join(office, one, two)
    other = next(d for d in office.context.city.departments if d.code != one.department)
    await change(office, one, department=other.code)
    async with office.database.writing() as session:
        made = await answer_templates.store(
            session,
            office.context.city,
            Template(code="", name="課", texts={"ja": "{office}です"}),
            seen=0,
            actor=BY,
            now=office.clock.now(),
        )
    async with office.database.reading() as session:
        case = await session.get_one(Report, one.id)
        said = Answer(template=made.code)
        preview = await answers.preview(
            session, office.context.city, case, None, said, now=office.clock.now()
        )
    assert other.names["ja"] in str(preview.groups)
