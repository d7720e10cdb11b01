"""What strangers send, unpacked in this process instead of a child of its own.

A child takes half a second to start, and what it makes of a feed or a photo is the same. That it
is a process with limits is tested in ``tests/feeds/test_feed_as_weapon.py`` and
``tests/reports/test_photos.py``.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

from core.child import Exhausted, Workshop


async def unpack_here(
    workshop: Workshop, data: bytes, options: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """Do what ``Workshop`` has a child do; takes the place of its ``_do``."""
    module, _, name = workshop.function.partition(":")
    work = getattr(importlib.import_module(module), name)
    passed = json.loads(json.dumps(options))
    try:
        said, content = await asyncio.to_thread(work, data, **passed)
    except Exception as error:
        raise Exhausted("It ended with 1.") from error
    return json.loads(json.dumps(said)), content
