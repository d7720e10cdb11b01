"""Residents who are taken in before they write: LINE's list of friends, people of another product.

Nothing here changes residents who are known already. Somebody who left, or had themselves erased,
is never brought back by a list that may be older than their wish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.audit import record
from core.database import insert_new
from core.errors import BadInput
from subscriptions.bulk import write_changes, write_choices
from subscriptions.models import (
    Arrival,
    ArrivalKind,
    ArrivalState,
    GoneFriend,
    Resident,
    ResidentChange,
    ResidentState,
    area_list,
)
from subscriptions.residents import erase_rows, friend_hash, note_linked

CHUNK = 2_000
"""Residents in one transaction, so that a webhook waits at most some tenths of a second."""
LIST_LAG = timedelta(hours=1)
"""How much older LINE's list may be than the request for it. Whoever left within that time stays
out.
"""

ACTIONS = {ArrivalKind.FRIENDS: "residents.fetched", ArrivalKind.FILE: "residents.imported"}
"""The audit action for the beginning of an arrival."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Newcomer:
    """Somebody to take in, and their known choices.

    ``topics`` maps topics to lowest levels; None means those of a new resident. ``areas`` are
    districts; none means the whole city. ``language`` is None if it must be asked.
    """

    line_user_id: str
    language: str | None = None
    topics: Mapping[str, int] | None = None
    areas: tuple[str, ...] = ()


@dataclass(frozen=True)
class TakenIn:
    """What became of newcomers, in numbers.

    ``known`` were there already, ``left`` had left us, ``erased`` had themselves erased,
    ``returned`` had left and are LINE's friends again.
    """

    new: int = 0
    known: int = 0
    left: int = 0
    erased: int = 0
    returned: int = 0

    def plus(self, other: TakenIn) -> TakenIn:
        return TakenIn(
            self.new + other.new,
            self.known + other.known,
            self.left + other.left,
            self.erased + other.erased,
            self.returned + other.returned,
        )

    def to_json(self) -> dict[str, int]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> TakenIn:
        return cls(**{name: int(stored.get(name, 0)) for name in cls.__dataclass_fields__})


@dataclass
class _Sorted:
    """Numbers of newcomers, by what happened to them."""

    fresh: list[Newcomer] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    """Of those among the fresh who once were gone."""
    counts: TakenIn = field(default_factory=TakenIn)


async def begin(
    session: AsyncSession, kind: ArrivalKind, *, actor: str, now: datetime, source: str = ""
) -> Arrival:
    """Begin to take people in."""
    arrival = Arrival(kind=kind, actor=actor, started_at=now, source=source[:200])
    session.add(arrival)
    await session.flush()
    await record(
        session,
        now,
        actor=actor,
        action=ACTIONS[kind],
        subject=f"import:{arrival.id}",
        source=arrival.source,
    )
    return arrival


async def look_up(session: AsyncSession, people: Sequence[Newcomer]) -> TakenIn:
    """Return what would happen to people, without taking anybody in."""
    return (await _sorted(session, people, None)).counts


async def take_in(
    session: AsyncSession,
    city: City,
    arrival_id: int,
    people: Sequence[Newcomer],
    now: datetime,
    *,
    listed_at: datetime | None = None,
) -> TakenIn:
    """Make residents of people who are not residents yet, in the caller's transaction.

    Parameters
    ----------
    people
        At most :data:`CHUNK`, each once. Districts must be known (``service.know_areas``).
    listed_at
        When LINE was asked for the list. Whoever left well before that is a friend again. If it is
        None, whoever left stays out.

    Raises
    ------
    BadInput
        Somebody undid or ended the arrival meanwhile.
    """
    await _running(session, arrival_id)
    found = await _sorted(session, people, listed_at)
    await session.execute(delete(GoneFriend).where(col(GoneFriend.sha256).in_(found.hashes)))
    made = await _insert(session, city, arrival_id, found.fresh, now)
    by_user = {person.line_user_id: person for person in found.fresh}
    standing = {t.code: 0 for t in city.topics if t.default and not t.mandatory}
    mandatory = {t.code for t in city.topics if t.mandatory}
    subscriptions, areas = [], []
    for number, user in made:
        person = by_user[user]
        topics = standing if person.topics is None else person.topics
        subscriptions += [
            (number, topic, level) for topic, level in topics.items() if topic not in mandatory
        ]
        areas += [(number, area) for area in sorted(set(person.areas))]
    await write_choices(session, subscriptions, areas)
    await write_changes(session, [number for number, _ in made])
    for number in found.back:
        session.add(ResidentChange(resident_id=number))
    if found.back:
        await session.execute(
            update(Resident)
            .where(col(Resident.id).in_(found.back), col(Resident.state) == ResidentState.LEFT)
            .values(state=ResidentState.FOLLOWING, left_at=None, followed_at=now, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        await note_linked(session, found.back)
    # People who followed meanwhile are known now.
    overtaken = len(found.fresh) - len(made)
    counts = replace(found.counts, new=len(made), known=found.counts.known + overtaken)
    await session.flush()
    return counts


async def finish(
    session: AsyncSession,
    arrival_id: int,
    now: datetime,
    counts: Mapping[str, Any] | None = None,
) -> None:
    """Note that everybody was taken in, and in what numbers.

    Raises
    ------
    BadInput
        Somebody undid or ended it meanwhile.
    """
    arrival = await _running(session, arrival_id)
    arrival.state, arrival.ended_at = ArrivalState.DONE, now
    if counts is not None:
        arrival.counts = dict(counts)
    session.add(arrival)


async def _running(session: AsyncSession, arrival_id: int) -> Arrival:
    """Return an arrival that has not ended, locked until the transaction ends."""
    arrival = await session.get(Arrival, arrival_id, with_for_update=True, populate_existing=True)
    if arrival is None:
        raise BadInput(f"There is no import {arrival_id}.")
    if arrival.state is not ArrivalState.RUNNING:
        raise BadInput(f"Import {arrival_id} was ended or undone meanwhile.")
    return arrival


async def undo(
    session: AsyncSession, arrival_id: int, now: datetime, *, actor: str
) -> tuple[int, bool]:
    """Erase up to a chunk of the residents an arrival made and nobody changed since.

    Returns how many, and whether more are left. They are not noted as erased by their own
    wish: another list may bring them again.

    Raises
    ------
    BadInput
        There is no such arrival.
    """
    # A process that still takes people in waits here, and then sees that it was undone.
    arrival = await session.get(Arrival, arrival_id, with_for_update=True, populate_existing=True)
    if arrival is None:
        raise BadInput(f"There is no import {arrival_id}.")
    ids = list(
        await session.scalars(
            select(Resident.id)
            .where(
                col(Resident.arrival_id) == arrival_id,
                col(Resident.state) == ResidentState.FOLLOWING,
            )
            .order_by(col(Resident.id))
            .limit(CHUNK)
            .with_for_update()
        )
    )
    await erase_rows(session, [number for number in ids if number is not None])
    if len(ids) == CHUNK:
        return len(ids), True
    if arrival.state is ArrivalState.UNDONE and not ids:
        return 0, False
    arrival.state, arrival.ended_at = ArrivalState.UNDONE, now
    session.add(arrival)
    await record(
        session, now, actor=actor, action="residents.undone", subject=f"import:{arrival_id}"
    )
    return len(ids), False


async def untouched(session: AsyncSession, arrival_id: int) -> int:
    """Return how many residents of an arrival nobody has changed since."""
    return (
        await session.scalar(
            select(func.count())
            .select_from(Resident)
            .where(
                col(Resident.arrival_id) == arrival_id,
                col(Resident.state) == ResidentState.FOLLOWING,
            )
        )
        or 0
    )


async def unfinished_arrival(session: AsyncSession, kind: ArrivalKind) -> Arrival | None:
    """Return the newest arrival of a kind that was begun and has not ended."""
    found = await session.scalars(
        select(Arrival)
        .where(col(Arrival.kind) == kind, col(Arrival.state) == ArrivalState.RUNNING)
        .order_by(col(Arrival.id).desc())
        .limit(1)
    )
    return found.one_or_none()


async def recent_arrivals(session: AsyncSession, limit: int = 50) -> list[Arrival]:
    """Return the newest arrivals, newest first."""
    return list(
        await session.scalars(select(Arrival).order_by(col(Arrival.id).desc()).limit(limit))
    )


async def ask_once(session: AsyncSession, resident_ids: Sequence[int]) -> set[int]:
    """Clear the open question for the language; return who had it.

    This runs in the transaction that plans the message with the question, so that it is asked once.
    """
    asked: set[int] = set()
    for start in range(0, len(resident_ids), CHUNK):
        taken = await session.scalars(
            update(Resident)
            .where(
                col(Resident.id).in_(resident_ids[start : start + CHUNK]),
                col(Resident.ask_language),
            )
            .values(ask_language=False)
            .returning(col(Resident.id))
            .execution_options(synchronize_session=False)
        )
        asked.update(number for number in taken if number is not None)
    return asked


async def _sorted(
    session: AsyncSession, people: Sequence[Newcomer], listed_at: datetime | None
) -> _Sorted:
    users = [person.line_user_id for person in people]
    rows = await session.execute(
        select(
            col(Resident.line_user_id), col(Resident.id), col(Resident.state), col(Resident.left_at)
        ).where(col(Resident.line_user_id).in_(users))
    )
    known = {user: (number, state, left_at) for user, number, state, left_at in rows}
    hashes = {friend_hash(user): user for user in users if user not in known}
    found = await session.scalars(
        select(GoneFriend).where(col(GoneFriend.sha256).in_(list(hashes)))
    )
    gone = {hashes[row.sha256]: row for row in found}
    made = _Sorted()
    stayed = left = erased = 0
    for person in people:
        user = person.line_user_id
        if user in known:
            number, state, left_at = known[user]
            if state is ResidentState.FOLLOWING:
                stayed += 1
            elif number is not None and _well_before(left_at, listed_at):
                made.back.append(number)
            else:
                left += 1
        elif user not in gone:
            made.fresh.append(person)
        elif gone[user].erased:
            erased += 1
        elif _well_before(gone[user].at, listed_at):
            made.fresh.append(person)
            made.hashes.append(gone[user].sha256)
        else:
            left += 1
    made.counts = TakenIn(len(made.fresh), stayed, left, erased, len(made.back))
    return made


def _well_before(moment: datetime | None, listed_at: datetime | None) -> bool:
    """Whether a list asked for at ``listed_at`` knows of what happened at ``moment``."""
    return moment is not None and listed_at is not None and moment < listed_at - LIST_LAG


async def _insert(
    session: AsyncSession, city: City, arrival_id: int, people: Sequence[Newcomer], now: datetime
) -> list[tuple[int, str]]:
    """Insert residents; return id and user id of those who were not there."""
    if not people:
        return []
    rows = [
        {
            "line_user_id": person.line_user_id,
            "state": ResidentState.FOLLOWING,
            "language": person.language or city.languages[0],
            "language_chosen": person.language is not None,
            "topics_chosen": person.topics is not None,
            "area_list": area_list(person.areas),
            "followed_at": now,
            "updated_at": now,
            "arrival_id": arrival_id,
            "ask_language": person.language is None,
        }
        for person in people
    ]
    statement = insert_new(session, Resident, ["line_user_id"]).returning(
        col(Resident.id), col(Resident.line_user_id)
    )
    made = await session.execute(statement, rows)
    return [(number, user) for number, user in made if number is not None and user is not None]
