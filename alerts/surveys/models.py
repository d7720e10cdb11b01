"""Surveys and what residents answered: the tables and the questions asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from alerts.news.models import News, NewsState
from alerts.surveys.questions import Question, questions_of
from core.clock import in_japan
from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId

MOST_LISTED = 100
MOST_THROWN_AWAY = 50
"""Surveys among the newest that may have been thrown away."""
MOST_OPEN = 1000


class SeenBy(StrEnum):
    """Who of the staff sees what residents answered."""

    DEPARTMENT = "department"
    ALL = "all"


class Survey(SQLModel, table=True):
    """Questions to residents. Title, first words, audience and time are those of its news.

    Parameters
    ----------
    questions
        As :class:`alerts.surveys.questions.Question` stores them, at most ten.
    closes_on
        The last day on which residents can answer, in Japan.
    named
        Whether answers are kept with the resident's number; the first message says so.
    offers
        The topic that a resident can choose at the end, with one more tap.
    key
        Makes the tokens under which answers are stored; None once it is closed.
    erased_words_at
        When the free words were erased.
    """

    __tablename__ = "surveys"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    news_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("news.id", ondelete="CASCADE"), nullable=False, unique=True
        )
    )
    questions: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    closes_on: date | None = None
    named: bool = False
    seen_by: SeenBy = Field(default=SeenBy.DEPARTMENT, sa_type=text_enum(SeenBy))
    offers: str = Field(default="", max_length=32)
    key: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    closed_by: str = ""
    erased_words_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def asked(self) -> tuple[Question, ...]:
        """Return its questions in their order."""
        return questions_of(self.questions)

    def is_over(self, now: datetime) -> bool:
        """Whether nobody can answer any more: closed, or after its last day."""
        if self.closed_at is not None or self.key is None:
            return True
        return self.closes_on is not None and in_japan(now).date() > self.closes_on


class SurveyResponse(SQLModel, table=True):
    """One resident's answers to one survey, under a token and not under the resident.

    Nothing in it says when exactly it was given, and rows are not in the order in which they came.

    Parameters
    ----------
    token
        :func:`alerts.surveys.tokens.token_of` the survey and the resident.
    reached
        How many questions were answered or skipped.
    finished
        Whether all were; only then it counts.
    resident_id
        Only of a survey that says in its first message that it is not anonymous.
    """

    __tablename__ = "survey_responses"
    __table_args__ = (
        Index("ix_survey_responses_survey", "survey_id", "finished"),
        {"sqlite_with_rowid": False},
    )

    token: str = Field(max_length=40, primary_key=True)
    survey_id: int = Field(
        sa_column=Column(RowId, ForeignKey("surveys.id", ondelete="CASCADE"), nullable=False)
    )
    language: str = Field(max_length=16)
    reached: int = 0
    finished: bool = False
    resident_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), index=True),
    )


class SurveyAnswer(SQLModel, table=True):
    """One answer to one question: an option, a number or free words.

    Parameters
    ----------
    question
        Its place among the questions, from 0.
    option
        :meth:`Question.codes`; "" for a number and for words.
    message
        :func:`alerts.surveys.tokens.message_token` of the message that said it, so that it can be
        taken back while the survey has its key; none if it was tapped.
    """

    __tablename__ = "survey_answers"
    __table_args__ = (
        Index("ix_survey_answers_question", "survey_id", "question", "option"),
        {"sqlite_with_rowid": False},
    )

    token: str = Field(
        sa_column=Column(
            String(40),
            ForeignKey("survey_responses.token", ondelete="CASCADE"),
            primary_key=True,
        )
    )
    question: int = Field(primary_key=True)
    option: str = Field(default="", max_length=8, primary_key=True)
    survey_id: int = Field(
        sa_column=Column(RowId, ForeignKey("surveys.id", ondelete="CASCADE"), nullable=False)
    )
    number: float | None = Field(default=None, sa_column=Column(Float))
    words: str | None = Field(default=None, sa_column=Column(Text))
    message: str | None = Field(default=None, max_length=40)


async def of_news(session: AsyncSession, news_id: int | None) -> Survey | None:
    """Return the survey that a message of news asks; None if it asks none."""
    found = await session.scalars(select(Survey).where(col(Survey.news_id) == news_id))
    return found.one_or_none()


async def listed(
    session: AsyncSession, most: int = MOST_LISTED, before: int | None = None
) -> list[tuple[Survey, News]]:
    """Return surveys that were not thrown away, the newest first."""
    query = select(Survey).order_by(col(Survey.id).desc()).limit(most + MOST_THROWN_AWAY)
    if before is not None:
        query = query.where(col(Survey.id) < before)
    found = await with_news(session, list(await session.scalars(query)))
    return found[:most]


async def asked_now(session: AsyncSession, now: datetime) -> list[tuple[Survey, News]]:
    """Return the surveys that residents can answer, the one that closes first first."""
    found = await with_news(session, await not_closed(session))
    return [
        (survey, news)
        for survey, news in found
        if news.state is NewsState.SENT and not survey.is_over(now)
    ]


async def not_closed(session: AsyncSession) -> list[Survey]:
    """Return the surveys that are not closed, sent or not, the one that closes first first."""
    found = await session.scalars(
        select(Survey)
        .where(col(Survey.closed_at).is_(None))
        .order_by(col(Survey.closes_on), col(Survey.id))
        .limit(MOST_OPEN)
    )
    return list(found)


async def with_news(session: AsyncSession, surveys: Sequence[Survey]) -> list[tuple[Survey, News]]:
    """Return surveys with their messages, without those that were thrown away.

    Two queries, because a database may read all news to join a few surveys.
    """
    if not surveys:
        return []
    numbers = [survey.news_id for survey in surveys]
    found = await session.scalars(select(News).where(col(News.id).in_(numbers)))
    by_number = {news.id: news for news in found if news.discarded_at is None}
    return [(one, by_number[one.news_id]) for one in surveys if one.news_id in by_number]


async def news_of(session: AsyncSession, survey: Survey) -> News:
    """Return the message of a survey."""
    return await session.get_one(News, survey.news_id)
