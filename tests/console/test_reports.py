"""The road department: find a report, see it, change its state, answer the resident, assign it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from console import presets
from console.models import Role
from reports import states
from reports.following import join
from reports.models import Photo, Report, ReportUpdate
from reports.photos import store_photo
from reports.states import ReportState
from subscriptions import residents as subscriptions
from tests.support.filed_reports import picture, reported
from tests.support.office import Browser, Office


async def work(browser: Browser, report: Report, **fields: Any) -> Any:
    page = await browser.get(f"/console/reports/{report.number}")
    return await browser.submit(page, f"/console/reports/{report.number}", **fields)


async def test_reports_are_listed_newest_first_and_narrowed_down(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    first, second = await reported(office), await reported(office, description="街灯が消えています")
    page = await browser.get("/console/reports")
    assert page.body.index(second.number) < page.body.index(first.number)
    page = await browser.get("/console/reports?text=街灯")
    assert second.number in page.body
    assert first.number not in page.body
    for query in ("state=done", "state=open&since=2100-01-01", "department=none", "area=none"):
        assert first.number not in (await browser.get(f"/console/reports?{query}")).body
    for odd in ("state=none", "since=yesterday", "page=0", "page=-5", "page=9999999999"):
        assert (await browser.get(f"/console/reports?{odd}")).status == 200


async def test_an_answer_from_the_list_arrives_in_the_residents_language(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("my")
    report = await reported(office, user)
    page = await work(
        browser,
        report,
        state="in-progress",
        ready="working",
        answer=presets.answer("working", "ja"),
    )
    assert page.status == 200
    # What went out in Burmese is there for staff to read, too.
    [timeline] = page.tree.xpath("//ol[@class='timeline']")
    for language in ("my", "ja"):
        assert presets.answer("working", language) in timeline.text_content()
    (delivery,) = await office.deliveries()
    await office.done(delivery.id or 0)
    [[message]] = office.received(user)
    assert report.number in message["text"]
    assert presets.answer("working", "my") in message["text"]
    async with office.database.reading() as session:
        stored = await session.get(Report, report.id)
    assert stored is not None
    assert stored.state is ReportState.IN_PROGRESS
    assert {entry.action for entry in await office.audit()} >= {"report.moved", "report.answered"}


async def test_own_words_arrive_as_they_are_and_say_their_language(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("en")
    report = await reported(office, user)
    await work(browser, report, answer="明日の朝、伺います。", ready="thanks")
    await office.done(1)
    [[message]] = office.received(user)
    assert "明日の朝、伺います。" in message["text"]
    assert "This answer is in Japanese." in message["text"]


async def test_one_press_twice_answers_once(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("ja")
    report = await reported(office, user)
    page = await browser.get(f"/console/reports/{report.number}")
    address = f"/console/reports/{report.number}"
    first = await browser.submit(page, address, ready="thanks")
    second = await browser.submit(page, address, ready="thanks")
    assert (first.status, second.status) == (200, 400)
    await office.done(1)
    assert len(office.received(user)) == 1


@pytest.mark.slow
async def test_one_hole_reported_often_is_dealt_with_in_one_act(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    first, second, left = [await office.resident(language) for language in ("ja", "my", "en")]
    report = await reported(office, first)
    assert report.latitude is not None
    same = await reported(office, second, latitude=report.latitude + 0.0002)  # 22 m
    gone = await reported(office, left, latitude=report.latitude + 0.0003)
    unticked = await reported(office, latitude=report.latitude + 0.0001)
    await reported(office, latitude=report.latitude + 0.001)  # 111 m: another hole
    async with office.database.writing() as session:
        await subscriptions.unfollow(session, office.context.city, left, office.clock.now())
    address = f"/console/reports/{report.number}"
    page = await browser.get(address)
    offered = {box.get("value").split()[0]: box for box in page.tree.xpath("//input[@name='also']")}
    assert list(offered) == [unticked.number, same.number, gone.number]
    assert not any("checked" in box.attrib for box in offered.values())
    ticked = [offered[one.number].get("value") for one in (same, gone)]
    done = await browser.submit(page, address, state="done", ready="mended", also=ticked)
    assert done.status == 200
    reports = {one.number: one for one in await office.rows(Report)}
    states = [reports[one.number].state.value for one in (report, same, gone, unticked)]
    assert states == ["done", "done", "done", "new"]
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    for user, language, number in ((first, "ja", report.number), (second, "my", same.number)):
        [[message]] = office.received(user)
        assert presets.answer("mended", language) in message["text"]
        assert number in message["text"]
    assert office.received(left) == []
    assert f"→ {report.number}" in (await browser.get(f"/console/reports/{same.number}")).words
    # The resident who left cannot be answered; others who reported the same place can.
    page_of_gone = await browser.get(f"/console/reports/{gone.number}")
    alone = await browser.submit(page_of_gone, f"/console/reports/{gone.number}", ready="thanks")
    assert alone.status == 400
    # Pressed again, or seen before somebody else worked on one of them: nothing happens twice.
    again = await browser.submit(page, address, state="done", ready="mended", also=ticked)
    other = await browser.get(f"/console/reports/{unticked.number}")
    assert "also" not in other.form(f"/console/reports/{unticked.number}")
    stale = await browser.submit(
        other, f"/console/reports/{unticked.number}", state="done", also=ticked
    )
    assert (again.status, stale.status) == (400, 400)
    assert (await office.rows(Report))[3].state is ReportState.NEW
    assert len(await office.deliveries()) == 2


async def test_what_was_finished_near_by_is_told_for_a_while(office: Office) -> None:
    browser = await office.at_desk(Role.VIEWER, "viewer")
    before, report = await reported(office), await reported(office)
    async with office.database.writing() as session:
        mended = await session.get(Report, before.id)
        assert mended is not None
        mended.state = ReportState.DONE
        session.add(mended)
    address = f"/console/reports/{report.number}"
    assert before.number in (await browser.get(address)).body
    pins = json.loads((await browser.get(f"{address}/map.json")).body)["features"]["features"]
    assert [(p["properties"]["href"], p["properties"]["middle"]) for p in pins] == [
        (f"/console/reports/{report.number}", True),
        (f"/console/reports/{before.number}", False),
    ]
    async with office.database.writing() as session:
        old = await session.get(Report, before.id)
        assert old is not None
        old.updated_at -= timedelta(days=91)
        session.add(old)
    assert before.number not in (await browser.get(address)).body


async def test_somebody_who_left_is_not_answered_and_staff_see_why(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("ja")
    report = await reported(office, user)
    page = await browser.get(f"/console/reports/{report.number}")
    async with office.database.writing() as session:
        await subscriptions.unfollow(session, office.context.city, user, office.clock.now())
    answer = await browser.submit(page, f"/console/reports/{report.number}", answer="はい")
    assert answer.status == 400
    assert len(await office.rows(ReportUpdate)) == 1
    assert 'name="answer"' not in (await browser.get(f"/console/reports/{report.number}")).body


async def test_a_viewer_looks_and_changes_nothing(office: Office) -> None:
    browser = await office.at_desk(Role.VIEWER, "viewer")
    report = await reported(office)
    page = await browser.get(f"/console/reports/{report.number}")
    assert page.status == 200
    assert not page.has_form(f"/console/reports/{report.number}")
    token = (await browser.get("/console/account")).form("/console/account/password")["csrf"]
    forged = await browser.post(
        f"/console/reports/{report.number}", {"csrf": token, "state": "done"}
    )
    assert forged.status == 403


async def test_photos_are_for_staff_only_and_stay_photos(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    kept = store_photo(office.context.settings.media_dir, picture())
    report = await reported(office, pictures=(kept,))
    other = await reported(office)
    (photo,) = await office.rows(Photo)
    address = f"/console/reports/{report.number}/photos/{photo.id}"
    async with browser.http.get(office.url + address) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert (await answer.read()).startswith(b"\xff\xd8")
    async with browser.http.get(office.url + address + "?small=true") as answer:
        assert answer.status == 200
    stranger = await office.browser()
    assert "/sign-in" in (await stranger.get(address)).url
    elsewhere = f"/console/reports/{other.number}/photos/{photo.id}"
    assert (await browser.get(elsewhere)).status == 404
    assert (await browser.get(f"/console/reports/{report.number}/photos/../../x")).status == 404


async def test_the_map_has_districts_and_pins(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    await reported(office, longitude=None, latitude=None)
    page = await browser.get("/console/reports/map.json")
    data = json.loads(page.body)
    (pin,) = data["features"]["features"]
    assert pin["properties"]["href"] == f"/console/reports/{report.number}"
    assert pin["properties"]["colour"] == "red"  # new
    assert pin["geometry"]["coordinates"] == pytest.approx(
        [report.longitude, report.latitude], abs=1e-6
    )


async def said_to(office: Office, user: str) -> list[str]:
    """Return what was sent to a resident, once everything that was to be sent has left."""
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    return [message["text"] for messages in office.received(user) for message in messages]


async def test_the_end_of_a_report_is_told_once_in_the_residents_language(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("my")
    report = await reported(office, user)
    await work(browser, report, state="in-progress")
    assert await said_to(office, user) == []
    await work(browser, report, state="done", note="穴埋め済み")
    [told] = await said_to(office, user)
    done = ReportState.DONE.facts.news
    assert states.CATALOGUE.text("my", done) in told
    assert report.number in told
    await work(browser, report, state="done", note="もう一度保存")
    assert len(await said_to(office, user)) == 1, "the state did not change"
    await work(browser, report, state="in-progress")
    assert states.CATALOGUE.text("my", states.REOPENED) in (await said_to(office, user))[-1]
    await work(browser, report, state="declined", ready="private")
    told_all = await said_to(office, user)
    assert len(told_all) == 3
    assert (presets.answer("private", "my") or "none") in told_all[-1], "the answer is the news"


@pytest.mark.slow
async def test_everybody_who_reported_the_same_hears_of_its_end(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    first_user, second_user = await office.resident("ja"), await office.resident("es")
    first, second = await reported(office, first_user), await reported(office, second_user)
    also = f"{second.number} {second.updated_at.isoformat()}"
    await work(browser, first, state="declined", also=[also])
    declined = ReportState.DECLINED.facts.news
    for user, language in ((first_user, "ja"), (second_user, "es")):
        [told] = await said_to(office, user)
        assert states.CATALOGUE.text(language, declined) in told


async def test_who_joined_a_report_hears_of_it_in_their_own_language(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    first, second, left = [await office.resident(language) for language in ("ja", "my", "en")]
    report = await reported(office, first)
    async with office.database.writing() as session:
        for user in (second, left):
            resident = await subscriptions.find(session, user)
            assert resident is not None and resident.id is not None
            assert await join(session, report.number, resident.id, office.clock.now())
            assert await join(session, report.number, resident.id, office.clock.now())
        await subscriptions.unfollow(session, office.context.city, left, office.clock.now())
    page = await browser.get(f"/console/reports/{report.number}")
    assert "ほかに結果を待つ人" in page.body
    await work(browser, report, state="done")
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    told = states.news(ReportState.NEW, ReportState.DONE)
    for user, language in ((first, "ja"), (second, "my")):
        [[message]] = office.received(user)
        assert states.CATALOGUE.text(language, told) in message["text"]
    assert office.received(left) == []


async def test_only_a_resident_takes_a_report_back(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    page = await browser.get(f"/console/reports/{report.number}")
    offered = page.tree.xpath("//select[@name='state']/option/@value")
    assert "withdrawn" not in offered and "done" in offered
    refused = await work(browser, report, state="withdrawn")
    assert refused.status == 400


async def test_who_changed_their_language_is_told_in_the_new_one(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("en")
    report = await reported(office, user)
    async with office.database.writing() as session:
        resident = await subscriptions.find(session, user)
        assert resident is not None and resident.id is not None
        await subscriptions.choose_language(
            session, office.context.city, resident.id, "th", office.clock.now()
        )
    await work(browser, report, state="done")
    [told] = await said_to(office, user)
    assert states.CATALOGUE.text("th", ReportState.DONE.facts.news) in told
