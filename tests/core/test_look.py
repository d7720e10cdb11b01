"""The styles that all pages share: tokens in use, colours that can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.contrast import AA_SHAPE, AA_TEXT, contrast, text_on
from core.make_design_tokens import HERE, STYLES, USED, WRITTEN, used_names, written_names

SHEETS = [file for folder in STYLES for file in sorted((HERE.parent / folder).glob("*.css"))]
ALONE = ("plain.css", "signage.css", "rehearsal.css")
"""Styles of pages that stand alone."""
GIVEN_BY_PAGES = {"city-colour", "city-colour-text", "city-ink", "city-edge"}


def test_the_vendored_tokens_are_those_in_use() -> None:
    """``core/make_design_tokens.py`` says how to make the file again."""
    referred = set(USED.findall(WRITTEN.read_text("utf-8")))
    assert used_names() <= written_names()
    assert written_names() <= used_names() | referred


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda file: file.name)
def test_no_style_sheet_uses_a_property_that_nobody_gives(sheet: Path) -> None:
    if sheet.name in ALONE:
        pytest.skip("stands alone")
    everywhere = "".join(file.read_text("utf-8") for file in SHEETS if file.name not in ALONE)
    given = set(re.findall(r"--([\w-]+)\s*:", everywhere)) | GIVEN_BY_PAGES
    assert set(re.findall(r"var\(--([\w-]+)\)", sheet.read_text("utf-8"))) <= given


# Contrasts of WCAG's own examples (understanding 1.4.3) and of the two extremes.
@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#000000", "#ffffff", 21.0), ("#767676", "#ffffff", 4.54), ("#ff0000", "#ffffff", 4.0)],
)
def test_contrast_is_counted_as_the_guidelines_do(one: str, other: str, expected: float) -> None:
    assert contrast(one, other) == pytest.approx(expected, abs=0.01)
    assert contrast(other, one) == contrast(one, other)


def test_on_every_colour_there_is_text_that_can_be_read() -> None:
    steps = range(0, 256, 15)
    for ground in (f"#{r:02x}{g:02x}{b:02x}" for r in steps for g in steps for b in steps):
        assert contrast(ground, text_on(ground)) >= AA_TEXT


@pytest.mark.parametrize("wrong", ["", "red", "#12", "#gggggg", "url(x)", "#123456;}"])
def test_what_is_no_colour_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no colour"):
        contrast(wrong, "#ffffff")
    assert AA_SHAPE < AA_TEXT
