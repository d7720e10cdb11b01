"""Writing feeds in the forms that city web sites and the Meteorological Agency publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from core.clock import in_japan


@dataclass(frozen=True, kw_only=True)
class ListedArticle:
    """An article as a web site lists it. ``path`` is relative to the site's root."""

    path: str
    title: str
    summary: str
    category: str
    published_at: datetime
    guid: str = ""


@dataclass(frozen=True, kw_only=True)
class ListedTelegram:
    """A telegram as the agency's feed lists it."""

    url: str
    title: str
    office: str
    headline: str
    updated: datetime


def rdf(pages: Sequence[ListedArticle], base: str) -> bytes:
    """RSS 1.0 in Shift_JIS, as an old municipal CMS writes it: dates without a time zone."""
    items = "".join(
        f"<item rdf:about={quoteattr(base + page.path)}>"
        f"<title>{escape(page.title)}</title><link>{escape(base + page.path)}</link>"
        f"<description>{escape(page.summary)}</description>"
        f"<dc:subject>{escape(page.category)}</dc:subject>"
        f"<dc:date>{in_japan(page.published_at):%Y-%m-%dT%H:%M:%S}</dc:date></item>\n"
        for page in pages
    )
    listed = "".join(f"<rdf:li rdf:resource={quoteattr(base + page.path)}/>" for page in pages)
    return (
        '<?xml version="1.0" encoding="Shift_JIS"?>\n'
        '<rdf:RDF xmlns="http://purl.org/rss/1.0/" '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xml:lang="ja">\n'
        f"<channel rdf:about={quoteattr(base + '/rss/news.rdf')}><title>市公式サイト 新着情報"
        f"</title><link>{escape(base)}/</link><description>市からのお知らせ</description>"
        f"<items><rdf:Seq>{listed}</rdf:Seq></items></channel>\n{items}</rdf:RDF>\n"
    ).encode("cp932")


def rss(pages: Sequence[ListedArticle], base: str) -> bytes:
    """RSS 2.0 in UTF-8 with relative links and HTML in the descriptions."""
    items = "".join(
        f"<item><title>{escape(page.title)}</title><link>{escape(page.path)}</link>"
        f"<description>{escape('<p>' + escape(page.summary) + '</p>')}</description>"
        f"<category>{escape(page.category)}</category>"
        f'<guid isPermaLink="false">{escape(page.guid or page.path)}</guid>'
        f"<pubDate>{format_datetime(in_japan(page.published_at))}</pubDate></item>\n"
        for page in pages
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>'
        f"<title>イベントカレンダー</title><link>{escape(base)}/events/</link>"
        f"<description>市内の催し</description><language>ja</language>\n{items}</channel></rss>\n"
    ).encode()


def atom(pages: Sequence[ListedArticle], base: str) -> bytes:
    """Atom 1.0 in UTF-8."""
    entries = "".join(
        f"<entry><title>{escape(page.title)}</title><link href={quoteattr(base + page.path)}/>"
        f"<id>{escape(base + page.path)}</id><category term={quoteattr(page.category)}/>"
        f"<updated>{in_japan(page.published_at).isoformat()}</updated>"
        f"<published>{in_japan(page.published_at).isoformat()}</published>"
        f"<summary>{escape(page.summary)}</summary></entry>\n"
        for page in pages
    )
    newest = max((page.published_at for page in pages), default=datetime(2026, 4, 1, tzinfo=UTC))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        f'xml:lang="ja"><title>安全安心情報</title><id>{escape(base)}/safety/</id>'
        f"<updated>{in_japan(newest).isoformat()}</updated>\n{entries}</feed>\n"
    ).encode()


def index(name: str, telegrams: Sequence[ListedTelegram], base: str, renewed_at: datetime) -> bytes:
    """One of the agency's four Atom files, newest first; it is renewed also without telegrams."""
    entries = "".join(
        f"<entry><title>{escape(sent.title)}</title><id>{escape(sent.url)}</id>"
        f"<updated>{_utc(sent.updated)}</updated>"
        f"<author><name>{escape(sent.office)}</name></author>"
        f'<link type="application/xml" href={quoteattr(sent.url)}/>'
        f'<content type="text">{escape(sent.headline)}</content></entry>\n'
        for sent in sorted(telegrams, key=lambda sent: sent.updated, reverse=True)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        f'lang="ja">\n<title>{escape(name)}</title><subtitle>録画した一日</subtitle>'
        f"<updated>{_utc(renewed_at)}</updated>"
        f"<id>{escape(base)}/developer/xml/feed/{escape(name)}.xml</id>\n{entries}</feed>\n"
    ).encode()


def page(title: str, summary: str, published_at: datetime) -> str:
    """The web page of an article, for those who follow its link."""
    day = in_japan(published_at)
    return (
        '<!doctype html><html lang="ja"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        "<style>body{font:1.1rem/1.8 sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
        "</style></head><body>"
        f"<main><h1>{escape(title)}</h1><p>{day.year}年{day.month}月{day.day}日</p>"
        f"<p>{escape(summary)}</p><p><small>これは見本のページです。</small></p></main>"
        "</body></html>"
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
