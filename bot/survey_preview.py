"""What the conversation shows of a survey, for staff who write it."""

from __future__ import annotations

from datetime import datetime

from alerts.news.models import News
from alerts.surveys.answering import Given
from alerts.surveys.models import Survey
from bot.dialogues import surveys as words
from bot.dialogues.surveys import AskedSurvey
from bot.kind_preview import previewed
from bot.messages import Message
from city.city import City


def cards(city: City, survey: Survey, news: News, language: str, now: datetime) -> list[Message]:
    """Return the questions in their order, the thanks, and what is offered then."""
    known = previewed(city, language, now)
    title = words.title_of(news, language)
    asked = AskedSurvey(survey.id or 0, title, survey.asked(), survey.closes_on, survey.named)
    shown = [
        words.question(asked, place, Given(""), known) for place in range(len(asked.questions))
    ]
    if not shown:
        return []
    topic = city.topic_by_code.get(survey.offers)
    offered = [words.offer(topic, known)] if topic is not None else []
    return [*shown, words.thanks(asked, known, again=False), *offered]
