"""Households that are followed: who waits, how urgently, who is on it, and when it is done.

What a household says moves its case by itself (:func:`follow`); staff take it, note what they did,
and end it. A case that got worse is open again. Names and needs are for those who answer
households; the audit trail has who did what to which case, and never a household's words.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.forget import forget_words
from core import audit
from core.audit import AuditEntry
from core.chunks import in_chunks, rows_of
from core.database import Database, insert_new
from core.errors import BadInput
from core.text import clean
from response.models import (
    WAITING_CASES,
    CaseState,
    CaseStep,
    Condition,
    HouseholdAnswer,
    HouseholdCase,
    HouseholdNeed,
    HouseholdNote,
    HouseholdPhoto,
    Need,
)
from response.reasons import reason

MOST_NOTE = 1000
CANNOT_MOVE, MEDICINE, THINGS, SOMETHING, NOTHING = 4, 3, 2, 1, 0
"""How urgent a case is. People who cannot move come first, then those without their medicine."""
BY_THEMSELVES = "household"
"""Who wrote a line that a household's own answer made."""


@dataclass(frozen=True, kw_only=True)
class CaseFilter:
    """Which households to show; empty fields do not narrow."""

    drill: bool
    states: tuple[CaseState, ...] = WAITING_CASES
    area: str = ""
    shelter: str = ""
    need: Need | None = None
    condition: Condition | None = None
    person: str = ""
    department: str = ""


@dataclass(frozen=True)
class CaseShown:
    """A case with the household's last answer."""

    case: HouseholdCase
    answer: HouseholdAnswer
    needs: tuple[Need, ...] = ()
    photos: int = 0


def urgency_of(condition: Condition, needs: Collection[Need], *, says_more: bool) -> int:
    """Return how urgent an answer is, 0 for a household that needs nothing.

    Parameters
    ----------
    says_more
        Whether they wrote words of their own, or sent a photo, which somebody has to look at.
    """
    if condition is Condition.CANNOT_MOVE:
        return CANNOT_MOVE
    if Need.MEDICINE in needs:
        return MEDICINE
    if needs:
        return THINGS
    return SOMETHING if says_more or condition is Condition.IN_NEED else NOTHING


async def follow(
    session: AsyncSession, answer: HouseholdAnswer, now: datetime, *, says_more: bool
) -> None:
    """Move a household's case as its last answer says.

    Parameters
    ----------
    answer
        As it is now, with its needs stored.
    says_more
        Whether the household asked for something with this event, and did not take it back.
    """
    if not answer.newest:
        return
    needs = [
        Need(one)
        for one in await session.scalars(
            select(HouseholdNeed.need).where(col(HouseholdNeed.answer_id) == answer.id)
        )
    ]
    has_photo = await session.scalar(
        select(HouseholdPhoto.id).where(col(HouseholdPhoto.answer_id) == answer.id).limit(1)
    )
    urgency = urgency_of(
        answer.condition, needs, says_more=bool(answer.words) or has_photo is not None
    )
    case = await _case_of(session, answer, now)
    before, state = case.urgency, case.state
    case.urgency, case.changed_at = urgency, now
    case.version += 1
    if urgency and state is CaseState.NOTHING:
        case.state, case.since = CaseState.OPEN, now
    elif urgency and state is CaseState.DONE and (urgency > before or says_more):
        case.state, case.since = CaseState.OPEN, now
        await _line(session, case, CaseStep.WORSE, BY_THEMSELVES, now)
    elif state is CaseState.TAKEN and urgency > before:
        await _line(session, case, CaseStep.WORSE, BY_THEMSELVES, now)
    elif not urgency and before:
        if state is CaseState.OPEN:
            case.state = CaseState.NOTHING
        await _line(session, case, CaseStep.SAFE, BY_THEMSELVES, now)
    session.add(case)
    await session.flush()


async def _case_of(session: AsyncSession, answer: HouseholdAnswer, now: datetime) -> HouseholdCase:
    """Return the household's case, locked until the transaction ends; make it if there is none."""
    query = (
        select(HouseholdCase)
        .where(
            col(HouseholdCase.resident_id) == answer.resident_id,
            col(HouseholdCase.drill).is_(answer.drill),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = await session.scalar(query)
    if found is not None:
        return found
    # Not inserted each time: that would use up a row id.
    new = insert_new(session, HouseholdCase, ["resident_id", "drill"])
    first = {"urgency": 0, "person": "", "department": "", "version": 0}
    await session.execute(
        new.values(
            resident_id=answer.resident_id,
            drill=answer.drill,
            state=CaseState.NOTHING,
            since=now,
            changed_at=now,
            **first,
        )
    )
    found = await session.scalar(query)
    assert found is not None
    return found


async def _line(
    session: AsyncSession,
    case: HouseholdCase,
    step: CaseStep,
    by: str,
    now: datetime,
    words: str = "",
    *,
    delivery_id: int | None = None,
    key: str | None = None,
) -> None:
    assert case.id is not None
    session.add(
        HouseholdNote(
            case_id=case.id,
            step=step,
            by=by,
            words=words,
            delivery_id=delivery_id,
            key=key,
            at=now,
        )
    )
    await session.flush()


def _with_answer(query: Any) -> Any:
    return query.join(
        HouseholdAnswer,
        (col(HouseholdAnswer.resident_id) == col(HouseholdCase.resident_id))
        & (col(HouseholdAnswer.drill) == col(HouseholdCase.drill))
        & col(HouseholdAnswer.newest),
    )


def _fitting(wanted: CaseFilter) -> Any:
    """Return the query for the ids of cases; their answers are looked at only for a filter."""
    query: Any = select(HouseholdCase.id).where(
        col(HouseholdCase.drill).is_(wanted.drill), col(HouseholdCase.state).in_(wanted.states)
    )
    if wanted.area or wanted.shelter or wanted.condition or wanted.need is not None:
        query = _with_answer(query)
    for column, value in (
        (col(HouseholdAnswer.area), wanted.area),
        (col(HouseholdAnswer.shelter), wanted.shelter),
        (col(HouseholdAnswer.condition), wanted.condition),
        (col(HouseholdCase.person), wanted.person),
        (col(HouseholdCase.department), wanted.department),
    ):
        if value:
            query = query.where(column == value)
    if wanted.need is not None:
        needed = exists().where(
            col(HouseholdNeed.answer_id) == col(HouseholdAnswer.id),
            col(HouseholdNeed.need) == wanted.need,
        )
        query = query.where(needed)
    return query


async def households(
    session: AsyncSession, wanted: CaseFilter, *, most: int, skip: int = 0
) -> list[CaseShown]:
    """Return the households that fit: the most urgent first, then who has waited longest.

    Of those who wait for nobody the last to speak come first; of all together the last to answer
    for the first time.
    """
    since = col(HouseholdCase.since)
    waits = any(state.waits for state in wanted.states)
    order: tuple[Any, ...]
    if waits and not set(wanted.states) <= set(WAITING_CASES):
        order = (col(HouseholdCase.id).desc(),)
    else:
        by_time = since if waits else since.desc()
        order = (col(HouseholdCase.urgency).desc(), by_time, col(HouseholdCase.id))
    # Many wait, in two states, which no index has in this order: ids alone are sorted quickly.
    ids_of_page = _fitting(wanted).order_by(*order).limit(most)
    ids_of_page = ids_of_page.offset(skip) if skip else ids_of_page
    query = _with_answer(select_rows(HouseholdCase, HouseholdAnswer))
    query = query.where(col(HouseholdCase.id).in_(ids_of_page)).order_by(*order)
    rows = (await session.execute(query)).all()
    ids = [answer.id for _, answer in rows]
    needs: dict[int, list[Need]] = {}
    photos: dict[int, int] = {}
    if ids:
        asked = select(HouseholdNeed).where(col(HouseholdNeed.answer_id).in_(ids))
        for one in await session.scalars(asked):
            needs.setdefault(one.answer_id, []).append(Need(one.need))
        counted: Any = (
            select_rows(col(HouseholdPhoto.answer_id), func.count())
            .where(col(HouseholdPhoto.answer_id).in_(ids))
            .group_by(col(HouseholdPhoto.answer_id))
        )
        for answer_id, number in await session.execute(counted):
            photos[answer_id] = number
    return [
        CaseShown(case, answer, tuple(sorted(needs.get(answer.id, []))), photos.get(answer.id, 0))
        for case, answer in rows
    ]


async def count_by_state(session: AsyncSession, *, drill: bool) -> dict[CaseState, int]:
    """Return how many households are in each state."""
    query: Any = (
        select_rows(col(HouseholdCase.state), func.count())
        .where(col(HouseholdCase.drill).is_(drill))
        .group_by(col(HouseholdCase.state))
    )
    found = {CaseState(state): number for state, number in await session.execute(query)}
    return {state: found.get(state, 0) for state in CaseState}


async def get(session: AsyncSession, case_id: int) -> HouseholdCase | None:
    return await session.get(HouseholdCase, case_id)


async def answers_of(session: AsyncSession, case: HouseholdCase) -> list[CaseShown]:
    """Return all that a household said, the last answer first."""
    query = (
        select(HouseholdAnswer)
        .where(
            col(HouseholdAnswer.resident_id) == case.resident_id,
            col(HouseholdAnswer.drill).is_(case.drill),
        )
        .order_by(col(HouseholdAnswer.told_ms).desc(), col(HouseholdAnswer.id).desc())
    )
    answers = list(await session.scalars(query))
    needs: dict[int, list[Need]] = {}
    asked = select(HouseholdNeed).where(
        col(HouseholdNeed.answer_id).in_([one.id for one in answers])
    )
    for need in await session.scalars(asked):
        needs.setdefault(need.answer_id, []).append(Need(need.need))
    return [CaseShown(case, one, tuple(sorted(needs.get(one.id or 0, [])))) for one in answers]


async def photos_of(session: AsyncSession, case: HouseholdCase) -> list[HouseholdPhoto]:
    """Return the photos of all answers of a household, the newest first."""
    query = (
        select(HouseholdPhoto)
        .join(HouseholdAnswer, col(HouseholdAnswer.id) == col(HouseholdPhoto.answer_id))
        .where(
            col(HouseholdAnswer.resident_id) == case.resident_id,
            col(HouseholdAnswer.drill).is_(case.drill),
        )
    )
    return list(await session.scalars(query.order_by(col(HouseholdPhoto.id).desc())))


async def history(session: AsyncSession, case_id: int) -> list[HouseholdNote]:
    """Return what was done and said about a household, the newest first."""
    query = select(HouseholdNote).where(col(HouseholdNote.case_id) == case_id)
    return list(await session.scalars(query.order_by(col(HouseholdNote.id).desc())))


async def locked(session: AsyncSession, case_id: int, seen: int | None) -> HouseholdCase:
    """Return a case for a change, locked until the transaction ends.

    Parameters
    ----------
    seen
        The version that the person looked at; None if it does not matter what changed.

    Raises
    ------
    BadInput
        It is gone, or changed since.
    """
    query = select(HouseholdCase).where(col(HouseholdCase.id) == case_id)
    case = await session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if case is None:
        raise BadInput(reason("household.missing"))
    if seen is not None and case.version != seen:
        raise BadInput(reason("household.changed"))
    return case


async def take(
    session: AsyncSession,
    case: HouseholdCase,
    person: str,
    department: str,
    now: datetime,
    *,
    actor: str,
) -> None:
    """Give a locked case to a person, or to a department.

    Raises
    ------
    BadInput
        Nobody is named, or the household waits for nobody.
    """
    if not person and not department:
        raise BadInput(reason("household.nobody"))
    if case.state in (CaseState.DONE, CaseState.NOTHING):
        raise BadInput(reason("household.over"))
    case.person, case.department = person, department
    await _move(session, case, CaseState.TAKEN, CaseStep.TAKEN, now, actor, person or department)


async def finish(
    session: AsyncSession, case: HouseholdCase, words: str, now: datetime, *, actor: str
) -> None:
    """End a locked case: what the household needed is done."""
    if not case.state.waits:
        raise BadInput(reason("household.over"))
    await _move(session, case, CaseState.DONE, CaseStep.DONE, now, actor, _note(words))


async def reopen(
    session: AsyncSession, case: HouseholdCase, words: str, now: datetime, *, actor: str
) -> None:
    """Open a locked case again, by staff."""
    if case.state.waits:
        raise BadInput(reason("household.waits"))
    case.since = now
    await _move(session, case, CaseState.OPEN, CaseStep.REOPENED, now, actor, _note(words))


async def add_note(
    session: AsyncSession,
    case: HouseholdCase,
    words: str,
    now: datetime,
    *,
    actor: str,
    key: str | None = None,
) -> None:
    """Note something about a household, for colleagues only.

    Raises
    ------
    BadInput
        There are no words.
    """
    words = _note(words)
    if not words:
        raise BadInput(reason("household.no-words"))
    if await was_done(session, case, key):
        return
    case.changed_at = now
    session.add(case)
    await _line(session, case, CaseStep.NOTED, actor, now, words, key=key)
    await _trace(session, case, now, actor, action="household.noted")


async def note_sent(
    session: AsyncSession,
    case: HouseholdCase,
    words: str,
    delivery_id: int,
    now: datetime,
    *,
    actor: str,
    key: str,
) -> None:
    """Note what went to a household, in the same transaction as the delivery."""
    case.changed_at = now
    session.add(case)
    await _line(session, case, CaseStep.SENT, actor, now, words, delivery_id=delivery_id, key=key)
    await _trace(session, case, now, actor, action="household.answered", delivery=delivery_id)


async def was_done(session: AsyncSession, case: HouseholdCase, key: str | None) -> bool:
    """Whether a form with this key was acted on before; the case is locked."""
    if not key:
        return False
    there = select(HouseholdNote.id).where(
        col(HouseholdNote.case_id) == case.id, col(HouseholdNote.key) == key
    )
    return await session.scalar(there) is not None


async def was_seen(session: AsyncSession, case_id: int, sitting: str, *, actor: str) -> bool:
    """Whether the audit trail has that somebody looked at a household in this sitting.

    Parameters
    ----------
    case_id
        The household; 0 for the list of them.
    sitting
        What is the same from a person's sign-in to their sign-out.
    """
    action, subject = _view(case_id, actor)
    recent = select(AuditEntry).where(
        col(AuditEntry.subject) == subject, col(AuditEntry.action) == action
    )
    found = await session.scalars(recent.order_by(col(AuditEntry.id).desc()).limit(50))
    return any(entry.actor == actor and entry.detail.get("sitting") == sitting for entry in found)


async def note_seen(
    session: AsyncSession, case_id: int, sitting: str, now: datetime, *, actor: str
) -> None:
    """Write into the audit trail that somebody looked at a household, once a sitting."""
    if await was_seen(session, case_id, sitting, actor=actor):
        return
    action, subject = _view(case_id, actor)
    await audit.record(session, now, actor=actor, action=action, subject=subject, sitting=sitting)


def _view(case_id: int, actor: str) -> tuple[str, str]:
    action = "household.seen" if case_id else "household.listed"
    return action, f"household:{case_id}" if case_id else f"staff:{actor}"


ACTIONS = {
    CaseStep.TAKEN: "household.taken",
    CaseStep.DONE: "household.done",
    CaseStep.REOPENED: "household.reopened",
}


async def _move(
    session: AsyncSession,
    case: HouseholdCase,
    state: CaseState,
    step: CaseStep,
    now: datetime,
    actor: str,
    words: str,
) -> None:
    case.state, case.changed_at = state, now
    case.version += 1
    session.add(case)
    await session.flush()
    await _line(session, case, step, actor, now, words)
    await _trace(
        session,
        case,
        now,
        actor,
        action=ACTIONS[step],
        person=case.person,
        department=case.department,
    )


async def _trace(
    session: AsyncSession,
    case: HouseholdCase,
    now: datetime,
    actor: str,
    *,
    action: str,
    **detail: Any,
) -> None:
    await audit.record(
        session,
        now,
        actor=actor,
        action=action,
        subject=f"household:{case.id}",
        drill=case.drill,
        **detail,
    )


def _note(words: str) -> str:
    return clean(words)[:MOST_NOTE]


async def forget_old(database: Database, before: datetime) -> dict[str, int]:
    """Erase what is kept of households that said nothing since a moment; return how many.

    Notes of that time go as well, with the words of the messages that were sent.
    """
    number, old = col(HouseholdNote.id), col(HouseholdNote.at) < before

    async def erase_notes(session: AsyncSession, ids: Any) -> int:
        sent = await session.scalars(
            select(HouseholdNote.delivery_id).where(
                number.in_(ids), col(HouseholdNote.delivery_id).is_not(None)
            )
        )
        await forget_words(session, [one for one in sent if one is not None])
        gone = delete(HouseholdNote).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    notes = await in_chunks(database, select(number).where(old), erase_notes)
    case_id = col(HouseholdCase.id)
    answered = exists().where(
        col(HouseholdAnswer.resident_id) == col(HouseholdCase.resident_id),
        col(HouseholdAnswer.drill) == col(HouseholdCase.drill),
    )

    async def erase_cases(session: AsyncSession, ids: Any) -> int:
        sent = await session.scalars(
            select(HouseholdNote.delivery_id).where(
                col(HouseholdNote.case_id).in_(ids), col(HouseholdNote.delivery_id).is_not(None)
            )
        )
        await forget_words(session, [one for one in sent if one is not None])
        gone = delete(HouseholdCase).where(case_id.in_(ids), ~answered)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    cases = await in_chunks(database, select(case_id).where(~answered), erase_cases)
    return {"household_notes": notes, "household_cases": cases}
