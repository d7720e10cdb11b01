"""How many residents a draft or a held notice would reach now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.levels import by_level, status_of
from alerts.models import AlertDraft
from channels import dispatch
from channels.chain import followed
from channels.level_parts import LevelPart
from channels.reach import Reach, joined_reach, reach_of, reach_of_parts
from city.city import City
from feeds.models import Notice
from subscriptions.audience import count_by_area
from subscriptions.audience_query import AudienceQuery


@dataclass(frozen=True)
class DraftReach:
    """Residents at one moment. ``by_area`` counts somebody with two districts in both."""

    total: int
    by_language: dict[str, int]
    by_area: dict[str, int]


NOBODY = DraftReach(0, {}, {})


def audience_of(draft: AlertDraft, city: City) -> AudienceQuery | None:
    """Return the audience of a draft, or None if it is not chosen yet."""
    topic = city.topic_by_code.get(draft.topic)
    if topic is None or not (draft.whole_city or draft.areas):
        return None
    areas = () if draft.whole_city else tuple(draft.areas)
    return AudienceQuery(draft.topic, draft.reach, areas, mandatory=topic.mandatory)


def parts_of(draft: AlertDraft, city: City) -> list[LevelPart]:
    """Return the levels of a draft, the gravest first; empty if its audience is not chosen yet."""
    query = audience_of(draft, city)
    if query is None:
        return []
    return [
        LevelPart(level, replace(query, level=level, areas=areas), status_of(draft, level))
        for level, areas in by_level(draft, city).items()
    ]


async def reach(
    session: AsyncSession, draft: AlertDraft, city: City, *, by_area: bool = False
) -> DraftReach:
    """Count the residents that a draft would reach; 0 if no place is chosen.

    A follow-up also reaches everybody who was told of the danger before, wherever they live.
    """
    query = audience_of(draft, city)
    if query is None:
        return NOBODY
    chain = await followed(session, draft, city)
    parts = parts_of(draft, city)
    if len(parts) > 1:
        found = joined_reach([one.reach for one in await reach_of_parts(session, parts, chain)])
    else:
        found = await reach_of(session, parts[0].query, chain)
    areas: dict[str, int] = {}
    if by_area:
        shown = [
            district.code
            for district in city.districts
            if not query.areas or district.code in query.areas
        ]
        areas = await count_by_area(session, query, shown)
    return DraftReach(found.total, found.by_language, areas)


async def readers_of_topic(session: AsyncSession, draft: AlertDraft, city: City) -> dict[str, int]:
    """Count by language whom a draft would reach in the whole city; of no topic, everybody.

    For a draft without a place: which languages will be needed?
    """
    topic = city.topic_by_code.get(draft.topic)
    query = AudienceQuery(draft.topic, draft.level, (), mandatory=topic is None or topic.mandatory)
    return (await reach_of(session, query, None)).by_language


async def reach_of_notice(session: AsyncSession, notice: Notice, city: City) -> Reach:
    """Count the residents that a notice would reach; for a follow-up also those told before."""
    chain = await followed(session, notice, city, stored_as=notice.id)
    return await reach_of(session, dispatch.audience_of(notice, city), chain)


def has_moved(reached: int, shown: int) -> bool:
    """Whether the number of residents changed so much that somebody has to look again."""
    return abs(reached - shown) > max(10, shown // 50)
