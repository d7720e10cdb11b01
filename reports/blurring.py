"""Make faces and number plates unreadable in a photo, for ever.

What is under an area is averaged to a few coarse squares, gets noise that nobody can guess, and is
smoothed. So little is left that no program brings a face or a plate back (a finer mosaic can be
undone: plates have been read from one by trying all numbers). The result is a new picture; nothing
of the first one is in it outside these pixels, and no metadata.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageChops, ImageFilter

from core.errors import BadInput
from reports.decoding import QUALITY, THUMBNAIL_SIDE
from reports.reasons import reason

MOST_AREAS = 40
SQUARES = 4
"""Squares along the longer side of an area: of a plate no digit has one of its own."""
NOISE = 24
"""Levels of 256 by which a square's colour is moved at most, each way."""
STEPS = 16
"""Levels of each colour that are left."""
WIDER = 0.08
"""Of an area's size: how far beyond its sides it is covered, for a hand that draws quickly."""
LEAST_PIXELS = 4


@dataclass(frozen=True)
class Area:
    """A rectangle of a picture, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the area of ``left,top,width,height``.

        Raises
        ------
        BadInput
            It is not four numbers, or has no size.
        """
        parts = text.split(",")
        if len(parts) != 4 or not all(
            part.isascii() and part.isdecimal() and len(part) <= 5 for part in parts
        ):
            raise BadInput(reason("photo.area"))
        left, top, width, height = map(int, parts)
        if not width or not height:
            raise BadInput(reason("photo.area"))
        return cls(left, top, width, height)

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom, a little wider, within a picture of this size.

        Raises
        ------
        BadInput
            The area is not in the picture.
        """
        wide = max(LEAST_PIXELS, round(self.width * WIDER))
        high = max(LEAST_PIXELS, round(self.height * WIDER))
        left, top = max(0, self.left - wide), max(0, self.top - high)
        right = min(size[0], self.left + self.width + wide)
        bottom = min(size[1], self.top + self.height + high)
        if self.left >= size[0] or self.top >= size[1]:
            raise BadInput(reason("photo.area"))
        return left, top, right, bottom


def areas_of(texts: Sequence[str]) -> tuple[Area, ...]:
    """Return the areas of a form.

    Raises
    ------
    BadInput
        One cannot be read, or there are more than :data:`MOST_AREAS`.
    """
    if len(texts) > MOST_AREAS:
        raise BadInput(reason("photo.areas", most=MOST_AREAS))
    return tuple(map(Area.read, texts))


def blurred(data: bytes, areas: Sequence[Area]) -> tuple[bytes, bytes]:
    """Return a photo without what is under the areas, and its thumbnail, as JPEG.

    Parameters
    ----------
    data
        A photo of ours, as ``reports.decoding`` made it.
    """
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as opened:
        picture = opened.convert("RGB")
    for area in areas:
        box = area.box(picture.size)
        picture.paste(_covered(picture.crop(box)), box[:2])
    small = picture.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return _encoded(picture), _encoded(small)


def _covered(part: Image.Image) -> Image.Image:
    longer = max(part.size)
    wide, high = (max(1, round(SQUARES * side / longer)) for side in part.size)
    coarse = part.resize((wide, high), Image.Resampling.BOX)
    level = 256 // STEPS
    coarse = coarse.point([at // level * level + level // 2 for at in range(256)] * 3)
    # Noise of a secret source: the same photo blurred twice says no more than once.
    noise = Image.frombytes("RGB", coarse.size, secrets.token_bytes(3 * wide * high))
    noise = noise.point([round(at * 2 * NOISE / 255) for at in range(256)] * 3)
    coarse = ImageChops.add(coarse, noise, 1, -NOISE)
    covered = coarse.resize(part.size, Image.Resampling.NEAREST)
    return covered.filter(ImageFilter.GaussianBlur(longer / SQUARES / 3))


def _encoded(picture: Image.Image) -> bytes:
    output = io.BytesIO()
    picture.info.clear()
    picture.save(output, "JPEG", quality=QUALITY, optimize=True)
    return output.getvalue()
