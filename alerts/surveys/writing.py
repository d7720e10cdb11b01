"""Writing surveys: begun and saved together with their message of news. Nothing of it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news import writing as news_writing
from alerts.news.models import News, NewsState, Repeat, When
from alerts.news.writing import Written
from alerts.surveys.models import SeenBy, Survey
from alerts.surveys.questions import Question, with_engines
from alerts.surveys.tokens import new_key
from core import audit
from core.errors import Refusal
from subscriptions.models import LINE_MEDIUM


@dataclass(frozen=True)
class SurveyWritten:
    """What somebody wrote of a survey; ``news`` is its message."""

    news: Written
    questions: tuple[Question, ...] = ()
    closes_on: date | None = None
    named: bool = False
    seen_by: SeenBy = SeenBy.DEPARTMENT
    offers: str = ""

    def message(self) -> Written:
        """Return the message as a survey's can be: a card in LINE, once, now or at a time."""
        when = When.NOW if self.news.when is When.DIGEST else self.news.when
        return replace(
            self.news,
            links=(),
            as_text=False,
            picture_id=None,
            alts={},
            when=when,
            repeat=Repeat.ONCE,
            until=None,
            media=(LINE_MEDIUM,),
        )


def fill_in(survey: Survey, written: SurveyWritten) -> Survey:
    """Put what was written into a survey; returns the survey."""
    cleaned = [one.cleaned() for one in written.questions]
    kept = with_engines([one for one in cleaned if one.words], survey.asked())
    survey.questions = [one.to_json() for one in kept]
    survey.closes_on = written.closes_on
    survey.named = written.named
    survey.seen_by = written.seen_by
    survey.offers = written.offers
    return survey


def carried(survey: Survey) -> dict[str, Any]:
    """Return what the message says of its survey."""
    return {
        "id": survey.id,
        "named": survey.named,
        "closes": "" if survey.closes_on is None else survey.closes_on.isoformat(),
    }


def as_written(survey: Survey, news: News, written: SurveyWritten) -> tuple[Survey, News]:
    """Return copies with what somebody is writing; they are never stored."""
    copied = fill_in(Survey(**survey.model_dump()), written)
    message = news_writing.as_written(news, written.message())
    message.survey = carried(copied)
    return copied, message


async def begin(session: AsyncSession, *, actor: str, now: datetime) -> Survey:
    """Begin an empty survey with its message."""
    news = news_writing.new_news(actor=actor, now=now)
    news.media = [LINE_MEDIUM]
    await news_writing.store(session, news, now)
    assert news.id is not None
    survey = Survey(news_id=news.id, key=new_key())
    session.add(survey)
    await session.flush()
    news.survey = carried(survey)
    await trail(session, survey, actor, now, "survey.begun")
    return survey


async def change(
    session: AsyncSession, survey_id: int, written: SurveyWritten, *, actor: str, now: datetime
) -> News:
    """Save a survey with its message; returns the message, whose version is that of both.

    Raises
    ------
    Refusal
        It is planned or sent, was thrown away, or somebody saved it meanwhile.
    """
    survey = await locked(session, survey_id)
    news = await news_writing.opened(session, survey.news_id, written.news.version)
    seen, said = news.version, _told(survey)
    before = survey.model_dump()
    fill_in(survey, written)
    news = await news_writing.change(
        session, survey.news_id, written.message(), actor=actor, now=now
    )
    if survey.model_dump() == before:
        return news
    news.survey = carried(survey)
    if news.version == seen:
        news.edited_by, news.authors = actor, [actor]
        if news.state is NewsState.MISSED:
            news.state = NewsState.DRAFT
        news_writing.has_changed(news, now)
    old, new = news_writing.differences(said, _told(survey))
    await trail(session, survey, actor, now, "survey.saved", before=old, after=new)
    return news


async def locked(session: AsyncSession, survey_id: int) -> Survey:
    """Return a survey, locked until the transaction ends.

    Raises
    ------
    Refusal
        There is none.
    """
    survey = await session.get(Survey, survey_id, with_for_update=True, populate_existing=True)
    if survey is None:
        raise Refusal("There is no such survey.")
    return survey


async def trail(
    session: AsyncSession, survey: Survey, actor: str, now: datetime, action: str, **detail: object
) -> None:
    """Add an entry about a survey to the audit trail."""
    await audit.record(
        session, now, actor=actor, action=action, subject=f"survey:{survey.id}", **detail
    )


def _told(survey: Survey) -> dict[str, Any]:
    """Return what the trail says of a survey."""
    return {
        **{f"question {n}": _question(one) for n, one in enumerate(survey.asked(), 1)},
        "closes_on": survey.closes_on and survey.closes_on.isoformat(),
        "named": survey.named,
        "seen_by": str(survey.seen_by),
        "offered_topic": survey.offers,
    }


def _question(one: Question) -> str:
    words: Sequence[str] = (one.japanese.text, *one.japanese.options)
    return " / ".join([*words, ",".join(sorted(one.words)), str(one.kind)])
