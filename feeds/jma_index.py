"""Read the Meteorological Agency's Atom files: which telegrams there are, and which concern a city.

An entry's link ends ``<yyyymmddhhmmss>_<n>_<KIND>_<office>.xml``; the kind and the office say,
before anything is fetched, whether a telegram can matter here. In doubt it can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from city.city import JmaCodes
from feeds import limits
from feeds.errors import Unreadable
from feeds.reasons import reason
from feeds.wording import read_date
from feeds.xml import local_name, read_xml

_ATOM = "{http://www.w3.org/2005/Atom}"
_NAME = re.compile(r"/\d{14}_\d+_(?P<kind>[A-Z]{4}\d{2})_(?P<office>\w+)\.xml$")
_TELEGRAM = re.compile(r"_[A-Z]{4}\d{2}_\w+\.xml$")
_PREFECTURE = re.compile(r"(0[1-9]|[1-3]\d|4[0-7])\d{4}")

HEADQUARTERS = "010000"
"""The agency in Tokyo, not Hokkaido: its telegrams may be about any prefecture."""

BY_PREFECTURE = frozenset(
    {
        *("VPWW53", "VPWW54", "VPWW55", "VPWW56", "VPWW57", "VPWW58", "VPWW59", "VPWW60", "VPWW61"),
        *("VXWW50", "VPOA50", "VPHW50", "VPHW51", "VPNO50", "VPFD61", "VPWP50", "VPBS50"),
    }
)
"""Kinds whose office is their forecast area; its first two digits are a prefecture."""

KNOWN_BUT_NOT_NEWS = frozenset(
    {"VPFD51", "VPFW50", "VPZJ50", "VPCJ50", "VPFJ50", "VPSG50", "VZSA50", "VZSF50", "VFVO51"}
)
"""Forecasts, charts and commentary: no warning is in them."""


@dataclass(frozen=True, kw_only=True)
class IndexEntry:
    """One telegram of a feed. ``kind`` is empty if the link does not contain it."""

    url: str
    kind: str
    office: str
    title: str
    author: str
    updated: datetime
    headline: str


@dataclass(frozen=True, kw_only=True)
class Index:
    """One reading of ``extra.xml``, ``eqvol.xml`` …"""

    updated: datetime | None
    entries: tuple[IndexEntry, ...] = field(repr=False)


def read_index(data: bytes) -> Index:
    """Return the entries of a feed of the agency, in its order.

    Raises
    ------
    Unreadable
        It is no Atom feed. An entry without link or time is left out, the rest is kept.
    """
    root = read_xml(data)
    if local_name(root) != "feed":
        raise Unreadable(reason("feed.not-atom", name=local_name(root)))
    entries: dict[str, IndexEntry] = {}
    for element in root.iterfind(f"{_ATOM}entry"):
        link = element.find(f"{_ATOM}link")
        url = (link.get("href") if link is not None else None) or _text(element, "id")
        updated = read_date(_text(element, "updated"))
        if not url or updated is None or len(url) > limits.MAX_IDENTITY_CHARACTERS:
            continue
        named = _NAME.search(url)
        author = element.find(f"{_ATOM}author")
        entries.setdefault(
            url,
            IndexEntry(
                url=url,
                kind=named["kind"] if named else "",
                office=named["office"] if named else "",
                title=_text(element, "title"),
                author=_text(author, "name") if author is not None else "",
                updated=updated,
                headline=_text(element, "content"),
            ),
        )
        if len(entries) >= limits.MAX_FEED_ITEMS:
            break
    return Index(updated=read_date(_text(root, "updated")), entries=tuple(entries.values()))


def _text(element: object, name: str) -> str:
    found = element.findtext(f"{_ATOM}{name}")  # type: ignore[attr-defined]
    return str(found or "").strip()


def is_telegram_link(url: str) -> bool:
    """Whether a link has the form of the addresses of telegrams."""
    return _TELEGRAM.search(url) is not None


def may_concern(entry: IndexEntry, codes: JmaCodes) -> bool:
    """Whether a telegram is worth fetching for a city.

    An unknown kind is fetched, so that staff see it and it is counted. A telegram about another
    prefecture's weather is not.
    """
    if entry.kind in KNOWN_BUT_NOT_NEWS:
        return False
    own_area = entry.office != HEADQUARTERS and _PREFECTURE.fullmatch(entry.office)
    if entry.kind in BY_PREFECTURE and own_area:
        own = {code[:2] for code in (codes.municipality, *codes.forecast_areas)}
        return entry.office[:2] in own
    return True


def long_feed(url: str) -> str | None:
    """Return the address of the long version of one of the agency's short feeds."""
    return re.sub(r"\.xml$", "_l.xml", url) if re.search(r"(?<!_l)\.xml$", url) else None
