"""What the page of one case shows, read at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, Owner
from console import answer_form, case_history
from console.case_history import Step
from console.case_links import links_of
from console.order_words import OUTCOMES, used_words
from console.report_names import Names
from console.web import Missing, Visit
from core.clock import in_japan
from core.languages import mark
from reports import (
    answer_words,
    cases,
    due,
    orders,
    places,
    questions,
    register,
    states,
    teams,
    told_office,
    verdicts,
)
from reports.cases import Suggestion
from reports.kinds import city_now
from reports.members import joined_to, leader_of
from reports.models import Photo, PhotoRole, Report, ReportUpdate, Team
from reports.names import priority_names
from reports.states import ReportState
from reports.told_office import Telling

MOST_PHOTOS = 60
WAY_NAMES = {"line": "LINE", "mail": mark("Mail"), "chat": mark("Chat")}
MESSAGE_STATES = {
    "waiting": mark("on its way"),
    "trying": mark("on its way"),
    "sent": mark("sent"),
    "failed": mark("failed"),
    "stopped": mark("stopped"),
}


@dataclass(frozen=True)
class Shown:
    """A photo, and the report that it came with."""

    photo: Photo
    number: str

    @property
    def address(self) -> str:
        return f"/console/reports/{self.number}/photos/{self.photo.id}"


@dataclass(frozen=True)
class Told:
    """What one report of a case says: its words, and the answers to the kind's questions."""

    report: Report
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CaseView:
    """All that the page shows, apart from what residents are told.

    Parameters
    ----------
    report
        The report of the page's address.
    leader
        Of its case; the same one if the report leads.
    members
        The reports joined to it, the oldest first.
    before, after
        A photo from before the work and one from after it, side by side; None without the latter.
    states
        Those that may follow.
    overdue
        By how many working days; 0 if it is not.
    """

    report: Report
    leader: Report
    members: tuple[Report, ...]
    photos: tuple[Shown, ...]
    before: Shown | None
    after: Shown | None
    told: tuple[Told, ...]
    steps: tuple[Step, ...]
    tellings: tuple[Telling, ...]
    similar: tuple[Suggestion, ...]
    states: tuple[ReportState, ...]
    team: Team | None
    teams: tuple[Team, ...]
    owner: Owner | None
    place_name: str
    overdue: int
    city: City

    @property
    def waits_for_a_look(self) -> bool:
        """Whether nobody has opened it, or nobody since the office was told of something."""
        return self.report.opened_at is None or any(
            one.heard.opened_at is None for one in self.tellings
        )

    @property
    def leads(self) -> bool:
        return self.report.case_id is None

    @property
    def likely(self) -> list[Suggestion]:
        """The cases that are suggested to be the same."""
        return [one for one in self.similar if one.is_likely and self.report.state.is_open]

    @property
    def near(self) -> list[Suggestion]:
        likely = {one.report.id for one in self.likely}
        return [one for one in self.similar if one.report.id not in likely]


async def report_of(session: AsyncSession, number: str) -> Report:
    """Return a report.

    Raises
    ------
    Missing
        There is none.
    """
    try:
        return await register.get_report(session, number)
    except register.UnknownReport as error:
        raise Missing from error


async def view(session: AsyncSession, visitor: Visit, number: str) -> CaseView:
    """Read a case.

    Raises
    ------
    Missing
        There is no such report.
    """
    context, language = visitor.context, visitor.language
    report = await report_of(session, number)
    city = await city_now(session, context.city)
    leader = await leader_of(session, report)
    members = await joined_to(session, leader)
    shown_reports = [report, *members] if report.case_id is None else [report]
    photos = await photos_of(session, shown_reports)
    updates = await _updates(session, shown_reports)
    names = Names(city, language)
    today = in_japan(context.clock.now()).date()
    return CaseView(
        report=report,
        leader=leader,
        members=tuple(members),
        photos=tuple(photos),
        before=_before(photos),
        after=_after(photos),
        told=tuple(
            Told(one, tuple(questions.shown(city.kind(one.category), one.attributes, language)))
            for one in shown_reports
        ),
        steps=tuple(
            case_history.history(updates, names, language, numbers=_numbers(shown_reports))
        ),
        tellings=tuple(await told_office.of_case(session, report)),
        similar=tuple(await cases.similar(session, report, context.clock.now())),
        states=tuple(one for one in ReportState if states.may_follow(report.state, one)),
        team=await session.get(Team, report.team_id) if report.team_id else None,
        teams=tuple(await teams.to_assign(session, report.department)),
        owner=city.owner(report.owner),
        place_name=_place_name(visitor, report),
        overdue=_overdue(report, today),
        city=city,
    )


def _overdue(report: Report, today: date) -> int:
    if not due.is_overdue(report, today) or report.due_on is None:
        return 0
    return max(1, due.working_days_between(report.due_on, today))


def _place_name(visitor: Visit, report: Report) -> str:
    """Return the address or landmark nearest to a report, if it says no address itself."""
    if report.place is None:
        return ""
    gazetteer = visitor.request.app.state.folder.places
    return places.name_near(gazetteer, report.place, visitor.language)


async def photos_of(session: AsyncSession, reports: list[Report]) -> list[Shown]:
    """Return the photos of reports, in their order, then in that of the photos."""
    order = {report.id: place for place, report in enumerate(reports) if report.id is not None}
    numbers = {report.id: report.number for report in reports}
    found = await register.photos_of_all(session, list(order), MOST_PHOTOS)
    found.sort(key=lambda photo: (order[photo.report_id], photo.id))
    return [Shown(photo, numbers[photo.report_id]) for photo in found]


def _after(photos: list[Shown]) -> Shown | None:
    made = [one for one in photos if one.photo.role is PhotoRole.AFTER]
    return made[-1] if made else None


def _before(photos: list[Shown]) -> Shown | None:
    """Return the photo to compare with: the office's own, else the resident's from near."""
    if _after(photos) is None:
        return None
    for role in (PhotoRole.BEFORE, PhotoRole.NEAR, PhotoRole.FAR, PhotoRole.LATER):
        found = [one for one in photos if one.photo.role is role]
        if found:
            return found[0]
    return None


async def what_happened(
    session: AsyncSession, visitor: Visit, report: Report, seen: str
) -> list[Step]:
    """Return what others did with a report since somebody saw it (ISO form), the newest first."""
    joined = await joined_to(session, report)
    later = [
        one
        for one in await _updates(session, [report, *joined])
        if one.created_at.isoformat() > seen and set(one.changes) != {"turned"}
    ]
    names = Names(await city_now(session, visitor.context.city), visitor.language)
    numbers = _numbers([report, *joined])
    return case_history.history(later, names, visitor.language, numbers=numbers)


async def _updates(session: AsyncSession, reports: Sequence[Report]) -> list[ReportUpdate]:
    """Return a case's life, the oldest step first: of joined reports what residents say later."""
    own, *joined = reports
    updates = await register.updates_of(session, own.id or 0)
    if joined:
        ids = [one.id for one in joined]
        query = select(ReportUpdate).where(
            col(ReportUpdate.report_id).in_(ids), col(ReportUpdate.added) != ""
        )
        updates = sorted(
            [*updates, *await session.scalars(query)], key=lambda one: (one.created_at, one.id)
        )
    return updates


def _numbers(reports: Sequence[Report]) -> dict[int, str]:
    return {one.id: one.number for one in reports[1:] if one.id is not None}


async def values(session: AsyncSession, visitor: Visit, shown: CaseView) -> dict[str, Any]:
    """Return what the template needs besides the view."""
    language, report = visitor.language, shown.report
    names = Names(shown.city, language)
    return {
        "case": shown,
        "report": report,
        "names": names,
        "history": case_history,
        "priorities": priority_names(language),
        "why": case_history.why_priority(report, language),
        "meanings": {
            step.update.id: answer_words.meaning(step.update.answer, language)
            for step in shown.steps
            if step.update.answer and report.language != language
        },
        "orders": [
            (order, stop.item, OUTCOMES[stop.item.outcome], used_words(stop.used, language))
            for order, stop in await orders.of_report(session, shown.leader.id or 0)
        ],
        "way_names": WAY_NAMES,
        "message_states": MESSAGE_STATES,
        "case_links": links_of(visitor, shown.leader.number),
        "verdicts": await verdicts.of_case(session, shown.leader),
        "answer_fields": await answer_form.fields(
            session, visitor, report, [one.photo for one in shown.photos]
        ),
    }
