"""What households say: that they are safe, where they are, what they need.

Names and needs are seen only by those who answer them; everybody else gets counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnExpressionArgument, delete, func, update
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.chunks import in_chunks, rows_of
from core.database import Database
from response import cases
from response.models import (
    Condition,
    HouseholdAnswer,
    HouseholdNeed,
    HouseholdPhoto,
    Need,
    Whereabouts,
)

MOST_PEOPLE = 30
MOST_WORDS = 500
MOST_PHOTOS = 4
AWAY = (Whereabouts.SHELTER, Whereabouts.RELATIVES)
"""Somebody safe there has evacuated."""


@dataclass(frozen=True)
class AnswerPhoto:
    """A photo that was checked and stored: the hash that names its file, pixels, bytes on disk."""

    sha256: str
    width: int
    height: int
    size: int
    message_id: str = ""


@dataclass(frozen=True)
class Told:
    """A part of an answer: what is None stays as it is.

    Parameters
    ----------
    origin
        The webhook event that began the answer.
    need
        A need, and whether they have it.
    words, words_message
        Their own words, and LINE's id of the message.
    photo
        A photo that they sent.
    """

    origin: str
    condition: Condition | None = None
    people: int | None = None
    whereabouts: Whereabouts | None = None
    shelter: str | None = None
    need: tuple[Need, bool] | None = None
    words: str | None = None
    words_message: str = ""
    photo: AnswerPhoto | None = None

    @property
    def asks_more(self) -> bool:
        """Whether it asks for something, or says more of it."""
        if self.need is not None:
            return self.need[1]
        help_asked = self.condition in (Condition.CANNOT_MOVE, Condition.IN_NEED)
        return help_asked or bool(self.words) or self.photo is not None

    @property
    def part(self) -> str:
        """What it completes in an answer that was begun before."""
        if self.need is not None:
            return f"need:{self.need[0]}"
        if self.photo is not None:
            return f"photo:{self.photo.sha256}"
        for name in ("people", "whereabouts", "shelter"):
            if getattr(self, name) is not None:
                return name
        return "words"


@dataclass(frozen=True)
class Household:
    """A household's last answer, as it is shown to them."""

    origin: str
    drill: bool
    condition: Condition
    told_at: datetime
    people: int | None = None
    whereabouts: Whereabouts | None = None
    shelter: str | None = None
    needs: frozenset[Need] = frozenset()
    words: str = ""
    photos: int = 0


async def tell(
    session: AsyncSession,
    resident_id: int,
    told: Told,
    now: datetime,
    *,
    told_ms: int,
    drill: bool,
    area: str | None,
) -> None:
    """Keep an answer, or complete the one with the same origin.

    Parameters
    ----------
    told_ms
        LINE's time of the event, milliseconds since 1970. An answer that is older than the last
        one is kept and does not count.
    """
    answer = await session.scalar(
        select(HouseholdAnswer)
        .where(
            col(HouseholdAnswer.resident_id) == resident_id,
            col(HouseholdAnswer.origin) == told.origin,
        )
        .with_for_update()
    )
    if answer is None:
        if told.condition is None:
            return
        answer = HouseholdAnswer(
            resident_id=resident_id,
            origin=told.origin,
            told_ms=told_ms,
            newest=await _step_back(session, resident_id, told_ms, drill=drill),
            drill=drill,
            condition=told.condition,
            area=area,
            told_at=now,
            changed_at=now,
        )
    _complete(answer, told)
    answer.changed_at = now
    session.add(answer)
    await session.flush()
    if told.need is not None:
        await _set_need(session, answer, *told.need)
    if told.photo is not None:
        await _add_photo(session, answer, told.photo, now)
    await cases.follow(session, answer, now, says_more=told.asks_more)


async def _step_back(session: AsyncSession, resident_id: int, told_ms: int, *, drill: bool) -> bool:
    """Make the last answer one of the past, unless it is newer; return whether it was."""
    theirs = (
        col(HouseholdAnswer.resident_id) == resident_id,
        col(HouseholdAnswer.drill).is_(drill),
    )
    newer = await session.scalar(
        select(HouseholdAnswer.id).where(*theirs, col(HouseholdAnswer.told_ms) > told_ms).limit(1)
    )
    if newer is not None:
        return False
    await session.execute(update(HouseholdAnswer).where(*theirs).values(newest=False))
    return True


def _complete(answer: HouseholdAnswer, told: Told) -> None:
    answer.condition = told.condition or answer.condition
    answer.people = answer.people if told.people is None else told.people
    answer.whereabouts = told.whereabouts or answer.whereabouts
    if told.whereabouts is not None and told.whereabouts is not Whereabouts.SHELTER:
        answer.shelter = None
    answer.shelter = told.shelter or answer.shelter
    if answer.condition in (Condition.SAFE, Condition.EVACUATED) and answer.whereabouts:
        away = answer.whereabouts in AWAY
        answer.condition = Condition.EVACUATED if away else Condition.SAFE
    if told.words is not None:
        answer.words, answer.words_message = told.words[:MOST_WORDS], told.words_message


async def _set_need(
    session: AsyncSession, answer: HouseholdAnswer, need: Need, has_it: bool
) -> None:
    assert answer.id is not None
    found = await session.get(HouseholdNeed, (answer.id, need))
    if has_it and found is None:
        session.add(HouseholdNeed(answer_id=answer.id, need=need))
    elif not has_it and found is not None:
        await session.delete(found)
    await session.flush()


async def _add_photo(
    session: AsyncSession, answer: HouseholdAnswer, photo: AnswerPhoto, now: datetime
) -> None:
    """Keep a photo with an answer, once, and no more than :data:`MOST_PHOTOS`."""
    assert answer.id is not None
    there = set(
        await session.scalars(
            select(HouseholdPhoto.sha256).where(col(HouseholdPhoto.answer_id) == answer.id)
        )
    )
    if photo.sha256 in there or len(there) >= MOST_PHOTOS:
        return
    session.add(
        HouseholdPhoto(
            answer_id=answer.id,
            sha256=photo.sha256,
            width=photo.width,
            height=photo.height,
            size=photo.size,
            message_id=photo.message_id,
            created_at=now,
        )
    )
    await session.flush()


async def last_of(
    session: AsyncSession, resident_id: int, *, drill: bool | None = None
) -> Household | None:
    """Return a resident's last answer; ``drill`` None means the last of either kind."""
    query = select(HouseholdAnswer).where(
        col(HouseholdAnswer.resident_id) == resident_id, col(HouseholdAnswer.newest)
    )
    if drill is not None:
        query = query.where(col(HouseholdAnswer.drill).is_(drill))
    answer = await session.scalar(query.order_by(col(HouseholdAnswer.told_ms).desc()).limit(1))
    if answer is None:
        return None
    needs = await session.scalars(
        select(HouseholdNeed.need).where(col(HouseholdNeed.answer_id) == answer.id)
    )
    return Household(
        answer.origin,
        answer.drill,
        answer.condition,
        answer.told_at,
        answer.people,
        answer.whereabouts,
        answer.shelter,
        frozenset(Need(need) for need in needs),
        answer.words,
        await session.scalar(
            select(func.count())
            .select_from(HouseholdPhoto)
            .where(col(HouseholdPhoto.answer_id) == answer.id)
        )
        or 0,
    )


async def take_words_back(session: AsyncSession, resident_id: int, message_id: str) -> bool:
    """Erase the words or the photo of a message that the resident took back.

    Return whether there were any.
    """
    gone = await session.execute(
        update(HouseholdAnswer)
        .where(
            col(HouseholdAnswer.resident_id) == resident_id,
            col(HouseholdAnswer.words_message) == message_id,
        )
        .values(words="", words_message="")
    )
    theirs = select(HouseholdAnswer.id).where(col(HouseholdAnswer.resident_id) == resident_id)
    photos = await session.execute(
        delete(HouseholdPhoto).where(
            col(HouseholdPhoto.message_id) == message_id,
            col(HouseholdPhoto.answer_id).in_(theirs),
        )
    )
    return bool(rows_of(gone) or rows_of(photos))


async def counts(
    session: AsyncSession, *, drill: bool, since: datetime | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Count the households whose last answer is not older than ``since``.

    Returns
    -------
    dict
        ``areas`` and ``shelters`` as of :func:`count_by_place`. ``needs``: rows of area, need,
        households.
    """
    found = await count_by_place(session, drill=drill, since=since)
    needs = (
        select(HouseholdAnswer.area, HouseholdNeed.need, func.count())
        .join(HouseholdNeed, col(HouseholdNeed.answer_id) == col(HouseholdAnswer.id))
        .where(*_last_answers(drill, since))
        .group_by(col(HouseholdAnswer.area), col(HouseholdNeed.need))
        .order_by(col(HouseholdAnswer.area), col(HouseholdNeed.need))
    )
    found["needs"] = [
        {"area": area, "need": Need(need).value, "households": households}
        for area, need, households in await session.execute(needs)
    ]
    return found


async def count_by_need(session: AsyncSession, *, drill: bool) -> dict[Need, int]:
    """Return how many households need something, by what it is."""
    query = (
        select(HouseholdNeed.need, func.count())
        .join(HouseholdAnswer, col(HouseholdNeed.answer_id) == col(HouseholdAnswer.id))
        .where(*_last_answers(drill, None))
        .group_by(col(HouseholdNeed.need))
    )
    found = {Need(need): number for need, number in await session.execute(query)}
    return {need: found.get(need, 0) for need in Need}


async def count_by_place(
    session: AsyncSession, *, drill: bool, since: datetime | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Count the households whose last answer is not older than ``since``.

    Returns
    -------
    dict
        ``areas``: rows of area (None for residents without a district), condition, households and
        people (households that did not say how many count as one). ``shelters``: the same by the
        site's code.
    """
    people = func.sum(func.coalesce(HouseholdAnswer.people, 1))
    columns: tuple[Any, ...] = (
        HouseholdAnswer.area,
        HouseholdAnswer.shelter,
        HouseholdAnswer.condition,
    )
    # One look at all of them, for they can be a hundred thousand.
    query: Any = select_rows(*columns, func.count(), people)
    query = query.where(*_last_answers(drill, since)).group_by(*columns)
    by_area: dict[tuple[str | None, Condition], list[int]] = {}
    by_shelter: dict[tuple[str | None, Condition], list[int]] = {}
    for area, shelter, condition, households, number in await session.execute(query):
        for place, found_by in ((area, by_area), (shelter, by_shelter)):
            both = found_by.setdefault((place, Condition(condition)), [0, 0])
            both[0] += households
            both[1] += int(number)
    by_shelter = {key: both for key, both in by_shelter.items() if key[0] is not None}
    return {
        name: [
            {
                name.removesuffix("s"): place,
                "condition": condition.value,
                "households": both[0],
                "people": both[1],
            }
            for (place, condition), both in sorted(
                counted.items(), key=lambda one: (one[0][0] or "", one[0][1].value)
            )
        ]
        for name, counted in (("areas", by_area), ("shelters", by_shelter))
    }


def _last_answers(drill: bool, since: datetime | None) -> list[ColumnExpressionArgument[bool]]:
    answers: list[ColumnExpressionArgument[bool]] = [
        col(HouseholdAnswer.newest),
        col(HouseholdAnswer.drill).is_(drill),
    ]
    if since is not None:
        answers.append(col(HouseholdAnswer.told_at) >= since)
    return answers


async def forget_old(database: Database, before: datetime) -> int:
    """Erase answers from before a moment; return how many."""
    number, old = col(HouseholdAnswer.id), col(HouseholdAnswer.told_at) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(HouseholdAnswer).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)
