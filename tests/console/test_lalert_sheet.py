"""The sheet for L-Alert: what is in force as it must be typed, and a drill that says so."""

from __future__ import annotations

from console.models import Role
from response.models import ShelterState
from response.shelters import set_state
from tests.support.notices import a_notice
from tests.support.office import Office


async def test_the_sheet_says_what_must_be_typed(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await desk.get("/console/lalert")
    assert page.status == 200
    assert "過去14日間に" in page.words
    now = office.clock.now()
    district = office.context.city.districts[0]
    order = {"topic": "evacuation", "level": 4, "areas": [district.code]}
    await office.store(
        a_notice(now, "<b>real", **order), a_notice(now, "only a drill", drill=True, **order)
    )
    async with office.database.writing() as session:
        await set_state(
            session,
            office.folder.shelters,
            "0001",
            ShelterState.FULL,
            now,
            actor="desk",
            drill=False,
            heads=31,
        )
    page = await desk.get("/console/lalert?world=real")
    found = page.tree.xpath("//tbody/tr")
    rows = [" ".join(cell.text_content().strip() for cell in row) for row in found]
    assert rows[0].startswith(f"避難指示 発令 {district.names['ja']}")
    assert "定員一杯" in rows[1]
    assert " 31 " in f" {rows[1]} "
    assert "only a drill" not in page.words
    assert "<b>real" not in page.body
    page = await desk.get("/console/lalert?world=drill")
    assert "【訓練】" in page.tree.xpath("string(//h1)")
    assert "only a drillの題" in page.words
    assert "realの題" not in page.words
