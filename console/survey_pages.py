"""Writing surveys: the list, the form, throwing away. They leave by the page of their news."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news import checks as news_checks
from alerts.news import writing as news_writing
from alerts.news.models import News
from alerts.news.segments import OLDEST
from alerts.surveys import models, questions, writing
from alerts.surveys.models import Survey
from alerts.surveys.results import finished_of
from alerts.surveys.writing import SurveyWritten
from console import words
from console.access import Permission
from console.accounts import names_of
from console.alert_pages import machine_said
from console.news_form import local
from console.news_pages import is_own, may_topic, refuse_not_own, refuse_others
from console.survey_form import as_lines, drafted, looked_at, survey_of
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import LANGUAGES
from core.uploads import Limits

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Asker = Annotated[Visit, Depends(visit(Permission.SURVEYS))]
FormAsker = Annotated[
    Visit, Depends(visit(Permission.SURVEYS, takes=Limits(files=0, bytes=1_000_000)))
]
A_PAGE = 50


@router.get("/surveys")
async def overview(visitor: Looker) -> Response:
    """List the surveys, the newest first."""
    given = visitor.request.query_params.get("before", "")
    before = int(given) if given.isdecimal() and len(given) < 10 else None
    now = visitor.context.clock.now()
    async with visitor.context.database.reading() as session:
        found = await models.listed(session, A_PAGE + 1, before)
        counts = {survey.id: await finished_of(session, survey.id) for survey, _ in found}
        names = await names_of(session, {news.edited_by for _, news in found})
    return visitor.page(
        "survey_list.html",
        found=found[:A_PAGE],
        more=found[A_PAGE - 1][0].id if len(found) > A_PAGE else None,
        counts=counts,
        names=names,
        over={survey.id: survey.is_over(now) for survey, _ in found},
        is_own=partial(is_own, visitor),
        may_see=partial(may_see, visitor),
    )


@router.post("/surveys")
async def begin(visitor: Asker) -> Response:
    """Begin an empty survey."""
    async with visitor.context.database.writing() as session:
        survey = await writing.begin(session, actor=visitor.actor, now=visitor.context.clock.now())
    return visitor.go(f"/console/surveys/{survey.id}")


@router.get("/surveys/{survey_id}")
async def edit(visitor: Asker, survey_id: RowNumber) -> Response:
    """Show the form; of a survey that is planned, sent or not one's own, its page."""
    async with visitor.context.database.reading() as session:
        survey, news = await survey_and_news(session, survey_id)
        if not news.is_open or not is_own(visitor, news):
            return visitor.go(f"/console/news/{news.id}/check")
        return await _form(visitor, session, survey, news)


@router.post("/surveys/{survey_id}")
async def save(visitor: FormAsker, survey_id: RowNumber) -> Response:
    """Save, which sends nothing; then stay, look at it, or have a machine draft languages."""
    context, then = visitor.context, visitor.form.text("then")
    news_id = await _refuse(visitor, survey_id)
    written = survey_of(visitor)
    number = 0
    problems: dict[str, str] = {}
    try:
        refuse_others(visitor, written.news.topic)
        if then == "machine":
            written, number, problems = await drafted(visitor, written)
        async with context.database.writing() as session:
            await writing.change(
                session, survey_id, written, actor=visitor.actor, now=context.clock.now()
            )
    except Refusal as refusal:
        return await _not_taken(visitor, survey_id, written, refusal)
    if then == "check":
        return visitor.go(f"/console/news/{news_id}/check")
    way = "?saved=yes"
    if then == "machine":
        told = ",".join(f"{code}.{slug}" for code, slug in problems.items())
        way = f"?{urlencode({'drafted': number, 'problems': told})}"
    return visitor.go(f"/console/surveys/{survey_id}{way}")


@router.post("/surveys/{survey_id}/look")
async def look(visitor: FormAsker, survey_id: RowNumber) -> Response:
    """Show the current form as residents will see it; nothing is saved."""
    async with visitor.context.database.reading() as session:
        survey, news = writing.as_written(
            *await survey_and_news(session, survey_id), survey_of(visitor)
        )
        return visitor.page("_news_look.html", **await looked_at(visitor, session, survey, news))


@router.post("/surveys/{survey_id}/discard")
async def discard(visitor: FormAsker, survey_id: RowNumber) -> Response:
    """Throw a survey away with all that was typed, so that taking it back brings it back."""
    news_id = await _refuse(visitor, survey_id)
    written, now = survey_of(visitor), visitor.context.clock.now()
    try:
        refuse_others(visitor, written.news.topic)
        async with visitor.context.database.writing() as session:
            saved = await writing.change(session, survey_id, written, actor=visitor.actor, now=now)
            await news_writing.discard(
                session, news_id, saved.version, actor=visitor.actor, now=now
            )
    except Refusal as refusal:
        return await _not_taken(visitor, survey_id, written, refusal)
    return visitor.go(f"/console/news?discarded={news_id}")


def may_see(visitor: Visit, survey: Survey, news: News) -> bool:
    """Whether the visitor sees what residents answered."""
    return survey.seen_by is models.SeenBy.ALL or is_own(visitor, news)


async def survey_and_news(session: AsyncSession, survey_id: int) -> tuple[Survey, News]:
    """Return a survey and its message, or the page that says that there is none."""
    survey = await session.get(Survey, survey_id)
    if survey is None:
        raise Missing
    return survey, await models.news_of(session, survey)


async def _refuse(visitor: Visit, survey_id: int) -> int:
    """Refuse work on a survey of another department; return the number of its message."""
    async with visitor.context.database.reading() as session:
        survey, _ = await survey_and_news(session, survey_id)
    await refuse_not_own(visitor, survey.news_id)
    return survey.news_id


async def _form(
    visitor: Visit,
    session: AsyncSession,
    survey: Survey,
    news: News,
    *,
    refusal: Refusal | None = None,
    overtaken: bool = False,
) -> Response:
    """Show the form.

    Parameters
    ----------
    overtaken
        Whether a colleague saved other words meanwhile.
    """
    city = visitor.context.city
    sent_back_by = (news.sent_back or {}).get("by", "")
    names = await names_of(session, [news.edited_by, sent_back_by])
    asked = survey.asked()
    empty = [questions.Question()] if len(asked) < questions.MOST_QUESTIONS else []
    return visitor.page(
        "survey_edit.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        overtaken=overtaken,
        just_saved=visitor.request.query_params.get("saved") == "yes",
        machine_said=machine_said(visitor),
        translator=visitor.context.settings.translator,
        languages=[LANGUAGES[code] for code in city.languages],
        topics=[
            topic for topic in city.topics if not topic.mandatory and may_topic(visitor, topic.code)
        ],
        offered=[topic for topic in city.topics if not topic.mandatory],
        edited_by=names[news.edited_by],
        sent_back_by=names[sent_back_by],
        limits=news_checks,
        question_limits=questions,
        oldest=OLDEST,
        local=local,
        as_lines=as_lines,
        asked=[*asked, *empty],
        **await looked_at(visitor, session, survey, news),
    )


async def _not_taken(
    visitor: Visit, survey_id: int, written: SurveyWritten, refusal: Refusal
) -> Response:
    """Show the form again with what was typed and why it was not taken."""
    async with visitor.context.database.reading() as session:
        survey, saved = await survey_and_news(session, survey_id)
        if not saved.is_open:
            raise refusal
        overtaken = saved.version != written.news.version
        typed, news = writing.as_written(survey, saved, written)
        return await _form(visitor, session, typed, news, refusal=refusal, overtaken=overtaken)
