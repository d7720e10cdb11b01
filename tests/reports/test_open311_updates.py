"""Programs say later what became of their reports, and offices what became of their cases
(``POST servicerequestupdates``, as FixMyStreet and other clients send it).
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from sqlmodel import select

from city.city import Endpoint, Owner
from console import words
from core.clock import JAPAN
from reports import cases, forwarding, notices_to_staff, open311, work
from reports.api_keys import MOST_POSTS, add_key
from reports.forwarding import Wanted, new_key
from reports.models import (
    Addition,
    ApiKey,
    Forward,
    ForwardWay,
    PhotoAddress,
    PhotoRole,
    Priority,
    Report,
    ReportUpdate,
    Sending,
    StaffNotice,
)
from reports.notices_to_staff import Desk
from reports.states import ReportState
from reports.work import Change
from tests.support.filed_reports import reported
from tests.support.office import Office, Page
from tests.support.open311 import API

PHOTO = "https://app.example/mended.jpg"
PERSON = {
    "email": "hanako@mail.example",
    "account_id": "123456-acc",
    "first_name": "花子",
    "last_name": "山田",
    "title": "MS",
    "phone": "111-1111-1111",
}


@pytest.fixture(autouse=True)
def _served(office: Office) -> None:
    office.app.include_router(open311.router)


async def key_for(office: Office, name: str, owner: str = "") -> str:
    async with office.database.writing() as session:
        now = office.clock.now()
        return await add_key(session, name, actor="test", now=now, owner=owner)


@pytest.fixture
async def key(office: Office) -> str:
    return await key_for(office, "A city app")


async def send(office: Office, key: str, number: str, form: str = "json", **said: str) -> Page:
    fields = {"api_key": key, "service_request_id": number, **said}
    return await (await office.browser()).post(f"{API}/servicerequestupdates.{form}", fields)


async def posted(office: Office, key: str) -> str:
    """Have a program report something; return its number."""
    ring = office.context.city.districts[0].polygons[0][0]
    fields = {
        "api_key": key,
        "service_code": office.context.city.report_categories[0].code,
        "lat": str(sum(point[1] for point in ring) / len(ring)),
        "long": str(sum(point[0] for point in ring) / len(ring)),
        "description": "穴があいています",
    }
    page = await (await office.browser()).post(f"{API}/requests.json", fields)
    assert page.status == 200, page.body
    return str(json.loads(page.body)[0]["service_request_id"])


async def changed(office: Office, number: str, **wanted: Any) -> None:
    async with office.database.writing() as session:
        now = office.clock.now()
        city = office.context.city
        await work.change(session, city, number, Change(**wanted), by="michi", now=now)


async def report_of(office: Office, number: str) -> Report:
    [found] = [one for one in await office.rows(Report) if one.number == number]
    assert isinstance(found, Report)
    return found


async def newest_step(office: Office) -> ReportUpdate:
    step = (await office.rows(ReportUpdate))[-1]
    assert isinstance(step, ReportUpdate)
    return step


def update_id(page: Page) -> str:
    assert page.status == 200, page.body
    [taken] = json.loads(page.body)
    assert set(taken) == {"update_id", "service_request_id"}
    return str(taken["update_id"])


async def test_a_word_of_the_reporter_is_in_the_history_and_the_office_has_still_to_look(
    office: Office, key: str
) -> None:
    number = await posted(office, key)
    said = {"description": "まだ直っていません", "media_url": PHOTO, **PERSON}
    identity = update_id(await send(office, key, number, **said))
    step = await newest_step(office)
    assert identity == str(step.id)
    assert (step.by, step.note) == ("open311:A city app", "まだ直っていません")
    assert (step.added, step.state) == (Addition.WORDS, None)
    report = await report_of(office, number)
    assert report.opened_at is None, "no member of staff has seen it"
    [photo] = await office.rows(PhotoAddress)
    assert (photo.url, photo.role) == (PHOTO, PhotoRole.LATER)
    kept = repr([step, report, photo])
    assert not [one for one in PERSON.values() if one in kept]


async def test_a_word_of_danger_by_a_program_raises_the_priority_and_is_told(
    office: Office, key: str
) -> None:
    number = await posted(office, key)
    await changed(office, number, state=ReportState.ACCEPTED)
    before = (await report_of(office, number)).priority
    update_id(await send(office, key, number, description="The hole got bigger and is dangerous"))
    step, after = await newest_step(office), await report_of(office, number)
    assert (step.added, step.grave) == (Addition.WORSE, "danger:danger")
    assert before == Priority.NORMAL and after.priority == Priority.AT_ONCE
    assert after.priority_why == ["danger:danger", "worse"]
    desk = Desk(office.context.city, office.context.queue, "https://x.example", words.CATALOGUE)
    assert await notices_to_staff.look(office.database, desk, office.clock.now()) == 1
    assert await notices_to_staff.look(office.database, desk, office.clock.now()) == 0


async def test_the_same_update_again_is_the_same_update(office: Office, key: str) -> None:
    number = await posted(office, key)
    said = {"description": "水がたまります", "update_id": "17"}
    first = update_id(await send(office, key, number, **said))
    assert update_id(await send(office, key, number, **said)) == first
    assert update_id(await send(office, key, number, **{**said, "update_id": "18"})) != first
    office.clock.ahead += timedelta(days=1)
    assert update_id(await send(office, key, number, **said)) != first


async def test_an_update_is_the_same_one_around_midnight(office: Office, key: str) -> None:
    number = await posted(office, key)
    midnight = datetime(2027, 1, 1, tzinfo=JAPAN)
    office.clock.ahead += midnight - timedelta(seconds=30) - office.clock.now()
    first = update_id(await send(office, key, number, description="まだあります"))
    office.clock.ahead += timedelta(minutes=1)
    assert update_id(await send(office, key, number, description="まだあります")) == first
    office.clock.ahead += timedelta(hours=1)
    assert update_id(await send(office, key, number, description="まだあります")) != first


async def test_two_at_once_are_one(office: Office, key: str) -> None:
    number = await posted(office, key)
    pages = await asyncio.gather(*(send(office, key, number, status="closed") for _ in range(4)))
    assert len({update_id(page) for page in pages}) == 1
    assert len([one for one in await office.rows(ReportUpdate) if one.added]) == 1


async def test_closed_by_the_reporter_is_a_word_to_staff_and_ends_nothing(
    office: Office, key: str
) -> None:
    number = await posted(office, key)
    await changed(office, number, state=ReportState.ACCEPTED)
    update_id(await send(office, key, number, status="CLOSED", description="直っていました"))
    step = await newest_step(office)
    assert (step.added, step.state) == (Addition.MENDED, None)
    assert (await report_of(office, number)).state is ReportState.ACCEPTED


async def test_open_after_the_completion_opens_the_case_and_everybody_hears(
    office: Office, key: str
) -> None:
    """As when a resident says "no, it is not right": the department and the residents hear."""
    number = await posted(office, key)
    user = await office.resident("pt")
    joined = await reported(office, user)
    async with office.database.writing() as session:
        now = office.clock.now()
        await cases.join(session, office.context.city, number, joined.number, by="michi", now=now)
    await changed(office, number, state=ReportState.DONE)
    update_id(await send(office, key, number, status="open", description="また穴があきました"))
    case = await report_of(office, number)
    assert case.state is ReportState.ACCEPTED and case.ended_at is None
    steps = await office.rows(ReportUpdate)
    [step] = [one for one in steps if one.added == Addition.NOT_RIGHT]
    assert step.note == "また穴があきました" and "reopened" in step.changes
    [told] = [one for one in steps if one.answer and one.report_id == joined.id]
    assert told.by == "service"
    context = office.context
    desk = Desk(context.city, context.queue, context.settings.public_url, words.CATALOGUE)
    office.clock.ahead += timedelta(hours=(34 - office.clock.now().hour) % 24)
    for _ in range(2):
        await notices_to_staff.look(office.database, desk, office.clock.now())
    found = [one for one in await office.rows(StaffNotice) if number in one.content["title"]]
    assert len(found) == 1 and found[0].department == case.department


async def test_a_declined_case_is_not_opened_by_its_reporter(office: Office, key: str) -> None:
    number = await posted(office, key)
    await changed(office, number, state=ReportState.DECLINED, reason="no-damage")
    update_id(await send(office, key, number, status="open", description="でも壊れています"))
    assert (await report_of(office, number)).state is ReportState.DECLINED


@pytest.mark.parametrize(
    ("said", "status", "words_"),
    [
        ({"api_key": ""}, 403, "api_key was not provided."),
        ({"api_key": "guessed"}, 403, "api_key is not valid."),
        ({"service_request_id": ""}, 400, "service_request_id was not provided."),
        ({"service_request_id": "2026-999999"}, 404, "There is no such request"),
        ({"service_request_id": "x" * 5000}, 404, "There is no such request"),
        ({"status": "fixed"}, 400, "status is open or closed."),
        ({"status": ""}, 400, "An update needs a status"),
        ({"description": "x" * 2001}, 400, "description has at most 2000"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url is an address of the web"),
        ({"updated_datetime": "yesterday"}, 400, "updated_datetime is no moment"),
        ({"jurisdiction_id": "city.example"}, 404, "jurisdiction_id is not this city's"),
    ],
)
async def test_what_cannot_be_taken_has_its_status_and_its_sentence(
    office: Office, key: str, said: dict[str, str], status: int, words_: str
) -> None:
    number = await posted(office, key)
    before = len(await office.rows(ReportUpdate))
    page = await send(office, key, number, **{"status": "closed", **said})
    [error] = json.loads(page.body)
    assert (page.status, error["code"]) == (status, status) and words_ in error["description"]
    assert len(await office.rows(ReportUpdate)) == before


async def test_nobody_says_something_of_the_reports_of_others(office: Office, key: str) -> None:
    number = await posted(office, key)
    other = await key_for(office, "Another app")
    assert (await send(office, other, number, status="closed")).status == 404
    resident = await reported(office)
    await changed(office, resident.number, state=ReportState.ACCEPTED)
    assert (await send(office, key, resident.number, status="closed")).status == 404


async def test_updates_count_among_what_a_key_may_post_in_an_hour(office: Office, key: str) -> None:
    number = await posted(office, key)
    update_id(await send(office, key, number, description="one"))
    async with office.database.writing() as session:
        row = (await session.scalars(select(ApiKey))).one()
        assert row.posts == 2
        row.posts = MOST_POSTS
    page = await send(office, key, number, description="two")
    assert page.status == 429 and 0 < int(page.headers["Retry-After"]) <= 3600
    update_id(await send(office, key, number, description="one"))


async def test_the_answer_in_xml_has_the_elements_of_common_servers(
    office: Office, key: str
) -> None:
    number = await posted(office, key)
    root = etree.fromstring((await send(office, key, number, "xml", status="closed")).body.encode())
    assert root.tag == "service_request_updates"
    assert [child.tag for child in root] == ["request_update"]
    assert root.findtext("request_update/update_id") == str((await newest_step(office)).id)


def know(office: Office, *, closes: bool) -> None:
    owner = Owner(
        code="prefecture",
        names={"ja": "県土木事務所"},
        mail="roads@pref.example",
        open311=Endpoint(url="https://pref.example/open311", closes=closes),
    )
    city = office.context.city.model_copy(update={"owners": (owner,)})
    object.__setattr__(office.context, "city", city)


async def forwarded(office: Office, user: str | None = None) -> Report:
    """Have a case that the prefecture's office has."""
    report = await reported(office, user)
    async with office.database.writing() as session:
        now = office.clock.now()
        wanted = Wanted(
            key=new_key(),
            owner="prefecture",
            way=ForwardWay.OPEN311,
            reason="prefecture",
            words="穴",
            photos=(),
            reply_to="",
        )
        made = await forwarding.begin(
            session, office.context.city, report.number, wanted, by="michi", now=now
        )
        made.state, made.sent_at = Sending.DONE, now
        session.add(made)
    await changed(office, report.number, state=ReportState.REFERRED, reason="prefecture")
    return report


async def test_the_office_that_has_a_case_closes_it_and_staff_decide(office: Office) -> None:
    know(office, closes=False)
    report = await forwarded(office)
    key = await key_for(office, "The prefecture", "prefecture")
    said = {"status": "closed", "description": "補修しました", "media_url": PHOTO}
    update_id(await send(office, key, report.number, **said))
    step = await newest_step(office)
    assert (step.by, step.note) == ("office:prefecture", "closed: 補修しました")
    assert (await report_of(office, report.number)).state is ReportState.REFERRED
    [forward] = await office.rows(Forward)
    assert forward.closed_at is not None and forward.settled_at is None
    [photo] = await office.rows(PhotoAddress)
    assert photo.role is PhotoRole.AFTER
    update_id(await send(office, key, report.number, status="open", description="まだでした"))
    [forward] = await office.rows(Forward)
    assert forward.closed_at is None and forward.remote_status == "open"


async def test_it_is_done_here_as_well_where_the_folder_says_so(office: Office) -> None:
    know(office, closes=True)
    user = await office.resident("ne")
    report = await forwarded(office, user)
    key = await key_for(office, "The prefecture", "prefecture")
    update_id(await send(office, key, report.number, status="closed"))
    found = await report_of(office, report.number)
    assert found.state is ReportState.DONE and found.ended_at is not None
    steps = [one for one in await office.rows(ReportUpdate) if one.answer]
    assert [one.by for one in steps] == ["service"], "the resident hears, once"


async def test_an_office_says_nothing_of_cases_that_it_has_not(office: Office) -> None:
    know(office, closes=True)
    report = await forwarded(office)
    other = await key_for(office, "Another office", "nation")
    assert (await send(office, other, report.number, status="closed")).status == 404
    own = await key_for(office, "The prefecture", "prefecture")
    another = await reported(office)
    assert (await send(office, own, another.number, status="closed")).status == 404
