"""Rows of a large city's disaster: households that answered, the record, tasks, a call-up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.scale_rows import STAFF, Row, Writer
from city.city import City
from response.cases import urgency_of
from response.models import (
    CalledMember,
    CallUp,
    CaseState,
    CheckIn,
    Condition,
    DisasterMode,
    HouseholdAnswer,
    HouseholdCase,
    HouseholdNeed,
    Need,
    RecordEntry,
    ShelterState,
    ShelterStatus,
    StaffMember,
    Task,
    Whereabouts,
)

LASTED = timedelta(days=3)
"""How long the disaster has been on."""


@dataclass(frozen=True)
class Counts:
    """How many rows of each kind; of each site one state."""

    households: int
    check_ins: int
    record: int
    tasks: int
    staff: int


def fill(
    writer: Writer,
    city: City,
    shelters: list[str],
    counts: Counts,
    now: datetime,
    said: Callable[[str, int], None],
) -> None:
    """Write a disaster that is on for real. Residents must be there already.

    ``said`` is called with each table's name and how many rows it got.
    """
    drawn = _Drawn(city, shelters, counts, now, writer)
    for model, rows in (
        (DisasterMode, drawn.mode()),
        (ShelterStatus, drawn.sites()),
        (HouseholdAnswer, drawn.answers()),
        (HouseholdNeed, drawn.needs()),
        (HouseholdCase, drawn.cases()),
        (CheckIn, drawn.check_ins()),
        (RecordEntry, drawn.record()),
        (Task, drawn.tasks()),
        (StaffMember, drawn.staff()),
        (CallUp, drawn.call_up()),
        (CalledMember, drawn.called()),
    ):
        said(str(model.__tablename__), writer.write(model, rows))
    writer.finish((HouseholdAnswer, HouseholdCase, RecordEntry, Task, StaffMember, CallUp))


class _Drawn:
    def __init__(
        self, city: City, shelters: list[str], counts: Counts, now: datetime, writer: Writer
    ) -> None:
        self.dice = random.Random(4)
        self.city = city
        self.shelters = shelters
        self.counts = counts
        self.now = now
        found = writer.read("SELECT id FROM residents ORDER BY id LIMIT 200000")
        self.people = [int(number) for (number,) in found]
        self.districts = [district.code for district in city.districts]
        self.departments = [each.code for each in city.departments]
        households = min(counts.households, len(self.people))
        self.said = [
            (resident, self.dice.choice(list(Condition)), self.dice.choice([None, *Need]))
            for resident in self.dice.sample(self.people, households)
        ]

    def _moment(self, number: int, of: int) -> datetime:
        return self.now - LASTED * ((of - number) / max(1, of))

    def mode(self) -> Iterator[Row]:
        yield {"drill": False, "began_at": self.now - LASTED, "began_by": STAFF[0]}

    def sites(self) -> Iterator[Row]:
        for shelter in self.shelters:
            yield {
                "shelter": shelter,
                "drill": False,
                "state": self.dice.choice(list(ShelterState)),
                "heads": self.dice.randrange(400),
                "changed_at": self.now,
                "changed_by": STAFF[0],
            }

    def answers(self) -> Iterator[Row]:
        for number, (resident, condition, _) in enumerate(self.said, start=1):
            at = self._moment(number, len(self.said))
            whereabouts = self.dice.choice(list(Whereabouts))
            yield {
                "id": number,
                "resident_id": resident,
                "origin": f"filled:{number}",
                "told_ms": int(at.timestamp() * 1000),
                "newest": True,
                "drill": False,
                "condition": condition,
                "people": self.dice.randrange(1, 7),
                "whereabouts": whereabouts,
                "area": self.dice.choice(self.districts),
                "shelter": self.dice.choice(self.shelters)
                if whereabouts is Whereabouts.SHELTER
                else None,
                "told_at": at,
                "changed_at": at,
            }

    def needs(self) -> Iterator[Row]:
        for number, (_, _, need) in enumerate(self.said, start=1):
            if need is not None:
                yield {"answer_id": number, "need": need}

    def cases(self) -> Iterator[Row]:
        for number, (resident, condition, need) in enumerate(self.said, start=1):
            at = self._moment(number, len(self.said))
            urgency = urgency_of(condition, [need] if need else [], says_more=False)
            waits = self.dice.choice((CaseState.OPEN, CaseState.TAKEN, CaseState.DONE))
            yield {
                "resident_id": resident,
                "drill": False,
                "state": waits if urgency else CaseState.NOTHING,
                "urgency": urgency,
                "since": at,
                "person": self.dice.choice(STAFF) if waits is CaseState.TAKEN else "",
                "changed_at": at,
            }

    def check_ins(self) -> Iterator[Row]:
        number = min(self.counts.check_ins, len(self.people))
        for place, resident in enumerate(self.dice.sample(self.people, number)):
            at = self._moment(place, number)
            yield {
                "resident_id": resident,
                "shelter": self.dice.choice(self.shelters),
                "drill": False,
                "in_at": at,
                "out_at": None if self.dice.random() < 0.6 else self.now,
            }

    def record(self) -> Iterator[Row]:
        for number in range(1, self.counts.record + 1):
            at = self._moment(number, self.counts.record)
            yield {
                "at": at,
                "entered_at": at,
                "drill": False,
                "kind": "line",
                "text": f"{number}件目：南側の道路が冠水していると消防から連絡があった。",
                "actor": self.dice.choice(STAFF),
                "department": self.dice.choice(self.departments),
            }

    def tasks(self) -> Iterator[Row]:
        for number in range(1, self.counts.tasks + 1):
            at = self._moment(number, self.counts.tasks)
            yield {
                "drill": False,
                "title": "給水車を1台回してください",
                "to_department": self.dice.choice(self.departments),
                "due_at": at + timedelta(hours=2),
                "origin": f"filled:{number}",
                "created_by": STAFF[0],
                "created_at": at,
                "changed_at": at,
            }

    def staff(self) -> Iterator[Row]:
        for number in range(1, self.counts.staff + 1):
            yield {
                "id": number,
                "name": f"職員{number:04}",
                "department": self.dice.choice(self.departments),
                "mail": f"member{number:04}@city.example",
                "added_at": self.now - LASTED,
                "changed_at": self.now - LASTED,
            }

    def call_up(self) -> Iterator[Row]:
        yield {
            "id": 1,
            "drill": False,
            "words": "震度6弱。本庁舎に集まってください。",
            "began_at": self.now - LASTED,
            "began_by": STAFF[0],
        }

    def called(self) -> Iterator[Row]:
        for number in range(1, self.counts.staff + 1):
            yield {"call_up_id": 1, "member_id": number, "called_at": self.now - LASTED}
