"""The media of an alert as the console shows them: switches, reach, and how the text will look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.compose import Composed
from alerts.models import AlertDraft
from alerts.reach import media_of_draft, reach_by
from channels.dispatch import Preview, preview
from channels.line.medium import LINE
from channels.media import Media, media_of_chain
from city.city import City
from console.words import medium_name


@dataclass(frozen=True)
class TextPart:
    """One wording of an alert in a medium: its preview's part, and the text by language."""

    key: str
    recipients: int
    texts: dict[str, str]


@dataclass(frozen=True)
class MediumShown:
    """One medium of a draft.

    ``fixed`` if it cannot be switched off, because an earlier message went by it. ``seen`` is the
    preview, None if it is off.
    """

    name: str
    label: str
    on: bool
    fixed: bool
    recipients: int
    seen: Preview | None = None
    parts: tuple[TextPart, ...] = ()


async def media_shown(
    session: AsyncSession,
    draft: AlertDraft,
    composed: Composed,
    city: City,
    media: Media,
    now: datetime,
    language: str,
) -> list[MediumShown]:
    """Return every medium that is set up, in the order of sending."""
    on = {each.name for each in await media_of_draft(session, draft, city, media)}
    fixed = await media_of_chain(session, draft)
    found = []
    for medium in media:
        seen = None
        parts: tuple[TextPart, ...] = ()
        if medium.name in on:
            seen = await preview(
                session,
                composed.notice,
                city,
                now,
                medium=medium,
                as_new=composed.as_new,
                lower=composed.lower,
            )
            if medium.name != LINE.name:
                parts = tuple(
                    TextPart(
                        part.wording.value + ("" if part.level is None else f"-{part.level}"),
                        part.recipients,
                        {code: medium.as_text(said) for code, said in part.messages.items()},
                    )
                    for part in seen.parts
                )
        reached = (await reach_by(session, draft, city, medium.name)).total
        found.append(
            MediumShown(
                medium.name,
                medium_name(medium.name, language),
                medium.name in on,
                medium.name in fixed,
                reached,
                seen,
                parts,
            )
        )
    return found


def chosen_media(
    said: Iterable[str], draft: AlertDraft, city: City, media: Media
) -> list[str] | None:
    """Return the media that a form switched on; None if they are those of the city's rules."""
    wanted = [each.name for each in media if each.name in set(said)]
    by_rule = list(media.by_rule(city, draft.topic, draft.reach))
    return None if wanted == by_rule else wanted
