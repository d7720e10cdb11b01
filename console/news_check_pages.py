"""Looking at news as it will leave; planning, approving, recalling it; a test to oneself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news import calendar, release
from alerts.news.models import News, NewsState, sendings_of
from alerts.news.release import Door
from alerts.news.times import first_time
from alerts.surveys.models import of_news
from channels.lists import deliveries_of
from city.city import Decision
from console import words
from console.access import Permission
from console.accounts import names_of
from console.asking import STATES, WAYS
from console.news_calendar_pages import plan_of
from console.news_form import shown_as
from console.news_pages import composer, is_own, looked, news_of, refuse_not_own
from console.survey_form import said_faults, survey_cards, with_questions
from console.web import RowNumber, StaffRoute, Visit, visit
from core.clock import in_japan
from core.errors import Refusal
from feeds.models import Notice
from response import news_messages

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Writer = Annotated[Visit, Depends(visit(Permission.NEWS_WRITE))]
Approver = Annotated[Visit, Depends(visit(Permission.NEWS_APPROVE))]


@router.get("/news/{news_id}/check")
async def check(visitor: Looker, news_id: RowNumber) -> Response:
    """Show news as it will leave, in every language, and what can be done with it."""
    return await _check_page(visitor, news_id)


@router.post("/news/{news_id}/plan")
async def plan(visitor: Writer, news_id: RowNumber) -> Response:
    """Plan the shown version, or send it, or ask for its approval."""
    try:
        await refuse_not_own(visitor, news_id)
    except Refusal as refusal:
        return await _check_page(visitor, news_id, refusal=refusal)
    return await _decided(visitor, news_id, release.plan)


@router.post("/news/{news_id}/approve")
async def approve(visitor: Approver, news_id: RowNumber) -> Response:
    """Let the shown version of a colleague go."""
    return await _decided(visitor, news_id, release.approve)


@router.post("/news/{news_id}/send-back")
async def send_back(visitor: Approver, news_id: RowNumber) -> Response:
    """Give a colleague's news back with what should be changed."""
    why = visitor.form.text("why")

    async def back(session: AsyncSession, _door: Door, *version: int, **by: Any) -> News:
        return await release.send_back(session, *version, why=why, **by)

    return await _decided(visitor, news_id, back)


@router.post("/news/{news_id}/recall")
async def recall(visitor: Writer, news_id: RowNumber) -> Response:
    """Take back what has not left."""
    try:
        await refuse_not_own(visitor, news_id)
        async with visitor.context.database.writing() as session:
            await release.recall(
                session, news_id, actor=visitor.actor, now=visitor.context.clock.now()
            )
    except Refusal as refusal:
        return await _check_page(visitor, news_id, refusal=refusal)
    return visitor.go(f"/console/news/{news_id}/check?recalled=yes")


@router.post("/news/{news_id}/test")
async def try_out(visitor: Writer, news_id: RowNumber) -> Response:
    """Send it to the visitor alone, marked as a test."""
    context = visitor.context
    now, city = context.clock.now(), context.city
    language = visitor.form.text("language")
    language = language if language in city.languages else "ja"
    try:
        await refuse_not_own(visitor, news_id)
        async with context.database.writing() as session:
            news = await news_of(session, news_id)
            shown = await shown_as(session, news, city, visitor.media, (), now)
            said = shown.as_words(language)
            if (survey := await of_news(session, news_id)) is not None:
                said = with_questions(said, survey, language)
            await news_messages.send_test(
                session,
                context.queue,
                news,
                said,
                actor=visitor.actor,
                now=now,
            )
    except Refusal as refusal:
        return await _check_page(visitor, news_id, refusal=refusal)
    return visitor.go(f"/console/news/{news_id}/check?tested=yes")


async def _decided(
    visitor: Visit, news_id: int, decide: Callable[..., Awaitable[News]]
) -> Response:
    context = visitor.context
    try:
        async with context.database.writing() as session:
            await decide(
                session,
                Door(context.queue, context.city, visitor.media),
                news_id,
                visitor.form.number("version") or 0,
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except Refusal as refusal:
        return await _check_page(visitor, news_id, refusal=refusal)
    return visitor.go(f"/console/news/{news_id}/check")


async def _check_page(visitor: Visit, news_id: int, *, refusal: Refusal | None = None) -> Response:
    context = visitor.context
    city, now = context.city, context.clock.now()
    async with context.database.reading() as session:
        news = await news_of(session, news_id)
        seen = await looked(visitor, session, news)
        survey = await of_news(session, news_id)
        if survey is not None:
            seen["faults"] += said_faults(visitor, survey, news)
            if news.state is NewsState.DRAFT and seen["faults"] and is_own(visitor, news):
                return visitor.go(f"/console/surveys/{survey.id}")
        if news.state is NewsState.DRAFT and seen["faults"] and is_own(visitor, news):
            return await composer(visitor, session, news, refusal=refusal)
        by = [
            each.name
            for each in (await release.outlook(session, news, city, visitor.media, now)).media
        ]
        shown = await shown_as(session, news, city, visitor.media, by, now)
        at = news.next_at or first_time(news, now)
        day = in_japan(at).date()
        days = await calendar.days(
            session, plan_of(visitor), now, day, 1, also=[calendar.as_if_planned(news, at)]
        )
        sent = [
            (
                one,
                await session.get(Notice, one.notice_id),
                await deliveries_of(session, one.notice_id),
            )
            for one in await sendings_of(session, news_id)
        ]
        names = await names_of(
            session, [news.edited_by, news.asked_by, news.approved_by or "", visitor.actor]
        )
        tested = await news_messages.tested(session, news_id)
    can_stop = any(
        (notice is not None and notice.decision is Decision.DIGEST)
        or any(each.state in release.OPEN_DELIVERIES for each in deliveries)
        for _, notice, deliveries in sent
    )
    return visitor.page(
        "news_check.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        shown=shown,
        survey=survey,
        asked={} if survey is None else survey_cards(visitor, survey, news, city.languages),
        by_media=[words.medium_name(name, visitor.language) for name in by],
        at=at,
        day=days[0],
        most_a_day=city.news.most_a_day,
        approval=city.news.approval,
        may_write=is_own(visitor, news),
        is_own=visitor.actor in (*news.authors, news.asked_by),
        too_late=news.state is NewsState.ASKED and news.send_at is not None and news.send_at <= now,
        can_recall=can_stop or news.state in (NewsState.ASKED, NewsState.PLANNED),
        sent=sent,
        names=names,
        tested=[
            f"{visitor.say(WAYS[way])}: {visitor.say(STATES[one.state])}" for way, one in tested
        ],
        just_recalled=visitor.request.query_params.get("recalled") == "yes",
        just_tested=visitor.request.query_params.get("tested") == "yes",
        week=day - timedelta(days=day.weekday()),
        **seen,
    )
