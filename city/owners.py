"""``owners.geojson``: what in the city's streets belongs to somebody else, and who that is.

National and prefectural roads and railways are lines or areas; poles belong to their company by
their kind alone, without a geometry. A report of such a thing is answered with its owner. The
city's own roads can be there too, to name them and say how much they carry.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from city.city import Endpoint, Owner
from city.districts import CODE, EAST, NORTH, SOUTH, WEST, features_of
from city.faults import FolderFault, suggestion
from city.reasons import reason
from core.geo import Position
from core.languages import LANGUAGES
from core.mail_settings import MAIL_ADDRESS
from core.reason import Reason

MOST_METRES = 200.0
BODIES = ("city", "prefecture", "nation", "private")
ROAD_CLASSES = ("national", "prefectural", "main", "local", "path")


def owner_codes(path: Path) -> frozenset[str]:
    """Return the codes of other offices in the file, right or wrong, without checking it."""
    found = set()
    for _, feature in features_of(path, []) if path.exists() else ():
        properties = feature.get("properties") if isinstance(feature, dict) else None
        code = properties.get("code") if isinstance(properties, dict) else None
        if (
            isinstance(properties, dict)
            and isinstance(code, str)
            and "department" not in properties
            and properties.get("body") != "city"
        ):
            found.add(code)
    return frozenset(found)


def read_owners(
    path: Path,
    kinds: Set[str],
    faults: list[FolderFault],
    *,
    departments: Set[str] = frozenset(),
) -> tuple[Owner, ...]:
    """Return the owners, and add a fault for each mistake; a wrong owner is left out.

    Parameters
    ----------
    kinds, departments
        Codes of the city's kinds of reports, and of its departments.
    """
    if not path.exists():
        return ()
    found: list[Owner] = []
    for line, feature in features_of(path, faults):
        wrong: list[Reason] = []
        owner = _owner(feature, kinds, departments, wrong)
        faults += [FolderFault(path, line, why, left_out=reason("part.owner")) for why in wrong]
        if owner is not None and not wrong:
            found.append(owner)
    return tuple(found)


def _owner(
    feature: Any, kinds: Set[str], departments: Set[str], wrong: list[Reason]
) -> Owner | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code") if isinstance(properties, dict) else None
    if not isinstance(properties, dict) or not isinstance(code, str) or not CODE.fullmatch(code):
        wrong.append(reason("owner.no-properties"))
        return None
    names, concerned = properties.get("names"), properties.get("kinds", [])
    if not are_names(names):
        wrong.append(reason("owner.names", code=code))
    if not isinstance(concerned, list):
        wrong.append(reason("owner.kinds", code=code))
        concerned = []
    for kind in concerned:
        if kind not in kinds:
            hint = suggestion(str(kind), kinds)
            wrong.append(reason("owner.no-kind", code=code, kind=str(kind)[:40], hint=hint))
    metres = properties.get("metres", 15)
    if type(metres) not in (int, float) or not 0 < metres <= MOST_METRES:
        wrong.append(reason("owner.metres", code=code, most=MOST_METRES))
    body, road_class = properties.get("body", ""), properties.get("road_class", "")
    if body not in ("", *BODIES):
        wrong.append(reason("owner.body", code=code, known=", ".join(BODIES)))
    if road_class not in ("", *ROAD_CLASSES):
        wrong.append(reason("owner.road-class", code=code, known=", ".join(ROAD_CLASSES)))
    department = properties.get("department", "")
    if department != "" and department not in departments:
        hint = suggestion(str(department), departments)
        wrong.append(reason("owner.no-department", code=code, department=department, hint=hint))
    geometry = feature.get("geometry")
    if geometry is None and department != "":
        wrong.append(reason("owner.department-nowhere", code=code))
    polygons, lines = shapes_of(code, geometry, wrong)
    if geometry is None and properties.get("kinds", []) == []:
        wrong.append(reason("owner.everything", code=code))
    mail = properties.get("mail", "")
    if not isinstance(mail, str) or (mail and not MAIL_ADDRESS.fullmatch(mail)):
        wrong.append(reason("owner.mail", code=code))
    endpoint = _endpoint(code, properties.get("open311"), kinds, wrong)
    if wrong:
        return None
    return Owner(
        code=code,
        names=names,
        phone=str(properties.get("phone", ""))[:40],
        mail=mail,
        open311=endpoint,
        forwards=properties.get("forwards") is True,
        department=department,
        kinds=tuple(concerned),
        metres=float(metres),
        body=body,
        road=str(properties.get("road", "")).strip()[:80],
        road_class=road_class,
        polygons=polygons,
        lines=lines,
    )


def _endpoint(code: str, said: Any, kinds: Set[str], wrong: list[Reason]) -> Endpoint | None:
    """Return the Open311 endpoint of an owner, if it has one."""
    if said is None:
        return None
    try:
        found = Endpoint.model_validate(said)
        if urlsplit(found.url).username is not None or urlsplit(found.url).port == 0:
            raise ValueError
    except ValueError:
        wrong.append(reason("owner.open311", code=code))
        return None
    for kind in set(found.services) - kinds - {"*"}:
        hint = suggestion(kind, kinds)
        wrong.append(reason("owner.no-kind", code=code, kind=kind[:40], hint=hint))
    return found


def are_names(names: Any) -> bool:
    return (
        isinstance(names, dict)
        and "ja" in names
        and all(key in LANGUAGES and isinstance(name, str) for key, name in names.items())
        and all(0 < len(name.strip()) <= 100 for name in names.values())
    )


Line = tuple[Position, ...]


def shapes_of(
    code: str, geometry: Any, wrong: list[Reason]
) -> tuple[tuple[tuple[Line, ...], ...], tuple[Line, ...]]:
    """Return the areas and the lines of a geometry (RFC 7946)."""
    if geometry is None:
        return (), ()
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    parts = geometry.get("coordinates") if isinstance(geometry, dict) else None
    depth = {"LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}.get(str(kind))
    if depth is None or not _is_nested(parts, depth):
        wrong.append(reason("owner.geometry", code=code))
        return (), ()
    assert isinstance(parts, list)
    match kind:
        case "LineString":
            return (), (_line(parts),)
        case "MultiLineString":
            return (), tuple(map(_line, parts))
        case "Polygon":
            return (tuple(map(_line, parts)),), ()
    return tuple(tuple(map(_line, rings)) for rings in parts), ()


def _is_nested(part: Any, depth: int) -> bool:
    """Whether a part is lists within lists, and lists of positions in Japan at the end."""
    if not isinstance(part, list) or not part:
        return False
    if depth > 1:
        return all(_is_nested(inner, depth - 1) for inner in part)
    return len(part) > 1 and all(_is_position(one) for one in part)


def _is_position(one: Any) -> bool:
    if not isinstance(one, list) or len(one) < 2:
        return False
    longitude, latitude = one[:2]
    numbers = all(type(number) in (int, float) for number in (longitude, latitude))
    return numbers and WEST <= longitude <= EAST and SOUTH <= latitude <= NORTH


def _line(points: Sequence[Sequence[float]]) -> Line:
    return tuple((float(point[0]), float(point[1])) for point in points)
