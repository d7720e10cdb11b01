"""Posters for evacuation sites: a page to print, with a QR code for each site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import segno

from bot.catalogue import WORDS
from bot.dialogues.check_in import POSTER_TITLE, POSTER_WORDS, check_in_link
from city.city import City
from city.shelters import Shelter
from core.languages import LANGUAGES
from core.web import templates

SCALE = 8
"""Pixels of a module; the page scales the drawing to the paper."""


@dataclass(frozen=True)
class Poster:
    """One sheet: the site, and its code as an SVG drawing."""

    site: Shelter
    link: str
    code: str


def posters(city: City, sites: Sequence[Shelter], line_id: str) -> str:
    """Return the page: a sheet of A4 for each site, with the words in all the city's languages."""
    sheets = []
    for site in sites:
        link = check_in_link(line_id, site.code)
        drawn = segno.make(link, error="q", micro=False)
        code = drawn.svg_inline(scale=SCALE, border=4, omitsize=True)
        sheets.append(Poster(site, link, code))
    words = [
        (LANGUAGES[code], WORDS.text(code, POSTER_TITLE), WORDS.text(code, POSTER_WORDS))
        for code in city.languages
    ]
    page = templates(Path(__file__).parent / "templates").get_template("posters.html")
    return page.render(city=city, sheets=sheets, words=words)
