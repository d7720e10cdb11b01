"""``areas.geojson``: the city's districts with their names and outlines."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.city import District, Position
from core.faults import Fault, read_text, suggestion
from core.languages import LANGUAGES

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
MAX_BYTES = 50_000_000
# Japan with its outermost islands (Yonaguni, Minamitori, Okinotori, Benten), in degrees.
WEST, EAST, SOUTH, NORTH = 122.9, 154.0, 20.4, 45.6


def read_districts(path: Path, faults: list[Fault]) -> tuple[District, ...]:
    """Return the districts that are right and add a fault for each that is not."""
    text = read_text(path, faults, limit=MAX_BYTES)
    if text is None:
        return ()
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        faults.append(Fault(path, error.lineno, f"is not JSON: {error.msg}."))
        return ()
    except RecursionError:
        faults.append(Fault(path, None, "is nested too deeply to be GeoJSON."))
        return ()
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        faults.append(Fault(path, 1, "must be a GeoJSON FeatureCollection."))
        return ()
    lines = _feature_lines(text, len(features))
    districts: dict[str, District] = {}
    for line, feature in zip(lines, features, strict=True):
        problems: list[str] = []
        district = _district(feature, problems)
        if district and district.code in districts:
            problems.append(f"the district {district.code!r} is there more than once.")
        elif district and not problems:
            districts[district.code] = district
        faults += [Fault(path, line, problem) for problem in problems]
    if not features:
        faults.append(Fault(path, 1, "has no district."))
    return tuple(districts.values())


def _feature_lines(text: str, number: int) -> list[int]:
    """Return the line on which each feature begins."""
    decoder = json.JSONDecoder()
    found = re.search(r'"features"\s*:\s*\[\s*', text)
    assert found is not None
    at, lines = found.end(), []
    for _ in range(number):
        lines.append(text.count("\n", 0, at) + 1)
        _, at = decoder.raw_decode(text, at)
        between = re.compile(r"[\s,]*").match(text, at)
        at = between.end() if between else at
    return lines


def _district(feature: Any, problems: list[str]) -> District | None:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        problems.append("every entry of features must be a Feature.")
        return None
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        problems.append("a district needs properties with code and names.")
        return None
    code = properties.get("code")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        problems.append(f"a district's code is 1 to 32 of a-z, 0-9 and hyphen, not {_shown(code)}.")
        code = "?"
    names = _names(code, properties.get("names"), problems)
    polygons = _polygons(code, feature.get("geometry"), problems)
    if problems:
        return None
    return District(code=code, names=names, polygons=polygons)


def _names(code: str, names: Any, problems: list[str]) -> dict[str, str]:
    if not isinstance(names, dict) or not names.get("ja"):
        problems.append(f"{code}: names must be an object with at least 'ja'.")
        return {}
    for language, name in names.items():
        if language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES)
            problems.append(f"{code}: {language!r} is not one of our languages{hint}.")
        if not isinstance(name, str) or not name.strip() or len(name) > 100:
            problems.append(f"{code}: the name in {language!r} must be 1 to 100 characters.")
    return names


def _polygons(
    code: str, geometry: Any, problems: list[str]
) -> tuple[tuple[tuple[Position, ...], ...], ...]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        problems.append(f"{code}: the geometry must be a Polygon or MultiPolygon, not {kind}.")
        return ()
    parts = geometry.get("coordinates")
    polygons = [parts] if kind == "Polygon" else parts
    if not isinstance(polygons, list) or not polygons:
        problems.append(f"{code}: the geometry has no coordinates.")
        return ()
    read = []
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            problems.append(f"{code}: a polygon has no ring.")
            continue
        read.append(tuple(_ring(code, ring, problems) for ring in polygon))
    return tuple(read)


def _ring(code: str, ring: Any, problems: list[str]) -> tuple[Position, ...]:
    if not isinstance(ring, list) or len(ring) < 4:
        problems.append(f"{code}: a ring needs at least 4 positions.")
        return ()
    positions: list[Position] = []
    for position in ring:
        if (
            not isinstance(position, list)
            or len(position) < 2
            or not all(type(number) in (int, float) for number in position)
        ):
            problems.append(f"{code}: a position is [longitude, latitude], not {_shown(position)}.")
            return ()
        longitude, latitude = float(position[0]), float(position[1])
        if not (WEST <= longitude <= EAST and SOUTH <= latitude <= NORTH):
            swapped = WEST <= latitude <= EAST and SOUTH <= longitude <= NORTH
            hint = "; longitude comes first" if swapped else ""
            problems.append(f"{code}: {_shown(position)} is not in Japan{hint}.")
            return ()
        positions.append((longitude, latitude))
    if positions[0] != positions[-1]:
        problems.append(f"{code}: a ring must end where it begins.")
        return ()
    if sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(positions)) == 0:
        problems.append(f"{code}: a ring encloses nothing.")
    return tuple(positions)


def _shown(value: Any) -> str:
    return repr(value)[:80]
