"""Change many rows in short transactions, so that no writer waits long.

SQLite has one writer. A transaction that changes a million rows keeps webhooks, the sender and
staff waiting until it ends. Here each transaction is short, and waiting writers go first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import CursorResult, Select
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database

FIRST, MOST = 50, 5_000
"""Rows of the first transaction, and of any."""
AIM_SECONDS = 0.015
"""Target duration of a transaction in seconds: well below the longest wait of a writer."""
FOUND = 20_000
"""Keys that are held in memory at once."""

Change = Callable[[AsyncSession, Sequence[Any]], Awaitable[int]]
"""Changes the rows with these keys if they still need it; returns how many it changed."""


async def in_chunks(
    database: Database,
    keys: Select[Any],
    change: Change,
    *,
    most: int = MOST,
    timer: Callable[[], float] = time.monotonic,
) -> int:
    """Change the rows that ``keys`` selects, in as many transactions as needed; return how many.

    The keys are read without the write lock. The tables are consistent after every transaction, so
    the process can end between any two. After each one it pauses for as long as the transaction
    took, because a process that waits for SQLite's lock only polls it.

    Parameters
    ----------
    keys
        One column. A row must not be selected any more once it is changed.
    most
        Rows a transaction at most.
    timer
        Seconds of a clock that never goes back.
    """
    changed, size = 0, min(FIRST, most)
    while True:
        async with database.reading() as session:
            found = list(await session.scalars(keys.limit(FOUND)))
        before, at = changed, 0
        while at < len(found):
            chunk = found[at : at + size]
            async with database.writing() as session:
                began = timer()
                changed += await change(session, chunk)
            took = timer() - began
            at += len(chunk)
            size = next_size(size, len(chunk), took, most)
            await asyncio.sleep(min(took, 10 * AIM_SECONDS))
        if len(found) < FOUND or changed == before:
            return changed


def next_size(size: int, rows: int, took: float, most: int) -> int:
    """Return how many rows the next transaction takes, after ``rows`` took ``took`` seconds.

    It at most doubles, because the first rows of a table may not be typical.
    """
    if took <= 0:
        return min(most, size * 2)
    return max(1, min(most, size * 2, int(rows * AIM_SECONDS / took)))


def rows_of(result: Any) -> int:
    """Return how many rows a DELETE or UPDATE changed."""
    assert isinstance(result, CursorResult)
    return result.rowcount
