"""Count matching rows, up to a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

MOST = 10_000
"""The limit; a page shows "10,000+" above it. So no page reads a whole table."""


@dataclass(frozen=True)
class Size:
    """A number of rows; with ``more`` there are more than it says."""

    number: int = 0
    more: bool = False


NONE = Size()


async def size_of(session: AsyncSession, rows: Select[Any], most: int = MOST) -> Size:
    """Return how many rows a statement has, up to ``most``."""
    some = rows.order_by(None).limit(most + 1).subquery()
    number = int(await session.scalar(select(func.count()).select_from(some)) or 0)
    return Size(min(number, most), number > most)
