"""The rows of the list of reports, in words.

A page has fifty rows of the same few names. So each name is looked up once, and the template only
puts the words into their places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from sqlmodel import col

from console.report_filters import ListNames
from reports.models import CameBy, Photo, Report
from reports.names import priority_names
from reports.states import ReportState

MOST_WORDS, MOST_ADDRESS = 60, 50

COLUMNS = tuple(
    map(
        col,
        (
            *(Report.id, Report.number, Report.category, Report.department, Report.state),
            *(Report.address, Report.area, Report.road, Report.description, Report.japanese),
            *(Report.came_by, Report.reporters, Report.team_id, Report.priority, Report.due_on),
            *(Report.created_at, Report.updated_at, Report.case_id),
        ),
    )
)
"""What a row shows of a report; nothing else is read."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One case of the list.

    Parameters
    ----------
    pick
        Its number and its last change, as the form sends them back.
    photo
        The id of its first photo; None if it has none.
    more
        How many people reported it besides the first.
    came
        When it came, in words; ``came_at`` in ISO 8601.
    how
        How it came; empty for LINE.
    joined
        The numbers of the reports that were joined to it.
    due
        Its due day in words; empty if it has none.
    """

    number: str
    pick: str
    photo: int | None
    more: int
    came: str
    came_at: str
    how: str
    kind: str
    words: str
    area: str
    place: str
    joined: str
    colour: str
    state: str
    who: str
    priority: int
    priority_name: str
    due: str
    late: bool


def rows_of(
    found: Sequence[Report],
    photos: Mapping[int, Photo],
    joined: Mapping[int, Sequence[str]],
    names: ListNames,
    today: date,
) -> list[ListRow]:
    """Return the rows of some reports, of which :data:`COLUMNS` were read."""
    states = {state: state.staff_name(names.language) for state in ReportState}
    priorities = priority_names(names.language)
    how = {each: names.came_by(each) for each in CameBy} | {CameBy.LINE: ""}
    day = cache(names.day)
    rows = []
    for report in found:
        due, state = report.due_on, report.state
        photo = photos.get(report.id or 0)
        rows.append(
            ListRow(
                number=report.number,
                pick=f"{report.number} {report.updated_at.isoformat()}",
                photo=photo.id if photo is not None else None,
                more=max(0, report.reporters - 1),
                came=names.came(report.created_at, today),
                came_at=report.created_at.isoformat(timespec="minutes"),
                how=how[report.came_by],
                kind=names.category(report.category),
                words=(report.japanese or report.description)[:MOST_WORDS],
                area=names.area(report.area),
                place=f"{report.address[:MOST_ADDRESS]} {report.road}".strip(),
                joined=" ".join(joined.get(report.id or 0, ())),
                colour=state.facts.colour,
                state=states[state],
                who=names.team(report.team_id) or names.department(report.department),
                priority=report.priority,
                priority_name=priorities.get(report.priority, str(report.priority)),
                due="" if due is None else day(due, today),
                late=due is not None and state.is_open and due < today,
            )
        )
    return rows
