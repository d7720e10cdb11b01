"""The form of a survey: what it says, and what pages show of a survey that is not sent yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news import machine as news_machine
from alerts.news.models import News
from alerts.surveys import checks, machine
from alerts.surveys.models import SeenBy, Survey
from alerts.surveys.questions import MOST_QUESTIONS, Question, QuestionKind, Words
from alerts.surveys.writing import SurveyWritten
from console.news_form import day_of, member_of, written_of
from console.news_pages import looked
from console.web import Visit
from core.languages import LANGUAGES
from feeds.translate import article_translations
from response.staff_messages import MOST_TEXT
from response.staff_messages import Words as StaffWords

MOST_LINES = 20


def survey_of(visitor: Visit) -> SurveyWritten:
    """Return what the form of a survey says."""
    form = visitor.form
    return SurveyWritten(
        news=written_of(visitor),
        questions=_moved(
            [_question(visitor, place) for place in range(MOST_QUESTIONS)], form.text("then")
        ),
        closes_on=day_of(form.text("closes_on")),
        named=form.text("named") == "yes",
        seen_by=member_of(SeenBy, form.text("seen_by"), SeenBy.DEPARTMENT),
        offers=form.text("offers")[:32],
    )


async def drafted(
    visitor: Visit, written: SurveyWritten
) -> tuple[SurveyWritten, int, dict[str, str]]:
    """Return a survey with a machine's words where a language has none, in how many, and problems.

    Problems are slugs of :data:`alerts.machine.PROBLEMS` by language.
    """
    context = visitor.context
    translator = article_translations(
        context.settings.translator, context.http, context.city, context.database, context.clock
    )
    if translator is None:
        return written, 0, {}
    problems: dict[str, str] = {}
    done: set[str] = set()
    news = written.news
    if news.texts.get("ja", ("", ""))[1].strip():
        first = await news_machine.drafted(translator, news, context.city.languages)
        news, problems = first.written, dict(first.problems)
        done.update(first.languages)
    cleaned = [one.cleaned() for one in written.questions]
    questions, more = await machine.drafted(translator, cleaned, context.city.languages)
    done.update(
        code
        for before, after in zip(cleaned, questions, strict=True)
        for code in after.engines
        if code not in before.words
    )
    return replace(written, news=news, questions=questions), len(done), {**problems, **more}


async def looked_at(
    visitor: Visit, session: AsyncSession, survey: Survey, news: News
) -> dict[str, Any]:
    """Return what is shown beside the form: faults, about how many, the messages."""
    seen = await looked(visitor, session, news)
    seen["faults"] += said_faults(visitor, survey, news)
    language = seen["preview_language"]
    seen["messages"] += survey_cards(visitor, survey, news, [language])[language]
    return {"survey": survey, **seen}


def said_faults(visitor: Visit, survey: Survey, news: News) -> list[str]:
    """Return what prevents a survey from leaving, in words."""
    context = visitor.context
    return [
        visitor.say(one.message, **dict(one.values))
        for one in checks.faults(survey, news, context.city, context.clock.now())
    ]


def survey_cards(
    visitor: Visit, survey: Survey, news: News, languages: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return by language what the conversation asks, as the phone shows it."""
    make = getattr(visitor.request.app.state, "survey_cards", None)
    if make is None:
        return {code: [] for code in languages}
    context = visitor.context
    return {code: make(context.city, survey, news, code, context.clock.now()) for code in languages}


def with_questions(words: StaffWords, survey: Survey, language: str) -> StaffWords:
    """Return the words of a test with the questions below them, as far as there is room."""
    asked = []
    for number, question in enumerate(survey.asked(), 1):
        said = question.said(language)
        asked.append("\n".join([f"{number}. {said.text}", *(f"・{one}" for one in said.options)]))
    text = "\n\n".join([words.text, *asked])
    return replace(words, text=text[: MOST_TEXT - 100])


def as_lines(words: Words | None) -> str:
    """Return a question and its answers as a field has them, each on a line of its own."""
    return "" if words is None else "\n".join((words.text, *words.options))


def _question(visitor: Visit, place: int) -> Question:
    form, name = visitor.form, f"q{place}"
    words = {
        code: _words(form.get(f"{name}-{code}", "")[:5_000]) for code in LANGUAGES if code != "ja"
    }
    options = form.get(f"{name}-options", "")[:5_000].split("\n")[:MOST_LINES]
    words["ja"] = Words(form.get(f"{name}-text", "")[:1_000], tuple(options))
    question = Question(
        member_of(QuestionKind, form.text(f"{name}-kind"), QuestionKind.ONE),
        words,
        form.text(f"{name}-optional") == "yes",
        form.number(f"{name}-lowest") or 0,
        100 if (highest := form.number(f"{name}-highest")) is None else highest,
    )
    return question.cleaned()


def _words(field: str) -> Words:
    text, *options = field.replace("\r", "").split("\n")[: MOST_LINES + 1]
    return Words(text, tuple(options))


def _moved(questions: list[Question], then: str) -> tuple[Question, ...]:
    """Return the questions that say something, one of them moved or taken out if that was asked."""
    kept = [one for one in questions if one.words]
    act, _, said = then.partition("-")
    place = int(said) if said.isdecimal() and len(said) < 3 else -1
    if act == "up" and 0 < place < len(kept):
        kept[place - 1 : place + 1] = [kept[place], kept[place - 1]]
    if act == "remove" and 0 <= place < len(kept):
        del kept[place]
    return tuple(kept)
