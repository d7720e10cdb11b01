"""Where the project, its sample city and the official samples are."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE_CITY = PROJECT / "deploy" / "city"
SHARED_DATA = PROJECT.parent / "shared" / "data"
"""Official descriptions, samples and codes, which are not part of the project."""
