"""What prevents a survey from leaving: its questions, its words, its last day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news.models import News, When
from alerts.news.times import FARTHEST
from alerts.surveys.models import Survey, of_news
from alerts.surveys.questions import (
    MOST_NUMBER,
    MOST_OPTION,
    MOST_OPTIONS,
    MOST_QUESTION,
    MOST_QUESTIONS,
    Question,
    QuestionKind,
)
from city.city import City
from core.clock import in_japan
from core.faults import FormFault
from core.languages import LANGUAGES, mark

CLOSES_IN_THE_PAST = mark("The last day has passed. Choose a day that is still to come.")


def faults(survey: Survey, news: News, city: City, now: datetime) -> list[FormFault]:
    """Return all faults of a survey beside those of its message."""
    found = list(_day_faults(survey, news, now))
    questions = survey.asked()
    if not questions:
        found.append(FormFault("questions", mark("Write at least one question.")))
    if len(questions) > MOST_QUESTIONS:
        found.append(
            FormFault("questions", mark("At most {n} questions."), (("n", MOST_QUESTIONS),))
        )
    for number, question in enumerate(questions, 1):
        found += _question_faults(number, question)
    topic = city.topic_by_code.get(survey.offers)
    if survey.offers and (topic is None or topic.mandatory):
        found.append(
            FormFault("offers", mark("The topic to offer is none that residents can choose."))
        )
    return found


async def faults_of_news(
    session: AsyncSession, news: News, city: City, now: datetime
) -> list[FormFault]:
    """Return the faults of the survey that a message asks; none if it asks none."""
    if news.survey is None:
        return []
    survey = await of_news(session, news.id)
    return [] if survey is None else faults(survey, news, city, now)


async def is_over(session: AsyncSession, news: News, now: datetime) -> bool:
    """Whether a message asks a survey that nobody can answer any more."""
    if news.survey is None:
        return False
    survey = await of_news(session, news.id)
    return survey is not None and survey.is_over(now)


def _day_faults(survey: Survey, news: News, now: datetime) -> Iterator[FormFault]:
    last = survey.closes_on
    if last is None:
        yield FormFault("closes_on", mark("Say until which day residents can answer."))
    elif last < in_japan(now).date():
        yield FormFault("closes_on", CLOSES_IN_THE_PAST)
    elif last > in_japan(now + FARTHEST).date():
        yield FormFault("closes_on", mark("That is more than a year ahead."))
    elif news.when is When.AT and news.send_at is not None and last < in_japan(news.send_at).date():
        yield FormFault("closes_on", mark("The last day is before the survey is sent."))


def _question_faults(number: int, question: Question) -> Iterator[FormFault]:
    place, values = f"question-{number}", (("n", number),)
    japanese = question.japanese
    if not japanese.text:
        yield FormFault(place, mark("Question {n}: write it in Japanese."), values)
    if question.kind.has_options and not 2 <= len(japanese.options) <= MOST_OPTIONS:
        yield FormFault(
            place,
            mark("Question {n}: write from two to {most} answers, each on a line of its own."),
            (*values, ("most", MOST_OPTIONS)),
        )
    if len(set(japanese.options)) < len(japanese.options):
        yield FormFault(place, mark("Question {n}: two answers are the same."), values)
    numbers = (question.lowest, question.highest)
    if question.kind is QuestionKind.NUMBER and (
        question.lowest >= question.highest or any(not 0 <= one <= MOST_NUMBER for one in numbers)
    ):
        yield FormFault(
            place,
            mark("Question {n}: the lowest number comes before the highest, both up to {most}."),
            (*values, ("most", f"{MOST_NUMBER:,}")),
        )
    for code, own in question.words.items():
        named = (*values, ("language", LANGUAGES[code].name))
        if not own.text or len(own.options) != len(japanese.options):
            yield FormFault(
                place,
                mark("Question {n} ({language}): write the question and as many answers as the "
                     "Japanese has, or nothing."),
                named,
            )  # fmt: skip
        if len(own.text) > MOST_QUESTION or any(len(one) > MOST_OPTION for one in own.options):
            yield FormFault(
                place,
                mark("Question {n} ({language}): a question has at most {question} characters, an "
                     "answer {answer}."),
                (*named, ("question", MOST_QUESTION), ("answer", MOST_OPTION)),
            )  # fmt: skip
