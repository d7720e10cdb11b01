"""What residents answered, counted: nobody's answers are shown together with another's.

The whole survey is counted exactly. A part of it (readers of a language, those who gave another
answer) is rounded down to tens, and fewer than ten are not shown, as with segments of news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from alerts.news.segments import FEWEST, rounded
from alerts.surveys.models import Survey, SurveyAnswer, SurveyResponse
from alerts.surveys.questions import Question, QuestionKind

MOST_BARS = 11
LANGUAGE = "language"
WORDS_A_PAGE = 50
MOST_ROWS = 100_000


@dataclass(frozen=True)
class Numbers:
    """What was written to a question for a number."""

    mean: float
    median: float
    bars: tuple[tuple[str, int], ...]
    """Numbers, or spans of them, and how often they were written."""


@dataclass(frozen=True)
class QuestionResult:
    """How a question was answered.

    Parameters
    ----------
    answered
        Residents who answered it; of the others each skipped it.
    options
        How often each was chosen, by code, in order.
    """

    question: Question
    answered: int
    options: Mapping[str, int] = field(default_factory=dict)
    numbers: Numbers | None = None


@dataclass(frozen=True)
class Results:
    """A survey as far as it was answered."""

    finished: int
    unfinished: int
    questions: tuple[QuestionResult, ...]


@dataclass(frozen=True)
class Said:
    """Free words, without who wrote them; ``token`` is only where the next page begins."""

    token: str
    words: str
    language: str


async def finished_of(session: AsyncSession, survey_id: int | None) -> int:
    """Return how many residents finished a survey."""
    return (await _responses(session, survey_id)).get(True, 0)


async def results_of(session: AsyncSession, survey: Survey) -> Results:
    """Count a survey; only finished ones count."""
    responses = await _responses(session, survey.id)
    chosen = await session.execute(
        select(SurveyAnswer.question, SurveyAnswer.option, func.count())
        .join(SurveyResponse, _finished(survey, col(SurveyAnswer.token)))
        .where(col(SurveyAnswer.survey_id) == survey.id)
        .group_by(col(SurveyAnswer.question), col(SurveyAnswer.option))
    )
    options: dict[int, dict[str, int]] = {}
    for number, option, count in chosen:
        options.setdefault(number, {})[option] = count
    found = []
    for number, question in enumerate(survey.asked()):
        counted = options.get(number, {})
        found.append(
            QuestionResult(
                question,
                await _several(session, survey, number)
                if question.kind is QuestionKind.SEVERAL
                else sum(counted.values()),
                {code: counted.get(code, 0) for code in question.codes()},
                await _numbers(session, survey, number)
                if question.kind is QuestionKind.NUMBER
                else None,
            )
        )
    return Results(responses.get(True, 0), responses.get(False, 0), tuple(found))


async def crossed(
    session: AsyncSession, survey: Survey, number: int, by: str
) -> dict[str, dict[str, int | None]]:
    """Return how those of each part answered a question, rounded down to tens; None for few.

    Parameters
    ----------
    by
        :data:`LANGUAGE`, or the place of another question whose answers can be tapped.
    """
    asked = survey.asked()
    answer, other = aliased(SurveyAnswer), aliased(SurveyAnswer)
    part = col(SurveyResponse.language) if by == LANGUAGE else col(other.option)
    query = (
        select(part, col(answer.option), func.count())
        .select_from(answer)
        .join(SurveyResponse, _finished(survey, col(answer.token)))
        .where(col(answer.survey_id) == survey.id, col(answer.question) == number)
        .group_by(part, col(answer.option))
    )
    if by != LANGUAGE:
        query = query.join(
            other,
            (col(other.token) == col(answer.token)) & (col(other.question) == int(by)),
        )
    found: dict[str, dict[str, int | None]] = {}
    for one, option, count in await session.execute(query):
        found.setdefault(one, {})[option] = count
    parts = sorted(found) if by == LANGUAGE else [*asked[int(by)].codes()]
    return {
        one: {code: _shown(found.get(one, {}).get(code)) for code in asked[number].codes()}
        for one in parts
    }


async def words_of(
    session: AsyncSession, survey: Survey, number: int, *, after: str = "", most: int = WORDS_A_PAGE
) -> list[Said]:
    """Return free words of one question, in the order of their tokens, which is by chance."""
    found = await session.execute(
        select(SurveyAnswer.token, SurveyAnswer.words, SurveyResponse.language)
        .join(SurveyResponse, _finished(survey, col(SurveyAnswer.token)))
        .where(
            col(SurveyAnswer.survey_id) == survey.id,
            col(SurveyAnswer.question) == number,
            col(SurveyAnswer.option) == "",
            col(SurveyAnswer.words).is_not(None),
            col(SurveyAnswer.token) > after,
        )
        .order_by(col(SurveyAnswer.token))
        .limit(most)
    )
    return [Said(token, words or "", language) for token, words, language in found]


async def named_rows(
    session: AsyncSession, survey: Survey
) -> list[tuple[int | None, str, dict[int, list[SurveyAnswer]]]]:
    """Return each resident's number, language and answers of a survey that is not anonymous."""
    if not survey.named:
        return []
    responses = await session.execute(
        select(SurveyResponse.token, SurveyResponse.resident_id, SurveyResponse.language)
        .where(col(SurveyResponse.survey_id) == survey.id, col(SurveyResponse.finished))
        .order_by(col(SurveyResponse.resident_id), col(SurveyResponse.token))
        .limit(MOST_ROWS)
    )
    rows = [(token, number, language) for token, number, language in responses]
    answers: dict[str, dict[int, list[SurveyAnswer]]] = {}
    given = await session.scalars(
        select(SurveyAnswer)
        .where(col(SurveyAnswer.survey_id) == survey.id)
        .order_by(col(SurveyAnswer.option))
    )
    for one in given:
        answers.setdefault(one.token, {}).setdefault(one.question, []).append(one)
    return [(number, language, answers.get(token, {})) for token, number, language in rows]


def _finished(survey: Survey, token: Any) -> ColumnElement[bool]:
    """Return that a response of this survey belongs to a token, and is finished."""
    return and_(
        col(SurveyResponse.token) == token,
        col(SurveyResponse.survey_id) == survey.id,
        col(SurveyResponse.finished),
    )


async def _several(session: AsyncSession, survey: Survey, number: int) -> int:
    """Return how many gave one answer or more to a question that takes several."""
    gave = (
        select(SurveyAnswer.token)
        .where(
            col(SurveyAnswer.token) == col(SurveyResponse.token),
            col(SurveyAnswer.question) == number,
        )
        .exists()
    )
    count = await session.scalar(
        select(func.count())
        .select_from(SurveyResponse)
        .where(col(SurveyResponse.survey_id) == survey.id, col(SurveyResponse.finished), gave)
    )
    return count or 0


async def _responses(session: AsyncSession, survey_id: int | None) -> dict[bool, int]:
    found = await session.execute(
        select(SurveyResponse.finished, func.count())
        .where(col(SurveyResponse.survey_id) == survey_id)
        .group_by(col(SurveyResponse.finished))
    )
    return {bool(finished): count for finished, count in found}


async def _numbers(session: AsyncSession, survey: Survey, number: int) -> Numbers | None:
    rows = await session.execute(
        select(SurveyAnswer.number, func.count())
        .join(SurveyResponse, _finished(survey, col(SurveyAnswer.token)))
        .where(
            col(SurveyAnswer.survey_id) == survey.id,
            col(SurveyAnswer.question) == number,
            col(SurveyAnswer.number).is_not(None),
        )
        .group_by(col(SurveyAnswer.number))
        .order_by(col(SurveyAnswer.number))
    )
    counted = [(int(value or 0), count) for value, count in rows]
    if not counted:
        return None
    total = sum(count for _, count in counted)
    mean = fmean([value for value, _ in counted], weights=[count for _, count in counted])
    return Numbers(mean, _median(counted, total), _bars(counted))


def _median(counted: Sequence[tuple[int, int]], total: int) -> float:
    def at(place: int) -> int:
        for value, count in counted:
            if place < count:
                return value
            place -= count
        raise AssertionError("beyond the last")

    return (at((total - 1) // 2) + at(total // 2)) / 2


def _bars(counted: Sequence[tuple[int, int]]) -> tuple[tuple[str, int], ...]:
    """Return each number, or spans of equal width where there are many."""
    if len(counted) <= MOST_BARS:
        return tuple((f"{value:,}", count) for value, count in counted)
    least, most = counted[0][0], counted[-1][0]
    width = -(-(most - least + 1) // 10)
    spans: dict[int, int] = {}
    for value, count in counted:
        spans[(value - least) // width] = spans.get((value - least) // width, 0) + count
    return tuple(
        (f"{least + n * width:,}–{min(most, least + (n + 1) * width - 1):,}", spans.get(n, 0))
        for n in range(max(spans) + 1)
    )


def _shown(count: int | None) -> int | None:
    return rounded(count) if count is not None and count >= FEWEST else None
