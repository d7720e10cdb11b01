"""The road department: find a report, see it, change its state, answer the resident, assign it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from console.models import Role
from reports import states
from reports.answer_words import built_in
from reports.following import join
from reports.models import CameBy, Photo, Report
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
    page = await work(browser, report, state="in-progress", answer_template="working")
    assert page.status == 200
    ready = built_in("working")
    assert ready is not None
    # What went out in Burmese is there for staff to read, too.
    [timeline] = page.tree.xpath("//ol[@class='timeline']")
    for language in ("my", "ja"):
        assert ready.text(language) in timeline.text_content()
    [told] = await said_to(office, user)
    assert report.number in told
    assert ready.text("my") in told
    async with office.database.reading() as session:
        stored = await session.get(Report, report.id)
    assert stored is not None
    assert stored.state is ReportState.IN_PROGRESS
    assert {entry.action for entry in await office.audit()} >= {"report.moved", "report.answered"}


async def test_own_words_arrive_as_they_are(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("en")
    report = await reported(office, user)
    await work(browser, report, answer_words="明日の朝、伺います。", answer_template="thanks")
    [told] = await said_to(office, user)
    assert "明日の朝、伺います。" in told


async def test_one_press_twice_answers_once(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("ja")
    report = await reported(office, user)
    page = await browser.get(f"/console/reports/{report.number}")
    address = f"/console/reports/{report.number}"
    first = await browser.submit(page, address, answer_template="thanks")
    second = await browser.submit(page, address, answer_template="thanks")
    assert (first.status, second.status) == (200, 400)
    assert len(await said_to(office, user)) == 1


async def test_one_press_twice_answers_once_though_the_first_reporter_has_left(
    office: Office,
) -> None:
    """Others who saw the same thing hear of it."""
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("ja")
    report = await reported(office, came_by=CameBy.PATROL)
    async with office.database.writing() as session:
        resident = await subscriptions.find(session, user)
        assert resident is not None and resident.id is not None
        await join(session, report.number, resident.id, office.clock.now())
    address = f"/console/reports/{report.number}"
    page = await browser.get(address)
    first = await browser.submit(page, address, answer_template="thanks")
    second = await browser.submit(page, address, answer_template="thanks")
    assert (first.status, second.status) == (200, 400)
    assert len(await said_to(office, user)) == 1


async def press(browser: Browser, page: Any, address: str, other: str = "") -> Any:
    """Press the button of a small form of the page: the one for ``other``, if there are more."""
    for form in page.tree.forms:
        fields = dict(form.form_values())
        if form.get("action") == address and other in ("", fields.get("other")):
            return await browser.post(address, fields)
    raise AssertionError(f"no form goes to {address}: {page.words[:400]}")


@pytest.mark.slow
async def test_one_hole_reported_often_is_one_case_and_everybody_hears_of_it(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    first, second, left = [await office.resident(language) for language in ("ja", "my", "en")]
    report = await reported(office, first)
    assert report.latitude is not None
    same = await reported(office, second, latitude=report.latitude + 0.0002)  # 22 m
    gone = await reported(office, left, latitude=report.latitude + 0.0003)
    await reported(office, latitude=report.latitude + 0.001)  # 111 m: another hole
    async with office.database.writing() as session:
        await subscriptions.unfollow(session, office.context.city, left, office.clock.now())
    address = f"/console/reports/{report.number}"
    page = await browser.get(address)
    offered = page.tree.xpath("//input[@name='other']/@value")
    assert set(offered) == {same.number, gone.number}
    stale = page
    for one in (same, gone):
        page = await press(browser, page, f"{address}/join", one.number)
        assert page.status == 200, page.words
        assert page.url.split("?")[0].endswith(report.number), "the older leads"
    # Seen before somebody joined them: nothing happens twice.
    assert (await press(browser, stale, f"{address}/join", same.number)).status == 400
    reports = {one.number: one for one in await office.rows(Report)}
    assert [reports[one.number].case_id for one in (report, same, gone)] == [
        None,
        report.id,
        report.id,
    ]
    assert reports[report.number].reporters == 3
    [joined] = await said_to(office, second)
    assert states.CATALOGUE.text("my", ReportState.DUPLICATE.facts.news) in joined
    await work(browser, report, state="done")
    for user, language, number in ((first, "ja", report.number), (second, "my", same.number)):
        told = (await said_to(office, user))[-1]
        assert states.CATALOGUE.text(language, ReportState.DONE.facts.news) in told
        assert number in told
    assert office.received(left) == []
    # The page of a joined report leads to its case, and it can be parted again.
    page = await browser.get(f"/console/reports/{same.number}")
    assert report.number in page.words and not page.has_form(f"/console/reports/{same.number}")
    token = (await browser.get(address)).form(address)["csrf"]
    form = {"csrf": token, "seen": (await office.rows(Report))[1].updated_at.isoformat()}
    parted = await browser.post(f"/console/reports/{same.number}/part", form)
    assert parted.status == 200
    again = {one.number: one for one in await office.rows(Report)}
    assert (again[same.number].state, again[same.number].case_id) == (ReportState.NEW, None)
    assert {entry.action for entry in await office.audit()} >= {"report.joined", "report.parted"}


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
    async with office.database.writing() as session:
        await subscriptions.unfollow(session, office.context.city, user, office.clock.now())
    page = await browser.get(f"/console/reports/{report.number}")
    assert "アカウントから離れた" in page.words or "ブロック" in page.words
    saved = await browser.submit(page, f"/console/reports/{report.number}", state="accepted")
    assert saved.status == 200
    assert await office.deliveries() == []


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
    # A completion comes with a question, which has no text of its own.
    return [
        message["text"]
        for messages in office.received(user)
        for message in messages
        if message["type"] == "text"
    ]


async def test_every_state_is_told_once_in_the_residents_language(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("my")
    report = await reported(office, user)
    await work(browser, report, state="done", note="穴埋め済み")
    [told] = await said_to(office, user)
    done = ReportState.DONE.facts.news
    assert states.CATALOGUE.text("my", done) in told
    assert report.number in told
    assert "穴埋め" not in told, "a note stays inside"
    await work(browser, report, state="done", note="もう一度保存", answer_template="")
    assert len(await said_to(office, user)) == 1, "the state did not change"
    await work(browser, report, state="in-progress")
    assert states.CATALOGUE.text("my", states.REOPENED) in (await said_to(office, user))[-1]
    refused = await work(browser, report, state="declined", answer_template="private")
    assert refused.status == 400, "a state that needs a reason"
    assert len(await said_to(office, user)) == 2
    await work(
        browser, report, state="declined", reason="declined:private", answer_template="private"
    )
    ready = built_in("private")
    assert ready is not None
    told_all = await said_to(office, user)
    assert len(told_all) == 3 and ready.text("my") in told_all[-1]


async def test_a_state_of_which_nobody_would_hear_is_refused_unless_somebody_says_why(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("ja")
    report = await reported(office, user)
    silent = await work(browser, report, state="accepted", answer_template="", note="静かに")
    assert silent.status == 400
    assert silent.form(f"/console/reports/{report.number}")["note"] == "静かに", "nothing is lost"
    assert (await office.rows(Report))[0].state is ReportState.NEW
    said = await work(
        browser,
        report,
        state="accepted",
        answer_template="",
        answer_nobody="yes",
        answer_why="試験の通報",
    )
    assert said.status == 200 and "試験の通報" in said.words
    assert await office.deliveries() == []


async def test_two_people_close_the_same_case_and_the_second_keeps_what_they_typed(
    office: Office,
) -> None:
    one = await office.at_desk(Role.ROADS, "one")
    two = await office.at_desk(Role.ROADS, "two")
    user = await office.resident("ja")
    report = await reported(office, user)
    address = f"/console/reports/{report.number}"
    first, second = await one.get(address), await two.get(address)
    assert (await one.submit(first, address, state="done", note="一人目のメモ")).status == 200
    refused = await two.submit(
        second, address, state="declined", reason="declined:no-damage", note="二人目のメモ"
    )
    assert refused.status == 400
    [note] = refused.tree.xpath("//*[@id='refused']")
    words = " ".join(note.text_content().split())
    assert "one@city.example" in words and "一人目のメモ" in words
    assert ReportState.DONE.staff_name("ja") in words
    assert refused.form(address)["note"] == "二人目のメモ"
    chosen = refused.tree.xpath("//select[@name='state']/option[@selected]/@value")
    assert chosen == ["declined"]
    assert (await office.rows(Report))[0].state is ReportState.DONE
    # Saved again, knowing what happened, it is done.
    again = await two.submit(refused, address, state="declined", reason="declined:no-damage")
    assert again.status == 200
    assert len(await said_to(office, user)) == 2


async def test_a_moved_place_is_worked_out_again_and_the_old_one_stays_in_the_history(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    address = f"/console/reports/{report.number}"
    page = await browser.get(address)
    done = await browser.submit(page, f"{address}/correct", place="36.0800, 140.1310")
    assert done.status == 200
    stored = (await office.rows(Report))[0]
    assert (stored.latitude, stored.longitude, stored.owner) == (36.08, 140.131, "national-road")
    assert f"{report.latitude:.5f}, {report.longitude:.5f}" in done.words
    for wrong in ("here", "95, 300", "36.08", "nan, nan"):
        page = await browser.get(address)
        assert (await browser.submit(page, f"{address}/correct", place=wrong)).status == 400
    assert (await office.rows(Report))[0].latitude == 36.08


async def test_a_photo_is_turned_with_its_thumbnail(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    kept = store_photo(office.context.settings.media_dir, picture())
    report = await reported(office, pictures=(kept,))
    (photo,) = await office.rows(Photo)
    address = f"/console/reports/{report.number}"
    token = (await browser.get(address)).form(address)["csrf"]
    turned = await browser.post(f"{address}/photos/{photo.id}/turn", {"csrf": token})
    assert turned.status == 200
    (after,) = await office.rows(Photo)
    assert (after.width, after.height) == (photo.height, photo.width)
    assert after.sha256 != photo.sha256
    async with browser.http.get(office.url + f"{address}/photos/{photo.id}?small=true") as answer:
        assert answer.status == 200


async def test_a_browser_that_has_a_photo_shows_it_turned_at_once(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    kept = store_photo(office.context.settings.media_dir, picture())
    report = await reported(office, pictures=(kept,))
    (photo,) = await office.rows(Photo)
    address = f"/console/reports/{report.number}"
    shown = office.url + f"{address}/photos/{photo.id}"
    async with browser.http.get(shown) as answer:
        before = await answer.read()
        assert "no-cache" in answer.headers["Cache-Control"], (
            "the address stays, the photo does not"
        )
        has = {"If-None-Match": answer.headers["ETag"]}
    async with browser.http.get(shown, headers=has) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    token = (await browser.get(address)).form(address)["csrf"]
    await browser.post(f"{address}/photos/{photo.id}/turn", {"csrf": token})
    async with browser.http.get(shown, headers=has) as answer:
        assert answer.status == 200
        assert await answer.read() != before


async def test_who_opened_a_report_first_is_noted_and_changes_nothing_else(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    address = f"/console/reports/{report.number}"
    token = (await browser.get(address)).form(address)["csrf"]
    for _ in range(2):
        assert (await browser.post(f"{address}/opened", {"csrf": token})).status == 204
    stored = (await office.rows(Report))[0]
    assert stored.opened_by == "road@city.example"
    assert stored.updated_at == report.updated_at


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
    assert "人が通報" in page.words
    await work(browser, report, state="done")
    told = ReportState.DONE.facts.news
    for user, language in ((first, "ja"), (second, "my")):
        [said] = await said_to(office, user)
        assert states.CATALOGUE.text(language, told) in said
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
