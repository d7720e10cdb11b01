"""Residents hear of a new state that no member of staff gave: by another office or a program."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from channels.medium import Format
from city.context import Context
from reports import answers
from reports.answers import Means
from reports.kinds import city_now
from reports.photo_links import photo_links
from reports.work import Changed

BY = "service"


class Residents:
    """Tells all who reported, joined or follow a case; ``app.state.residents``."""

    def __init__(self, context: Context, medium: Format) -> None:
        self._context, self._medium = context, medium

    async def tell(self, session: AsyncSession, changed: Changed, now: datetime) -> None:
        """Tell them of the new state of a case, in the caller's transaction."""
        context = self._context
        means = Means(context.queue, self._medium, photo_links(context.settings))
        city = await city_now(session, context.city)
        await answers.tell_by_itself(session, means, city, changed, by=BY, now=now)
