"""Errors of incoming items; each is stored and shown to staff."""

from __future__ import annotations

from core.errors import Permanent
from core.reason import Reason
from feeds.reasons import reason


class Unreadable(Permanent):
    """It is broken, too large, unsafe, or says something this service does not understand."""


class UnknownKind(Permanent):
    """A well-formed telegram of a kind this service does not know."""


def unexpected(error: Exception) -> Reason:
    """Return a fault of our own as a reason: what no code foresaw."""
    return reason("reader.broke", error=type(error).__name__, text=error)
