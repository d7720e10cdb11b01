"""The words of the map (``static/maps/map.js``), which a page carries in its head."""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.languages import mark, tag_of
from public.words import CATALOGUE

WORDS = {
    "zoom_in": mark("Zoom in"),
    "zoom_out": mark("Zoom out"),
    "close": mark("Close"),
    "north": mark("North is at the top"),
    "layers": mark("What the map shows"),
    "districts": mark("Districts"),
    "rivers": mark("Rivers"),
    "place": mark("Address or place"),
    "search": mark("Search"),
    "nothing": mark("Nothing was found."),
    "places_here": mark("{n} places here"),
    "no_tiles": mark(
        "The map has no background now. It shows the city's data: districts, danger areas, rivers."
    ),
    "failed": mark("The places could not be loaded. Please open the page again."),
}


def map_words(language: str, more: Mapping[str, str] | None = None) -> str:
    """Return the words of a reader's language as JSON; ``more`` are words of some pages only."""
    said = {name: CATALOGUE.text(language, message, n="{n}") for name, message in WORDS.items()}
    return json.dumps({"language": tag_of(language), **said, **(more or {})}, ensure_ascii=False)
