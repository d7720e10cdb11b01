"""The public notices for machines: Atom (RFC 4287) and JSON Feed 1.1. Drills are never in them.

A notice that was taken back or corrected is named as deleted: in Atom by RFC 6721, in JSON under
``_todoke.deleted``. What follows an earlier notice names it (RFC 4685, ``_todoke.replaces``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from lxml import etree

from core.clock import in_japan
from core.languages import tag_of
from feeds.models import Notice
from feeds.news_form import form_of
from feeds.short_address import short_address
from public.notices import Board, Chosen, reader_words

ATOM = "http://www.w3.org/2005/Atom"
DELETED = "http://purl.org/atompub/tombstones/1.0"
THREAD = "http://purl.org/syndication/thread/1.0"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""When a feed without an entry was updated: it must say something, and always the same."""
ATOM_TYPE, JSON_TYPE = "application/atom+xml", "application/feed+json"
CAP_TYPE = "application/cap+xml"


@dataclass(frozen=True, kw_only=True)
class FeedAsked:
    """Which feed is asked for, and what it says of itself.

    ``languages`` are all in which it can be had; ``with_cap`` are the ids of notices of which there
    is a CAP message; ``hub`` is the WebSub hub that is told of changes, "" for none.
    """

    title: str
    language: str
    public_url: str
    chosen: Chosen
    languages: tuple[str, ...] = ()
    with_cap: frozenset[int] = frozenset()
    hub: str = ""

    def address(self, ending: str, language: str = "") -> str:
        """Return the feed's own address, with its parameters in a fixed order."""
        return feed_address(self.public_url, ending, self.chosen, language or self.language)

    @property
    def page(self) -> str:
        return f"{self.public_url}/?lang={self.language}"


def feed_address(public_url: str, ending: str, chosen: Chosen, language: str) -> str:
    """Return the address of the notices' feed for a choice."""
    asked = [("topic", topic) for topic in sorted(chosen.topics)]
    asked += [("area", area) for area in sorted(chosen.areas)]
    asked.append(("lang", language))
    return f"{public_url}/feeds/notices.{ending}?{urlencode(asked)}"


def cap_feed_address(public_url: str, language: str) -> str:
    """Return the address of the list of CAP messages."""
    return f"{public_url}/feeds/cap.atom?lang={language}"


def identity_of(public_url: str, notice_id: int | None) -> str:
    """Return a tag URI (RFC 4151), the same for ever and in every language."""
    host = urlsplit(public_url).hostname or "todoke"
    return f"tag:{host},2026:notice/{notice_id}"


def notice_url(public_url: str, notice: Notice, language: str) -> str:
    """Return the page of a notice: the short address, at which anybody can check it."""
    address = short_address(public_url, notice)
    return f"{address}?lang={language}" if address else f"{public_url}/?lang={language}"


def newest_of(board: Board) -> datetime:
    """Return when a feed of these notices changed last."""
    moments = [notice.created_at for notice in board.real]
    return max([*moments, *(when for _, when in board.withdrawn)], default=NEVER)


def atom(board: Board, asked: FeedAsked) -> bytes:
    """Return an Atom feed, newest first."""
    feed = etree.fromstring(
        f'<feed xmlns="{ATOM}" xmlns:at="{DELETED}" xmlns:thr="{THREAD}"/>'.encode()
    )
    feed.set(XML_LANG, tag_of(asked.language))
    url = asked.public_url
    add(feed, "id", asked.address("atom"))
    add(feed, "title", asked.title)
    add(feed, "updated", newest_of(board).isoformat())
    add(feed, "link", rel="self", href=asked.address("atom"), type=ATOM_TYPE)
    if asked.hub:
        add(feed, "link", rel="hub", href=asked.hub)
    page = {"rel": "alternate", "href": asked.page, "type": "text/html"}
    add(feed, "link", **page, hreflang=tag_of(asked.language))
    add(feed, "link", rel="alternate", href=asked.address("json"), type=JSON_TYPE)
    # Languages that machines name alike, such as easy Japanese, would be the same link twice.
    tags = {tag_of(code): code for code in asked.languages if code != asked.language}
    tags.pop(tag_of(asked.language), None)
    for tag, code in tags.items():
        href = asked.address("atom", code)
        add(feed, "link", rel="alternate", href=href, type=ATOM_TYPE, hreflang=tag)
    add(add(feed, "author"), "name", asked.title)
    for notice in board.real:
        heading, text, spoken = reader_words(notice, asked.language)
        entry = add(feed, "entry")
        entry.set(XML_LANG, tag_of(spoken))
        add(entry, "id", identity_of(url, notice.id))
        add(entry, "title", heading)
        add(entry, "published", notice.reported_at.isoformat())
        add(entry, "updated", notice.created_at.isoformat())
        href = notice_url(url, notice, asked.language)
        add(entry, "link", rel="alternate", href=href, type="text/html")
        if notice.id in asked.with_cap:
            cap = f"{url}/feeds/cap/{notice.with_id or notice.id}.xml"
            add(entry, "link", rel="alternate", href=cap, type=CAP_TYPE)
        if notice.replaces_id is not None:
            earlier = identity_of(url, notice.replaces_id)
            etree.SubElement(entry, f"{{{THREAD}}}in-reply-to", {"ref": earlier})
        add(entry, "category", term=notice.topic)
        add(entry, "category", term=f"level-{notice.shown_level}", scheme=f"{url}/levels")
        add(entry, "category", term=notice.status.value, scheme=f"{url}/status")
        for area in notice.areas:
            add(entry, "category", term=area, scheme=f"{url}/areas")
        if notice in board.current:
            add(entry, "category", term="in-force", scheme=f"{url}/state")
        picture = form_of(notice).picture
        if picture is not None:
            address = picture.address(url)
            shown = picture.alt(spoken)
            add(entry, "link", rel="enclosure", href=address, type="image/jpeg", title=shown)
        add(entry, "content", text, type="text")
    for notice, when in board.withdrawn:
        gone = {"ref": identity_of(url, notice.id), "when": when.isoformat()}
        etree.SubElement(feed, f"{{{DELETED}}}deleted-entry", gone)
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8"))


def _picture(notice: Notice, url: str) -> dict[str, str]:
    """Return the picture of news as an item of a JSON Feed names it."""
    picture = form_of(notice).picture
    return {} if picture is None else {"image": picture.address(url)}


def json_feed(board: Board, asked: FeedAsked) -> bytes:
    """Return a JSON Feed, newest first, with ``_todoke`` for what its standard has no word for."""
    items = []
    url = asked.public_url
    for notice in board.real:
        heading, text, spoken = reader_words(notice, asked.language)
        items.append(
            {
                "id": identity_of(url, notice.id),
                "url": notice_url(url, notice, asked.language),
                "title": heading,
                "content_text": text,
                **_picture(notice, url),
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
                    "event": _event(notice),
                    "replaces": identity_of(url, notice.replaces_id)
                    if notice.replaces_id is not None
                    else None,
                },
            }
        )
    hubs = {"hubs": [{"type": "WebSub", "url": asked.hub}]} if asked.hub else {}
    content = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": asked.title,
        "language": asked.language,
        "home_page_url": asked.page,
        "feed_url": asked.address("json"),
        **hubs,
        "items": items,
        "_todoke": {
            "deleted": [
                {"id": identity_of(url, notice.id), "date": when.isoformat()}
                for notice, when in board.withdrawn
            ]
        },
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _event(notice: Notice) -> dict[str, Any] | None:
    event = notice.event
    if event is None:
        return None
    return {
        "begins_at": in_japan(event.begins_at).isoformat(),
        "ends_at": in_japan(event.ends_at).isoformat() if event.ends_at else None,
        "whole_day": event.whole_day,
    }


def add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    """Add an Atom element."""
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", dict(attributes))
    if text:
        element.text = xml_text(text)
    return element


def xml_text(text: str) -> str:
    """Return ``text`` without the characters that XML cannot carry."""
    return "".join(
        character
        for character in text
        if character in "\t\n\r" or (character >= " " and character not in "\ufffe\uffff")
        if not 0xD800 <= ord(character) <= 0xDFFF
    )
