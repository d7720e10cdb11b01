"""What reports have to do with other offices and programs: the scheduler's jobs for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.administrators import mail_administrators
from app.schedule import ScheduledJob
from channels.line.medium import LINE
from city.context import Context
from feeds.fetch import guarded_session
from reports import webhooks
from reports.models import Webhook
from reports.office_sender import OfficeSender
from reports.outside import internal_of, outside_session
from reports.photo_addresses import PhotoFetcher
from reports.residents_told import Residents
from reports.webhooks import WebhookSender


@asynccontextmanager
async def outside_jobs(context: Context) -> AsyncIterator[list[ScheduledJob]]:
    """The jobs that speak with other offices and programs; their sessions are open meanwhile."""
    internal = internal_of(context.settings.internal_hosts)
    async with guarded_session() as photos, outside_session(internal) as http:
        fetcher = PhotoFetcher(context, photos)
        residents = Residents(context, LINE)
        offices = OfficeSender(context, http, residents.tell)
        sender = WebhookSender(context, http)

        async def hooks() -> None:
            await sender.look()
            await tell_administrators(context)

        yield [
            ScheduledJob(name="photos of programs", seconds=5.0, work=fetcher.look),
            ScheduledJob(name="other offices", seconds=5.0, work=offices.look),
            ScheduledJob(name="webhooks", seconds=2.0, work=hooks),
        ]


async def tell_administrators(context: Context) -> None:
    """Tell every administrator by mail of webhooks that the service switched off."""
    async with context.database.reading() as session:
        stopped = await webhooks.untold(session)
    now = context.clock.now()
    for webhook in stopped:
        if not await _mailed(context, webhook):
            continue
        assert webhook.id is not None
        async with context.database.writing() as session:
            await webhooks.note_told(session, webhook.id, now)


async def _mailed(context: Context, webhook: Webhook) -> bool:
    """Return whether there is nothing more to try."""
    if webhook.off_at is None:
        return True
    return await mail_administrators(
        context,
        subject=f"Webhook「{webhook.name}」を停止しました",
        text=(
            f"Webhook「{webhook.name}」に {webhooks.OFF_AFTER.days} 日間送信できなかったため、"
            f"送信を止めました。\n理由：{webhook.off_why or '–'}\n\n"
            f"{context.settings.public_url}/console/webhooks\n\n"
            f"The webhook “{webhook.name}” did not answer and was switched off.\n"
        ),
        key=f"webhook-{webhook.id}-{int(webhook.off_at.timestamp())}",
        now=webhook.off_at,
    )
