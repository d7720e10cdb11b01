"""How many residents a draft or a held notice would reach now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.levels import by_level, status_of
from alerts.models import AlertDraft
from channels import dispatch
from channels.chain import followed
from channels.level_parts import LevelPart
from channels.media import Media, media_of, media_of_notice
from channels.medium import Format
from channels.reach import Reach, joined_reach, reach_of, reach_of_parts
from city.city import City
from core.counting import added
from feeds.models import Notice
from subscriptions.audience import count_by_area
from subscriptions.audience_query import AudienceQuery
from subscriptions.models import LINE_MEDIUM


@dataclass(frozen=True)
class DraftReach:
    """Residents at one moment. ``by_area`` counts somebody with two districts in both."""

    total: int
    by_language: dict[str, int]
    by_area: dict[str, int]


NOBODY = DraftReach(0, {}, {})


async def media_of_draft(
    session: AsyncSession, draft: AlertDraft, city: City, media: Media
) -> list[Format]:
    """Return the media that a draft would go by, in order."""
    return await media_of(
        session,
        draft,
        city,
        media,
        topic=draft.topic,
        level=draft.reach,
        chosen=draft.media,
    )


def audience_of(draft: AlertDraft, city: City, medium: str = LINE_MEDIUM) -> AudienceQuery | None:
    """Return the audience of a draft by a medium, or None if it is not chosen yet."""
    topic = city.topic_by_code.get(draft.topic)
    if topic is None or not (draft.whole_city or draft.areas):
        return None
    areas = () if draft.whole_city else tuple(draft.areas)
    query = AudienceQuery(draft.topic, draft.reach, areas, mandatory=topic.mandatory)
    return query.by(medium, drill=draft.drill is True)


def parts_of(draft: AlertDraft, city: City, medium: str = LINE_MEDIUM) -> list[LevelPart]:
    """Return the levels of a draft, the gravest first; empty if its audience is not chosen yet."""
    query = audience_of(draft, city, medium)
    if query is None:
        return []
    return [
        LevelPart(level, replace(query, level=level, areas=areas), status_of(draft, level))
        for level, areas in by_level(draft, city).items()
    ]


async def reach(
    session: AsyncSession,
    draft: AlertDraft,
    city: City,
    media: Media,
    *,
    by_area: bool = False,
) -> DraftReach:
    """Count the residents that a draft would reach by all its media; 0 if no place is chosen.

    A follow-up also reaches everybody who was told of the danger before, wherever they live.
    Somebody who follows by two media counts twice: they get two messages.
    """
    wanted = await media_of_draft(session, draft, city, media)
    found = [await reach_by(session, draft, city, each.name, by_area=by_area) for each in wanted]
    return DraftReach(
        sum(one.total for one in found),
        added(one.by_language for one in found),
        added(one.by_area for one in found),
    )


async def reach_by(
    session: AsyncSession, draft: AlertDraft, city: City, medium: str, *, by_area: bool = False
) -> DraftReach:
    """As :func:`reach`, by one medium, whether the draft goes by it or not."""
    query = audience_of(draft, city, medium)
    if query is None:
        return NOBODY
    chain = await followed(session, draft, city, channel=medium)
    parts = parts_of(draft, city, medium)
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


async def reach_of_notice(
    session: AsyncSession, notice: Notice, city: City, media: Media
) -> dict[str, Reach]:
    """Count the residents that a notice would reach by each of its media, by the medium's name.

    For a follow-up also those told before.
    """
    wanted = await media_of_notice(session, notice, city, media, level=notice.reach)
    return {
        each.name: await reach_of_notice_by(session, notice, city, each.name) for each in wanted
    }


async def reach_of_notice_by(
    session: AsyncSession, notice: Notice, city: City, medium: str
) -> Reach:
    """Count the residents that a notice would reach by one medium."""
    chain = await followed(session, notice, city, stored_as=notice.id, channel=medium)
    return await reach_of(session, dispatch.audience_of(notice, city, medium), chain)


def has_moved(reached: int, shown: int) -> bool:
    """Whether the number of residents changed so much that somebody has to look again."""
    return abs(reached - shown) > max(10, shown // 50)
