"""The people of a demo: the everyday desk can be tried too."""

from __future__ import annotations

from sqlmodel import select

from app.stage import add_people
from city.folder import load_city
from console.models import Role, Staff
from core.clock import Clock
from core.database import Database
from tests.support.project import SAMPLE_CITY


async def test_public_relations_and_an_office_have_accounts(
    database: Database, clock: Clock
) -> None:
    city = load_city(SAMPLE_CITY)
    accounts = await add_people(database, city, clock, residents=1, seed=1, host="demo.example")
    async with database.reading() as session:
        staff = {one.email: one for one in await session.scalars(select(Staff))}
    assert {one.email for one in accounts} == set(staff)
    assert staff["news@demo.example"].roles == (Role.EDITOR,)
    office = staff["waste@demo.example"]
    assert (office.roles, office.departments) == ((Role.DEPARTMENT,), ("waste",))
    assert "waste" in {topic.department for topic in city.topics}, "it has something to write of"


async def test_a_city_without_that_department_has_no_account_for_it(
    database: Database, clock: Clock
) -> None:
    small = load_city(SAMPLE_CITY).model_copy(update={"departments": ()})
    accounts = await add_people(database, small, clock, residents=1, seed=1, host="demo.example")
    assert "waste@demo.example" not in {one.email for one in accounts}
