"""What residents chose on their settings page, and when.

The chat and the page change the same choices. A button that was pressed before a choice was saved
on the page may be processed after it; the times kept here stop it from undoing the newer choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from subscriptions.models import PageChoices

LANGUAGE, QUIET, DIGEST, REMINDER = "language", "quiet", "digest", "reminder"
ALL_AREAS = "areas"
"""The choice that clears all districts."""


def area_choice(code: str) -> str:
    return f"area:{code}"


def topic_choice(code: str) -> str:
    return f"topic:{code}"


def child_choice(born: str) -> str:
    return f"child:{born}"


async def times_of(session: AsyncSession, resident_id: int) -> dict[str, int]:
    """Return when each choice was last changed on the page; empty for most residents."""
    found = await session.get(PageChoices, resident_id)
    return dict(found.times) if found is not None else {}


async def note_times(
    session: AsyncSession, resident_id: int, choices: Iterable[str], now: datetime
) -> None:
    """Note that these choices were changed on the page now."""
    changed = dict.fromkeys(choices, int(now.timestamp() * 1000))
    if not changed:
        return
    found = await session.get(PageChoices, resident_id)
    if found is None:
        found = PageChoices(resident_id=resident_id, changed_at=now)
        session.add(found)
    found.times = {**found.times, **changed}
    found.changed_at = now
