"""GeoJSON as a map library that is not ours reads it: Leaflet, which refuses wrong geometries."""

from __future__ import annotations

from typing import Any

import pytest

from console.models import Role
from response.models import ShelterState
from response.shelters import set_state
from tests.support.browser_tabs import tab
from tests.support.notices import a_notice
from tests.support.office import Office

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
DRAWN = """async (path) => {
  const found = await (await fetch(path)).json();
  const layer = L.geoJSON(found);
  const bounds = layer.getBounds();
  return { features: found.features.filter(one => one.geometry).length,
    layers: layer.getLayers().length, valid: bounds.isValid(),
    box: bounds.isValid() ? bounds.toBBoxString().split(",").map(Number) : [] };
}"""


async def test_a_map_library_draws_dangers_and_sites_where_the_city_is(office: Office) -> None:
    city, now = office.context.city, office.clock.now()
    await office.store(
        a_notice(now, "here", level=4, emergency=True, areas=[city.districts[0].code]),
        a_notice(now, "everywhere", level=3),
    )
    site = office.folder.shelters[0].code
    async with office.database.writing() as session:
        sites = office.folder.shelters
        await set_state(
            session, sites, site, ShelterState.OPEN, now, actor="boss@city.example", drill=False
        )
    points = [
        point for district in city.districts for ring in district.polygons for point in ring[0]
    ]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    async with tab(office, await office.at_desk(Role.ADMIN, "boss")) as page:
        await page.goto(f"{office.url}/shelters?lang=ja")
        await page.wait_for_function("window.L && L.geoJSON")
        for path in ("/feeds/in-force.geojson", "/feeds/shelters.geojson"):
            drawn: Any = await page.evaluate(DRAWN, path)
            assert drawn["valid"] and drawn["layers"] == drawn["features"] > 0, path
            left, bottom, right, top = drawn["box"]
            # A mistake in the order of the numbers would be in the sea off Africa.
            assert west - 0.1 <= left <= right <= east + 0.1
            assert south - 0.1 <= bottom <= top <= north + 0.1
