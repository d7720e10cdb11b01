"""Who of those called answered what, as the desk sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from response import staff_messages
from response.call_ups import about_of
from response.models import (
    CalledMember,
    CallUp,
    StaffAnswer,
    StaffMember,
    StaffMessageState,
    StaffWay,
)
from response.staff_messages import Outcome


class Person(NamedTuple):
    """Who was called."""

    id: int
    name: str
    team: str
    department: str


class Called(NamedTuple):
    """What they said; see :class:`response.models.CalledMember`."""

    member_id: int
    answer: StaffAnswer | None
    minutes: int | None
    answered_at: datetime | None
    answered_by: str
    asked: int


@dataclass(frozen=True)
class Line:
    """One member of staff in the table of a call-up.

    ``line`` and ``mail`` are what became of the newest message by that way; None if it is not used.
    """

    member: Person
    called: Called
    line: Outcome | None = None
    mail: Outcome | None = None

    @property
    def messages(self) -> tuple[Outcome, ...]:
        return tuple(each for each in (self.line, self.mail) if each is not None)

    @property
    def reached(self) -> bool:
        """Whether LINE or the mail server took it, or they answered anyway."""
        taken = any(each.state is StaffMessageState.SENT for each in self.messages)
        return taken or self.called.answer is not None

    @property
    def due_at(self) -> datetime | None:
        """When they said that they would be there."""
        called = self.called
        if called.minutes is None or called.answered_at is None:
            return None
        return called.answered_at + timedelta(minutes=called.minutes)


@dataclass(frozen=True)
class Counts:
    """Heads by what they said."""

    called: int = 0
    reached: int = 0
    coming: int = 0
    at_office: int = 0
    safe: int = 0
    cannot: int = 0

    @property
    def silent(self) -> int:
        """Those who have not answered."""
        return self.called - self.coming - self.at_office - self.safe - self.cannot

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Counts:
        said = Counter((each.called.answer, each.reached) for each in lines)
        number = Counter[StaffAnswer | None]()
        for (answer, _), count in said.items():
            number[answer] += count
        return cls(
            called=said.total(),
            reached=sum(count for (_, reached), count in said.items() if reached),
            coming=number[StaffAnswer.COMING],
            at_office=number[StaffAnswer.AT_OFFICE],
            safe=number[StaffAnswer.SAFE],
            cannot=number[StaffAnswer.CANNOT],
        )


@dataclass(frozen=True)
class Table:
    """A call-up as the desk sees it: heads, then departments with their people."""

    call_up: CallUp
    counts: Counts
    departments: dict[str, list[Line]] = field(default_factory=dict)

    @property
    def by_department(self) -> dict[str, Counts]:
        return {code: Counts.of(lines) for code, lines in self.departments.items()}


async def table(session: AsyncSession, call_up_id: int) -> Table | None:
    """Return the table of a call-up; None if there is none with this number."""
    call_up = await session.get(CallUp, call_up_id)
    if call_up is None:
        return None
    # Plain columns: of a thousand members, making objects takes longer than reading.
    found = await session.execute(
        select_rows(*_columns(StaffMember, Person), *_columns(CalledMember, Called))
        .join(CalledMember, col(CalledMember.member_id) == col(StaffMember.id))
        .where(col(CalledMember.call_up_id) == call_up_id)
        .order_by(col(StaffMember.department), col(StaffMember.name), col(StaffMember.id))
    )
    messages = await staff_messages.outcomes(session, about_of(call_up_id))
    lines = []
    width = len(Person._fields)
    for row in found:
        member, called = Person(*row[:width]), Called(*row[width:])
        theirs = messages.get(called.member_id, {})
        lines.append(Line(member, called, theirs.get(StaffWay.LINE), theirs.get(StaffWay.MAIL)))
    departments: dict[str, list[Line]] = {}
    for line in lines:
        departments.setdefault(line.member.department, []).append(line)
    return Table(call_up, Counts.of(lines), departments)


def _columns(model: type[Any], fields: type[NamedTuple]) -> list[Any]:
    return [col(getattr(model, name)) for name in fields._fields]


async def heads(session: AsyncSession, call_up_ids: Sequence[int]) -> dict[int, Counts]:
    """Return how many answered what, by call-up, for a list; ``reached`` is not counted."""
    found = await session.execute(
        select_rows(col(CalledMember.call_up_id), col(CalledMember.answer), func.count())
        .where(col(CalledMember.call_up_id).in_(call_up_ids))
        .group_by(col(CalledMember.call_up_id), col(CalledMember.answer))
    )
    numbers: dict[int, dict[StaffAnswer | None, int]] = {}
    for call_up_id, said, count in found:
        numbers.setdefault(call_up_id, {})[said] = count
    return {
        call_up_id: Counts(
            called=sum(said.values()),
            coming=said.get(StaffAnswer.COMING, 0),
            at_office=said.get(StaffAnswer.AT_OFFICE, 0),
            safe=said.get(StaffAnswer.SAFE, 0),
            cannot=said.get(StaffAnswer.CANNOT, 0),
        )
        for call_up_id, said in numbers.items()
    }
