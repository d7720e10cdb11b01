"""Surveys as somebody wrote them, for tests of all that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from alerts.news.models import NewsState
from alerts.news.writing import Written
from alerts.surveys.models import SurveyAnswer, SurveyResponse, news_of
from alerts.surveys.questions import Question, QuestionKind, Words
from alerts.surveys.writing import SurveyWritten, begin, change
from core.clock import in_japan
from core.database import Database

WRITER = "writer@city.example"
QUESTIONS = (
    Question(
        QuestionKind.ONE,
        {
            "ja": Words("公園で何をしますか。", ("散歩", "球技", "花見")),
            "en": Words("What do you do in the park?", ("Walk", "Ball games", "See the blossoms")),
        },
    ),
    Question(
        QuestionKind.SEVERAL,
        {"ja": Words("ほしいものは何ですか。", ("ベンチ", "トイレ"))},
        optional=True,
    ),
    Question(QuestionKind.YES_NO, {"ja": Words("また来ますか。")}),
    Question(QuestionKind.NUMBER, {"ja": Words("何人で来ますか。")}, lowest=1, highest=20),
    Question(
        QuestionKind.WORDS,
        {"ja": Words("ひとことどうぞ。"), "ja-x-easy": Words("かいて ください。")},
        optional=True,
    ),
)


async def sent_survey(
    database: Database,
    now: datetime,
    *,
    questions: Sequence[Question] = QUESTIONS,
    days: int = 7,
    named: bool = False,
    offers: str = "",
    title: str = "公園のアンケート",
    closes_on: date | None = None,
) -> int:
    """Store a survey that has left; returns its number."""
    async with database.writing() as session:
        survey = await begin(session, actor=WRITER, now=now)
        assert survey.id is not None
        written = SurveyWritten(
            Written("events", whole_city=True, texts={"ja": (title, "教えてください。")}),
            tuple(questions),
            closes_on or in_japan(now + timedelta(days=days)).date(),
            named,
            offers=offers,
        )
        version = (await news_of(session, survey)).version
        written = replace(written, news=replace(written.news, version=version))
        news = await change(session, survey.id, written, actor=WRITER, now=now)
        news.state = NewsState.SENT
        return survey.id


async def answered_by_many(database: Database, survey_id: int, many: int) -> None:
    """Fill a survey with answers to its first question, as those of a large city are."""
    async with database.writing() as session:
        for number in range(many):
            token = f"{number:032x}"
            session.add(
                SurveyResponse(token=token, survey_id=survey_id, language="ja", finished=True)
            )
        await session.flush()
        for number in range(many):
            session.add(
                SurveyAnswer(token=f"{number:032x}", question=0, option="a", survey_id=survey_id)
            )
