"""What people type is kept as they mean it, and every format can write it."""

from __future__ import annotations

import pytest
from lxml import etree

from core.text import clean

NO_CHARACTERS = "\ufffe\uffff\ufdd0\ufdef\U0001fffe\U0010ffff"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("穴\u202eがある\u200b", "穴がある"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("\ud800家\udfff", "\ufffd家\ufffd"),
        (f"穴{NO_CHARACTERS}がある", "穴がある"),
        ("👨‍👩‍👧 बाटो", "👨‍👩‍👧 बाटो"),
        ("か\u3099", "が"),
    ],
)
def test_what_nobody_can_see_goes_and_everything_else_stays(typed: str, kept: str) -> None:
    assert clean(typed) == kept


def test_what_is_kept_can_be_written_in_xml() -> None:
    """Every character of Unicode, in its own and in the others' company."""
    for start in range(0, 0x110000, 0x1000):
        some = clean("".join(map(chr, range(start, start + 0x1000))))
        element = etree.Element("said")
        element.text = some
        assert etree.fromstring(etree.tostring(element)).text in (some, None)
