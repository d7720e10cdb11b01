"""Names and colours of reports on staff's pages: kinds, departments, owners, districts, states."""

from __future__ import annotations

from city.city import City, name_in
from public.map_data import COLOURS
from reports.states import ReportState


class Names:
    """Names of categories, departments and districts in the language of the visitor."""

    def __init__(self, city: City, language: str) -> None:
        self.categories = {c.code: name_in(c.names, language) for c in city.report_categories}
        self.departments = {d.code: name_in(d.names, language) for d in city.departments}
        self.offices = {one.code: name_in(one.names, language) for one in city.owners}
        self.owners = {
            one.code: f"{self.offices[one.code]} {one.phone}".strip() for one in city.owners
        }
        self.areas = {d.code: name_in(d.names, language) for d in city.districts}

    def category(self, code: str) -> str:
        return self.categories.get(code, code)

    def department(self, code: str) -> str:
        return self.departments.get(code, code)

    def office(self, code: str) -> str:
        return self.offices.get(code, code)

    def area(self, code: str | None) -> str:
        return self.areas.get(code or "", code or "–")


def map_colour(state: ReportState) -> str:
    """Return the colour of a report on a map (docs/maps.md)."""
    return COLOURS.get(state.facts.colour, state.facts.colour)
