"""The public notices for machines: Atom (RFC 4287) and JSON Feed 1.1. Drills are never in them."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlsplit

from lxml import etree

from core.languages import tag_of
from feeds.models import Notice
from public.notices import Board, reader_words

ATOM = "http://www.w3.org/2005/Atom"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def _identity(public_url: str, notice: Notice) -> str:
    """A tag URI (RFC 4151), the same for ever and in every language."""
    host = urlsplit(public_url).hostname or "todoke"
    return f"tag:{host},2026:notice/{notice.id}"


def atom(board: Board, *, title: str, language: str, public_url: str, now: datetime) -> bytes:
    """Return an Atom feed, newest first, in ``language``."""
    notices = board.real
    feed = etree.fromstring(f'<feed xmlns="{ATOM}"/>')
    feed.set(XML_LANG, tag_of(language))

    def add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> None:
        element = etree.SubElement(parent, f"{{{ATOM}}}{name}", dict(attributes))
        if text:
            element.text = _xml_text(text)

    address = f"{public_url}/feeds/notices.atom?lang={language}"
    newest = max((notice.created_at for notice in notices), default=now)
    add(feed, "id", address)
    add(feed, "title", title)
    add(feed, "updated", newest.isoformat())
    add(feed, "link", rel="self", href=address, type="application/atom+xml")
    add(feed, "link", rel="alternate", href=f"{public_url}/?lang={language}", type="text/html")
    author = etree.SubElement(feed, f"{{{ATOM}}}author")
    add(author, "name", title)
    for notice in notices:
        heading, text, spoken = reader_words(notice, language)
        entry = etree.SubElement(feed, f"{{{ATOM}}}entry", {XML_LANG: tag_of(spoken)})
        add(entry, "id", _identity(public_url, notice))
        add(entry, "title", heading)
        add(entry, "published", notice.reported_at.isoformat())
        add(entry, "updated", notice.created_at.isoformat())
        add(
            entry,
            "link",
            rel="alternate",
            href=f"{public_url}/?lang={language}#notice-{notice.id}",
            type="text/html",
        )
        add(entry, "category", term=notice.topic)
        add(entry, "category", term=f"level-{notice.shown_level}", scheme=f"{public_url}/levels")
        add(entry, "category", term=notice.status.value, scheme=f"{public_url}/status")
        if notice in board.current:
            add(entry, "category", term="in-force", scheme=f"{public_url}/state")
        add(entry, "content", text, type="text")
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8"))


def json_feed(board: Board, *, title: str, language: str, public_url: str) -> bytes:
    """Return a JSON Feed, newest first, with ``_todoke`` for what its standard has no word for."""
    items = []
    for notice in board.real:
        heading, text, spoken = reader_words(notice, language)
        items.append(
            {
                "id": _identity(public_url, notice),
                "url": f"{public_url}/?lang={language}#notice-{notice.id}",
                "title": heading,
                "content_text": text,
                "language": spoken,
                "date_published": notice.reported_at.isoformat(),
                "date_modified": notice.created_at.isoformat(),
                "tags": [notice.topic],
                "_todoke": {
                    "topic": notice.topic,
                    "kind": notice.kind,
                    "level": notice.shown_level,
                    "status": notice.status.value,
                    "in_force": notice in board.current,
                    "areas": notice.areas,
                    "expires_at": notice.expires_at.isoformat() if notice.expires_at else None,
                },
            }
        )
    content = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "language": language,
        "home_page_url": f"{public_url}/?lang={language}",
        "feed_url": f"{public_url}/feeds/notices.json?lang={language}",
        "items": items,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _xml_text(text: str) -> str:
    """Return ``text`` without the characters that XML cannot carry."""
    return "".join(
        character
        for character in text
        if character in "\t\n\r" or (character >= " " and character not in "\ufffe\uffff")
        if not 0xD800 <= ord(character) <= 0xDFFF
    )
