"""Rows of a city that has used Todoke for years, drawn and written in bulk.

``benchmarks.console`` says how many. Ids are given here, so the tables that are filled (all but
the residents', which ``todoke residents generate`` fills, and the reports') must be empty.
"""

from __future__ import annotations

import json
import random
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from alerts.models import AlertDraft
from benchmarks.bulk_rows import Row, Writer
from bot.models import Dialogue, EventState, WebhookEvent
from channels.line.medium import LINE
from channels.members import pack
from channels.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Priority,
    Variant,
)
from city.city import City, Decision
from core.audit import GENESIS, AuditEntry
from feeds.models import HazardState, Item, ItemState, Notice, Source, Status, Translation
from feeds.notice_codes import new_code

BATCH = 500
ALERT = "大雨により{place}で土砂災害の危険が高まっています。崖や川から離れてください。"
NEWS = "{place}で道路工事のお知らせがあります。通行にご注意ください。くわしくは市のページへ。"
STAFF = tuple(f"staff{number:02}@city.example" for number in range(1, 31))


@dataclass(frozen=True)
class Counts:
    """How many rows of each kind, and over how many years."""

    years: int
    notices: int
    items: int
    webhook_events: int
    audit: int
    full_deliveries: int
    dialogues: int
    translations: int


def fill(
    writer: Writer, city: City, counts: Counts, now: datetime, said: Callable[[str, int], None]
) -> None:
    """Write everything but residents and reports, which must be there already.

    ``said`` is called with each table's name and how many rows it got.
    """
    drawn = _Drawn(city, counts, now, writer)
    for model, rows in (
        (Source, drawn.sources()),
        (Item, drawn.items()),
        (Notice, drawn.notices()),
        (HazardState, drawn.hazards()),
        (Delivery, drawn.deliveries()),
        (Variant, drawn.variants()),
        (Batch, drawn.batches()),
        (WebhookEvent, drawn.events()),
        (Dialogue, drawn.dialogues()),
        (AuditEntry, drawn.trail()),
        (AlertDraft, drawn.drafts()),
        (Translation, drawn.translations()),
    ):
        said(str(model.__tablename__), writer.write(model, rows))
    writer.finish((Item, Notice, Delivery, Variant, Batch, WebhookEvent, AuditEntry, AlertDraft))


@dataclass(frozen=True)
class _Sent:
    """A delivery to be written, and how its members are cut."""

    row: Row
    languages: tuple[str, ...]
    members: tuple[int, ...] | None = None
    """None for everybody."""
    text: str = ""


class _Drawn:
    def __init__(self, city: City, counts: Counts, now: datetime, writer: Writer) -> None:
        self.dice = random.Random(3)
        self.city = city
        self.counts = counts
        self.days = 365 * counts.years
        self.now = now
        people = writer.read("SELECT id, line_user_id FROM residents ORDER BY id LIMIT 200000")
        self.people = [int(number) for number, _ in people]
        self.user_ids = [str(user) for _, user in people]
        ends = writer.read("SELECT min(id), max(id) FROM residents")[0]
        self.first, self.last = int(ends[0] or 1), int(ends[1] or 0)
        self.answered = writer.read(
            "SELECT reports.number, reports.resident_id, report_updates.created_at "
            "FROM report_updates JOIN reports ON reports.id = report_updates.report_id "
            "WHERE report_updates.answer <> '' AND reports.resident_id IS NOT NULL "
            "ORDER BY report_updates.created_at"
        )
        self.sent = self._sent()

    def _moment(self, number: int, of: int) -> datetime:
        """Return when the ``number``-th of so many was, evenly over the years."""
        return self.now - timedelta(days=self.days) * ((of - number) / max(1, of))

    # What came in

    def sources(self) -> Iterator[Row]:
        for source in self.city.sources:
            yield {
                "code": source.code,
                "kind": source.kind,
                "url": source.url,
                "initialised_at": self.now - timedelta(days=self.days),
                "last_polled_at": self.now,
                "last_succeeded_at": self.now,
                "last_new_at": self.now,
                "next_poll_at": self.now + timedelta(days=1),
            }

    def items(self) -> Iterator[Row]:
        codes = [source.code for source in self.city.sources]
        for number in range(1, self.counts.items + 1):
            at = self._moment(number, self.counts.items)
            young = self.now - at < timedelta(days=30)
            yield {
                "id": number,
                "source": codes[number % len(codes)],
                "identity": f"https://city.example/news/{number}",
                "kind": "rss",
                "url": f"https://city.example/news/{number}",
                "title": f"お知らせ {number}",
                "published_at": at,
                "fetched_at": at,
                "content_hash": sha256(str(number).encode()).hexdigest(),
                "payload": b'{"summary": "' + b"x" * 600 + b'"}' if young else b"",
                "state": ItemState.SET_ASIDE if number % 2000 == 0 else ItemState.DONE,
                "reason": None,
            }

    def notices(self) -> Iterator[Row]:
        given: set[str] = set()
        for number in range(1, self.counts.notices + 1):
            while (code := new_code()) in given:
                pass
            given.add(code)
            yield self._notice(number) | {"code": code}

    def _notice(self, number: int) -> Row:
        at = self._moment(number, self.counts.notices)
        place = self.city.districts[number % len(self.city.districts)]
        row: Row = {
            "id": number,
            "identity": f"scale:{number}",
            "areas": [] if number % 3 else [place.code],
            "drill": number % 50 == 0,
            "reported_at": at,
            "created_at": at,
            "expires_at": at + timedelta(days=2),
            "decided_by": "rule:topic",
            "item_id": 1 + number * max(1, self.counts.items - 1) // (self.counts.notices + 1),
        }
        words = {"title": "大雨警報", "text": ALERT.format(place=place.names.get("ja", ""))}
        kind = number % 10
        if kind < 3:  # A warning, its change, its end.
            status = (Status.ISSUED, Status.CONTINUED, Status.LIFTED)[kind]
            row |= {
                "topic": "weather",
                "kind": "大雨警報",
                "hazard": "heavy-rain",
                "level": 3,
                "urgency": 3,
                "status": status,
                "event_id": f"event-{number // 10}",
                "replaces_id": number - 1 if kind and number > 1 else None,
                "texts": dict.fromkeys(self.city.languages, words),
                "decision": Decision.SEND,
            }
            return row
        held = number > self.counts.notices - 40 and kind == 3
        some = ("ja", "ja-x-easy", "en")
        topics = [topic.code for topic in self.city.topics if not topic.mandatory]
        return row | {
            "topic": topics[number % len(topics)],
            "status": Status.NONE,
            "event_id": "",
            "replaces_id": None,
            "texts": {
                language: {
                    "title": "お知らせ",
                    "text": NEWS.format(place=place.names.get("ja", "")),
                }
                for language in some
            },
            "decision": Decision.HOLD
            if held
            else Decision.SEND
            if kind == 4
            else Decision.DIGEST
            if kind in (5, 6)
            else Decision.PUBLISH,
            "url": f"https://city.example/news/{number}",
        }

    def hazards(self) -> Iterator[Row]:
        newest = max((n for n in range(1, self.counts.notices + 1) if n % 10 == 1), default=None)
        for hazard, level, kind in (
            ("heavy-rain", 3, "大雨警報"),
            ("thunder", 2, "雷注意報"),
            ("flood", 0, ""),
            ("heavy-snow", 0, ""),
        ):
            yield {
                "municipality": self.city.jma.municipality,
                "hazard": hazard,
                "area": self.city.jma.municipality,
                "level": level,
                "kind": kind,
                "reported_at": self.now - timedelta(minutes=20),
                "notice_id": newest if hazard == "heavy-rain" else None,
            }

    # What went out

    def _sent(self) -> list[_Sent]:
        """Return the deliveries in order of their time: of notices, digests and answers."""
        found: list[_Sent] = []
        notices = [n for n in range(1, self.counts.notices + 1) if n % 10 in (0, 1, 2, 4)]
        full = set(notices[-self.counts.full_deliveries :]) if self.counts.full_deliveries else ()
        for number in notices:
            notice = self._notice(number)
            if notice["decision"] is not Decision.SEND:
                continue
            warns = notice["topic"] == "weather"
            members = None if number in full else tuple(self._some(200))
            found.append(
                _Sent(
                    self._delivery(DeliveryKind.NOTICE, notice["created_at"])
                    | {
                        "notice_id": number,
                        "priority": Priority.WARNING if warns else Priority.ROUTINE,
                        "audience": {"topic": notice["topic"], "level": notice.get("level", 0)},
                        "recipients": self.last - self.first + 1
                        if members is None
                        else len(members),
                        "runs": 1,
                    },
                    tuple(self.city.languages) if warns else ("ja", "en"),
                    members,
                    notice["texts"]["ja"]["text"],
                )
            )
        for day in range(min(self.days, self.counts.notices)):
            at = self.now - timedelta(days=day)
            found.append(
                _Sent(
                    self._delivery(DeliveryKind.DIGEST, at)
                    | {"priority": Priority.ROUTINE, "reference": f"digest:{at:%Y-%m-%dT%H}"},
                    ("ja", "en", "vi"),
                    tuple(self._some(300)),
                    NEWS,
                )
            )
        for number, resident, at in self.answered:
            moment = datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at
            found.append(
                _Sent(
                    self._delivery(DeliveryKind.PERSONAL, moment)
                    | {"priority": Priority.PERSONAL, "recipients": 1, "created_by": STAFF[0]},
                    ("",),
                    (int(resident),),
                    f"{number}: ご連絡ありがとうございました。",
                )
            )
        found.sort(key=lambda sent: sent.row["created_at"])
        for number, sent in enumerate(found, 1):
            sent.row["id"] = number
        return found

    def _some(self, size: int) -> list[int]:
        if len(self.people) <= size:
            return self.people
        start = self.dice.randrange(len(self.people) - size)
        return self.people[start : start + size]

    def _delivery(self, kind: DeliveryKind, at: datetime) -> Row:
        return {
            "channel": LINE.name,
            "kind": kind,
            "notice_id": None,
            "reference": "",
            "state": DeliveryState.DONE,
            "priority": 0,
            "audience": {},
            "audience_limit": self.last,
            "planned_through": self.last,
            "planning_done": True,
            "recipients": 300,
            "created_by": "rule:topic",
            "created_at": at,
            "first_sent_at": at + timedelta(seconds=1),
            "last_sent_at": at + timedelta(seconds=11),
        }

    def deliveries(self) -> Iterator[Row]:
        return (sent.row for sent in self.sent)

    def variants(self) -> Iterator[Row]:
        number = 0
        for sent in self.sent:
            for language in sent.languages:
                number += 1
                words = [{"type": "text", "text": f"{sent.text}\n{language}"}]
                messages = json.dumps(words, ensure_ascii=False).encode()
                yield {
                    "id": number,
                    "delivery_id": sent.row["id"],
                    "language": language,
                    "digest": sha256(messages).hexdigest(),
                    "messages": messages,
                }

    def batches(self) -> Iterator[Row]:
        variant = 0
        for sent in self.sent:
            first = variant + 1
            variant += len(sent.languages)
            if sent.members is None:
                cuts: Iterable[Iterable[int]] = (
                    range(start, min(start + BATCH, self.last + 1))
                    for start in range(self.first, self.last + 1, BATCH)
                )
            else:
                size = max(1, -(-len(sent.members) // len(sent.languages)))
                cuts = (
                    sent.members[start : start + size]
                    for start in range(0, len(sent.members), size)
                )
            for at, cut in enumerate(cuts):
                members = array("I", cut)
                yield {
                    "delivery_id": sent.row["id"],
                    "variant_id": first + at % len(sent.languages),
                    "retry_key": str(uuid.UUID(int=self.dice.getrandbits(128), version=4)),
                    "endpoint": "push" if len(members) == 1 else "multicast",
                    "size": len(members),
                    "members": pack(members),
                    "state": BatchState.SENT,
                    "attempts": 1,
                    "first_tried_at": sent.row["first_sent_at"],
                    "sent_at": sent.row["last_sent_at"],
                    "request_id": f"{self.dice.getrandbits(64):016x}",
                }

    # The conversation

    def events(self) -> Iterator[Row]:
        total = self.counts.webhook_events
        for number in range(1, total + 1):
            at = self.now - timedelta(days=7) * ((total - number) / total)
            user = self.user_ids[self.dice.randrange(len(self.user_ids))]
            milliseconds = int(at.timestamp() * 1000)
            event_id = f"01SCALE{number:019}"
            yield {
                "event_id": event_id,
                "kind": "message",
                "line_user_id": user,
                "timestamp_ms": milliseconds,
                "payload": json.dumps(
                    {
                        "type": "message",
                        "webhookEventId": event_id,
                        "deliveryContext": {"isRedelivery": False},
                        "timestamp": milliseconds,
                        "source": {"type": "user", "userId": user},
                        "replyToken": f"{number:032x}",
                        "mode": "active",
                        "message": {
                            "id": f"{number:018}",
                            "type": "text",
                            "quoteToken": "q3Plxr4AgKd0123456789abcdefghijklmnopqrstuvwxyz",
                            "text": "明日のごみは何ですか",
                        },
                    },
                    ensure_ascii=False,
                ),
                "state": EventState.IGNORED if number % 20 == 0 else EventState.DONE,
                "attempts": 1,
                "received_at": at,
            }

    def dialogues(self) -> Iterator[Row]:
        for place, resident in enumerate(self.people[: self.counts.dialogues]):
            at = self.now - timedelta(days=30) * (place / max(1, self.counts.dialogues))
            yield {
                "resident_id": resident,
                "name": "",
                "step": "",
                "data": {},
                "last_event_ms": int(at.timestamp() * 1000),
                "applied": {},
                "updated_at": at,
            }

    # The staff

    def trail(self) -> Iterator[Row]:
        acts = ("report.moved", "report.answered", "report.assigned")
        detail = {"state": "accepted", "answered": False, "department": "roads"}
        # One object for all of them: making 300,000 would take most of the time.
        entry = AuditEntry(
            at=self.now, actor="", action="", subject="", detail=detail, previous_hash="", hash=""
        )
        entry.previous_hash = GENESIS
        for number in range(1, self.counts.audit + 1):
            entry.at = self._moment(number, self.counts.audit)
            entry.actor = self.dice.choice(STAFF)
            entry.action = self.dice.choice(acts)
            entry.subject = f"report:2026-{number % 100_000:06}"
            entry.hash = entry.expected_hash()
            yield {
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "detail": detail,
                "previous_hash": entry.previous_hash,
                "hash": entry.hash,
            }
            entry.previous_hash = entry.hash

    def drafts(self) -> Iterator[Row]:
        total = max(3, self.counts.notices // 20)
        for number in range(1, total + 1):
            at = self._moment(number, total)
            is_open = number > total - 3
            yield {
                "id": number,
                "topic": "evacuation",
                "level": 4,
                "whole_city": True,
                "areas": [],
                "drill": True,
                "texts": {
                    language: {"title": "避難指示", "text": ALERT.format(place="市内")}
                    for language in self.city.languages
                },
                "written_by": STAFF[0],
                "edited_by": STAFF[0],
                "discarded_at": None if is_open else at,
                "created_at": at,
                "updated_at": at,
            }

    def translations(self) -> Iterator[Row]:
        for number in range(self.counts.translations):
            key = sha256(f"translation {number}".encode()).hexdigest()
            at = self.now - timedelta(days=120) * (number / max(1, self.counts.translations))
            yield {"key": key, "text": "翻訳された文です。" * 10, "created_at": at}
