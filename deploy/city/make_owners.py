"""Makes owners.geojson: an invented national road, a prefectural road, a railway, and poles.

Run it as ``python make_owners.py`` in this folder. Names, lines and numbers are invented.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

OWNERS: tuple[tuple[dict[str, Any], list[list[float]] | None], ...] = (
    (
        {
            "code": "national-road",
            "names": {
                "ja": "国道事務所（見本）",
                "ja-x-easy": "国道（こくどう）の 事務所（じむしょ）（見本）",
                "en": "National Road Office (sample)",
            },
            "phone": "029-000-0001",
            "forwards": False,
            "body": "nation",
            "road": "国道999号（見本）",
            "road_class": "national",
            "metres": 20,
            "kinds": ["pothole", "cave-in", "street-light", "guard-rail", "sign", "other"],
        },
        [[140.1290, 36.0050], [140.1310, 36.0800], [140.1275, 36.1500], [140.1300, 36.2180]],
    ),
    (
        {
            "code": "prefectural-road",
            "names": {
                "ja": "県土木事務所（見本）",
                "ja-x-easy": "県（けん）の 道路（どうろ）の 事務所（じむしょ）（見本）",
                "en": "Prefectural Public Works Office (sample)",
            },
            "phone": "029-000-0002",
            "mail": "roads@pref.example",
            "forwards": True,
            "body": "prefecture",
            "road": "県道99号（見本）",
            "road_class": "prefectural",
            "metres": 15,
            "kinds": ["pothole", "cave-in", "street-light", "guard-rail", "sign", "other"],
        },
        [[140.0230, 36.1060], [140.0900, 36.1045], [140.1500, 36.1070], [140.1960, 36.1050]],
    ),
    (
        {
            "code": "railway",
            "names": {
                "ja": "鉄道会社（見本）",
                "ja-x-easy": "電車（でんしゃ）の 会社（かいしゃ）（見本）",
                "en": "Railway company (sample)",
            },
            "phone": "029-000-0003",
            "forwards": False,
            "body": "private",
            "metres": 12,
        },
        [[140.0250, 36.0790], [140.1115, 36.0817], [140.1603, 36.0834], [140.1960, 36.0850]],
    ),
    (
        {
            "code": "poles",
            "names": {
                "ja": "電力・電話会社（見本）",
                "ja-x-easy": "電気（でんき）・電話（でんわ）の 会社（かいしゃ）（見本）",
                "en": "Power and phone company (sample)",
            },
            "phone": "029-000-0004",
            "body": "private",
            "forwards": True,
            "kinds": ["pole"],
        },
        None,
    ),
)


def main() -> None:
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": properties,
                "geometry": line and {"type": "LineString", "coordinates": line},
            },
            ensure_ascii=False,
        )
        for properties, line in OWNERS
    ]
    text = '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"
    (Path(__file__).parent / "owners.geojson").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
