"""The media of a city: which of them a notice goes by.

By default a notice goes by every medium that is set up. ``[[media]]`` in ``city.toml`` narrows that
by topic and level, and staff may switch media off or on for an alert. What corrects, changes or
ends a notice also goes by every medium that any notice of its chain went by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import dispatch
from channels.chain import ENDS, FollowUp, chain_of, follows
from channels.level_parts import LowerLevel
from channels.medium import Format
from channels.models import Delivery
from city.city import City
from core.work import Queue
from feeds.models import Notice
from feeds.texts import Texts
from subscriptions.models import HAS_ADDRESS, LINE_MEDIUM, Resident

log = structlog.get_logger(__name__)


class Media:
    """The media that are set up, in the order in which a notice goes out.

    Raises
    ------
    ValueError
        Two have the same name.
    """

    def __init__(self, formats: Iterable[Format]) -> None:
        self._formats: dict[str, Format] = {}
        for each in formats:
            if each.name in self._formats:
                raise ValueError(f"two media are called {each.name!r}")
            self._formats[each.name] = each

    def __iter__(self) -> Iterator[Format]:
        return iter(self._formats.values())

    def __contains__(self, name: object) -> bool:
        return name in self._formats

    def __len__(self) -> int:
        return len(self._formats)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._formats)

    def get(self, name: str) -> Format | None:
        """Return a medium by its name, if it is set up."""
        return self._formats.get(name)

    def of(self, names: Collection[str]) -> list[Format]:
        """Return those of these names that are set up, in order."""
        return [each for each in self if each.name in names]

    def by_rule(self, city: City, topic: str, level: int) -> tuple[str, ...]:
        """Return the media by which the city sends a topic at a level.

        A medium that no rule names takes everything.
        """
        return tuple(name for name in self._formats if city.sends_by(name, topic, level))


async def media_of(
    session: AsyncSession,
    what: FollowUp,
    city: City,
    media: Media,
    *,
    topic: str,
    level: int,
    chosen: Collection[str] | None = None,
    stored_as: int | None = None,
) -> list[Format]:
    """Return the media that a notice, or its draft, goes by, in order.

    Parameters
    ----------
    chosen
        What staff switched on; None for the city's rules.
    stored_as
        The notice's id if it is stored, so that it does not count as a part of what it follows.
    """
    wanted = set(media.by_rule(city, topic, level) if chosen is None else chosen)
    earlier = await media_of_chain(session, what, stored_as=stored_as)
    if earlier and what.status in ENDS:
        # Who was told nothing is not told that it is over.
        wanted = set()
    return media.of({*await inhabited(session, wanted), *earlier})


async def media_of_notice(
    session: AsyncSession,
    notice: Notice,
    city: City,
    media: Media,
    *,
    level: int,
    chosen: Collection[str] | None = None,
) -> list[Format]:
    """Return the media that a stored notice goes by; see :func:`media_of`."""
    return await media_of(
        session,
        notice,
        city,
        media,
        topic=notice.topic,
        level=level,
        chosen=chosen,
        stored_as=notice.id,
    )


async def inhabited(session: AsyncSession, names: Collection[str]) -> set[str]:
    """Return the media of these that somebody follows or followed by; LINE always.

    A city that set up mail for its staff alone has no deliveries by mail to nobody.
    """
    found = set(names) & {LINE_MEDIUM}
    for name in set(names) - {LINE_MEDIUM}:
        anybody = select(Resident.id).where(col(Resident.medium) == name, HAS_ADDRESS).limit(1)
        if await session.scalar(anybody) is not None:
            found.add(name)
    return found


async def media_of_chain(
    session: AsyncSession, what: FollowUp, *, stored_as: int | None = None
) -> set[str]:
    """Return the names of the media that the earlier notices went by; empty if it follows none."""
    if not follows(what):
        return set()
    chain = (await chain_of(session, what.replaces_id)).before(stored_as)
    ids = {link.with_id or link.notice_id for link in chain.links}
    found = await session.scalars(
        select(Delivery.channel).where(col(Delivery.notice_id).in_(ids)).distinct()
    )
    return set(found)


async def deliver_by(
    session: AsyncSession,
    queue: Queue,
    notice: Notice,
    city: City,
    now: datetime,
    *,
    media: Media,
    created_by: str,
    chosen: Collection[str] | None = None,
    as_new: Texts | None = None,
    lower: Sequence[LowerLevel] = (),
) -> list[Delivery]:
    """Deliver a stored notice by each medium that it goes by, after the caller commits.

    If one medium cannot render it, the others take it all the same. ``as_new`` and ``lower`` are as
    for :func:`channels.dispatch.deliver`, ``chosen`` as for :func:`media_of`.

    Returns
    -------
    list of Delivery
        In the order of the media; empty if by the rules it goes by none.

    Raises
    ------
    BadInput
        No medium can render it.
    """
    if notice.id is None:
        session.add(notice)
        await session.flush()
    highest = max([notice.reach, *(one.notice.reach for one in lower)])
    wanted = await media_of_notice(session, notice, city, media, level=highest, chosen=chosen)
    if not wanted:
        log.info("notice.kept", notice_id=notice.id, topic=notice.topic)
    made: list[Delivery] = []
    failure: Exception | None = None
    for medium in wanted:
        try:
            async with session.begin_nested():
                delivery = await dispatch.deliver(
                    session,
                    queue,
                    notice,
                    city,
                    now,
                    medium=medium,
                    created_by=created_by,
                    as_new=as_new,
                    lower=lower,
                )
        except Exception as error:
            # Whatever is wrong with one medium, the others must not wait for it.
            failure = failure or error
            log.error("delivery.refused", notice_id=notice.id, channel=medium.name, exc_info=error)
        else:
            made.append(delivery)
    if not made and failure is not None:
        raise failure
    return made
