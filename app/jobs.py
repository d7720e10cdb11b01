"""The scheduler's jobs, such as polling sources and erasing old data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news.release import Door
from alerts.news.sending import send_due
from alerts.surveys.closing import close_due
from app.chat_jobs import chat_jobs
from app.figures import ask_line, count_days, watch_quota
from app.mail_parts import mail_parts
from app.media import media_of
from app.own_words import WordsNow
from app.plain_files import PlainKeeper
from app.relay_watch import relay_jobs
from app.report_notice_sender import ReportNoticeSender
from app.reports_outside import outside_jobs
from app.retention import forget
from app.schedule import ScheduledJob
from app.silence_mails import SilenceMails, responsible_accounts
from app.staff_sender import StaffSender
from bot.reminders import remind
from bot.repairs import tell_of_repairs
from bot.richmenu import RichMenus
from bot.richmenu.moves import MenuMoves
from bot.unfinished import remind_of_reports
from channels.digest import send_digests
from channels.line.client import LineClient
from channels.line.friend_counts import count_friends
from channels.line.known_audience import AudienceKeeper
from channels.line.medium import LINE
from channels.media import Media, deliver_by
from channels.silence import note_silences
from channels.stand_in import stand_in
from city.city import City
from city.context import Context
from console import words
from console.held_words import held_words
from console.silence_words import silence_words
from core.audit_check import keep_checked
from core.audit_head import HeadSender
from core.clock import Clock
from core.database import Database
from core.steady import knows_the_time
from core.work import Queue
from feeds import health
from feeds.fetch import guarded_session
from feeds.held import held_alarm
from feeds.metrics import HELD
from feeds.models import Notice
from feeds.poller import Poller, Publish
from feeds.translate import article_translations
from feeds.translators import translator_of
from public import websub
from public.websub import HubTeller
from reports import notices_to_staff, overdue
from reports.outside import internal_of, outside_session
from reports.photos import mark_old_photos
from reports.translation import translate_new
from response import call_up_rules, call_ups
from response.answer_links import AnswerLinks
from response.by_rule import keep_rules
from response.call_ups import Means
from response.held_alarms import tell_staff
from response.record import catch_up
from response.silence_alarms import tell_of_silence
from subscriptions import bitmaps

MAILBOX_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class FeedParts:
    """The parts of the service that polling needs."""

    city: City
    database: Database
    clock: Clock


def publisher(queue: Queue, city: City, clock: Clock, media: Media) -> Publish:
    """Return the function that feeds call in a notice's transaction if it is to be sent."""

    async def publish(session: AsyncSession, notice: Notice) -> None:
        await deliver_by(
            session,
            queue,
            notice,
            city,
            clock.now(),
            media=media,
            created_by=notice.decided_by,
        )

    return publish


def publisher_now(context: Context, media: Media) -> Publish:
    """Return a publisher for the city as it is each time, with the words that its offices wrote."""

    async def publish(session: AsyncSession, notice: Notice) -> None:
        send = publisher(context.queue, context.city, context.clock, media)
        await send(session, notice)

    return publish


@asynccontextmanager
async def scheduled_jobs(
    context: Context, own: WordsNow, line: LineClient
) -> AsyncIterator[list[ScheduledJob]]:
    """The jobs of this city's scheduler; their resources are open while it runs."""
    async with (
        guarded_session() as http,
        guarded_session() as agency,
        outside_jobs(context) as outside,
        outside_session(internal_of(context.settings.internal_hosts)) as chats,
    ):
        media = media_of(context.settings, context.city)
        publish = publisher_now(context, media)
        translate = article_translations(
            context.settings.translator,
            context.http,
            context.city,
            context.database,
            context.clock,
        )
        poller = Poller(context, publish, http=http, agency=agency, translate=translate)
        yield [
            *_polling(context, poller),
            *_housekeeping(context, own, media),
            *_translations(context),
            *chat_jobs(context),
            *_friends(context, line),
            *_menus(context, line),
            *_staff(context, line, media),
            *_mail(context),
            *outside,
            *_report_notices(context, chats),
            *_plain_files(context, own),
            *_hub(context),
            *relay_jobs(context),
            *_figures(context, line),
        ]


def _polling(context: Context, poller: Poller) -> list[ScheduledJob]:
    polled = set(poller.polled())
    return [
        ScheduledJob(
            name=f"poll {source.code}",
            seconds=source.interval_seconds,
            jitter=min(2.0, source.interval_seconds / 20),
            work=partial(poller.poll_if_due, source.code),
            at_once=True,
        )
        for source in context.city.sources
        if source.code in polled
    ]


def _housekeeping(context: Context, own: WordsNow, media: Media) -> list[ScheduledJob]:
    watch = health.SourceWatch()
    clock = context.clock

    async def watch_sources() -> None:
        async with context.database.reading() as session:
            await watch.look(session, context.city, context.clock.now())
            alarm = await held_alarm(session, context.clock.now())
        HELD.labels("yes").set(len(alarm.items))
        HELD.labels("no").set(alarm.waiting - len(alarm.items))

    async def digests() -> None:
        if knows_the_time(clock):
            await send_digests(context.database, context.queue, context.city, clock, media)

    door = Door(context.queue, context.city, media)

    async def news() -> None:
        if knows_the_time(clock):
            await send_due(context.database, door, clock)
            await close_due(context.database, clock)

    async def reminders() -> None:
        if knows_the_time(clock):
            await remind(context, await own.refresh(), media)

    async def of_reports() -> None:
        if knows_the_time(clock):
            await remind_of_reports(context, LINE)
            await tell_of_repairs(context, LINE)

    async def of_cases() -> None:
        await mark_old_photos(context.database, context.settings.media_dir)
        if knows_the_time(clock):
            now = clock.now()
            await overdue.settle_waiting(context.database, context.city, now)
            await overdue.tell_teams(
                context.database,
                context.city,
                context.settings.smtp,
                context.settings.public_url,
                now,
            )

    async def forget_old() -> None:
        await forget(context, (await own.refresh()).children)

    async def running_record() -> None:
        await catch_up(context.database, clock.now())

    return [
        ScheduledJob(name="record", seconds=5.0, work=running_record),
        ScheduledJob(name="cases", seconds=300.0, jitter=10.0, work=of_cases),
        ScheduledJob(name="news of reports", seconds=600.0, jitter=10.0, work=of_reports),
        ScheduledJob(name="reminders", seconds=60.0, work=reminders, at_once=True),
        ScheduledJob(name="digests", seconds=60.0, work=digests),
        ScheduledJob(name="routine news", seconds=5.0, work=news, at_once=True),
        ScheduledJob(name="watch sources", seconds=30.0, work=watch_sources),
        ScheduledJob(
            name="audiences", seconds=60.0, work=partial(bitmaps.maintain, context.database)
        ),
        ScheduledJob(
            name="audit", seconds=60.0, work=partial(keep_checked, context.database, clock)
        ),
        ScheduledJob(
            name="head of the trail",
            seconds=300.0,
            jitter=10.0,
            work=HeadSender(
                context.database,
                clock,
                context.settings.trail_head,
                context.settings.smtp,
                context.city.name["ja"],
            ).send_if_due,
        ),
        ScheduledJob(
            name="forget",
            seconds=3600.0,
            jitter=60.0,
            work=forget_old,
        ),
    ]


def _plain_files(context: Context, own: WordsNow) -> list[ScheduledJob]:
    """The job that writes the pages of an emergency as files; none without a directory."""
    if context.settings.plain_dir is None:
        return []
    keeper = PlainKeeper(context, own.folder, context.settings.plain_dir)
    own.follow(keeper.take_folder)
    return [ScheduledJob(name="plain files", seconds=5.0, work=keeper.keep, at_once=True)]


def _hub(context: Context) -> list[ScheduledJob]:
    """The job that tells the WebSub hub what changed; none without a hub."""
    if not context.settings.websub_hub:
        return []
    teller = HubTeller(context, context.settings.websub_hub)
    return [ScheduledJob(name="websub", seconds=websub.EVERY_SECONDS, work=teller.look)]


def _translations(context: Context) -> list[ScheduledJob]:
    """The job that puts residents' words into Japanese for staff; none without a translator."""
    settings = context.settings.translator
    if settings is None:
        return []
    machine = translator_of(settings, context.http, context.clock)

    async def translate() -> None:
        await translate_new(context.database, machine, context.clock)

    return [ScheduledJob(name="words of reports", seconds=20.0, work=translate, at_once=True)]


def _menus(context: Context, line: LineClient) -> list[ScheduledJob]:
    """Jobs for disaster mode: its rules, and menus when another process switched it."""
    menus = RichMenus(context, line)
    moves = MenuMoves(context, line, menus)

    async def by_rule() -> None:
        if await keep_rules(context):
            await moves.ask()

    return [
        ScheduledJob(name="disaster rules", seconds=2.0, work=by_rule, at_once=True),
        ScheduledJob(name="menus", seconds=5.0, work=moves.ask, at_once=True),
        ScheduledJob(name="own menus", seconds=10.0, work=menus.keep),
    ]


def _staff(context: Context, line: LineClient, media: Media) -> list[ScheduledJob]:
    """Jobs that call staff by rules, tell of held warnings, and take up messages nobody sends."""
    sender = StaffSender(context, line)
    settings = context.settings
    means = Means(context.queue, AnswerLinks(settings.secret_key, settings.public_url))

    seen: set[int] = set()

    async def call_up() -> None:
        now = context.clock.now()
        await call_up_rules.look(context.database, means, context.city, now, seen=seen)
        if knows_the_time(context.clock):
            await call_ups.remind(context.database, means, now)

    async def held() -> None:
        await tell_staff(
            context.database,
            context.queue,
            context.clock.now(),
            partial(held_words, context.settings.public_url),
        )

    async def silence() -> None:
        now = context.clock.now()
        found = await stand_in(context.database, context.queue, context.city, media, now)
        async with context.database.writing() as session:
            of_others = await note_silences(session, media, now)
        await tell_of_silence(
            context.database,
            context.queue,
            [*([found.silence] if found.silence else []), *of_others],
            now,
            partial(silence_words, context.settings.public_url),
            responsible=await responsible_accounts(context.database),
        )

    return [
        ScheduledJob(name="silent media", seconds=5.0, work=silence, at_once=True),
        ScheduledJob(name="silence by mail", seconds=10.0, work=SilenceMails(context).look),
        ScheduledJob(name="staff messages", seconds=5.0, work=sender.look, at_once=True),
        ScheduledJob(name="call-up of staff", seconds=2.0, work=call_up, at_once=True),
        ScheduledJob(name="held warnings", seconds=5.0, work=held, at_once=True),
    ]


def _mail(context: Context) -> list[ScheduledJob]:
    """Jobs for mail to residents: links that nobody sends, and the mailbox."""
    mail = mail_parts(context)
    if mail is None:
        return []
    jobs = [ScheduledJob(name="mail signups", seconds=5.0, work=mail.signups.look, at_once=True)]
    if mail.box is not None:
        jobs.append(
            ScheduledJob(name="mailbox", seconds=MAILBOX_SECONDS, jitter=2.0, work=mail.box.look)
        )
    return jobs


def _report_notices(context: Context, http: aiohttp.ClientSession) -> list[ScheduledJob]:
    """The job that tells departments of new reports."""
    settings = context.settings
    sender = ReportNoticeSender(context, http)
    desk = notices_to_staff.Desk(context.city, context.queue, settings.public_url, words.CATALOGUE)

    async def tell() -> None:
        if knows_the_time(context.clock):
            await notices_to_staff.look(context.database, desk, context.clock.now())
        await sender.look()

    return [ScheduledJob(name="news of reports to staff", seconds=5.0, work=tell, at_once=True)]


def _friends(context: Context, line: LineClient) -> list[ScheduledJob]:
    """Jobs for data about all friends of the account, known or not."""
    keeper = AudienceKeeper(context.database, context.city, context.clock, line)
    counting = partial(count_friends, context.database, context.clock, line)
    return [
        ScheduledJob(name="count friends", seconds=300.0, jitter=10.0, work=counting, at_once=True),
        ScheduledJob(name="audience of the known", seconds=60.0, work=keeper.keep, at_once=True),
    ]


def _figures(context: Context, line: LineClient) -> list[ScheduledJob]:
    """Jobs that count each day once it has ended, and what LINE says of it and of the quota."""
    count = partial(count_days, context)
    ask, watch = partial(ask_line, context, line), partial(watch_quota, context, line)
    return [
        ScheduledJob(name="figures", seconds=300.0, jitter=10.0, work=count),
        ScheduledJob(name="figures of LINE", seconds=1800.0, jitter=10.0, work=ask),
        ScheduledJob(name="quota", seconds=600.0, jitter=10.0, work=watch, at_once=True),
    ]
