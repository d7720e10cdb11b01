"""Answers that one page asks for several times, kept while it reads one snapshot.

Only a session of :meth:`core.database.Database.reading` may keep answers: in another one they could
change between two questions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
_KEPT = "todoke.kept-answers"


def keep_answers(session: AsyncSession) -> None:
    """Have a session keep answers until it ends, for a page that asks the same several times."""
    session.info.setdefault(_KEPT, {})


def kept_answers(session: AsyncSession) -> dict[Hashable, Any] | None:
    """Return the answers that a session keeps, by question; None if it keeps none."""
    found: dict[Hashable, Any] | None = session.info.get(_KEPT)
    return found


async def once(session: AsyncSession, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
    """Return the answer to a question; a session that keeps answers asks it once.

    Whoever gets an answer must not change it.
    """
    answers = kept_answers(session)
    if answers is None:
        return await ask()
    if question not in answers:
        answers[question] = await ask()
    found: T = answers[question]
    return found
