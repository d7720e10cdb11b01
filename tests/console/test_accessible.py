"""Each page of the navigation is accessible, on a phone and on a desk."""

from __future__ import annotations

import pytest

from console.models import Role
from console.navigation import SECTIONS
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.filed_reports import reported
from tests.support.office import Office

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]


async def test_every_page_of_the_navigation_is_accessible(office: Office) -> None:
    await office.resident("ja")
    await reported(office)
    desk = await office.at_desk(Role.ADMIN, "admin")
    pages = [entry.address for section in SECTIONS for entry in section.entries]
    async with tab(office, desk) as page:
        more = (
            "/console/account",
            "/console/answers/finished",
            "/console/kinds/street-light/questions/1",
            "/console/kinds/street-light/words/my",
            "/console/kinds/street-light/check?language=my",
        )
        addresses = [office.url + address for address in (*pages, *more)]
        assert await faults_of(page, addresses) == {}
