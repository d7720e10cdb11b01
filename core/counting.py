"""Count matching rows up to a limit, and add counts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

Key = TypeVar("Key", bound=Hashable)
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


def added(counts: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    """Return the sums of several counts, in the order of the first."""
    total: dict[Key, int] = {}
    for each in counts:
        for key, number in each.items():
            total[key] = total.get(key, 0) + number
    return total
