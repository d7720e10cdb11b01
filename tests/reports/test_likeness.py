"""Photos of one thing have fingerprints that differ in few bits."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw, ImageEnhance

from reports.likeness import ALIKE, dhash, differing_bits, is_plain


def scene(seed: int) -> Image.Image:
    """A road with things on it, as different from another as two photos are."""
    made = random.Random(seed)
    image = Image.new("RGB", (640, 480), (made.randrange(90, 200),) * 3)
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = made.randrange(640), made.randrange(480)
        size = made.randrange(40, 240)
        draw.ellipse((x, y, x + size, y + size), fill=tuple(made.randrange(256) for _ in range(3)))
    return image


def test_the_same_picture_smaller_darker_and_compressed_again_is_alike() -> None:
    one = scene(1)
    output = io.BytesIO()
    ImageEnhance.Brightness(one.resize((200, 150))).enhance(0.7).save(output, "JPEG", quality=40)
    again = Image.open(io.BytesIO(output.getvalue()))
    assert differing_bits(dhash(one), dhash(again)) <= ALIKE


def test_other_pictures_are_not_alike() -> None:
    marks = [dhash(scene(seed)) for seed in range(12)]
    far = [differing_bits(a, b) for n, a in enumerate(marks) for b in marks[n + 1 :]]
    assert min(far) > ALIKE


def test_a_fingerprint_fits_a_signed_column_and_nothing_is_lost() -> None:
    for seed in range(30):
        mark = dhash(scene(seed))
        assert -(2**63) <= mark < 2**63
        assert differing_bits(mark, mark) == 0
    assert differing_bits(-1, 0) == 64


def test_a_dark_picture_is_known_as_one() -> None:
    assert is_plain(dhash(Image.new("RGB", (300, 200), "black")))
    assert not is_plain(dhash(scene(3)))
