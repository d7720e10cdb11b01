"""Photos that other programs name (``media_url``): fetched in the background, and then like others.

Only from the public web (``reports.outside.ANY_PHOTO``), within the limits of ``feeds.fetch``, each
redirect checked. If a photo cannot be had, the report's history says why.
"""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.context import Context
from core.child import Workshop
from core.due import due_rows, is_due
from core.errors import Permanent, Retryable
from core.reason import Reason, other
from core.work import retry_delay
from feeds.fetch import AllowedHosts, fetch
from reports import photos
from reports.decoding import PhotoRefused
from reports.following import MAX_LATER
from reports.models import UNDONE, PhotoAddress, PhotoRole, Report, ReportUpdate, Sending
from reports.outside import ANY_PHOTO
from reports.photos import MAX_PHOTOS, Added, Picture, decoding_workshop, take_photo
from reports.reasons import reason
from reports.states import ReportState

MOST_BYTES = 10 * 1024 * 1024
SECONDS = 30.0
TRIED_FOR = timedelta(days=1)
LEASE = timedelta(minutes=3)
AT_ONCE = 4
MOST_A_LOOK = 100

log = structlog.get_logger(__name__)


def add(
    session: AsyncSession,
    report: Report,
    url: str,
    *,
    by: str,
    now: datetime,
    role: PhotoRole = PhotoRole.NEAR,
) -> None:
    """Have a report's photo fetched; ``role`` is what it shows."""
    assert report.id is not None
    session.add(
        PhotoAddress(report_id=report.id, url=url, by=by, role=role, not_before=now, created_at=now)
    )


class PhotoFetcher:
    """Fetches what is due.

    Parameters
    ----------
    http
        A session of ``feeds.fetch.guarded_session``.
    reach
        Where it may go.
    """

    def __init__(
        self,
        context: Context,
        http: aiohttp.ClientSession,
        *,
        decoding: Workshop | None = None,
        reach: AllowedHosts = ANY_PHOTO,
        seed: int | None = None,
    ) -> None:
        self._context = context
        self._database = context.database
        self._http = http
        self._decoding = decoding or decoding_workshop()
        self._reach = reach
        self._chance = random.Random(seed)  # noqa: S311
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look(self) -> None:
        """Fetch every photo that is due, few at a time."""
        now = self._context.clock.now()
        async with self._database.reading() as session:
            found = await session.scalars(
                select(col(PhotoAddress.id))
                .where(
                    col(PhotoAddress.state).in_(UNDONE), due_rows(col(PhotoAddress.not_before), now)
                )
                .order_by(col(PhotoAddress.id))
                .limit(MOST_A_LOOK)
            )
            numbers = [number for number in found if number is not None]
        await asyncio.gather(*map(self._fetch, numbers))

    async def _fetch(self, number: int) -> None:
        async with self._places:
            address = await self._begin(number)
            if address is None:
                return
            media = self._context.settings.media_dir
            try:
                answer = await fetch(
                    self._http, address.url, self._reach, max_body=MOST_BYTES, timeout=SECONDS
                )
                picture = await take_photo(self._decoding, media, answer.body)
            except PhotoRefused as error:
                await self._ended(address, None, other(str(error)))
            except Permanent as error:
                await self._ended(address, None, error.reason)
            except Retryable as error:
                await self._later(address, error.reason, error.retry_after)
            except OSError as error:  # the disk is full
                log.error("photo_address.unkept", reason=str(error))
                await self._later(address, other(str(error)), None)
            else:
                await self._ended(address, picture, None)

    async def _begin(self, number: int) -> PhotoAddress | None:
        now = self._context.clock.now()
        async with self._database.writing() as session:
            address = await session.get(PhotoAddress, number, with_for_update=True)
            if (
                address is None
                or address.state not in UNDONE
                or not is_due(address.not_before, now)
            ):
                return None
            address.state = Sending.TRYING
            address.attempts += 1
            address.not_before = now + LEASE
            session.add(address)
        return address

    async def _later(self, address: PhotoAddress, why: Reason, after: float | None) -> None:
        now = self._context.clock.now()
        if now - address.created_at > TRIED_FOR:
            await self._ended(address, None, why)
            return
        async with self._database.writing() as session:
            row = await self._row(session, address)
            if row is None:
                return
            delay = retry_delay(row.attempts, after, self._chance)
            row.error, row.not_before = why, now + timedelta(seconds=delay)
            session.add(row)

    async def _ended(
        self, address: PhotoAddress, picture: Picture | None, why: Reason | None
    ) -> None:
        """Give the report its photo, or say in its history why it has none."""
        now = self._context.clock.now()
        async with self._database.writing() as session:
            row = await self._row(session, address)
            if row is None:
                return
            report = await session.get(Report, row.report_id, with_for_update=True)
            row.state, row.error = (Sending.DONE if picture else Sending.FAILED), why
            session.add(row)
            if report is None or report.state is ReportState.WITHDRAWN:
                return
            if picture is None:
                self._say(session, row, why, now)
                log.warning("photo_address.failed", report_id=report.number, reason=str(why))
                return
            is_new = row.role is PhotoRole.NEAR
            most = MAX_PHOTOS + (0 if is_new else MAX_LATER)
            role = picture.role if is_new else row.role
            added = await photos.add_photo(session, report, picture, now, role=role, most=most)
            if added is Added.NO_ROOM:
                row.state, row.error = Sending.FAILED, reason("photo.full")
                self._say(session, row, row.error, now)
                return
            log.info("photo_address.fetched", report_id=report.number)

    def _say(
        self, session: AsyncSession, row: PhotoAddress, why: Reason | None, now: datetime
    ) -> None:
        """Say in a report's history why it has not got a photo."""
        note = f"media_url ({urlsplit(row.url).hostname}): {why}"[:500]
        session.add(ReportUpdate(report_id=row.report_id, by=row.by, note=note, created_at=now))

    async def _row(self, session: AsyncSession, address: PhotoAddress) -> PhotoAddress | None:
        row = await session.get(
            PhotoAddress, address.id, with_for_update=True, populate_existing=True
        )
        return row if row is not None and row.state in UNDONE else None
