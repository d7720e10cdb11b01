"""GeoJSON of dangers and evacuation sites, by the rules of RFC 7946."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from city.city import District
from feeds.models import Status
from public.geo_feeds import geometry_of
from response.models import Offer, ShelterState
from response.shelters import set_state
from tests.support.notices import a_notice
from tests.support.office import Office


async def features(office: Office, path: str) -> list[dict[str, Any]]:
    page = await (await office.browser()).get(path)
    assert page.status == 200
    assert page.headers["Content-Type"] == "application/geo+json"
    assert page.headers["Access-Control-Allow-Origin"] == "*"
    found = json.loads(page.body)
    assert found["type"] == "FeatureCollection"
    for feature in found["features"]:
        assert feature["type"] == "Feature"
        assert {"geometry", "properties", "id"} <= set(feature)
        if feature["geometry"] is not None:
            right(feature["geometry"])
    return list(found["features"])


def right(geometry: dict[str, Any]) -> None:
    """Check RFC 7946 3.1.6: closed rings, the outer counterclockwise, holes clockwise, WGS 84."""
    if geometry["type"] == "Point":
        longitude, latitude = geometry["coordinates"]
        assert -180 <= longitude <= 180
        assert -90 <= latitude <= 90
        return
    polygons = geometry["coordinates"]
    for polygon in [polygons] if geometry["type"] == "Polygon" else polygons:
        for place, ring in enumerate(polygon):
            assert len(ring) >= 4
            assert ring[0] == ring[-1]
            area = sum((x2 - x1) * (y2 + y1) for (x1, y1), (x2, y2) in pairwise(ring))
            assert (area < 0) == (place == 0), "the shoelace's sign tells the direction"


async def test_what_is_in_force_is_drawn_where_it_is_in_force(office: Office) -> None:
    now = office.clock.now()
    a, b, c = (district.code for district in office.context.city.districts[:3])
    order: dict[str, Any] = {"topic": "evacuation", "level": 4, "emergency": True}
    await office.store(
        a_notice(now, "order", areas=[a, b], **order),
        a_notice(now, "rain"),
        a_notice(now, "drill", drill=True, areas=[c]),
        a_notice(now, "over", expires_at=now - timedelta(minutes=1)),
        a_notice(now, "news", level=0, topic="events", status=Status.NONE),
    )
    await office.store(
        a_notice(
            now, "end", areas=[a], status=Status.LIFTED, level=0, topic="evacuation", replaces_id=1
        )
    )
    found = await features(office, "/feeds/in-force.geojson?lang=en")
    assert [one["properties"]["title"] for one in found] == ["order title", "rain title"]
    order_now, rain = found
    assert order_now["properties"]["areas"] == [b], "it is over in the other district"
    assert order_now["geometry"]["type"] == "Polygon"
    assert (rain["properties"]["areas"], rain["geometry"]["type"]) == ([], "MultiPolygon")
    assert len(rain["geometry"]["coordinates"]) == len(office.context.city.districts)
    assert order_now["properties"]["level"] == 4
    assert order_now["properties"]["cap"].endswith("/feeds/cap/1.xml")
    only = await features(office, f"/feeds/in-force.geojson?topic=evacuation&area={b}")
    assert len(only) == 1
    assert (await (await office.browser()).get("/feeds/in-force.geojson?topic=x")).status == 404


def test_rings_are_wound_as_they_must_be() -> None:
    """A district with a hole, both drawn the wrong way and not closed."""
    outer = ((140.0, 36.0), (140.0, 36.4), (140.4, 36.4), (140.4, 36.0))
    hole = ((140.1, 36.1), (140.3, 36.1), (140.3, 36.3), (140.1, 36.3), (140.1, 36.1))
    district = District(code="a", names={"ja": "あ"}, polygons=((outer, hole),))

    city: Any = SimpleNamespace(districts=(district,), district_by_code={"a": district})
    geometry = geometry_of(["a"], city)
    assert geometry is not None
    assert geometry["type"] == "Polygon"
    right(geometry)
    assert [140.0, 36.4] in geometry["coordinates"][0]
    assert geometry_of(["gone"], city) is None


async def test_the_sites_have_their_state_and_whether_they_are_safe_now(office: Office) -> None:
    now = office.clock.now()
    words = {"ja": {"title": "", "text": "桜川が氾濫するおそれがあります。"}}
    await office.store(a_notice(now, "order", topic="evacuation", level=4, texts=words))
    async with office.database.writing() as session:
        for drill, state in ((False, ShelterState.OPEN), (True, ShelterState.FULL)):
            await set_state(
                session,
                office.folder.shelters,
                "0001",
                state,
                now,
                actor="desk@city.example",
                drill=drill,
                heads=12,
                offers=[Offer.PETS],
            )
    found = await features(office, "/feeds/shelters.geojson")
    assert [one["id"] for one in found] == [site.code for site in office.folder.shelters]
    first, second = found[0]["properties"], found[1]["properties"]
    assert (first["state"], first["heads"], first["offers"]) == ("open", 12, ["pets"])
    assert second["state"] is None
    safe = {one["properties"]["name"]: one["properties"]["safe_now"] for one in found}
    assert not safe["稲里交流センター"]
    assert safe["稲里中学校"]
    assert "desk@city.example" not in str(found)
