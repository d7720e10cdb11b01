"""Decide what the answer of a push service means (RFC 8030, RFC 8292)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from channels.responses import About, Accepted, AddressGone, Later, Refused, Unavailable
from channels.webpush.reasons import reason
from core.errors import Permanent, Retryable

TAKEN = (200, 201, 202, 204)
GONE = (404, 410)
"""The subscription has expired, or was given up by its browser (RFC 8030, 7.3)."""
MOST_RETRY_AFTER_SECONDS = 3600.0
MOST_WORDS = 200


class Waiting(Later):
    """One push service asked us to wait; the others are not concerned. It did not act."""


class KeyRefused(Permanent):
    """401 or 403: the push service refuses our token for this subscription. It did not act.

    Either our key or our clock is wrong, or somebody signed up a browser with another key. The
    client finds out which.
    """


def taken(status: int, headers: Mapping[str, str]) -> Accepted | None:
    """Return the acceptance; its id is the address of the message at the push service."""
    return Accepted(headers.get("Location", "")[:200]) if status in TAKEN else None


def failure(
    host: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> Retryable | Permanent:
    """Return the exception for an answer other than success.

    400 and 413 are about this request: another browser may have better keys, or its push service
    takes more. So nobody else's message is given up because of them.
    """
    words = body[:MOST_WORDS].decode("utf-8", "replace")
    after = retry_after(headers, now)
    if status in GONE:
        return AddressGone(reason("push.gone", host=host, status=status))
    if status == 429:
        return Waiting(reason("push.busy", host=host, status=status), retry_after=after)
    if status >= 500 or status in (408, 425) or status < 200:
        return Unavailable(reason("push.broken", host=host, status=status), retry_after=after)
    if status in (401, 403):
        return KeyRefused(reason("push.key-refused", host=host, status=status, words=words))
    if 300 <= status < 400:
        return Refused(reason("push.redirect", host=host), About.BATCH)
    return Refused(reason("push.refused", host=host, status=status, words=words), About.BATCH)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of ``Retry-After``: a number, or a date (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()[:64]
    if not value:
        return None
    if value.isascii() and value.isdecimal():
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return min(MOST_RETRY_AFTER_SECONDS, max(0.0, seconds))
