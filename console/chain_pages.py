"""All that was said of one danger, in order: what, where, to whom, and where it is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from channels.chain import Chain, by_level, chain_of
from channels.models import Delivery, DeliveryState, Wording
from console.access import Permission
from console.ways import Ways, ways_of
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.counting import added
from feeds.models import Notice

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]


@dataclass(frozen=True)
class Said:
    """One act of sending in a chain.

    Parameters
    ----------
    notices
        One for each level, the gravest first.
    by_wording
        Recipients by the words they got.
    in_force
        The districts where the danger was in force afterwards, by level; none is the whole city.
    """

    notices: tuple[Notice, ...]
    delivery_id: int | None
    state: DeliveryState | None
    recipients: int
    """By all media, as ``sent``."""
    sent: int
    by_wording: dict[Wording, int]
    """By all media, as ``by_level``."""
    by_level: dict[int, int]
    ways: Ways
    in_force: dict[int, tuple[str, ...]]


@router.get("/chains/{notice_id}")
async def chain_page(visitor: Looker, notice_id: RowNumber) -> Response:
    """Show the chain of a notice, whichever of its notices is named; made to be printed."""
    async with visitor.context.database.reading() as session:
        chain = await chain_of(session, notice_id)
        if not chain.links:
            raise Missing
        said = await _said(visitor, session, chain)
    return visitor.page(
        "chain.html",
        said=said,
        first=said[0].notices[0],
        at=visitor.context.clock.now(),
        in_force=said[-1].in_force,
    )


async def _said(visitor: Visit, session: AsyncSession, chain: Chain) -> list[Said]:
    city, now = visitor.context.city, visitor.context.clock.now()
    acts: dict[int, list[int]] = {}
    for link in chain.links:
        acts.setdefault(link.with_id or link.notice_id, []).append(link.notice_id)
    deliveries = {link.notice_id: link.delivery_id for link in chain.links}
    found = []
    for first, numbers in acts.items():
        notices = tuple([await session.get_one(Notice, number) for number in numbers])
        delivery_id = deliveries[first]
        delivery = None
        if delivery_id is not None:
            delivery = await session.get_one(Delivery, delivery_id)
        ways = await ways_of(session, first, visitor.language, now)
        standing = chain.standing_after(numbers[-1], city)
        found.append(
            Said(
                notices,
                delivery_id,
                None if delivery is None else delivery.state,
                sum(way.progress.recipients for way in ways.all),
                ways.sent,
                added(way.progress.by_wording for way in ways.all),
                added(
                    {level: sum(states.values()) for level, states in way.progress.by_level.items()}
                    for way in ways.all
                ),
                ways,
                by_level(standing, city) if standing else {},
            )
        )
    return found
