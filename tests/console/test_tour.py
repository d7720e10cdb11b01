"""The demo's tour: page by page, for each person by themselves, until they end it."""

from __future__ import annotations

import pytest

from console.models import Role
from tests.support.office import Browser, Office, Page

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def shown(page: Page) -> str:
    return " ".join(page.tree.xpath("string(//aside[@class='tour']/p)").split())


async def press(browser: Browser, page: Page, step: str) -> Page:
    return await browser.post("/console/tour", {**page.form("/console/tour"), "step": step})


async def test_a_newcomer_is_led_from_page_to_page(office: Office) -> None:
    office.app.state.tours = {}
    desk = await office.at_desk(Role.ADMIN, "admin")
    page, seen = await desk.get("/console/"), []
    for n in range(1, 20):
        seen.append(page.url.removeprefix(office.url))
        assert page.status == 200 and shown(page)
        if not page.tree.xpath(f"//aside[@class='tour']//button[@value='{n}']"):
            break
        page = await press(desk, page, str(n))
    assert seen[:2] == ["/console/", "/console/alerts"] and seen[-1] == "/console/account"
    assert len(seen) == len(set(seen)) == 9


async def test_who_ends_it_does_not_see_it_again_and_others_do(office: Office) -> None:
    office.app.state.tours = {}
    desk = await office.at_desk(Role.ADMIN, "admin")
    roads = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get("/console/alerts")
    assert not shown(await press(desk, page, ""))
    assert not shown(await desk.get("/console/"))
    assert shown(await roads.get("/console/"))
    # Nobody is led to a page that they may not open.
    page = await roads.get("/console/")
    for n in range(1, 9):
        page = await press(roads, page, str(n))
        assert page.status == 200


async def test_there_is_no_tour_outside_of_the_demo(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "admin")
    page = await desk.get("/console/")
    assert not shown(page)
    token = page.form("/console/sign-out")
    assert (await desk.post("/console/tour", {**token, "step": "1"})).status == 404
