"""What LINE can answer but yes, split into what is tried again and what never is."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Permanent, Retryable


class LineUnavailable(Retryable):
    """A 5xx, a timeout or a broken connection: whether LINE acted is not known."""


class LineBusy(Retryable):
    """429: above the rate limit. LINE did not act."""


class LineRefused(Permanent):
    """A 4xx that says our request is wrong. LINE did not act.

    Parameters
    ----------
    status
        The HTTP status.
    answer
        LINE's own words.
    properties
        The properties LINE objects to, such as ``messages[0].text`` or ``to``.
    """

    def __init__(self, status: int, answer: str, properties: tuple[str, ...] = ()) -> None:
        super().__init__(f"LINE answered {status}: {answer}")
        self.status = status
        self.answer = answer
        self.properties = properties

    @property
    def is_about_content(self) -> bool:
        """Whether it is about what is said or to whom, and not about how LINE is reached."""
        return self.status in (400, 413)


class TokenRefused(Permanent):
    """401 or 403: the channel access token is wrong, or may not do this. LINE did not act."""


class QuotaReached(Permanent):
    """429 because the month's messages are used up, not because of the rate. LINE did not act."""


class TooLarge(Permanent):
    """What LINE sends is larger than what we take."""


@dataclass(frozen=True)
class Accepted:
    """LINE has taken a request.

    ``repeated`` when it had taken the same retry key before (409); ``request_id`` is then
    that of the request it acted on.
    """

    request_id: str
    repeated: bool = False
