"""An administrator takes in residents of another product in a browser; the page is accessible."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.models import Role
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.office import Office

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
ROWS = "ユーザーID,情報区分,地区,年代\r\n" + "".join(
    f"U{number:032x},ごみ、競馬,中央,３０代\r\n" for number in range(1, 13)
)
MAPPING = (
    '[columns]\nuser_id = "ユーザーID"\ntopics = "情報区分"\ndistricts = "地区"\n'
    '[topics]\n"ごみ" = "collection"\n[districts]\n"中央" = "chuo"\n'
)
SHOTS = os.environ.get("TODOKE_SHOTS", "")


async def test_an_administrator_looks_takes_in_and_undoes(office: Office, tmp_path: Path) -> None:
    file, mapping = tmp_path / "回答.csv", tmp_path / "mapping.toml"
    file.write_bytes(ROWS.encode("cp932"))
    mapping.write_text(MAPPING, "utf-8")
    desk = await office.at_desk(Role.ADMIN, "admin")
    address = f"{office.url}/console/moving-in"
    async with tab(office, desk) as page:
        await page.goto(address)
        await page.set_input_files("input[name=file]", file)
        await page.set_input_files("input[name=mapping]", mapping)
        await page.click("button[value=look]")
        await page.wait_for_selector("[data-testid=counts]")
        assert "競馬" in await page.inner_text("[data-testid=unknown-topics]")
        for width in (390, 1440) if SHOTS else ():
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=f"{SHOTS}/look-{width}.png", full_page=True)
        await page.click("[data-testid=take]")
        await page.wait_for_selector("[data-testid=done]")
        assert "回答.csv" in await page.inner_text("[data-testid=import]")
        for width in (390, 1440) if SHOTS else ():
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=f"{SHOTS}/done-{width}.png", full_page=True)
        assert await faults_of(page, [address]) == {}
        await page.click("[data-testid=import] summary")
        await page.click("button.danger")
        await page.wait_for_selector("[data-testid=done]")
        assert "取り消しました" in await page.inner_text("[data-testid=done]")
