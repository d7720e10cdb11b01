"""Take in the friends that LINE lists and that never wrote to us.

The list is stored page by page, with the position where it continues. Then profiles are read at a
limited pace, with their position. Another run continues where this one stopped. LINE lists friends
to verified and premium accounts only, and only users of iOS and Android.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import ColumnElement, func
from sqlalchemy import select as sql_select
from sqlmodel import col, select

from channels.line.client import LineClient
from channels.line.errors import Forbidden, LineBusy, LineRefused, TokenRefused
from channels.line.friends_api import FriendPage, friends
from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import BadInput, Retryable
from subscriptions import arrivals
from subscriptions.arrivals import Newcomer, TakenIn
from subscriptions.models import Arrival, ArrivalKind, Resident, ResidentChange, ResidentState

PROFILES_A_SECOND = 50
"""LINE allows 2,000; conversations need profiles too."""
MOST_PROFILES_A_SECOND = 500
TRIES = 5
FIRST_WAIT_SECONDS = 1.0
UNREAD = ""
NOT_VERIFIED = (
    "LINE does not list friends to this account: it is neither verified nor premium. "
    "Residents come in as they write, or with 'todoke residents import'."
)

log = structlog.get_logger(__name__)

LanguageFor = Callable[[str | None], str]
"""From the language of a profile to one of the city's."""
Progress = Callable[[str, int, int | None], None]
"""Called with the phase (``friends`` or ``profiles``), the number done, and the total."""


@dataclass(frozen=True)
class Fetched:
    """The result of one run; ``resumed`` if it continued an earlier one."""

    arrival_id: int
    resumed: bool
    listed: int
    people: TakenIn
    profiles: int = 0
    without_language: int = 0
    """Profiles without a language, or unreadable ones."""

    def to_json(self) -> dict[str, object]:
        return {
            "import": self.arrival_id,
            "resumed": self.resumed,
            "listed": self.listed,
            **self.people.to_json(),
            "profiles": self.profiles,
            "without_language": self.without_language,
        }


async def fetch_friends(
    database: Database,
    city: City,
    clock: Clock,
    line: LineClient,
    *,
    actor: str,
    language_for: LanguageFor,
    profiles_a_second: int = PROFILES_A_SECOND,
    progress: Progress | None = None,
) -> Fetched:
    """Make residents of all friends, with the standing topics and their profile's language.

    Parameters
    ----------
    profiles_a_second
        0 reads no profiles: everybody has the city's first language until they choose.

    Raises
    ------
    BadInput
        LINE does not list friends to this account.
    Retryable
        LINE does not answer now; run it again to continue.
    """
    tell = progress or _nobody
    async with database.writing() as session:
        arrival = await arrivals.unfinished_arrival(session, ArrivalKind.FRIENDS)
        resumed = arrival is not None
        if arrival is None:
            arrival = await arrivals.begin(
                session, ArrivalKind.FRIENDS, actor=actor, now=clock.now()
            )
    assert arrival.id is not None
    fetching = _Fetching(database, city, clock, line, arrival.id, tell)
    listed, people = await fetching.list_friends()
    done = Fetched(arrival.id, resumed, listed, people)
    if profiles_a_second:
        pace = min(profiles_a_second, MOST_PROFILES_A_SECOND)
        asked, silent = await fetching.read_profiles(language_for, pace)
        done = replace(done, profiles=asked, without_language=silent)
    async with database.writing() as session:
        await arrivals.finish(session, arrival.id, clock.now())
    log.info("friends.fetched", counts=done.to_json())
    return done


class _Fetching:
    """One run over LINE's list and its profiles."""

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        line: LineClient,
        arrival_id: int,
        tell: Progress,
    ) -> None:
        self._database = database
        self._city = city
        self._clock = clock
        self._line = line
        self._id = arrival_id
        self._tell = tell

    async def list_friends(self) -> tuple[int, TakenIn]:
        """Read the rest of the list; return its length and the result."""
        while True:
            async with self._database.reading() as session:
                arrival = await session.get_one(Arrival, self._id)
            counts = TakenIn.from_json(arrival.counts)
            listed = int(arrival.counts.get("listed", 0))
            if arrival.listed:
                return listed, counts
            asked_at = self._clock.now()
            page = await self._page(arrival.next_token)
            if page is None:
                # LINE no longer knows the continuation token; residents who are known already do
                # not change.
                kept = replace(counts, known=0, left=0, erased=0)
                await self._note(next_token="", counts=kept.to_json())
                continue
            people = [Newcomer(user) for user in dict.fromkeys(page.user_ids)]
            now = self._clock.now()
            async with self._database.writing() as session:
                taken = await arrivals.take_in(
                    session, self._city, self._id, people, now, listed_at=asked_at
                )
                counts = counts.plus(taken)
                listed += len(people)
                stored = await session.get_one(Arrival, self._id, with_for_update=True)
                stored.counts = {**counts.to_json(), "listed": listed}
                stored.next_token = page.next
                stored.listed = not page.next
                session.add(stored)
            self._tell("friends", listed, None)

    async def _page(self, start: str) -> FriendPage | None:
        """Return a page of the list; None if LINE does not know the continuation token."""
        for attempt in range(TRIES):
            try:
                return await friends(self._line, start)
            except Forbidden as error:
                raise BadInput(NOT_VERIFIED) from error
            except LineRefused as error:
                if start and error.status == 400:
                    return None
                raise
            except Retryable as error:
                if attempt == TRIES - 1:
                    raise Retryable(f"{error}. Run it again to go on.") from error
                await self._wait(error, attempt)
        raise AssertionError("every try ends or waits")

    async def _wait(self, error: Retryable, attempt: int) -> None:
        await self._clock.sleep(error.retry_after or FIRST_WAIT_SECONDS * 2**attempt)

    async def _note(self, **changes: object) -> None:
        async with self._database.writing() as session:
            stored = await session.get_one(Arrival, self._id, with_for_update=True)
            for name, value in changes.items():
                setattr(stored, name, value)
            session.add(stored)

    async def read_profiles(self, language_for: LanguageFor, pace: int) -> tuple[int, int]:
        """Read the profiles of new residents, in portions of one second."""
        asked = silent = 0
        async with self._database.reading() as session:
            total = await session.scalar(
                sql_select(func.count()).select_from(Resident).where(*self._to_ask(0))
            )
        while True:
            async with self._database.reading() as session:
                through = (await session.get_one(Arrival, self._id)).profiles_through
                rows = await session.execute(
                    select(col(Resident.id), col(Resident.line_user_id))
                    .where(*self._to_ask(through))
                    .order_by(col(Resident.id))
                    .limit(pace)
                )
                people = [(number, user) for number, user in rows if number and user]
            if not people:
                return asked, silent
            tags = await asyncio.gather(*(self._language_tag(user) for _, user in people))
            if len(people) > 1 and all(tag is UNREAD for tag in tags):
                raise Retryable("LINE answers no question for profiles now. Run it again to go on.")
            spoken = {
                number: language_for(tag)
                for (number, _), tag in zip(people, tags, strict=True)
                if tag
            }
            answered = self._clock.monotonic()
            await self._speak(spoken, people[-1][0])
            asked += len(people)
            silent += len(people) - len(spoken)
            self._tell("profiles", asked, total)
            await self._clock.sleep(max(0.0, 1.0 - (self._clock.monotonic() - answered)))

    def _to_ask(self, through: int) -> list[ColumnElement[bool]]:
        return [
            col(Resident.arrival_id) == self._id,
            col(Resident.state) == ResidentState.FOLLOWING,
            col(Resident.language_chosen).is_(False),
            col(Resident.id) > through,
        ]

    async def _language_tag(self, user: str) -> str | None:
        """Return a profile's language; None if it has none, UNREAD if LINE fails."""
        for attempt in range(TRIES):
            try:
                return (await self._line.profile(user)).language
            except LineBusy as error:
                if attempt == TRIES - 1:
                    raise Retryable(f"{error}. Run it again to go on.") from error
                await self._wait(error, attempt)
            except Retryable as error:
                if attempt == TRIES - 1:
                    log.warning("profile.failed", reason=str(error))
                    return UNREAD
                await self._wait(error, attempt)
            except TokenRefused:
                raise
            except LineRefused:
                return None  # not a friend any more
        return UNREAD

    async def _speak(self, languages: dict[int, str], through: int) -> None:
        """Store the languages of residents who have not chosen one meanwhile."""
        async with self._database.writing() as session:
            found = await session.scalars(
                select(Resident)
                .where(
                    col(Resident.id).in_(list(languages)),
                    col(Resident.arrival_id) == self._id,
                    col(Resident.language_chosen).is_(False),
                )
                .with_for_update()
            )
            for resident in found:
                assert resident.id is not None
                if resident.language != languages[resident.id]:
                    resident.language = languages[resident.id]
                    session.add(ResidentChange(resident_id=resident.id))
                    session.add(resident)
            stored = await session.get_one(Arrival, self._id, with_for_update=True)
            stored.profiles_through = through
            session.add(stored)


def _nobody(_what: str, _done: int, _total: int | None) -> None:
    """Report no progress."""
