"""Send cases to other offices, and ask their endpoints what became of them.

A forward is marked as tried before it is. Whoever takes it up after a crash sends the same bytes
with the same Message-ID; before a post whose answer was lost is repeated, the endpoint is asked
whether it has the case. (https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import aiohttp
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import Endpoint, Owner
from city.context import Context
from core import mail
from core.due import due_rows, is_due
from core.errors import BadInput, Permanent, Retryable, TodokeError
from core.work import retry_delay
from reports import forwarding, office_mail, office_words, work
from reports.forwarding import PhotoLinks
from reports.models import UNDONE, Forward, ForwardWay, Report, Sending
from reports.office_words import ENDED_LOOK, Said, Tell
from reports.open311_client import (
    Named,
    NotKnownThere,
    OfficeUnclear,
    Open311Client,
)
from reports.outside import NoAnswer, internal_of
from reports.reasons import reason
from reports.states import ReportState
from reports.work import Change

TRIED_FOR = timedelta(days=1)
LEASE = timedelta(minutes=3)
"""After which another process may take a forward over whose sender died."""
FIRST_LOOK = timedelta(minutes=15)
LONGEST_LOOK = timedelta(hours=12)
LOOKED_AFTER = timedelta(days=14)
"""How long a closed case is still looked at: they may open it again."""
MOST_A_LOOK = 200

log = structlog.get_logger(__name__)


class OfficeSender:
    """Sends and follows. One office that does not answer holds up no other.

    Parameters
    ----------
    tell
        See :data:`reports.office_words.Tell`.
    environment
        Where the keys of endpoints are looked for.
    """

    def __init__(
        self,
        context: Context,
        http: aiohttp.ClientSession,
        tell: Tell,
        *,
        environment: Mapping[str, str] | None = None,
        seed: int | None = None,
    ) -> None:
        self._context = context
        self._database = context.database
        self._http = http
        self._tell = tell
        self._environment = environment
        self._links = PhotoLinks(context.settings.secret_key, context.settings.public_url)
        self._chance = random.Random(seed)  # noqa: S311

    async def look(self) -> None:
        """Send what is due, and ask about what is due."""
        now = self._context.clock.now()
        async with self._database.reading() as session:
            to_send = await session.execute(
                select(col(Forward.id), col(Forward.owner), col(Forward.way))
                .where(col(Forward.state).in_(UNDONE), due_rows(col(Forward.not_before), now))
                .order_by(col(Forward.id))
                .limit(MOST_A_LOOK)
            )
            to_ask = await session.execute(
                select(col(Forward.id), col(Forward.owner))
                .where(col(Forward.look_at) <= now, col(Forward.state) == Sending.DONE)
                .order_by(col(Forward.look_at))
                .limit(MOST_A_LOOK)
            )
            lines: dict[tuple[str, str], list[tuple[Callable[[int], Awaitable[None]], int]]]
            lines = defaultdict(list)
            for number, owner, way in to_send:
                lines[owner, way].append((self._send, number or 0))
            for number, owner in to_ask:
                lines[owner, "look"].append((self._ask, number or 0))
        await asyncio.gather(*(self._in_turn(line) for line in lines.values()))

    async def _in_turn(self, line: list[tuple[Callable[[int], Awaitable[None]], int]]) -> None:
        for act, number in line:
            await act(number)

    async def _send(self, number: int) -> None:
        """Try a forward once."""
        begun = await self._begin(number)
        if begun is None:
            return
        forward, report = begun
        owner = self._owner(forward)
        try:
            if owner is None:
                raise Permanent(reason("forward.no-office"))
            if forward.way is ForwardWay.MAIL:
                named = await self._mail(owner, report, forward)
            else:
                named = await self._post(owner, report, forward)
        except TodokeError as error:
            await self._failed(forward, error)
        else:
            await self._taken(forward, named)

    async def _begin(self, number: int) -> tuple[Forward, Report] | None:
        """Mark a forward as tried; return None if it must not be tried now."""
        now = self._context.clock.now()
        async with self._database.writing() as session:
            forward = await session.get(Forward, number, with_for_update=True)
            if (
                forward is None
                or forward.state not in UNDONE
                or not is_due(forward.not_before, now)
            ):
                return None
            report = await session.get_one(Report, forward.report_id)
            if forward.state is Sending.TRYING and forward.way is ForwardWay.OPEN311:
                # Its sender died before it could say what became of it, or was told to wait.
                forward.doubtful = forward.doubtful or forward.error is None
            forward.state = Sending.TRYING
            forward.error = None
            forward.attempts += 1
            forward.first_tried_at = forward.first_tried_at or now
            forward.not_before = now + LEASE
            session.add(forward)
        return forward, report

    async def _mail(self, owner: Owner, report: Report, forward: Forward) -> Named:
        settings = self._context.settings
        if settings.smtp is None:
            raise Permanent(reason("forward.no-mail"))
        async with self._database.reading() as session:
            photos = await forwarding.still_there(session, forward.photos)
        city = self._context.city
        made = await office_mail.made(
            settings.smtp, settings.media_dir, city, owner, report, forward, photos
        )
        await mail.send(settings.smtp, made)
        return Named()

    async def _post(self, owner: Owner, report: Report, forward: Forward) -> Named:
        endpoint = owner.open311
        if endpoint is None:
            raise Permanent(reason("forward.no-office"))
        client = self._client(endpoint)
        service = endpoint.service_of(report.category)
        mark = mark_of(self._context.city.name["ja"], report.number)
        if forward.doubtful and forward.first_tried_at is not None:
            since = forward.first_tried_at - timedelta(hours=1)
            # An office that shows no list cannot say it; then twice is better than never.
            with suppress(NotKnownThere):
                if (found := await client.find(service, since, mark)) is not None:
                    return found
        return await client.post(self._fields(report, forward, service, mark))

    def _fields(self, report: Report, forward: Forward, service: str, mark: str) -> dict[str, str]:
        """Return what the endpoint gets, the same in every attempt."""
        assert forward.id is not None
        links = [self._links.page(forward.id, place) for place in range(len(forward.photos))]
        fields = {"service_code": service}
        if report.latitude is not None and report.longitude is not None:
            fields["lat"], fields["long"] = f"{report.latitude:.6f}", f"{report.longitude:.6f}"
        if report.address:
            fields["address_string"] = report.address
        fields["description"] = "\n".join(filter(None, (forward.words, *links[1:], mark)))
        if links:
            fields["media_url"] = links[0]
        return fields

    async def _taken(self, forward: Forward, named: Named) -> None:
        """Store that the other office has it; the case is theirs from now on."""
        now, city = self._context.clock.now(), self._context.city
        async with self._database.writing() as session:
            row = await self._row(session, forward, UNDONE)
            if row is None:
                return
            row.state, row.sent_at, row.error, row.doubtful = Sending.DONE, now, None, False
            row.remote_id, row.remote_token = named.number, named.token
            if row.way is ForwardWay.OPEN311:
                row.look_at = now + FIRST_LOOK
            session.add(row)
            report = await session.get_one(Report, row.report_id)
            owner = self._owner(row)
            name = owner.names["ja"] if owner else row.owner
            said = f"✓ {name} {named.number or named.token}".strip()
            try:
                async with session.begin_nested():
                    changed = await work.change(
                        session,
                        city,
                        report.number,
                        Change(state=ReportState.REFERRED, reason=row.reason, note=said),
                        by=row.by,
                        now=now,
                    )
            except BadInput:  # taken back, or joined to another, meanwhile
                await forwarding.note(session, row.report_id, said, by=row.by, now=now)
            else:
                await self._tell(session, changed, now)
        log.info("forward.sent", report_id=report.number, way=row.way.value, attempt=row.attempts)

    async def _failed(self, forward: Forward, error: TodokeError) -> None:
        now = self._context.clock.now()
        async with self._database.writing() as session:
            row = await self._row(session, forward, UNDONE)
            if row is None:
                return
            report = await session.get_one(Report, row.report_id)
            row.error = error.reason
            row.doubtful = row.doubtful or isinstance(error, (NoAnswer, OfficeUnclear))
            too_long = row.first_tried_at is not None and now - row.first_tried_at > TRIED_FOR
            if isinstance(error, Permanent) or too_long:
                row.state, row.settled_at = Sending.FAILED, None
                words = f"✗ {row.owner}: {error.reason}"
                await forwarding.note(session, row.report_id, words, by="service", now=now)
                log.error("forward.failed", report_id=report.number, reason=str(error))
            else:
                after = error.retry_after if isinstance(error, Retryable) else None
                delay = retry_delay(row.attempts, after, self._chance)
                row.not_before = now + timedelta(seconds=delay)
                log.warning(
                    "forward.postponed",
                    report_id=report.number,
                    reason=str(error),
                    attempt=row.attempts,
                    retry_in_s=round(delay, 1),
                )
            session.add(row)

    async def _ask(self, number: int) -> None:
        """Ask once what became of a case."""
        async with self._database.reading() as session:
            forward = await session.get(Forward, number)
        owner = None if forward is None else self._owner(forward)
        if forward is None or owner is None or owner.open311 is None:
            if forward is not None:
                await self._looked(forward, None, None)
            return
        client, named, said = self._client(owner.open311), forward.remote_id, None
        try:
            if not named:
                named = await client.number_of(forward.remote_token)
            if named:
                said = await client.look(named)
        except TodokeError as error:
            await self._looked(forward, None, error)
            return
        await self._looked(forward, said, None, number=named)

    async def _looked(
        self, forward: Forward, said: Said | None, error: TodokeError | None, *, number: str = ""
    ) -> None:
        """Store what they said, and when they are asked again."""
        now = self._context.clock.now()
        async with self._database.writing() as session:
            row = await self._row(session, forward, (Sending.DONE,))
            if row is None:
                return
            row.looked_at = now
            if error is not None:
                row.looks_failed += 1
                row.error = error.reason
                log.warning("forward.unanswered", reason=str(error), failures=row.looks_failed)
            else:
                row.looks_failed, row.error = 0, None
            row.remote_id = number or row.remote_id
            row.look_at = next_look(row, now)
            session.add(row)
            if said is not None and office_words.keep(row, said):
                city = self._context.city
                await office_words.take_up(session, city, row, said, now, tell=self._tell)

    async def _row(
        self, session: AsyncSession, forward: Forward, states: tuple[Sending, ...]
    ) -> Forward | None:
        row = await session.get(Forward, forward.id, with_for_update=True, populate_existing=True)
        return row if row is not None and row.state in states else None

    def _owner(self, forward: Forward) -> Owner | None:
        return self._context.city.owner(forward.owner)

    def _client(self, endpoint: Endpoint) -> Open311Client:
        internal = internal_of(self._context.settings.internal_hosts)
        return Open311Client(self._http, endpoint, internal=internal, environment=self._environment)


def mark_of(city: str, number: str) -> str:
    """Return the line by which a case is known again at the other office."""
    return f"{city} {number}"


def next_look(forward: Forward, now: datetime) -> datetime | None:
    """Return when an endpoint is asked again: the older the case, the less often."""
    if forward.closed_at is not None:
        return now + ENDED_LOOK if now - forward.closed_at < LOOKED_AFTER else None
    since = forward.sent_at or forward.created_at
    usual = min(max((now - since) / 20, FIRST_LOOK), LONGEST_LOOK)
    later: timedelta = usual * int(2 ** min(forward.looks_failed, 8))
    return now + min(later, LONGEST_LOOK)
