"""The running record in the words of staff: a sentence for each code, and its details."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from city.city import City, Decision, name_in
from city.shelters import Shelter
from console import words
from core.languages import mark
from core.reason import loaded
from public.words import lifeline_kind, lifeline_state
from reports.models import Triage
from response.models import LifelineKind, LifelineState, RecordEntry, ShelterState

SHELTER_STATES = {
    ShelterState.OPEN: mark("Open"),
    ShelterState.FULL: mark("Full"),
    ShelterState.CLOSED: mark("Closed"),
}
TRIAGE = {
    Triage.NEW: mark("Not looked at yet"),
    Triage.URGENT: mark("Real and urgent"),
    Triage.KNOWN: mark("Known already"),
    Triage.NONE: mark("Not a danger"),
    Triage.PASSED: mark("Passed on to be mended"),
    Triage.ROAD_CLOSED: mark("Told as a closed road"),
}
"""What staff decide about a danger, in one place."""
SENTENCES = {
    "alert.sent": mark("Alert sent: {title}"),
    "alert.corrected": mark("Alert corrected: {title}"),
    "alert.withdrawn": mark("Alert taken back: {title}"),
    "alert.ended": mark("All clear sent: {title}"),
    "notice.sent": mark("Held notice sent: {title}"),
    "notice.published": mark("Held notice only published: {title}"),
    "notice.dropped": mark("Held notice dropped: {title}"),
    "delivery.paused": mark("Delivery paused: {title}"),
    "delivery.resumed": mark("Delivery resumed: {title}"),
    "delivery.stopped": mark("Delivery stopped: {title}"),
    "delivery.ended": mark("Delivery ended: {title}"),
    "delivery.waits": mark("Delivery waits for a person: {title}"),
    "delivery.failing": mark("It does not get through: {title}"),
    "telegram.came": mark("Announced: {title}"),
    "telegram.over": mark("No longer in force: {title}"),
    "disaster_mode.begun": mark("Disaster mode switched on"),
    "disaster_mode.ended": mark("Disaster mode switched off"),
    "shelter.changed": mark("Evacuation site {shelter}: {state}"),
    "danger.decided": mark("Danger looked at: {triage}"),
    "task.made": mark("Task asked for: {title}"),
    "task.taken": mark("Task taken: {title}"),
    "task.done": mark("Task done: {title}"),
    "task.refused": mark("Task refused: {title}"),
    "task.reopened": mark("Task opened again: {title}"),
    "callup.begun": mark("Staff called: {words}"),
    "callup.widened": mark("More staff called: {words}"),
    "callup.asked_again": mark("Staff asked again: {words}"),
    "callup.reminded": mark("Staff reminded: {words}"),
    "callup.ended": mark("Call-up of staff ended: {words}"),
    "shelter.noted": mark("Note from {shelter}: {words}"),
    "lifeline.listed": mark("Lifeline listed: {lifeline} {name} ({state})"),
    "lifeline.changed": mark("Lifeline changed: {lifeline} {name} ({state})"),
    "lifeline.ended": mark("Lifeline ended: {lifeline} {name}"),
}
"""By code. Who writes a new code into the record adds its sentence here."""
KINDS = {
    "line": mark("Typed"),
    "alert": mark("Alerts"),
    "notice": mark("Held notices"),
    "delivery": mark("Deliveries"),
    "telegram": mark("Announcements of agencies"),
    "disaster_mode": mark("Disaster mode"),
    "shelter": mark("Evacuation sites"),
    "lifeline": mark("Lifelines"),
    "callup": mark("Call-up of staff"),
    "danger": mark("Dangers"),
    "task": mark("Tasks"),
}
"""By the part of a code before the point."""
ADDRESSES = {
    "delivery": "/console/deliveries/{}",
    "shelter": "/console/shelters",
    "disaster_mode": "/console/disaster",
    "call_up": "/console/call-up/{}",
    "lifeline": "/console/lifelines/{}",
    "task": "/console/tasks/{}",
    "danger": "/console/dangers/{}",
    "household": "/console/people/{}",
    "report": "/console/reports/{}",
    "news": "/console/news/{}/check",
}
"""The page of a subject, by its kind."""
SUBJECTS = {
    "household": mark("Household {n}"),
    "danger": mark("Danger {n}"),
    "task": mark("Task {n}"),
    "report": mark("Report {value}"),
    "delivery": mark("Delivery {value}"),
}
"""What a subject is called, by its kind."""
_COUNTED = {
    "recipients": mark("{n} residents"),
    "sent": mark("{n} sent"),
    "failed": mark("{n} failed"),
    "skipped": mark("{n} skipped"),
    "waiting": mark("{n} waiting"),
    "heads": mark("{n} people there"),
    "called": mark("{n} members of staff"),
}
_NAMED = {
    "danger": mark("Danger {n}"),
    "report": mark("Report {value}"),
    "delivery": mark("Delivery {value}"),
    "second_person": mark("Confirmed by {value}"),
    "reason": mark("Reason: {value}"),
    "to": mark("To {value}"),
}


def subject_said(subject: str, language: str) -> str:
    """Return what a subject such as ``danger:7`` is called; one without a name stays as it is."""
    kind, _, number = subject.partition(":")
    name = SUBJECTS.get(kind)
    return words.CATALOGUE.text(language, name, n=number, value=number) if name else subject


class Printed(NamedTuple):
    """A line of the record on paper; ``fixed_by`` are the lines that put it right."""

    number: int
    at: str
    kind: str
    corrects: int | None
    text: str
    details: str
    department: str
    actor: str
    fixed_by: list[int]


class RecordWords:
    """Puts lines of the record into words for one reader."""

    def __init__(
        self,
        city: City,
        shelters: tuple[Shelter, ...],
        language: str,
        names: Mapping[str, str],
    ) -> None:
        self.city = city
        self.language = language
        self.names = names
        self.shelters = {shelter.code: shelter.name for shelter in shelters}
        self.departments = {d.code: name_in(d.names, language) for d in city.departments}

    def text(self, entry: RecordEntry) -> str:
        """Return the line itself: what was typed, or the sentence of its code."""
        if entry.text:
            return entry.text
        sentence = SENTENCES.get(entry.code)
        if sentence is None:  # of another version
            return entry.code
        values = {name: self._value(name, value) for name, value in entry.facts.items()}
        kind, state = entry.facts.get("lifeline"), entry.facts.get("state")
        if kind in set(LifelineKind) and state in set(LifelineState):
            values["state"] = lifeline_state(
                LifelineKind(kind), LifelineState(state), self.language
            )
        missing = {"title": "–", "shelter": "–", "state": "–", "words": "–"}
        return words.CATALOGUE.text(self.language, sentence, **(missing | values))

    def details(self, entry: RecordEntry) -> list[str]:
        """Return what else the line says, part by part."""
        sentence = SENTENCES.get(entry.code, "")
        facts = [
            (name, value)
            for name, value in entry.facts.items()
            if f"{{{name}}}" not in sentence and value not in (None, "", [])
        ]
        return [said for name, value in facts if (said := self._detail(name, value))]

    def kind(self, entry: RecordEntry) -> str:
        return self._kind(entry.kind)

    def _kind(self, code: str) -> str:
        return self._say(KINDS.get(code, code))

    def department(self, code: str) -> str:
        return self.departments.get(code, code)

    def actor(self, actor: str) -> str:
        """Return who wrote a line: a person's name (``names`` are by address), or a rule's."""
        if actor.startswith("rule:"):
            return self._say(mark("by itself"))
        return words.person(actor, self.names, self.language)

    def printed(
        self, entries: Iterable[RecordEntry], fixed: Mapping[int, Sequence[RecordEntry]]
    ) -> Iterator[Printed]:
        """Yield lines for paper, so that a template of a thousand lines only inserts.

        ``fixed`` has the lines that put others right, by the number of those.
        """
        kind, actor = cache(self._kind), cache(self.actor)
        for entry in entries:
            yield Printed(
                entry.id or 0,
                words.moment(entry.at, self.language),
                kind(entry.kind),
                entry.corrects_id,
                self.text(entry),
                " · ".join(self.details(entry)),
                self.department(entry.department),
                actor(entry.actor),
                [later.id or 0 for later in fixed.get(entry.id or 0, ())],
            )

    def address(self, entry: RecordEntry) -> str:
        """Return the page of what a line is about; "" if there is none."""
        if delivery := entry.facts.get("delivery"):
            return ADDRESSES["delivery"].format(delivery)
        kind, _, number = entry.subject.partition(":")
        return ADDRESSES.get(kind, "").format(number)

    def _say(self, message: str, /, **values: object) -> str:
        return words.CATALOGUE.text(self.language, message, **values)

    def _value(self, name: str, value: Any) -> str:
        return _VALUES.get(name, _plain)(self, value)

    def _detail(self, name: str, value: Any) -> str:
        if name in _COUNTED:
            return self._say(_COUNTED[name], n=f"{int(value):,}") if str(value).isdigit() else ""
        if name == "level":
            return self._say(mark("Level {n}"), n=value) if value else ""
        if name == "topic":
            return ""
        shown = self._value(name, value)
        return self._say(_NAMED[name], value=shown, n=shown) if name in _NAMED else shown


def _plain(_: RecordWords, value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _shelter(of: RecordWords, value: Any) -> str:
    return of.shelters.get(str(value), str(value))


def _lifeline(of: RecordWords, value: Any) -> str:
    known = value in set(LifelineKind)
    return lifeline_kind(LifelineKind(value), of.language) if known else str(value)


def _state(of: RecordWords, value: Any) -> str:
    known = SHELTER_STATES.get(value) if value in set(ShelterState) else None
    return of._say(known) if known else str(value)


def _areas(of: RecordWords, value: Any) -> str:
    return words.places_of(list(value), of.city, of.language)


def _why(of: RecordWords, value: Any) -> str:
    return words.said(loaded(str(value)), of.language)


def _decision(of: RecordWords, value: Any) -> str:
    return of._say(words.DECISION_NAMES[Decision(value)]) if value in set(Decision) else str(value)


def _department(of: RecordWords, value: Any) -> str:
    return of.department(str(value))


def _departments(of: RecordWords, value: Any) -> str:
    return ", ".join(of.department(str(code)) for code in value)


_VALUES: Mapping[str, Callable[[RecordWords, Any], str]] = {
    "shelter": _shelter,
    "lifeline": _lifeline,
    "state": _state,
    "areas": _areas,
    "why": _why,
    "decision": _decision,
    "triage": lambda of, value: of._say(TRIAGE[Triage(value)]) if value in set(Triage) else value,
    "departments": _departments,
    "second_person": lambda of, value: words.person(str(value), of.names, of.language),
    "to": _department,
    "from": _department,
    "medium": lambda of, value: words.medium_name(str(value), of.language),
    "intensity": lambda of, value: words.intensity(str(value), of.language),
}
