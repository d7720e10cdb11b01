"""A flood evening: 300 households answer, the desk sees where, follows one need to done, and the
household hears of it; nothing is reloaded by hand."""

from __future__ import annotations

import random

import pytest
from playwright.async_api import expect
from sqlmodel import col, select

from console import presets
from console.models import Role
from response import check_ins, modes
from response.cases import CaseFilter, households
from response.households import Told, tell
from response.models import CaseState, Condition, HouseholdCase, Need, Whereabouts
from subscriptions.generate import generate
from subscriptions.models import Resident
from tests.support.browser_tabs import tab
from tests.support.office import Office

pytestmark = pytest.mark.browser
ANSWERS = 300


async def flood_evening(office: Office) -> dict[str, int]:
    """Have 300 synthetic households answer; return how many cannot move, by district."""
    city, now, dice = office.context.city, office.clock.now(), random.Random(7)
    await generate(office.database, city, ANSWERS - 1, 7, now)
    stuck: dict[str, int] = {}
    sites = [site.code for site in office.folder.shelters[:3]]
    async with office.database.writing() as session:
        await modes.begin(session, city, [], now, drill=False, actor="sato@city.example")
        people = list(await session.scalars(select(Resident).order_by(col(Resident.id))))
        assert len(people) == ANSWERS - 1
        for number, person in enumerate(people):
            assert person.id is not None
            area = dice.choice(city.districts).code
            condition = (Condition.CANNOT_MOVE, Condition.IN_NEED, Condition.EVACUATED)[
                min(number % 15, 2)
            ]
            told = Told("first", condition, people=dice.randint(1, 5))
            await tell(session, person.id, told, now, told_ms=1, drill=False, area=area)
            if condition is Condition.EVACUATED:
                at = Told("first", whereabouts=Whereabouts.SHELTER, shelter=sites[number % 3])
                await tell(session, person.id, at, now, told_ms=1, drill=False, area=area)
                await check_ins.check_in(session, person.id, sites[number % 3], now, drill=False)
            if condition is Condition.CANNOT_MOVE:
                stuck[area] = stuck.get(area, 0) + 1
    return stuck


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_need_is_followed_to_done_among_three_hundred_households(office: Office) -> None:
    stuck = await flood_evening(office)
    desk = await office.at_desk(Role.DISASTER, "sato")
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/people")
        await expect(page.locator(".people-numbers")).to_contain_text("299")
        names = {d.code: d.names["ja"] for d in office.context.city.districts}
        for code, number in stuck.items():
            row = page.locator("table.counts tr", has_text=names[code]).first
            await expect(row.locator("td").nth(1)).to_have_text(str(number))
        await expect(page.locator(".map-box[data-ready] .map-pin").first).to_be_visible()

        # A household far worse off than the others answers: it comes by itself.
        user = await office.resident("vi")
        async with office.database.writing() as session:
            mine = await session.scalar(select(Resident).where(col(Resident.line_user_id) == user))
            assert mine is not None and mine.id is not None
            early = office.clock.now().replace(hour=0)
            area = office.context.city.districts[0].code
            for told in (
                Told("x", Condition.CANNOT_MOVE, people=2),
                Told("x", need=(Need.MEDICINE, True)),
            ):
                await tell(session, mine.id, told, early, told_ms=1, drill=False, area=area)
        await expect(page.locator(".people-numbers")).to_contain_text("300", timeout=15_000)
        await expect(page.locator("table.people tbody tr").first).to_contain_text("薬")
        await page.locator("table.people a.button").first.click()
        await page.get_by_role("button", name="自分が担当する").click()
        await expect(page.locator(".timeline")).to_contain_text("sato@city.example")
        await page.locator('select[name="ready"]').select_option("coming")
        await page.get_by_role("button", name="LINEで送る").click()
        await expect(page.locator(".timeline .said")).to_be_visible()
        await page.get_by_role("textbox", name="対応の内容").fill("薬を届けた")
        await page.get_by_role("button", name="対応済みにする").click()
        await expect(page.locator("h1")).to_contain_text("完了")
    async with office.database.reading() as session:
        case = await session.scalar(
            select(HouseholdCase).where(col(HouseholdCase.resident_id) == mine.id)
        )
        waiting = await households(session, CaseFilter(drill=False), most=100)
    assert case is not None and (case.state, case.person) == (CaseState.DONE, "sato@city.example")
    assert len(waiting) == 40 and case.id not in {one.case.id for one in waiting}
    [delivery] = await office.deliveries()
    await office.done(delivery.id or 0)
    [[message]] = office.received(user)
    assert presets.household_answer("coming", "vi") in message["text"]
