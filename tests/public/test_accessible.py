"""Every page for everybody is accessible, on a phone, a tablet and a desk."""

from __future__ import annotations

import pytest
from playwright.async_api import async_playwright

from tests.support.accessible import faults_of
from tests.support.chromium import chromium_address
from tests.support.filed_reports import reported
from tests.support.office import Office

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
PAGES = ("/", "/shelters", "/lifelines", "/reports", "/reports/months", "/follow", "/n")


@pytest.mark.parametrize("language", ["ja", "my"])
async def test_every_page_for_everybody_is_accessible(office: Office, language: str) -> None:
    await reported(office)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(chromium_address())
        page = await (await chromium.new_context()).new_page()
        addresses = [f"{office.url}{address}?lang={language}" for address in PAGES]
        assert await faults_of(page, addresses) == {}
        await chromium.close()
