"""Writing news: the list, the composer, throwing away, beginning from an article."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news import checks, machine, models, pictures, release, writing
from alerts.news.models import News
from alerts.news.segments import FEWEST, OLDEST, Wanted
from alerts.news.writing import Written
from console import words
from console.access import Permission
from console.accounts import names_of
from console.alert_pages import machine_said
from console.news_fields import Both, filled_from, media_of, with_colleagues
from console.news_form import local, quiet_at, shown_as, written_of
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import LANGUAGES, mark
from core.pictures import MAX_BYTES
from core.uploads import Limits
from feeds.held import held_items
from feeds.models import Notice
from feeds.translate import article_translations

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Writer = Annotated[Visit, Depends(visit(Permission.NEWS_WRITE))]
PictureWriter = Annotated[
    Visit, Depends(visit(Permission.NEWS_WRITE, takes=Limits(files=1, bytes=MAX_BYTES + 1)))
]
MOST_HELD, MOST_SENT = 20, 30
NOT_OWN = mark("This news belongs to another department.")


@router.get("/news")
async def overview(visitor: Looker) -> Response:
    """List what is written, planned, held, sent and thrown away."""
    now = visitor.context.clock.now()
    async with visitor.context.database.reading() as session:
        held = await held_items(session, MOST_HELD * 5, now)
        being_written = await models.being_written(session)
        planned = await models.planned(session)
        sent = await models.newest_sendings(session, MOST_SENT)
        gone = await models.thrown_away(session, now)
        writers = {one.edited_by for one in (*being_written, *planned, *gone)}
        names = await names_of(session, writers | {news.edited_by for _, news in sent})
    return visitor.page(
        "news_list.html",
        being_written=being_written,
        planned=planned,
        held=[one for one in held if writing.is_article(one.notice)][:MOST_HELD],
        sent=sent,
        thrown_away=gone,
        just_now=visitor.request.query_params.get("discarded", ""),
        names=names,
        is_own=partial(is_own, visitor),
        may_topic=partial(may_topic, visitor),
    )


@router.post("/news")
async def begin(visitor: Writer) -> Response:
    """Begin empty news."""
    async with visitor.context.database.writing() as session:
        news = await writing.begin(session, actor=visitor.actor, now=visitor.context.clock.now())
    return visitor.go(f"/console/news/{news.id}")


@router.post("/news/from/{notice_id}")
async def begin_from_held(visitor: Writer, notice_id: RowNumber) -> Response:
    """Begin news with the words of a held article."""
    async with visitor.context.database.writing() as session:
        held = await session.get(Notice, notice_id)
        refuse_others(visitor, "" if held is None else held.topic)
        news = await writing.begin_from_held(
            session, notice_id, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return visitor.go(f"/console/news/{news.id}")


@router.post("/news/{news_id}/correct/{notice_id}")
async def correct(visitor: Writer, news_id: RowNumber, notice_id: RowNumber) -> Response:
    """Begin the correction of news that was sent."""
    await refuse_not_own(visitor, news_id)
    async with visitor.context.database.writing() as session:
        news = await writing.begin_correction(
            session, news_id, notice_id, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return visitor.go(f"/console/news/{news.id}")


@router.get("/news/{news_id}")
async def edit(visitor: Writer, news_id: RowNumber) -> Response:
    """Show the composer; of news that is planned, sent or not one's own, its page."""
    async with visitor.context.database.reading() as session:
        news = await news_of(session, news_id)
        if news.survey is not None and news.is_open:
            return visitor.go(f"/console/surveys/{news.survey['id']}")
        if not news.is_open or not is_own(visitor, news):
            return visitor.go(f"/console/news/{news_id}/check")
        return await composer(visitor, session, news)


@router.post("/news/{news_id}")
async def save(visitor: PictureWriter, news_id: RowNumber) -> Response:
    """Save, which sends nothing; then stay, look at it, or have a machine draft languages."""
    context, then = visitor.context, visitor.form.text("then")
    looked_at = visitor.form.number("version")
    await refuse_not_own(visitor, news_id)
    visitor, both = await _with_colleagues(visitor, news_id)
    written = written_of(visitor)
    if both:
        return await _not_taken(visitor, news_id, written, Refusal(writing.CHANGED), both)
    try:
        refuse_others(visitor, written.topic)
        written = await _with_picture(visitor, written)
        drafted = await _by_machine(visitor, written) if then == "machine" else None
        async with context.database.writing() as session:
            await writing.change(
                session,
                news_id,
                written if drafted is None else drafted.written,
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except Refusal as refusal:
        return await _not_taken(visitor, news_id, written, refusal)
    merged = "&merged=yes" if looked_at != written.version else ""
    way = "/check" if then == "check" else f"?saved=yes{merged}"
    if drafted is not None:
        problems = ",".join(f"{code}.{slug}" for code, slug in drafted.problems.items())
        way = f"?{urlencode({'drafted': len(drafted.languages), 'problems': problems})}"
    return visitor.go(f"/console/news/{news_id}{way}")


@router.post("/news/{news_id}/look")
async def look(visitor: PictureWriter, news_id: RowNumber) -> Response:
    """Show the current form as residents will see it; nothing is saved."""
    async with visitor.context.database.reading() as session:
        news = writing.as_written(await news_of(session, news_id), written_of(visitor))
        return visitor.page("_news_look.html", **await looked(visitor, session, news))


@router.post("/news/{news_id}/discard")
async def discard(visitor: PictureWriter, news_id: RowNumber) -> Response:
    """Throw news away with all that was typed, so that taking it back brings it back."""
    await refuse_not_own(visitor, news_id)
    written, now = written_of(visitor), visitor.context.clock.now()
    try:
        refuse_others(visitor, written.topic)
        async with visitor.context.database.writing() as session:
            saved = await writing.change(session, news_id, written, actor=visitor.actor, now=now)
            await writing.discard(session, news_id, saved.version, actor=visitor.actor, now=now)
    except Refusal as refusal:
        return await _not_taken(visitor, news_id, written, refusal)
    return visitor.go(f"/console/news?discarded={news_id}")


@router.post("/news/{news_id}/restore")
async def restore(visitor: Writer, news_id: RowNumber) -> Response:
    """Take news back that was thrown away."""
    await refuse_not_own(visitor, news_id)
    async with visitor.context.database.writing() as session:
        await writing.restore(
            session, news_id, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return visitor.go(f"/console/news/{news_id}")


def is_own(visitor: Visit, news: News) -> bool:
    """Whether the visitor may work on news: by its topic; without one, who wrote it may."""
    topic = visitor.context.city.topic_by_code.get(news.topic)
    if visitor.may_for(Permission.NEWS_WRITE, "" if topic is None else topic.department):
        return True
    mine = visitor.may(Permission.NEWS_WRITE) and visitor.actor in (news.written_by, news.edited_by)
    return topic is None and mine


async def refuse_not_own(visitor: Visit, news_id: int) -> None:
    """Refuse work on news of another department, whatever topic the form names.

    Raises
    ------
    Refusal
        They may work only on news of their own departments.
    """
    async with visitor.context.database.reading() as session:
        if not is_own(visitor, await news_of(session, news_id)):
            raise Refusal(NOT_OWN)


async def news_of(session: AsyncSession, news_id: int) -> News:
    """Return news, or the page that says that there is none."""
    news = await session.get(News, news_id)
    if news is None:
        raise Missing
    return news


def may_topic(visitor: Visit, topic: str) -> bool:
    """Whether the visitor may write news of a topic."""
    known = visitor.context.city.topic_by_code.get(topic)
    return known is None or visitor.may_for(Permission.NEWS_WRITE, known.department)


def refuse_others(visitor: Visit, topic: str) -> None:
    """Refuse news of a topic that belongs to a department of which the visitor is not.

    Raises
    ------
    Refusal
        They may write only what belongs to their own departments.
    """
    if not may_topic(visitor, topic):
        raise Refusal("This topic belongs to another department. Choose one of your own.")


async def composer(
    visitor: Visit,
    session: AsyncSession,
    news: News,
    *,
    refusal: Refusal | None = None,
    overtaken: bool = False,
    both: Sequence[Both] = (),
    began: str = "",
) -> Response:
    """Show the form.

    Parameters
    ----------
    overtaken
        Whether a colleague saved other words meanwhile.
    both
        What the colleague saved of the fields that both changed.
    began
        What is stored, if the form has other values.
    """
    city = visitor.context.city
    sent_back_by = (news.sent_back or {}).get("by", "")
    names = await names_of(session, [news.edited_by, sent_back_by])
    return visitor.page(
        "news_edit.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        overtaken=overtaken,
        both=both,
        began=began or filled_from(news, visitor),
        merged=visitor.request.query_params.get("merged") == "yes",
        just_saved=visitor.request.query_params.get("saved") == "yes",
        machine_said=machine_said(visitor),
        translator=visitor.context.settings.translator,
        languages=[LANGUAGES[code] for code in city.languages],
        topics=[
            topic
            for topic in city.topics
            if not topic.mandatory and visitor.may_for(Permission.NEWS_WRITE, topic.department)
        ],
        edited_by=names[news.edited_by],
        sent_back_by=names[sent_back_by],
        limits=checks,
        oldest=OLDEST,
        most_links=checks.MOST_LINKS,
        local=local,
        media_on=_media_on(visitor, news),
        **await looked(visitor, session, news),
    )


async def looked(visitor: Visit, session: AsyncSession, news: News) -> dict[str, Any]:
    """Return what is shown beside the form: faults, about how many, the message."""
    context = visitor.context
    city, now = context.city, context.clock.now()
    language = visitor.form.text("preview_language")
    language = language if language in city.languages else "ja"
    found = await release.outlook(session, news, city, visitor.media, now)
    messages: list[dict[str, Any]] = []
    others: list[Any] = []
    if news.topic in city.topic_by_code and news.texts.get("ja", {}).get("text"):
        by = [each.name for each in found.media]
        shown = await shown_as(session, news, city, visitor.media, by, now)
        messages, others = shown.line(language), shown.others(language)
    return {
        "news": news,
        "wanted": Wanted.from_json(news.segment),
        "picture": await pictures.picture_of(session, news),
        "preview_language": language,
        "messages": messages,
        "others": others,
        "about": found.size.about,
        "size_refusal": words.said(found.size.refusal, visitor.language),
        "faults": [
            visitor.say(one.message, **dict(one.values)) for one in checks.faults(news, city, now)
        ],
        "quiet": quiet_at(news, city),
        "fewest": FEWEST,
        "secure": city.public_url.startswith("https://"),
    }


async def _with_colleagues(visitor: Visit, news_id: int) -> tuple[Visit, list[Both]]:
    async with visitor.context.database.reading() as session:
        return with_colleagues(await news_of(session, news_id), visitor)


async def _with_picture(visitor: Visit, written: Written) -> Written:
    """Check, shrink and store the picture that came with the form, if one did."""
    [*chosen] = visitor.files.get("picture", ())
    if not chosen:
        return written
    shrunk = await pictures.shrunk(chosen[0].content)
    async with visitor.context.database.writing() as session:
        row = await pictures.store(
            session, shrunk, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return replace(written, picture_id=row.id)


async def _by_machine(visitor: Visit, written: Written) -> machine.Drafted:
    context = visitor.context
    translator = article_translations(
        context.settings.translator, context.http, context.city, context.database, context.clock
    )
    if translator is None or not written.texts.get("ja", ("", ""))[1].strip():
        return machine.Drafted(written, (), {})
    return await machine.drafted(translator, written, context.city.languages)


def _media_on(visitor: Visit, news: News) -> list[tuple[str, str, bool]]:
    """Return each medium: its name, what it is called, and whether news goes by it."""
    chosen = media_of(news, visitor)
    return [
        (name, words.medium_name(name, visitor.language), name in chosen)
        for name in visitor.media.names
    ]


async def _not_taken(
    visitor: Visit,
    news_id: int,
    written: Written,
    refusal: Refusal,
    both: Sequence[Both] = (),
) -> Response:
    """Show the form again with what was typed and why it was not taken."""
    async with visitor.context.database.reading() as session:
        saved = await news_of(session, news_id)
        if not saved.is_open:
            raise refusal
        began = filled_from(saved, visitor)
        overtaken = bool(both) or saved.version != written.version
        news = writing.as_written(saved, written)
        return await composer(
            visitor, session, news, refusal=refusal, overtaken=overtaken, both=both, began=began
        )
