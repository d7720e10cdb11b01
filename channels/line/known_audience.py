"""The audience at LINE of all residents that Todoke knows, updated as residents come and go.

LINE can add user ids to an audience but not remove them. So new residents are added. After somebody
has left, or when the audience is old, a new one is filled. When it is ready it replaces the first
one, which is deleted. One bit for each resident says whom LINE has added; an upload that is
repeated after a crash changes nothing.

Source: https://developers.line.biz/en/docs/messaging-api/using-audience/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.line.client import LineClient
from channels.line.errors import Forbidden, LineRefused
from channels.line.friends_api import (
    MOST_UPLOADED,
    add_to_audience,
    audience_status,
    create_audience,
    delete_audience,
)
from channels.line.hourly import admit
from channels.line.models import AudienceState, AudienceTrouble, KnownAudience
from channels.line.reasons import reason
from channels.models import UnknownSend, UnknownState
from city.city import City, Way
from core.clock import Clock
from core.database import Database
from core.errors import Permanent, Retryable
from core.reason import Reason
from subscriptions.bitmaps import following_at_line
from subscriptions.models import Resident

LEAST = 50
"""LINE uses no audience of fewer people in a narrowcast (error 4)."""
RENEW_AFTER = timedelta(days=1)
"""Highest age of an audience with somebody who is not a resident any more."""
OLD_AFTER = timedelta(days=150)
"""LINE's audiences expire after 180 days."""
FORBIDDEN_AGAIN = timedelta(hours=6)
LOOKS, LOOK_SECONDS = 5, 2.0
"""How often, and how long apart, a new audience is looked at in one go."""
READY = "READY"
_GONE = ("EXPIRED", "FAILED", "INACTIVE")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Availability:
    """Whether a narrowcast to everybody else is possible, as far as we know.

    ``missing`` are known residents who are not in the audience yet. ``why_not`` is the obstacle, or
    None. ``for_good`` means that waiting does not help.
    """

    audience_id: int | None
    missing: int
    why_not: Reason | None = None
    for_good: bool = False

    @property
    def usable(self) -> bool:
        return self.why_not is None


async def standing(session: AsyncSession, through: int | None = None) -> Availability:
    """Return the stored state of the audience; LINE is not asked.

    Parameters
    ----------
    through
        The last resident who must be in it; None for everybody.
    """
    known = _until(await following_at_line(session), through)
    trouble = await session.get(AudienceTrouble, 1)
    if trouble is not None and trouble.forbidden:
        return Availability(None, known.bit_count(), trouble.reason, for_good=True)
    if known.bit_count() < LEAST:
        few = reason("audience.too-few", least=LEAST)
        return Availability(None, known.bit_count(), few, for_good=True)
    row = await _one(session, AudienceState.READY)
    if row is None:
        why = trouble.reason if trouble else reason("audience.not-ready")
        return Availability(None, known.bit_count(), why)
    missing = (known & ~int.from_bytes(row.members, "little")).bit_count()
    if row.status != READY:
        why = reason("audience.status", status=row.status or "IN_PROGRESS")
        return Availability(row.audience_id, missing, why)
    return Availability(row.audience_id, missing)


class AudienceKeeper:
    """Maintains the audience; one process does, and others may ask it to update."""

    def __init__(self, database: Database, city: City, clock: Clock, line: LineClient) -> None:
        self._database = database
        self._city = city
        self._clock = clock
        self._line = line

    async def keep(self) -> None:
        """Do due work; the active scheduler calls it every minute."""
        rule = self._city.unknown_friends
        wanted = rule is not None and rule.way is Way.NARROWCAST
        now = self._clock.now()
        async with self._database.reading() as session:
            trouble = await session.get(AudienceTrouble, 1)
            if await _is_sending(session):
                # New residents are in no batch of that order, so they must stay outside for a
                # moment.
                return
            rows = list(await session.scalars(select(KnownAudience)))
        if trouble and trouble.forbidden and now - trouble.at < FORBIDDEN_AGAIN and wanted:
            return
        try:
            for row in rows:
                if row.state is AudienceState.DROPPING or not wanted:
                    await self._drop(row)
            if wanted:
                await self._keep_one()
            await self._forget_trouble()
        except Forbidden as error:
            await self._note_trouble(error.reason, forbidden=True)
        except (Retryable, Permanent) as error:
            await self._note_trouble(error.reason)

    async def catch_up(self, through: int) -> None:
        """Add missing residents to the audience in use, and check whether it is ready.

        Parameters
        ----------
        through
            The last resident of the delivery's audience. Later residents are in no batch of it, so
            they must stay outside, where the narrowcast reaches them.

        Raises
        ------
        Retryable, Permanent
            LINE refuses it, or cannot do it now.
        """
        async with self._database.reading() as session:
            row = await _one(session, AudienceState.READY)
        if row is not None and (await self._fill(row, through) or row.status != READY):
            await self._look(row)

    async def _keep_one(self) -> None:
        """Update the audience; wait a little for a new one, because LINE needs seconds."""
        for _ in range(LOOKS):
            if not await self._keep_step():
                return
            await self._clock.sleep(LOOK_SECONDS)

    async def _keep_step(self) -> bool:
        """Do due work on the audience; return whether more is due in some seconds."""
        async with self._database.reading() as session:
            if await _is_sending(session):
                return False
            ready = await _one(session, AudienceState.READY)
            filling = await _one(session, AudienceState.FILLING)
            known = await following_at_line(session)
        for row in (ready, filling):
            if row is not None:
                await self._fill(row)
                await self._look(row)
        if filling is not None:
            return not await self._promote(filling)
        if known.bit_count() >= LEAST and (ready is None or self._is_to_renew(ready, known)):
            await self._begin(known)
            return True
        return False

    def _is_to_renew(self, row: KnownAudience, known: int) -> bool:
        age = self._clock.now() - row.created_at
        gone = int.from_bytes(row.members, "little") & ~known
        return row.status in _GONE or age > OLD_AFTER or (gone > 0 and age > RENEW_AFTER)

    async def _begin(self, known: int) -> None:
        """Create a new audience of the first residents; the rest is added later."""
        now = self._clock.now()
        numbers, users = await self._users(next(_pieces(known)))
        if not users:
            return
        await admit(self._database, "audience-create", now)
        made = await create_audience(self._line, f"todoke {now:%Y-%m-%d %H:%M:%S}", users)
        async with self._database.writing() as session:
            session.add(
                KnownAudience(
                    audience_id=made,
                    state=AudienceState.FILLING,
                    members=_packed(_bits(numbers)),
                    created_at=now,
                )
            )
        log.info("audience.created", audience_id=made, residents=len(users))

    async def _fill(self, row: KnownAudience, through: int | None = None) -> bool:
        """Add missing residents to an audience; return whether there were any."""
        async with self._database.reading() as session:
            known = _until(await following_at_line(session), through)
        missing = known & ~int.from_bytes(row.members, "little")
        for piece in _pieces(missing):
            numbers, users = await self._users(piece)
            if not users:
                continue
            await admit(self._database, "audience-add", self._clock.now())
            try:
                await add_to_audience(self._line, row.audience_id, users)
            except LineRefused:
                # It was deleted, for example by hand: another one replaces it.
                await self._set(row, state=AudienceState.DROPPING)
                raise
            await self._took(row, _bits(numbers))
        return missing > 0

    async def _took(self, row: KnownAudience, bits: int) -> None:
        async with self._database.writing() as session:
            stored = await session.get(KnownAudience, row.id, with_for_update=True)
            if stored is None:
                return
            stored.members = _packed(int.from_bytes(stored.members, "little") | bits)
            stored.status = ""
            session.add(stored)
            row.members, row.status = stored.members, ""

    async def _look(self, row: KnownAudience) -> None:
        """Ask LINE for the audience's status: at once after a change, else from time to time."""
        now = self._clock.now()
        if row.status == READY and row.checked_at and abs(now - row.checked_at) < RENEW_AFTER / 4:
            return
        await admit(self._database, "audience", now)
        try:
            status = await audience_status(self._line, row.audience_id)
        except LineRefused:
            await self._set(row, state=AudienceState.DROPPING)
            raise
        row.status = status
        await self._set(row, status=status, checked_at=now)

    async def _promote(self, row: KnownAudience) -> bool:
        """Replace the audience in use with a filled one; return whether that was done."""
        async with self._database.writing() as session:
            known = await following_at_line(session)
            if known & ~int.from_bytes(row.members, "little") or row.status != READY:
                return False
            stored = await session.get(KnownAudience, row.id, with_for_update=True)
            if stored is None or stored.state is not AudienceState.FILLING:
                return False  # the audience is gone at LINE, as another process found meanwhile
            before = await session.scalars(
                select(KnownAudience)
                .where(col(KnownAudience.state) == AudienceState.READY)
                .order_by(col(KnownAudience.id))
                .with_for_update()
            )
            for old in before:
                old.state = AudienceState.DROPPING
                session.add(old)
            stored.state = AudienceState.READY
            session.add(stored)
        log.info("audience.ready", audience_id=row.audience_id)
        return True

    async def _drop(self, row: KnownAudience) -> None:
        await admit(self._database, "audience-delete", self._clock.now())
        try:
            await delete_audience(self._line, row.audience_id)
        except LineRefused as error:
            log.info("audience.missing", audience_id=row.audience_id, reason=str(error))
        async with self._database.writing() as session:
            await session.execute(delete(KnownAudience).where(col(KnownAudience.id) == row.id))

    async def _users(self, numbers: list[int]) -> tuple[list[int], list[str]]:
        """Return the residents who still exist, and their user ids."""
        found: dict[int, str] = {}
        async with self._database.reading() as session:
            for start in range(0, len(numbers), 5_000):
                rows = await session.execute(
                    select(col(Resident.id), col(Resident.line_user_id)).where(
                        col(Resident.id).in_(numbers[start : start + 5_000])
                    )
                )
                found.update((number, user) for number, user in rows if number and user)
        return list(found), list(found.values())

    async def _set(self, row: KnownAudience, **changes: object) -> None:
        async with self._database.writing() as session:
            stored = await session.get(KnownAudience, row.id, with_for_update=True)
            if stored is not None:
                for name, value in changes.items():
                    setattr(stored, name, value)
                session.add(stored)

    async def _note_trouble(self, why: Reason, *, forbidden: bool = False) -> None:
        log.warning("audience.refused", reason=str(why))
        await self._forget_trouble()
        async with self._database.writing() as session:
            session.add(AudienceTrouble(reason=why, forbidden=forbidden, at=self._clock.now()))

    async def _forget_trouble(self) -> None:
        async with self._database.writing() as session:
            await session.execute(delete(AudienceTrouble))


async def _is_sending(session: AsyncSession) -> bool:
    waiting = (UnknownState.WAITING, UnknownState.SENDING)
    found = await session.scalar(
        select(UnknownSend.delivery_id).where(col(UnknownSend.state).in_(waiting)).limit(1)
    )
    return found is not None


async def _one(session: AsyncSession, state: AudienceState) -> KnownAudience | None:
    found = await session.scalars(
        select(KnownAudience)
        .where(col(KnownAudience.state) == state)
        .order_by(col(KnownAudience.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    if row is not None:
        session.expunge(row)
    return row


def _until(known: int, through: int | None) -> int:
    return known if through is None else known & ((1 << (through + 1)) - 1)


def _pieces(bits: int) -> Iterator[list[int]]:
    """Yield the indexes of the set bits, in portions up to LINE's limit."""
    piece: list[int] = []
    for place, byte in enumerate(_packed(bits)):
        while byte:
            lowest = byte & -byte
            piece.append(place * 8 + lowest.bit_length() - 1)
            byte ^= lowest
            if len(piece) == MOST_UPLOADED:
                yield piece
                piece = []
    if piece:
        yield piece


def _bits(numbers: list[int]) -> int:
    bits = bytearray(max(numbers, default=0) // 8 + 1)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def _packed(bits: int) -> bytes:
    return bits.to_bytes(bits.bit_length() // 8 + 1, "little")
