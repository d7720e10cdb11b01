"""A case that staff give to another department: that department hears of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from console import words
from console.web import Visit
from reports import handed_over
from reports.notices_to_staff import Desk
from reports.work import Changed


def desk_of(visitor: Visit) -> Desk:
    """Return what is needed to tell departments."""
    context = visitor.context
    return Desk(context.city, context.queue, context.settings.public_url, words.CATALOGUE)


async def tell_given(session: AsyncSession, visitor: Visit, changed: Sequence[Changed]) -> int:
    """Tell the departments that have cases now which others had; return how many messages."""
    cases = handed_over.given(changed)
    if not cases:
        return 0
    return await handed_over.tell(session, desk_of(visitor), cases, visitor.context.clock.now())
