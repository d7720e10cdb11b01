"""The possible answers of a medium: it accepted the messages, or why not."""

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
    """No answer, or none that can be believed. We do not know whether the medium acted.

    The same request is tried again with the same key.
    """

    may_have_acted = True


class Unreached(Unavailable):
    """No answer, and the medium surely did not act: the request never got there whole."""

    may_have_acted = False


class Busy(Retryable):
    """We are too fast. The medium did not act. It is tried again later, and more slowly."""


class Later(Retryable):
    """Not now, and only for this request. The medium did not act. Other requests go on.

    For example a mail server that wants a stranger's mail to come again in some minutes.
    """


class About(StrEnum):
    """What a refusal is about."""

    MESSAGE = "message"
    """The message: no batch of its variant is ever tried again."""
    BATCH = "batch"
    """This request: it is not tried again."""
    UNSAID = "unsaid"
    """The message or one of the recipients. To find out which, the engine has the message
    checked, and cuts the batch in two until the refused recipient is alone."""
    OTHER = "other"
    """Something else: it waits until a person has decided, and an emergency is tried again."""


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
    """The address no longer exists. The medium did not act.

    In a batch of several, one of them is gone. The batch is cut in two until that one is alone.
    """


class ChannelRefused(Permanent):
    """The medium refuses us, for example because of a wrong token. It did not act.

    The whole channel stops until :meth:`Medium.check` succeeds.
    """


class QuotaReached(Permanent):
    """The quota is used up. The medium did not act. A person decides."""
