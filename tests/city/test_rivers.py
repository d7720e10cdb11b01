"""``rivers.geojson``: rivers for the maps; a wrong one is named and left out."""

from __future__ import annotations

import json
from pathlib import Path

from city.faults import FolderFault
from city.rivers import read_rivers


def test_rivers_are_read_and_a_wrong_one_is_left_out(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[140.1, 36.1], [140.2, 36.2]]}
    features = [
        {"type": "Feature", "properties": {"names": {"ja": "桜川"}}, "geometry": line},
        {"type": "Feature", "properties": {"name": "桜川"}, "geometry": line},
        {
            "type": "Feature",
            "properties": {"names": {"ja": "点"}},
            "geometry": {"type": "Point", "coordinates": [140.1, 36.1]},
        },
    ]
    path = tmp_path / "rivers.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    faults: list[FolderFault] = []
    (river,) = read_rivers(path, faults)
    assert river.names == {"ja": "桜川"}
    assert river.lines == (((140.1, 36.1), (140.2, 36.2)),)
    assert [fault.message.code for fault in faults] == ["river.names", "river.geometry"]
    assert not any(fault.stops for fault in faults)
    assert read_rivers(tmp_path / "none.geojson", faults) == ()
