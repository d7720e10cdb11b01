"""The chain of a danger: its notices, where it is in force, and who was reached.

A correction, a change and an all-clear follow an earlier notice (``Notice.replaces_id``). They go
to everybody whom any message of their chain reached, and to those whom they concern. A resident's
text depends on what they were told last and on where they live: :func:`wording_for`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import case, func, or_
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from channels.members import unpack
from channels.models import Batch, BatchState, Delivery, Variant, Wording
from channels.unknown_sends import known_since
from city.city import City
from core.snapshot import once
from feeds.models import Notice, Status
from subscriptions.audience_query import AudienceQuery, Standby
from subscriptions.models import LINE_MEDIUM, Resident, ResidentState

FOLLOW_UPS = frozenset(
    {
        Status.RAISED,
        Status.LOWERED,
        Status.CONTINUED,
        Status.CORRECTED,
        Status.LIFTED,
        Status.CANCELLED,
    }
)
"""Statuses of a notice that follows another. "Issued" is not among them."""
CHANGES = (Status.RAISED, Status.LOWERED, Status.CONTINUED)
ENDS = (Status.LIFTED, Status.CANCELLED)
EASINGS = (Status.LIFTED, Status.LOWERED)
WARNED, STOOD_DOWN = 1, 2
"""What a resident heard last: that there is a danger for them, or that there is not."""
BATCHES_AT_ONCE = 200
"""Batches whose members are marked in one go."""
EVERYWHERE = ""
"""The place of a city without districts."""

Standing = Mapping[str, int]
"""Where something is in force: the level by district."""


class FollowUp(Protocol):
    """The parts of a notice, or of its draft, that decide what it follows."""

    @property
    def status(self) -> Status: ...
    @property
    def replaces_id(self) -> int | None: ...
    @property
    def areas(self) -> Sequence[str]: ...
    @property
    def silent(self) -> bool: ...


@dataclass(frozen=True)
class ChainLink:
    """One message of a chain; ``delivery_id`` is None if it has no delivery."""

    notice_id: int
    replaces_id: int | None
    delivery_id: int | None
    status: Status
    topic: str
    level: int
    areas: tuple[str, ...]
    drill: bool
    reported_at: datetime
    source: str | None
    decided_by: str
    broke_quiet: bool
    """Whether it was sent without regard to quiet hours."""
    with_id: int | None = None
    """The first notice of its act of sending, if it is a lower level of one with several."""
    second_id: int | None = None
    """Its delivery to residents who stand by for LINE, if it has one of its own."""

    @property
    def deliveries(self) -> tuple[int, ...]:
        """The ids of its deliveries."""
        return tuple(each for each in (self.delivery_id, self.second_id) if each is not None)


@dataclass(frozen=True)
class Chain:
    """All notices about one danger, in order."""

    links: tuple[ChainLink, ...]

    @property
    def tip(self) -> ChainLink | None:
        """The last message that left."""
        return next((link for link in reversed(self.links) if link.delivery_id is not None), None)

    @property
    def delivered(self) -> tuple[ChainLink, ...]:
        """The messages with a delivery of their own, in order."""
        return tuple(
            link for link in self.links if link.delivery_id is not None and link.with_id is None
        )

    def ends_with(self, notice_id: int | None) -> bool:
        """Whether a notice is the last that was said, alone or with lower levels."""
        tip = self.tip
        return tip is not None and notice_id in (tip.notice_id, tip.with_id)

    def before(self, notice_id: int | None) -> Chain:
        """Return the chain up to, and without, a notice that is stored already."""
        if notice_id is None:
            return self
        return Chain(tuple(link for link in self.links if link.notice_id < notice_id))

    def standing(self, city: City) -> dict[str, int]:
        """Return where the danger is in force after the last message."""
        tip = self.tip
        return {} if tip is None else self._states(city)[tip.notice_id][1]

    def standing_after(self, notice_id: int, city: City) -> dict[str, int]:
        """Return where the danger was in force after one of the messages."""
        return self._states(city)[notice_id][1]

    def standing_beside(self, notice: FollowUp, city: City) -> dict[str, int]:
        """Return where the earlier notice stays in force although ``notice`` is about other places.

        ``notice`` follows this chain. A change and an all-clear are about their own places; a
        correction replaces what it corrects; a withdrawal takes back everything.
        """
        before, after = self._states(city).get(notice.replaces_id or 0, ({}, {}))
        if notice.status is Status.CANCELLED:
            return {}
        goes_on = before if notice.status is Status.CORRECTED else after
        here = places(notice.areas, city)
        return {area: level for area, level in goes_on.items() if area not in here}

    def _states(self, city: City) -> dict[int, tuple[dict[str, int], dict[str, int]]]:
        """Return where it was in force before and after each message."""
        states: dict[int, tuple[dict[str, int], dict[str, int]]] = {}
        for link in self.links:
            before, after = states.get(link.replaces_id or 0, ({}, {}))
            corrects = link.status is Status.CORRECTED and link.with_id is None
            base = before if corrects else after
            here = places(link.areas, city)
            if link.status is Status.CANCELLED:
                now: dict[str, int] = {}
            elif link.status is Status.LIFTED:
                now = {area: level for area, level in base.items() if area not in here}
            else:
                now = {**base, **dict.fromkeys(here, link.level)}
            if link.with_id is not None:
                # A part of what was said together: a correction replaces all of it.
                base = states.get(link.with_id, ({}, {}))[0]
            states[link.notice_id] = (base, now)
        return states


def places(areas: Iterable[str], city: City) -> tuple[str, ...]:
    """Return the districts of ``areas``; none means the whole city."""
    chosen = tuple(areas)
    if chosen:
        return tuple(area for area in chosen if area in city.district_by_code)
    return tuple(district.code for district in city.districts) or (EVERYWHERE,)


def areas_of(standing: Standing, city: City) -> tuple[str, ...]:
    """Return districts in the form of a notice: none for the whole city."""
    whole = set(places((), city)) <= set(standing)
    return () if whole else tuple(d.code for d in city.districts if d.code in standing)


def by_level(standing: Standing, city: City) -> dict[int, tuple[str, ...]]:
    """Return the districts of each level, the highest first."""
    return {
        level: areas_of({area: here for area, here in standing.items() if here == level}, city)
        for level in sorted(set(standing.values()), reverse=True)
    }


def change_of(standing: Standing, areas: Iterable[str], level: int, city: City) -> Status:
    """Return the status of a change to ``level``: raised, lowered or continued."""
    before = [standing[area] for area in places(areas, city) if area in standing]
    highest = max(before or standing.values(), default=0)
    if level == highest:
        return Status.CONTINUED
    return Status.RAISED if level > highest else Status.LOWERED


async def chain_of(
    session: AsyncSession, notice_id: int | None, channel: str | None = None
) -> Chain:
    """Return the chain of a stored notice, including what follows it.

    Parameters
    ----------
    channel
        The medium whose deliveries count; None for the first delivery of each notice.
    """
    if notice_id is None:
        return Chain(())
    return await once(
        session, (chain_of, notice_id, channel), lambda: _chain_of(session, notice_id, channel)
    )


async def _chain_of(session: AsyncSession, notice_id: int, channel: str | None) -> Chain:
    notices = cast(Any, Notice).__table__.c
    up = (
        sql_select(notices.id, notices.replaces_id)
        .where(notices.id == notice_id)
        .cte("earlier", recursive=True)
    )
    up = up.union(
        sql_select(notices.id, notices.replaces_id).join(up, notices.id == up.c.replaces_id)
    )
    first = sql_select(func.min(up.c.id)).scalar_subquery()
    down = sql_select(notices.id).where(notices.id == first).cte("later", recursive=True)
    down = down.union(sql_select(notices.id).join(down, notices.replaces_id == down.c.id))
    columns: tuple[Any, ...] = (
        notices.id,
        notices.replaces_id,
        func.min(col(Delivery.id)),
        notices.status,
        notices.topic,
        case((notices.level > notices.urgency, notices.level), else_=notices.urgency),
        notices.areas,
        notices.drill,
        notices.reported_at,
        notices.source,
        notices.decided_by,
        func.min(case((col(Delivery.respects_quiet), 1), else_=0)),
        notices.with_id,
        func.max(col(Delivery.id)),
    )
    delivered = col(Delivery.notice_id) == func.coalesce(notices.with_id, notices.id)
    if channel is not None:
        delivered &= col(Delivery.channel) == channel
    rows = await session.execute(
        sql_select(*columns)
        # Not a join: SQLite would read all notices to sort them.
        .where(notices.id.in_(sql_select(down.c.id)))
        .outerjoin(Delivery, delivered)
        .group_by(notices.id)
        .order_by(notices.id)
    )
    return Chain(tuple(_link(*row, one_medium=channel is not None) for row in rows))


def _link(
    notice_id: int,
    replaces_id: int | None,
    delivery_id: int | None,
    status: Status,
    topic: str,
    level: int,
    areas: list[str] | None,
    drill: bool,
    reported_at: datetime,
    source: str | None,
    decided_by: str,
    kept_quiet: int,
    with_id: int | None,
    last_id: int | None,
    *,
    one_medium: bool,
) -> ChainLink:
    return ChainLink(
        notice_id=notice_id,
        replaces_id=replaces_id,
        delivery_id=delivery_id,
        status=status,
        topic=topic,
        level=level,
        areas=tuple(areas or ()),
        drill=drill,
        reported_at=reported_at,
        source=source,
        decided_by=decided_by,
        broke_quiet=delivery_id is not None and not kept_quiet,
        with_id=with_id,
        second_id=last_id if one_medium and last_id != delivery_id else None,
    )


@dataclass(frozen=True)
class FollowUpPlan:
    """The data about its chain that planning a follow-up needs.

    Parameters
    ----------
    told
        One byte for each resident: 0 if they were told nothing, else what they heard last.
    here
        Residents of the places that the follow-up is about; None for the whole city.
    still
        Residents of places where the earlier notice stays in force; None if there are none.
    unheard
        Queries, one for each level, for residents whom the earlier notice concerns there. Its
        deliveries end with this one, so this one also goes to those whom they have not reached.
    """

    status: Status
    told: bytearray
    here: AudienceQuery | None
    still: AudienceQuery | None
    unheard: tuple[AudienceQuery, ...] = ()
    medium: str = LINE_MEDIUM
    rest: bool = True
    """Whether residents who were told and live elsewhere get it too; not with one of several
    levels that is not the last.
    """

    def for_part(self, areas: Iterable[str], status: Status, *, last: bool) -> FollowUpPlan:
        """Return the plan for one level of several, those of the graver ones being left out.

        Parameters
        ----------
        areas
            The level's districts.
        status
            What the level is for them.
        last
            Whether it is the last level, with which everybody else gets the follow-up.
        """
        unheard = self.unheard if last else ()
        here = _dwellers(areas, self.medium)
        return replace(self, status=status, here=here, unheard=unheard, rest=last)


def wording_for(status: Status, *, here: bool, still: bool, warned: bool) -> Wording:
    """Return the wording of a follow-up for somebody.

    Parameters
    ----------
    here
        They live in the places that it is about, or chose no district.
    still
        They live where the earlier notice stays in force, or chose no district.
    warned
        The last thing they heard is that there is a danger for them.
    """
    if status is Status.CANCELLED:
        return Wording.MAIN
    if still and (not here or status in EASINGS):
        # A resident with two districts must not take the end in one for the end in both.
        return Wording.STILL if warned else Wording.UNHEARD
    if here:
        return Wording.MAIN if warned or status is Status.LIFTED else Wording.NEW
    if warned and status is Status.LIFTED:
        return Wording.MAIN
    return Wording.ELSEWHERE


def follows(notice: FollowUp) -> bool:
    """Whether it follows another notice and goes to everybody who was told of that one."""
    return notice.replaces_id is not None and notice.status in FOLLOW_UPS


async def followed(
    session: AsyncSession,
    notice: FollowUp,
    city: City,
    *,
    stored_as: int | None = None,
    channel: str = LINE_MEDIUM,
) -> FollowUpPlan | None:
    """Return the data for planning and counting a follow-up; None if it follows nothing.

    Parameters
    ----------
    stored_as
        The notice's id if it is stored, so that it does not count as a part of what it follows.
    channel
        The medium, whose residents and deliveries count.
    """
    if not follows(notice):
        return None
    chain = (await chain_of(session, notice.replaces_id, channel)).before(stored_as)
    if chain.tip is None:
        return None
    still = chain.standing_beside(notice, city)
    told = await told_by(session, chain)
    if channel != LINE_MEDIUM:
        at_line = (await chain_of(session, notice.replaces_id, LINE_MEDIUM)).before(stored_as)
        await _add_told_at_line(session, at_line, channel, told)
    return FollowUpPlan(
        status=notice.status,
        told=told,
        here=_dwellers(notice.areas, channel),
        still=_dwellers(areas_of(still, city), channel) if still else None,
        unheard=() if notice.silent else _unheard(chain.tip, still, city, channel),
        medium=channel,
    )


def _unheard(tip: ChainLink, still: Standing, city: City, medium: str) -> tuple[AudienceQuery, ...]:
    known = city.topic_by_code.get(tip.topic)
    mandatory = known is not None and known.mandatory
    return tuple(
        AudienceQuery(tip.topic, level, areas, mandatory=mandatory).by(medium, drill=tip.drill)
        for level, areas in by_level(still, city).items()
        # An article of a feed is not a danger.
        if level or tip.source is None
    )


def _dwellers(areas: Iterable[str], medium: str) -> AudienceQuery | None:
    chosen = tuple(areas)
    return everybody(medium, chosen) if chosen else None


def everybody(medium: str, areas: tuple[str, ...] = ()) -> AudienceQuery:
    """Return all residents of a medium and of these districts, also those who stand by."""
    return AudienceQuery("", 0, areas, mandatory=True, medium=medium, standby=Standby.TOO)


async def told_by(session: AsyncSession, chain: Chain) -> bytearray:
    """Return what the chain told each resident last, one byte for each.

    This includes batches that LINE accepted and batches with an unknown outcome, not those that
    LINE refused. If it was sent to unknown friends, it includes everybody who has become a resident
    since.
    """
    return await once(session, (told_by, chain), lambda: _told_by(session, chain))


async def _told_by(session: AsyncSession, chain: Chain) -> bytearray:
    told = bytearray()
    for link in chain.delivered:
        for delivery_id in link.deliveries:
            await _tell(session, link, delivery_id, told)
        await _tell_unknown(session, link, told)
    return told


async def _add_told_at_line(
    session: AsyncSession, chain: Chain, channel: str, told: bytearray
) -> None:
    """Add what residents of another medium heard at LINE before they left LINE's account.

    LINE brings them nothing any more, so they hear the end here.
    """
    at_line = aliased(Resident)
    rows = await session.execute(
        sql_select(col(Resident.id), col(at_line.id))
        .join(at_line, col(at_line.id) == col(Resident.linked_id))
        .where(
            col(Resident.linked_id).is_not(None),
            col(Resident.medium) == channel,
            col(Resident.state) == ResidentState.FOLLOWING,
            col(at_line.state) == ResidentState.LEFT,
        )
    )
    left = [(here, there) for here, there in rows if here is not None and there is not None]
    if not left:
        return
    heard = await told_by(session, chain)
    told.extend(bytes(max(0, max(here for here, _ in left) + 1 - len(told))))
    for here, there in left:
        if there < len(heard) and not told[here]:
            told[here] = heard[there]


async def _tell_unknown(session: AsyncSession, link: ChainLink, told: bytearray) -> None:
    assert link.delivery_id is not None
    known_through = await known_since(session, link.delivery_id)
    if known_through is None:
        return
    newest = await session.scalar(sql_select(func.max(col(Resident.id)))) or 0
    told.extend(bytes(max(0, newest + 1 - len(told))))
    heard = STOOD_DOWN if link.status in ENDS else WARNED
    told[known_through + 1 : newest + 1] = bytes([heard]) * max(0, newest - known_through)


async def _tell(session: AsyncSession, link: ChainLink, delivery_id: int, told: bytearray) -> None:
    statement = (
        sql_select(col(Batch.members), col(Batch.absent), col(Variant.wording))
        .join(Variant, col(Variant.id) == col(Batch.variant_id))
        .where(
            col(Batch.delivery_id) == delivery_id,
            or_(col(Batch.state) == BatchState.SENT, col(Batch.first_tried_at).is_not(None)),
        )
    )
    stream = await session.stream(statement)
    async for some in stream.partitions(BATCHES_AT_ONCE):
        # A million residents take 50 ms, in which the event loop goes on.
        await asyncio.to_thread(_mark, told, some, ends=link.status in ENDS)


def _mark(told: bytearray, batches: Iterable[Any], *, ends: bool) -> None:
    """Mark what the members of batches heard: rows of members, absent members and wording."""
    for members, absent, wording in batches:
        ids: Sequence[int] = unpack(members)
        if not ids:
            continue
        ended = ends and wording is not Wording.STILL
        heard = STOOD_DOWN if ended or wording is Wording.ELSEWHERE else WARNED
        highest = max(ids)
        if highest >= len(told):
            told.extend(bytes(highest + 1 - len(told)))
        if absent:
            gone = set(unpack(absent))
            ids = [each for each in ids if each not in gone]
        for each in ids:
            told[each] = heard


_AS_DIGITS = {value: bytes(49 if one == value else 48 for one in range(256)) for value in (1, 2)}


def bits_of(told: bytearray, heard: int) -> int:
    """Return the residents who heard ``heard`` last as bits, resident ``n`` being bit ``n``."""
    return int(told[::-1].translate(_AS_DIGITS[heard]) or b"0", 2)
