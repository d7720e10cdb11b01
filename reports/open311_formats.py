"""The two formats of Open311, JSON and XML, for answers and errors alike.

The XML names are those of the specification; JSON follows from them (the Spark convention: a list
is an array of its elements). (https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response
from lxml import etree

from core.text import clean

MEDIA_TYPES = {"json": "application/json", "xml": "text/xml"}
FRESH_SECONDS = 60
ONE_OF = {
    "services": "service",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "attributes": "attribute",
    "values": "value",
    "media_urls": "media_url",
    "formats": "format",
    "endpoints": "endpoint",
}
"""The name of one element of a list."""


class Refused(Exception):
    """A request cannot be answered; ``status`` is the HTTP status, ``reason`` a sentence."""

    def __init__(self, status: int, reason: str, *, retry_after_s: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


def check_format(form: str, resource: str) -> None:
    """Accept the two formats.

    Raises
    ------
    Refused
        It is another.
    """
    if form not in MEDIA_TYPES:
        raise Refused(404, f"There is {resource}.xml and {resource}.json.")


def listed(form: str, name: str, entries: Sequence[Mapping[str, Any]]) -> Response:
    """Return a list in the format asked for."""
    if form == "json":
        return answered(form, _json(entries))
    return answered(form, _xml(name, entries))


def single(form: str, name: str, entry: Mapping[str, Any]) -> Response:
    """Return one thing that is no list, such as a service definition."""
    return answered(form, _json(entry) if form == "json" else _xml(name, entry))


def refusal(form: str, refused: Refused) -> Response:
    """Return an error in the form of the specification: a list, in the requested format."""
    form = form if form in MEDIA_TYPES else "json"
    entries = [{"code": refused.status, "description": refused.reason}]
    content = _json(entries) if form == "json" else _xml("errors", entries)
    answer = answered(form, content, refused.status)
    if refused.retry_after_s:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    return answer


def answered(form: str, body: bytes, status: int = 200) -> Response:
    """Return the HTTP answer; everybody's browser programs may read it."""
    kept = f"public, max-age={FRESH_SECONDS}" if status == 200 else "no-store"
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": kept}
    return Response(body, status, headers, f"{MEDIA_TYPES[form]}; charset=utf-8")


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def _xml(name: str, content: Mapping[str, Any] | Sequence[Any]) -> bytes:
    root = etree.Element(name)
    _fill(root, content)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _fill(element: etree._Element, content: object) -> None:
    if isinstance(content, Mapping):
        for name, value in content.items():
            _fill(etree.SubElement(element, name), value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            _fill(etree.SubElement(element, ONE_OF[str(element.tag)]), value)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        # XML has no way to write most control characters.
        element.text = clean(content) if isinstance(content, str) else str(content)
