"""Who owns a thing in the streets: by its place, by its kind; faults are named by file and line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from city.city import City, Owner
from city.folder import check_city, load_folder
from tests.support.project import SAMPLE_CITY


@pytest.fixture(scope="module")
def city() -> City:
    return load_folder(SAMPLE_CITY).city


@pytest.mark.parametrize(
    ("kind", "place", "code"),
    [
        *(("pothole", (140.1310, 36.0800), "national-road"), ("pothole", None, None)),
        # 0.0001 degrees of longitude are 9 m here, 0.0004 are 36 m; the road reaches 20 m.
        *(("pothole", (140.1311, 36.0800), "national-road"), ("pothole", (140.1314, 36.08), None)),
        *(("park", (140.1310, 36.0800), None), ("park", (140.1115, 36.0817), "railway")),
        *(("pole", None, "poles"), ("pole", (140.1115, 36.0825), "poles")),
        *(
            ("pole", (140.1115, 36.0817), "railway"),
            ("pothole", (140.09, 36.1045), "prefectural-road"),
        ),
    ],
)
def test_the_owner_of_a_thing(
    city: City, kind: str, place: tuple[float, float] | None, code: str | None
) -> None:
    found = city.owner_of(kind, place)
    assert (found.code if found else None) == code


def test_an_area_belongs_to_its_owner() -> None:
    square = ((140.0, 36.0), (140.1, 36.0), (140.1, 36.1), (140.0, 36.1), (140.0, 36.0))
    owner = Owner(code="port", names={"ja": "港湾"}, polygons=((square,),))
    assert owner.owns("pothole", (140.05, 36.05))
    assert not owner.owns("pothole", (140.15, 36.05))
    assert not owner.owns("pothole", None)


def test_a_road_of_the_citys_own_is_named_and_belongs_to_nobody_else() -> None:
    line = ((140.1, 36.0), (140.1, 36.1))
    names = {"ja": "市"}
    own = Owner(
        code="main-road",
        names=names,
        body="city",
        road="市道1号",
        road_class="main",
        lines=(line,),
        kinds=("pothole",),
    )
    city = load_folder(SAMPLE_CITY).city.model_copy(update={"owners": (own,)})
    assert city.owner_of("pothole", (140.1, 36.05)) is None
    assert city.road_at((140.1, 36.05)) is own
    assert city.road_at((140.11, 36.05)) is None, "900 m away"


def feature(geometry: Any = None, **properties: Any) -> dict[str, Any]:
    named = {"code": "one", "names": {"ja": "一"}, "kinds": ["pole"], **properties}
    return {"type": "Feature", "properties": named, "geometry": geometry}


def test_another_office_has_an_endpoint_and_an_address(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    endpoint = {
        "url": "https://open311.pref.example/v2",
        "jurisdiction": "pref.example",
        "key_setting": "TODOKE_PREF_KEY",
        "services": {"pole": "001", "*": "999"},
    }
    said = feature(mail="roads@pref.example", open311=endpoint)
    (folder / "owners.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [said]})
    )
    (owner,) = load_folder(folder).city.owners
    assert owner.mail == "roads@pref.example"
    assert owner.open311 is not None and owner.open311.format == "json"
    assert owner.open311.service_of("pole") == "001"
    assert owner.open311.service_of("pothole") == "999"


WRONG: list[tuple[Any, str]] = [
    ({"type": "Feature"}, "properties with code and names"),
    (feature(code="Not A Code"), "properties with code and names"),
    (feature(names={"en": "One"}), "names must be"),
    (feature(kinds=["potholes"]), "did you mean 'pothole'?"),
    (feature(kinds="pole"), "kinds must be a list"),
    (feature(kinds=[]), "without a geometry it needs kinds"),
    (feature(metres=5000), "metres is a number"),
    (feature(mail="roads"), "mail is one address"),
    (feature(mail=["a@b.example"]), "mail is one address"),
    (feature(open311="https://a.example"), "open311 has url"),
    (feature(open311={"url": "https://a.example/v2/"}), "without a slash"),
    (feature(open311={"url": "ftp://a.example/v2"}), "open311 has url"),
    (feature(open311={"url": "https://me:word@a.example/v2"}), "open311 has url"),
    (feature(open311={"url": "https://a.example/v2", "key": "secret"}), "open311 has url"),
    (
        feature(open311={"url": "https://a.example/v2", "services": {"poles": "1"}}),
        "did you mean 'pole'?",
    ),
    (feature(body="state"), "body is one of"),
    (feature(road_class="wide"), "road_class is one of"),
    (feature({"type": "Point", "coordinates": [140, 36]}), "the geometry must be"),
    (feature({"type": "LineString", "coordinates": [[36.0, 140.0], [36.1, 140.0]]}), "in Japan"),
    (feature({"type": "LineString", "coordinates": [[140.0, 36.0]]}), "the geometry must be"),
    (feature({"type": "Polygon", "coordinates": []}), "the geometry must be"),
    (feature({"type": "LineString", "coordinates": [["a", "b"], [1, 2]]}), "the geometry must be"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG)
def test_a_wrong_owner_is_left_out_and_named(tmp_path: Path, wrong: Any, words: str) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    path = folder / "owners.geojson"
    right = json.dumps(feature(code="right"))
    path.write_text(
        f'{{"type": "FeatureCollection", "features": [\n{right},\n{json.dumps(wrong)}\n]}}'
    )
    (fault,) = check_city(folder)
    assert str(fault).startswith(f"{path}:3: ") and words in str(fault)
    assert not fault.stops
    assert [owner.code for owner in load_folder(folder).city.owners] == ["right"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type": "FeatureCollection"}', "[" * 100_000])
def test_a_file_that_is_no_geojson_is_left_out(tmp_path: Path, text: str) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    (folder / "owners.geojson").write_text(text)
    (fault,) = check_city(folder)
    assert not fault.stops
    assert load_folder(folder).city.owners == ()
