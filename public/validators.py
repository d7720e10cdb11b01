"""Answers for programs that ask again and again: what did not change is not sent again.

``ETag`` is a digest of the answer. ``Last-Modified`` is when this process first saw this answer at
this address: what a feed says can change without a newer notice, as when a danger ends by the
clock. Another process, or this one after a start, then sends an answer once more, and never the
word that nothing changed when something did.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request, Response

from public.pages import cached

MOST = 2000
"""Addresses that are remembered."""


class FirstSeen:
    """When the present answer of each address was first seen, in whole seconds."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def at(self, address: str, etag: str, now: datetime) -> datetime:
        """Return when the answer was first seen; ``now`` if it is another than before."""
        known = self._seen.get(address)
        if known is None or known[0] != etag:
            later = now.astimezone(UTC).replace(microsecond=0)
            if known is not None:
                # Two answers of one second must not have the same date.
                later = max(later, known[1] + timedelta(seconds=1))
            known = (etag, later)
        self._seen[address] = known
        self._seen.move_to_end(address)
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return known[1]


def validated(request: Request, body: bytes, media_type: str, now: datetime) -> Response:
    """Answer with ``ETag`` and ``Last-Modified``, or with 304 (RFC 9110, 13.1).

    Any page of the web may read it.
    """
    response = cached(request, body, media_type)
    state = request.app.state
    if not hasattr(state, "first_seen"):
        state.first_seen = FirstSeen()
    address = f"{request.url.path}?{request.url.query}?{request.headers.get('accept-language', '')}"
    seen = state.first_seen.at(address[:1000], response.headers["ETag"], now)
    if _not_since(request, seen):
        response = Response(status_code=304, headers=dict(response.headers))
        del response.headers["Content-Length"], response.headers["Content-Type"]
    response.headers["Last-Modified"] = format_datetime(seen, usegmt=True)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _not_since(request: Request, seen: datetime) -> bool:
    """Whether the caller has the present answer, as far as dates say that.

    With ``If-None-Match`` dates are not looked at.
    """
    asked = request.headers.get("if-modified-since", "")
    if not asked or "if-none-match" in request.headers:
        return False
    try:
        since = parsedate_to_datetime(asked[:60])
    except ValueError:
        return False
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return since >= seen
