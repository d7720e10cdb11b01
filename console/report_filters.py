"""The filters of the list of reports, as an address, a form and a saved filter have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from city.city import City
from console import words
from console.case_history import reason_in_words
from console.report_names import Names
from core.clock import JAPAN, in_japan
from core.languages import mark
from reports.exports import Wording
from reports.listing import Order, ReportFilter, SortBy
from reports.models import CameBy, Priority, Team
from reports.names import CAME_BY_NAMES, priority_names
from reports.states import OPEN, ReportState

NAMES = (
    *("state", "category", "department", "area", "road", "team", "priority", "overdue", "photo"),
    *("came_by", "age", "since", "until", "text", "sort"),
)
"""The fields of a filter. Each has one value; empty does not narrow."""
MINE, NOBODY = "mine", "nobody"
AGES = (1, 3, 7, 30, 90, 365)
"""Days that a report may be old at least."""
LONGEST = 100
MORE = ("overdue", "age", "photo", "department", "road", "came_by", "since", "until")
"""The fields that are folded away while they do not narrow."""


@dataclass(frozen=True)
class Chosen:
    """A filter that somebody chose.

    Parameters
    ----------
    fields
        The given fields, those that make no sense left out.
    wanted
        What the register is asked.
    """

    fields: Mapping[str, str]
    wanted: ReportFilter
    order: Order

    @property
    def query(self) -> str:
        """The filter as a part of an address; with its order."""
        return urlencode([(name, value) for name, value in self.fields.items() if value])

    @property
    def narrows(self) -> bool:
        return any(value for name, value in self.fields.items() if name != "sort")

    def sorted_by(self, by: str) -> str:
        """Return the query with another order; the same one again turns it round."""
        turned = f"-{by}" if self.order == Order(SortBy(by)) and by != SortBy.NEW else by
        return urlencode(
            [(n, v) for n, v in (*self.fields.items(), ("sort", turned)) if v and n != "sort"]
            + [("sort", turned)]
        )


def read(given: Mapping[str, str], *, mine: Sequence[int], now: datetime) -> Chosen:
    """Read the fields of an address or a form; what makes no sense does not narrow.

    Parameters
    ----------
    mine
        The teams of the visitor.
    """
    fields = {name: given.get(name, "").strip()[:LONGEST] for name in NAMES}
    state = fields["state"]
    if state not in (*ReportState, "open"):
        fields["state"] = state = ""
    states = OPEN if state == "open" else (ReportState(state),) if state else ()
    until = _day(fields["until"])
    until = until + timedelta(days=1) if until else None
    age = int(fields["age"]) if fields["age"] in map(str, AGES) else 0
    if age:
        least = now - timedelta(days=age)
        until = min(until, least) if until else least
    team = fields["team"]
    chosen_teams = tuple(mine) or (0,) if team == MINE else ()
    if team.isdecimal():
        chosen_teams = (int(team[:9]),)
    elif team not in (MINE, NOBODY):
        fields["team"] = ""
    priority = int(fields["priority"]) if fields["priority"] in map(str, Priority) else 0
    photo = {"with": True, "without": False}.get(fields["photo"])
    came_by = fields["came_by"] if fields["came_by"] in set(CameBy) else ""
    fields |= {
        "age": str(age) if age else "",
        "priority": str(priority) if priority else "",
        "photo": fields["photo"] if photo is not None else "",
        "overdue": "yes" if fields["overdue"] == "yes" else "",
        "came_by": came_by,
    }
    backwards, by = fields["sort"].startswith("-"), fields["sort"].removeprefix("-")
    if by not in set(SortBy):
        fields["sort"], backwards, by = "", False, SortBy.NEW.value
    wanted = ReportFilter(
        states=states,
        categories=_one(fields["category"]),
        departments=_one(fields["department"]),
        areas=_one(fields["area"]),
        roads=_one(fields["road"]),
        teams=chosen_teams,
        nobody=team == NOBODY,
        priorities=(priority,) if priority else (),
        came_by=(CameBy(came_by),) if came_by else (),
        overdue_on=in_japan(now).date() if fields["overdue"] else None,
        with_photo=photo,
        since=_day(fields["since"]),
        until=until,
        text=fields["text"],
        cases=True,
    )
    return Chosen(fields, wanted, Order(SortBy(by), backwards))


def of_query(query: str) -> dict[str, str]:
    """Return the fields of a saved filter."""
    return dict(parse_qsl(query, keep_blank_values=False))


def _one(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _day(value: str) -> datetime | None:
    """Return the beginning of a day in Japan, or None if it is outside the service's time."""
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=JAPAN)
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None


class ListNames(Names):
    """Names of what a list shows, in the language of the visitor."""

    def __init__(self, city: City, language: str, teams: Sequence[Team] = ()) -> None:
        super().__init__(city, language)
        self.language = language
        self.teams = {team.id: team.name for team in teams}
        self.wording = Wording(city, language)

    def reason(self, code: str) -> str:
        """Return in words why a case has its priority (``reports.priority``)."""
        return reason_in_words(code, self.language)

    def team(self, number: int | None) -> str:
        return self.teams.get(number, "")

    def priority(self, priority: int) -> str:
        return self.wording.priority(priority)

    def came_by(self, how: str) -> str:
        return self.wording.came_by(CameBy(how))

    def day(self, day: date, today: date) -> str:
        """Return a day, with its year if it is not this year's."""
        if self.language == "ja":
            year = "" if day.year == today.year else f"{day.year}年"
            return f"{year}{day.month}月{day.day}日"
        year = "" if day.year == today.year else f" {day.year}"
        return f"{day.day} {MONTHS[day.month - 1]}{year}"

    def came(self, at: datetime, today: date) -> str:
        """Return when a report came: the day, and the time if it is of the last days."""
        local = in_japan(at)
        day = self.day(local.date(), today)
        return f"{day} {local:%H:%M}" if (today - local.date()).days < 60 else day


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def choices(names: ListNames, teams: Sequence[Team], roads: Sequence[str]) -> dict[str, Any]:
    """Return what each field of the form offers, by the value that the address has."""
    language = names.language

    def say(message: str, /, **values: object) -> str:
        return words.CATALOGUE.text(language, message, **values)

    return {
        "state": {"open": say("Not finished")}
        | {
            one.value: one.staff_name(language)
            for one in ReportState
            if one is not ReportState.DUPLICATE
        },
        "team": {MINE: say("Mine"), NOBODY: say("Nobody")}
        | {str(team.id): team.name for team in teams},
        "category": names.categories,
        "area": names.areas,
        "priority": {str(n): name for n, name in priority_names(language).items()},
        "overdue": {"yes": say("Overdue")},
        "department": names.departments,
        "road": {road: road for road in roads},
        "age": {str(days): say("{n} days or more", n=days) for days in AGES},
        "photo": {"with": say("With photo"), "without": say("Without photo")},
        "came_by": {how.value: names.came_by(how.value) for how in CAME_BY_NAMES},
    }


LABELS = {
    "text": mark("Number or words"),
    "state": mark("State"),
    "team": mark("Assigned to"),
    "category": mark("Kind"),
    "area": mark("District"),
    "priority": mark("Priority"),
    "overdue": mark("Due day"),
    "age": mark("Age"),
    "photo": mark("Photo"),
    "department": mark("Department"),
    "road": mark("Road"),
    "came_by": mark("How it came"),
    "since": mark("From"),
    "until": mark("To"),
}
"""The names of the fields on the page."""


def described(
    chosen: Chosen, offered: Mapping[str, Mapping[str, str]], language: str
) -> list[tuple[str, str]]:
    """Return the names of the fields that narrow, and their values, in words."""
    return [
        (words.CATALOGUE.text(language, label), offered.get(name, {}).get(value, value))
        for name, label in LABELS.items()
        if (value := chosen.fields[name])
    ]
