"""A newcomer's first day: a tour through the console, page by page. Only in the demo.

Where each person is stands in ``app.state.tours``, a number by account, which only the demo has and
which ends with it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

from fastapi import Request

from console.access import Permission, may
from console.models import Staff
from core.languages import mark

ENDED = -1


@dataclass(frozen=True)
class Step:
    """One page of the tour; ``title`` and ``text`` are messages of the catalogue."""

    address: str
    title: str
    text: str
    permission: Permission = Permission.LOOK


STEPS = (
    Step(
        "/console/",
        mark("Now"),
        mark(
            "Every day begins here: what is in force on the map, what is being sent, and what "
            "waits for you. The menu has the rest."
        ),
    ),
    Step(
        "/console/alerts",
        mark("Write an alert"),
        mark(
            "Begin with DRILL: its band stays striped to the end. Choose a topic, a level and "
            "districts, fill in ready words, and go on to check. A colleague confirms, then it "
            "is sent."
        ),
        Permission.ALERTS,
    ),
    Step(
        "/console/held",
        mark("Held notices"),
        mark(
            "What no rule sends by itself waits here for a person: send it, change it first, or "
            "let it be."
        ),
    ),
    Step(
        "/console/rules",
        mark("Rules"),
        mark(
            "Here is why a warning of the Meteorological Agency goes out at 3 a.m. without "
            "anybody at the desk, and what does not."
        ),
    ),
    Step(
        "/console/disaster",
        mark("Disaster mode"),
        mark(
            "Switch on a drill for staff only: evacuation sites, people and the running record "
            "then show the drill. No resident sees it."
        ),
        Permission.RESPONSE,
    ),
    Step(
        "/console/reports",
        mark("Reports"),
        mark(
            "Residents' photos of broken roads. Open the morning's intake and decide the first "
            "one: whoever reported it is told in their language."
        ),
    ),
    Step(
        "/console/questions",
        mark("Questions"),
        mark(
            "What residents asked and nobody had an answer to. Answer once, and the next who "
            "ask are told."
        ),
        Permission.QUESTIONS,
    ),
    Step(
        "/console/audit",
        mark("Audit trail"),
        mark("All that you did on this tour stands here, and nobody can take it out."),
        Permission.AUDIT,
    ),
    Step(
        "/console/account",
        mark("Your account"),
        mark(
            "Choose a password of your own and one-time codes. Then play the rainstorm on the "
            "demo's page, and see the warnings arrive on the phone."
        ),
    ),
)


@dataclass(frozen=True)
class Tour:
    """Where somebody is. ``at`` counts from 0; with :data:`ENDED` only the way back is shown."""

    at: int
    steps: tuple[Step, ...]

    @property
    def step(self) -> Step | None:
        return None if self.at == ENDED else self.steps[min(self.at, len(self.steps) - 1)]

    @property
    def next(self) -> Step | None:
        return self.steps[self.at + 1] if 0 <= self.at < len(self.steps) - 1 else None


def tour_of(request: Request, staff: Staff | None) -> Tour | None:
    """Return the tour of somebody who is signed in to the demo."""
    kept = _kept(request)
    if kept is None or staff is None or staff.id is None:
        return None
    steps = tuple(step for step in STEPS if may(staff.roles, step.permission))
    return Tour(kept.get(staff.id, 0), steps)


def go_to(request: Request, staff: Staff, wanted: int | None) -> str | None:
    """Go to a step, or end the tour (None); return the page to open, or None without a tour."""
    tour, kept = tour_of(request, staff), _kept(request)
    if tour is None or kept is None or staff.id is None:
        return None
    if wanted is None:
        kept[staff.id] = ENDED
        return ""
    kept[staff.id] = max(0, min(wanted, len(tour.steps) - 1))
    return tour.steps[kept[staff.id]].address


def _kept(request: Request) -> MutableMapping[int, int] | None:
    return getattr(request.app.state, "tours", None)
