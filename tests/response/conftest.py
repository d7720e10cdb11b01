"""The town in which residents chat."""

from __future__ import annotations

from tests.support.town import make_town, media_dir, sample, settings, town

__all__ = ["make_town", "media_dir", "sample", "settings", "town"]
