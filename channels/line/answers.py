"""Decide what an answer to a request means, and whether it is LINE's at all.

Proxies, captive portals and load balancers between Todoke and LINE answer in its place if they have
a problem. Their answers do not say what LINE did. LINE's own answers have a request id, and their
bodies are JSON objects (Messaging API reference, "Common specifications"). Every other answer is
`LineUnavailable`: try again with the same retry key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.line.errors import (
    Forbidden,
    LineBusy,
    LineRefused,
    LineUnavailable,
    QuotaReached,
    TokenRefused,
)
from channels.line.reasons import reason
from channels.responses import Accepted

REQUEST_ID = "x-line-request-id"
TAKEN = (200, 202)
"""Done, or queued (a narrowcast)."""
ACCEPTED_ID = "x-line-accepted-request-id"
MONTHLY_LIMIT = "monthly limit"
"""LINE's words if the month's messages are used up; its 429s do not differ otherwise."""
MOST_RETRY_AFTER_SECONDS = 3600.0

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """A successful answer of LINE, in the form that line-bot-sdk needs."""

    status: int
    data: bytes
    headers: Headers
    reason: str = ""

    def getheaders(self) -> Headers:
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)


Failure = LineUnavailable | LineBusy | LineRefused | TokenRefused | QuotaReached


def accepted(status: int, headers: Headers, body: bytes, *, has_key: bool) -> Accepted | None:
    """Return LINE's acceptance of messages, or None if this answer is not one.

    Parameters
    ----------
    has_key
        Whether the request carried a retry key. A 409 then means that LINE accepted it before. Some
        proxies remove LINE's headers, so a 409 counts without them, but not with a page of HTML.
    """
    if status in TAKEN:
        request_id = headers.get(REQUEST_ID)
        if request_id and _object(body) is not None:
            return Accepted(request_id)
    elif status == 409 and has_key:
        accepted_id = headers.get(ACCEPTED_ID)
        if accepted_id is not None or not body.strip() or _object(body) is not None:
            return Accepted(accepted_id or "", repeated=True)
    return None


def is_success(status: int, headers: Headers) -> bool:
    """Whether LINE did a call that sends no messages."""
    return 200 <= status < 300 and bool(headers.get(REQUEST_ID))


def failure(status: int, headers: Headers, body: bytes) -> Failure:
    """Return the exception for an answer other than success."""
    found = _object(body)
    words, details, properties = _explanation(found, body)
    retry_after = _seconds(headers.get("Retry-After"))
    if status == 429:
        if found is not None and MONTHLY_LIMIT in words.lower():
            return QuotaReached(reason("quota.used-up", words=words, details=details))
        return LineBusy(reason("line.busy", words=words, details=details), retry_after=retry_after)
    theirs = found is None or "message" not in found or not headers.get(REQUEST_ID)
    if theirs or not 400 <= status < 500 or status == 408:
        code = "line.broken" if status >= 500 else "line.not-line"
        why = reason(code, status=status, words=words, details=details)
        return LineUnavailable(why, retry_after=retry_after)
    if status in (401, 403):
        refusal = Forbidden if status == 403 else TokenRefused
        return refusal(reason("line.refused", status=status, words=words, details=details))
    return LineRefused(status, words, properties, details)


def _object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a body, or None."""
    if body == b"{}":
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _explanation(found: dict[str, Any] | None, body: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Return the words of an error answer, its details, and the properties LINE objects to."""
    if found is None:
        return body[:200].decode("utf-8", "replace"), "", ()
    listed = found.get("details")
    details = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    said = [f"; {each.get('property', '')}: {each.get('message', '')}" for each in details]
    properties = tuple(str(each.get("property", "")) for each in details)
    return str(found.get("message", "")), "".join(said), properties


def _seconds(retry_after: str | None) -> float | None:
    """Return the seconds a Retry-After header asks for; LINE does not use dates."""
    try:
        return min(MOST_RETRY_AFTER_SECONDS, max(0.0, float(retry_after or "")))
    except ValueError:
        return None
