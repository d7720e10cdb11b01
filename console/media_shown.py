"""The media of an alert as the console shows them: switches, reach, and how the text will look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.compose import Composed
from alerts.models import AlertDraft
from alerts.reach import media_of_draft, reach_by
from channels.dispatch import Preview, WordingPart, preview
from channels.line.medium import LINE
from channels.media import Media, media_of, media_of_chain
from channels.medium import Readable
from city.city import City
from console.words import medium_name
from feeds.models import Notice

FIRST = ("ja",)
"""Always shown at once; every alert has it. The other languages are shown when somebody asks."""


@dataclass(frozen=True)
class TextPart:
    """One wording of an alert in a medium: its preview's part, and how it reads by language."""

    key: str
    recipients: int
    texts: dict[str, Readable]


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


def key_of(part: WordingPart) -> str:
    """Return the name of a part of a preview in addresses: its wording, and the level if it has one
    of its own.
    """
    return part.wording.value + ("" if part.level is None else f"-{part.level}")


def parts_of_all(shown: Iterable[MediumShown]) -> list[tuple[WordingPart, int]]:
    """Return the parts of an alert with their recipients by all media that are on."""
    parts: dict[str, WordingPart] = {}
    numbers: dict[str, int] = {}
    for one in shown:
        for part in one.seen.parts if one.seen else ():
            parts.setdefault(key_of(part), part)
            numbers[key_of(part)] = numbers.get(key_of(part), 0) + part.recipients
    return [(part, numbers[key]) for key, part in parts.items()]


async def media_shown(
    session: AsyncSession,
    draft: AlertDraft,
    composed: Composed,
    city: City,
    media: Media,
    now: datetime,
    language: str,
    *,
    whole: str = "",
    to_look_at: Sequence[str] = (),
) -> list[MediumShown]:
    """Return every medium that is set up, in the order of sending.

    The medium ``whole`` is shown in every language, the others in Japanese alone; LINE also in the
    languages ``to_look_at``.
    """
    on = {each.name for each in await media_of_draft(session, draft, city, media)}
    fixed = await media_of_chain(session, draft)
    found = []
    for medium in media:
        shown = (*FIRST, *to_look_at) if medium.name == LINE.name else FIRST
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
                # Rendering is what costs.
                only=None if medium.name == whole else shown,
            )
            if medium.name != LINE.name:
                parts = tuple(
                    TextPart(
                        key_of(part),
                        part.recipients,
                        {code: medium.as_read(said) for code, said in part.messages.items()},
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


async def chosen_media(
    session: AsyncSession, said: Iterable[str], draft: AlertDraft, city: City, media: Media
) -> list[str] | None:
    """Return the media that a form switched on; None if the city's rules give the same.

    What an earlier message went by cannot be switched off, so the form does not say it. A medium
    that nobody follows by yet has no part in the comparison: once somebody does, the rules hold.
    """
    fixed = await media_of_chain(session, draft)
    wanted = [each.name for each in media.of({*said, *fixed})]
    by_rule = await media_of(
        session, draft, city, media, topic=draft.topic, level=draft.reach, chosen=None
    )
    return None if wanted == [each.name for each in by_rule] else wanted


def read_by_others(
    notices: Sequence[Notice], names: Iterable[str], media: Media, city: City, language: str
) -> list[tuple[str, list[Readable]]]:
    """Return how notices read by each medium but LINE, in one language."""
    return [
        (
            medium.name,
            [medium.as_read(medium.render(each, language, city)) for each in notices],
        )
        for medium in media.of(set(names) - {LINE.name})
    ]
