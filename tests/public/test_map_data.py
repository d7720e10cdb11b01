"""What maps read: public data of the city alone, in the reader's language; pages need no map."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from console.models import Role
from core.web import MAP_POLICY, PUBLIC_POLICY
from reports.models import Report
from reports.open311 import DECIMALS
from reports.states import ReportState
from response.lifelines import Listed, add
from response.models import LifelineKind, LifelineState, ShelterState, ShelterStatus
from tests.support.filed_reports import reported
from tests.support.office import Office


async def test_the_citys_map_has_names_in_the_readers_language(office: Office) -> None:
    browser = await office.browser()
    page = json.loads((await browser.get("/maps/city.json?lang=en")).body)
    assert {one["code"]: one["name"] for one in page["hazards"]} == {
        "flood": "Flood",
        "landslide": "Landslide",
    }
    names = {one["properties"]["name"] for one in page["districts"]["features"]}
    assert "Kawabata" in names
    assert page["rivers"]["features"][0]["properties"]["name"] == "Inasato River (sample)"
    assert page["tiles"] is None
    flood = json.loads((await browser.get("/maps/hazards/flood.json")).body)
    assert [one["properties"]["depth_m"] for one in flood["features"]] == [3.0, 0.5]
    assert (await browser.get("/maps/hazards/volcano.json")).status == 404


async def test_a_place_is_found_by_its_name_and_nothing_of_it_is_kept(office: Office) -> None:
    browser = await office.browser()
    answer = await browser.get("/maps/places.json?q=つくば市役所&lang=ja")
    (place,) = json.loads(answer.body)["places"]
    assert place["name"] == "つくば市役所"
    assert answer.headers["Cache-Control"] == "no-store"
    assert json.loads((await browser.get("/maps/places.json?q=")).body) == {"places": []}
    long = await browser.get("/maps/places.json?q=" + "あ" * 2000)
    assert json.loads(long.body) == {"places": []}


async def test_the_map_of_sites_says_what_the_list_says(office: Office) -> None:
    first = office.folder.shelters[0]
    await office.store(
        ShelterStatus(
            shelter=first.code,
            drill=False,
            state=ShelterState.FULL,
            changed_at=office.clock.now(),
            changed_by="sato",
        )
    )
    browser = await office.browser()
    page = await browser.get("/shelters?lang=en")
    assert page.headers["Content-Security-Policy"] == MAP_POLICY
    assert first.name in page.body  # the list is there without the map
    found = json.loads((await browser.get("/maps/shelters.json?lang=en")).body)["features"]
    assert len(found["features"]) == len(office.folder.shelters)
    (full,) = [one for one in found["features"] if one["properties"]["colour"] == "amber"]
    assert full["properties"]["lines"][0] == "Full"
    assert (await browser.get("/?lang=en")).headers["Content-Security-Policy"] == PUBLIC_POLICY


async def test_the_map_of_lifelines_says_what_the_list_says(office: Office) -> None:
    browser = await office.browser()
    nothing = await browser.get("/lifelines?lang=en")
    assert not nothing.tree.xpath("//*[@data-map]")
    now = office.clock.now()
    truck = Listed(
        LifelineKind.WATER,
        "山辺公園の給水車",
        LifelineState.OPEN,
        now + timedelta(hours=3),
        position=(140.05, 36.19),
        remarks=("bring-bottles",),
    )
    dark = Listed(
        LifelineKind.POWER, "中央地区", LifelineState.STOPPED, now + timedelta(hours=3), "chuo"
    )
    drilled = replace(truck, name="訓練の給水車")
    async with office.database.writing() as session:
        await add(session, office.context.city, truck, now, actor="sato", drill=False)
        await add(session, office.context.city, dark, now, actor="sato", drill=False)
        await add(session, office.context.city, drilled, now, actor="sato", drill=True)
    page = await browser.get("/lifelines?lang=en")
    assert page.headers["Content-Security-Policy"] == MAP_POLICY
    assert truck.name in page.body and dark.name in page.body  # the list is there without the map
    [address] = page.tree.xpath("//*[@data-map]/@data-map")
    [one] = json.loads((await browser.get(address)).body)["features"]["features"]
    assert one["geometry"]["coordinates"] == [140.05, 36.19]
    about = one["properties"]
    assert about["title"] == f"Water point: {truck.name}" and about["colour"] == "green"
    assert about["lines"][:2] == ["Available", "Bring bottles or canisters"]


async def test_only_published_reports_are_on_the_public_map(office: Office) -> None:
    await office.at_desk(Role.ROADS, "road")
    new, taken = await reported(office), await reported(office)
    async with office.database.writing() as session:
        report = await session.get(Report, taken.id)
        assert report is not None
        report.state = ReportState.ACCEPTED
        session.add(report)
    answer = await (await office.browser()).get("/maps/reports.json?lang=en")
    (one,) = json.loads(answer.body)["features"]["features"]
    assert one["properties"]["lines"] == [taken.number]
    assert new.number not in answer.body
    assert taken.longitude is not None
    assert one["geometry"]["coordinates"][0] == round(taken.longitude, DECIMALS)
