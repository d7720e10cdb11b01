"""``areas.geojson``: the city's districts with their names and outlines."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from city.city import District
from city.faults import FolderFault, read_text, suggestion
from city.reasons import reason
from core.geo import Position
from core.languages import LANGUAGES
from core.reason import Reason

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
MAX_BYTES = 50_000_000
# Japan with its outermost islands (Yonaguni, Minamitori, Okinotori, Benten), in degrees.
WEST, EAST, SOUTH, NORTH = 122.9, 154.0, 20.4, 45.6


def read_districts(path: Path, faults: list[FolderFault]) -> tuple[District, ...]:
    """Return the districts and add a fault for each mistake.

    A district with a wrong outline is kept without it: residents can choose it and staff can
    address it, but no position is found in it. A district without a unique code is left out. A file
    that is no list of districts stops the service, because nobody could be addressed by district.
    """
    known = len(faults)
    features = features_of(path, faults)
    if len(faults) > known:
        return ()
    districts: dict[str, District] = {}
    for line, feature in features:
        problems: list[tuple[Reason, Reason]] = []
        district = _district(feature, problems)
        if district and district.code in districts:
            twice = reason("twice.district", code=district.code)
            problems.append((twice, reason("part.second")))
        elif district:
            districts[district.code] = district
        faults += [FolderFault(path, line, problem, left_out=gone) for problem, gone in problems]
    if not districts:
        faults.append(FolderFault(path, 1, reason("outline.no-district")))
    return tuple(districts.values())


def features_of(path: Path, faults: list[FolderFault]) -> list[tuple[int, Any]]:
    """Return the features of a GeoJSON file with their lines; a fault if it is no collection."""
    text = read_text(path, faults, limit=MAX_BYTES)
    if text is None:
        return []
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        faults.append(FolderFault(path, error.lineno, reason("file.not-json", error=error.msg)))
        return []
    except RecursionError:
        faults.append(FolderFault(path, None, reason("file.nested")))
        return []
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        faults.append(FolderFault(path, 1, reason("outline.no-collection")))
        return []
    return list(zip(feature_lines(text, len(features)), features, strict=True))


def feature_lines(text: str, number: int) -> list[int]:
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


def _district(feature: Any, problems: list[tuple[Reason, Reason]]) -> District | None:
    """Return the district; each problem comes with what is left out for it."""
    gone = reason("part.district")
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        problems.append((reason("outline.no-feature"), gone))
        return None
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        problems.append((reason("outline.no-properties"), gone))
        return None
    code = properties.get("code")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        message = reason("value.district-code", value=_shown(code))
        problems.append((message, gone))
        return None
    names = _names(code, properties.get("names"), problems)
    wrong: list[Reason] = []
    polygons = polygons_of(code, feature.get("geometry"), wrong)
    problems += [(problem, reason("part.outline")) for problem in wrong]
    return District(
        code=code,
        names=names,
        polygons=() if wrong else polygons,
        households=_count(properties.get("households")),
        people=_count(properties.get("people")),
    )


def _count(value: Any) -> int | None:
    """Return a number of households or people; None if it is none."""
    right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100_000_000
    return value if right else None


def _names(code: str, names: Any, problems: list[tuple[Reason, Reason]]) -> dict[str, str]:
    """Return the names that are right; a district without one is called by its code."""
    kept: dict[str, str] = {}
    for language, name in names.items() if isinstance(names, dict) else ():
        gone = reason("part.name-in", language=language)
        if language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES)
            why = reason("language.unknown-of", code=code, language=language, hint=hint)
            problems.append((why, gone))
        elif not isinstance(name, str) or not name.strip() or len(name) > 100:
            message = reason("value.name-length", code=code, language=language)
            problems.append((message, gone))
        else:
            kept[language] = name
    if "ja" not in kept:
        message = reason("outline.no-name", code=code)
        problems.append((message, reason("part.japanese-name")))
        kept["ja"] = next(iter(kept.values()), code)
    return kept


def polygons_of(
    code: str, geometry: Any, problems: list[Reason]
) -> tuple[tuple[tuple[Position, ...], ...], ...]:
    """Return the polygons of a geometry, and add what is wrong; ``code`` names it."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        problems.append(reason("outline.no-polygon", code=code, kind=kind))
        return ()
    parts = geometry.get("coordinates")
    polygons = [parts] if kind == "Polygon" else parts
    if not isinstance(polygons, list) or not polygons:
        problems.append(reason("outline.no-coordinates", code=code))
        return ()
    read = []
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            problems.append(reason("outline.no-ring", code=code))
            continue
        read.append(tuple(_ring(code, ring, problems) for ring in polygon))
    return tuple(read)


def _ring(code: str, ring: Any, problems: list[Reason]) -> tuple[Position, ...]:
    if not isinstance(ring, list) or len(ring) < 4:
        problems.append(reason("outline.short-ring", code=code))
        return ()
    positions: list[Position] = []
    for position in ring:
        if (
            not isinstance(position, list)
            or len(position) < 2
            or not all(type(number) in (int, float) for number in position)
        ):
            problems.append(reason("outline.no-position", code=code, value=_shown(position)))
            return ()
        longitude, latitude = float(position[0]), float(position[1])
        if not (WEST <= longitude <= EAST and SOUTH <= latitude <= NORTH):
            swapped = WEST <= latitude <= EAST and SOUTH <= longitude <= NORTH
            hint = reason("hint.longitude-first") if swapped else ""
            problems.append(
                reason("outline.elsewhere", code=code, value=_shown(position), hint=hint)
            )
            return ()
        positions.append((longitude, latitude))
    if positions[0] != positions[-1]:
        problems.append(reason("outline.open-ring", code=code))
        return ()
    if sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(positions)) == 0:
        problems.append(reason("outline.empty-ring", code=code))
    return tuple(positions)


def _shown(value: Any) -> str:
    return repr(value)[:80]
