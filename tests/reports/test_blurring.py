"""Faces and plates are covered so that nobody brings them back."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageStat

from core.errors import BadInput
from reports.blurring import MOST_AREAS, Area, areas_of, blurred
from reports.decoding import shrink

PLATE = Area(200, 150, 160, 60)


def street(plate: str) -> bytes:
    """A photo of noise with a plate in it, as we store photos."""
    dice = random.Random(7)
    picture = Image.frombytes("RGB", (640, 480), dice.randbytes(640 * 480 * 3))
    picture = picture.filter(ImageFilter.GaussianBlur(2))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((200, 150, 360, 210), "white")
    draw.text((215, 155), plate, "black", font_size=44)
    output = io.BytesIO()
    picture.save(output, "JPEG", quality=95)
    said, content = shrink(output.getvalue())
    return content[: said["size"]]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def difference(one: Image.Image, other: Image.Image, box: tuple[int, int, int, int]) -> float:
    left, right = (ImageStat.Stat(picture.crop(box)).mean for picture in (one, other))
    pixels = zip(one.crop(box).tobytes(), other.crop(box).tobytes(), strict=True)
    assert left and right
    total = [abs(a - b) for a, b in pixels]
    return sum(total) / len(total)


def test_what_is_not_under_an_area_stays() -> None:
    photo = street("12-34")
    full, small = blurred(photo, [PLATE])
    assert opened(full).size == (640, 480) and max(opened(small).size) == 320
    assert difference(opened(photo), opened(full), (0, 0, 150, 480)) < 3
    assert difference(opened(photo), opened(full), (205, 155, 355, 205)) > 20


def test_two_plates_look_the_same_when_covered() -> None:
    """The difference of two plates is smaller than that of one plate covered twice."""
    box = (200, 150, 360, 210)
    one, other = (opened(blurred(street(plate), [PLATE])[0]) for plate in ("12-34", "98-70"))
    again = opened(blurred(street("12-34"), [PLATE])[0])
    assert difference(one, other, box) < 2.5 * difference(one, again, box) + 4
    # No stroke is left: neighbouring pixels hardly differ.
    inner = one.crop((208, 158, 352, 202)).convert("L")
    steps = [
        abs(inner.getpixel((x + 1, y)) - inner.getpixel((x, y)))  # type: ignore[operator]
        for y in range(inner.height)
        for x in range(inner.width - 1)
    ]
    assert max(steps) < 24


def test_the_copy_has_no_metadata_and_nothing_of_the_photo_in_it() -> None:
    photo = street("12-34")
    full, small = blurred(photo, [PLATE])
    for data in (full, small):
        picture = Image.open(io.BytesIO(data))
        assert (
            not picture.getexif() and "comment" not in picture.info and "exif" not in picture.info
        )
    assert photo[500:700] not in full


def test_an_area_at_the_edge_is_covered_to_the_edge() -> None:
    photo = street("12-34")
    full, _ = blurred(photo, [Area(600, 440, 500, 500)])
    assert difference(opened(photo), opened(full), (610, 450, 640, 480)) > 5


@pytest.mark.parametrize(
    "text",
    ["", "1,2,3", "1,2,3,4,5", "-1,2,3,4", "a,b,c,d", "1,2,0,4", "1.5,2,3,4", "1,2,٣,4"],
)
def test_what_is_no_area_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Area.read(text)


def test_an_area_outside_and_too_many_areas_are_refused() -> None:
    with pytest.raises(BadInput):
        blurred(street("1"), [Area(640, 0, 10, 10)])
    with pytest.raises(BadInput):
        areas_of(["1,1,9,9"] * (MOST_AREAS + 1))
