"""Shrink a photo of a report for storing: two JPEG files and what there is to say of them.

What is hostile in a photo is dealt with in ``core.pictures``. The module imports little, because a
child of ``core.child`` imports it for every photo.
"""

from __future__ import annotations

from typing import Any

from PIL import Image

from core.pictures import (
    LONGEST_SIDE,
    MAX_BYTES,
    MAX_SCANS,
    QUALITY,
    PhotoRefused,
    as_jpeg,
    decode_picture,
)
from reports.likeness import dhash

__all__ = [
    "LONGEST_SIDE",
    "MAX_BYTES",
    "MAX_SCANS",
    "QUALITY",
    "THUMBNAIL_SIDE",
    "PhotoRefused",
    "decode_picture",
    "encoded",
    "shrink",
]

THUMBNAIL_SIDE = 320


def shrink(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what there is to say of a photo, and two JPEG files: the photo and its thumbnail.

    ``size`` is the length of the first; ``refused`` says why a photo is not taken.
    """
    try:
        if len(data) > MAX_BYTES:
            raise PhotoRefused("too-large", f"The photo is larger than {MAX_BYTES} bytes.")
        image, taken_at = decode_picture(data)
    except PhotoRefused as refusal:
        return {"refused": refusal.kind, "message": str(refusal)}, b""
    with image:
        said, content = encoded(image)
    return {**said, "taken_at": taken_at}, content


def encoded(image: Image.Image) -> tuple[dict[str, Any], bytes]:
    """Return what there is to say of a picture in RGB, and its two files, as :func:`shrink`."""
    full, width, height = as_jpeg(image, LONGEST_SIDE)
    small, _, _ = as_jpeg(image, THUMBNAIL_SIDE)
    said = {
        "width": width,
        "height": height,
        "size": len(full),
        "taken_at": None,
        "dhash": dhash(image),
    }
    return said, full + small
