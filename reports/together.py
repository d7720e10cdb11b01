"""One act for several cases: each goes through the same door as one alone, or is named as left out.

:func:`looked_at` says beforehand what would become of each case and who would hear what;
:func:`do` does it. A case that somebody changed meanwhile, or that the act does not fit, is left as
it is, with its reason; the others are done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City
from core.errors import BadInput, Refusal
from core.languages import mark
from reports import answers, cases, states, work
from reports.answers import Answer, Means, Preview
from reports.cases import Joined
from reports.models import Report
from reports.reasons import reason
from reports.register import UnknownReport, get_report
from reports.states import ReportState
from reports.work import KEEP, Change, Changed

MOST_TOGETHER = 100
SILENT = mark("Nobody would hear of the new state. Choose words, or say why not.")


class Act(StrEnum):
    ASSIGN = "assign"
    ANSWER = "answer"
    STATE = "state"
    JOIN = "join"


@dataclass(frozen=True)
class Pick:
    """A case that somebody marked, as they saw it (``updated_at`` in ISO form)."""

    number: str
    seen: str


@dataclass(frozen=True, kw_only=True)
class Together:
    """What is to be done with the marked cases.

    Parameters
    ----------
    to_team
        Whether the team is changed; ``team_id`` None is then nobody.
    answer
        What residents are told; by itself, what the new state says.
    """

    act: Act
    picks: tuple[Pick, ...]
    department: str = ""
    team_id: int | None = None
    to_team: bool = False
    state: ReportState | None = None
    reason: str = ""
    answer: Answer = field(default_factory=Answer)

    @property
    def change(self) -> Change:
        return Change(
            state=self.state,
            reason=self.reason,
            department=self.department,
            team_id=self.team_id if self.to_team else KEEP,
        )

    def changes(self, report: Report) -> bool:
        """Whether assigning, or setting a state, can change something of a case."""
        if self.state is not None:
            return report.state is not self.state and states.may_follow(report.state, self.state)
        if self.to_team:
            return report.team_id != self.team_id
        return report.department != self.department


@dataclass(frozen=True)
class Looked:
    """A marked case before the act.

    Parameters
    ----------
    report
        The case; None if it is no longer there.
    problem
        Why it would be left out; None if it would not.
    """

    number: str
    report: Report | None = None
    preview: Preview | None = None
    problem: BadInput | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of the marked cases: done with how many told, or left out and why; ``changed``
    are those of which something was changed.
    """

    done: tuple[str, ...]
    left_out: tuple[tuple[str, BadInput], ...]
    told: int = 0
    changed: tuple[work.Changed, ...] = ()


async def looked_at(
    session: AsyncSession, city: City, together: Together, *, now: datetime
) -> list[Looked]:
    """Return what the act would do with each case; nothing is changed."""
    found = []
    for pick in together.picks[:MOST_TOGETHER]:
        try:
            report = await get_report(session, pick.number)
        except UnknownReport as missing:
            found.append(Looked(pick.number, problem=missing))
            continue
        problem = _problem(report, pick, together)
        preview = None
        if problem is None and together.act in (Act.ANSWER, Act.STATE):
            preview = await answers.preview(
                session, city, report, together.state, together.answer, now=now
            )
            problem = preview.problem
            if preview.is_silent:
                problem = Refusal(SILENT)
        elif problem is None and together.act is Act.JOIN:
            preview = await answers.preview(
                session, city, report, ReportState.DUPLICATE, Answer(), now=now
            )
        found.append(Looked(pick.number, report, preview, problem))
    return found


def _problem(report: Report, pick: Pick, together: Together) -> BadInput | None:
    if pick.seen != report.updated_at.isoformat():
        return BadInput(reason("report.changed"))
    after = together.state
    if after is not None and not states.may_follow(report.state, after):
        return BadInput(reason("report.state"))
    if together.act is Act.JOIN and not report.state.is_open:
        return BadInput(reason("report.join-ended"))
    return None


async def do(
    session: AsyncSession,
    means: Means,
    city: City,
    together: Together,
    *,
    by: str,
    now: datetime,
) -> Outcome:
    """Do the act with each case, in the caller's transaction; what does not fit is left out."""
    if together.act is Act.JOIN:
        await cases.turn(session)
    found = await work.hold(session, [pick.number for pick in together.picks])
    if together.act is Act.JOIN:
        return await _join(session, means, city, together, found, by=by, now=now)
    done: list[str] = []
    left_out: list[tuple[str, BadInput]] = []
    told, all_changed = 0, list[work.Changed]()
    for pick in together.picks[:MOST_TOGETHER]:
        try:
            async with session.begin_nested():
                changed, hearers = await _one(session, means, city, together, pick, by=by, now=now)
            told += hearers
            all_changed.append(changed)
            done.append(pick.number)
        except BadInput as problem:
            left_out.append((pick.number, problem))
    return Outcome(tuple(done), tuple(left_out), told, tuple(all_changed))


async def _one(
    session: AsyncSession,
    means: Means,
    city: City,
    together: Together,
    pick: Pick,
    *,
    by: str,
    now: datetime,
) -> tuple[work.Changed, int]:
    changed = await work.change(
        session, city, pick.number, together.change, by=by, now=now, seen=pick.seen
    )
    if together.act is Act.ASSIGN:
        return changed, 0
    told = await answers.tell(session, means, city, changed, together.answer, by=by, now=now)
    return changed, told.told


async def _join(
    session: AsyncSession,
    means: Means,
    city: City,
    together: Together,
    found: Mapping[str, Report],
    *,
    by: str,
    now: datetime,
) -> Outcome:
    """Join the cases into one; the residents of those that join hear that it is the same."""
    left_out: list[tuple[str, BadInput]] = []
    fitting: list[str] = []
    for pick in together.picks[:MOST_TOGETHER]:
        report = found.get(pick.number)
        if report is None:
            left_out.append((pick.number, BadInput(reason("report.missing", number=pick.number))))
        elif (problem := _problem(report, pick, together)) is not None:
            left_out.append((pick.number, problem))
        else:
            fitting.append(pick.number)
    done: list[str] = []
    told, leader = 0, fitting[0] if fitting else ""
    for number in fitting[1:]:
        try:
            async with session.begin_nested():
                joined = await cases.join(session, city, leader, number, by=by, now=now)
                told += await tell_joined(session, means, city, joined, by=by, now=now)
        except BadInput as problem:
            left_out.append((number, problem))
            continue
        done += [each for each in (leader, number) if each not in done]
        leader = joined.leader.number
    return Outcome(tuple(done), tuple(left_out), told)


async def tell_joined(
    session: AsyncSession,
    means: Means,
    city: City,
    joined: Joined,
    *,
    by: str,
    now: datetime,
) -> int:
    """Tell the residents of a report that was joined to another; return how many.

    Nobody is told where the office took its words for that out; the trail says so.
    """
    changed = Changed(joined.joined[0], joined.before, ReportState.DUPLICATE, ())
    told = await answers.tell_by_itself(session, means, city, changed, by=by, now=now)
    return told.told
