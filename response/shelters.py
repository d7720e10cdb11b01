"""Which evacuation sites are open, and which of them somebody is offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.shelters import Shelter
from core import audit
from core.errors import BadInput
from core.geo import Position
from response.models import Offer, ShelterState, ShelterStatus
from response.reasons import reason
from subscriptions.residents import insert_new

MOST_HEADS = 100_000
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
    if all(site.code != code for site in sites):
        raise BadInput(reason("shelter.missing", code=code))
    if heads is not None and not 0 <= heads <= MOST_HEADS:
        raise BadInput(reason("shelter.heads", most=MOST_HEADS))
    key = {"shelter": code, "drill": drill}
    new = insert_new(session, ShelterStatus, ["shelter", "drill"])
    first = {"state": state, "offers": [], "changed_at": now, "changed_by": actor}
    await session.execute(new.values(**key, **first))
    status = await session.get_one(ShelterStatus, (code, drill), with_for_update=True)
    status.state = state
    status.heads = status.heads if heads is None else heads
    if state is ShelterState.CLOSED:
        status.heads = None
    if offers is not None:
        status.offers = [offer.value for offer in Offer if offer in offers]
    status.changed_at, status.changed_by = now, actor
    session.add(status)
    await audit.record(
        session,
        now,
        actor=actor,
        action="shelter.changed",
        subject=f"shelter:{code}",
        state=state.value,
        heads=status.heads,
        offers=status.offers,
        drill=drill,
    )
    return status
