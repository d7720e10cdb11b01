"""Whether two photos may show the same thing: a fingerprint of what a picture looks like.

The fingerprint is a dHash: the picture is made nine by eight grey dots, and each of 64 bits says
whether a dot is darker than the one to its right. Other sizes, brightness and compression change
few bits. It is not the proof of anything: people decide (``reports.cases``).
"""

from __future__ import annotations

from PIL import Image

ALIKE = 12
"""Most bits in which two pictures of one thing differ; by chance it is 32."""
_SIGN = 1 << 63


def dhash(image: Image.Image) -> int:
    """Return the fingerprint of a picture as a signed number of 64 bits, as databases keep it."""
    dots = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            at = 9 * row + column
            bits = bits << 1 | (dots[at] < dots[at + 1])
    return bits - (bits & _SIGN) * 2


def differing_bits(one: int, other: int) -> int:
    """Return in how many of 64 bits two fingerprints differ."""
    return ((one ^ other) & (2 * _SIGN - 1)).bit_count()


def is_plain(fingerprint: int) -> bool:
    """Whether a picture has so little in it, such as the dark, that it is like every other."""
    bits = differing_bits(fingerprint, 0)
    return bits <= 4 or bits >= 60
