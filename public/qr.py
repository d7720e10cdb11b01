"""QR codes within a page."""

from __future__ import annotations

import segno
from markupsafe import Markup


def code_picture(address: str) -> Markup:
    """Return an address as a QR code: an SVG element of paths and numbers."""
    drawn = segno.make(address, error="m", micro=False)
    return Markup(  # noqa: S704 - nothing of the address itself is in it
        drawn.svg_inline(border=4, light="#fff", dark="#000", omitsize=True)
    )
