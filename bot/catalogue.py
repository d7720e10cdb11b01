"""The words of the conversation in all languages."""

from __future__ import annotations

from pathlib import Path

from core.languages import Catalogue

WORDS = Catalogue(Path(__file__).parent / "locales")
