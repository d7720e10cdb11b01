"""A city's folder with what its offices laid over it.

The overlay is given to it. The changed tables are written as files beside copies of the others, and
read and checked by the same readers as the folder. So what an office writes is judged as
``todoke check`` judges a file, and can be written out as files again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from city.children import read_children
from city.city import WordGroup
from city.collection_5374 import written_date
from city.collection_files import read_collection
from city.collection_plain import has_5374, write_plain
from city.faq import read_faq
from city.faults import FolderFault, leaving_out
from city.folder import CityFolder, read_toml
from city.ready_answers import FILE as READY_ANSWERS
from city.ready_answers import read_ready, with_ready
from city.reasons import reason
from city.shelters import read_shelters
from city.word_parts import Cells, Part, Records
from city.word_tables import PARTS
from city.word_toml import FILE
from core.reason import Reason

DAY = timedelta(days=1)


class Version(Protocol):
    """What a row contains from a day on (``core.own_words.WordVersion``)."""

    @property
    def cells(self) -> dict[str, str] | None: ...
    @property
    def of_folder(self) -> bool: ...
    @property
    def holds_from(self) -> date: ...


Overlay = Mapping[str, Mapping[str, Sequence[Any]]]
"""The versions of each row, by part and key, in the order in which they begin."""


@dataclass(frozen=True)
class _Readers:
    """How the parts of a group are read together."""

    paths: tuple[str, ...]
    read: Callable[[Path, CityFolder, list[FolderFault]], CityFolder]


class FolderWords:
    """The words of a folder, and what it is with others laid over them.

    Parameters
    ----------
    root
        The folder.
    base
        What it contains, as it was read.
    """

    def __init__(self, root: Path, base: CityFolder) -> None:
        self.root = root
        self.base = base

    @cached_property
    def _own(self) -> dict[str, Records]:
        with self._copied(*WordGroup) as folder:
            return {code: part.read(folder) for code, part in PARTS.items()}

    def own(self, part: Part) -> Records:
        """Return the rows of the folder itself."""
        return self._own[part.code]

    def held(self, part: Part, overlay: Overlay, day: date) -> Records:
        """Return the rows that hold on a day."""
        found = dict(self.own(part))
        for key, versions in overlay.get(part.code, {}).items():
            cells = held_row(found.get(key), versions, day)
            if cells is None:
                found.pop(key, None)
            else:
                found[key] = cells
        return found

    def laid_over(self, overlay: Overlay, day: date) -> CityFolder:
        """Return the city as it is on a day. Wrong rows are left out, with a fault."""
        made = self.base
        for group, readers in READERS.items():
            changed = [part for part in _of(group) if overlay.get(part.code)]
            if not changed:
                continue
            with self._copied(group) as folder:
                for part in changed:
                    part.write(folder, self._to_read(part, overlay, day))
                faults: list[FolderFault] = []
                made = readers.read(folder, made, faults)
            made = replace(made, left_out=self._left_out(made, readers, folder, faults))
        return made

    def faults(self, part: Part, records: Records, overlay: Overlay, day: date) -> Faults:
        """Return what is wrong with these rows of a part, the others being as they hold."""
        with self._copied(part.group) as folder:
            for other in _of(part.group):
                if other is not part and overlay.get(other.code):
                    other.write(folder, self.held(other, overlay, day))
            lines = part.write(folder, records)
            found: list[FolderFault] = []
            READERS[part.group].read(folder, self.base, found)
            by_key: defaultdict[str, list[Reason]] = defaultdict(list)
            for fault in found:
                place = str(fault.path.relative_to(folder)), fault.line
                if not fault.warning and (key := lines.get(place)) is not None:
                    by_key[key].append(fault.message)
        return dict(by_key)

    def with_rows(self, part: Part, records: Records, overlay: Overlay, day: date) -> CityFolder:
        """Return the city as it would be with these rows of a part, for a preview."""
        now = self.laid_over(overlay, day)
        with self._copied(part.group) as folder:
            for other in _of(part.group):
                rows = records if other is part else self._to_read(other, overlay, day)
                other.write(folder, rows)
            return READERS[part.group].read(folder, now, [])

    def write_out(self, to: Path, overlay: Overlay, day: date) -> list[str]:
        """Write the folder with what is laid over it into an empty directory.

        Returns the names of the files that differ from the folder's.
        """
        shutil.copytree(self.root, to, dirs_exist_ok=True)
        changed = []
        for group, readers in READERS.items():
            parts = [part for part in _of(group) if overlay.get(part.code)]
            if not parts:
                continue
            with self._copied(group) as folder:
                for part in parts:
                    part.write(folder, self._to_read(part, overlay, day))
                for name in readers.paths:
                    changed += _put(folder / name, to / name)
        return sorted(str(path.relative_to(to)) for path in changed)

    def _to_read(self, part: Part, overlay: Overlay, day: date) -> Records:
        """Return the rows to be read on a day: of a dated part, those still to come too."""
        if not part.dated:
            return self.held(part, overlay, day)
        found = dict(self.own(part))
        for key, versions in overlay.get(part.code, {}).items():
            own = found.pop(key, None)
            for n, cells in enumerate(_spans(own, versions)):
                found[key if n == 0 else f"{key} @{n}"] = cells
        return found

    def _left_out(
        self, now: CityFolder, readers: _Readers, folder: Path, faults: list[FolderFault]
    ) -> tuple[FolderFault, ...]:
        ours = [self.root / name for name in readers.paths]
        others = [
            fault
            for fault in now.left_out
            if not any(path == fault.path or path in fault.path.parents for path in ours)
        ]
        # The lines are those of the written file, which nobody sees.
        found = [
            replace(fault, path=self.root / fault.path.relative_to(folder), line=None)
            for fault in leaving_out(faults, reason("part.row"))
        ]
        return (*others, *(fault for fault in found if fault.left_out))

    @contextmanager
    def _copied(self, *groups: WordGroup) -> Iterator[Path]:
        """Yield a directory with copies of the files of groups, in our own form."""
        with tempfile.TemporaryDirectory(prefix="todoke-words-") as name:
            folder = Path(name)
            for group in groups:
                for path in READERS[group].paths:
                    _copy(self.root / path, folder / path)
            if WordGroup.CITY in groups:
                for name in self.base.city.certificates:
                    _copy(self.root / name, folder / name)
            if WordGroup.COLLECTION in groups and has_5374(self.root / "collection"):
                write_plain(folder / "collection", self.base.calendar)
            yield folder


Faults = Mapping[str, Sequence[Reason]]
"""What is wrong with rows, by their key."""


def held_row(own: Cells | None, versions: Sequence[Version], day: date) -> Cells | None:
    """Return what a row contains on a day; None if it is not there."""
    found = own
    for version in versions:
        if version.holds_from <= day:
            found = own if version.of_folder else version.cells
    return found


def _of(group: WordGroup) -> list[Part]:
    return [part for part in PARTS.values() if part.group is group]


def _spans(own: Cells | None, versions: Sequence[Version]) -> Iterator[Cells]:
    """Yield the row for each span of days, cut to it, the earliest first."""
    contents = [own, *(own if one.of_folder else one.cells for one in versions)]
    begins = [date.min, *(one.holds_from for one in versions)]
    for n, cells in enumerate(contents):
        last = begins[n + 1] - DAY if n + 1 < len(begins) else date.max
        if cells is None or last < begins[n]:
            continue
        first = max(begins[n], written_date(cells.get("開始日", "")) or date.min)
        last = min(last, written_date(cells.get("終了日", "")) or date.max)
        if first > last:
            continue
        cut = dict(cells)
        if first > date.min:
            cut["開始日"] = first.isoformat()
        if last < date.max:
            cut["終了日"] = last.isoformat()
        yield cut


def _copy(path: Path, to: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, to)
    elif path.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)


def _put(path: Path, to: Path) -> list[Path]:
    """Put files in the place of others; return those that differ from what was there."""
    if path.is_file():
        if to.is_file() and to.read_bytes() == path.read_bytes():
            return []
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
        return [to]
    if not path.is_dir():
        return []
    there = [one for one in to.rglob("*") if one.is_file()]
    gone = [one for one in there if not (path / one.relative_to(to)).exists()]
    for one in gone:
        one.unlink()
    found = [file for file in path.rglob("*") if file.is_file()]
    return gone + [each for file in found for each in _put(file, to / file.relative_to(path))]


def _read_collection(folder: Path, now: CityFolder, faults: list[FolderFault]) -> CityFolder:
    calendar = read_collection(
        folder / "collection",
        now.city.district_by_code,
        faults,
        shifts=now.city.collection_week_shift,
    )
    return replace(now, calendar=calendar)


def _read_questions(folder: Path, now: CityFolder, faults: list[FolderFault]) -> CityFolder:
    return replace(now, answers=read_faq(folder / "faq", faults))


def _read_sites(folder: Path, now: CityFolder, faults: list[FolderFault]) -> CityFolder:
    shelters = read_shelters(folder / "shelters.csv", faults)
    return replace(now, shelters=shelters, places=now.places.with_shelters(shelters))


def _read_children(folder: Path, now: CityFolder, faults: list[FolderFault]) -> CityFolder:
    return replace(now, children=read_children(folder / "children.csv", faults))


def _read_ready(folder: Path, now: CityFolder, faults: list[FolderFault]) -> CityFolder:
    departments = {one.code for one in now.city.departments}
    ready = read_ready(folder / READY_ANSWERS, departments, faults)
    chat = with_ready(now.city.chat, ready)
    return replace(now, city=now.city.model_copy(update={"chat": chat}))


def _read_city(folder: Path, now: CityFolder, faults: list[FolderFault]) -> CityFolder:
    """Take the words; all else of the city stays as the service was given it."""
    known = now.city
    codes, owners = set(known.district_by_code), {one.code for one in known.owners}
    read = read_toml(folder / FILE, codes, owners, faults)
    if read is None:
        return now
    words = {name: getattr(read, name) for name in ("topics", "departments", "emergency_phone")}
    return replace(now, city=known.model_copy(update=words))


READERS: Mapping[WordGroup, _Readers] = {
    WordGroup.COLLECTION: _Readers(("collection",), _read_collection),
    WordGroup.QUESTIONS: _Readers(("faq",), _read_questions),
    WordGroup.SHELTERS: _Readers(("shelters.csv",), _read_sites),
    WordGroup.CHILDREN: _Readers(("children.csv",), _read_children),
    WordGroup.CHAT: _Readers((READY_ANSWERS,), _read_ready),
    WordGroup.CITY: _Readers((FILE,), _read_city),
}
