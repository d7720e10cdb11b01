"""Send the mails with a link to confirm, or to stop, that somebody asked for."""

from __future__ import annotations

import random
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.email.compose import Letter, mail_bytes
from channels.email.dkim import Signer
from channels.email.medium import Outgoing, Sending
from channels.email.models import MailSignup, SignupState
from channels.email.render import render_confirmation, render_stop
from channels.email.signups import SEND
from channels.email.tokens import Purpose
from channels.responses import Unavailable
from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Retryable, TodokeError
from core.reason import Reason
from core.work import Queue, retry_delay

AT_ONCE = 4
LONGEST = timedelta(hours=12)
"""After that the link would be of little use."""
CONFIRM_PATH = "/follow/confirm"
FAR = timedelta(hours=1)
"""No rule postpones for so long; a wrong clock did."""

log = structlog.get_logger(__name__)


class SignupSender:
    """Sends each such mail until it is taken, refused, or too old."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        queue: Queue,
        city: City,
        sending: Sending,
        outgoing: Outgoing,
        *,
        signer: Signer | None = None,
        seed: int | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._queue = queue
        self._city = city
        self._sending = sending
        self._outgoing = outgoing
        self._signer = signer
        self._chance = random.Random(seed)  # noqa: S311

    def register(self) -> None:
        """Have the queue do this work here."""
        self._queue.register(SEND, self.send, concurrency=AT_ONCE)

    async def look(self) -> None:
        """Take up what is due, also what a process that died has left."""
        now = self._clock.now()
        due = (
            select(col(MailSignup.id))
            .where(col(MailSignup.state) == SignupState.WAITING)
            .where((col(MailSignup.not_before) <= now) | (col(MailSignup.not_before) > now + FAR))
            .limit(100)
        )
        async with self._database.reading() as session:
            found = list(await session.scalars(due))
        if not found:
            return
        async with self._database.writing() as session:
            for number in found:
                await self._queue.put(session, SEND, str(number))

    async def send(self, key: str) -> None:
        """Try one mail once; the key is the wish's id."""
        row = await self._begin(int(key))
        if row is None:
            return
        try:
            await self._outgoing.send(
                self._sending.return_address(row.address, self._clock.now()),
                row.address,
                await self._written(row),
            )
        except Unavailable as error:
            # Twice is worse than never here: whoever misses it asks again.
            failed = None if error.may_have_acted else error
            await self._after(row, failed)
        except TodokeError as error:
            await self._after(row, error)
        else:
            await self._after(row, None)

    async def _begin(self, number: int) -> MailSignup | None:
        now = self._clock.now()
        async with self._database.writing() as session:
            row = await session.get(MailSignup, number, with_for_update=True)
            if row is None or row.state is not SignupState.WAITING:
                return None
            if now < row.not_before < now + FAR:
                await self._put(session, row)
                return None
            if now - row.asked_at > LONGEST:
                _end(row, SignupState.FAILED, row.error)
                session.add(row)
                return None
            row.attempts += 1
            session.add(row)
        return row

    async def _written(self, row: MailSignup) -> bytes:
        now, smtp = self._clock.now(), self._sending.smtp
        if row.stop:
            link = self._sending.stop_link(row.address, now)
            subject, plain, html = render_stop(self._city, row.language, link)
        else:
            token = self._sending.tokens.link(Purpose.CONFIRM, row.address, now, row.language)
            link = f"{self._sending.public_url}{CONFIRM_PATH}/{token}"
            subject, plain, html = render_confirmation(self._city, row.language, link, smtp.address)
        content = mail_bytes(
            Letter(
                mail_from=smtp.mail_from,
                to=row.address,
                subject=subject,
                plain=plain,
                html=html,
                language=row.language.partition("-x-")[0],
                message_id=self._sending.message_id(row.retry_key),
                at=now,
                answer_to=row.answer_to,
            )
        )
        return content if self._signer is None else await self._signer.signed(content)

    async def _after(self, row: MailSignup, error: TodokeError | None) -> None:
        now = self._clock.now()
        async with self._database.writing() as session:
            stored = await session.get(
                MailSignup, row.id, with_for_update=True, populate_existing=True
            )
            if stored is None or stored.state is not SignupState.WAITING:
                return
            if error is None:
                _end(stored, SignupState.SENT, None)
                log.info("mail_signup.sent", signup_id=row.id, attempt=stored.attempts)
            elif isinstance(error, Retryable):
                delay = retry_delay(stored.attempts, error.retry_after, self._chance)
                stored.error = error.reason
                stored.not_before = now + timedelta(seconds=delay)
                await self._put(session, stored)
                log.warning(
                    "mail_signup.postponed",
                    signup_id=row.id,
                    reason=str(error),
                    retry_in_s=round(delay, 1),
                )
            else:
                _end(stored, SignupState.FAILED, error.reason)
                log.warning("mail_signup.failed", signup_id=row.id, reason=str(error))
            session.add(stored)

    async def _put(self, session: AsyncSession, row: MailSignup) -> None:
        await self._queue.put(session, SEND, str(row.id), not_before=row.not_before)


def _end(row: MailSignup, state: SignupState, why: Reason | None) -> None:
    row.state, row.error, row.address = state, why, ""
