"""LINE's answers other than success, as the kinds that every medium has."""

from __future__ import annotations

from channels.line.reasons import reason
from channels.responses import About, Busy, ChannelRefused, QuotaReached, Refused, Unavailable
from core.errors import Permanent

__all__ = [
    "Forbidden",
    "LineBusy",
    "LineRefused",
    "LineUnavailable",
    "QuotaReached",
    "TokenRefused",
    "TooLarge",
]


class LineUnavailable(Unavailable):
    """A 5xx, a timeout or a broken connection: whether LINE acted is not known."""


class LineBusy(Busy):
    """429: above the rate limit. LINE did not act."""


class LineRefused(Refused):
    """A 4xx that says our request is wrong. LINE did not act.

    Parameters
    ----------
    status
        The HTTP status.
    answer
        LINE's own words.
    details
        What LINE adds to them, such as which property it objects to.
    properties
        The properties to which LINE objects, such as ``messages[0].text`` or ``to``.
    """

    def __init__(
        self, status: int, answer: str, properties: tuple[str, ...] = (), details: str = ""
    ) -> None:
        super().__init__(
            reason("line.refused", status=status, words=answer, details=details),
            _about(status, properties),
        )
        self.status = status
        self.answer = answer
        self.properties = properties


def _about(status: int, properties: tuple[str, ...]) -> About:
    if status == 413:
        return About.BATCH
    if status != 400:
        return About.OTHER
    about_messages = any(name.startswith("messages") for name in properties)
    return About.MESSAGE if about_messages else About.UNSAID


class TokenRefused(ChannelRefused):
    """401 or 403: the channel access token is wrong, or may not do this. LINE did not act."""


class Forbidden(TokenRefused):
    """403: LINE does not open this to the account, such as to one that is not verified."""


class TooLarge(Permanent):
    """LINE's data is larger than our limit."""
