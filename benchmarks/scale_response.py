"""Rows of a large city's disaster: households that answered, dangers, sites, tasks, a call-up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.bulk_rows import Row, Writer
from benchmarks.scale_rows import STAFF
from city.city import City
from public.models import AskedQuestion
from reports.models import Danger, Triage
from response.cases import urgency_of
from response.lifelines import STATES_OF
from response.models import (
    ActKind,
    CalledMember,
    CallUp,
    CaseState,
    CaseStep,
    CheckIn,
    Condition,
    DisasterMode,
    HouseholdAnswer,
    HouseholdCase,
    HouseholdNeed,
    HouseholdNote,
    HouseholdPhoto,
    Lifeline,
    LifelineKind,
    Need,
    RecordEntry,
    ShelterAct,
    ShelterLink,
    ShelterPhone,
    ShelterState,
    ShelterStatus,
    StaffAnswer,
    StaffLineLink,
    StaffMember,
    StaffMessage,
    StaffMessageState,
    StaffWay,
    Task,
    TaskNote,
    TaskState,
    Whereabouts,
)

LASTED = timedelta(days=3)
"""How long the disaster has been on."""
CALL_UPS, DRILLS = 40, 200
"""Earlier ones."""


@dataclass(frozen=True)
class Counts:
    """How many rows of each kind; of each site one state."""

    households: int
    check_ins: int
    record: int
    tasks: int
    staff: int
    dangers: int
    acts: int
    lifelines: int
    questions: int


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
        (ShelterAct, drawn.acts()),
        (ShelterLink, drawn.links()),
        (ShelterPhone, drawn.phones()),
        (Lifeline, drawn.lifelines()),
        (HouseholdAnswer, drawn.answers()),
        (HouseholdNeed, drawn.needs()),
        (HouseholdCase, drawn.cases()),
        (HouseholdNote, drawn.notes()),
        (HouseholdPhoto, drawn.photos()),
        (CheckIn, drawn.check_ins()),
        (RecordEntry, drawn.record()),
        (Task, drawn.tasks()),
        (TaskNote, drawn.task_notes()),
        (Danger, drawn.dangers()),
        (StaffMember, drawn.staff()),
        (StaffLineLink, drawn.joined()),
        (CallUp, drawn.call_ups()),
        (CalledMember, drawn.called()),
        (StaffMessage, drawn.messages()),
        (AskedQuestion, drawn.questions()),
    ):
        said(str(model.__tablename__), writer.write(model, rows))
    writer.finish((HouseholdAnswer, HouseholdCase, ShelterLink, Task, StaffMember, CallUp))


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
        found = writer.read("SELECT id FROM reports ORDER BY id DESC LIMIT 100000")
        self.reports = [int(number) for (number,) in found]
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
        for number in range(DRILLS, 0, -1):
            at = self.now - timedelta(days=10 * number)
            yield {
                "drill": True,
                "began_at": at,
                "began_by": STAFF[0],
                "ended_at": at + timedelta(hours=3),
                "ended_by": STAFF[0],
            }
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

    def acts(self) -> Iterator[Row]:
        for number in range(1, self.counts.acts + 1):
            at = self._moment(number, self.counts.acts)
            is_note = number % 9 == 0
            yield {
                "shelter": self.dice.choice(self.shelters),
                "drill": False,
                "kind": ActKind.NOTE if is_note else ActKind.COUNT,
                "value": "毛布が足りません。" if is_note else "+1",
                "at": at,
                "received_at": at,
                "actor": STAFF[0],
                "act_key": f"filled-{number}",
            }

    def links(self) -> Iterator[Row]:
        for number, shelter in enumerate(self.shelters, start=1):
            yield {
                "id": number,
                "shelter": shelter,
                "drill": False,
                "made_at": self.now - LASTED,
                "made_by": STAFF[0],
                "expires_at": self.now + timedelta(days=365),
            }

    def phones(self) -> Iterator[Row]:
        for number in range(1, len(self.shelters) + 1):
            for phone in range(3):
                yield {
                    "link_id": number,
                    "phone": f"{number * 3 + phone:032}",
                    "first_at": self.now - LASTED,
                    "last_at": self.now,
                }

    def lifelines(self) -> Iterator[Row]:
        """Of those from before, a third has ended."""
        kinds = list(LifelineKind)
        for number in range(1, self.counts.lifelines + 1):
            at = self._moment(number, self.counts.lifelines)
            kind = kinds[number % len(kinds)]
            yield {
                "kind": kind,
                "drill": False,
                "name": f"市民センター{number}",
                "area": self.dice.choice(self.districts),
                "longitude": 140.0 + self.dice.random() / 8,
                "latitude": 36.0 + self.dice.random() / 8,
                "state": self.dice.choice(list(STATES_OF[kind])),
                "until": self.now + timedelta(days=30),
                "began_at": at,
                "changed_at": at,
                "changed_by": STAFF[0],
                "ended_at": at + timedelta(hours=1) if number % 3 == 0 else None,
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

    def notes(self) -> Iterator[Row]:
        for number in range(1, len(self.said) + 1):
            yield {
                "case_id": number,
                "step": CaseStep.NOTED,
                "by": self.dice.choice(STAFF),
                "words": "電話に出ない。",
                "at": self._moment(number, len(self.said)),
            }

    def photos(self) -> Iterator[Row]:
        """Rows of one in ten households; there are no files."""
        for number in range(1, len(self.said) + 1, 10):
            yield {
                "answer_id": number,
                "sha256": f"{number:064x}",
                "width": 1200,
                "height": 900,
                "size": 200_000,
                "created_at": self._moment(number, len(self.said)),
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
        kinds = ("line", "line", "alert", "shelter", "telegram")
        for number in range(1, self.counts.record + 1):
            at = self._moment(number, self.counts.record)
            yield {
                "at": at,
                "entered_at": at,
                "drill": False,
                "kind": kinds[number % len(kinds)],
                "text": f"{number}件目：南側の道路が冠水していると消防から連絡があった。",
                "actor": self.dice.choice(STAFF),
                "department": self.dice.choice(self.departments),
                "corrects_id": number - 7 if number % 100 == 99 else None,
            }

    def tasks(self) -> Iterator[Row]:
        for number in range(1, self.counts.tasks + 1):
            at = self._moment(number, self.counts.tasks)
            yield {
                "id": number,
                "drill": False,
                "title": "給水車を1台回してください",
                "to_department": self.dice.choice(self.departments),
                "due_at": at + timedelta(hours=2),
                "state": TaskState.OPEN if number % 2 else TaskState.DONE,
                "case_id": number if number % 3 == 0 and number <= len(self.said) else None,
                "origin": f"filled:{number}",
                "created_by": STAFF[0],
                "created_at": at,
                "changed_at": at,
            }

    def task_notes(self) -> Iterator[Row]:
        for number in range(1, self.counts.tasks + 1):
            at = self._moment(number, self.counts.tasks)
            yield {"task_id": number, "by": STAFF[0], "words": "向かっています。", "at": at}

    def dangers(self) -> Iterator[Row]:
        """Real ones, the newest reports."""
        number = min(self.counts.dangers, len(self.reports))
        for place, report in enumerate(reversed(self.reports[:number]), start=1):
            yield {
                "drill": False,
                "report_id": report,
                "origin": f"filled:{report}",
                "state": self.dice.choice(list(Triage)),
                "created_at": self._moment(place, number),
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

    def joined(self) -> Iterator[Row]:
        for number in range(1, self.counts.staff + 1, 2):
            yield {"member_id": number, "line_user_id": f"U{number:032x}", "joined_at": self.now}

    def _call_up_at(self, number: int) -> datetime:
        """Return when members were called; the last call-up is the disaster's, and still open."""
        return self.now - timedelta(hours=1) - timedelta(days=2) * (CALL_UPS + 1 - number)

    def call_ups(self) -> Iterator[Row]:
        for number in range(1, CALL_UPS + 2):
            at, is_open = self._call_up_at(number), number > CALL_UPS
            yield {
                "id": number,
                "drill": not is_open,
                "words": "震度6弱。本庁舎に集まってください。",
                "began_at": at,
                "began_by": STAFF[0],
                "ended_at": None if is_open else at + timedelta(hours=5),
                "ended_by": "" if is_open else STAFF[0],
            }

    def called(self) -> Iterator[Row]:
        for call_up in range(1, CALL_UPS + 2):
            at = self._call_up_at(call_up)
            for number in range(1, self.counts.staff + 1):
                answers = number % 4 > 0
                yield {
                    "call_up_id": call_up,
                    "member_id": number,
                    "called_at": at,
                    "answer": self.dice.choice(list(StaffAnswer)) if answers else None,
                    "answered_at": at + timedelta(minutes=number % 90) if answers else None,
                    "answered_by": f"member{number:04}@city.example" if answers else "",
                }

    def messages(self) -> Iterator[Row]:
        for call_up in range(1, CALL_UPS + 2):
            at = self._call_up_at(call_up)
            for number in range(1, self.counts.staff + 1):
                yield {
                    "member_id": number,
                    "occasion": f"call_up:{call_up}:first",
                    "about": f"call_up:{call_up}",
                    "drill": call_up <= CALL_UPS,
                    "urgent": True,
                    "way": StaffWay.LINE if number % 2 else StaffWay.MAIL,
                    "address": "",
                    "retry_key": f"{call_up}-{number}",
                    "content": {"title": "t", "text": "t"},
                    "state": StaffMessageState.SENT,
                    "created_at": at,
                    "not_before": at,
                    "expires_at": at,
                    "ended_at": at,
                }

    def questions(self) -> Iterator[Row]:
        whats = (
            "給水車",
            "図書館",
            "罹災証明",
            "プール",
            "マイナンバー",
            "住民票",
            "保育園",
            "バス",
        )
        asks = ("はいつ来ますか", "は開いていますか", "の手続きは", "に行きたい", "が分からない")
        for number in range(1, self.counts.questions + 1):
            district = self.dice.choice(self.city.districts).names.get("ja", "")
            yield {
                "text": f"{district}の{self.dice.choice(whats)}{self.dice.choice(asks)}",
                "language": "ja",
                "asked_on": (self.now - timedelta(days=number % 90)).date(),
                "asker": number % 4_000,
            }
