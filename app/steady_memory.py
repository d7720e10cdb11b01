"""Keep garbage collection from stopping a process for long.

A full collection looks at every object that may be part of a cycle, and nothing else runs
meanwhile: with the catalogues, templates and statements that a process loads, 300 to 450 ms, in
which no page is answered and nothing is sent. What is loaded stays, so it is put out of the
collector's sight (``gc.freeze``): at the start, and again after full collections that took long,
because much is loaded when it is first used.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LONG_SECONDS = 0.03
"""A full collection that takes longer found much that stays."""
MOST_TIMES = 20
"""What is frozen and becomes a cycle that nobody needs is not freed, so this has an end."""


@contextmanager
def steady_memory(timer: Callable[[], float] = time.perf_counter) -> Iterator[None]:
    """Freeze what is loaded now, and later what long collections left."""
    begun, left = 0.0, MOST_TIMES

    def look(phase: str, info: dict[str, Any]) -> None:
        nonlocal begun, left
        if phase == "start":
            begun = timer()
        elif info["generation"] == 2 and left and timer() - begun > LONG_SECONDS:
            left -= 1
            gc.freeze()

    gc.collect()
    gc.freeze()
    gc.callbacks.append(look)
    try:
        yield
    finally:
        gc.callbacks.remove(look)
        gc.unfreeze()
