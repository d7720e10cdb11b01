"""Residents' photos of danger are looked at and decided on; tasks go between departments."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from console.models import Role
from core.clock import in_japan
from core.errors import BadInput
from reports import dangers
from reports.models import Danger, Report, StaffNotice, Triage
from reports.photos import store_photo
from reports.register import Draft
from response import tasks
from response.models import (
    Lifeline,
    LifelineKind,
    LifelineState,
    RecordEntry,
    Task,
    TaskState,
)
from tests.support.filed_reports import picture, reported
from tests.support.office import Browser, Office, Page

DANGERS = "/console/dangers"


async def shown(office: Office, **changes: Any) -> Danger:
    """Have a resident show a danger for real."""
    report = await reported(office, **changes)
    async with office.database.writing() as session:
        return await dangers.keep_real(session, report, office.clock.now())


async def in_drill(office: Office, **changes: Any) -> Danger:
    user = await office.resident()
    async with office.database.writing() as session:
        from subscriptions import residents

        found = await residents.find(session, user)
        assert found is not None and found.id is not None
        kind = office.context.city.report_categories[0].code
        draft = Draft(category=kind, origin="drill-1", description="訓練の話", **changes)
        return await dangers.keep_drill(
            session, office.context.city, draft, found.id, "ja", office.clock.now()
        )


async def decides(browser: Browser, danger: Danger, do: str, **fields: Any) -> Page:
    address = f"{DANGERS}/{danger.id}"
    page = await browser.get(address)
    return await browser.post(address, page.form(address) | {"do": do, **fields})


async def test_a_danger_with_its_photo_is_looked_at_and_decided_on(office: Office) -> None:
    photo = await asyncio.to_thread(store_photo, office.context.settings.media_dir, picture())
    danger = await shown(office, pictures=(photo,), description="電線が切れている")
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await browser.get(DANGERS)
    assert "電線が切れている" in page.words and "未確認 1" in page.words
    [image] = page.tree.xpath("//article//img/@src")
    async with browser.http.get(office.url + image) as answer:
        assert answer.status == 200 and answer.headers["Content-Type"] == "image/jpeg"
    page = await decides(browser, danger, "urgent", note="消防に連絡")
    assert "緊急" in page.words
    [entry] = [one for one in await office.rows(RecordEntry) if one.kind == "danger"]
    assert entry.facts["triage"] == "urgent" and entry.facts["reason"] == "消防に連絡"
    assert "電線" not in str(entry.facts), "the resident's words are not in the record"
    page = await browser.get("/console/record")
    assert "危険な場所の確認：緊急" in page.words


async def test_the_same_danger_shown_twice_is_seen_and_known(office: Office) -> None:
    first = await shown(office)
    second = await shown(office)
    far = await shown(office, longitude=140.2, latitude=36.2)
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await browser.get(f"{DANGERS}/{second.id}")
    near = page.tree.xpath('//p[@class="same"]/a[1]/@href')
    assert near == [f"{DANGERS}/{first.id}"] and f"{DANGERS}/{far.id}" not in near
    await decides(browser, second, "known", same=str(first.id))
    rows = {one.id: one for one in await office.rows(Danger)}
    assert (rows[second.id].state, rows[second.id].same_as_id) == (Triage.KNOWN, first.id)


async def test_the_road_department_gets_it_as_a_report(office: Office) -> None:
    danger = await shown(office)
    browser = await office.at_desk(Role.DISASTER, "sato")
    other = next(
        one.code
        for one in office.context.city.departments
        if one.code != office.context.city.report_categories[0].department
    )
    await decides(browser, danger, "passed", department=other)
    [report] = await office.rows(Report)
    assert report.department == other
    [notice] = await office.rows(StaffNotice)
    assert notice.department == other and report.number in notice.content["title"]
    roads = await office.at_desk(Role.ROADS, "roads")
    assert (await roads.get(f"/console/reports/{report.number}")).status == 200
    assert (await roads.get(DANGERS)).status == 403


async def test_a_closed_road_is_told_among_the_lifelines_of_its_world(office: Office) -> None:
    real, drill = await shown(office), await in_drill(office, longitude=140.1, latitude=36.08)
    browser = await office.at_desk(Role.DISASTER, "sato")
    await decides(browser, real, "road-closed", road="国道の地下道")
    await decides(browser, drill, "road-closed", road="訓練の道")
    lifelines = {one.name: one for one in await office.rows(Lifeline)}
    assert set(lifelines) == {"国道の地下道", "訓練の道"}
    told = lifelines["国道の地下道"]
    assert (told.kind, told.state, told.drill) == (LifelineKind.ROAD, LifelineState.CLOSED, False)
    assert lifelines["訓練の道"].drill
    assert told.longitude is not None and told.area


async def test_two_people_do_not_decide_on_one_danger(office: Office) -> None:
    danger = await shown(office)
    sato = await office.at_desk(Role.DISASTER, "sato")
    ito = await office.at_desk(Role.DISASTER, "ito")
    address = f"{DANGERS}/{danger.id}"
    fields = (await ito.get(address)).form(address)
    await decides(sato, danger, "none")
    page = await ito.post(address, fields | {"do": "urgent"})
    assert page.status == 400 and "先に判断しました" in page.words
    assert (await office.rows(Danger))[0].state is Triage.NONE


async def test_a_drill_s_danger_is_on_no_real_page(office: Office) -> None:
    danger = await in_drill(office)
    real = await shown(office)
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await browser.get(f"{DANGERS}?world=drill&state=all")
    assert "訓練の話" in page.words and f"{DANGERS}/{real.id}" not in page.body
    page = await browser.get(f"{DANGERS}?world=real&state=all")
    assert "訓練の話" not in page.words
    await decides(browser, danger, "passed", department="roads")
    assert len(await office.rows(Report)) == 1, "a drill sends no crew"
    entry = next(one for one in await office.rows(RecordEntry) if one.kind == "danger")
    assert entry.drill
    page = await decides(browser, danger, "known", same=str(real.id))
    assert page.status == 400, "a drill's danger is never the same as a real one"
    office.clock.ahead += timedelta(days=office.context.city.retention.safety_answers + 1)
    assert await dangers.forget_drills(office.database, office.clock.now()) == 1


def ask_form(page: Page) -> dict[str, Any]:
    return dict(page.tree.get_element_by_id("ask").form_values())


async def asked(browser: Browser, title: str, to: str, **more: Any) -> Page:
    fields = ask_form(await browser.get("/console/tasks?world=real"))
    return await browser.post("/console/tasks", {**fields, "title": title, "to": to, **more})


async def does(browser: Browser, task: Task, do: str, **fields: Any) -> Page:
    address = f"/console/tasks/{task.id}"
    page = await browser.get(address)
    return await browser.post(address, page.form(address) | {"do": do, **fields})


async def test_a_task_goes_from_one_department_to_another_and_is_done(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "sato")
    to = office.context.city.departments[1].code
    due = in_japan(office.clock.now() + timedelta(hours=1))
    page = await asked(desk, "毛布100枚を運ぶ", to, due=f"{due:%Y-%m-%dT%H:%M}")
    assert page.status == 200 and "毛布100枚を運ぶ" in page.words
    [task] = await office.rows(Task)
    roads = await office.at_desk(Role.ROADS, "roads")
    assert "毛布100枚を運ぶ" in (await roads.get("/console/tasks")).words
    await does(roads, task, "taken")
    await does(roads, task, "note", words="出発")
    await does(roads, task, "done", words="届けた")
    [task] = await office.rows(Task)
    assert (task.state, task.taken_by) == (TaskState.DONE, "roads@city.example")
    codes = [one.code for one in await office.rows(RecordEntry)]
    assert codes == ["task.made", "task.taken", "task.done"]
    page = await desk.get("/console/record")
    assert "依頼が完了：毛布100枚を運ぶ" in page.words


async def test_a_task_is_taken_by_one_and_refused_with_a_reason(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "sato")
    to = office.context.city.departments[0].code
    await asked(desk, "土のう", to)
    [task] = await office.rows(Task)
    one, two = await office.at_desk(Role.ROADS, "one"), await office.at_desk(Role.ROADS, "two")
    address = f"/console/tasks/{task.id}"
    fields = (await two.get(address)).form(address) | {"do": "taken"}
    await does(one, task, "taken")
    page = await two.post(address, fields)
    assert page.status == 400 and "先に更新されました" in page.words
    assert (await office.rows(Task))[0].taken_by == "one@city.example"
    assert (await does(one, task, "refused")).status == 400
    assert (await does(one, task, "refused", words="車がない")).status == 200
    assert (await office.rows(Task))[0].state is TaskState.REFUSED
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/tasks?state=refused")
    assert "土のう" in page.words and not page.tree.xpath('//form[@id="ask"]')


async def test_the_same_form_asks_once_and_late_ones_are_counted(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "sato")
    to = office.context.city.departments[0].code
    fields = ask_form(await desk.get("/console/tasks"))
    for _ in range(2):
        await desk.post("/console/tasks", {**fields, "title": "水", "to": to})
    assert len(await office.rows(Task)) == 1
    now = office.clock.now()
    city = office.context.city
    wanted = tasks.Asked(title="遅れた", origin="x", to_department=to, due_at=now)
    async with office.database.writing() as session:
        await tasks.ask(session, city, wanted, now, drill=False, actor="test")
        with pytest.raises(BadInput):
            bad = replace(wanted, origin="y", to_department="nobody")
            await tasks.ask(session, city, bad, now, drill=False, actor="test")
    page = await desk.get("/console/tasks")
    assert "期限切れ：1" in page.words
    assert "遅れた" not in (await desk.get("/console/tasks?world=drill")).words
