"""The styles of a page: one small file, with the city's colour where it can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import public
from core.contrast import AA_TEXT, contrast
from public.look_pages import colours_of, shared_styles
from tests.support.office import Office

MOST_STYLES = 30_000
"""Bytes of all styles of a page for residents, before compression."""


async def test_a_page_for_residents_has_little_to_load(office: Office) -> None:
    browser = await office.browser()
    look = await browser.get("/look.css")
    assert look.status == 200 and look.headers["Content-Type"] == "text/css; charset=utf-8"
    assert f"--city-colour:{office.context.city.colour}" in look.body
    own = Path(public.__file__).with_name("static") / "public.css"
    assert len(look.body.encode()) + own.stat().st_size < MOST_STYLES
    page = await browser.get("/")
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.body)
    assert sheets == ["/look.css", "/static/public/public.css"]


def test_the_small_file_says_the_same() -> None:
    styles = shared_styles()
    assert "/*" not in styles and "\n" not in styles
    assert styles.count("{") == styles.count("}")
    assert ":focus-visible{outline:" in styles and 'input:not([type="checkbox"],' in styles


@pytest.mark.parametrize("colour", ["#ffe100", "#0017c1", "#7f7f7f", "#000000", "#ffffff"])
def test_words_in_the_citys_colour_can_be_read(colour: str) -> None:
    found = dict(re.findall(r"--([\w-]+):([^;}]+)", colours_of(colour).partition("@media")[0]))
    assert contrast(found["city-colour"], found["city-colour-text"]) >= AA_TEXT
    ink = found["city-ink"]
    assert ink == "var(--ink)" or contrast(ink, "#ffffff") >= AA_TEXT
