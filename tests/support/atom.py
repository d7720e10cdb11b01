"""Check an Atom document by what RFC 4287 demands, and read it with somebody else's reader."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import feedparser
from lxml import etree

SCHEMAS = Path(__file__).parents[1] / "public" / "schemas"
ATOM = "{http://www.w3.org/2005/Atom}"
GONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"


def read_atom(text: str) -> Any:
    """Return the document as feedparser reads it, if it is a right one."""
    tree = etree.fromstring(text.encode())
    rules = etree.RelaxNG(etree.parse(SCHEMAS / "atom.rng"))
    rules.assertValid(tree)
    for place in (tree, *tree.iter(f"{ATOM}entry")):
        # RFC 4287 4.1.1 and 4.1.2: no two alternates of one type and language.
        links = [one.attrib for one in place.findall(f"{ATOM}link")]
        kinds = Counter(
            (one.get("type"), one.get("hreflang")) for one in links if one.get("rel") == "alternate"
        )
        assert kinds, "an entry without content, and every feed, needs an alternate"
        assert max(kinds.values()) == 1, kinds
    own = [one.get("href") for one in tree.findall(f"{ATOM}link") if one.get("rel") == "self"]
    assert len(own) == 1
    ids = [one.findtext(f"{ATOM}id") for one in tree.iter(f"{ATOM}entry")]
    assert len(ids) == len(set(ids)), "two entries of one id"
    # RFC 6721: an entry is there or deleted, not both.
    assert not set(ids) & {one.get("ref") for one in tree.iter(GONE)}
    feed = feedparser.parse(text)
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


def deleted_of(text: str) -> dict[str, str]:
    """Return the deleted entries: when, by id."""
    tree = etree.fromstring(text.encode())
    return {str(one.get("ref")): str(one.get("when")) for one in tree.iter(GONE)}
