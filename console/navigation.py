"""The pages that the console's navigation names, in sections, in one table.

A page that is not listed is reached from one that is.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.access import Permission
from core.languages import mark


@dataclass(frozen=True)
class Entry:
    """One page. ``name`` is a message of the catalogue."""

    address: str
    name: str
    permission: Permission = Permission.LOOK
    others: tuple[str, ...] = ()
    """Addresses of pages that this one leads to and that are not below it."""

    def holds(self, path: str) -> bool:
        """Whether ``path`` is this page, one below it or one of its others."""
        if self.address.endswith("/"):
            return path == self.address
        return any(
            path == address or path.startswith(f"{address}/")
            for address in (self.address, *self.others)
        )


@dataclass(frozen=True)
class Section:
    """Pages of one kind of work. Its first page that somebody may see opens it."""

    name: str
    entries: tuple[Entry, ...]

    def holds(self, path: str) -> bool:
        return any(entry.holds(path) for entry in self.entries)


SECTIONS = (
    Section(mark("Now"), (Entry("/console/", mark("Now")),)),
    Section(
        mark("Alerts"),
        (
            Entry("/console/alerts", mark("Alerts")),
            Entry("/console/held", mark("Held")),
            Entry("/console/rules", mark("Rules")),
            Entry("/console/rehearsal", mark("Rehearsal")),
            Entry("/console/templates", mark("Templates"), Permission.ALERTS),
        ),
    ),
    Section(
        mark("Disaster"),
        (
            Entry("/console/disaster", mark("Disaster mode"), Permission.RESPONSE),
            Entry("/console/shelters", mark("Evacuation sites"), Permission.RESPONSE),
            Entry("/console/lifelines", mark("Lifelines"), Permission.RESPONSE),
            Entry("/console/people", mark("People")),
            Entry("/console/dangers", mark("Dangers"), Permission.PEOPLE),
            Entry("/console/tasks", mark("Tasks")),
            Entry("/console/record", mark("Running record"), Permission.RESPONSE),
            Entry("/console/lalert", mark("Sheet for L-Alert"), Permission.RESPONSE),
            Entry("/console/call-up", mark("Call-up of staff"), Permission.RESPONSE),
        ),
    ),
    Section(
        mark("Reports"),
        (
            Entry("/console/reports", mark("Reports")),
            Entry("/console/orders", mark("Work orders")),
            Entry("/console/answers", mark("Answers to reports"), Permission.REPORTS),
            Entry("/console/report-alarms", mark("Who hears of new reports"), Permission.REPORTS),
            Entry("/console/entry", mark("Enter a report"), Permission.REPORTS),
            Entry(
                "/console/kinds",
                mark("Kinds of reports"),
                others=("/console/new-kind", "/console/danger-words"),
            ),
            Entry("/console/forwards", mark("Other offices")),
            Entry("/console/teams", mark("Teams and contractors"), Permission.REPORTS),
            Entry("/console/release", mark("Photos to release"), Permission.REPORTS),
            Entry("/console/report-statistics", mark("Figures")),
        ),
    ),
    Section(
        mark("News"),
        (
            Entry("/console/news", mark("News")),
            Entry("/console/surveys", mark("Surveys")),
            Entry("/console/news-calendar", mark("Calendar")),
        ),
    ),
    Section(
        mark("Questions"),
        (
            Entry("/console/questions", mark("Questions"), Permission.QUESTIONS),
            Entry("/console/chat", mark("Chat with residents"), Permission.CHAT),
        ),
    ),
    Section(
        mark("Office"),
        (
            Entry("/console/figures", mark("Figures of the service"), Permission.FIGURES),
            Entry("/console/words", mark("The city's own words")),
            Entry("/console/feeds", mark("Sources")),
            Entry("/console/audit", mark("Audit"), Permission.AUDIT),
            Entry("/console/staff", mark("Staff"), Permission.STAFF),
            Entry("/console/moving-in", mark("Moving in"), Permission.STAFF),
            Entry("/console/webhooks", mark("Webhooks"), Permission.STAFF),
        ),
    ),
)
"""In the order of the page's head: the urgent first."""
