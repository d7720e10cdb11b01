"""Wait for a change in a folder or at the LINE simulator, instead of looking again and again.

A folder tells of each write of its files (inotify): logs, and SQLite's database. The simulator
tells of each change in its stream.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from simulator.line.control import PREFIX

IN_MODIFY, IN_MOVED_TO, IN_CREATE = 0x2, 0x80, 0x100
WRITTEN = IN_MODIFY | IN_MOVED_TO | IN_CREATE
MOST_BYTES = 1 << 20
_libc = ctypes.CDLL(None, use_errno=True)

Place = Path | str
"""A folder, or the address of a simulator."""


class Changes:
    """What was opened to hear of changes; those since then are not missed."""

    def __init__(self, heard: Iterable[int]) -> None:
        self._heard = set(heard)

    def wait(self, seconds: float) -> None:
        """Return after a change, at the latest after ``seconds``."""
        for each in select.select(self._heard, [], [], max(0.0, seconds))[0]:
            with contextlib.suppress(BlockingIOError):
                if not os.read(each, MOST_BYTES):
                    self._heard.discard(each)  # the simulator has ended


@contextmanager
def changes_at(places: Iterable[Place]) -> Iterator[Changes]:
    """Listen to changes at these places; a simulator that does not run has none."""
    with contextlib.ExitStack() as stack:
        heard = []
        for place in places:
            found = _folder(place) if isinstance(place, Path) else _stream(place)
            if found is not None:
                stack.callback(os.close, found)
                heard.append(found)
        yield Changes(heard)


def _folder(folder: Path) -> int:
    """Return a descriptor to read changes in a folder from."""
    heard: int = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert heard >= 0, os.strerror(ctypes.get_errno())
    for inside, _, _ in os.walk(folder):
        _libc.inotify_add_watch(heard, os.fsencode(inside), WRITTEN)
    return heard


def _stream(url: str) -> int | None:
    """Return a descriptor to read a simulator's changes from."""
    address = urlsplit(url)
    where = (address.hostname or "", address.port or 80)
    try:
        line = socket.create_connection(where, timeout=10)
        line.sendall(f"GET {PREFIX}stream HTTP/1.1\r\nHost: simulator\r\n\r\n".encode())
        said = b""
        while b"ready" not in said:  # the first event says that it listens
            got = line.recv(4096)
            if not got:
                line.close()
                return None
            said += got
    except OSError:
        return None
    line.setblocking(False)
    return line.detach()
