"""Filters of the list under a name: of one account, or of everybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from core.database import add_new, insert_new
from core.errors import BadInput
from core.text import clean
from reports.models import LONGEST_FILTER, LONGEST_FILTER_NAME, SavedFilter
from reports.reasons import reason

MOST_FILTERS = 30
"""Of one account, and as many of everybody."""


async def seen_by(session: AsyncSession, account: str) -> list[SavedFilter]:
    """Return the filters that an account sees: its own, then everybody's."""
    query = select(SavedFilter).where(col(SavedFilter.account).in_((account, "")))
    return list(
        await session.scalars(query.order_by(col(SavedFilter.account).desc(), col(SavedFilter.id)))
    )


async def save(
    session: AsyncSession,
    name: str,
    query: str,
    *,
    shared: bool,
    counted: bool,
    by: str,
    now: datetime,
    replace: bool = True,
) -> SavedFilter:
    """Save a filter.

    Parameters
    ----------
    replace
        Whether one of the same name is replaced.

    Raises
    ------
    BadInput
        It has no name, or narrows nothing, there are too many, or the name is taken.
    """
    name, account = clean(name, line=True)[:LONGEST_FILTER_NAME], "" if shared else by
    if not name:
        raise BadInput(reason("report-filter.name"))
    if not query or len(query) > LONGEST_FILTER:
        raise BadInput(reason("report-filter.empty"))
    mine = col(SavedFilter.account) == account
    called = select(SavedFilter).where(mine, col(SavedFilter.name) == name).with_for_update()
    saved, taken = await session.scalar(called), BadInput(reason("report-filter.taken", name=name))
    if saved is not None and not replace:
        raise taken
    if saved is None:
        await _room(session, account)
        # Two may save one of the same name at the same moment.
        new = insert_new(session, SavedFilter, ["account", "name"])
        made = {"account": account, "name": name, "query": query, "counted": counted}
        new = new.values(**made, created_by=by, created_at=now)
        added = await session.scalar(new.returning(col(SavedFilter.id)))
        if not replace and added is None:
            raise taken
        saved = (await session.scalars(called)).one()
    saved.query, saved.counted = query, counted
    session.add(saved)
    await session.flush()
    if shared:
        await _note(session, saved, "report_filter.saved", by, now)
    return saved


async def _room(session: AsyncSession, account: str) -> None:
    mine = select(func.count()).where(col(SavedFilter.account) == account)
    if (await session.scalar(mine) or 0) >= MOST_FILTERS:
        raise BadInput(reason("report-filter.too-many", most=MOST_FILTERS))


async def change(
    session: AsyncSession,
    filter_id: int,
    name: str,
    *,
    shared: bool,
    counted: bool,
    by: str,
    now: datetime,
) -> None:
    """Give a filter another name, share it with everybody or keep it for oneself.

    Raises
    ------
    BadInput
        There is none that this account sees, it has no name, or the name is taken.
    """
    saved = await _seen(session, filter_id, by)
    name = clean(name, line=True)[:LONGEST_FILTER_NAME]
    if not name:
        raise BadInput(reason("report-filter.name"))
    was_shared, account = not saved.account, "" if shared else by
    if account != saved.account:
        await _room(session, account)
    same = select(SavedFilter.id).where(
        col(SavedFilter.account) == account,
        col(SavedFilter.name) == name,
        col(SavedFilter.id) != filter_id,
    )
    taken = BadInput(reason("report-filter.taken", name=name))
    if await session.scalar(same) is not None:
        raise taken
    saved.account, saved.name, saved.counted = account, name, counted
    await add_new(session, saved, taken)
    if shared or was_shared:
        await _note(session, saved, "report_filter.saved", by, now)


async def _seen(session: AsyncSession, filter_id: int, account: str) -> SavedFilter:
    saved = await session.get(SavedFilter, filter_id)
    if saved is None or saved.account not in ("", account):
        raise BadInput(reason("report-filter.missing"))
    return saved


async def remove(session: AsyncSession, filter_id: int, *, by: str, now: datetime) -> None:
    """Remove a filter of one's own or of everybody; another's is as if it were not there.

    Raises
    ------
    BadInput
        There is none that this account sees.
    """
    saved = await _seen(session, filter_id, by)
    if not saved.account:
        await _note(session, saved, "report_filter.removed", by, now)
    await session.delete(saved)
    await session.flush()


async def _note(
    session: AsyncSession, saved: SavedFilter, action: str, by: str, now: datetime
) -> None:
    await audit.record(
        session,
        now,
        actor=by,
        action=action,
        subject=f"report_filter:{saved.id}",
        name=saved.name,
        filter=saved.query,
    )
