"""``children.csv``: at what age a child's vaccinations and check-ups are due.

Columns: コード, 年齢・月齢 (2か月, 1歳6か月, 3歳, 年長, 小6), 何日前 (days before the age at which
parents are told), a name in each language (``ja``, ``en``, …), and where wanted URL.

Residents tell the month in which a child was born, not the day. So an age is reached on the first
day of its month. 年長 and 小6 begin on 1 April; who was born from April to March goes to school
together.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from city.city import Names
from city.faults import FolderFault, leaving_out, read_csv
from city.named_rows import check_columns, names_of
from city.reasons import reason

MAX_BYTES = 1_000_000
MOST_DAYS_BEFORE = 90
OLDEST_MONTHS = 18 * 12
"""The age in months after which nobody is a child."""
SCHOOL_AGE = 6
"""Years that are complete on the 1 April on which school begins (学校教育法 17条)."""
APRIL = 4
_COLUMNS = ("コード", "年齢・月齢", "何日前", "URL")
_AGE = re.compile(r"(?:生後)?(?:(\d{1,2})歳)?(?:(\d{1,2})(?:か|ヶ|カ|ヵ|ケ|箇)月)?(?:児)?")
_GRADE = re.compile(r"(年長)|(?:(小|中|高)(?:学|学校|校)?([1-6])(?:年生?)?)")
_SCHOOLS = {"小": (0, 6), "中": (6, 3), "高": (9, 3)}
"""School years before it, and its own."""


@dataclass(frozen=True)
class ChildReminder:
    """A vaccination or a check-up.

    Parameters
    ----------
    months
        The age in months; None if it is due in a school year.
    grade
        The school year: 0 for the year before school (年長), 1 to 12.
    days_before
        Days before the age at which parents are told.
    """

    code: str
    names: Names = field(repr=False)
    days_before: int
    months: int | None = None
    grade: int | None = None
    url: str = ""

    def age_reached(self, born: str) -> date:
        """Return the first day of the age, for a child born in a month (``YYYY-MM``)."""
        year, month = (int(part) for part in born.split("-"))
        if self.months is not None:
            return _month(year * 12 + month - 1 + self.months)
        assert self.grade is not None
        return date(year + SCHOOL_AGE + (month >= APRIL) + self.grade - 1, APRIL, 1)

    def due(self, born: str) -> date:
        """Return the day on which parents are told."""
        return self.age_reached(born) - timedelta(days=self.days_before)

    def born_for(self, day: date) -> list[str]:
        """Return the months of birth for which parents are told on ``day``."""
        reached = day + timedelta(days=self.days_before)
        if reached.day != 1:
            return []
        if self.months is not None:
            return [_written(reached.year * 12 + reached.month - 1 - self.months)]
        assert self.grade is not None
        if reached.month != APRIL:
            return []
        first = (reached.year - SCHOOL_AGE - self.grade) * 12 + APRIL - 1
        return [_written(first + n) for n in range(12)]


@dataclass(frozen=True)
class ChildTable:
    """All of ``children.csv``."""

    reminders: tuple[ChildReminder, ...] = ()

    def due_on(self, day: date) -> dict[str, list[ChildReminder]]:
        """Return what parents are told on ``day``, by month of birth."""
        found: defaultdict[str, list[ChildReminder]] = defaultdict(list)
        for reminder in self.reminders:
            for born in reminder.born_for(day):
                found[born].append(reminder)
        return dict(found)

    def upcoming(self, born: str, today: date) -> list[ChildReminder]:
        """Return what is still to come for a child, the next first."""
        ahead = [one for one in self.reminders if one.age_reached(born) >= today]
        return sorted(ahead, key=lambda one: one.age_reached(born))

    def first_needed(self, today: date) -> str:
        """Return the earliest month of birth for which something is still to come.

        Without a table it is that of the oldest child, so that a table that cannot be read erases
        nobody's children.
        """
        now = today.year * 12 + today.month - 1
        months = (_written(now - age) for age in range(OLDEST_MONTHS, -1, -1))
        if not self.reminders:
            return next(months)
        return next(
            (born for born in months if self.upcoming(born, today)), today.strftime("%Y-%m")
        )


NO_TABLE = ChildTable()
"""Of a city without ``children.csv``."""


def read_children(path: Path, faults: list[FolderFault]) -> ChildTable:
    """Return the table of a city if it has one; wrong rows are left out, with a fault."""
    if not path.exists():
        return NO_TABLE
    found: dict[str, ChildReminder] = {}
    wrong: list[FolderFault] = []
    rows = read_csv(path, wrong, needed=(*_COLUMNS[:3], "ja"), limit=MAX_BYTES)
    check_columns(path, rows, _COLUMNS, wrong)
    for row in rows:
        code, problems = row.cells["コード"], []
        names = names_of(row)
        months, grade = _age(row.cells["年齢・月齢"])
        days = unicodedata.normalize("NFKC", row.cells["何日前"]).removesuffix("日前") or "0"
        url = row.cells.get("URL", "")
        if not code or "ja" not in names:
            problems.append(reason("missing.kind-name"))
        elif code in found:
            problems.append(reason("twice.thing", name=code))
        if months is None and grade is None:
            problems.append(reason("value.age", value=row.cells["年齢・月齢"]))
        if not (days.isdecimal() and int(days) <= MOST_DAYS_BEFORE):
            problems.append(reason("value.days-before", most=MOST_DAYS_BEFORE, value=days))
        if url and not url.startswith(("https://", "http://")):
            problems.append(reason("value.web", value=url))
        wrong += [FolderFault(path, row.line, problem) for problem in problems]
        if not problems:
            found[code] = ChildReminder(code, names, int(days), months, grade, url)
    faults += leaving_out(wrong, reason("part.row"))
    return ChildTable(tuple(found.values()))


def _age(value: str) -> tuple[int | None, int | None]:
    """Return an age in months, or a school year."""
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", value))
    if (found := _GRADE.fullmatch(text)) is not None:
        if found[1]:
            return None, 0
        before, own = _SCHOOLS[found[2]]
        return (None, before + int(found[3])) if int(found[3]) <= own else (None, None)
    found = _AGE.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        return None, None
    months = int(found[1] or 0) * 12 + int(found[2] or 0)
    return (months, None) if months <= OLDEST_MONTHS else (None, None)


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _written(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"
