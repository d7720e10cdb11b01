"""Take in reports that came by telephone and stand in a spreadsheet of the office.

The columns are found by their headings, wherever in the sheet they begin. Names and telephone
numbers of people are not taken in. Each row is shown before it is stored, with what cannot be read.
The same row comes in once, however often its file does.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.child import Workshop
from core.clock import JAPAN, in_japan
from core.errors import BadInput
from core.geo import Position
from core.japanese_dates import read_clock, read_date, read_moment
from core.reason import Reason
from core.sheets import Sheet, heading_key, read_sheets
from core.text import clean
from reports.models import CameBy, Report, ReportUpdate
from reports.reasons import reason
from reports.register import (
    IMPORTED,
    LONGEST_DESCRIPTION,
    MAX_TEXT,
    Draft,
    create_report,
    next_number,
)

MOST_TAKEN = 2_000
OLDEST_YEARS = 60
"""A day before that is a slip of the hand, such as 0206 for 2026."""
HEADING_ROWS = 30
"""Rows from the top among which the headings are looked for."""
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "day": ("受付日", "受付日時", "受付年月日", "日付", "年月日", "通報日", "date"),
    "time": ("受付時刻", "受付時間", "時刻", "時間", "time"),
    "kind": ("種別", "区分", "種類", "分類", "項目", "kind", "category"),
    "place": ("場所", "住所", "所在地", "箇所", "位置", "地番", "place", "address"),
    "words": ("内容", "状況", "要望内容", "通報内容", "概要", "詳細", "description"),
    "latitude": ("緯度", "lat", "latitude"),
    "longitude": ("経度", "long", "lon", "lng", "longitude"),
    "department": ("担当課", "所管課", "担当", "department"),
    "came_by": ("受付方法", "受付区分", "方法", "手段"),
    "reference": ("受付番号", "整理番号", "番号", "no", "no."),
}
NEEDED = ("kind", "place", "words")
"""Two of these make a row of headings."""
STANDS_ONCE = ("day", "kind")
"""What can stand once above several rows, and not at all in the others."""
AS_ABOVE = frozenset({"〃", "同上", "同じ", "″", "”", '"'})
WAYS = {
    "電話": CameBy.TELEPHONE,
    "窓口": CameBy.COUNTER,
    "来庁": CameBy.COUNTER,
    "メール": CameBy.MAIL,
    "パトロール": CameBy.PATROL,
    "巡回": CameBy.PATROL,
}
LANGUAGE = "ja"
LONG_AGO = timedelta(days=180)
"""A day without a year that is older is shown with its year: it may have been meant to come."""
_SERIAL = re.compile(r"(\d{5})(\.\d+)?")
_SHARE_OF_DAY = re.compile(r"0?\.\d+")
_IN_BRACKETS = re.compile(r"\([^()]*\)$")

FindPlace = Callable[[str], Position | None]
"""Finds the one place that words mean, in degrees; None if there is none or more than one."""


@dataclass(frozen=True)
class Row:
    """A row as it would be taken in; ``number`` counts the sheet's rows from 1.

    Parameters
    ----------
    sheet
        The sheet's name, if the file has several with headings.
    kind
        The code of a kind; empty if the office has to choose one.
    called
        What the sheet calls the kind.
    dated
        Whether the sheet says when it came in; if not, ``at`` is now.
    wrong
        What cannot be read; a row with something wrong is not taken in.
    hints
        What the office should know of a row that is taken in.
    """

    number: int
    kind: str
    called: str
    at: datetime
    place: str = ""
    position: Position | None = None
    words: str = ""
    department: str = ""
    came_by: CameBy = CameBy.IMPORT
    reference: str = ""
    dated: bool = True
    wrong: tuple[Reason, ...] = ()
    hints: tuple[Reason, ...] = ()
    sheet: str = ""

    @property
    def origin(self) -> str:
        """The same for the same row of any file, so that it comes in once."""
        when = self.at.isoformat() if self.dated else ""
        said = [when, self.called, self.place, self.words, self.reference]
        digest = hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
        return f"{IMPORTED}{digest[:40]}"


@dataclass(frozen=True)
class Read:
    """The rows of all sheets with headings, and what was left out."""

    rows: tuple[Row, ...]
    unknown_kinds: tuple[str, ...] = ()
    """What the sheet calls kinds that the city does not have."""
    left_out: tuple[str, ...] = ()
    """Headings of columns that are not taken in."""
    other_sheets: tuple[str, ...] = ()
    """Sheets without headings that we know."""

    def takes(self, there: Set[str]) -> int:
        """Return how many reports would come of it; ``there`` are origins that came before."""
        fine = {row.origin for row in self.rows if row.kind and not row.wrong}
        return len(fine - there)


@dataclass
class TakenIn:
    """What came of a file: numbers of new reports, rows that were there, rows with a fault."""

    numbers: list[str] = field(default_factory=list)
    there: int = 0
    wrong: int = 0


async def read_file(
    workshop: Workshop, data: bytes, city: City, now: datetime, find: FindPlace
) -> Read:
    """Return the rows of a file: xlsx, or CSV in UTF-8, UTF-16 or Shift_JIS.

    Raises
    ------
    BadInput
        It is no such file, too large, has no headings that we know, or formulas without values.
    """
    sheets = await read_sheets(workshop, data, computed=True)
    found = {name: headings for name, rows in sheets if (headings := _headings(rows)) is not None}
    if not found:
        raise BadInput(reason("sheet.no-headings"))
    reader = _Reader(city, now, find, sheets.day_zero)
    made: list[Row] = []
    for name, rows in sheets:
        if (headings := found.get(name)) is None:
            continue
        hidden = sheets.hidden.get(name, frozenset())
        more = reader.rows(rows, headings, hidden, room=MOST_TAKEN - len(made))
        made += [replace(row, sheet=name if len(found) > 1 else "") for row in more]
    unknown = dict.fromkeys(row.called for row in made if row.called and not row.kind)
    left_out = dict.fromkeys(name for headings in found.values() for name in headings.left_out)
    others = tuple(name for name, rows in sheets if name not in found and any(map(any, rows)))
    return Read(tuple(_said_once(made)), tuple(unknown), tuple(left_out), others)


def _said_once(rows: Sequence[Row]) -> list[Row]:
    """Return the rows; one that stands above already says so."""
    seen: set[str] = set()
    made = []
    for row in rows:
        same = not row.wrong and row.origin in seen
        if not row.wrong:
            seen.add(row.origin)
        made.append(replace(row, hints=(*row.hints, reason("sheet.same"))) if same else row)
    return made


@dataclass(frozen=True)
class _Headings:
    """The row of the headings, the column of each meaning, and headings that mean nothing to us."""

    at: int
    columns: dict[str, int]
    left_out: tuple[str, ...]


def _headings(rows: Sheet) -> _Headings | None:
    """Return the headings of a sheet; of two rows of them, as merged cells make, the fuller one."""
    best: _Headings | None = None
    for at, row in enumerate(rows[:HEADING_ROWS]):
        found = _headings_of(at, row)
        if found is None and best is not None:
            break
        if found is not None and (best is None or len(found.columns) >= len(best.columns)):
            best = found
    return best


def _headings_of(at: int, row: Sequence[str]) -> _Headings | None:
    keys = [heading_key(cell) for cell in row]
    plain = [_IN_BRACKETS.sub("", key) for key in keys]
    columns: dict[str, int] = {}
    for meaning, names in HEADINGS.items():
        wanted = [heading_key(name) for name in names]
        for told in (keys, plain):
            for name in wanted:
                if name in told and meaning not in columns:
                    columns[meaning] = told.index(name)
    if len(set(NEEDED) & set(columns)) < 2:
        return None
    others = [
        clean(cell, line=True)[:40]
        for column, cell in enumerate(row)
        if cell.strip() and column not in columns.values()
    ]
    return _Headings(at, columns, tuple(dict.fromkeys(others)))


def _as_above(said: dict[str, str], before: Mapping[str, str]) -> None:
    """Fill in what stands in the row above: as 〃, or once for several rows."""
    for name, text in said.items():
        if text in AS_ABOVE or (not text and name in STANDS_ONCE):
            said[name] = before.get(name, "")


def _kinds(city: City) -> dict[str, str]:
    """Return the code of each kind by what it is called."""
    return {
        heading_key(name): kind.code
        for kind in city.report_categories
        for name in (kind.code, *kind.names.values())
    }


@dataclass(frozen=True)
class _Reader:
    """Reads rows for a city; ``day_zero`` is from when the file counts days."""

    city: City
    now: datetime
    find: FindPlace
    day_zero: date

    def rows(self, rows: Sheet, found: _Headings, hidden: Set[int], *, room: int) -> list[Row]:
        """Return the rows below the headings.

        Raises
        ------
        BadInput
            There are more than ``room``.
        """
        made: list[Row] = []
        kinds = _kinds(self.city)
        before: dict[str, str] = {}
        for number, cells in enumerate(rows[found.at + 1 :], start=found.at + 2):
            again = _headings_of(number, cells)
            if again is not None and again.columns == found.columns:
                continue  # printed on each page
            said = {
                meaning: clean(cells[column]) if column < len(cells) else ""
                for meaning, column in found.columns.items()
            }
            _as_above(said, before)
            # A day or a kind can stand alone in the row above those for which it holds.
            is_row = any(said.get(name) for name in ("place", "words"))
            before = dict(said) if is_row else {name: said.get(name, "") for name in STANDS_ONCE}
            if not is_row:
                continue
            if len(made) >= room:
                raise BadInput(reason("sheet.too-long", most=MOST_TAKEN))
            hints = [reason("sheet.hidden")] if number in hidden else []
            made.append(self.row(number, said, kinds, hints))
        return made

    def row(
        self, number: int, said: Mapping[str, str], kinds: Mapping[str, str], hints: list[Reason]
    ) -> Row:
        """Return one row; ``hints`` are what is to be said of it already."""
        wrong: list[Reason] = []
        city = self.city
        at = self.moment(said, wrong, hints)
        place = clean(said.get("place", ""), line=True)[:MAX_TEXT]
        position = _position(said, city, wrong)
        if position is None and place and not wrong:
            position = self.find(place)
            if position is None:
                hints.append(reason("sheet.not-found"))
            elif city.is_outside(*position):
                position = None
                hints.append(reason("sheet.outside"))
        called = clean(said.get("kind", ""), line=True)[:100]
        department = _department(said.get("department", ""), city)
        if said.get("department") and not department:
            hints.append(reason("sheet.no-department", name=said["department"][:40]))
        how = said.get("came_by", "")
        return Row(
            number,
            kinds.get(heading_key(called), ""),
            called,
            at,
            place,
            position,
            said.get("words", "")[:LONGEST_DESCRIPTION],
            department,
            next((way for name, way in WAYS.items() if name in how), CameBy.IMPORT),
            clean(said.get("reference", ""), line=True)[:40],
            bool(said.get("day")),
            tuple(wrong),
            tuple(hints),
        )

    def moment(self, said: Mapping[str, str], wrong: list[Reason], hints: list[Reason]) -> datetime:
        """Return when the report came in; now if the sheet does not say."""
        today = in_japan(self.now).date()
        words = said.get("day", "")
        if not words:
            return self.now
        moment = self.serial(words) or read_moment(words, today)
        begun = (moment.date(), "") if moment is not None else read_date(words, today)
        if begun is None or today.year - begun[0].year > OLDEST_YEARS:
            wrong.append(reason("sheet.date", text=words[:40]))
            return self.now
        if moment is None:
            wrong.append(reason("sheet.date", text=words[:40]))
            moment = datetime.combine(begun[0], time())
        elif today - moment.date() > LONG_AGO and _has_no_year(words, moment):
            hints.append(reason("sheet.year", text=words[:40], day=moment.date().isoformat()))
        if said.get("time"):
            passed = _clock(said["time"])
            if passed is None:
                wrong.append(reason("sheet.time", text=said["time"][:40]))
            else:
                moment = datetime.combine(moment.date(), time()) + passed
        found = moment.replace(tzinfo=JAPAN)
        if found > self.now:
            wrong.append(reason("sheet.later", text=words[:40]))
        return min(found, self.now)

    def serial(self, words: str) -> datetime | None:
        """Return the moment of a number of days, as Excel keeps days that have no form of one."""
        found = _SERIAL.fullmatch(words)
        if found is None:
            return None
        share = float(found[2] or 0)
        day = datetime.combine(self.day_zero, time()) + timedelta(days=int(found[1]))
        return day + timedelta(minutes=round(share * 24 * 60)) if 2000 <= day.year < 2100 else None


def _clock(words: str) -> timedelta | None:
    """Return the time since midnight; Excel keeps one without a form as a share of the day."""
    if _SHARE_OF_DAY.fullmatch(words):
        return timedelta(minutes=round(float(words) * 24 * 60))
    return read_clock(words)


def _has_no_year(words: str, read: datetime) -> bool:
    """Whether the same words would be another day a year later."""
    later = read_moment(words, read.date() + timedelta(days=366))
    return later is not None and later != read


def _position(said: Mapping[str, str], city: City, wrong: list[Reason]) -> Position | None:
    words = [
        unicodedata.normalize("NFKC", said.get(name, "")) for name in ("longitude", "latitude")
    ]
    if not any(words):
        return None
    try:
        longitude, latitude = (float(word) for word in words)
    except ValueError:
        wrong.append(reason("sheet.position"))
        return None
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        wrong.append(reason("sheet.position"))
        return None
    if city.is_outside(longitude, latitude):
        wrong.append(reason("sheet.outside"))
        return None
    return longitude, latitude


def _department(called: str, city: City) -> str:
    key = heading_key(called)
    for one in city.departments:
        if key and key in {heading_key(name) for name in (one.code, *one.names.values())}:
            return one.code
    return ""


def with_kinds(read: Read, chosen: Mapping[str, str]) -> Read:
    """Return the rows with the kinds that the office chose for unknown names."""
    rows = tuple(
        row if row.kind or not chosen.get(row.called) else replace(row, kind=chosen[row.called])
        for row in read.rows
    )
    return replace(read, rows=rows)


async def known_rows(session: AsyncSession, read: Read) -> set[str]:
    """Return the origins of the rows that came in before."""
    origins = [row.origin for row in read.rows]
    found: set[str] = set()
    for start in range(0, len(origins), 500):
        query = select(col(Report.origin)).where(
            col(Report.origin).in_(origins[start : start + 500])
        )
        found |= set(await session.scalars(query))
    return found


async def take_in(
    session: AsyncSession, city: City, read: Read, *, by: str, now: datetime
) -> TakenIn:
    """Store the rows that can be, in the caller's transaction; the same row comes in once.

    A report has the day on which it came in, and a number of that day's year. A row without a kind
    that the city knows counts as wrong.
    """
    done = TakenIn()
    # Whoever takes in the same file at the same moment waits, and finds its rows there.
    await next_number(session, in_japan(now).year, step=0)
    there = await known_rows(session, read)
    departments = {one.code for one in city.departments}
    for row in read.rows:
        if row.wrong or not row.kind:
            done.wrong += 1
            continue
        if row.origin in there:
            done.there += 1
            continue
        there.add(row.origin)
        report = await create_report(
            session,
            city,
            Draft(
                category=row.kind,
                origin=row.origin,
                longitude=row.position[0] if row.position else None,
                latitude=row.position[1] if row.position else None,
                address=row.place,
                description=row.words,
                came_by=row.came_by,
            ),
            resident_id=None,
            language=LANGUAGE,
            now=row.at,
            by=by,
        )
        if row.department in departments:
            report.department = row.department
        report.updated_at = now
        session.add(report)
        if row.reference:
            assert report.id is not None
            note = f"No. {row.reference}"
            session.add(ReportUpdate(report_id=report.id, by=by, note=note, created_at=now))
        done.numbers.append(report.number)
    await session.flush()
    return done
