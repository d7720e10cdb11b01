"""Read articles from RSS 0.9x, 1.0, 2.0 and Atom as Japanese cities really publish them.

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
from html.entities import html5
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import feedparser

from feeds import limits
from feeds.encodings import decode_document
from feeds.errors import Unreadable
from feeds.event_days import stated_in
from feeds.reasons import reason
from feeds.wording import fold, one_line, plain_text, read_date, text_of_html, with_ampersands

_PROLOGUE = re.compile(r"^\s*<\?xml[^>]*\?>", re.I)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*+(\[)?+[^>]*+>", re.I)
_ROOT = re.compile(r"<(?:[A-Za-z0-9_.-]+:)?(rss|rdf|feed|channel)[\s>]", re.I)
_ITEM = re.compile(r"<(?:[A-Za-z0-9_.-]+:)?(?:item|entry)[\s>/]", re.I)
_TAG = re.compile(r"<[A-Za-z][^<>]{400,}+")
"""An element that is long enough to have too many attributes; a quoted ``>`` only cuts it."""
_AS_IT_IS = re.compile(r"(<!\[CDATA\[.*?\]\]>|<!--.*?-->)", re.S)
_XML_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(?P<name>[A-Za-z][A-Za-z0-9]{1,31};)")
MANY_DATES = 3
"""From this number of articles on, the same time for all of them is not their date."""
_TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|yclid|_ga)$", re.I)


@dataclass(frozen=True, kw_only=True)
class Article:
    """One article of a city's web site, or one message like it (a mail, a CAP alert).

    Parameters
    ----------
    identity
        The key that recognises the article: its guid, else its link, else its text.
    title, summary
        Plain text in the language of the source, Japanese as a rule.
    link
        Absolute, http or https, or empty.
    published_at
        The feed's date, or None if it has none that can be read.
    categories
        As the feed says.
    begins, ends
        When its event takes place, as the feed writes it; "" if it has no field for that.
    """

    identity: str
    title: str
    summary: str = ""
    link: str = ""
    published_at: datetime | None = None
    categories: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256 of the folded text: equal for the same words, however they are written, and the
        same day of the event.
        """
        text = f"{fold(self.title)}\n{fold(self.summary)}"
        if self.begins:
            text += f"\n{self.begins}\n{self.ends}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Feed:
    """The result of one reading of a feed."""

    title: str
    form: str
    """``rss10``, ``rss20``, ``atom10`` … as feedparser names it."""
    articles: tuple[Article, ...] = field(default=(), repr=False)
    stated: tuple[datetime | None, ...] = field(default=(), repr=False)
    """The times that it states for itself and its entries."""


def read_feed(data: bytes, *, url: str = "", charset: str | None = None) -> Feed:
    """Return the articles of an RSS or Atom feed, newest as the feed has them.

    Parameters
    ----------
    data
        The feed, decompressed.
    url
        Its address; relative links are joined to it.
    charset
        The charset of the HTTP header, if any.

    Raises
    ------
    Unreadable
        It is no feed (such as an error page), it is incomplete, or it defines its own entities.
    """
    if len(data) > limits.MAX_BODY:
        raise Unreadable(reason("feed.too-large", limit=f"{limits.MAX_BODY:,}"))
    text = _safe(decode_document(data, charset))
    parsed = feedparser.parse(
        io.BytesIO(text.encode("utf-8", errors="replace")),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            "content-location": url,
        },
    )
    if not parsed.get("version") and not parsed.entries:
        raise Unreadable(reason("feed.no-feed"))
    entries = parsed.entries[: limits.MAX_FEED_ITEMS]
    return Feed(
        title=one_line(parsed.feed.get("title", ""), limits.MAX_TITLE_CHARACTERS),
        form=parsed.get("version", ""),
        articles=tuple(_articles(entries, url)),
        stated=(_date(parsed.feed), *map(_date, entries)),
    )


def _safe(text: str) -> str:
    """Return ``text`` without its declaration and DOCTYPE; refuse an incomplete feed."""
    text = _PROLOGUE.sub("", text.lstrip("\ufeff"), count=1)
    head = text[:10_000]
    if "<!ENTITY" in text.upper():
        raise Unreadable(reason("feed.entities"))
    doctype = _DOCTYPE.search(head)
    if doctype:
        if doctype.group(1):
            raise Unreadable(reason("feed.doctype"))
        text = text.replace(doctype.group(), "", 1)
    root = _ROOT.search(text[:10_000])
    if root is None:
        raise Unreadable(reason("feed.no-feed"))
    name = re.escape(root.group()[1:].rstrip(">").strip())
    # After its end may be comments, and text from a provider or a counter.
    if not re.search(rf"</{name}\s*>|^\s*<[^<>]*/>\s*$", text[-2000:]):
        raise Unreadable(reason("feed.cut"))
    _refuse_weapons(text)
    parts = _AS_IT_IS.split(text)
    # XML knows five entities; a feed with HTML's, or with a bare ampersand, is not well-formed.
    parts[::2] = [_XML_ENTITY.sub(_character, with_ampersands(part)) for part in parts[::2]]
    return "".join(parts)


def _refuse_weapons(text: str) -> None:
    """Refuse documents that only cost time, before a parser sees them."""
    items = sum(1 for _ in _ITEM.finditer(text))
    if items > limits.MAX_FEED_ITEMS_IN_ALL:
        raise Unreadable(
            reason(
                "feed.too-many-items", items=f"{items:,}", limit=f"{limits.MAX_FEED_ITEMS_IN_ALL:,}"
            )
        )
    for tag in _TAG.finditer(text):
        if tag.group().count("=") > limits.MAX_ATTRIBUTES:
            raise Unreadable(reason("feed.attributes", limit=limits.MAX_ATTRIBUTES))


def _character(entity: re.Match[str]) -> str:
    return html5[entity["name"]]


def _articles(entries: Sequence[Any], url: str) -> list[Article]:
    # Listed three times over, an article's guid and link are still its own.
    keys = {
        tuple(str(entry.get(key) or "") for key in ("id", "link", "title")) for entry in entries
    }
    guids = Counter(guid for guid, _, _ in keys)
    links = Counter(link for _, link in {(title, link) for _, link, title in keys})
    dates = [_date(entry) for entry in entries]
    if len(dates) >= MANY_DATES and len(set(dates)) == 1:
        # The time at which the feed was made; it says nothing about the articles.
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
    summary = text_of_html(_summary(entry), limits.MAX_SUMMARY_CHARACTERS)
    if not title:
        title = one_line(summary, 60)
    if not title:
        return None
    raw_link = str(entry.get("link") or "")
    link = safe_link(raw_link, url)
    guid = str(entry.get("id") or "")
    # If a generator gives every item the same guid, or the same link, these do not count.
    if guid and guids[guid] == 1:
        identity = canonical_link(guid) if _is_http(guid) else plain_text(guid, 400)
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
    begins, ends = stated_in(entry)
    return Article(
        identity=bounded(identity),
        title=title,
        summary="" if summary == title else summary,
        link=link,
        published_at=published,
        categories=tuple(category for category in categories if category),
        begins=begins,
        ends=ends,
    )


def _summary(entry: Any) -> str:
    if entry.get("summary"):
        return str(entry["summary"])
    contents = entry.get("content") or []
    return str(contents[0].get("value") or "") if contents else ""


def bounded(identity: str) -> str:
    if len(identity) <= limits.MAX_IDENTITY_CHARACTERS:
        return identity
    return "hash:" + hashlib.sha256(identity.encode()).hexdigest()


def _is_http(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def safe_link(link: str, base: str) -> str:
    """Return ``link`` as an absolute http(s) address, or "" if it is none."""
    # Escaped twice, which an address never is.
    link = plain_text(link, limits.MAX_URL_LENGTH).replace("&amp;", "&")
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
    """Return the identity of a page: its address without scheme, default port, tracking and final
    slash.
    """
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
