"""The city hall whose pages are asked for."""

from __future__ import annotations

from tests.support.office import office
from tests.support.town import sample

__all__ = ["office", "sample"]
