"""``hazards/*.geojson``: where the city's hazard map says that a danger reaches.

A file for each hazard, named as in :data:`FILES`, with the polygons of the published zones, such
as 洪水浸水想定区域. The property ``depth_m`` is the greatest depth of water in metres, if known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from city.districts import features_of, polygons_of
from city.faults import FolderFault, suggestion
from city.reasons import reason
from city.shelters import Hazard
from core.geo import Position, inside
from core.reason import Reason

FILES = {
    "flood": Hazard.FLOOD,
    "landslide": Hazard.LANDSLIDE,
    "storm-surge": Hazard.STORM_SURGE,
    "tsunami": Hazard.TSUNAMI,
    "inland-flood": Hazard.INLAND_FLOOD,
    "volcano": Hazard.VOLCANO,
}
"""The hazard of each file, by the file's name."""
MOST_DEPTH_M = 100.0


@dataclass(frozen=True)
class HazardZone:
    """One area that a danger can reach; ``box`` is west, south, east, north of it in degrees."""

    hazard: Hazard
    polygons: tuple[tuple[tuple[Position, ...], ...], ...]
    box: tuple[float, float, float, float]
    depth_m: float | None = None

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether a point is in the zone."""
        west, south, east, north = self.box
        if not (west <= longitude <= east and south <= latitude <= north):
            return False
        return any(inside((longitude, latitude), polygon) for polygon in self.polygons)


def zones_at(
    zones: Iterable[HazardZone], longitude: float, latitude: float
) -> dict[Hazard, float | None]:
    """Return the hazards that can reach a point, with the greatest known depth in metres."""
    found: dict[Hazard, float | None] = {}
    for zone in zones:
        if zone.contains(longitude, latitude):
            depths = [one for one in (found.get(zone.hazard), zone.depth_m) if one is not None]
            found[zone.hazard] = max(depths, default=None)
    return found


def read_hazard_zones(folder: Path, faults: list[FolderFault]) -> tuple[HazardZone, ...]:
    """Return the zones of a folder, and add a fault for each mistake; a wrong zone is left out."""
    zones: list[HazardZone] = []
    for path in sorted(folder.glob("*.geojson")) if folder.is_dir() else ():
        hazard = FILES.get(path.stem)
        if hazard is None:
            hint = suggestion(path.stem, FILES)
            why = reason("zone.no-hazard", name=path.stem, hint=hint)
            faults.append(FolderFault(path, None, why, left_out=reason("part.file")))
            continue
        for line, feature in features_of(path, faults):
            wrong: list[Reason] = []
            zone = _zone(hazard, path.stem, feature, wrong)
            faults += [FolderFault(path, line, why, left_out=reason("part.zone")) for why in wrong]
            if zone is not None and not wrong:
                zones.append(zone)
    return tuple(zones)


def _zone(hazard: Hazard, name: str, feature: Any, wrong: list[Reason]) -> HazardZone | None:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        wrong.append(reason("outline.no-feature"))
        return None
    properties = feature.get("properties") or {}
    depth = properties.get("depth_m") if isinstance(properties, dict) else None
    if depth is not None and (type(depth) not in (int, float) or not 0 < depth <= MOST_DEPTH_M):
        wrong.append(reason("zone.depth", most=MOST_DEPTH_M))
        return None
    polygons = polygons_of(name, feature.get("geometry"), wrong)
    if wrong:
        return None
    points = [point for polygon in polygons for ring in polygon for point in ring]
    return HazardZone(hazard, polygons, _box(points), None if depth is None else float(depth))


def _box(points: Sequence[Position]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)
