"""The two kinds of failure, as types: try again, or never again."""

from __future__ import annotations


class TodokeError(Exception):
    """Anything Todoke itself reports; the message is one clear sentence for a person."""


class Retryable(TodokeError):
    """The same thing may succeed later: a timeout, a 5xx, a locked database.

    Parameters
    ----------
    message
        One sentence.
    retry_after
        Seconds after which the other side asked to be tried again, when it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(TodokeError):
    """Trying again cannot help: bad input, a refusal, a rule that forbids it."""


class BadInput(Permanent):
    """What a person or machine handed in cannot be taken; the message says what and why."""
