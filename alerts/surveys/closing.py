"""Closing a survey, by hand or after its last day, and erasing free words later.

With the key of a closed survey its tokens lose their way back: nobody can find a resident's answers
any more, and nobody can answer again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news.models import News, NewsState
from alerts.surveys.models import Survey, SurveyAnswer, SurveyResponse, not_closed, with_news
from alerts.surveys.results import finished_of
from alerts.surveys.writing import locked, trail
from core.chunks import in_chunks, rows_of
from core.clock import Clock
from core.database import Database
from core.errors import Refusal

RULE = "rule:surveys"

log = structlog.get_logger(__name__)


async def close(session: AsyncSession, survey_id: int, *, actor: str, now: datetime) -> Survey:
    """Close a survey for good. Answers that were not finished go.

    Raises
    ------
    Refusal
        It has not left, or is closed already.
    """
    survey = await locked(session, survey_id)
    news = await session.get_one(News, survey.news_id)
    if news.state is not NewsState.SENT:
        raise Refusal("This has not been sent. Throw it away instead.")
    if survey.closed_at is not None:
        raise Refusal("This survey is closed already.")
    await session.execute(
        delete(SurveyResponse)
        .where(col(SurveyResponse.survey_id) == survey_id, col(SurveyResponse.finished).is_(False))
        .execution_options(synchronize_session=False)
    )
    survey.key, survey.closed_at, survey.closed_by = None, now, actor
    answered = await finished_of(session, survey_id)
    await trail(session, survey, actor, now, "survey.closed", answers=answered)
    return survey


async def close_due(database: Database, clock: Clock) -> int:
    """Close the surveys whose last day is over; return how many."""
    now = clock.now()
    async with database.reading() as session:
        due = [
            survey.id
            for survey, news in await with_news(session, await not_closed(session))
            if survey.id is not None and survey.is_over(now) and news.state is NewsState.SENT
        ]
    closed = 0
    for survey_id in due:
        try:
            async with database.writing() as session:
                await close(session, survey_id, actor=RULE, now=now)
        except Refusal:
            continue  # Somebody closed it meanwhile.
        closed += 1
        log.info("survey.closed", survey_id=survey_id)
    return closed


async def forget_words(database: Database, before: datetime, now: datetime) -> int:
    """Erase free words, and whose answers they are, of surveys closed before a moment.

    Counts stay. Returns how many answers in words went.
    """
    async with database.reading() as session:
        found = await session.scalars(
            select(Survey.id).where(
                col(Survey.closed_at) < before, col(Survey.erased_words_at).is_(None)
            )
        )
        old = [number for number in found if number is not None]
    went = 0
    for survey_id in old:
        went += await _erase(database, survey_id)
        async with database.writing() as session:
            survey = await locked(session, survey_id)
            survey.erased_words_at = now
    return went


async def _erase(database: Database, survey_id: int) -> int:
    worded = (col(SurveyAnswer.survey_id) == survey_id, col(SurveyAnswer.words).is_not(None))
    named = (
        col(SurveyResponse.survey_id) == survey_id,
        col(SurveyResponse.resident_id).is_not(None),
    )

    async def words(session: AsyncSession, tokens: Sequence[str]) -> int:
        gone = (
            update(SurveyAnswer)
            .where(col(SurveyAnswer.token).in_(tokens), *worded)
            .values(words=None, message=None)
        )
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    async def names(session: AsyncSession, tokens: Sequence[str]) -> int:
        gone = (
            update(SurveyResponse)
            .where(col(SurveyResponse.token).in_(tokens), *named)
            .values(resident_id=None)
        )
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    went = await in_chunks(
        database, select(SurveyAnswer.token).where(*worded).distinct(), words, most=500
    )
    await in_chunks(database, select(SurveyResponse.token).where(*named), names, most=500)
    return went
