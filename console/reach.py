"""How many residents a draft would reach, by language and by district, as it stands now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from console.models import AlertDraft
from core.city import City
from subscriptions.audience import AudienceQuery, count_by_language


@dataclass(frozen=True)
class Reach:
    """Residents at one moment. ``by_area`` counts somebody with two districts in both."""

    total: int
    by_language: dict[str, int]
    by_area: dict[str, int]


NOBODY = Reach(0, {}, {})


def audience_of(draft: AlertDraft, city: City) -> AudienceQuery | None:
    """Return whom a draft means, or None while that is not said."""
    topic = city.topic_by_code.get(draft.topic)
    if topic is None or not (draft.whole_city or draft.areas):
        return None
    areas = () if draft.whole_city else tuple(draft.areas)
    return AudienceQuery(draft.topic, draft.level, areas, mandatory=topic.mandatory)


async def reach(
    session: AsyncSession, draft: AlertDraft, city: City, *, by_area: bool = False
) -> Reach:
    """Count the audience of a draft; nobody while no place is chosen."""
    query = audience_of(draft, city)
    if query is None:
        return NOBODY
    languages = await count_by_language(session, query)
    areas: dict[str, int] = {}
    if by_area:
        for district in city.districts:
            if query.areas and district.code not in query.areas:
                continue
            one = await count_by_language(session, replace(query, areas=(district.code,)))
            areas[district.code] = sum(one.values())
    return Reach(sum(languages.values()), languages, areas)
