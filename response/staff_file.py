"""Take in a list of staff from a spreadsheet: CSV, or cells that were copied and pasted."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.errors import BadInput
from core.text import clean
from response.models import StaffMember
from response.reasons import reason
from response.staff import Entry, add, change

HEADINGS = {
    "name": ("氏名", "名前", "name"),
    "department": ("部署", "所属", "課", "department"),
    "mail": ("メール", "メールアドレス", "mail", "e-mail", "email"),
    "team": ("班", "配備", "team"),
    "language": ("言語", "language"),
    "account": ("アカウント", "account"),
}
NEEDED = ("name", "department")
MOST_ROWS = 2000
EXAMPLE = "氏名,部署,メール,班\n佐藤 花子,危機管理課,sato@city.example,第1配備\n"


@dataclass(frozen=True)
class TakenIn:
    """How many entries were added, changed, or the same as before."""

    added: int = 0
    changed: int = 0
    same: int = 0


def read(text: str, city: City) -> list[tuple[int, Entry]]:
    """Return the entries of a list, each with the number of its line.

    Raises
    ------
    BadInput
        The headings are not there, or an entry cannot be; the first one is named.
    """
    lines = text.lstrip("\ufeff").splitlines()
    first = next((line for line in lines if line.strip()), "")
    rows = csv.reader(lines, delimiter="\t" if "\t" in first else ",")
    columns: dict[str, int] | None = None
    found: list[tuple[int, Entry]] = []
    for cells in _safely(rows):
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = _columns(cells)
            continue
        if len(found) >= MOST_ROWS:
            raise BadInput(reason("staff.file-long", most=MOST_ROWS))
        entry = _entry(cells, columns, city)
        try:
            found.append((rows.line_num, entry.checked(city)))
        except BadInput as error:
            why = reason("staff.file-line", line=rows.line_num, why=error.reason)
            raise BadInput(why) from error
    if not found:
        raise BadInput(reason("staff.file-empty"))
    return found


def _safely(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise BadInput(reason("staff.file-heading")) from error


def _columns(cells: list[str]) -> dict[str, int]:
    named = [clean(cell, line=True).lower() for cell in cells]
    found = {
        column: named.index(name)
        for column, names in HEADINGS.items()
        for name in names
        if name in named
    }
    if any(column not in found for column in NEEDED):
        raise BadInput(reason("staff.file-heading"))
    return found


def _entry(cells: list[str], columns: dict[str, int], city: City) -> Entry:
    values = {
        name: clean(cells[at], line=True) if at < len(cells) else "" for name, at in columns.items()
    }
    wanted = values["department"]
    for department in city.departments:
        if wanted in (department.code, *department.names.values()):
            values["department"] = department.code
    return Entry(**values)


async def take_in(
    session: AsyncSession, city: City, text: str, now: datetime, *, actor: str
) -> TakenIn:
    """Add and change members as a list says, all or none.

    Somebody on the list is found by their mail address, else by name and department. Who is not
    in the file stays.

    Raises
    ------
    BadInput
        An entry cannot be; its line is named.
    """
    done = TakenIn()
    for number, entry in read(text, city):
        try:
            done = await _take(session, city, entry, done, now, actor)
        except BadInput as error:
            why = reason("staff.file-line", line=number, why=error.reason)
            raise BadInput(why) from error
    return done


async def _take(
    session: AsyncSession, city: City, entry: Entry, done: TakenIn, now: datetime, actor: str
) -> TakenIn:
    member = await _known(session, entry)
    if member is None:
        await add(session, city, entry, now, actor=actor)
        return TakenIn(done.added + 1, done.changed, done.same)
    assert member.id is not None
    # An empty cell changes nothing: many lists have no such column.
    entry = Entry(
        entry.name,
        entry.department,
        entry.mail or member.mail,
        entry.team or member.team,
        member.language,
        entry.account or member.account,
    )
    if entry == _entry_of(member) and member.active:
        return TakenIn(done.added, done.changed, done.same + 1)
    await change(session, city, member.id, entry, now, active=True, actor=actor)
    return TakenIn(done.added, done.changed + 1, done.same)


async def _known(session: AsyncSession, entry: Entry) -> StaffMember | None:
    if entry.mail:
        found = await session.scalar(select(StaffMember).where(col(StaffMember.mail) == entry.mail))
        if found is not None:
            return found
    return await session.scalar(
        select(StaffMember)
        .where(
            col(StaffMember.name) == entry.name,
            col(StaffMember.department) == entry.department,
            col(StaffMember.mail) == "",
        )
        .order_by(col(StaffMember.id))
        .limit(1)
    )


def _entry_of(member: StaffMember) -> Entry:
    return Entry(
        member.name,
        member.department,
        member.mail,
        member.team,
        member.language,
        member.account,
    )
