"""Lifelines at the desk: listed, several kinds at once, changed, ended, on the map."""

from __future__ import annotations

import json
from datetime import timedelta

from console.models import Role
from core.clock import in_japan
from core.languages import LANGUAGES
from public.words import lifeline_kind, remark_words
from response.models import Lifeline, LifelineKind
from tests.support.office import Browser, Office, Page


async def list_it(desk: Browser, office: Office, **fields: object) -> Page:
    page = await desk.get("/console/lifelines?world=real")
    until = in_japan(office.clock.now() + timedelta(hours=6))
    basic = {
        "kind": ["water", "toilet"],
        "name": "山辺小学校",
        "place": "36.1841, 140.0523",
        "now": "open",
        "opens": "09:00",
        "closes": "17:30",
        "remark": ["bring-bottles", "free"],
        "note__ja": "<b>正門から</b>",
        "until": f"{until:%Y-%m-%dT%H:%M}",
    }
    return await desk.submit(page, "/console/lifelines", **{**basic, **fields})


async def test_several_kinds_at_one_place_are_listed_with_hours_remarks_and_note(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await list_it(desk, office)
    assert page.status == 200 and "保存しました" in page.words
    water, toilet = await office.rows(Lifeline)
    assert (water.kind, toilet.kind) == ("water", "toilet")
    assert (water.longitude, water.latitude) == (140.0523, 36.1841)
    district = office.context.city.district_at(140.0523, 36.1841)
    assert district is not None and water.area == district.code
    assert (water.opens, water.closes, water.remarks) == (540, 1050, ["bring-bottles", "free"])
    assert "<b>正門から" not in page.body and "給水所" in page.words
    assert [one.action for one in await office.audit()][-2:] == ["lifeline.listed"] * 2
    # One click says how it is; the page of one entry changes the rest.
    token = page.form(f"/console/lifelines/{water.id}")["csrf"]
    await desk.post(f"/console/lifelines/{water.id}", {"csrf": token, "do": "state:busy"})
    one = await desk.get(f"/console/lifelines/{water.id}")
    one = await desk.submit(one, f"/console/lifelines/{water.id}", name="山辺公園", do="save")
    water, toilet = await office.rows(Lifeline)
    assert (water.state, water.name, water.opens) == ("busy", "山辺公園", 540)
    assert water.notes == {"ja": "<b>正門から</b>"}
    await desk.post(f"/console/lifelines/{water.id}", {"csrf": token, "do": "end"})
    page = await desk.get("/console/lifelines?world=real")
    assert "山辺公園" not in page.words and "山辺小学校" in page.words
    again = await desk.post(f"/console/lifelines/{water.id}", {"csrf": token, "do": "end"})
    assert again.status == 400
    office.clock.ahead += timedelta(hours=6)
    await desk.sign_in("desk@city.example")
    page = await desk.get("/console/lifelines?world=real")
    assert "掲載中のものはありません" in page.words


async def test_a_form_filled_in_before_a_colleague_changed_the_entry_is_refused(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await list_it(desk, office, kind=["water"])
    [water] = await office.rows(Lifeline)
    address = f"/console/lifelines/{water.id}"
    form = await desk.get(address)
    fields = {"csrf": form.form(address)["csrf"], "do": "state:stopped"}
    await desk.post(address, fields)
    refused = await desk.submit(form, address, do="save", name="山辺公園")
    assert refused.status == 400 and "ほかの職員がこの掲載を変えました" in refused.words
    [water] = await office.rows(Lifeline)
    assert (water.state, water.name) == ("stopped", "山辺小学校")
    assert (await desk.submit(refused, address, do="save")).status == 200


async def test_the_place_is_found_by_its_name_or_what_is_wrong_is_said(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    site = office.folder.shelters[0]
    page = await list_it(desk, office, place=site.name, kind=["bath"])
    assert page.status == 200, page.words
    [bath] = await office.rows(Lifeline)
    assert bath.longitude == site.longitude
    all_wrong: tuple[dict[str, object], ...] = (
        {"place": "存在しない場所の名前"},
        {"place": "35.6, 139.7"},
        {"place": "", "area": ""},
        {"kind": []},
        {"name": " "},
        {"until": ""},
        {"until": "2020-01-01T00:00"},
        {"until": "x"},
        {"opens": "9 o'clock"},
        {"opens": "25:00"},
        {"closes": ""},
    )
    for wrong in all_wrong:
        page = await list_it(desk, office, **wrong)
        assert page.status == 400 and page.tree.xpath("//*[@data-testid='refusal']"), wrong
    assert len(await office.rows(Lifeline)) == 1


async def test_the_drills_are_apart_and_the_map_has_the_positions(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await desk.get("/console/lifelines?world=drill")
    area = office.context.city.districts[0].code
    await desk.submit(
        page, "/console/lifelines", kind=["power"], name="北部一帯", area=area, now="stopped"
    )
    await list_it(desk, office, kind=["water"])
    page = await desk.get("/console/lifelines?world=drill")
    assert "停電中" in page.words and "山辺小学校" not in page.words
    page = await desk.get("/console/lifelines/map.json?world=real&kind=")
    [feature] = json.loads(page.body)["features"]["features"]
    assert feature["properties"]["title"] == "山辺小学校"
    assert feature["properties"]["colour"] == "green"
    assert feature["properties"]["label"] == "給水所: 利用できます"


async def test_a_power_cut_is_listed_as_one_if_nobody_says_more(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await list_it(desk, office, kind=["power", "road", "shop"], now="")
    rows = await office.rows(Lifeline)
    assert [(row.kind, row.state) for row in rows] == [
        ("power", "stopped"),
        ("road", "closed"),
        ("shop", "open"),
    ]


async def test_everybody_reads_it_in_their_language_and_programs_as_geojson(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await list_it(desk, office, kind=["water"])
    drill = await desk.get("/console/lifelines?world=drill")
    area = office.context.city.districts[0].code
    await desk.submit(drill, "/console/lifelines", kind=["bath"], name="訓練の風呂", area=area)
    reader = await office.browser()
    for language in LANGUAGES:
        page = await reader.get(f"/lifelines?lang={language}")
        assert page.status == 200 and "山辺小学校" in page.words
        assert lifeline_kind(LifelineKind.WATER, language) in page.words
        assert remark_words("bring-bottles", language) in page.words
        assert "訓練の風呂" not in page.words and "<b>正門" not in page.body
    answer = await reader.get("/feeds/lifelines.geojson")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    [feature] = json.loads(answer.body)["features"]
    assert feature["geometry"]["coordinates"] == [140.0523, 36.1841]
    assert feature["properties"]["hours"] == ["09:00", "17:30"]
    assert feature["properties"]["state"] == "open"
    office.clock.ahead += timedelta(hours=6)
    assert json.loads((await reader.get("/feeds/lifelines.geojson")).body)["features"] == []
    assert "山辺小学校" not in (await reader.get("/lifelines?lang=ja")).words
