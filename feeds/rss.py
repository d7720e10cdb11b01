"""RSS 0.9x, 1.0, 2.0 and Atom as Japanese cities really publish them, made into articles.

The bytes are decoded here, because a declared encoding is often wrong or missing; feedparser
then gets clean UTF-8 and never an address, so that it cannot fetch anything itself.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import feedparser

from feeds import limits
from feeds.encodings import decode
from feeds.errors import Unreadable
from feeds.wording import clean, fold, one_line, plain, read_date

_PROLOGUE = re.compile(r"^\s*<\?xml[^>]*\?>", re.I)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*+(\[)?+[^>]*+>", re.I)
_ROOT = re.compile(r"<(?:[A-Za-z0-9_.-]+:)?(rss|rdf|feed|channel)[\s>]", re.I)
MANY_DATES = 3
"""From so many articles on, one moment for all of them is no date of theirs."""
_TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|yclid|_ga)$", re.I)


@dataclass(frozen=True, kw_only=True)
class Article:
    """One article of a city's web site, or one message that says as much (a mail, a CAP alert).

    Parameters
    ----------
    identity
        What makes it the same article the next time: its guid, else its link, else its text.
    title, summary
        Plain text in the language of the source, Japanese as a rule.
    link
        Absolute, http or https, or empty.
    published_at
        As the feed says, or None when it says nothing that can be read.
    categories
        As the feed says.
    """

    identity: str
    title: str
    summary: str = ""
    link: str = ""
    published_at: datetime | None = None
    categories: tuple[str, ...] = ()

    @property
    def content_hash(self) -> str:
        """SHA-256 of the folded text: equal for the same words, however they are written."""
        text = f"{fold(self.title)}\n{fold(self.summary)}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What one reading of a feed gave."""

    title: str
    form: str
    """``rss10``, ``rss20``, ``atom10`` … as feedparser names it."""
    articles: tuple[Article, ...] = field(default=(), repr=False)


def read_feed(data: bytes, *, url: str = "", charset: str | None = None) -> Feed:
    """Return the articles of an RSS or Atom feed, newest as the feed has them.

    Parameters
    ----------
    data
        As it came, decompressed.
    url
        Where it came from; relative links are joined to it.
    charset
        What the HTTP header said, if anything.

    Raises
    ------
    Unreadable
        It is no feed (an error page, say), it breaks off in the middle, or it defines
        entities of its own.
    """
    if len(data) > limits.MAX_BODY:
        raise Unreadable(f"The feed is over {limits.MAX_BODY:,} bytes long.")
    text = _safe(decode(data, charset))
    parsed = feedparser.parse(
        io.BytesIO(text.encode("utf-8", errors="replace")),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            "content-location": url,
        },
    )
    if not parsed.get("version") and not parsed.entries:
        raise Unreadable("This is no RSS or Atom feed; is it an error page?")
    entries = parsed.entries[: limits.MAX_FEED_ITEMS]
    return Feed(
        title=one_line(parsed.feed.get("title", ""), limits.MAX_TITLE_CHARACTERS),
        form=parsed.get("version", ""),
        articles=tuple(_articles(entries, url)),
    )


def _safe(text: str) -> str:
    """Return ``text`` without its declaration and DOCTYPE, refusing what is no whole feed."""
    text = _PROLOGUE.sub("", text.lstrip("\ufeff"), count=1)
    head = text[:10_000]
    if "<!ENTITY" in text.upper():
        raise Unreadable("The feed defines entities of its own, which no honest feed does.")
    doctype = _DOCTYPE.search(head)
    if doctype:
        if doctype.group(1):
            raise Unreadable("The feed brings its own document type definition.")
        text = text.replace(doctype.group(), "", 1)
    root = _ROOT.search(text[:10_000])
    if root is None:
        raise Unreadable("This is no RSS or Atom feed; is it an error page?")
    name = re.escape(root.group()[1:].rstrip(">").strip())
    # Behind its end stand comments, and what a provider or a counter put there.
    if not re.search(rf"</{name}\s*>|^\s*<[^<>]*/>\s*$", text[-2000:]):
        raise Unreadable("The feed breaks off in the middle.")
    return text


def _articles(entries: Sequence[Any], url: str) -> list[Article]:
    # Listed three times over, an article's guid and link are still its own.
    keys = {
        tuple(str(entry.get(key) or "") for key in ("id", "link", "title")) for entry in entries
    }
    guids = Counter(guid for guid, _, _ in keys)
    links = Counter(link for _, link in {(title, link) for _, link, title in keys})
    dates = [_date(entry) for entry in entries]
    if len(dates) >= MANY_DATES and len(set(dates)) == 1:
        # The moment at which the feed was made: it says nothing of the articles.
        dates = [None] * len(entries)
    made: dict[str, Article] = {}
    for entry, published in zip(entries, dates, strict=True):
        article = _article(entry, url, published, guids, links)
        if article is not None:
            made.setdefault(article.identity, article)
    return list(made.values())


def _date(entry: Any) -> datetime | None:
    stated = (str(entry.get(key) or "") for key in ("published", "updated", "created", "date"))
    return next((moment for text in stated if (moment := read_date(text))), None)


def _article(
    entry: Any,
    url: str,
    published: datetime | None,
    guids: Counter[str],
    links: Counter[str],
) -> Article | None:
    title = one_line(str(entry.get("title") or ""), limits.MAX_TITLE_CHARACTERS)
    summary = plain(_summary(entry), limits.MAX_SUMMARY_CHARACTERS)
    if not title:
        title = one_line(summary, 60)
    if not title:
        return None
    raw_link = str(entry.get("link") or "")
    link = safe_link(raw_link, url)
    guid = str(entry.get("id") or "")
    # A generator that gives every item the same guid, or every item the same link, gives none.
    if guid and guids[guid] == 1:
        identity = canonical_link(guid) if _is_http(guid) else clean(guid, 400)
    elif link and links[raw_link] == 1:
        identity = canonical_link(link)
    else:
        day = published.date().isoformat() if published else ""
        identity = "text:" + hashlib.sha256(f"{link}\n{fold(title)}\n{day}".encode()).hexdigest()
    categories = tuple(
        dict.fromkeys(
            one_line(str(tag.get("term") or tag.get("label") or ""), 80)
            for tag in (entry.get("tags") or [])[:20]
        )
    )
    return Article(
        identity=_bounded(identity),
        title=title,
        summary="" if summary == title else summary,
        link=link,
        published_at=published,
        categories=tuple(category for category in categories if category),
    )


def _summary(entry: Any) -> str:
    if entry.get("summary"):
        return str(entry["summary"])
    contents = entry.get("content") or []
    return str(contents[0].get("value") or "") if contents else ""


def _bounded(identity: str) -> str:
    if len(identity) <= limits.MAX_IDENTITY_CHARACTERS:
        return identity
    return "hash:" + hashlib.sha256(identity.encode()).hexdigest()


def _is_http(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def safe_link(link: str, base: str) -> str:
    """Return ``link`` as an absolute http(s) address, or nothing when it is none."""
    link = clean(link, limits.MAX_URL_LENGTH)
    if not link.strip("/") or any(character.isspace() for character in link):
        return ""
    try:
        joined = urljoin(base, link)
        parts = urlsplit(joined)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            return ""
        _ = parts.port
    except ValueError:
        return ""
    return joined if len(joined) <= 1000 else ""


def canonical_link(link: str) -> str:
    """Return what identifies a page: without scheme, default port, tracking and end slash."""
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in {None, 80, 443} else ""
    except ValueError:
        return link
    query = urlencode(
        [
            (key, value)
            for key, value in parse_qsl(parts.query, keep_blank_values=True)
            if not _TRACKING.match(key)
        ]
    )
    path = re.sub(r"/index\.(html?|php)$", "/", parts.path).rstrip("/")
    return urlunsplit(("", host + port, path, query, parts.fragment)).removeprefix("//")
