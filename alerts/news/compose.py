"""Make a notice from news, for the preview and for sending."""

from __future__ import annotations

from datetime import date, datetime

from alerts.news.models import News, When
from alerts.news.segments import Wanted
from channels import dispatch
from city.city import City, Decision
from feeds.models import Notice, Status
from feeds.news_form import NewsForm, NewsPicture
from feeds.texts import NewsWords, SurveyNote, news_texts
from subscriptions.audience_query import AudienceQuery


def notice_of(
    news: News, picture: NewsPicture | None, city: City, *, planned_at: datetime, now: datetime
) -> Notice:
    """Return the notice that news makes at a time. Preview and sending both use this alone."""
    words = NewsWords(
        {code: (own["title"], own["text"]) for code, own in news.texts.items() if own.get("text")}
        or {"ja": ("", "")},
        [(link["url"], link.get("labels", {})) for link in news.links],
        tuple(news.engines),
        _survey(news),
    )
    corrects = news.replaces_id is not None
    form = NewsForm(news.as_text, picture, Wanted.from_json(news.segment).at(now), _number(news))
    texts = news_texts(words, news.topic, city, corrects=corrects)
    return Notice(
        identity=f"staff:news:{news.id}:{planned_at.isoformat()}",
        topic=news.topic,
        kind=texts["ja"]["title"] if "ja" in texts else "",
        level=0,
        status=Status.CORRECTED if corrects else Status.NONE,
        areas=[] if news.whole_city else list(news.areas),
        drill=False,
        emergency=False,
        reported_at=now,
        texts=texts,
        replaces_id=news.replaces_id,
        news=form.to_json(),
        decision=Decision.DIGEST if news.when is When.DIGEST else Decision.SEND,
        decided_by=news.asked_by or news.edited_by,
        created_at=now,
    )


def audience_of(notice: Notice, city: City, medium: str) -> AudienceQuery:
    """Return whom a notice of news concerns among a medium's residents."""
    return dispatch.audience_of(notice, city, medium)


def _survey(news: News) -> SurveyNote | None:
    if news.survey is None:
        return None
    closes = news.survey["closes"]
    return SurveyNote(news.survey["named"], date.fromisoformat(closes) if closes else None)


def _number(news: News) -> int:
    return 0 if news.survey is None else int(news.survey["id"] or 0)
