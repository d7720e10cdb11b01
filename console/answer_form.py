"""The part of a form in which staff choose what residents are told, and who hears it.

Any page that changes cases can have it: ``_answer_fields.html`` shows the fields, ``answer_of``
reads them, ``who_hears`` is what ``_who_hears.html`` shows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from channels.line.medium import LINE
from city.context import Context
from console import words
from console.answer_names import template_name
from console.web import Visit
from core.errors import Refusal
from core.text import clean
from core.web import Form
from core.word_templates import blanks
from feeds.translate import article_translations
from reports import answer_templates, answers
from reports.answer_messages import MOST_PHOTOS
from reports.answers import Answer, Means, Preview
from reports.hearers import hearers, reachable
from reports.kinds import city_now
from reports.models import Photo, PhotoRole, Report
from reports.photo_links import photo_links
from reports.states import ReportState

FIELDS = (
    *("answer_template", "answer_on", "answer_words", "answer_photos"),
    *("answer_nobody", "answer_why"),
)


def answer_of(form: Form) -> Answer:
    """Read what residents are told from a form.

    Raises
    ------
    Refusal
        A field is not what it should be, or nobody is told and the reason is missing.
    """
    nobody = clean(form.text("answer_why"), line=True)
    is_nobody = form.text("answer_nobody") == "yes"
    if is_nobody and not nobody:
        raise Refusal("Say why nobody is told.")
    photos = [int(one) for one in form.all("answer_photos") if one.isdecimal() and len(one) < 18]
    typed = form.text("answer_words")
    return Answer(
        template=form.get("answer_template", answers.BY_ITSELF).strip()[:32],
        on=_day(form.text("answer_on")),
        words=typed.replace("\0", ""),
        photos=tuple(photos[:MOST_PHOTOS]),
        nobody=nobody if is_nobody else "",
    )


def _day(typed: str) -> date | None:
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise Refusal("The day of the work is not a day.") from error


def means(context: Context) -> Means:
    """Return with what residents are told."""
    return Means(context.queue, LINE, photo_links(context.settings))


async def translated(context: Context, report: Report, answer: Answer) -> Answer:
    """Return an answer with staff's words in the readers' languages, if there is a machine.

    It asks another server and must not be called in a transaction.
    """
    if not answer.words or context.settings.translator is None:
        return answer
    machine = article_translations(
        context.settings.translator,
        context.http,
        context.city,
        context.database,
        context.clock,
    )
    async with context.database.reading() as session:
        languages = await answers.languages_of(session, report)
    made = await answers.by_machine(machine, clean(answer.words), languages)
    return replace(answer, translated=made, engine=machine.engine if machine and made else "")


async def who_hears(
    session: AsyncSession, visitor: Visit, case: Report, after: ReportState | None, answer: Answer
) -> Preview:
    """Return who will hear what, for a page."""
    return await answers.preview(
        session,
        await city_now(session, visitor.context.city),
        case,
        after,
        answer,
        now=visitor.context.clock.now(),
        photo_address=lambda photo: f"/console/reports/{case.number}/photos/{photo}",
    )


async def fields(
    session: AsyncSession, visitor: Visit, case: Report, photos: list[Photo]
) -> dict[str, Any]:
    """Return what ``_answer_fields.html`` needs."""
    city = visitor.context.city
    templates = [
        one
        for one in await answer_templates.in_use(session, city)
        if not one.kinds or case.category in one.kinds
    ]
    listening = reachable(await hearers(session, case))
    return {
        "templates": [
            (one, template_name(one, visitor.language), blanks(one.texts["ja"]))
            for one in templates
        ],
        "photos": [
            photo for photo in photos if photo.role is PhotoRole.AFTER and not photo.kept_private
        ],
        "by_itself": answers.BY_ITSELF,
        "machine": visitor.context.settings.translator is not None,
        "languages": words.names_of(
            list(dict.fromkeys(one.language for one in listening)), visitor.language
        ),
    }
