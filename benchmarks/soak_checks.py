"""Checks after a soak: compare the simulator's ledger with the residents' choices."""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from benchmarks.soak_city import News, Person
from benchmarks.soak_service import Machine
from bot.inbox import _NAMESPACE as ANSWERS
from bot.models import EventState, WebhookEvent
from channels import members
from channels.dispatch import audience_of
from channels.models import Batch, BatchState, Delivery, DeliveryKind, DeliveryState
from city.city import City
from core.audit import GENESIS, AuditEntry
from core.database import Database
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from reports.models import Photo, Report
from reports.photos import photo_path
from subscriptions.models import Resident, ResidentState
from subscriptions.residents import preferences

REPLY_SECONDS = 60.0
SHOWN = 4


@dataclass
class Said:
    """An act of a resident, as an event of the simulator."""

    event_id: str
    user_id: str
    at: float
    token: str
    question: bool
    acted: float = float("inf")


@dataclass
class Told:
    """An alert that the shell took, as it was asked for."""

    mark: str
    delivery: int
    topic: str
    level: int
    areas: tuple[str, ...]
    drill: bool
    status: str
    follows: int | None
    needs_all: bool = True


@dataclass
class Filed:
    """A report that a resident sent to its end; ``photos`` are the messages of good ones."""

    origin: str
    user_id: str
    photos: list[str] = field(default_factory=list)
    sent: bool = False


@dataclass
class Findings:
    """Counts and faults."""

    counts: dict[str, int | str] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self, what: str, number: int | str) -> None:
        self.counts[what] = number

    def fault(self, what: str, which: str) -> None:
        self.faults[what].append(which)


@dataclass
class Evidence:
    """All that is known when everything has settled."""

    city: City
    people: Sequence[Person]
    ledger: Sequence[Mapping[str, Any]]
    events: Mapping[str, Said]
    told: Sequence[Told]
    news: Sequence[News]
    filed: Sequence[Filed]
    machine: Machine
    attempts: Mapping[tuple[str, float], int]
    given_up: Collection[str]
    """Events that LINE sent again and again, and then no more."""
    troubles: Sequence[tuple[float, float, str]]
    """When LINE was ill, and how."""
    ended: float


class Truth:
    """The content of the database, read once."""

    def __init__(self) -> None:
        self.deliveries: dict[int, Delivery] = {}
        self.notices: dict[int, Notice] = {}
        self.batches: list[Batch] = []
        self.events: dict[str, WebhookEvent] = {}
        self.reports: dict[str, Report] = {}
        self.photos: list[Photo] = []
        self.user_ids: dict[int, str] = {}
        self.broken: int | None = None
        self.audited = 0

    @classmethod
    async def read(cls, database: Database) -> Truth:
        truth = cls()
        async with database.reading() as session:
            for delivery in await session.scalars(select(Delivery)):
                truth.deliveries[delivery.id or 0] = delivery
            for notice in await session.scalars(select(Notice)):
                truth.notices[notice.id or 0] = notice
            truth.batches = list(await session.scalars(select(Batch)))
            for event in await session.scalars(select(WebhookEvent)):
                truth.events[event.event_id] = event
            for report in await session.scalars(select(Report)):
                truth.reports[report.origin] = report
            truth.photos = list(await session.scalars(select(Photo)))
            known = select(col(Resident.id), col(Resident.line_user_id))
            for number, user in await session.execute(known):
                truth.user_ids[number or 0] = user or ""
            before = GENESIS
            for entry in await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))):
                truth.audited += 1
                right = entry.previous_hash == before and entry.hash == entry.expected_hash()
                truth.broken = truth.broken or (None if right else entry.id)
                before = entry.hash
        return truth


async def check(database: Database, evidence: Evidence) -> Findings:
    """Compare everything; faults are in the findings."""
    found = Findings()
    truth = await Truth.read(database)
    by_key = {batch.retry_key: batch for batch in truth.batches}
    check_deliveries(found, truth, evidence, by_key)
    check_articles(found, truth, evidence)
    check_events(found, truth, evidence)
    check_answers(found, truth, evidence, by_key)
    check_reports(found, truth, evidence)
    check_webhooks(found, evidence)
    await check_choices(found, database, evidence)
    found.count("entries in the trail", truth.audited)
    if truth.broken is not None:
        found.fault("the trail does not verify", f"from entry {truth.broken}")
    for death in evidence.machine.deaths:
        found.fault("processes that ended by themselves", death)
    return found


def seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


# Deliveries


def check_deliveries(
    found: Findings, truth: Truth, evidence: Evidence, by_key: Mapping[str, Batch]
) -> None:
    """Everybody concerned gets it once, nobody else does; follow-ups go to all who were told."""
    reached: dict[int, Counter[str]] = defaultdict(Counter)
    bodies: dict[int, list[str]] = defaultdict(list)
    for entry in evidence.ledger:
        batch = by_key.get(entry["retryKey"] or "")
        if batch is not None:
            reached[batch.delivery_id].update(entry["userIds"])
            bodies[batch.delivery_id].append(json.dumps(entry["messages"], ensure_ascii=False))
    checked = 0
    for number, delivery in sorted(truth.deliveries.items()):
        if delivery.kind in (DeliveryKind.NOTICE, DeliveryKind.CORRECTION):
            _check_delivery(found, truth, evidence, number, reached)
            checked += 1
    found.count("deliveries", checked)
    found.count("messages of deliveries", sum(sum(each.values()) for each in reached.values()))
    marks = {drill_mark(language) for language in evidence.city.languages}
    told = {each.delivery: each for each in evidence.told}
    for number, texts in bodies.items():
        asked = told.get(number)
        if asked is None:
            continue
        marked = [any(mark in text for mark in marks) for text in texts]
        if not all(marked) if asked.drill else any(marked):
            found.fault("drill and real mistaken", f"delivery {number}")
        if asked.follows is None and not all(asked.mark in text for text in texts):
            found.fault("other words than asked for", f"delivery {number}")
    for asked in evidence.told:
        kept = truth.deliveries.get(asked.delivery)
        if kept is None:
            found.fault("alerts taken and not in the database", asked.mark)
            continue
        notice = truth.notices[kept.notice_id or 0]
        same = (notice.topic, notice.level, sorted(notice.areas), notice.drill)
        if same != (asked.topic, asked.level, sorted(asked.areas), asked.drill):
            found.fault("another alert than asked for", f"{asked.mark}: {same}")
    for batch in truth.batches:
        if batch.state in (BatchState.FAILED, BatchState.SKIPPED):
            delivery = truth.deliveries[batch.delivery_id]
            if delivery.state is not DeliveryState.STOPPED:
                found.fault("batches given up", f"{batch.id} of {batch.delivery_id}: {batch.error}")


def _check_delivery(
    found: Findings,
    truth: Truth,
    evidence: Evidence,
    number: int,
    reached: Mapping[int, Counter[str]],
) -> None:
    delivery = truth.deliveries[number]
    if delivery.state not in (DeliveryState.DONE, DeliveryState.STOPPED):
        found.fault("deliveries not done", f"{number} {delivery.state} ({delivery.reason})")
    got = reached[number]
    begin = seconds(delivery.created_at) - 1
    end = seconds(delivery.last_sent_at) + 1 if delivery.last_sent_at else evidence.ended
    chain = _before(truth, delivery)
    queries = [
        audience_of(truth.notices[each.notice_id or 0], evidence.city)
        for each in (*chain, delivery)
    ]
    told_before: set[str] = set().union(*(reached[each.id or 0] for each in chain))
    if truth.notices[delivery.notice_id or 0].status is Status.ISSUED:
        # More of the same, such as where a quake was: only for those who want it now.
        told_before.clear()
    perhaps_told = {user for each in chain for user in _tried(truth, each)}
    # An end or a taking back concerns those who were told.
    complete = delivery.state is DeliveryState.DONE
    for person in evidence.people:
        times = got[person.user_id]
        states = person.between(begin, end)
        if times > 1:
            found.fault("residents told twice", f"{person.user_id} by {number}: {times}")
        always = all(each.following for each in states) and (
            person.user_id in told_before or all(each.concerned(queries[-1]) for each in states)
        )
        ever = person.user_id in told_before | perhaps_told or any(
            each.concerned(query) for each in states for query in queries
        )
        if always and not times and complete:
            kind = "follow-ups missed" if person.user_id in told_before else "residents missed"
            found.fault(kind, f"{person.user_id} ({person.role}) by {number} {delivery.reason}")
        if times and not ever:
            found.fault(
                "residents told what does not concern them", f"{person.user_id} by {number}"
            )


def _tried(truth: Truth, delivery: Delivery) -> list[str]:
    """Return who was in a request of a delivery, whatever became of it.

    If the sender was killed before LINE's answer, they have to be taken for told.
    """
    batches = [each for each in truth.batches if each.delivery_id == delivery.id and each.attempts]
    ids = [number for each in batches for number in members.unpack(each.members)]
    return [truth.user_ids[number] for number in ids if number in truth.user_ids]


def _before(truth: Truth, delivery: Delivery) -> list[Delivery]:
    """Return the deliveries of the chain before this one, by what its notice replaces."""
    by_notice = {each.notice_id: each for each in truth.deliveries.values() if each.notice_id}
    notice = truth.notices.get(delivery.notice_id or 0)
    found: list[Delivery] = []
    while notice is not None and notice.replaces_id is not None:
        earlier = by_notice.get(notice.replaces_id)
        if earlier is not None:
            found.append(earlier)
        notice = truth.notices.get(notice.replaces_id)
    return found


def check_articles(found: Findings, truth: Truth, evidence: Evidence) -> None:
    """Every article reached those who want its topic, once, by its mark in the messages."""
    got: dict[str, Counter[str]] = defaultdict(Counter)
    marks = [news.mark for news in evidence.news]
    for entry in evidence.ledger:
        if entry["endpoint"] in ("multicast", "push"):
            words = json.dumps(entry["messages"], ensure_ascii=False)
            for mark in marks:
                if mark in words:
                    got[mark].update(entry["userIds"])
    decided = Counter(notice.decision.value for notice in truth.notices.values())
    found.count("articles published", len(marks))
    found.count("notices decided", ", ".join(f"{k} {n}" for k, n in sorted(decided.items())))
    for news in evidence.news:
        begin = news.at.timestamp() - 1
        for person in evidence.people:
            states = person.between(begin, evidence.ended)
            wants = [
                each.following and any(topic == news.topic for topic, _ in each.topics)
                for each in states
            ]
            times = got[news.mark][person.user_id]
            if times > 1:
                found.fault("articles told twice", f"{news.mark} to {person.user_id}: {times}")
            if all(wants) and not times:
                found.fault("articles missed", f"{news.mark} ({news.topic}) by {person.user_id}")
            if times and not any(wants):
                found.fault("articles told to who did not want them", f"{news.mark} {news.topic}")


# Events and answers


def check_events(found: Findings, truth: Truth, evidence: Evidence) -> None:
    """Every event that LINE made was stored once and acted on."""
    states: Counter[str] = Counter()
    taken = {event_id for (event_id, _), status in evidence.attempts.items() if status == 200}
    for event_id in evidence.events:
        row = truth.events.get(event_id)
        if row is None and event_id in evidence.given_up and event_id not in taken:
            found.fault("events that LINE gave up as no webhook was answered", event_id)
            continue
        if row is None:
            found.fault("events lost", event_id)
            continue
        states[row.state.value] += 1
        if row.state not in (EventState.DONE, EventState.IGNORED):
            found.fault("events not done", f"{event_id} {row.kind} {row.state}: {row.error}")
    for event_id in truth.events.keys() - evidence.events.keys():
        found.fault("events that LINE never sent", event_id)
    found.count("events", ", ".join(f"{name} {n}" for name, n in sorted(states.items())))


def check_answers(
    found: Findings, truth: Truth, evidence: Evidence, by_key: Mapping[str, Batch]
) -> None:
    """Every question is answered at most once, and exactly once unless its token expired."""
    answered: Counter[str] = Counter()
    by_token = {said.token: said.event_id for said in evidence.events.values() if said.token}
    by_push = {str(uuid.uuid5(ANSWERS, event)): event for event in evidence.events}
    pushed = 0
    for entry in evidence.ledger:
        key, token = entry["retryKey"] or "", entry["replyToken"] or ""
        if token:
            answered[by_token.get(token, token)] += 1
        elif key in by_push:
            answered[by_push[key]] += 1
            pushed += 1
        elif key not in by_key:
            found.fault("messages nobody decided on", f"{entry['endpoint']} {key}")
    expired = perhaps = 0
    questions = [said for said in evidence.events.values() if said.question]
    for said in questions:
        if said.event_id not in truth.events:
            continue  # said where events are
        times = answered[said.event_id]
        if times > 1:
            row = truth.events[said.event_id]
            if times == 2 and row.answer_matters and row.error:
                perhaps += 1
            else:
                found.fault("questions answered twice", f"{said.event_id}: {times}")
        if times == 0:
            if _was_hindered(evidence, said.at):
                expired += 1
            else:
                found.fault("questions not answered", said.event_id)
    for event_id, times in answered.items():
        if times > 1 and not evidence.events[event_id].question:
            found.fault("events answered twice", f"{event_id}: {times}")
    found.count("questions", len(questions))
    found.count("of them answered", sum(answered[said.event_id] == 1 for said in questions))
    found.count("of them too late (the token ran out meanwhile)", expired)
    found.count("answers by push", pushed)
    found.count("answers that matter, told twice as LINE's answer was lost", perhaps)


def _was_hindered(evidence: Evidence, at: float) -> bool:
    """Whether the service was down, or LINE ill, within the life of a reply token."""
    until = at + REPLY_SECONDS
    spans = [(each.begin, each.end) for each in evidence.machine.downs]
    spans += [(begin, end) for begin, end, _ in evidence.troubles]
    return any(begin <= until and end >= at for begin, end in spans)


def check_reports(found: Findings, truth: Truth, evidence: Evidence) -> None:
    """No report lost, none doubled, no photo missing that LINE gave."""
    sent = [filed for filed in evidence.filed if filed.sent]
    kept: dict[int, set[str]] = defaultdict(set)
    for photo in truth.photos:
        kept[photo.report_id].add(photo.message_id)
        if not photo_path(evidence.machine.folder / "media", photo.sha256).is_file():
            found.fault("photos without a file", photo.sha256)
    for filed in sent:
        report = truth.reports.get(filed.origin)
        if report is None:
            found.fault("reports lost", filed.origin)
            continue
        missing = set(filed.photos) - kept[report.id or 0]
        if missing:
            found.fault("photos missing", f"{report.number}: {sorted(missing)}")
        if kept[report.id or 0] - set(filed.photos):
            found.fault("photos too many", report.number)
    unknown = truth.reports.keys() - {filed.origin for filed in evidence.filed}
    for origin in unknown:
        found.fault("reports nobody sent", origin)
    found.count("reports sent", len(sent))
    found.count("photos in them", sum(len(filed.photos) for filed in sent))
    found.count("reports not finished by the resident", len(evidence.filed) - len(sent))


def check_webhooks(found: Findings, evidence: Evidence) -> None:
    """Webhooks failed only while no web process could answer."""
    failed = {key: status for key, status in evidence.attempts.items() if status != 200}
    outside = {key: s for key, s in failed.items() if not evidence.machine.is_down(key[1], 2.5)}
    found.count("webhook requests", len(evidence.attempts))
    found.count("of them failed while the service was down", len(failed) - len(outside))
    for (event_id, at), status in outside.items():
        found.fault("webhooks failed while the service was up", f"{event_id} {at:.1f}: {status}")


async def check_choices(found: Findings, database: Database, evidence: Evidence) -> None:
    """At the end residents have what they chose last."""
    changes = 0
    async with database.reading() as session:
        rows = {row.line_user_id: row for row in await session.scalars(select(Resident))}
        for person in evidence.people:
            wanted, row = person.now, rows.get(person.user_id)
            changes += len(person.changes)
            following = row is not None and row.state is ResidentState.FOLLOWING
            if person.changes and person.changes[-1].event_id in evidence.given_up:
                continue
            if following != wanted.following:
                found.fault("followers mistaken", person.user_id)
                continue
            if row is None or row.id is None or not person.changes:
                continue
            has = await preferences(session, evidence.city, row.id)
            mandatory = {topic.code for topic in evidence.city.topics if topic.mandatory}
            topics = {each for each in has.topics.items() if each[0] not in mandatory}
            if topics != wanted.topics or set(has.areas) != wanted.areas:
                found.fault("choices lost", f"{person.user_id}: {sorted(topics ^ wanted.topics)}")
    found.count("changes of residents' choices", changes)


def table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def report(found: Findings) -> str:
    """Return the tables of counts and faults."""
    lines = [("counted", ""), ("---", "---:")]
    lines += [(what, f"{n:,}" if isinstance(n, int) else n) for what, n in found.counts.items()]
    said = table(lines)
    if not found.faults:
        return f"{said}\n\nNo faults."
    wrong = [("fault", "times", "such as"), ("---", "---:", "---")]
    wrong += [
        (what, str(len(which)), "; ".join(each.replace("\n", " ") for each in which[:SHOWN]))
        for what, which in found.faults.items()
    ]
    return f"{said}\n\n{table(wrong)}"
