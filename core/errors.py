"""The two kinds of failure, as types: try again, or never again."""

from __future__ import annotations

from core.reason import Reason, other


class TodokeError(Exception):
    """Anything Todoke itself reports.

    Parameters
    ----------
    message
        Why, as a reason with a code (``core.reason``). One clear English sentence is enough where
        only those who run Todoke read it. ``str`` of the error is the English sentence.
    """

    def __init__(self, message: Reason | str = "") -> None:
        super().__init__(str(message))
        self.reason = message if isinstance(message, Reason) else other(message)


class Retryable(TodokeError):
    """The same thing may succeed later: a timeout, a 5xx, a locked database.

    Parameters
    ----------
    message
        Why, as for :class:`TodokeError`.
    retry_after
        Seconds after which the other side asked to be tried again, when it said so.
    """

    def __init__(self, message: Reason | str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(TodokeError):
    """Trying again cannot help: bad input, a refusal, a rule that forbids it."""


class BadInput(Permanent):
    """Input that cannot be accepted; the message says what and why."""


class Refusal(BadInput):
    """Something that a person asked for is not possible.

    It carries a message and values, so that a page can show it in the reader's language. ``str()``
    gives the English sentence.

    Parameters
    ----------
    message
        A msgid of the catalogue of the package that shows it, with placeholders for ``values``.
    """

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message = message
        self.values = values
