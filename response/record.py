"""The running record of a disaster (クロノロジー): what was known, decided and sent, when, by whom.

A line is added and never changed; a mistake is put right by another line that names it. Staff type
lines. The service writes others by itself: what its audit trail says of alerts, modes, shelters and
deliveries, in the same transaction (:func:`hear`), and what sources and deliveries do without
anybody's act (:func:`catch_up`). The words are made where somebody reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, or_
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.failing import failing_emergencies
from channels.models import Delivery, DeliveryState
from channels.progress import progress
from core import audit
from core.audit import AuditEntry
from core.database import Database
from core.errors import BadInput
from core.text import clean
from feeds.models import Notice
from response.models import RecordEntry
from response.reasons import reason

TYPED = "line"
"""The kind of a line that somebody typed."""
MOST_TEXT = 1000
STRONG = ("5-", "5+", "6-", "6+", "7")
"""Seismic intensities from 5-lower on."""
GRAVE_LEVEL = 4
LOOK_BACK = timedelta(days=1)
"""What is older was written down before, or is no news any more."""
_AS_IT_IS = (
    "delivery.paused",
    "delivery.resumed",
    "delivery.stopped",
    "notice.sent",
    "notice.published",
    "notice.dropped",
    "shelter.changed",
    "lifeline.listed",
    "lifeline.changed",
    "lifeline.ended",
    "disaster_mode.begun",
    "disaster_mode.ended",
)
"""Actions of the audit trail whose line in the record has the same code."""
_OF_ALERTS = {
    "corrected": "alert.corrected",
    "cancelled": "alert.withdrawn",
    "lifted": "alert.ended",
}
_FACTS = {
    "alert": ("topic", "level", "areas", "recipients", "delivery", "second_person"),
    "notice": ("topic", "level", "recipients", "delivery", "reason"),
    "shelter": ("state", "heads"),
    "disaster_mode": ("areas",),
    "lifeline": ("name", "lifeline", "state"),
}
"""What a line says of the details of an act, by its noun."""


@dataclass(frozen=True, kw_only=True)
class RecordFilter:
    """Which lines to show. Empty fields do not narrow; ``kinds`` are beginnings of codes."""

    drill: bool
    kind: str = ""
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def note(
    session: AsyncSession,
    *,
    drill: bool,
    now: datetime,
    actor: str,
    code: str = "",
    facts: Mapping[str, Any] | None = None,
    text: str = "",
    at: datetime | None = None,
    department: str = "",
    subject: str = "",
    corrects: int | None = None,
    source: str | None = None,
) -> RecordEntry | None:
    """Add a line in the caller's transaction.

    Parameters
    ----------
    drill
        Whether it belongs to the drill's record.
    code, facts
        What the service writes by itself: ``noun.verb``, such as ``callup.begun``, and values for
        its sentence in ``console.record_words``. Codes of shelters, districts and departments, not
        their names; nothing of what a household said.
    text
        Words that somebody typed.
    at
        When it happened; None means now.
    subject
        What it is about, as in the audit trail, such as ``shelter:E001``.
    corrects
        The line that this one puts right.
    source
        What it is made from, so that it is written once; a form's key for typed lines.

    Returns
    -------
    RecordEntry or None
        None if the line of this ``source`` was there.

    Raises
    ------
    BadInput
        There is nothing to write, the corrected line is not of this record, or the time is in the
        future.
    """
    text = clean(text)[:MOST_TEXT]
    if not code and not text:
        raise BadInput(reason("record.empty"))
    if at is not None and at > now:
        raise BadInput(reason("record.future"))
    if source is not None:
        there = select(RecordEntry.id).where(col(RecordEntry.source) == source)
        if await session.scalar(there) is not None:
            return None
    if corrects is not None:
        corrected = await session.get(RecordEntry, corrects)
        if corrected is None or corrected.drill != drill:
            raise BadInput(reason("record.missing"))
    entry = RecordEntry(
        at=at or now,
        entered_at=now,
        drill=drill,
        kind=code.partition(".")[0] or TYPED,
        code=code,
        facts=dict(facts or {}),
        text=text,
        actor=actor,
        department=department,
        subject=subject,
        corrects_id=corrects,
        source=source,
    )
    session.add(entry)
    await session.flush()
    return entry


@audit.heard_by
async def hear(session: AsyncSession, act: AuditEntry) -> None:
    """Write down an act of the audit trail that belongs into the record."""
    code = act.action
    if code == "alert.sent":
        code = _OF_ALERTS.get(str(act.detail.get("status")), code)
    elif code not in _AS_IT_IS:
        return
    noun, number = act.subject.split(":", 1)
    facts = {name: act.detail[name] for name in _FACTS.get(noun, ()) if act.detail.get(name)}
    if noun == "notice":
        facts = {name: act.detail.get(name) for name in _FACTS["alert"]} | facts
    notice = None
    if noun == "notice":
        notice = await session.get(Notice, int(number))
    elif noun == "delivery":
        notice = await _notice_of(session, int(number))
        if notice is None:
            return  # an answer to one resident, or a digest
        facts["delivery"] = int(number)
    if notice is not None:
        facts["title"] = _title(notice)
    if noun == "shelter":
        facts["shelter"] = number
    drill = notice.drill if notice is not None else bool(act.detail.get("drill"))
    await note(
        session,
        drill=drill,
        now=act.at,
        actor=act.actor,
        code=code,
        facts={name: value for name, value in facts.items() if value not in (None, "", [])},
        subject=act.subject,
        source=f"audit:{act.id}",
    )


async def _notice_of(session: AsyncSession, delivery_id: int) -> Notice | None:
    query = select(Notice).join(Delivery, col(Delivery.notice_id) == col(Notice.id))
    return await session.scalar(query.where(col(Delivery.id) == delivery_id))


def _title(notice: Notice) -> str:
    return notice.texts.get("ja", {}).get("title") or notice.kind or notice.topic


@dataclass(frozen=True)
class _Found:
    """A line to be written, with its source."""

    source: str
    code: str
    drill: bool
    at: datetime
    facts: dict[str, Any]
    subject: str
    actor: str = ""


async def catch_up(database: Database, now: datetime) -> int:
    """Write down grave telegrams, and what became of the deliveries of alerts; return how many.

    It can be called again at any moment: each line is written once.
    """
    async with database.reading() as session:
        found = [
            *await _telegrams(session, now),
            *await _deliveries(session, now),
            *await _failing(session, now),
        ]
        sources = [one.source for one in found]
        there = set(
            await session.scalars(
                select(RecordEntry.source).where(col(RecordEntry.source).in_(sources))
            )
        )
    new = [one for one in found if one.source not in there]
    if not new:
        return 0
    async with database.writing() as session:
        for one in new:
            await note(
                session,
                drill=one.drill,
                now=now,
                at=min(one.at, now),
                actor=one.actor or f"rule:{one.code.partition('.')[0]}",
                code=one.code,
                facts=one.facts,
                subject=one.subject,
                source=one.source,
            )
    return len(new)


async def _telegrams(session: AsyncSession, now: datetime) -> list[_Found]:
    """Return the agency's telegrams of level 4 and above, and of quakes of 5-lower and above."""
    grave = (col(Notice.level) >= GRAVE_LEVEL) | col(Notice.intensity).in_(STRONG)
    notices = await session.scalars(
        select(Notice).where(
            col(Notice.created_at) > now - LOOK_BACK, col(Notice.hazard) != "", grave
        )
    )
    return [
        _Found(
            f"notice:{notice.id}",
            "telegram.over" if notice.shown_level == 0 and notice.level else "telegram.came",
            notice.drill,
            notice.reported_at,
            {
                "title": _title(notice),
                "level": notice.level,
                "intensity": notice.intensity,
                "areas": notice.areas,
                "decision": notice.decision.value,
            },
            f"notice:{notice.id}",
            notice.decided_by,
        )
        for notice in notices
    ]


async def _deliveries(session: AsyncSession, now: datetime) -> list[_Found]:
    """Return the deliveries of alerts that came to their end, or wait by themselves."""
    rows = await session.execute(
        select_rows(Delivery, Notice)
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .where(
            col(Delivery.created_at) > now - LOOK_BACK,
            col(Delivery.state).in_(
                (DeliveryState.DONE, DeliveryState.STOPPED, DeliveryState.PAUSED)
            ),
            col(Notice.source).is_(None)
            | col(Notice.emergency)
            | (col(Notice.level) >= GRAVE_LEVEL),
        )
    )
    found = []
    for delivery, notice in rows:
        paused = delivery.state is DeliveryState.PAUSED
        why = delivery.reason
        if paused and (why is None or why.code == "delivery.paused"):
            continue  # somebody paused it, and is in the record with it
        source = f"delivery:{delivery.id}:{why.code if paused and why else delivery.state}"
        facts = {"delivery": delivery.id, "title": _title(notice)}
        if paused and why is not None:
            code, facts = "delivery.waits", {**facts, "why": why.dumped()}
            at = now
        else:
            assert delivery.id is not None
            figures = await progress(session, delivery.id)
            code, at = "delivery.ended", delivery.last_sent_at or now
            facts |= {"sent": figures.sent, "failed": figures.failed, "skipped": figures.skipped}
        found.append(_Found(source[:80], code, notice.drill, at, facts, f"delivery:{delivery.id}"))
    return found


async def _failing(session: AsyncSession, now: datetime) -> list[_Found]:
    """Return the emergencies that a medium does not take."""
    found = []
    for failing in await failing_emergencies(session, now):
        notice = await _notice_of(session, failing.delivery_id)
        if failing.state is DeliveryState.PAUSED or notice is None:
            continue
        facts = {
            "delivery": failing.delivery_id,
            "title": _title(notice),
            "medium": failing.channel,
            "waiting": failing.waiting,
            "why": failing.reason.dumped() if failing.reason else "",
        }
        source = f"delivery:{failing.delivery_id}:failing"
        subject = f"delivery:{failing.delivery_id}"
        found.append(
            _Found(source, "delivery.failing", notice.drill, failing.since, facts, subject)
        )
    return found


def _narrowed(query: Select[Any], wanted: RecordFilter) -> Select[Any]:
    query = query.where(col(RecordEntry.drill).is_(wanted.drill))
    if wanted.kind:
        query = query.where(col(RecordEntry.kind) == wanted.kind)
    if wanted.actor:
        query = query.where(col(RecordEntry.actor) == wanted.actor)
    if wanted.since is not None:
        query = query.where(col(RecordEntry.at) >= wanted.since)
    if wanted.until is not None:
        query = query.where(col(RecordEntry.at) < wanted.until)
    return query


async def lines(
    session: AsyncSession, wanted: RecordFilter, *, most: int, before: int | None = None
) -> list[RecordEntry]:
    """Return lines, the newest first by the time at which it happened.

    Parameters
    ----------
    before
        The line after which to go on, towards older ones.
    """
    query = _narrowed(select(RecordEntry), wanted)
    if before is not None:
        last = await session.get(RecordEntry, before)
        if last is None or last.drill != wanted.drill:
            return []
        at, number = col(RecordEntry.at), col(RecordEntry.id)
        query = query.where(at <= last.at, or_(at < last.at, and_(at == last.at, number < last.id)))
    query = query.order_by(col(RecordEntry.at).desc(), col(RecordEntry.id).desc())
    return list(await session.scalars(query.limit(most)))


async def corrections(
    session: AsyncSession, entries: Sequence[RecordEntry]
) -> dict[int, list[RecordEntry]]:
    """Return the lines that put these right, by the line that they correct."""
    ids = [entry.id for entry in entries if entry.id is not None]
    found: dict[int, list[RecordEntry]] = {}
    if not ids:
        return found
    corrects = col(RecordEntry.corrects_id)
    query = select(RecordEntry).where(corrects.is_not(None), corrects.between(min(ids), max(ids)))
    for entry in await session.scalars(query.order_by(corrects, col(RecordEntry.id))):
        assert entry.corrects_id is not None
        found.setdefault(entry.corrects_id, []).append(entry)
    return found


async def people(session: AsyncSession, *, drill: bool, most: int = 200) -> list[str]:
    """Return who wrote in the record, for its filter; each by one look into the index."""
    found: list[str] = []
    last = ""
    while len(found) < most:
        query = select(RecordEntry.actor).where(
            col(RecordEntry.drill).is_(drill), col(RecordEntry.actor) > last
        )
        actor = await session.scalar(query.order_by(col(RecordEntry.actor)).limit(1))
        if actor is None:
            return found
        found.append(actor)
        last = actor
    return found


Said = Callable[[RecordEntry], Sequence[str]]
"""Puts a line into the cells of a table."""
CHUNK = 500


async def all_lines(database: Database, wanted: RecordFilter) -> Any:
    """Yield every line that fits, the newest first, some hundred at a time."""
    before: int | None = None
    while True:
        async with database.reading() as session:
            found = await lines(session, wanted, most=CHUNK, before=before)
        if found:
            yield found
        if len(found) < CHUNK:
            return
        before = found[-1].id
