"""Writing news: begun, saved, thrown away, taken back. Nothing of this sends anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news.models import BEING_WRITTEN, KEPT_FOR, News, NewsState, Repeat, When
from alerts.news.pictures import is_stored
from alerts.news.segments import Wanted
from city.city import Decision
from core import audit
from core.clock import in_japan
from core.errors import Refusal
from core.languages import LANGUAGES, mark
from core.text import clean
from feeds.models import Notice

FOR_NOBODY = Wanted()
CHANGED = mark("Somebody changed this meanwhile. Look at it again.")


@dataclass(frozen=True)
class Written:
    """What somebody wrote.

    Parameters
    ----------
    texts
        Language to (title, text).
    links
        Address and names by language.
    picture_id
        The stored picture; None for none.
    version
        The version of the news that they saw.
    engines
        By language: the machine that wrote these words.
    """

    topic: str = ""
    whole_city: bool = False
    areas: tuple[str, ...] = ()
    segment: Wanted = FOR_NOBODY
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    links: tuple[tuple[str, Mapping[str, str]], ...] = ()
    as_text: bool = False
    picture_id: int | None = None
    alts: Mapping[str, str] = field(default_factory=dict)
    when: When = When.AT
    send_at: datetime | None = None
    repeat: Repeat = Repeat.ONCE
    until: date | None = None
    media: tuple[str, ...] | None = None
    version: int = 1
    engines: Mapping[str, str] = field(default_factory=dict)

    def words(self) -> dict[str, dict[str, str]]:
        """Return the words as they are stored: clean, and without empty languages."""
        return {
            code: {"title": clean(title, line=True), "text": clean(text)}
            for code, (title, text) in self.texts.items()
            if code in LANGUAGES and (title.strip() or text.strip())
        }

    def link_rows(self) -> list[dict[str, Any]]:
        """Return the links as they are stored."""
        return [
            {
                "url": clean(url, line=True),
                "labels": {
                    code: clean(label, line=True)
                    for code, label in labels.items()
                    if code in LANGUAGES and label.strip()
                },
            }
            for url, labels in self.links
            if url.strip()
        ]


def fill_in(news: News, written: Written) -> News:
    """Put what was written into news; returns the news.

    A machine's mark stays on the words that nobody changed.
    """
    texts = written.words()
    news.engines = {
        code: engine
        for code, engine in {**news.engines, **written.engines}.items()
        if code in texts and (code in written.engines or texts[code] == news.texts.get(code))
    }
    news.topic = written.topic
    news.whole_city = written.whole_city
    news.areas = [] if written.whole_city else list(dict.fromkeys(written.areas))
    news.segment = written.segment.to_json()
    news.texts = texts
    news.links = written.link_rows()
    news.as_text = written.as_text
    news.picture_id = written.picture_id
    news.alts = {
        code: clean(alt, line=True)
        for code, alt in written.alts.items()
        if code in LANGUAGES and alt.strip()
    }
    news.when = written.when
    news.send_at = written.send_at if written.when is When.AT else None
    news.repeat = written.repeat
    news.until = written.until if written.repeat is not Repeat.ONCE else None
    news.media = None if written.media is None else list(written.media)
    return news


def as_written(news: News, written: Written) -> News:
    """Return a copy with what somebody is writing; the copy is never stored."""
    return fill_in(News(**news.model_dump()), written)


def new_news(*, actor: str, now: datetime) -> News:
    """Return empty news, not stored yet."""
    return News(written_by=actor, edited_by=actor, authors=[actor], created_at=now, updated_at=now)


async def store(session: AsyncSession, news: News, now: datetime) -> News:
    """Store new news, with an entry in the trail that it was begun."""
    session.add(news)
    await session.flush()
    await trail(
        session,
        news,
        news.written_by,
        now,
        "news.begun",
        replaces=news.replaces_id,
        held=news.from_notice_id,
    )
    return news


async def begin(session: AsyncSession, *, actor: str, now: datetime) -> News:
    """Begin empty news; what the same person began last and left empty is used again."""
    last = await session.scalar(
        select(News)
        .where(BEING_WRITTEN, col(News.written_by) == actor)
        .order_by(col(News.updated_at).desc(), col(News.id).desc())
        .limit(1)
    )
    if last is not None and _is_untouched(last):
        return last
    return await store(session, new_news(actor=actor, now=now), now)


def _is_untouched(news: News) -> bool:
    return (
        news.version == 1
        and news.state is NewsState.DRAFT
        and not (news.topic or news.texts or news.replaces_id or news.from_notice_id or news.survey)
    )


async def begin_from_held(
    session: AsyncSession, notice_id: int, *, actor: str, now: datetime
) -> News:
    """Begin news with the words of a held article, which stays held until the news leaves.

    Raises
    ------
    Refusal
        It is decided already, or is no article.
    """
    notice = await session.get(Notice, notice_id)
    if notice is None or notice.decision is not Decision.HOLD:
        raise Refusal("Somebody decided on this notice before: {name}.", name=_decider(notice))
    if not is_article(notice):
        raise Refusal("This is a warning. It is decided on under Held.")
    news = new_news(actor=actor, now=now)
    news.topic, news.areas = notice.topic, list(notice.areas)
    news.whole_city = not notice.areas
    own = notice.texts.get("ja", {})
    title, text = own.get("title", ""), own.get("text", "")
    news.texts = {"ja": {"title": title[:60], "text": text[:1000]}}
    if notice.url.startswith("https://"):
        news.links = [{"url": notice.url, "labels": {}}]
    news.from_notice_id = notice_id
    return await store(session, news, now)


async def begin_correction(
    session: AsyncSession, news_id: int, notice_id: int, *, actor: str, now: datetime
) -> News:
    """Begin the correction of news that was sent; it goes to everybody who got it.

    Raises
    ------
    Refusal
        It was not sent.
    """
    earlier = await _news(session, news_id)
    notice = await session.get(Notice, notice_id)
    if notice is None or not notice.identity.startswith(f"staff:news:{news_id}:"):
        raise Refusal("Only what was sent can be corrected.")
    copied = earlier.model_dump(
        include={
            *("topic", "whole_city", "areas", "segment", "texts", "links", "as_text"),
            *("picture_id", "alts", "media", "engines"),
        }
    )
    news = new_news(actor=actor, now=now)
    for name, value in copied.items():
        setattr(news, name, value)
    news.when, news.replaces_id = When.NOW, notice_id
    return await store(session, news, now)


def is_article(notice: Notice) -> bool:
    """Whether a held notice is an article, and no warning."""
    return not notice.drill and not notice.hazard and notice.reach == 0 and not notice.emergency


async def change(
    session: AsyncSession, news_id: int, written: Written, *, actor: str, now: datetime
) -> News:
    """Save news. Saving sends nothing, and removes an approval.

    Raises
    ------
    Refusal
        It is planned or sent, was thrown away, or somebody saved it meanwhile.
    """
    news = await opened(session, news_id, written.version)
    if written.picture_id is not None and not await is_stored(session, written.picture_id):
        written = replace(written, picture_id=None)
    before, said = news.model_dump(), _told(news)
    fill_in(news, written)
    if news.model_dump() == before and news.edited_by == actor:
        news.updated_at = now
        return news
    if news.state is NewsState.MISSED:
        news.state = NewsState.DRAFT
    news.edited_by, news.authors = actor, [actor]
    has_changed(news, now)
    old, new = differences(said, _told(news))
    await trail(
        session, news, actor, now, "news.saved", version=news.version, before=old, after=new
    )
    return news


async def discard(
    session: AsyncSession, news_id: int, version: int, *, actor: str, now: datetime
) -> None:
    """Throw news away; it can be taken back for some days. Residents get no message."""
    news = await opened(session, news_id, version)
    news.discarded_at = now
    await trail(session, news, actor, now, "news.discarded")


async def restore(session: AsyncSession, news_id: int, *, actor: str, now: datetime) -> None:
    """Take back news that was thrown away.

    Raises
    ------
    Refusal
        It was thrown away too long ago.
    """
    news = await _news(session, news_id)
    if news.discarded_at is None:
        return
    if news.discarded_at <= now - KEPT_FOR:
        raise Refusal("This was thrown away too long ago.")
    news.discarded_at = None
    has_changed(news, now)
    await trail(session, news, actor, now, "news.restored")


async def opened(session: AsyncSession, news_id: int, version: int) -> News:
    """Return news that can be changed, locked until the transaction ends.

    Raises
    ------
    Refusal
        There is none, it is planned or sent, was thrown away, or is at another version.
    """
    news = await _news(session, news_id)
    if news.discarded_at is not None:
        raise Refusal("This was thrown away.")
    if news.state is NewsState.SENT:
        raise Refusal("This was sent. A correction is a new message.")
    if not news.is_open:
        raise Refusal("This is planned. Recall it before you change it.")
    if news.version != version:
        raise Refusal(CHANGED)
    return news


async def locked(session: AsyncSession, news_id: int) -> News:
    """Return news as it is, locked until the transaction ends.

    Raises
    ------
    Refusal
        There is none, or it was thrown away.
    """
    news = await _news(session, news_id)
    if news.discarded_at is not None:
        raise Refusal("This was thrown away.")
    return news


async def _news(session: AsyncSession, news_id: int) -> News:
    news = await session.get(News, news_id, with_for_update=True, populate_existing=True)
    if news is None:
        raise Refusal("There is no such news.")
    return news


def has_changed(news: News, now: datetime) -> None:
    """Give it a new version, which nobody has approved yet."""
    news.version += 1
    news.approved_by = news.approved_at = None
    news.updated_at = now


async def trail(
    session: AsyncSession, news: News, actor: str, now: datetime, action: str, **detail: object
) -> None:
    """Add an entry about news to the audit trail."""
    await audit.record(
        session, now, actor=actor, action=action, subject=f"news:{news.id}", **detail
    )


def _told(news: News) -> dict[str, Any]:
    """Return what the trail says of news: words by language, for whom, when."""
    by_language = {
        f"texts {code}": "\n".join((own.get("title", ""), own.get("text", "")))
        for code, own in news.texts.items()
    }
    return {
        "topic": news.topic,
        "areas": ["*"] if news.whole_city else news.areas,
        "segment": news.segment,
        **by_language,
        **{f"alts {code}": alt for code, alt in news.alts.items()},
        "links": [link["url"] for link in news.links],
        "picture": news.picture_id,
        "form": "text" if news.as_text else "card",
        "when": str(news.when),
        "send_at": news.send_at and f"{in_japan(news.send_at):%Y-%m-%d %H:%M}",
        "repeat": str(news.repeat),
        "until": news.until and news.until.isoformat(),
        "media": news.media,
    }


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return of two tellings what is not the same in both."""
    names = [
        name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)
    ]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def _decider(notice: Notice | None) -> str:
    return "–" if notice is None else notice.decided_by
