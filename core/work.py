"""Who works on what next: the seam between the rooms and the engine.

The database is the truth; a queue only hands out keys (ids, never data). A task must be able
to run twice, or late, or never: whoever starts up looks into its own tables for what is
unfinished and puts it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

Handler = Callable[[str], Awaitable[None]]
"""Does one piece of work, given its key."""


class Queue(Protocol):
    """Hands out work, on one machine or many."""

    def register(self, task: str, handler: Handler) -> None:
        """Say who does ``task`` (a name such as ``bot.inbox``)."""

    async def put(
        self,
        session: AsyncSession,
        task: str,
        key: str,
        *,
        priority: int = 5,
        not_before: datetime | None = None,
    ) -> None:
        """Ask for ``task`` on ``key`` once the caller's transaction has committed.

        A lower ``priority`` goes first. Two pieces with the same task and key never run at
        the same time, and while one waits a second is the same one.
        """
