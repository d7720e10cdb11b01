"""Take in reports that came by telephone and stand in a spreadsheet of the office.

The columns are found by their headings, wherever in the sheet they begin. Names and telephone
numbers of people are not taken in. Each row is shown before it is stored, with what cannot be read.
The same row comes in once, however often its file does.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.child import Workshop
from core.clock import JAPAN, in_japan
from core.errors import BadInput
from core.geo import Position
from core.japanese_dates import read_date, read_moment, read_time
from core.reason import Reason
from core.sheets import heading_key, read_sheets
from core.text import clean
from reports.models import CameBy, Report, ReportUpdate
from reports.reasons import reason
from reports.register import IMPORTED, LONGEST_DESCRIPTION, MAX_TEXT, Draft, create_report

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

FindPlace = Callable[[str], Position | None]
"""Finds the one place that words mean, in degrees; None if there is none or more than one."""


@dataclass(frozen=True)
class Row:
    """A row as it would be taken in; ``number`` counts the sheet's rows from 1.

    Parameters
    ----------
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

    @property
    def origin(self) -> str:
        """The same for the same row of any file, so that it comes in once."""
        when = self.at.isoformat() if self.dated else ""
        said = [when, self.called, self.place, self.words, self.reference]
        digest = hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
        return f"{IMPORTED}{digest[:40]}"


@dataclass(frozen=True)
class Read:
    """A sheet with headings: its rows, and what of it was left out."""

    rows: tuple[Row, ...]
    unknown_kinds: tuple[str, ...] = ()
    """What the sheet calls kinds that the city does not have."""
    left_out: tuple[str, ...] = ()
    """Headings of columns that are not taken in."""


@dataclass
class TakenIn:
    """What came of a file: numbers of new reports, rows that were there, rows with a fault."""

    numbers: list[str] = field(default_factory=list)
    there: int = 0
    wrong: int = 0


async def read_file(
    workshop: Workshop, data: bytes, city: City, now: datetime, find: FindPlace
) -> Read:
    """Return the rows of a file (xlsx, or CSV in UTF-8 or Shift_JIS).

    Raises
    ------
    BadInput
        It is no such file, too large, or has no headings that we know.
    """
    sheets = await read_sheets(workshop, data)
    for _, rows in sheets:
        if (found := _headings(rows)) is not None:
            return _read(rows, found, city, now, find)
    raise BadInput(reason("sheet.no-headings"))


def _headings(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int], list[str]] | None:
    """Return the row of the headings, the column of each meaning, and headings left out."""
    for at, row in enumerate(rows[:HEADING_ROWS]):
        keys = [heading_key(cell) for cell in row]
        columns: dict[str, int] = {}
        for meaning, names in HEADINGS.items():
            for name in names:
                if heading_key(name) in keys and meaning not in columns:
                    columns[meaning] = keys.index(heading_key(name))
        if len(set(NEEDED) & set(columns)) >= 2:
            others = [
                clean(cell, line=True)[:40]
                for column, cell in enumerate(row)
                if cell.strip() and column not in columns.values()
            ]
            return at, columns, list(dict.fromkeys(others))
    return None


def _read(
    rows: Sequence[Sequence[str]],
    found: tuple[int, dict[str, int], list[str]],
    city: City,
    now: datetime,
    find: FindPlace,
) -> Read:
    at, columns, left_out = found
    made: list[Row] = []
    kinds = _kinds(city)
    before: dict[str, str] = {}
    for number, cells in enumerate(rows[at + 1 :], start=at + 2):
        said = {
            meaning: clean(cells[column]) if column < len(cells) else ""
            for meaning, column in columns.items()
        }
        _as_above(said, before)
        # A day or a kind can stand alone in the row above those for which it holds.
        is_row = any(said.get(name) for name in ("place", "words"))
        before = dict(said) if is_row else {name: said.get(name, "") for name in STANDS_ONCE}
        if not is_row:
            continue
        if len(made) >= MOST_TAKEN:
            raise BadInput(reason("sheet.too-long", most=MOST_TAKEN))
        made.append(_row(number, said, kinds, city, now, find))
    unknown = dict.fromkeys(row.called for row in made if row.called and not row.kind)
    return Read(tuple(made), tuple(unknown), tuple(left_out))


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


def _row(
    number: int,
    said: Mapping[str, str],
    kinds: Mapping[str, str],
    city: City,
    now: datetime,
    find: FindPlace,
) -> Row:
    wrong: list[Reason] = []
    hints: list[Reason] = []
    at = _moment(said, now, wrong)
    place = clean(said.get("place", ""), line=True)[:MAX_TEXT]
    position = _position(said, city, wrong)
    if position is None and place and not wrong:
        position = find(place)
        if position is None:
            hints.append(reason("sheet.not-found"))
        elif city.is_outside(*position):
            position = None
            hints.append(reason("sheet.outside"))
    called = clean(said.get("kind", ""), line=True)[:100]
    department = _department(said.get("department", ""), city)
    if said.get("department") and not department:
        hints.append(reason("sheet.no-department", name=said["department"][:40]))
    way = next((w for name, w in WAYS.items() if name in said.get("came_by", "")), CameBy.IMPORT)
    return Row(
        number,
        kinds.get(heading_key(called), ""),
        called,
        at,
        place,
        position,
        said.get("words", "")[:LONGEST_DESCRIPTION],
        department,
        way,
        clean(said.get("reference", ""), line=True)[:40],
        bool(said.get("day")),
        tuple(wrong),
        tuple(hints),
    )


def _moment(said: Mapping[str, str], now: datetime, wrong: list[Reason]) -> datetime:
    """Return when the report came in; now if the sheet does not say."""
    today = in_japan(now).date()
    words = said.get("day", "")
    if not words:
        return now
    moment = read_moment(words, today)
    begun = read_date(words, today)
    if begun is None or today.year - begun[0].year > OLDEST_YEARS:
        wrong.append(reason("sheet.date", text=words[:40]))
        return now
    if moment is None:
        wrong.append(reason("sheet.date", text=words[:40]))
        moment = datetime.combine(begun[0], time())
    if said.get("time"):
        at = read_time(said["time"])
        if at is None:
            wrong.append(reason("sheet.time", text=said["time"][:40]))
        else:
            moment = datetime.combine(moment.date(), at)
    found = moment.replace(tzinfo=JAPAN)
    if found > now:
        wrong.append(reason("sheet.later", text=words[:40]))
    return min(found, now)


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
