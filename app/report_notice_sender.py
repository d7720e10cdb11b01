"""Send the stored messages about reports to departments, by mail and to their chats.

A message is marked as tried before it is. After a crash a mail is sent with the same Message-ID; a
chat can show a message twice: it is told the key (``Idempotency-Key``), and none of the chats that
we know heeds one.
"""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta

import aiohttp
import structlog
from prometheus_client import Counter

from city.context import Context
from core import mail
from core.due import is_due
from core.errors import Permanent, Retryable, TodokeError
from core.work import retry_delay
from feeds.fetch import FetchRefused
from reports import chat_forms, notices_to_staff
from reports.models import ChatForm, NoticeState, NoticeWay, StaffNotice
from reports.notices_to_staff import OPEN_NOTICES
from reports.outside import PublicHosts, ask, internal_of
from reports.reasons import reason

AT_ONCE = 4
TRIED_FOR = timedelta(hours=12)
LONGEST_WAIT_SECONDS = 300.0
CHAT_SECONDS = 15.0
TOO_MANY = 429
OUTCOMES = Counter(
    "todoke_report_notices_total", "Messages to departments about reports", ["way", "outcome"]
)
log = structlog.get_logger(__name__)


class ChatUnavailable(Retryable):
    """No answer, or the chat asks to try again later."""


class ChatRefused(Permanent):
    """The chat does not take it: a wrong or withdrawn address."""


class ReportNoticeSender:
    """Sends each message until it was taken, refused for good, or is too old.

    Parameters
    ----------
    http
        A session for chats, which reaches no machine inside (``reports.outside``).
    """

    def __init__(
        self, context: Context, http: aiohttp.ClientSession, *, seed: int | None = None
    ) -> None:
        self._context = context
        self._http = http
        self._reach = PublicHosts(internal=internal_of(context.settings.internal_hosts))
        self._chance = random.Random(seed)  # noqa: S311

    async def look(self) -> int:
        """Try everything that is due; return how many messages were tried."""
        async with self._context.database.reading() as session:
            numbers = await notices_to_staff.due(session, self._context.clock.now())
        for start in range(0, len(numbers), AT_ONCE):
            await asyncio.gather(*map(self._send, numbers[start : start + AT_ONCE]))
        return len(numbers)

    async def _send(self, number: int) -> None:
        notice = await self._begin(number)
        if notice is None:
            return
        try:
            if notice.way is NoticeWay.MAIL:
                await self._mail(notice)
            else:
                await self._post(notice)
        except TodokeError as error:
            await self._after(notice, error)
        else:
            await self._after(notice, None)

    async def _begin(self, number: int) -> StaffNotice | None:
        """Mark a message as tried; return None if it must not be tried now."""
        now = self._context.clock.now()
        async with self._context.database.writing() as session:
            notice = await session.get(StaffNotice, number, with_for_update=True)
            if (
                notice is None
                or notice.state not in OPEN_NOTICES
                or not is_due(notice.not_before, now)
            ):
                return None
            notice.state = NoticeState.TRYING
            notice.attempts += 1
            # Whoever looks meanwhile leaves it alone; after a crash it is due again then.
            notice.not_before = now + timedelta(seconds=120)
            session.add(notice)
        return notice

    async def _mail(self, notice: StaffNotice) -> None:
        smtp = self._context.settings.smtp
        if smtp is None:
            raise Permanent(reason("report-notice.no-mail"))
        content = notice.content
        parts = (content["text"], f"{content['link']}\n{content['url']}")
        await mail.send(
            smtp,
            mail.message(
                smtp,
                to=notice.address,
                subject=content["title"],
                text="\n\n".join(parts) + "\n",
                key=notice.retry_key,
                now=notice.created_at,
            ),
        )

    async def _post(self, notice: StaffNotice) -> None:
        content = notice.content
        body = chat_forms.body(
            ChatForm(notice.chat_form),
            content["title"],
            content["text"],
            content["url"],
            content["link"],
            key=notice.retry_key,
        )
        try:
            answer = await ask(
                self._http,
                "POST",
                notice.address,
                self._reach,
                body=json.dumps(body).encode(),
                headers={"Content-Type": "application/json", "Idempotency-Key": notice.retry_key},
                seconds=CHAT_SECONDS,
            )
        except Retryable as error:
            # Without the error's own words: they have the address in them, which is a secret.
            kind = type(error).__name__
            raise ChatUnavailable(reason("report-notice.no-answer", error=kind)) from error
        status = answer.status
        if 200 <= status < 300:
            return
        if status >= 500 or status in (408, TOO_MANY):
            again = answer.retry_after
            raise ChatUnavailable(reason("report-notice.later", status=status), retry_after=again)
        raise ChatRefused(reason("report-notice.refused", status=status))

    async def _after(self, tried: StaffNotice, error: TodokeError | None) -> None:
        now = self._context.clock.now()
        bound = log.bind(staff_notice_id=tried.id, way=tried.way.value)
        async with self._context.database.writing() as session:
            notice = await session.get(
                StaffNotice, tried.id, with_for_update=True, populate_existing=True
            )
            if notice is None or (error is not None and notice.state not in OPEN_NOTICES):
                return
            final = isinstance(error, mail.MailRefused | ChatRefused | FetchRefused) or (
                error is not None and error.reason.code == "report-notice.no-mail"
            )
            if error is None:
                self._end(notice, NoticeState.SENT)
                bound.info("staff_notice.sent", attempt=notice.attempts)
            elif final or notice.created_at < now - TRIED_FOR:
                notice.error = error.reason
                self._end(notice, NoticeState.FAILED)
                bound.warning("staff_notice.failed", reason=str(error.reason))
            else:
                after = error.retry_after if isinstance(error, Retryable) else None
                wait = min(retry_delay(notice.attempts, after, self._chance), LONGEST_WAIT_SECONDS)
                notice.error = error.reason
                notice.not_before = now + timedelta(seconds=wait)
                bound.warning(
                    "staff_notice.postponed",
                    reason=str(error.reason),
                    attempt=notice.attempts,
                    retry_in_s=round(wait, 1),
                )
            session.add(notice)

    def _end(self, notice: StaffNotice, state: NoticeState) -> None:
        notice.state, notice.ended_at, notice.address = state, self._context.clock.now(), ""
        if state is NoticeState.SENT:
            notice.error = None
        OUTCOMES.labels(notice.way.value, state.value).inc()
