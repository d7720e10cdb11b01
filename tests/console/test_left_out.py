"""Staff see on the first page what is left out of the city's folder, and where to mend it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from city.faults import FolderFault
from city.reasons import reason
from console.models import Role
from core.reason import Reason
from tests.support.office import Office


@pytest.mark.parametrize(
    ("what", "opened"),
    [(reason("part.site"), False), (reason("part.source-named", code="jma-eqvol"), True)],
)
async def test_what_is_left_out_is_named_with_file_and_line(
    office: Office, what: Reason, opened: bool
) -> None:
    browser = await office.at_desk(Role.VIEWER, "viewer")
    address = '//details[@data-testid="left-out"]'
    assert not (await browser.get("/console/")).tree.xpath(address)
    why = reason("missing.site-name")
    fault = FolderFault(Path("city/shelters.csv"), 32, why, left_out=what)
    office.app.state.folder = replace(office.folder, left_out=(fault,))
    [shown] = (await browser.get("/console/")).tree.xpath(address)
    words = " ".join(shown.text_content().split())
    assert "shelters.csv 32行目" in words
    assert "必要な内容が空欄か、ありません。（名称が空欄です）" in words
    assert str(what) not in words and str(why) not in words
    assert ("open" in shown.attrib) is opened, "a source that is gone is never folded away"
    await browser.submit(await browser.get("/console/"), "/console/language", language="en")
    [shown] = (await browser.get("/console/")).tree.xpath(address)
    words = " ".join(shown.text_content().split())
    empty = "Something that it needs is empty or missing. (名称 (the name) is empty)"
    assert f"shelters.csv line 32 {what}: {empty}" in words
