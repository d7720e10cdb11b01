"""Decode, check and shrink a picture, and remove its metadata.

A picture is hostile until decoded here: bytes, pixels and passes are limited before anything is
decoded, only JPEG, PNG, WebP and HEIC are read, and only our own encoding is stored. The module
imports little, because a child of ``core.child`` imports it for every picture.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any

from PIL import ExifTags, Image, UnidentifiedImageError

from core.errors import BadInput

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 60_000_000
"""More than any phone's photo through LINE; a picture of 200 megapixels is refused unread."""
LONGEST_SIDE = 2048
QUALITY = 85
MAX_SCANS = 64
"""Passes of a progressive JPEG, thumbnails' included; cameras and editors make about ten. Each
costs as much as the whole picture and takes a few bytes in the file."""
_START_OF_SCAN = b"\xff\xda"
_FORMATS = ("JPEG", "PNG", "WEBP")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by the orientation in its metadata (Exif 3.0, 4.6.5)."""
_BROKEN = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
"""Broken files make the decoders fail in ways of their own; all mean the same."""
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""ISO/IEC 23008-12: how the file of an iPhone's camera begins, after ``ftyp``."""


class PhotoRefused(BadInput):
    """A photo cannot be taken. ``kind`` is ``too-large`` or ``unreadable``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def decode_picture(data: bytes) -> tuple[Image.Image, tuple[float, float] | None]:
    """Return the picture upright, at most :data:`LONGEST_SIDE` long, and where it was taken."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=_formats_of(data))
        with opened:
            # MPO is a JPEG file with more pictures behind the first.
            if opened.format in ("JPEG", "MPO") and data.count(_START_OF_SCAN) > MAX_SCANS:
                raise PhotoRefused("too-large", "The photo is drawn over itself too often.")
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise PhotoRefused("too-large", f"The photo has {width} x {height} pixels.")
            taken_at = _place_of(opened)
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            turn = _TURNS.get(_orientation(opened))
            smaller = _shrunk(opened)
            upright = smaller if turn is None else smaller.transpose(turn)
            return _opaque(upright), taken_at
    except Image.DecompressionBombError as error:
        raise PhotoRefused("too-large", "The photo has too many pixels.") from error
    except PhotoRefused:
        raise
    except (UnidentifiedImageError, *_BROKEN) as error:
        raise PhotoRefused("unreadable", "The file is not a photo that can be read.") from error


def _formats_of(data: bytes) -> tuple[str, ...]:
    """Return the formats that the data may have; the decoder of HEIC is loaded for HEIC alone."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIC_BRANDS:
        return _FORMATS
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return ("HEIF",)


def _shrunk(image: Image.Image) -> Image.Image:
    """Return the picture at most :data:`LONGEST_SIDE` long.

    It is first reduced by whole factors. Other ways need more copies of the full size, and a file
    of some kilobytes can decode to hundreds of megabytes.
    """
    image.load()
    steps = max(image.size) // LONGEST_SIDE
    if steps > 1 and image.mode in ("RGB", "RGBA", "L", "LA", "CMYK"):
        smaller = image.reduce(steps)
        smaller.info.update(image.info)
    else:
        smaller = image
    smaller.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return smaller


def _orientation(image: Image.Image) -> int:
    """Return how the picture lies, as its metadata says; 1 is upright, or unreadable metadata.

    Only this one value is read: cameras write others that nobody can write back.
    """
    try:
        said = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _BROKEN:
        return 1
    return said if isinstance(said, int) else 1


def _opaque(image: Image.Image) -> Image.Image:
    """Return the picture in RGB, with white for transparent parts."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I;16"):
        # Pillow would cut off what is brighter than 255 instead of scaling it.
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGB", rgba.size, "white")
        ground.paste(rgba, mask=rgba.getchannel("A"))
        return ground
    return image.convert("RGB")


def as_jpeg(image: Image.Image, side: int) -> tuple[bytes, int, int]:
    """Return JPEG bytes without any metadata, and their width and height."""
    smaller = image.copy()
    smaller.info.clear()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
    output = io.BytesIO()
    smaller.save(output, "JPEG", quality=QUALITY, optimize=True)
    return output.getvalue(), smaller.width, smaller.height


def _place_of(image: Image.Image) -> tuple[float, float] | None:
    """Return longitude and latitude from the photo's metadata, if they are there and valid."""
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], "S")
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], "W")
    except _BROKEN:
        return None
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90) or longitude == latitude == 0:
        return None
    return longitude, latitude


def _degrees(parts: Any, reference: Any, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(reference).upper().startswith(negative) else value
