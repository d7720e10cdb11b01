"""What can be wrong with something that came in; all of it is kept and shown to staff."""

from __future__ import annotations

from core.errors import Permanent


class Unreadable(Permanent):
    """It is broken, too large, unsafe, or says something this service does not understand."""


class UnknownKind(Permanent):
    """A well-formed telegram of a kind this service does not know."""
