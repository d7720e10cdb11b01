"""Reading and checking a city's folder (design, "A city's folder").

Everything that is wrong is said at once, each mistake with its file and line; a folder with
a mistake makes no city, so that the service does not start on half of one.
"""

from __future__ import annotations

import json
import re
import tomllib
import types
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.city import City
from core.city_rules import broken_rules, named_certificates
from core.collection import Calendar, read_collection
from core.districts import read_districts
from core.errors import BadInput
from core.faq import Answer, read_faq
from core.faults import Fault, read_text, suggestion
from core.shelters import Shelter, read_shelters
from core.toml_lines import KeyPath, key_lines, line_of

__all__ = ["BadCity", "CityFolder", "Fault", "check_city", "load_city", "load_folder"]

MAX_BYTES = 2_000_000
_ELSEWHERE = {"districts": "areas.geojson", "certificates": "files that the sources name"}
"""What a city has that is not written into ``city.toml``."""


@dataclass(frozen=True)
class CityFolder:
    """All that a city's folder says: the city, and what only some pages need."""

    city: City
    shelters: tuple[Shelter, ...]
    calendar: Calendar
    answers: tuple[Answer, ...]


class BadCity(BadInput):
    """The city's folder has mistakes; ``faults`` names every one."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults if not fault.warning))
        self.faults = faults


def check_city(folder: Path, now: datetime | None = None) -> list[Fault]:
    """Return every fault of a city's folder, by file and line; none when it is right.

    With ``now`` a certificate that is out of date is among them, as a warning.
    """
    return _read(folder, now)[1]


def load_city(folder: Path) -> City:
    """Return the city of a folder.

    Raises
    ------
    BadCity
        With all the folder's faults.
    """
    return load_folder(folder).city


def load_folder(folder: Path) -> CityFolder:
    """Return the city and its shelters, calendar and answers.

    Raises
    ------
    BadCity
        With all the folder's faults.
    """
    content, faults = _read(folder)
    if content is None or any(not fault.warning for fault in faults):
        raise BadCity(faults)
    return content


def redirect_sources(city: City, urls: Mapping[str, str]) -> City:
    """Return the city with other addresses for its sources, by code; for demo and tests."""
    unknown = set(urls) - {source.code for source in city.sources}
    if unknown:
        raise BadInput(f"the city has no source {', '.join(sorted(unknown))}.")
    sources = tuple(
        source.model_copy(update={"url": urls.get(source.code, source.url)})
        for source in city.sources
    )
    return city.model_copy(update={"sources": sources})


def _read(folder: Path, now: datetime | None = None) -> tuple[CityFolder | None, list[Fault]]:
    faults: list[Fault] = []
    if not folder.is_dir():
        return None, [Fault(folder, None, "is not a folder.")]
    districts = read_districts(folder / "areas.geojson", faults)
    shelters = read_shelters(folder / "shelters.csv", faults)
    codes = {district.code for district in districts}
    calendar = read_collection(folder / "collection", codes, faults)
    answers = read_faq(folder / "faq", faults)
    city = _read_toml(folder / "city.toml", codes, faults, now)
    faults.sort(key=lambda fault: (str(fault.path), fault.line or 0))
    if city is None:
        return None, faults
    # Through model_copy, as the outlines are checked already and there are many points.
    city = city.model_copy(update={"districts": districts})
    return CityFolder(city, shelters, calendar, answers), faults


def _read_toml(
    path: Path, districts: Set[str], faults: list[Fault], now: datetime | None
) -> City | None:
    text = read_text(path, faults, limit=MAX_BYTES)
    if text is None:
        return None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        message = re.sub(r" \(at .*\)$", "", str(error))
        faults.append(Fault(path, line, f"is not TOML: {message}."))
        return None
    lines = key_lines(text)
    before = len(faults)
    for key, where in _ELSEWHERE.items():
        if key in document:
            faults.append(Fault(path, line_of(lines, (key,)), f"{key} belong into {where}."))
            del document[key]
    city: City | None = None
    try:
        # Through JSON, as only JSON's strict mode takes lists for tuples and text for times.
        city = City.model_validate_json(json.dumps(document, default=_json), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = tuple(detail["loc"])
            faults.append(Fault(path, line_of(lines, place), _explain(detail, place)))
    for place, message in broken_rules(document, districts):
        faults.append(Fault(path, line_of(lines, place), message))
    named = [(name, line_of(lines, place)) for place, name in named_certificates(document)]
    certificates: dict[str, str] = {}
    if named:
        # Few cities need it, and it takes longer to import than the folder to read.
        from core.certificates import read_certificates

        certificates = read_certificates(path.parent, named, faults, now)
    if city is None or any(not fault.warning for fault in faults[before:]):
        return None
    return city.model_copy(update={"certificates": certificates}) if certificates else city


def _json(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"TOML has no {type(value).__name__}")


def _explain(detail: ErrorDetails, place: KeyPath) -> str:
    """Return pydantic's finding as one sentence about the key."""
    name = _dotted(place)
    if detail["type"] == "extra_forbidden":
        model = _model_at(City, place[:-1])
        elsewhere = _ELSEWHERE if len(place) == 1 else ()
        known = [key for key in model.model_fields if key not in elsewhere] if model else []
        return f"{name} is not a key we know{suggestion(str(place[-1]), known)}."
    if detail["type"] == "missing":
        return f"{name} is missing."
    message = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{name}: {message}, not {detail['input']!r:.60}."


def _dotted(place: KeyPath) -> str:
    shown = ""
    for part in place:
        shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if shown else part
    return shown


def _model_at(model: type[BaseModel], place: KeyPath) -> type[BaseModel] | None:
    """Return the model that describes the table at ``place``."""
    current: type[BaseModel] | None = model
    for part in place:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if current else None
        current = next(_models(field.annotation), None) if field else None
    return current


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (tuple, list, Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _models(inner)
