"""Files that a page's form holds until somebody decides about them."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence

from core.errors import Refusal
from core.languages import mark
from core.uploads import Upload

NO_FILE = mark("Choose a file.")


def packed(files: Sequence[Upload]) -> str:
    """Return files as a text for a hidden field."""
    listed = [[one.name, base64.b64encode(one.content).decode()] for one in files]
    return base64.b64encode(zlib.compress(json.dumps(listed).encode(), 9)).decode()


def unpacked(text: str, most_bytes: int) -> tuple[Upload, ...]:
    """Return the files of a hidden field; at least one.

    Raises
    ------
    Refusal
        There is none, or the field was changed.
    """
    try:
        data = zlib.decompressobj().decompress(
            base64.b64decode(text, validate=True), 2 * most_bytes
        )
        found = tuple(Upload(name, base64.b64decode(content)) for name, content in json.loads(data))
    except (binascii.Error, zlib.error, ValueError, TypeError) as error:
        raise Refusal(NO_FILE) from error
    if not any(one.content for one in found):
        raise Refusal(NO_FILE)
    return found
