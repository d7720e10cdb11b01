"""Which evacuation sites are open, and which of them somebody is offered."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from sqlalchemy import ColumnElement, Integer, and_, cast, delete, func, or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.shelters import Shelter
from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database, insert_new
from core.errors import BadInput
from core.geo import Position
from core.text import clean, whole_number
from response import record
from response.models import IS_NOTE, ActKind, Offer, ShelterAct, ShelterState, ShelterStatus
from response.reasons import reason

MOST_HEADS = 100_000
MOST_AT_ONCE = 500
"""The most people that one act adds."""
MOST_WORDS = 300
"""Characters of a note."""
MOST_FULL = 2
"""Full sites shown to somebody, so that they do not walk to one."""


@dataclass(frozen=True)
class OfferedSite:
    """A site for somebody, its distance in metres, and what staff say of it, if anything."""

    site: Shelter
    metres: float
    status: ShelterStatus | None

    @property
    def is_full(self) -> bool:
        return self.status is not None and self.status.state is ShelterState.FULL


def choose(
    sites: Sequence[Shelter],
    statuses: Mapping[str, ShelterStatus],
    here: Position,
    *,
    most: int,
    within: float = inf,
) -> list[OfferedSite]:
    """Return the sites to offer: open ones first, then those not announced, then full ones.

    A closed site is never offered. A full one is, if no more than :data:`MOST_FULL` others are
    nearer, so that nobody walks to it.

    Parameters
    ----------
    sites
        Those that are safe in the dangers in force.
    statuses
        By the site's code.
    here
        Longitude and latitude in degrees.
    within
        Metres.
    """
    found = [
        OfferedSite(site, site.distance_m(*here), statuses.get(site.code))
        for site in sites
        if not _is(statuses.get(site.code), ShelterState.CLOSED)
    ]
    found = sorted((one for one in found if one.metres <= within), key=lambda one: one.metres)
    usable = [one for one in found if not one.is_full]
    usable.sort(key=lambda one: (not _is(one.status, ShelterState.OPEN), one.metres))
    full = [one for one in found[:most] if one.is_full][:MOST_FULL]
    return [*usable[: most - len(full)], *full]


def _is(status: ShelterStatus | None, state: ShelterState) -> bool:
    return status is not None and status.state is state


async def statuses(session: AsyncSession, *, drill: bool) -> dict[str, ShelterStatus]:
    """Return what staff say of the sites, by the site's code."""
    query = select(ShelterStatus).where(col(ShelterStatus.drill).is_(drill))
    return {status.shelter: status for status in await session.scalars(query)}


@dataclass(frozen=True)
class Saying:
    """One act, before it is kept.

    Parameters
    ----------
    kind, value
        As in :class:`ShelterAct`.
    at
        When it was said; None means now.
    key
        The phone's own key of the act; "" at the desk.
    """

    kind: ActKind
    value: str
    at: datetime | None = None
    key: str = ""


def checked(kind: str, value: str) -> tuple[ActKind, str]:
    """Return what a form or a phone said, if it can be.

    Raises
    ------
    BadInput
        There is no such kind or value.
    """
    words = clean(value, line=True)
    number = whole_number(words)
    match kind:
        case ActKind.STATE if words in set(ShelterState):
            return ActKind.STATE, words
        case ActKind.HEADS if number is not None and 0 <= number <= MOST_HEADS:
            return ActKind.HEADS, str(number)
        case ActKind.HEADS:
            raise BadInput(reason("shelter.heads", most=MOST_HEADS))
        case ActKind.COUNT:
            more = whole_number(words.lstrip("+-"))
            if more is not None and 0 < more <= MOST_AT_ONCE:
                return ActKind.COUNT, f"{'-' if words.startswith('-') else '+'}{more}"
        case ActKind.OFFER if words[:1] in ("+", "-") and words[1:] in set(Offer):
            return ActKind.OFFER, words
        case ActKind.NOTE if words:
            return ActKind.NOTE, words[:MOST_WORDS]
    raise BadInput(reason("shelter.no-act"))


async def alone(session: AsyncSession, codes: Iterable[str], *, drill: bool) -> None:
    """Let who else says something of these sites wait until this transaction ends.

    Where a site has no state there is no row to lock. SQLite has one writer. Who speaks of several
    sites waits for all of them first, in one order: the audit trail is another lock, and whoever
    has it must not wait for a site.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
    for code in sorted(set(codes)):
        await session.execute(lock, {"name": f"todoke.shelter.{int(drill)}.{code}"})


async def say(
    session: AsyncSession,
    sites: Sequence[Shelter],
    code: str,
    acts: Sequence[Saying],
    now: datetime,
    *,
    actor: str,
    drill: bool,
    link_id: int | None = None,
) -> ShelterStatus | None:
    """Keep what staff say of a site, and return its state as all acts make it.

    An act with the key of an earlier one of the same link changes nothing. An act that comes late
    is put where it belongs: what was said after it still counts. What is said of a site without a
    state counts from its first state on; until then None is returned.

    Raises
    ------
    BadInput
        The city has no such site.
    """
    if all(site.code != code for site in sites):
        raise BadInput(reason("shelter.missing", code=code))
    await alone(session, [code], drill=drill)
    known = set()
    if link_id is not None:
        keys = [act.key for act in acts]
        same = (col(ShelterAct.link_id) == link_id, col(ShelterAct.act_key).in_(keys))
        known = set(await session.scalars(select(ShelterAct.act_key).where(*same)))
    new: list[ShelterAct] = []
    for one in acts:
        if link_id is not None and one.key in known:
            continue
        known.add(one.key)
        new.append(
            ShelterAct(
                shelter=code,
                drill=drill,
                kind=one.kind,
                value=one.value,
                at=min(one.at or now, now),
                received_at=now,
                actor=actor,
                link_id=link_id,
                act_key=one.key or secrets.token_hex(16),
            )
        )
    session.add_all(new)
    await session.flush()
    status = await _folded(session, code, now, actor=actor, drill=drill, changed=bool(new))
    await _into_trail(session, code, new, status, now, actor=actor, drill=drill)
    return status


async def _into_trail(
    session: AsyncSession,
    code: str,
    new: Sequence[ShelterAct],
    status: ShelterStatus | None,
    now: datetime,
    *,
    actor: str,
    drill: bool,
) -> None:
    """Note in the audit trail what changed; the words of a note are not in it."""
    subject = f"shelter:{code}"
    if any(act.kind is not ActKind.NOTE for act in new):
        await audit.record(
            session,
            now,
            actor=actor,
            action="shelter.changed",
            subject=subject,
            state=status.state.value if status else None,
            heads=status.heads if status else None,
            offers=list(status.offers) if status else [],
            drill=drill,
        )
    for act in (one for one in new if one.kind is ActKind.NOTE):
        await audit.record(
            session, now, actor=actor, action="shelter.noted", subject=subject, drill=drill
        )
        await record.note(
            session,
            drill=drill,
            now=now,
            actor=actor,
            code="shelter.noted",
            facts={"shelter": code, "words": act.value},
            at=act.at,
            subject=subject,
            source=f"shelter-act:{act.id}",
        )


async def _folded(
    session: AsyncSession, code: str, now: datetime, *, actor: str, drill: bool, changed: bool
) -> ShelterStatus | None:
    """Write down the state that all acts of a site make, and return it."""
    here = (col(ShelterAct.shelter) == code, col(ShelterAct.drill).is_(drill))

    async def newest(*conditions: ColumnElement[bool]) -> ShelterAct | None:
        query = select(ShelterAct).where(*here, *conditions)
        order = (col(ShelterAct.at).desc(), col(ShelterAct.id).desc())
        return await session.scalar(query.order_by(*order).limit(1))

    kind = col(ShelterAct.kind)
    last = await newest(kind == ActKind.STATE)
    if last is not None:
        first = {"state": ShelterState(last.value), "offers": [], "changed_at": now}
        new = insert_new(session, ShelterStatus, ["shelter", "drill"])
        row = {"shelter": code, "drill": drill, **first, "changed_by": actor}
        await session.execute(new.values(**row))
    status = await session.get(ShelterStatus, (code, drill), with_for_update=True)
    if status is None or not changed:
        return status
    if last is not None:
        status.state = ShelterState(last.value)
    counted = await newest(kind == ActKind.HEADS)
    gone = await newest(kind == ActKind.STATE, col(ShelterAct.value) == ShelterState.CLOSED)
    base = max((a for a in (counted, gone) if a is not None), key=_when, default=None)
    later: list[ColumnElement[bool]] = []
    if base is not None:
        tie = and_(col(ShelterAct.at) == base.at, col(ShelterAct.id) > base.id)
        later = [or_(col(ShelterAct.at) > base.at, tie)]
    more = await session.scalar(
        select(func.sum(cast(ShelterAct.value, Integer))).where(
            *here, kind == ActKind.COUNT, *later
        )
    )
    number = int(base.value) if base is not None and base.kind is ActKind.HEADS else None
    if number is not None or more is not None:
        number = min(max((number or 0) + int(more or 0), 0), MOST_HEADS)
    status.heads = number
    offers = []
    for offer in Offer:
        act = await newest(
            kind == ActKind.OFFER, col(ShelterAct.value).in_((f"+{offer}", f"-{offer}"))
        )
        if act.value.startswith("+") if act is not None else offer in status.offers:
            offers.append(offer.value)
    status.offers = offers
    status.changed_at, status.changed_by = now, actor
    session.add(status)
    await session.flush()
    return status


def _when(act: ShelterAct) -> tuple[datetime, int]:
    return act.at, act.id or 0


async def set_state(
    session: AsyncSession,
    sites: Sequence[Shelter],
    code: str,
    state: ShelterState,
    now: datetime,
    *,
    actor: str,
    drill: bool,
    heads: int | None = None,
    offers: Sequence[Offer] | None = None,
) -> ShelterStatus:
    """Say that a site is open, full or closed.

    Parameters
    ----------
    heads
        People there; None leaves the number as it is, except that nobody is at a closed site.
    offers
        What people find there; None leaves it as it is.

    Raises
    ------
    BadInput
        The city has no such site, or the number cannot be.
    """
    acts = [Saying(*checked(ActKind.STATE, state))]
    if heads is not None:
        counted = checked(ActKind.HEADS, str(heads))
        if state is not ShelterState.CLOSED:
            acts.append(Saying(*counted))
    if offers is not None:
        acts += [Saying(ActKind.OFFER, f"{'+' if one in offers else '-'}{one}") for one in Offer]
    status = await say(session, sites, code, acts, now, actor=actor, drill=drill)
    assert status is not None
    return status


async def history(
    session: AsyncSession, code: str, *, drill: bool, most: int = 100
) -> list[ShelterAct]:
    """Return the last acts of a site, the newest by its own time first."""
    query = select(ShelterAct).where(
        col(ShelterAct.shelter) == code, col(ShelterAct.drill).is_(drill)
    )
    order = (col(ShelterAct.at).desc(), col(ShelterAct.id).desc())
    return list(await session.scalars(query.order_by(*order).limit(most)))


async def last_notes(session: AsyncSession, *, drill: bool, most: int = 10) -> list[ShelterAct]:
    """Return the last notes from the sites, the newest first."""
    query = select(ShelterAct).where(IS_NOTE, col(ShelterAct.drill).is_(drill))
    order = (col(ShelterAct.at).desc(), col(ShelterAct.id).desc())
    return list(await session.scalars(query.order_by(*order).limit(most)))


async def acts_of_link(session: AsyncSession, link_id: int) -> int:
    """Return how many acts came by a link."""
    query = select(func.count()).select_from(ShelterAct).where(col(ShelterAct.link_id) == link_id)
    return await session.scalar(query) or 0


async def forget_old(database: Database, before: datetime, notes_before: datetime) -> int:
    """Erase what was said of sites before a moment; return how many acts."""
    number = col(ShelterAct.id)
    note = and_(col(ShelterAct.kind) == ActKind.NOTE, col(ShelterAct.at) < notes_before)
    old = or_(col(ShelterAct.at) < before, note)

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(ShelterAct).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)
