"""Made files kept in memory, bounded by their size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock


class KeptBytes:
    """Keeps the files that were asked for last; threads may share it.

    Parameters
    ----------
    most_bytes
        How large all of them may be together.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._files: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> bytes | None:
        with self._lock:
            found = self._files.get(key)
            if found is not None:
                self._files.move_to_end(key)
            return found

    def put(self, key: Hashable, file: bytes) -> None:
        with self._lock:
            self._size += len(file) - len(self._files.pop(key, b""))
            self._files[key] = file
            while self._size > self._most:
                _, gone = self._files.popitem(last=False)
                self._size -= len(gone)
