"""Links for crews: one order, no account; they end, can be withdrawn, and who opened is noted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from core.chunks import in_chunks, rows_of
from core.clock import JAPAN
from core.database import Database
from core.errors import BadInput
from core.links import Tokens, milliseconds, opened
from reports.models import OrderLink, OrderPhone, WorkOrder
from reports.reasons import reason

DAYS_AFTER = 1
"""A link ends at the end of the day after the order's: what was pressed late can still be sent."""


class OrderTokens(Tokens[OrderLink]):
    """The secret part of the addresses of crews' links."""

    def __init__(self, secret_key: str) -> None:
        super().__init__(secret_key, "todoke.reports.order", OrderLink, "Q")

    def marks(self, link: OrderLink) -> tuple[int | bool, ...]:
        return (milliseconds(link.made_at),)


async def make(session: AsyncSession, order: WorkOrder, now: datetime, *, actor: str) -> OrderLink:
    """Make a link for an order, until the end of the day after it.

    Raises
    ------
    BadInput
        That day is over.
    """
    last = order.on_day + timedelta(days=DAYS_AFTER + 1)
    ends = datetime.combine(last, time(), JAPAN)
    if ends <= now:
        raise BadInput(reason("order.day"))
    assert order.id is not None
    link = OrderLink(order_id=order.id, made_at=now, made_by=actor, expires_at=ends)
    session.add(link)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=actor,
        action="work_order_link.made",
        subject=f"work_order_link:{link.id}",
        order=order.number,
        expires_at=ends.isoformat(),
    )
    return link


async def revoke(
    session: AsyncSession, order_id: int, link_id: int, now: datetime, *, actor: str
) -> None:
    """End a link of an order at once; one that has ended stays as it is.

    Raises
    ------
    BadInput
        There is no such link.
    """
    link = await session.get(OrderLink, link_id, with_for_update=True)
    if link is None or link.order_id != order_id:
        raise BadInput(reason("order.link"))
    if link.revoked_at is not None:
        return
    link.revoked_at, link.revoked_by = now, actor
    session.add(link)
    await audit.record(
        session,
        now,
        actor=actor,
        action="work_order_link.revoked",
        subject=f"work_order_link:{link_id}",
    )


async def note_phone(
    session: AsyncSession, link: OrderLink, phone: str, name: str, now: datetime
) -> None:
    """Note that a link was opened in a browser."""
    await opened(session, OrderPhone, link.id or 0, phone, name, now)


async def links_of(
    session: AsyncSession, order_id: int, most: int = 20
) -> list[tuple[OrderLink, list[OrderPhone]]]:
    """Return the last links of an order, the newest first, with the browsers that opened them."""
    query = select(OrderLink).where(col(OrderLink.order_id) == order_id)
    links = list(await session.scalars(query.order_by(col(OrderLink.id).desc()).limit(most)))
    phones: dict[int, list[OrderPhone]] = {}
    found = select(OrderPhone).where(col(OrderPhone.link_id).in_([link.id for link in links]))
    for phone in await session.scalars(found.order_by(col(OrderPhone.first_at))):
        phones.setdefault(phone.link_id, []).append(phone)
    return [(link, phones.get(link.id or 0, [])) for link in links]


async def forget_old(database: Database, before: datetime) -> int:
    """Erase links that ended before a moment, with their browsers and acts; return how many.

    What the crews said and used stays with the order.
    """
    number, old = col(OrderLink.id), col(OrderLink.expires_at) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(OrderLink).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)
