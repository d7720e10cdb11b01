"""Read what is at a source's address: a feed, or an iCalendar file; in a child process."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.reason import loaded
from feeds.calendars import is_calendar, read_calendar
from feeds.errors import Unreadable
from feeds.rss import Article, Feed, read_feed


def read_file(data: bytes, now: datetime, *, url: str = "", charset: str | None = None) -> Feed:
    """Return the articles of a feed, or the events of a calendar.

    Parameters
    ----------
    now
        From then on events are looked at.

    Raises
    ------
    Unreadable
        It is neither, or incomplete.
    """
    if is_calendar(data):
        return read_calendar(data, now, url=url)
    return read_feed(data, url=url, charset=charset)


def read_apart(
    data: bytes, *, now: str, url: str = "", charset: str | None = None
) -> tuple[dict[str, Any], bytes]:
    """Read a file in a child of ``core.child``; :func:`from_child` rebuilds the feed."""
    try:
        feed = read_file(data, datetime.fromisoformat(now), url=url, charset=charset)
    except Unreadable as error:
        return {"unreadable": error.reason.dumped()}, b""
    return {
        "title": feed.title,
        "form": feed.form,
        "articles": [
            {
                "identity": article.identity,
                "title": article.title,
                "summary": article.summary,
                "link": article.link,
                "published_at": _written(article.published_at),
                "categories": article.categories,
                "begins": article.begins,
                "ends": article.ends,
            }
            for article in feed.articles
        ],
        "stated": [_written(moment) for moment in feed.stated],
    }, b""


def from_child(said: dict[str, Any]) -> Feed:
    """Return the feed that a child read.

    Raises
    ------
    Unreadable
        The child could not read it.
    """
    if "unreadable" in said:
        raise Unreadable(loaded(said["unreadable"]))
    return Feed(
        title=said["title"],
        form=said["form"],
        articles=tuple(
            Article(
                identity=article["identity"],
                title=article["title"],
                summary=article["summary"],
                link=article["link"],
                published_at=_moment(article["published_at"]),
                categories=tuple(article["categories"]),
                begins=article["begins"],
                ends=article["ends"],
            )
            for article in said["articles"]
        ),
        stated=tuple(map(_moment, said["stated"])),
    )


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
