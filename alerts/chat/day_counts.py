"""How many talks with the desk began, were answered and ended on a day; nothing about who."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from alerts.chat.models import ChatThread


async def chats_between(session: AsyncSession, start: datetime, end: datetime) -> dict[str, int]:
    """Return ``opened``, ``answered`` (for the first time) and ``closed``."""
    found = {}
    for name, column in (
        ("opened", col(ChatThread.opened_at)),
        ("answered", col(ChatThread.answered_at)),
        ("closed", col(ChatThread.closed_at)),
    ):
        query = sql_select(func.count()).where(column >= start, column < end)
        found[name] = await session.scalar(query) or 0
    return found if any(found.values()) else {}
