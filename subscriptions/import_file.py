"""Import residents from another product's file: a CSV of LINE user ids and choices.

The file is first read into a temporary table on disk, with each id once. From there it goes into
the database, some thousands at a time. So a million rows need no more memory than a thousand.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import io
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Refusal
from core.languages import mark
from subscriptions import arrivals, bitmaps
from subscriptions.arrivals import CHUNK, Newcomer, TakenIn
from subscriptions.import_mapping import (
    FIELDS,
    SEPARATORS,
    Layout,
    WordMapping,
    comparable_word,
    language_code,
    layout_of,
)
from subscriptions.models import ArrivalKind
from subscriptions.residents import know_areas

MOST_WORDS = 500
"""Distinct words a field that are counted by themselves."""
BATCH = 5_000
_PIECE = 1 << 20
NO_USER_ID = mark("a user id is U and 32 hexadecimal digits, not “{user}”.")
TWICE = mark("{user} stands on line {line} already; this row is left out.")
_ID_LENGTH = 33
_HEX = frozenset("0123456789abcdef")

Complain = Callable[[int, Refusal], None]
"""Called for a bad row, with its line and a sentence."""
Progress = Callable[[str, int, int], None]


def shown_word(word: str) -> str:
    """Return a word of a stranger's file as a terminal and a page can show it."""
    return "".join(each if each.isprintable() else "�" for each in word.strip())[:60]


@dataclass
class FieldWords:
    """How often words occurred in a field, known and unknown ones."""

    meant: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def count(self, word: str, *, known: bool) -> None:
        words = self.meant if known else self.unknown
        shown = shown_word(word)
        words[shown if shown in words or len(words) < MOST_WORDS else "…"] += 1

    def to_json(self) -> dict[str, dict[str, int]]:
        return {
            "mapped": dict(self.meant.most_common()),
            "unknown": dict(self.unknown.most_common()),
        }


@dataclass
class Imported:
    """What an import did, or would do; ``arrival_id`` is None for a dry run."""

    rows: int = 0
    bad: int = 0
    duplicates: int = 0
    people: int = 0
    taken: TakenIn = field(default_factory=TakenIn)
    words: dict[str, FieldWords] = field(
        default_factory=lambda: {name: FieldWords() for name in FIELDS}
    )
    chosen: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in FIELDS}
    )
    """How many people have each of our codes; ``""`` under districts is the whole city, and under
    the others nothing."""
    unused: Counter[str] = field(default_factory=Counter)
    """Columns, or items of a file with one answer a row, that no mapping names, with how many
    answers each has."""
    arrival_id: int | None = None

    def count(self, person: Newcomer, topics: Collection[str]) -> None:
        """Count what somebody has after the import; ``topics`` are those the file names."""
        self.chosen["language"][person.language or ""] += 1
        self.chosen["topics"].update(list(topics) or [""])
        self.chosen["districts"].update(person.areas or [""])

    def to_json(self) -> dict[str, object]:
        return {
            "import": self.arrival_id,
            "rows": self.rows,
            "bad": self.bad,
            "duplicates": self.duplicates,
            "people": self.people,
            **self.taken.to_json(),
            "words": {name: words.to_json() for name, words in self.words.items()},
            "chosen": {name: dict(codes.most_common()) for name, codes in self.chosen.items()},
            "unused": dict(self.unused.most_common()),
        }


async def import_file(
    database: Database,
    city: City,
    clock: Clock,
    file: Path,
    mapping: WordMapping,
    *,
    actor: str,
    dry_run: bool,
    complain: Complain,
    progress: Progress | None = None,
    began: Callable[[int], None] | None = None,
    source: str = "",
) -> Imported:
    """Take in the people of a file; with ``dry_run`` only count.

    Parameters
    ----------
    began
        Called with the import's id as soon as there is one; it can be undone with that id.
    source
        What the file was called, if that is not its name here.

    Raises
    ------
    Refusal
        The file cannot be read, or has no column of user ids.
    """
    tell = progress or _nobody
    done = Imported()
    with closing(sqlite3.connect("", check_same_thread=False)) as kept:
        reading = _Reading(kept, city, mapping, done, complain)
        await asyncio.to_thread(reading.read, file, tell)
        done.people = int(kept.execute("SELECT count(*) FROM people").fetchone()[0])
        if not dry_run:
            async with database.writing() as session:
                await know_areas(session, city, list(city.district_by_code))
                arrival = await arrivals.begin(
                    session,
                    ArrivalKind.FILE,
                    actor=actor,
                    now=clock.now(),
                    source=source or file.name,
                )
                done.arrival_id = arrival.id
            if began and done.arrival_id is not None:
                began(done.arrival_id)
        stored = 0
        for people in _chunks(kept, city, done):
            if done.arrival_id is None:
                async with database.reading() as session:
                    taken = await arrivals.look_up(session, people)
            else:
                async with database.writing() as session:
                    taken = await arrivals.take_in(
                        session, city, done.arrival_id, people, clock.now()
                    )
            done.taken = done.taken.plus(taken)
            stored += len(people)
            tell("people", stored, done.people)
    if done.arrival_id is not None:
        async with database.writing() as session:
            await arrivals.finish(session, done.arrival_id, clock.now(), done.to_json())
        await bitmaps.rebuild(database)
    return done


class _Reading:
    """Reads the file into the temporary table."""

    def __init__(
        self,
        kept: sqlite3.Connection,
        city: City,
        mapping: WordMapping,
        done: Imported,
        complain: Complain,
    ) -> None:
        kept.execute(
            "CREATE TABLE people (user TEXT PRIMARY KEY, line INTEGER, language TEXT, "
            "topics TEXT, districts TEXT, everywhere INTEGER)"
        )
        self._kept = kept
        self._city = city
        self._mapping = mapping
        self._done = done
        self._complain = complain
        self._known: dict[tuple[str, str], tuple[str, ...] | None] = {}
        self._others: dict[int, str] = {}

    def read(self, file: Path, tell: Progress) -> None:
        with _opened(file) as (text, position):
            rows = csv.reader(text, delimiter=_delimiter(text))
            header = next(_numbered(rows, self._bad), None)
            if header is None:
                raise Refusal(mark("{file} is empty."), file=file.name)
            layout = layout_of(header[1], self._mapping)
            self._others = self._unmapped(header[1], layout)
            size = file.stat().st_size
            for line, row in _numbered(rows, self._bad):
                if any(cell.strip() for cell in row):
                    self._done.rows += 1
                    self._row(line, row, layout)
                if self._done.rows % BATCH == 0:
                    tell("lines", min(position(), size), size)
            tell("lines", size, size)

    def _row(self, line: int, row: Sequence[str], layout: Layout) -> None:
        if len(row) <= layout.user_id:
            self._bad(line, Refusal(mark("the row ends before the user id.")))
            return
        user = _cell(row[layout.user_id])
        if not _is_user_id(user):
            self._bad(line, Refusal(NO_USER_ID, user=shown_word(user)[:40]))
            return
        if self._mapping.answer_a_row:
            self._answer(line, user, row, layout)
            return
        for place, heading in self._others.items():
            if place < len(row) and row[place].strip():
                self._done.unused[heading] += 1
        cells = {
            name: [_cell(row[place]) for place in places if place < len(row)]
            for name, places in layout.fields.items()
        }
        made = self._kept.execute(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (user, line, *self._meant(cells)),
        )
        if made.rowcount == 0:
            first = self._kept.execute("SELECT line FROM people WHERE user = ?", (user,)).fetchone()
            self._done.duplicates += 1
            self._complain(line, Refusal(TWICE, user=user, line=first[0]))

    def _answer(self, line: int, user: str, row: Sequence[str], layout: Layout) -> None:
        """Add one answer to the choices of somebody."""
        if len(row) <= max(layout.item, layout.value):
            self._bad(line, Refusal(mark("the row ends before its answer.")))
            return
        name = self._mapping.items.get(comparable_word(row[layout.item]))
        if name is None:
            item = shown_word(row[layout.item])
            self._done.unused[item if item in self._done.unused or self._few_unused else "…"] += 1
        cells = {name: [_cell(row[layout.value])]} if name is not None else {}
        language, topics, districts, everywhere = self._meant(cells)
        self._kept.execute(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "language = coalesce(excluded.language, language), "
            "topics = topics || excluded.topics, districts = districts || excluded.districts, "
            "everywhere = max(everywhere, excluded.everywhere)",
            (user, line, language, topics, districts, everywhere),
        )

    def _meant(self, cells: dict[str, list[str]]) -> tuple[str | None, str, str, int]:
        """Return language, topics and districts, each code with a comma behind it.

        Also return whether a district is unknown here. Its resident hears about the whole city,
        because hearing too much does less harm than hearing nothing.
        """
        codes: dict[str, str] = dict.fromkeys(FIELDS, "")
        everywhere = 0
        for name, texts in cells.items():
            for word in (part for text in texts for part in SEPARATORS.split(text)):
                if not word.strip():
                    continue
                meant = self._codes(name, word)
                self._done.words[name].count(word.strip(), known=meant is not None)
                if meant is None:
                    everywhere |= name == "districts"
                else:
                    codes[name] += "".join(f"{code}," for code in meant)
        language = codes["language"].partition(",")[0] or None
        return language, codes["topics"], codes["districts"], everywhere

    def _codes(self, name: str, word: str) -> tuple[str, ...] | None:
        key = (name, comparable_word(word))
        if key not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            found = self._mapping.words[name].get(key[1])
            if found is None and name == "language":
                code = language_code(word, self._mapping, self._city)
                found = None if code is None else (code,)
            self._known[key] = found
        return self._known[key]

    @property
    def _few_unused(self) -> bool:
        return len(self._done.unused) < MOST_WORDS

    def _unmapped(self, header: Sequence[str], layout: Layout) -> dict[int, str]:
        """Return the columns that no mapping names; none for a file with one answer a row."""
        if self._mapping.answer_a_row:
            return {}
        used = {layout.user_id, *(place for places in layout.fields.values() for place in places)}
        return {
            place: shown_word(heading)
            for place, heading in enumerate(header[:MOST_WORDS])
            if place not in used and heading.strip()
        }

    def _bad(self, line: int, sentence: Refusal) -> None:
        self._done.bad += 1
        self._complain(line, sentence)


def _chunks(kept: sqlite3.Connection, city: City, done: Imported) -> Iterator[list[Newcomer]]:
    standing = {t.code: 0 for t in city.topics if t.default and not t.mandatory}
    rows = kept.execute(
        "SELECT user, language, topics, districts, everywhere FROM people ORDER BY line"
    )
    while found := rows.fetchmany(CHUNK):
        people = []
        for user, language, topics, districts, everywhere in found:
            wanted = {code: 0 for code in topics.split(",") if code}
            areas = () if everywhere else tuple(sorted({d for d in districts.split(",") if d}))
            choices = {**standing, **wanted} if wanted else None
            people.append(Newcomer(user, language, choices, areas))
            done.count(people[-1], wanted)
        yield people


def _numbered(rows: Iterator[list[str]], bad: Complain) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line it begins on."""
    while True:
        line = rows.line_num + 1  # type: ignore[attr-defined]
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            bad(line, Refusal(mark("the row cannot be read: {error}."), error=error))
            continue
        yield line, row


def _cell(text: str) -> str:
    """Return the text of a cell, without the marks that Excel uses to keep it a text."""
    text = unicodedata.normalize("NFKC", text).strip()
    if len(text) > 3 and text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()


def _is_user_id(text: str) -> bool:
    return len(text) == _ID_LENGTH and text[0] == "U" and _HEX.issuperset(text[1:])


@contextmanager
def _opened(file: Path) -> Iterator[tuple[IO[str], Callable[[], int]]]:
    """Open the file as text in the encoding it has, and a way to tell how far it was read."""
    try:
        encoding = _encoding(file)
        # Lines end where CSV says, not at every character that Unicode counts as an end.
        with (
            file.open("rb") as raw,
            io.TextIOWrapper(raw, encoding=encoding, newline="") as text,
        ):
            yield text, raw.tell
    except OSError as error:
        raise Refusal(
            mark("{file} cannot be read: {error}."), file=file.name, error=error.strerror or error
        ) from error


def _encoding(file: Path) -> str:
    """Return utf-8, utf-16 or cp932, whichever the whole file is in."""
    with file.open("rb") as raw:
        start = raw.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8-sig", "cp932"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with file.open("rb") as raw:
                while piece := raw.read(_PIECE):
                    decoder.decode(piece)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise Refusal(mark("{file} is neither UTF-8 nor Shift_JIS (cp932)."), file=file.name)


def _delimiter(text: IO[str]) -> str:
    """Return the separator of the first line; the file is at its beginning again."""
    first = text.readline()
    text.seek(0)
    return max((",", "\t", ";"), key=first.count)


def _nobody(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""
