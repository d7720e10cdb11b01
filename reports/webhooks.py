"""Programs that hear of every change of a report: their list, and what is sent to them.

The table ``webhook_messages`` is written in the transaction of the change (``reports.models``), so
that none is lost and none is sent of a change that was rolled back. A message is signed
(``reports.webhook_signatures``), tried for a day, and never overtakes an earlier one of its report.
``docs/webhooks.md`` is the receiver's paper.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from city.context import Context
from core import audit
from core.chunks import in_chunks, rows_of
from core.clock import in_japan
from core.database import Database, add_new
from core.due import due_rows, is_due
from core.errors import BadInput, Permanent, TodokeError
from core.reason import Reason
from core.text import clean
from core.work import retry_delay
from reports import public_place
from reports import webhook_signatures as signatures
from reports.models import (
    LONGEST_ADDRESS,
    LONGEST_WEBHOOK_NAME,
    UNDONE,
    Report,
    ReportUpdate,
    Sending,
    Webhook,
    WebhookMessage,
)
from reports.outside import Answer, PublicHosts, ask, internal_of
from reports.reasons import reason
from reports.register import as_json

SERVICE = "service"
"""Who switches off what has failed for too long."""
TRIED_FOR = timedelta(days=1)
OFF_AFTER = timedelta(days=3)
KEPT_FOR = timedelta(days=30)
"""How long a message that was sent, or given up, can be looked up."""
LEASE = timedelta(seconds=60)
"""After which another process may take a message over whose sender died."""
LONGEST_REST_SECONDS = 900.0
AT_ONCE = 4
MOST_A_LOOK = 500
MOST_WEBHOOKS = 20
GONE = 410

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Shown:
    """A webhook as the page shows it."""

    webhook: Webhook
    waiting: int
    oldest: datetime | None
    """When the oldest message that waits was made."""


def reach_of(context: Context) -> PublicHosts:
    """Return where webhooks may lead."""
    return PublicHosts(internal=internal_of(context.settings.internal_hosts))


def check_address(url: str, reach: PublicHosts) -> None:
    """Accept the address of a webhook: https, or a host in the city's own network.

    Raises
    ------
    BadInput
        It is none that reports may be sent to.
    """
    if not url or len(url) > LONGEST_ADDRESS or not url.isprintable() or " " in url:
        raise BadInput(reason("webhook.address", most=LONGEST_ADDRESS))
    try:
        reach.check(url)
    except TodokeError as error:
        raise BadInput(error.reason) from error
    if not url.startswith("https://") and not reach.is_internal(url):
        raise BadInput(reason("webhook.https"))


async def everyone(session: AsyncSession) -> list[Shown]:
    """Return every webhook in order of their names."""
    waits: dict[int, tuple[int, datetime | None]] = {
        number: (count, oldest)
        for number, count, oldest in await session.execute(
            select(
                col(WebhookMessage.webhook_id),
                func.count(),
                func.min(col(WebhookMessage.created_at)),
            )
            .where(col(WebhookMessage.state).in_(UNDONE))
            .group_by(col(WebhookMessage.webhook_id))
        )
    }
    found = await session.scalars(select(Webhook).order_by(col(Webhook.name)))
    nothing: tuple[int, datetime | None] = (0, None)
    return [Shown(each, *waits.get(each.id or 0, nothing)) for each in found]


async def newest_messages(
    session: AsyncSession, webhook_id: int, most: int
) -> list[tuple[WebhookMessage, str]]:
    """Return the newest messages of a webhook, each with its report's number."""
    found = await session.execute(
        select(WebhookMessage, col(Report.number))
        .join(Report, col(Report.id) == col(WebhookMessage.report_id))
        .where(col(WebhookMessage.webhook_id) == webhook_id)
        .order_by(col(WebhookMessage.id).desc())
        .limit(most)
    )
    return [(message, number) for message, number in found]


async def get(session: AsyncSession, webhook_id: int, *, lock: bool = False) -> Webhook:
    """Return a webhook.

    Raises
    ------
    BadInput
        There is none.
    """
    found = await session.get(Webhook, webhook_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise BadInput(reason("webhook.missing"))
    return found


async def add(
    session: AsyncSession,
    reach: PublicHosts,
    name: str,
    url: str,
    *,
    with_words: bool,
    actor: str,
    now: datetime,
) -> Webhook:
    """Make a webhook; it hears of what changes from now on.

    Raises
    ------
    BadInput
        The name or the address cannot be used, or there are too many.
    """
    name, url = clean(name, line=True), url.strip()
    if not 0 < len(name) <= LONGEST_WEBHOOK_NAME:
        raise BadInput(reason("webhook.name", most=LONGEST_WEBHOOK_NAME))
    check_address(url, reach)
    names = list(await session.scalars(select(col(Webhook.name))))
    taken = BadInput(reason("webhook.taken", name=name))
    if name in names:
        raise taken
    if len(names) >= MOST_WEBHOOKS:
        raise BadInput(reason("webhook.too-many", most=MOST_WEBHOOKS))
    made = Webhook(
        name=name,
        url=url,
        salt=signatures.new_salt(),
        with_words=with_words,
        created_at=now,
        created_by=actor,
    )
    await add_new(session, made, taken)
    await _record(session, now, made, actor, "webhook.added", url=url, with_words=with_words)
    return made


async def switch(
    session: AsyncSession, webhook_id: int, *, on: bool, actor: str, now: datetime
) -> None:
    """Switch a webhook off or on. What waited, and what changes meanwhile, it does not hear."""
    webhook = await get(session, webhook_id, lock=True)
    if on == (webhook.off_at is None):
        return
    if on:
        webhook.off_at, webhook.off_by, webhook.off_why = None, "", None
        webhook.failing_since, webhook.error, webhook.told_at = None, None, None
        webhook.failures, webhook.resting_until = 0, None
        await _record(session, now, webhook, actor, "webhook.on")
    else:
        await _switch_off(session, webhook, actor, None, now)


async def renew_secret(session: AsyncSession, webhook_id: int, *, actor: str, now: datetime) -> str:
    """Give a webhook another secret and return it; the old one is of no use from now on."""
    webhook = await get(session, webhook_id, lock=True)
    webhook.salt = signatures.new_salt()
    await _record(session, now, webhook, actor, "webhook.secret_renewed")
    return webhook.salt


async def remove(session: AsyncSession, webhook_id: int, *, actor: str, now: datetime) -> None:
    """Remove a webhook, and what still waits for it."""
    webhook = await get(session, webhook_id, lock=True)
    await _record(session, now, webhook, actor, "webhook.removed", url=webhook.url)
    await session.execute(
        delete(WebhookMessage).where(col(WebhookMessage.webhook_id) == webhook_id)
    )
    await session.delete(webhook)


async def forget_old(database: Database, now: datetime) -> int:
    """Delete messages that ended long ago; return how many."""
    old = (col(WebhookMessage.ended_at) < now - KEPT_FOR,)

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(WebhookMessage).where(col(WebhookMessage.id).in_(ids), *old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(col(WebhookMessage.id)).where(*old), change)


def body_of(city: City, webhook: Webhook, report: Report, step: ReportUpdate) -> dict[str, Any]:
    """Return what a webhook is told of one change. Nothing about the reporter.

    The report's fields have the names of ``todoke reports list --json``. A webhook without words
    gets of them what everybody may see.
    """
    said = as_json(report)
    if not webhook.with_words:
        place = public_place.of(report, city)
        said |= {
            "longitude": place[0] if place else None,
            "latitude": place[1] if place else None,
            "address": "",
            "description": "",
        }
    return {
        "type": "report.created" if _is_first(report, step) else "report.changed",
        "timestamp": in_japan(step.created_at).isoformat(timespec="seconds"),
        "data": {
            "change": {
                "state": step.state.value if step.state else None,
                "reason": step.reason,
                "answered": bool(step.answer),
                "added": step.added,
                "withdrawn": step.withdrawn,
            },
            "report": said,
        },
    }


def _is_first(report: Report, step: ReportUpdate) -> bool:
    return step.created_at == report.created_at and step.state is not None and not step.answer


def message_id(message: WebhookMessage) -> str:
    """Return the id under which a receiver knows a message, the same in every attempt."""
    return f"msg_{message.webhook_id}_{message.update_id}"


class WebhookSender:
    """Sends what waits to each webhook; one that does not answer holds up no other."""

    def __init__(
        self, context: Context, http: aiohttp.ClientSession, *, seed: int | None = None
    ) -> None:
        self._context = context
        self._database = context.database
        self._http = http
        self._reach = reach_of(context)
        self._chance = random.Random(seed)  # noqa: S311

    async def look(self) -> None:
        """Send all that is due."""
        now = self._context.clock.now()
        async with self._database.reading() as session:
            waits = select(col(WebhookMessage.webhook_id)).where(
                col(WebhookMessage.state).in_(UNDONE)
            )
            found = await session.scalars(
                select(Webhook).where(col(Webhook.off_at).is_(None), col(Webhook.id).in_(waits))
            )
            due = [one for one in found if one.resting_until is None or one.resting_until <= now]
        await asyncio.gather(*map(self._serve, due))

    async def _serve(self, webhook: Webhook) -> None:
        """Send one webhook's messages until none is due, or it does not answer."""
        assert webhook.id is not None
        sent = 0
        while sent < MOST_A_LOOK:
            heads = await self._heads(webhook.id)
            for start in range(0, len(heads), AT_ONCE):
                some = heads[start : start + AT_ONCE]
                went = await asyncio.gather(*(self._send(webhook, each) for each in some))
                sent += len(some)
                if not all(went):
                    return
            if not heads:
                return

    async def _heads(self, webhook_id: int) -> list[int]:
        """Return the first message of each report that waits, if it is due."""
        mine = (
            col(WebhookMessage.webhook_id) == webhook_id,
            col(WebhookMessage.state).in_(UNDONE),
        )
        first = select(func.min(col(WebhookMessage.id))).where(*mine)
        async with self._database.reading() as session:
            found = await session.scalars(
                select(col(WebhookMessage.id))
                .where(
                    col(WebhookMessage.id).in_(first.group_by(col(WebhookMessage.report_id))),
                    due_rows(col(WebhookMessage.not_before), self._context.clock.now()),
                )
                .order_by(col(WebhookMessage.id))
                .limit(MOST_A_LOOK)
            )
            return [number for number in found if number is not None]

    async def _send(self, webhook: Webhook, number: int) -> bool:
        """Try a message once; return whether the webhook can be tried with others now."""
        message = await self._begin(number)
        if message is None:
            return True
        try:
            answer = await self._attempt(webhook, message)
        except TodokeError as error:
            return await self._failed(message, None, error.reason, isinstance(error, Permanent))
        if 200 <= answer.status < 300:
            await self._taken(message, answer.status)
            return True
        return await self._failed(message, answer, reason("webhook.status", status=answer.status))

    async def _begin(self, number: int) -> WebhookMessage | None:
        """Mark a message as tried, with its body; return None if it must not be tried now."""
        now = self._context.clock.now()
        async with self._database.writing() as session:
            message = await session.get(WebhookMessage, number, with_for_update=True)
            if (
                message is None
                or message.state not in UNDONE
                or not is_due(message.not_before, now)
            ):
                return None
            webhook = await session.get(Webhook, message.webhook_id)
            if webhook is None or webhook.off_at is not None:
                return None
            if message.attempts and now - message.created_at > TRIED_FOR:
                message.state, message.ended_at = Sending.FAILED, now
                session.add(message)
                log.warning("report_webhook.gave_up", name=webhook.name, attempt=message.attempts)
                return None
            if not message.body:
                report = await session.get(Report, message.report_id)
                step = await session.get(ReportUpdate, message.update_id)
                assert report is not None and step is not None
                body = body_of(self._context.city, webhook, report, step)
                message.body = json.dumps(body, ensure_ascii=False)
            message.state = Sending.TRYING
            message.attempts += 1
            message.not_before = now + LEASE
            session.add(message)
        return message

    async def _attempt(self, webhook: Webhook, message: WebhookMessage) -> Answer:
        return await deliver(
            self._context, self._http, webhook, message_id(message), message.body.encode()
        )

    async def _taken(self, message: WebhookMessage, status: int) -> None:
        now = self._context.clock.now()
        async with self._database.writing() as session:
            row = await self._row(session, message)
            if row is None:
                return
            row.state, row.status, row.error, row.ended_at = Sending.DONE, status, None, now
            row.body = ""
            session.add(row)
            await session.execute(
                update(Webhook)
                .where(col(Webhook.id) == message.webhook_id)
                .values(
                    worked_at=now, failing_since=None, error=None, failures=0, resting_until=None
                )
                .execution_options(synchronize_session=False)
            )

    async def _failed(
        self, message: WebhookMessage, answer: Answer | None, why: Reason, permanent: bool = False
    ) -> bool:
        """Store a failure. One that is down rests; a message that it refuses waits alone."""
        now = self._context.clock.now()
        status = answer.status if answer else None
        after = answer.retry_after if answer else None
        is_down = permanent or status is None or status >= 500 or status in (408, 429, GONE)
        async with self._database.writing() as session:
            row = await self._row(session, message)
            webhook = await session.get(
                Webhook, message.webhook_id, with_for_update=True, populate_existing=True
            )
            if row is None or webhook is None:
                return False
            delay = retry_delay(row.attempts, after, self._chance)
            row.status, row.error = status, why
            row.not_before = now + timedelta(seconds=delay)
            session.add(row)
            webhook.error = why
            webhook.failing_since = webhook.failing_since or now
            if is_down:
                webhook.failures += 1
                rest = min(retry_delay(webhook.failures, after, self._chance), LONGEST_REST_SECONDS)
                webhook.resting_until = now + timedelta(seconds=rest)
            session.add(webhook)
            log.warning(
                "report_webhook.failed", name=webhook.name, attempt=row.attempts, reason=str(why)
            )
            if status == GONE or now - webhook.failing_since >= OFF_AFTER:
                await _switch_off(session, webhook, SERVICE, why, now)
        return not is_down

    async def _row(self, session: AsyncSession, message: WebhookMessage) -> WebhookMessage | None:
        row = await session.get(
            WebhookMessage, message.id, with_for_update=True, populate_existing=True
        )
        return row if row is not None and row.state in UNDONE else None


async def deliver(
    context: Context, http: aiohttp.ClientSession, webhook: Webhook, name: str, body: bytes
) -> Answer:
    """Send one signed message and return the answer; raises as :func:`reports.outside.ask`."""
    settings = context.settings
    keys = (settings.secret_key, *settings.secret_keys_old)
    secrets_of = [signatures.secret_of(key, webhook.salt) for key in keys]
    return await ask(
        http,
        "POST",
        webhook.url,
        reach_of(context),
        body=body,
        headers={
            "Content-Type": "application/json; charset=utf-8",
            **signatures.headers(name, context.clock.now(), body, secrets_of),
        },
    )


def secret_shown(context: Context, webhook: Webhook) -> str:
    """Return a webhook's secret as its receiver keeps it; shown once, when it is made."""
    return signatures.written(signatures.secret_of(context.settings.secret_key, webhook.salt))


async def untold(session: AsyncSession) -> list[Webhook]:
    """Return webhooks that the service switched off and of which nobody was told yet."""
    found = await session.scalars(
        select(Webhook).where(
            col(Webhook.off_by) == SERVICE,
            col(Webhook.off_at).is_not(None),
            col(Webhook.told_at).is_(None),
        )
    )
    return list(found)


async def note_told(session: AsyncSession, webhook_id: int, now: datetime) -> None:
    """Store that administrators were told."""
    await session.execute(
        update(Webhook)
        .where(col(Webhook.id) == webhook_id, col(Webhook.told_at).is_(None))
        .values(told_at=now)
        .execution_options(synchronize_session=False)
    )


async def _switch_off(
    session: AsyncSession, webhook: Webhook, by: str, why: Reason | None, now: datetime
) -> None:
    webhook.off_at, webhook.off_by, webhook.off_why = now, by, why
    session.add(webhook)
    await session.execute(
        update(WebhookMessage)
        .where(col(WebhookMessage.webhook_id) == webhook.id, col(WebhookMessage.state).in_(UNDONE))
        .values(state=Sending.STOPPED, ended_at=now, body="")
        .execution_options(synchronize_session=False)
    )
    detail = {"why": str(why)} if why else {}
    await _record(session, now, webhook, by, "webhook.off", **detail)
    if by == SERVICE:
        log.error("report_webhook.stopped", name=webhook.name, reason=str(why))


async def _record(
    session: AsyncSession,
    now: datetime,
    webhook: Webhook,
    actor: str,
    action: str,
    **detail: object,
) -> None:
    subject = f"webhook:{webhook.id}"
    await audit.record(
        session, now, actor=actor, action=action, subject=subject, name=webhook.name, **detail
    )
