"""Read the recipients of a multicast without parsing five hundred strings of JSON.

Senders write ``"to":["U…","U…"]`` in one of few ways. When a body is written in one of them, its
ids are found by position and tested all at once with operations on bytes; when it is not, the
caller parses it as any other JSON.
"""

from __future__ import annotations

import re
from typing import NamedTuple

USER_ID = re.compile(r"U[0-9a-f]{32}")
_ID_LENGTH = 33
_OPENINGS = (b'"to":["', b'"to": ["')


class SplitBody(NamedTuple):
    """The ids as 16 bytes each, and the JSON of everything but ``to``."""

    packed: bytes
    rest: bytes


def split_multicast(body: bytes) -> SplitBody | None:
    """Take ``to`` out of a multicast's body, or ``None`` when it must be parsed instead.

    The result is always right: ids are well formed, and ``rest`` must still pass a check that
    refuses a second ``to``.
    """
    for opening in _OPENINGS:
        start = body.find(opening, 0, 16)
        if start < 0:
            start = body.rfind(opening)
        if start >= 0:
            break
    else:
        return None
    first = start + len(opening)
    end = body.find(b'"]', first)
    if end < 0:
        return None
    packed = _pack(body[first:end])
    if packed is None:
        return None
    before = body[:start].rstrip()
    after = body[end + 2 :].lstrip()
    # One of the two commas around ``to`` goes with it.
    if before.endswith(b","):
        before = before[:-1]
    elif after.startswith(b","):
        after = after[1:]
    return SplitBody(packed, before + after)


def _pack(ids: bytes) -> bytes | None:
    separator = b'","'
    if ids[_ID_LENGTH : _ID_LENGTH + 4] == b'", "':
        separator = b'", "'
    stride = _ID_LENGTH + len(separator)
    count, left = divmod(len(ids) + len(separator), stride)
    if left or not count or ids[::stride] != b"U" * count:
        return None
    for offset, character in enumerate(separator, _ID_LENGTH):
        if ids[offset::stride] != bytes((character,)) * (count - 1):
            return None
    digits = ids.translate(None, b'U", ').decode("ascii", "replace")
    # A letter or separator in the wrong place leaves too few digits; capitals are not LINE's.
    if len(digits) != 32 * count:
        return None
    try:
        packed = bytes.fromhex(digits)
    except ValueError:
        return None
    return packed if packed.hex() == digits else None
