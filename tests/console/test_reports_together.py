"""Several reports at once, saved filters and the intake, as the road department uses them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from console.models import Role
from core.counting import Size
from reports import answer_templates
from reports.counts import counts
from reports.models import Report, SavedFilter, Team, TeamAccount, TeamKind
from reports.states import ReportState
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office, Page

TOGETHER = "/console/reports/together"


async def marked(browser: Browser, reports: Sequence[Report], **fields: str) -> Page:
    """Mark cases of the list and press a button; return the check."""
    page = await browser.get("/console/reports")
    boxes = page.tree.xpath("//input[@name='pick']/@value")
    wanted = {one.number for one in reports}
    picks = [value for value in boxes if value.split()[0] in wanted]
    assert len(picks) == len(wanted)
    return await browser.submit(page, TOGETHER, pick=picks, **fields)


async def team(office: Office, name: str, *accounts: str) -> int:
    async with office.database.writing() as session:
        made = Team(name=name, kind=TeamKind.TEAM, created_at=office.clock.now())
        session.add(made)
        await session.flush()
        assert made.id is not None
        session.add_all([TeamAccount(team_id=made.id, account=one) for one in accounts])
        return made.id


async def told(office: Office, user: str) -> list[str]:
    """Return what a resident was sent, once everything has left."""
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    return [str(message) for messages in office.received(user) for message in messages]


async def test_marked_cases_are_assigned_at_once_and_found_as_mine(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    crew = await team(office, "道路維持班", "road@city.example")
    first, second, third = [await reported(office) for _ in range(3)]
    check = await marked(browser, (first, second), act="assign", to=f"team:{crew}")
    assert check.status == 200
    assert "道路維持班" in check.words
    assert [one.team_id for one in await office.rows(Report)] == [None] * 3, "only looked at"
    done = await browser.submit(check, f"{TOGETHER}/do")
    assert done.status == 200
    assert [one.team_id for one in await office.rows(Report)] == [crew, crew, None]
    assert await office.deliveries() == [], "residents do not hear who does the work"
    mine = await browser.get("/console/reports?team=mine")
    assert {first.number, second.number} <= set(mine.tree.xpath("//tr/@data-number"))
    nobody = await browser.get("/console/reports?team=nobody")
    assert nobody.tree.xpath("//tr/@data-number") == [third.number]


async def test_the_check_says_who_hears_and_who_was_changed_meanwhile(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    burmese, japanese = [await office.resident(language) for language in ("my", "ja")]
    first, second = await reported(office, burmese), await reported(office, japanese)
    check = await marked(browser, (first, second), act="state", state="done")
    assert "phone-my" in check.body
    assert "phone-ja" in check.body
    # Somebody else is faster with one of them.
    async with office.database.writing() as session:
        other = await session.get_one(Report, second.id)
        other.updated_at = office.clock.now()
        session.add(other)
    done = await browser.submit(check, f"{TOGETHER}/do")
    assert done.status == 200
    states = {one.number: one.state for one in await office.rows(Report)}
    assert states == {first.number: ReportState.DONE, second.number: ReportState.NEW}
    [left_out] = done.tree.xpath("//div[contains(@class, 'note')]//li")
    assert second.number in left_out.text_content()
    assert len(await told(office, burmese)) >= 1
    assert await told(office, japanese) == []
    # The same form again does nothing twice, and the check names both.
    again = await browser.submit(check, f"{TOGETHER}/do")
    assert len(again.tree.xpath("//div[contains(@class, 'note')]//li")) == 2
    assert len(await office.deliveries()) == 1


async def test_a_state_that_needs_a_reason_gets_it_and_one_that_cannot_follow_is_left_out(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    report, gone = await reported(office), await reported(office)
    async with office.database.writing() as session:
        row = await session.get_one(Report, gone.id)
        row.state = ReportState.WITHDRAWN
        session.add(row)
    check = await marked(browser, (report, gone), act="state", state="declined:private")
    assert f"{gone.number} " not in " ".join(check.form(f"{TOGETHER}/do").get("pick", ""))
    await browser.submit(check, f"{TOGETHER}/do")
    states = {one.number: one.state for one in await office.rows(Report)}
    assert states == {report.number: ReportState.DECLINED, gone.number: ReportState.WITHDRAWN}


async def test_marked_cases_become_one_line_that_their_numbers_find(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("ja")
    first = await reported(office, description="大きな穴")
    second = await reported(office, user, description="ふしぎなくぼみ")
    third = await reported(office)
    check = await marked(browser, (first, second, third), act="join")
    done = await browser.submit(check, f"{TOGETHER}/do")
    assert done.status == 200
    assert not done.tree.xpath("//div[contains(@class, 'note')]//li"), done.words
    assert await told(office, user) != []
    page = await browser.get("/console/reports")
    [row] = page.tree.xpath("//tr[@data-number]")
    assert row.get("data-number") == first.number
    assert "+2" in row.text_content()
    for words in (second.number, "ふしぎなくぼみ"):
        found = await browser.get(f"/console/reports?text={words}")
        assert found.tree.xpath("//tr/@data-number") == [first.number]


async def test_cases_are_joined_also_where_the_office_took_its_words_for_that_out(
    office: Office,
) -> None:
    browser, user = await office.at_desk(Role.ROADS, "road"), await office.resident("my")
    first, second, third = [await reported(office, one) for one in (None, user, None)]
    async with office.database.writing() as session:
        now = office.clock.now()
        await answer_templates.withdraw(session, "joined", actor="road@city.example", now=now)
    check = await marked(browser, (first, second), act="join")
    assert (await browser.submit(check, f"{TOGETHER}/do")).status == 200
    address = f"/console/reports/{first.number}"
    assert third.latitude is not None
    page = await browser.get(address)
    [form] = [one for one in page.tree.forms if one.get("action") == f"{address}/join"]
    assert dict(form.form_values())["other"] == third.number
    assert (await browser.post(f"{address}/join", dict(form.form_values()))).status == 200
    cases = {one.number: one.case_id for one in await office.rows(Report)}
    assert cases == {first.number: None, second.number: first.id, third.number: first.id}
    assert await told(office, user) == []
    untold = [one for one in await office.audit() if one.action == "report.not_told"]
    assert {one.subject for one in untold} == {
        f"report:{second.number}",
        f"report:{third.number}",
    }


async def test_what_somebody_changed_meanwhile_is_not_joined(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    first, second = await reported(office), await reported(office)
    check = await marked(browser, (first, second), act="join")
    async with office.database.writing() as session:
        other = await session.get_one(Report, second.id)
        other.updated_at = office.clock.now()
        session.add(other)
    await browser.submit(check, f"{TOGETHER}/do")
    assert [one.case_id for one in await office.rows(Report)] == [None, None]


async def test_nothing_marked_or_chosen_is_said_and_does_nothing(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    page = await browser.get("/console/reports")
    assert (await browser.submit(page, TOGETHER, act="assign", to="team:")).status == 400
    for fields in (
        {"act": "assign"},
        {"act": "answer"},
        {"act": "state"},
        {"act": "state", "state": "withdrawn"},
        {"act": "join"},
        {"act": "burn"},
        {},
    ):
        assert (await marked(browser, (report,), **fields)).status == 400, fields
    assert (await office.rows(Report))[0].state is ReportState.NEW


async def test_a_saved_filter_is_on_the_list_and_counted_on_the_first_page(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    await reported(office)
    page = await browser.get("/console/reports?state=open")
    await browser.submit(
        page,
        "/console/reports/filters",
        name="<script>朝</script>",
        shared="yes",
        counted="yes",
    )
    for one in (browser, viewer):
        body = (await one.get("/console/reports")).body
        assert "&lt;script&gt;朝" in body
        assert "<script>朝" not in body
        first = await one.get("/console/")
        assert "<script>朝</script> 1" in first.words
    (saved,) = await office.rows(SavedFilter)
    # A viewer's own is not of everybody, and what is of everybody they cannot remove.
    page = await viewer.get("/console/reports?priority=1")
    token = page.form("/console/reports/filters")["csrf"]
    forged = {"csrf": token, "name": "x", "query": "priority=1", "shared": "yes"}
    assert (await viewer.post("/console/reports/filters", forged)).status == 403
    gone = await viewer.post(f"/console/reports/filters/{saved.id}/remove", {"csrf": token})
    assert gone.status == 403
    await viewer.submit(page, "/console/reports/filters", name="急ぎ")
    assert "急ぎ" in (await viewer.get("/console/reports")).body
    assert "急ぎ" not in (await browser.get("/console/reports")).body


async def test_the_intake_shows_one_after_another_and_each_decision_is_told(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    crew = await team(office, "道路維持班")
    nepali = await office.resident("ne")
    usual = await reported(office, nepali)
    same = await reported(office, category=usual.category)
    hurt = await reported(office, longitude=140.2, latitude=36.2)
    async with office.database.writing() as session:
        row = await session.get_one(Report, hurt.id)
        row.priority = 1
        session.add(row)
    inbox = "/console/reports/inbox"
    page = await browser.get(inbox)
    assert page.form(inbox)["number"] == hurt.number, "the urgent one first"
    page = await browser.get(f"{inbox}?later={hurt.number}")
    assert page.form(inbox)["number"] == usual.number, "put off, so the next"
    page = await browser.submit(page, inbox, act=f"take:{crew}")
    assert len(await told(office, nepali)) == 1
    reports = {one.number: one for one in await office.rows(Report)}
    assert reports[usual.number].team_id == crew
    assert reports[usual.number].state is ReportState.ACCEPTED
    assert page.form(inbox)["number"] == same.number
    assert usual.number in page.words, "it is suggested as the same thing"
    page = await browser.submit(page, inbox, act="same")
    reports = {one.number: one for one in await office.rows(Report)}
    assert reports[same.number].case_id == usual.id
    assert f"{same.number} は{usual.number}と1件にまとめました" in page.words
    page = await browser.get(inbox)
    refused = await browser.submit(page, inbox, act="decline")
    assert refused.status == 400, "a reason is missing"
    await browser.submit(page, inbox, act="decline", declined="private")
    assert "empty" in (await browser.get(inbox)).body
    async with office.database.reading() as session:
        now_there = await counts(session, date(2026, 1, 1))
    assert now_there.by_state[ReportState.NEW] == Size(0)


async def test_the_intake_suggests_the_case_that_was_taken_up(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    first = await reported(office)
    assert first.latitude is not None
    second = await reported(office, latitude=first.latitude + 0.00018)  # 20 m to the north
    third = await reported(office, latitude=first.latitude + 0.00022)  # 4 m farther
    inbox = "/console/reports/inbox"
    page = await browser.get(inbox)
    assert page.form(inbox)["number"] == first.number
    page = await browser.submit(page, inbox, act="take")
    for one in (second, third):
        assert page.form(inbox)["number"] == one.number
        assert str(page.form(inbox)["alike"]).split()[0] == first.number
        page = await browser.submit(page, inbox, act="same")
    reports = {one.number: one.case_id for one in await office.rows(Report)}
    assert reports == {first.number: None, second.number: first.id, third.number: first.id}


async def test_two_people_at_the_intake_do_not_decide_on_the_same_case(office: Office) -> None:
    one, two = await office.at_desk(Role.ROADS, "one"), await office.at_desk(Role.ROADS, "two")
    user = await office.resident("ja")
    await reported(office, user)
    inbox = "/console/reports/inbox"
    first, second = await one.get(inbox), await two.get(inbox)
    await one.submit(first, inbox, act="take")
    late = await two.submit(second, inbox, act="decline", declined="private")
    assert late.status == 400
    (report,) = await office.rows(Report)
    assert report.state is ReportState.ACCEPTED
    assert len(await told(office, user)) == 1
