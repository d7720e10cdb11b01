"""Help on each page: a sentence, and the paper that says more."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute
from sqlmodel import col, select

from console.help import HELP, PAPERS, help_of
from console.models import Role, Staff
from console.navigation import SECTIONS
from console.pages import ROUTERS
from tests.support.filed_reports import reported
from tests.support.office import Office

NO_PAGE = re.compile(
    r"/live$|/print$|/ready$|/photos/|/papers/|/public$|\.(json|csv|toml|png|pdf|wav|gpkg)$"
    r"|^/console(/session|/sign-in.*|/\{_rest:path\})?$"
)

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def test_each_page_of_the_menu_says_what_it_is_for(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "admin")
    for entry in (entry for section in SECTIONS for entry in section.entries):
        page = await desk.get(entry.address)
        (lead,) = page.tree.xpath("//div[@class='page-head']//p[@class='lead']")
        (paper,) = lead.xpath("a")
        assert (await desk.get(paper.get("href"))).status == 200, entry.address
        assert len(page.tree.xpath("//main//h1")) == 1, entry.address


def test_each_page_has_its_help(database: object) -> None:
    """But parts of pages, files, paper, and what is shown before somebody has signed in."""
    without = {
        path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
        if help_of(re.sub(r"\{[^}]+\}", "1", path := route.path)) is None
    }
    assert {path for path in without if not NO_PAGE.search(path)} == set()


async def test_a_paper_leads_to_the_next_and_holds_nothing_that_runs(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "viewer")
    page = await desk.get("/console/papers/reports.md")
    assert page.tree.xpath("//main//table") and not page.tree.xpath("//main//script|//main//img")
    for wrong in ("nothing.md", "..%2FSECURITY.md", "README.md%00", "images"):
        assert (await desk.get(f"/console/papers/{wrong}")).status == 404, wrong


def test_each_paper_of_the_help_exists(database: object) -> None:
    assert [one.paper for one in HELP.values() if not (PAPERS / one.paper).is_file()] == []


async def test_people_are_called_by_their_names(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "admin")
    async with office.database.writing() as session:
        person = await session.scalar(select(Staff).where(col(Staff.email) == "admin@city.example"))
        assert person is not None
        person.name = "井上 真理"
        session.add(person)
    started = await desk.get("/console/alerts")
    await desk.submit(started, "/console/alerts", kind="drill")
    case = f"/console/reports/{(await reported(office)).number}"
    await desk.submit(await desk.get(case), f"{case}/correct", address="星野三丁目5番地先")
    for address in ("/console/", "/console/alerts", "/console/audit", case):
        main = (await desk.get(address)).tree.xpath("//main")[0].text_content()
        assert "井上 真理" in main, address
