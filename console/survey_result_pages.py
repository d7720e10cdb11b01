"""What residents answered: counts live, free words page by page, files, and closing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news.models import News, NewsState
from alerts.surveys import closing, results
from alerts.surveys.models import Survey, SurveyAnswer
from alerts.surveys.questions import MOST_QUESTIONS, NO, YES, Question, QuestionKind
from alerts.surveys.results import LANGUAGE, QuestionResult
from alerts.surveys.writing import trail
from console import words
from console.access import Permission
from console.charts import Bar, bars
from console.news_pages import is_own, refuse_not_own
from console.survey_pages import may_see, survey_and_news
from console.web import Missing, NotPermitted, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import mark
from core.text import spreadsheet_cell
from reports.questions import yes_no

router = APIRouter(prefix="/console/surveys", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Asker = Annotated[Visit, Depends(visit(Permission.SURVEYS))]
Place = Annotated[int, Path(ge=0, lt=MOST_QUESTIONS)]
COUNTED = (mark("Question"), mark("Answer"), mark("Residents"), mark("Share"))
WORDED = (mark("Question"), mark("Answer"), mark("Language"))
PAGES_OF_A_FILE = 1000


@dataclass(frozen=True)
class Counted:
    """One question on the page: a sentence, bars, and a table with the same numbers."""

    number: int
    question: Question
    sentence: str
    chart: Any
    rows: tuple[tuple[str, int, str], ...]


@router.get("/{survey_id}/results")
async def results_page(visitor: Looker, survey_id: RowNumber) -> Response:
    """Show the counts, which follow by themselves while the survey is open."""
    return await _results(visitor, survey_id)


@router.get("/{survey_id}/results/live")
async def live(visitor: Looker, survey_id: RowNumber) -> Response:
    """Return the counts alone."""
    async with visitor.context.database.reading() as session:
        survey, news = await _seen(visitor, session, survey_id)
        return visitor.page("_survey_counts.html", **await _counts(visitor, session, survey, news))


@router.get("/{survey_id}/words/{place}")
async def words_page(visitor: Looker, survey_id: RowNumber, place: Place) -> Response:
    """Show free words of one question, a page at a time."""
    after = visitor.request.query_params.get("after", "")[:64]
    async with visitor.context.database.reading() as session:
        survey, news = await _seen(visitor, session, survey_id)
        question = _question_at(survey, place)
        most = results.WORDS_A_PAGE
        said = await results.words_of(session, survey, place, after=after, most=most + 1)
    return visitor.page(
        "survey_words.html",
        survey=survey,
        news=news,
        question=question,
        place=place,
        said=said[:most],
        after=said[most - 1].token if len(said) > most else "",
        first=not after,
    )


@router.post("/{survey_id}/close")
async def close(visitor: Asker, survey_id: RowNumber) -> Response:
    """Close a survey for good."""
    context = visitor.context
    try:
        async with context.database.reading() as session:
            survey, _ = await survey_and_news(session, survey_id)
        await refuse_not_own(visitor, survey.news_id)
        async with context.database.writing() as session:
            await closing.close(session, survey_id, actor=visitor.actor, now=context.clock.now())
    except Refusal as refusal:
        return await _results(visitor, survey_id, refusal=refusal)
    return visitor.go(f"/console/surveys/{survey_id}/results")


@router.get("/{survey_id}/counts.csv")
async def counts_file(visitor: Looker, survey_id: RowNumber) -> Response:
    """Return the counts as CSV for Excel in Japan."""
    async with visitor.context.database.reading() as session:
        survey, news = await _seen(visitor, session, survey_id)
        found = await _counts(visitor, session, survey, news)
    rows = [
        (_titled(one.number, one.question, visitor.language), label, count, share)
        for one in found["counted"]
        for label, count, share in one.rows
    ]
    return _file(survey, "counts", map(visitor.say, COUNTED), rows)


@router.post("/{survey_id}/words.csv")
async def words_file(visitor: Looker, survey_id: RowNumber) -> Response:
    """Return all free words as CSV, without who wrote them and not joined to other answers."""
    rows: list[tuple[object, ...]] = []
    async with visitor.context.database.reading() as session:
        survey, _ = await _seen(visitor, session, survey_id)
        for place, question in enumerate(survey.asked()):
            if question.kind is not QuestionKind.WORDS:
                continue
            title = _titled(place + 1, question, visitor.language)
            after = ""
            for _ in range(PAGES_OF_A_FILE):
                said = await results.words_of(session, survey, place, after=after, most=1000)
                rows += [
                    (title, one.words, words.language_name(one.language, visitor.language))
                    for one in said
                ]
                if len(said) < 1000:
                    break
                after = said[-1].token
    await _taken(visitor, survey, "words")
    return _file(survey, "words", map(visitor.say, WORDED), rows)


@router.post("/{survey_id}/answers.csv")
async def answers_file(visitor: Looker, survey_id: RowNumber) -> Response:
    """Return each resident's answers as CSV, of a survey that is not anonymous."""
    async with visitor.context.database.reading() as session:
        survey, news = await _seen(visitor, session, survey_id)
        if not survey.named or not is_own(visitor, news):
            raise NotPermitted
        found = await results.named_rows(session, survey)
    asked = survey.asked()
    heads = [
        visitor.say("Resident"),
        visitor.say("Language"),
        *(_titled(place, one, visitor.language) for place, one in enumerate(asked, 1)),
    ]
    rows = [
        (
            "" if number is None else number,
            words.language_name(language, visitor.language),
            *(
                _answer(one, answers.get(place, []), visitor.language)
                for place, one in enumerate(asked)
            ),
        )
        for number, language, answers in found
    ]
    await _taken(visitor, survey, "answers")
    return _file(survey, "answers", heads, rows)


async def _seen(visitor: Visit, session: AsyncSession, survey_id: int) -> tuple[Survey, News]:
    """Return a survey whose answers the visitor may see.

    Raises
    ------
    NotPermitted
        They are for its own department alone.
    """
    survey, news = await survey_and_news(session, survey_id)
    if not may_see(visitor, survey, news):
        raise NotPermitted
    return survey, news


async def _results(visitor: Visit, survey_id: int, *, refusal: Refusal | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        survey, news = await _seen(visitor, session, survey_id)
        if news.state is not NewsState.SENT and refusal is None:
            return visitor.go(f"/console/news/{news.id}/check")
        return visitor.page(
            "survey_results.html",
            status=400 if refusal else 200,
            refusal=words.said(refusal, visitor.language),
            may_write=is_own(visitor, news),
            crossed=await _crossed(visitor, session, survey),
            **await _counts(visitor, session, survey, news),
        )


async def _counts(
    visitor: Visit, session: AsyncSession, survey: Survey, news: News
) -> dict[str, Any]:
    """Return the counts as the page shows them."""
    found = await results.results_of(session, survey)
    counted = [
        _counted(visitor, number, one, found.finished)
        for number, one in enumerate(found.questions, 1)
    ]
    return {
        "survey": survey,
        "news": news,
        "found": found,
        "counted": counted,
        "over": survey.is_over(visitor.context.clock.now()),
    }


def _counted(visitor: Visit, number: int, one: QuestionResult, finished: int) -> Counted:
    language, question = visitor.language, one.question
    title = _titled(number, question, language)
    labels = dict(_options(question, language))
    pairs = [(labels.get(code, code), count) for code, count in one.options.items()]
    if one.numbers is not None:
        pairs = list(one.numbers.bars)
        sentence = visitor.say(
            "{n} residents wrote a number: {mean} on average, the middle one is {median}.",
            n=f"{one.answered:,}",
            mean=f"{one.numbers.mean:,.1f}",
            median=f"{one.numbers.median:,g}",
        )
    elif not one.answered:
        sentence = visitor.say("Nobody has answered this yet.")
    elif question.kind is QuestionKind.WORDS:
        sentence = visitor.say("{n} residents wrote something.", n=f"{one.answered:,}")
    else:
        most, count = max(pairs, key=lambda pair: pair[1])
        sentence = visitor.say(
            "{n} residents answered. Most chose “{answer}”: {count}.",
            n=f"{one.answered:,}",
            answer=most,
            count=f"{count:,}",
        )
    if question.optional and 0 < one.answered < finished:
        skipped = visitor.say("{n} skipped it.", n=f"{finished - one.answered:,}")
        sentence = f"{sentence} {skipped}"
    rows = tuple((label, count, _share(count, one.answered)) for label, count in pairs)
    if question.kind is QuestionKind.WORDS:
        rows = ((visitor.say("Free words"), one.answered, ""),)
    chart = bars(title, [Bar(label, count) for label, count in pairs]) if pairs else ""
    return Counted(number, question, sentence, chart, rows)


async def _crossed(visitor: Visit, session: AsyncSession, survey: Survey) -> dict[str, Any] | None:
    """Return the table that was asked for: one question by language or by another question."""
    given, asked = visitor.request.query_params, survey.asked()
    tapped = [place for place, one in enumerate(asked) if one.codes()]
    choices: dict[str, Any] = {
        "questions": [
            (place, _titled(place + 1, asked[place], visitor.language)) for place in tapped
        ]
    }
    place, by = given.get("of", ""), given.get("by", "")
    known = {str(one) for one in tapped}
    if place not in known or by not in {LANGUAGE, *known} or place == by:
        return {**choices, "rows": None, "of": place, "by": by}
    found = await results.crossed(session, survey, int(place), by)
    parts = {} if by == LANGUAGE else dict(_options(asked[int(by)], visitor.language))
    rows = [
        (
            words.language_name(one, visitor.language) if by == LANGUAGE else parts.get(one, one),
            list(cells.values()),
        )
        for one, cells in found.items()
    ]
    return {
        **choices,
        "rows": rows,
        "heads": [name for _, name in _options(asked[int(place)], visitor.language)],
        "of": place,
        "by": by,
    }


def _question_at(survey: Survey, place: int) -> Question:
    asked = survey.asked()
    if place >= len(asked) or asked[place].kind is not QuestionKind.WORDS:
        raise Missing
    return asked[place]


def _options(question: Question, language: str) -> Iterator[tuple[str, str]]:
    """Yield code and name of each answer, in the staff's language where it has words."""
    if question.kind is QuestionKind.YES_NO:
        yield from ((code, yes_no(code, language)) for code in (YES, NO))
        return
    spoken = question.words.get(language) or question.japanese
    yield from zip(question.codes(), spoken.options, strict=False)


def _titled(number: int, question: Question, language: str) -> str:
    spoken = question.words.get(language) or question.japanese
    return f"{number}. {spoken.text}"


def _answer(question: Question, given: Iterable[SurveyAnswer], language: str) -> str:
    names = dict(_options(question, language))
    said = []
    for one in given:
        if one.option:
            said.append(names.get(one.option, one.option))
        elif one.number is not None:
            said.append(f"{one.number:g}")
        else:
            said.append(one.words or "")
    return " / ".join(said)


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f}%" if of else ""


async def _taken(visitor: Visit, survey: Survey, what: str) -> None:
    """Add to the trail that somebody took what residents wrote."""
    async with visitor.context.database.writing() as session:
        now = visitor.context.clock.now()
        await trail(session, survey, visitor.actor, now, "survey.exported", kind=what)


def _file(
    survey: Survey, name: str, heads: Iterable[str], rows: Iterable[tuple[object, ...]]
) -> Response:
    """Return rows as CSV for Excel in Japan."""
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow([spreadsheet_cell(head) for head in heads])
    for row in rows:
        writer.writerow([spreadsheet_cell(str(one)) for one in row])
    headers = {
        "Content-Disposition": f'attachment; filename="survey-{survey.id}-{name}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(output.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
