"""A resident's choices: made, changed, restored, shown and erased.

Every change is noted in ``resident_changes``, so that a count knows for which residents the bitmaps
are out of date. So nothing else may write these tables (except ``generate``, which notes its
changes too).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.clock import in_japan
from core.database import insert_new
from core.errors import BadInput, Permanent
from subscriptions.models import (
    HAS_ADDRESS,
    IS_LINKED,
    Area,
    GoneFriend,
    Resident,
    ResidentArea,
    ResidentChange,
    ResidentChild,
    ResidentState,
    Subscription,
    area_list,
)

MINUTES_A_DAY = 24 * 60
MAX_LEVEL = 6
MOST_CHILDREN = 10
GROWN_UP = 18
"""Years after which nobody is a child."""
MENU_TASK = "bot.menu"
"""The task that gives a resident (the key is the LINE user id) their menu at LINE."""

_log = structlog.get_logger(__name__)


class UnknownResident(Permanent):
    """There is no such resident (any more)."""


@dataclass(frozen=True)
class Preferences:
    """What a resident chose.

    ``topics`` maps each topic to the lowest level that they want to hear (0: all); mandatory topics
    are always included. ``quiet_start`` and ``quiet_end`` are minutes after midnight in Japan, None
    for the city's; equal ones mean no quiet hours. Empty ``areas`` mean the whole city.
    ``children`` are the months in which their children were born, as ``YYYY-MM``.
    """

    resident_id: int
    following: bool
    language: str
    language_chosen: bool
    areas: tuple[str, ...]
    topics: dict[str, int]
    topics_chosen: bool
    quiet_start: int | None
    quiet_end: int | None
    digest_hour: int | None
    remind_in_morning: bool = False
    children: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResidentRecord:
    """Everything this package keeps of one resident (promise 9)."""

    medium: str
    line_user_id: str | None
    address: str | None
    only_if_line_fails: bool
    followed_at: datetime
    left_at: datetime | None
    updated_at: datetime
    preferences: Preferences
    elsewhere: tuple[ResidentRecord, ...] = ()
    """The same person by other media, as far as they are linked."""

    def to_json(self) -> dict[str, Any]:
        choices = self.preferences
        return {
            "medium": self.medium,
            "line_user_id": self.line_user_id,
            "address": self.address,
            "only_if_line_fails": self.only_if_line_fails,
            "following": choices.following,
            "followed_at": self.followed_at.isoformat(),
            "left_at": self.left_at.isoformat() if self.left_at else None,
            "updated_at": self.updated_at.isoformat(),
            "language": choices.language,
            "areas": list(choices.areas),
            "topics": dict(choices.topics),
            "quiet_start": choices.quiet_start,
            "quiet_end": choices.quiet_end,
            "digest_hour": choices.digest_hour,
            "remind_in_morning": choices.remind_in_morning,
            "children": list(choices.children),
            "elsewhere": [one.to_json() for one in self.elsewhere],
        }


async def follow(
    session: AsyncSession, city: City, line_user_id: str, language: str, now: datetime
) -> Resident:
    """Take somebody in who follows the account; one who comes back finds their choices again.

    ``language`` is a first guess (the phone's); it never overrides one that was chosen.
    """
    check_language(city, language)
    await _welcome_again(session, line_user_id)
    resident = await take_in(session, city, {"line_user_id": line_user_id}, language, now)
    await note_linked(session, [resident.id])
    return resident


async def take_in(
    session: AsyncSession, city: City, own: Mapping[str, str], language: str, now: datetime
) -> Resident:
    """Store a resident, or find them again, by the columns that say who they are."""
    where = HAS_ADDRESS if "address" in own else None
    made = await session.scalar(
        insert_new(session, Resident, list(own), where=where)
        .values(
            **own,
            state=ResidentState.FOLLOWING,
            language=language,
            language_chosen=False,
            topics_chosen=False,
            area_list="",
            followed_at=now,
            updated_at=now,
        )
        .returning(col(Resident.id))
    )
    resident = await resident_by(session, own)
    assert resident is not None and resident.id is not None
    if made is not None:
        wanted = [t.code for t in city.topics if t.default and not t.mandatory]
        session.add_all(Subscription(topic=code, resident_id=resident.id) for code in wanted)
        await note_change(session, resident, now)
        _log.info(
            "resident.followed",
            resident_id=resident.id,
            language=language,
            channel=resident.medium,
        )
    elif resident.state is ResidentState.LEFT:
        resident.state = ResidentState.FOLLOWING
        resident.left_at = None
        resident.followed_at = now
        if not resident.language_chosen:
            resident.language = language
        await note_change(session, resident, now)
        _log.info(
            "resident.returned",
            resident_id=resident.id,
            language=resident.language,
            channel=resident.medium,
        )
    return resident


async def unfollow(
    session: AsyncSession, city: City, line_user_id: str, now: datetime
) -> Resident | None:
    """Stop everything for somebody who left; their choices are kept for the days in the city's
    rules.
    """
    resident = await resident_by(session, {"line_user_id": line_user_id})
    if resident is None:
        # LINE's list of friends, if it is being read now, may still contain them.
        await _note_gone(session, line_user_id, now, erased=False)
        return None
    await leave(session, resident, now)
    return resident


async def leave(session: AsyncSession, resident: Resident, now: datetime) -> None:
    if resident.state is ResidentState.LEFT:
        return
    resident.state = ResidentState.LEFT
    resident.left_at = now
    await note_change(session, resident, now)
    await note_linked(session, [resident.id])
    _log.info("resident.left", resident_id=resident.id, channel=resident.medium)


async def rows_of_person(session: AsyncSession, resident_id: int) -> list[int]:
    """Return a resident and those who are linked to them: one person by several media."""
    linked = select(col(Resident.id)).where(IS_LINKED, col(Resident.linked_id) == resident_id)
    found = [number for number in await session.scalars(linked) if number is not None]
    return [resident_id, *sorted(found)]


async def note_linked(session: AsyncSession, resident_ids: Sequence[int | None]) -> None:
    """Note that LINE reaches these residents now, or not any more, for who stands by for it."""
    linked = await session.scalars(
        select(col(Resident.id)).where(IS_LINKED, col(Resident.linked_id).in_(resident_ids))
    )
    session.add_all(ResidentChange(resident_id=number) for number in linked if number is not None)
    await session.flush()


async def spoke(session: AsyncSession, resident: Resident, now: datetime) -> None:
    """Note that somebody who was taken in from a list has spoken: they are nobody's list now."""
    resident.ask_language = False
    await note_change(session, resident, now)


async def find(session: AsyncSession, line_user_id: str) -> Resident | None:
    """Return the resident behind a LINE user id, following or not."""
    return (
        await session.scalars(select(Resident).where(col(Resident.line_user_id) == line_user_id))
    ).one_or_none()


async def preferences(session: AsyncSession, city: City, resident_id: int) -> Preferences:
    """Return a resident's choices, or the defaults.

    Raises
    ------
    UnknownResident
        There is none with this id.
    """
    resident = await session.get(Resident, resident_id)
    if resident is None:
        raise UnknownResident(f"there is no resident {resident_id}")
    return (await preferences_of(session, city, [resident]))[resident_id]


async def choose_language(
    session: AsyncSession, city: City, resident_id: int, language: str, now: datetime
) -> None:
    """Speak ``language`` with this resident from now on."""
    check_language(city, language)
    resident = await locked(session, resident_id)
    resident.language = language
    resident.language_chosen = True
    resident.ask_language = False
    await note_change(session, resident, now)


async def choose_areas(
    session: AsyncSession, city: City, resident_id: int, areas: Sequence[str], now: datetime
) -> None:
    """Tell this resident about these districts; none means the whole city."""
    wanted = sorted(set(areas))
    for code in wanted:
        if code not in city.district_by_code:
            raise BadInput(f"{code!r} is not a district of this city.")
    resident = await locked(session, resident_id)
    await know_areas(session, city, wanted)
    await session.execute(delete(ResidentArea).where(col(ResidentArea.resident_id) == resident_id))
    session.add_all(ResidentArea(area=code, resident_id=resident_id) for code in wanted)
    resident.area_list = area_list(wanted)
    await note_change(session, resident, now)


async def choose_topics(
    session: AsyncSession, city: City, resident_id: int, topics: Mapping[str, int], now: datetime
) -> None:
    """Tell this resident of these topics, each from its least level upwards.

    Mandatory topics stay whatever is chosen; a level for one is ignored.
    """
    for code, level in topics.items():
        if code not in city.topic_by_code:
            raise BadInput(f"{code!r} is not a topic of this city.")
        if not 0 <= level <= MAX_LEVEL:
            raise BadInput(f"a level is between 0 and {MAX_LEVEL}, not {level}.")
    resident = await locked(session, resident_id)
    await session.execute(delete(Subscription).where(col(Subscription.resident_id) == resident_id))
    session.add_all(
        Subscription(topic=code, resident_id=resident_id, min_level=level)
        for code, level in sorted(topics.items())
        if not city.topic_by_code[code].mandatory
    )
    resident.topics_chosen = True
    await note_change(session, resident, now)


async def choose_quiet_hours(
    session: AsyncSession,
    city: City,
    resident_id: int,
    start: int | None,
    end: int | None,
    now: datetime,
) -> None:
    """Set the quiet hours in minutes after midnight in Japan; both None: the city's.

    Equal ones mean no quiet hours at all.
    """
    if (start is None) != (end is None):
        raise BadInput("quiet hours have a start and an end, or neither.")
    for minute in (start, end):
        if minute is not None and not 0 <= minute < MINUTES_A_DAY:
            raise BadInput(f"a minute of the day is between 0 and 1439, not {minute}.")
    resident = await locked(session, resident_id)
    resident.quiet_start, resident.quiet_end = start, end
    await note_change(session, resident, now)


async def choose_digest_hour(
    session: AsyncSession, city: City, resident_id: int, hour: int | None, now: datetime
) -> None:
    """Set the hour of the daily digest, 0 to 23 in Japan; None: the city's."""
    if hour is not None and not 0 <= hour <= 23:
        raise BadInput(f"an hour is between 0 and 23, not {hour}.")
    resident = await locked(session, resident_id)
    resident.digest_hour = hour
    await note_change(session, resident, now)


async def choose_reminder(
    session: AsyncSession, city: City, resident_id: int, now: datetime, *, in_morning: bool
) -> None:
    """Remind of collections on the morning of the day, or else on the evening before."""
    resident = await locked(session, resident_id)
    resident.remind_in_morning = in_morning
    await note_change(session, resident, now)


async def choose_children(
    session: AsyncSession, city: City, resident_id: int, months: Sequence[str], now: datetime
) -> None:
    """Keep the months (``YYYY-MM``) in which this resident's children were born, and no others.

    Raises
    ------
    BadInput
        A month is not one, is still to come or is too long ago for a child; or there are too many.
    """
    wanted = sorted(set(months))
    if len(wanted) > MOST_CHILDREN:
        raise BadInput(f"at most {MOST_CHILDREN} months of birth are kept, not {len(wanted)}.")
    for born in wanted:
        if not is_birth_month(born, now):
            raise BadInput(f"{born!r} is not the month of birth of a child.")
    resident = await locked(session, resident_id)
    await session.execute(
        delete(ResidentChild).where(col(ResidentChild.resident_id) == resident_id)
    )
    session.add_all(ResidentChild(resident_id=resident_id, born=born) for born in wanted)
    await note_change(session, resident, now)


def is_birth_month(born: str, now: datetime) -> bool:
    """Whether this is a month, as ``YYYY-MM``, in which somebody who is now a child was born."""
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", born, re.ASCII) is None:
        return False
    today = in_japan(now)
    return f"{today.year - GROWN_UP:04}-{today.month:02}" <= born <= f"{today:%Y-%m}"


async def erase(session: AsyncSession, city: City, resident_id: int, now: datetime) -> None:
    """Erase a resident: the row and everything that refers to it by foreign keys.

    Their rows of other media that are linked to it are erased too (:func:`rows_of_person`). Other
    packages erase what they store under the LINE user id (webhook events). A hash of that id stays,
    so that no list of friends brings them back against their will.
    """
    resident = await locked(session, resident_id)
    if resident.line_user_id is not None:
        await _note_gone(session, resident.line_user_id, now, erased=True)
    await erase_rows(session, await rows_of_person(session, resident_id))
    session.expunge(resident)
    _log.info("resident.erased", resident_id=resident_id)


async def export(session: AsyncSession, city: City, resident_id: int) -> ResidentRecord:
    """Return everything this package keeps of a resident, to be shown to them."""
    choices = await preferences(session, city, resident_id)
    resident = await session.get(Resident, resident_id)
    assert resident is not None
    _, *linked = await rows_of_person(session, resident_id)
    return ResidentRecord(
        medium=resident.medium,
        line_user_id=resident.line_user_id,
        address=resident.address,
        only_if_line_fails=resident.only_if_line_fails,
        followed_at=resident.followed_at,
        left_at=resident.left_at,
        updated_at=resident.updated_at,
        preferences=choices,
        elsewhere=tuple([await export(session, city, number) for number in linked]),
    )


async def erase_rows(session: AsyncSession, resident_ids: Sequence[int]) -> None:
    """Delete residents by id and note their bare numbers, so that counts forget them."""
    await note_linked(session, resident_ids)
    await session.execute(delete(Resident).where(col(Resident.id).in_(resident_ids)))
    session.add_all(ResidentChange(resident_id=number) for number in resident_ids)
    await session.flush()


def friend_hash(line_user_id: str) -> str:
    """Return the hash that is kept of the user id of somebody who had themselves erased."""
    return hashlib.sha256(line_user_id.encode()).hexdigest()


async def _note_gone(
    session: AsyncSession, line_user_id: str, now: datetime, *, erased: bool
) -> None:
    await _welcome_again(session, line_user_id)
    gone = insert_new(session, GoneFriend, ["sha256"])
    await session.execute(gone.values(sha256=friend_hash(line_user_id), erased=erased, at=now))


async def _welcome_again(session: AsyncSession, line_user_id: str) -> None:
    """Forget that somebody was gone."""
    await session.execute(
        delete(GoneFriend).where(col(GoneFriend.sha256) == friend_hash(line_user_id))
    )


def check_language(city: City, language: str) -> None:
    if language not in city.languages:
        raise BadInput(f"{language!r} is not a language of this city.")


async def resident_by(session: AsyncSession, own: Mapping[str, str]) -> Resident | None:
    """Return the resident with these values, locked until the transaction ends."""
    conditions: list[Any] = [getattr(Resident, name) == value for name, value in own.items()]
    if "address" in own:
        conditions.append(HAS_ADDRESS)
    return (
        await session.scalars(
            select(Resident)
            .where(*conditions)
            .with_for_update()
            # Values that were read before the lock may be out of date.
            .execution_options(populate_existing=True)
        )
    ).one_or_none()


async def locked(session: AsyncSession, resident_id: int) -> Resident:
    """Return the resident, locked until the transaction ends."""
    resident = await session.get(
        Resident, resident_id, with_for_update=True, populate_existing=True
    )
    if resident is None:
        raise UnknownResident(f"there is no resident {resident_id}")
    return resident


async def note_change(session: AsyncSession, resident: Resident, now: datetime) -> None:
    assert resident.id is not None
    resident.updated_at = now
    resident.arrival_id = None
    session.add(ResidentChange(resident_id=resident.id))
    session.add(resident)
    await session.flush()


async def know_areas(session: AsyncSession, city: City, codes: Sequence[str]) -> None:
    """Make sure that the districts' rows exist, for choices to refer to."""
    for code in codes:
        name = city.district_by_code[code].names["ja"]
        await session.execute(
            insert_new(session, Area, ["code"]).values(code=code, name=name, retired=False)
        )


async def preferences_of(
    session: AsyncSession, city: City, residents: Sequence[Resident]
) -> dict[int, Preferences]:
    """Return the choices of each of these residents by id, with three queries for all."""
    ids = [resident.id for resident in residents if resident.id is not None]
    topics: dict[int, dict[str, int]] = {number: {} for number in ids}
    areas: dict[int, list[str]] = {number: [] for number in ids}
    for number, topic, level in await session.execute(
        select(Subscription.resident_id, Subscription.topic, Subscription.min_level)
        .where(col(Subscription.resident_id).in_(ids))
        .order_by(col(Subscription.topic))
    ):
        topics[number][topic] = level
    children: dict[int, list[str]] = {number: [] for number in ids}
    for number, born in await session.execute(
        select(ResidentChild.resident_id, ResidentChild.born)
        .where(col(ResidentChild.resident_id).in_(ids))
        .order_by(col(ResidentChild.born))
    ):
        children[number].append(born)
    for number, area in await session.execute(
        select(ResidentArea.resident_id, ResidentArea.area)
        .where(col(ResidentArea.resident_id).in_(ids))
        .order_by(col(ResidentArea.area))
    ):
        areas[number].append(area)
    return {
        resident.id: _as_chosen(
            city, resident, topics[resident.id], areas[resident.id], children[resident.id]
        )
        for resident in residents
        if resident.id is not None
    }


def _as_chosen(
    city: City,
    resident: Resident,
    wanted: Mapping[str, int],
    areas: Sequence[str],
    children: Sequence[str],
) -> Preferences:
    assert resident.id is not None
    topics = {topic.code: 0 for topic in city.topics if topic.mandatory}
    topics.update({code: level for code, level in wanted.items() if code in city.topic_by_code})
    return Preferences(
        resident_id=resident.id,
        following=resident.state is ResidentState.FOLLOWING,
        language=resident.language,
        language_chosen=resident.language_chosen,
        areas=tuple(code for code in areas if code in city.district_by_code),
        topics=topics,
        topics_chosen=resident.topics_chosen,
        quiet_start=resident.quiet_start,
        quiet_end=resident.quiet_end,
        digest_hour=resident.digest_hour,
        remind_in_morning=resident.remind_in_morning,
        children=tuple(children),
    )
