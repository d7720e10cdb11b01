"""The list of reports between two acts: its place, its saved filters, all of it at once."""

from __future__ import annotations

from console.models import Role
from reports.models import Report, SavedFilter, Team
from reports.states import ReportState
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office, Page

INBOX, TEAMS = "/console/reports/inbox", "/console/teams"
LIST, FILTERS, TOGETHER = (
    "/console/reports",
    "/console/reports/filters",
    "/console/reports/together",
)


async def many(office: Office, number: int) -> list[Report]:
    """Have so many cases reported, the first one first."""
    return [await reported(office, description=f"穴 {n}") for n in range(number)]


def numbers(page: Page) -> list[str]:
    return [str(one) for one in page.tree.xpath("//tr/@data-number")]


def decision(page: Page) -> dict[str, str]:
    """Return the fields with which a case of the intake is decided."""
    [form] = page.tree.xpath("//form[@method='post' and @action='/console/reports/inbox']")
    return dict(form.form_values())


async def saved(browser: Browser, query: str, **fields: str) -> Page:
    page = await browser.get(f"{LIST}?{query}")
    return await browser.submit(page, FILTERS, **fields)


async def test_who_acts_on_a_later_page_comes_back_to_it(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    made = await many(office, 52)
    page = await browser.get(f"{LIST}?state=open&page=2")
    assert numbers(page) == [made[1].number, made[0].number]
    picks = page.tree.xpath("//input[@name='pick']/@value")
    check = await browser.submit(page, TOGETHER, pick=picks, act="state", state="done")
    [back] = check.tree.xpath("//a[contains(@href, 'page=2')]/@href")
    assert numbers(await browser.get(back)) == [made[1].number, made[0].number]
    done = await browser.submit(check, f"{TOGETHER}/do")
    [back] = done.tree.xpath("//a[contains(@href, 'state=open')]/@href")
    assert "page=2" in back
    # The second page is gone, for these were all of it: the last one is shown, not an empty one.
    left = await browser.get(back)
    assert len(numbers(left)) == 50
    assert not left.tree.xpath("//td[@class='empty']")


async def test_a_list_with_nothing_says_what_can_be_done(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await browser.get(LIST)
    assert page.tree.xpath("//td[contains(@class, 'empty')]//a/@href") == ["/console/entry"]
    assert not (await viewer.get(LIST)).tree.xpath("//td[contains(@class, 'empty')]//a")
    await reported(office)
    nothing = await browser.get(f"{LIST}?text=どこにもない")
    assert nothing.tree.xpath("//td[contains(@class, 'empty')]//a/@href") == [LIST]


async def test_a_saved_filter_is_renamed_shared_and_kept_for_oneself_again(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    colleague = await office.at_desk(Role.ROADS, "colleague")
    await saved(browser, "state=open", name="朝")
    (mine,) = await office.rows(SavedFilter)
    address = f"{FILTERS}/{mine.id}"
    page = await browser.get(f"{LIST}?state=done&sort=due")
    back = await browser.submit(page, address, name="毎朝", shared="yes", counted="yes")
    assert back.url.endswith(f"{LIST}?state=done&sort=due"), "where one was"
    assert "毎朝" in (await colleague.get(LIST)).body
    (now,) = await office.rows(SavedFilter)
    assert (now.name, now.account, now.counted, now.query) == ("毎朝", "", True, "state=open")
    [entry] = [one for one in await office.audit() if one.action == "report_filter.saved"]
    assert entry.detail["name"] == "毎朝"
    page = await browser.get(LIST)
    await browser.submit(page, address, shared=None, counted=None)
    assert "毎朝" not in (await colleague.get(LIST)).body
    # What is one's own is nobody else's to change.
    form = {**page.form(address), "name": "x"}
    form["csrf"] = (await colleague.get(LIST)).form(TOGETHER)["csrf"]
    assert (await colleague.post(address, form)).status == 400
    assert [one.name for one in await office.rows(SavedFilter)] == ["毎朝"]


async def test_a_name_that_is_taken_is_not_taken_over_unseen(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    colleague = await office.at_desk(Role.ROADS, "colleague")
    await saved(browser, "state=open", name="朝", shared="yes")
    refused = await saved(colleague, "state=done", name="朝", shared="yes", counted="yes")
    assert refused.status == 400
    assert [one.query for one in await office.rows(SavedFilter)] == ["state=open"]
    # What was typed is still there, and can be meant.
    form = refused.form(FILTERS)
    assert (form["name"], form["shared"], form["counted"]) == ("朝", "yes", "yes")
    assert (await colleague.submit(refused, FILTERS, replace="yes")).status == 200
    assert [one.query for one in await office.rows(SavedFilter)] == ["state=done"]
    # Neither by another name.
    await saved(browser, "priority=1", name="急ぎ", shared="yes")
    other = next(one for one in await office.rows(SavedFilter) if one.name == "急ぎ")
    page = await browser.get(LIST)
    again = await browser.submit(page, f"{FILTERS}/{other.id}", name="朝", counted="yes")
    assert again.status == 400
    assert again.form(f"{FILTERS}/{other.id}")["name"] == "朝"
    assert {one.name for one in await office.rows(SavedFilter)} == {"朝", "急ぎ"}


async def test_removing_a_filter_leaves_the_list_as_it_was(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    await saved(browser, "state=open", name="朝")
    (mine,) = await office.rows(SavedFilter)
    page = await browser.get(f"{LIST}?state=done")
    form = page.form(f"{FILTERS}/{mine.id}")
    gone = await browser.post(f"{FILTERS}/{mine.id}/remove", form)
    assert gone.url.endswith(f"{LIST}?state=done")
    assert await office.rows(SavedFilter) == []


async def test_all_of_a_filter_is_done_a_hundred_at_a_time(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    made = await many(office, 103)
    withdrawn, others = made[0], made[1:]
    async with office.database.writing() as session:
        row = await session.get_one(Report, withdrawn.id)
        row.state = ReportState.WITHDRAWN
        session.add(row)
    page = await browser.get(LIST)
    check = await browser.submit(page, TOGETHER, act="state", state="accepted", whole="yes")
    assert len(check.form(f"{TOGETHER}/do")["pick"]) == 100
    done = await browser.submit(check, f"{TOGETHER}/do", pick=check.form(f"{TOGETHER}/do")["pick"])
    assert "残り2件" in done.words
    for page_of_several in (check, done):
        lead = page_of_several.tree.xpath("//p[@class='lead']")[0].text_content()
        assert "選んだ案件" in lead, "not the help of one case"
    check = await browser.submit(done, TOGETHER)
    picks = check.form(f"{TOGETHER}/do")["pick"]
    assert len(picks) == 2, "none of those that are done"
    done = await browser.submit(check, f"{TOGETHER}/do", pick=picks)
    assert done.status == 200
    states = {one.number: one.state for one in await office.rows(Report)}
    assert states.pop(withdrawn.number) is ReportState.WITHDRAWN
    assert states == {one.number: ReportState.ACCEPTED for one in others}
    nothing = await browser.submit(page, TOGETHER, act="state", state="accepted", whole="yes")
    assert nothing.status == 400


async def test_the_intake_of_one_department_stays_with_it_and_says_what_was_decided(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    park, road, road_too = [
        await reported(office, category=kind, longitude=140.1 + n / 20)
        for n, kind in enumerate(("park", "pothole", "pothole"))
    ]
    assert (park.department, road.department) == ("parks", "roads")
    page = await browser.get(INBOX)
    assert "待ち3" in page.words
    page = await browser.get(f"{INBOX}?department=roads")
    assert "待ち2" in page.words
    assert decision(page)["number"] == road.number
    [later] = page.tree.xpath("//a[@data-key='n']/@href")
    assert decision(await browser.get(later))["number"] == road_too.number
    page = await browser.post(INBOX, {**decision(page), "act": "take"})
    assert decision(page)["number"] == road_too.number, "not the park's"
    assert f"{road.number} → 確認" in page.words
    # Nobody is told what never happened.
    assert "2026-999999" not in (await browser.get(f"{INBOX}?done=2026-999999")).words


async def test_who_is_slower_at_the_intake_gets_the_next_case(office: Office) -> None:
    one, two = await office.at_desk(Role.ROADS, "one"), await office.at_desk(Role.ROADS, "two")
    first = await reported(office)
    second = await reported(office, longitude=140.2, latitude=36.2)
    fast, slow = await one.get(INBOX), await two.get(INBOX)
    await one.post(INBOX, {**decision(fast), "act": "take"})
    late = await two.post(INBOX, {**decision(slow), "act": "take"})
    assert late.status == 400
    assert decision(late)["number"] == second.number
    said = " ".join(one.text_content() for one in late.tree.xpath("//p[@role='alert']"))
    assert first.number in said


async def test_two_who_change_a_team_are_told_and_nothing_typed_is_lost(office: Office) -> None:
    one, two = await office.at_desk(Role.ROADS, "one"), await office.at_desk(Role.ROADS, "two")
    await one.submit(await one.get(TEAMS), TEAMS, name="第一班", department="roads")
    (team,) = await office.rows(Team)
    address = f"{TEAMS}/{team.id}"
    mine, theirs = await one.get(address), await two.get(address)
    await one.submit(mine, address, mail="crew@city.example", accounts="one@city.example")
    late = await two.submit(theirs, address, name="維持第一班")
    assert late.status == 400
    assert late.form(address)["name"] == "維持第一班"
    assert "crew@city.example" in late.tree.xpath("//p[@role='alert']")[0].text_content()
    (team,) = await office.rows(Team)
    assert (team.name, team.mail) == ("第一班", "crew@city.example")
    assert (await two.submit(late, address)).status == 200
    # The number of its cases leads to them.
    case = await reported(office, category="pothole")
    async with office.database.writing() as session:
        row = await session.get_one(Report, case.id)
        row.team_id = team.id
        session.add(row)
    page = await one.get(TEAMS)
    [link] = page.tree.xpath("//td[@class='number']/a")
    assert link.text_content() == "1"
    assert numbers(await one.get(link.get("href"))) == [case.number]
