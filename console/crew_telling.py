"""Telling residents what became of a case that a crew worked on."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from channels.line.medium import LINE
from city.context import Context
from reports import answers
from reports.answer_messages import MOST_PHOTOS
from reports.crew_acts import Tell
from reports.photo_links import photo_links
from reports.work import Changed


def teller(context: Context) -> Tell:
    """Return how residents are told: by the template for the new state, with photos."""
    means = answers.Means(context.queue, LINE, photo_links(context.settings))

    async def tell(session: AsyncSession, changed: Changed, photos: Sequence[int], by: str) -> None:
        said = answers.Answer(photos=tuple(photos[:MOST_PHOTOS]))
        now = context.clock.now()
        await answers.tell(session, means, context.city, changed, said, by=by, now=now)

    return tell
