"""The residents of a batch as bytes: four bytes each, little-endian, in order of their ids."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

_BYTES = 4
_SWAPPED = sys.byteorder != "little"


def pack(ids: Iterable[int]) -> bytes:
    """Return resident ids (1 to 2**32 - 1) as bytes.

    Raises
    ------
    OverflowError
        An id does not fit.
    """
    packed = array("I", ids)
    if _SWAPPED:
        packed.byteswap()
    return packed.tobytes()


def unpack(members: bytes) -> array[int]:
    """Return the resident ids from the bytes that :func:`pack` made."""
    ids: array[int] = array("I")
    ids.frombytes(members)
    if _SWAPPED:
        ids.byteswap()
    return ids


def is_member(members: bytes | None, resident_id: int) -> bool:
    """Whether a resident is among ``members``."""
    if not members:
        return False
    wanted = resident_id.to_bytes(_BYTES, "little")
    at = members.find(wanted)
    while at >= 0:
        if at % _BYTES == 0:
            return True
        at = members.find(wanted, at + 1)
    return False
