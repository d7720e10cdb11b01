"""Reading XML from outside: no entities, no DTD, no network, no huge trees."""

from __future__ import annotations

from lxml import etree

from feeds import limits
from feeds.errors import Unreadable
from feeds.reasons import reason


def read_xml(data: bytes, *, limit: int = limits.MAX_BODY) -> etree._Element:
    """Return the root of an XML document.

    Raises
    ------
    Unreadable
        It is not well-formed, too long or too deep, or brings a document type definition.
    """
    if len(data) > limit:
        raise Unreadable(reason("document.too-large", limit=f"{limit:,}"))
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(reason("document.not-xml", error=str(error)[:200])) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable(reason("document.doctype"))
    return root


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
