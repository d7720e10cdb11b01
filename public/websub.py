"""WebSub (W3C Recommendation of 2018): feeds name a hub, and the hub is told which of them changed.

The hub belongs to somebody else. It reads a feed again when it is told that the feed has changed,
and passes it on to those who subscribed there; so they need not ask. A hub is named by the feeds of
everything, of one topic and of one district, in each language. A feed of several has none: nobody
could tell the hub of all combinations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import aiohttp
import structlog
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from city.context import Context
from feeds.in_force import is_danger, public_notices
from feeds.models import Notice
from public.event_watch import public_ids
from public.feeds import cap_feed_address, feed_address
from public.notices import Chosen

log = structlog.get_logger(__name__)
EVERY_SECONDS = 2.0
"""How often it is looked for what changed."""
MOST_IN_ONE = 100
"""Feeds that one request names."""
PATIENCE = aiohttp.ClientTimeout(total=10.0)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=5)
"""Between attempts when the hub does not answer; each wait is twice the last."""

_Seen = dict[int, bool]
"""Public notices by id, and whether each is in force."""


def names_hub(chosen: Chosen) -> bool:
    """Whether the feed of a choice has a hub."""
    return len(chosen.topics) + len(chosen.areas) <= 1


def announce(response: Response, hub: str, address: str) -> None:
    """Name the hub and the feed's own address in the answer (WebSub, 4.1)."""
    response.headers["Link"] = f'<{hub}>; rel="hub", <{address}>; rel="self"'


def changed_feeds(notices: Iterable[Notice], city: City, public_url: str) -> list[str]:
    """Return the addresses of all feeds with a hub in which a change of these notices is seen."""
    found: dict[str, None] = {}
    for notice in notices:
        places = notice.areas or [district.code for district in city.districts]
        choices = [
            Chosen(),
            Chosen(topics=(notice.topic,)),
            *(Chosen(areas=(code,)) for code in places),
        ]
        for language in city.languages:
            if is_danger(notice) or notice.drill:
                found[cap_feed_address(public_url, language)] = None
            if notice.drill:
                continue
            for ending in ("atom", "json"):
                for chosen in choices:
                    found[feed_address(public_url, ending, chosen, language)] = None
    return list(found)


class HubTeller:
    """Tells the hub what changed. A restart tells it of what is in force, and nothing is stored."""

    def __init__(self, context: Context, hub: str) -> None:
        self._context = context
        self._hub = hub
        self._seen: _Seen | None = None
        self._untold: dict[str, None] = {}
        self._wait = FIRST_WAIT
        self._not_before: datetime | None = None

    async def look(self) -> None:
        """Tell the hub of all that changed since the last look; what fails is told later."""
        context, now = self._context, self._context.clock.now()
        async with context.database.reading() as session:
            in_force = await public_notices(session, context.city.jma.municipality, now)
            ids = await public_ids(session, now, drills=True)
            holding = {notice.id for notice in in_force}
            seen = {number: number in holding for number in ids}
            before = self._seen
            if before is None:
                changed: Sequence[Notice] = in_force
            else:
                changed = await _read(session, {one for one, _ in seen.items() ^ before.items()})
        self._seen = seen
        feeds = changed_feeds(changed, context.city, context.settings.public_url)
        self._untold.update(dict.fromkeys(feeds))
        if self._untold and (self._not_before is None or now >= self._not_before):
            await self._tell(now)

    async def _tell(self, now: datetime) -> None:
        waiting = list(self._untold)
        for start in range(0, len(waiting), MOST_IN_ONE):
            some = waiting[start : start + MOST_IN_ONE]
            fault = await self._ping(some)
            if fault:
                self._not_before = now + self._wait
                self._wait = min(self._wait * 2, LONGEST_WAIT)
                log.warning("websub.failed", url=self._hub, reason=fault, items=len(self._untold))
                return
            for feed in some:
                del self._untold[feed]
        self._wait, self._not_before = FIRST_WAIT, None
        log.info("websub.told", url=self._hub, items=len(waiting))

    async def _ping(self, feeds: Sequence[str]) -> str:
        """Name feeds to the hub; return why it did not take that, or ""."""
        # How a hub is told is left to hubs (WebSub, 7); all public ones take this form.
        said = [("hub.mode", "publish"), *(("hub.url", feed) for feed in feeds)]
        try:
            async with self._context.http.post(
                self._hub, data=aiohttp.FormData(said), timeout=PATIENCE, allow_redirects=False
            ) as answer:
                return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return f"{type(error).__name__}: {error}"


async def _read(session: AsyncSession, ids: Iterable[int]) -> Sequence[Notice]:
    wanted = sorted(ids)[-500:]
    if not wanted:
        return []
    return list(await session.scalars(select(Notice).where(col(Notice.id).in_(wanted))))
