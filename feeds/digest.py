"""The daily digest: which collected notices go to which residents, and at which hour.

A notice whose decision is ``digest`` waits until the resident's hour. Each hour of each day is a
slot; a slot takes its residents in order of their ids. It stores how far it came in the transaction
that queues their digests, so that a crash neither skips nor repeats anybody. A digest begins where
the resident's last one ended. So a resident who changes the hour, or had no digest for a day,
neither misses a notice nor gets it twice. Expired and replaced notices are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, Decision
from core.clock import in_japan
from core.restored import held_until
from feeds.models import DigestRun, Notice
from feeds.news_form import form_of
from subscriptions.media import of_medium
from subscriptions.models import LINE_MEDIUM, Resident, ResidentArea, ResidentState, Subscription

CATCH_UP = timedelta(hours=3)
"""A slot that is later than this is skipped: yesterday's events at midnight help nobody."""
SETTLING = timedelta(minutes=1)
"""After its hour a slot waits for polls that are still storing their items."""
REMEMBERED = timedelta(days=3)
"""How far back a digest goes if the resident had none; articles expire after the same time."""
PAGE = 500

Had = Callable[[int], datetime | None]
"""The slot of a resident's last digest, whatever their hour was; None if there was none."""


@dataclass(frozen=True, kw_only=True)
class DigestSlot:
    """One hour's digest.

    ``notices`` are all that were collected before it and may still wait for somebody, oldest
    first.
    """

    slot_at: datetime
    hour: int
    """0 to 23 on Japan's clock."""
    done_through: int
    notices: tuple[Notice, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Digest:
    """The digest of one resident. Residents with equal notices and language get equal messages."""

    resident_id: int
    language: str
    notices: tuple[Notice, ...] = field(repr=False)
    medium: str = LINE_MEDIUM


async def due_digests(session: AsyncSession, city: City, now: datetime) -> list[DigestSlot]:
    """Return the slots whose hour has come and that are not finished, oldest first.

    A slot from before a restore is left out: it may have been sent, and the database does not know.
    """
    newest = (now - SETTLING).replace(minute=0, second=0, microsecond=0)
    hours = [newest - timedelta(hours=back) for back in range(int(CATCH_UP.seconds / 3600))]
    until = await held_until(session)
    if until is not None:
        hours = [hour for hour in hours if hour + SETTLING > until]
    runs = {
        run.slot_at: run
        for run in await session.scalars(select(DigestRun).where(col(DigestRun.slot_at).in_(hours)))
    }
    due = []
    for slot_at in sorted(hours):
        run = runs.get(slot_at)
        if run is not None and run.finished_at is not None:
            continue
        notices = await _collected(session, slot_at, now)
        if notices:
            due.append(
                DigestSlot(
                    slot_at=slot_at,
                    hour=in_japan(slot_at).hour,
                    done_through=run.done_through if run is not None else 0,
                    notices=tuple(notices),
                )
            )
    return due


async def _collected(session: AsyncSession, slot_at: datetime, now: datetime) -> list[Notice]:
    query = (
        select(Notice)
        .where(
            col(Notice.decision) == Decision.DIGEST,
            col(Notice.drill).is_(False),
            col(Notice.created_at) > slot_at - REMEMBERED,
            col(Notice.created_at) <= slot_at,
            or_(col(Notice.expires_at).is_(None), col(Notice.expires_at) > now),
        )
        .order_by(col(Notice.id))
    )
    notices = list(await session.scalars(query))
    ids = [notice.id for notice in notices]
    replaced = set(
        await session.scalars(select(Notice.replaces_id).where(col(Notice.replaces_id).in_(ids)))
    )
    return [notice for notice in notices if notice.id not in replaced]


async def next_digests(
    session: AsyncSession,
    city: City,
    slot: DigestSlot,
    had: Had,
    *,
    page: int = PAGE,
    media: Collection[str] = (LINE_MEDIUM,),
) -> tuple[list[Digest], int | None]:
    """Return the digests of a slot's next residents, and the last resident looked at.

    The second value is None if nobody is left; the slot is then finished. Pass it to
    :func:`note_digested` in the transaction that queues these digests. Residents of other media
    than ``media`` have none.
    """
    own_hour = func.coalesce(col(Resident.digest_hour), city.digest_hour)
    residents = (
        await session.execute(
            select(col(Resident.id), col(Resident.language), col(Resident.medium))
            .where(
                col(Resident.id) > slot.done_through,
                col(Resident.state) == ResidentState.FOLLOWING,
                own_hour == slot.hour,
                or_(*(and_(*of_medium(medium)) for medium in media)),
            )
            .order_by(col(Resident.id))
            .limit(page)
        )
    ).all()
    if not residents:
        return [], None
    ids = [resident_id for resident_id, *_ in residents if resident_id is not None]
    wants = await _subscriptions(session, ids, {notice.topic for notice in slot.notices})
    areas = await _areas(session, ids)
    meant = await _meant(session, ids, slot.notices)
    digests = []
    for resident_id, language, medium in residents:
        if resident_id is None:
            continue
        since = had(resident_id)
        concerned = tuple(
            notice
            for notice in slot.notices
            if (since is None or notice.created_at > since)
            and city.sends_by(medium, notice.topic, notice.reach)
            and _concerns(notice, wants[resident_id], areas[resident_id])
            and resident_id in meant.get(notice.id, (resident_id,))
        )
        if concerned:
            digests.append(
                Digest(resident_id=resident_id, language=language, notices=concerned, medium=medium)
            )
    return digests, ids[-1]


async def note_digested(
    session: AsyncSession, slot: DigestSlot, through: int | None, now: datetime
) -> DigestSlot:
    """Store how far a slot has come, in the caller's transaction; None finishes it."""
    run = await session.get(DigestRun, slot.slot_at)
    if run is None:
        run = DigestRun(slot_at=slot.slot_at)
        session.add(run)
    if through is None:
        run.finished_at = now
    else:
        run.done_through = through
    await session.flush()
    return replace(slot, done_through=run.done_through)


def _concerns(notice: Notice, wants: dict[str, int], areas: set[str]) -> bool:
    if notice.topic not in wants or wants[notice.topic] > notice.reach:
        return False
    return not notice.areas or not areas or not areas.isdisjoint(notice.areas)


async def _meant(
    session: AsyncSession, ids: Sequence[int], notices: Sequence[Notice]
) -> dict[int | None, set[int]]:
    """Return which of some residents are in the segment of each notice that has one."""
    found: dict[int | None, set[int]] = {}
    for notice in notices:
        segment = form_of(notice).segment
        if segment:
            fitting = select(Resident.id).where(col(Resident.id).in_(ids), *segment.conditions())
            found[notice.id] = {one for one in await session.scalars(fitting) if one is not None}
    return found


async def _subscriptions(
    session: AsyncSession, ids: Sequence[int], topics: set[str]
) -> defaultdict[int, dict[str, int]]:
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    rows = await session.scalars(
        select(Subscription).where(
            col(Subscription.resident_id).in_(ids), col(Subscription.topic).in_(topics)
        )
    )
    for row in rows:
        found[row.resident_id][row.topic] = row.min_level
    return found


async def _areas(session: AsyncSession, ids: Sequence[int]) -> defaultdict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    rows = await session.scalars(select(ResidentArea).where(col(ResidentArea.resident_id).in_(ids)))
    for row in rows:
        found[row.resident_id].add(row.area)
    return found
