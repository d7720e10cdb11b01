"""The acts of sending that CAP messages are about, and what was in force after each.

An update in CAP replaces the whole message that it refers to. So the message of an act says all
that is in force in its chain afterwards: its own words for its districts, and the words that still
hold for the others. One alert with several levels is one act, and one message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.chain import FOLLOW_UPS, areas_of, chain_of, places
from city.city import City
from feeds.in_force import GRAVE, PUBLIC, SERIOUS, is_danger
from feeds.models import OF_AN_AGENCY, OVER, Notice, Status

LISTED = timedelta(days=14)
MOST_LISTED = 100
MOST_EARLIER = 20
"""Earlier messages that one refers to."""
_UNTIL_IT_IS_KNOWN = 30
"""Steps up a chain after which somebody else's mistake is assumed."""

Standing = dict[str, int]
"""The notice whose words hold, by district."""


@dataclass(frozen=True)
class Block:
    """A notice and where its words hold: codes of districts, none for the whole city."""

    notice: Notice
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Act:
    """One act of sending: its notices, the gravest first, and what CAP says of it.

    ``earlier`` are the first notices of the acts before it in its chain, the oldest first.
    ``blocks`` are its own, then those of earlier words that still hold.
    """

    notices: tuple[Notice, ...]
    earlier: tuple[Notice, ...]
    blocks: tuple[Block, ...]

    @property
    def first(self) -> Notice:
        return self.notices[0]


async def act_of(session: AsyncSession, number: int, city: City) -> Act | None:
    """Return an act by the id of its first notice; None if it is not public, or only news."""
    first = await session.get(Notice, number)
    if first is None or first.with_id is not None or first.decision not in PUBLIC:
        return None
    links = (await chain_of(session, number)).links
    found = await session.scalars(
        select(Notice)
        .where(
            col(Notice.id).in_([link.notice_id for link in links] or [number]),
            col(Notice.decision).in_(PUBLIC),
            col(Notice.drill).is_(first.drill),
        )
        .order_by(col(Notice.id))
    )
    chain = list(found)
    if not any(is_danger(notice) for notice in chain):
        return None
    return act_in(chain, number, city)


def act_in(chain: Sequence[Notice], number: int, city: City) -> Act:
    """Return the act of a chain that begins with notice ``number``, as it was when it was sent."""
    own = [notice for notice in chain if number in (notice.id, notice.with_id)]
    before = [notice for notice in chain if (notice.id or 0) < number]
    after = standing([*before, *own], city)
    by_id = {notice.id: notice for notice in chain}
    blocks = [Block(notice, tuple(notice.areas)) for notice in own]
    mine = {notice.id for notice in own}
    for holding in dict.fromkeys(after.values()):
        if holding not in mine:
            here = {area: 1 for area, notice_id in after.items() if notice_id == holding}
            blocks.append(Block(by_id[holding], areas_of(here, city)))
    firsts = [notice for notice in before if notice.with_id is None]
    return Act(tuple(own), tuple(firsts[-MOST_EARLIER:]), tuple(blocks))


def standing(chain: Iterable[Notice], city: City) -> Standing:
    """Return whose words hold where after the last notice of a chain (docs/chains.md)."""
    states: dict[int | None, tuple[Standing, Standing]] = {}
    now: Standing = {}
    for notice in chain:
        assert notice.id is not None
        before, after = states.get(notice.replaces_id, ({}, {}))
        corrects = notice.status is Status.CORRECTED and notice.with_id is None
        base = before if corrects else after
        here = places(notice.areas, city)
        if notice.status is Status.CANCELLED:
            now = {}
        elif notice.status in OVER:
            now = {area: number for area, number in base.items() if area not in here}
        elif notice.hazard:
            # An agency's notice replaces the earlier one completely.
            now = dict.fromkeys(here, notice.id)
        else:
            now = {**base, **dict.fromkeys(here, notice.id)}
        if notice.with_id is not None:
            # A part of what was said together: a correction replaces all of it.
            base = states.get(notice.with_id, ({}, {}))[0]
        states[notice.id] = (base, now)
    return now


async def listed(session: AsyncSession, now: datetime) -> list[Notice]:
    """Return the first notices of the last days' acts about dangers, the newest first."""
    recent = and_(col(Notice.decision).in_(PUBLIC), col(Notice.reported_at) > now - LISTED)
    dangers = or_(
        col(Notice.level) >= SERIOUS,
        col(Notice.emergency),
        and_(OF_AN_AGENCY, col(Notice.urgency) >= GRAVE),
    )
    follows = and_(col(Notice.status).in_(FOLLOW_UPS), col(Notice.replaces_id).is_not(None))
    found = list(
        await session.scalars(
            select(Notice)
            .where(recent, col(Notice.with_id).is_(None), or_(dangers, follows))
            .order_by(col(Notice.reported_at).desc(), col(Notice.id).desc())
            .limit(3 * MOST_LISTED)
        )
    )
    known = {notice.id: notice for notice in found}
    asked = {n.replaces_id for n in found if not is_danger(n)} - {None, *known}
    for _ in range(_UNTIL_IT_IS_KNOWN):
        if not asked:
            break
        more = list(await session.scalars(select(Notice).where(col(Notice.id).in_(asked))))
        known |= {notice.id: notice for notice in more}
        asked = {n.replaces_id for n in more if not is_danger(n)} - {None, *known}
    return [notice for notice in found if _about_danger(notice, known)][:MOST_LISTED]


def _about_danger(notice: Notice, known: dict[int | None, Notice]) -> bool:
    """Whether a notice, or one that it follows, is about a danger."""
    at: Notice | None = notice
    for _ in range(_UNTIL_IT_IS_KNOWN):
        if at is None or is_danger(at):
            break
        at = known.get(at.replaces_id) if at.replaces_id is not None else None
    return at is not None and is_danger(at)


async def areas_in_force(
    session: AsyncSession, notices: Iterable[Notice], city: City
) -> dict[int, tuple[str, ...]]:
    """Return by id where each notice is still in force: an end for some districts leaves others."""
    found: dict[int, tuple[str, ...]] = {}
    for notice in notices:
        if notice.id is None or notice.id in found:
            continue
        links = (await chain_of(session, notice.id)).links
        query = select(Notice).where(
            col(Notice.id).in_([link.notice_id for link in links]), col(Notice.decision).in_(PUBLIC)
        )
        chain = list(await session.scalars(query.order_by(col(Notice.id))))
        after = standing(chain, city)
        for number in dict.fromkeys(after.values()):
            here = {area: 1 for area, holding in after.items() if holding == number}
            found[number] = areas_of(here, city)
        found.setdefault(notice.id, tuple(notice.areas))
    return found


async def chain_with(session: AsyncSession, notice: Notice) -> list[Notice]:
    """Return the public notices of a notice's chain, in order; at least itself."""
    assert notice.id is not None
    links = (await chain_of(session, notice.id)).links
    query = select(Notice).where(
        col(Notice.id).in_([link.notice_id for link in links]),
        col(Notice.decision).in_(PUBLIC),
        col(Notice.drill).is_(notice.drill),
    )
    return list(await session.scalars(query.order_by(col(Notice.id)))) or [notice]
