"""Photos of reports: checked, made smaller, freed of their metadata, stored by their hash.

A photo is hostile until decoded here: its size in bytes and pixels is limited before anything
is unpacked, only JPEG, PNG and WebP are read, and what is kept is our own re-encoding.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import warnings
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import structlog
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.errors import BadInput
from reports.models import Photo, Report, ReportState

MAX_PHOTOS = 4
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 60_000_000
"""More than any phone's photo through LINE; a picture of 200 megapixels is refused unread."""
LONGEST_SIDE = 2048
THUMBNAIL_SIDE = 320
QUALITY = 85
CONTENT_TYPE = "image/jpeg"
_FORMATS = ("JPEG", "PNG", "WEBP")

log = structlog.get_logger(__name__)


class PhotoRefused(BadInput):
    """A photo cannot be taken. ``reason`` is ``too-large`` or ``unreadable``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Picture:
    """A stored photo: named by its SHA-256, pixels as shown, bytes on disk.

    ``taken_at`` is where its metadata said it was taken (longitude, latitude); it is offered
    to the resident and kept only if they say so.
    """

    sha256: str
    width: int
    height: int
    size: int
    taken_at: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """What a dialogue keeps of it; never the place it was taken."""
        return {
            "sha256": self.sha256,
            "width": self.width,
            "height": self.height,
            "size": self.size,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        return cls(content["sha256"], content["width"], content["height"], content["size"])


def photo_path(media_dir: Path, sha256: str, *, thumbnail: bool = False) -> Path:
    """Return where a photo, or its thumbnail, is kept.

    Raises
    ------
    BadInput
        ``sha256`` is not 64 hexadecimal digits.
    """
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise BadInput("That is not the name of a photo.")
    name = f"{sha256}-small.jpg" if thumbnail else f"{sha256}.jpg"
    return media_dir / "photos" / sha256[:2] / name


def store_photo(media_dir: Path, data: bytes) -> Picture:
    """Check, re-encode and store a photo with its thumbnail. Takes a moment: run in a thread.

    Raises
    ------
    PhotoRefused
        It is too large, or not a photo that can be read.
    """
    if len(data) > MAX_BYTES:
        raise PhotoRefused("too-large", f"The photo is larger than {MAX_BYTES} bytes.")
    image, taken_at = _decode(data)
    with image:
        full = _encoded(image, LONGEST_SIDE)
        small = _encoded(image, THUMBNAIL_SIDE)
    content, width, height = full
    sha256 = hashlib.sha256(content).hexdigest()
    _write(photo_path(media_dir, sha256), content)
    _write(photo_path(media_dir, sha256, thumbnail=True), small[0])
    return Picture(sha256, width, height, len(content), taken_at)


def _decode(data: bytes) -> tuple[Image.Image, tuple[float, float] | None]:
    """Return the picture upright, at most :data:`LONGEST_SIDE` long, and where it was taken."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=_FORMATS)
        with opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise PhotoRefused("too-large", f"The photo has {width} x {height} pixels.")
            taken_at = _place_of(opened)
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(_shrunk(opened))
            return _opaque(upright), taken_at
    except Image.DecompressionBombError as error:
        raise PhotoRefused("too-large", "The photo has too many pixels.") from error
    except PhotoRefused:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise PhotoRefused("unreadable", "The file is not a photo that can be read.") from error
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        # Broken files make the decoders fail in ways of their own; all mean the same here.
        log.warning("photo unreadable", error=repr(error))
        raise PhotoRefused("unreadable", "The file is not a photo that can be read.") from error


def _shrunk(image: Image.Image) -> Image.Image:
    """Return the picture at most :data:`LONGEST_SIDE` long.

    Halved first in whole steps: every other way holds further copies of the full size, and a
    file of some kilobytes can unpack to hundreds of megabytes.
    """
    image.load()
    exif = image.getexif()
    steps = max(image.size) // LONGEST_SIDE
    if steps > 1 and image.mode in ("RGB", "RGBA", "L", "LA", "CMYK"):
        smaller = image.reduce(steps)
        smaller.info.update(image.info)
    else:
        smaller = image
    smaller.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    smaller.getexif().update(exif)
    return smaller


def _opaque(image: Image.Image) -> Image.Image:
    """Return the picture in RGB, on white where it was transparent."""
    if image.mode == "RGB":
        return image
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGB", rgba.size, "white")
        ground.paste(rgba, mask=rgba.getchannel("A"))
        return ground
    return image.convert("RGB")


def _encoded(image: Image.Image, side: int) -> tuple[bytes, int, int]:
    """Return JPEG bytes without any metadata, and their width and height."""
    smaller = image.copy()
    smaller.info.clear()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
    output = io.BytesIO()
    smaller.save(output, "JPEG", quality=QUALITY, optimize=True)
    return output.getvalue(), smaller.width, smaller.height


def _place_of(image: Image.Image) -> tuple[float, float] | None:
    """Return longitude and latitude from the photo's metadata, when they are there and sane."""
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], "S")
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], "W")
    except (KeyError, ValueError, TypeError, ZeroDivisionError, IndexError, SyntaxError, OSError):
        return None
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90) or longitude == latitude == 0:
        return None
    return longitude, latitude


def _degrees(parts: Any, reference: Any, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(reference).upper().startswith(negative) else value


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as output:
            output.write(content)
            output.flush()
            os.fsync(output.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


async def forget_old_photos(session: AsyncSession, days: int, now: datetime) -> int:
    """Delete the rows of photos whose reports were closed over ``days`` ago; return how many.

    The files go with :func:`sweep_files`, which removes what no row names any more.
    """
    closed = (ReportState.DONE, ReportState.DECLINED)
    old = select(Report.id).where(
        col(Report.state).in_(closed), col(Report.updated_at) < now - timedelta(days=days)
    )
    result = await session.execute(
        delete(Photo).where(col(Photo.report_id).in_(old)).returning(col(Photo.id))
    )
    return len(result.all())


async def sweep_files(
    session: AsyncSession, media_dir: Path, now: datetime, *, in_use: Collection[str] = ()
) -> int:
    """Remove files of photos that no report has; return how many photos went.

    Parameters
    ----------
    in_use
        Hashes of photos of reports still being written; they stay.
    now
        A file younger than a day stays as well: its report may be about to be stored.
    """
    named = set(await session.scalars(select(Photo.sha256))) | set(in_use)
    limit = (now - timedelta(days=1)).timestamp()
    gone = set()
    for path in sorted((media_dir / "photos").glob("*/*")):
        sha256 = path.stem.removesuffix("-small")
        if sha256 not in named and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
            gone.add(sha256)
    if gone:
        log.info("photos removed", count=len(gone))
    return len(gone)
