"""Reading and checking a city's folder (design, "A city's folder").

All mistakes are reported together, each with its file and line. A wrong part is left out, and
reported, if warnings do not need it (docs/city.md). If warnings need it, there is no city.
"""

from __future__ import annotations

import json
import re
import tomllib
import types
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from city.children import NO_TABLE, ChildTable, read_children
from city.city import City, Emblem
from city.collection import Calendar
from city.collection_files import read_collection
from city.districts import read_districts
from city.emblem import read_emblem
from city.faq import FaqEntry, read_faq
from city.faults import FolderFault, leaving_out, read_text, suggestion
from city.gazetteer import Gazetteer, read_gazetteer
from city.hazards import HazardZone, read_hazard_zones
from city.owners import owner_codes, read_owners
from city.ready_answers import FILE as READY_ANSWERS
from city.ready_answers import read_ready, with_ready
from city.reasons import reason
from city.rivers import River, read_rivers
from city.rules import broken_rules, named_certificates
from city.shelters import Shelter, read_shelters
from city.spare import called, spare_part, without
from city.tile_files import TileFile, read_tiles
from city.toml_lines import KeyPath, key_lines, line_of
from city.words import Tables, read_words
from core.errors import BadInput
from core.reason import Reason

__all__ = ["BadCity", "CityFolder", "FolderFault", "check_city", "load_city", "load_folder"]

MAX_BYTES = 2_000_000
_ELSEWHERE = {
    "districts": "areas.geojson",
    "owners": "owners.geojson",
    "certificates": "files that the sources name",
    "emblem_files": "the files that [emblem] names",
}
"""The parts of a city that are not in ``city.toml``."""


@dataclass(frozen=True, repr=False)
class CityFolder:
    """All that a city's folder says: the city, and what only some pages need."""

    city: City
    shelters: tuple[Shelter, ...]
    calendar: Calendar
    answers: tuple[FaqEntry, ...]
    left_out: tuple[FolderFault, ...] = ()
    """Mistakes that do not stop the service. The wrong parts are left out; staff are told."""
    words: Mapping[str, Tables] = field(default_factory=dict)
    """The city's own words for the conversation, by language."""
    places: Gazetteer = field(default_factory=Gazetteer)
    """Landmarks and addresses, to find what a resident types."""
    children: ChildTable = NO_TABLE
    hazard_zones: tuple[HazardZone, ...] = ()
    """Where the city's hazard map says that a danger reaches."""
    rivers: tuple[River, ...] = ()
    tiles: TileFile | None = None
    """The city's own map tiles."""

    def __repr__(self) -> str:
        return f"CityFolder({self.city!r})"


class BadCity(BadInput):
    """The city's folder has mistakes; ``faults`` names every one."""

    def __init__(self, faults: list[FolderFault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults if fault.stops))
        self.faults = faults


def check_city(folder: Path, now: datetime | None = None) -> list[FolderFault]:
    """Return every fault of a city's folder, by file and line; none when it is right.

    With ``now`` a certificate that is out of date is among them, as a warning.
    """
    return _read(folder, now)[1]


def load_city(folder: Path) -> City:
    """Return the city of a folder, without wrong parts that can be left out.

    Raises
    ------
    BadCity
        With all faults, if one is in a part that warnings need.
    """
    return load_folder(folder).city


def load_folder(folder: Path) -> CityFolder:
    """Return the city and its shelters, calendar and answers, without wrong parts.

    Raises
    ------
    BadCity
        With all the folder's faults, where one is in what warnings need.
    """
    content, faults = _read(folder)
    if content is None or any(fault.stops for fault in faults):
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


def _read(folder: Path, now: datetime | None = None) -> tuple[CityFolder | None, list[FolderFault]]:
    faults: list[FolderFault] = []
    if not folder.is_dir():
        return None, [FolderFault(folder, None, reason("missing.folder"))]
    districts = read_districts(folder / "areas.geojson", faults)
    codes = {district.code for district in districts}
    spare: list[FolderFault] = []
    shelters = read_shelters(folder / "shelters.csv", spare)
    answers = read_faq(folder / "faq", spare)
    words = read_words(folder / "words", spare)
    children = read_children(folder / "children.csv", spare)
    offices = owner_codes(folder / "owners.geojson")
    city = read_toml(folder / "city.toml", codes, offices, faults, now)
    calendar = read_collection(
        folder / "collection",
        {district.code: district for district in districts},
        spare,
        shifts=city is None or city.collection_week_shift,
    )
    kinds = {category.code for category in city.report_categories} if city else set()
    departments = {one.code for one in city.departments} if city else set()
    owners = (
        read_owners(folder / "owners.geojson", kinds, spare, departments=departments)
        if city
        else ()
    )
    zones = read_hazard_zones(folder / "hazards", spare)
    rivers = read_rivers(folder / "rivers.geojson", spare)
    tiles = read_tiles(folder, spare)
    places = read_gazetteer(folder, districts, shelters, city, spare)
    pictures = read_emblem(folder, city.emblem, spare) if city and city.emblem != Emblem() else {}
    ready = read_ready(folder / READY_ANSWERS, departments, spare)
    faults += leaving_out(spare, reason("part.file"))
    faults.sort(key=lambda fault: (str(fault.path), fault.line or 0))
    if city is None:
        return None, faults
    # Through model_copy, as the outlines are checked already and there are many points.
    city = city.model_copy(
        update={
            "districts": districts,
            "owners": owners,
            "emblem_files": pictures,
            "chat": with_ready(city.chat, ready),
        }
    )
    left_out = tuple(fault for fault in faults if fault.left_out)
    return CityFolder(
        city, shelters, calendar, answers, left_out, words, places, children, zones, rivers, tiles
    ), faults


def read_toml(
    path: Path,
    districts: Set[str],
    owners: Set[str],
    faults: list[FolderFault],
    now: datetime | None = None,
) -> City | None:
    """Return the city of a ``city.toml``, without its districts and owners; None if it is none.

    ``districts`` and ``owners`` are the codes that it may name.
    """
    text = read_text(path, faults, limit=MAX_BYTES)
    if text is None:
        return None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        message = re.sub(r" \(at .*\)$", "", str(error))
        faults.append(FolderFault(path, line, reason("file.not-toml", error=message)))
        return None
    return _Document(path, document, key_lines(text), owners).city(districts, faults, now)


class _Document:
    """``city.toml`` as it was read; wrong parts that can be left out are removed."""

    def __init__(
        self,
        path: Path,
        document: dict[str, Any],
        lines: dict[KeyPath, int],
        owners: Set[str],
    ) -> None:
        self.path = path
        self.owners = owners
        self.document = document
        self.lines = lines
        self.had_telegrams = self._has_telegrams()
        self.positions = {
            part: list(range(len(entries)))
            for part, entries in document.items()
            if isinstance(entries, list)
        }
        """For the entries left in each list: their index in the file."""

    def city(
        self, districts: Set[str], faults: list[FolderFault], now: datetime | None
    ) -> City | None:
        """Return the city, or None when something is wrong that it cannot do without."""
        for key, where in _ELSEWHERE.items():
            if key in self.document:
                message = reason("key.elsewhere", key=key, where=where)
                faults.append(
                    FolderFault(
                        self.path, self._line((key,)), message, left_out=reason("part.key", key=key)
                    )
                )
                del self.document[key]
        # Another part may need what was left out: a kind of report needs its department.
        while True:
            city, certificates, findings = self._look(districts, faults, now)
            if not findings:
                break
            if not self._leave_out(findings, faults):
                return None
        if self.had_telegrams and not self._has_telegrams():
            line = self._line(("sources",))
            faults.append(FolderFault(self.path, line, reason("missing.telegrams")))
            return None
        if city is None:
            return None
        if ("privacy_url",) not in self.lines:
            faults.append(FolderFault(self.path, None, reason("missing.privacy"), warning=True))
        return city.model_copy(update={"certificates": certificates}) if certificates else city

    def _look(
        self, districts: Set[str], faults: list[FolderFault], now: datetime | None
    ) -> tuple[City | None, dict[str, str], list[tuple[KeyPath, Reason]]]:
        """Return the city, the certificates of its sources, and what is wrong, by place."""
        city: City | None = None
        findings: list[tuple[KeyPath, Reason]] = []
        try:
            # Through JSON, as only JSON's strict mode takes lists for tuples and text for times.
            text = json.dumps(self.document, default=_json)
            city = City.model_validate_json(text, strict=True)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                place = tuple(detail["loc"])
                findings.append((place, _explain(detail, place)))
        findings += broken_rules(self.document, districts, self.owners)
        named = list(named_certificates(self.document))
        certificates: dict[str, str] = {}
        if named and not findings:
            # Few cities need it, and it takes longer to import than the folder to read.
            from city.certificates import read_certificates

            wrong: list[FolderFault] = []
            at = [(name, position) for position, (_, name) in enumerate(named)]
            certificates = read_certificates(self.path.parent, at, wrong, now)
            placed = [(named[fault.line or 0][0], fault) for fault in wrong]
            findings = [(place, fault.message) for place, fault in placed if not fault.warning]
            if not findings:
                faults += [replace(fault, line=self._line(place)) for place, fault in placed]
        return city, certificates, findings

    def _leave_out(self, findings: list[tuple[KeyPath, Reason]], faults: list[FolderFault]) -> bool:
        """Remove wrong parts; return whether all of them could be removed."""
        gone: set[KeyPath] = set()
        complete = True
        for place, message in findings:
            part = spare_part(self.document, place)
            left_out = called(self.document, part) if part else None
            faults.append(FolderFault(self.path, self._line(place), message, left_out=left_out))
            if part:
                gone.add(part)
            complete = complete and part is not None
        without(self.document, gone)
        for name, kept in self.positions.items():
            lost = {place[1] for place in gone if place[0] == name and len(place) == 2}
            self.positions[name] = [was for at, was in enumerate(kept) if at not in lost]
        return complete

    def _line(self, place: KeyPath) -> int:
        """Return the original place in the file of a place in what is left."""
        part, at = place[0], place[1] if len(place) > 1 else None
        kept = self.positions.get(part, []) if isinstance(part, str) else []
        if isinstance(at, int) and at < len(kept):
            place = (part, kept[at], *place[2:])
        return line_of(self.lines, place)

    def _has_telegrams(self) -> bool:
        sources = self.document.get("sources")
        entries = sources if isinstance(sources, list) else []
        return any(isinstance(one, dict) and one.get("kind") == "jma" for one in entries)


def _json(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"TOML has no {type(value).__name__}")


def _explain(detail: ErrorDetails, place: KeyPath) -> Reason:
    """Return pydantic's finding as one sentence about the key."""
    name = _dotted(place)
    if detail["type"] == "extra_forbidden":
        model = _model_at(City, place[:-1])
        elsewhere = _ELSEWHERE if len(place) == 1 else ()
        known = [key for key in model.model_fields if key not in elsewhere] if model else []
        return reason("key.unknown", name=name, hint=suggestion(str(place[-1]), known))
    if detail["type"] == "missing":
        return reason("missing.key", name=name)
    message = detail["msg"][0].lower() + detail["msg"][1:]
    return reason("value.wrong", name=name, error=message, value=f"{detail['input']!r:.60}")


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
