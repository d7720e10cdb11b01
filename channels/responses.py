"""What a medium's answer means: it took the messages, or why not and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import Permanent, Retryable
from core.reason import Reason


@dataclass(frozen=True)
class Accepted:
    """The medium has accepted a request.

    ``repeated`` if it had accepted the same key before; ``request_id`` is then that of the request
    it acted on.
    """

    request_id: str
    repeated: bool = False


class Unavailable(Retryable):
    """No answer, or none that counts: whether the medium acted is not known.

    The same request is tried again with the same key.
    """


class Busy(Retryable):
    """Too fast. The medium did not act; it is tried again later, and more slowly."""


class About(StrEnum):
    """What a refusal is about."""

    MESSAGE = "message"
    """The message: no batch of its variant is ever tried again."""
    BATCH = "batch"
    """This request: it is not tried again."""
    UNSAID = "unsaid"
    """The message or one of the recipients. The engine finds out which: it has the message
    checked, and cuts the batch in two until who is refused is alone."""
    OTHER = "other"
    """Neither: it waits until a person has seen to it, and an emergency goes on trying."""


class Refused(Permanent):
    """The medium says that the request is wrong, and did not act.

    Parameters
    ----------
    why
        The reason, or the medium's own words.
    about
        What it objects to.
    """

    def __init__(self, why: Reason | str, about: About = About.UNSAID) -> None:
        super().__init__(why)
        self.about = about


class AddressGone(Permanent):
    """There is no such address any more. The medium did not act.

    For a batch of several, one of them is gone: it is cut in two until that one is alone.
    """


class ChannelRefused(Permanent):
    """The medium does not let us in, such as for a wrong token. It did not act.

    The whole channel stops until :meth:`Medium.check` succeeds.
    """


class QuotaReached(Permanent):
    """What we may send for now is used up. The medium did not act; a person decides."""
