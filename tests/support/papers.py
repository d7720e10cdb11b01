"""What is in a PDF."""

from __future__ import annotations

import re
import zlib


def opened(pdf: bytes) -> bytes:
    """Return a PDF with its compressed parts opened."""
    found = [pdf]
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(part))
        except zlib.error:
            continue
    return b"\n".join(found)


def fonts_of(pdf: bytes) -> set[str]:
    """Return the names of the fonts that are in a PDF, without the letters of a part."""
    names = re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z0-9]+)", opened(pdf))
    return {name.decode() for name in names}


def pages_of(pdf: bytes) -> int:
    """Return how many pages a PDF has."""
    return len(re.findall(rb"/Type\s*/Page\b", opened(pdf)))
