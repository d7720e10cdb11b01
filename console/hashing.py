"""Hash passwords in separate threads, with a limit.

An Argon2id hash takes 64 MB and a tenth of a second on purpose. Somebody who tries passwords must
not use up the threads or the memory that webhooks and pages need. So hashing has its own threads:
one for unknown browsers, one for browsers that have signed in before and for staff at work.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from core.errors import Refusal
from core.languages import mark

MOST_TRYING = 8
"""Concurrent sign-ins in one lane; the next one is told to try again."""

T = TypeVar("T")


class TooBusy(Refusal):
    """Too many people are signing in at this moment."""

    def __init__(self) -> None:
        super().__init__(
            mark("Too many people are signing in just now. Please try again in a few seconds.")
        )


class HashingLane:
    """One thread for hashing, and how many may wait for it.

    Parameters
    ----------
    name
        Of the thread.
    niceness
        The nice value of the thread (0 to 19). Linux only; elsewhere a nice value is for the whole
        process.
    """

    def __init__(self, name: str, niceness: int = 0) -> None:
        def begin() -> None:
            if niceness and sys.platform == "linux":
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)

        self._threads = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix=f"passwords-{name}", initializer=begin
        )
        self.trying = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Reserve a place for a sign-in.

        Raises
        ------
        TooBusy
            All are in use; the database was not asked.
        """
        if self.trying >= MOST_TRYING:
            raise TooBusy
        self.trying += 1
        try:
            yield
        finally:
            self.trying -= 1

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Run ``work`` in the lane's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


STRANGERS = HashingLane("strangers", niceness=10)
KNOWN = HashingLane("known")
