"""The words of a city that its offices change: tables of rows, whatever file they lie in.

A part says where its rows lie, what its columns mean, and which of them name a row.
``city.own_words`` lays versions of rows over the folder.
"""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from city.city import WordGroup
from city.faq import ASKED
from city.faq import MAX_BYTES as FAQ_BYTES
from city.faults import read_csv, read_text
from core.languages import LANGUAGES

Cells = dict[str, str]
"""A row: text by column, without empty ones."""
Records = dict[str, Cells]
"""Rows by their key, in their order."""

LONGEST_LINE, LONGEST_TEXT, LONGEST_KEY = 300, 4_500, 200
_BETWEEN = " / "
ASKED_COLUMN = "聞き方"
"""Other sentences that ask a question, one a line."""


class Kind(StrEnum):
    """What a column contains."""

    LINE = "line"
    TEXT = "text"
    DAY = "day"
    CHOICE = "choice"
    YES = "yes"


@dataclass(frozen=True)
class Column:
    """A column of a part.

    Parameters
    ----------
    name
        Its heading in the file.
    choices
        Of what a value is one: ``districts``, ``waste-kinds`` or a row of fixed words.
    text, language
        Of a column that is one text in one language: the same ``text`` for all of its languages.
    also
        Other headings that spreadsheets have for it.
    """

    name: str
    kind: Kind = Kind.LINE
    needed: bool = False
    choices: str | tuple[str, ...] = ()
    text: str = ""
    language: str = ""
    also: tuple[str, ...] = ()

    @property
    def longest(self) -> int:
        return LONGEST_TEXT if self.kind is Kind.TEXT else LONGEST_LINE


@dataclass(frozen=True, kw_only=True)
class Part(ABC):
    """A table of the folder.

    Parameters
    ----------
    keys
        The columns that name a row.
    title
        The columns that show a row in a list.
    dated
        Whether each row has days between which it holds, so that what begins later is read now.
    fixed
        Whether rows are neither added nor taken away.
    """

    code: str
    group: WordGroup
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    title: tuple[str, ...]
    dated: bool = False
    fixed: bool = False

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its texts; none if they are all in Japanese."""
        return tuple(dict.fromkeys(one.language for one in self.columns if one.language))

    def column(self, name: str) -> Column | None:
        return next((one for one in self.columns if one.name == name), None)

    def key_of(self, cells: Mapping[str, str]) -> str:
        """Return what names a row; its title where that is empty."""
        parts = [cells.get(name, "") for name in self.keys]
        named = _BETWEEN.join(parts) if any(parts) else self.title_of(cells)
        return named[:LONGEST_KEY]

    def title_of(self, cells: Mapping[str, str]) -> str:
        return " ".join(cells[name] for name in self.title if cells.get(name))

    def keyed(self, rows: Iterable[Cells]) -> Records:
        """Return rows by their key; a second row of the same key gets a number."""
        found: Records = {}
        for cells in rows:
            key = named = self.key_of(cells)
            n = 1
            while named in found:
                n += 1
                named = f"{key} ({n})"
            found[named] = cells
        return found

    @abstractmethod
    def read(self, folder: Path) -> Records:
        """Return the rows that a folder has, wrong ones too."""

    @abstractmethod
    def write(self, folder: Path, records: Records) -> Mapping[tuple[str, int | None], str]:
        """Write the rows; return the key of each by file and line."""


@dataclass(frozen=True, kw_only=True)
class CsvPart(Part):
    """A CSV file."""

    file: str
    limit: int
    usual: tuple[str, ...] = field(default=())
    """The columns of the file if there is none yet; by default all."""

    def read(self, folder: Path) -> Records:
        path = folder / self.file
        if not path.exists():
            return {}
        rows = read_csv(path, [], needed=(), limit=self.limit)
        return self.keyed({k: v for k, v in row.cells.items() if k and v} for row in rows)

    def write(self, folder: Path, records: Records) -> Mapping[tuple[str, int | None], str]:
        path = folder / self.file
        known = _header(path) or [*(self.usual or (one.name for one in self.columns))]
        more = dict.fromkeys(name for cells in records.values() for name in cells)
        header = [*known, *(name for name in more if name not in known)]
        path.parent.mkdir(parents=True, exist_ok=True)
        lines: dict[tuple[str, int | None], str] = {}
        with path.open("w", encoding="utf-8", newline="") as out:
            out.write(_row(header))
            line = 1
            for key, cells in records.items():
                text = _row([cells.get(name, "") for name in header])
                line += 1
                lines[self.file, line] = key
                line += text.count("\n") - 1
                out.write(text)
        return lines


def _header(path: Path) -> list[str]:
    if not path.exists():
        return []
    text = path.read_bytes()
    for encoding in ("utf-8-sig", "cp932"):
        try:
            first = next(csv.reader(io.StringIO(text.decode(encoding), newline="")), [])
        except (UnicodeDecodeError, csv.Error):
            continue
        return [name.strip() for name in first if name.strip()]
    return []


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


@dataclass(frozen=True, kw_only=True)
class QuestionPart(Part):
    """Questions and answers: a file for each, and each language (``city.faq``)."""

    folder: str = "faq"

    def read(self, folder: Path) -> Records:
        found: Records = {}
        for path, name, language in self._files(folder):
            text = read_text(path, [], limit=FAQ_BYTES)
            if text is None:
                continue
            first, _, rest = text.strip().partition("\n")
            cells = found.setdefault(name, {"名前": name})
            for heading, words in (
                ("質問", first.removeprefix("# ").strip()),
                ("回答", rest.strip()),
            ):
                if words:
                    cells[column_in(heading, language)] = words
        for key, cells in found.items():
            path = folder / self.folder / f"{key}{ASKED}"
            if path.exists() and (said := (read_text(path, [], limit=FAQ_BYTES) or "").strip()):
                cells[ASKED_COLUMN] = said
        return found

    def write(self, folder: Path, records: Records) -> Mapping[tuple[str, int | None], str]:
        for path, _, _ in self._files(folder):
            path.unlink()
        for path in (folder / self.folder).glob(f"*{ASKED}"):
            path.unlink()
        lines: dict[tuple[str, int | None], str] = {}
        (folder / self.folder).mkdir(exist_ok=True)
        for key, cells in records.items():
            if others := cells.get(ASKED_COLUMN):
                name = f"{self.folder}/{_file_name(cells.get('名前', key))}{ASKED}"
                (folder / name).write_text(f"{others}\n", "utf-8")
                lines |= dict.fromkeys([(name, None), *((name, n) for n in range(1, 500))], key)
            for language in LANGUAGES:
                asked, said = (cells.get(column_in(one, language)) for one in ("質問", "回答"))
                if not (asked or said):
                    continue
                name = f"{self.folder}/{_file_name(cells.get('名前', key))}.{language}.md"
                (folder / name).write_text(f"# {asked or ''}\n\n{said or ''}\n", "utf-8")
                lines |= {(name, line): key for line in (None, 1, 2)}
        return lines

    def _files(self, folder: Path) -> Iterable[tuple[Path, str, str]]:
        for path in sorted((folder / self.folder).glob("*.md")):
            name, _, language = path.stem.partition(".")
            if language in LANGUAGES:
                yield path, name, language


def _file_name(name: str) -> str:
    """Return a name that stays in its directory, also if it is none for a question."""
    return name.replace("/", "_").replace(".", "_")[:60] or "_"


def column_in(heading: str, language: str) -> str:
    """Return the heading of a text in a language; the Japanese one has no language."""
    return heading if language == "ja" else f"{heading}_{language}"
