"""What residents answer: given, changed, finished, taken away again, all under a token.

Each act is idempotent: the same button pressed twice, or an event that comes a second time, changes
nothing. A survey that closes meanwhile takes nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news.models import News, NewsState
from alerts.surveys.models import Survey, SurveyAnswer, SurveyResponse, not_closed
from alerts.surveys.questions import MOST_WORDS, Question, QuestionKind
from alerts.surveys.tokens import message_token, tokens_of
from core.chunks import rows_of
from core.database import insert_new
from core.text import clean, whole_number


@dataclass(frozen=True)
class Given:
    """What one resident answered so far.

    Parameters
    ----------
    options
        By question, what they chose.
    said
        By question, the number or the words.
    reached
        The first question that they neither answered nor skipped.
    """

    token: str
    options: Mapping[int, frozenset[str]] = field(default_factory=dict)
    said: Mapping[int, str] = field(default_factory=dict)
    reached: int = 0
    finished: bool = False

    def has(self, question: int) -> bool:
        """Whether there is an answer to a question."""
        return question in self.options or question in self.said


@dataclass(frozen=True)
class Answer:
    """An answer as it is stored: one option, a number, or words."""

    option: str = ""
    number: float | None = None
    words: str | None = None


async def open_to(
    session: AsyncSession, survey_id: int, now: datetime
) -> tuple[Survey, News, bool] | None:
    """Return a survey that was sent, its message, and whether it can still be answered.

    It stays as it is until the transaction ends. None if it never left.
    """
    survey = await session.get(Survey, survey_id, with_for_update={"read": True})
    if survey is None:
        return None
    news = await session.get_one(News, survey.news_id)
    if news.state is not NewsState.SENT:
        return None
    return survey, news, not survey.is_over(now)


async def given_by(
    session: AsyncSession, survey: Survey, resident_id: int, all_secrets: Sequence[str]
) -> Given:
    """Return what a resident answered, under their token in this survey."""
    assert survey.key is not None
    tokens = tokens_of(all_secrets, survey.key, resident_id)
    found = await session.scalars(
        select(SurveyResponse).where(col(SurveyResponse.token).in_(tokens)).with_for_update()
    )
    response = next(iter(found), None)
    if response is None:
        return Given(tokens[0])
    options: dict[int, set[str]] = {}
    said: dict[int, str] = {}
    rows = await session.scalars(
        select(SurveyAnswer).where(col(SurveyAnswer.token) == response.token)
    )
    for row in rows:
        if row.option:
            options.setdefault(row.question, set()).add(row.option)
        elif row.number is not None:
            said[row.question] = f"{row.number:g}"
        else:
            said[row.question] = row.words or ""
    chosen = {number: frozenset(one) for number, one in options.items()}
    return Given(response.token, chosen, said, response.reached, response.finished)


async def give(
    session: AsyncSession,
    survey: Survey,
    given: Given,
    question: int,
    answers: Sequence[Answer],
    *,
    language: str,
    resident_id: int,
    reached: int | None = None,
    message: str | None = None,
) -> None:
    """Replace the answers to one question.

    Parameters
    ----------
    message
        :func:`message_token` of what said it, if it was written.
    reached
        How far the resident is with this; by default after this question.
    """
    made = insert_new(session, SurveyResponse, ["token"])
    await session.execute(
        made.values(
            token=given.token,
            survey_id=survey.id,
            language=language,
            reached=0,
            finished=False,
            resident_id=resident_id if survey.named else None,
        )
    )
    response = await session.get_one(
        SurveyResponse, given.token, with_for_update=True, populate_existing=True
    )
    await session.execute(
        delete(SurveyAnswer).where(
            col(SurveyAnswer.token) == given.token, col(SurveyAnswer.question) == question
        )
    )
    for answer in answers:
        stored = insert_new(session, SurveyAnswer, ["token", "question", "option"])
        await session.execute(
            stored.values(
                token=given.token,
                survey_id=survey.id,
                question=question,
                option=answer.option,
                number=answer.number,
                words=answer.words,
                message=message,
            )
        )
    response.language = language
    response.reached = max(response.reached, question + 1 if reached is None else reached)
    response.finished = response.finished or response.reached >= len(survey.questions)
    session.add(response)
    await session.flush()


def chosen(question: Question, code: str) -> Answer | None:
    """Return a tapped answer; None if the question has no such one."""
    return Answer(option=code) if code in question.codes() else None


def written(question: Question, text: str) -> Answer | None:
    """Return what was written as an answer; None if it is none to this question."""
    if question.kind is QuestionKind.NUMBER:
        number = whole_number(clean(text, line=True))
        if number is None or not question.lowest <= number <= question.highest:
            return None
        return Answer(number=number)
    if question.kind is QuestionKind.WORDS:
        words = clean(text)[:MOST_WORDS]
        return Answer(words=words) if words else None
    return None


async def take_back(
    session: AsyncSession, resident_id: int, message_id: str, all_secrets: Sequence[str]
) -> bool:
    """Erase the answer that a resident's message said; return whether there was one.

    The survey counts what else was answered. The message of an answer to a closed survey cannot be
    found any more.
    """
    by_resident = {
        token: message_token(secret, survey.key, message_id)
        for survey in await not_closed(session)
        if survey.key is not None
        for secret in all_secrets
        for token in tokens_of([secret], survey.key, resident_id)
    }
    if not by_resident:
        return False
    pairs = tuple_(col(SurveyAnswer.token), col(SurveyAnswer.message))
    gone = delete(SurveyAnswer).where(pairs.in_(list(by_resident.items())))
    return bool(rows_of(await session.execute(gone.execution_options(synchronize_session=False))))


async def forget(
    session: AsyncSession, resident_ids: Sequence[int], all_secrets: Sequence[str]
) -> None:
    """Erase what residents who are being erased answered to surveys that are not closed yet.

    What they answered to a closed one cannot be found any more. Answers with their number go with
    the resident.
    """
    keys = await session.scalars(select(Survey.key).where(col(Survey.key).is_not(None)))
    tokens = [
        token
        for key in keys
        if key is not None
        for number in resident_ids
        for token in tokens_of(all_secrets, key, number)
    ]
    for at in range(0, len(tokens), 500):
        await session.execute(
            delete(SurveyResponse)
            .where(col(SurveyResponse.token).in_(tokens[at : at + 500]))
            .execution_options(synchronize_session=False)
        )
