"""``rivers.geojson``: the lines of the city's rivers, for its maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from city.districts import features_of
from city.faults import FolderFault
from city.owners import Line, are_names, shapes_of
from city.reasons import reason
from core.reason import Reason


@dataclass(frozen=True)
class River:
    """A river: its names by language, and its lines."""

    names: dict[str, str]
    lines: tuple[Line, ...]


def read_rivers(path: Path, faults: list[FolderFault]) -> tuple[River, ...]:
    """Return the rivers, and add a fault for each mistake; a wrong river is left out."""
    if not path.exists():
        return ()
    rivers: list[River] = []
    for line, feature in features_of(path, faults):
        wrong: list[Reason] = []
        river = _river(feature, wrong)
        faults += [FolderFault(path, line, why, left_out=reason("part.river")) for why in wrong]
        if river is not None and not wrong:
            rivers.append(river)
    return tuple(rivers)


def _river(feature: Any, wrong: list[Reason]) -> River | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    names = properties.get("names") if isinstance(properties, dict) else None
    if not isinstance(names, dict) or not are_names(names):
        wrong.append(reason("river.names"))
        return None
    bad: list[Reason] = []
    _, lines = shapes_of(names["ja"], feature.get("geometry"), bad)
    if bad or not lines:
        wrong.append(reason("river.geometry", name=names["ja"]))
        return None
    return River(names, lines)
